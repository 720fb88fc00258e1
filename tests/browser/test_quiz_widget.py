"""The quiz in a real JupyterLab, worked with as a learner does: mouse, keyboard, a kernel that is gone."""

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Locator, expect

QUESTIONS = """
notebook: "98"
questions:
  - id: half
    kind: single
    shuffle: false
    prompt: "How much of the rate? <img src=x onerror=\\"document.title='hacked'\\"> **Think.**"
    options:
      - {text: Half of it., correct: true, feedback: Two samples in each cycle.}
      - {text: All of it., feedback: That needs two samples for each.}
      - {text: Twice of it., feedback: That is upside down.}
    hint: Count the samples in a cycle.
    explanation: Half the rate is the Nyquist frequency.
  - id: lossless
    kind: multiple
    shuffle: false
    prompt: Which are lossless?
    options:
      - {text: FLAC, correct: true, feedback: FLAC packs without loss.}
      - {text: WAV, correct: true, feedback: WAV keeps every sample.}
      - {text: MP3, feedback: MP3 drops what is masked.}
    explanation: FLAC and WAV give the same samples back.
  - id: rate
    kind: numeric
    prompt: At which rate does Opus come back?
    answer: 48000
    unit: Hz
    wrong: [{answer: 16000, feedback: That is the rate that went in.}]
    otherwise: Look at the table.
    explanation: Opus decodes to 48 000 Hz.
  - id: name
    kind: text
    prompt: Whose frequency is it?
    answers: [{text: Nyquist, correct: true, feedback: Harry Nyquist did it.}]
    otherwise: An engineer of Bell Labs.
  - id: steps
    kind: order
    prompt: In which order?
    items: [Frames, Window, Transform]
    explanation: Frames are windowed and transformed.
  - id: ears
    kind: listen
    prompt: Which is lower?
    clips:
      - {label: Player A, tone: 220, seconds: 0.5}
      - {label: Player B, tone: 440, seconds: 0.5}
    options:
      - {text: Player A, correct: true, feedback: An octave below.}
      - {text: Player B, feedback: An octave above.}
    explanation: Half the frequency is an octave down.
  - id: think
    kind: reveal
    prompt: Why a floor?
    answer: The logarithm of 0 is minus infinity.
"""


@pytest.fixture
def page_of(lab, tmp_path):
    """Opens a notebook with the questions and further cells, runs it and returns it with the page."""

    def open_quiz(*cells: str):
        file = tmp_path / "98_browser.yaml"
        file.write_text(QUESTIONS, encoding="utf-8")
        notebook = lab.open(quiz_notebook(file, *cells))
        assert notebook.run_all(), notebook.cell_errors()
        expect(notebook.page.locator(".course-quiz").first).to_be_visible()
        return notebook, notebook.page

    return open_quiz


def quiz_notebook(file: Path, *cells: str) -> NotebookNode:
    code = (
        "from pathlib import Path\n"
        "import torchaudio\n"  # as every notebook of the course does
        "from course_utils.quiz.load import read_quiz\n"
        "from course_utils.quiz.widget import QuizWidget\n"
        f"quiz = read_quiz(Path({str(file)!r}))\n"
        "widget = QuizWidget(quiz)\n"
        "widget"
    )
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (code, *cells)])


SOON = "widget.patience_ms = 300"
"""A cell that makes the quiz wait less for the kernel than it does for a learner."""


def question(page, name: str) -> Locator:
    return page.locator(f".cq-question[data-id={name}]")


def press(page, name: str, text: str) -> None:
    question(page, name).get_by_role("button", name=text, exact=True).click()


