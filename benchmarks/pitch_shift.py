"""How fast the course's `pitch_shift` is, and how good, beside torchaudio, librosa and torch-pitch-shift.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/pitch_shift.py

torchaudio's function and torch-pitch-shift build a resampling kernel on every call, gigabytes large for some ratios;
`T.PitchShift` builds it on the first call and keeps it. Takes a quarter of an hour and 20 GB of memory.
"""

import math
import warnings

import librosa
import torch
import torch_pitch_shift
import torchaudio.functional as AF
from timing import medians
from torch import Tensor
from torchaudio.transforms import PitchShift

from course_utils.audio_io import load_audio
from course_utils.augment import pitch_shift
from course_utils.measures import fundamental
from course_utils.samples import sample_path

SECONDS = 10
ROUNDS = 7
SLOW_ROUNDS = 3
STEPS = (1, 4, 7, -3)
QUALITY_STEPS = (-12, -3, 1, 4, 7, 12)
INSTRUMENTS = {"guitar": (2.0, 82.4), "piano": (0.5, 440.3), "bass": (0.5, 65.2)}
"""Where a note is heard on its own or clearly lowest, in seconds, and its fundamental in Hz."""


def with_librosa(waveform: Tensor, sample_rate: int, n_steps: float) -> Tensor:
    return torch.from_numpy(librosa.effects.pitch_shift(waveform.numpy(), sr=sample_rate, n_steps=n_steps))


def with_torch_pitch_shift(waveform: Tensor, sample_rate: int, n_steps: float) -> Tensor:
    return torch_pitch_shift.pitch_shift(waveform.unsqueeze(0), n_steps, sample_rate)[0]


# ---- time -----------------------------------------------------------------------------------------------------------


def compare_times(sample_rate: int) -> None:
    waveform = 0.1 * torch.randn(1, SECONDS * sample_rate)
    print(f"\n{SECONDS} s at {sample_rate} Hz, in ms (and as a multiple of ours)")
    for n_steps in STEPS:
        kept = PitchShift(sample_rate, n_steps)
        fast = {
            "ours": lambda n=n_steps: pitch_shift(waveform, sample_rate, n),
            "librosa": lambda n=n_steps: with_librosa(waveform, sample_rate, n),
            "T.PitchShift, later calls": lambda t=kept: t(waveform),
        }
        slow = {
            "T.PitchShift, first call": lambda n=n_steps: PitchShift(sample_rate, n)(waveform),
            "F.pitch_shift": lambda n=n_steps: AF.pitch_shift(waveform, sample_rate, n),
            "torch-pitch-shift": lambda n=n_steps: with_torch_pitch_shift(waveform, sample_rate, n),
        }
        times = medians(fast, ROUNDS) | medians(slow, SLOW_ROUNDS, warm_up=False)
        print(f"{n_steps:+d}: " + ", ".join(f"{k} {v:.0f} ({v / times['ours']:.1f})" for k, v in times.items()))


# ---- quality --------------------------------------------------------------------------------------------------------


def harmonic_tone(frequency: float, sample_rate: int, highest: float, vibrato: float = 0.0) -> Tensor:
    """Partials up to `highest` times the fundamental, which may swing by `vibrato` of itself five times a second."""
    t = torch.arange(3 * sample_rate, dtype=torch.float64) / sample_rate
    phase = 2 * math.pi * frequency * t + frequency * vibrato / 5 * torch.sin(2 * math.pi * 5 * t)
    partials = (torch.sin(number * (phase + number)) / number for number in range(1, int(highest) + 1))
    return (0.1 * sum(partials)).float().unsqueeze(0)


def distance_db(one: Tensor, other: Tensor, sample_rate: int) -> float:
    """Log-spectral distance: the root mean square difference over all bins, averaged over time, 60 dB below the top."""
    n_fft = 2 ** round(math.log2(0.064 * sample_rate))
    middle = slice(sample_rate // 4, -sample_rate // 4)
    powers = [
        torch.stft(x[0, middle], n_fft, n_fft // 4, window=torch.hann_window(n_fft), return_complex=True).abs().square()
        for x in (one, other)
    ]
    levels = [10 * torch.log10((power / powers[1].max()).clamp(min=1e-6)) for power in powers]
    return float((levels[0] - levels[1]).square().mean(dim=0).sqrt().mean())


def level_db(waveform: Tensor) -> float:
    return 10 * math.log10(waveform.square().mean())


METHODS = {"ours": pitch_shift, "librosa": with_librosa, "F.pitch_shift": AF.pitch_shift}


def row(name: str, values: list[float]) -> None:
    print(f"{name:14}" + "".join(f"{value:9.2f}" for value in values))


def compare_quality(sample_rate: int) -> None:
    for kind, vibrato in (("steady", 0.0), ("with a vibrato of 2 %", 0.02)):
        print(f"\nTones of 110 and 220 Hz, {kind}, at {sample_rate} Hz: distance to the ideal in dB, for n_steps")
        row("", list(QUALITY_STEPS))
        for name, method in METHODS.items():
            row(name, [mean_distance(method, sample_rate, n_steps, vibrato) for n_steps in QUALITY_STEPS])


def mean_distance(method, sample_rate: int, n_steps: int, vibrato: float) -> float:
    ratio = 2 ** (n_steps / 12)
    distances = []
    for frequency in (110.0, 220.0):
        highest = min(40, 0.4 * sample_rate / (frequency * max(ratio, 1)))
        sound, ideal = (harmonic_tone(f, sample_rate, highest, vibrato) for f in (frequency, frequency * ratio))
        distances.append(distance_db(method(sound, sample_rate, n_steps), ideal, sample_rate))
    return sum(distances) / len(distances)


def compare_notes() -> None:
    print(
        "\nNotes of instruments at 16000 Hz: error of the fundamental in cents / change of the level in dB, for n_steps"
    )
    print(f"{'':22}" + "".join(f"{n_steps:15d}" for n_steps in QUALITY_STEPS))
    for instrument, (start, frequency) in INSTRUMENTS.items():
        waveform, sample_rate = load_audio(sample_path(instrument), sample_rate=16_000)
        note = waveform[:1, round(start * sample_rate) : round((start + 2) * sample_rate)]
        before = fundamental(note, sample_rate, frequency)
        for name, method in METHODS.items():
            cells = []
            for n_steps in QUALITY_STEPS:
                shifted, wanted = method(note, sample_rate, n_steps), before * 2 ** (n_steps / 12)
                cents = 1200 * math.log2(fundamental(shifted, sample_rate, wanted) / wanted)
                cells.append(f"{cents:+8.2f} /{level_db(shifted) - level_db(note):+5.1f}")
            print(f"{instrument:8}{name:14}" + "".join(cells))


def main() -> None:
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    with torch.no_grad():
        for sample_rate in (16_000, 44_100):
            compare_times(sample_rate)
        compare_quality(16_000)
        compare_notes()


if __name__ == "__main__":
    main()
