"""The questions of the course: keys are recomputed, clips can be heard, every wrong answer has its own feedback."""

import math
from collections import Counter

import pytest
import torch
import torchaudio
import torchcodec
import yaml

from course_utils import samples
from course_utils.paths import DATA
from course_utils.quiz.clips import render_clip
from course_utils.quiz.load import load_quiz, quiz_files, quiz_names, read_quiz
from course_utils.quiz.model import Listen, Numeric, Reveal

QUESTIONS = [
    pytest.param(path.name[:2], question, id=f"{path.name[:2]}.{question.id}")
    for path in quiz_files()
    for question in read_quiz(path).questions
]

GUIDE = {item["id"] for item in yaml.safe_load((DATA / "guide.yaml").read_text(encoding="utf-8"))}

NAMESPACE = {
    "math": math,
    "torch": torch,
    "torchaudio": torchaudio,
    "torchcodec": torchcodec,
    "F": torchaudio.functional,
    "T": torchaudio.transforms,
    "load_sample": samples.load_sample,
    "sample_info": samples.sample_info,
    "tone": samples.tone,
    "chirp": samples.chirp,
    "clicks": samples.clicks,
    "noise": samples.noise,
}
"""What a key may use."""


def of_kind(kind):
    return [parameter for parameter in QUESTIONS if isinstance(parameter.values[1], kind)]


def test_there_are_questions():
    assert QUESTIONS


@pytest.mark.parametrize("path", quiz_files(), ids=lambda path: path.name)
def test_every_file_is_valid_and_found_by_its_notebook(path):
    assert load_quiz(path.name[:2]) == read_quiz(path)


def test_no_notebook_has_two_files():
    assert len(set(quiz_names())) == len(quiz_names())


def test_ids_are_unique_over_all_files():
    counts = Counter(parameter.values[1].id for parameter in QUESTIONS)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(("notebook", "question"), of_kind(Numeric))
def test_every_number_is_recomputed(notebook, question):
    assert question.key, "a number needs a `key` that recomputes it"
    value = float(eval(question.key, dict(NAMESPACE)))
    if question.between:
        assert question.between[0] <= value < question.between[1]
    else:
        assert value == pytest.approx(question.answer, rel=1e-9, abs=question.tolerance / 10)


@pytest.mark.parametrize(("notebook", "question"), of_kind(Numeric))
def test_every_foreseen_wrong_number_is_wrong_and_gets_its_own_feedback(notebook, question):
    for case in question.wrong:
        value = case.answer if case.answer is not None else sum(case.between) / 2
        assert question.verdict(value) == (False, case.feedback)


@pytest.mark.parametrize(("notebook", "question"), QUESTIONS)
def test_every_question_names_an_objective_of_its_notebook_or_an_item_of_the_guide(notebook, question):
    assert question.objective or question.guide
    if question.objective:
        assert question.objective.startswith(f"{notebook}.")
    assert {*question.guide} <= GUIDE


@pytest.mark.parametrize(("notebook", "question"), QUESTIONS)
def test_every_question_explains_its_answer(notebook, question):
    assert isinstance(question, Reveal) or question.explanation


@pytest.mark.parametrize(("notebook", "question"), QUESTIONS)
def test_every_answer_has_feedback_of_its_own_that_teaches(notebook, question):
    cases = [
        *getattr(question, "options", ()),
        *getattr(question, "answers", ()),
        *getattr(question, "wrong", ()),
        *getattr(question, "also", ()),
    ]
    feedback = [case.feedback for case in cases] + [getattr(question, "otherwise", "nothing of the kind")]
    assert len(set(feedback)) == len(feedback)
    assert min(map(len, feedback)) >= 12


@pytest.mark.parametrize(("notebook", "question"), of_kind(Listen))
def test_every_clip_can_be_heard(notebook, question):
    rendered = [render_clip(clip) for clip in question.clips]
    for waveform, sample_rate in rendered:
        assert waveform.shape[0] in (1, 2)
        assert waveform.isfinite().all()
        assert waveform.shape[1] >= 0.1 * sample_rate
        assert waveform.abs().max() > 1e-3
    for index, (waveform, sample_rate) in enumerate(rendered):
        for other, other_rate in rendered[:index]:
            same = sample_rate == other_rate and waveform.shape == other.shape and torch.equal(waveform, other)
            assert not same, "two clips of the question are the same"
