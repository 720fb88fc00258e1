"""A spectrogram as an image that changes fast: axes laid out once, the rest of the figure drawn once."""

import torch
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from course_utils.plots import COLOUR_MAP, MEL_SCALES, MEL_TICKS

LEFT, WIDTH = 0.1, 0.785
"""Of the image, as shares of the figure's width; a panel above it may use the same."""


def new_image(figure: Figure, bottom: float = 0.14, height: float = 0.82) -> AxesImage:
    """Add empty axes with a colour bar; a layout engine would cost more than the picture.

    Args:
        figure: gets two more Axes: that of the image, with time along x, and that of the bar.
        bottom: of the image, as a share of the figure's height.
        height: of the image, as a share of the figure's height.

    Returns:
        The image, animated: Explorer draws it again without the rest.
    """
    figure.set_layout_engine("none")
    axes, bar = figure.add_axes((LEFT, bottom, WIDTH, height)), figure.add_axes((0.905, bottom, 0.018, height))
    image = axes.imshow([[0.0]], aspect="auto", origin="lower", interpolation="nearest", cmap=COLOUR_MAP, animated=True)
    figure.colorbar(image, cax=bar).set_label("dB relative to the loudest point", size="small")
    axes.set(xlabel="Time in seconds", ylabel="Frequency in Hz")
    axes.spines[["top", "right"]].set_visible(False)
    return image


def show_levels(
    image: AxesImage, levels: Tensor, extent: tuple[float, float, float, float], floor_db: float, **limits: tuple
) -> None:
    """Give an image other levels. What has not changed is left alone, so that it is not drawn again.

    Args:
        image: from `new_image`.
        levels: dB [rows, columns], lowest frequency first.
        extent: where its left, right, lower and upper edges lie.
        floor_db: of the darkest colour; 0 dB is the brightest.
        limits: xlim and ylim of the axes.
    """
    axes = image.axes
    if (axes.get_xlim(), axes.get_ylim()) != (limits["xlim"], limits["ylim"]):
        axes.set(**limits)
    if image.get_clim() != (floor_db, 0):
        image.set_clim(floor_db, 0)
    # As colours, the few levels take half the time that they take as numbers to be coloured pixel by pixel.
    image.set_data(image.to_rgba(levels.numpy(), bytes=True))
    image.set_extent(extent)


def show_mel_levels(
    image: AxesImage,
    levels: Tensor,
    extent: tuple[float, float, float, float],
    floor_db: float,
    *,
    seconds: float,
    mel_scale: str = "htk",
) -> None:
    """Give an image the levels of mel bands, with equal heights for equal steps in mel, marked in Hz.

    Each band lies around the frequency where its filter peaks; the outer ones reach to the edges.

    Args:
        image: from `new_image`.
        levels: dB [bands, columns], lowest band first.
        extent: of the levels from left to right in seconds, and of the filters from f_min to f_max in Hz.
        floor_db: of the darkest colour.
        seconds: where the time axis ends.
        mel_scale: "htk" or "slaney".
    """
    left, right, f_min, f_max = extent
    to_mel = MEL_SCALES[mel_scale][0]
    low, high = float(to_mel(f_min)), float(to_mel(f_max))
    # Two rows for a band and three for the outer ones: a filter peaks half a band further in than its row would.
    rows = torch.cat([levels[:1], levels.repeat_interleave(2, dim=0), levels[-1:]])
    show_levels(image, rows, (left, right, low, high), floor_db, xlim=(0, seconds), ylim=(low, high))
    ticks = [tick for tick in MEL_TICKS if f_min <= tick <= f_max]
    if len(ticks) < 3:
        ticks = [tick for tick in MaxNLocator(5).tick_values(f_min, f_max) if f_min <= tick <= f_max]
    places = [float(to_mel(tick)) for tick in ticks]
    if list(image.axes.get_yticks()) != places:
        image.axes.set_yticks(places, labels=[f"{tick:g}" for tick in ticks])
