"""How right the word times of `align` are, on speech whose word times are known.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/word_boundaries.py [FOLDER OF PRAATIO'S SOURCE]

The truth is made in three ways:
1. joined words: hibari's voice, which the stand-in never heard, speaks each word of 20 Harvard sentences by itself. The
   word is cut where its power, over 5 ms, is 35 dB below its loudest, and joined with the next after 0.1 s of nothing.
   These times are exact; the words are said as in a list.
2. sentences: the same voice speaks the sentences whole. Its network decides how long each phoneme lasts, in steps of
   25 ms, and these numbers are read out of it: a word lasts from its first phoneme to its last. They come later than
   the sound; how much later is measured at the first word of each sentence (35 dB, as above), and taken off in a second
   line, as if it were the same at all words. A pause counts as part of the phoneme before it, so that ends say nothing.
3. by hand: three people, a sentence of four words each, from the examples of the package praatio, whose author marked
   the words in Praat. `pip download --no-deps --no-binary :all: praatio`, unpack it, and pass the folder.
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime
import torch
import torchaudio
from hibari import Hibari, dsp
from praatio import textgrid
from torch import Tensor

from course_utils.alignment import align, normalise_transcript
from course_utils.audio_io import load_audio
from course_utils.pretrained import load_bundle

RATE = 16_000
STEP = 80
"""Samples over which power is measured: 5 ms."""
GAP = 0.1
HARVARD = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through.",
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
)
HAND_MARKED = (("bobby.wav", "bobby_words"), ("mary.wav", "mary"), ("damon_set_test.wav", "damon_set_test"))

Spoken = tuple[Tensor, list[tuple[str, float, float]]]
"""A recording [1, samples] at 16 kHz, and its words with start and end in seconds."""


def at_model_rate(samples: np.ndarray, voice: Hibari) -> Tensor:
    return torchaudio.functional.resample(torch.from_numpy(samples).unsqueeze(0), voice.sample_rate, RATE)


def sounding(waveform: Tensor) -> tuple[int, int]:
    """The first sample, and the first after the last, that are not 35 dB below the loudest 5 ms."""
    power = waveform[0].unfold(0, STEP, STEP).square().mean(dim=1)
    loud = (power > power.max() * 10**-3.5).nonzero()
    return int(loud[0]) * STEP, (int(loud[-1]) + 1) * STEP


def joined_words() -> Iterator[Spoken]:
    voice, gap = Hibari(), torch.zeros(1, round(GAP * RATE))
    for sentence in HARVARD:
        parts, words, at = [gap], [], GAP
        for word in normalise_transcript(sentence):
            waveform = at_model_rate(voice(f"{word}.", seed=0), voice)
            first, end = sounding(waveform)
            parts += [waveform[:, first:end], gap]
            words.append((word, at, at + (end - first) / RATE))
            at = words[-1][2] + GAP
        yield torch.cat(parts, dim=1), words


def sentences() -> Iterator[Spoken]:
    voice = Hibari()
    network = onnx.load(voice.model_path)
    [rounded] = [node.output[0] for node in network.graph.node if node.op_type == "Round"]
    [durations] = [node.output[0] for node in network.graph.node if node.op_type == "Clip" and rounded in node.input]
    network.graph.output.append(onnx.helper.ValueInfoProto(name=durations))
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    for sentence in HARVARD:
        [phonemes] = voice.phonemize(sentence)
        inputs = {"ids": np.array([voice.ids(phonemes)]), "speed": np.array([1], np.float32)}
        *sound, steps = session.run(None, inputs)
        samples = dsp.synth(*(part[0] for part in sound), np.random.default_rng(0))
        ends = np.cumsum(steps.squeeze()) / steps.sum() * len(samples) / voice.sample_rate
        # ends[n] is where phoneme n - 1 begins: the network pads each sentence with one step of silence or more.
        spaces = [place for place, phoneme in enumerate(phonemes) if phoneme == " "]
        borders = [0, *(place + 1 for place in spaces), len(phonemes)]
        words = normalise_transcript(sentence)
        times = [(float(ends[first]), float(ends[after])) for first, after in pairwise(borders)]
        yield at_model_rate(samples, voice), [(word, *own) for word, own in zip(words, times, strict=True)]


def by_hand(source: Path) -> Iterator[Spoken]:
    for sound, grid in HAND_MARKED:
        waveform, _ = load_audio(source / "examples/files" / sound, sample_rate=RATE, mono=True)
        tiers = textgrid.openTextgrid(str(source / f"examples/files/{grid}.TextGrid"), includeEmptyIntervals=False)
        [name] = {"word", "words"} & set(tiers.tierNames)
        yield waveform, [(entry.label.lower(), entry.start, entry.end) for entry in tiers.getTier(name).entries]


def summary(errors: list[float]) -> str:
    sizes = [abs(error) for error in errors]
    return (
        f"{1000 * median(sizes):3.0f} ms off in the median, 90 % within {1000 * np.quantile(sizes, 0.9):3.0f} ms, "
        f"{1000 * median(errors):+4.0f} ms on the whole"
    )


def main() -> None:
    bundle = load_bundle("MMS_FA")
    model = bundle.get_model()
    sets = {"joined words": joined_words(), "sentences": sentences()}
    if len(sys.argv) > 1:
        sets["by hand"] = by_hand(Path(sys.argv[1]))
    for name, recordings in sets.items():
        starts, ends, lags = [], [], []
        for waveform, truth in recordings:
            found = align(bundle, waveform, RATE, [word for word, *_ in truth], model=model)
            starts += [span.start - start for span, (_, start, _) in zip(found, truth, strict=True)]
            ends += [span.end - end for span, (*_, end) in zip(found, truth, strict=True)]
            lags.append(truth[0][1] - sounding(waveform)[0] / RATE)
        print(f"{name}, {len(starts)} words\n  starts {summary(starts)}")
        if name == "sentences":
            lag = median(lags)
            print(
                f"  starts {summary([error + lag for error in starts])}, with {1000 * lag:.0f} ms taken off the truth"
            )
        else:
            print(f"  ends   {summary(ends)}")


if __name__ == "__main__":
    main()
