"""The runner in the root conftest.py, tried on notebooks that break a promise."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.paths import ROOT

DECODE = "from torchcodec.decoders import AudioDecoder\nAudioDecoder('no such file')"

FAULTY = {
    "division": ("seconds = 0\n1 / seconds", "*ZeroDivisionError: division by zero*"),
    "download": ("import urllib.request\nurllib.request.urlopen('http://192.0.2.1/')", "*tests run without a network*"),
    "lookup": ("import socket\nsocket.create_connection(('pytorch.org', 443))", "*asked for pytorch.org*"),
    "dead_kernel": ("import os\nos._exit(3)", "*the kernel died in cell 1*"),
    "endless": ("while True:\n    pass", "*A cell timed out*"),
    "hidden_error": (
        "from ipywidgets import interactive_output\ninteractive_output(lambda: 1 / 0, {})",
        "*ZeroDivisionError: division by zero, in an Output widget*",
    ),
    "announced": ("harmless = 1", "*tagged raises-exception and raised nothing*"),
}


def write(path: Path, *sources: str, tags: tuple[str, ...] = (), **course) -> None:
    cells = [
        new_markdown_cell("# A title"),
        *(new_code_cell(source, metadata={"tags": list(tags)}) for source in sources),
    ]
    notebook = new_notebook(cells=cells, metadata={"course": course})
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project that runs notebooks as this one does."""
    pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\naddopts = --nbmake-timeout=5\n")
    return pytester


def test_a_failing_cell_is_shown_with_its_source_and_its_error(project):
    for name, (source, _) in FAULTY.items():
        tags = ("raises-exception",) if name == "announced" else ()
        write(project.path / "notebooks" / f"{name}.ipynb", source, tags=tags)

    result = project.runpytest_subprocess("-k", "not without")

    result.assert_outcomes(failed=len(FAULTY))
    for source, message in FAULTY.values():
        result.stdout.fnmatch_lines_random([f"*{source.splitlines()[-1].strip()}*", message])


def test_a_notebook_runs_from_top_to_bottom_in_a_copy_and_leaves_the_original_alone(project):
    notebook = project.path / "notebooks" / "writes.ipynb"
    write(notebook, "kept = 1", "from pathlib import Path\nPath('made.txt').write_text('x')\nprint(kept + 1)")
    before = notebook.read_bytes()

    project.runpytest_subprocess().assert_outcomes(passed=2)

    assert notebook.read_bytes() == before
    assert list(notebook.parent.iterdir()) == [notebook]


def test_a_notebook_keeps_its_progress_away_from_the_learners(project):
    check = "import os\nfrom pathlib import Path\nassert Path(os.environ['COURSE_HOME']).parent == Path.cwd().parent"
    write(project.path / "notebooks" / "home.ipynb", check)
    project.runpytest_subprocess("-k", "without").assert_outcomes(passed=1)


def test_figures_are_drawn_inline_whatever_backend_the_shell_asks_for(project, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    write(project.path / "notebooks" / "figure.ipynb", "import matplotlib\nassert 'inline' in matplotlib.get_backend()")
    project.runpytest_subprocess("-k", "without").assert_outcomes(passed=1)


def test_the_second_run_of_a_notebook_has_no_ffmpeg(project):
    write(project.path / "notebooks" / "decode.ipynb", DECODE)
    result = project.runpytest_subprocess("-k", "without", "--nbmake-timeout=60")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: Could not load libtorchcodec*"])


def test_a_server_of_the_machine_itself_can_be_reached(project):
    source = """
    import socket
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    """
    write(project.path / "notebooks" / "loopback.ipynb", source)
    project.runpytest_subprocess("-k", "without").assert_outcomes(passed=1)


def test_a_notebook_that_takes_longer_than_its_limit_is_stopped(project):
    write(project.path / "notebooks" / "slow.ipynb", *["import time\ntime.sleep(1.5)"] * 4, run_limit=4)
    result = project.runpytest_subprocess("-k", "without")
    result.stdout.fnmatch_lines(["*Timeout (>4*"])
    result.assert_outcomes(failed=1)


def test_a_test_that_writes_into_the_checkout_fails_the_run_in_ci(project, monkeypatch):
    project.makepyfile("from pathlib import Path\n\ndef test_writes():\n    Path('left_behind.txt').write_text('x')")
    project.run("git", "init", "--quiet")
    monkeypatch.setenv("CI", "true")
    result = project.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the tests changed the checkout: *left_behind.txt*"])
