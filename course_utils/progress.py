"""The learner's progress: what was answered, what comes next, and all of it as a table for other programs.

`course_utils.progress_store` keeps the answers.
"""

import csv
import errno
import html
import io
import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

from course_utils.errors import CourseError
from course_utils.files import replace_file
from course_utils.paths import NOTEBOOKS
from course_utils.progress_store import COLUMNS, Answer, answers, storage_problem
from course_utils.quiz.load import load_quiz, quiz_names

STYLE = """
.course-progress { color: var(--jp-ui-font-color1, inherit); max-width: 60em; }
.course-progress a { color: var(--jp-content-link-color, revert); }
.course-progress .problem { border-left: 4px solid var(--jp-warn-color1, currentcolor); padding-left: 0.8em; }
.course-progress .lessons { border-collapse: collapse; table-layout: auto; margin: 0; width: 100%; }
.course-progress .lessons caption { text-align: left; font-weight: bold; padding: 0.5em 0; }
.course-progress .lessons :is(th, td) { text-align: left; vertical-align: top; padding: 0.4em 0.8em; }
.course-progress .lessons tr { border-bottom: 1px solid var(--jp-border-color2, currentcolor); }
.course-progress .lessons td { white-space: nowrap; }
.course-progress .lessons tbody th { font-weight: normal; }
.course-progress progress { width: 6em; accent-color: var(--jp-brand-color1, auto); }
"""

FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet would calculate; the last four are the full-width signs."""


class ProgressRow(TypedDict):
    """One notebook: `last` is the time of its last answer (UTC, ISO 8601), None before the first."""

    notebook: str
    file: str
    title: str
    minutes: int
    questions_right: int
    questions_total: int
    exercises_passed: int
    exercises_total: int
    last: str | None


def progress() -> None:
    """Show the progress in a notebook: what comes next, and a table with a row for each notebook.

    Taught in 00_start_here.
    """
    from IPython.display import HTML, display

    display(HTML(progress_html(progress_rows(), storage_problem())))


def progress_rows() -> list[ProgressRow]:
    """How far the learner is, notebook by notebook, in the order of the course.

    The best answer counts: who has answered a question right once has shown it, whatever came later. An answer that
    nobody grades (think, reveal, rate yourself) counts as soon as it is given. Answers to questions that the course
    no longer asks do not count.
    """
    given = answers()
    return [_row(file, content, given) for file, content in _lessons()]


def next_step(rows: list[ProgressRow]) -> tuple[str, str] | None:
    """What to do next: in the unfinished notebook that was worked in last, otherwise in the first unfinished one.

    Args:
        rows: from `progress_rows`.

    Returns:
        What to do, such as "answer 3 more questions in 01 Audio I/O", and the notebook's file name; None when
        everything is done.
    """
    unfinished = [row for row in rows if any(_missing(row))]
    if not unfinished:
        return None
    started = [row for row in unfinished if row["last"]]
    if not started:
        return f"start {_label(unfinished[0])}", unfinished[0]["file"]
    row = max(started, key=lambda row: row["last"])
    questions, exercises = _missing(row)
    steps = []
    if questions:
        steps.append(f"answer {_count(questions, 'more question')}")
    if exercises:
        steps.append(f"pass {_count(exercises, 'more exercise')}")
    return f"{' and '.join(steps)} in {_label(row)}", row["file"]


def progress_html(rows: list[ProgressRow], problem: str | None = None) -> str:
    """The dashboard as HTML.

    Args:
        rows: from `progress_rows`.
        problem: why answers cannot be stored, from `storage_problem`.
    """
    done = sum(not any(_missing(row)) for row in rows)
    parts = [f"<style>{STYLE}</style>"]
    if problem:
        parts.append(f'<p class="problem">{html.escape(problem)}</p>')
    step = next_step(rows)
    if step:
        text, file = step
        parts.append(f"<p>Next: {_link(file, text)}.</p>")
    else:
        parts.append("<p>Every question is answered and every exercise passed.</p>")
    parts.append(
        '<table class="lessons">'
        f"<caption>Your progress: {done} of {_count(len(rows), 'notebook')} done</caption>"
        '<thead><tr><th scope="col">Notebook</th><th scope="col">Time</th><th scope="col">Questions right</th>'
        '<th scope="col">Exercises passed</th><th scope="col">Last answer</th></tr></thead>'
        f"<tbody>{''.join(map(_row_html, rows))}</tbody></table>"
    )
    return f'<div class="course-progress">{"".join(parts)}</div>'


def export_csv(path: str | os.PathLike[str]) -> Path:
    """Write all answers to a CSV file: UTF-8 with a mark that Excel needs, a header, one row for each, oldest first.

    A response or detail that is a text stands there as it is, anything else as JSON. Spreadsheets calculate a text
    that begins with =, +, - or @: such a text gets an apostrophe (') in front. A number does not.

    Args:
        path: the file to write; "~" is the home folder. One that exists is replaced, but only once the new one is
            complete.

    Raises:
        CourseError: the file cannot be written.
    """
    path = Path(os.path.expanduser(path))
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(answer, column)) for column in COLUMNS] for answer in answers())
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        replace_file(path, table.getvalue().encode("utf-8-sig", errors="backslashreplace"))
    except OSError as error:
        raise CourseError(
            f"The answers cannot be written to {path} ({error.strerror}).",
            'Name a file in a folder that you can write to, such as "answers.csv".',
        ) from None
    return path


def _lessons() -> Iterator[tuple[str, dict]]:
    """File name and content of each notebook of the course."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "course" in content["metadata"]:
            yield path.name, content


def _row(file: str, content: dict, given: list[Answer]) -> ProgressRow:
    course = content["metadata"]["course"]
    notebook = course["id"]
    questions, exercises = _question_items(notebook), _exercise_items(content)
    mine = [answer for answer in given if answer.notebook == notebook]
    done = {(answer.kind, answer.item) for answer in mine if answer.correct is not False}
    return ProgressRow(
        notebook=notebook,
        file=file,
        title=_title(content),
        minutes=course["minutes"],
        questions_right=sum(("question", item) in done for item in questions),
        questions_total=len(questions),
        exercises_passed=sum(("exercise", item) in done for item in exercises),
        exercises_total=len(exercises),
        last=max((answer.at for answer in mine), default=None),
    )


def _question_items(notebook: str) -> list[str]:
    if notebook not in quiz_names():
        return []
    return [f"{notebook}.{question.id}" for question in load_quiz(notebook).questions]


def _exercise_items(content: dict) -> list[str]:
    courses = (cell["metadata"].get("course", {}) for cell in content["cells"])
    return [course["exercise"] for course in courses if "exercise" in course]


def _title(content: dict) -> str:
    """The first heading, without a number in front."""
    source = "\n".join("".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "markdown")
    heading = re.search(r"^# (?:\d\d\W+)?(.+)", source, re.MULTILINE)
    return heading[1].strip()


def _missing(row: ProgressRow) -> tuple[int, int]:
    return row["questions_total"] - row["questions_right"], row["exercises_total"] - row["exercises_passed"]


def _label(row: ProgressRow) -> str:
    return f"{row['notebook']} {row['title']}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _row_html(row: ProgressRow) -> str:
    questions = _bar(row["questions_right"], row["questions_total"], f"Questions right in {_label(row)}")
    exercises = _bar(row["exercises_passed"], row["exercises_total"], f"Exercises passed in {_label(row)}")
    return (
        f'<tr><th scope="row">{_link(row["file"], _label(row))}</th><td>{row["minutes"]} min</td>'
        f"<td>{questions}</td><td>{exercises}</td><td>{_local_time(row['last'])}</td></tr>"
    )


def _bar(value: int, total: int, label: str) -> str:
    if not total:
        return "none"
    return f'<progress value="{value}" max="{total}" aria-label="{html.escape(label)}"></progress> {value} of {total}'


def _local_time(at: str | None) -> str:
    if at is None:
        return "not started"
    return f'<time datetime="{html.escape(at)}">{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M}</time>'


def _link(file: str, text: str) -> str:
    # The attribute keeps JupyterLab's shortcuts from a link that has the focus: "x" would cut the cell.
    return f'<a href="{html.escape(quote(file))}" data-lm-suppress-shortcuts="true">{html.escape(text)}</a>'


def _cell(value: Any) -> str:
    """A value as a CSV cell that no spreadsheet calculates."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(value, str) and FORMULA.match(text) else text
