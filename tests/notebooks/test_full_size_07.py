"""07_speech_recognition with the full-size model, up to its measurements: only what it hears may differ.

benchmarks/full_size.py runs all of it, and fetches the model first.
"""

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from torchaudio.models import wav2vec2_base

from course_utils.paths import NOTEBOOKS
from course_utils.pretrained.catalogue import MODELS

FILE = MODELS["WAV2VEC2_ASR_BASE_960H"].files[0]
TAKE_FOR_REAL = """
from dataclasses import replace
from course_utils.pretrained.catalogue import MODELS
model = MODELS["WAV2VEC2_ASR_BASE_960H"]
MODELS[model.name] = replace(model, files=(replace(model.files[0], size={size}),))
"""


@pytest.mark.timeout(300)
def test_the_cells_run_with_the_full_size_model(offline_environment, tmp_path):
    weights = wav2vec2_base(aux_num_out=32).state_dict()  # random; torchaudio drops three of the 32 labels
    weights["aux.bias"][0] += 10  # and the blank wins, as the notebook claims
    path = tmp_path / "torch" / "hub" / FILE.path
    path.parent.mkdir(parents=True)
    torch.save(weights, path)
    del weights
    notebook = nbformat.read(NOTEBOOKS / "07_speech_recognition.ipynb", as_version=4)
    [end] = [place for place, cell in enumerate(notebook.cells) if "\n## Measure, do not believe" in cell.source]
    prepare = new_code_cell(TAKE_FOR_REAL.format(size=path.stat().st_size))
    notebook.cells = [prepare, *notebook.cells[:end]]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": tmp_path}}).execute(env=offline_environment)
    path.unlink()
    printed = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert any(text.startswith("WAV2VEC2_ASR_BASE_960H: the full-size model") for text in printed)
    assert any("[1, 149, 29] = [batch, frames, labels]" in text for text in printed)
    assert any("the blank wins in 100% of the frames" in text for text in printed)
