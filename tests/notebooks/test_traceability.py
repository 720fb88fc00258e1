"""Every item of the guide has a cell or a question, and every objective a cell and a question."""

from collections.abc import Iterator

import pytest
import yaml
from course_notebooks import PATHS, course, read, values
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.paths import DATA
from course_utils.quiz.load import load_quiz, quiz_names

GUIDE = yaml.safe_load((DATA / "guide.yaml").read_text(encoding="utf-8"))
IDS = [item["id"] for item in GUIDE]

# fmt: off
STILL_TO_COME = {
    "G6.1", "G6.2", "G6.3",
    "G7.1", "G7.2",
    "Q8",
}
# fmt: on
"""Items whose notebook is not written yet. An item that has its cell or question must leave the list."""


def cell_items(notebooks: list[NotebookNode]) -> set[str]:
    return {item for notebook in notebooks for cell in notebook.cells for item in values(cell, "guide")}


def untraced(known: list[str], traced: set[str], still_to_come: set[str]) -> Iterator[str]:
    for item in known:
        if item not in traced | still_to_come:
            yield f"{item} has neither a cell nor a question"
        if item in traced & still_to_come:
            yield f"{item} is covered: take it off STILL_TO_COME"
    for item in sorted((traced | still_to_come) - set(known)):
        yield f"{item} is not an item of the guide"


def unproven(notebook: NotebookNode, asked: set[str]) -> Iterator[str]:
    """Objectives of a notebook without a cell that shows them or a question that asks for them."""
    known = course(notebook).get("objectives", {}).keys()
    shown = {name for cell in notebook.cells for name in values(cell, "objective")}
    for name in known:
        if name not in shown:
            yield f"no cell shows objective {name}"
        if name not in asked:
            yield f"no question asks for objective {name}"
    for name in sorted(asked - known):
        yield f"a question asks for objective {name}, which the notebook does not have"


def test_every_item_of_the_guide_is_traced():
    questions = [question for name in quiz_names() for question in load_quiz(name).questions]
    traced = cell_items([read(path) for path in PATHS]) | {item for question in questions for item in question.guide}
    assert list(untraced(IDS, traced, STILL_TO_COME)) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_objective_has_a_cell_and_a_question(path):
    asked = {question.objective for question in load_quiz(path.name[:2]).questions if question.objective}
    assert list(unproven(read(path), asked)) == []


def test_the_guide_is_listed_whole_and_each_item_once():
    expected = {"G0": 3, "G1": 7, "G2": 7, "G3": 4, "G4": 9, "G5": 7, "G6": 3, "G7": 2}
    numbered = [f"{section}.{number}" for section, last in expected.items() for number in range(1, last + 1)]
    assert sorted(IDS) == sorted(numbered + [f"Q{number}" for number in range(1, 9)])
    assert all(item["part"] and item["title"] for item in GUIDE)


@pytest.mark.parametrize(
    ("traced", "still_to_come", "finding"),
    [
        ({"G1.1"}, set(), "G1.2 has neither a cell nor a question"),
        ({"G1.1", "G1.2"}, {"G1.2"}, "G1.2 is covered: take it off STILL_TO_COME"),
        ({"G1.1", "G1.2", "G9.9"}, set(), "G9.9 is not an item of the guide"),
        ({"G1.1", "G1.2"}, {"Q9"}, "Q9 is not an item of the guide"),
    ],
)
def test_a_gap_in_the_guide_is_found(traced, still_to_come, finding):
    assert list(untraced(["G1.1", "G1.2"], {"G1.1", "G1.2"}, set())) == []
    assert list(untraced(["G1.1", "G1.2"], traced, still_to_come)) == [finding]


def test_an_objective_that_nothing_shows_or_asks_for_is_found():
    cells = [new_code_cell(metadata={"course": {"guide": ["G1.1"], "objective": "00.tone"}})]
    notebook = new_notebook(cells=cells, metadata={"course": {"objectives": {"00.tone": "make a tone"}}})
    assert cell_items([notebook]) == {"G1.1"}
    assert list(unproven(notebook, {"00.tone"})) == []
    assert list(unproven(notebook, set())) == ["no question asks for objective 00.tone"]
    assert list(unproven(notebook, {"00.tone", "00.tune"})) == [
        "a question asks for objective 00.tune, which the notebook does not have"
    ]
    notebook.cells[0].metadata.clear()
    assert list(unproven(notebook, {"00.tone"})) == ["no cell shows objective 00.tone"]
