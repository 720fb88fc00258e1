"""How long each notebook runs, against a kernel that only imports torch and torchaudio.

Run by hand: python benchmarks/notebook_times.py, or with the names of the notebooks: ... 00_start_here 01_audio_io
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import nbclient.output_widget
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.paths import NOTEBOOKS

RUNS = 3

# The same cure for a stall of nbclient as in the root conftest.py.
nbclient.output_widget.OutputWidget.sync_state = lambda self: None


def seconds(notebook: NotebookNode) -> float:
    """Wall time from the start of a kernel to its end, in an empty folder with an empty progress store."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}})
        start = time.perf_counter()
        client.execute(env=os.environ | {"COURSE_HOME": str(Path(folder) / "course")})
        return time.perf_counter() - start


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    notebooks = {"import torch, torchaudio": new_notebook(cells=[new_code_cell("import torch, torchaudio")])}
    notebooks |= {name: nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4) for name in names}
    rounds = [{name: seconds(notebook) for name, notebook in notebooks.items()} for _ in range(RUNS)]
    medians = {name: median(times[name] for times in rounds) for name in notebooks}
    baseline = medians["import torch, torchaudio"]
    for name, time_taken in medians.items():
        print(f"{name:30} {time_taken:6.1f} s   ratio {time_taken / baseline:5.1f}")
    print(f"medians of {RUNS} alternating runs; each includes the start of its kernel")


if __name__ == "__main__":
    main()
