"""The clip map as a learner meets it: in JupyterLab, with mouse and keyboard, heard through the page's player."""

import nbformat.v4
import pytest
from playwright.sync_api import expect

MAP = """
import torch
from course_utils.samples import tone
from course_utils.widgets.clip_map import ClipMap
places = {
    "cross": torch.tensor([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
    "line": torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]]),
}
sounds = [tone(300 + 100 * n, seconds=0.5 + 0.1 * n) for n in range(5)]
names = ["middle", "right", "left", "top", "bottom"]
ClipMap(sounds, 16000, places, names, ["Ann", "Ann", "Bo", "Bo", "Cy"], list("mrlrb"), label="Five tones")
"""

# The strongest frequency of what the player holds, from the file's own samples.
FREQUENCY = """async (audio) => {
    const file = await (await fetch(audio.src)).arrayBuffer();
    const samples = new Int16Array(file.slice(44));
    let crossings = 0;
    for (let n = 1; n < samples.length; n++) crossings += samples[n - 1] < 0 && samples[n] >= 0;
    return crossings / (samples.length / 16000);
}"""


@pytest.fixture
def show(lab):
    """Run the cell between two others; give back the notebook and its map."""
    sources = ("1", MAP, "2")
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]))
    assert notebook.run_all(), notebook.cell_errors()
    picture = notebook.page.locator(".course-clip-map")
    expect(picture.locator(".cm-point")).to_have_count(5)
    return notebook, picture


def point(picture, name):
    return picture.locator(f".cm-point[aria-label^='{name},']")


def settle(picture):
    picture.page.wait_for_timeout(700)  # points glide to their places


@pytest.mark.parametrize(("name", "frequency"), [("right", 400), ("top", 600)])
def test_a_click_on_a_point_plays_its_clip(show, name, frequency):
    _, picture = show
    settle(picture)
    point(picture, name).click()
    expect(picture.locator(".cm-heard")).to_have_count(1)
    assert picture.locator("audio").evaluate(FREQUENCY) == pytest.approx(frequency, abs=3)
    picture.page.wait_for_function("document.querySelector('.course-clip-map audio').currentTime > 0")
    expect(picture.locator(".cm-status")).to_have_text(f"{name}, {'Ann' if name == 'right' else 'Bo'}")


def test_the_pointer_shows_the_name_and_plays_only_when_asked_to(show):
    _, picture = show
    settle(picture)
    point(picture, "left").hover()
    expect(picture.locator(".cm-status")).to_have_text("left, Bo")
    assert picture.locator("audio").evaluate("audio => audio.src") == ""
    picture.get_by_label("Play what the pointer touches").check()
    point(picture, "bottom").hover()
    expect(point(picture, "bottom")).to_have_class("cm-point cm-kin cm-heard")
    assert picture.locator("audio").evaluate(FREQUENCY) == pytest.approx(700, abs=3)


def test_points_with_the_same_letter_are_marked_together(show):
    _, picture = show
    settle(picture)
    point(picture, "top").hover()
    expect(picture.locator(".cm-kin")).to_have_count(2)
    expect(point(picture, "right")).to_have_class("cm-point cm-kin")


def test_arrow_keys_go_to_the_neighbour_on_that_side_and_enter_plays(show):
    notebook, picture = show
    point(picture, "middle").focus()
    for key, name in (
        ("ArrowRight", "right"),
        ("ArrowRight", "right"),
        ("ArrowLeft", "middle"),
        ("ArrowUp", "top"),
        ("ArrowDown", "middle"),
        ("End", "bottom"),
        ("Home", "middle"),
        ("ArrowLeft", "left"),
    ):
        notebook.page.keyboard.press(key)
        expect(point(picture, name)).to_be_focused()
    for key in ("d", "d", "x"):
        notebook.page.keyboard.press(key)
    notebook.page.keyboard.press("Enter")
    expect(point(picture, "left")).to_have_class("cm-point cm-kin cm-heard")
    assert picture.locator("audio").evaluate(FREQUENCY) == pytest.approx(500, abs=3)
    assert notebook.wait_for("panel.content.widgets.length") == 3  # JupyterLab took none of the keys
    expect(picture.locator(".cm-point[tabindex='0']")).to_have_count(1)


def test_another_map_moves_the_points(show):
    _, picture = show
    settle(picture)
    before = point(picture, "bottom").bounding_box()
    picture.get_by_label("Map").select_option("line")
    settle(picture)
    after = {name: point(picture, name).bounding_box() for name in ("middle", "right", "bottom")}
    assert after["middle"]["x"] < after["right"]["x"] < after["bottom"]["x"]
    assert after["bottom"]["y"] < before["y"] - 50
    point(picture, "right").focus()
    picture.page.keyboard.press("ArrowRight")
    expect(point(picture, "left")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_in_both_themes_also_while_a_point_is_chosen(show, theme):
    notebook, picture = show
    notebook.use_theme(theme)
    settle(picture)
    point(picture, "top").click()
    expect(picture.locator(".cm-heard")).to_have_count(1)
    assert notebook.axe(".course-clip-map") == []
