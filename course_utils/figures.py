"""New figures: one width, shown once below the cell, closed afterwards, with a text for those who do not see them."""

import html

import matplotlib
import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.core.pylabtools import print_figure
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, FigureBase

WIDTH = 8.5
"""Inches; 850 pixels at matplotlib's 100 dots per inch, which a laptop shows without shrinking."""


class Panel(Axes):
    """Axes that leave no line of text below a cell that ends with them: their figure is shown there."""

    def _ipython_display_(self) -> None:
        _show_unless_pending(self.figure)


class Panels(list):
    """Several Axes of one figure, as quiet as a single one."""

    def _ipython_display_(self) -> None:
        _show_unless_pending(self[0].figure)


def new_axes(rows: int = 1, row_height: float = 2.6) -> list[Axes]:
    """Make a figure with Axes below each other that share their x axis.

    In a notebook, the figure appears below the cell and is then closed. Elsewhere nobody keeps it: it lives as long as
    its Axes, and `axes[0].figure.savefig("name.png")` writes it.

    Args:
        rows: number of Axes.
        row_height: inches for each.

    Returns:
        `rows` Axes, the topmost first.

    Taught in 07_speech_recognition.
    """
    size = (WIDTH, rows * row_height)
    make = plt.figure if _is_inline_notebook() else Figure
    figure = make(figsize=size, layout="constrained")
    axes = figure.subplots(rows, sharex=True, squeeze=False, subplot_kw={"axes_class": Panel})
    return Panels(axes[:, 0])


def describe(figure: Figure) -> str:
    """Say in words what a figure shows: its panels, their titles, axes with their ends, and marks."""
    return " ".join(_describe_axes(ax) for ax in figure.axes)


def _bundle(figure: Figure) -> dict[str, str]:
    """The picture for notebooks (HTML, with its text) and for what reads no HTML, drawn once for both."""
    # The inline backend sets a formatter of its own whenever it is configured; it would draw the figure once more.
    get_ipython().display_formatter.formatters["image/png"].pop(Figure, None)
    png = print_figure(figure, base64=True)
    if png is None:  # there is nothing on the figure
        return {}
    image = f'<img alt="{html.escape(describe(figure))}" src="data:image/png;base64,{png}">'
    return {"text/html": image, "image/png": png}


# JupyterLab gives a plain image no `alt`, but keeps that of an <img> in HTML, and prefers HTML. Every figure of the
# notebook gets one, the learner's own ones too. (For the base class: the inline backend drops what is set for Figure.)
if get_ipython() is not None:
    get_ipython().display_formatter.mimebundle_formatter.for_type(FigureBase, _bundle)


def _describe_axes(ax: Axes) -> str:
    if ax.get_label() == "<colorbar>":
        return f"Colour: {_describe_axis(ax.yaxis)}."
    heading = ": ".join(text for text in (ax.get_label(), ax.get_title()) if text) or "Plot"
    marks = [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []
    axes = [_describe_axis(axis) for axis in (ax.xaxis, ax.yaxis) if axis.get_label_text()]
    return ". ".join(filter(None, [heading, "; ".join(axes + marks)])) + "."


def _describe_axis(axis: Axis) -> str:
    low, high = sorted(axis.get_view_interval())
    labels = [tick.get_text() for tick in axis.get_majorticklabels()]
    shown = [label for label, at in zip(labels, axis.get_majorticklocs(), strict=False) if low <= at <= high]
    return f"{axis.get_label_text()} from {shown[0]} to {shown[-1]}" if shown else axis.get_label_text()


def _is_inline_notebook() -> bool:
    # Asking for the backend outside IPython would make matplotlib look for a window system.
    return get_ipython() is not None and "inline" in matplotlib.get_backend()


def _show_unless_pending(figure: Figure) -> None:
    if getattr(figure, "number", None) not in plt.get_fignums():
        display(figure)
