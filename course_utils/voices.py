"""Words that several people say: real recordings for comparing speakers and words.

Five women read the international spelling alphabet, alpha to zulu, for telephone systems; one reads it in Spanish, too.
`data/voices/manifest.yaml` says where each recording comes from, and its licence.
"""

from dataclasses import dataclass

import yaml
from torch import Tensor

from course_utils.audio_io import load_audio
from course_utils.paths import DATA

VOICES = DATA / "voices"

SAMPLE_RATE = 8000
"""Hz, of all clips: telephone speech."""


@dataclass(frozen=True, eq=False)
class WordClip:
    """One word, said once."""

    speaker: str
    language: str
    """The speaker's, or the one that she reads in: it colours how the word sounds."""
    word: str
    """Such as "alpha"; of the Spanish reading only the letter is known, "letter a"."""
    waveform: Tensor
    """[1, samples], float32 at 8000 Hz."""


def load_words() -> list[WordClip]:
    """All clips of the spelling alphabet: five people with 26 words each, and one of them once more in Spanish.

    Returns:
        156 clips, 0.4 to 1.6 seconds each: reading after reading, alpha to zulu.

    Taught in 08_speech_representations.
    """
    readings = yaml.safe_load((VOICES / "manifest.yaml").read_text(encoding="utf-8"))
    return [clip for reading in readings for clip in _clips(reading)]


def _clips(reading: dict) -> list[WordClip]:
    waveform, rate = load_audio(VOICES / reading["file"])
    return [
        WordClip(reading["speaker"], reading["language"], word, waveform[:, round(start * rate) : round(end * rate)])
        for word, (start, end) in reading["words"].items()
    ]
