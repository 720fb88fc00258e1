"""What the learner holds: check an answer, ask for a hint, see the solution, find the last answer again."""

import html
import inspect
import re
from typing import Any

from IPython.display import HTML, display

from course_utils import progress_store
from course_utils.errors import CourseError
from course_utils.exercises.definition import YOUR_CODE, Exercise, NotYet

_STYLE = {
    "Right": ("✓", "var(--jp-success-color1, #2e7d32)"),
    "Not quite": ("✗", "var(--jp-error-color1, #c62828)"),
    "Not yet": ("…", "var(--jp-info-color1, #1565c0)"),
    "Your last answer": ("=", "var(--jp-info-color1, #1565c0)"),
}


def judge(exercise: Exercise, answer: Any) -> tuple[str, str]:
    """The verdict on an answer, without showing or storing it: ("Right" | "Not quite" | "Not yet", text)."""
    try:
        if answer is None or answer is ...:
            raise NotYet
        feedback = exercise.check(answer)
    except NotYet:
        if not _is_stub(exercise, answer):
            return "Not quite", "Your function gives nothing back. End it with `return` and the result."
        return "Not yet", "Replace the three dots with your code and run the cell again."
    except CourseError as error:
        return "Not quite", str(error)
    except Exception as error:
        return "Not quite", f"Your code stopped with {type(error).__name__}: {error}"
    return ("Right", "") if feedback is None else ("Not quite", feedback)


def _is_stub(exercise: Exercise, answer: Any) -> bool:
    """Whether an answer without a value is the untouched stub: its bytecode tells."""
    if not inspect.isfunction(answer):
        return True
    stub_cell = compile(exercise.fill(YOUR_CODE), "stub", "exec")
    (stub,) = [part for part in stub_cell.co_consts if inspect.iscode(part)]
    return answer.__code__.co_code == stub.co_code


class ExerciseSession:
    """An exercise as the learner meets it in a notebook."""

    def __init__(self, definition: Exercise):
        self.definition = definition

    def check(self, answer: Any) -> None:
        """Say whether the answer is right, and if not, what to look at; store the result."""
        verdict, text = judge(self.definition, answer)
        if verdict == "Not yet":
            if self._solved_before():
                text += f" You have solved this one before: `{_call(self.definition)}.last()` shows your code."
        else:
            progress_store.record(
                "exercise",
                self.definition.id,
                notebook=self.definition.id.split(".")[0],
                response=_source(answer),
                correct=verdict == "Right",
                detail={"feedback": text} if text else None,
            )
        _show(verdict, text, more="" if verdict == "Right" else _folded_help(self.definition))

    def hint(self) -> None:
        """Show the hints, folded: each opens the next, the last one the solution."""
        display(HTML(_folded_help(self.definition)))

    def solution(self) -> None:
        """Show one way to solve it, folded away until clicked."""
        display(HTML(_solution(self.definition)))

    def last(self) -> None:
        """Show the last answer that was checked, wherever it was typed."""
        answer = progress_store.latest("exercise", self.definition.id)
        if answer is None:
            _show("Your last answer", "there is none yet.")
        else:
            verdict = "right" if answer.correct else "not right"
            _show("Your last answer", f"{answer.at[:10]}, {verdict}", more=_code(str(answer.response)))

    def _solved_before(self) -> bool:
        answers = progress_store.answers(kind="exercise", notebook=self.definition.id.split(".")[0])
        return any(answer.item == self.definition.id and answer.correct for answer in answers)

    def __repr__(self) -> str:
        return f"{_call(self.definition)}: .check(answer), .hint(), .solution(), .last()"


def _call(definition: Exercise) -> str:
    return f'exercise("{definition.id}")'


def _source(answer: Any) -> str:
    try:
        return inspect.getsource(answer)
    except (TypeError, OSError):
        return repr(answer)[:2000]


def _folded_help(definition: Exercise) -> str:
    """The hints as nested <details>, which need neither a kernel nor a script."""
    content = _solution(definition)
    for number in range(len(definition.hints), 0, -1):
        label = f"Hint {number} of {len(definition.hints)}"
        content = f"<details>{_summary(label)}{_text(definition.hints[number - 1])}{content}</details>"
    return content


def _solution(definition: Exercise) -> str:
    return f"<details>{_summary('One solution among several')}{_code(definition.solution)}</details>"


def _summary(label: str) -> str:
    return f"<summary data-lm-suppress-shortcuts='true'>{label}</summary>"  # or JupyterLab takes the keys


def _text(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _code(code: str) -> str:
    return f"<pre style='margin:.5em 0'>{html.escape(code)}</pre>"


def _show(verdict: str, text: str, more: str = "") -> None:
    sign, colour = _STYLE[verdict]
    colon = ": " if text else ""
    display(
        HTML(
            f"<div class='course-exercise' style='border-left:4px solid {colour};padding:.4em .8em;margin:.3em 0;"
            f"max-width:46em;line-height:1.5'><div role='status'><b><span aria-hidden='true' style='color:{colour}'>"
            f"{sign}</span> {verdict}</b>{colon}{_text(text)}</div>{more}</div>"
        )
    )
