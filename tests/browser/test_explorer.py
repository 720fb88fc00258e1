"""Explorers as a learner meets them: in JupyterLab, with mouse and keyboard."""

import itertools

import nbformat.v4
import pytest
from playwright.sync_api import Locator, expect

STFT = """
from course_utils.widgets.stft import stft_explorer
stft_explorer(["speech", "drum_loop"])
"""

TRADEOFF = """
from course_utils.widgets.tradeoff import tradeoff_explorer
tradeoff_explorer()
"""

MEL = """
from course_utils.widgets.mel import mel_explorer
mel_explorer(["speech", "drum_loop"])
"""

MASKS = """
from course_utils.widgets.masks import mask_explorer
mask_explorer(["speech", "drum_loop"])
"""

VOCODER = """
from course_utils.widgets.vocoder import vocoder_explorer
vocoder_explorer(["speech", "drum_loop"])
"""

SLOW = """
import time
from course_utils.errors import CourseError
from course_utils.widgets.explorer import Explorer, Slider

pictures = []

def draw(figure, level):
    pictures.append(level)
    time.sleep(7 if level == 0 else 0.3)
    figure.clear()
    figure.subplots().plot([0, level])
    if level == 1:
        raise CourseError("<b>Level 1</b> cannot be drawn.", "Choose another.")
    if level == 2:
        1 / 0
    return f"Level {level}, picture {len(pictures)}."

slow = Explorer(draw, [Slider("level", "Level", range(20), 10)], label="Slow")
slow
"""


@pytest.fixture
def show(lab):
    """Run cells in a new notebook; give back the notebook and its explorer."""

    def run(*cells: str):
        notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]))
        assert notebook.run_all(), notebook.cell_errors()
        explorer = notebook.page.locator(".course-explorer")
        expect(explorer.locator("figcaption")).not_to_be_empty()
        return notebook, explorer

    return run


def pixels(explorer: Locator) -> list[int]:
    """The picture that is shown, as red, green, blue and alpha of each pixel of a small copy."""
    return explorer.locator("img").evaluate(
        """async image => {
            await image.decode();
            const canvas = Object.assign(document.createElement("canvas"), { width: 80, height: 36 });
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0, 80, 36);
            return Array.from(context.getImageData(0, 0, 80, 36).data);
        }"""
    )


def test_controls_move_by_keyboard_and_mouse_and_picture_and_caption_follow(show):
    notebook, explorer = show(STFT)
    keyboard = notebook.page.keyboard
    caption, image = explorer.locator("figcaption"), explorer.locator("img")
    expect(caption).to_have_text("Window 64 ms, 513 bins 15.6 Hz apart, 187 frames 16 ms apart.")
    seen = [pixels(explorer)]

    explorer.get_by_label("Recording").focus()
    keyboard.press("Tab")
    keyboard.press("ArrowLeft")
    expect(explorer.get_by_label("Window (n_fft)")).to_be_focused()
    expect(caption).to_contain_text("Window 32 ms, 257 bins")
    expect(explorer.get_by_label("Window (n_fft)")).to_have_attribute("aria-valuetext", "512 samples")
    seen.append(pixels(explorer))

    hop = explorer.get_by_label("Hop (hop_length)")
    box = hop.bounding_box()
    hop.hover()
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2, steps=5)
    notebook.page.mouse.up()
    expect(caption).to_contain_text("12 frames 256 ms apart. The hop is longer than the window")
    expect(explorer.locator("output", has_text="4096 samples")).to_be_visible()
    seen.append(pixels(explorer))

    explorer.get_by_label("Recording").select_option("drum_loop")
    expect(caption).to_contain_text("Window 11.6 ms")
    seen.append(pixels(explorer))

    assert all(before != after for before, after in itertools.pairwise(seen))
    expect(image).to_have_attribute("alt", caption.text_content())
    expect(explorer.get_by_role("status").filter(has_text="Window")).to_have_text(caption.text_content())
    # JupyterLab took none of the keys for itself.
    assert notebook.wait_for("panel.content.widgets.length") == 1


def press_until(explorer: Locator, label: str, key: str, text: str) -> list[str]:
    """Press a key on a control until the caption holds the text; give back the captions on the way."""
    captions = []
    caption = explorer.locator("figcaption")
    for _ in range(20):
        captions.append(caption.text_content())
        if text in captions[-1]:
            return captions
        explorer.get_by_label(label).press(key)
        expect(caption).not_to_have_text(captions[-1])
    raise AssertionError(f"{text!r} is never said: {captions}")


def wait_for_sound(explorer: Locator) -> str:
    """Wait until the sound has loaded; give back where from."""
    audio = explorer.locator("audio")
    explorer.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    return audio.get_attribute("src")


