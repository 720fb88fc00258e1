"""Names of torch, torchaudio and torchcodec in the notebooks exist in the installed versions, and removed ones do not.

A "What changed" box may name what was removed; elsewhere the cell's metadata list it:
    course: {"removed": ["torchaudio.info"]}
"""

import ast
import importlib
import re
from collections.abc import Iterator

import pytest
from course_notebooks import PATHS, cells, code, inline, label, read, values
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LIBRARIES = ("torch", "torchaudio", "torchcodec")
NAME = re.compile(rf"(?:{'|'.join(LIBRARIES)})(?:\.\w+)+")


def exists(name: str) -> bool:
    """Whether a dotted name can be imported or reached."""
    library, *rest = name.split(".")
    found = importlib.import_module(library)
    for depth, part in enumerate(rest, 1):
        if not hasattr(found, part):
            try:
                importlib.import_module(".".join([library, *rest[:depth]]))
            except ImportError:
                return False
        found = getattr(found, part)
    return True


def imported(tree: ast.AST) -> dict[str, str]:
    """What each name stands for: `import torchaudio.functional as F` gives `{"F": "torchaudio.functional"}`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names |= {alias.asname: alias.name} if alias.asname else {top: top}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr) -> str | None:
    """`F.gain` as text; None for an attribute of anything but a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return owner and f"{owner}.{node.attr}"
    return None


def names_in_code(tree: ast.AST, imports: dict[str, str]) -> set[str]:
    """Full names of the libraries that a cell imports or reaches through its imports."""
    names = set(imported(tree).values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and (chain := dotted(node)):
            root, _, rest = chain.partition(".")
            if root in imports:
                names.add(f"{imports[root]}.{rest}")
    return {name for name in names if name.split(".")[0] in LIBRARIES}


def names_in_text(source: str) -> set[str]:
    """Names of the libraries in inline code, such as `torchaudio.load(path)`."""
    matches = [NAME.match(span.content) for span in inline(source, "code_inline")]
    return {match.group() for match in matches if match}


def without_what_changed(source: str) -> str:
    """Markdown less its "What changed" boxes, which speak of what is gone."""
    return re.sub(r"^>\s*\*\*What changed.*\n?(?:^>.*\n?)*", "", source, flags=re.MULTILINE)


def wrong_names(notebook: NotebookNode) -> Iterator[str]:
    imports = {alias: name for _, tree in code(notebook) for alias, name in imported(tree).items()}
    names = {cell.id: names_in_code(tree, imports) for cell, tree in code(notebook)}
    names |= {cell.id: names_in_text(without_what_changed(cell.source)) for cell in cells(notebook, "markdown")}
    for cell in notebook.cells:
        removed = values(cell, "removed")
        for name in sorted(names.get(cell.id, set()) - set(removed)):
            if not exists(name):
                yield f"{label(notebook, cell)} uses {name}, which does not exist"
        for name in removed:
            if exists(name):
                yield f"{label(notebook, cell)} lists {name} as removed, and it exists"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_name_of_the_libraries_exists(path):
    assert list(wrong_names(read(path))) == []


GOOD_CODE = [
    "import torch\ntorch.float32.itemsize",
    "import torchaudio.functional as F\nF.gain",
    "from torchaudio.transforms import Resample as R\nR.forward",
    "import torchaudio\ntorchaudio.transforms.Spectrogram(n_fft=1024)",
    "from torchcodec.decoders import AudioDecoder\nAudioDecoder('a.wav').anything",
    "import math\nmath.nothing",
    "waveform = 1\nwaveform.torchaudio_info",
]
BAD_CODE = {
    "import torchaudio\ntorchaudio.info('a.wav')": "torchaudio.info",
    "import torchaudio.functional as F\nF.gian": "torchaudio.functional.gian",
    "from torchaudio.io import StreamReader": "torchaudio.io.StreamReader",
    "from torchaudio import transforms as T\nT.Resampel(1, 2)": "torchaudio.transforms.Resampel",
    "import torchaudio.sox_effects": "torchaudio.sox_effects",
}
GOOD_TEXT = [
    "Call `torchaudio.load(path)`, not `torchaudio`.",
    "> **What changed** `torchaudio.info` was removed.\n> It was in `torchaudio.backend`.",
    "Call torchaudio.info as a word.",
]
BAD_TEXT = [
    "Call `torchaudio.info(path)`.",
    "> **What changed** Nothing.\n\nCall `torchaudio.info(path)`.",
    "> **Common mistake** Calling `torchaudio.info`.",
]


def findings(cell: NotebookNode) -> list[str]:
    return list(wrong_names(new_notebook(cells=[cell])))


@pytest.mark.parametrize("source", GOOD_CODE)
def test_names_that_exist_are_accepted_in_code(source):
    assert findings(new_code_cell(source)) == []


@pytest.mark.parametrize("source", GOOD_TEXT)
def test_names_that_exist_are_accepted_in_text(source):
    assert findings(new_markdown_cell(source)) == []


@pytest.mark.parametrize(("source", "name"), BAD_CODE.items())
def test_names_that_do_not_exist_are_found_in_code(source, name):
    assert any(f"uses {name}, which does not exist" in finding for finding in findings(new_code_cell(source)))


@pytest.mark.parametrize("source", BAD_TEXT)
def test_names_that_do_not_exist_are_found_in_text(source):
    assert len(findings(new_markdown_cell(source))) == 1


def test_an_import_of_one_cell_serves_the_next():
    notebook = new_notebook(cells=[new_code_cell("import torchaudio.functional as F"), new_code_cell("F.gian")])
    assert len(list(wrong_names(notebook))) == 1


def test_a_name_listed_as_removed_must_be_gone():
    cell = new_markdown_cell("`torchaudio.info`", metadata={"course": {"removed": ["torchaudio.info"]}})
    assert findings(cell) == []
    cell.metadata.course.removed = ["torchaudio.info", "torchaudio.load"]
    assert len(findings(cell)) == 1
    assert "lists torchaudio.load as removed, and it exists" in findings(cell)[0]
