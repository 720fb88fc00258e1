"""Exercises of 11_text_to_speech."""

import math
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number

WRONG_LOGARITHMS = {
    "These are magnitudes. Their natural logarithm is still missing: `.log()`.": lambda db: 10 ** (db / 20),
    "These are powers. The magnitude is 10 ** (mel_db / 20), and its logarithm is missing, too.": (
        lambda db: 10 ** (db / 10)
    ),
    "That is the logarithm of the power, twice that of the magnitude: decibels of magnitudes are 20 * log10.": (
        lambda db: db * math.log(10) / 10
    ),
    "That is the logarithm to base 10. The natural one is larger by the factor `math.log(10)`, 2.3.": (
        lambda db: db / 20
    ),
    "That is the logarithm to base 2. The natural one was asked for: `.log()`.": lambda db: db / 20 * math.log2(10),
    "That is a tenth of the decibels, in bel: neither the 20 nor the base of the logarithm fits.": lambda db: db / 10,
    "The way back: this would make decibels of natural logarithms.": lambda db: db * 20 / math.log(10),
    "`.exp()` undoes a natural logarithm. Decibels are 20 times a logarithm to base 10.": lambda db: db.exp(),
}


def check_natural_log(natural_log: Any) -> str | None:
    generator = torch.Generator().manual_seed(11)
    mel_db = 80 * torch.rand(1, 80, 12, generator=generator) - 70
    got, want = call(natural_log, mel_db), mel_db * math.log(10) / 20
    feedback = compare(got, want, tolerance=1e-3)
    if feedback is None or not isinstance(got, Tensor) or got.shape != want.shape:
        return feedback
    if torch.equal(got, mel_db):
        return "These are the decibels as they came."
    if got.isnan().any():
        return "Not a number: decibels below 0 have no logarithm. Go back to magnitudes first."
    for words, function in WRONG_LOGARITHMS.items():
        if torch.allclose(got, function(mel_db), rtol=1e-3):
            return words
    return feedback


NATURAL_LOG = Exercise(
    id="11.1",
    objective="11.vocoder",
    answer="natural_log",
    frame='''
def natural_log(mel_db: Tensor) -> Tensor:
    """The natural logarithm of mel magnitudes that are given in dB, [channels, bands, frames]."""
    {body}
''',
    body="""magnitude = 10 ** (mel_db / 20)
return magnitude.log()""",
    check=check_natural_log,
    wrong={
        "return 10 ** (mel_db / 20)": "These are magnitudes",
        "return 10 ** (mel_db / 10)": "These are powers",
        "return (10 ** (mel_db / 10)).log()": "the logarithm of the power",
        "return (10 ** (mel_db / 20)).log10()": "to base 10",
        "return (10 ** (mel_db / 20)).log2()": "to base 2",
        "return mel_db / 10": "a tenth of the decibels",
        "return 20 * mel_db / math.log(10)": "The way back",
        "return mel_db.exp()": "`.exp()` undoes",
        "return mel_db.log()": "Not a number",
        "return mel_db": "as they came",
    },
    hints=(
        "First back to magnitudes, then the logarithm.",
        "`10 ** (mel_db / 20)` is the magnitude: the way back from 20 * log10(magnitude).",
        "`.log()` of that. (In one step: times `math.log(10) / 20`.)",
    ),
)

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LINES = {
    "Call 911.": "Call nine one one.",
    "Room 7, please.": "Room seven, please.",
    "555 0199": "five five five zero one nine nine",
    "No digits here.": "No digits here.",
}


def check_digits(say_digits: Any) -> str | None:
    for text, want in LINES.items():
        got = call(say_digits, text)
        if got != want:
            return _digits_feedback(text, want, got)
    return None


def _digits_feedback(text: str, want: str, got: Any) -> str:
    if not isinstance(got, str):
        return f"This is a {type(got).__name__}; text was asked for. `' '.join(words)` makes one of a list."
    shown = f"{text!r} became {got!r}: "
    if any(sign.isdigit() for sign in got):
        return f"{shown}there are still digits in it. `re.sub` returns the new text and leaves the old one as it is."
    if got.replace(" ", "") == want.replace(" ", ""):
        if "  " in got or got != got.strip() or " ." in got or " ," in got:
            return f"{shown}a space too many. One goes between neighbouring digits only, none before a full stop."
        return f"{shown}the words run together. Neighbouring digits need a space between them."
    if "hundred" in got or "eleven" in got:
        return f"{shown}that is one number. A telephone number is read digit by digit."
    if got.lower() == want.lower():
        return f"{shown}leave capitals as they are."
    if not any(word in got for word in DIGITS):
        return f"{shown}the digits are gone. They should become words."
    if len(got) < len(want):
        return f"{shown}some of the text is gone. Only the digits change."
    return f"{shown}it should be {want!r}."


