import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_utils import cli, doctor, lab, progress, workspace
from course_utils.doctor import Check
from course_utils.errors import CourseError


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
    for command in ("lab", "doctor", "reset", "progress"):
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
    monkeypatch.setattr(progress, "storage_problem", lambda: "The disk is full.")
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
