"""Where the course keeps its files."""

import os
import tempfile
import warnings
from functools import cache
from pathlib import Path

import platformdirs

from course_utils.errors import CourseWarning

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
WORK = ROOT / "work"
"""The learner's own copies of the notebooks."""


def state_dir() -> Path:
    """The learner's folder outside the checkout: COURSE_HOME if set, else the platform's data folder.

    Where the home folder is unknown, as in a container with a made-up user, a temporary one, with a CourseWarning.
    """
    folder = lasting_state_dir()
    if folder is None:
        folder = Path(tempfile.gettempdir()) / "torchaudio-course"
        _warn_of_temporary(folder)
    return folder


def lasting_state_dir() -> Path | None:
    """COURSE_HOME or the platform's data folder; None where that is in a home folder that nobody knows."""
    named = os.environ.get("COURSE_HOME")
    try:
        return Path(named).expanduser() if named else platformdirs.user_data_path("torchaudio-course", appauthor=False)
    except RuntimeError:
        return None


@cache
def _warn_of_temporary(folder: Path) -> None:
    """Once in each process."""
    warnings.warn(
        f"Your home folder is unknown, so your answers are kept in {folder}, which the system may empty. "
        "To keep them for good, set the environment variable COURSE_HOME to a folder of yours and start again.",
        CourseWarning,
        stacklevel=3,
    )
