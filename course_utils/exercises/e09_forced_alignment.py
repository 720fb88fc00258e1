"""Exercises of 09_forced_alignment."""

import math
import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchaudio.functional import TokenSpan

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare_number


def check_words(words_of: Any) -> str | None:
    for text in ("He was not an ill-disposed young man.", "Don't - she said - don't!", "READ  it,\nplease"):
        want = re.findall("[a-z']+", text.lower())
        got = call(words_of, text)
        if got != want and (feedback := _words_feedback(got, want)):
            return f"{text!r}: {feedback}"
    return None


def _words_feedback(got: Any, want: list[str]) -> str:
    if isinstance(got, str):
        return "This is one string. The tokenizer wants a list of words."
    if not isinstance(got, list) or not all(isinstance(word, str) for word in got):
        return f"This is a {type(got).__name__}; a list of words was asked for."
    if all(len(word) == 1 for word in got):
        return "This is a list of letters; keep them together in words."
    if "" in got:
        return "There are empty words in it; `split()` without an argument leaves none, nor does `re.findall`."
    signs = sorted({sign for word in got for sign in word if not re.fullmatch("[a-z']", sign)})
    if signs:
        return f"It still has {', '.join(map(repr, signs))}, which the model cannot spell."
    if any("'" in word for word in want) and not any("'" in word for word in got):
        return "The apostrophe is gone, and it is a letter of the model: don't is one word."
    if len("".join(got)) < len("".join(want)):
        return f"Letters are lost: {got}. Make capitals small first, then look for letters."
    if "".join(got) == "".join(want):
        return f"{got}: a hyphen parts two words, so put a space in its place."
    return f"{got} instead of {want}."


WORDS = Exercise(
    id="09.1",
    objective="09.normalise",
    answer="words_of",
    frame='''
def words_of(text: str) -> list[str]:
    """The words of a text in small letters: a to z and the apostrophe, nothing else; hyphens part words."""
    {body}
''',
    body="""return re.findall("[a-z']+", text.lower())""",
    check=check_words,
    wrong={
        "return text.lower()": "one string",
        "return text.lower().split()": "which the model cannot spell",
        """return re.findall("[a-z']+", text)""": "Letters are lost",
        'return re.findall("[a-z]+", text.lower())': "apostrophe is gone",
        """return re.sub("[^a-z' \\n]", "", text.lower()).split()""": "a hyphen parts two words",
        """return re.sub("[^a-z']", " ", text.lower()).split(" ")""": "empty words",
        """return re.findall("[a-z']", text.lower())""": "list of letters",
    },
    hints=(
        "`text.lower()` comes first.",
        "`re.findall(pattern, text)` gives a list of everything that fits the pattern.",
        "One or more of a to z or the apostrophe is `[a-z']+`.",
    ),
)


TOKENS = {"he": [15, 3], "been": [17, 3, 3, 4], "all lit": [1, 12, 12, 12, 2, 7], "aha": [1, 15, 1]}


def check_frames(frames_for: Any) -> str | None:
    for name, tokens in TOKENS.items():
        repeats = sum(tokens[i] == tokens[i + 1] for i in range(len(tokens) - 1))
        count = len(tokens)
        words = {
            2 * count - 1: "A blank between any two letters is allowed, but needed only between two that are equal.",
            2 * count + 1: "A blank before, after and between all letters is allowed, not needed.",
            count - repeats: "The wrong way round: without a blank between them, two equal letters collapse into one.",
            count: "A frame for each letter is not enough: two equal letters in a row would collapse into one.",
            2 * count - len(set(tokens)): "You count letters that came anywhere before. Only equal neighbours count.",
        }
        wrong = {number: text for number, text in words.items() if number != count + repeats}
        if feedback := compare_number(call(frames_for, tokens), count + repeats, "frames", wrong):
            return f"{name!r}, tokens {tokens}: {feedback}"
    return None


FRAMES = Exercise(
    id="09.2",
    objective="09.align",
    answer="frames_for",
    frame='''
def frames_for(tokens: list[int]) -> int:
    """How many frames an alignment of these tokens takes at least."""
    {body}
''',
    body="return len(tokens) + sum(tokens[n] == tokens[n - 1] for n in range(1, len(tokens)))",
    check=check_frames,
    wrong={
        "return len(tokens)": "A frame for each letter is not enough",
        "return 2 * len(tokens) - 1": "needed only between two that are equal",
        "return 2 * len(tokens) + 1": "before, after and between",
        "return len(torch.unique_consecutive(torch.tensor(tokens)))": "The wrong way round",
        "return 2 * len(tokens) - len(set(tokens))": "Only equal neighbours count",
    },
    hints=(
        "How does CTC write the ll of all, so that it does not collapse to one l?",
        "One frame for each token, and one blank for each pair of equal neighbours.",
        "`tokens[n] == tokens[n - 1]` is True, that is 1, for a token that repeats the one before.",
    ),
)


