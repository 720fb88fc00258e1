"""The mel explorer: a bank of filters, and the mel spectrogram that it makes of a recording."""

import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor
from torchaudio.functional import melscale_fbanks, spectrogram

from course_utils.errors import WaveformError
from course_utils.plots import MEL_SCALES, loudest_per_pixel, to_db
from course_utils.widgets.explorer import Choice, Explorer, Slider
from course_utils.widgets.images import LEFT, WIDTH, new_image, show_mel_levels
from course_utils.widgets.recordings import Recording, check_longer_than_half_a_window, open_recordings

NORMS = {"htk": None, "slaney": "slaney"}
"""What is usual with each scale: torchaudio's default, all peaks 1, and librosa's, all areas 1."""


class MelPicture(NamedTuple):
    """What the explorer draws."""

    levels: Tensor
    """dB, [bands, columns], lowest band first; no more columns than the pixels that there are."""
    extent: tuple[float, float, float, float]
    """Where its left and right edges lie in seconds, and where the filters begin and end in Hz."""
    corners: Tensor
    """Hz, [bands + 2]: triangle m rises from corner m to its peak at corner m + 1 and falls to corner m + 2."""
    peaks: Tensor
    """The weight at the peak of each triangle, [bands]."""
    empty: Tensor
    """Which bands hold no bin, so that all their weights are 0: bool, [bands]."""
    caption: str


def mel_explorer(recordings: str | Sequence[str] | Mapping[str, Recording] | None = None) -> Explorer:
    """Show a mel filter bank and the mel spectrogram of a recording, with controls for all that shapes them.

    The picture is that of `torchaudio.transforms.MelSpectrogram(sample_rate, n_fft, hop_length=n_fft // 4,
    n_mels=n_mels, f_min=f_min, f_max=f_max, mel_scale=scale)` and `AmplitudeToDB("power", top_db)`, moved so that the
    loudest point lies at 0 dB. With the scale "slaney" comes norm="slaney", as in librosa. An f_max above half of the
    sample rate counts as that. Several channels are averaged. Of a long recording, the first 5 seconds are shown and
    heard.

    Args:
        recordings: a name from `sample_names()` or several; or your own, {name: (waveform, sample_rate)},
            [channels, samples], float in [-1, 1], and Hz; all that the course has if None. The first comes first.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(n_mels=40)` moves a control.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, one of your own is no waveform with its rate, or half of the window to start with
            is longer than the first.

    Taught in 04_mel_and_mfcc.
    """
    names, beginning = open_recordings(recordings)

    def draw(
        figure: Figure, recording: str, n_fft: int, n_mels: int, f_min: float, f_max: float, scale: str, top_db: float
    ) -> str:
        waveform, rate, note = beginning(recording)
        if not figure.axes:
            new_image(figure, 0.1, 0.54)
            _add_bank(figure)
        axes, _, bank = figure.axes
        shown = mel_picture_data(
            waveform, rate, n_fft, n_mels, f_min, f_max, scale, top_db, columns=round(axes.bbox.width)
        )
        seconds = waveform.shape[1] / rate
        show_mel_levels(axes.images[0], shown.levels, shown.extent, -top_db, seconds=seconds, mel_scale=scale)
        silent = MEL_SCALES[scale][0](shown.corners[1:-1][shown.empty])
        axes.lines[0].set_data(np.ones(len(silent)), silent)
        _show_bank(bank, shown, rate / n_fft)
        return shown.caption + note

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", names),
            Slider("n_fft", "Window (n_fft)", [128, 256, 400, 512, 1024, 2048, 4096], 1024, "samples"),
            Slider("n_mels", "Bands (n_mels)", [8, 13, 20, 26, 40, 64, 80, 128, 160], 80),
            Slider("f_min", "Lowest frequency (f_min)", [0, 20, 50, 100, 200, 500, 1000, 2000, 4000], 0, "Hz"),
            Slider("f_max", "Highest frequency (f_max)", [500, 1000, 2000, 4000, 8000, 16000, 24000], 8000, "Hz"),
            Choice("scale", "Scale (mel_scale)", list(NORMS)),
            Slider("top_db", "Range (top_db)", range(20, 130, 10), 80, "dB"),
        ],
        label="Mel explorer",
        sound=lambda recording: beginning(recording)[:2],
        size=(8.0, 4.8),
    )


