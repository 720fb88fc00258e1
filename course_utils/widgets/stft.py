"""The STFT explorer: one recording, and what window, hop and floor make of its spectrogram."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchaudio.functional import spectrogram
from torchaudio.transforms import Fade

from course_utils.plots import loudest_per_pixel, to_db
from course_utils.samples import clicks, tone
from course_utils.widgets.captions import milliseconds
from course_utils.widgets.explorer import Choice, Explorer, Slider
from course_utils.widgets.images import new_image, show_levels
from course_utils.widgets.recordings import Recording, check_longer_than_half_a_window, open_recordings

TONES_AND_CLICKS = "tones_and_clicks"
"""The name of `tones_and_clicks()` among the recordings."""


class Picture(NamedTuple):
    """What the explorer draws."""

    levels: Tensor
    """dB, [rows, columns], lowest frequency first; no more than the pixels that there are."""
    extent: tuple[float, float, float, float]
    """Where its left, right, lower and upper edges lie, in seconds and Hz."""
    caption: str


def stft_explorer(recordings: str | Sequence[str] | Mapping[str, Recording] | None = None) -> Explorer:
    """Show the spectrogram of a recording, with controls for n_fft, hop_length, the highest frequency and the floor.

    The picture is that of `torchaudio.transforms.Spectrogram(n_fft, hop_length=hop_length)` in dB relative to its
    loudest point. Several channels are averaged. Of a long recording, the first 5 seconds are shown and heard.

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
    names, beginning = open_recordings(recordings, {TONES_AND_CLICKS: tones_and_clicks})

    def draw(figure: Figure, recording: str, n_fft: int, hop_length: int, f_max: float, floor_db: float) -> str:
        waveform, rate, note = beginning(recording)
        image = figure.axes[0].images[0] if figure.axes else new_image(figure)
        box = image.axes.bbox
        f_max = min(f_max, rate / 2)
        picture = stft_picture_data(
            waveform, rate, n_fft, hop_length, f_max, floor_db, rows=round(box.height), columns=round(box.width)
        )
        limits = {"xlim": (0, waveform.shape[1] / rate), "ylim": (0, f_max)}
        show_levels(image, picture.levels, picture.extent, floor_db, **limits)
        return picture.caption + note

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", names),
            Slider("n_fft", "Window (n_fft)", [2**power for power in range(6, 14)], 1024, "samples"),
            Slider("hop_length", "Hop (hop_length)", [2**power for power in range(6, 13)], 256, "samples"),
            Slider("f_max", "Highest frequency (f_max)", [500, 1000, 2000, 4000, 8000, 16000, 24000], 8000, "Hz"),
            Slider("floor_db", "Floor (floor_db)", range(-120, -10, 10), -80, "dB"),
        ],
        label="STFT explorer",
        sound=lambda recording: beginning(recording)[:2],
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
    check_longer_than_half_a_window(len(mono), n_fft)
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


def _caption(sample_rate: int, n_fft: int, hop_length: int, bins: int, frames: int) -> str:
    caption = (
        f"Window {milliseconds(n_fft / sample_rate)}, {bins} bins {sample_rate / n_fft:.1f} Hz apart, "
        f"{frames} frames {milliseconds(hop_length / sample_rate)} apart."
    )
    if hop_length > n_fft:
        gap = hop_length - n_fft
        caption += f" The hop is longer than the window: {gap} of every {hop_length} samples are never looked at."
    return caption
