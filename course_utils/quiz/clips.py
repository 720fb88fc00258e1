"""Make the audio of a `listen` question from its description."""

import io
import wave

import torch
from torch import Tensor
from torchaudio import functional as F

from course_utils import samples
from course_utils.quiz.model import Clip, Step


def render_clip(clip: Clip) -> tuple[Tensor, int]:
    """The clip's waveform [channels, samples], float32, which may exceed [-1, 1], and its rate in Hz."""
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
    """The clip as a WAV file of 16 bits; what exceeds [-1, 1] is clipped, as in any such file."""
    waveform, sample_rate = render_clip(clip)
    pcm = (waveform.clamp(-1, 1) * 32767).round().to(torch.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(pcm.shape[0])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.T.contiguous().numpy().astype("<i2").tobytes())
    return buffer.getvalue()


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
        return waveform[list(step.channels)], sample_rate
    if step.invert is not None:
        signs = torch.ones(waveform.shape[0], 1)
        signs[step.invert] = -1
        return waveform * signs, sample_rate
    return waveform.mean(dim=0, keepdim=True), sample_rate
