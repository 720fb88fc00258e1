"""The anatomy that all notebooks share, as checks: each takes a notebook and returns its findings, one sentence each.

A notebook's metadata say what it is:
    course: {"id": "01", "minutes": 35, "guide": "Part 1", "objectives": {"01.load": "load a file and say what ..."}}
and a cell's metadata what it is for:
    course: {"guide": ["G1.1"], "objective": "01.load", "recipe": "load-mono-16k", "exercise": "01.1"}
"""

import ast
import math
import re
from collections.abc import Callable, Iterator

from course_notebooks import (
    calls,
    cells,
    code,
    course,
    headings,
    inline,
    label,
    literal_calls,
    markdown,
    tagged,
    values,
)
from nbformat import NotebookNode

NOTEBOOK_KEYS = {"id", "minutes", "guide", "objectives", "run_limit"}
CELL_KEYS = {"guide", "objective", "recipe", "call", "exercise", "removed"}
LONGEST_CELL = 25
LONGEST_BOX = 5
LINE = 120
"""Characters of a box that count as one line."""

ABSOLUTE_PATH = re.compile(r"(/\w[\w.-]*)+/?|~/.*|[A-Za-z]:[\\/].*")
BACKSLASH_PATH = re.compile(r"[\w.-]+(\\[\w.-]+)+")


def metadata(notebook: NotebookNode) -> Iterator[str]:
    for key in course(notebook).keys() - NOTEBOOK_KEYS:
        yield f"the notebook's course metadata have an unknown key {key!r}"
    for key in ("id", "minutes", "guide", "objectives"):
        if key not in course(notebook):
            yield f"the notebook's course metadata have no {key!r}"
    for cell in notebook.cells:
        for key in course(cell).keys() - CELL_KEYS:
            yield f"{label(notebook, cell)} has an unknown key {key!r} in its course metadata"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the notebook does not ask for the kernel python3"


def opening_text(notebook: NotebookNode) -> str:
    """The Markdown before the first code cell."""
    sources = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            break
        sources.append(cell.source)
    return "\n\n".join(sources)


def recap_text(notebook: NotebookNode) -> str:
    """The Markdown from the heading "Recap" to the end."""
    sources = [cell.source for cell in cells(notebook, "markdown")]
    for index, source in enumerate(sources):
        if any(text == "Recap" for _, text in headings(source)):
            return "\n\n".join(sources[index:])
    return ""


def bullets(source: str) -> list[str]:
    return [line.strip() for line in source.splitlines() if re.match(r"\s*[-*] ", line)]


def objectives_of(notebook: NotebookNode) -> dict[str, str]:
    return course(notebook).get("objectives", {})


def opening(notebook: NotebookNode) -> Iterator[str]:
    text = opening_text(notebook)
    tokens = [token for token in markdown(text) if token.type == "inline"]
    if not text.startswith("# "):
        yield "the first cell does not start with a title"
    elif len(tokens) < 2 or len(re.findall(r"[.!?](?=\s|$)", tokens[1].content)) != 1:
        yield "the title is not followed by one sentence that says what the learner will have made"
    for phrase in (
        "You will be able to",
        f"{course(notebook).get('minutes')} minutes",
        course(notebook).get("guide", ""),
    ):
        if phrase not in text:
            yield f"the opening does not say {phrase!r}"
    for objective in objectives_of(notebook).values():
        if not any(objective in bullet for bullet in bullets(text)):
            yield f"the opening has no bullet {objective!r}"


def titles(notebook: NotebookNode) -> Iterator[str]:
    found = [heading for cell in cells(notebook, "markdown") for heading in headings(cell.source)]
    if [level for level, _ in found].count(1) != 1:
        yield "the notebook does not have exactly one title"
    texts = [text for _, text in found]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"two sections are called {text!r}, so links cannot tell them apart"


def objectives(notebook: NotebookNode) -> Iterator[str]:
    known = objectives_of(notebook)
    if not 3 <= len(known) <= 5:
        yield f"the notebook has {len(known)} objectives, not 3 to 5"
    for name in known:
        if not re.fullmatch(rf"{course(notebook).get('id')}\.[a-z-]+", name):
            yield f"objective {name!r} is not called after its notebook, such as 01.load"
    shown = {name for cell in notebook.cells for name in values(cell, "objective")}
    for name in sorted(known.keys() - shown):
        yield f"no cell shows objective {name}"
    for name in sorted(shown - known.keys()):
        yield f"a cell shows objective {name}, which the notebook does not have"


def duration(notebook: NotebookNode) -> Iterator[str]:
    minutes = course(notebook).get("minutes", 0)
    if not 10 <= minutes <= 90:
        yield f"the notebook takes {minutes} minutes, not 10 to 90"


def setup(notebook: NotebookNode) -> Iterator[str]:
    found = tagged(notebook, "setup")
    if len(found) != 1 or found[0] is not next(iter(cells(notebook, "code")), None):
        yield "the first code cell, and no other, should be tagged setup"


def recap(notebook: NotebookNode) -> Iterator[str]:
    text = recap_text(notebook)
    if not text:
        yield "there is no section called Recap"
        return
    for objective in objectives_of(notebook).values():
        bullet = next((bullet for bullet in bullets(text) if objective in bullet), None)
        if bullet is None:
            yield f"the recap has no bullet {objective!r}"
        elif "](#" not in bullet:
            yield f"the recap's bullet {objective!r} does not link to the section that showed it"
    if "Sources" not in text:
        yield "the notebook does not end with its sources"


