"""The karaoke player as a learner meets it: in JupyterLab, with mouse and keyboard, while the sound plays."""

import nbformat.v4
import pytest
from playwright.sync_api import expect

PLAYER = """
from course_utils.alignment import WordSpan
from course_utils.samples import tone
from course_utils.widgets.karaoke import Karaoke
words = [WordSpan(f"word{n}", n + 0.2, n + 0.6, 0.2 if n == 3 else 0.9) for n in range(6)]
Karaoke(tone(440, seconds=7.0), 16000, words, label="Six words")
"""

# While the sound plays: each moment's time beside the word that is lit then, as the page shows it.
WATCH = """async (audio) => {
    const seen = [];
    audio.currentTime = 0;
    audio.playbackRate = 2;
    await audio.play();
    while (!audio.ended) {
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);  // the widget may draw after us
        const lit = [...document.querySelectorAll('.course-karaoke [aria-current]')];
        seen.push([audio.currentTime, lit.map(word => word.firstChild.textContent)]);
    }
    return seen;
}"""

SLACK = 0.15
"""Seconds around a boundary in which a busy browser may still show the word before: 75 ms at twice the speed."""


@pytest.fixture
def show(lab):
    """Run the cell between two others; give back the notebook and its karaoke player."""
    sources = ("1", PLAYER, "2")
    notebook = lab.open(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]))
    assert notebook.run_all(), notebook.cell_errors()
    notebook.page.wait_for_function("document.querySelector('.course-karaoke audio')?.readyState >= 3")
    return notebook, notebook.page.locator(".course-karaoke")


def current_time(karaoke) -> float:
    return karaoke.locator("audio").evaluate("audio => audio.currentTime")


def test_the_lit_word_follows_the_time_of_the_player(show):
    _, karaoke = show
    seen = karaoke.locator("audio").evaluate(WATCH)
    assert all(len(lit) <= 1 for _, lit in seen)
    for word in range(6):
        inside = [lit for time, lit in seen if word + 0.2 + SLACK < time < word + 1 - SLACK]
        assert inside, f"nothing was seen of word {word}"
        assert all(lit == [f"word{word}"] for lit in inside)
        pause = [lit for time, lit in seen if word + 1 + SLACK < time < word + 1.2]
        assert all(lit == [] for lit in pause)


def test_a_click_on_a_word_plays_from_there(show):
    _, karaoke = show
    word = karaoke.get_by_role("button", name="word4")
    word.click()
    expect(word).to_have_attribute("aria-current", "true")
    assert 4.2 <= current_time(karaoke) < 5
    assert not karaoke.locator("audio").evaluate("audio => audio.paused")
    karaoke.locator("audio").evaluate("audio => { audio.pause(); audio.currentTime = 1.3; }")
    expect(karaoke.locator("[aria-current]")).to_have_text("word1")


def test_arrow_keys_go_from_word_to_word_and_enter_plays(show):
    notebook, karaoke = show
    keyboard = notebook.page.keyboard
    karaoke.locator("audio").focus()
    first = karaoke.get_by_role("button", name="word0")
    for _ in range(12):  # a player has controls of its own to go through
        keyboard.press("Tab")
        if first.evaluate("word => word === document.activeElement"):
            break
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "End", "ArrowRight", "ArrowLeft", "d", "d", "x"):
        keyboard.press(key)
    expect(karaoke.get_by_role("button", name="word4")).to_be_focused()
    assert current_time(karaoke) == 0
    keyboard.press("Enter")
    expect(karaoke.get_by_role("button", name="word4")).to_have_attribute("aria-current", "true")
    assert notebook.wait_for("panel.content.widgets.length") == 3  # JupyterLab took none of the keys


def test_doubtful_words_say_so(show):
    _, karaoke = show
    expect(karaoke.get_by_role("button", name="word3 (doubtful)")).to_be_visible()
    expect(karaoke.get_by_text("Underlined with dots")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_in_both_themes_also_while_a_word_is_lit(show, theme):
    notebook, karaoke = show
    notebook.use_theme(theme)
    karaoke.locator("audio").evaluate("audio => { audio.currentTime = 1.3; }")
    expect(karaoke.locator("[aria-current]")).to_have_text("word1")
    assert notebook.axe(".course-karaoke") == []
