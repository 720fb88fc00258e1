"""Import questions written for the package jupyterquiz (https://github.com/jmshea/jupyterquiz, MIT licence).

What its browser code accepts is accepted here, in the same order of precedence; see `import_jupyterquiz`.
"""

import html
import json
import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from course_utils.errors import CourseError
from course_utils.quiz.model import MIN_FEEDBACK, Question, Quiz

RIGHT = "That is right."
WRONG = "That is not right."
"""Feedback where the source has none, and before one of a word or two."""

_COMMON = {"question", "type", "code", "answers"}
_OPTION = {"answer", "code", "correct", "feedback"}
_FIELDS = {
    "multiple_choice": (_COMMON, _OPTION),
    "many_choice": (_COMMON, _OPTION),
    "numeric": (_COMMON | {"precision"}, {"type", "value", "range", "correct", "feedback"}),
    "string": (_COMMON, {"type", "answer", "correct", "feedback", "match_case", "fuzzy_threshold"}),
}
"""The fields of a question and of its answers that can be kept."""

Note = Callable[[str], None]
"""Takes what could not be kept, once for each question."""


@dataclass(frozen=True)
class Imported:
    """What became of a jupyterquiz file.

    Attributes:
        quiz: the questions, ready for `course_utils.quiz.widget.QuizWidget` or `course_utils.quiz.load.to_yaml`.
        lost: one sentence for everything that could not be kept or was filled in.
    """

    quiz: Quiz
    lost: tuple[str, ...]


