import copy
import json
import os
import re
from html.parser import HTMLParser

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from course_utils.errors import CourseError
from course_utils.progress_store import answers
from course_utils.quiz.load import to_yaml
from course_utils.quiz.model import Quiz
from course_utils.quiz.session import Session
from course_utils.quiz.static import SUMMARY
from course_utils.quiz.widget import QuizWidget

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
KINDS = ["single", "multiple", "numeric", "text", "order", "listen", "reveal"]


@pytest.fixture
def widget(whole_quiz, monkeypatch):
    """All kinds of questions; `widget.sent` holds what it sends besides its state."""
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    widget = QuizWidget(whole_quiz)
    widget.sent = []
    widget.send = lambda content, buffers=None: widget.sent.append((content, buffers))
    return widget


def everything_sent(widget):
    """All that reaches the browser before an answer, but the scripts and styles, which are the same for all quizzes."""
    state = {name: value for name, value in widget.get_state().items() if name not in ("_esm", "_css", "layout")}
    return json.dumps([state, widget._repr_mimebundle_()[0]["text/html"]])


# ---- the key stays in Python ----


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_key_leaves_before_an_answer(fields, kind):
    question = fields(kind)
    sent = everything_sent(QuizWidget(Quiz.model_validate({"notebook": "98", "questions": [question]})))
    asked = {question["prompt"], *question.get("items", ())}
    asked |= {option["text"] for option in question.get("options", ())} | {
        clip["label"] for clip in question.get("clips", ())
    }
    secret = (
        set(re.findall(r"[^\W_][^\n]{3,}", "\n".join(strings(question)))) - asked - {question["id"], kind, "frames"}
    )
    assert secret
    assert [text for text in secret if text in sent] == []
    assert asked <= {text for text in asked if json.dumps(text)[1:-1] in sent}
    assert not re.search(r"117|116|correct|tolerance|7000|keep_every", sent)


def strings(value):
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", ["single", "multiple", "listen"])
def test_which_option_is_right_makes_no_difference_to_what_is_sent(fields, kind):
    sent = []
    for right in range(2):
        question = copy.deepcopy(fields(kind))
        for index, option in enumerate(question["options"]):
            option["correct"] = index == right
        if kind == "multiple":
            question["options"][2 + right]["correct"] = True
        sent.append(everything_sent(QuizWidget(Quiz.model_validate({"notebook": "98", "questions": [question]}))))
    state, other = (re.sub("IPY_MODEL_[0-9a-f]+", "", text) for text in sent)
    assert state == other


def test_the_items_of_an_order_are_never_sent_in_the_right_order(fields):
    for number in range(30):
        question = fields("order", id=f"q-{number}")
        sent = everything_sent(QuizWidget(Quiz.model_validate({"notebook": "98", "questions": [question]})))
        state, page = json.loads(sent)
        for text in (json.dumps(state), page):
            places = [text.index(item) for item in question["items"]]
            assert places != sorted(places)


def test_a_wrong_answer_tells_its_own_feedback_and_nothing_else(widget, whole_quiz):
    widget.handle({"type": "check", "id": "a-single", "response": [position(widget, "a-single", "All of it.")]})
    sent = everything_sent(widget)
    assert "That needs two samples for each." in sent
    for secret in ("Two samples in each cycle.", "That is upside down.", "Because half", "Count the samples."):
        assert secret not in sent


def position(widget, name, text):
    view = next(view for view in widget.views if view["id"] == name)
    return view["options"].index([text])


# ---- messages ----


def test_a_right_answer_is_graded_stored_and_counted(widget):
    assert widget.progress == "0 of 7 done"
    widget.handle({"type": "check", "id": "a-numeric", "response": "117", "request": 5})
    assert widget.results["a-numeric"]["verdict"] == "right"
    assert widget.progress == "1 of 7 done"
    assert widget.sent == [({"type": "done", "request": 5}, None)]
    (stored,) = answers("question", "98")
    assert (stored.item, stored.response, stored.correct) == ("98.a-numeric", "117", True)


def test_progress_says_right_where_every_question_is_graded(fields):
    quiz = Quiz.model_validate({"notebook": "98", "questions": [fields("single"), fields("text")]})
    assert QuizWidget(quiz).progress == "0 of 2 right"


def test_a_new_widget_shows_the_stored_answers(widget, whole_quiz):
    widget.handle({"type": "check", "id": "a-text", "response": "Shannon"})
    widget.handle({"type": "check", "id": "a-numeric", "response": "117"})
    again = QuizWidget(whole_quiz)
    assert again.results["a-text"]["verdict"] == "wrong"
    assert again.results["a-text"]["response"] == "Shannon"
    assert again.results["a-numeric"]["locked"]
    assert again.progress == "1 of 7 done"
    assert again.results["a-single"]["verdict"] is None