def test_answering_with_the_mouse(page_of):
    _, page = page_of()
    assert page.locator(".course-quiz :checked").count() == 0
    assert page.locator(".course-quiz img").count() == 0
    assert "<img src=x" in question(page, "half").inner_text()
    status = question(page, "half").get_by_role("status")

    press(page, "half", "Check")
    expect(status).to_contain_text("Choose an option first.")
    question(page, "half").get_by_label("All of it.").check()
    press(page, "half", "Check")
    expect(status).to_contain_text("Not yet")
    expect(status).to_contain_text("That needs two samples for each.")
    expect(status).not_to_contain_text("Choose an option first.")
    press(page, "half", "Hint")
    expect(status).to_contain_text("Count the samples in a cycle.")
    question(page, "half").get_by_label("Half of it.").check()
    press(page, "half", "Check")
    expect(status).to_contain_text("Half the rate is the Nyquist frequency.")
    expect(question(page, "half").get_by_label("Half of it.")).to_be_disabled()

    question(page, "lossless").get_by_label("FLAC").check()
    question(page, "lossless").get_by_label("MP3").check()
    press(page, "lossless", "Check")
    feedback = question(page, "lossless").get_by_role("status")
    expect(feedback).to_contain_text("One of your choices is wrong and one right option is missing.")
    expect(feedback).to_contain_text("MP3 drops what is masked.")
    press(page, "lossless", "Check")
    press(page, "lossless", "Show the answer")
    expect(feedback).to_contain_text("FLAC and WAV give the same samples back.")

    question(page, "think").get_by_role("textbox").fill("log(0)")
    press(page, "think", "Show the model answer")
    expect(question(page, "think").get_by_role("status")).to_contain_text("The logarithm of 0 is minus infinity.")
    press(page, "think", "I got it")
    expect(question(page, "think").get_by_role("status")).to_contain_text("You rated yourself: I got it")

    expect(page.locator(".cq-progress")).to_have_text("2 of 7 done")
    press(page, "half", "Try again")
    expect(question(page, "half").get_by_label("Half of it.")).not_to_be_checked()
    expect(question(page, "half").get_by_label("Half of it.")).to_be_enabled()
    assert "hacked" not in page.title()


def test_answering_with_the_keyboard_alone(page_of):
    notebook, page = page_of()
    cells = "panel.content.widgets.length + 10 * panel.content.activeCellIndex"
    before = notebook.wait_for(cells)
    keys = page.keyboard

    page.locator(".course-quiz input").first.focus()
    keys.press("ArrowDown")
    expect(question(page, "half").get_by_label("All of it.")).to_be_checked()
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(question(page, "half").get_by_role("status")).to_contain_text("Right")
    expect(question(page, "half").locator(".cq-result")).to_be_focused()
    for key in "dda":  # two d delete a cell, an a adds one, where a shortcut is not held back
        keys.press(key)

    for key in ("Tab", "Tab", "Space", "Tab", "Space", "Tab", "Tab", "Enter"):
        keys.press(key)
    expect(question(page, "lossless").get_by_role("status")).to_contain_text("Right")

    question(page, "lossless").get_by_role("button", name="Try again").focus()
    keys.press("Tab")
    keys.type("48 kHz")
    keys.press("Enter")
    expect(question(page, "rate").get_by_role("status")).to_contain_text("Opus decodes to 48 000 Hz.")

    arranged = question(page, "steps").locator(".cq-item .cq-text")
    for place, item in enumerate(["Frames", "Window"]):
        up = question(page, "steps").get_by_role("button", name=f"Move up: {item}")
        up.focus()
        for _ in range(arranged.all_inner_texts().index(item) - place):
            keys.press("Enter")
            expect(up).to_be_focused()
    assert arranged.all_inner_texts() == ["Frames", "Window", "Transform"]
    question(page, "steps").get_by_role("button", name="Check").focus()
    keys.press("Space")
    expect(question(page, "steps").get_by_role("status").last).to_contain_text("Frames are windowed")

    assert notebook.wait_for(cells) == before


def test_the_answer_is_found_again_after_a_restart(page_of):
    notebook, page = page_of()
    question(page, "rate").get_by_role("textbox").fill("16 kHz")
    question(page, "rate").get_by_role("textbox").press("Enter")
    expect(question(page, "rate").get_by_role("status")).to_contain_text("That is the rate that went in.")
    question(page, "half").get_by_label("Half of it.").check()
    press(page, "half", "Check")
    expect(question(page, "half").get_by_role("status")).to_contain_text("Right")

    notebook.restart_kernel()
    assert notebook.run_all(), notebook.cell_errors()
    expect(question(page, "half").get_by_role("status")).to_contain_text("answered")
    expect(question(page, "half").get_by_label("Half of it.")).to_be_checked()
    expect(question(page, "rate").get_by_role("textbox")).to_have_value("16 kHz")
    expect(question(page, "rate").get_by_role("status")).to_contain_text("That is the rate that went in.")
    expect(page.locator(".cq-progress")).to_have_text("1 of 7 done")


def test_a_kernel_that_is_gone_is_told_and_what_was_typed_stays(page_of):
    notebook, page = page_of(SOON)
    field = question(page, "name").get_by_role("textbox")
    field.fill("Nyq")
    notebook.restart_kernel()
    field.press("Enter")
    expect(question(page, "name")).to_contain_text("No answer from the kernel: run the cell again.")
    expect(field).to_have_value("Nyq")
    expect(field).to_be_editable()


