"""Exercises of 06_augmenting_waveforms."""

import math
from fractions import Fraction
from typing import Any

import torch
import torchaudio
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_scale(noise_scale: Any) -> str | None:
    for speech_power, noise_power, snr_db in ((0.02, 0.005, 10.0), (0.003, 0.05, -5.0), (0.01, 0.01, 20.0)):
        ratio = 10 ** (snr_db / 10)
        feedback = compare_number(
            call(noise_scale, speech_power, noise_power, snr_db),
            math.sqrt(speech_power / noise_power / ratio),
            "as a factor",
            {
                speech_power
                / noise_power
                / ratio: "That factor is for the power. Samples are amplitudes: take its root.",
                math.sqrt(noise_power / speech_power / ratio): "The ratio is swapped: the noise must come up to the "
                "speech, so the speech's power stands above.",
                math.sqrt(speech_power / noise_power * ratio): "The sign: a higher SNR means less noise, so divide.",
                math.sqrt(speech_power / noise_power / 10 ** (snr_db / 20)): "20 is the factor for amplitudes. Under "
                "the root are powers, and those take 10.",
                math.sqrt(speech_power / noise_power) / ratio: "The root covers the two powers only. It belongs over "
                "10 ** (snr_db / 10), too.",
                speech_power
                / noise_power
                / 10 ** (snr_db / 20): "10 ** (snr_db / 20) is a ratio of amplitudes already; "
                "of the two powers you have to take the root.",
                10 ** (-snr_db / 20): "Right only when both are equally strong to begin with: bring in the two powers.",
                math.sqrt(speech_power / noise_power): "That makes both equally strong, 0 dB. Where is snr_db?",
            },
            tolerance=1e-4,
        )
        if feedback:
            return f"Speech {speech_power}, noise {noise_power}, {snr_db:g} dB: {feedback}"
    return None


SCALE = Exercise(
    id="06.1",
    objective="06.noise",
    answer="noise_scale",
    frame='''
def noise_scale(speech_power: float, noise_power: float, snr_db: float) -> float:
    """The factor for the samples of the noise that gives the wanted SNR."""
    {body}
''',
    body="return math.sqrt(speech_power / noise_power / 10 ** (snr_db / 10))",
    check=check_scale,
    wrong={
        "return speech_power / noise_power / 10 ** (snr_db / 10)": "take its root",
        "return math.sqrt(noise_power / speech_power / 10 ** (snr_db / 10))": "swapped",
        "return math.sqrt(speech_power / noise_power * 10 ** (snr_db / 10))": "a higher SNR means less noise",
        "return math.sqrt(speech_power / noise_power / 10 ** (snr_db / 20))": "20 is the factor for amplitudes",
        "return math.sqrt(speech_power / noise_power) / 10 ** (snr_db / 10)": "two powers only",
        "return speech_power / noise_power / 10 ** (snr_db / 20)": "amplitudes already",
        "return 10 ** (-snr_db / 20)": "equally strong to begin with",
        "return math.sqrt(speech_power / noise_power)": "Where is snr_db",
    },
    hints=(
        "From dB back to a ratio of powers: 10 ** (snr_db / 10).",
        "The noise's new power should be speech_power / 10 ** (snr_db / 10).",
        "Twice the amplitude is four times the power: the factor for samples is the root of the factor for power.",
    ),
)


def check_fraction(step_ratio: Any) -> str | None:
    for n_steps, largest in ((4, 50), (-3, 200), (12, 50), (0.5, 200), (7, 20)):
        got, exact = call(step_ratio, n_steps, largest), 2 ** (n_steps / 12)
        if feedback := _fraction_feedback(got, exact, largest):
            return f"{n_steps:+g} semitones, denominator at most {largest}: {feedback}"
    return None


def _fraction_feedback(got: Any, exact: float, largest: int) -> str | None:
    want = Fraction(exact).limit_denominator(largest)
    if isinstance(got, float):
        return "This is a float. `Fraction(...)` makes a fraction of it, `limit_denominator` a small one."
    if not isinstance(got, Fraction):
        return f"This is a {type(got).__name__}; a Fraction was asked for."
    if got == want:
        return None
    if got == Fraction(1 / exact).limit_denominator(largest):
        return f"{got} is upside down: up means a ratio above 1."
    if got.denominator > largest:
        return f"The denominator is larger than {largest}: limit it."
    cents = 1200 * math.log2(got / exact) if got > 0 else math.inf
    if got == Fraction(1 + math.log2(exact)).limit_denominator(largest):
        return f"{got} is {cents:+.0f} cents off. Semitones multiply: each is a factor of 2 ** (1 / 12)."
    return f"{got} is {cents:+.1f} cents off; {abs(1200 * math.log2(want / exact)):.1f} cents are possible."


