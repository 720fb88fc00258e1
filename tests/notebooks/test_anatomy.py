"""Every notebook has the anatomy of the course, and every check of it can fail."""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import anatomy
import nbformat
import pytest
from course_notebooks import PATHS, course, read
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.quiz.load import load_quiz

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def assert_none(findings) -> None:
    found = list(findings)
    assert not found, "\n".join(["", *found])


@each_notebook
@pytest.mark.parametrize("check", anatomy.CHECKS, ids=lambda check: check.__name__)
def test_the_notebook_has_the_anatomy_of_the_course(path, check):
    assert_none(check(read(path)))


@each_notebook
def test_the_notebook_is_valid_and_called_after_its_number(path):
    nbformat.validate(read(path))
    assert path.name.startswith(f"{course(read(path))['id']}_")


@each_notebook
def test_the_notebook_shows_its_questions(path):
    quiz = load_quiz(path.name[:2])
    assert_none(anatomy.questions(read(path), [question.id for question in quiz.questions]))


@pytest.mark.parametrize(
    ("path", "following"), list(pairwise([*PATHS, None])), ids=lambda path: path.stem if path else "end"
)
def test_the_recap_links_to_the_next_notebook(path, following):
    assert_none(anatomy.next_notebook(read(path), following and following.name))


OPENING = """# Make a sound

At the end you will have made a sound.

You will be able to
- make a tone
- make it louder
- make it stop

Time: 20 minutes. Part 1 of the guide."""

RECAP = """## Recap

- make a tone: [Tones](#Tones)
- make it louder: [Tones](#Tones)
- make it stop: [Tones](#Tones)

Next: [Files](01_files.ipynb)

Sources: the manual."""

BOX = "> **What changed** Nothing.\n> Really."


def code(source: str, *tags: str, **names) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags), "course": names})


def good_notebook() -> NotebookNode:
    exercises = [
        code(f"answer = None\nexercise('00.{n}').check(answer)", "exercise", exercise=f"00.{n}") for n in (1, 2, 3)
    ]
    recipes = [code(f"def recipe_{n}():\n    return {n}", "recipe", recipe=f"recipe-{n}") for n in (1, 2, 3)]
    return new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "course": {
                "id": "00",
                "minutes": 20,
                "guide": "Part 1",
                "objectives": {"00.tone": "make a tone", "00.loud": "make it louder", "00.stop": "make it stop"},
            },
        },
        cells=[
            new_markdown_cell(OPENING),
            code("SAMPLE_RATE = 16000", "setup"),
            new_markdown_cell(f"## Tones\n\n![A sine wave](../tone.png)\n\n{BOX}"),
            code("tone = 1", objective="00.tone", guide=["G1.1"]),
            code("loud = 2 * tone", objective=["00.loud", "00.stop"]),
            *recipes,
            *exercises,
            code("quiz('00')"),
            new_markdown_cell(RECAP),
        ],
    )


def cell_with(text: str, notebook: NotebookNode) -> NotebookNode:
    return next(cell for cell in notebook.cells if text in cell.source)


def put(old: str, new: str) -> Callable[[NotebookNode], None]:
    """A fault: other text in the first cell that has `old`."""

    def spoil(notebook: NotebookNode) -> None:
        cell = cell_with(old, notebook)
        cell.source = cell.source.replace(old, new)

    return spoil


def add(cell: NotebookNode) -> Callable[[NotebookNode], None]:
    """A fault: one more cell in the middle."""
    return lambda notebook: notebook.cells.insert(4, deepcopy(cell))


def name(**names) -> Callable[[NotebookNode], None]:
    """A fault: other course metadata of the notebook."""
    return lambda notebook: notebook.metadata.course.update(names)


def name_cell(text: str, **names) -> Callable[[NotebookNode], None]:
    """A fault: other course metadata of a cell."""
    return lambda notebook: cell_with(text, notebook).metadata.course.update(names)


