"""Exercises of 12_effects."""

import math
from typing import Any

import torch
import torchaudio.functional as AF
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number

RATE = 16_000


def check_gain(safe_gain_db: Any) -> str | None:
    # Once the peak decides, once the loudness, once the recording is too loud already.
    cases = ((-23.0, 0.5, -16.0, -1.0), (-20.0, 0.1, -16.0, -1.0), (-7.0, 0.95, -16.0, -1.0), (-30.0, 0.9, -23.0, -2.0))
    answers = [call(safe_gain_db, *case) for case in cases]
    by_loudness = [target - lufs for lufs, _, target, _ in cases]
    by_peak = [ceiling - 20 * math.log10(peak) for _, peak, _, ceiling in cases]

    def gives(wanted: list[float]) -> bool:
        return all(compare_number(got, want, "dB", {}) is None for got, want in zip(answers, wanted, strict=True))

    for wanted, words in (
        (by_loudness, "The loudness is right now, but nothing keeps the peak below the ceiling: loud clips clip."),
        (by_peak, "Every clip now reaches the ceiling, whatever its loudness. The target may ask for less."),
        (map(max, by_loudness, by_peak), "That is the larger of the two gains, so one limit is always broken."),
        (
            [min(-one, other) for one, other in zip(by_loudness, by_peak, strict=True)],
            "The subtraction is swapped: from -23 to -16 LUFS the gain is +7 dB, target minus present.",
        ),
        (
            [min(t - lufs, c - 10 * math.log10(p)) for lufs, p, t, c in cases],
            "The peak is an amplitude: 20 * log10 makes dB of it, 10 is for powers.",
        ),
        (
            [min(t - lufs, c + 20 * math.log10(p)) for lufs, p, t, c in cases],
            "The headroom is the ceiling minus the peak in dB. A peak of 0.5 lies at -6 dB and leaves room to rise.",
        ),
        (
            [min(t - lufs, c - p) for lufs, p, t, c in cases],
            "The ceiling is in dB, the peak is not: bring it to dB first.",
        ),
        (
            [min(t - lufs, c - 20 * math.log(p)) for lufs, p, t, c in cases],
            "math.log is the natural logarithm. Decibels take the one to base 10, math.log10.",
        ),
        (
            [10 ** (min(one, other) / 20) for one, other in zip(by_loudness, by_peak, strict=True)],
            "That is the factor. The gain was asked for in dB, as `F.gain` takes it.",
        ),
    ):
        if gives(list(wanted)):
            return words
    for got, case, one, other in zip(answers, cases, by_loudness, by_peak, strict=True):
        if feedback := compare_number(got, min(one, other), "dB", {}):
            return f"{case[0]:g} LUFS, peak {case[1]:g}, to {case[2]:g} LUFS below {case[3]:g} dB: {feedback}"
    return None


GAIN = Exercise(
    id="12.1",
    objective="12.level",
    answer="safe_gain_db",
    frame='''
def safe_gain_db(lufs: float, peak: float, target: float, ceiling_db: float) -> float:
    """The gain in dB that brings a clip to `target` LUFS, or as close as a peak of `ceiling_db` allows."""
    {body}
''',
    body="return min(target - lufs, ceiling_db - 20 * math.log10(peak))",
    check=check_gain,
    wrong={
        "return target - lufs": "nothing keeps the peak",
        "return ceiling_db - 20 * math.log10(peak)": "whatever its loudness",
        "return max(target - lufs, ceiling_db - 20 * math.log10(peak))": "larger of the two",
        "return min(lufs - target, ceiling_db - 20 * math.log10(peak))": "subtraction is swapped",
        "return min(target - lufs, ceiling_db - 10 * math.log10(peak))": "10 is for powers",
        "return min(target - lufs, ceiling_db + 20 * math.log10(peak))": "leaves room to rise",
        "return min(target - lufs, ceiling_db - peak)": "bring it to dB first",
        "return min(target - lufs, ceiling_db - 20 * math.log(peak))": "natural logarithm",
        "return 10 ** (min(target - lufs, ceiling_db - 20 * math.log10(peak)) / 20)": "the factor",
        "return max(0.0, min(target - lufs, ceiling_db - 20 * math.log10(peak)))": "0 dB is too large",
    },
    hints=(
        "Two gains: one for the loudness, one for the peak. The smaller one keeps both limits.",
        "The peak in dB is 20 * math.log10(peak).",
        "How far the peak may rise: ceiling_db minus the peak in dB.",
    ),
)


def boosting(click: Tensor) -> Tensor:
    return AF.equalizer_biquad(click, RATE, 2000, gain=9.0, Q=1.0)