FRACTION = Exercise(
    id="06.2",
    objective="06.change",
    answer="step_ratio",
    frame='''
def step_ratio(n_steps: float, largest: int) -> Fraction:
    """The frequency ratio of n_steps semitones as the nearest fraction with a denominator of at most `largest`."""
    {body}
''',
    body="return Fraction(2 ** (n_steps / 12)).limit_denominator(largest)",
    check=check_fraction,
    wrong={
        "return 2 ** (n_steps / 12)": "This is a float",
        "return Fraction(2 ** (n_steps / 12))": "limit it",
        "return Fraction(2 ** (-n_steps / 12)).limit_denominator(largest)": "upside down",
        "return Fraction(1 + n_steps / 12).limit_denominator(largest)": "Semitones multiply",
        "return Fraction(round(2 ** (n_steps / 12) * largest), largest)": "cents are possible",
    },
    hints=(
        "Twelve semitones double the frequency, so one multiplies it by 2 ** (1 / 12).",
        "`Fraction(0.3333).limit_denominator(10)` is 1/3.",
    ),
)


def check_reverb(same_length_reverb: Any) -> str | None:
    generator = torch.Generator().manual_seed(6)
    waveform = torch.randn(1, 4000, generator=generator)
    room_response = torch.randn(1, 1500, generator=generator) * torch.exp(-torch.arange(1500) / 200)
    room_response[:, 0] = 5  # the direct sound
    samples, length = waveform.shape[1], room_response.shape[1]
    whole = torchaudio.functional.fftconvolve(waveform, room_response / room_response.square().sum().sqrt())
    got = call(same_length_reverb, waveform, room_response)
    if isinstance(got, Tensor) and got.shape[-1] == samples + length - 1:
        return f"The result has {samples + length - 1} samples, {samples} went in: cut the tail off, on the last axis."
    if compare(got, whole[:, -samples:], tolerance=1e-3) is None:
        return "You kept the end, and cut the beginning of the speech off. The tail is at the end."
    middle = (length - 1) // 2
    if any(_is_multiple(got, whole[:, start : start + samples]) for start in (middle, middle + 1)):
        return 'The sound comes too early: `mode="same"` keeps the middle. Keep the first samples.'
    if compare(got, whole[:, :samples], tolerance=1e-3) is None:
        return None
    for scale, words in (
        (1.0, "The response is not normalised yet, so every room changes the level."),
        (room_response.abs().max(), "You divided by the peak. Divide by the root of the sum of squares."),
        (room_response.square().sum(), "The sum of squares is the energy; the samples are amplitudes: take its root."),
        (room_response.sum(), "You divided by the sum of the samples: add up their squares, and take the root."),
        (room_response.square().mean().sqrt(), "That is the mean of the squares: take their sum, whatever the length."),
    ):
        unscaled = whole[:, :samples] * room_response.square().sum().sqrt() / scale
        if compare(got, unscaled, tolerance=1e-3) is None:
            return words
    if _is_multiple(got, whole[:, :samples]) and math.isclose(got.norm(), waveform.norm(), rel_tol=1e-3):
        return "You scaled the result to the level of the input. Scale the response: its squares add up to 1."
    return compare(got, whole[:, :samples], tolerance=1e-3)


def _is_multiple(got: Any, want: Tensor) -> bool:
    if not isinstance(got, Tensor) or got.shape != want.shape:
        return False
    return float(torch.nn.functional.cosine_similarity(got.flatten(), want.flatten(), dim=0)) > 0.999


def _reverb_body(scale: str = "room_response.square().sum().sqrt()", end: str = ")[..., : waveform.shape[-1]]") -> str:
    return f"response = room_response / {scale}\nreturn torchaudio.functional.fftconvolve(waveform, response{end}"


REVERB = Exercise(
    id="06.3",
    objective="06.place",
    answer="same_length_reverb",
    frame='''
def same_length_reverb(waveform: Tensor, room_response: Tensor) -> Tensor:
    """The waveform in the room: same length, and the response scaled so that its squares add up to 1."""
    {body}
''',
    body=_reverb_body(),
    check=check_reverb,
    wrong={
        _reverb_body(end=")"): "cut the tail off",
        _reverb_body(end=")[..., -waveform.shape[-1] :]"): "kept the end",
        _reverb_body(end=', mode="same")'): "too early",
        _reverb_body(scale="1"): "not normalised",
        _reverb_body(scale="room_response.abs().max()"): "by the peak",
        _reverb_body(scale="room_response.sum()"): "sum of the samples",
        _reverb_body(scale="1").replace("return", "wet =")
        + "\nreturn wet * waveform.norm() / wet.norm()": "scaled the result",
        _reverb_body(scale="room_response.square().sum()"): "is the energy",
        _reverb_body(scale="room_response.square().mean().sqrt()"): "take their sum",
    },
    hints=(
        "`torchaudio.functional.fftconvolve(waveform, response)` gives samples + length of the response - 1 samples.",
        "Keep the first ones: `[..., : waveform.shape[-1]]`.",
        "Divide the response by `room_response.square().sum().sqrt()` before.",
    ),
)


