"""The system's own packages that the course makes use of: are they here, and how does one get them?

Only the standard library, and only syntax that Python 3.8 reads: `bootstrap` needs this before there is an environment.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

TITLES = {"ffmpeg": "FFmpeg", "chromium": "Chromium"}
WITHOUT = {
    "ffmpeg": "without it the course reads and writes WAV, FLAC, OGG and MP3 only",
    "chromium": "without it the browser tests cannot run",
}
INSTALL_COMMANDS = {
    "ffmpeg": {
        "apt": "sudo apt install ffmpeg",
        "dnf": "sudo dnf install ffmpeg-free",
        "brew": "brew install ffmpeg",
        # The plain Gyan.FFmpeg has no DLLs, and those are what torchcodec loads.
        "winget": "winget install Gyan.FFmpeg.Shared",
    },
    "chromium": {
        "apt": "sudo apt install chromium",
        "dnf": "sudo dnf install chromium",
        "brew": "brew install --cask google-chrome",
        "winget": "winget install Google.Chrome",
    },
}
CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
)


def package_manager() -> str | None:
    """The package manager to name on this platform: "winget", "brew", "apt" or "dnf"; None on other Linux systems."""
    if sys.platform == "win32":
        return "winget"
    if sys.platform == "darwin":
        return "brew"
    return next((name for name in ("apt", "dnf") if shutil.which(name)), None)


def install_hint(name: str) -> str:
    """One sentence that says how to install a system package here.

    Args:
        name: "ffmpeg" or "chromium".
    """
    manager = package_manager()
    if manager is None:
        return f"Install {TITLES[name]} with the package manager of your system."
    return f"Install {TITLES[name]} by typing in a terminal: {INSTALL_COMMANDS[name][manager]}"


def find_chromium() -> Path | None:
    """Path of Chromium or Google Chrome, None where there is none."""
    commands = (shutil.which(command) for command in CHROMIUM_COMMANDS)
    places = (place for place in CHROMIUM_PLACES if os.path.exists(place))
    return next((Path(path) for path in (*commands, *places) if path), None)


def find_ffmpeg() -> str | None:
    """Path of the `ffmpeg` program or name of its library, None where neither is found.

    A quick look, without loading anything: the doctor tells whether torchcodec can really use it.
    """
    return shutil.which("ffmpeg") or ctypes.util.find_library("avcodec")


def apt_install(*packages: str) -> bool:
    """Install Debian packages where that needs no question: on Debian or Ubuntu, as root or with passwordless sudo.

    Returns:
        True when the packages are installed; False where it is not possible or has failed.
    """
    if not shutil.which("apt-get"):
        return False
    sudo = []
    if os.geteuid() != 0:
        sudo = ["sudo", "-n"]
        if not shutil.which("sudo") or subprocess.call([*sudo, "true"], stderr=subprocess.DEVNULL) != 0:
            return False
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    install = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    print(f"Installing {', '.join(packages)} with apt ...", flush=True)
    # A fresh container knows no packages before its first update.
    return subprocess.call(install) == 0 or (subprocess.call([*apt, "update"]) == 0 and subprocess.call(install) == 0)


def ensure(name: str) -> None:
    """Install FFmpeg or Chromium if it is missing and apt can; otherwise say in one line what to type, and go on.

    Args:
        name: "ffmpeg" or "chromium".
    """
    if not _is_here(name) and not apt_install(name):
        _tell_missing(name)


def tell_if_missing(name: str) -> None:
    """Say in one line what to type where FFmpeg or Chromium is missing; install nothing.

    Args:
        name: "ffmpeg" or "chromium".
    """
    if not _is_here(name):
        _tell_missing(name)


def _is_here(name: str) -> bool:
    return bool({"ffmpeg": find_ffmpeg, "chromium": find_chromium}[name]())


def _tell_missing(name: str) -> None:
    print(f"{TITLES[name]} is missing: {WITHOUT[name]}. {install_hint(name)}", flush=True)


def hand_over(command: list[str]) -> NoReturn:
    """Let `command` take the place of this process: its input, its output, Ctrl-C and its exit code.

    Args:
        command: path of the program, then its arguments.
    """
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    # Windows has no exec. Ctrl-C reaches both processes there: the program decides what it means.
    process = subprocess.Popen(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(process.wait())
