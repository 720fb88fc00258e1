"""What each effect of the course costs for a second of sound, and convolution reverb beside SciPy and pedalboard.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/effects.py

The real-time factor is the time taken for a second of sound: at 0.01, an effect runs a hundred times faster than it
plays. The recordings are mono, 16 kHz, as the speech of the lesson, and stereo, 44.1 kHz, as its music.
"""

import numpy as np
import pedalboard
import scipy.signal
import torch
import torchaudio.functional as AF
from timing import medians
from torch import Tensor

from course_utils.augment import add_reverb
from course_utils.effects import crossfade, fade, loudness, measure_response, reverb
from course_utils.filters import apply_filter, design_biquad
from course_utils.samples import load_sample

SECONDS = 10
ROUNDS = 9
LOOP_SECONDS = 0.25
"""Flanger and phaser loop over the samples in Python: this much of the sound is enough to wait for."""


def recording(channels: int, sample_rate: int) -> Tensor:
    return 0.1 * torch.randn(channels, SECONDS * sample_rate, generator=torch.Generator().manual_seed(0))


def room(sample_rate: int) -> Tensor:
    response, rate = load_sample("room")
    return AF.resample(response, rate, sample_rate)


def compare_effects(channels: int, rate: int) -> None:
    sound = recording(channels, rate)
    part = sound[:, : round(LOOP_SECONDS * rate)]
    response, response_rate = load_sample("room")
    one = design_biquad("high-pass", rate, 80)
    eight = torch.stack([design_biquad("peak", rate, 0.4 * rate / 2**n, gain_db=6, q=1.41) for n in range(8)])
    taps = torch.from_numpy(scipy.signal.firwin(401, 1000, fs=rate)).float()[None]
    whole = {
        "gain": lambda: AF.gain(sound, 6.0),
        "highpass_biquad": lambda: AF.highpass_biquad(sound, rate, 80),
        "apply_filter, 1 section, double precision": lambda: apply_filter(sound, one),
        "apply_filter, 8 sections": lambda: apply_filter(sound, eight),
        "fftconvolve with 401 taps": lambda: AF.fftconvolve(sound, taps, mode="same"),
        "reverb, room of 1 s": lambda: reverb(sound, rate, response, response_rate),
        "overdrive": lambda: AF.overdrive(sound),
        "fade": lambda: fade(sound, rate, 1.0, 3.0),
        "crossfade of 2 s": lambda: crossfade(sound, sound, rate, 2.0),
        "loudness": lambda: loudness(sound, rate),
        "torchaudio's loudness": lambda: AF.loudness(sound, rate),
    }
    looping = {"flanger": lambda: AF.flanger(part, rate), "phaser": lambda: AF.phaser(part, rate)}
    print(f"\n{channels} channel(s) at {rate} Hz: ms for a second of sound, real-time factor")
    times = {name: total / SECONDS for name, total in medians(whole, ROUNDS).items()}
    times |= {name: total / LOOP_SECONDS for name, total in medians(looping, 3, warm_up=False).items()}
    for name, milliseconds in times.items():
        print(f"{name:42} {milliseconds:9.3f}  {milliseconds / 1000:.6f}")
    measuring = medians({"": lambda: measure_response(lambda x: apply_filter(x, eight), rate)}, ROUNDS)[""]
    print(f"measure_response of 8 sections: {measuring:.1f} ms")


def compare_reverbs(channels: int, rate: int) -> None:
    """The same convolution, whole, in float32."""
    sound, response = recording(channels, rate), room(rate)
    array, kernel = sound.numpy(), response.numpy()
    plugin = pedalboard.Convolution(np.ascontiguousarray(kernel[0]), 1.0, rate)
    candidates = {
        "torchaudio.functional.fftconvolve": lambda: AF.fftconvolve(sound, response),
        "add_reverb of the course": lambda: add_reverb(sound, response),
        "scipy.signal.fftconvolve": lambda: scipy.signal.fftconvolve(array, kernel, axes=-1),
        "scipy.signal.oaconvolve": lambda: scipy.signal.oaconvolve(array, kernel, axes=-1),
        "pedalboard.Convolution": lambda: plugin(array, rate),
    }
    times = medians(candidates, ROUNDS)
    base = times["scipy.signal.fftconvolve"]
    print(
        f"\nreverb, {SECONDS} s, {channels} channel(s) at {rate} Hz, room of 1 s: ms, multiple of SciPy's fftconvolve"
    )
    for name, milliseconds in times.items():
        print(f"{name:42} {milliseconds:9.1f}  {milliseconds / base:.2f}")
    exact = candidates["scipy.signal.fftconvolve"]()
    off = np.abs(candidates["torchaudio.functional.fftconvolve"]().numpy() - exact).max() / np.abs(exact).max()
    print(f"torchaudio and SciPy differ by {off:.0e} of the peak")


def main() -> None:
    with torch.no_grad():
        for channels, rate in ((1, 16_000), (2, 44_100)):
            compare_effects(channels, rate)
            compare_reverbs(channels, rate)
    print(f"medians of {ROUNDS} alternating runs over {SECONDS} s")


if __name__ == "__main__":
    main()
