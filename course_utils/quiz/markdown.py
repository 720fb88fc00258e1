"""The small subset of Markdown that questions are written in, as a tree that can be shown without trusting it.

A tree is a list of nodes; a node is a text or `[tag, *children]` with a tag of `TAGS`. Nothing else comes out of a
question file: HTML, links and images in it stay text.
"""

import html

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Node = str | list

_TAG = {"paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "strong": "strong", "em": "em"}
TAGS = {*_TAG.values(), "pre", "code"}

_MARKDOWN = MarkdownIt("zero").enable(["emphasis", "backticks", "escape", "fence", "list"])


def parse(text: str) -> list[Node]:
    """Paragraphs, lists and fenced code, with **bold**, *italic* and `code` inside."""
    return _nodes(SyntaxTreeNode(_MARKDOWN.parse(text)))


def inline(text: str) -> list[Node]:
    """**bold**, *italic* and `code` only: for options, items and other lines."""
    return _nodes(SyntaxTreeNode(_MARKDOWN.parseInline(text)))


def to_html(nodes: list[Node]) -> str:
    """The tree as HTML, every text escaped."""
    return "".join(
        html.escape(node) if isinstance(node, str) else f"<{node[0]}>{to_html(node[1:])}</{node[0]}>" for node in nodes
    )


def _nodes(tree: SyntaxTreeNode) -> list[Node]:
    nodes: list[Node] = []
    for child in tree.children:
        if child.type == "text":
            nodes += [child.content] if child.content else []
        elif child.type == "code_inline":
            nodes.append(["code", child.content])
        elif child.type == "fence":
            nodes.append(["pre", ["code", child.content.rstrip("\n")]])
        elif child.type in _TAG and not child.hidden:
            nodes.append([_TAG[child.type], *_nodes(child)])
        elif child.children:
            nodes += _nodes(child)
        else:
            nodes.append(" ")
    return nodes
