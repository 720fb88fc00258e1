"""Let synthetic voices speak the sentences: `python speak.py FOLDER PACKAGES ENGINE FIRST COUNT`.

Writes FLAC files and a list, ENGINE.tsv: file, seconds, voice, transcript. Started again, it goes on where it stopped.
"""

import random
import sys
from pathlib import Path

import numpy as np
import soundfile
from texts import corpus, transcript
from voices import ENGINES, RATE

PEAK = 0.5


def main(folder: Path, packages: Path, engine: str, first: int, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    speak = ENGINES[engine]()
    sentences = corpus(packages)[first : first + count]
    listing = folder / f"{engine}.tsv"
    done = {line.split("\t")[0] for line in listing.read_text().splitlines()} if listing.exists() else set()
    with listing.open("a", encoding="utf-8") as lines:
        for i, sentence in enumerate(sentences, first):
            name = f"{engine}_{i:06}.flac"
            if name in done:
                continue
            samples, voice = speak(sentence, random.Random(f"{engine} {i}"))
            if not (level := np.abs(samples).max(initial=0)):
                continue
            soundfile.write(folder / name, samples * (PEAK / level), RATE, subtype="PCM_16")
            lines.write(f"{name}\t{len(samples) / RATE:.3f}\t{voice}\t{transcript(sentence)}\n")
            lines.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
