"""Set the course up and start it.

Usage: python3 -m course_utils.bootstrap TASK    (on Windows: py -m course_utils.bootstrap TASK)

Tasks:
    lab     set up, then open the course in JupyterLab; further arguments go to JupyterLab
    test    set up, then run the tests; further arguments go to pytest
    setup   set up the course; `setup test` also what the tests need

Everything goes into `.venv`, which belongs to this file. An install that was broken off starts over in a fresh one;
pip's cache keeps what had been downloaded.
"""

# Only the standard library and the syntax of Python 3.8: whatever Python starts this, it finds one for the course.
from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils import system

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
VENV = ROOT / ".venv"
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = PROGRAMS / ("python.exe" if os.name == "nt" else "python")
DONE = VENV / "course-setup-done"
UNFINISHED = VENV / "course-setup-unfinished"
LOG = VENV / "course-setup.log"
LOCK = ROOT / ".venv.lock"

PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")}
"""What PyTorch 2.11 is built for."""

PYTORCH = ("torch", "torchaudio", "torchcodec")
"""Always from one index: the default index's torchcodec for Linux is linked against libtorch with CUDA."""
CPU_INDEX = os.environ.get("COURSE_CPU_INDEX", "https://download.pytorch.org/whl/cpu/")
CPU_INDEX_SECONDS = 3
NVIDIA_DRIVER = Path("/proc/driver/nvidia")

TEST_ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
"""One thread for each process: notebooks and exercises then take a third less processor time."""
PARALLEL = ("--numprocesses=auto", "--dist=loadfile")
"""A process for each core; the tests of a file stay together, and with them what they share."""


def main(arguments: list[str]) -> None:
    """Carry out a task. Where that is impossible, leave with one line on stderr and exit code 1."""
    task, rest = (arguments or ["help"])[0], arguments[1:]
    if task == "lab":
        setup()
        start("course_utils.cli", "lab", *rest)
    elif task == "test":
        setup("test")
        system.ensure("ffmpeg")
        system.ensure("chromium")
        os.environ.update(TEST_ENVIRONMENT)
        start("pytest", *PARALLEL, *rest)
    elif task == "setup" and rest in ([], ["test"]):
        setup(*rest)
    else:
        raise SystemExit(__doc__)


def start(module: str, *arguments: str) -> None:
    """Run a module of the environment in place of this process, as if the environment were activated."""
    os.chdir(ROOT)
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = str(PROGRAMS) + os.pathsep + os.environ["PATH"]
    system.hand_over([str(PYTHON), "-m", module, *arguments])


def setup(extra: str = "") -> None:
    """Bring `.venv` to what pyproject.toml and constraints.txt ask for; change nothing when it is there already.

    FFmpeg comes with it where apt needs no question.

    Args:
        extra: "" for the course alone, "test" for the tests too.
    """
    if is_current(extra):
        return
    with one_at_a_time():
        whole = is_whole()
        if not whole:
            create_environment()
        UNFINISHED.touch()
        try:
            install(extra)
        except PipFailed as failure:
            # pip fetches everything before it changes anything: without a network, what was there still works.
            works = whole and failure.offline
            if works:
                UNFINISHED.unlink()
            if not (works and stamp(extra).exists()):
                raise SystemExit(str(failure)) from None
            print(f"{failure} Going on with what was installed before.", flush=True)
            return
        for installed in {"", extra}:
            stamp(installed).write_text(fingerprint(installed), encoding="utf-8")
        UNFINISHED.unlink()
        LOG.unlink()
    if not system.find_ffmpeg():
        system.apt_install("ffmpeg")


def is_current(extra: str) -> bool:
    """True when an earlier call has installed just this, just here, and its Python still starts."""
    done = stamp(extra)
    return done.exists() and not UNFINISHED.exists() and done.read_text(encoding="utf-8") == fingerprint(extra)


def is_whole() -> bool:
    """True when an earlier call has finished, none was broken off since, and the environment's Python still starts."""
    return stamp("").exists() and not UNFINISHED.exists() and python_version([str(PYTHON)]) in supported_versions()


def stamp(extra: str) -> Path:
    """The file that says what was installed; it is written after success only."""
    return DONE.with_name(f"{DONE.name}-{extra}") if extra else DONE


