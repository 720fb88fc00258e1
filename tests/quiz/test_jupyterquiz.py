import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import CourseError
from course_utils.quiz.grading import grade
from course_utils.quiz.jupyterquiz import RIGHT, WRONG, import_jupyterquiz
from course_utils.quiz.load import read_quiz, to_yaml
from course_utils.quiz.markdown import inline


def imported(*questions):
    return import_jupyterquiz(list(questions))


def only(raw):
    (question,) = imported(raw).quiz.questions
    return question


def choice(*answers, kind="multiple_choice", **fields):
    listed = [{"answer": text, "correct": right, "feedback": f"Why {text} is so."} for text, right in answers]
    return {"question": "Which of them?", "type": kind, "answers": listed, **fields}


def numeric(*answers, **fields):
    return {"question": "How much?", "type": "numeric", "answers": list(answers), **fields}


def value(number, right, feedback="Some feedback."):
    return {"type": "value", "value": number, "correct": right, "feedback": feedback}


def interval(low, high, right, feedback="Some feedback."):
    return {"type": "range", "range": [low, high], "correct": right, "feedback": feedback}


def string(*answers):
    return {"question": "Who?", "type": "string", "answers": list(answers)}


# ---- options ----


@pytest.mark.parametrize("kind", ["multiple_choice", "many_choice"])
@pytest.mark.parametrize(("right", "expected"), [("a", "single"), ("ab", "multiple")])
def test_the_kind_follows_from_the_number_of_right_answers(kind, right, expected):
    question = only(choice(*((text, text in right) for text in "abc"), kind=kind))
    assert question.kind == expected
    assert [option.correct for option in question.options] == [text in right for text in "abc"]
    assert question.options[2].feedback == "Why c is so."


def test_missing_and_very_short_feedback_is_filled_in_and_the_first_is_reported():
    answers = [{"answer": "a", "correct": True}, {"answer": "b", "correct": False, "feedback": "No."}]
    result = imported(choice() | {"answers": answers})
    options = result.quiz.questions[0].options
    assert [option.feedback for option in options] == [RIGHT, f"{WRONG} No."]
    assert result.lost == (f"Question 1: an answer without feedback got “{RIGHT}”.",)


@pytest.mark.parametrize("right", ["", "abc"])
def test_a_question_with_nothing_or_everything_right_is_left_out_and_said_so(right):
    result = imported(choice(*((text, text in right) for text in "abc")), choice(("a", True), ("b", False)))
    assert len(result.quiz.questions) == 1
    assert "Question 1 was left out" in result.lost[0]


def test_code_is_kept_as_code_without_its_colours():
    raw = choice(("a", True), ("b", False), code="<span class='k'>print</span>(1 &lt; 2)")
    raw["answers"].append({"code": "x = 1\ny = `2`", "correct": False, "feedback": "That is something else."})
    result = imported(raw)
    question = result.quiz.questions[0]
    assert question.prompt == "Which of them?\n\n```\nprint(1 < 2)\n```"
    assert inline(question.options[2].text) == [["code", "x = 1; y = `2`"]]
    assert "Question 1: the colours of code were dropped." in result.lost
    assert "Question 1: the lines of an answer's code were joined." in result.lost


def test_html_latex_links_and_layout_are_reported():
    raw = choice(("$\\frac{1}{2}$", True), ("b", False), answer_cols=4)
    raw["question"] = 'Read <b>this</b> <font color="red">red</font> [page](https://example.org) &amp; say'
    result = imported(raw)
    question = result.quiz.questions[0]
    assert question.prompt == "Read **this** red page (https://example.org) & say"
    assert question.options[0].text == "$\\frac{1}{2}$"
    assert result.lost == (
        "Question 1: the field answer_cols has no counterpart.",
        "Question 1: a link became its text and address.",
        "Question 1: the HTML tag <font> was dropped.",
        "Question 1: LaTeX is shown as it is written.",
    )


@given(st.text(st.sampled_from("ab *_`\\()!.1-"), min_size=1).map(str.strip).filter(bool))
def test_what_markdown_would_take_for_marks_stays_as_it_was(text):
    question = only(choice((text, True), ("something else", False)))
    shown = inline(question.options[0].text)
    assert all(isinstance(node, str) for node in shown)
    assert "".join(shown).split() == text.split()


# ---- numbers ----


def test_values_ranges_and_default_keep_their_verdicts_and_feedback():
    question = only(
        numeric(
            value(3.14, True, "Right to two decimals."),
            interval(3.142857, 3.142858, True, "That is 22/7."),
            interval(-1e8, 0, False, "It is an area."),
            {"type": "default", "feedback": "Area of a circle."},
        )
    )
    expected = {
        "3.14": (True, None),
        "3,14": (True, None),
        "3.142857": (True, "That is 22/7."),
        "3.142858": (False, "Area of a circle."),
        "22/7": (True, "That is 22/7."),
        "-5": (False, "It is an area."),
        "0": (False, "Area of a circle."),
        "7": (False, "Area of a circle."),
    }
    for typed, (correct, feedback) in expected.items():
        verdict = grade(question, typed)
        assert (verdict.correct, dict(verdict.feedback).get(None)) == (correct, feedback), typed
    assert question.explanation == "Right to two decimals."


