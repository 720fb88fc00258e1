"""Says what works on this computer, what is missing, and what to do about it.

In a notebook: `from course_utils.doctor import doctor; doctor()`. In a terminal: `course doctor`.
"""

import io
import os
import platform
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from html import escape
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from course_utils.paths import ROOT, lasting_state_dir
from course_utils.system import find_ffmpeg, install_hint

COURSE = "torchaudio-course"
NAMED_PACKAGES = ("jupyterlab", "ipywidgets", "anywidget")
"""Packages with a line of their own; the others share one."""
MISSING = "missing"
GIGABYTE = 1e9
WEIGHTS_HOST = ("download.pytorch.org", 443)
NETWORK_SECONDS = 2.0
SAMPLE_RATE = 16000
TORCHCODEC_FORMATS = {
    "WAV": "wav",
    "FLAC": "flac",
    "OGG": "ogg",
    "MP3": "mp3",
    "Opus": "opus",
    "M4A": "ipod",
    "AAC": "adts",
}
"""Each format and FFmpeg's name for its container."""
SOUNDFILE_FORMATS = {"WAV": "WAV", "FLAC": "FLAC", "OGG": "OGG", "MP3": "MP3"}

# JupyterLab aligns tables to the right with a rule of two classes, so these name two as well.
STYLE = """
.course-doctor .course-checks { border-collapse: collapse; max-width: 60em; }
.course-doctor .course-checks caption { text-align: left; font-weight: bold; padding: 0.5em 0; }
.course-doctor .course-checks :is(th, td) { text-align: left; vertical-align: top; padding: 0.4em 0.8em; }
.course-doctor .course-checks tbody th { font-weight: normal; }
.course-doctor .course-checks .course-problem { font-weight: bold; }
"""


@dataclass(frozen=True)
class Check:
    """What one look at the computer has found.

    Args:
        name: what was looked at.
        status: "ok", "warning" (the course works, with less) or "problem" (something of the course does not work).
        found: versions, places, sizes.
        remedy: what to do, "" when there is nothing to do.
    """

    name: str
    status: str
    found: str
    remedy: str = ""


def checks() -> list[Check]:
    """Look at everything the course needs; takes a few seconds, most of them for importing torch.

    Returns:
        One check for each thing, without the learner's name: the home folder is written "~".
    """
    network = _in_background(check_network)
    results = [
        check_python(),
        check_torch(),
        check_torchcodec(),
        check_soundfile(),
        *check_packages(),
        check_progress_store(),
        check_disk(),
        network(),
        check_weights(),
        check_gpu(),
    ]
    return [replace(check, found=_without_home(check.found), remedy=_without_home(check.remedy)) for check in results]


def report(results: list[Check]) -> dict[str, object]:
    """What a bug report needs: versions, platform and checks, as JSON can hold them, without personal paths."""
    installed = {name: _installed(name) for name in sorted({COURSE, *(need.name for need in _requirements())})}
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": installed,
        "checks": [asdict(check) for check in results],
    }


def doctor() -> None:
    """Show the checks as a table in a notebook.

    Taught in 00_start_here.
    """
    from IPython.display import HTML, display

    display(HTML(to_html(checks())))


