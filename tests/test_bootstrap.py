import ast
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

import course_utils
from course_utils import bootstrap, system

ROOT = Path(course_utils.__file__).parents[1]
OLD_PYTHON_READS = ("__init__.py", "bootstrap.py", "system.py")
OFFLINE = bootstrap.PipFailed("Retrying after connection broken by 'NewConnectionError'")


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course folder of its own, where an environment is made in no time and pip is only written down."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    venv = tmp_path / ".venv"
    for name, path in {
        "ROOT": tmp_path,
        "PYPROJECT": tmp_path / "pyproject.toml",
        "CONSTRAINTS": tmp_path / "constraints.txt",
        "VENV": venv,
        "PYTHON": venv / "python",
        "DONE": venv / "done",
        "UNFINISHED": venv / "unfinished",
        "LOG": venv / "log",
        "LOCK": tmp_path / ".venv.lock",
    }.items():
        monkeypatch.setattr(bootstrap, name, path)

    def create_environment() -> None:
        shutil.rmtree(venv, ignore_errors=True)
        venv.mkdir()
        (venv / "python").symlink_to(sys.executable)
        calls.append("new environment")

    def pip(*arguments: str) -> None:
        bootstrap.LOG.touch()
        calls.append("pip")

    calls = Calls()
    monkeypatch.setattr(bootstrap, "create_environment", create_environment)
    monkeypatch.setattr(bootstrap, "pip", pip)
    monkeypatch.setattr(bootstrap, "cpu_index", lambda: None)
    monkeypatch.setattr(system, "find_ffmpeg", lambda: "ffmpeg")
    monkeypatch.setattr(bootstrap, "calls", calls, raising=False)
    return tmp_path


class Calls(list):
    def taken(self) -> list[str]:
        """What was called since the last look."""
        calls = list(self)
        self.clear()
        return calls


def taken() -> list[str]:
    return bootstrap.calls.taken()


def fail_with(error: BaseException):
    def pip(*arguments: str) -> None:
        raise error

    return pip


@pytest.mark.parametrize("name", OLD_PYTHON_READS)
def test_the_syntax_is_that_of_python_3_8(name: str):
    ast.parse((ROOT / "course_utils" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("name", OLD_PYTHON_READS)
def test_only_the_standard_library_is_imported(name: str):
    tree = ast.parse((ROOT / "course_utils" / name).read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names | {"course_utils"}


def test_every_python_on_path_can_start_it():
    found = {shutil.which(f"python3.{minor}") for minor in range(8, 16)} - {None}
    answers = {
        python: subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True).returncode
        for python in found
    }
    for python in [sys.executable, *(python for python, code in answers.items() if code == 0)]:
        run = subprocess.run([python, "-m", "course_utils.bootstrap"], cwd=ROOT, capture_output=True, text=True)
        assert "Usage" in run.stderr, f"{python}: {run.stderr}"


def test_the_python_that_runs_it_is_taken_where_it_fits():
    assert bootstrap.find_python() == [sys.executable]


def test_an_unsuitable_python_finds_the_newest_suitable_one(monkeypatch: pytest.MonkeyPatch):
    versions = {sys.executable: (3, 15), "python3.12": (3, 12), "python3.11": (3, 11)}
    monkeypatch.setattr(bootstrap, "python_version", lambda command: versions.get(command[0]))
    monkeypatch.setattr(os, "name", "posix")
    assert bootstrap.find_python() == ["python3.12"]


def test_windows_asks_its_launcher(monkeypatch: pytest.MonkeyPatch):
    versions = {(sys.executable,): (3, 14), ("py", "-3.12"): (3, 12)}
    monkeypatch.setattr(bootstrap, "python_version", lambda command: versions.get(tuple(command)))
    monkeypatch.setattr(os, "name", "nt")
    assert bootstrap.find_python() == ["py", "-3.12"]


def test_without_a_suitable_python_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "python_version", lambda command: (3, 8) if command == [sys.executable] else None)
    with pytest.raises(SystemExit, match=r"Python 3\.11 to 3\.12.*Install Python 3\.12") as stop:
        bootstrap.find_python()
    assert "\n" not in str(stop.value)


def test_a_command_that_is_no_python_has_no_version():
    assert bootstrap.python_version([sys.executable]) == sys.version_info[:2]
    assert bootstrap.python_version(["no-such-python"]) is None
    assert bootstrap.python_version([sys.executable, "-no-such-option"]) is None


def test_a_computer_that_pytorch_is_not_built_for_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(SystemExit, match="not built for Darwin on x86_64"):
        bootstrap.create_environment()
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_its_venv_module_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "find_python", lambda: [sys.executable])
    monkeypatch.setattr(bootstrap, "python_version", lambda command: (3, 12))
    monkeypatch.setattr(subprocess, "call", lambda command: 1)
    tried = []
    monkeypatch.setattr(system, "apt_install", lambda *packages: tried.extend(packages))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SystemExit, match=r"type: sudo apt install python3\.12-venv$"):
        bootstrap.create_environment()
    assert tried == ["python3.12-venv"]