def test_an_answer_that_comes_late_takes_the_warning_back(page_of):
    notebook, page = page_of(SOON)
    busy = "panel.sessionContext.session.kernel.requestExecute({code: 'import time; time.sleep(2)'})"
    notebook.wait_for(f"Promise.resolve(void {busy})")
    field = question(page, "name").get_by_role("textbox")
    field.fill("nyquist")
    field.press("Enter")
    expect(question(page, "name")).to_contain_text("No answer from the kernel")
    expect(question(page, "name").get_by_role("status")).to_contain_text("Harry Nyquist did it.")
    expect(question(page, "name")).not_to_contain_text("No answer from the kernel")


def test_a_question_in_two_quizzes_shows_the_answer_in_both_and_spares_what_is_being_typed(page_of):
    _, page = page_of("QuizWidget(quiz.model_copy(update={'questions': quiz.questions[:4]}))")
    first, second = (page.locator(".course-quiz").nth(number) for number in range(2))
    first.get_by_label("All of it.").check()
    first.locator("[data-id=half]").get_by_role("button", name="Check").click()
    expect(second.get_by_role("status").first).to_contain_text("Not yet")
    expect(second.get_by_label("All of it.")).to_be_checked()

    draft = second.locator("[data-id=name]").get_by_role("textbox")
    draft.fill("Nyq")
    first.locator("[data-id=name]").get_by_role("textbox").fill("Shannon")
    draft.focus()
    send = "form => form.requestSubmit()"
    first.locator("[data-id=name] form").evaluate(send)
    expect(second.locator("[data-id=name]")).to_contain_text("An engineer of Bell Labs.")
    expect(draft).to_have_value("Nyq")


def test_a_mistake_of_the_course_is_shown_in_the_question(page_of):
    break_it = (
        "from course_utils.errors import CourseError\n"
        "def fail(*arguments):\n"
        "    raise CourseError('The file is gone.', 'Bring it back.')\n"
        "widget._sessions['name'].check = fail"
    )
    _, page = page_of(break_it)
    field = question(page, "name").get_by_role("textbox")
    field.fill("nyquist")
    field.press("Enter")
    expect(question(page, "name").get_by_role("status")).to_contain_text("The file is gone. Bring it back.")
    expect(field).to_be_editable()


def test_letters_on_a_folded_answer_are_no_shortcuts_of_jupyterlab(page_of):
    notebook, page = page_of("import os\nos.environ['COURSE_STATIC'] = '1'\nwidget")
    before = notebook.wait_for("panel.content.widgets.length")
    summary = page.locator(".course-quiz-page summary").first
    summary.focus()
    for key in "xdda":  # x cuts a cell, two d delete it, an a adds one
        page.keyboard.press(key)
    assert notebook.wait_for("panel.content.widgets.length") == before
    summary.press("Enter")
    expect(page.locator(".course-quiz-page details").first).to_have_attribute("open", "")


def test_the_clips_can_be_played(page_of):
    _, page = page_of()
    players = question(page, "ears").locator("audio")
    expect(players).to_have_count(2)
    assert players.evaluate_all("players => players.map(player => player.getAttribute('aria-label'))") == [
        "Player A",
        "Player B",
    ]
    heard = players.first.evaluate(
        """player => new Promise((resolve, reject) => {
            player.onended = () => resolve([player.duration, player.currentTime]);
            player.onerror = () => reject(player.error.message);
            player.play();
        })"""
    )
    assert heard == pytest.approx([0.5, 0.5], abs=0.02)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_narrow_cell(page_of, theme):
    notebook, page = page_of()
    notebook.use_theme(theme)
    assert notebook.axe(".course-quiz") == []
    question(page, "half").get_by_label("All of it.").check()
    press(page, "half", "Check")
    press(page, "half", "Hint")
    press(page, "steps", "Check")
    question(page, "name").get_by_role("textbox").fill("nyquist")
    press(page, "name", "Check")
    press(page, "think", "Show the model answer")
    expect(question(page, "think").get_by_role("button", name="I got it")).to_be_visible()
    assert notebook.axe(".course-quiz") == []
    page.locator(".course-quiz").evaluate("quiz => { quiz.style.width = '400px' }")
    wide = page.locator(".course-quiz").evaluate(
        "quiz => [...quiz.querySelectorAll('*')]"
        ".filter(node => !node.closest('.cq-hidden, pre, audio') && node.scrollWidth > node.clientWidth + 1)"
        ".filter(node => node.clientWidth > 0).map(node => node.className)"
    )
    assert wide == []
