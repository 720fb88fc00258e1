"""The course's own notebooks in JupyterLab, worked through as a learner does."""

import re

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from course_utils.clinic import clinic_clip
from course_utils.paths import NOTEBOOKS
from course_utils.quiz.load import load_quiz

OURS = ".course-quiz, .course-explorer, .course-exercise, .course-progress, .jp-OutputArea figure"
AUDIO_STATES = """async elements => Promise.all(elements.map(async audio => {
    if (audio.readyState < 1) await new Promise(done => {
        audio.addEventListener("loadedmetadata", done, {once: true});
        audio.addEventListener("error", done, {once: true});
        audio.load();
    });
    return audio.error === null && audio.duration > 0;
}))"""


@pytest.fixture
def run(lab):
    """Opens a notebook of the course and runs it."""

    def open_and_run(name: str):
        notebook = lab.open(NOTEBOOKS / f"{name}.ipynb")
        assert notebook.run_all(), notebook.cell_errors()
        return notebook

    return open_and_run


@pytest.fixture
def run_cells(lab):
    """Opens an excerpt of a notebook of the course, its imports and the cells with certain words, and runs that."""

    def open_and_run(number: str, words: str):
        (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if is_setup(cell) or words in cell.source]
        opened = lab.open(notebook)
        assert opened.run_all(), opened.cell_errors()
        return opened.page

    return open_and_run


def is_setup(cell: nbformat.NotebookNode) -> bool:
    return "setup" in cell.metadata.get("tags", [])


def question(page: Page, name: str) -> Locator:
    return page.locator(f".cq-question[data-id={name}]").first


def plays(page: Page, audio: Locator) -> None:
    """The player moves on in time when played."""
    audio.evaluate("audio => { audio.muted = true; return audio.play(); }")
    page.wait_for_function("audio => audio.currentTime > 0.1", arg=audio.element_handle())


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_everything_on_the_page_can_be_heard_and_seen_by_everybody(run, path):
    notebook = run(path.stem)
    page = notebook.page
    players = page.locator(".jp-OutputArea audio[src]")
    assert players.count() > 0
    assert all(players.evaluate_all(AUDIO_STATES))
    plays(page, players.first)
    pictures = page.locator(".jp-OutputArea img")
    assert pictures.count() > 0
    assert all(
        pictures.evaluate_all("images => images.map(image => image.naturalWidth > 100 && image.alt.length > 20)")
    )
    for theme in ("light", "dark"):
        notebook.use_theme(theme)
        assert notebook.axe(OURS) == []
    notebook.use_theme("light")


def test_the_first_question_by_mouse_and_the_answer_is_there_after_a_restart(run):
    notebook = run("00_start_here")
    page = notebook.page
    first = question(page, "same-numbers-other-rate")
    status = first.get_by_role("status")
    first.get_by_label("The voice is louder.").check()
    first.get_by_role("button", name="Check").click()
    expect(status).to_contain_text("Loudness is in the size of the numbers")
    first.get_by_label("The voice is higher, and it is over in half the time.").check()
    first.get_by_role("button", name="Check").click()
    expect(status).to_contain_text("one octave higher")
    again = page.locator(".cq-question[data-id=same-numbers-other-rate]").last
    expect(again.get_by_role("status")).to_contain_text("one octave higher")

    notebook.restart_kernel()
    assert notebook.run_all(), notebook.cell_errors()
    expect(question(page, "same-numbers-other-rate").get_by_role("status")).to_contain_text("one octave higher")
    dashboard = page.locator(".course-progress")
    expect(dashboard).to_contain_text("1 of 6")


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(12):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(target).to_be_focused()


def press_check(page: Page, asked: Locator) -> None:
    tab_to(page, asked.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")


def plain(markdown: str) -> str:
    return re.sub("[*`]", "", markdown)


@pytest.mark.parametrize(
    ("number", "single", "numeric"),
    [
        ("00", "flat-line", "samples-in-a-cut"),
        ("01", "mono-cancels", "where-the-alias-lands"),
        ("02", "silence-and-log", "bins-of-a-window"),
        ("03", "why-a-tone-leaks", "frames-with-padding"),
        ("04", "why-the-mel-scale", "db-of-power"),
        ("05", "eval-and-masks", "largest-mask"),
        ("06", "silent-noise", "snr-of-two-powers"),
    ],
)
def test_a_choice_and_a_number_wrong_and_right_by_keyboard_alone(run_cells, number, single, numeric):
    page = run_cells(number, f'quiz("{number}")')
    keys = {key.id: key for key in load_quiz(number).questions}

    asked = question(page, single)
    asked.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    for option in sorted(keys[single].options, key=lambda option: option.correct)[-2:]:  # a wrong one, the right one
        choice = asked.get_by_label(plain(option.text))
        for _ in keys[single].options:
            if not choice.is_checked():
                page.keyboard.press("ArrowDown")
        expect(choice).to_be_focused()
        press_check(page, asked)
        expect(asked.get_by_role("status")).to_contain_text(plain(option.feedback))
        page.keyboard.press("Shift+Tab")

    asked, key = question(page, numeric), keys[numeric]
    asked.get_by_role("textbox").focus()
    page.keyboard.type(f"{key.wrong[0].answer:g}")
    press_check(page, asked)
    expect(asked.get_by_role("status")).to_contain_text(plain(key.wrong[0].feedback))
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type(f"{key.answer:g}")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("status")).to_contain_text(plain(key.explanation))


def test_a_clip_of_the_fault_clinic_plays_at_the_rate_that_came_with_it(run_cells):
    player = run_cells("01", 'label="clip A"').get_by_label("clip A", exact=True)
    plays(player.page, player)
    waveform, wrong_rate = clinic_clip("A")
    assert player.evaluate("audio => audio.duration") == pytest.approx(waveform.shape[1] / wrong_rate, abs=0.01)


def test_an_exercise_is_solved_in_its_cell(run):
    notebook = run("00_start_here")
    page = notebook.page
    page.locator(".jp-CodeCell", has=page.locator("text=00.1")).first.scroll_into_view_if_needed()
    check = page.locator(".course-exercise").first
    expect(check).to_contain_text("Not yet")
    check.get_by_text("Hint 1 of 2").click()
    expect(check).to_contain_text("One second is sample_rate samples.")
    notebook.wait_for(
        """(async () => {
            const cell = panel.content.widgets.find(cell => cell.model.sharedModel.source.startsWith("seconds = ..."));
            const source = 'seconds = waveform.shape[1] / sample_rate\\nexercise("00.1").check(seconds)';
            cell.model.sharedModel.setSource(source);
            panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
            panel.content.deselectAll();
            await window.jupyterapp.commands.execute("notebook:run-cell");
        })()"""
    )
    expect(page.locator(".course-exercise").first).to_contain_text("Right")


def test_the_explorer_follows_the_keyboard_and_plays(run):
    notebook = run("02_seeing_sound")
    page = notebook.page
    explorer = page.locator(".course-explorer")
    caption = explorer.locator("figcaption")
    expect(caption).to_contain_text("Window 64 ms")
    picture = explorer.locator("img").get_attribute("src")
    explorer.get_by_label("Window (n_fft)").focus()
    page.keyboard.press("ArrowRight")
    expect(caption).to_contain_text("Window 128 ms")
    expect(explorer.locator("img")).not_to_have_attribute("src", picture)
    explorer.get_by_label("Recording").select_option("drum_loop")
    expect(caption).to_contain_text("Window 46.4 ms")
    plays(page, explorer.locator("audio"))
