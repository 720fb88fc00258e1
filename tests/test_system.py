import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import system

POSIX = pytest.mark.skipif(os.name == "nt", reason="apt and its shell scripts exist on POSIX systems only")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put programs on an otherwise empty PATH; each writes its name and arguments to `log`, then runs its script."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    log = tmp_path / "log"

    def put(**scripts: str) -> Path:
        for name, script in scripts.items():
            program = bin_folder / name.replace("_", "-")
            program.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {log}\n{script}\n', encoding="utf-8")
            program.chmod(0o755)
        return log

    (bin_folder / "env").symlink_to(shutil.which("env"))
    monkeypatch.setenv("PATH", str(bin_folder))
    return put


@pytest.mark.parametrize(
    ("platform", "commands_here", "hint"),
    [
        ("linux", {"apt"}, "sudo apt install ffmpeg"),
        ("linux", {"dnf"}, "sudo dnf install ffmpeg-free"),
        ("linux", {"pacman"}, "package manager of your system"),
        ("darwin", set(), "brew install ffmpeg"),
        ("win32", set(), "winget install Gyan.FFmpeg.Shared"),
    ],
)
def test_the_hint_names_the_command_of_this_platform(platform, commands_here, hint, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in commands_here else None)
    assert hint in system.install_hint("ffmpeg")
    assert "\n" not in system.install_hint("chromium")


@POSIX
class TestApt:
    def test_root_installs_without_a_question(self, commands, monkeypatch):
        log = commands(apt_get="exit 0")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert system.apt_install("ffmpeg", "chromium")
        assert log.read_text() == "apt-get -qq install --yes --no-install-recommends ffmpeg chromium\n"

    def test_a_container_that_knows_no_packages_yet_is_updated_first(self, commands, monkeypatch, tmp_path):
        fresh = tmp_path / "fresh"
        fresh.touch()
        log = commands(apt_get=f'case "$*" in *update) /bin/rm {fresh};; *) [ ! -e {fresh} ];; esac')
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert system.apt_install("ffmpeg")
        assert [line.split()[2] for line in log.read_text().splitlines()] == ["install", "update", "install"]

    def test_passwordless_sudo_serves_as_well(self, commands, monkeypatch):
        log = commands(apt_get="exit 0", sudo='shift; exec "$@"', true="exit 0")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert system.apt_install("ffmpeg")
        assert log.read_text().splitlines()[-1].startswith("apt-get -qq install")

    def test_sudo_that_asks_for_a_password_is_left_alone(self, commands, monkeypatch):
        log = commands(apt_get="exit 0", sudo="exit 1")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert not system.apt_install("ffmpeg")
        assert log.read_text() == "sudo -n true\n"

    def test_elsewhere_nothing_is_tried(self, commands):
        commands(dnf="exit 0")
        assert not system.apt_install("ffmpeg")

    def test_what_is_there_is_not_installed_again(self, commands, capsys):
        log = commands(apt_get="exit 0", ffmpeg="exit 0")
        system.ensure("ffmpeg")
        assert not log.exists()
        assert capsys.readouterr().out == ""

    def test_what_cannot_be_installed_is_told_in_one_line(self, commands, monkeypatch, capsys):
        commands(dnf="exit 0")
        monkeypatch.setattr(system, "find_ffmpeg", lambda: None)
        system.ensure("ffmpeg")
        [line] = capsys.readouterr().out.splitlines()
        assert "WAV, FLAC, OGG and MP3 only" in line
        assert line.endswith("sudo dnf install ffmpeg-free")

    def test_what_is_missing_can_be_told_without_trying_to_install_it(self, commands, monkeypatch, capsys):
        log = commands(apt_get="exit 0", apt="exit 0")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(system, "find_ffmpeg", lambda: None)
        system.tell_if_missing("ffmpeg")
        assert not log.exists()
        [line] = capsys.readouterr().out.splitlines()
        assert line.endswith("sudo apt install ffmpeg")
        monkeypatch.setattr(system, "find_ffmpeg", lambda: "ffmpeg")
        system.tell_if_missing("ffmpeg")
        assert capsys.readouterr().out == ""

    def test_chromium_is_found_under_any_of_its_names(self, commands):
        commands(google_chrome="exit 0")
        assert system.find_chromium().name == "google-chrome"


def test_no_chromium_is_no_error(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(system, "CHROMIUM_PLACES", ())
    assert system.find_chromium() is None


def test_handing_over_keeps_output_in_order_and_the_exit_code():
    program = """
import sys
from course_utils.system import hand_over
print("before")
hand_over([sys.executable, "-c", "print('after'); raise SystemExit(7)"])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 7
    assert run.stdout.split() == ["before", "after"]
