"""Each recipe can be copied out of its notebook: it runs alone in a fresh process, and the next cell calls it.

The metadata of a recipe's cell name it and show a call that the tests make (what it may use: run_recipe.py):
    course: {"recipe": "load-mono-16k", "call": "load_mono_16k(speech_path)[1] == 16000"}
"""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from course_notebooks import PATHS, calls, cells, course, label, read, tagged
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.paths import DATA, ROOT

RECIPES = [cell for path in PATHS for cell in tagged(read(path), "recipe")]
NAMES = [course(cell).get("recipe") for cell in RECIPES]


DEFINITION = ast.FunctionDef | ast.ClassDef


def functions(source: str) -> dict[str, str]:
    """Name and text of each function and class at the top level of a module or cell, decorators included."""
    lines = source.splitlines()
    found = [node for node in ast.parse(source).body if isinstance(node, DEFINITION)]
    starts = [min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) for node in found]
    return {node.name: "\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(starts, found, strict=True)}


def library_functions() -> dict[str, set[str]]:
    """The texts under which each function name of course_utils is defined there."""
    texts: dict[str, set[str]] = {}
    for file in (ROOT / "course_utils").rglob("*.py"):
        for name, text in functions(file.read_text(encoding="utf-8")).items():
            texts.setdefault(name, set()).add(text)
    return texts


def shape(notebook: NotebookNode) -> Iterator[str]:
    """Recipes with more than imports and one or two definitions, or that the next code cell does not call."""
    code_cells = cells(notebook, "code")
    for cell in tagged(notebook, "recipe"):
        body = ast.parse(cell.source).body
        imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        defined = [node for node in body if isinstance(node, DEFINITION)]
        if len(imports) + len(defined) != len(body) or not 1 <= len(defined) <= 2:
            yield f"{label(notebook, cell)} is not imports and one or two functions or classes"
        if any("course_utils" in ast.unparse(node) for node in imports):
            yield f"{label(notebook, cell)} imports course_utils"
        if "call" not in course(cell):
            yield f"{label(notebook, cell)} does not say how tests may call it"
        following = code_cells[code_cells.index(cell) + 1 :][:1]
        if not any(calls(ast.parse(after.source), node.name) for after in following for node in defined):
            yield f"{label(notebook, cell)} is not called in the next code cell"


def drift(recipe: str, library: dict[str, set[str]]) -> Iterator[str]:
    """Functions of a recipe that course_utils has too, in other words."""
    for name, text in functions(recipe).items():
        if name in library and text not in library[name]:
            yield f"{name} differs from the function of that name in course_utils"


def run_alone(source: str, call: str, out_dir: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    audio = DATA / "audio"
    job = {"source": source, "call": call, "out_dir": str(out_dir)}
    job |= {"speech": str(audio / "speech.flac"), "music": str(audio / "drum_loop.flac")}
    command = [sys.executable, str(Path(__file__).with_name("run_recipe.py"))]
    return subprocess.run(
        command, cwd=out_dir, env=environment, input=json.dumps(job), capture_output=True, encoding="utf-8"
    )


@pytest.mark.parametrize("cell", RECIPES, ids=NAMES)
def test_the_recipe_runs_alone_in_a_fresh_process(cell, tmp_path, offline_environment):
    result = run_alone(cell.source, course(cell)["call"], tmp_path, offline_environment)
    assert result.returncode == 0, f"{cell.source}\n\n{result.stderr}"


@pytest.mark.parametrize("cell", RECIPES, ids=NAMES)
def test_the_recipe_reads_as_in_course_utils_where_both_have_it(cell):
    assert list(drift(cell.source, library_functions())) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_recipes_are_imports_and_functions_and_the_next_cell_calls_them(path):
    assert list(shape(read(path))) == []


def test_recipes_have_names_of_their_own():
    assert [name for name, times in Counter(NAMES).items() if times > 1] == []
    assert [name for name in NAMES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


GOOD = "import torch\n\ndef loudest(waveform):\n    return torch.max(waveform)"
CALLED = "print(loudest(speech))"


@pytest.mark.parametrize(
    ("recipe", "following", "findings"),
    [
        (GOOD, CALLED, []),
        ("def helper():\n    return 2\n\n" + GOOD, CALLED, []),
        ("class Loudest:\n    pass", "print(Loudest())", []),
        (GOOD + "\n\nprint(1)", CALLED, ["is not imports and one or two functions or classes"]),
        (
            "loudest = max",
            CALLED,
            ["is not imports and one or two functions or classes", "is not called in the next code cell"],
        ),
        (GOOD + "\n\ndef f(): pass\n\ndef g(): pass", CALLED, ["is not imports and one or two functions or classes"]),
        ("from course_utils.plots import plot_waveform\n" + GOOD, CALLED, ["imports course_utils"]),
        (GOOD, "print(quietest(speech))", ["is not called in the next code cell"]),
        (GOOD, "'a loudest sound'", ["is not called in the next code cell"]),
    ],
)
def test_a_recipe_of_another_shape_is_found(recipe, following, findings):
    cell = new_code_cell(recipe, metadata={"tags": ["recipe"], "course": {"call": "loudest(waveform)"}})
    found = list(shape(new_notebook(cells=[cell, new_code_cell(following)])))
    assert [text.partition(") ")[2] for text in found] == findings


def test_a_recipe_without_a_call_for_tests_is_found():
    cell = new_code_cell(GOOD, metadata={"tags": ["recipe"]})
    found = list(shape(new_notebook(cells=[cell, new_code_cell(CALLED)])))
    assert [text.partition(") ")[2] for text in found] == ["does not say how tests may call it"]


def test_a_recipe_that_drifted_from_course_utils_is_found():
    library = {"loudest": {functions(GOOD)["loudest"]}}
    assert list(drift(GOOD, library)) == []
    assert list(drift(GOOD.replace("max", "amax"), library)) == [
        "loudest differs from the function of that name in course_utils"
    ]


@pytest.mark.parametrize(
    ("source", "call", "error"),
    [
        (GOOD, "0.1 < loudest(waveform) <= 1 and sample_rate == 16000", None),
        (GOOD, "loudest(waveform) > 1", "does not hold: loudest(waveform) > 1"),
        (GOOD.removeprefix("import torch"), "loudest(waveform)", "name 'torch' is not defined"),
        (
            "def loudest(waveform):\n    import course_utils.plots",
            "loudest(waveform)",
            "'course_utils' is not a package",
        ),
        ("import urllib.request\n\ndef get():\n    urllib.request.urlopen('http://192.0.2.1')", "get()", "no-network"),
    ],
    ids=["holds", "does not hold", "import forgotten", "course_utils", "network"],
)
def test_a_recipe_that_leans_on_more_than_its_cell_fails(tmp_path, offline_environment, source, call, error):
    result = run_alone(source, call, tmp_path, offline_environment)
    assert result.returncode == (1 if error else 0), result.stderr
    assert error is None or error in result.stderr
