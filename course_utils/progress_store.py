"""Where answers are kept: one SQLite file per learner, outside the course's folder, so that nothing overwrites it.

- Every answer is a row of its own; rows are only ever added.
- An answer that `record` has reported as saved survives `kill -9` and power loss.
- Each operation opens and closes its own connection, with a rollback journal: that works on network disks, in forked
  kernels and in two kernels at once.
- A store that cannot be used never stops the course. Answers then wait in memory, and are written together with the
  next answer that can be stored; the learner is told once.
"""

import json
import sqlite3
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from course_utils.errors import CourseError, CourseWarning
from course_utils.paths import state_dir

BUSY_SECONDS = 10
"""How long to wait for another kernel that is writing."""

MIGRATIONS = (
    """CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        item TEXT NOT NULL,
        notebook TEXT NOT NULL,
        correct INTEGER,
        response TEXT NOT NULL,
        detail TEXT NOT NULL
    )""",
)
"""MIGRATIONS[n] takes a store from schema version n to n + 1. A new file has version 0."""


@dataclass(frozen=True)
class Answer:
    """One answer of the learner.

    Args:
        id: number of the row, counting up; None while the answer waits in memory.
        at: when, in UTC, ISO 8601, such as "2026-11-22T09:30:00.123+00:00".
        kind: "question", "exercise", ...
        item: what was answered, such as "01.rate-and-length" or "01.2".
        notebook: number of the notebook, such as "01".
        correct: None when nobody graded it.
        response: what the learner answered, as JSON holds it.
        detail: anything else, as JSON holds it.
    """

    id: int | None
    at: str
    kind: str
    item: str
    notebook: str
    correct: bool | None
    response: Any
    detail: Any


COLUMNS = [field.name for field in fields(Answer)]

Result = TypeVar("Result")


def record(kind: str, item: str, *, notebook: str, response: Any, correct: bool | None, detail: Any = None) -> bool:
    """Store an answer. One that cannot be stored now waits in memory, and the learner is told.

    Args:
        kind: "question", "exercise", ...
        item: stable id of what was answered, such as "01.rate-and-length" or "01.2".
        notebook: number of the notebook, such as "01".
        response: what the learner answered, enough to show it again; what JSON has no form for is kept as its text.
        correct: None for an answer that nobody grades.
        detail: anything else worth keeping, in the same form as `response`.

    Returns:
        True when the answer is on disk, False while it waits in memory.
    """
    answer = Answer(
        id=None,
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        kind=kind,
        item=item,
        notebook=notebook,
        correct=None if correct is None else bool(correct),
        response=json.loads(_to_json(response)),
        detail=json.loads(_to_json(detail)),
    )
    path = store_path()
    with _lock:
        unsaved = [*_unsaved.get(path, []), answer]
        saved = _attempt(path, lambda connection: _insert(connection, unsaved), otherwise=False)
        if saved:
            _unsaved.pop(path, None)
            _problems.pop(path, None)
        else:
            _unsaved[path] = unsaved
    _tell_news()
    return saved


def latest(kind: str, item: str) -> Answer | None:
    """The answer to an item that was given last, None when there is none."""
    found = _find({"kind": kind, "item": item})
    _tell_news()
    return found[-1] if found else None


def answers(kind: str | None = None, notebook: str | None = None, item: str | None = None) -> list[Answer]:
    """All answers, oldest first.

    Args:
        kind: only these, such as "question".
        notebook: only those of this notebook, such as "01".
        item: only those to this item, such as "01.2".
    """
    wanted = {"kind": kind, "notebook": notebook, "item": item}
    found = _find({column: value for column, value in wanted.items() if value is not None})
    _tell_news()
    return found


def store_path() -> Path:
    """The file that holds this learner's answers."""
    return state_dir() / "progress.sqlite"


def storage_problem() -> str | None:
    """Why the store cannot be used and what to do, None as long as all went well."""
    return _problems.get(store_path())


# What this process knows, by file, because COURSE_HOME may change. JupyterLab runs the callbacks of widgets in
# threads of their own, hence the lock.
_lock = threading.Lock()
_unsaved: dict[Path, list[Answer]] = {}
_problems: dict[Path, str] = {}
_news: list[str] = []


