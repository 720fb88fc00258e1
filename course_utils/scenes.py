"""Recordings with a known truth: phrases put at known times, beside other sounds, into noise."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchaudio.functional import resample

from course_utils.augment import add_noise
from course_utils.errors import WaveformError
from course_utils.samples import load_sample, noise
from course_utils.voice_activity import Segment

SAMPLE_RATE = 16_000

SPOKEN = {
    "speech": (0.26, 2.80),
    "speech_2": (0.28, 2.84),
    "speech_3": (0.27, 5.06),
    "speech_4": (0.27, 5.81),
    "speech_long": (0.24, 6.80),
}
"""Seconds at which the voice begins and ends in each phrase of the reader: where the level leaves the room's noise and
comes back to it. No pause in between is longer than 0.2 s."""

FADE_SECONDS = 0.005
OTHERS_GAIN = 0.4
ROOM_RMS = 0.0008
"""The hiss of a quiet room, 62 dB below full scale."""


class Scene(NamedTuple):
    """A recording of which everything is known."""

    waveform: Tensor
    """[1, samples], float32: all that is heard."""
    speech: Tensor
    """[1, samples]: the speech alone."""
    sample_rate: int
    """Hz."""
    marked: list[Segment]
    """Where somebody speaks, to a few milliseconds."""


def load_mono(name: str, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """A recording of the course in one channel at one rate, without a constant offset.

    Args:
        name: one of `sample_names()`.
        sample_rate: Hz, wanted.

    Returns:
        [1, samples], float32.

    Raises:
        UnknownSampleError: there is no such recording.

    Taught in 13_silence_and_noise.
    """
    waveform, rate = load_sample(name)
    mono = resample(waveform.mean(dim=0, keepdim=True), rate, sample_rate)
    return mono - mono.mean()


def spoken(name: str) -> Tensor:
    """A phrase of the reader from its first sound to its last, faded in and out over 5 ms.

    Args:
        name: "speech", "speech_2", "speech_3", "speech_4" or "speech_long".

    Returns:
        [1, samples], float32, 16 kHz.

    Raises:
        WaveformError: another name.

    Taught in 13_silence_and_noise.
    """
    if name not in SPOKEN:
        raise WaveformError(f"Nobody has marked the edges of {name!r}.", f"Choose one of {', '.join(SPOKEN)}.")
    first, last = (round(time * SAMPLE_RATE) for time in SPOKEN[name])
    phrase = load_mono(name)[:, first:last]
    ramp = torch.linspace(0, 1, round(FADE_SECONDS * SAMPLE_RATE))
    shape = torch.ones(phrase.shape[1])
    shape[: len(ramp)], shape[-len(ramp) :] = ramp, ramp.flip(0)
    return phrase * shape


def place(clips: Mapping[float, Tensor], seconds: float) -> Tensor:
    """Put clips at times into silence, one above the other where they overlap.

    Args:
        clips: seconds -> [1, samples], 16 kHz.
        seconds: length of the whole; what reaches beyond is cut.

    Returns:
        [1, round(16000 * seconds)], float32.

    Taught in 13_silence_and_noise.
    """
    whole = torch.zeros(1, round(seconds * SAMPLE_RATE))
    for start, clip in clips.items():
        part = whole[:, round(start * SAMPLE_RATE) :]
        part[:, : clip.shape[1]] += clip[:, : part.shape[1]]
    return whole


def speech_scene(
    background: str | None = None,
    snr_db: float = 5.0,
    *,
    phrases: Sequence[str] = ("speech", "speech_2", "speech_3"),
    others: bool = True,
) -> Scene:
    """Three phrases with pauses, a crow and a cowbell in two of the pauses, in a quiet room or in noise.

    Args:
        background: a noise among `sample_names()`; the hiss of a quiet room if None.
        snr_db: power of the speech while somebody speaks against that of the background, in dB.
        phrases: names for `spoken`; each begins 2 s after the one before has ended, the first at 1.5 s.
        others: with the crow and the cowbell.

    Returns:
        The scene, 16 kHz; it ends 1.5 s after the last word.

    Raises:
        UnknownSampleError: there is no such recording.

    Taught in 13_silence_and_noise.
    """
    marked, clips, time = [], {}, 1.5
    for name in phrases:
        clips[time] = spoken(name)
        marked.append(Segment(time, time + clips[time].shape[1] / SAMPLE_RATE))
        time = round(marked[-1].end + 2, 2)
    seconds = marked[-1].end + 1.5
    speech = place(clips, seconds)
    scene = speech + noise(seconds, SAMPLE_RATE, rms=ROOM_RMS)
    if others:
        gaps = [one.end + 0.7 for one in marked[:-1]]
        sounds = [OTHERS_GAIN * load_mono(name) for name in ("crow", "cowbell")]
        scene = scene + place(dict(zip(gaps, sounds, strict=False)), seconds)
    if background is not None:
        share = sum(segment.seconds for segment in marked) / seconds
        recording = load_mono(background)[:, : 3 * SAMPLE_RATE]  # water fades out at its end
        wanted = snr_db + 10 * torch.log10(torch.tensor(share))  # of the mean over all, pauses included
        scene = scene + add_noise(speech, recording, wanted) - speech
    return Scene(scene, speech, SAMPLE_RATE, marked)
