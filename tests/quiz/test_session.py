import json

import pytest

from course_utils.progress_store import answers
from course_utils.quiz.session import MAX_NOTES, SHOW_AFTER, Session


def places(session, *texts):
    """The positions on the screen of options or items."""
    lines = session.view().get("options") or session.view()["items"]
    return [lines.index([text]) for text in texts]


def right_response(session):
    match session.question.kind:
        case "single":
            return places(session, "Half of it.")
        case "multiple":
            return places(session, "FLAC", "WAV")
        case "listen":
            return places(session, "Player B")
        case "order":
            return places(session, *session.question.items)
        case "numeric":
            return "117 frames"
        case "text":
            return "nyquist"


def wrong_response(session):
    match session.question.kind:
        case "single":
            return places(session, "All of it.")
        case "multiple":
            return places(session, "FLAC", "MP3")
        case "listen":
            return places(session, "Player A")
        case "order":
            return list(range(5))
        case _:
            return "116"


def reopened(session):
    """The same question in a new kernel."""
    stored = [answer for answer in answers("question", "98") if answer.item == session.item]
    return Session(session.question, "98", stored)


GRADED = ["single", "multiple", "numeric", "text", "order", "listen"]


@pytest.fixture(params=GRADED)
def session(request, ask):
    """A question that can be right or wrong, not answered yet."""
    return Session(ask(request.param), "98")


def test_nothing_is_chosen_or_told_before_the_first_answer(session):
    told = {name: value for name, value in session.result.items() if value and name != "response"}
    assert told == {}
    if session.question.kind != "order":
        assert session.result["response"] is None


def test_a_right_answer_is_explained_locked_and_stored(session):
    response = right_response(session)
    assert session.check(response)
    assert session.result["verdict"] == "right"
    assert session.result["locked"]
    assert session.result["explanation"] == [["p", session.question.explanation]]
    assert session.result["response"] == response
    assert session.solved
    (stored,) = answers("question")
    assert (stored.item, stored.notebook, stored.correct) == (f"98.a-{session.question.kind}", "98", True)
    assert stored.detail == {"try": 1, "hints": 0}


def test_a_wrong_answer_gets_feedback_and_may_be_tried_again(session):
    assert session.check(wrong_response(session))
    assert session.result["verdict"] == "wrong"
    assert not session.result["locked"]
    assert session.result["feedback"]
    assert session.result["explanation"] is None
    assert session.result["solution"] == []
    assert not session.solved
    assert [stored.correct for stored in answers("question")] == [False]
    assert session.check(right_response(session))
    assert [stored.detail["try"] for stored in answers("question")] == [1, 2]


def test_hints_come_one_by_one_after_a_wrong_answer(session):
    assert not session.hint()
    session.check(wrong_response(session))
    assert session.result["hints"] == []
    assert session.result["more_hints"]
    assert session.hint()
    assert session.result["hints"] == [[["p", "Count the samples."]]]
    assert session.hint()
    assert not session.result["more_hints"]
    assert not session.hint()
    assert len(session.result["hints"]) == 2


def test_the_answer_is_offered_after_several_wrong_tries_and_counts_as_wrong(session):
    for _ in range(SHOW_AFTER):
        assert not session.show()
        session.check(wrong_response(session))
    assert session.result["may_show"]
    assert session.show()
    assert session.result["verdict"] == "shown"
    assert session.result["locked"]
    assert session.result["solution"]
    assert session.result["explanation"]
    assert not session.solved
    last = answers("question")[-1]
    assert (last.correct, last.response, last.detail) == (False, None, {"shown": True})
    assert reopened(session).result["solution"] == session.result["solution"]


def test_trying_again_starts_over_and_keeps_what_was_stored(session):
    assert not session.again()
    session.check(right_response(session))
    stored = answers("question")
    assert session.again()
    assert session.result["verdict"] is None
    assert not session.result["locked"]
    assert session.solved
    assert answers("question") == stored


def test_a_locked_question_takes_no_further_answer(session):
    session.check(right_response(session))
    before = session.result
    assert not session.check(wrong_response(session))
    assert session.result is before
    assert len(answers("question")) == 1


@pytest.mark.parametrize("respond", [right_response, wrong_response])
def test_the_last_answer_is_shown_again_with_its_date(session, respond):
    session.check(wrong_response(session))
    session.check(respond(session))
    again = reopened(session)
    same = ["verdict", "locked", "feedback", "marks", "explanation", "response"]
    assert {name: again.result[name] for name in same} == {name: session.result[name] for name in same}
    assert "20" in again.result["date"]
    assert again.solved == session.solved


def test_a_wrong_answer_before_a_restart_counts_as_a_try(session):
    session.check(wrong_response(session))
    again = reopened(session)
    assert again.hint()
    again.check(wrong_response(session))
    assert again.result["may_show"]


def test_a_question_that_was_right_once_stays_solved(session):
    session.check(right_response(session))
    session.again()
    session.check(wrong_response(session))
    again = reopened(session)
    assert again.solved
    assert again.result["verdict"] == "wrong"


