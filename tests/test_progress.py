import csv
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import progress
from course_utils.errors import CourseError
from course_utils.exercises import definitions
from course_utils.paths import NOTEBOOKS
from course_utils.progress import export_csv, next_step, progress_html, progress_rows
from course_utils.progress_store import record
from course_utils.quiz.load import load_quiz, quiz_names


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty folder for this test's answers."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))


def answer(item, correct=True, kind="question", response="b"):
    record(kind, item, notebook=item[:2], response=response, correct=correct)


def row(notebook, questions=(0, 3), exercises=(0, 2), last=None, title="Audio I/O"):
    return {
        "notebook": notebook,
        "file": f"{notebook}_topic.ipynb",
        "title": title,
        "minutes": 30,
        "questions_right": questions[0],
        "questions_total": questions[1],
        "exercises_passed": exercises[0],
        "exercises_total": exercises[1],
        "last": last,
    }


MONDAY, TUESDAY = "2026-11-23T10:00:00.000+00:00", "2026-11-24T10:00:00.000+00:00"


# What counts


def test_every_notebook_has_a_row_with_all_its_questions_and_exercises():
    rows = {row["file"]: row for row in progress_rows()}
    assert sorted(rows) == sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    for file, row in rows.items():
        notebook = file[:2]
        assert row["notebook"] == notebook
        assert row["title"]
        assert row["minutes"] > 0
        assert row["questions_total"] == (len(load_quiz(notebook).questions) if notebook in quiz_names() else 0)
        assert row["exercises_total"] == len(definitions(notebook))
        assert (row["questions_right"], row["exercises_passed"], row["last"]) == (0, 0, None)


@pytest.fixture
def lesson(monkeypatch):
    """The row of notebook 01, which asks a, b and c and has the exercises 1 and 2."""
    monkeypatch.setattr(progress, "_question_items", lambda notebook: ["01.a", "01.b", "01.c"])
    monkeypatch.setattr(progress, "_exercise_items", lambda content: ["01.1", "01.2"])
    return lambda: next(row for row in progress_rows() if row["notebook"] == "01")


def test_the_best_answer_counts(lesson):
    answer("01.a", correct=False)
    answer("01.b", correct=True)
    answer("01.b", correct=False)
    answer("01.1", kind="exercise")
    assert (lesson()["questions_right"], lesson()["exercises_passed"]) == (1, 1)


def test_an_answer_that_nobody_grades_counts_once_given(lesson):
    answer("01.c", correct=None)
    assert lesson()["questions_right"] == 1


def test_questions_that_are_no_longer_asked_do_not_count(lesson):
    answer("01.removed")
    assert lesson()["questions_right"] == 0
    assert lesson()["last"] is not None


# What comes next


def test_a_new_learner_is_sent_to_the_first_notebook():
    assert next_step([row("00"), row("01")]) == ("start 00 Audio I/O", "00_topic.ipynb")


def test_the_next_step_says_what_is_missing_where_the_learner_was_last():
    rows = [row("00", (1, 3), last=MONDAY), row("01", (2, 3), (0, 2), last=TUESDAY), row("02")]
    assert next_step(rows) == (
        "answer 1 more question and pass 2 more exercises in 01 Audio I/O",
        "01_topic.ipynb",
    )


def test_a_finished_notebook_leads_back_to_one_left_unfinished_then_to_a_new_one():
    left, finished = row("00", (0, 3), (2, 2), last=MONDAY), row("01", (3, 3), (2, 2), last=TUESDAY)
    assert next_step([left, finished, row("02")])[0] == "answer 3 more questions in 00 Audio I/O"
    assert next_step([finished, row("02")])[0] == "start 02 Audio I/O"


def test_a_finished_course_has_no_next_step():
    assert next_step([row("00", (3, 3), (2, 2), last=MONDAY), row("01", (0, 0), (0, 0))]) is None


# The dashboard


