"""Exercises of 11_text_to_speech."""

import math
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_convergence(convergence: Any) -> str | None:
    generator = torch.Generator().manual_seed(11)
    for scale in (1.0, 20.0):
        target = scale * torch.rand(1, 9, 14, generator=generator)
        found = (target + 0.4 * scale * torch.randn(1, 9, 14, generator=generator)).clamp(min=0)
        difference = found - target
        share = float(difference.norm() / target.norm())
        feedback = compare_number(
            call(convergence, target, found),
            share,
            "parts of 1",
            {
                float(difference.norm() / found.norm()): "Divide by the size of `target`: the truth is the measure.",
                share**2: "That is the square. The size is the root of the sum of squares: `.norm()`.",
                20 * math.log10(share): "That is in dB. Here the share itself was asked for.",
                float(difference.norm()): "Not yet a share: a recording twice as loud would be twice as wrong. "
                "Divide by the size of `target`.",
                float(difference.abs().sum() / target.abs().sum()): "You summed absolute values. The size is the root "
                "of the sum of squares.",
                float((found.norm() - target.norm()).abs() / target.norm()): "You took the difference of the two "
                "sizes. Two quite different spectrograms can be equally large: subtract first, then take the size.",
                1 - share: "0 is perfect here: leave out the `1 -`.",
                100 * share: "That is in percent; a share was asked for, 0.3 instead of 30.",
            },
            tolerance=1e-4,
        )
        if feedback:
            return feedback
    return None


CONVERGENCE = Exercise(
    id="11.1",
    objective="11.vocoder",
    answer="convergence",
    frame='''
def convergence(target: Tensor, found: Tensor) -> Tensor:
    """How far the magnitudes `found` are off `target`, both [channels, bins, frames], as a share; 0 is perfect."""
    {body}
''',
    body="return (found - target).norm() / target.norm()",
    check=check_convergence,
    wrong={
        "return (found - target).norm() / found.norm()": "the truth is the measure",
        "return ((found - target).norm() / target.norm()) ** 2": "That is the square",
        "return 20 * torch.log10((found - target).norm() / target.norm())": "in dB",
        "return (found - target).norm()": "Not yet a share",
        "return (found - target).abs().sum() / target.sum()": "absolute values",
        "return (found.norm() - target.norm()).abs() / target.norm()": "subtract first",
        "return 1 - (found - target).norm() / target.norm()": "leave out the `1 -`",
        "return 100 * (found - target).norm() / target.norm()": "in percent",
    },
    hints=(
        "First the difference of the two, then its size.",
        "`(found - target).norm()` is the size of the difference. As a share of what?",
        "Divide by `target.norm()`.",
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


PAIRS = (
    ("The cat, it sat.", "the cat it sat", 0.0),
    ("He paid, then left.", "he payed then left", 1 / 4),
    ("I did not see it!", "i did see", 2 / 5),
    ("Yes.", "yes it is", 2.0),
)


def check_error_rate(error_rate: Any) -> str | None:
    import jiwer

    for said, heard, want in PAIRS:
        plain = said.lower().strip(".!").replace(",", "")
        feedback = compare_number(
            call(error_rate, said, heard),
            want,
            "parts of 1",
            {
                100 * want: "That is in percent; a share was asked for.",
                1 - want: "That is the share of right words; the errors were asked for.",
                jiwer.wer(heard, plain): "The truth comes first: errors are counted against what was said.",
                jiwer.cer(plain, heard): "You counted characters. `jiwer.wer` counts words.",
                jiwer.wer(said, heard): "Capitals and punctuation still count as errors: put both aside first.",
                jiwer.wer(said.lower(), heard): "The capitals are gone, the punctuation still counts.",
                jiwer.wer(said.replace(",", "").strip(".!"), heard): "The punctuation is gone, the capitals still "
                "count.",
                min(want, 1.0): "More than 1 is possible: words that nobody said count as errors, too.",
            },
            tolerance=1e-4,
        )
        if feedback:
            return f"Said {said!r}, heard {heard!r}: {feedback}"
    return None


_PLAIN = 'plain = re.sub(r"[^\\w\\s\']", "", said).lower()\n'

ERROR_RATE = Exercise(
    id="11.4",
    objective="11.judge",
    answer="error_rate",
    frame='''
def error_rate(said: str, heard: str) -> float:
    """The word error rate of `heard`, which has neither capitals nor punctuation; those of `said` do not count."""
    {body}
''',
    body='return jiwer.wer(" ".join(normalise_transcript(said)), heard)',
    check=check_error_rate,
    wrong={
        "return jiwer.wer(said, heard)": "Capitals and punctuation still count",
        "return jiwer.wer(said.lower(), heard)": "the punctuation still counts",
        'return jiwer.wer(re.sub(r"[^\\w\\s]", "", said), heard)': "the capitals still count",
        f"{_PLAIN}return jiwer.wer(heard, plain)": "The truth comes first",
        f"{_PLAIN}return jiwer.cer(plain, heard)": "You counted characters",
        f"{_PLAIN}return 1 - jiwer.wer(plain, heard)": "the share of right words",
        f"{_PLAIN}return 100 * jiwer.wer(plain, heard)": "in percent",
        f"{_PLAIN}return min(1.0, jiwer.wer(plain, heard))": "More than 1 is possible",
    },
    hints=(
        "`normalise_transcript(said)` gives the words without capitals and punctuation, as a list.",
        '`" ".join(words)` makes a text of them again.',
        "`jiwer.wer(truth, heard)`: the truth first.",
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
    id="11.5",
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

EXERCISES = [CONVERGENCE, DIGIT, JOIN, ERROR_RATE, RANGE]
