"""What an exercise is: one readable unit of stub, solution, check, foreseen wrong answers and hints."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

YOUR_CODE = "...  # your code"


class NotYet(Exception):
    """The answer is still the untouched stub."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        id: notebook and number, such as "01.2".
        objective: the objective it practises, such as "01.mono".
        answer: the name that the learner's code defines and hands to `check`.
        frame: the code around the learner's part, with the slot `{body}`.
        body: the solution's text for the slot.
        check: takes the answer; returns None when it is right, otherwise what to tell the learner.
        wrong: foreseen wrong texts for the slot, each with words that its feedback must contain.
        hints: given one at a time, from a nudge to nearly all.
    """

    id: str
    objective: str
    answer: str
    frame: str
    body: str
    check: Callable[[Any], str | None]
    wrong: dict[str, str]
    hints: tuple[str, ...]

    @property
    def stub(self) -> str:
        """The code of the exercise's cell before the learner touches it."""
        lines_between = "\n\n\n" if self.frame.lstrip().startswith("def ") else "\n\n"
        return f'{self.fill(YOUR_CODE)}{lines_between}exercise("{self.id}").check({self.answer})'

    @property
    def solution(self) -> str:
        return self.fill(self.body)

    def fill(self, body: str) -> str:
        """The frame with a text in its slot, indented as the slot is."""
        lines = []
        for line in self.frame.strip("\n").splitlines():
            indent = line[: len(line) - len(line.lstrip())]
            is_slot_line = line.strip() == "{body}"
            lines.append(textwrap.indent(body, indent) if is_slot_line else line.replace("{body}", body))
        return "\n".join(lines)
