"""The equalizer explorer as a learner meets it: bands move by keyboard, sound and pictures follow, both themes."""

import nbformat.v4
import pytest
from playwright.sync_api import Locator, expect

CELL = """
from course_utils.widgets.equalizer import equalizer_explorer
equalizer_explorer(["speech_4", "phone"])
"""


@pytest.fixture
def shown(lab):
    """A notebook with the explorer, and the explorer."""
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]))
    assert notebook.run_all(), notebook.cell_errors()
    explorer = notebook.page.locator(".course-explorer")
    expect(explorer.locator("figcaption")).not_to_be_empty()
    return notebook, explorer


def pixels(explorer: Locator) -> list[int]:
    """A small copy of the picture that is shown."""
    return explorer.locator("img").evaluate(
        """async image => {
            await image.decode();
            const canvas = Object.assign(document.createElement("canvas"), { width: 80, height: 48 });
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0, 80, 48);
            return Array.from(context.getImageData(0, 0, 80, 48).data);
        }"""
    )


def test_a_band_moves_by_keyboard_and_picture_caption_and_sound_follow(shown):
    notebook, explorer = shown
    caption, audio = explorer.locator("figcaption"), explorer.locator("audio")
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    before, sound = pixels(explorer), audio.get_attribute("src")
    expect(caption).to_contain_text("Every band at 0 dB: nothing changes.")

    band = explorer.get_by_label("1000 Hz", exact=True)
    band.focus()
    for _ in range(3):
        notebook.page.keyboard.press("ArrowRight")
    expect(caption).to_contain_text("highest +6.0 dB near 1000 Hz")
    expect(band).to_have_attribute("aria-valuetext", "6 dB")
    expect(audio).not_to_have_attribute("src", sound)
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    assert pixels(explorer) != before

    band.press("End")
    explorer.get_by_label("500 Hz", exact=True).press("End")
    expect(caption).to_contain_text("samples clip.")
    explorer.get_by_label("Recording").select_option("phone")
    explorer.get_by_label("8000 Hz", exact=True).press("Home")
    expect(caption).to_contain_text("the band at 8000 Hz does nothing.")
    expect(explorer.locator("img")).to_have_attribute("alt", caption.text_content())


def test_it_is_accessible_in_the_light_and_in_the_dark_theme_and_on_a_small_screen(shown):
    notebook, explorer = shown
    assert notebook.axe(".course-explorer") == []
    light = pixels(explorer)
    notebook.use_theme("dark")
    notebook.page.wait_for_function(
        """() => {
            const image = document.querySelector(".course-explorer img");
            if (!image.complete) return false;
            const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
            context.drawImage(image, 0, 0);
            const [red, , , opacity] = context.getImageData(0, 0, 1, 1).data;
            return opacity === 255 && red < 50;
        }"""
    )
    assert pixels(explorer) != light
    assert notebook.axe(".course-explorer") == []
    notebook.page.set_viewport_size({"width": 700, "height": 700})
    box, page = explorer.bounding_box(), notebook.page.viewport_size
    assert box["x"] + box["width"] <= page["width"]
    notebook.use_theme("light")
