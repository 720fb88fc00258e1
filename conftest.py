"""What all tests share: a progress store of their own, and notebooks run as on a learner's machine, without a network.

`pytest notebooks` runs every notebook twice, with and without FFmpeg; `pytest notebooks/01_audio_io.ipynb` runs one.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import nbclient.output_widget
import nbformat
import nbmake.nb_run
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbmake.pytest_items import NbMakeFailureRepr, NotebookFile, NotebookItem

from course_utils.paths import ROOT

pytest_plugins = ["pytester"]

SANDBOX = ROOT / "tests" / "notebooks" / "sandbox"
SECONDS_PER_NOTEBOOK = 180
"""A notebook that needs longer says so: metadata `course: {"run_limit": 300}`, in seconds."""

# A figure drawn inside an Output widget stalls nbclient now and then until the cell's time limit, because the
# widget's state is sent back to a kernel that waits for it (nbclient issue 312). Nothing reads that state here.
nbclient.output_widget.OutputWidget.sync_state = lambda self: None


def sandbox_environment(home: Path, ffmpeg: bool = True) -> dict[str, str]:
    """Environment of a process that sees no network, keeps its state in `home`, and may see no FFmpeg."""
    nowhere = "http://no-network.invalid:9"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SANDBOX), os.environ.get("PYTHONPATH")])),
        "COURSE_HOME": str(home / "course"),
        "TORCH_HOME": str(home / "torch"),  # no full-size models: the stand-ins are what everybody has
        "IPYTHONDIR": str(home / "ipython"),
        "COURSE_TEST_WITHOUT_FFMPEG": "0" if ffmpeg else "1",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        **{f"{scheme}_proxy": nowhere for scheme in ("http", "https", "all")},
        **{f"{scheme}_PROXY": nowhere for scheme in ("HTTP", "HTTPS", "ALL")},
    }
    environment.pop("MPLBACKEND", None)
    return environment


class CourseClient(NotebookClient):
    """Runs cells as nbclient does, and names the cell when the kernel dies or an error hides or stays away."""

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **options) -> NotebookNode:
        try:
            executed = await super().async_execute_cell(cell, cell_index, **options)
        except DeadKernelError as error:
            raise failure(cell, "DeadKernelError", f"the kernel died in cell {cell_index}") from error
        if "raises-exception" in cell.metadata.get("tags", []) and not error_in(cell.outputs):
            raise failure(cell, "NoError", f"cell {cell_index} is tagged raises-exception and raised nothing")
        for widget in self.comm_objects.values():
            if error := error_in(widget.outputs):
                problem = f"{error.ename}: {error.evalue}, in an Output widget, where it stops nothing"
                raise failure(cell, "OutputError", problem)
        return executed


def error_in(outputs: list[NotebookNode]) -> NotebookNode | None:
    return next((output for output in outputs if output["output_type"] == "error"), None)


def failure(cell: NotebookNode, name: str, problem: str) -> CellExecutionError:
    cell.outputs.append(new_output("error", ename=name, evalue=problem, traceback=[f"{name}: {problem}"]))
    return CellExecutionError(problem, name, problem)


nbmake.nb_run.NotebookClient = CourseClient  # nbmake has no setting for it


class CourseNotebookItem(NotebookItem):
    """One run of a copy of a notebook in a folder of its own, as learners run theirs in work/."""

    def __init__(self, name: str, parent: pytest.Collector, ffmpeg: bool):
        super(NotebookItem, self).__init__(name, parent)  # nbmake's own gives both runs the file's name
        self.filename = f"{parent.path.name}, {name}"
        self.ffmpeg = ffmpeg

    def runtest(self) -> None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            work = Path(folder) / "work"
            work.mkdir()
            self.filename = str(shutil.copy(self.path, work))
            environment = sandbox_environment(Path(folder), self.ffmpeg)
            with mock.patch.dict(os.environ, environment, clear=True):
                super().runtest()

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> NbMakeFailureRepr:
        report = super().repr_failure(excinfo)
        return NbMakeFailureRepr(strip_ansi(report.term), strip_ansi(report.reprcrash.message))


class CourseNotebook(NotebookFile):
    def collect(self) -> Iterator[CourseNotebookItem]:
        notebook = nbformat.read(self.path, as_version=4)
        limit = notebook.metadata.get("course", {}).get("run_limit", SECONDS_PER_NOTEBOOK)
        for name, ffmpeg in (("with FFmpeg", True), ("without FFmpeg", False)):
            item = CourseNotebookItem.from_parent(self, name=name, ffmpeg=ffmpeg)
            item.add_marker(pytest.mark.timeout(limit))
            yield item


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CourseNotebook | None:
    if file_path.suffix == ".ipynb" and file_path.parent == parent.config.rootpath / "notebooks":
        return CourseNotebook.from_parent(parent, path=file_path)
    return None


@pytest.fixture(scope="session", autouse=True)
def course_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A progress store for the tests; the learner's own is never opened."""
    home = tmp_path_factory.mktemp("course_home")
    with mock.patch.dict(os.environ, COURSE_HOME=str(home)):
        yield home


@pytest.fixture
def offline_environment(tmp_path: Path) -> dict[str, str]:
    """Environment for a subprocess without a network."""
    return sandbox_environment(tmp_path)


def file_digests(root: Path) -> dict[str, str]:
    """SHA-256 of every file that git tracks in `root` or would add."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=True, encoding="utf-8").stdout
    files = (root / name for name in listing.split("\0") if name)
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


CHECKOUT_BEFORE = pytest.StashKey[dict[str, str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.environ.get("CI") and (session.config.rootpath / ".git").exists():
        session.config.stash[CHECKOUT_BEFORE] = file_digests(session.config.rootpath)


@pytest.fixture(scope="session", autouse=True)
def checkout_stays_as_it_was(pytestconfig: pytest.Config) -> Iterator[None]:
    """In CI, where nobody edits meanwhile, a test that writes into the checkout fails the run."""
    yield
    before = pytestconfig.stash.get(CHECKOUT_BEFORE, None)
    if before is not None:
        after = file_digests(pytestconfig.rootpath)
        changed = sorted(file for file in before | after if before.get(file) != after.get(file))
        assert not changed, f"the tests changed the checkout: {', '.join(changed)}"
