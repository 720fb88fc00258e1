"""Sounds by name: the recordings that come with the course, and synthetic signals made on the spot.

Nothing here reaches the network. `data/audio/manifest.yaml` says where each recording comes from, and its licence.
"""

import difflib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import torch
import yaml
from IPython.display import HTML
from torch import Tensor

from course_utils.audio_io import load_audio
from course_utils.checks import check_sample_rate
from course_utils.errors import AudioFileError, CourseError, WaveformError
from course_utils.paths import DATA

AUDIO = DATA / "audio"

# JupyterLab aligns tables to the right with a rule of two classes, so these name two as well.
_TABLE_STYLE = """
.course-samples .samples { border-collapse: collapse; table-layout: auto; max-width: 80em; }
.course-samples .samples caption { text-align: left; font-weight: bold; padding: 0.5em 0; }
.course-samples .samples :is(th, td) { text-align: left; vertical-align: top; padding: 0.4em 0.8em; }
.course-samples .samples tbody th { font-weight: normal; white-space: nowrap; }
"""

_POWER_SLOPES = {"white": 0, "pink": 1, "brown": 2}
"""The power density of each noise falls with 1 / frequency ** slope."""


class UnknownSampleError(CourseError):
    """The course has no recording of this name."""


@dataclass(frozen=True)
class Sample:
    """One recording of the course, as `data/audio/manifest.yaml` describes it."""

    name: str
    file: str
    title: str
    heard: str
    """What is heard, in one sentence."""
    kind: str
    """speech, telephone, music, percussion, animal, noise, ambience, everyday or room."""
    source: str
    """The package and the file in it that this recording was taken from."""
    url: str
    author: str
    licence: str
    """An SPDX licence expression."""
    sha256: str
    sample_rate: int
    channels: int
    seconds: float
    transcript: str | None = None
    """What is said: lower case, no punctuation."""
    cut: Sequence[float] | None = None
    """From and to, in seconds of the source, when only a part was taken."""
    note: str | None = None
    computed: dict | None = None
    """The parameters of a file that is computed, not recorded."""


def sample_names() -> list[str]:
    """The names of all recordings, in the manifest's order: speech first, then telephone, music, drums and the rest.

    Returns:
        Names that `load_sample`, `sample_path` and `sample_info` take.

    Taught in 07_speech_recognition.
    """
    return list(_manifest())


def sample_info(name: str) -> Sample:
    """What is known about a recording: what is heard, its source, author, licence, rate, channels, length, transcript.

    Args:
        name: one of `sample_names()`.

    Returns:
        The recording's entry in the manifest.

    Raises:
        UnknownSampleError: there is no such recording; similar names are suggested.

    Taught in 00_start_here.
    """
    samples = _manifest()
    if name not in samples:
        close = difflib.get_close_matches(str(name), samples, n=3)
        suggestion = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
        raise UnknownSampleError(
            f"The course has no recording named {name!r}.",
            f"{suggestion}`sample_names()` lists all {len(samples)}.",
        )
    return samples[name]


def sample_path(name: str) -> Path:
    """Where a recording lies on the disk, for functions that take a path.

    Args:
        name: one of `sample_names()`.

    Returns:
        The path of a FLAC file.

    Raises:
        UnknownSampleError: there is no such recording; similar names are suggested.
        AudioFileError: the course has this recording, but its file is missing.

    Taught in 01_audio_io.
    """
    return _present(AUDIO / sample_info(name).file)


def load_sample(name: str) -> tuple[Tensor, int]:
    """Load a recording at its own sample rate, with all its channels.

    Args:
        name: one of `sample_names()`.

    Returns:
        The waveform, [channels, samples], float32 in [-1, 1], and its sample rate in Hz.

    Raises:
        UnknownSampleError: there is no such recording; similar names are suggested.
        AudioFileError: the file is missing or damaged.

    Taught in 00_start_here.
    """
    return load_audio(sample_path(name))


