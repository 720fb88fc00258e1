"""Exercises of 00_start_here."""

from typing import Any

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number
from course_utils.samples import load_sample


def check_seconds(seconds: Any) -> str | None:
    waveform, sample_rate = load_sample("speech")
    channels, samples = waveform.shape
    return compare_number(
        seconds,
        samples / sample_rate,
        "s",
        {
            samples: "That is the number of samples. How many of them make one second?",
            sample_rate / samples: "Upside down: divide the samples by the sample rate, not the rate by the samples.",
            channels / sample_rate: "`shape[0]` counts the channels. Time runs along the other dimension.",
            samples * sample_rate: "A product gets far too large. Each second uses up `sample_rate` of the samples.",
            samples // sample_rate: "`//` throws the part of a second away: divide with `/`.",
        },
    )


SECONDS = Exercise(
    id="00.1",
    objective="00.cut",
    answer="seconds",
    frame="seconds = {body}",
    body="waveform.shape[1] / sample_rate",
    check=check_seconds,
    wrong={
        "waveform.shape[1]": "number of samples",
        "sample_rate / waveform.shape[1]": "Upside down",
        "waveform.shape[0] / sample_rate": "counts the channels",
        "waveform.shape[1] * sample_rate": "product",
        "waveform.shape[1] // sample_rate": "throws the part of a second away",
        "int(waveform[0, 0])": "too small",
    },
    hints=(
        "One second is `sample_rate` samples. How many seconds are in all the samples?",
        "`waveform.shape[1]` is the number of samples.",
    ),
)


def check_first_seconds(first_seconds: Any) -> str | None:
    for name, seconds in (("speech", 0.5), ("phone", 0.2), ("drum_loop", 1.25)):
        waveform, sample_rate = load_sample(name)
        end = round(seconds * sample_rate)
        try:
            got = call(first_seconds, waveform, sample_rate, seconds)
        except TypeError as error:
            if "slice indices" in str(error):
                return "A slice needs whole numbers: wrap the end in `round(...)`."
            raise
        if not compare(got, waveform[:end]):
            return "The first index counts channels: write `waveform[:, ...]` to cut the time."
        if not compare(got, waveform[0, :end]):
            return "`waveform[0, ...]` takes one channel out of the grid; `waveform[:, ...]` keeps all of them."
        feedback = compare(got, waveform[:, :end])
        if feedback:
            return f'On "{name}" ({sample_rate} Hz, {waveform.shape[0]} ch), first {seconds} s: {feedback}'
    return None


FIRST_SECONDS = Exercise(
    id="00.2",
    objective="00.cut",
    answer="first_seconds",
    frame='''
def first_seconds(waveform: Tensor, sample_rate: int, seconds: float) -> Tensor:
    """The first `seconds` of a waveform [channels, samples]."""
    {body}
''',
    body="return waveform[:, : round(seconds * sample_rate)]",
    check=check_first_seconds,
    wrong={
        "return waveform[: round(seconds * sample_rate)]": "The first index counts channels",
        "return waveform[0, : round(seconds * sample_rate)]": "takes one channel out of the grid",
        "return waveform[:, : round(seconds * 16000)]": '"phone" (8000 Hz',
        "return waveform[:, : round(seconds * sample_rate) + 1]": "Off by one",
        "return waveform[:, : seconds * sample_rate]": "whole numbers",
        "return waveform[:, : sample_rate // 2]": 'On "phone"',
        "return waveform[:, round(seconds * sample_rate) :]": "The length is",
    },
    hints=(
        "A slice over all channels looks like `waveform[:, :end]`.",
        "`end` counts samples: seconds times samples per second, rounded to a whole number with `round`.",
    ),
)


def check_backwards(backwards: Any) -> str | None:
    waveform, _ = load_sample("drum_loop")
    got = call(backwards, waveform)
    if not compare(got, waveform.flip(0)):
        return "You swapped left and right: dimension 0 is the channels. Time is the other one."
    if not compare(got, waveform.flip(0, 1)):
        return "Time is turned around, but left and right are swapped as well."
    if not compare(got, waveform):
        return "Nothing changed."
    if not compare(got, -waveform):
        return "That turns the wave upside down, which the ear does not notice. Turn around the time."
    return compare(got, waveform.flip(1))


BACKWARDS = Exercise(
    id="00.3",
    objective="00.cut",
    answer="backwards",
    frame='''
def backwards(waveform: Tensor) -> Tensor:
    """A waveform [channels, samples] turned around in time, its channels where they were."""
    {body}
''',
    body="return waveform.flip(1)",
    check=check_backwards,
    wrong={
        "return waveform.flip(0)": "swapped left and right",
        "return waveform.flip(0, 1)": "swapped as well",
        "return waveform": "Nothing changed",
        "return waveform.T": "axes are swapped",
        "return -waveform": "upside down",
        "return waveform[::-1]": "ValueError",
    },
    hints=(
        "The shape is `[channels, samples]`: channels are dimension 0.",
        "`waveform.flip(dim)` with the dimension of the samples.",
    ),
)

EXERCISES = [SECONDS, FIRST_SECONDS, BACKWARDS]
