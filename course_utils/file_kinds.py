"""What the first bytes of a file say: which container it is, and what it looks like when it is not audio.

Decoders only say "invalid data". The bytes tell more: a failed download, a picture, a sound file that breaks off.
"""

import codecs
import re
import struct
from typing import BinaryIO

import puremagic

from course_utils.audio_source import AGAIN, CHECK_THE_PATH

CONTAINERS = {
    "WAV": rb"(RIFF|RIFX|RF64|BW64)....WAVE|riff\x2e\x91\xcf\x11",
    "AIFF": rb"FORM....AIF[FC]",
    "FLAC": rb"fLaC",
    "OGG": rb"OggS",
    "AU": rb"\.snd",
    "CAF": rb"caff",
    "SPHERE": rb"NIST_1A",
    "MP4": rb"....ftyp",
    "Matroska": rb"\x1a\x45\xdf\xa3",
    "WMA": rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    "WavPack": rb"wvpk",
    "TTA": rb"TTA1",
    "AVI": rb"RIFF....AVI ",
    "MPEG-TS": rb"\x47.{187}\x47",
    "AAC": rb"\xff[\xf0\xf1\xf8\xf9]",
    "MP3": rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xfd]",
}
TEXT_KINDS = {
    rb"version https://git-lfs": ("a Git LFS pointer", "Fetch the real file with `git lfs pull`."),
    rb".{0,1000}<(!doctype html|html|head|body)": (
        "an HTML page, probably from a failed download",
        "Open it in a browser to see what the server said, and download the file again.",
    ),
    rb"\s*(<\?xml|<svg)": ("XML", "If it was downloaded, it may hold the server's error message: open it and see."),
    rb"\s*[{[]\s*[\"{\[\]}\d-]": (
        "JSON",
        "If it was downloaded, it may hold the server's error message: open it and see.",
    ),
    rb"#extm3u": ("a playlist", "Load the files that it names."),
}
BINARY_KINDS = {
    rb"MThd": ("a MIDI file, which holds notes and no sound", "Play it with a synthesiser and record the result."),
    rb"PK\x03\x04": ("a ZIP archive", "If there is sound inside, unpack it and load that."),
    rb"\x93NUMPY": ("a NumPy array", "Read it with `numpy.load`."),
    rb"(.)\1+\Z": ("one byte repeated, as a broken copy leaves it", AGAIN),
}
PLACEHOLDER = 0x7FFF0000
"""Programs that write WAV to a pipe cannot know the size; they leave a number from here up (or 0) in its place."""


def container(head: bytes) -> str | None:
    """The sound or video container that begins with these bytes, for example "WAV" or "MP4"; None when none does."""
    return next((name for name, pattern in CONTAINERS.items() if re.match(pattern, head, re.DOTALL)), None)


def not_audio(head: bytes) -> tuple[str, str] | None:
    """What a file looks like that is not audio, and what to do about it.

    Args:
        head: its first bytes; a few thousand are enough.

    Returns:
        The kind, as in "it looks like ...", and one sentence of advice; None when the bytes match nothing.
    """
    for pattern, kind in BINARY_KINDS.items():
        if re.match(pattern, head, re.DOTALL):
            return kind
    if _is_text(head):
        for pattern, kind in TEXT_KINDS.items():
            if re.match(pattern, head.lower(), re.DOTALL):
                return kind
        first_line = head.decode("utf-8", "replace").strip().partition("\n")[0]
        return f"text that begins with {first_line[:40]!r}", CHECK_THE_PATH
    if container(head):
        return None
    return _by_magic_number(head)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\0-\x08\x0e-\x1a\x1c-\x1f]", text)


def _by_magic_number(head: bytes) -> tuple[str, str] | None:
    try:
        match = puremagic.magic_string(head)[0]
    except puremagic.PureError:
        return None
    if len(match.byte_match) < 3:  # two bytes agree by chance too often
        return None
    name = match.name
    if match.mime_type.startswith("image/"):
        name = match.mime_type[6:].removeprefix("x-").upper() + " image"
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}", CHECK_THE_PATH


def share_present(file: BinaryIO) -> float:
    """The share of the sound data announced by a WAV or AIFF header that the file really holds.

    Args:
        file: open for reading.

    Returns:
        From 0 to 1; also 1 where the header announces nothing that one could rely on, and for other containers.
    """
    file.seek(0)
    byte_order = {b"RIFF": "<", b"FORM": ">"}.get(file.read(12)[:4])
    while byte_order and len(chunk := file.read(8)) == 8:
        name, size = struct.unpack(f"{byte_order}4sI", chunk)
        if name in (b"data", b"SSND"):
            start = file.tell()
            return min(1.0, (file.seek(0, 2) - start) / size) if 0 < size < PLACEHOLDER else 1.0
        file.seek(size + size % 2, 1)
    return 1.0


def breaks_off_in_a_page(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file is announced longer than it is: the file was cut there."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    file.seek(max(0, file.seek(0, 2) - 2 * 65307))  # no page is longer than 65307 bytes
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    segments = page[26] if len(page) > 26 else 255
    return len(page) < 27 + segments + sum(page[27 : 27 + segments])


def length_is_a_guess(file: BinaryIO) -> bool:
    """Whether the length of an MP3 or AAC stream is a guess: no Xing, Info or VBRI header counts its frames."""
    file.seek(0)
    head = file.read(10)
    tag = 0
    if head[:3] == b"ID3":  # a tag with title and cover, its size in four times seven bits
        tag = 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    file.seek(tag)
    frame = file.read(2048)
    return container(frame) in ("MP3", "AAC") and not re.search(rb"Xing|Info|VBRI", frame)