def sample_table() -> HTML:
    """All recordings as a table: name, what is heard, seconds, sample rate, channels and licence.

    Returns:
        A table that a notebook shows when it is the last line of a cell.

    Taught in 00_start_here.
    """
    columns = ("Name", "What is heard", "Seconds", "Rate in Hz", "Channels", "Licence")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "".join(_table_row(sample) for sample in _manifest().values())
    return HTML(
        f'<div class="course-samples"><style>{_TABLE_STYLE}</style><table class="samples">'
        f"<caption>The recordings</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def tone(frequency: float, seconds: float = 1.0, sample_rate: int = 16000, amplitude: float = 0.5) -> Tensor:
    """A sine tone that starts at phase 0.

    Args:
        frequency: Hz, from 0 to below half the sample rate.
        seconds: length.
        sample_rate: Hz.
        amplitude: the peak.

    Returns:
        [1, round(seconds * sample_rate)], float32 in [-amplitude, amplitude].

    Raises:
        WaveformError: the frequency cannot be sampled at this rate, or there is not one sample.

    Taught in 01_audio_io.
    """
    time = _time(seconds, sample_rate)
    if frequency == sample_rate / 2:
        raise WaveformError(
            f"A tone of {frequency:g} Hz sampled at {sample_rate} Hz is silent: every sample falls on a zero.",
            "Choose a frequency below half the sample rate, or a higher rate.",
        )
    _check_frequency(frequency, sample_rate)
    return _as_waveform(amplitude * torch.sin(2 * torch.pi * frequency * time))


def chirp(start: float, end: float, seconds: float = 1.0, sample_rate: int = 16000, amplitude: float = 0.5) -> Tensor:
    """A tone that glides from one frequency to another, by the same number of Hz in every second.

    Args:
        start: Hz at the beginning, from 0 to half the sample rate.
        end: Hz after `seconds`, from 0 to half the sample rate; may lie below `start`.
        seconds: length.
        sample_rate: Hz.
        amplitude: the peak.

    Returns:
        [1, round(seconds * sample_rate)], float32 in [-amplitude, amplitude].

    Raises:
        WaveformError: a frequency cannot be sampled at this rate, or there is not one sample.

    Taught in 01_audio_io. Source: at the time t the frequency is start + (end - start) t / T, with T = `seconds`;
    the phase is its integral, 2 pi (start t + (end - start) t^2 / 2T).
    """
    time = _time(seconds, sample_rate)
    for frequency in (start, end):
        _check_frequency(frequency, sample_rate)
    cycles = start * time + (end - start) * time**2 / (2 * seconds)
    return _as_waveform(amplitude * torch.sin(2 * torch.pi * cycles))


def clicks(times: Sequence[float], seconds: float = 1.0, sample_rate: int = 16000, amplitude: float = 0.9) -> Tensor:
    """Silence with single samples that stand out: as short as a sound can be, and as broad in frequency.

    Args:
        times: seconds from the start, each at least 0 and before the end; moved to the nearest sample.
        seconds: length.
        sample_rate: Hz.
        amplitude: the value of each click.

    Returns:
        [1, round(seconds * sample_rate)], float32: 0 or `amplitude`.

    Raises:
        WaveformError: a click lies outside, or there is not one sample.

    Taught in 02_seeing_sound.
    """
    waveform = torch.zeros(1, _length(seconds, sample_rate))
    for time in times:
        index = round(time * sample_rate)
        if not 0 <= index < waveform.shape[1]:
            raise WaveformError(
                f"A click at {time:g} s lies outside a signal of {seconds:g} s.",
                "Choose times from 0 to just before the end, or a longer signal.",
            )
        waveform[0, index] = amplitude
    return waveform


def noise(
    seconds: float = 1.0,
    sample_rate: int = 16000,
    color: Literal["white", "pink", "brown"] = "white",
    seed: int = 0,
    rms: float = 0.1,
) -> Tensor:
    """Random noise with a chosen spectrum and exactly the chosen level; the same seed gives the same noise.

    Args:
        seconds: length.
        sample_rate: Hz.
        color: white has the same power at all frequencies; pink falls by 3 dB an octave, brown by 6 dB.
        seed: of the random numbers.
        rms: root mean square of all samples, above 0; single samples reach four to five times as much.

    Returns:
        [1, round(seconds * sample_rate)], float32, mean 0; may exceed [-1, 1] when `rms` is above 0.2.

    Raises:
        WaveformError: an unknown colour, a level that is not positive, or fewer than two samples.

    Taught in 12_effects. Source: the spectrum of white Gaussian noise divided by f^0, f^(1/2) or f^1, so
    that its power is constant, falls with 1/f or with 1/f^2.
    """
    if color not in _POWER_SLOPES:
        raise WaveformError(f"There is no {color!r} noise here.", f"Choose one of {', '.join(_POWER_SLOPES)}.")
    if not rms > 0:
        raise WaveformError(f"The level of the noise is {rms!r}.", "Choose an rms above 0, for example 0.1.")
    length = _length(seconds, sample_rate, least=2)
    white = torch.randn(length, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    spectrum = torch.fft.rfft(white)
    bins = torch.arange(1, len(spectrum), dtype=torch.float64)
    spectrum[0] = 0
    spectrum[1:] *= bins ** (-_POWER_SLOPES[color] / 2)
    shaped = torch.fft.irfft(spectrum, n=length)
    return _as_waveform(shaped * rms / shaped.square().mean().sqrt())


def _table_row(sample: Sample) -> str:
    facts = (sample.heard, f"{sample.seconds:.1f}", sample.sample_rate, sample.channels, sample.licence)
    cells = "".join(f"<td>{html.escape(str(fact))}</td>" for fact in facts)
    return f'<tr><th scope="row">{html.escape(sample.name)}</th>{cells}</tr>'


@cache
def _manifest() -> dict[str, Sample]:
    text = _present(AUDIO / "manifest.yaml").read_text(encoding="utf-8")
    samples = (Sample(name=Path(entry["file"]).stem, **entry) for entry in yaml.safe_load(text))
    return {sample.name: sample for sample in samples}


def _present(path: Path) -> Path:
    if not path.is_file():
        raise AudioFileError(
            f"{path} belongs to the course, but it is missing.",
            "Bring it back with `git checkout -- data/audio`, or download the course again.",
        )
    return path


def _length(seconds: float, sample_rate: int, least: int = 1) -> int:
    length = round(seconds * check_sample_rate(sample_rate))
    if length < least:
        raise WaveformError(
            f"A signal of {seconds:g} s at {sample_rate} Hz has {max(length, 0)} samples.",
            f"Choose a length of at least {least / sample_rate:g} s.",
        )
    return length


def _time(seconds: float, sample_rate: int) -> Tensor:
    return torch.arange(_length(seconds, sample_rate), dtype=torch.float64) / sample_rate


def _check_frequency(frequency: float, sample_rate: int) -> None:
    if frequency < 0:
        raise WaveformError(f"The frequency is {frequency:g} Hz.", "Choose a frequency of 0 Hz or more.")
    if frequency > sample_rate / 2:
        alias = abs(frequency - sample_rate * round(frequency / sample_rate))
        raise WaveformError(
            f"Sampled at {sample_rate} Hz, {frequency:g} Hz would sound as {alias:g} Hz: this is aliasing.",
            f"Stay below half the sample rate, {sample_rate / 2:g} Hz, or choose a higher rate.",
        )


def _as_waveform(samples: Tensor) -> Tensor:
    return samples.to(torch.float32).unsqueeze(0)
