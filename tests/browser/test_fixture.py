"""The fixture `lab` notices what it is there to notice."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat.v4
import pytest


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def run_alone(folder: Path, test: str) -> str:
    """Run one small test module with this folder's conftest in its own pytest; return what it printed."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_inner.py").write_text(test, encoding="utf-8")
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-rA", f"--basetemp={folder / 'tmp'}"]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=240).stdout


def test_a_page_error_or_an_outside_request_fails_a_test_that_would_pass(tmp_path):
    printed = run_alone(
        tmp_path,
        """
import nbformat.v4

def test_good(lab):
    assert lab.open(nbformat.v4.new_notebook()).run_all()

def test_throws(lab):
    page = lab.open(nbformat.v4.new_notebook()).page
    page.evaluate("setTimeout(() => { throw new Error('thrown on purpose') })")
    page.wait_for_timeout(200)

def test_logs(lab):
    lab.open(nbformat.v4.new_notebook()).page.evaluate("console.error('logged on purpose')")

def test_asks(lab):
    page = lab.open(nbformat.v4.new_notebook()).page
    page.evaluate("fetch('https://example.com/script.js').catch(() => null)")

def test_dark(lab):
    lab.open(nbformat.v4.new_notebook()).use_theme("dark")

def test_light_again(lab):
    page = lab.open(nbformat.v4.new_notebook()).page
    assert page.locator("body[data-jp-theme-light='true']").count() == 1

def test_fails(lab):
    lab.open(nbformat.v4.new_notebook())
    assert False
""",
    )
    assert "PASSED test_inner.py::test_good\n" in printed, printed
    assert "PASSED test_inner.py::test_light_again\n" in printed
    assert "ERROR test_inner.py::test_throws - AssertionError: errors on the page" in printed
    assert "thrown on purpose" in printed
    assert "ERROR test_inner.py::test_logs - AssertionError: errors on the page" in printed
    assert "logged on purpose" in printed
    assert "ERROR test_inner.py::test_asks - AssertionError: " in printed
    assert "https://example.com/script.js" in printed
    picture = printed.partition("- Picture of the page -")[2].splitlines()[1]
    assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_a_failing_cell_is_noticed_and_named(lab):
    opened = lab.open(notebook("x = 1", "x / 0", "x = 2"))
    assert not opened.run_all()
    assert opened.cell_errors() == ["ZeroDivisionError: division by zero"]


def test_cells_that_take_too_long_are_noticed(lab):
    opened = lab.open(notebook("import time; time.sleep(30)"))
    with pytest.raises(TimeoutError, match="no answer after 1 s"):
        opened.run_all(seconds=1)


def test_a_restart_forgets_variables_and_keeps_the_notebook_usable(lab):
    opened = lab.open(notebook("seen = globals().get('seen', 0) + 1", "assert seen == 1, seen"))
    assert opened.run_all()
    assert not opened.run_all()
    opened.restart_kernel()
    assert opened.run_all()


def test_the_theme_can_be_dark(lab):
    opened = lab.open(notebook())
    background = "getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim()"
    light = opened.page.evaluate(background)
    opened.use_theme("dark")
    assert opened.page.evaluate(background) != light


def test_axe_reports_a_picture_without_a_text(lab):
    opened = lab.open(notebook())
    opened.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p class=bad><img src=data:,></p>')")
    assert any(line.startswith("image-alt") for line in opened.axe(".bad"))


def test_each_test_leaves_no_kernel_behind(lab_server):
    assert lab_server.call("GET", "api/sessions") == []
