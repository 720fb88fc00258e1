"""The CTC stepper as a learner meets it: in JupyterLab, with the keyboard, in both themes."""

import nbformat.v4
import pytest
from playwright.sync_api import expect

STEPPER = """
import torch
from course_utils.samples import noise
from course_utils.widgets.ctc_stepper import ctc_stepper

labels = ("-", "|", "h", "e", "l", "o")
path = "hhe-l-lo|"
emission = (torch.eye(6)[[labels.index(label) for label in path]] * 6).log_softmax(-1)
ctc_stepper(emission, labels, noise(0.18), 16000)
"""


@pytest.fixture
def stepper(lab):
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(STEPPER)]))
    assert notebook.run_all(), notebook.cell_errors()
    explorer = notebook.page.locator(".course-explorer")
    expect(explorer.locator("figcaption")).to_contain_text("Frame 0, 0.00 to 0.02 s")
    return notebook, explorer


def test_the_arrow_keys_step_from_frame_to_frame_and_the_text_grows(stepper):
    notebook, explorer = stepper
    caption, frame = explorer.locator("figcaption"), explorer.get_by_role("slider", name="Frame")
    frame.focus()
    for news in (
        "The same label again: merged.",
        "New: e.",
        "Blank: nothing is written.",
        "New: l.",
        "Blank",
        "New: l.",
    ):
        notebook.page.keyboard.press("ArrowRight")
        expect(caption).to_contain_text(news)
    expect(caption).to_contain_text('Text so far: "hell".')
    expect(explorer.locator("img")).to_have_attribute("alt", caption.text_content())
    expect(frame).to_be_focused()
    assert notebook.wait_for("panel.content.widgets.length") == 1  # JupyterLab took no key for itself


def test_with_the_blanks_dropped_first_the_double_letter_is_lost(stepper):
    _, explorer = stepper
    explorer.get_by_role("slider", name="Frame").press("End")
    expect(explorer.locator("figcaption")).to_contain_text('Text so far: "hello ".')
    source = explorer.locator("audio").get_attribute("src")
    explorer.get_by_label("Collapse").select_option("drop blanks, then merge repeats")
    expect(explorer.locator("figcaption")).to_contain_text('Text so far: "helo ".')
    expect(explorer.locator("audio")).to_have_attribute("src", source)


def test_a_click_on_the_waveform_moves_the_sound_to_its_time(stepper):
    notebook, explorer = stepper
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    width = explorer.locator(".ce-stage").bounding_box()["width"]
    explorer.locator(".ce-stage").click(position={"x": (0.1 + 0.62 / 2) * width, "y": 40})
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').currentTime > 0.05")
    assert explorer.locator("audio").evaluate("audio => audio.currentTime") == pytest.approx(0.09, abs=0.01)


def test_it_is_accessible_in_the_light_and_in_the_dark_theme(stepper):
    notebook, explorer = stepper
    assert notebook.axe(".course-explorer") == []
    light = explorer.locator("img").get_attribute("src")
    notebook.use_theme("dark")
    expect(explorer.locator("img")).not_to_have_attribute("src", light)
    assert notebook.axe(".course-explorer") == []


def test_it_fits_into_the_window_of_a_small_laptop(stepper):
    notebook, explorer = stepper
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    explorer.get_by_role("slider", name="Frame").press("End")
    expect(explorer.locator("figcaption")).to_contain_text("Frame 8")
    explorer.evaluate("widget => widget.scrollIntoView({block: 'center'})")
    room, needed = (
        notebook.page.locator(selector).first.bounding_box()["height"]
        for selector in (".jp-WindowedPanel-outer", ".course-explorer")
    )
    assert needed < room
