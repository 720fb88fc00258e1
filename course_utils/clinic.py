"""The fault clinic of 01_audio_io: five clips, each with one fault that audio programs really make."""

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.samples import load_sample


def _wrong_rate() -> tuple[Tensor, int]:
    waveform, sample_rate = load_sample("speech_2")
    return waveform, sample_rate // 2


def _clipped() -> tuple[Tensor, int]:
    waveform, sample_rate = load_sample("guitar")
    return (waveform[:, : 4 * sample_rate] * 8).clamp(-1, 1), sample_rate


def _swapped_axes() -> tuple[Tensor, int]:
    waveform, sample_rate = load_sample("drum_loop")
    return waveform.T, sample_rate


def _aliased() -> tuple[Tensor, int]:
    waveform, sample_rate = load_sample("bell")
    return waveform[:1, : 3 * sample_rate : 8], sample_rate // 8


def _cancelling_channels() -> tuple[Tensor, int]:
    waveform, sample_rate = load_sample("speech_3")
    return torch.cat([waveform, -waveform]), sample_rate


_CLIPS = {"A": _wrong_rate, "B": _clipped, "C": _swapped_axes, "D": _aliased, "E": _cancelling_channels}


def clinic_clip(letter: str) -> tuple[Tensor, int]:
    """A clip with one fault, as a program handed it over.

    Args:
        letter: "A" to "E".

    Returns:
        The tensor and the sample rate that came with it; one of them, or both, are not as they should be.

    Raises:
        CourseError: there is no clip of this letter.

    Taught in 01_audio_io.
    """
    if letter not in _CLIPS:
        raise CourseError(f'The clinic has no clip "{letter}".', f"Its clips are {', '.join(_CLIPS)}.")
    return _CLIPS[letter]()
