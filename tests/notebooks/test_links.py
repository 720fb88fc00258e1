"""Links in the notebooks lead somewhere, also from the learner's copy in work/. External ones are not visited."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
from course_notebooks import PATHS, cells, headings, inline, read
from nbformat.v4 import new_markdown_cell, new_notebook

TRACKING = re.compile(r"utm_\w+|fbclid|gclid|ref_src|si")


def anchors(path: Path) -> set[str]:
    """The names that JupyterLab gives the headings of a notebook: their text with hyphens for spaces."""
    sources = [cell.source for cell in cells(nbformat.read(path, as_version=4), "markdown")]
    return {text.replace(" ", "-") for source in sources for _, text in headings(source)}


def external_fault(target: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme != "https" or not parts.netloc:
        return "is not https"
    if any(TRACKING.fullmatch(name) for name in parse_qs(parts.query, keep_blank_values=True)):
        return "tells the site who sent the reader"
    return None


def internal_fault(target: str, notebook: Path) -> str | None:
    path, _, anchor = unquote(target).partition("#")
    file = (notebook.parent / path).resolve() if path else notebook
    if not file.exists():
        return "does not exist"
    if file.suffix == ".ipynb":
        return None if not anchor or anchor in anchors(file) else "names a section that does not exist"
    if not path.startswith("../"):
        return "works only in notebooks/, not in the learner's copy in work/"
    return None


def broken_links(path: Path) -> Iterator[str]:
    for cell in cells(read(path), "markdown"):
        links = [link.attrs["href"] for link in inline(cell.source, "link_open")]
        images = [image.attrs["src"] for image in inline(cell.source, "image")]
        html = re.findall(r"\b(?:href|src)=[\"']([^\"']*)", cell.source)
        for target in links + images + html:
            fault = external_fault(target) if urlsplit(target).scheme else internal_fault(target, path)
            if fault:
                yield f"{target} {fault}"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path):
    assert list(broken_links(path)) == []


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("[next](01_next.ipynb)", None),
        ("[a section](01_next.ipynb#What-a-rate-is)", None),
        ("[above](#A-title)", None),
        ("[licence](../LICENSE)", None),
        ("![a picture](../images/tone.png)", None),
        ("[manual](https://pytorch.org/audio/stable/)", None),
        ("`[no link](anywhere)`", None),
        ("[next](02_other.ipynb)", "does not exist"),
        ("[a section](01_next.ipynb#What-a-channel-is)", "names a section"),
        ("[above](#Nowhere)", "names a section"),
        ("![a picture](../images/noise.png)", "does not exist"),
        ("![a picture](tone.png)", "works only in notebooks/"),
        ('<img src="../images/noise.png" alt="noise">', "does not exist"),
        ("[manual](http://pytorch.org/)", "is not https"),
        ("[manual](https://pytorch.org/?utm_source=course)", "who sent the reader"),
    ],
)
def test_a_broken_link_is_found(tmp_path, link, fault):
    notebooks, images = tmp_path / "notebooks", tmp_path / "images"
    notebooks.mkdir()
    images.mkdir()
    for file in (tmp_path / "LICENSE", images / "tone.png", notebooks / "tone.png"):
        file.touch()
    nbformat.write(new_notebook(cells=[new_markdown_cell("## What a rate is")]), notebooks / "01_next.ipynb")
    notebook = notebooks / "00_start.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(f"# A title\n\n{link}")]), notebook)

    found = list(broken_links(notebook))

    assert len(found) == (1 if fault else 0)
    assert fault is None or fault in found[0]
