"""A picture that follows its controls, in a notebook: the one widget behind all explorers of the course.

An explorer is a function that draws, and a few controls whose values are its arguments:

    def draw(figure, frequency):
        figure.clear()
        figure.subplots().plot(tone(frequency, seconds=0.01)[0])
        return f"Ten milliseconds of {frequency} Hz."

    Explorer(draw, [Slider("frequency", "Frequency", range(100, 2001, 100), 440, "Hz")], label="A tone")
"""

import base64
import html
import inspect
import io
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.players import wav_bytes

_HERE = Path(__file__).parent

INK_AND_PAPER = {"light": ("#1f1f1f", "#ffffff"), "dark": ("#e0e0e0", "#111111")}
"""Lines and background of a picture in JupyterLab's themes."""

DOTS_PER_INCH = 100

# Not to be told from the original at twice its size, written in a fifth of the time of PNG or WebP, and shown sooner.
JPEG = {"quality": 95, "subsampling": 0}


@dataclass(frozen=True)
class Control:
    """What the learner moves. The values are Python's own; the browser only knows their texts and places."""

    name: str
    """The argument of the drawing function."""
    label: str
    values: Sequence
    value: Any = None
    """The one to start with; the first if None."""

    kind: ClassVar[str]

    @property
    def texts(self) -> list[str]:
        return [str(value) for value in self.values]

    def place(self, value: Any) -> int:
        """Where `value` stands among the values.

        Raises:
            CourseError: it is not one of them.
        """
        if value not in self.values:
            raise CourseError(
                f"The control {self.name!r} has no value {value!r}.",
                f"Choose one of {', '.join(map(repr, self.values))}.",
            )
        return self.values.index(value)


@dataclass(frozen=True)
class Choice(Control):
    """A menu."""

    kind = "choice"


@dataclass(frozen=True)
class Slider(Control):
    """A slider that steps through its values, which are numbers and need not be evenly spaced."""

    unit: str = ""

    kind = "slider"

    @property
    def texts(self) -> list[str]:
        return [f"{value:g} {self.unit}".rstrip().replace("-", "\N{MINUS SIGN}") for value in self.values]


