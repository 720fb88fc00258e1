"""What a question is: the kinds of questions, and the rules that a question file must keep.

A file in data/quizzes is a mapping `{notebook: "01", questions: [...]}`. The models are pure data:
`course_utils.quiz.grading` grades, `course_utils.quiz.load` reads the files.
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _check_distinct(names: Iterable[str], what: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"the {what} {repeated[0]!r} appears twice; rename or remove one of them.")


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A small subset of Markdown: **bold**, *italic*, `code`, fenced code, paragraphs, lists."""

MIN_FEEDBACK = 8

Feedback = Annotated[str, StringConstraints(strip_whitespace=True, min_length=MIN_FEEDBACK)]
"""Why an answer is right or wrong: a sentence that teaches, never empty."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
NotebookId = Annotated[str, StringConstraints(pattern=r"^\d\d$")]
GuideId = Annotated[str, StringConstraints(pattern=r"^(Q\d|G\d+\.\d+)$")]
ObjectiveId = Annotated[str, StringConstraints(pattern=r"^\d\d\.[a-z0-9]+(-[a-z0-9]+)*$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
Interval = tuple[Number, Number]
"""[low, high): low belongs to it, high does not."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Question(_Model):
    id: Identifier
    """Stable: the learner's stored answers are found by it."""
    prompt: Text
    guide: Annotated[tuple[GuideId, ...], BeforeValidator(_as_tuple)] = ()
    """Items of the guide that the question covers."""
    objective: ObjectiveId | None = None
    """The objective it tests, `<notebook>.<name>`."""


class _Graded(_Question):
    explanation: Feedback | None = None
    """Shown with the right answer: why it is right. Every question of the course has one; imported ones may not."""
    hint: Annotated[tuple[Feedback, ...], BeforeValidator(_as_tuple)] = ()
    """Offered after a wrong answer, one at a time."""


class Option(_Model):
    """One option of a single, multiple or listen question."""

    text: Text
    correct: bool = False
    feedback: Feedback


class _Choice(_Graded):
    options: Annotated[tuple[Option, ...], Field(min_length=2)]
    shuffle: bool = True
    """Show the options in an order drawn from the id, the same for everybody; false: as written."""

    @model_validator(mode="after")
    def _as_many_right_as_the_kind_asks(self):
        _check_distinct((option.text for option in self.options), "option")
        right = sum(option.correct for option in self.options)
        if not self.several and right != 1:
            raise ValueError(f"{right} options are marked `correct: true`; mark exactly one.")
        if self.several and not 0 < right < len(self.options):
            raise ValueError(f"{right} of {len(self.options)} options are right; mark at least one, but not all.")
        return self


class Single(_Choice):
    """Choose the one right option."""

    kind: Literal["single"]
    several: ClassVar[bool] = False


class Multiple(_Choice):
    """Choose every right option, and no wrong one."""

    kind: Literal["multiple"]
    several: ClassVar[bool] = True


class ForeseenNumber(_Model):
    """A number, or an interval of numbers, that gets feedback of its own."""

    answer: Number | None = None
    between: Interval | None = None
    feedback: Feedback

    @model_validator(mode="after")
    def _answer_or_interval(self):
        _check_number_or_interval(self.answer, self.between)
        return self


def _check_number_or_interval(answer: float | None, between: Interval | None) -> None:
    if (answer is None) == (between is None):
        raise ValueError("give either `answer` (a number) or `between` ([low, high)), not both.")
    if between and not between[0] < between[1]:
        raise ValueError(f"`between: {list(between)}` is empty; put the lower number first.")


