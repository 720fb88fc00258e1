"""Exercises of 02_seeing_sound."""

from typing import Any

import torch

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_bin(bin_100: Any) -> str | None:
    return compare_number(
        bin_100,
        100 * 44_100 / 2048,
        "Hz",
        {
            100
            * 44_100
            / 1025: "The bins are 1025, but they reach up to half the rate only: divide the rate by n_fft.",
            100 * 44_100 / 1024: "Twice too high: 1024 steps cover half the rate, n_fft steps the whole of it.",
            100 * 44_100 / 4096: "Half of it: n_fft steps cover the whole sample rate.",
            101 * 44_100 / 2048: "That is bin 101. Bin 0 is at 0 Hz, so bin k is at k steps.",
            2048 / 44_100 * 100: "Upside down: one step is sample_rate / n_fft.",
        },
        tolerance=5e-4,
    )


BIN = Exercise(
    id="02.1",
    objective="02.axes",
    answer="bin_100",
    frame="bin_100 = {body}",
    body="100 * 44_100 / 2048",
    check=check_bin,
    wrong={
        "100 * 44_100 / 1025": "The bins are 1025",
        "100 * 44_100 / 2 / 2048": "Half of it",
        "100 * 44_100 / 1024": "Twice too high",
        "101 * 44_100 / 2048": "bin 101",
        "100 * 2048 / 44_100": "Upside down",
        "100": "too small",
    },
    hints=("Neighbouring bins are sample_rate / n_fft apart.", "Bin 0 is at 0 Hz, bin 1 one step above, bin 100 ..."),
)


def check_frame(frame_at: Any) -> str | None:
    for seconds, sample_rate, hop_length in ((0.9, 16_000, 256), (0.3, 44_100, 512), (2.0, 8000, 80)):
        got = call(frame_at, seconds, sample_rate, hop_length)
        exact = seconds * sample_rate / hop_length
        where = f"{seconds} s at {sample_rate} Hz with hop {hop_length}"
        if isinstance(got, float) and abs(got - exact) < 1e-6 and not got.is_integer():
            return f"{where}: {got:.2f} is the place, but frames are counted: round to the nearest whole number."
        feedback = compare_number(
            got,
            round(exact),
            "frames",
            {
                int(exact): "Cutting off the fraction gives the frame before; round to the nearest.",
                round(seconds * sample_rate): "That is the sample. A new frame begins only every hop_length samples.",
                round(seconds * 16_000 / hop_length): "Right only at 16 000 Hz: use the `sample_rate` you are given.",
                round(exact) + 1: "Off by one: frame 0 is the first.",
            },
        )
        if feedback:
            return f"{where}: {feedback}"
    return None


FRAME = Exercise(
    id="02.2",
    objective="02.axes",
    answer="frame_at",
    frame='''
def frame_at(seconds: float, sample_rate: int, hop_length: int) -> int:
    """The number of the frame nearest to a time; frame 0 is centred on 0 s."""
    {body}
''',
    body="return round(seconds * sample_rate / hop_length)",
    check=check_frame,
    wrong={
        "return seconds * sample_rate / hop_length": "frames are counted",
        "return round(seconds * sample_rate)": "That is the sample",
        "return int(seconds * sample_rate / hop_length)": "Cutting off the fraction",
        "return round(seconds * 16_000 / hop_length)": "Right only at 16 000 Hz",
        "return round(seconds * sample_rate / hop_length) + 1": "Off by one",
        "return round(seconds / hop_length)": "too small",
    },
    hints=(
        "First from seconds to samples: times the rate.",
        "Then from samples to frames: frame m is centred on sample m * hop_length.",
    ),
)


def check_decibel(decibel: Any) -> str | None:
    power = torch.tensor([[1e-12, 0.0, 0.02], [4.0, 0.4, 40.0]])
    for floor_db in (-80.0, -60.0):
        if feedback := _decibel_feedback(call(decibel, power, floor_db), power, floor_db):
            return feedback
    silent = torch.as_tensor(call(decibel, torch.zeros(2, 3), -80.0))
    if not bool((silent == -80).all()):
        return f"For pure silence every value should be the floor, -80 dB; yours gives {silent.flatten()[0].item():g}."
    return None


def _decibel_feedback(got: Any, power: torch.Tensor, floor_db: float) -> str | None:
    ratio = power.clamp(min=1e-20) / power.max()
    want = (10 * torch.log10(ratio)).clamp(min=floor_db)
    if compare(got, (20 * torch.log10(ratio)).clamp(min=floor_db)) is None:
        return "Twice as many dB as there are: 20 is the factor for amplitudes, 10 the one for power."
    if compare(got, (10 * torch.log10(power.clamp(min=1e-20))).clamp(min=floor_db)) is None:
        return "The loudest point should be at 0 dB: divide by the maximum."
    if compare(got, (10 * torch.log(ratio)).clamp(min=floor_db)) is None:
        return "That is the natural logarithm. Decibels are made with log10."
    if compare(got, -want) is None:
        return "The sign is wrong: weaker values are negative."
    if isinstance(got, torch.Tensor) and got.isinf().any():
        return "Silence became -inf: the floor is missing, or comes too late for log10(0)."
    if isinstance(got, torch.Tensor) and got.shape == want.shape and got.min() < floor_db:
        return f"The smallest value is {float(got.min()):.0f} dB, below the floor of {floor_db:.0f}."
    return compare(got, want)


DECIBEL = Exercise(
    id="02.3",
    objective="02.decibel",
    answer="decibel",
    frame='''
def decibel(power: Tensor, floor_db: float) -> Tensor:
    """Power in dB below its maximum; what is weaker than floor_db, such as -80, and silence give floor_db."""
    {body}
''',
    body="""reference = power.max().clamp(min=1e-10)
ratio = power.clamp(min=1e-20) / reference
return (10 * torch.log10(ratio)).clamp(min=floor_db)""",
    check=check_decibel,
    wrong={
        "return (20 * torch.log10(power.clamp(min=1e-20) / power.max())).clamp(min=floor_db)": "factor for amplitudes",
        "return (10 * torch.log10(power.clamp(min=1e-20))).clamp(min=floor_db)": "divide by the maximum",
        "return 10 * torch.log10(power / power.max())": "became -inf",
        "return 10 * torch.log10(power.clamp(min=1e-20) / power.max())": "below the floor",
        "return (10 * torch.log(power.clamp(min=1e-20) / power.max())).clamp(min=floor_db)": "natural logarithm",
        "return (10 * torch.log10(power / power.max())).clamp(min=floor_db)": "pure silence",
        "return (10 * torch.log10(power.clamp(min=1e-20) / power.max().clamp(min=1e-9))).clamp(min=-80)": "of -60",
    },
    hints=(
        "Divide by the maximum, take log10, multiply by 10.",
        "`.clamp(min=floor_db)` at the end sets the floor; `clamp(min=1e-20)` before the logarithm avoids log10(0).",
        "For pure silence the maximum is 0, too: clamp it before you divide.",
    ),
)

EXERCISES = [BIN, FRAME, DECIBEL]
