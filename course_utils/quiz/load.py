"""Read the question files in data/quizzes, with errors that name the file, the question and the remedy."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from course_utils.errors import CourseError
from course_utils.paths import DATA
from course_utils.quiz.model import Question, Quiz

QUIZZES = DATA / "quizzes"

_KINDS = ("single", "multiple", "numeric", "text", "order", "listen", "reveal")
_ONE_OF = {"options": "option", "answers": "answer", "wrong": "wrong answer", "also": "other right answer"}
_ONE_OF |= {"items": "item", "clips": "clip", "steps": "step", "hint": "hint", "guide": "guide item"}
_PATTERN = {
    "id": "lower-case words and hyphens, such as `stft-resolution`",
    "notebook": 'two digits in quotes, such as "01"',
    "guide": "an item of the guide, such as Q2 or G1.1",
    "objective": "a notebook and a name, such as `03.tradeoff`",
}


def quiz_files() -> list[Path]:
    """The question files, in the order of the course."""
    return sorted(QUIZZES.glob("[0-9][0-9]_*.yaml"))


def quiz_names() -> list[str]:
    """The notebooks that have questions, as two digits each: ["00", "01", ...]."""
    return [path.name[:2] for path in quiz_files()]


def load_quiz(notebook: str) -> Quiz:
    """The questions of one notebook; read again only when the file has changed.

    Args:
        notebook: two digits, such as "01".

    Raises:
        CourseError: no such notebook, or its file breaks a rule of `course_utils.quiz.model`.
    """
    files = {path.name[:2]: path for path in quiz_files()}
    if notebook not in files:
        raise CourseError(f"There are no questions for notebook {notebook!r}.", f"Use one of {', '.join(files)}.")
    status = files[notebook].stat()
    return _read(files[notebook], status.st_mtime_ns, status.st_size)


def find_question(quiz: Quiz, name: str) -> Question:
    """The question with this id.

    Raises:
        CourseError: the quiz has none.
    """
    for question in quiz.questions:
        if question.id == name:
            return question
    known = ", ".join(question.id for question in quiz.questions)
    raise CourseError(f"Notebook {quiz.notebook} has no question {name!r}.", f"Use one of {known}.")


def read_quiz(path: Path) -> Quiz:
    """Read and check one question file.

    Raises:
        CourseError: it is not YAML or breaks a rule of `course_utils.quiz.model`; the message names the question.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        raise CourseError(f"{path.name} is not valid YAML: {_yaml_problem(error)}.", "Correct that line.") from error
    try:
        quiz = Quiz.model_validate(data)
    except ValidationError as error:
        problem, remedy = _explain(error, data)
        raise CourseError(f"{path.name}{problem}", remedy) from error
    if quiz.notebook != path.name[:2]:
        raise CourseError(
            f'{path.name}: `notebook: "{quiz.notebook}"` does not match the name of the file.', "Correct one of them."
        )
    return quiz


def to_yaml(quiz: Quiz) -> str:
    """A quiz as the text of a question file."""
    data = quiz.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)


@lru_cache
def _read(path: Path, mtime_ns: int, size: int) -> Quiz:
    return read_quiz(path)


class _Loader(yaml.SafeLoader):
    """YAML in which a key may not appear twice: the plain loader drops the first one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(problem=f"`{name}` twice", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    return f"{problem} in line {mark.line + 1}" if mark else problem


def _explain(error: ValidationError, data: Any) -> tuple[str, str]:
    """What the first error is and where, and what to do about it."""
    errors = error.errors()
    locations = [each["loc"] for each in errors]
    # A faulty option also makes its list too short, pydantic says: keep the innermost.
    errors = [each for each in errors if not any(each["loc"] == loc[: len(each["loc"])] != loc for loc in locations)]
    first = errors[0]
    location = [*first["loc"][:2], *first["loc"][3:]]  # without the kind, which pydantic puts after the question
    problem, remedy = _problem_and_remedy(first, location)
    more = len(errors) - 1
    if more:
        remedy += f" ({more} more {'problem follows' if more == 1 else 'problems follow'}.)"
    where = "".join(f", {place}" for place in _places(location, data))
    return f"{where}: {problem}.", remedy


def _places(location: list[str | int], data: Any) -> Iterator[str]:
    for name, index in pairwise(location):
        if not isinstance(index, int):
            continue
        if name == "questions":
            question = data["questions"][index]
            has_id = isinstance(question, dict) and "id" in question
            yield f'question "{question["id"]}"' if has_id else f"question {index + 1}"
        else:
            yield f"{_ONE_OF.get(name, name)} {index + 1}"


def _problem_and_remedy(error: dict, location: list[str | int]) -> tuple[str, str]:
    fields = [part for part in location if isinstance(part, str)]
    field = fields[-1] if fields else "the file"
    match error["type"]:
        case "value_error":
            problem, _, remedy = str(error["ctx"]["error"]).removesuffix(".").partition("; ")
            return problem, f"{remedy[0].upper()}{remedy[1:]}."
        case "missing":
            return f"`{field}` is missing", "Add it."
        case "extra_forbidden":
            return f"`{field}` is not a field here", "Correct its spelling or remove it."
        case "string_too_short":
            return f"`{field}` is empty or too short", "Write a sentence that teaches."
        case "string_pattern_mismatch":
            return f"`{field}: {error['input']}` has the wrong form", f"Write {_PATTERN[field]}."
        case "string_type":
            return f"`{field}: {error['input']}` is not text", "Put it in quotes."
        case "union_tag_invalid" | "union_tag_not_found":
            return "`kind` is missing or unknown", f"Use one of {', '.join(_KINDS)}."
        case _:
            message = error["msg"]
            return f"`{field}`: {message[0].lower()}{message[1:]}", "Correct it."
