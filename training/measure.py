"""Error rates of the stand-in on speech that it was never trained on: `python measure.py WEIGHTS FOLDER`."""

import sys
from pathlib import Path

import jiwer
import torch
from clips import Clip, listed
from safetensors.torch import load_file
from torchaudio.functional import resample

from course_utils.samples import load_sample, sample_info
from course_utils.standin import LABELS, SAMPLE_RATE, StandIn

LIBRIVOX = ("speech", "speech_2", "speech_3", "speech_4", "speech_long")
PHONE = ("phone", "phone_2")


def greedy(emission: torch.Tensor) -> str:
    """[frames, 29] -> the text of the best label of each frame, lower case."""
    best = torch.unique_consecutive(emission.argmax(dim=-1)).tolist()
    return " ".join("".join(LABELS[code] for code in best if code).replace("|", " ").lower().split())


def bundled(names: tuple[str, ...]) -> list[tuple[torch.Tensor, str]]:
    """Recordings of the course: [samples] at 16 kHz, and their transcripts."""
    found = []
    for name in names:
        waveform, rate = load_sample(name)
        found.append((resample(waveform[0], rate, SAMPLE_RATE), sample_info(name).transcript))
    return found


def from_clips(clips: list[Clip]) -> list[tuple[torch.Tensor, str]]:
    return [(clip.samples(), clip.text) for clip in clips]


def test_sets(folder: Path) -> dict[str, list[tuple[torch.Tensor, str]]]:
    """Every held-out set that is there."""
    sets = {"librivox": bundled(LIBRIVOX), "phone": bundled(PHONE)}
    if (folder / "unseen.tsv").exists():
        sets["unseen voice"] = from_clips(listed(folder, ["unseen"])[:60])
    if (folder / "prompts.tsv").exists():
        sets["prompts"] = from_clips(listed(folder, ["prompts"]))
    return sets


@torch.inference_mode()
def error_rates(model: StandIn, items: list[tuple[torch.Tensor, str]], show: bool = False) -> tuple[float, float]:
    """Character and word error rate, greedy, over all items together."""
    written = [greedy(model(samples.unsqueeze(0))[0][0]) for samples, _ in items]
    if show:
        for text, (_, truth) in zip(written, items, strict=True):
            print(f"    {text}\n    = {truth}")
    truth = [text for _, text in items]
    return jiwer.cer(truth, written), jiwer.wer(truth, written)


def report(model: StandIn, folder: Path, show: bool = False) -> str:
    """One line with the error rates on every set."""
    parts = []
    for name, items in test_sets(folder).items():
        characters, words = error_rates(model.eval(), items, show and name in ("librivox", "phone"))
        parts.append(f"{name} {characters:.3f} / {words:.3f}")
    return "CER / WER: " + ", ".join(parts)


if __name__ == "__main__":
    trained = StandIn()
    trained.load_state_dict(load_file(sys.argv[1]))
    print(report(trained, Path(sys.argv[2]), show=True))
