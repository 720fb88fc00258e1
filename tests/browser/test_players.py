"""Players and folded hints keep the keys that JupyterLab would take for shortcuts."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, expect

PLAYER = """
from course_utils.players import listen
from course_utils.samples import tone
listen(tone(440, seconds=5.0), 16000, label="A")
"""

HINTS = """
from course_utils.exercises import exercise
exercise("00.1").hint()
"""


@pytest.fixture
def focus(lab):
    """Runs a cell between two others and gives the focus to an element of its output."""

    def run(code: str, selector: str):
        notebook = lab.open(new_notebook(cells=[new_code_cell(source) for source in ("1", code, "2")]))
        assert notebook.run_all(), notebook.cell_errors()
        target = notebook.page.locator(f".jp-OutputArea {selector}").first
        target.focus()
        return notebook, target

    return run


def test_keys_of_a_focused_player_stay_with_it(focus):
    notebook, player = focus(PLAYER, "audio")
    volume = player.evaluate("audio => audio.volume")
    press_what_deletes_and_moves(notebook, player)
    assert player.evaluate("audio => audio.volume") < volume, "ArrowDown makes the player quieter"


def test_keys_of_a_focused_hint_stay_with_it_and_enter_opens_it(focus):
    notebook, summary = focus(HINTS, "summary")
    press_what_deletes_and_moves(notebook, summary)
    notebook.page.keyboard.press("Enter")
    expect(notebook.page.get_by_text("One second is sample_rate samples.")).to_be_visible()
    expect(summary).to_be_focused()


def press_what_deletes_and_moves(notebook, target: Locator) -> None:
    for key in ("x", "d", "d", "ArrowDown", "ArrowUp", "ArrowDown"):
        notebook.page.keyboard.press(key)
        expect(target).to_be_focused()
    assert notebook.wait_for("panel.content.widgets.length") == 3
