import os
import re

import pytest
import yaml

from course_utils.errors import CourseError
from course_utils.quiz import load, quiz
from course_utils.quiz.load import find_question, load_quiz, quiz_names, read_quiz, to_yaml


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in place of data/quizzes."""
    folder = tmp_path / "quizzes"
    folder.mkdir()
    monkeypatch.setattr(load, "QUIZZES", folder)
    return folder


@pytest.fixture
def write(folder, fields):
    """Writes a question file; questions are mappings, or the text of the file."""

    def write(*questions, name="03_spectrograms.yaml"):
        text = (
            questions[0]
            if isinstance(questions[0], str)
            else yaml.safe_dump({"notebook": name[:2], "questions": list(questions)})
        )
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def problem(path):
    with pytest.raises(CourseError) as caught:
        read_quiz(path)
    return str(caught.value)


def test_a_quiz_is_found_by_its_notebook(write, fields):
    write(fields("single"), fields("order"))
    write(fields("single"), name="01_audio_io.yaml")
    assert quiz_names() == ["01", "03"]
    assert [question.id for question in load_quiz("03").questions] == ["a-single", "a-order"]


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(write, fields):
    path = write(fields("single"))
    first = load_quiz("03")
    assert load_quiz("03") is first
    write(fields("single", prompt="Another question?"))
    os.utime(path, ns=(0, 0))
    assert load_quiz("03").questions[0].prompt == "Another question?"


@pytest.mark.parametrize("notebook", ["02", "3", "", "*", "../03", "03_spectrograms"])
def test_an_unknown_notebook_is_refused_with_the_known_ones(write, fields, notebook):
    write(fields("single"))
    with pytest.raises(CourseError, match=r"no questions for notebook .* Use one of 03\."):
        quiz(notebook)


def test_a_number_in_place_of_a_name_is_refused():
    with pytest.raises(CourseError, match="two digits in quotes"):
        quiz(1)


def test_an_unknown_question_is_refused_with_the_known_ones(write, fields):
    write(fields("single"), fields("order"))
    with pytest.raises(CourseError, match=r"no question 'b'\. Use one of a-single, a-order\."):
        find_question(load_quiz("03"), "b")


def test_single_questions_can_be_shown_in_any_order(write, fields):
    write(fields("single"), fields("order"), fields("text"))
    widget = quiz("03", "a-text", "a-single", "a-text")
    assert [view["id"] for view in widget.views] == ["a-text", "a-single"]


OPTIONS = [{"text": "a", "correct": True, "feedback": "Right, and why."}, {"text": "b", "feedback": "Wrong, and why."}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"options": [OPTIONS[0], OPTIONS[1] | {"feedback": ""}]},
            '03_spectrograms.yaml, question "a-single", option 2: `feedback` is empty or too short. '
            "Write a sentence that teaches.",
        ),
        (
            {"options": [OPTIONS[0], {"text": "b"}]},
            '03_spectrograms.yaml, question "a-single", option 2: `feedback` is missing. Add it.',
        ),
        (
            {"options": [OPTIONS[0], OPTIONS[1] | {"text": 44100}]},
            '03_spectrograms.yaml, question "a-single", option 2: `text: 44100` is not text. Put it in quotes.',
        ),
        (
            {"options": [OPTIONS[1], OPTIONS[1] | {"text": "c"}]},
            '03_spectrograms.yaml, question "a-single": 0 options are marked `correct: true`. Mark exactly one.',
        ),
        (
            {"feedbak": "x"},
            '03_spectrograms.yaml, question "a-single": `feedbak` is not a field here. '
            "Correct its spelling or remove it.",
        ),
        (
            {"id": "Big Name"},
            '03_spectrograms.yaml, question "Big Name": `id: Big Name` has the wrong form. '
            "Write lower-case words and hyphens, such as `stft-resolution`.",
        ),
        (
            {"guide": "Quiz 2"},
            '03_spectrograms.yaml, question "a-single", guide item 1: `guide: Quiz 2` has the wrong form. '
            "Write an item of the guide, such as Q2 or G1.1.",
        ),
        (
            {"kind": "guess"},
            '03_spectrograms.yaml, question "a-single": `kind` is missing or unknown. '
            "Use one of single, multiple, numeric, text, order, listen, reveal.",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_faulty_question_is_named_with_its_fault_and_the_remedy(write, fields, changes, message):
    assert problem(write(fields("order"), fields("single") | changes)) == message


def test_two_equal_ids_are_named(write, fields):
    message = problem(write(fields("single"), fields("single")))
    assert message == ("03_spectrograms.yaml: the question 'a-single' appears twice. Rename or remove one of them.")


def test_further_problems_are_counted(write, fields):
    assert "(1 more problem follows.)" in problem(write(fields("single", id="X"), fields("order", items=["a"])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('notebook: "03"\nquestions: [', "is not valid YAML"),
        ('notebook: "03"\nnotebook: "03"\n', "`notebook` twice in line 2"),
        ("notebook: 03\nquestions: []", "`notebook: 3` is not text. Put it in quotes."),
        ("", "model_type|dictionary|mapping|valid"),
        ("- 1", "valid"),
        ('notebook: "03"\nquestions: []', "`questions`"),
        ('notebook: "03"\nquestions: [1]', "question 1"),
        ('notebook: "04"\n', "`questions` is missing"),
    ],
)
def test_a_file_that_is_no_quiz_is_named(write, text, message):
    found = problem(write(text))
    assert found.startswith("03_spectrograms.yaml")
    assert re.search(message, found)


def test_a_file_of_another_notebook_is_refused(folder, fields):
    (folder / "03_x.yaml").write_text(
        yaml.safe_dump({"notebook": "04", "questions": [fields("single")]}), encoding="utf-8"
    )
    with pytest.raises(CourseError, match="does not match the name of the file"):
        load_quiz("03")


def test_a_quiz_written_as_yaml_reads_back_the_same(tmp_path, whole_quiz):
    path = tmp_path / "98_all.yaml"
    path.write_text(to_yaml(whole_quiz), encoding="utf-8")
    assert read_quiz(path) == whole_quiz