@pytest.mark.parametrize(("typed", "right"), [("3.1", True), ("3.14159", True), ("3.05", True), ("3.2", False)])
def test_the_precision_counts_significant_digits(typed, right):
    # 3.05 is stored as 3.04999..., which both Python and JavaScript round to 3.0 or 3.1 by its exact value
    question = only(numeric(value(3.14, True), precision=2))
    expected = right if typed != "3.05" else f"{3.05:.2g}" == "3.1"
    assert grade(question, typed).correct == expected


def test_a_question_with_a_right_range_alone_is_kept():
    question = only(numeric(interval(9.8, 9.9, True)))
    assert [bool(grade(question, typed).correct) for typed in ("9.79", "9.8", "9.85", "9.9")] == [
        False,
        True,
        True,
        False,
    ]


def first_match(answers, number):
    """What jupyterquiz does: the first answer that matches decides."""
    for answer in answers:
        if answer["value"] == number if "value" in answer else answer["range"][0] <= number < answer["range"][1]:
            return answer["correct"], answer["feedback"]
    return False, WRONG


small = st.integers(-4, 4)
cases = st.one_of(
    st.builds(lambda n, right: value(n, right), small, st.booleans()),
    st.builds(lambda a, b, right: interval(min(a, b), max(a, b) + 1, right), small, small, st.booleans()),
)


@given(st.lists(cases, min_size=1, max_size=6), st.integers(-10, 10).map(lambda n: n / 2))
def test_overlapping_answers_are_decided_as_jupyterquiz_does(answers, number):
    answers = [answer | {"feedback": f"Answer number {index}."} for index, answer in enumerate(answers)]
    try:
        question = only(numeric(*answers))
    except CourseError:
        assert not any(first_match(answers, n / 2)[0] for n in range(-20, 21))
        return
    correct, feedback = first_match(answers, number)
    verdict = grade(question, repr(number))
    assert verdict.correct == correct
    told = dict(verdict.feedback).get(None, question.explanation)
    assert told == feedback


# ---- texts ----


def test_texts_keep_case_similarity_and_default():
    question = only(
        string(
            {"answer": "John F. Kennedy", "correct": True, "feedback": "The 35th one.", "fuzzy_threshold": 0.8},
            {"answer": "JFK", "correct": True, "feedback": "His initials.", "match_case": True},
            {"answer": "Kennedy", "correct": False, "feedback": "Which of them?"},
            {"type": "default", "feedback": "He came before Johnson."},
        )
    )
    expected = {
        "john f. kennedy": (True, "The 35th one."),
        "Jon F Kenedy": (True, "The 35th one."),
        "JFK": (True, "His initials."),
        "jfk": (False, "He came before Johnson."),
        "KENNEDY": (False, "Which of them?"),
        "Nixon": (False, "He came before Johnson."),
    }
    for typed, (correct, feedback) in expected.items():
        verdict = grade(question, typed)
        assert (verdict.correct, verdict.feedback[0][1]) == (correct, feedback), typed


# ---- sources ----


def test_a_file_a_text_and_a_list_give_the_same(tmp_path):
    questions = [choice(("a", True), ("b", False)), numeric(value(3, True))]
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(questions), encoding="utf-8-sig")
    results = [import_jupyterquiz(source).quiz for source in (questions, json.dumps(questions), path, str(path))]
    assert results == [results[0]] * 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("https://example.org/questions.json", "Save the file and give its path"),
        ("no-such-file.json", "cannot be read"),
        ('{"question": "x"}', "not a list of questions"),
        ("[", "not valid JSON"),
        ([], "No question could be imported"),
        ([3, {"type": "essay"}, {"type": ["x"]}, {"type": "numeric"}], "Question 4 was left out"),
        ([numeric({"range": [1], "correct": True}), numeric(value("3", True)), string({})], "not a range"),
    ],
)
def test_what_is_no_quiz_is_refused_with_a_remedy(source, message):
    with pytest.raises(CourseError, match=message):
        import_jupyterquiz(source)


def test_ids_are_made_from_the_text_and_differ():
    result = imported(*[choice(("a", True), ("b", False))] * 3, choice(("a", True), ("b", False), question="¿?"))
    assert [question.id for question in result.quiz.questions] == [
        "which-of-them",
        "which-of-them-2",
        "which-of-them-3",
        "question",
    ]


def test_what_was_imported_can_be_saved_as_a_question_file(tmp_path):
    quiz = import_jupyterquiz([choice(("a", True), ("b", False)), numeric(interval(1, 2, True), value(5, False))]).quiz
    path = tmp_path / "99_imported.yaml"
    path.write_text(to_yaml(quiz), encoding="utf-8")
    assert read_quiz(path) == quiz
