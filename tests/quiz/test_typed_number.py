import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.quiz.typed_number import MAX_LENGTH, NotANumber, read_number

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("62.5", 62.5),
        ("62,5", 62.5),
        (".5", 0.5),
        (",5", 0.5),
        ("117.", 117),
        ("  117 ", 117),
        ("= 117", 117),
        ("-6", -6),
        ("- 6", -6),
        ("\u22126", -6),
        ("+6", 6),
        ("1.6e4", 16000),
        ("1,6E-3", 0.0016),
        ("16 000", 16000),
        ("16\u202f000", 16000),
        ("16_000", 16000),
        ("1'234.5", 1234.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("0.125", 0.125),
        ("0,125", 0.125),
        ("1/3", 1 / 3),
        ("2 E3", 2000),
        ("2\u202fe-3", 0.002),
        ("1 / 2 E3", 0.0005),
        ("１１７", 117),  # noqa: RUF001 - full-width digits, as a Japanese keyboard types them
    ],
)
def test_a_number_may_be_typed_in_many_ways(typed, value):
    assert read_number(typed) == (value,)


@pytest.mark.parametrize("typed", ["16,000", "16.000"])
def test_a_mark_before_three_digits_is_read_both_ways(typed):
    assert read_number(typed) == (16.0, 16000.0)


@pytest.mark.parametrize(
    ("typed", "unit", "value"),
    [
        ("16 kHz", "Hz", 16000),
        ("16kHz", "Hz", 16000),
        ("16 KHz", "Hz", 16000),
        ("16 khz", "Hz", 16000),
        ("16k", "Hz", 16000),
        ("16000 hertz", "Hz", 16000),
        ("16000", "Hz", 16000),
        ("16000 Hz", "kHz", 16),
        ("0.016 MHz", "kHz", 16),
        ("12.5 ms", "s", 0.0125),
        ("12,5 milliseconds", "s", 0.0125),
        ("0.0125 s", "ms", 12.5),
        ("250 µs", "ms", 0.25),
        ("2 sec", "s", 2),
        ("-6 dB", "dB", -6),
        ("-6 db", "dB", -6),
        ("117 frames", "frames", 117),
        ("1 frame", "frames", 1),
        ("50 %", "%", 50),
        ("50 percent", "%", 50),
        ("3528 kB", "MB", 3.528),
        ("16 bits", "bit", 16),
        ("3 s.", "s", 3),
        ("16000hz.", "Hz", 16000),
        ("16 k.", "Hz", 16000),
        ("2 E3 Hz", "Hz", 2000),
    ],
)
def test_the_unit_may_be_typed_with_another_prefix(typed, unit, value):
    assert read_number(typed, unit) == pytest.approx((value,), rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "unit"), [("5 ms", "Hz"), ("117 samples", "frames"), ("3 dBFS", "dB"), ("3 kdB", "dB")]
)
def test_another_unit_is_named(typed, unit):
    with pytest.raises(NotANumber, match=rf"in {unit}, not in {typed.split()[1]}"):
        read_number(typed, unit)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Type a number first"),
        ("  ", "Type a number first"),
        ("abc", "is not a number"),
        ("--5", "is not a number"),
        ("5 - 3", "is not a number"),
        ("1e", "without a unit"),
        ("inf", "finite"),
        ("-Infinity", "finite"),
        ("nan", "finite"),
        ("1e999", "finite"),
        ("1/0", "divided by zero"),
        ("1 2", "several ways"),
        ("1.2.3", "several ways"),
        ("1,23,4", "several ways"),
        ("9" * (MAX_LENGTH + 1), "too long"),
        ("12 Hz", "without a unit"),
    ],
)
def test_what_is_no_number_gets_a_reason(typed, reason):
    with pytest.raises(NotANumber, match=reason):
        read_number(typed)


@given(finite)
def test_what_python_prints_is_read_back(value):
    assert value in read_number(repr(value))


@given(finite)
def test_a_decimal_comma_equals_a_decimal_point(value):
    assert read_number(repr(value).replace(".", ",")) == read_number(repr(value))


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", "_"]))
def test_grouped_digits_are_read_back(value, mark):
    assert float(value) in read_number(f"{value:,}".replace(",", mark))


@given(st.text(max_size=80), st.sampled_from([None, "Hz", "dB", "frames"]))
def test_any_text_gives_finite_numbers_or_a_reason(typed, unit):
    try:
        values = read_number(typed, unit)
    except NotANumber:
        return
    assert values
    assert all(map(math.isfinite, values))
