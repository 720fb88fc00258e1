"""Compare an answer with the right one and say, in the words of the field, how it differs."""

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.exercises.definition import NotYet


def call(function: Any, *arguments: Any) -> Any:
    """The value of the learner's function, called with copies of tensors; one that returns nothing raises NotYet."""
    if not callable(function):
        raise CourseError(
            f"`check` needs the function itself; this is a {type(function).__name__}.",
            "Leave out the brackets: `check(my_function)`.",
        )
    value = function(*(part.clone() if isinstance(part, Tensor) else part for part in arguments))
    if value is None or value is ...:
        raise NotYet
    return value


def compare(got: Any, want: Tensor, *, tolerance: float = 1e-4) -> str | None:
    """How a tensor differs from the right one: type, axes, length, scale; None when they agree.

    Args:
        got: the learner's answer.
        want: [..., samples] or [..., frames].
        tolerance: largest difference that still counts as equal, relative to the peak of `want`.

    Returns:
        One or two sentences for the learner, or None.
    """
    if isinstance(got, tuple):
        return f"This is a tuple of {len(got)} values; one tensor was asked for."
    if not isinstance(got, Tensor):
        return f"This is a {type(got).__name__}; a tensor was asked for."
    return _compare_shape(got, want) or _compare_values(got, want, tolerance)


def _compare_shape(got: Tensor, want: Tensor) -> str | None:
    have, need = list(got.shape), list(want.shape)
    if have == need:
        return None
    if have == need[::-1] and len(need) > 1:
        return f"The axes are swapped: the shape is {have}, it should be {need}. Channels come first."
    if [1, *have] == need:
        return (
            f"An axis is missing: the shape is {have}, it should be {need}. `keepdim=True` or `unsqueeze(0)` keeps it."
        )
    if len(have) != len(need):
        return f"The shape is {have}, it should be {need}."
    if have[:-1] == need[:-1]:
        if abs(have[-1] - need[-1]) == 1:
            return f"Off by one along time: {have[-1]} instead of {need[-1]}."
        difference = have[-1] - need[-1]
        if abs(difference) < 0.02 * need[-1]:
            words = f"{abs(difference)} samples too {'many' if difference > 0 else 'few'}"
        else:
            words = f"{have[-1] / need[-1]:.3g} times as long"
        return f"The length is {have[-1]}, it should be {need[-1]}: {words}."
    return f"The shape is {have}, it should be {need}."


def _compare_values(got: Tensor, want: Tensor, tolerance: float) -> str | None:
    if got.is_complex() or want.is_complex():
        got, want = torch.view_as_real(got + 0j), torch.view_as_real(want + 0j)
    is_double = got.dtype == torch.float64 and want.dtype == torch.float32
    got, want = got.detach().double(), want.double()
    if not got.isfinite().all():
        return (
            f"{int((~got.isfinite()).sum())} values are infinite or not a number (a logarithm or a division by zero?)."
        )
    peak = want.abs().max()
    allowed = tolerance * float(peak) + 1e-12

    def close(other: Tensor) -> bool:
        return float((got - other).abs().max()) <= allowed * max(1.0, float(other.abs().max() / (peak + 1e-12)))

    if close(want):
        return "The values are right, but in float64; models and transforms want float32." if is_double else None
    if not got.any():
        return "Every value is 0: silence."
    if close(-want):
        return "The shape is right but it is upside down: every value has the wrong sign."
    if close(want.flip(-1)):
        return "It runs backwards in time."
    gain = float((got * want).sum() / (want * want).sum())
    if gain > 0 and close(gain * want):
        return f"The shape is right but {gain:.3g} times as large ({20 * math.log10(gain):+.1f} dB)."
    if close(want.square()):
        return "These are the squares of the right values: power where magnitude was asked for."
    if (want >= 0).all() and close(want.sqrt()):
        return "These are the square roots of the right values: magnitude where power was asked for."
    offset = float((got - want).mean())
    if close(want + offset):
        return f"Every value is off by the same {offset:+.3g}."
    worst = float((got - want).abs().max())
    return f"The shape is right, the values are not: they differ by up to {worst:.3g} at a peak of {float(peak):.3g}."


def compare_number(got: Any, want: float, unit: str, wrong: dict[float, str], *, tolerance: float = 1e-6) -> str | None:
    """How a number differs from the right one; None when it is right.

    Args:
        got: the learner's answer.
        want: the right number, in `unit`.
        unit: such as "s" or "Hz"; shown in the feedback.
        wrong: foreseen wrong numbers, each with the words for it.
        tolerance: allowed difference relative to `want`.

    Returns:
        One or two sentences for the learner, or None.
    """
    if isinstance(got, Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(got, str):
        return "This is text; type the number without quotation marks."
    if not isinstance(got, Real):
        return f"This is a {type(got).__name__}; a number in {unit} was asked for."
    if math.isclose(got, want, rel_tol=tolerance):
        return None
    for value, words in wrong.items():
        if math.isclose(got, value, rel_tol=tolerance):
            return words
    return f"{got:g} {unit} is too {'large' if got > want else 'small'}."