DIGIT = Exercise(
    id="11.2",
    objective="11.text",
    answer="say_digits",
    frame='''
def say_digits(text: str) -> str:
    """The text with each digit as a word and one space between neighbours: 911 becomes nine one one."""
    {body}
''',
    body=r"""spaced = re.sub(r"(?<=\d)(?=\d)", " ", text)
return re.sub(r"\d", lambda digit: DIGITS[int(digit[0])], spaced)""",
    check=check_digits,
    wrong={
        r'return re.sub(r"\d", lambda digit: DIGITS[int(digit[0])], text)': "run together",
        r'return re.sub(r"\d", lambda digit: DIGITS[int(digit[0])] + " ", text)': "a space too many",
        r'return re.sub(r"\d+", lambda number: num2words(number[0]), text)': "that is one number",
        r'return " ".join(DIGITS[int(sign)] for sign in text if sign.isdigit())': "some of the text is gone",
        r'return re.sub(r"\d", "", text)': "the digits are gone",
        r're.sub(r"\d", lambda digit: DIGITS[int(digit[0])], text)' + "\nreturn text": "leaves the old one",
        r"return [DIGITS[int(sign)] if sign.isdigit() else sign for sign in text]": "makes one of a list",
        r'spaced = re.sub(r"(?<=\d)(?=\d)", " ", text.lower())'
        + "\n"
        + r'return re.sub(r"\d", lambda digit: DIGITS[int(digit[0])], spaced)': "leave capitals",
    },
    hints=(
        'Two steps: first a space between neighbouring digits, "911" -> "9 1 1", then each digit as a word.',
        r'`re.sub(r"(?<=\d)(?=\d)", " ", text)` finds the places with a digit on both sides.',
        r'`re.sub(r"\d", lambda digit: DIGITS[int(digit[0])], spaced)` puts a word for each digit.',
    ),
)


def check_join(join: Any) -> str | None:
    generator = torch.Generator().manual_seed(11)
    parts = [torch.rand(1, length, generator=generator) + 0.1 for length in (40, 25, 60)]
    for sample_rate, pause in ((100, 0.3), (200, 0.05)):
        got, length = call(join, [part.clone() for part in parts], sample_rate, pause), round(pause * sample_rate)
        silence = torch.zeros(1, length)
        want = torch.cat([parts[0], silence, parts[1], silence, parts[2]], dim=1)
        if feedback := _join_feedback(got, want, parts, length):
            return f"Three sentences, pauses of {pause:g} s at {sample_rate} Hz: {feedback}"
    only = call(join, [parts[0].clone()], 100, 0.3)
    if feedback := compare(only, parts[0]):
        return f"A single sentence needs no pause: {feedback}"
    return None


def _join_feedback(got: Any, want: Tensor, parts: list[Tensor], pause: int) -> str | None:
    if not isinstance(got, Tensor):
        return compare(got, want)
    if got.ndim == 2 and got.shape[0] == len(parts):
        return "the sentences lie on top of each other, as channels. Time is the last axis: `dim=1`."
    samples, speech = got.shape[-1], sum(part.shape[1] for part in parts)
    if got.ndim == 2 and got.shape[0] == 1 and samples != want.shape[1]:
        if samples == want.shape[1] + pause:
            where = "at the start" if float(got[0, 0]) == 0 else "after the last sentence"
            return f"there is one pause too many, {where}."
        if samples == speech:
            return "there is no pause between the sentences."
        if samples == speech + pause:
            return "there is only one pause; each sentence but the last needs one."
        if samples == speech + 2 * pause * 1000:
            return "the pause is a thousand times too long: it is given in seconds."
        if samples < speech + len(parts):
            return "the pause is missing or a sample long: seconds times samples per second gives samples."
    return compare(got, want)


JOIN = Exercise(
    id="11.3",
    objective="11.speak",
    answer="join",
    frame='''
def join(sentences: list[Tensor], sample_rate: int, pause: float) -> Tensor:
    """All sentences, each [1, samples], as one waveform, with `pause` seconds of silence between neighbours."""
    {body}
''',
    body="""silence = torch.zeros(1, round(pause * sample_rate))
parts = [sentences[0]]
for sentence in sentences[1:]:
    parts += [silence, sentence]
return torch.cat(parts, dim=1)""",
    check=check_join,
    wrong={
        "silence = torch.zeros(1, round(pause * sample_rate))\n"
        "return torch.cat([part for sentence in sentences for part in (sentence, silence)], dim=1)": "after the last",
        "silence = torch.zeros(1, round(pause * sample_rate))\n"
        "return torch.cat([part for sentence in sentences for part in (silence, sentence)], dim=1)": "at the start",
        "return torch.cat(sentences, dim=1)": "no pause between",
        "silence = torch.zeros(1, round(pause * sample_rate))\n"
        "return torch.cat([sentences[0], silence, *sentences[1:]], dim=1)": "only one pause",
        "silence = torch.zeros(1, round(1000 * pause * sample_rate))\n"
        "return torch.cat([sentences[0]] + [part for s in sentences[1:] for part in (silence, s)], dim=1)": "thousand",
        "silence = torch.zeros(1, math.ceil(pause))\n"
        "return torch.cat([sentences[0]] + [part for s in sentences[1:] for part in (silence, s)], "
        "dim=1)": "seconds times samples",
        "return torch.stack([torch.nn.functional.pad(s[0], (0, 200 - s.shape[1])) for s in sentences])": "on top of",
        "silence = torch.ones(1, round(pause * sample_rate))\n"
        "return torch.cat([sentences[0]] + [part for s in sentences[1:] for part in (silence, s)], "
        "dim=1)": "the values are not",
    },
    hints=(
        "Silence is `torch.zeros(1, samples)`; how many samples are `pause` seconds?",
        "Begin with the first sentence. Every further one brings a pause with it, before it.",
        "Collect them in a list, and `torch.cat(parts, dim=1)` at the end.",
    ),
)