class Explorer(anywidget.AnyWidget):
    """A picture, its caption and, if there is one, its sound, redrawn whenever a control moves.

    Args:
        draw: called as `draw(figure, **values)`; draws on the figure and returns one or two sentences that say what is
            seen: the caption, and the text for those who do not see it. The figure is empty at first, and after an
            error; else it holds what the last call left. Starting over with `figure.clear()` is simple; changing what
            is there is faster; and animated artists (`set_animated`) can change without the rest being drawn again.
            Backgrounds, ticks, titles, labels and texts get the colours of the page's theme.
        controls: what the learner can move; their names are the arguments of `draw`.
        label: name of the whole for screen readers.
        sound: called with those of the values that it has parameters for, when one of them has changed; returns
            (waveform [channels, samples], float, clipped at [-1, 1]; sample rate in Hz). With a sound, the x axis of
            the figure's first Axes is its time in seconds.
        size: of the figure, in inches.

    Raises:
        Whatever `draw` raises for the values to start with.
    """

    _esm = _HERE / "explorer.js"
    _css = _HERE / "explorer.css"

    _face = traitlets.Dict().tag(sync=True)
    """What never changes: label and controls."""
    _shown = traitlets.Dict().tag(sync=True)
    """The newest picture with all that belongs to it, in one piece so that it arrives in one piece."""
    _sound = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        draw: Callable[..., str],
        controls: Sequence[Control],
        *,
        label: str,
        sound: Callable[..., tuple[Tensor, int]] | None = None,
        size: tuple[float, float] = (8.0, 3.6),
    ):
        self._draw, self._make_sound = draw, sound
        self._controls = {control.name: control for control in controls}
        self._canvas = FigureCanvasAgg(Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained"))
        self._background = self._theme = self._heard = None
        self._busy = threading.Lock()  # JupyterLab may handle messages in a thread beside that of the cells
        super().__init__()
        self._face = {
            "label": label,
            "controls": [{"kind": c.kind, "name": c.name, "label": c.label, "texts": c.texts} for c in controls],
            "has_sound": sound is not None,
        }
        start = {c.name: c.place(c.values[0] if c.value is None else c.value) for c in controls}
        self._show(start, {"dark": False, "scale": 1})
        self.on_msg(lambda _, content, buffers: self.handle(content))

    @property
    def values(self) -> dict[str, Any]:
        """The value of each control."""
        return {name: self._controls[name].values[place] for name, place in self._shown["places"].items()}

    @property
    def caption(self) -> str:
        """What the picture shows, in words."""
        return self._shown["caption"]

    @property
    def picture(self) -> Image.Image:
        """The picture itself; `explorer.picture.save("mine.png")` keeps it."""
        return self._pixels().convert("RGB")

    def set(self, **values: Any) -> None:
        """Move controls from Python, as in `explorer.set(n_fft=256)`.

        Raises:
            CourseError: there is no such control, or it has no such value.
            Whatever the drawing function raises.
        """
        places = dict(self._shown["places"])
        for name, value in values.items():
            if name not in self._controls:
                raise CourseError(
                    f"There is no control named {name!r}.", f"Choose from {', '.join(map(repr, self._controls))}."
                )
            places[name] = self._controls[name].place(value)
        with self._busy:
            self._show(places, self._shown["look"])

    def handle(self, question: dict) -> None:
        """Answer a question of the browser. After an error, the widget shows it; the controls and the picture stay.

        Args:
            question: {"places": {name: place}, "look": {"dark": bool, "scale": 1 or 2}, "ticket": a number to return}.
        """
        with self._busy:
            try:
                self._show(**question)
            except Exception as error:
                text = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
                self._shown = {**self._shown, "ticket": question["ticket"], "error": text}
                if not isinstance(error, CourseError):
                    raise

    def _show(self, places: dict[str, int], look: dict, ticket: float | None = None) -> None:
        values = {name: control.values[places[name]] for name, control in self._controls.items()}
        figure = self._canvas.figure
        try:
            if figure.dpi != DOTS_PER_INCH * look["scale"]:
                figure.set_dpi(DOTS_PER_INCH * look["scale"])
            caption = self._draw(figure, **values)
            picture = self._paint("dark" if look["dark"] else "light")
        except Exception:
            figure.clear()  # what is half drawn
            raise
        with self.hold_sync():
            self._shown = {
                "ticket": ticket,
                "places": places,
                "look": look,
                "error": "",
                "caption": caption,
                "picture": _encode(picture, "JPEG", **JPEG),
                "size": picture.size,
                "time_axis": _time_axis(figure) if self._make_sound else None,
            }
            self._follow_sound(values)

    def _paint(self, theme: str) -> Image.Image:
        """Turn the figure into pixels. What is not animated is only drawn again after a change."""
        canvas, figure = self._canvas, self._canvas.figure
        if figure.stale or theme != self._theme:
            _colour(figure, *INK_AND_PAPER[theme])
            canvas.draw()
            self._background, self._theme = canvas.copy_from_bbox(figure.bbox), theme
        else:
            canvas.restore_region(self._background)
        for axes in figure.axes:
            for artist in filter(Artist.get_animated, axes.get_children()):
                axes.draw_artist(artist)
        return self._pixels()

    def _pixels(self) -> Image.Image:
        """The canvas as it was painted last, without a copy."""
        buffer = self._canvas.buffer_rgba()
        return Image.frombuffer("RGBX", (buffer.shape[1], buffer.shape[0]), buffer, "raw", "RGBX", 0, 1)

    def _follow_sound(self, values: dict[str, Any]) -> None:
        if self._make_sound is None:
            return
        heard = {name: values[name] for name in inspect.signature(self._make_sound).parameters}
        if heard != self._heard:
            self._sound, self._heard = wav_bytes(*self._make_sound(**heard)), heard

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The widget, and what is shown where widgets are not: the picture and its caption."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        png = _encode(self.picture, "PNG")
        caption, source = html.escape(self.caption), base64.b64encode(png).decode()
        data["text/plain"] = self.caption
        data["text/html"] = (
            f'<figure><img alt="{caption}" src="data:image/png;base64,{source}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
        if os.environ.get("COURSE_STATIC"):
            del data["application/vnd.jupyter.widget-view+json"]
        return data, metadata


def _colour(figure: Figure, ink: str, paper: str) -> None:
    figure.set_facecolor(paper)
    for axes in figure.axes:
        axes.set_facecolor(paper)
        axes.tick_params(which="both", color=ink, labelcolor=ink)
        axes.spines[:].set_color(ink)
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts):
            text.set_color(ink)


def _encode(picture: Image.Image, form: str, **settings: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **settings)
    return file.getvalue()


def _time_axis(figure: Figure) -> dict[str, float]:
    """Where the first Axes stand in the figure, 0 to 1 from the lower left corner, and their limits in x."""
    axes = figure.axes[0]
    box = axes.get_position(original=True)  # asking for the active one would mark the axes as changed
    start, end = axes.get_xlim()
    return {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1, "start": start, "end": end}