def test_one_window_separates_the_tones_another_the_clicks_none_between_does_both(show):
    _, explorer = show(TRADEOFF)
    start = pixels(explorer)
    captions = press_until(explorer, "Window (n_fft)", "ArrowRight", "The tones are two")
    assert pixels(explorer) != start
    captions += press_until(explorer, "Window (n_fft)", "ArrowLeft", "The clicks are two")
    assert not any("tones are two" in caption and "clicks are two" in caption for caption in captions)

    sound = wait_for_sound(explorer)
    assert explorer.locator("audio").evaluate("audio => audio.duration") == 3
    explorer.get_by_label("Shape of the window").select_option("Hamming")
    expect(explorer.locator("figcaption")).to_contain_text("The clicks are one hump (dip 2.3 dB)")
    assert wait_for_sound(explorer) == sound
    explorer.get_by_label("Distance of the clicks").press("ArrowRight")
    expect(explorer.locator("figcaption")).to_contain_text("The clicks are two")
    expect(explorer.locator("audio")).not_to_have_attribute("src", sound)
    expect(explorer.locator("img")).to_have_attribute("alt", explorer.locator("figcaption").text_content())


def test_short_windows_leave_mel_bands_empty_and_an_impossible_range_is_one_clear_line(show):
    _, explorer = show(MEL)
    caption, alert = explorer.locator("figcaption"), explorer.get_by_role("alert")
    start, sound = pixels(explorer), wait_for_sound(explorer)
    expect(caption).to_contain_text("80 bands from 0 to 8000 Hz")
    press_until(explorer, "Window (n_fft)", "ArrowLeft", "hold no bin: too narrow")
    assert pixels(explorer) != start
    assert wait_for_sound(explorer) == sound

    explorer.get_by_label("Highest frequency (f_max)").press("Home")
    expect(caption).to_contain_text("from 0 to 500 Hz")
    explorer.get_by_label("Lowest frequency (f_min)").press("End")
    expect(alert).to_have_text("There is nothing between f_min, 4000 Hz, and f_max, 500 Hz. Choose a lower f_min.")
    expect(explorer.get_by_label("Lowest frequency (f_min)")).to_have_attribute("aria-valuetext", "0 Hz")
    explorer.get_by_label("Scale (mel_scale)").select_option("slaney")
    expect(alert).to_be_empty()
    expect(caption).to_contain_text("from 0 to 500 Hz, the lowest 12.3 Hz wide")
    explorer.get_by_label("Recording").select_option("drum_loop")
    expect(explorer.locator("audio")).not_to_have_attribute("src", sound)


def test_masks_are_drawn_again_and_heard_and_their_filling_is_only_seen(show):
    _, explorer = show(MASKS)
    caption, audio = explorer.locator("figcaption"), explorer.locator("audio")
    seen, sound = [pixels(explorer)], wait_for_sound(explorer)
    expect(caption).to_contain_text("filled with 0 dB, the loudest there is")
    explorer.get_by_label("Filled with").select_option("mean")
    expect(caption).to_contain_text("filled with the mean")
    seen.append(pixels(explorer))
    assert wait_for_sound(explorer) == sound
    before = caption.text_content()
    explorer.get_by_label("Another draw (seed)").press("ArrowRight")
    expect(caption).not_to_have_text(before)
    expect(audio).not_to_have_attribute("src", sound)
    wait_for_sound(explorer)
    seen.append(pixels(explorer))
    explorer.get_by_label("Masks of each kind").press("End")
    expect(caption).to_contain_text("Time masks: ")
    seen.append(pixels(explorer))
    assert all(before != after for before, after in itertools.pairwise(seen))
    explorer.get_by_label("Time masks below (time_mask_param)").press("Home")
    explorer.get_by_label("Frequency masks below (freq_mask_param)").press("Home")
    expect(caption).to_contain_text("0 % of the picture is masked")


def test_the_sound_plays_a_line_follows_it_and_a_click_on_the_picture_moves_it(show):
    notebook, explorer = show(STFT)
    audio, line = explorer.locator("audio"), explorer.locator(".ce-playhead")
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').readyState >= 3")
    assert audio.evaluate("audio => audio.duration") == pytest.approx(2.99, abs=0.01)
    expect(line).to_be_hidden()

    explorer.locator(".ce-stage").click(position={"x": 400, "y": 150})
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').currentTime > 1")
    expect(line).to_be_visible()
    stage, shown = explorer.locator(".ce-stage").bounding_box(), line.bounding_box()
    assert shown["x"] + shown["width"] / 2 - stage["x"] == pytest.approx(400, abs=3)

    before = audio.evaluate("audio => audio.currentTime")
    audio.focus()
    notebook.page.keyboard.press("Space")
    notebook.page.wait_for_function(
        "before => document.querySelector('.course-explorer audio').currentTime > before + 0.2", arg=before
    )
    assert line.bounding_box()["x"] > shown["x"]

    source = audio.get_attribute("src")
    explorer.get_by_label("Window (n_fft)").press("ArrowLeft")
    expect(explorer.locator("figcaption")).to_contain_text("Window 32 ms")
    expect(audio).to_have_attribute("src", source)
    explorer.get_by_label("Recording").select_option("drum_loop")
    expect(audio).not_to_have_attribute("src", source)
    notebook.page.wait_for_function("document.querySelector('.course-explorer audio').duration === 5")


