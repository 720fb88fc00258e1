import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from course_utils import lab, system, workspace


def test_the_system_is_checked_and_the_notebooks_are_brought_before_jupyterlab_starts(monkeypatch, capsys):
    steps = []
    monkeypatch.setattr(system, "ensure", steps.append)
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


def wait_until_it_listens(port: int) -> None:
    """JupyterLab prints its address a moment before it listens there; pytest's own limit ends a vain wait."""
    while True:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)


@pytest.fixture
def jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real JupyterLab over a learner's folder; its address with the token, as printed for the learner."""
    (tmp_path / "work" / ".originals").mkdir(parents=True)
    notebook = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "work" / lab.FIRST).write_text(notebook, encoding="utf-8")
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = lab.lab_command(["--no-browser", f"--port={port}", "--LanguageServerManager.autodetect=False"])
    with subprocess.Popen(command, env=os.environ | folders, stderr=subprocess.PIPE, encoding="utf-8") as server:
        try:
            log = ""
            for line in server.stderr:
                log += line
                address = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
                if address:
                    wait_until_it_listens(port)
                    yield address[0]
                    break
            else:
                pytest.fail(f"JupyterLab did not start:\n{log}")
        finally:
            server.terminate()


def test_jupyterlab_opens_at_the_first_notebook_shows_only_the_notebooks_and_asks_nothing(jupyterlab: str):
    def fetch(path: str) -> str:
        request = urllib.request.Request(f"{origin}{path}", headers={"Authorization": f"token {token}"})
        with opener.open(request) as answer:
            return answer.read().decode()

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    parts = urlsplit(jupyterlab)
    origin, token = f"{parts.scheme}://{parts.netloc}", parts.query.removeprefix("token=")
    assert parts.path == f"/lab/tree/{lab.FIRST}"
    assert "JupyterLab" in fetch(parts.path)
    assert [entry["name"] for entry in json.loads(fetch("/api/contents"))["content"]] == [lab.FIRST]
    settings = json.loads(fetch("/lab/api/settings/@jupyterlab/apputils-extension:notification"))
    defaults = {name: entry["default"] for name, entry in settings["schema"]["properties"].items()}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False


def test_the_command_uses_the_environments_own_python():
    assert lab.lab_command([])[:3] == [sys.executable, "-m", "jupyterlab"]
