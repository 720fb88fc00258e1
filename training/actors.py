"""Real speech with known texts: the actors of a game in Debian, Flight of the Amazon Queen.

    python actors.py FOLDER PACKAGES WEIGHTS

The game has a file for each spoken line and, elsewhere, the texts of all lines, with no link between the two that is
easy to follow. So a first recogniser (WEIGHTS) listens to every file, and the line of the game that is most like what
it wrote is taken for the transcript; where none is like it, the file is left out. Started again with better WEIGHTS, it
tries those that were left out.
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import soundfile
import torch
from measure import greedy
from rapidfuzz import fuzz, process
from safetensors.torch import load_file
from texts import transcript
from torchaudio.functional import resample

from course_utils.standin import SAMPLE_RATE, StandIn

HEADER = 15
"""Bytes before the table of contents: name of the format, version, number of entries."""
ENTRY = re.compile(rb"([ -~]+)\0*")
LIKE_ENOUGH, SHORT_LIKE_ENOUGH, SHORT_TEXT = 70, 80, 20
"""Likeness of two texts in percent, higher for texts of up to 20 letters; chance reaches about 55."""
SHORTEST = 0.4
"""Seconds."""


def entries(game: bytes) -> Iterator[tuple[str, bytes]]:
    """The files inside the game's one: name in 12 bytes, 1 byte, then offset and size in 4 bytes each."""
    position = HEADER
    while name := ENTRY.fullmatch(game[position : position + 12]):
        offset, size = (int.from_bytes(game[position + at : position + at + 4], "big") for at in (13, 17))
        yield name[1].decode(), game[offset : offset + size]
        position += 21


def lines(contents: list[tuple[str, bytes]]) -> list[str]:
    """Every text of the game as a transcript, whole and in the parts between its stage directions, like *03."""
    found = set()
    for name, content in contents:
        if not name.upper().endswith((".DOG", ".CUT", ".JAS")):
            continue
        for run in re.findall(rb"[ -~]{3,}", content):
            # The byte before each text gives its length, and may look like a letter.
            start = next((at + 1 for at in range(3) if run[at] == len(run) - at - 1), 0)
            text = run[start:].decode()
            found |= {transcript(part) for part in [re.sub(r"\*\w\w|\*", " ", text), *re.split(r"\*\w\w|\*", text)]}
    return sorted(line for line in found if len(line) > 2)


@torch.inference_mode()
def main(folder: Path, packages: Path, weights: Path) -> None:
    model = StandIn()
    model.load_state_dict(load_file(weights))
    model.eval()
    contents = list(entries(next(packages.rglob("queen.1c")).read_bytes()))
    known = lines(contents)
    print(len(contents), "files,", len(known), "texts")
    listing = folder / "actors.tsv"
    done = {line.split("\t")[0] for line in listing.read_text().splitlines()} if listing.exists() else set()
    with listing.open("a") as matched:
        for name, content in contents:
            file = f"actors_{name.split('.')[0]}.flac"
            if not name.upper().endswith(".SB") or file in done:
                continue
            samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
            waveform = resample(torch.from_numpy(samples), rate, SAMPLE_RATE)
            if len(waveform) < SHORTEST * SAMPLE_RATE or not waveform.any():
                continue
            heard = greedy(model(waveform.unsqueeze(0))[0][0])
            text, likeness, _ = process.extractOne(heard, known, scorer=fuzz.ratio)
            if likeness >= (LIKE_ENOUGH if len(text) > SHORT_TEXT else SHORT_LIKE_ENOUGH):
                level = waveform.abs().max()
                soundfile.write(folder / file, waveform.numpy() * float(0.5 / level), SAMPLE_RATE, subtype="PCM_16")
                matched.write(f"{file}\t{len(waveform) / SAMPLE_RATE:.3f}\t{likeness:.0f} {heard}\t{text}\n")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