def test_a_question_that_stands_in_two_quizzes_is_answered_in_both(widget, whole_quiz):
    alone = QuizWidget(whole_quiz.model_copy(update={"questions": whole_quiz.questions[:1]}))
    other_notebook = QuizWidget(whole_quiz.model_copy(update={"notebook": "97"}))
    widget.handle({"type": "check", "id": "a-single", "response": [position(widget, "a-single", "Half of it.")]})
    assert alone.results["a-single"] == widget.results["a-single"]
    assert alone.progress == "1 of 1 right"
    assert other_notebook.results["a-single"]["verdict"] is None
    alone.handle({"type": "again", "id": "a-single"})
    assert widget.results["a-single"]["verdict"] is None


def test_the_clips_of_a_question_are_sent_when_asked_for(widget):
    widget.handle({"type": "clips", "id": "a-listen", "request": 1})
    (content, buffers), (done, _) = widget.sent
    assert content == {"type": "clips", "id": "a-listen"}
    assert [bytes(buffer[:4]) for buffer in buffers] == [b"RIFF", b"RIFF"]
    assert done == {"type": "done", "request": 1}


def test_every_other_step_works_by_message(widget):
    for _ in range(2):
        widget.handle({"type": "check", "id": "a-text", "response": "Shannon"})
    for kind in ("hint", "show", "again"):
        widget.handle({"type": kind, "id": "a-text"})
        assert widget.sent[-1][0]["type"] == "done"
    widget.handle({"type": "reveal", "id": "a-reveal", "notes": "my notes"})
    widget.handle({"type": "check", "id": "a-reveal", "response": "got", "notes": "my notes"})
    assert widget.results["a-reveal"]["verdict"] == "rated"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "check", "id": "no-such-question", "response": [0]},
        {"type": "check", "id": ["a-single"], "response": [0]},
        {"type": "check", "id": None, "response": [0]},
        {"type": "check", "response": [0]},
        {"type": "check", "id": "a-single"},
        {"type": "check", "id": "a-single", "response": [3]},
        {"type": "check", "id": "a-single", "response": [-1]},
        {"type": "check", "id": "a-single", "response": [0, 1]},
        {"type": "check", "id": "a-single", "response": [True]},
        {"type": "check", "id": "a-single", "response": [[0]]},
        {"type": "check", "id": "a-single", "response": "0"},
        {"type": "check", "id": "a-multiple", "response": [0, 0]},
        {"type": "check", "id": "a-multiple", "response": {"0": True}},
        {"type": "check", "id": "a-order", "response": [0, 1]},
        {"type": "check", "id": "a-order", "response": [0, 1, 2, 3, 10**30]},
        {"type": "check", "id": "a-numeric", "response": 117},
        {"type": "check", "id": "a-numeric", "response": "1" * 10**6},
        {"type": "check", "id": "a-text", "response": "x" * 10**6},
        {"type": "check", "id": "a-reveal", "response": "got", "notes": "x" * 10**6},
        {"type": "check", "id": "a-reveal", "response": "got", "notes": 3},
        {"type": "check", "id": "a-reveal", "response": "best"},
        {"type": "reveal", "id": "a-single", "notes": ""},
        {"type": "hint", "id": "a-single"},
        {"type": "show", "id": "a-single"},
        {"type": "again", "id": "a-single"},
        {"type": "clips", "id": "a-single"},
        {"type": "grade", "id": "a-single"},
        {"type": ["check"], "id": "a-single"},
        {},
    ],
    ids=repr,
)
def test_a_message_that_makes_no_sense_is_refused_and_changes_nothing(widget, message):
    widget.handle({"type": "check", "id": "a-text", "response": "Shannon"})
    results, stored = widget.results, answers()
    widget.handle(message | {"request": 9})
    assert widget.sent[-1] == ({"type": "refused", "request": 9}, None)
    assert widget.results == results
    assert answers() == stored


@pytest.mark.parametrize("message", [None, 3, "check", ["check"], b"check"])
def test_what_is_no_message_is_ignored(widget, message):
    widget.handle(message)
    assert widget.sent == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("a-single"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["check", "hint", "show", "again", "reveal", "nothing"])},
        optional={
            "id": st.sampled_from([f"a-{kind}" for kind in KINDS]) | anything,
            "response": anything,
            "notes": anything,
        },
    )
)
def test_no_message_raises(widget, message):
    widget.handle(message)
    assert widget.sent[-1][0]["type"] in ("done", "refused")


