"""How fast and how well voice activity is detected: by level, by torchaudio, by Silero VAD in four ways.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/voice_activity.py

Time is that of four scenes, 68 s, scores and segments, against the recording's own length. Precision, recall and
boundary error are those of the marked speech in them. torchaudio's Vad only trims the start, so it has no scores.
"""

from collections.abc import Callable

import torch
import torchaudio
from silero_vad import get_speech_timestamps, load_silero_vad
from timing import medians
from torch import Tensor

from course_utils.scenes import SAMPLE_RATE, Scene, speech_scene
from course_utils.segments import Segment, compare_segments
from course_utils.voice_activity import (
    LEVEL_FRAME,
    SILERO_FRAME,
    level_scores,
    segments_from_scores,
    speech_probabilities,
)

ROUNDS = 7
BACKGROUNDS = {
    "quiet room": None,
    "water, 10 dB": ("water", 10),
    "rain, 5 dB": ("ambience", 5),
    "drums": ("drum_loop", 5),
}

Detector = Callable[[Tensor], list[Segment]]


def by_level(waveform: Tensor) -> list[Segment]:
    return segments_from_scores(level_scores(waveform, SAMPLE_RATE), LEVEL_FRAME, 10, 6, min_silence=0.3)


def by_silero(waveform: Tensor) -> list[Segment]:
    scores = speech_probabilities(waveform, SAMPLE_RATE)
    return segments_from_scores(scores, SILERO_FRAME, 0.5, 0.35, min_silence=0.3)


def with_package(**loading: bool) -> Detector:
    model = load_silero_vad(**loading)

    def detect(waveform: Tensor) -> list[Segment]:
        settings = {"min_silence_duration_ms": 300, "speech_pad_ms": 0, "return_seconds": True, "time_resolution": 3}
        found = get_speech_timestamps(waveform[0], model, **settings)
        return [Segment(part["start"], part["end"]) for part in found]

    return detect


def trim(waveform: Tensor) -> None:
    torchaudio.functional.vad(waveform, SAMPLE_RATE)


def judge(detectors: dict[str, Detector], scenes: dict[str, Scene]) -> None:
    for scene_name, scene in scenes.items():
        print(f"\n{scene_name}")
        for name, detect in detectors.items():
            result = compare_segments(detect(scene.waveform), scene.marked)
            print(
                f"{name:30} precision {result.precision:.2f}, recall {result.recall:.2f}, "
                f"edges {1000 * result.boundary_error:5.0f} ms"
            )


def main() -> None:
    scenes = {name: speech_scene(*(arguments or ())) for name, arguments in BACKGROUNDS.items()}
    detectors = {
        "level": by_level,
        "speech_probabilities": by_silero,
        "silero-vad, TorchScript": with_package(),
        "silero-vad, ONNX": with_package(onnx=True),
    }
    judge(detectors, scenes)
    seconds = sum(scene.waveform.shape[1] for scene in scenes.values()) / SAMPLE_RATE
    with torch.inference_mode():
        times = medians(
            {
                name: lambda run=run: [run(scene.waveform) for scene in scenes.values()]
                for name, run in {**detectors, "torchaudio's Vad (the start only)": trim}.items()
            },
            ROUNDS,
        )
    print(f"\nmedians of {ROUNDS} alternating runs over {seconds:.0f} s")
    for name, total in times.items():
        print(f"{name:35} {total:7.1f} ms, {1000 * seconds / total:7.0f} times real time")


if __name__ == "__main__":
    main()
