"""Lessons with full-size models, without the internet: fetched, loaded and run; time and memory beside the stand-in's.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/full_size.py, or with the names of notebooks: ... 09_forced_alignment

Random numbers stand for the weights, under the right names and in the right shapes. They are served as
`course download --serve` serves them, fetched as `course download` fetches them, and the notebook takes them for the
real ones. They recognise nothing, so assertions about what was heard may fail: these are listed. No other error may
come. Linux and macOS only; it needs up to 4 GB of disk, and the packages of the extra `test`.
"""

import asyncio
import hashlib
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import nbclient.output_widget
import nbformat
import torch
import torchaudio
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from timing import peak_memory
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from course_utils.paths import NOTEBOOKS
from course_utils.pretrained import load_bundle
from course_utils.pretrained.catalogue import MODELS, Model
from course_utils.pretrained.download import download_model
from course_utils.pretrained.mirror import application
from course_utils.samples import load_sample

ROUNDS = 5
CLIP = "speech_long"

# The same cure for a stall of nbclient as in the root conftest.py.
nbclient.output_widget.OutputWidget.sync_state = lambda self: None

PREPARE = """
from dataclasses import replace
from course_utils.pretrained.catalogue import MODELS
for name, size, sha256 in {entries}:
    MODELS[name] = replace(MODELS[name], files=(replace(MODELS[name].files[0], size=size, sha256=sha256),))
"""
REPORT = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if __import__("sys").platform == "darwin" else 1024) / 1e6)
"""


def models_of(text: str) -> list[str]:
    """The models of wav2vec 2.0's kind that a notebook asks load_bundle for."""
    names = dict.fromkeys(re.findall(r'load_bundle\(\\?"(\w+)\\?"', text))
    return [name for name in names if hasattr(getattr(torchaudio.pipelines, name, None), "_model_type")]


def write_random_weights(name: str, cache: Path) -> Model:
    """A file of random numbers for a model, and the catalogue's entry that takes it for the weights."""
    bundle = getattr(torchaudio.pipelines, name)
    outputs = bundle._params["aux_num_out"]
    if outputs:  # the files hold scores of labels that torchaudio drops
        outputs += len(bundle._remove_aux_axis)
    torch.manual_seed(0)
    weights = torchaudio.models.wav2vec2_model(**{**bundle._params, "aux_num_out": outputs}).state_dict()
    path = cache / MODELS[name].files[0].path
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(weights, path)
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return replace(MODELS[name], files=(replace(MODELS[name].files[0], size=path.stat().st_size, sha256=sha256),))


@contextmanager
def served(models: list[Model], cache: Path) -> Iterator[str]:
    """The address at which this computer offers models to itself, as `course download --serve` does to a room."""
    [socket] = bind_sockets(0, address="127.0.0.1")
    loop = asyncio.new_event_loop()

    async def listen() -> None:
        HTTPServer(application(models, cache, told=lambda line: None)).add_socket(socket)

    loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def measure(name: str, small: bool, entry: Model) -> None:
    """Load a model in this process and let it listen; print time and memory."""
    MODELS[name] = entry
    waveform, sample_rate = load_sample(CLIP)
    begin = time.perf_counter()
    model = load_bundle(name, small=small).get_model()
    loading = time.perf_counter() - begin
    times = []
    with torch.inference_mode():
        for _ in range(1 + ROUNDS):
            begin = time.process_time()
            model(waveform)
            times.append(time.process_time() - begin)
    factor = median(times[1:]) * sample_rate / waveform.shape[1]
    print(f"  {name}: loaded in {loading:.1f} s; {factor:.3f} s of computing for a second of speech; ", end="")
    print(f"{peak_memory():.0f} MB at most, libraries included")


def alone(*arguments: object) -> None:
    process = multiprocessing.get_context("spawn").Process(target=measure, args=arguments)
    process.start()
    process.join()


def run_notebook(name: str, entries: list[Model], torch_home: Path) -> None:
    """Run a notebook with the models that lie in `torch_home`, with the stand-ins where there are none."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    listed = [(entry.name, entry.files[0].size, entry.files[0].sha256) for entry in entries]
    notebook.cells = [new_code_cell(PREPARE.format(entries=listed)), *notebook.cells, new_code_cell(REPORT)]
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=3600, allow_errors=True, resources={"metadata": {"path": folder}})
        begin = time.perf_counter()
        client.execute(env=os.environ | {"COURSE_HOME": f"{folder}/course", "TORCH_HOME": str(torch_home)})
        taken = time.perf_counter() - begin
    failed = [
        (output.ename, cell.source)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    cpu, memory = map(float, notebook.cells[-1].outputs[0].text.split())
    print(f"  {name}: {taken:.0f} s, of which {cpu:.0f} s computing; {memory:.0f} MB at most; ", end="")
    print(f"{len(failed)} assertions failed")
    for kind, source in failed:
        if kind != "AssertionError":
            raise SystemExit(f"{kind} in the cell:\n{source}")
        print("    " + [line for line in source.splitlines() if "assert " in line][-1].strip())


def main() -> None:
    threads = torch.get_num_threads()
    for name in sys.argv[1:] or ["07_speech_recognition"]:
        wanted = models_of((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            teacher, learner = Path(folder) / "teacher", Path(folder) / "learner"
            os.environ["TORCH_HOME"] = str(learner)
            entries = [write_random_weights(model, teacher) for model in wanted]
            print("stand-ins")
            for entry in entries:
                alone(entry.name, True, entry)
            run_notebook(name, entries, learner)
            print("full size")
            with served(entries, teacher) as address:
                for entry in entries:
                    begin = time.perf_counter()
                    download_model(entry, mirror=address)
                    taken = time.perf_counter() - begin
                    print(f"  {entry.name}: {entry.size / 1e6:.0f} MB fetched and checked in {taken:.1f} s")
            for entry in entries:
                alone(entry.name, False, entry)
            run_notebook(name, entries, learner)
    print(f"medians of {ROUNDS} rounds with {CLIP}, {threads} threads; one run of each notebook")


if __name__ == "__main__":
    main()