def check_response(response_db: Any) -> str | None:
    samples = 2000
    got = call(response_db, boosting, samples)
    click = torch.zeros(1, samples)
    click[0, 0] = 0.001
    height = torch.fft.rfft(boosting(click)[0]).abs() / 0.001
    want = 20 * torch.log10(height)
    clipped = torch.fft.rfft(boosting(1000 * click)[0]).abs()
    if isinstance(got, Tensor):
        if got.is_complex():
            return "These are complex numbers, size and phase in one. `.abs()` takes the size."
        if got.shape == (1, *want.shape):
            return f"The shape is {list(got.shape)}: take the one channel of the answer, `[0]`."
        if got.shape == (samples,):
            return "As many values as samples: `torch.fft.fft` gives each frequency twice. Use `torch.fft.rfft`."
        if got.shape == want.shape:
            offset = float((got - want).median())
            for other, words in (
                (
                    want / 2,
                    "Half the dB of the filter: of amplitudes, dB are 20 times the logarithm; 10 is for powers.",
                ),
                (height, "These are factors, 1 for no change. 20 * torch.log10 makes dB of them."),
                (
                    torch.zeros_like(want),
                    "0 dB everywhere: you measured the click itself, not what the effect made of it.",
                ),
                (
                    20 * torch.log10(clipped),
                    "Close, but the click was too tall: the filter raised it beyond 1, and clipped. Make it 0.01.",
                ),
                (
                    20 * torch.log(height),
                    "That is the natural logarithm. Decibels take the one to base 10, torch.log10.",
                ),
            ):
                if float((got - other).abs().max()) < 0.02:
                    return words
            if abs(offset) > 0.1 and float((got - want - offset).abs().max()) < 0.02:
                return (
                    f"The curve is right, but {offset:+.0f} dB off: divide by the height of your click. "
                    "What passes unchanged has 0 dB."
                )
    return compare(got, want.to(got.dtype) if isinstance(got, Tensor) else want, tolerance=0.005)


def _response_body(
    height: str = "0.01", last: str = "20 * torch.log10(torch.fft.rfft(effect(click)[0]).abs() / 0.01)"
) -> str:
    return f"click = torch.zeros(1, samples)\nclick[0, 0] = {height}\nreturn {last}"


RESPONSE = Exercise(
    id="12.2",
    objective="12.filter",
    answer="response_db",
    frame='''
def response_db(effect, samples: int) -> Tensor:
    """What an effect does to each frequency, in dB, measured with a click in `samples` samples of silence."""
    {body}
''',
    body=_response_body(),
    check=check_response,
    wrong={
        _response_body(last="10 * torch.log10(torch.fft.rfft(effect(click)[0]).abs() / 0.01)"): "10 is for powers",
        _response_body(last="20 * torch.log10(torch.fft.rfft(effect(click)[0]).abs())"): "height of your click",
        _response_body("1.0", "20 * torch.log10(torch.fft.rfft(effect(click)[0]).abs())"): "too tall",
        _response_body(last="20 * torch.log10(torch.fft.fft(effect(click)[0]).abs() / 0.01)"): "each frequency twice",
        _response_body(last="torch.fft.rfft(effect(click)[0]).abs() / 0.01"): "These are factors",
        _response_body(last="20 * torch.log10(torch.fft.rfft(click[0]).abs() / 0.01)"): "the click itself",
        _response_body(last="20 * torch.log(torch.fft.rfft(effect(click)[0]).abs() / 0.01)"): "natural logarithm",
        _response_body(last="20 * torch.log10(torch.fft.rfft(effect(click)[0]) / 0.01)"): "complex",
        _response_body(last="20 * torch.log10(torch.fft.rfft(effect(click)).abs() / 0.01)"): "take the one channel",
    },
    hints=(
        "Above, in four lines: make a click, send it through, torch.fft.rfft, dB.",
        "`torch.zeros(1, samples)`, one sample set to 0.01, then `effect(click)[0]`.",
        "Divide the size by 0.01 before 20 * torch.log10: then 0 dB means unchanged.",
    ),
)


def check_there_and_back(there_and_back: Any) -> str | None:
    # Silence at both ends: nothing is cut off there, and the way back may also come first.
    noise = torch.randn(2, 3000, generator=torch.Generator().manual_seed(12)) / 10
    waveform = torch.nn.functional.pad(noise, (500, 500))

    def effect(part: Tensor) -> Tensor:
        return AF.lowpass_biquad(part, RATE, 1000)

    got = call(there_and_back, effect, waveform)
    there = effect(waveform)
    back = effect(there.flip(-1)).flip(-1)
    for other, words in (
        (back.flip(-1), "The result runs backwards: turn it round once more at the end."),
        (
            effect(there),
            "Twice forward: the delays add up. Before the second time, turn the sound round in time, its last axis.",
        ),
        (
            effect(waveform.flip(-1)).flip(-1),
            "Filtered once only, backwards: it now comes too early. Filter the *filtered* sound.",
        ),
        (there, "Filtered once, forward: where is the way back?"),
        (effect(there).flip(-1), "Turned round only at the end. Turn before the way back as well."),
        (
            (there + effect(waveform.flip(-1)).flip(-1)) / 2,
            "The mean of both directions is not both in a row: filter what the first pass has made.",
        ),
    ):
        if compare(got, other, tolerance=1e-4) is None:
            return words
    return compare(got, back)


