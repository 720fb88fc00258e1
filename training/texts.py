"""Sentences to be spoken: fortunes, and Jane Austen's novels without the one whose recordings are held out."""

import random
import re
import zlib
from pathlib import Path

LABELS = frozenset("abcdefghijklmnopqrstuvwxyz' ")
MOST_WORDS = 18
FEWEST_WORDS = 3

ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
WORDS = re.findall(
    r"\w+",
    "yes no hello goodbye please thank you sorry stop go left right up down on off open close start wait help again "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december hundred thousand million first second third",
)


def novels(package: Path) -> list[str]:
    """The text of each novel in Debian's r-cran-janeaustenr, without the held-out one."""
    packed = next(package.rglob("data/Rdata.rdb")).read_bytes()
    texts, position = [], 0
    while position < len(packed):
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed[position + 4 :])
        position = len(packed) - len(unpacker.unused_data)
        lines = re.findall(rb"\x00\x04\x00\t(....)", raw, re.DOTALL)
        texts.append(_strings(raw, len(lines)))
    return [text for text in texts if "SENSE AND SENSIBILITY" not in text[:200]]


def _strings(raw: bytes, count: int) -> str:
    """The strings of a serialised character vector of R, one a line."""
    lines, position = [], raw.index(b"\x00\x04\x00\t")
    for _ in range(count):
        length = int.from_bytes(raw[position + 4 : position + 8], "big")
        lines.append(raw[position + 8 : position + 8 + length].decode("utf-8", "replace"))
        position += 8 + length
        if raw[position : position + 4] != b"\x00\x04\x00\t":
            break
    return "\n".join(lines)


def fortunes(package: Path) -> list[str]:
    """The texts of Debian's fortunes, each once."""
    files = [path for path in sorted(package.rglob("fortunes/*")) if path.suffix == "" and path.is_file()]
    return [text for path in files for text in path.read_text("utf-8", "replace").split("\n%\n")]


def sentences(text: str) -> list[str]:
    """Pieces of a text that can be spoken and spelt with the labels: no digits, no abbreviations, 3 to 18 words."""
    text = text.replace("_", "").replace("\u2019", "'").replace("--", ", ")
    text = re.sub(r"\bMr\.", "Mister", text)
    text = re.sub(r"\bMrs\.", "Missus", text)
    text = re.sub(r"\bDr\.", "Doctor", text)
    text = re.sub(r"\s+", " ", text)
    pieces = []
    for sentence in re.findall(r"[^.!?;:\"]+[.!?;:]?", text):
        words = sentence.strip(" ,.'").split()
        if re.search(r"[^A-Za-z',.;:!? \-]", sentence) or re.search(r"\b[A-Z]{2,}\b|\b[A-HJ-Z]\b", sentence):
            continue
        pieces += [" ".join(piece) for piece in _cut(words)]
    return pieces


def _cut(words: list[str]) -> list[list[str]]:
    """Cut a long sentence at its commas."""
    if len(words) <= MOST_WORDS:
        return [words] if len(words) >= FEWEST_WORDS else []
    commas = [i + 1 for i, word in enumerate(words[:-FEWEST_WORDS]) if word.endswith(",") and i + 1 >= FEWEST_WORDS]
    if not commas:
        return []
    middle = min(commas, key=lambda i: abs(i - len(words) / 2))
    return _cut(words[:middle]) + _cut(words[middle:])


def transcript(sentence: str) -> str:
    """What the model shall write: lower case, letters, apostrophes and single spaces."""
    text = re.sub(r"[^a-z' ]", " ", sentence.lower())
    text = re.sub(r"(?<![a-z])'|'(?![a-z])", " ", text)
    return " ".join(text.split())


def numbers(count: int, generator: random.Random) -> list[str]:
    """Digits, numbers and everyday words in no order, as telephones and commands have them."""

    def number() -> str:
        kind = generator.random()
        if kind < 0.4:
            return generator.choice(ONES[:10])
        if kind < 0.7:
            return generator.choice([*ONES, f"{generator.choice(TENS)} {generator.choice(ONES[1:10])}", *TENS])
        return generator.choice(WORDS)

    return [" ".join(number() for _ in range(generator.randint(1, 9))) for _ in range(count)]


def corpus(packages: Path, seed: int = 0) -> list[str]:
    """All sentences, shuffled; the same seed gives the same order."""
    generator = random.Random(seed)
    texts = novels(packages / "r-cran-janeaustenr") + fortunes(packages / "fortunes")
    found = list(dict.fromkeys(piece for text in texts for piece in sentences(text)))
    found = [piece for piece in found if len(transcript(piece).split()) >= FEWEST_WORDS]
    found += numbers(len(found) // 30, generator)
    generator.shuffle(found)
    return found
