"""Runs one recipe as someone who copied it would: without course_utils. Reads a JSON object from standard input.

    {"source": the recipe's cell, "call": an expression, "speech": a file, "music": a file, "out_dir": a folder}

The call may use `torch`, `speech_path` (mono, 16 kHz), `music_path` (stereo, 44.1 kHz), `out_dir`, and `waveform` and
`sample_rate` of the speech; the recipe itself has only what it imports. It may be a comparison, which must then hold.
"""

import json
import sys
from pathlib import Path

import soundfile
import torch

sys.modules["course_utils"] = None  # every import of it now raises ModuleNotFoundError

job = json.load(sys.stdin)
samples, sample_rate = soundfile.read(job["speech"], dtype="float32", always_2d=True)
recipe = {"__name__": "recipe"}
exec(compile(job["source"], "<recipe>", "exec"), recipe)
fixtures = {
    "torch": torch,
    "speech_path": Path(job["speech"]),
    "music_path": Path(job["music"]),
    "out_dir": Path(job["out_dir"]),
    "waveform": torch.from_numpy(samples.T.copy()),
    "sample_rate": sample_rate,
}
value = eval(compile(job["call"], "<call>", "eval"), recipe | fixtures)
is_comparison = isinstance(value, bool) or getattr(value, "dtype", None) == torch.bool
if is_comparison and not torch.as_tensor(value).all():
    sys.exit(f"does not hold: {job['call']}")