BACK = Exercise(
    id="12.3",
    objective="12.design",
    answer="there_and_back",
    frame='''
def there_and_back(effect, waveform: Tensor) -> Tensor:
    """The waveform [channels, samples] through the effect forward, then backward in time: without delay."""
    {body}
''',
    body="there = effect(waveform)\nreturn effect(there.flip(-1)).flip(-1)",
    check=check_there_and_back,
    wrong={
        "there = effect(waveform)\nreturn effect(there.flip(-1))": "turn it round once more",
        "there = effect(waveform)\nreturn effect(there)": "Twice forward",
        "return effect(waveform.flip(-1)).flip(-1)": "Filtered once only",
        "return effect(waveform)": "where is the way back",
        "there = effect(waveform)\nreturn effect(there).flip(-1)": "only at the end",
        "return (effect(waveform) + effect(waveform.flip(-1)).flip(-1)) / 2": "mean of both directions",
    },
    hints=(
        "`waveform.flip(-1)` turns a sound round in time.",
        "Filter, turn round, filter again. What is still missing?",
        "Turn it round once more, so that it runs forward again.",
    ),
)


def check_decay(decay_curve: Any) -> str | None:
    for rt60, seconds, rate in ((0.5, 1.0, 8000), (2.0, 1.5, 16_000)):
        got = call(decay_curve, rt60, seconds, rate)
        if not isinstance(got, Tensor) or got.flatten().shape != (round(seconds * rate),):
            return compare(got, torch.zeros(round(seconds * rate)))
        if feedback := _decay_feedback(got.flatten().double(), rt60, rate):
            return f"RT60 {rt60:g} s: {feedback}"
    return None


def _decay_feedback(got: Tensor, rt60: float, rate: int) -> str | None:
    time = torch.arange(len(got), dtype=torch.float64) / rate
    if float((got - 10 ** (-3 * time / rt60)).abs().max()) < 1e-4:
        return None
    for other, words in (
        (
            10 ** (-6 * time / rt60),
            "It falls by 120 dB in that time. These are amplitudes: -60 dB is a factor of 10 ** (-60 / 20).",
        ),
        (
            torch.exp(-time / rt60),
            "After that time it has fallen by 9 dB only: e is not 10, and 60 dB are a thousandth.",
        ),
        (torch.exp(-3 * time / rt60), "The base is 10, not e: a thousandth is 10 ** -3."),
        (
            10 ** (-60 * time / rt60),
            "60 dB are 20 times the logarithm: divide them by 20 before they become a power of 10.",
        ),
        (
            (1 - time / rt60).clamp(min=0),
            "A straight line. Each wall takes the same *share*, so it falls by equal factors, not equal steps.",
        ),
        (
            1 - time / rt60,
            "A straight line, which goes below 0. Each wall takes the same *share*: equal factors, not equal steps.",
        ),
        (
            10 ** (-3 * time * rate / rt60),
            "It has died within a sample or two: samples are counted where seconds should be.",
        ),
        (10 ** (3 * time / rt60), "It grows: the sign."),
        (-60 * time / rt60, "These are dB. The noise is multiplied by amplitudes: 10 ** (dB / 20)."),
    ):
        if float(((got - other).abs() / other.abs().clamp(min=1)).max()) < 1e-4:
            return words
    place = round(rt60 * rate)
    level = f"{20 * math.log10(abs(float(got[place]))):.0f} dB" if place < len(got) and float(got[place]) else "silence"
    return f"It starts at {float(got[0]):.3g}; after {rt60:g} s it has reached {level}. From 1 to -60 dB was asked for."


def _decay_body(curve: str, time: str = "torch.arange(round(seconds * sample_rate)) / sample_rate") -> str:
    return f"time = {time}\nreturn {curve}"


DECAY = Exercise(
    id="12.4",
    objective="12.effects",
    answer="decay_curve",
    frame='''
def decay_curve(rt60: float, seconds: float, sample_rate: int) -> Tensor:
    """[samples], from 1 at the start: the amplitude of a sound that falls by 60 dB in every rt60 seconds."""
    {body}
''',
    body=_decay_body("10 ** (-3 * time / rt60)"),
    check=check_decay,
    wrong={
        _decay_body("10 ** (-6 * time / rt60)"): "120 dB",
        _decay_body("torch.exp(-time / rt60)"): "9 dB only",
        _decay_body("torch.exp(-3 * time / rt60)"): "The base is 10",
        _decay_body("10 ** (-60 * time / rt60)"): "divide them by 20",
        _decay_body("(1 - time / rt60).clamp(min=0)"): "by equal factors, not equal steps",
        _decay_body("10 ** (-3 * time / rt60)", "torch.arange(round(seconds * sample_rate))"): "samples are counted",
        _decay_body("10 ** (3 * time / rt60)"): "It grows",
        _decay_body("-60 * time / rt60"): "These are dB",
        _decay_body("10 ** (-2 * time / rt60)"): "it has reached",
    },
    hints=(
        "As an amplitude, -60 dB is 10 ** (-60 / 20), a thousandth.",
        "The time of each sample: `torch.arange(round(seconds * sample_rate)) / sample_rate`.",
        "At time rt60 the power of 10 must be -3, at time 0 it is 0.",
    ),
)

EXERCISES = [GAIN, RESPONSE, BACK, DECAY]