def test_what_leaves_a_session_can_be_sent_as_json(session):
    for step in (session.view, session.hint, session.show):
        session.check(wrong_response(session))
        step()
        assert json.loads(json.dumps(session.result)) == session.result
        assert json.loads(json.dumps(session.view())) == session.view()


@pytest.mark.parametrize("response", ["", "abc", "117 Hz"])
def test_what_is_no_answer_is_answered_but_not_stored(ask, response):
    session = Session(ask("numeric"), "98")
    assert session.check(response)
    assert session.result["note"]
    assert session.result["verdict"] is None
    assert answers() == []


def test_no_choice_is_answered_but_not_stored(ask):
    session = Session(ask("single"), "98")
    assert session.check([])
    assert session.result["note"] == ["Choose an option first."]
    assert answers() == []


def test_stored_answers_can_be_read_without_the_question(ask):
    for kind in ("multiple", "order", "numeric"):
        session = Session(ask(kind), "98")
        session.check(right_response(session))
    assert [stored.response for stored in answers()] == [
        ["FLAC", "WAV"],
        ["Cut into frames.", "Multiply by a window.", "Transform.", "Square.", "Go to dB."],
        "117 frames",
    ]


def test_an_answer_to_a_question_that_has_changed_is_not_graded_as_another_one(ask):
    session = Session(ask("single"), "98")
    session.check(places(session, "Half of it."))
    options = [option | {"text": option["text"].upper()} for option in ask("single").model_dump()["options"]]
    changed = Session(ask("single", options=options), "98", answers("question"))
    assert changed.result["verdict"] is None
    assert "has changed since" in changed.result["note"][0]
    assert not changed.result["locked"]


@pytest.mark.parametrize("stored", [None, 7, {"a": 1}, [1, 2], ["Half of it.", "Half of it."], [["x"]], "Half of it."])
@pytest.mark.parametrize("kind", [*GRADED, "reveal"])
def test_a_stored_answer_in_any_form_stops_nothing(ask, kind, stored):
    from course_utils.progress_store import record

    record("question", f"98.a-{kind}", notebook="98", response=stored, correct=False)
    Session(ask(kind), "98", answers("question"))


# ---- order on the screen ----


def test_options_are_shuffled_the_same_for_everybody(ask, monkeypatch):
    first = Session(ask("single"), "98").view()["options"]
    monkeypatch.setenv("COURSE_HOME", "/elsewhere")
    assert Session(ask("single"), "98").view()["options"] == first
    orders = {tuple(map(str, Session(ask("single", id=f"q-{n}"), "98").view()["options"])) for n in range(40)}
    assert len(orders) == 6


def test_options_keep_their_order_where_the_question_says_so(ask):
    for number in range(20):
        view = Session(ask("single", id=f"q-{number}", shuffle=False), "98").view()
        assert view["options"] == [["Half of it."], ["All of it."], ["Twice of it."]]


def test_items_never_start_in_the_right_order(ask):
    for number in range(60):
        session = Session(ask("order", id=f"q-{number}", items=["a", "b", "c"]), "98")
        assert session.view()["items"] != [["a"], ["b"], ["c"]]
        for _ in range(3):
            session.check(places(session, "a", "b", "c"))
            session.again()
            shown = [session.view()["items"][place] for place in session.result["response"]]
            assert sorted(shown) == [["a"], ["b"], ["c"]]
            assert shown != [["a"], ["b"], ["c"]]


def test_items_start_in_another_order_for_another_learner_and_in_the_same_for_the_same(ask, monkeypatch):
    orders = set()
    for home in ("/a", "/b", "/c", "/d", "/e", "/f"):
        monkeypatch.setenv("COURSE_HOME", home)
        first, second = (Session(ask("order"), "98").view()["items"] for _ in range(2))
        assert first == second
        orders.add(str(first))
    assert len(orders) > 1


# ---- think, see, rate yourself ----


def test_the_model_answer_appears_when_asked_for_and_the_rating_is_stored_with_the_notes(ask):
    session = Session(ask("reveal"), "98")
    assert session.result["solution"] == []
    assert session.reveal("because log(0)")
    assert session.result["verdict"] == "revealed"
    assert session.result["solution"] == [[["p", "The logarithm of 0 is minus infinity."]]]
    assert answers() == []
    assert session.check("partly", "because log(0)")
    assert session.result["verdict"] == "rated"
    assert session.solved
    (stored,) = answers()
    assert stored.correct is None
    assert stored.response == {"rating": "partly", "notes": "because log(0)"}
    again = reopened(session)
    assert again.result["notes"] == "because log(0)"
    assert again.result["feedback"][0][0] == ["You rated yourself: I had part of it"]


def test_notes_that_are_no_text_or_too_long_are_refused(ask):
    session = Session(ask("reveal"), "98")
    for notes in (None, 3, ["a"], "x" * (MAX_NOTES + 1)):
        assert not session.reveal(notes)
        assert not session.check("got", notes)
    assert answers() == []


def test_only_a_reveal_question_can_be_revealed(ask):
    for kind in GRADED:
        session = Session(ask(kind), "98")
        assert not session.reveal("")
        assert session.result["solution"] == []