def test_more_rounds_of_the_vocoder_are_seen_and_heard_and_fewer_bands_too(show):
    _, explorer = show(VOCODER)
    caption, audio = explorer.locator("figcaption"), explorer.locator("audio")
    seen, sound = [pixels(explorer)], wait_for_sound(explorer)
    explorer.get_by_label("Rounds of Griffin-Lim (n_iter)").press("Home")
    expect(caption).to_contain_text("80 mel bands kept, 0 rounds of Griffin-Lim")
    expect(audio).not_to_have_attribute("src", sound)
    seen.append(pixels(explorer))
    sound = wait_for_sound(explorer)
    explorer.get_by_label("What the vocoder is given").select_option("20 mel bands")
    expect(caption).to_contain_text("20 mel bands kept, 0 rounds of Griffin-Lim")
    expect(audio).not_to_have_attribute("src", sound)
    seen.append(pixels(explorer))
    assert all(before != after for before, after in itertools.pairwise(seen))
    explorer.get_by_label("Recording").select_option("drum_loop")
    expect(caption).to_contain_text("Only the first 5 s are shown.")


@pytest.mark.parametrize(
    "cell", [STFT, TRADEOFF, MEL, MASKS, VOCODER], ids=["stft", "tradeoff", "mel", "masks", "vocoder"]
)
def test_it_is_accessible_and_readable_in_the_light_and_in_the_dark_theme(show, cell):
    notebook, explorer = show(cell)
    assert notebook.axe(".course-explorer") == []
    light = pixels(explorer)
    assert light[:3] == [255, 255, 255]
    notebook.use_theme("dark")
    notebook.page.wait_for_function(
        """() => new Promise(resolve => {
            const image = document.querySelector(".course-explorer img");
            const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
            image.decode().then(() => {
                context.drawImage(image, 0, 0);
                resolve(context.getImageData(0, 0, 1, 1).data[0] < 50);
            });
        })"""
    )
    assert notebook.axe(".course-explorer") == []
    notebook.use_theme("light")
    expect(explorer.locator("img")).to_be_visible()


def test_a_fast_hand_gets_the_last_value_without_waiting_for_all_between(show):
    _, explorer = show(SLOW)
    level = explorer.get_by_label("Level")
    level.evaluate(
        """input => {
            for (let step = 0; step < 8; step++) {
                input.stepUp();
                input.dispatchEvent(new Event("input"));
            }
        }"""
    )
    # The first picture, that of the first step, and that of all others.
    expect(explorer.locator("figcaption")).to_have_text("Level 18, picture 3.")
    expect(level).to_have_value("18")


def test_an_error_is_one_clear_line_and_the_next_value_works(show):
    _, explorer = show(SLOW)
    level, alert = explorer.get_by_label("Level"), explorer.get_by_role("alert")
    level.fill("1")
    expect(alert).to_have_text("<b>Level 1</b> cannot be drawn. Choose another.")
    level.fill("2")
    expect(alert).to_have_text("ZeroDivisionError: division by zero")
    expect(explorer.locator("figcaption")).to_contain_text("Level 10")
    level.fill("3")
    expect(alert).to_be_empty()
    expect(explorer.locator("figcaption")).to_contain_text("Level 3")


def test_a_cell_can_move_it_and_a_cell_that_breaks_it_fails(lab):
    cells = [SLOW, "slow.set(level=5)", "slow.set(level=1)"]
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]))
    assert not notebook.run_all()
    assert notebook.cell_errors() == ["CourseError: <b>Level 1</b> cannot be drawn. Choose another."]
    explorer = notebook.page.locator(".course-explorer")
    expect(explorer.locator("figcaption")).to_contain_text("Level 5")
    expect(explorer.get_by_label("Level")).to_have_value("5")


def test_after_a_restart_it_says_to_run_the_cell_again_and_then_works(show):
    notebook, explorer = show(SLOW)
    notebook.restart_kernel()
    explorer.get_by_label("Level").press("ArrowRight")
    expect(explorer.get_by_role("alert")).to_contain_text("run the cell again")
    assert notebook.run_all()
    explorer.get_by_label("Level").press("ArrowRight")
    expect(explorer.locator("figcaption")).to_contain_text("Level 11")
    expect(explorer.get_by_role("alert")).to_be_empty()


def test_an_answer_that_takes_long_is_waited_for_and_said_to_be_missing(show):
    _, explorer = show(SLOW)
    explorer.get_by_label("Level").press("Home")
    expect(explorer.get_by_role("alert")).to_contain_text("No answer from the kernel")
    expect(explorer.locator("figcaption")).to_contain_text("Level 0")
    expect(explorer.get_by_role("alert")).to_be_empty()


@pytest.mark.parametrize("lab", [{"device_scale_factor": 2}], indirect=True)
def test_a_dense_screen_gets_a_sharp_picture_of_the_same_size(show):
    notebook, explorer = show(SLOW)
    notebook.page.wait_for_function("document.querySelector('.course-explorer img').naturalWidth === 1600")
    assert explorer.locator("img").bounding_box()["width"] <= 800
