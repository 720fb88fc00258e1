"""How many clips a second one CPU core augments: `RandomAugment` beside audiomentations, and what each step costs.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/augmentation.py

Both take clips of 1 s at 16 kHz one by one, as a data loader's worker does, and draw gain, noise, room and pitch from
the same ranges, recordings and probabilities. audiomentations shifts the pitch with Signalsmith Stretch or librosa.
"""

import tempfile
from pathlib import Path

import audiomentations as peer
import torch
from timing import medians
from torch import Tensor
from torchaudio.functional import resample

from course_utils.audio_io import save_audio
from course_utils.random_augment import (
    RandomAugment,
    RandomClip,
    RandomGain,
    RandomNoise,
    RandomPitch,
    RandomReverb,
    RandomSpeed,
    RandomTelephone,
)
from course_utils.samples import load_sample

SAMPLE_RATE = 16_000
CLIPS = 50
ROUNDS = 7


def recording(name: str) -> Tensor:
    waveform, sample_rate = load_sample(name)
    return resample(waveform[:1], sample_rate, SAMPLE_RATE)


NOISES = [recording(name) for name in ("water", "ambience")]
ROOM = recording("room")


def ours(probability: float) -> RandomAugment:
    steps = RandomGain((-6, 6)), RandomNoise(NOISES, (5, 30)), RandomReverb([ROOM]), RandomPitch(SAMPLE_RATE, (-2, 2))
    return RandomAugment(*steps, probability=probability)


def theirs(probability: float, folder: Path, method: str) -> peer.Compose:
    return peer.Compose(
        [
            peer.Gain(-6, 6, p=probability),
            peer.AddBackgroundNoise(folder / "noises", 5, 30, p=probability),
            peer.ApplyImpulseResponse(folder / "rooms", p=probability),
            peer.PitchShift(-2, 2, method=method, p=probability),
        ]
    )


def save_recordings(folder: Path) -> None:
    for kind, recordings in (("noises", NOISES), ("rooms", [ROOM])):
        (folder / kind).mkdir()
        for number, waveform in enumerate(recordings):
            save_audio(folder / kind / f"{number}.wav", waveform, SAMPLE_RATE)


def compare_chains(clips: Tensor, folder: Path) -> None:
    arrays = [clip[0].numpy() for clip in clips]
    for probability in (1.0, 0.5):
        augment = ours(probability)
        candidates = {"RandomAugment": lambda a=augment: [a(clip) for clip in clips]}
        for method in ("signalsmith_stretch", "librosa_phase_vocoder"):
            chain = theirs(probability, folder, method)
            candidates[f"audiomentations, {method}"] = lambda c=chain: [c(array, SAMPLE_RATE) for array in arrays]
        times = medians(candidates, ROUNDS)
        print(f"\nevery step with the probability {probability}")
        for name, total in times.items():
            print(f"{name:40} {1000 * CLIPS / total:7.0f} clips/s, ratio {total / times['RandomAugment']:.1f}")


def compare_steps(clips: Tensor, folder: Path) -> None:
    steps = {
        "gain": RandomGain(),
        "clip": RandomClip(),
        "speed": RandomSpeed(),
        "noise": RandomNoise(NOISES),
        "telephone": RandomTelephone(SAMPLE_RATE),
        "reverb": RandomReverb([ROOM]),
        "pitch": RandomPitch(SAMPLE_RATE),
    }
    counterparts = dict(
        zip(("gain", "noise", "reverb", "pitch"), theirs(1.0, folder, "signalsmith_stretch").transforms, strict=True)
    )
    arrays = [clip[0].numpy() for clip in clips]
    candidates = {name: lambda s=step: [s(clip) for clip in clips] for name, step in steps.items()}
    for name, step in counterparts.items():
        candidates[f"audiomentations {name}"] = lambda s=step: [s(array, SAMPLE_RATE) for array in arrays]
    print("\nms per clip, every step alone")
    for name, total in medians(candidates, ROUNDS).items():
        print(f"{name:30} {total / CLIPS:6.2f}")


def main() -> None:
    torch.manual_seed(0)
    speech = recording("speech_long")
    clips = speech[:, : 7 * SAMPLE_RATE].reshape(7, 1, SAMPLE_RATE).repeat(8, 1, 1)[:CLIPS]
    with torch.no_grad(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_recordings(folder)
        compare_chains(clips, folder)
        compare_steps(clips, folder)
    print(f"medians of {ROUNDS} alternating runs over {CLIPS} clips of 1 s")


if __name__ == "__main__":
    main()
