"""The learner's own copies of the notebooks in `work/`: brought, kept up to date, brought back.

What happens to a copy when the course brings a newer original:

- As long as every cell reads as it was copied, the copy follows the course: running and saving edits nothing. A copy
  that holds outputs is kept beside the new one: they can be computed again, but nobody likes to lose them.
- A copy with a cell that was changed, added or removed belongs to the learner and stays as it is. `reset` brings the
  original back and keeps the learner's copy beside it.

To tell the two apart, `work/.originals/` holds each original as it was copied.
"""

import json
from datetime import datetime
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import replace_file
from course_utils.paths import NOTEBOOKS, WORK


def sync(originals: Path = NOTEBOOKS, work: Path = WORK) -> list[str]:
    """Bring new and newer notebooks to the learner's folder; never lose anything of theirs.

    Args:
        originals: folder of the course's notebooks.
        work: folder of the learner's copies; made if missing.

    Returns:
        One line for each thing that happened: what was added, what was updated, what was kept as it is.

    Raises:
        CourseError: the originals are missing, or a file cannot be written.
    """
    happened: dict[str, list[str]] = {}
    for original in _notebooks(originals):
        happened.setdefault(_sync(original, work), []).append(original.stem)
    return [f"{what}: {', '.join(names)}" for what, names in sorted(happened.items()) if what]


def reset(notebook: str, originals: Path = NOTEBOOKS, work: Path = WORK) -> str:
    """Bring one original back, and keep the learner's copy beside it under a name with date and time.

    Args:
        notebook: its number or name, such as "01", "1" or "01_audio_io".
        originals: folder of the course's notebooks.
        work: folder of the learner's copies.

    Returns:
        One line that says what was done.

    Raises:
        CourseError: there is no such notebook, or a file cannot be written.
    """
    notebooks = _notebooks(originals)
    number = f"{notebook:0>2}_" if notebook else None
    wanted = [
        path for path in notebooks if notebook in (path.stem, path.name) or (number and path.stem.startswith(number))
    ]
    if not wanted:
        names = ", ".join(path.stem for path in notebooks)
        raise CourseError(f"There is no notebook {notebook!r}.", f"Choose one of {names}.")
    original = wanted[0]
    copy = work / original.name
    if copy.exists() and _read(copy) == _read(original):
        return f"{copy.stem} is as in the course: there is nothing to bring back."
    backup = _keep_beside(copy) if copy.exists() else None
    _bring(original, work)
    return f"{copy.stem} is as in the course again." + (f" Your copy is kept as {backup.name}." if backup else "")


def _notebooks(folder: Path) -> list[Path]:
    """The notebooks in a folder, in the order of the course."""
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        raise CourseError(
            f"There are no notebooks in {folder}.", "Start the course in its own folder, with all its files."
        )
    return notebooks


def _sync(original: Path, work: Path) -> str:
    """Bring one notebook if that is due, and say under which heading to report it; "" when nothing happened."""
    copy, base = work / original.name, _base(original, work)
    if not copy.exists():
        _bring(original, work)
        return "Added"
    theirs, new = _read(copy), _read(original)
    before = _read(base) if base.exists() else None
    if before == new:
        return ""
    if theirs == new:
        _bring(original, work)
        return ""
    if before is None or _cells(theirs) != _cells(before):
        return "Newer in the course, but kept as you edited them (`course reset` with the number brings the newer one)"
    was_run = _has_outputs(theirs)
    if was_run:
        _keep_beside(copy)
    _bring(original, work)
    return "Updated, with what you have run kept beside them" if was_run else "Updated"


def _base(original: Path, work: Path) -> Path:
    """Where the original is kept as it was copied."""
    return work / ".originals" / original.name


def _bring(original: Path, work: Path) -> None:
    """Copy an original. The copy comes first: cut off in between, the next call finds it equal and goes on."""
    for path in (work / original.name, _base(original, work)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, _read(original))
        except OSError as error:
            raise _unwritable(path, error) from None


def _keep_beside(copy: Path) -> Path:
    """Save a copy under a name with date and time; returns its path. Never touches an earlier one."""
    content = _read(copy)
    moment = f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    number = 1
    while True:
        backup = copy.with_name(f"{copy.stem}.{moment}{f'-{number}' if number > 1 else ''}.ipynb")
        try:
            file = backup.open("xb")
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise _unwritable(backup, error) from None
        try:
            with file:
                file.write(content)
            return backup
        except OSError as error:
            backup.unlink()
            raise _unwritable(backup, error) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if path.is_dir():
            raise CourseError(f"{path} is a folder, but a notebook has this name.", "Rename the folder.") from None
        raise CourseError(f"{path} could not be read: {error.strerror}.", "Make it readable, and try again.") from None


def _unwritable(path: Path, error: OSError) -> CourseError:
    return CourseError(
        f"{path} could not be written: {error.strerror}.", "Free some space or make the folder writable, and try again."
    )


def _cells(notebook: bytes) -> list[tuple[str, str]] | None:
    """Kind and text of every cell that has any: what a learner edits. None for a file that is no notebook any more.

    JupyterLab adds an empty cell when the last one is run with Shift+Enter, so empty cells do not count.
    """
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(notebook)["cells"]]
    except (ValueError, TypeError, KeyError):
        return None
    return [cell for cell in cells if cell[1].strip()]


def _has_outputs(notebook: bytes) -> bool:
    return any(cell.get("outputs") for cell in json.loads(notebook)["cells"])
