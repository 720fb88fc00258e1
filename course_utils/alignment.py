"""From a recording and its words to the time of each word, and on to the lines of subtitles.

The models are those for forced alignment: torchaudio's MMS_FA or the stand-in with its interface (`load_bundle`).
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn
from torchaudio.functional import TokenSpan
from torchaudio.pipelines import Wav2Vec2FABundle

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import CourseError, SilentAudioError, WaveformError
from course_utils.plots import plot_waveform

STAR = "*"
"""Stands for whatever is said and not written down."""

DOUBTFUL = 0.5
"""Below this score, look at a word again."""

SHORTEST = 400
"""Samples that MMS_FA takes for its first frame: 25 ms."""

_SAID = {"mr.": "mister", "mrs.": "missus", "dr.": "doctor", "&": "and", "%": "percent"}
_NUMBER = re.compile(r"\d+(?:,\d+)*(?:\.\d+)?(?:st|nd|rd|th)?")


class TranscriptError(CourseError):
    """A transcript does not fit the model's letters or the recording."""


class WordSpan(NamedTuple):
    """A word, or a line of several, and when it is said."""

    word: str
    start: float
    """Seconds from the beginning of the recording."""
    end: float
    """Seconds; the first moment after the word's last letter."""
    score: float
    """Mean probability that the model gives to the word's letters where they were put, 0 to 1."""


def normalise_transcript(text: str, language: str = "en") -> list[str]:
    """The words of a text as they are said, spelt with what the models know: a to z and the apostrophe.

    Numbers become words; four digits without a comma, from 1100 to 2099, are taken for a year. Accents go, other
    scripts are put into Latin letters, hyphens part words, other signs are left out. A `*` between spaces stays.

    Args:
        text: as people write it, in any script.
        language: of the number words, as a code that num2words knows.

    Returns:
        The words, lower case, none empty.

    Taught in 09_forced_alignment.
    """
    return [word for written in text.split() for word in _spoken(written, language)]


def _spoken(written: str, language: str) -> list[str]:
    """The words of what stands between two spaces: none for a dash, two for "ill-disposed"."""
    from anyascii import anyascii

    if written == STAR:
        return [STAR]
    told = "".join(sign for sign in written if unicodedata.category(sign)[0] not in "SC")  # no emoji, no currency
    told = anyascii(told).lower()
    told = _SAID.get(told, told).replace("&", " and ").replace("%", " percent")
    told = _NUMBER.sub(lambda digits: f" {_number(digits[0], language)} ", told)
    words = (word.strip("'") for word in re.split("[^a-z']+", told))
    return [word for word in words if word]


def _number(digits: str, language: str) -> str:
    from anyascii import anyascii
    from num2words import num2words

    number = digits.replace(",", "").rstrip("stndrh")
    kind = "cardinal"
    if not digits[-1].isdigit():
        kind = "ordinal"
    elif re.fullmatch(r"1[1-9]\d\d|20\d\d", digits):
        kind = "year"
    value = float(number) if "." in number else int(number)
    return anyascii(num2words(value, lang=language, to=kind)).lower()


def align(
    bundle: Wav2Vec2FABundle,
    waveform: Tensor,
    sample_rate: int,
    words: Sequence[str],
    *,
    model: nn.Module | None = None,
) -> list[WordSpan]:
    """Find when each word of a known text is said.

    Args:
        bundle: as `load_bundle("MMS_FA")` returns it.
        waveform: [1, samples] or [samples], float, not silent, at least 25 ms.
        sample_rate: Hz; the bundle's own.
        words: in the order in which they are said, as `normalise_transcript` returns them; `*` fits anything.
        model: what `bundle.get_model()` returned, so that the weights are not loaded once more.

    Returns:
        A span for each word, in order, none overlapping another.

    Raises:
        WaveformError: not a waveform, more than one channel, another rate, or too short for a frame.
        SilentAudioError: nothing but silence.
        TranscriptError: no words, one that the model cannot spell, or more than fit into the recording.
        CourseError: the bundle is for recognition.

    Taught in 09_forced_alignment. Source: Pratap et al. (2023), Scaling Speech Technology to 1,000+ Languages.
    """
    if not hasattr(bundle, "get_aligner"):
        raise CourseError("This bundle recognises speech and has no aligner.", 'Take load_bundle("MMS_FA").')
    waveform = _check_speech(waveform, sample_rate, bundle.sample_rate)
    tokens = _tokens(words, bundle.get_dict())
    model = bundle.get_model() if model is None else model
    with torch.inference_mode():
        emissions, _ = model(waveform)
    frames, needed = emissions.shape[1], frames_needed([token for word in tokens for token in word])
    if needed > frames:
        raise TranscriptError(
            f"The transcript needs {needed} frames, one for each letter; the recording has {frames}.",
            "See whether the two belong together, or align fewer words.",
        )
    spans = bundle.get_aligner()(emissions[0], tokens)
    seconds_per_frame = waveform.shape[1] / frames / sample_rate
    return [_word_span(word, of_word, seconds_per_frame) for word, of_word in zip(words, spans, strict=True)]


def frames_needed(tokens: Sequence[int]) -> int:
    """How many frames an alignment takes at least: one for each token, and a blank between two that are equal.

    Args:
        tokens: of all words, one after the other.

    Returns:
        A number of frames.
    """
    return len(tokens) + sum(token == following for token, following in pairwise(tokens))