def untag(text: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: cell_with(text, notebook).metadata.tags.clear()


FAULTS = [
    ("metadata", name(minuets=20), "unknown key 'minuets'"),
    ("metadata", name_cell("tone = 1", guides="G1.1"), "unknown key 'guides'"),
    ("metadata", lambda notebook: notebook.metadata.course.pop("guide"), "no 'guide'"),
    ("metadata", lambda notebook: notebook.metadata.pop("kernelspec"), "kernel python3"),
    ("opening", put("# Make", "Make"), "start with a title"),
    ("opening", put("a sound.\n", "a sound. You will like it.\n"), "one sentence"),
    ("opening", put("You will be able to", "You learn to"), "'You will be able to'"),
    ("opening", put("20 minutes", "an hour"), "'20 minutes'"),
    ("opening", put("Part 1", "Part 2"), "'Part 1'"),
    ("opening", put("- make it louder", "- shout"), "no bullet 'make it louder'"),
    ("titles", put("## Tones", "# Tones"), "exactly one title"),
    ("titles", add(new_markdown_cell("## Tones")), "two sections are called 'Tones'"),
    ("objectives", name(objectives={"00.tone": "make a tone"}), "1 objectives"),
    ("objectives", name_cell("loud = 2", objective="00.loud"), "no cell shows objective 00.stop"),
    ("objectives", name_cell("loud = 2", objective="00.lout"), "which the notebook does not have"),
    ("objectives", name(id="01"), "not called after its notebook"),
    ("duration", name(minutes=95), "takes 95 minutes"),
    ("setup", untag("SAMPLE_RATE"), "tagged setup"),
    ("setup", add(code("import torch", "setup")), "tagged setup"),
    ("recap", put("## Recap", "## Farewell"), "no section called Recap"),
    ("recap", put("- make it stop: [Tones](#Tones)", ""), "no bullet 'make it stop'"),
    ("recap", put("stop: [Tones](#Tones)", "stop: above"), "does not link to the section"),
    ("recap", put("Sources: the manual.", ""), "sources"),
    ("boxes", put(BOX, BOX + "\n> more" * 4), "box of 6 lines"),
    ("boxes", put(BOX, "> " + 120 * "long " + "line"), "box of 6 lines"),
    ("boxes", add(new_markdown_cell('<div class="alert">\n1\n2\n3\n4\n</div>')), "box of 6 lines"),
    ("no_outputs", lambda notebook: notebook.metadata.update(widgets={}), "state of widgets"),
    ("no_outputs", lambda notebook: notebook.cells[1].update(execution_count=1), "traces of a run"),
    ("no_outputs", lambda notebook: notebook.cells[1].outputs.append(new_output("stream")), "traces of a run"),
    ("every_cell_runs", add(code("microphone()", "skip-execution")), "is skipped"),
    ("plain_python", add(code("!pip install torch")), "not plain Python"),
    ("plain_python", add(code("%%bash\nls")), "not plain Python"),
    ("plain_python", add(code("get_ipython().system('ls')")), "talks to IPython"),
    ("portable_paths", add(code("load('/home/me/speech.wav')")), "'/home/me/speech.wav'"),
    ("portable_paths", add(code(r"load('data\\speech.wav')")), "which other machines do not have"),
    ("portable_paths", add(code(r"load('C:\\speech.wav')")), "which other machines do not have"),
    ("portable_paths", add(code("load('~/speech.wav')")), "which other machines do not have"),
    ("short_cells", add(code("tone = 1\n" * 26)), "has 26 lines"),
    ("constants", add(code("SAMPLE_RATE = 6000")), "changes SAMPLE_RATE"),
    ("alt_texts", put("![A sine wave]", "![]"), "image without a text"),
    ("alt_texts", add(new_markdown_cell('<img src="../tone.png">')), "image without a text"),
    ("exercises", untag("'00.3'"), "2 exercises"),
    ("exercises", name_cell("'00.3'", exercise="00.4"), "are called"),
    ("exercises", put("exercise('00.3').check(answer)", ""), "checks exercise 00.3"),
    ("recipes", untag("recipe_1"), "2 recipes"),
    ("recipes", untag("recipe_1"), "a recipe's name and not its tag"),
    ("recipes", lambda notebook: cell_with("recipe_1", notebook).metadata.course.clear(), "has no name"),
]


@pytest.mark.parametrize(("check", "spoil", "finding"), FAULTS, ids=[f"{check}: {text}" for check, _, text in FAULTS])
def test_the_check_finds_the_fault(check, spoil, finding):
    notebook = good_notebook()
    spoil(notebook)
    assert any(finding in found for found in getattr(anatomy, check)(notebook))


@pytest.mark.parametrize("check", anatomy.CHECKS, ids=lambda check: check.__name__)
def test_the_check_accepts_a_good_notebook_and_is_tried_on_a_bad_one(check):
    assert_none(check(good_notebook()))
    assert check.__name__ in {name for name, _, _ in FAULTS}


def test_a_notebook_shows_its_questions_together_or_one_by_one():
    notebook = good_notebook()
    assert_none(anatomy.questions(notebook, list("abcdef")))
    put("quiz('00')", "\n".join(f"quiz('00', {name!r})" for name in "abcdef"))(notebook)
    assert_none(anatomy.questions(notebook, list("abcdef")))


def test_missing_questions_are_found():
    notebook = good_notebook()
    assert list(anatomy.questions(notebook, list("abcde"))) == ["the notebook has 5 questions, not at least 6"]
    put("quiz('00')", "quiz('00', 'a')\nquiz('01')")(notebook)
    assert "no cell shows question f" in list(anatomy.questions(notebook, list("abcdef")))


def test_a_missing_link_onward_is_found():
    assert_none(anatomy.next_notebook(good_notebook(), "01_files.ipynb"))
    assert_none(anatomy.next_notebook(good_notebook(), None))
    assert list(anatomy.next_notebook(good_notebook(), "02_more.ipynb")) == ["the recap does not link to 02_more.ipynb"]
