"""A spectrogram as an image that changes fast: axes laid out once, the rest of the figure drawn once."""

from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from course_utils.plots import COLOUR_MAP

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


def milliseconds(seconds: float) -> str:
    """Write a short time for a caption: three digits are enough, and none after the point from 1 s on."""
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{1000 * seconds:.0f} ms"