def boxes(notebook: NotebookNode) -> Iterator[str]:
    for cell in cells(notebook, "markdown"):
        lines = cell.source.splitlines()
        quotes = [token.map for token in markdown(cell.source) if token.type == "blockquote_open" and token.level == 0]
        alerts = re.findall(r'<div class="alert.*?</div>', cell.source, re.DOTALL)
        for box in [lines[start:end] for start, end in quotes] + [alert.splitlines() for alert in alerts]:
            length = sum(math.ceil(len(line) / LINE) for line in box)
            if length > LONGEST_BOX:
                yield f"{label(notebook, cell)} has a box of {length} lines; {LONGEST_BOX} are enough"


def no_outputs(notebook: NotebookNode) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "the notebook holds the state of widgets"
    for cell in cells(notebook, "code"):
        if cell.outputs or cell.execution_count is not None or "execution" in cell.metadata:
            yield f"{label(notebook, cell)} was saved with the traces of a run"


def every_cell_runs(notebook: NotebookNode) -> Iterator[str]:
    for cell in tagged(notebook, "skip-execution"):
        yield f"{label(notebook, cell)} is skipped when the notebook runs"


def plain_python(notebook: NotebookNode) -> Iterator[str]:
    trees = {cell.id: tree for cell, tree in code(notebook)}
    for cell in cells(notebook, "code"):
        if cell.id not in trees:
            yield f"{label(notebook, cell)} is not plain Python; shell lines and magics do not work everywhere"
        elif calls(trees[cell.id], "get_ipython"):
            yield f"{label(notebook, cell)} talks to IPython instead of plain Python"


def portable_paths(notebook: NotebookNode) -> Iterator[str]:
    for cell, tree in code(notebook):
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if ABSOLUTE_PATH.fullmatch(text) or BACKSLASH_PATH.fullmatch(text):
                yield f"{label(notebook, cell)} has the path {text!r}, which other machines do not have"


def short_cells(notebook: NotebookNode) -> Iterator[str]:
    for cell in cells(notebook, "code"):
        lines = len(cell.source.splitlines())
        if lines > LONGEST_CELL:
            yield f"{label(notebook, cell)} has {lines} lines; a learner takes in {LONGEST_CELL}"


def constants(notebook: NotebookNode) -> Iterator[str]:
    bound_in: dict[str, NotebookNode] = {}
    for cell, tree in code(notebook):
        targets = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        for name in sorted({name for name in targets if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}):
            if name in bound_in:
                yield f"{label(notebook, cell)} changes {name}; cells run in another order would see another value"
            bound_in[name] = cell


def alt_texts(notebook: NotebookNode) -> Iterator[str]:
    for cell in cells(notebook, "markdown"):
        without = [image for image in inline(cell.source, "image") if not image.content.strip()]
        tags = re.findall(r"<img\b[^>]*>", cell.source)
        without += [tag for tag in tags if not re.search(r"\balt=[\"'][^\"']*\w", tag)]
        if without:
            yield f"{label(notebook, cell)} has an image without a text that says what it shows"


def exercises(notebook: NotebookNode) -> Iterator[str]:
    stubs = tagged(notebook, "exercise")
    trees = {cell.id: tree for cell, tree in code(notebook)}
    if len(stubs) < 3:
        yield f"the notebook has {len(stubs)} exercises, not at least 3"
    names = [name for stub in stubs for name in values(stub, "exercise")]
    expected = [f"{course(notebook).get('id')}.{number}" for number in range(1, len(stubs) + 1)]
    if names != expected:
        yield f"the cells tagged exercise are called {names}, not {expected}"
    for stub in stubs:
        rest = notebook.cells[notebook.cells.index(stub) :]
        asked = [call for cell in rest if cell.id in trees for call in literal_calls(trees[cell.id], "exercise")]
        for name in values(stub, "exercise"):
            if [name] not in asked:
                yield f"no cell after its stub checks exercise {name}"


def recipes(notebook: NotebookNode) -> Iterator[str]:
    found = tagged(notebook, "recipe")
    if len(found) < 3:
        yield f"the notebook has {len(found)} recipes, not at least 3"
    for cell in found:
        if not values(cell, "recipe"):
            yield f"{label(notebook, cell)} is tagged recipe and has no name"
    for cell in notebook.cells:
        if values(cell, "recipe") and cell not in found:
            yield f"{label(notebook, cell)} has a recipe's name and not its tag"


CHECKS: list[Callable[[NotebookNode], Iterator[str]]] = [
    metadata,
    opening,
    titles,
    objectives,
    duration,
    setup,
    recap,
    boxes,
    no_outputs,
    every_cell_runs,
    plain_python,
    portable_paths,
    short_cells,
    constants,
    alt_texts,
    exercises,
    recipes,
]


def questions(notebook: NotebookNode, in_file: list[str]) -> Iterator[str]:
    """The questions that the notebook shows against those of its file."""
    if len(in_file) < 6:
        yield f"the notebook has {len(in_file)} questions, not at least 6"
    shown = [call for _, tree in code(notebook) for call in literal_calls(tree, "quiz")]
    if [course(notebook).get("id")] in shown:
        return
    for name in in_file:
        if [course(notebook).get("id"), name] not in shown:
            yield f"no cell shows question {name}"


def next_notebook(notebook: NotebookNode, name: str | None) -> Iterator[str]:
    """The link onward from the recap; `name` is the file of the next notebook, if there is one."""
    targets = [link.attrs["href"] for link in inline(recap_text(notebook), "link_open")]
    if name and name not in targets:
        yield f"the recap does not link to {name}"
