import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from course_utils import lab, system, workspace

DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this computer without a proxy."""


def test_the_system_is_checked_and_the_notebooks_are_brought_before_jupyterlab_starts(monkeypatch, capsys):
    steps = []
    monkeypatch.setattr(system, "tell_if_missing", steps.append)
    monkeypatch.setattr(system, "apt_install", lambda *packages: pytest.fail("a start installs nothing"))
    monkeypatch.setattr(workspace, "sync", lambda: ["Added: 00_start_here"])
    monkeypatch.setattr(system, "hand_over", lambda command: steps.append(command[-1]))
    lab.open_lab(["--no-browser"])
    assert steps == ["ffmpeg", "--no-browser"]
    assert capsys.readouterr().out == "Added: 00_start_here\n"


@pytest.mark.skipif(os.name == "nt", reason="there is no root on Windows")
def test_root_may_start_it_and_nobody_else_is_asked_to(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--allow-root" in lab.lab_command([])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--allow-root" not in lab.lab_command([])


@pytest.fixture
def jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """A real JupyterLab over a learner's folder; what it writes down about itself once it listens."""
    (tmp_path / "work" / ".originals").mkdir(parents=True)
    notebook = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "work" / lab.FIRST).write_text(notebook, encoding="utf-8")
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = lab.lab_command(
        ["--no-browser", "--port=0", "--ServerApp.port_retries=0", "--LanguageServerManager.autodetect=False"]
    )
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen(command, env=os.environ | folders, stderr=output) as server:
        try:
            while server.poll() is None:  # pytest's own limit ends a vain wait
                for file in (tmp_path / "RUNTIME").glob("jpserver-*.json"):
                    with suppress(ValueError, OSError):  # half written, or not listening yet
                        running = json.loads(file.read_text(encoding="utf-8"))
                        DIRECTLY.open(f"{running['url']}api").close()
                        yield running
                        return
                time.sleep(0.05)
            pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')}")
        finally:
            server.terminate()


def test_jupyterlab_opens_at_the_first_notebook_shows_only_the_notebooks_and_asks_nothing(jupyterlab: dict):
    def fetch(path: str) -> HTTPResponse:
        headers = {"Authorization": f"token {jupyterlab['token']}"}
        return DIRECTLY.open(urllib.request.Request(f"{jupyterlab['url']}{path}", headers=headers))

    with fetch("") as page:
        assert urlsplit(page.url).path == f"/lab/tree/{lab.FIRST}"
        assert b"JupyterLab" in page.read()
    assert [entry["name"] for entry in json.load(fetch("api/contents"))["content"]] == [lab.FIRST]
    settings = json.load(fetch("lab/api/settings/@jupyterlab/apputils-extension:notification"))
    defaults = {name: entry["default"] for name, entry in settings["schema"]["properties"].items()}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False


def test_the_command_uses_the_environments_own_python():
    assert lab.lab_command([])[:3] == [sys.executable, "-m", "jupyterlab"]