def fingerprint(extra: str) -> str:
    """SHA-256 of everything that decides what gets installed, and where."""
    parts = (PYPROJECT.read_bytes(), CONSTRAINTS.read_bytes(), extra, str(ROOT), python_version([str(PYTHON)]))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def python_version(command: list[str]) -> tuple[int, ...] | None:
    """Version of the Python that `command` starts, such as (3, 12); None if none starts or it is not a 64-bit one."""
    program = "import sys; print(*sys.version_info[:2]) if sys.maxsize > 2**32 else sys.exit(1)"
    try:
        answer = subprocess.check_output([*command, "-I", "-S", "-c", program], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return tuple(map(int, answer.split()))


def supported_versions() -> list[tuple[int, int]]:
    """The Python versions that pyproject.toml allows, newest first, such as [(3, 12), (3, 11)]."""
    bounds = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', PYPROJECT.read_text(encoding="utf-8"))
    first, end = map(int, bounds.groups())
    return [(3, minor) for minor in reversed(range(first, end))]


def find_python() -> list[str]:
    """The command of a Python that the course runs on: the one that runs this if it fits, else the newest on PATH."""
    versions = supported_versions()
    pattern = "py -{}.{}" if os.name == "nt" else "python{}.{}"
    for command in [[sys.executable], *(pattern.format(*version).split() for version in versions)]:
        if python_version(command) in versions:
            return command
    newest, oldest = ("{}.{}".format(*version) for version in (versions[0], versions[-1]))
    raise SystemExit(
        f"The course needs a 64-bit Python {oldest} to {newest}; this is {platform.python_version()}, and PATH has no "
        f"other. Install Python {newest} from https://www.python.org/downloads/ and call again."
    )


def create_environment() -> None:
    """Make a new `.venv` in place of whatever was there."""
    if (platform.system(), platform.machine()) not in PLATFORMS:
        raise SystemExit(
            f"PyTorch 2.11 is not built for {platform.system()} on {platform.machine()}: the course needs 64-bit Linux "
            "or Windows on Intel or AMD, or a Mac with Apple silicon."
        )
    python = find_python()
    create = [*python, "-m", "venv", "--clear", str(VENV)]
    print(f"Making a Python environment in {VENV} ...", flush=True)
    if subprocess.call(create) != 0:
        if not shutil.which("apt-get"):
            raise SystemExit(f"Python could not make {VENV}. Close what uses it, delete it, then call again.")
        # Debian and Ubuntu keep a part of Python's venv module in a package of its own.
        package = "python{}.{}-venv".format(*python_version(python))
        if not (system.apt_install(package) and subprocess.call(create) == 0):
            raise SystemExit(f"Python could not make {VENV}. On Debian and Ubuntu, type: sudo apt install {package}")


def install(extra: str) -> None:
    """Install the course and what it needs into `.venv`, with PyTorch's small builds where they serve.

    Raises:
        PipFailed: pip has ended with an error.
    """
    if LOG.exists():
        LOG.unlink()
    index = cpu_index()
    if index:
        try:
            pip("--no-deps", "--index-url", index, *PYTORCH)
        except PipFailed:
            print(f"PyTorch could not be installed from {index}: taking the default builds.", flush=True)
    pip("--editable", f"{ROOT}[{extra}]" if extra else str(ROOT))


def cpu_index() -> str | None:
    """PyTorch's own index of builds without CUDA where they are smaller and serve as well, else None."""
    if not sys.platform.startswith("linux"):
        return None
    if NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi"):
        choice, why = None, "this computer has an NVIDIA GPU"
    else:
        try:
            urllib.request.urlopen(CPU_INDEX + "torch/", timeout=CPU_INDEX_SECONDS).close()
            choice, why = CPU_INDEX, "this computer has no NVIDIA GPU"
        except OSError as error:
            choice, why = None, f"{CPU_INDEX} does not answer ({getattr(error, 'reason', error)})"
    builds = "the builds without CUDA, a tenth of the default 4.7 GB" if choice else "the default builds, 4.7 GB"
    print(f"PyTorch: {builds}, because {why}.", flush=True)
    return choice


class PipFailed(Exception):
    """pip has ended with an error: one line that says why, as far as `log` tells, and what to do."""

    def __init__(self, log: str):
        self.offline = "connection broken by" in log
        if "No space left on device" in log:
            super().__init__("The disk is full. Free some space (`pip cache purge` may help), then call again.")
        elif self.offline:
            super().__init__("The packages could not be fetched: is there a network? Call again when there is.")
        else:
            super().__init__(f"pip could not install the course: its last lines above say why, and {LOG} says more.")


def pip(*arguments: str) -> None:
    """Run `pip install` in `.venv` with the tested versions; raises PipFailed."""
    options = ["--disable-pip-version-check", "--no-input", "--log", str(LOG), "--constraint", str(CONSTRAINTS)]
    # pip inherits the lock: when this process is killed and pip lives on, nothing else starts before pip has ended.
    if subprocess.call([str(PYTHON), "-m", "pip", "install", *options, *arguments], cwd=ROOT, close_fds=False) != 0:
        raise PipFailed(LOG.read_text(encoding="utf-8", errors="replace") if LOG.exists() else "")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Refuse to set up while another call does; a lock ends with the processes that hold it."""
    with LOCK.open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise SystemExit("Another call is setting the course up: wait for its end, then call again.") from None
        yield


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit("Stopped. Call again to go on.") from None
