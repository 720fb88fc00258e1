"""Reading notebooks in tests: their cells, their course metadata, their Markdown."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from nbformat import NotebookNode

from course_utils.paths import NOTEBOOKS

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@cache
def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def course(node: NotebookNode) -> dict:
    """The course's metadata of a notebook or a cell; empty when there are none."""
    return node.metadata.get("course", {})


def cells(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def values(cell: NotebookNode, key: str) -> list[str]:
    """`course` metadata that may hold one name or a list of names."""
    value = course(cell).get(key, [])
    return [value] if isinstance(value, str) else list(value)


def label(notebook: NotebookNode, cell: NotebookNode) -> str:
    """How a finding names a cell: its number, and the line that finds it in the editor."""
    return f"cell {notebook.cells.index(cell)} ({next(iter(cell.source.splitlines()), '')[:60]!r})"


def code(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, ast.Module]]:
    """Code cells that are plain Python, each with its syntax tree."""
    for cell in cells(notebook, "code"):
        with suppress(SyntaxError):
            yield cell, ast.parse(cell.source)


def calls(tree: ast.AST, function: str) -> list[ast.Call]:
    """Calls of a plain name, such as `quiz("01")`."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == function]


def literal_calls(tree: ast.AST, function: str) -> list[list[object]]:
    """The literal arguments of each call of a plain name: `[["01", "what-a-rate-is"]]`."""
    arguments = [call.args for call in calls(tree, function)]
    return [[node.value for node in nodes if isinstance(node, ast.Constant)] for nodes in arguments]


def markdown(source: str) -> list[Token]:
    return MarkdownIt().parse(source)


def inline(source: str, kind: str) -> list[Token]:
    """Links (`link_open`), images (`image`), code spans (`code_inline`) or HTML tags of Markdown text."""
    return [child for token in markdown(source) for child in token.children or [] if child.type == kind]


def headings(source: str) -> list[tuple[int, str]]:
    """Level and text of each heading, the text as a reader sees it."""
    tokens = markdown(source)
    return [
        (int(opening.tag[1]), "".join(child.content for child in text.children))
        for opening, text in pairwise(tokens)
        if opening.type == "heading_open"
    ]