class Numeric(_Graded):
    """Type a number, with or without its unit."""

    kind: Literal["numeric"]
    answer: Number | None = None
    """In `unit`."""
    between: Interval | None = None
    """Instead of `answer`: every number in [low, high) is right."""
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Absolute, in `unit`: right is |typed - answer| <= tolerance. It widens `also` and `wrong` as well."""
    digits: Annotated[int, Field(ge=1, le=15)] | None = None
    """Round to so many significant digits before comparing."""
    unit: Text | None = None
    key: Text | None = None
    """A Python expression that recomputes `answer` with torch and torchaudio. Only tests evaluate it."""
    also: tuple[ForeseenNumber, ...] = ()
    """Other right answers."""
    wrong: tuple[ForeseenNumber, ...] = ()
    """Foreseen wrong answers: off by one, power for magnitude, bins for frames."""
    otherwise: Feedback
    """For a wrong number that nobody foresaw."""

    def verdict(self, value: float) -> tuple[bool, str | None]:
        """Whether a number in `unit` is right, and the feedback foreseen for it.

        Numbers come before intervals, so that an interval can have exceptions.
        """
        value = self._rounded(value)
        cases = [(True, self.answer, self.between, None)]
        cases += [(True, case.answer, case.between, case.feedback) for case in self.also]
        cases += [(False, case.answer, case.between, case.feedback) for case in self.wrong]
        for right, answer, _, feedback in cases:
            if answer is not None and self._is_near(value, self._rounded(answer)):
                return right, feedback
        for right, _, between, feedback in cases:
            if between and between[0] <= value < between[1]:
                return right, feedback
        return False, None

    def _is_near(self, value: float, answer: float) -> bool:
        return math.isclose(value, answer, rel_tol=1e-9, abs_tol=self.tolerance * (1 + 1e-9))

    def _rounded(self, value: float) -> float:
        return float(f"{value:.{self.digits}g}") if self.digits else value

    @model_validator(mode="after")
    def _wrong_numbers_are_wrong(self):
        _check_number_or_interval(self.answer, self.between)
        for case in self.wrong:
            if case.answer is not None and self.verdict(case.answer)[0]:
                raise ValueError(f"the wrong answer {case.answer:g} counts as right; lower `tolerance` or remove it.")
        return self


class TextAnswer(_Model):
    """A word or phrase that gets feedback of its own."""

    text: Text
    correct: bool = False
    feedback: Feedback
    match_case: bool = False
    fuzzy_threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    """Accept a similarity of at least this, 1 - edits / length of the longer text: 0.8 forgives one edit in five."""


class TextInput(_Graded):
    """Type a word or a short phrase."""

    kind: Literal["text"]
    answers: Annotated[tuple[TextAnswer, ...], Field(min_length=1)]
    """The first that matches counts."""
    otherwise: Feedback
    """For a text that nobody foresaw."""

    @model_validator(mode="after")
    def _some_answer_is_right(self):
        if not any(answer.correct for answer in self.answers):
            raise ValueError("no answer is marked `correct: true`; mark at least one.")
        return self


class Order(_Graded):
    """Put the items in the right order; the file lists them in that order."""

    kind: Literal["order"]
    items: Annotated[tuple[Text, ...], Field(min_length=3)]

    @model_validator(mode="after")
    def _items_differ(self):
        _check_distinct(self.items, "item")
        return self


class Step(_Model):
    """One thing done to a clip: exactly one of these."""

    keep_every: Annotated[int, Field(ge=2, le=64)] | None = None
    """Naive slicing, `waveform[:, ::n]`: the rate is divided by n, and what lies above half of it folds down."""
    resample: Annotated[int, Field(ge=1000, le=48000)] | None = None
    """Resampled properly to this rate in Hz."""
    play_at: Annotated[int, Field(ge=1000, le=192000)] | None = None
    """Samples untouched, labelled with this rate in Hz: the wrong-rate fault."""
    gain: Annotated[float, Field(ge=-80, le=60)] | None = None
    """In dB."""
    clip: Annotated[float, Field(gt=0, le=1)] | None = None
    """Everything beyond +-clip is cut off."""
    channels: Annotated[tuple[Annotated[int, Field(ge=0, le=1)], ...], Field(min_length=1, max_length=2)] | None = None
    """Channels to keep, in this order: [1, 0] swaps left and right."""
    invert: Annotated[int, Field(ge=0, le=1)] | None = None
    """This channel with its sign flipped."""
    mono: Literal[True] | None = None
    """The mean over the channels."""

    @model_validator(mode="after")
    def _one_thing(self):
        if len(self.model_fields_set) != 1 or None in self.model_dump(include=self.model_fields_set).values():
            raise ValueError(f"a step does exactly one of {', '.join(type(self).model_fields)}; write one per line.")
        return self


class Clip(_Model):
    """A labelled piece of audio to listen to: a recording of the course or a synthetic signal, then some steps."""

    label: Text
    sample: Text | None = None
    """Name of a recording, see `course_utils.samples.sample_names`."""
    tone: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Frequency in Hz."""
    chirp: Interval | None = None
    """Start and end frequency in Hz."""
    noise: Literal["white", "pink", "brown"] | None = None
    start: Annotated[float, Field(ge=0)] = 0.0
    """Where to begin in the recording, in seconds."""
    seconds: Annotated[float, Field(gt=0, le=30)] | None = None
    """Length; without it the whole recording, or one second of a synthetic signal."""
    sample_rate: Annotated[int, Field(ge=1000, le=48000)] = 16000
    """Of a synthetic signal, in Hz."""
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _one_source(self):
        sources = [name for name in ("sample", "tone", "chirp", "noise") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError(f"clip {self.label!r} has {len(sources)} sources; give one of sample, tone, chirp, noise.")
        if "sample" in sources and "sample_rate" in self.model_fields_set:
            raise ValueError(f"clip {self.label!r} is a recording with a rate of its own; use a `resample` step.")
        return self


class Listen(_Choice):
    """Listen, then choose."""

    kind: Literal["listen"]
    clips: Annotated[tuple[Clip, ...], Field(min_length=1, max_length=6)]
    several: bool = False
    """Whether several options may be right, as in `multiple`."""
    shuffle: bool = False
    """By default the options stay as written: they often name the clips."""

    @model_validator(mode="after")
    def _labels_differ(self):
        _check_distinct((clip.label for clip in self.clips), "clip")
        return self


class Reveal(_Question):
    """Think (and write), see a model answer, rate yourself."""

    kind: Literal["reveal"]
    answer: Feedback
    """The model answer."""


Question = Annotated[Single | Multiple | Numeric | TextInput | Order | Listen | Reveal, Field(discriminator="kind")]


class Quiz(_Model):
    """The questions of one notebook, in the order shown."""

    notebook: NotebookId
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_are_unique(self):
        _check_distinct((question.id for question in self.questions), "question")
        return self
