import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_utils import cli, doctor, lab, progress, progress_store, workspace
from course_utils.doctor import Check
from course_utils.errors import CourseError
from course_utils.quiz.load import read_quiz


def course(*arguments: str):
    return CliRunner().invoke(cli.app, arguments)


def test_help_does_not_wait_for_anything_heavy():
    program = (
        "import sys\nfrom course_utils.cli import app\n"
        "try:\n    app(['--help'])\n"
        "finally:\n    print({'torch', 'numpy', 'matplotlib', 'IPython', 'pydantic'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert "Usage" in run.stdout
    assert run.stdout.endswith("set()\n")


def test_every_command_is_in_the_help():
    for command in ("lab", "doctor", "reset", "progress", "import-quiz"):
        assert command in course("--help").stdout


def test_a_course_error_is_told_in_two_lines_without_a_traceback(monkeypatch):
    def reset(notebook: str) -> str:
        raise CourseError("There is no notebook '[99]'.", "Choose one of 00_start_here.")

    monkeypatch.setattr(workspace, "reset", reset)
    result = course("reset", "99")
    assert result.exit_code == 1
    assert result.stderr == "There is no notebook '[99]'.\nChoose one of 00_start_here.\n"


def test_other_errors_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(workspace, "reset", lambda notebook: 1 / 0)
    assert isinstance(course("reset", "01").exception, ZeroDivisionError)


def test_reset_says_what_it_did(monkeypatch):
    monkeypatch.setattr(workspace, "reset", lambda notebook: f"{notebook} is as in the course again.")
    assert course("reset", "01").stdout == "01 is as in the course again.\n"


def test_lab_passes_unknown_options_to_jupyterlab(monkeypatch):
    taken = []
    monkeypatch.setattr(lab, "open_lab", taken.extend)
    assert course("lab", "--no-browser", "--port", "8899").exit_code == 0
    assert taken == ["--no-browser", "--port", "8899"]


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warning", 0), ("problem", 1)])
def test_only_a_problem_makes_the_doctor_exit_with_1(status, code, monkeypatch):
    check = Check("disk", status, "[1] GB free", "" if status == "ok" else "Free some space.")
    monkeypatch.setattr(doctor, "checks", lambda: [check])
    result = course("doctor")
    assert result.exit_code == code
    assert status in result.stdout
    assert "[1] GB free" in result.stdout
    assert ("disk: Free some space." in result.stdout) == (status != "ok")
    assert course("doctor", "--json").exit_code == code


def test_the_doctors_json_is_json(monkeypatch):
    monkeypatch.setattr(doctor, "checks", lambda: [Check("disk", "ok", "9 GB free")])
    report = json.loads(course("doctor", "--json").stdout)
    assert report["checks"] == [{"name": "disk", "status": "ok", "found": "9 GB free", "remedy": ""}]


def test_progress_shows_each_notebook_and_what_comes_next(monkeypatch):
    row = {
        "notebook": "01",
        "title": "Load and save",
        "questions_right": 2,
        "questions_total": 6,
        "exercises_passed": 3,
        "exercises_total": 3,
        "last": "2026-11-22T09:30:00.123+00:00",
    }
    unseen = row | {"notebook": "02", "questions_right": 0, "exercises_passed": 0, "last": None}
    monkeypatch.setattr(progress, "progress_rows", lambda: [row, unseen])
    monkeypatch.setattr(progress, "next_step", lambda rows: ("answer 4 more questions in 01 Load and save", "01.ipynb"))
    monkeypatch.setattr(progress_store, "storage_problem", lambda: "The disk is full.")
    output = course("progress").stdout
    for text in (
        "01 Load and save",
        "2 of 6",
        "3 of 3",
        "2026-11-2",
        "not started",
        "Next: answer 4 more",
        "disk is full",
    ):
        assert text in output


def test_progress_is_written_as_csv(tmp_path: Path, monkeypatch):
    written = []
    monkeypatch.setattr(progress, "export_csv", lambda path: written.append(path) or path)
    assert course("progress", "--csv", str(tmp_path / "mine.csv")).exit_code == 0
    assert written == [tmp_path / "mine.csv"]


@pytest.mark.parametrize("place", ["", "."])
def test_a_csv_file_without_a_name_is_refused(place):
    result = course("progress", "--csv", place)
    assert result.exit_code == 1
    assert "answers cannot be written" in result.stderr


@pytest.fixture
def foreign_quiz(tmp_path: Path) -> Path:
    """A file of jupyterquiz with one question that fits and one that does not."""
    answers = [{"answer": "Größer", "correct": True}, {"answer": "Kleiner", "correct": False}]
    fits = {"question": "How much of the rate?", "type": "multiple_choice", "answers": answers}
    path = tmp_path / "rates.json"
    path.write_text(json.dumps([fits, {"question": "Draw it.", "type": "drawing"}]), encoding="utf-8")
    return path


def test_a_foreign_quiz_becomes_a_question_file_beside_it_and_the_loss_is_told(foreign_quiz):
    result = course("import-quiz", str(foreign_quiz))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith("Question 2 was left out") for line in lines)
    written = foreign_quiz.with_name("99_rates.yaml")
    assert lines[-1] == f"1 question in {written}."
    [question] = read_quiz(written).questions
    assert [option.text for option in question.options] == ["Größer", "Kleiner"]


def test_a_foreign_quiz_can_be_given_a_number_and_a_place(foreign_quiz, tmp_path):
    output = tmp_path / "42_mine.yaml"
    assert course("import-quiz", str(foreign_quiz), "--notebook", "42", "--output", str(output)).exit_code == 0
    assert read_quiz(output).notebook == "42"


@pytest.mark.parametrize("arguments", [["--notebook", "rates"], ["--output", "."], ["--output", "missing/99_a.yaml"]])
def test_a_foreign_quiz_is_refused_with_a_remedy_and_no_trace(foreign_quiz, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = course("import-quiz", str(foreign_quiz), *arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == [foreign_quiz]


def test_an_imported_quiz_that_was_edited_is_not_overwritten(foreign_quiz):
    course("import-quiz", str(foreign_quiz))
    written = foreign_quiz.with_name("99_rates.yaml")
    written.write_text("edited", encoding="utf-8")
    assert "is there already" in course("import-quiz", str(foreign_quiz)).stderr
    assert written.read_text(encoding="utf-8") == "edited"