def _check_speech(waveform: Tensor, sample_rate: int, wanted: float) -> Tensor:
    waveform = check_waveform(waveform, allow_1d=True)
    if len(waveform) > 1:
        raise WaveformError(
            f"The waveform has {len(waveform)} channels; an alignment is made for one.",
            "Mix them with waveform.mean(dim=0, keepdim=True).",
        )
    if check_sample_rate(sample_rate) != wanted:
        raise WaveformError(
            f"The waveform has {sample_rate} Hz; the model takes {wanted:g} Hz.",
            f"Convert it first: torchaudio.functional.resample(waveform, {sample_rate}, {wanted:g}).",
        )
    if waveform.shape[1] < SHORTEST:
        raise WaveformError(
            f"The waveform has {waveform.shape[1]} samples; the model's first frame takes {SHORTEST}.",
            "Pass at least 25 ms.",
        )
    if not waveform.any():
        raise SilentAudioError("The waveform is silent, so no word has a place in it.", "Look at where it comes from.")
    return waveform.float()


def _tokens(words: Sequence[str], dictionary: dict[str, int]) -> list[list[int]]:
    """The numbers of the letters of each word."""
    if isinstance(words, str):
        raise TranscriptError("The words are one string.", "Pass a list: normalise_transcript(text).")
    if not words:
        raise TranscriptError("There are no words to align.", "Pass at least one.")
    letters = dictionary.keys() - {"-"}
    for word in words:
        if not word or not letters.issuperset(word):
            strange = " and ".join(repr(sign) for sign in dict.fromkeys(word) if sign not in letters)
            raise TranscriptError(
                f"The word {word!r} has {strange or 'no letters'}, which the model cannot spell.",
                "Normalise the text first: normalise_transcript(text).",
            )
    return [[dictionary[letter] for letter in word] for word in words]


def _word_span(word: str, spans: Sequence[TokenSpan], seconds_per_frame: float) -> WordSpan:
    score = sum(span.score * len(span) for span in spans) / sum(map(len, spans))
    return WordSpan(word, spans[0].start * seconds_per_frame, spans[-1].end * seconds_per_frame, score)


def as_written(text: str, spans: Sequence[WordSpan], language: str = "en") -> list[WordSpan]:
    """Give the aligned words their written form back: capitals, commas, and "1811" in place of its two words.

    Args:
        text: the one whose `normalise_transcript` was aligned.
        spans: of all its words.
        language: as it was normalised.

    Returns:
        A span for each written word. What is not said, such as a dash, joins the word before it.

    Raises:
        TranscriptError: the spans are not those of the text.

    Taught in 09_forced_alignment.
    """
    written = [(word, len(_spoken(word, language))) for word in text.split()]
    if sum(count for _, count in written) != len(spans):
        raise TranscriptError(
            f"The text has {sum(count for _, count in written)} spoken words, and there are {len(spans)} spans.",
            "Pass the text whose normalise_transcript was aligned.",
        )
    found: list[WordSpan] = []
    rest, unsaid = list(spans), ""
    for word, count in written:
        own, rest = rest[:count], rest[count:]
        if own:
            score = sum(span.score for span in own) / count
            found.append(WordSpan(f"{unsaid}{word}", own[0].start, own[-1].end, score))
            unsaid = ""
        elif found:
            last = found[-1]
            found[-1] = WordSpan(f"{last.word} {word}", last.start, last.end, last.score)
        else:
            unsaid += f"{word} "
    return found


def subtitle_lines(words: Sequence[WordSpan], longest: int = 42, pause: float = 0.5) -> list[WordSpan]:
    """Join words to lines that can be read at one glance.

    Args:
        words: in order.
        longest: characters of a line, spaces included; a single word may have more.
        pause: seconds without a word after which a new line starts.

    Returns:
        Lines, each as a span from its first word to its last, with the lowest score of its words.

    Taught in 09_forced_alignment.
    """
    lines: list[list[WordSpan]] = []
    for word in words:
        line = lines[-1] if lines else []
        fits = len(" ".join(span.word for span in [*line, word])) <= longest
        if line and fits and word.start - line[-1].end < pause:
            line.append(word)
        else:
            lines.append([word])
    return [
        WordSpan(" ".join(w.word for w in line), line[0].start, line[-1].end, min(w.score for w in line))
        for line in lines
    ]


def plot_words(
    waveform: Tensor, sample_rate: int, words: Sequence[WordSpan], *, ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Draw a waveform with each word where it is said: red and hatched below a score of 0.5, the star grey.

    Args:
        waveform: [1, samples] or [samples], float.
        sample_rate: Hz.
        words: in order.
        ax: where to draw; a new figure if None.
        title: above the picture.

    Returns:
        The Axes; time in seconds.

    Raises:
        WaveformError: not a waveform, or no sample rate.

    Taught in 09_forced_alignment.
    """
    ax = plot_waveform(waveform, sample_rate, ax=ax, title=title)
    for full_scale in ax.get_lines()[:2]:
        full_scale.remove()  # the words stand there
    peak = float(waveform.abs().max()) or 1.0
    for number, span in enumerate(words):
        colour = "tab:gray" if span.word == STAR else "tab:red" if span.score < DOUBTFUL else "tab:green"
        ax.axvspan(
            span.start,
            span.end,
            color=colour,
            alpha=(0.2, 0.35)[number % 2],  # so that neighbours can be told apart
            linewidth=0,
            hatch="//" if colour == "tab:red" else None,
        )
        middle, height = (span.start + span.end) / 2, (2.1, 1.7, 1.3)[number % 3] * peak
        ax.text(middle, height, span.word, ha="center", va="center", fontsize=9, clip_on=True)
    ax.set_ylim(-1.1 * peak, 2.4 * peak)
    return ax