def check_seconds(to_seconds: Any) -> str | None:
    for start, end, samples, frames, sample_rate in ((10, 14, 48_000, 149, 16_000), (3, 90, 30_000, 200, 8000)):
        got = call(to_seconds, TokenSpan(1, start, end, 0.9), samples, frames, sample_rate)
        if not isinstance(got, tuple | list) or len(got) != 2:
            return "Return two numbers: the start and the end."
        scale = samples / frames / sample_rate
        for what, value, place in (("start", got[0], start), ("end", got[1], end)):
            wrong = {
                place * 320 / sample_rate: "320 samples is about right for these models, and runs away in a long "
                "recording. Take what is there: samples / frames.",
                place * 160 / sample_rate: "160 is the hop of some spectrograms; it says nothing about this model.",
                place * samples / frames: "That is in samples. Divide by the sample rate, too.",
                place * frames / samples / sample_rate: "Upside down: a frame has samples / frames samples.",
                place * frames / samples * sample_rate: "Upside down: seconds per frame, not frames per second.",
                (end - 1) * scale: "A frame too early: span.end is already the first frame after the letter.",
                (end - start) * scale: "That is how long the letter lasts, not when it ends.",
                place * (samples // frames) / sample_rate: "`//` cuts the fraction off; use `/`.",
            }
            wrong = {number: text for number, text in wrong.items() if not math.isclose(number, place * scale)}
            if feedback := compare_number(value, place * scale, "s", wrong):
                return f"The {what} of frames {start} to {end}: {feedback}"
    return None


SECONDS = Exercise(
    id="09.3",
    objective="09.seconds",
    answer="to_seconds",
    frame='''
def to_seconds(span: TokenSpan, samples: int, frames: int, sample_rate: int) -> tuple[float, float]:
    """Start and end of a span in seconds, for a waveform of `samples` that became `frames` frames."""
    {body}
''',
    body="""seconds_per_frame = samples / frames / sample_rate
return span.start * seconds_per_frame, span.end * seconds_per_frame""",
    check=check_seconds,
    wrong={
        "return span.start * 320 / sample_rate, span.end * 320 / sample_rate": "runs away in a long recording",
        "return span.start * 160 / sample_rate, span.end * 160 / sample_rate": "hop of some spectrograms",
        "return span.start * samples / frames, span.end * samples / frames": "in samples",
        "scale = frames / samples / sample_rate\nreturn span.start * scale, span.end * scale": "a frame has",
        "scale = samples / frames / sample_rate\nreturn span.start * scale, (span.end - 1) * scale": "too early",
        "scale = samples / frames / sample_rate\nreturn span.start * scale, len(span) * scale": "how long the letter",
        "scale = samples // frames / sample_rate\nreturn span.start * scale, span.end * scale": "cuts the fraction",
        "return span.start * samples / frames / sample_rate": "two numbers",
    },
    hints=(
        "How many samples does one frame stand for?",
        "samples / frames samples for each frame; divide by the rate for seconds.",
        "The end needs no + 1 and no - 1: span.end is the first frame after.",
    ),
)


def check_margin(margin: Any) -> str | None:
    emission = torch.randn(40, 29, generator=torch.Generator().manual_seed(9)).mul(3).log_softmax(-1)
    emission[:, -1] = 0  # the star
    for start, end, token in ((5, 9, 3), (20, 21, 7), (30, 36, 12)):
        got = call(margin, emission, TokenSpan(token, start, end, 0.5))
        if isinstance(got, Tensor) and got.numel() > 1:
            return f"This has {got.numel()} values; one number for the letter was asked for: their mean."
        letter, others = emission[start:end, token], emission[start:end, :-1]
        want = float((letter - others.amax(dim=1)).mean())
        longer, everywhere = emission[start : end + 1, :-1], emission[:, :-1]
        wrong = {
            letter: "That is the letter's own score: the star, 0 in every frame, won each time. Leave its column out.",
            others.amax(dim=1) - letter: "The sign: the letter's score minus the best, so 0 at most.",
            letter.exp() - others.exp().amax(dim=1): "That is a difference of probabilities; keep the logarithms.",
            longer[:, token] - longer.amax(dim=1): "One frame too many: span.end is the first frame after the letter.",
            everywhere[:, token] - everywhere.amax(dim=1): "Over the whole recording? Take the frames of the span.",
            letter - others.amax(): "The best of all frames together; each frame has a best of its own: dim=1.",
            letter - others.mean(dim=1): "You compare with the average of the labels, and not with the best.",
        }
        wrong = {float(values.mean()): text for values, text in wrong.items()}
        wrong = {number: text for number, text in wrong.items() if not math.isclose(number, want, abs_tol=1e-4)}
        if feedback := compare_number(got, want, "as a logarithm", wrong, tolerance=1e-4):
            return f"Frames {start} to {end}: {feedback}"
    return None


MARGIN = Exercise(
    id="09.4",
    objective="09.trust",
    answer="margin",
    frame='''
def margin(emission: Tensor, span: TokenSpan) -> float:
    """Score of a letter minus that of the best label, as logarithms, mean over its frames; the star does not count."""
    {body}
''',
    body="""frames = emission[span.start : span.end, :-1]
return float((frames[:, span.token] - frames.amax(dim=1)).mean())""",
    check=check_margin,
    wrong={
        "frames = emission[span.start : span.end]\n"
        "return float((frames[:, span.token] - frames.amax(dim=1)).mean())": "Leave its column out",
        "frames = emission[span.start : span.end, :-1]\n"
        "return float((frames.amax(dim=1) - frames[:, span.token]).mean())": "The sign",
        "frames = emission[span.start : span.end, :-1].exp()\n"
        "return float((frames[:, span.token] - frames.amax(dim=1)).mean())": "difference of probabilities",
        "frames = emission[span.start : span.end + 1, :-1]\n"
        "return float((frames[:, span.token] - frames.amax(dim=1)).mean())": "One frame too many",
        "frames = emission[:, :-1]\n"
        "return float((frames[:, span.token] - frames.amax(dim=1)).mean())": "Over the whole recording",
        "frames = emission[span.start : span.end, :-1]\n"
        "return float((frames[:, span.token] - frames.max()).mean())": "a best of its own",
        "frames = emission[span.start : span.end, :-1]\n"
        "return float((frames[:, span.token] - frames.mean(dim=1)).mean())": "average of the labels",
        "frames = emission[span.start : span.end, :-1]\n"
        "return torch.cat([frames[:, span.token] - frames.amax(dim=1)] * 2)": "one number for the letter",
    },
    hints=(
        "`emission[span.start : span.end]` are the letter's frames; the star is the last column.",
        "`frames.amax(dim=1)` is the best label of each frame.",
        "Subtract the two, then take the mean.",
    ),
)


def check_lines(to_lines: Any) -> str | None:
    cases = (
        ("had he married a more amiable woman", 12),
        ("he was not an ill disposed young man", 10),
        ("a disproportionately long word", 8),
        ("one line", 42),
    )
    for text, longest in cases:
        got, want = call(to_lines, text.split(), longest), _lines(text.split(), longest)
        if got != want and (feedback := _lines_feedback(got, want, text, longest)):
            return f"{text!r} in lines of {longest}: {feedback}"
    return None


def _lines(words: Sequence[str], longest: int) -> list[str]:
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= longest or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _lines_feedback(got: Any, want: list[str], text: str, longest: int) -> str:
    if isinstance(got, str):
        return "This is one string; a list of lines was asked for."
    if not isinstance(got, list) or not all(isinstance(line, str) for line in got):
        return f"This is a {type(got).__name__}; a list of lines, each a string, was asked for."
    if "" in got:
        return "There is an empty line: a word that is longer than a line takes the first line, too, if that is empty."
    if any(line != line.strip() for line in got):
        return "A line begins or ends with a space."
    if "".join(got).replace(" ", "") != text.replace(" ", ""):
        return f"Words are missing: {got}. What happens to the last line?"
    if " ".join(got) != text:
        return f"{got}: words are broken, or joined without a space."
    if any(len(line) > longest and " " in line for line in got):
        return f"{max(got, key=len)!r} has {max(map(len, got))} characters: the space before a word counts, too."
    if len(got) > len(want):
        return f"{got} has {len(got)} lines where {len(want)} are enough: a line may be full to the last character."
    return f"{got} instead of {want}."


LINES = Exercise(
    id="09.5",
    objective="09.subtitles",
    answer="to_lines",
    frame='''
def to_lines(words: list[str], longest: int) -> list[str]:
    """Lines of at most `longest` characters, as full as they get; a longer word has a line for itself."""
    {body}
''',
    body="""lines = []
for word in words:
    if lines and len(lines[-1]) + 1 + len(word) <= longest:
        lines[-1] += " " + word
    else:
        lines.append(word)
return lines""",
    check=check_lines,
    wrong={
        "text = ' '.join(words)\n"
        "return [text[i : i + longest].strip() for i in range(0, len(text), longest)]": "words are broken",
        "lines = []\nfor word in words:\n    if lines and len(lines[-1]) + len(word) <= longest:\n"
        "        lines[-1] += ' ' + word\n    else:\n        lines.append(word)\nreturn lines": "space before a word",
        "lines = []\nfor word in words:\n    if lines and len(lines[-1]) + 1 + len(word) < longest:\n"
        "        lines[-1] += ' ' + word\n    else:\n        lines.append(word)\nreturn lines": "full to the last",
        "lines, line = [], ''\nfor word in words:\n    if len(line) + 1 + len(word) <= longest:\n"
        "        line = (line + ' ' + word).strip()\n    else:\n        lines.append(line)\n        line = word\n"
        "return [text for text in lines if text]": "What happens to the last line",
        "lines = ['']\nfor word in words:\n    if len(lines[-1]) + 1 + len(word) <= longest:\n"
        "        lines[-1] += ' ' + word\n    else:\n        lines.append(word)\nreturn lines": "ends with a space",
        "return ' '.join(words)": "one string",
    },
    hints=(
        "Go through the words; each joins the last line, or starts a new one.",
        "A word joins if the line, a space and the word together have at most `longest` characters.",
        "`lines[-1] += ' ' + word` or `lines.append(word)`.",
    ),
)

EXERCISES = [WORDS, FRAMES, SECONDS, MARGIN, LINES]
