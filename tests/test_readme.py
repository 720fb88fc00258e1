"""README.md and data/audio/README.md name files, notebooks and commands that exist."""

import re
from urllib.parse import unquote, urlsplit

import pytest
import typer.main
from course_notebooks import PATHS, cells, course, headings, inline, markdown, read

from course_utils.cli import app
from course_utils.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def code_texts(source: str) -> list[str]:
    """Code spans, and the lines of code blocks."""
    spans = [token.content for token in inline(source, "code_inline")]
    blocks = [token.content for token in markdown(source) if token.type == "fence"]
    return spans + [line for block in blocks for line in block.splitlines()]


def words_after(command: str) -> set[str]:
    """The words that stand right behind a command in code, as `lab` does in `course lab` and `.venv/bin/course lab`."""
    found = [re.findall(rf"(?:^|[/\\]){command} ([a-z][\w-]*)", text) for text in code_texts(README)]
    return {word for words in found for word in words}


@pytest.mark.parametrize("name", ["README.md", "data/audio/README.md"])
def test_every_file_that_is_linked_or_shown_exists(name):
    file = ROOT / name
    text = file.read_text(encoding="utf-8")
    links = [token.attrs["href"] for token in inline(text, "link_open")]
    links += [token.attrs["src"] for token in inline(text, "image")]
    assert links
    paths = [unquote(urlsplit(link).path) for link in links if not urlsplit(link).scheme]
    assert [path for path in paths if not (file.parent / path).is_file()] == []


def test_the_readme_shows_a_picture_with_a_description():
    (picture,) = inline(README, "image")
    assert len(picture.content) > 20


def test_the_contents_name_each_notebook_with_its_title_part_and_minutes():
    rows = re.findall(r"^\| \[(\d\d) (.+)\]\((.+)\) \| (.+) \| (\d+) \|$", README, re.MULTILINE)
    told = [(number, title, link, part.partition(",")[0], int(minutes)) for number, title, link, part, minutes in rows]
    expected = []
    for path in PATHS:
        notebook = read(path)
        (title,) = [text for level, text in headings(cells(notebook, "markdown")[0].source) if level == 1]
        about = course(notebook)
        expected.append(
            (about["id"], title.partition(":")[0], f"notebooks/{path.name}", about["guide"], about["minutes"])
        )
    assert told == expected


def test_the_course_commands_and_their_options_exist():
    commands = typer.main.get_command(app).commands
    assert words_after("course") >= {"lab", "doctor"}
    assert words_after("course") <= set(commands)
    options = {option for command in commands.values() for parameter in command.params for option in parameter.opts}
    named = {option for text in code_texts(README) for option in re.findall(r"^(?:course .*)?(--[a-z-]+)", text)}
    assert named
    assert named <= options


def test_the_make_targets_exist():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert words_after("make") >= {"lab", "test"}
    assert words_after("make") <= set(targets)