def check_levels(random_levels: Any) -> str | None:
    lowest, highest = -20.0, 4.0
    batch = torch.randn(2000, 2, 16, generator=torch.Generator().manual_seed(6))

    def gains(seed: int | None = None) -> Tensor | str:
        if seed is not None:
            torch.manual_seed(seed)
        got = call(random_levels, batch, lowest, highest)
        if not isinstance(got, Tensor) or got.shape != batch.shape:
            return compare(got, batch)
        return got / batch

    with torch.random.fork_rng(devices=[]):
        first, again, other = gains(1), gains(1), gains()
    for found in (first, again, other):
        if isinstance(found, str):
            return found
    if feedback := _gain_feedback(first, lowest, highest):
        return feedback
    if not torch.allclose(first, again):
        return "After the same torch.manual_seed it gives other values: draw with torch, not with another library."
    if torch.allclose(first, other):
        return "Every call gives the same gains: do not set the seed inside, that is for the training script."
    return None


def _gain_feedback(gains: Tensor, lowest: float, highest: float) -> str | None:
    by_item = gains.mean(dim=(1, 2))
    if bool((gains <= 0).any()):
        return "Some gains are 0 or negative: from dB to a factor it is 10 ** (gain_db / 20)."
    if float((gains / by_item[:, None, None] - 1).abs().max()) > 1e-3:
        if float((gains / gains[:, :, :1] - 1).abs().max()) < 1e-3:
            return "Left and right got gains of their own, which moves the sound sideways: one gain for each item."
        return "The gain changes from sample to sample, which is noise: one gain for each item."
    if float((by_item / by_item[0] - 1).abs().max()) < 1e-3:
        return "Every item of the batch got the same gain: draw as many numbers as there are items."
    decibel = 20 * torch.log10(by_item)
    reached = float(decibel.min()), float(decibel.max())
    if all(abs(got - 2 * wanted) < 1 for got, wanted in zip(reached, (lowest, highest), strict=True)):
        return "The gains reach twice as many dB as asked: for samples, which are amplitudes, divide by 20."
    if any(abs(got - wanted) > 0.5 for got, wanted in zip(reached, (lowest, highest), strict=True)):
        return (
            f"For {lowest:g} to {highest:g} dB, the gains go from {reached[0]:.1f} to {reached[1]:.1f} dB: "
            "`torch.rand` goes from 0 to 1; stretch it by highest - lowest, then add lowest."
        )
    if float(decibel.median()) > (lowest + highest) / 2 + 2:
        return "Evenly drawn as factors, the loud ones crowd out the soft ones: draw evenly in dB."
    return None


LEVELS = Exercise(
    id="06.4",
    objective="06.pipeline",
    answer="random_levels",
    frame='''
def random_levels(batch: Tensor, lowest: float, highest: float) -> Tensor:
    """Each item of [batch, channels, samples] with its own gain, drawn evenly between lowest and highest, in dB."""
    {body}
''',
    body="""gain_db = lowest + (highest - lowest) * torch.rand(len(batch), 1, 1)
return batch * 10 ** (gain_db / 20)""",
    check=check_levels,
    wrong={
        "gain_db = lowest + (highest - lowest) * torch.rand(1)\nreturn batch * 10 ** (gain_db / 20)": "same gain",
        "gain_db = lowest + (highest - lowest) * torch.rand_like(batch)\n"
        "return batch * 10 ** (gain_db / 20)": "sample to sample",
        "gain_db = lowest + (highest - lowest) * torch.rand(len(batch), batch.shape[1], 1)\n"
        "return batch * 10 ** (gain_db / 20)": "sideways",
        "gain_db = lowest + (highest - lowest) * torch.rand(len(batch), 1, 1)\n"
        "return batch * 10 ** (gain_db / 10)": "divide by 20",
        "torch.manual_seed(0)\ngain_db = lowest + (highest - lowest) * torch.rand(len(batch), 1, 1)\n"
        "return batch * 10 ** (gain_db / 20)": "do not set the seed inside",
        "import random\ngains = [10 ** (random.uniform(lowest, highest) / 20) for _ in batch]\n"
        "return batch * torch.tensor(gains)[:, None, None]": "draw with torch",
        "gain_db = lowest + highest * torch.rand(len(batch), 1, 1)\n"
        "return batch * 10 ** (gain_db / 20)": "stretch it by highest - lowest",
        "least, most = 10 ** (lowest / 20), 10 ** (highest / 20)\n"
        "return batch * (least + (most - least) * torch.rand(len(batch), 1, 1))": "evenly in dB",
        "return batch * (lowest + (highest - lowest) * torch.rand(len(batch), 1, 1))": "0 or negative",
    },
    hints=(
        "`torch.rand(len(batch), 1, 1)` is one number from 0 to 1 for each item; it spreads over channels and samples.",
        "`lowest + (highest - lowest) * ...` stretches 0 to 1 to the range in dB.",
        "From dB to a factor for samples: 10 ** (gain_db / 20).",
    ),
)

EXERCISES = [SCALE, FRACTION, REVERB, LEVELS]
