"""Make the audio of a `listen` question from its description."""

import torch
from torch import Tensor
from torchaudio import functional as F

from course_utils import samples
from course_utils.errors import WaveformError
from course_utils.players import wav_bytes
from course_utils.quiz.model import Clip, Step


def render_clip(clip: Clip) -> tuple[Tensor, int]:
    """Make the sound of a clip: its source, then one step after the other.

    Args:
        clip: a recording, or a signal to compute, and what is done to it.

    Returns:
        The waveform, [channels, samples], float32, which may exceed [-1, 1]; and its rate in Hz.

    Raises:
        UnknownSampleError: there is no recording of that name.
        AudioFileError: the recording's file is missing or damaged.
        WaveformError: a signal that its rate does not allow, or a step on a channel that there is not.
    """
    seconds = clip.seconds or 1.0
    if clip.sample is not None:
        waveform, sample_rate = samples.load_sample(clip.sample)
        start = round(clip.start * sample_rate)
        stop = start + round(clip.seconds * sample_rate) if clip.seconds else None
        waveform = waveform[:, start:stop]
    else:
        sample_rate = clip.sample_rate
        if clip.tone is not None:
            waveform = samples.tone(clip.tone, seconds, sample_rate)
        elif clip.chirp is not None:
            waveform = samples.chirp(*clip.chirp, seconds, sample_rate)
        else:
            waveform = samples.noise(seconds, sample_rate, color=clip.noise)
    for step in clip.steps:
        waveform, sample_rate = _apply(step, waveform, sample_rate)
    return waveform, sample_rate


def clip_wav(clip: Clip) -> bytes:
    """Make the sound of a clip as a WAV file.

    Args:
        clip: as for `render_clip`.

    Returns:
        A file of 16 bits; what exceeds [-1, 1] is clipped, as in any such file.

    Raises:
        CourseError: as for `render_clip`.
    """
    return wav_bytes(*render_clip(clip))


def _apply(step: Step, waveform: Tensor, sample_rate: int) -> tuple[Tensor, int]:
    if step.keep_every is not None:
        return waveform[:, :: step.keep_every], sample_rate // step.keep_every
    if step.resample is not None:
        return F.resample(waveform, sample_rate, step.resample), step.resample
    if step.play_at is not None:
        return waveform, step.play_at
    if step.gain is not None:
        return waveform * 10 ** (step.gain / 20), sample_rate
    if step.clip is not None:
        return waveform.clamp(-step.clip, step.clip), sample_rate
    if step.channels is not None:
        for channel in step.channels:
            _check_channel(channel, waveform)
        return waveform[list(step.channels)], sample_rate
    if step.invert is not None:
        _check_channel(step.invert, waveform)
        signs = torch.ones(waveform.shape[0], 1)
        signs[step.invert] = -1
        return waveform * signs, sample_rate
    return waveform.mean(dim=0, keepdim=True), sample_rate


def _check_channel(channel: int, waveform: Tensor) -> None:
    if channel >= len(waveform):
        raise WaveformError(
            f"A step of the clip names channel {channel}, but there are only channels 0 to {len(waveform) - 1}."
            if len(waveform) > 1
            else f"A step of the clip names channel {channel}, but the clip is mono: it has only channel 0.",
            "Choose a channel that there is, or make two first with channels: [0, 0].",
        )
