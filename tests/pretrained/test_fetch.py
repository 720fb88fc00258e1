"""A file arrives whole or not at all, whatever the network, the server and the disk do."""

import errno
import hashlib
import itertools
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

import filelock
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_utils.pretrained import fetch as fetch_module
from course_utils.pretrained.catalogue import ModelFile
from course_utils.pretrained.fetch import DownloadError, fetch

BODY = random.Random(0).randbytes(300_000)
FILE = ModelFile("weights.bin", "", len(BODY), hashlib.sha256(BODY).hexdigest())
UNHASHED = ModelFile("weights.bin", "", len(BODY))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.bin"


def refusal(*arguments: object) -> DownloadError:
    """How fetching fails: one sentence, one remedy, and no file under the target's name."""
    target = arguments[2]
    before = target.read_bytes() if target.is_file() else None
    with pytest.raises(DownloadError) as raised:
        fetch(*arguments)
    assert "\n" not in str(raised.value)
    assert raised.value.problem.endswith(".")
    assert raised.value.remedy.endswith(".")
    assert (target.read_bytes() if target.is_file() else None) == before
    return raised.value


def left(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


# ---- what works -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [FILE, UNHASHED], ids=["with a hash", "without a hash"])
def test_a_file_arrives_and_nothing_stays_beside_it(server, target, file):
    server.answer = lambda handler: server.send(handler, BODY)
    seen = []
    fetch(file, server.url, target, seen.append)
    assert target.read_bytes() == BODY
    assert left(target) == {"weights.bin"}
    assert seen[-1] == len(BODY)
    assert seen == sorted(seen)


def test_a_server_that_does_not_say_the_length_is_fine(server, target):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)

    server.answer = answer
    fetch(FILE, server.url, target)
    assert target.read_bytes() == BODY


def test_a_redirect_is_followed(server, target):
    def answer(handler):
        if handler.path == "/weights.bin":
            handler.send_response(302)
            handler.send_header("Location", "/elsewhere")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            server.send(handler, BODY)

    server.answer = answer
    fetch(FILE, server.url, target)
    assert target.read_bytes() == BODY


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 200_000), max_size=6), ranges=st.booleans())
def test_a_line_that_goes_dead_again_and_again_costs_no_byte(server, target, cuts, ranges):
    """With Range, each try goes on where the last one stopped; without, a file still arrives or the error says so."""
    shutil.rmtree(target.parent, ignore_errors=True)
    server.asked.clear()
    lengths = itertools.chain(cuts, itertools.repeat(None))
    server.answer = lambda handler: server.send(handler, BODY, cut=next(lengths), ranges=ranges)
    if ranges or all(a < b for a, b in itertools.pairwise([0, *cuts])):
        fetch(FILE, server.url, target)
        assert target.read_bytes() == BODY
    else:
        with pytest.raises(DownloadError, match="broke off"):
            fetch(FILE, server.url, target)
        assert not target.exists()
    if ranges:
        starts = [int((headers["Range"] or "bytes=0-")[6:-1]) for headers in server.asked]
        assert starts == [sum(cuts[:i]) for i in range(len(starts))]


def test_a_later_run_goes_on_where_the_last_one_stopped(server, target):
    server.answer = lambda handler: server.send(handler, BODY, cut=100_000 if len(server.asked) == 1 else 0)
    assert "100 kB of 300 kB are kept" in refusal(FILE, server.url, target).problem
    assert left(target) == {"weights.bin.part", "weights.bin.part.version"}
    server.asked.clear()
    server.answer = lambda handler: server.send(handler, BODY)
    fetch(FILE, server.url, target)
    assert server.asked[0]["Range"] == "bytes=100000-"
    assert target.read_bytes() == BODY
    assert left(target) == {"weights.bin"}


