"""Each exercise three ways: the solution passes, the stub says "not yet", each foreseen wrong answer is named."""

import json

import pytest

from course_utils import progress
from course_utils.errors import CourseError
from course_utils.exercises import definitions, exercise, exercise_ids
from course_utils.exercises.definition import YOUR_CODE
from course_utils.exercises.session import judge
from course_utils.paths import NOTEBOOKS

NUMBERS = sorted(path.name[:2] for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
ALL = [definition for number in NUMBERS for definition in definitions(number)]
WRONG = [(definition, body, words) for definition in ALL for body, words in definition.wrong.items()]


def cells_before_the_stub(notebook: str, exercise_id: str) -> str:
    """The code that a learner has run when they reach the exercise: setup cells and what defines its inputs."""
    (path,) = NOTEBOOKS.glob(f"{notebook}_*.ipynb")
    sources = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        course = cell["metadata"].get("course", {})
        if course.get("exercise") == exercise_id:
            return "\n".join(sources)
        if "setup" in cell["metadata"].get("tags", []) or course.get("needed"):
            sources.append("".join(cell["source"]))
    raise AssertionError(f"{path.name} has no cell for {exercise_id}")


@pytest.fixture(scope="module")
def namespace():
    """The variables of a learner at each exercise; the cells are run once for all its answers."""
    ready = {}

    def get(definition) -> dict:
        if definition.id not in ready:
            ready[definition.id] = {}
            exec(cells_before_the_stub(definition.id[:2], definition.id), ready[definition.id])
        return dict(ready[definition.id])

    return get


def answer(definition, code: str, variables: dict):
    """What a learner hands to check after running this code; an error in their code is its own answer."""
    exec(code, variables)
    return variables[definition.answer]


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_the_solution_passes(definition, namespace):
    assert judge(definition, answer(definition, definition.solution, namespace(definition))) == ("Right", "")


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_the_untouched_stub_is_not_yet_an_answer(definition, namespace):
    verdict, text = judge(definition, answer(definition, definition.fill(YOUR_CODE), namespace(definition)))
    assert verdict == "Not yet"
    assert "hint()" in text


@pytest.mark.parametrize(
    ("definition", "body", "words"), WRONG, ids=lambda value: getattr(value, "id", str(value)[:60])
)
def test_each_foreseen_wrong_answer_gets_its_own_words(definition, body, words, namespace):
    verdict, text = judge(definition, answer(definition, definition.fill(body), namespace(definition)))
    assert verdict == "Not quite"
    assert words in text


@pytest.mark.parametrize("definition", ALL, ids=lambda definition: definition.id)
def test_wrong_answers_of_one_exercise_are_told_apart(definition):
    assert len(set(definition.wrong.values())) >= len(definition.wrong) - 1
    assert len(definition.wrong) >= 3
    assert definition.hints


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notebooks_stub_cells_are_the_definitions_stubs(number):
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    cells = {
        cell["metadata"]["course"]["exercise"]: "".join(cell["source"])
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if "exercise" in cell["metadata"].get("course", {})
    }
    assert cells == {definition.id: definition.stub for definition in definitions(number)}
    assert list(cells) == exercise_ids(number)


def test_an_unknown_exercise_names_the_known_ones():
    with pytest.raises(CourseError, match=r'no exercise "00\.9".*00\.1, 00\.2'):
        exercise("00.9")


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What the learner sees, with an empty progress store."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    texts = []
    monkeypatch.setattr("course_utils.exercises.session.display", lambda html: texts.append(html.data))
    return texts


def test_hints_come_one_at_a_time_and_the_last_names_the_solution(shown):
    task = exercise("00.1")
    task.hint()
    assert len(shown) == 1
    for _ in task.definition.hints:
        task.hint()
    assert "solution()" in shown[-1]


def test_a_wrong_answer_is_stored_and_a_later_right_one_found_again(shown):
    exercise("00.3").check(lambda waveform: waveform)
    exercise("00.3").check(lambda waveform: waveform.flip(1))
    stored = progress.answers(kind="exercise", notebook="00")
    assert [answer.correct for answer in stored] == [False, True]
    exercise("00.3").check(None)
    assert "solved this one before" in shown[-1]
    exercise("00.3").last()
    assert "flip(1)" in shown[-1]


def test_the_learners_error_is_reported_in_one_line(shown):
    exercise("00.3").check(lambda waveform: waveform.flp(1))
    assert "Your code stopped with AttributeError" in shown[-1]


def test_code_in_feedback_cannot_become_html(shown):
    exercise("00.3").check(lambda waveform: int("<img src=x>"))
    assert "<img" not in shown[-1]
