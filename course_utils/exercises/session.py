"""What the learner holds: check an answer, ask for a hint, see the solution, find the last answer again."""

import html
import inspect
import re
from typing import Any

from IPython.display import HTML, display

from course_utils import progress
from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import NotYet

_STYLE = {
    "Right": ("✓", "var(--jp-success-color1, #2e7d32)"),
    "Not quite": ("✗", "var(--jp-error-color1, #c62828)"),
    "Not yet": ("…", "var(--jp-info-color1, #1565c0)"),
    "Hint": ("?", "var(--jp-info-color1, #1565c0)"),
    "Solution": ("=", "var(--jp-info-color1, #1565c0)"),
    "Your last answer": ("=", "var(--jp-info-color1, #1565c0)"),
}


def judge(exercise: Exercise, answer: Any) -> tuple[str, str]:
    """The verdict on an answer, without showing or storing it: ("Right" | "Not quite" | "Not yet", text)."""
    try:
        if answer is None or answer is ...:
            raise NotYet
        feedback = exercise.check(answer)
    except NotYet:
        return (
            "Not yet",
            f"Replace the `...` by your code and run the cell again. Stuck? `{_call(exercise)}.hint()`",
        )
    except Exception as error:
        return "Not quite", f"Your code stopped with {type(error).__name__}: {error}"
    return ("Right", "") if feedback is None else ("Not quite", feedback)


class ExerciseSession:
    """An exercise as the learner meets it in a notebook."""

    def __init__(self, definition: Exercise):
        self.definition = definition
        self._hints_given = 0

    def check(self, answer: Any) -> None:
        """Say whether the answer is right, and if not, what to look at; store the result."""
        verdict, text = judge(self.definition, answer)
        if verdict == "Not yet":
            if self._solved_before():
                text += f" You have solved this one before: `{_call(self.definition)}.last()` shows your code."
        else:
            progress.record(
                "exercise",
                self.definition.id,
                notebook=self.definition.id.split(".")[0],
                response=_source(answer),
                correct=verdict == "Right",
                detail={"feedback": text} if text else None,
            )
        if verdict == "Not quite" and self._hints_given < len(self.definition.hints):
            text += f" Stuck? `{_call(self.definition)}.hint()`"
        _show(verdict, text)

    def hint(self) -> None:
        """Show the next hint, and all that were given before."""
        hints = self.definition.hints
        self._hints_given = min(self._hints_given + 1, len(hints))
        for number, text in enumerate(hints[: self._hints_given], start=1):
            _show("Hint", f"{number} of {len(hints)}: {text}")
        if self._hints_given == len(hints):
            _show(
                "Hint",
                f"That was the last one. `{_call(self.definition)}.solution()` shows one way to do it.",
            )

    def solution(self) -> None:
        """Show one way to solve it, folded away until clicked."""
        _show("Solution", "one way among several", code=self.definition.solution, folded=True)

    def last(self) -> None:
        """Show the last answer that was checked, wherever it was typed."""
        answer = progress.latest("exercise", self.definition.id)
        if answer is None:
            _show("Your last answer", "there is none yet.")
        else:
            verdict = "right" if answer.correct else "not right"
            _show("Your last answer", f"{answer.at[:10]}, {verdict}", code=str(answer.response))

    def _solved_before(self) -> bool:
        answers = progress.answers(kind="exercise", notebook=self.definition.id.split(".")[0])
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


def _show(verdict: str, text: str, code: str | None = None, folded: bool = False) -> None:
    sign, colour = _STYLE[verdict]
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    if code is not None:
        body += f"<pre style='margin:.5em 0 0'>{html.escape(code)}</pre>"
    heading = f"<b><span aria-hidden='true' style='color:{colour}'>{sign}</span> {verdict}</b>"
    if folded:
        content = f"<details><summary>{heading}: click to open</summary>{body}</details>"
    else:
        content = f"{heading}{': ' if body else ''}{body}"
    display(
        HTML(
            f"<div class='course-exercise' role='status' style='border-left:4px solid {colour};"
            f"padding:.4em .8em;margin:.3em 0;max-width:46em;line-height:1.5'>{content}</div>"
        )
    )