@pytest.mark.parametrize("honest", [True, False], ids=["the server looks at If-Range", "it does not"])
def test_two_versions_of_a_file_are_never_mixed(server, target, honest):
    server.answer = lambda handler: server.send(
        handler, b"\0" * len(BODY), cut=100_000 if len(server.asked) == 1 else 0
    )
    refusal(UNHASHED, server.url, target)

    def answer(handler):
        if not honest:
            del handler.headers["If-Range"]
        server.send(handler, BODY, etag='"2"')

    server.answer = answer
    fetch(UNHASHED, server.url, target)
    assert target.read_bytes() == BODY


def test_a_stop_between_two_versions_leaves_no_mixture(server, target, monkeypatch):
    """The process ends as soon as it has noted the new version: the bytes of the old one are gone by then."""
    server.answer = lambda handler: server.send(handler, bytes(len(BODY)), cut=1000 if len(server.asked) == 1 else 0)
    refusal(UNHASHED, server.url, target)
    server.answer = lambda handler: server.send(handler, BODY, etag='"2"')
    note = Path.write_text

    def stop(*arguments: object, **options: object) -> None:
        note(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(UNHASHED, server.url, target)
    fetch(UNHASHED, server.url, target)
    assert target.read_bytes() == BODY


def test_without_a_version_to_compare_the_file_is_fetched_anew(server, target):
    server.answer = lambda handler: server.send(handler, BODY, etag=None, cut=100 if len(server.asked) < 3 else None)
    refusal(FILE, server.url, target)
    fetch(FILE, server.url, target)
    assert {headers["Range"] for headers in server.asked} == {None}
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("extra", [0, 5000], ids=["complete already", "too long"])
def test_a_part_that_cannot_go_on_is_fetched_anew(server, target, extra):
    target.parent.mkdir()
    (target.parent / "weights.bin.part").write_bytes(b"\0" * (len(BODY) + extra))
    (target.parent / "weights.bin.part.version").write_text('"1"', encoding="utf-8")
    server.answer = lambda handler: server.send(handler, BODY)
    fetch(FILE, server.url, target)
    assert target.read_bytes() == BODY


# ---- what does not --------------------------------------------------------------------------------------------------


def test_no_network_is_told(target):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/weights.bin"
        error = refusal(FILE, url, target)
    assert "cannot be reached" in error.problem
    assert "network" in error.remedy
    assert "COURSE_MIRROR" in error.remedy


def test_a_name_that_nobody_knows_is_told(target):
    error = refusal(FILE, "https://no-such-host.invalid/weights.bin", target)
    assert "no-such-host.invalid cannot be reached" in error.problem


@pytest.mark.parametrize("sent", [None, 0, 1000], ids=["before the headers", "before the first byte", "in the middle"])
def test_a_server_that_stalls_is_told_and_what_came_is_kept(server, target, monkeypatch, sent):
    monkeypatch.setattr(fetch_module, "STALLED", 0.2)
    over = threading.Event()

    def answer(handler):
        if sent is not None:
            server.send(handler, BODY, cut=sent if len(server.asked) == 1 else 0)
        handler.wfile.flush()
        over.wait(20)

    server.answer = answer
    error = refusal(FILE, server.url, target)
    over.set()
    assert "sent nothing for 0.2 seconds" in error.problem
    assert error.remedy == "Run the same command again: it goes on where it stopped."
    if sent:
        assert (target.parent / "weights.bin.part").read_bytes() == BODY[:sent]


def test_a_truncated_file_is_told(server, target):
    server.answer = lambda handler: server.send(handler, BODY, cut=1000, ranges=False)
    assert "broke off" in refusal(FILE, server.url, target).problem


def test_a_connection_that_is_reset_is_told(server, target):
    def answer(handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    server.answer = answer
    assert "broke off" in refusal(FILE, server.url, target).problem


@pytest.mark.parametrize("file", [FILE, UNHASHED], ids=["with a hash", "without a hash"])
@pytest.mark.parametrize("length", [len(BODY) // 2, 2 * len(BODY)])
def test_a_server_that_lies_about_the_length_is_told_before_anything_is_written(server, target, file, length):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(BODY)

    server.answer = answer
    error = refusal(file, server.url, target)
    assert f"has {length} bytes, not {'' if file.sha256 else 'about '}{len(BODY)}" in error.problem
    assert left(target) == set()


@pytest.mark.parametrize("length", [len(BODY) - 1, len(BODY) + 1])
def test_one_byte_more_or_less_is_another_file_where_the_size_is_known(server, target, length):
    server.answer = lambda handler: server.send(handler, (BODY + b"\0")[:length])
    assert "it is another file" in refusal(FILE, server.url, target).problem
    fetch(UNHASHED, server.url, target)
    assert target.stat().st_size == length


def test_a_server_that_never_ends_does_not_fill_the_disk(server, target):
    sent = []

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 1000:
            handler.wfile.write(BODY)
            sent.append(len(BODY))

    server.answer = answer
    assert "it is another file" in refusal(FILE, server.url, target).problem
    assert len(sent) < 1000
    assert "weights.bin.part" not in left(target)


def test_a_short_file_without_a_declared_length_is_told(server, target):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY[:1000])

    server.answer = answer
    assert "has 1000 bytes" in refusal(FILE, server.url, target).problem
    assert "weights.bin.part" not in left(target)


def test_a_wrong_hash_is_told_and_the_file_deleted(server, target):
    server.answer = lambda handler: server.send(handler, b"\0" * len(BODY))
    error = refusal(FILE, server.url, target)
    assert f"not {FILE.sha256[:8]}" in error.problem
    assert "weights.bin.part" not in left(target)


PAGE = b"<html><body>Welcome to the hotel's Wi-Fi</body></html>"


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (PAGE.ljust(len(BODY)), "text/html; charset=utf-8"),
        (b"\n <!DOCTYPE html>".ljust(len(BODY)), "application/octet-stream"),
    ],
)
def test_a_web_page_instead_of_the_file_is_told(server, target, page, kind):
    server.answer = lambda handler: server.send(handler, page, Content_Type=kind)
    error = refusal(UNHASHED, server.url, target)
    assert "sent a web page" in error.problem
    assert "Log in" in error.remedy
    assert left(target) == set()


def test_a_short_web_page_is_a_web_page_and_what_came_before_is_kept(server, target):
    server.answer = lambda handler: server.send(handler, BODY, cut=1000 if len(server.asked) == 1 else 0)
    refusal(FILE, server.url, target)
    server.answer = lambda handler: server.send(handler, PAGE, etag=None, Content_Type="text/html")
    assert "sent a web page" in refusal(FILE, server.url, target).problem
    assert (target.parent / "weights.bin.part").read_bytes() == BODY[:1000]


@pytest.mark.parametrize(
    ("status", "problem"),
    [(404, "has no weights.bin."), (403, "(403 Forbidden)"), (503, "(503 Service Unavailable)"), (206, "(206 ")],
)
def test_a_refusal_of_the_server_is_told(server, target, status, problem):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answer = answer
    assert problem in refusal(FILE, server.url, target).problem


def test_a_redirect_in_a_circle_is_told(server, target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", "/weights.bin")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answer = answer
    assert "does not answer as it should" in refusal(FILE, server.url, target).problem


def test_too_little_room_is_told_before_anything_is_written(server, target, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**6, 10**6 - 1000, 1000))
    server.answer = lambda handler: server.send(handler, BODY)
    error = refusal(FILE, server.url, target)
    assert "300 kB more are needed" in error.problem
    assert "1 kB are free" in error.problem
    assert "TORCH_HOME" in error.remedy
    assert left(target) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full, which is always full")
def test_a_disk_that_fills_up_meanwhile_is_told(server, target):
    target.parent.mkdir()
    (target.parent / "weights.bin.part").symlink_to("/dev/full")
    server.answer = lambda handler: server.send(handler, BODY)
    assert "The disk is full" in refusal(FILE, server.url, target).problem


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_any_other_trouble_of_the_disk_is_told(server, target):
    server.answer = lambda handler: server.send(handler, BODY)
    program = """
import resource, sys
from pathlib import Path
from course_utils.pretrained.catalogue import ModelFile
from course_utils.pretrained.fetch import DownloadError, fetch
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
try:
    fetch(ModelFile("weights.bin", "", 300000), sys.argv[1], Path(sys.argv[2]))
except DownloadError as error:
    print(error.problem)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, server.url, str(target)], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().endswith("could not be written: File too large.")


@pytest.mark.skipif(sys.platform == "win32", reason="A Windows folder's read-only flag does not stop writing into it")
def test_no_permission_is_told(server, tmp_path_factory):
    server.answer = lambda handler: server.send(handler, BODY)
    folder = tmp_path_factory.mktemp("owned")
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:  # whom permissions do not bind
        os.seteuid(65534)
    try:
        with pytest.raises(DownloadError) as raised:
            fetch(FILE, server.url, folder / "weights.bin")
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
    assert "You may not write to" in raised.value.problem
    assert "TORCH_HOME" in raised.value.remedy


def test_a_folder_that_is_a_file_is_told(server, target):
    target.parent.write_bytes(b"")
    with pytest.raises(DownloadError, match="could not be written"):
        fetch(FILE, server.url, target)


def test_a_foreign_file_of_the_same_name_is_left_alone(server, target):
    target.parent.mkdir()
    target.write_bytes(b"somebody's work")
    server.answer = lambda handler: server.send(handler, BODY)
    error = refusal(FILE, server.url, target)
    assert "is in the way" in error.problem
    assert server.asked == []


def test_a_second_process_does_not_write_into_the_same_file(server, target):
    target.parent.mkdir()
    with filelock.FileLock(f"{target}.part.lock"):
        assert "Another process is fetching weights.bin" in refusal(FILE, server.url, target).problem


def test_a_proxy_that_cannot_be_used_is_told(target, monkeypatch):
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    error = refusal(FILE, "http://example.invalid/weights.bin", target)
    assert "proxy" in error.problem


def test_the_system_s_own_word_for_a_full_disk_is_understood(server, target, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    server.answer = lambda handler: server.send(handler, BODY)
    assert "The disk is full: 300 kB of 300 kB fit into" in refusal(FILE, server.url, target).problem


def test_a_broken_line_is_tried_again_after_a_pause(server, target, monkeypatch):
    pauses = []
    monkeypatch.setattr(fetch_module, "PAUSE", 7)
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.answer = lambda handler: server.send(handler, BODY, cut=1000 if len(server.asked) == 1 else None)
    fetch(FILE, server.url, target)
    assert pauses == [7]


def test_a_killed_process_leaves_what_a_later_one_goes_on_with(server, target):
    """SIGKILL in the middle, as a closed laptop or a power cut: the next run asks for the rest only."""
    arrived = threading.Event()

    def answer(handler):
        server.send(handler, BODY, cut=290_000)
        handler.wfile.flush()
        arrived.wait(20)

    server.answer = answer
    program = """
import sys
from pathlib import Path
from course_utils.pretrained.catalogue import ModelFile
from course_utils.pretrained.fetch import fetch
def progress(done):
    if done > 200_000:
        print(done, flush=True)
fetch(ModelFile("weights.bin", "", 300000), sys.argv[1], Path(sys.argv[2]), progress)
"""
    with subprocess.Popen([sys.executable, "-c", program, server.url, str(target)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.kill()
    arrived.set()
    kept = (target.parent / "weights.bin.part").stat().st_size
    server.asked.clear()
    server.answer = lambda handler: server.send(handler, BODY)
    fetch(FILE, server.url, target)
    assert target.read_bytes() == BODY
    assert [headers["Range"] for headers in server.asked] == [f"bytes={kept}-" if kept else None]


def test_the_catalogue_s_entry_is_what_counts_not_the_server_s(server, target):
    server.answer = lambda handler: server.send(handler, BODY)
    other = ModelFile(FILE.path, FILE.url, FILE.size, "0" * 64)
    assert "not 00000000" in refusal(other, server.url, target).problem
