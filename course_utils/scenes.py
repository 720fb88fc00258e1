"""Recordings with a known truth: phrases put at known times, beside other sounds, into noise."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchaudio.functional import fftconvolve, resample

from course_utils.augment import add_noise
from course_utils.errors import WaveformError
from course_utils.samples import load_sample, noise
from course_utils.segments import Segment

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

VOICE_LATER, WATER_LATER = 3.0, -6.5
"""Samples by which sounds reach the second microphone later than the first; 9.3 at most, if 20 cm lie between them."""

MICROPHONE_RMS = 1e-4
ECHO_SECONDS = 0.4
ECHOES_DB = -3.0


class Scene(NamedTuple):
    """A recording of which everything is known."""

    waveform: Tensor
    """[channels, samples], float32: all that is heard."""
    speech: Tensor
    """[channels, samples]: the speech alone."""
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


def two_microphone_scene(*, echoes: bool = False) -> Scene:
    """A voice from a little to the left, water from the right, equally strong, at two microphones 20 cm apart.

    Args:
        echoes: as in a room: each sound comes again from all sides for 0.4 s, 3 dB softer in all; outdoors if False.

    Returns:
        The scene, 16 kHz, 7 s; its waveform and speech are [2, samples]. The voice begins at 1.5 s.

    Taught in 13_silence_and_noise.
    """
    phrase, start, seconds = spoken("speech_3"), 1.5, 7.0
    voice = _at_two_microphones(place({start: phrase}, seconds), VOICE_LATER)
    drops = load_mono("water")[:, :45_000]  # it fades out at its end
    water = _at_two_microphones(drops.repeat(1, 3)[:, : voice.shape[1]], WATER_LATER)
    if echoes:
        voice, water = _with_echoes(voice, seed=1), _with_echoes(water, seed=2)
    hiss = MICROPHONE_RMS * torch.randn(voice.shape, generator=torch.Generator().manual_seed(0))
    marked = [Segment(start, start + phrase.shape[1] / SAMPLE_RATE)]
    return Scene(add_noise(voice, water, snr_db=0) + hiss, voice, SAMPLE_RATE, marked)


def _at_two_microphones(sound: Tensor, later: float) -> Tensor:
    """[1, samples] -> [2, samples]: at the second microphone later, by any fraction of a sample."""
    length = sound.shape[1] + 256  # zeros, so that nothing comes round from the end
    spectrum = torch.fft.rfft(sound, length)
    turn = torch.exp(-2j * torch.pi * torch.arange(spectrum.shape[1]) / length * later)
    return torch.cat([sound, torch.fft.irfft(spectrum * turn, length)[:, : sound.shape[1]]])


def _with_echoes(sound: Tensor, seed: int) -> Tensor:
    """Echoes for each of two microphones: noise that dies away by 60 dB."""
    times = torch.arange(round(ECHO_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    hiss = torch.randn(2, len(times), generator=torch.Generator().manual_seed(seed))
    response = hiss * 10 ** (-3 * times / ECHO_SECONDS) * (times > 0.0025)
    response = 10 ** (ECHOES_DB / 20) * response / response.norm(dim=1, keepdim=True)
    return sound + fftconvolve(sound[:1].expand(2, -1), response)[:, : sound.shape[1]]
