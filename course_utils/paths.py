"""Where the course keeps its files."""

import os
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
WORK = ROOT / "work"
"""The learner's own copies of the notebooks."""


def state_dir() -> Path:
    """The learner's folder outside the checkout: COURSE_HOME if set, else the platform's data folder."""
    home = os.environ.get("COURSE_HOME")
    return Path(home).expanduser() if home else Path(platformdirs.user_data_dir("torchaudio-course", appauthor=False))