class Page(HTMLParser):
    """The elements of a page as (name, attributes), and its visible text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += f" {data}"

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_table_can_be_read_without_seeing_it():
    page = Page(progress_html([row("00", (2, 3), (2, 2), last=MONDAY), row("01")]))
    assert "Your progress: 0 of 2 notebooks done" in page.text
    assert len(page.all("caption")) == 1
    assert [cell["scope"] for cell in page.all("th")] == ["col"] * 5 + ["row"] * 2
    assert page.all("progress")[0] == {
        "value": "2",
        "max": "3",
        "aria-label": "Questions right in 00 Audio I/O",
    }
    assert "2 of 3" in page.text
    assert "not started" in page.text


def test_the_notebooks_are_linked_beside_each_other():
    page = Page(progress_html([row("00"), row("01")]))
    assert [link["href"] for link in page.all("a")] == ["00_topic.ipynb", "00_topic.ipynb", "01_topic.ipynb"]


def test_a_notebook_without_questions_says_none():
    page = Page(progress_html([row("18", (0, 0), (0, 0))]))
    assert page.all("progress") == []
    assert "none" in page.text


def test_text_cannot_become_html():
    evil = '<img src=x onerror="alert(1)">'
    page = Page(progress_html([row("01", title=evil, last=MONDAY)], problem=evil))
    assert page.all("img") == []
    assert evil in page.text


def test_the_dashboard_says_when_answers_are_not_stored():
    assert "disk is full" in progress_html([row("01")], problem="The disk is full.")


def test_the_dashboard_is_shown(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    progress.progress()
    assert shown[0].data == progress_html(progress_rows())


# The export


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_export_holds_every_answer(tmp_path):
    answer("01.a", correct=False, response='größer, "viel"\ngrößer')
    answer("01.b", correct=None, response={"order": ["ä", 2]})
    answer("01.c", response=-3.5)
    rows = read_csv(export_csv(tmp_path / "answers.csv"))
    assert [(row["id"], row["item"], row["correct"], row["response"]) for row in rows] == [
        ("1", "01.a", "false", 'größer, "viel"\ngrößer'),
        ("2", "01.b", "", '{"order": ["ä", 2]}'),
        ("3", "01.c", "true", "-3.5"),
    ]
    assert {row["detail"] for row in rows} == {""}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1"])
def test_no_answer_is_calculated_by_a_spreadsheet(tmp_path, text):
    answer("01.a", response=text)
    assert read_csv(export_csv(tmp_path / "answers.csv"))[0]["response"] == f"'{text}"


@given(st.text())
def test_a_text_is_exported_as_it_is_or_with_an_apostrophe_in_front(text):
    cell = progress._cell(text)
    assert cell in (text, f"'{text}")
    assert cell.lstrip()[:1] not in tuple("=+-@")


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    old = tmp_path / "answers.csv"
    old.write_text("old", encoding="utf-8")
    monkeypatch.setattr(progress, "answers", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_csv(old)
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]
    assert old.read_text(encoding="utf-8") == "old"


def test_the_export_says_that_it_is_utf_8_or_excel_would_garble_it(tmp_path):
    answer("01.a", response="größer")
    assert export_csv(tmp_path / "answers.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")


def test_the_export_may_go_to_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert export_csv("~/answers.csv") == tmp_path / "answers.csv"
    assert read_csv(tmp_path / "answers.csv") == []


@pytest.mark.parametrize("place", ["missing/answers.csv", "a file/answers.csv", "a folder", "", ".", "..", "/"])
def test_an_export_to_an_impossible_place_is_refused_with_a_clear_error(tmp_path, place, monkeypatch):
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    monkeypatch.chdir(tmp_path / "a folder")
    answer("01.a")
    with pytest.raises(CourseError, match=r"answers cannot be written to .*Name a file"):
        export_csv(tmp_path / place if len(place) > 2 else place)
    assert not list(tmp_path.glob("**/.*"))