def check_range(pitch_range: Any) -> str | None:
    generator = torch.Generator().manual_seed(11)
    for low, high in ((80.0, 180.0), (150.0, 330.0)):
        voiced = low + (high - low) * torch.rand(300, generator=generator)
        pitch = torch.where(torch.rand(300, generator=generator) < 0.3, 0.0, voiced)
        kept = pitch[pitch > 0]
        bottom, top = float(kept.quantile(0.1)), float(kept.quantile(0.9))
        semitones = 12 * math.log2(top / bottom)
        feedback = compare_number(
            call(pitch_range, pitch),
            semitones,
            "semitones",
            {
                top - bottom: "That is a difference in Hz. Ears hear ratios: 12 times the log2 of the ratio.",
                math.log2(top / bottom): "That is in octaves. An octave has 12 semitones.",
                12 * math.log(top / bottom): "That is the natural logarithm. An octave is a factor of 2: `math.log2`.",
                12 * math.log10(top / bottom): "That is the logarithm to base 10. An octave is a factor of 2: "
                "`math.log2`.",
                1200 * math.log2(top / bottom): "That is in cents, hundredths of a semitone.",
                12 * math.log2(float(kept.max() / kept.min())): "The highest and the lowest value are often errors of "
                "the tracker: take the quantiles 0.9 and 0.1.",
                -semitones: "Upside down: the higher pitch stands above, so the range is positive.",
            },
            tolerance=1e-3,
        )
        if feedback and isinstance(call(pitch_range, pitch), (float, Tensor)):
            value = float(call(pitch_range, pitch))
            if math.isinf(value) or math.isnan(value):
                return "It is infinite or not a number: the zeros are still there, where nothing is voiced."
        if feedback:
            return feedback
    return None


RANGE = Exercise(
    id="11.4",
    objective="11.judge",
    answer="pitch_range",
    frame='''
def pitch_range(pitch: Tensor) -> float:
    """Semitones from the quantile 0.1 to the quantile 0.9 of a pitch in Hz, [frames]; 0 stands for unvoiced."""
    {body}
''',
    body="""voiced = pitch[pitch > 0]
return 12 * math.log2(voiced.quantile(0.9) / voiced.quantile(0.1))""",
    check=check_range,
    wrong={
        "return float(12 * torch.log2(pitch.quantile(0.9) / pitch.quantile(0.1)))": "the zeros are still there",
        "voiced = pitch[pitch > 0]\nreturn float(voiced.quantile(0.9) - voiced.quantile(0.1))": "a difference in Hz",
        "voiced = pitch[pitch > 0]\nreturn math.log2(voiced.quantile(0.9) / voiced.quantile(0.1))": "in octaves",
        "voiced = pitch[pitch > 0]\nreturn 12 * math.log(voiced.quantile(0.9) / voiced.quantile(0.1))": "natural",
        "voiced = pitch[pitch > 0]\nreturn 1200 * math.log2(voiced.quantile(0.9) / voiced.quantile(0.1))": "in cents",
        "voiced = pitch[pitch > 0]\nreturn 12 * math.log2(voiced.max() / voiced.min())": "errors of the tracker",
        "voiced = pitch[pitch > 0]\nreturn 12 * math.log2(voiced.quantile(0.1) / voiced.quantile(0.9))": "Upside down",
        "voiced = pitch[pitch > 0]\nreturn 12 * math.log10(voiced.quantile(0.9) / voiced.quantile(0.1))": "base 10",
    },
    hints=(
        "`pitch[pitch > 0]` keeps what is voiced.",
        "The ratio of the two quantiles, high over low.",
        "12 * math.log2(ratio): an octave is a factor of 2 and has 12 semitones.",
    ),
)

EXERCISES = [NATURAL_LOG, DIGIT, JOIN, RANGE]
