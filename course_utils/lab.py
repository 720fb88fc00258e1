"""Opens the course in JupyterLab, at the learner's copy of the first notebook."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from course_utils import system, workspace
from course_utils.paths import WORK

FIRST = "00_start_here.ipynb"
SETTINGS = Path(__file__).with_name("lab_settings")
"""JupyterLab's defaults for the course: no question about news, no look for updates."""


def open_lab(arguments: list[str]) -> NoReturn:
    """Say whether FFmpeg is missing, bring the notebooks to `work/`, and let JupyterLab take the place of this process.

    Args:
        arguments: further options for JupyterLab, such as "--no-browser".

    Raises:
        CourseError: the notebooks cannot be brought.
    """
    system.tell_if_missing("ffmpeg")
    for line in workspace.sync():
        print(line, flush=True)
    system.hand_over(lab_command(arguments))


def lab_command(arguments: list[str]) -> list[str]:
    """The command that starts JupyterLab. Its file browser shows `work/` and nothing else."""
    is_root = os.name == "posix" and os.geteuid() == 0
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={WORK}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        *(["--allow-root"] if is_root else []),
        *arguments,
    ]
