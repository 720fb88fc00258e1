"""The clips that are trained on, and what is done to them before each use."""

import csv
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.nn.functional import pad
from torchaudio.functional import resample

from course_utils.augment import add_noise, add_reverb, telephone
from course_utils.standin import HOP, LABELS, SAMPLE_RATE

SPEEDS = ((4, 5), (7, 8), (9, 10), (1, 1), (1, 1), (11, 10), (8, 7), (5, 4))
"""Played at these ratios: below 1 slower and lower, above 1 faster and higher. One voice becomes several."""
SHORTEST, LONGEST = 0.3, 16.0
"""Seconds; other clips are left out."""
CODES = {label: code for code, label in enumerate(LABELS)}


@dataclass(frozen=True)
class Clip:
    """One recording, and what is said."""

    path: Path
    seconds: float
    text: str

    def samples(self) -> Tensor:
        """[samples], float32 at 16 kHz."""
        samples, rate = soundfile.read(self.path, dtype="float32")
        return resample(torch.from_numpy(samples), rate, SAMPLE_RATE)

    def codes(self) -> Tensor:
        """[letters]: the label of every letter, words parted by "|"."""
        return torch.tensor([CODES[letter] for letter in self.text.upper().replace(" ", "|")])

    def held_out(self) -> bool:
        """One in forty is left for trials; its name decides."""
        return zlib.crc32(self.path.name.encode()) % 40 == 0


def listed(folder: Path, sources: list[str]) -> list[Clip]:
    """The clips of each SOURCE.tsv of a folder that can be learnt from: not too long, nor too fast for their text."""
    clips = []
    for source in sources:
        for name, seconds, _, text in csv.reader((folder / f"{source}.tsv").open(), delimiter="\t", quoting=3):
            clip = Clip(folder / name, float(seconds), text)
            if SHORTEST < clip.seconds < LONGEST and 0 < len(text) < 30 * clip.seconds:
                clips.append(clip)
    return clips


class Augment:
    """Another speed, room, noise or line for each clip, each by chance; the clean clip every fourth time.

    Args:
        generator: all chance comes from it.
    """

    def __init__(self, generator: random.Random):
        self.generator = generator
        noise = np.random.default_rng(generator.randrange(2**32))
        self.noises = [_coloured(noise, slope) for slope in (0, 0.5, 1)]
        self.rooms = [_room(noise, seconds) for seconds in (0.15, 0.25, 0.4, 0.6)]

    def __call__(self, samples: Tensor) -> Tensor:
        """[samples] -> [samples], a little shorter or longer."""
        draw = self.generator
        samples = samples + 0.0
        if draw.random() < 0.25:
            return self._pause(samples)
        samples = resample(samples, *draw.choice(SPEEDS))
        samples = self._pause(samples)
        if draw.random() < 0.25:
            samples = add_reverb(samples, draw.choice(self.rooms))
        if draw.random() < 0.4:
            noise = draw.choice(self.noises)
            samples = add_noise(samples, noise.roll(draw.randrange(len(noise))), draw.uniform(5, 35))
        if draw.random() < 0.2:
            samples = telephone(samples, SAMPLE_RATE)
        return samples * draw.uniform(0.2, 1.5)

    def _pause(self, samples: Tensor) -> Tensor:
        """Silence of up to 0.3 s before and after."""
        return pad(samples, (self.generator.randrange(4800), self.generator.randrange(4800)))


def _coloured(generator: np.random.Generator, slope: float) -> Tensor:
    """Ten seconds of noise whose amplitude falls with frequency to the power of `slope`: white 0, pink 0.5, brown 1."""
    spectrum = np.fft.rfft(generator.standard_normal(10 * SAMPLE_RATE))
    spectrum /= np.maximum(np.arange(len(spectrum)), 300) ** slope
    return torch.from_numpy(np.fft.irfft(spectrum)).float()


def _room(generator: np.random.Generator, seconds: float) -> Tensor:
    """A direct sound, then noise that falls by 60 dB in so many seconds."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    response = generator.standard_normal(len(time)) * 10 ** (-3 * time / seconds) * 0.05
    response[0] = 1
    return torch.from_numpy(response).float()


def batches(clips: list[Clip], seconds: float, generator: random.Random) -> Iterator[list[Clip]]:
    """All clips once, clips of about one length together, so many seconds in a batch, in random order."""
    ordered = sorted(clips, key=lambda clip: clip.seconds * generator.uniform(0.9, 1.1))
    found, batch = [], []
    for clip in ordered:
        if batch and (len(batch) + 1) * (clip.seconds + 0.5) > seconds:
            found.append(batch)
            batch = []
        batch.append(clip)
    found.append(batch)
    generator.shuffle(found)
    yield from found


def stacked(items: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Waveforms [samples] -> [batch, samples], filled up with silence; and [batch], the frames of each."""
    lengths = torch.tensor([len(item) for item in items])
    longest = int(lengths.max())
    waveforms = torch.stack([pad(item, (0, longest - len(item))) for item in items])
    return waveforms, (lengths // HOP + 1) // 2
