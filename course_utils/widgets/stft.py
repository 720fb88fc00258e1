"""The STFT explorer: one recording, and what window, hop and floor make of its spectrogram."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor
from torchaudio.functional import spectrogram
from torchaudio.transforms import Fade

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import WaveformError
from course_utils.plots import COLOUR_MAP, loudest_per_pixel, to_db
from course_utils.samples import clicks, load_sample, sample_info, sample_names, tone
from course_utils.widgets.explorer import Choice, Explorer, Slider

MAX_SECONDS = 5.0
"""What is shown and heard of a recording: at 44.1 kHz, the slowest setting then takes a third of a second."""

TONES_AND_CLICKS = "tones_and_clicks"
"""The name of `tones_and_clicks()` among the recordings."""


class Picture(NamedTuple):
    """What the explorer draws."""

    levels: Tensor
    """dB, [rows, columns], lowest frequency first; no more than the pixels that there are."""
    extent: tuple[float, float, float, float]
    """Where its left, right, lower and upper edges lie, in seconds and Hz."""
    caption: str


def stft_explorer(recordings: str | Sequence[str] | Mapping[str, tuple[Tensor, int]] | None = None) -> Explorer:
    """Show the spectrogram of a recording, with controls for n_fft, hop_length, the highest frequency and the floor.

    The picture is that of `torchaudio.transforms.Spectrogram(n_fft, hop_length=hop_length)` in dB relative to its
    loudest point. Several channels are averaged. Of a long recording, the first `MAX_SECONDS` are shown and heard.

    Args:
        recordings: a name from `sample_names()` or several, also `TONES_AND_CLICKS`; or your own,
            {name: (waveform, sample_rate)}, [channels, samples], float in [-1, 1], and Hz; all that the course has if
            None. The first comes first.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(n_fft=256)` moves a control.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, one of your own is no waveform with its rate, or half of the window to start with
            is longer than the first.

    Taught in 02_seeing_sound.
    """
    if recordings is None:
        recordings = [*sample_names(), TONES_AND_CLICKS]
    elif isinstance(recordings, str):
        recordings = [recordings]
    if not recordings:
        raise WaveformError("There are no recordings to show.", "Name one, or leave the argument out to get all.")
    own = {}
    if isinstance(recordings, Mapping):
        own = {name: _own_recording(name, pair) for name, pair in recordings.items()}
    else:
        for name in recordings:
            if name != TONES_AND_CLICKS:
                sample_info(name)

    @lru_cache
    def load(recording: str) -> tuple[Tensor, int]:
        if recording in own:
            return own[recording]
        return tones_and_clicks() if recording == TONES_AND_CLICKS else load_sample(recording)

    def beginning(recording: str) -> tuple[Tensor, int]:
        waveform, rate = load(recording)
        return waveform[:, : round(MAX_SECONDS * rate)], rate

    def draw(figure: Figure, recording: str, n_fft: int, hop_length: int, f_max: float, floor_db: float) -> str:
        waveform, rate = beginning(recording)
        image = figure.axes[0].images[0] if figure.axes else _new_image(figure)
        box = image.axes.bbox
        f_max = min(f_max, rate / 2)
        picture = stft_picture_data(
            waveform, rate, n_fft, hop_length, f_max, floor_db, rows=round(box.height), columns=round(box.width)
        )
        limits = {"xlim": (0, waveform.shape[1] / rate), "ylim": (0, f_max)}
        if (image.axes.get_xlim(), image.axes.get_ylim()) != tuple(limits.values()):
            image.axes.set(**limits)
        if image.get_clim() != (floor_db, 0):
            image.set_clim(floor_db, 0)
        # As colours, the few levels take half the time that they take as numbers to be coloured pixel by pixel.
        image.set_data(image.to_rgba(picture.levels.numpy(), bytes=True))
        image.set_extent(picture.extent)
        cut = waveform.shape[1] < load(recording)[0].shape[1]
        return f"{picture.caption} Only the first {MAX_SECONDS:g} s are shown." if cut else picture.caption

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", list(recordings)),
            Slider("n_fft", "Window (n_fft)", [2**power for power in range(6, 14)], 1024, "samples"),
            Slider("hop_length", "Hop (hop_length)", [2**power for power in range(6, 13)], 256, "samples"),
            Slider("f_max", "Highest frequency (f_max)", [500, 1000, 2000, 4000, 8000, 16000, 24000], 8000, "Hz"),
            Slider("floor_db", "Floor (floor_db)", range(-120, -10, 10), -80, "dB"),
        ],
        label="STFT explorer",
        sound=beginning,
    )


def stft_picture_data(
    waveform: Tensor,
    sample_rate: int,
    n_fft: int,
    hop_length: int,
    f_max: float,
    floor_db: float,
    *,
    rows: int,
    columns: int,
) -> Picture:
    """Compute the picture of the explorer and what to say about it.

    Where there are more bins or frames than pixels, a pixel shows the loudest of its own: no click, no tone is lost.

    Args:
        waveform: [channels, samples], float; its channels are averaged.
        sample_rate: Hz.
        n_fft: length of the Hann window and of the transform, in samples; at most twice the waveform's samples.
        hop_length: samples from one frame to the next; may be longer than the window.
        f_max: Hz; what lies above is left out.
        floor_db: dB, negative, relative to the loudest point of the whole spectrogram.
        rows: pixels for the frequencies.
        columns: pixels for the time.

    Returns:
        Levels in dB [at most rows, at most columns], where they belong, and the caption.

    Raises:
        WaveformError: the waveform has no more than n_fft // 2 samples, too few to be mirrored at both ends.
    """
    mono = waveform.mean(dim=0)
    if len(mono) <= n_fft // 2:
        raise WaveformError(
            f"Half a window of {n_fft} samples is longer than the recording, {len(mono)} samples.",
            "Choose a shorter window.",
        )
    power = spectrogram(mono, 0, torch.hann_window(n_fft), n_fft, hop_length, n_fft, power=2.0, normalized=False)
    bins, frames = power.shape
    bin_width, hop = sample_rate / n_fft, hop_length / sample_rate
    visible = power[: ceil(f_max / bin_width) + 1]
    loudest, block = loudest_per_pixel(visible, rows, columns)
    levels = to_db(loudest, reference=float(power.max()) or None, floor_db=floor_db)
    heights, widths = levels.shape
    extent = (-hop / 2, (widths * block[1] - 0.5) * hop, -bin_width / 2, (heights * block[0] - 0.5) * bin_width)
    return Picture(levels, extent, _caption(sample_rate, n_fft, hop_length, bins, frames))


def tones_and_clicks() -> tuple[Tensor, int]:
    """Two tones, 1000 and 1040 Hz, and two clicks, 20 ms apart: no window separates both pairs.

    A Hann window tells tones apart that differ by about two of its bins, 2 / seconds Hz, so that this pair needs 50 ms.

    Returns:
        [1, 16000], float32 in [-1, 1], and 16000 Hz.
    """
    tones = tone(1000, amplitude=0.2) + tone(1040, amplitude=0.2)
    # Without the fades, both ends would look like clicks.
    return Fade(1600, 1600, "half_sine")(tones) + clicks([0.5, 0.52], amplitude=0.5), 16000


def _own_recording(name: str, pair: tuple[Tensor, int]) -> tuple[Tensor, int]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WaveformError(
            f"{name}: a {type(pair).__name__} is given; a waveform and its sample rate are expected.",
            f"Pass both: {{{name!r}: (waveform, sample_rate)}}.",
        )
    try:
        return check_waveform(pair[0]).detach().cpu().float(), check_sample_rate(pair[1])
    except WaveformError as error:
        raise WaveformError(f"{name}: {error.problem}", error.remedy) from None


def _caption(sample_rate: int, n_fft: int, hop_length: int, bins: int, frames: int) -> str:
    caption = (
        f"Window {_milliseconds(n_fft / sample_rate)}, {bins} bins {sample_rate / n_fft:.1f} Hz apart, "
        f"{frames} frames {_milliseconds(hop_length / sample_rate)} apart."
    )
    if hop_length > n_fft:
        gap = hop_length - n_fft
        caption += f" The hop is longer than the window: {gap} of every {hop_length} samples are never looked at."
    return caption


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{1000 * seconds:.0f} ms"


def _new_image(figure: Figure) -> AxesImage:
    """Empty axes with a colour bar, laid out once for all: a layout engine would cost more than the picture."""
    figure.set_layout_engine("none")
    axes, bar = figure.add_axes((0.1, 0.14, 0.785, 0.82)), figure.add_axes((0.905, 0.14, 0.018, 0.82))
    image = axes.imshow([[0.0]], aspect="auto", origin="lower", interpolation="nearest", cmap=COLOUR_MAP, animated=True)
    figure.colorbar(image, cax=bar).set_label("dB relative to the loudest point", size="small")
    axes.set(xlabel="Time in seconds", ylabel="Frequency in Hz")
    axes.spines[["top", "right"]].set_visible(False)
    return image
