"""A player that lights up each word while it is said, and jumps to a word on a click or a key."""

import html
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from torch import Tensor

from course_utils.alignment import DOUBTFUL, WordSpan
from course_utils.checks import check_sample_rate, check_waveform
from course_utils.players import player_html, wav_bytes

_HERE = Path(__file__).parent

LONGEST_PAUSE = 0.4
"""Seconds that a word stays lit after its end if no other begins."""


class Karaoke(anywidget.AnyWidget):
    """The words of a recording under its player: the one that is being said is lit.

    A click on a word, or Enter on it, plays from there; the arrow keys go from word to word. Words with a score below
    0.5 are underlined with dots.

    Args:
        waveform: [channels, samples] or [samples], float, one or two channels; clipped at [-1, 1].
        sample_rate: Hz.
        words: in order, with times in seconds.
        label: name of the whole for screen readers.

    Raises:
        WaveformError: not a waveform, or no sample rate.
    """

    _esm = _HERE / "karaoke.js"
    _css = _HERE / "karaoke.css"

    _words = traitlets.List().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _sound = traitlets.Bytes().tag(sync=True)

    def __init__(self, waveform: Tensor, sample_rate: int, words: Sequence[WordSpan], label: str = "Words in time"):
        waveform = check_waveform(waveform, allow_1d=True)
        self._static = (waveform, check_sample_rate(sample_rate))
        super().__init__(_words=timed(words), _label=label, _sound=wav_bytes(waveform, sample_rate))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The widget, and what is shown where widgets are not: a player and the words with their times."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data["text/plain"] = " ".join(f"{word['text']} ({word['start']:.2f} s)" for word in self._words)
        items = "".join(f"<li>{word['start']:.2f} s: {html.escape(word['text'])}</li>" for word in self._words)
        data["text/html"] = f"{player_html(*self._static, label=self._label)}<ol>{items}</ol>"
        if os.environ.get("COURSE_STATIC"):
            del data["application/vnd.jupyter.widget-view+json"]
        return data, metadata


def timed(words: Sequence[WordSpan]) -> list[dict]:
    """What the browser gets of each word: its text, when it is lit and when no longer, and whether it is doubtful.

    Args:
        words: in order.

    Returns:
        {"text", "start", "until", "doubtful"}, times in seconds. A word stays lit up to the next one, but not for
        longer than 0.4 s after its end.
    """
    following = [word.start for word in words[1:]] + [math.inf] * bool(words)
    return [
        {
            "text": word.word,
            "start": word.start,
            "until": min(begin, word.end + LONGEST_PAUSE),
            "doubtful": word.score < DOUBTFUL,
        }
        for word, begin in zip(words, following, strict=True)
    ]