def import_jupyterquiz(source: str | Path | list[dict], notebook: str = "99") -> Imported:
    """Turn jupyterquiz questions into questions of this course.

    multiple_choice and many_choice become `single` or `multiple` by the number of right answers. numeric keeps values,
    ranges [a, b), the default feedback and the precision (significant digits); where ranges overlap, the first wins.
    string becomes `text`, with match_case and fuzzy_threshold.

    Args:
        source: a file, the text of one, or its list of questions.
        notebook: two digits, under which answers are stored.

    Raises:
        CourseError: the source is an address, not readable, not a list of questions, or has no question that fits.
    """
    if not re.fullmatch(r"\d\d", notebook):
        raise CourseError(f"{notebook!r} is not the number of a notebook.", 'Give two digits, such as "99".')
    lost: list[str] = []
    questions: dict[str, Question] = {}
    for number, raw in enumerate(_read(source), 1):
        notes: dict[str, None] = {}
        try:
            fields = _question(raw, lambda note, notes=notes: notes.setdefault(note))
            fields["id"] = _unused_id(fields["prompt"], questions)
            question = Quiz.model_validate({"notebook": notebook, "questions": [fields]}).questions[0]
            questions[question.id] = question
            lost += [f"Question {number}: {note}." for note in notes]
        except _UnfitError as error:
            lost.append(f"Question {number} was left out: {error}.")
        except ValidationError as error:
            lost.append(f"Question {number} was left out: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
    if not questions:
        raise CourseError("No question could be imported.", " ".join(lost) or "The list is empty.")
    return Imported(Quiz(notebook=notebook, questions=tuple(questions.values())), tuple(lost))


class _UnfitError(Exception):
    """A question that has no counterpart here."""


def _read(source: str | Path | list[dict]) -> list:
    if isinstance(source, str) and re.match(r"https?://", source):
        raise CourseError(f"{source} is an address, and quizzes are not fetched.", "Save the file and give its path.")
    if isinstance(source, Path) or (isinstance(source, str) and not source.lstrip().startswith(("[", "{"))):
        try:
            source = Path(source).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise CourseError(f"{source!s:.200} cannot be read ({error}).", "Give the path of a JSON file.") from error
    if isinstance(source, str):
        try:
            source = json.loads(source)
        except ValueError as error:
            raise CourseError(
                f"This is not valid JSON: {error}.", "Correct it, or export the questions again."
            ) from error
    if not isinstance(source, list):
        raise CourseError("This is not a list of questions.", "A jupyterquiz file begins with [.")
    return source


def _question(raw: Any, note: Note) -> dict[str, Any]:
    """The fields of a question model, without an id."""
    kind = str(raw.get("type")) if isinstance(raw, dict) else None
    if kind not in _FIELDS:
        raise _UnfitError("it has none of the types multiple_choice, many_choice, numeric, string")
    answers = raw.get("answers")
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise _UnfitError("it has no list of answers")
    of_question, of_answer = _FIELDS[kind]
    for field in sorted(
        (raw.keys() - of_question) | {name for answer in answers for name in answer.keys() - of_answer}
    ):
        note(f"the field {field} has no counterpart")
    fields = {"prompt": _prompt(raw, note)}
    if kind == "numeric":
        return fields | _numeric(raw, answers, note)
    if kind == "string":
        return fields | _string(answers, note)
    return fields | _choice(answers, note)


def _choice(answers: list[dict], note: Note) -> dict[str, Any]:
    options = [
        {
            "text": _option(answer, note),
            "correct": answer.get("correct") is True,
            "feedback": _feedback(answer, note),
        }
        for answer in answers
    ]
    several = sum(option["correct"] for option in options) > 1
    return {"kind": "multiple" if several else "single", "options": options}


def _numeric(raw: dict, answers: list[dict], note: Note) -> dict[str, Any]:
    precision = raw.get("precision")
    digits = precision if isinstance(precision, int) and precision > 0 else None
    right, wrong = [], []
    values: list[float] = []
    ranges: list[tuple[float, float]] = []
    for answer in answers:
        if "value" in answer:
            value = _number(answer["value"])
            value = float(f"{value:.{digits}g}") if digits else value
            if value in values or any(low <= value < high for low, high in ranges):
                note(f"the answer {value:g} can never be reached, an earlier one takes it")
                continue
            values.append(value)
            cases = [{"answer": value}]
        elif "range" in answer:
            low, high = _range(answer["range"])
            cases = [{"between": piece} for piece in _without((low, high), ranges)]
            ranges.append((low, high))
        else:
            continue
        feedback = _feedback(answer, note)
        (right if answer.get("correct") is True else wrong).extend(case | {"feedback": feedback} for case in cases)
    if not right:
        raise _UnfitError("no answer is right")
    main, *also = right
    main["explanation"] = main.pop("feedback")
    return main | {
        "kind": "numeric",
        "digits": digits,
        "also": also,
        "wrong": wrong,
        "otherwise": _default(answers, note),
    }


def _without(interval: tuple[float, float], taken: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of [low, high) when earlier intervals are cut out: the first that matches counts."""
    pieces = [interval]
    for low, high in taken:
        cut = [part for a, b in pieces for part in ((a, min(b, low)), (max(a, high), b))]
        pieces = [(a, b) for a, b in cut if a < b]
    return pieces


def _string(answers: list[dict], note: Note) -> dict[str, Any]:
    accepted = []
    for answer in answers:
        if answer.get("type") == "default":
            continue
        fields = {
            "text": answer.get("answer"),
            "correct": answer.get("correct") is True,
            "feedback": _feedback(answer, note),
            "match_case": answer.get("match_case") is True,
        }
        if answer.get("fuzzy_threshold"):
            fields["fuzzy_threshold"] = answer["fuzzy_threshold"]
        accepted.append(fields)
    return {"kind": "text", "answers": accepted, "otherwise": _default(answers, note)}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _UnfitError(f"{value!r} is not a number")
    return float(value)


def _range(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise _UnfitError(f"{value!r} is not a range")
    return _number(value[0]), _number(value[1])


def _prompt(raw: dict, note: Note) -> str:
    prompt = _text(str(raw.get("question") or ""), note)
    if not prompt:
        note("it has no text of its own, and got one")
        prompt = "Choose or type the right answer."
    if raw.get("code"):
        code = _code(str(raw["code"]), note)
        fence = "`" * max(3, _longest_ticks(code) + 1)
        prompt += f"\n\n{fence}\n{code}\n{fence}"
    return prompt


def _option(answer: dict, note: Note) -> str:
    text = _text(str(answer.get("answer", "")), note)
    if answer.get("code"):
        code = _code(str(answer["code"]), note)
        if "\n" in code:
            note("the lines of an answer's code were joined")
            code = code.replace("\n", "; ")
        ticks = "`" * (_longest_ticks(code) + 1)
        text = f"{text} {ticks} {code} {ticks}"  # Markdown takes one space at either end away
    return text.strip()


def _longest_ticks(code: str) -> int:
    return max(map(len, re.findall("`+", code)), default=0)


def _feedback(answer: dict, note: Note) -> str:
    standard = RIGHT if answer.get("correct") is True else WRONG
    text = _text(str(answer.get("feedback") or ""), note)
    if not text:
        note(f"an answer without feedback got “{standard}”")
        return standard
    return text if len(text) >= MIN_FEEDBACK else f"{standard} {text}"


def _default(answers: list[dict], note: Note) -> str:
    """The feedback for an answer that nobody foresaw."""
    default = next((answer for answer in answers if answer.get("type") == "default"), {})
    return _feedback({"feedback": default.get("feedback")}, note)


def _unused_id(prompt: str, taken: Container[str]) -> str:
    words = re.findall(r"[a-z0-9]+", prompt.lower())[:6]
    name = "-".join(words)[:50].strip("-") or "question"
    return next(known for known in (name, *(f"{name}-{n}" for n in range(2, 10_000))) if known not in taken)


def _text(source: str, note: Note) -> str:
    """HTML, links and LaTeX as the Markdown of this course; its own marks are escaped, jupyterquiz has none."""
    if re.search(r"\$[^$]+\$", source):
        note("LaTeX is shown as it is written")
    source, links = re.subn(r"\[(.*?)\]\((.*?)\)", r"\1 (\2)", re.sub(r"<(https?://[^>]*)>", r"\1", source))
    if links:
        note("a link became its text and address")
    parser = _HtmlToMarkdown(note)
    parser.feed(source)
    parser.close()
    return "".join(parser.parts).strip()


def _code(source: str, note: Note) -> str:
    """Code without the HTML that may colour it."""
    plain = re.sub(r"</?(?:span|b|i|em|strong|font|code|pre)\b[^>]*>", "", source)
    if plain != source:
        note("the colours of code were dropped")
    return html.unescape(plain)


class _HtmlToMarkdown(HTMLParser):
    MARKS: ClassVar = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}

    def __init__(self, note: Note):
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._note = note
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag(tag)
        self._in_code = self._in_code or tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._tag(tag)
        self._in_code = self._in_code and tag != "code"

    def handle_data(self, data: str) -> None:
        self.parts.append(data if self._in_code else re.sub(r"([*_`]|\\(?=[^\w\s]))", r"\\\1", data))

    def _tag(self, tag: str) -> None:
        if tag in self.MARKS:
            self.parts.append(self.MARKS[tag])
        elif tag in ("br", "p", "div"):
            self.parts.append("\n\n")
        else:
            self._note(f"the HTML tag <{tag}> was dropped")
