import shutil

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.paths import NOTEBOOKS

SOURCE = """
from course_utils.progress import progress
from course_utils.progress_store import record
record("question", "01.not-asked", notebook="01", response="a", correct=True)
progress()
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dashboard_can_be_read_by_everybody(lab, theme):
    notebook = lab.open(new_notebook(cells=[new_code_cell(SOURCE)]))
    notebook.use_theme(theme)
    assert notebook.run_all(), notebook.cell_errors()
    assert notebook.page.locator(".course-progress progress").first.is_visible()
    assert notebook.axe(".course-progress") == []


def test_its_links_open_the_notebooks_beside_it(lab):
    notebook = lab.open(new_notebook(cells=[new_code_cell(SOURCE)]))
    shutil.copy(NOTEBOOKS / "00_start_here.ipynb", notebook.path.parent)
    assert notebook.run_all(), notebook.cell_errors()
    notebook.page.get_by_role("table").get_by_role("link", name="00").click()
    notebook.page.wait_for_function(
        "window.jupyterapp.shell.currentWidget?.context?.path.endsWith('00_start_here.ipynb')"
    )


def test_letters_on_a_link_are_no_shortcuts_of_jupyterlab(lab):
    notebook = lab.open(new_notebook(cells=[new_code_cell(SOURCE), new_code_cell("1")]))
    assert notebook.run_all(), notebook.cell_errors()
    for link in notebook.page.locator(".course-progress a").all()[:2]:
        link.focus()
        for key in "xdda":  # x cuts a cell, two d delete it, an a adds one
            notebook.page.keyboard.press(key)
    assert notebook.wait_for("panel.content.widgets.length") == 2
