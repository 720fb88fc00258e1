"""The vocoder explorer: what is left of a recording as a mel spectrogram, made a sound again by Griffin-Lim."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchaudio.functional import griffinlim, melscale_fbanks
from torchaudio.transforms import InverseMelScale, Spectrogram

from course_utils.plots import loudest_per_pixel, to_db
from course_utils.widgets.explorer import Choice, Explorer, Slider
from course_utils.widgets.images import new_image, show_levels
from course_utils.widgets.recordings import Recording, check_longer_than_half_a_window, open_recordings

HOP_SECONDS = 0.016
"""From frame to frame; a window is four times as long: 1024 and 256 samples at 16 kHz."""

FLOOR_DB = -80.0

KEPT = {"every bin": None, "128 mel bands": 128, "80 mel bands": 80, "40 mel bands": 40, "20 mel bands": 20}
"""What the vocoder is given, and how many mel bands that is."""


def vocoder_explorer(recordings: str | Sequence[str] | Mapping[str, Recording] | None = None) -> Explorer:
    """Take the phase and the fine detail from a recording, let Griffin-Lim guess both, and hear the result.

    The magnitudes of an STFT with a Hann window of 64 ms and a hop of 16 ms are summed to mel bands (HTK scale, up to
    half the sample rate), spread to bins again by `torchaudio.transforms.InverseMelScale`, and turned into sound by
    `torchaudio.transforms.GriffinLim` with its default momentum, after `torch.manual_seed(0)`. Several channels are
    averaged. Of a long recording, the first 5 seconds are used.

    Args:
        recordings: a name from `sample_names()` or several; or your own, {name: (waveform, sample_rate)},
            [channels, samples], float in [-1, 1], and Hz; all that the course has if None. The first comes first.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(n_iter=1)` moves a control.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, one of your own is no waveform with its rate, or the first is shorter than half a
            window, 32 ms.

    Taught in 11_text_to_speech. Source: D. Griffin and J. Lim, Signal Estimation from Modified Short-Time Fourier
    Transform, 1984; N. Perraudin and others, A Fast Griffin-Lim Algorithm, 2013.
    """
    names, beginning = open_recordings(recordings)

    @lru_cache(maxsize=4)
    def analyse(recording: str) -> Tensor:
        waveform, rate, _ = beginning(recording)
        return magnitudes(waveform.mean(dim=0), rate)

    @lru_cache(maxsize=16)
    def rebuild(recording: str, kept: str, n_iter: int) -> tuple[Tensor, Tensor]:
        waveform, rate, _ = beginning(recording)
        given = through_mel(analyse(recording), KEPT[kept], rate)
        return given, vocode(given, n_iter, rate, waveform.shape[1])

    def draw(figure: Figure, recording: str, kept: str, n_iter: int) -> str:
        waveform, rate, note = beginning(recording)
        original = analyse(recording)
        given, sound = rebuild(recording, kept, n_iter)
        found = magnitudes(sound, rate)
        image = figure.axes[0].images[0] if figure.axes else new_image(figure)
        levels = to_db(found.square(), reference=float(original.square().max()) or None, floor_db=FLOOR_DB)
        axes, seconds = image.axes, waveform.shape[1] / rate
        columns, (high, wide) = loudest_per_pixel(levels, axes.bbox.height, axes.bbox.width)
        hop, width = hop_length(rate) / rate, rate / (4 * hop_length(rate))
        extent = (-hop / 2, (columns.shape[1] * wide - 0.5) * hop, -width / 2, (len(columns) * high - 0.5) * width)
        show_levels(image, columns.clamp(max=0), extent, FLOOR_DB, xlim=(0, seconds), ylim=(0, rate / 2))
        rounds = "1 round" if n_iter == 1 else f"{n_iter} rounds"
        return (
            f"{kept[0].upper()}{kept[1:]} kept, {rounds} of Griffin-Lim. The sound's magnitudes are "
            f"{100 * convergence(given, found):.0f} % off those it was given, and "
            f"{100 * convergence(original, found):.0f} % off the recording's." + note
        )

    def sound(recording: str, kept: str, n_iter: int) -> tuple[Tensor, int]:
        return rebuild(recording, kept, n_iter)[1][None], beginning(recording).sample_rate

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", names),
            Choice("kept", "What the vocoder is given", list(KEPT), "80 mel bands"),
            Slider("n_iter", "Rounds of Griffin-Lim (n_iter)", [0, 1, 2, 4, 8, 16, 32, 64], 32),
        ],
        label="Vocoder explorer",
        sound=sound,
    )


def hop_length(sample_rate: int) -> int:
    """Samples from frame to frame, 16 ms, as a whole number."""
    return round(HOP_SECONDS * sample_rate)


def magnitudes(mono: Tensor, sample_rate: int) -> Tensor:
    """The magnitudes of a waveform's STFT.

    Args:
        mono: [samples], float.
        sample_rate: Hz.

    Returns:
        [bins, frames], 0 or greater.

    Raises:
        WaveformError: the waveform is shorter than half a window.
    """
    hop = hop_length(sample_rate)
    check_longer_than_half_a_window(len(mono), 4 * hop, "Choose a longer recording.")
    return Spectrogram(4 * hop, hop_length=hop, power=1)(mono)


def through_mel(magnitude: Tensor, n_mels: int | None, sample_rate: int) -> Tensor:
    """Sum magnitudes to mel bands and spread them to bins again.

    Args:
        magnitude: [bins, frames].
        n_mels: how many bands; None leaves the magnitudes as they are.
        sample_rate: Hz.

    Returns:
        [bins, frames]: the smallest magnitudes that have these bands, those below 0 set to 0.
    """
    if n_mels is None:
        return magnitude
    bank = melscale_fbanks(len(magnitude), 0, sample_rate / 2, n_mels, sample_rate)
    to_bins = InverseMelScale(len(magnitude), n_mels, sample_rate, driver="gelsd")  # "gels" fails on an empty filter
    return to_bins(bank.T @ magnitude)


def vocode(magnitude: Tensor, n_iter: int, sample_rate: int, samples: int) -> Tensor:
    """Find a sound with these magnitudes. The learner's own random numbers go on as if nothing had been drawn.

    Args:
        magnitude: [bins, frames].
        n_iter: rounds of Griffin-Lim.
        sample_rate: Hz.
        samples: length of the sound.

    Returns:
        [samples], float.
    """
    hop = hop_length(sample_rate)
    n_fft = 4 * hop
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        window = torch.hann_window(n_fft)
        return griffinlim(magnitude, window, n_fft, hop, n_fft, 1.0, n_iter, 0.99, samples, rand_init=True)


def convergence(target: Tensor, found: Tensor) -> float:
    """The spectral convergence: how far magnitudes are off, as a share of all there is; 0 is perfect.

    Args:
        target: [bins, frames].
        found: [bins, frames].
    """
    loudness = target.norm()
    return float((found - target).norm() / loudness) if loudness else 0.0
