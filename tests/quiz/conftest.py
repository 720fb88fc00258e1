"""What the tests of the quiz share: a store of their own, and one valid question of each kind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from course_utils.quiz.model import Question, Quiz

EXPLANATION = "Because half the rate is the limit."

FIELDS = {
    "single": {
        "options": [
            {"text": "Half of it.", "correct": True, "feedback": "Two samples in each cycle."},
            {"text": "All of it.", "feedback": "That needs two samples for each."},
            {"text": "Twice of it.", "feedback": "That is upside down."},
        ],
    },
    "multiple": {
        "options": [
            {"text": "FLAC", "correct": True, "feedback": "FLAC packs without loss."},
            {"text": "WAV", "correct": True, "feedback": "WAV keeps every sample."},
            {"text": "MP3", "feedback": "MP3 drops what is masked."},
            {"text": "Opus", "feedback": "Opus drops it as well."},
        ],
    },
    "numeric": {
        "answer": 117,
        "unit": "frames",
        "key": "29869 // 256 + 1",
        "wrong": [{"answer": 116, "feedback": "The first frame is centred on sample 0."}],
        "otherwise": "Divide by the hop, then think of the ends.",
    },
    "text": {
        "answers": [
            {"text": "Nyquist", "correct": True, "feedback": "Harry Nyquist, 1928.", "fuzzy_threshold": 0.7},
            {"text": "Shannon", "feedback": "He proved the theorem later."},
        ],
        "otherwise": "An engineer of Bell Labs.",
    },
    "order": {"items": ["Cut into frames.", "Multiply by a window.", "Transform.", "Square.", "Go to dB."]},
    "listen": {
        "clips": [
            {"label": "Player A", "tone": 440, "seconds": 0.1},
            {"label": "Player B", "tone": 7000, "seconds": 0.1, "steps": [{"keep_every": 2}]},
        ],
        "options": [
            {"text": "Player A", "feedback": "440 Hz fits into any rate."},
            {"text": "Player B", "correct": True, "feedback": "It came back as 1000 Hz."},
        ],
    },
    "reveal": {"answer": "The logarithm of 0 is minus infinity."},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for this test's answers."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def fields() -> Callable[..., dict]:
    """`fields("single", hint="...")` gives a question as it stands in a file, with changes."""

    def build(kind: str, **changes) -> dict:
        common = {"id": f"a-{kind}", "kind": kind, "prompt": "How much of the rate?"}
        if kind != "reveal":
            common |= {"explanation": EXPLANATION, "hint": ["Count the samples.", "Count the cycles."]}
        return {**common, **FIELDS[kind], **changes}

    return build


@pytest.fixture(scope="session")
def ask(fields) -> Callable[..., Question]:
    """`ask("single")` gives a question of that kind, with changes."""
    adapter = TypeAdapter(Question)
    return lambda kind, **changes: adapter.validate_python(fields(kind, **changes))


@pytest.fixture(scope="session")
def whole_quiz(fields) -> Quiz:
    """One question of each kind, for notebook 98."""
    return Quiz.model_validate({"notebook": "98", "questions": [fields(kind) for kind in FIELDS]})
