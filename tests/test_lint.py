"""Ruff finds nothing, neither in the modules nor in the notebooks, each read from top to bottom."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.paths import ROOT


def ruff(*arguments: str | Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "ruff",
        *map(str, arguments),
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("target", ["course_utils", "tests", "benchmarks", "conftest.py", "notebooks"])
def test_ruff_has_no_complaint(target):
    result = ruff("check", target)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("target", ["course_utils", "tests", "benchmarks", "conftest.py"])
def test_the_code_is_formatted(target):
    result = ruff("format", "--check", target)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        (["tone = 1", "print(tone)"], None),
        (["print(tone)"], "Undefined name `tone`"),
        (["print(tone)", "tone = 1"], "Undefined name `tone`"),
        (["import math"], "`math` imported but unused"),
    ],
)
def test_cells_that_lean_on_what_no_earlier_cell_made_are_found(tmp_path, cells, complaint):
    notebook = tmp_path / "cells.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in cells]), notebook)
    result = ruff("check", notebook)
    assert result.returncode == (1 if complaint else 0)
    assert complaint is None or complaint in result.stdout
