from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils.quiz.grading import MAX_TYPED, RATINGS, grade, is_response, solution


def texts(verdict):
    return [text for _, text in verdict.feedback]


# ---- options ----


@pytest.mark.parametrize("kind", ["single", "listen"])
def test_only_the_right_option_is_right_and_each_choice_gets_its_own_feedback(ask, kind):
    question = ask(kind)
    for index, option in enumerate(question.options):
        verdict = grade(question, [index])
        assert verdict.correct is option.correct
        assert verdict.feedback == ((index, option.feedback),)


@given(st.sets(st.integers(0, 3)))
def test_no_set_of_options_but_the_right_one_is_right(ask, chosen):
    verdict = grade(ask("multiple"), sorted(chosen))
    assert bool(verdict.correct) == (chosen == {0, 1})
    assert verdict.counts == bool(chosen)


def test_a_wrong_set_gets_feedback_for_each_wrong_choice_and_the_number_of_missing_ones(ask):
    question = ask("multiple")
    assert grade(question, [0, 2]).feedback == (
        (None, "One of your choices is wrong and one right option is missing."),
        (2, "MP3 drops what is masked."),
    )
    assert texts(grade(question, [0])) == ["One right option is missing."]
    assert texts(grade(question, [2, 3]))[0] == "2 of your choices are wrong and 2 right options are missing."


def test_a_wrong_set_does_not_tell_which_right_options_are_missing(ask):
    question = ask("multiple")
    assert texts(grade(question, [0])) == texts(grade(question, [1]))


# ---- numbers ----


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1e3),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([-1, 1]),
)
def test_within_the_tolerance_is_right_and_clearly_beyond_is_wrong(ask, answer, tolerance, part, sign):
    question = ask("numeric", answer=answer, tolerance=tolerance, wrong=[], unit=None)
    assert grade(question, repr(answer + sign * part * tolerance)).correct
    assert not grade(question, repr(answer + sign * (tolerance * 1.001 + 1e-2))).correct


@pytest.mark.parametrize("typed", ["0.4", "0.2", "0,4", "0.3"])
def test_the_edge_of_the_tolerance_is_right_although_decimals_are_not_exact(ask, typed):
    assert 0.4 - 0.3 > 0.1
    assert grade(ask("numeric", answer=0.3, tolerance=0.1, wrong=[], unit="s"), typed).correct


@pytest.mark.parametrize("typed", ["0.40001", "0.19999"])
def test_just_beyond_the_tolerance_is_wrong(ask, typed):
    assert not grade(ask("numeric", answer=0.3, tolerance=0.1, wrong=[], unit="s"), typed).correct


@given(st.decimals(-1000, 1000, places=4), st.decimals(-1000, 1000, places=4))
def test_a_decimal_comma_is_graded_as_a_decimal_point(ask, answer, typed):
    question = ask("numeric", answer=float(answer), tolerance=1, wrong=[])
    assert grade(question, str(typed).replace(".", ",")) == grade(question, str(typed))


@pytest.mark.parametrize("typed", ["16000", "16 kHz", "16,000 Hz", "16.000", "16e3", "16 000 hertz"])
def test_a_rate_may_be_typed_in_many_ways(ask, typed):
    assert grade(ask("numeric", answer=16000, unit="Hz", wrong=[]), typed).correct


def test_a_foreseen_wrong_number_gets_its_own_feedback_and_others_the_general_one(ask):
    question = ask("numeric")
    assert texts(grade(question, "116")) == ["The first frame is centred on sample 0."]
    assert texts(grade(question, "3")) == ["Divide by the hop, then think of the ends."]


@pytest.mark.parametrize("typed", ["", "abc", "inf", "nan", "117 Hz", "1 2", "9" * 400])
def test_what_is_no_number_is_answered_and_does_not_count(ask, typed):
    verdict = grade(ask("numeric"), typed)
    assert not verdict.counts
    assert verdict.correct is None
    assert all(texts(verdict))


def test_an_interval_holds_its_lower_end_and_not_its_upper_one(ask):
    question = ask("numeric", answer=None, between=[9.8, 9.9], wrong=[], unit=None)
    verdicts = {typed: grade(question, typed).correct for typed in ("9.7999", "9.8", "9.85", "9.9")}
    assert verdicts == {"9.7999": False, "9.8": True, "9.85": True, "9.9": False}


def test_a_number_comes_before_an_interval_that_holds_it(ask):
    wrong = [{"between": [0, 1000], "feedback": "Too few by far."}]
    question = ask("numeric", answer=117, wrong=wrong)
    assert grade(question, "117").correct
    assert texts(grade(question, "118")) == ["Too few by far."]


def test_significant_digits_are_rounded_before_comparing(ask):
    question = ask("numeric", answer=3.14, digits=3, wrong=[], unit=None)
    assert grade(question, "3.14159").correct
    assert not grade(question, "3.15").correct


def test_another_right_number_has_its_own_feedback(ask):
    question = ask("numeric", also=[{"answer": 118, "feedback": "Right for the other padding."}])
    assert grade(question, "118").correct
    assert texts(grade(question, "118")) == ["Right for the other padding."]


# ---- texts ----