def _find(wanted: dict[str, str]) -> list[Answer]:
    path = store_path()
    condition = " AND ".join(f"{column} = ?" for column in wanted) or "TRUE"
    query = f"SELECT {', '.join(COLUMNS)} FROM answers WHERE {condition} ORDER BY id"
    with _lock:
        rows = _attempt(path, lambda connection: connection.execute(query, [*wanted.values()]).fetchall(), otherwise=[])
        unsaved = _unsaved.get(path, [])
    stored = [_from_row(row) for row in rows]
    return stored + [answer for answer in unsaved if all(getattr(answer, name) == wanted[name] for name in wanted)]


def _insert(connection: sqlite3.Connection, unsaved: list[Answer]) -> bool:
    statement = f"INSERT INTO answers ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, [_to_row(answer) for answer in unsaved])
    return True


def _to_row(answer: Answer) -> list:
    *columns, response, detail = (getattr(answer, column) for column in COLUMNS)
    return [*columns, _to_json(response), _to_json(detail)]


def _from_row(row: tuple) -> Answer:
    *columns, correct, response, detail = row
    return Answer(*columns, None if correct is None else bool(correct), _from_json(response), _from_json(detail))


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError):  # a key that is no text, a list that holds itself
        return json.dumps(str(value))


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a flipped bit on the disk; the rest of the row is still worth having
        return text


def _attempt(path: Path, work: Callable[[sqlite3.Connection], Result], otherwise: Result) -> Result:
    """Work with the store, after moving a damaged one out of the way; `otherwise` when it cannot be used."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The first look ignores locks and journals, so it can raise a false alarm, but it disturbs nobody. A connection
        # that locks a file while it is moved aside would take the new file's journal for its own and delete it.
        if _is_damaged(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True):
            _set_aside(path)
        with _connection(path) as connection:
            return work(connection)
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):  # a mistake in the call
        raise
    except (CourseError, sqlite3.DatabaseError, OSError) as error:
        if path not in _problems:
            _problems[path] = _describe(path, error)
            _news.append(_problems[path])
        return otherwise


def _describe(path: Path, error: Exception) -> str:
    if isinstance(error, CourseError):
        problem, remedy = error.problem, error.remedy
    else:
        problem = f"Your answers cannot be stored in {path} ({error})."
        remedy = "Free some disk space, make the folder writable, or set COURSE_HOME to another folder and start again."
    return f"{problem} {remedy} The course goes on: until this works, answers are kept as long as this kernel runs."


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the store, brought to the current schema."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise CourseError(
                f"The answers in {path} were stored by a newer version of this course.", "Update the course (git pull)."
            )
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = EXTRA")
        if version < len(MIGRATIONS):
            _migrate(connection)
        yield connection


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _migrate(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in MIGRATIONS[_version(connection) :]:  # read again: another kernel may have been faster
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _is_damaged(path: Path | str, uri: bool = False) -> bool:
    try:
        with closing(sqlite3.connect(path, uri=uri, timeout=BUSY_SECONDS)) as connection:
            connection.text_factory = bytes
            version = _version(connection)
            if version > len(MIGRATIONS):  # this SQLite may be too old to judge it
                return False
            if version == len(MIGRATIONS):
                connection.execute(f"SELECT {', '.join(COLUMNS)} FROM answers LIMIT 0")
            return connection.execute("PRAGMA quick_check(1)").fetchone() != (b"ok",)
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    except UnicodeDecodeError:  # SQLite's message quotes the damaged text
        return True


def _set_aside(path: Path) -> None:
    """Move a damaged file away, never one that another kernel has just put in its place."""
    # An empty SQLite file serves as the lock: it works wherever the store does, and a killed kernel lets go of it.
    with closing(sqlite3.connect(path.with_name("progress.lock"), timeout=BUSY_SECONDS, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        if _is_damaged(path):
            kept = _unused_name(path)
            path.rename(kept)
            _news.append(
                f"The file with your answers was damaged. It is kept as {kept}, and a new one was started. "
                "If you have a backup of progress.sqlite, put it back in its place."
            )


def _unused_name(path: Path) -> Path:
    while True:
        name = path.with_name(f"progress.damaged-{datetime.now():%Y-%m-%d-%H%M%S-%f}.sqlite")
        if not name.exists():
            return name


def _tell_news() -> None:
    """Warn about what has happened since the last time, at the line that called the public function."""
    with _lock:
        news = _news[:]
        _news.clear()
    for text in news:
        warnings.warn(text, CourseWarning, stacklevel=3)