def mel_picture_data(
    waveform: Tensor,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    f_min: float,
    f_max: float,
    scale: str,
    top_db: float,
    *,
    columns: int,
) -> MelPicture:
    """Compute the picture of the explorer and what to say about it.

    Args:
        waveform: [channels, samples], float; its channels are averaged.
        sample_rate: Hz.
        n_fft: length of the Hann window and of the transform, in samples; at most twice the waveform's samples. The hop
            is a quarter of it.
        n_mels: how many bands.
        f_min: Hz, where the lowest triangle begins.
        f_max: Hz, where the highest triangle ends; half the sample rate if that is less.
        scale: "htk" or "slaney"; the latter with areas of 1 instead of peaks of 1.
        top_db: dB from the loudest point to the floor.
        columns: pixels for the time.

    Returns:
        Levels in dB [n_mels, at most columns], where they belong, the filters and the caption.

    Raises:
        WaveformError: there is nothing between f_min and f_max, or the waveform has no more than n_fft // 2 samples.
    """
    f_max = min(f_max, sample_rate / 2)
    if f_min >= f_max:
        raise WaveformError(
            f"There is nothing between f_min, {f_min:g} Hz, and f_max, {f_max:g} Hz.", "Choose a lower f_min."
        )
    mono, hop_length = waveform.mean(dim=0), n_fft // 4
    check_longer_than_half_a_window(len(mono), n_fft)
    power = spectrogram(mono, 0, torch.hann_window(n_fft), n_fft, hop_length, n_fft, power=2.0, normalized=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty bands: the caption counts them
        filters = melscale_fbanks(len(power), f_min, f_max, n_mels, sample_rate, NORMS[scale], scale)
    loudest, (_, block) = loudest_per_pixel(filters.T @ power, n_mels, columns)
    hz_to_mel, mel_to_hz = MEL_SCALES[scale]
    corners = torch.from_numpy(mel_to_hz(np.linspace(hz_to_mel(f_min), hz_to_mel(f_max), n_mels + 2)))
    widths = corners[2:] - corners[:-2]
    empty = filters.amax(dim=0) == 0
    hop = hop_length / sample_rate
    return MelPicture(
        levels=to_db(loudest, floor_db=-top_db),
        extent=(-hop / 2, (loudest.shape[1] * block - 0.5) * hop, f_min, f_max),
        corners=corners,
        peaks=torch.ones(n_mels) if NORMS[scale] is None else 2 / widths,
        empty=empty,
        caption=_caption(f_min, f_max, widths, sample_rate / n_fft, int(empty.sum())),
    )


def _caption(f_min: float, f_max: float, widths: Tensor, bin_width: float, empty: int) -> str:
    lowest, highest = (f"{width:.3g}" if width < 100 else f"{width:.0f}" for width in widths[[0, -1]])
    caption = (
        f"{len(widths)} bands from {f_min:g} to {f_max:g} Hz, the lowest {lowest} Hz wide at its foot, "
        f"the highest {highest} Hz; bins {bin_width:.3g} Hz apart."
    )
    if empty:
        caption += f" {empty} {'band holds' if empty == 1 else 'bands hold'} no bin: too narrow, between two of them."
    return caption


def _add_bank(figure: Figure) -> None:
    """Add the panel of the filters, and the marks of the empty ones at the right edge of the picture."""
    image_axes = figure.axes[0]
    image_axes.plot(
        [],
        [],
        "<",
        color="tab:red",
        markersize=4,
        transform=image_axes.get_yaxis_transform(),
        clip_on=False,
        animated=True,
    )
    bank = figure.add_axes((LEFT, 0.78, WIDTH, 0.19))
    for colour, width in (("0.5", 0.5), ("tab:blue", 0.8), ("tab:red", 1.5)):
        bank.add_collection(LineCollection([], colors=colour, linewidths=width, snap=False, animated=True))
    bank.set(xlabel="Frequency in Hz; the ticks below 0 are the bins", ylabel="Weight")
    bank.spines[["top", "right"]].set_visible(False)


def _show_bank(bank: Axes, shown: MelPicture, bin_width: float) -> None:
    top = float(shown.peaks.max())
    f_min, f_max = shown.extent[2:]
    limits = {"xlim": (f_min, f_max), "ylim": (-0.2 * top, 1.05 * top)}
    if (bank.get_xlim(), bank.get_ylim()) != tuple(limits.values()):
        bank.set(**limits)
    places = shown.corners.unfold(0, 3, 1)
    triangles = torch.stack([places, shown.peaks[:, None] * torch.tensor([0.0, 1.0, 0.0])], dim=2).numpy()
    ticks = [[(place, -0.17 * top), (place, -0.05 * top)] for place in np.arange(0, f_max, bin_width)]
    for collection, segments in zip(
        bank.collections, (ticks, triangles[~shown.empty], triangles[shown.empty]), strict=True
    ):
        collection.set_segments(segments)