def test_a_mistake_of_the_course_is_answered_with_its_text(widget, monkeypatch):
    def fail(clip):
        raise CourseError("There is no clip.", "Take another.")

    monkeypatch.setattr("course_utils.quiz.clips.clip_wav", fail)
    widget.handle({"type": "clips", "id": "a-listen", "request": 4})
    text = "There is no clip. Take another."
    assert widget.sent == [({"type": "failed", "id": "a-listen", "request": 4, "text": text}, None)]


def test_any_other_mistake_is_answered_as_well_and_not_hidden(widget, monkeypatch):
    monkeypatch.setattr(Session, "check", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        widget.handle({"type": "check", "id": "a-text", "response": "Nyquist", "request": 4})
    text = "ZeroDivisionError: division by zero"
    assert widget.sent == [({"type": "failed", "id": "a-text", "request": 4, "text": text}, None)]
    monkeypatch.undo()
    widget.handle({"type": "check", "id": "a-text", "response": "Nyquist", "request": 5})
    assert widget.sent[-1][0]["type"] == "done"


def test_a_full_store_is_told_in_the_widget_and_the_quiz_goes_on(widget, tmp_path, monkeypatch):
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "a-file"))
    with pytest.warns(match="cannot be stored"):
        widget.handle({"type": "check", "id": "a-numeric", "response": "117"})
    assert widget.results["a-numeric"]["verdict"] == "right"
    assert "cannot be stored" in widget.notice


# ---- where no widget is shown ----


class Folded(HTMLParser):
    """The text of a page, apart by whether it is folded away in closed <details>."""

    def __init__(self, page):
        super().__init__()
        self.shown, self.folded, self.depth, self.tags = [], [], 0, set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "details":
            assert "open" not in dict(attrs)
            self.depth += 1

    def handle_endtag(self, tag):
        self.depth -= tag == "details"

    def handle_data(self, data):
        (self.folded if self.depth else self.shown).append(data)


def test_a_live_page_without_widgets_shows_the_questions_and_how_to_answer(widget):
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == "Quiz: 0 of 7 done"
    assert WIDGET_TYPE in data
    page = Folded(data["text/html"])
    assert "run the cell above" in "".join(page.shown)
    assert "How much of the rate?" in page.shown
    assert "FLAC" in page.shown
    assert page.folded == []
    assert "script" not in page.tags


def test_a_static_page_shows_the_questions_and_folds_the_answers_away(widget, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    data, _ = widget._repr_mimebundle_()
    assert WIDGET_TYPE not in data
    page = Folded(data["text/html"])
    assert "117 frames" in page.folded
    assert "The logarithm of 0 is minus infinity." in page.folded
    assert "Because half the rate is the limit." in page.folded
    assert not {"117 frames", "The logarithm of 0 is minus infinity."} & set(page.shown)
    assert not {"script", "img", "iframe"} & page.tags


def test_html_in_a_question_stays_text_on_a_static_page(fields, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    question = fields(
        "text", prompt=evil, explanation=evil, answers=[{"text": evil, "correct": True, "feedback": evil}]
    )
    widget = QuizWidget(Quiz.model_validate({"notebook": "98", "questions": [question]}))
    page = Folded(widget._repr_mimebundle_()[0]["text/html"])
    assert not {"script", "img"} & page.tags
    assert evil in "".join(page.shown)


def test_an_exported_notebook_has_the_questions_and_the_answers_only_where_wanted(
    whole_quiz, tmp_path, offline_environment
):
    file = tmp_path / "98_all.yaml"
    file.write_text(to_yaml(whole_quiz), encoding="utf-8")
    setup = (
        "import os\nfrom pathlib import Path\n"
        "from course_utils.quiz.load import read_quiz\nfrom course_utils.quiz.widget import QuizWidget\n"
        f"widget = QuizWidget(read_quiz(Path({str(file)!r})))\nwidget"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(setup), nbformat.v4.new_code_cell("os.environ['COURSE_STATIC'] = '1'\nwidget")]
    )
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute(env=offline_environment)
    live, static = (cell.outputs[0].data for cell in notebook.cells)
    assert "117 frames" not in json.dumps(notebook.metadata) + json.dumps(live)
    assert WIDGET_TYPE not in static
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    assert page.count(f"<details>{SUMMARY}") == len(whole_quiz.questions)
    assert "117 frames" in page
    assert os.environ.get("COURSE_STATIC") is None
