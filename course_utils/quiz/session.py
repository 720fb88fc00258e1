"""One question as the learner works on it: tries, hints, what may be seen, what is stored.

Everything that reaches the browser is built here. `Session.view` is what the question looks like and holds nothing of
the key; `Session.result` is what an answer has earned, and empty before the first.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

from course_utils.paths import state_dir
from course_utils.progress_store import Answer, record
from course_utils.quiz.grading import RATINGS, Grade, grade, is_response, solution
from course_utils.quiz.markdown import inline, parse
from course_utils.quiz.model import Listen, Multiple, Numeric, Order, Question, Reveal, Single

SHOW_AFTER = 2
"""After so many wrong tries the learner may see the answer."""

MAX_NOTES = 5000
"""Longest answer in the learner's own words, in characters."""

_OPEN = {
    "locked": False,
    "verdict": None,
    "note": None,
    "feedback": [],
    "marks": {},
    "explanation": None,
    "solution": [],
    "hints": [],
    "more_hints": False,
    "may_show": False,
    "response": None,
    "notes": "",
    "date": None,
}


class Session:
    """One question on the screen.

    Responses from the screen name options and items by their position there. Stored responses hold their texts, so
    that they can be read in an export and survive a new order of the options.

    Args:
        question: any kind.
        notebook: two digits.
        past: the learner's stored answers to this question, oldest first; the last one is shown again.
    """

    def __init__(self, question: Question, notebook: str, past: Sequence[Answer] = ()):
        self.question = question
        self.item = f"{notebook}.{question.id}"
        self.notebook = notebook
        self.solved = any(answer.correct is not False for answer in past)
        self._round = 0
        self._positions = self._arrangement()
        self._start_over()
        if past:
            self._restore(past)

    def view(self) -> dict[str, Any]:
        """What the browser needs to ask the question."""
        question = self.question
        view = {"id": question.id, "kind": question.kind, "prompt": parse(question.prompt)}
        match question:
            case Single() | Multiple() | Listen():
                view["options"] = [inline(question.options[index].text) for index in self._positions]
                view["several"] = question.several
            case Order():
                view["items"] = [inline(question.items[index]) for index in self._positions]
            case Numeric():
                view["unit"] = question.unit
            case Reveal():
                view["ratings"] = list(RATINGS.items())
        if isinstance(question, Listen):
            view["clips"] = [clip.label for clip in question.clips]
        return view

    def check(self, response: Any, notes: Any = "") -> bool:
        """Grade a response from the screen, store it and show the verdict; False when it has not the right form."""
        response = self._from_screen(response)
        if self.result["locked"] or response is None or not _are_notes(notes):
            return False
        verdict = grade(self.question, response)
        if not verdict.counts:
            self._set(verdict=None, feedback=[], marks={}, note=[verdict.feedback[0][1]])
            return True
        self._tries += 1
        record(
            "question",
            self.item,
            notebook=self.notebook,
            response=self._to_store(response, notes),
            correct=verdict.correct,
            detail={"try": self._tries, "hints": len(self.result["hints"])},
        )
        self._show_verdict(verdict, response, notes)
        return True

    def hint(self) -> bool:
        """Show the next hint; False when there is none to be had."""
        if not self.result["more_hints"]:
            return False
        hints = self.question.hint[: len(self.result["hints"]) + 1]
        self._set(hints=[parse(text) for text in hints], more_hints=len(hints) < len(self.question.hint))
        return True

    def show(self) -> bool:
        """Show the answer, and store that it was shown; False when the learner has not tried often enough."""
        if not self.result["may_show"]:
            return False
        record("question", self.item, notebook=self.notebook, response=None, correct=False, detail={"shown": True})
        self._show_answer()
        return True

    def reveal(self, notes: Any) -> bool:
        """Show the model answer beside the learner's notes; False for another kind of question."""
        if not isinstance(self.question, Reveal) or self.result["locked"] or not _are_notes(notes):
            return False
        self._set(verdict="revealed", solution=[parse(self.question.answer)], notes=notes)
        return True

    def again(self) -> bool:
        """Ask the question anew; False when it is open anyway."""
        if not self.result["locked"]:
            return False
        self._round += 1
        self._start_over()
        return True

    def _start_over(self) -> None:
        self._tries = 0
        self.result = dict(_OPEN)
        if isinstance(self.question, Order):
            self._set(response=[self._positions.index(index) for index in self._arrangement()])

    def _set(self, **changes: Any) -> None:
        self.result = {**self.result, "note": None, **changes}

    def _show_verdict(self, verdict: Grade, response: Any, notes: str, date: str | None = None) -> None:
        question = self.question
        self._set(response=self._to_screen(response), notes=notes, date=date)
        feedback = [[self._label(target), parse(text)] for target, text in verdict.feedback]
        marked = [self._positions.index(target) for target, _ in verdict.feedback if target is not None]
        if verdict.correct is None:
            feedback[0][0] = inline(f"You rated yourself: {RATINGS[response]}")
            self._set(verdict="rated", locked=True, feedback=feedback, solution=[parse(question.answer)])
        elif verdict.correct:
            self._set(
                verdict="right",
                locked=True,
                feedback=feedback,
                marks={str(position): "right" for position in marked},
                explanation=question.explanation and parse(question.explanation),
                more_hints=False,
                may_show=False,
            )
        else:
            self._set(
                verdict="wrong",
                feedback=feedback,
                marks={str(position): "wrong" for position in marked},
                more_hints=len(self.result["hints"]) < len(question.hint),
                may_show=self._tries >= SHOW_AFTER,
            )
        self.solved = self.solved or verdict.correct is not False

    def _show_answer(self, date: str | None = None) -> None:
        question = self.question
        marks = {}
        if isinstance(question, Single | Multiple | Listen):
            right = [index for index, option in enumerate(question.options) if option.correct]
            marks = {str(self._positions.index(index)): "right" for index in right}
        self._set(
            verdict="shown",
            locked=True,
            feedback=[],
            marks=marks,
            explanation=question.explanation and parse(question.explanation),
            solution=[inline(text) for text in solution(question)],
            more_hints=False,
            may_show=False,
            date=date,
        )

    def _restore(self, past: Sequence[Answer]) -> None:
        last = past[-1]
        moment = datetime.fromisoformat(last.at).astimezone()
        date = f"{moment.day} {moment:%B %Y, %H:%M}"
        if last.detail == {"shown": True} and not isinstance(self.question, Reveal):
            return self._show_answer(date)
        response, notes = self._from_store(last.response)
        verdict = None if response is None else grade(self.question, response)
        if verdict is None or not verdict.counts:
            return self._set(note=[f"You answered this on {date}. The question has changed since: answer it again."])
        self._tries = 1 if last.correct is False else 0
        self._show_verdict(verdict, response, notes, date)

    def _arrangement(self) -> list[int]:
        """The options or items in the order of the screen; items never in the right order."""
        question = self.question
        match question:
            case Order():
                draw = Random(f"{self.item} {state_dir()} {self._round}")
                arranged = right = list(range(len(question.items)))
                while arranged == right:
                    arranged = draw.sample(right, len(right))
                return arranged
            case Single() | Multiple() | Listen():
                indices = list(range(len(question.options)))
                return Random(question.id).sample(indices, len(indices)) if question.shuffle else indices
            case _:
                return []

    def _from_screen(self, response: Any) -> Any:
        """The response as `grade` takes it, None when it has not the right form."""
        if self._positions:
            if not isinstance(response, list) or not all(_is_position(place, self._positions) for place in response):
                return None
            response = [self._positions[place] for place in response]
        return response if is_response(self.question, response) else None

    def _to_screen(self, response: Any) -> Any:
        return [self._positions.index(index) for index in response] if self._positions else response

    def _to_store(self, response: Any, notes: str) -> Any:
        if isinstance(self.question, Reveal):
            return {"rating": response, "notes": notes}
        return [self._texts()[index] for index in response] if self._positions else response

    def _from_store(self, stored: Any) -> tuple[Any, str]:
        """The response as `grade` takes it and the notes; None when it does not fit the question as it is today."""
        notes = ""
        if isinstance(self.question, Reveal) and isinstance(stored, dict):
            stored, notes = stored.get("rating"), stored.get("notes", "")
        if self._positions:
            texts = self._texts()
            if not isinstance(stored, list) or not all(text in texts for text in stored):
                return None, ""
            stored = [texts.index(text) for text in stored]
        fits = is_response(self.question, stored) and _are_notes(notes)
        return (stored, notes) if fits else (None, "")

    def _texts(self) -> list[str]:
        question = self.question
        return list(question.items) if isinstance(question, Order) else [option.text for option in question.options]

    def _label(self, target: int | None) -> list | None:
        """Names the option that a remark is about, where several can be chosen."""
        if target is None or not self.question.several:
            return None
        return inline(self.question.options[target].text)


def _is_position(place: Any, positions: list[int]) -> bool:
    return type(place) is int and 0 <= place < len(positions)


def _are_notes(notes: Any) -> bool:
    return isinstance(notes, str) and len(notes) <= MAX_NOTES
