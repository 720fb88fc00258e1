"""Real telephone prompts with the transcripts of prompts.tsv: `python prompts.py FOLDER PACKAGES`.

Allison Smith reads them (Debian's asterisk-core-sounds-en-wav, 8 kHz). The two that the lessons play are not there.
"""

import csv
import sys
from pathlib import Path

import soundfile
import torch
from torchaudio.functional import resample

from course_utils.standin import SAMPLE_RATE


def main(folder: Path, packages: Path) -> None:
    prompts = next(packages.rglob("en_US_f_Allison"))
    transcripts = Path(__file__).with_name("prompts.tsv").open(encoding="utf-8")
    with (folder / "prompts.tsv").open("w", encoding="utf-8") as listing:
        for name, text in csv.reader(transcripts, delimiter="\t", quoting=csv.QUOTE_NONE):
            samples, rate = soundfile.read(prompts / name, dtype="float32")
            waveform = resample(torch.from_numpy(samples), rate, SAMPLE_RATE)
            file = f"prompts_{name.replace('/', '_').removesuffix('.wav')}.flac"
            soundfile.write(folder / file, waveform.numpy(), SAMPLE_RATE, subtype="PCM_16")
            listing.write(f"{file}\t{len(waveform) / SAMPLE_RATE:.3f}\tAllison\t{text}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
