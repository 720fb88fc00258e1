"""Exercises of 09_forced_alignment."""

import math
import re
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


TOKENS = {"he": [7, 1], "been": [20, 1, 1, 5], "all lit": [3, 11, 11, 11, 6, 2], "stats": [8, 2, 3, 2, 8]}


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
            count + repeats + (tokens[0] == tokens[-1]): "The first letter has none before it: tokens[-1] is the last.",
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
        "return len(tokens) + sum(tokens[n] == tokens[n - 1] for n in range(len(tokens)))": "The first letter has none",
    },
    hints=(
        "How does CTC write the ll of all, so that it does not collapse to one l?",
        "One frame for each token, and one blank for each pair of equal neighbours.",
        "`tokens[n] == tokens[n - 1]` is True, that is 1, for a token that repeats the one before.",
    ),
)


def check_seconds(to_seconds: Any) -> str | None:
    for start, end, samples, frames, sample_rate in ((7, 90, 88_200, 190, 22_050), (10, 14, 48_000, 149, 16_000)):
        got = call(to_seconds, TokenSpan(1, start, end, 0.9), samples, frames, sample_rate)
        if not isinstance(got, tuple | list) or len(got) != 2:
            return "Return two numbers: the start and the end."
        scale = samples / frames / sample_rate
        for what, value, place in (("start", got[0], start), ("end", got[1], end)):
            wrong = {
                place * 320 / sample_rate: "320 samples is about right for these models, and runs away in a long "
                "recording. Take what is there: samples / frames.",
                place * 0.02: "20 ms is about right for these models, and runs away in a long recording. Take what is "
                "there: samples / frames.",
                place * 160 / sample_rate: "160 is the hop of some spectrograms; it says nothing about this model.",
                place * samples / frames: "That is in samples. Divide by the sample rate, too.",
                place * frames / samples / sample_rate: "Upside down: a frame has samples / frames samples.",
                place * frames / samples * sample_rate: "Upside down: seconds per frame, not frames per second.",
                (end - 1) * scale: "A frame too early: span.end is already the first frame after the letter.",
                (end + 1) * scale: "A frame too late: span.end is already the first frame after the letter.",
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
        "return span.start * 0.02, span.end * 0.02": "20 ms is about right",
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
        frames = emission[start:end, :-1]
        scores, odds = frames.mean(dim=0), frames.exp().mean(dim=0)
        longer, everywhere = emission[start : end + 1, :-1].mean(dim=0), emission[:, :-1].mean(dim=0)
        own, want = scores[token], float(scores[token] - scores.max())
        wrong = {
            own: "That is the letter's own score: the star, 0 in every frame, won each time. Leave its column out.",
            -want: "The sign: the letter's score minus the best, so 0 at most.",
            odds[token] - odds.max(): "That is a difference of probabilities; keep the logarithms.",
            longer[token] - longer.max(): "One frame too many: span.end is the first frame after the letter.",
            everywhere[token] - everywhere.max(): "Over the whole recording? Take the frames of the span.",
            frames[:, token].mean() - frames.amax(dim=1).mean(): "The best label of each frame may be another one each "
            "time. Take the mean of every label first, then the best of these.",
            own - frames.max(): "The best of all frames together; first the mean over the frames: dim=0.",
            own - scores.mean(): "You compare with the average of the labels, and not with the best.",
            want * len(frames): "That is the sum over the frames; the mean was asked for.",
        }
        wrong = {float(number): text for number, text in wrong.items()}
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
    """Mean score of a letter in its frames, minus that of the label with the best mean; the star does not count."""
    {body}
''',
    body="""scores = emission[span.start : span.end, :-1].mean(dim=0)
return float(scores[span.token] - scores.max())""",
    check=check_margin,
    wrong={
        "scores = emission[span.start : span.end].mean(dim=0)\n"
        "return float(scores[span.token] - scores.max())": "Leave its column out",
        "scores = emission[span.start : span.end, :-1].mean(dim=0)\n"
        "return float(scores.max() - scores[span.token])": "The sign",
        "scores = emission[span.start : span.end, :-1].exp().mean(dim=0)\n"
        "return float(scores[span.token] - scores.max())": "difference of probabilities",
        "scores = emission[span.start : span.end + 1, :-1].mean(dim=0)\n"
        "return float(scores[span.token] - scores.max())": "One frame too many",
        "scores = emission[:, :-1].mean(dim=0)\n"
        "return float(scores[span.token] - scores.max())": "Over the whole recording",
        "frames = emission[span.start : span.end, :-1]\n"
        "return float((frames[:, span.token] - frames.amax(dim=1)).mean())": "mean of every label first",
        "frames = emission[span.start : span.end, :-1]\n"
        "return float(frames[:, span.token].mean() - frames.max())": "all frames together",
        "scores = emission[span.start : span.end, :-1].mean(dim=0)\n"
        "return float(scores[span.token] - scores.mean())": "average of the labels",
        "scores = emission[span.start : span.end, :-1].sum(dim=0)\n"
        "return float(scores[span.token] - scores.max())": "sum over the frames",
        "frames = emission[span.start : span.end, :-1]\n"
        "return frames[:, span.token] - frames.amax(dim=1)": "one number for the letter",
    },
    hints=(
        "`emission[span.start : span.end]` are the letter's frames; the star is the last column.",
        "`.mean(dim=0)` gives one score for each label, from these frames.",
        "From the score at `span.token`, subtract the largest.",
    ),
)


EXERCISES = [WORDS, FRAMES, SECONDS, MARGIN]
