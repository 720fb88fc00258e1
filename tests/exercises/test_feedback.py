"""The feedback names what went wrong in the words of the field."""

import numpy as np
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.exercises.definition import NotYet
from course_utils.exercises.feedback import call, compare, compare_number

WANT = torch.sin(torch.linspace(0, 50, 1000)).unsqueeze(0).repeat(2, 1) * torch.linspace(0.2, 1, 1000)


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (WANT.T, "axes are swapped"),
        (WANT[0], "The shape is [1000], it should be [2, 1000]"),
        (WANT[:, :-1], "Off by one along time: 999 instead of 1000"),
        (WANT.repeat(1, 2), "2 times as long"),
        (WANT * 2, "2 times as large (+6.0 dB)"),
        (-WANT, "upside down"),
        (WANT.flip(-1), "backwards in time"),
        (WANT.square(), "power where magnitude"),
        (WANT + 0.1, "off by the same +0.1"),
        (WANT / 0, "infinite or not a number"),
        (WANT * 0, "silence"),
        (WANT.roll(1, -1), "the values are not"),
        (WANT.numpy(), "This is a ndarray"),
        ((WANT, 16000), "tuple of 2"),
    ],
)
def test_each_way_to_be_wrong_has_its_own_words(got, words):
    assert words in compare(got, WANT)


def test_a_missing_channel_axis_is_named():
    assert "keepdim" in compare(WANT[0], WANT[:1])


def test_magnitude_for_power_is_named():
    power = WANT.square()
    assert "magnitude where power" in compare(power.sqrt(), power)


def test_float64_for_float32_is_named():
    assert "float64" in compare(WANT.double(), WANT)
    assert compare(WANT.half(), WANT, tolerance=0.01) is None
    assert compare(WANT + 0j, WANT + 0j) is None
    assert compare(WANT.repeat(1, 2)[:, :1005], WANT) == "The length is 1005, it should be 1000: 5 samples too many."


def test_a_number_is_compared_with_the_foreseen_wrong_ones():
    wrong = {3.0: "three is the number of channels"}
    assert compare_number(2.0, 2.0, "s", wrong) is None
    assert compare_number(torch.tensor(2.0), 2.0, "s", wrong) is None
    assert compare_number(3.0, 2.0, "s", wrong) == "three is the number of channels"
    assert compare_number(2.5, 2.0, "s", wrong) == "2.5 s is too large."
    assert compare_number(np.float32(2), 2.0, "s", wrong) is None
    assert compare_number(np.int64(2), 2.0, "s", wrong) is None
    assert "quotation marks" in compare_number("two", 2.0, "s", wrong)
    assert "a number in s" in compare_number([2.0], 2.0, "s", wrong)


def test_a_stub_that_returns_nothing_is_not_yet_an_answer():
    with pytest.raises(NotYet):
        call(lambda: None)
    with pytest.raises(CourseError, match="Leave out the brackets"):
        call(WANT)
