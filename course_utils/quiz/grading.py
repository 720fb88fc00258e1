"""Grade an answer: pure functions from a question and a response to a verdict with feedback."""

from dataclasses import dataclass
from typing import Any

from course_utils.quiz.model import Listen, Multiple, Numeric, Order, Question, Reveal, Single, TextAnswer, TextInput
from course_utils.quiz.typed_number import NotANumber, read_number

RATINGS = {
    "missed": "I missed it",
    "partly": "I had part of it",
    "got": "I got it",
}
"""What a learner may say about their own answer to a `reveal` question."""

_REPLIES = {
    "missed": "That is what questions are for. Read the section again, then come back to this one.",
    "partly": "Name the part that was missing, in your own words: that is what you will remember.",
    "got": "Well done. If you can explain it to somebody else, you have it.",
}

MAX_TYPED = 500
"""Longest typed answer in characters."""


@dataclass(frozen=True)
class Grade:
    """The verdict on one response.

    Attributes:
        correct: None when nobody grades it: the learner's own rating, or what is no answer yet.
        feedback: (target, text) pairs; the target is the index of an option, or None for the answer as a whole.
        counts: False for what is no answer yet (empty, not a number): not a try, not stored.
    """

    correct: bool | None
    feedback: tuple[tuple[int | None, str], ...] = ()
    counts: bool = True


def is_response(question: Question, response: Any) -> bool:
    """Whether a response has the form that `grade` expects; what comes from a browser may be anything."""
    match question:
        case Single() | Multiple() | Listen():
            return _are_indices(response, len(question.options)) and (question.several or len(response) <= 1)
        case Order():
            return _are_indices(response, len(question.items)) and len(response) == len(question.items)
        case Reveal():
            return isinstance(response, str) and response in RATINGS
        case _:
            return isinstance(response, str) and len(response) <= MAX_TYPED


def _are_indices(response: Any, count: int) -> bool:
    return (
        isinstance(response, list | tuple)
        and all(type(index) is int and 0 <= index < count for index in response)
        and len(set(response)) == len(response)
    )


def grade(question: Question, response: Any) -> Grade:
    """Grade a response.

    Args:
        question: any kind.
        response: single, multiple, listen: list of the chosen options' indices. order: list of all items' indices as
            arranged. numeric, text: what was typed. reveal: one of `RATINGS`.

    Raises:
        ValueError: the response has another form, see `is_response`.
    """
    if not is_response(question, response):
        raise ValueError(f"{response!r} is no response to a question of kind {question.kind}")
    match question:
        case Single() | Multiple() | Listen():
            return _grade_choice(question, set(response))
        case Numeric():
            return _grade_number(question, response)
        case TextInput():
            return _grade_text(question, response)
        case Order():
            return _grade_order(list(response))
        case Reveal():
            return Grade(None, ((None, _REPLIES[response]),))


def solution(question: Question) -> tuple[str, ...]:
    """The right answer as Markdown: every right option, the items in order, or one number or text."""
    match question:
        case Single() | Multiple() | Listen():
            return tuple(option.text for option in question.options if option.correct)
        case Numeric():
            unit = f" {question.unit}" if question.unit else ""
            if question.between:
                low, high = question.between
                return (f"from {low:.12g} up to, but not including, {high:.12g}{unit}",)
            return (f"{question.answer:.12g}{unit}",)
        case TextInput():
            return (next(answer.text for answer in question.answers if answer.correct),)
        case Order():
            return question.items
        case Reveal():
            return (question.answer,)


def _no_answer_yet(reason: str) -> Grade:
    return Grade(None, ((None, reason),), counts=False)


def _grade_choice(question: Single | Multiple | Listen, chosen: set[int]) -> Grade:
    if not chosen:
        return _no_answer_yet("Choose an option first.")
    right = {index for index, option in enumerate(question.options) if option.correct}
    correct = chosen == right
    shown = chosen if correct else chosen - right
    feedback = tuple((index, question.options[index].feedback) for index in sorted(shown))
    if question.several and not correct:
        feedback = ((None, _how_far_off(len(chosen - right), len(right - chosen))), *feedback)
    return Grade(correct, feedback)


def _how_far_off(wrong: int, missing: int) -> str:
    counts = []
    if wrong:
        counts.append("one of your choices is wrong" if wrong == 1 else f"{wrong} of your choices are wrong")
    if missing:
        counts.append("one right option is missing" if missing == 1 else f"{missing} right options are missing")
    sentence = " and ".join(counts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _grade_number(question: Numeric, typed: str) -> Grade:
    try:
        values = read_number(typed, question.unit)
    except NotANumber as error:
        return _no_answer_yet(str(error))
    verdicts = [question.verdict(value) for value in values]
    right, feedback = max(verdicts, key=lambda verdict: (verdict[0], verdict[1] is not None))
    if not right and feedback is None:
        feedback = question.otherwise
    return Grade(right, ((None, feedback),) if feedback else ())


def _grade_text(question: TextInput, typed: str) -> Grade:
    typed = " ".join(typed.split())
    if not typed:
        return _no_answer_yet("Type an answer first.")
    for answer in question.answers:
        if _matches(answer, typed):
            return Grade(answer.correct, ((None, answer.feedback),))
    return Grade(False, ((None, question.otherwise),))


def _matches(answer: TextAnswer, typed: str) -> bool:
    expected = " ".join(answer.text.split())
    if not answer.match_case:
        expected, typed = expected.lower(), typed.lower()
    if answer.fuzzy_threshold is None:
        return expected == typed
    return 1 - _edits(expected, typed) / max(len(expected), len(typed)) >= answer.fuzzy_threshold


def _edits(a: str, b: str) -> int:
    """Levenshtein distance: the fewest insertions, deletions and replacements that turn one text into the other."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (letter != other))
    return row[-1]


def _grade_order(arranged: list[int]) -> Grade:
    in_place = sum(index == position for position, index in enumerate(arranged))
    if in_place == len(arranged):
        return Grade(True)
    first = next(position for position, index in enumerate(arranged) if index != position)
    start = "None is" if in_place == 0 else "One is" if in_place == 1 else f"{in_place} of {len(arranged)} are"
    return Grade(False, ((None, f"{start} in place. The first one out of place is number {first + 1}."),))
