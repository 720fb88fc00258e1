"""The words of captions, as a learner reads them."""

import pytest

from course_utils.widgets.captions import listed, milliseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.002, "2 ms"),
        (0.064, "64 ms"),
        (256 / 22050, "11.6 ms"),
        (0.9996, "1000 ms"),
        (1.024, "1024 ms"),
        (5, "5000 ms"),
    ],
)
def test_a_short_time_has_three_digits_and_a_long_one_no_fraction(seconds, text):
    assert milliseconds(seconds) == text


def test_things_are_listed_as_in_a_sentence():
    assert listed([22]) == "22"
    assert listed([22, 3]) == "22 and 3"
    assert listed(["a", "b", "c"]) == "a, b and c"
