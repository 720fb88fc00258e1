"""The voice activity explorer as a learner meets it: in JupyterLab, with the keyboard."""

import nbformat.v4
import pytest
from playwright.sync_api import expect

VAD = """
from course_utils.widgets.vad import vad_explorer
vad_explorer()
"""


@pytest.fixture
def shown(lab):
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(VAD)]))
    assert notebook.run_all(), notebook.cell_errors()
    explorer = notebook.page.locator(".course-explorer")
    expect(explorer.locator("figcaption")).not_to_be_empty()
    return notebook, explorer


def test_rules_join_the_pieces_and_the_network_ignores_the_drums(shown):
    notebook, explorer = shown
    caption, audio, alert = explorer.locator("figcaption"), explorer.locator("audio"), explorer.get_by_role("alert")
    expect(caption).to_contain_text("8 segments")
    sound = audio.get_attribute("src")

    explorer.get_by_label("Threshold to go on (off)").focus()
    for _ in range(2):
        notebook.page.keyboard.press("ArrowLeft")
    expect(caption).to_contain_text("5 segments")
    expect(caption).to_contain_text("2 invented")
    expect(audio).not_to_have_attribute("src", sound)
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    assert audio.evaluate("audio => audio.duration") == pytest.approx(16.89, abs=0.01)

    explorer.get_by_label("Threshold to go on (off)").press("End")
    expect(alert).to_contain_text("Choose `off` at most as high as `on`.")
    expect(caption).to_contain_text("5 segments")

    explorer.get_by_label("Recording").select_option("drums, 5 dB")
    expect(alert).to_be_empty()
    expect(caption).to_contain_text("18 invented")
    explorer.get_by_label("Score").select_option("Silero VAD")
    expect(caption).to_contain_text("4 segments")
    expect(caption).to_contain_text("1 invented")
    expect(explorer.locator("img")).to_have_attribute("alt", caption.text_content())


def test_axe_finds_no_serious_violation(shown):
    notebook, _ = shown
    assert notebook.axe(".course-explorer") == []