def test_where_there_is_no_apt_an_environment_that_cannot_be_made_is_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "find_python", lambda: [sys.executable])
    monkeypatch.setattr(subprocess, "call", lambda command: 1)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"Close what uses it, delete it, then call again\.$") as stop:
        bootstrap.create_environment()
    assert "apt install" not in str(stop.value)


@pytest.mark.parametrize("arguments", [["setup", "a", "b"], ["setup", "tset"], ["set-up"], []])
def test_a_task_that_does_not_exist_is_answered_with_the_usage(arguments, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "setup", lambda *extra: pytest.fail("nothing may be set up"))
    with pytest.raises(SystemExit, match="Usage"):
        bootstrap.main(arguments)


@pytest.mark.usefixtures("course")
class TestSetup:
    def test_the_second_call_installs_nothing(self):
        bootstrap.setup()
        assert taken() == ["new environment", "pip"]
        bootstrap.setup()
        assert taken() == []

    def test_ffmpeg_is_tried_once_with_the_set_up_and_not_at_every_start(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(system, "find_ffmpeg", lambda: None)
        monkeypatch.setattr(system, "apt_install", bootstrap.calls.append)
        bootstrap.setup()
        bootstrap.setup()
        assert taken() == ["new environment", "pip", "ffmpeg"]

    def test_the_tests_environment_serves_the_course_but_not_the_other_way_round(self):
        bootstrap.setup()
        taken()
        bootstrap.setup("test")
        assert taken() == ["pip"]
        bootstrap.setup()
        assert taken() == []

    @pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
    def test_changed_requirements_are_installed_into_the_same_environment(self, course: Path, name: str):
        bootstrap.setup()
        taken()
        with (course / name).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        bootstrap.setup()
        assert taken() == ["pip"]
        bootstrap.setup()
        assert taken() == []

    def test_an_install_that_was_killed_starts_over_in_a_new_environment(self, monkeypatch: pytest.MonkeyPatch):
        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "pip", fail_with(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                bootstrap.setup()
        taken()
        bootstrap.setup()
        assert taken() == ["new environment", "pip"]

    def test_an_update_that_was_killed_starts_over_in_a_new_environment(self, course, monkeypatch):
        bootstrap.setup()
        (course / "constraints.txt").write_text("numpy==2.0.0\n", encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "pip", fail_with(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                bootstrap.setup()
        taken()
        bootstrap.setup()
        assert taken() == ["new environment", "pip"]

    def test_an_environment_whose_python_is_gone_is_made_anew(self):
        bootstrap.setup()
        taken()
        bootstrap.PYTHON.unlink()
        bootstrap.PYTHON.symlink_to("no-such-python")
        bootstrap.setup()
        assert taken() == ["new environment", "pip"]

    def test_a_course_that_was_moved_is_installed_again(self, monkeypatch: pytest.MonkeyPatch):
        bootstrap.setup()
        taken()
        monkeypatch.setattr(bootstrap, "ROOT", bootstrap.ROOT / "elsewhere")
        bootstrap.setup()
        assert taken() == ["pip"]

    def test_without_a_network_an_update_waits_and_the_course_goes_on(self, course, monkeypatch, capsys):
        bootstrap.setup()
        (course / "constraints.txt").write_text("numpy==2.0.0\n", encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "pip", fail_with(OFFLINE))
            bootstrap.setup()
        assert "is there a network?" in capsys.readouterr().out
        taken()
        bootstrap.setup()
        assert taken() == ["pip"]

    def test_without_a_network_the_tests_cannot_be_added_but_the_course_still_works(self, monkeypatch):
        bootstrap.setup()
        taken()
        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "pip", fail_with(OFFLINE))
            with pytest.raises(SystemExit, match=r"is there a network\?"):
                bootstrap.setup("test")
        bootstrap.setup()
        assert taken() == []

    def test_without_a_network_the_first_install_stops_with_one_line(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(bootstrap, "pip", fail_with(OFFLINE))
        with pytest.raises(SystemExit, match=r"is there a network\?") as stop:
            bootstrap.setup()
        assert "\n" not in str(stop.value)

    def test_a_full_disk_is_named_even_during_an_update(self, course: Path, monkeypatch: pytest.MonkeyPatch):
        bootstrap.setup()
        (course / "constraints.txt").write_text("numpy==2.0.0\n", encoding="utf-8")
        monkeypatch.setattr(
            bootstrap, "pip", fail_with(bootstrap.PipFailed("OSError: [Errno 28] No space left on device"))
        )
        with pytest.raises(SystemExit, match="The disk is full"):
            bootstrap.setup()

    def test_pytorchs_three_packages_come_together_from_the_small_index(self, monkeypatch: pytest.MonkeyPatch):
        commands = []
        monkeypatch.setattr(bootstrap, "cpu_index", lambda: "http://small.invalid/")
        monkeypatch.setattr(bootstrap, "pip", lambda *arguments: commands.append(arguments))
        bootstrap.install("test")
        assert commands == [
            ("--no-deps", "--index-url", "http://small.invalid/", "torch", "torchaudio", "torchcodec"),
            ("--editable", f"{bootstrap.ROOT}[test]"),
        ]

    def test_the_default_builds_are_taken_when_the_small_ones_cannot_be_installed(self, monkeypatch, capsys):
        def pip(*arguments: str) -> None:
            commands.append(arguments)
            if "--index-url" in arguments:
                raise bootstrap.PipFailed("")

        commands = []
        monkeypatch.setattr(bootstrap, "cpu_index", lambda: "http://small.invalid/")
        monkeypatch.setattr(bootstrap, "pip", pip)
        bootstrap.install("")
        assert commands[1:] == [("--editable", str(bootstrap.ROOT))]
        assert "taking the default builds" in capsys.readouterr().out


@pytest.mark.usefixtures("course")
class TestLock:
    PROGRAM = """
import subprocess, sys
from pathlib import Path
from course_utils import bootstrap
bootstrap.LOCK = Path(sys.argv[1])
with bootstrap.one_at_a_time():
    {}
"""
    REFUSED = "Another call is setting the course up: wait for its end, then call again.\n"

    def command(self, inside: str) -> list[str]:
        return [sys.executable, "-c", self.PROGRAM.format(inside), str(bootstrap.LOCK)]

    def try_another(self) -> str:
        return subprocess.run(self.command("pass"), capture_output=True, text=True, cwd=ROOT).stderr

    def test_a_second_call_is_refused_while_one_is_at_work(self):
        with bootstrap.one_at_a_time():
            assert self.try_another() == self.REFUSED
        assert self.try_another() == ""

    @pytest.mark.skipif(os.name == "nt", reason="on Windows a lock belongs to one process: pip does not inherit it")
    def test_a_killed_call_whose_pip_lives_on_keeps_others_out(self):
        # "Pip" waits for its standard input to end; the call that started it is killed.
        pip = 'print(subprocess.Popen([sys.executable, "-c", "input()"], close_fds=False).pid, flush=True); input()'
        read, write = os.pipe()
        call = subprocess.Popen(self.command(pip), stdin=read, stdout=subprocess.PIPE, cwd=ROOT)
        os.close(read)
        with os.fdopen(write, "w") as stdin:
            call.stdout.readline()
            call.kill()
            call.wait()
            assert self.try_another() == self.REFUSED
            stdin.write("\n")
        call.stdout.read()  # ends when "pip" has
        call.stdout.close()
        assert self.try_another() == ""


class Silent(BaseHTTPRequestHandler):
    """Takes a request and never answers, until the test ends."""

    released = threading.Event()

    def do_GET(self) -> None:
        self.released.wait()


@pytest.fixture
def serve() -> Iterator:
    servers = []

    def start(handler) -> str:
        server = HTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    Silent.released.set()
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
    Silent.released.clear()


@pytest.fixture
def small_index(tmp_path: Path) -> Path:
    """A folder that looks like PyTorch's index without CUDA, when served: tiny wheels of the pinned versions."""
    for name, version in {"torch": "2.11.0", "torchaudio": "2.11.0", "torchcodec": "0.17.0"}.items():
        folder = tmp_path / "index" / name
        folder.mkdir(parents=True)
        full = f"{version}+cpu"
        wheel = f"{name}-{full}-py3-none-any.whl"
        info = f"{name}-{full}.dist-info"
        with zipfile.ZipFile(folder / wheel, "w") as archive:
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {full}\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        (folder / "index.html").write_text(f'<a href="{wheel.replace("+", "%2B")}">{wheel}</a>', encoding="utf-8")
    return tmp_path / "index"


@pytest.fixture
def linux_without_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(bootstrap, "NVIDIA_DRIVER", tmp_path / "no-driver")
    monkeypatch.setattr(shutil, "which", lambda command: None)
    monkeypatch.setattr(bootstrap, "CPU_INDEX_SECONDS", 0.5)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.usefixtures("linux_without_gpu")
class TestIndex:
    def test_the_small_builds_are_taken_when_their_index_answers(self, small_index, serve, monkeypatch, capsys):
        url = serve(partial(SimpleHTTPRequestHandler, directory=small_index))
        monkeypatch.setattr(bootstrap, "CPU_INDEX", url)
        assert bootstrap.cpu_index() == url
        assert "a tenth of the default 4.7 GB, because this computer has no NVIDIA GPU" in capsys.readouterr().out

    def test_an_index_without_torch_does_not_count(self, tmp_path, serve, monkeypatch, capsys):
        monkeypatch.setattr(bootstrap, "CPU_INDEX", serve(partial(SimpleHTTPRequestHandler, directory=tmp_path)))
        assert bootstrap.cpu_index() is None
        assert "does not answer" in capsys.readouterr().out

    def test_a_silent_index_does_not_hold_the_install_up(self, serve, monkeypatch, capsys):
        monkeypatch.setattr(bootstrap, "CPU_INDEX", serve(Silent))
        assert bootstrap.cpu_index() is None
        assert "the default builds, 4.7 GB" in capsys.readouterr().out

    def test_a_computer_with_an_nvidia_gpu_gets_the_builds_with_cuda(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(bootstrap, "NVIDIA_DRIVER", tmp_path)
        monkeypatch.setattr(bootstrap, "CPU_INDEX", "http://127.0.0.1:1/ is not asked")
        assert bootstrap.cpu_index() is None
        assert "this computer has an NVIDIA GPU" in capsys.readouterr().out

    @pytest.mark.parametrize("platform", ["win32", "darwin"])
    def test_elsewhere_the_default_builds_are_small_already(self, platform, monkeypatch):
        monkeypatch.setattr(sys, "platform", platform)
        assert bootstrap.cpu_index() is None

    def test_pip_takes_all_three_from_the_small_index_under_the_constraints(
        self, small_index, serve, tmp_path, monkeypatch
    ):
        url = serve(partial(SimpleHTTPRequestHandler, directory=small_index))
        monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
        monkeypatch.setattr(bootstrap, "LOG", tmp_path / "log")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        bootstrap.pip("--no-deps", "--index-url", url, *bootstrap.PYTORCH, "--target", str(tmp_path / "installed"))
        installed = sorted(path.name for path in (tmp_path / "installed").glob("*.dist-info"))
        assert [name.partition("-")[0] for name in installed] == sorted(bootstrap.PYTORCH)
        assert all("+cpu" in name for name in installed)

    def test_pip_without_a_network_is_recognised(self, tmp_path, monkeypatch):
        monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
        monkeypatch.setattr(bootstrap, "LOG", tmp_path / "log")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_RETRIES", "1")
        with pytest.raises(bootstrap.PipFailed) as failure:
            bootstrap.pip("--index-url", "http://127.0.0.1:1/", "--target", str(tmp_path), "torch")
        assert failure.value.offline


def test_the_test_task_ends_in_pytest_with_the_arguments(monkeypatch: pytest.MonkeyPatch):
    steps = []
    monkeypatch.setattr(bootstrap, "setup", lambda extra: steps.append(f"setup {extra}"))
    monkeypatch.setattr(system, "ensure", steps.append)
    monkeypatch.setattr(system, "hand_over", lambda command: steps.append(command[1:]))
    monkeypatch.chdir(ROOT)
    for name in ("PATH", "VIRTUAL_ENV", *bootstrap.TEST_ENVIRONMENT):
        monkeypatch.setenv(name, "")
    bootstrap.main(["test", "-k", "plots"])
    assert steps == ["setup test", "ffmpeg", "chromium", ["-m", "pytest", *bootstrap.PARALLEL, "-k", "plots"]]


def test_the_lab_task_ends_in_the_lab_command_with_the_arguments(monkeypatch: pytest.MonkeyPatch):
    steps = []
    monkeypatch.setattr(bootstrap, "setup", lambda: steps.append("setup"))
    monkeypatch.setattr(system, "hand_over", lambda command: steps.append(command[1:]))
    monkeypatch.chdir(ROOT)
    for name in ("PATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "")
    bootstrap.main(["lab", "--no-browser"])
    assert steps == ["setup", ["-m", "course_utils.cli", "lab", "--no-browser"]]
