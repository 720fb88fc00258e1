import subprocess
import sys

import pytest
from pydantic import ValidationError

from course_utils.quiz.model import Quiz


def refusal(ask, kind, **changes):
    with pytest.raises(ValidationError) as caught:
        ask(kind, **changes)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["single", "multiple", "numeric", "text", "order", "listen", "reveal"])
def test_every_kind_has_a_valid_example(ask, kind):
    assert ask(kind).kind == kind


@pytest.mark.parametrize("feedback", ["", "   ", "No.", "        "])
def test_an_option_without_feedback_that_teaches_is_refused(ask, feedback):
    options = [{"text": "a", "correct": True, "feedback": "Right, and why."}, {"text": "b", "feedback": feedback}]
    assert "at least 8 characters" in refusal(ask, "single", options=options)


@pytest.mark.parametrize(("right", "count"), [([], 0), (["a", "b"], 2)])
def test_a_single_question_has_exactly_one_right_option(ask, right, count):
    options = [{"text": text, "correct": text in right, "feedback": "Some feedback."} for text in "abc"]
    assert f"{count} options are marked" in refusal(ask, "single", options=options)


@pytest.mark.parametrize("right", ["", "abc"])
def test_a_multiple_question_has_a_right_and_a_wrong_option(ask, right):
    options = [{"text": text, "correct": text in right, "feedback": "Some feedback."} for text in "abc"]
    assert "at least one, but not all" in refusal(ask, "multiple", options=options)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("order", {"items": ["a", "b", "a"]}),
        ("single", {"options": [{"text": "a", "correct": c, "feedback": "Some feedback."} for c in (True, False)]}),
        ("listen", {"clips": [{"label": "A", "tone": 440}, {"label": "A", "tone": 880}]}),
    ],
)
def test_what_cannot_be_told_apart_is_refused(ask, kind, changes):
    assert "appears twice" in refusal(ask, kind, **changes)


def test_two_questions_with_one_id_are_refused(fields):
    with pytest.raises(ValidationError, match="'a-single' appears twice"):
        Quiz.model_validate({"notebook": "01", "questions": [fields("single"), fields("single")]})


@pytest.mark.parametrize("name", ["Big", "with space", "under_score", "-a", "a-", "", "ü"])
def test_an_id_is_kebab_case(ask, name):
    assert "id" in refusal(ask, "single", id=name)


def test_a_misspelt_field_is_refused(ask):
    assert "explanatoin" in refusal(ask, "single", explanatoin="Because of that.")


def test_a_question_cannot_be_changed(ask):
    with pytest.raises(ValidationError, match="frozen"):
        ask("single").prompt = "Another one?"


@pytest.mark.parametrize("wrong", [117, 117.5, 116.5])
def test_a_foreseen_wrong_number_that_counts_as_right_is_refused(ask, wrong):
    case = {"answer": wrong, "feedback": "That is not it."}
    assert "counts as right" in refusal(ask, "numeric", tolerance=0.5, wrong=[case])


@pytest.mark.parametrize(
    "changes",
    [{"answer": None}, {"between": [1, 2]}, {"answer": None, "between": [2, 2]}, {"answer": float("inf")}],
    ids=["neither", "both", "empty interval", "infinite"],
)
def test_a_numeric_question_has_one_finite_answer_or_interval(ask, changes):
    refusal(ask, "numeric", **changes)


def test_a_text_question_has_a_right_answer(ask):
    answers = [{"text": "Shannon", "feedback": "He proved it later."}]
    assert "no answer is marked" in refusal(ask, "text", answers=answers)


@pytest.mark.parametrize("step", [{}, {"gain": 3, "clip": 0.5}, {"gain": None}, {"reverse": True}])
def test_a_step_of_a_clip_does_exactly_one_known_thing(ask, step):
    refusal(ask, "listen", clips=[{"label": "A", "tone": 440, "steps": [step]}])


@pytest.mark.parametrize("clip", [{}, {"tone": 440, "sample": "speech"}, {"sample": "speech", "sample_rate": 8000}])
def test_a_clip_has_one_source(ask, clip):
    assert "clip 'A'" in refusal(ask, "listen", clips=[{"label": "A", **clip}])


def test_one_hint_or_guide_item_needs_no_list(ask):
    question = ask("single", hint="Count the samples.", guide="Q2")
    assert question.hint == ("Count the samples.",)
    assert question.guide == ("Q2",)


@pytest.mark.parametrize("module", ["model", "grading", "load", "session", "jupyterquiz"])
def test_questions_can_be_read_and_graded_without_torch_and_widgets(module):
    code = (
        f"import sys, course_utils.quiz.{module}; "
        "sys.exit(bool({'torch', 'torchaudio', 'matplotlib', 'ipywidgets', 'anywidget'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
