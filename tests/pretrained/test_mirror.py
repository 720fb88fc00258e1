"""What a teacher's laptop offers to the room: the models in its cache, to read, and nothing else."""

import asyncio
import http.client
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from course_utils.errors import CourseError
from course_utils.pretrained import fetch as fetch_module
from course_utils.pretrained import mirror as mirror_module
from course_utils.pretrained.catalogue import MODELS, Model, ModelFile
from course_utils.pretrained.fetch import fetch
from course_utils.pretrained.mirror import application, offered_models, own_address, serve

BODY = random.Random(1).randbytes(500_000)
FILE = ModelFile("checkpoints/weights.pth", "", len(BODY))
OFFERED = Model("OFFERED", "", "MIT", (FILE,))


@dataclass
class Mirror:
    port: int = 0
    log: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        result = answer.status, answer.read(), dict(answer.getheaders())
        connection.close()
        return result


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Iterator[Mirror]:
    """A server of one model, whose cache also holds what is nobody's business."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "hub"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "weights.pth").write_bytes(BODY)
    (folder / "checkpoints" / "private.pth").write_bytes(b"secret")
    (tmp_path / "private.txt").write_bytes(b"secret")
    mirror, loop, started = Mirror(), asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        sockets = bind_sockets(0, address="127.0.0.1")
        server = HTTPServer(application([OFFERED], folder, mirror.log.append))
        server.add_sockets(sockets)
        mirror.port = sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.stop()
        await server.close_all_connections()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    started.wait(20)
    yield mirror
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_a_learner_fetches_a_model_from_it(mirror, tmp_path):
    fetch(FILE, f"http://127.0.0.1:{mirror.port}/{FILE.path}", tmp_path / "mine.pth")
    assert (tmp_path / "mine.pth").read_bytes() == BODY
    assert mirror.log == [f"127.0.0.1 GET /{FILE.path} 200"]


def test_a_learner_goes_on_where_a_broken_line_stopped(mirror, tmp_path, monkeypatch):
    url, target = f"http://127.0.0.1:{mirror.port}/{FILE.path}", tmp_path / "mine.pth"

    class Pulled(Exception):
        """The cable, in the middle."""

    def pull(done):
        raise Pulled

    with pytest.raises(Pulled):
        fetch(FILE, url, target, pull)
    kept = (tmp_path / "mine.pth.part").stat().st_size
    assert 0 < kept < len(BODY)
    seen = []
    fetch(FILE, url, target, seen.append)
    assert seen[0] > kept
    assert target.read_bytes() == BODY
    assert mirror.log[-1].endswith(" 206")


def test_another_version_on_the_mirror_is_fetched_whole(mirror, tmp_path):
    target = tmp_path / "mine.pth"
    (tmp_path / "mine.pth.part").write_bytes(bytes(1000))
    (tmp_path / "mine.pth.part.version").write_text('"of yesterday"', encoding="utf-8")
    fetch(FILE, f"http://127.0.0.1:{mirror.port}/{FILE.path}", target)
    assert target.read_bytes() == BODY


def test_a_large_file_has_a_version_too_and_the_teacher_sees_no_warning(mirror, tmp_path, caplog):
    with (tmp_path / "hub" / FILE.path).open("r+b") as weights:
        weights.truncate(200_000_000)
    _, _, headers = mirror.ask("HEAD", f"/{FILE.path}")
    assert headers["Content-Length"] == "200000000"
    _, _, again = mirror.ask("HEAD", f"/{FILE.path}")
    assert headers["Etag"] == again["Etag"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/checkpoints",
        "/checkpoints/",
        "/checkpoints/private.pth",
        "/checkpoints/weights.pth/",
        "/checkpoints/weights.pth/../private.pth",
        "/checkpoints/../../private.txt",
        "/../private.txt",
        "/%2e%2e/private.txt",
        "/checkpoints%2f..%2f..%2fprivate.txt",
        "/checkpoints/weights.pth%00.txt",
        "//etc/passwd",
        "/checkpoints\\..\\..\\private.txt",
        "http://127.0.0.1/etc/passwd",
        "/checkpointsXweights.pth",
        "/checkpoints/weightsXpth",
    ],
)
def test_nothing_else_is_offered(mirror, path):
    status, body, _ = mirror.ask("GET", path)
    assert status in (400, 404)
    assert b"secret" not in body
    assert b"root:" not in body
    assert b"private" not in body


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(mirror, tmp_path, method):
    status, _, _ = mirror.ask(method, f"/{FILE.path}", Content_Length="0")
    assert status == 405
    assert (tmp_path / "hub" / FILE.path).read_bytes() == BODY


def test_head_gives_the_length_alone(mirror):
    status, body, headers = mirror.ask("HEAD", f"/{FILE.path}")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BODY)))


def test_an_empty_cache_offers_nothing_and_says_what_to_do(cache):
    with pytest.raises(CourseError, match="There is no model") as raised:
        offered_models()
    assert "course download" in raised.value.remedy


def sparse(cache: Path, name: str) -> None:
    """Files of the right length, which take no room."""
    for file in MODELS[name].files:
        path = cache / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as output:
            output.truncate(file.size)


def test_only_whole_models_are_offered(cache):
    sparse(cache, "SQUIM_OBJECTIVE")
    sparse(cache, "TACOTRON2_WAVERNN_CHAR_LJSPEECH")
    (cache / MODELS["TACOTRON2_WAVERNN_CHAR_LJSPEECH"].files[1].path).unlink()
    assert offered_models() == [MODELS["SQUIM_OBJECTIVE"]]


def test_a_port_that_is_taken_is_no_hindrance(cache, monkeypatch):
    taken = bind_sockets(0, address="0.0.0.0")[0]
    monkeypatch.setattr(mirror_module, "PORT", taken.getsockname()[1])
    ports = []

    async def briefly() -> None:
        task = asyncio.create_task(serve([OFFERED], print, ports.append))
        while not ports:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(briefly())
    taken.close()
    assert ports[0] != mirror_module.PORT


def test_its_own_address_is_one_that_others_can_use(monkeypatch):
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", own_address())

    class Offline:
        def __init__(self, *_): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...
        def connect(self, address):
            raise OSError("Network is unreachable")

    monkeypatch.setattr(mirror_module.socket, "socket", Offline)
    assert own_address() == "127.0.0.1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal for Ctrl+C that reaches one process alone")
def test_the_command_prints_what_learners_type_and_ends_quietly(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sparse(cache, "SQUIM_OBJECTIVE")
    command = [sys.executable, "-m", "course_utils.cli", "download", "--serve"]

    def heed_interrupts() -> None:
        """Where the tests run in the background of a shell, they and their children would ignore Ctrl+C."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes, preexec_fn=heed_interrupts) as process:
        printed = ""
        while "Ctrl+C" not in printed:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            printed += line
        (port,) = re.findall(r"^  course download SQUIM_OBJECTIVE --mirror http://[\d.]+:(\d+)$", printed, re.MULTILINE)
        file = MODELS["SQUIM_OBJECTIVE"].files[0]
        with pytest.raises(fetch_module.DownloadError, match="sha256"):
            fetch(file, f"http://127.0.0.1:{port}/{file.path}", tmp_path / "squim.pth")
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert f"GET /{file.path} 200" in rest
    assert errors == ""
    assert process.returncode == 0