@pytest.mark.parametrize("typed", ["Nyquist", "nyquist", "  NYQUIST ", "Nyqist", "Nyquits"])
def test_case_spaces_and_a_typo_are_forgiven_where_the_question_says_so(ask, typed):
    assert grade(ask("text"), typed).correct


@pytest.mark.parametrize("typed", ["Nyqu", "Nightshift", "frequency"])
def test_too_many_edits_are_wrong(ask, typed):
    assert grade(ask("text"), typed).correct is False


def test_case_counts_where_the_question_says_so(ask):
    answers = [{"text": "MMS_FA", "correct": True, "feedback": "That is its name.", "match_case": True}]
    question = ask("text", answers=answers)
    assert grade(question, "MMS_FA").correct
    assert grade(question, "mms_fa").correct is False


def test_a_foreseen_wrong_text_gets_its_own_feedback_and_others_the_general_one(ask):
    assert texts(grade(ask("text"), "Shannon")) == ["He proved the theorem later."]
    assert texts(grade(ask("text"), "Hertz")) == ["An engineer of Bell Labs."]


def test_no_text_does_not_count(ask):
    assert not grade(ask("text"), "  ").counts


@pytest.mark.parametrize(
    ("a", "b", "edits"), [("kitten", "sitting", 3), ("flaw", "lawn", 2), ("abc", "abc", 0), ("a", "bcd", 3)]
)
def test_similarity_is_counted_in_edits(ask, a, b, edits):
    threshold = 1 - edits / max(len(a), len(b))
    answer = {"text": a, "correct": True, "feedback": "Near enough."}
    at_most = ask("text", answers=[answer | {"fuzzy_threshold": max(threshold, 1e-9)}])
    above = ask("text", answers=[answer | {"fuzzy_threshold": min(threshold + 0.01, 1)}])
    assert bool(grade(at_most, b).correct) == (edits < max(len(a), len(b)))
    assert bool(grade(above, b).correct) == (edits == 0)


# ---- order ----


@given(st.permutations(range(5)))
def test_only_the_right_order_is_right(ask, arranged):
    verdict = grade(ask("order"), arranged)
    assert verdict.correct == (arranged == [0, 1, 2, 3, 4])


def test_a_wrong_order_says_how_many_are_in_place_and_where_the_first_is_not(ask):
    question = ask("order")
    assert texts(grade(question, [0, 2, 1, 3, 4])) == ["3 of 5 are in place. The first one out of place is number 2."]
    assert texts(grade(question, [1, 0, 2, 4, 3])) == ["One is in place. The first one out of place is number 1."]
    assert texts(grade(question, [1, 2, 3, 4, 0])) == ["None is in place. The first one out of place is number 1."]


# ---- reveal, form, solution ----


@pytest.mark.parametrize("rating", RATINGS)
def test_a_rating_is_not_graded_and_gets_a_reply(ask, rating):
    verdict = grade(ask("reveal"), rating)
    assert verdict.correct is None
    assert verdict.counts
    assert texts(verdict)


@pytest.mark.parametrize(
    ("kind", "response"),
    [
        ("single", [3]),
        ("single", [-1]),
        ("single", [0, 1]),
        ("single", [True]),
        ("single", ["0"]),
        ("single", 0),
        ("single", None),
        ("multiple", [0, 0]),
        ("multiple", [0.0]),
        ("order", [0, 1, 2]),
        ("order", [0, 1, 2, 3, 3]),
        ("numeric", 117),
        ("numeric", "1" * (MAX_TYPED + 1)),
        ("text", ["Nyquist"]),
        ("reveal", "perfect"),
        ("reveal", ["got"]),
    ],
)
def test_a_response_of_another_form_is_refused(ask, kind, response):
    assert not is_response(ask(kind), response)
    with pytest.raises(ValueError, match="no response"):
        grade(ask(kind), response)


def test_every_solution_is_what_the_file_says(ask):
    found = {kind: solution(ask(kind)) for kind in ("single", "multiple", "numeric", "text", "order", "reveal")}
    assert found == {
        "single": ("Half of it.",),
        "multiple": ("FLAC", "WAV"),
        "numeric": ("117 frames",),
        "text": ("Nyquist",),
        "order": ("Cut into frames.", "Multiply by a window.", "Transform.", "Square.", "Go to dB."),
        "reveal": ("The logarithm of 0 is minus infinity.",),
    }
    interval = ask("numeric", answer=None, between=[9.8, 9.9], wrong=[], unit="m")
    assert solution(interval) == ("from 9.8 up to, but not including, 9.9 m",)


@given(st.floats(-1e9, 1e9), st.sampled_from([None, "Hz", "dB"]))
def test_the_solution_of_a_number_is_graded_as_right(ask, answer, unit):
    assume(abs(answer) > 1e-6)
    question = ask("numeric", answer=answer, unit=unit, wrong=[])
    assert grade(question, solution(question)[0]).correct


def test_every_wrong_order_of_three_is_wrong(ask):
    question = ask("order", items=["a", "b", "c"])
    right = [arranged for arranged in permutations(range(3)) if grade(question, list(arranged)).correct]
    assert right == [(0, 1, 2)]
