"""Augmentation by chance, for training: modules that draw from torch's global random generator on the CPU.

`torch.manual_seed` repeats every draw, and each worker of a DataLoader has a seed of its own. On a GPU move the module
with `.to(device)`: the recordings in it follow.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torchaudio.functional import resample

from course_utils.augment import add_noise, add_reverb, clip, pitch_shift, telephone
from course_utils.checks import check_batch, check_waveform
from course_utils.errors import SilentAudioError, WaveformError


class RandomAugment(nn.Module):
    """Some of the steps, in their order: each item meets each step with a coin and a strength of its own.

    In `eval()` everything passes through.

    Args:
        steps: modules that take and return [channels, samples], such as those below.
        probability: of each step for each item, from 0 to 1.

    Taught in 06_augmenting_waveforms.
    """

    def __init__(self, *steps: nn.Module, probability: float = 0.5):
        super().__init__()
        if not 0 <= probability <= 1:
            raise WaveformError(f"The probability is {probability}.", "Choose one from 0 (never) to 1 (always).")
        self.steps = nn.ModuleList(steps)
        self.probability = probability

    def forward(self, waveform: Tensor) -> Tensor:
        """Augment [channels, samples] or [batch, channels, samples]; same shape, dtype and device."""
        check_batch(waveform)
        if waveform.ndim not in (2, 3):
            raise WaveformError(
                f"The waveform has shape {list(waveform.shape)}; [channels, samples] or a batch of it is expected.",
                "Add the channel axis with waveform.unsqueeze(-2).",
            )
        if not self.training:
            return waveform
        if waveform.ndim == 3:
            return torch.stack([self(item) for item in waveform])
        for step in self.steps:
            if torch.rand(()) < self.probability:
                waveform = step(waveform)
        return waveform


class RandomGain(nn.Module):
    """Louder or quieter, by a number of dB between the two of `gain_db`."""

    def __init__(self, gain_db: tuple[float, float] = (-6, 6)):
        super().__init__()
        self.gain_db = gain_db

    def forward(self, waveform: Tensor) -> Tensor:
        return check_batch(waveform) * 10 ** (_between(self.gain_db) / 20)


class RandomNoise(nn.Module):
    """Noise at a signal-to-noise ratio between the two of `snr_db`, in dB; a silent clip stays silent.

    `noises` are recordings [channels, samples] of the waveforms' sample rate, with one channel or as many as they have.
    One is drawn, and the place in it where the noise starts; after its end it starts again.
    """

    def __init__(self, noises: Iterable[Tensor], snr_db: tuple[float, float] = (5, 30)):
        super().__init__()
        self.noises = _Recordings(noises)
        self.snr_db = snr_db

    def forward(self, waveform: Tensor) -> Tensor:
        noise = self.noises.draw()
        start = int(torch.randint(noise.shape[-1], ()))
        piece = noise.roll(-start, dims=-1)[..., : waveform.shape[-1]]
        snr_db = _between(self.snr_db)
        try:
            return add_noise(waveform, piece, snr_db)
        except SilentAudioError:
            return waveform


class RandomReverb(nn.Module):
    """In one of the rooms, given by impulse responses [channels, samples] of the waveforms' sample rate."""

    def __init__(self, room_responses: Iterable[Tensor]):
        super().__init__()
        self.room_responses = _Recordings(room_responses)

    def forward(self, waveform: Tensor) -> Tensor:
        return add_reverb(waveform, self.room_responses.draw())


class RandomPitch(nn.Module):
    """Higher or lower, by a number of semitones between the two of `n_steps`; the same length."""

    def __init__(self, sample_rate: int, n_steps: tuple[float, float] = (-2, 2)):
        super().__init__()
        self.sample_rate = sample_rate
        self.n_steps = n_steps

    def forward(self, waveform: Tensor) -> Tensor:
        return pitch_shift(waveform, self.sample_rate, _between(self.n_steps))


class RandomSpeed(nn.Module):
    """Faster and higher (above 1), or slower and lower, by one of the factors; cut or filled up to the same length."""

    def __init__(self, factors: Iterable[float] = (0.9, 1.0, 1.1)):
        super().__init__()
        self.ratios = [Fraction(factor).limit_denominator(100) for factor in factors]

    def forward(self, waveform: Tensor) -> Tensor:
        ratio = _one_of(self.ratios)
        resampled = resample(check_batch(waveform), ratio.numerator, ratio.denominator)
        return pad(resampled, (0, waveform.shape[-1] - resampled.shape[-1]))


class RandomTelephone(nn.Module):
    """Through a telephone line: see `telephone`. `RandomAugment` alone decides whether; nothing is drawn here."""

    def __init__(self, sample_rate: int):
        super().__init__()
        self.sample_rate = sample_rate

    def forward(self, waveform: Tensor) -> Tensor:
        return telephone(waveform, self.sample_rate)


class RandomClip(nn.Module):
    """Overdriven by a number of dB between the two of `drive_db`, and cut off at [-1, 1]."""

    def __init__(self, drive_db: tuple[float, float] = (0, 12)):
        super().__init__()
        self.drive_db = drive_db

    def forward(self, waveform: Tensor) -> Tensor:
        return clip(waveform, _between(self.drive_db))


class _Recordings(nn.Module):
    """Recordings that follow the module to another device, but are no part of its saved state."""

    def __init__(self, recordings: Iterable[Tensor]):
        super().__init__()
        for number, recording in enumerate(recordings):
            if not check_waveform(recording, allow_1d=True).any():
                raise SilentAudioError(f"Recording {number} is silent.", "Look at the file that it comes from.")
            self.register_buffer(f"recording_{number}", recording, persistent=False)
        if not self._buffers:
            raise WaveformError("There is no recording to draw from.", "Pass a list of one or more waveforms.")

    def draw(self) -> Tensor:
        return _one_of(list(self.buffers()))


def _one_of(things: Sequence) -> Any:
    return things[int(torch.randint(len(things), ()))]


def _between(ends: tuple[float, float]) -> float:
    low, high = ends
    return low + (high - low) * float(torch.rand(()))