def to_html(results: list[Check]) -> str:
    """The checks as an HTML table that a screen reader can follow."""
    has_remedies = any(check.remedy for check in results)
    titles = ["Check", "Status", "Found", *(["What to do"] if has_remedies else [])]
    headings = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(
        f'<tr><th scope="row">{escape(check.name)}</th><td class="course-{check.status}">{check.status}</td>'
        f"<td>{escape(check.found)}</td>{f'<td>{escape(check.remedy)}</td>' if has_remedies else ''}</tr>"
        for check in results
    )
    return (
        f'<div class="course-doctor"><style>{STYLE}</style><table class="course-checks">'
        f"<caption>Course doctor</caption><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def check_python() -> Check:
    """Does the course support this Python?"""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if _installed(COURSE) == MISSING:
        return Check("Python", "problem", f"{found}; the course is not installed in it", _reinstall())
    supported = metadata.metadata(COURSE)["Requires-Python"]
    if platform.python_version() in SpecifierSet(supported):
        return Check("Python", "ok", found)
    return Check("Python", "problem", found, f"Install a Python {supported} and start the course with it.")


def check_torch() -> Check:
    """Do torch and torchaudio import, and do they belong together?"""
    name = "torch and torchaudio"
    try:
        import torch
        import torchaudio
    except Exception as error:
        found = f"{_installed('torch')} and {_installed('torchaudio')}: {_first_line(error)}"
        return Check(name, "problem", found, _reinstall())
    found = f"{torch.__version__} and {torchaudio.__version__}"
    if Version(torch.__version__).release[:2] != Version(torchaudio.__version__).release[:2]:
        return Check(name, "problem", f"{found} do not belong together", _reinstall())
    return Check(name, "ok", found)


def check_torchcodec() -> Check:
    """Does torchcodec load, does it find FFmpeg, and which formats can it write and read again?"""
    name = "torchcodec and FFmpeg"
    version = _installed("torchcodec")
    try:
        import torchcodec
        from torchcodec._core import get_ffmpeg_library_versions
    except Exception as error:
        return Check(name, "problem", f"{version}: {_first_line(error)}", _reinstall())
    if torchcodec.ffmpeg_major_version is None:
        if find_ffmpeg():
            found = f"{version}; FFmpeg is here, but its shared libraries of version 4 to 9 are not"
        else:
            found = f"{version}; no FFmpeg: the course reads and writes WAV, FLAC, OGG and MP3 only"
        return Check(name, "warning", found, install_hint("ffmpeg"))
    works, fails = _try_formats(_torchcodec_round_trip, TORCHCODEC_FORMATS)
    found = f"{version}; FFmpeg {get_ffmpeg_library_versions()['ffmpeg_version']}; writes and reads {works}"
    if fails:
        return Check(
            name, "warning", f"{found}; not {fails}", "This FFmpeg was built without them: install a full one."
        )
    return Check(name, "ok", found)


def check_soundfile() -> Check:
    """Does soundfile, which serves where FFmpeg is missing, load, and which formats can it write and read again?"""
    version = _installed("soundfile")
    try:
        import soundfile  # noqa: F401
    except Exception as error:
        return Check("soundfile", "problem", f"{version}: {_first_line(error)}", _reinstall())
    works, fails = _try_formats(_soundfile_round_trip, SOUNDFILE_FORMATS)
    if fails:
        return Check("soundfile", "warning", f"{version}; writes and reads {works}; not {fails}", _reinstall())
    return Check("soundfile", "ok", f"{version}; writes and reads {works}")


def check_packages() -> list[Check]:
    """Are JupyterLab, the widgets and everything else at least as new as the course asks for?"""
    if _installed(COURSE) == MISSING:
        return [Check(COURSE, "problem", MISSING, _reinstall())]
    results, others = [], []
    for need in _requirements():
        version = _installed(need.name)
        fits = version != MISSING and need.specifier.contains(version, prereleases=True)
        check = Check(
            need.name, "ok" if fits else "problem", f"{version}, needs {need.specifier}", "" if fits else _reinstall()
        )
        (results if need.name in NAMED_PACKAGES else others).append(check)
    misfits = [check for check in others if check.status != "ok"]
    if misfits:
        return [*results, *misfits]
    return [*results, Check("other packages", "ok", f"{len(others)}, all as new as needed")]


def check_progress_store() -> Check:
    """Can the learner's answers be saved?"""
    folder = lasting_state_dir()
    if folder is None:
        remedy = "Set the environment variable COURSE_HOME to a folder of yours."
        return Check("progress store", "warning", "the home folder is unknown: a temporary one serves", remedy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("progress store", "ok", str(folder))
    except OSError as error:
        remedy = "Make this folder writable, or name another one in the environment variable COURSE_HOME."
        return Check("progress store", "problem", f"{folder} cannot be written: {error.strerror}", remedy)


def check_disk() -> Check:
    """Is there room for what a learner records and saves?"""
    free = shutil.disk_usage(ROOT).free / GIGABYTE
    found = f"{free:.1f} GB free"
    if free >= 2:
        return Check("disk", "ok", found)
    return Check("disk", "warning" if free >= 0.2 else "problem", found, "Free some space on the disk of the course.")


def check_network() -> Check:
    """Can the host of the pretrained models be reached? The course works without."""
    try:
        socket.create_connection(WEIGHTS_HOST, timeout=NETWORK_SECONDS).close()
        return Check("network", "ok", f"{WEIGHTS_HOST[0]} answers")
    except OSError:
        return _offline()


def check_weights() -> Check:
    """Which full-size models are on this disk? The lessons run without."""
    name = "downloaded models"
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    folder = Path(os.path.expanduser(os.environ.get("TORCH_HOME", home))) / "hub" / "checkpoints"
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if not files:
        return Check(name, "ok", "none; the lessons run without")
    sizes = ", ".join(f"{path.name} ({path.stat().st_size / 1e6:.0f} MB)" for path in files)
    return Check(name, "ok", f"{sizes} in {folder}")


def check_gpu() -> Check:
    """Is there a GPU that torch can use? The lessons run without."""
    try:
        import torch

        if torch.cuda.is_available():
            return Check("GPU", "ok", torch.cuda.get_device_name())
        if torch.backends.mps.is_available():
            return Check("GPU", "ok", "Apple silicon (mps)")
    except Exception as error:
        return Check("GPU", "ok", f"unknown: {_first_line(error)}")
    return Check("GPU", "ok", "none; the lessons run without")


def _in_background(check: Callable[[], Check]) -> Callable[[], Check]:
    """Start the network check beside the others: a dead name server can hold it up for longer than its own limit."""
    answers = [_offline()]
    thread = threading.Thread(target=lambda: answers.append(check()), daemon=True)
    thread.start()

    def answer() -> Check:
        thread.join(NETWORK_SECONDS)
        return answers[-1]

    return answer


def _offline() -> Check:
    return Check("network", "ok", f"{WEIGHTS_HOST[0]} does not answer; the course works offline")


def _try_formats(round_trip: Callable[[str], int], formats: dict[str, str]) -> tuple[str, str]:
    """Write and read a quarter of a second in each format; returns the names of those that work and those that fail."""
    works, fails = [], []
    for title, name in formats.items():
        try:
            (works if round_trip(name) > 0 else fails).append(title)
        except Exception:
            fails.append(title)
    return ", ".join(works) or "nothing", ", ".join(fails)


def _torchcodec_round_trip(name: str) -> int:
    """Samples that come back after encoding and decoding with torchcodec."""
    import torch
    from torchcodec.decoders import AudioDecoder
    from torchcodec.encoders import AudioEncoder

    encoded = AudioEncoder(torch.zeros(1, SAMPLE_RATE // 4), sample_rate=SAMPLE_RATE).to_tensor(format=name)
    return AudioDecoder(encoded).get_all_samples().data.shape[-1]


def _soundfile_round_trip(name: str) -> int:
    """Samples that come back after encoding and decoding with soundfile."""
    import numpy as np
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.zeros(SAMPLE_RATE // 4, dtype=np.float32), SAMPLE_RATE, format=name)
    file.seek(0)
    return len(soundfile.read(file)[0])


def _requirements() -> list[Requirement]:
    """What pyproject.toml asks for, without the extras, as recorded when the course was installed."""
    needs = map(Requirement, [] if _installed(COURSE) == MISSING else metadata.requires(COURSE) or [])
    return [need for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]


def _installed(name: str) -> str:
    """A package's version, MISSING if it is not installed, or so broken that it has none."""
    try:
        return metadata.version(name) or MISSING
    except Exception:  # what a damaged record raises differs from one Python to the next
        return MISSING


def _reinstall() -> str:
    """How to install the packages again."""
    if Path(sys.prefix) == ROOT / ".venv":
        return "Delete the folder .venv in the course's folder, then start the course again."
    return "In the course's folder, type: python -m pip install --force-reinstall -c constraints.txt -e ."


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _without_home(text: str) -> str:
    """The text with "~" for the home folder, so that a report does not carry the learner's name."""
    home = Path(os.path.expanduser("~"))
    for path in (home, home.resolve()):
        if path != path.parent:  # the root of the disk is the home of some containers' users
            text = text.replace(str(path), "~")
    return text
