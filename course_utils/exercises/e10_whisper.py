"""Exercises of 10_whisper."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call

END = 0


class _Decoder:
    """A decoder of six tokens with a text to write, which remembers what it was asked."""

    def __init__(self, script: list[int]):
        self.script = script
        self.asked: list[list[int]] = []

    def __call__(self, tokens: list[int]) -> Tensor:
        self.asked.append(list(tokens))
        if len(self.asked) > 50:
            raise _Endless
        matches = list(tokens) == self.script[: len(tokens)]
        following = self.script[len(tokens)] if matches and len(tokens) < len(self.script) else END
        probabilities = torch.full((6,), 0.1)
        probabilities[following] = 0.5
        return probabilities


class _Endless(Exception):
    pass


def check_loop(write_text: Any) -> str | None:
    for script, longest in (([3, 1, 4, 1, 5], 20), ([2, 2, 2, 2, 2, 2, 2, 2], 4), ([], 5)):
        decoder = _Decoder(script)
        try:
            got = call(write_text, decoder, END, longest)
        except _Endless:
            return (
                "It asked the decoder fifty times and did not stop. Stop at the end token, and after `longest` tokens."
            )
        if feedback := _loop_feedback(got, decoder, script, longest):
            return feedback
    return None


def _loop_feedback(got: Any, decoder: _Decoder, script: list[int], longest: int) -> str | None:
    if not isinstance(got, list):
        return f"This is a {type(got).__name__}; a list of token ids was asked for."
    if any(not isinstance(token, int) and not (isinstance(token, Tensor) and token.numel() == 1) for token in got):
        return "The list should hold whole numbers, the ids of the tokens."
    if any(isinstance(token, float) for token in got):
        return "The list should hold whole numbers, the ids of the tokens."
    tokens, want = [int(token) for token in got], script[:longest]
    if tokens == want:
        return None
    if tokens == [*want, END]:
        return "The end token is in the list. It says that the text is complete and is no part of it."
    if len(tokens) > longest:
        return f"{len(tokens)} tokens came out where at most {longest} were allowed."
    if len(tokens) == 1 and len(want) > 1:
        return "Only one token came out: ask again, with the token that was found, until the end."
    if any(len(asked) == 1 for asked in decoder.asked[2:]):
        return "The decoder got the last token only. It needs all tokens so far."
    if len(decoder.asked) > 1 and all(not asked for asked in decoder.asked):
        return "The decoder got an empty list each time, so it always begins anew. Append each token that is found."
    if tokens == want[:-1] and want:
        return "The last token is missing."
    return f"For a text of the tokens {want}, it wrote {tokens}. Take the place of the greatest probability each time."


LOOP = Exercise(
    id="10.1",
    objective="10.model",
    answer="write_text",
    frame='''
def write_text(next_probabilities: Callable[[list[int]], Tensor], end: int, longest: int) -> list[int]:
    """All tokens up to the end token, `longest` at most, each the likeliest one after those before it."""
    {body}
''',
    body="""tokens = []
while len(tokens) < longest:
    token = int(next_probabilities(tokens).argmax())
    if token == end:
        break
    tokens.append(token)
return tokens""",
    check=check_loop,
    wrong={
        "tokens = []\nwhile True:\n    token = int(next_probabilities(tokens).argmax())\n"
        "    tokens.append(token)": "did not stop",
        "tokens = []\nwhile len(tokens) < longest:\n    token = int(next_probabilities(tokens).argmax())\n"
        "    tokens.append(token)\n    if token == end:\n        break\nreturn tokens": "is no part of it",
        "tokens = []\nwhile len(tokens) < longest:\n    token = int(next_probabilities(tokens[-1:]).argmax())\n"
        "    if token == end:\n        break\n    tokens.append(token)\nreturn tokens": "the last token only",
        "tokens = []\nfor _ in range(longest):\n    token = int(next_probabilities([]).argmax())\n"
        "    if token == end:\n        break\n    tokens.append(token)\nreturn tokens": "always begins anew",
        "return [int(next_probabilities([]).argmax())]": "Only one token",
        "tokens = []\nwhile len(tokens) < longest:\n    token = float(next_probabilities(tokens).max())\n"
        "    tokens.append(token)\nreturn tokens": "whole numbers",
    },
    hints=(
        "A list that grows: ask with the list, append the answer, ask again.",
        "`int(next_probabilities(tokens).argmax())` is the likeliest token.",
        "Two reasons to stop: that token is `end`, or the list holds `longest` tokens.",
    ),
)


def _segment(no_speech_prob: float, avg_logprob: float, compression_ratio: float) -> SimpleNamespace:
    return SimpleNamespace(
        no_speech_prob=no_speech_prob, avg_logprob=avg_logprob, compression_ratio=compression_ratio, text=" Thank you."
    )


def check_trust(is_trustworthy: Any) -> str | None:
    cases = (
        (_segment(0.05, -0.3, 1.1), True, "Plain speech was thrown away."),
        (
            _segment(0.8, -0.3, 1.1),
            True,
            "A sure sentence (-0.3) was thrown away because of no_speech_prob alone. Quiet speech looks like that.",
        ),
        (
            _segment(0.1, -1.4, 1.1),
            True,
            "An unsure sentence (-1.4) was thrown away, although no_speech_prob is only 0.1: mumbling is speech, too.",
        ),
        (
            _segment(0.9, -1.3, 0.7),
            False,
            "no_speech_prob 0.9 and avg_logprob -1.3 went through: unsure, and probably nobody speaks.",
        ),
        (
            _segment(0.2, -0.2, 9.0),
            False,
            "A compression ratio of 9 went through: the text repeats itself. Its avg_logprob of -0.2 does not save it.",
        ),
        (_segment(0.9, -1.3, 5.0), False, "A loop that is also unsure went through."),
    )
    for segment, want, words in cases:
        got = call(is_trustworthy, segment)
        if isinstance(got, str) or not isinstance(got, bool | int):
            return f"This is a {type(got).__name__}; True or False was asked for."
        if bool(got) != want:
            if all(bool(call(is_trustworthy, case)) != wanted for case, wanted, _ in cases):
                return "The other way round: True means that the segment can be trusted."
            return words
    return None


TRUST = Exercise(
    id="10.2",
    objective="10.fail",
    answer="is_trustworthy",
    frame='''
def is_trustworthy(segment: Segment) -> bool:
    """False if the text is a loop, or if probably nobody speaks AND the text is unsure."""
    {body}
''',
    body="""is_loop = segment.compression_ratio > 2.4
is_silence = segment.no_speech_prob > 0.6 and segment.avg_logprob < -1
return not (is_loop or is_silence)""",
    check=check_trust,
    wrong={
        "return segment.no_speech_prob <= 0.6 and segment.compression_ratio <= 2.4": "because of no_speech_prob alone",
        "return segment.avg_logprob >= -1 and segment.compression_ratio <= 2.4": "mumbling is speech",
        "return segment.compression_ratio <= 2.4": "probably nobody speaks",
        "return not (segment.no_speech_prob > 0.6 and segment.avg_logprob < -1)": "repeats itself",
        "is_loop = segment.compression_ratio > 2.4\n"
        "return is_loop or (segment.no_speech_prob > 0.6 and segment.avg_logprob < -1)": "other way round",
        "return 'yes' if segment.no_speech_prob < 0.6 else 'no'": "True or False",
    },
    hints=(
        "`segment.compression_ratio > 2.4` is the loop.",
        "Silence takes two signs together: `segment.no_speech_prob > 0.6 and segment.avg_logprob < -1`.",
        "Neither of them: `not (is_loop or is_silence)`.",
    ),
)

KEPT = [(1.0, 3.0), (10.0, 14.0), (20.5, 22.0)]


def check_time(original_time: Any) -> str | None:
    cases = ((0.5, 1.5), (1.75, 2.75), (3.0, 11.0), (5.5, 13.5), (6.5, 21.0), (7.25, 21.75))
    found = [call(original_time, seconds, KEPT) for seconds, _ in cases]
    if any(isinstance(value, list | tuple | str) or not isinstance(value, int | float | Tensor) for value in found):
        return f"This is a {type(found[0]).__name__}; a number of seconds was asked for."
    found = [float(value) for value in found]

    def like(*values: float) -> bool:
        return all(abs(a - b) < 1e-6 for a, b in zip(found, values, strict=True))

    if like(*(want for _, want in cases)):
        return None
    if like(*(seconds for seconds, _ in cases)):
        return "The time came back as it was. What was cut out before it has to be added."
    if like(*(seconds + 1 for seconds, _ in cases)):
        return "You added the first pause only. Each pause before the moment counts."
    if like(*(seconds + 14.5 for seconds, _ in cases)):
        return "You added all pauses to every moment. Only those that lie before it count."
    if like(1.5, 2.75, 10 + 3, 10 + 5.5, 20.5 + 6.5, 20.5 + 7.25):
        return "The right piece, but its start was added to the whole time. Take off what the pieces before it last."
    wrong = next((case, got) for case, got in zip(cases, found, strict=True) if abs(case[1] - got) > 1e-6)
    (seconds, want), got = wrong
    return f"{seconds} s in the shortened recording is {want} s in the original; yours is {got:g} s."


TIME = Exercise(
    id="10.3",
    objective="10.fail",
    answer="original_time",
    frame='''
def original_time(seconds: float, kept: list[tuple[float, float]]) -> float:
    """The moment of the recording, from the moment of what is left of it: the pieces `kept`, (start, end) in s."""
    {body}
''',
    body="""for start, end in kept:
    if seconds < end - start:
        return start + seconds
    seconds -= end - start""",
    check=check_time,
    wrong={
        "return seconds": "came back as it was",
        "return seconds + kept[0][0]": "first pause only",
        "return seconds + kept[0][0] + sum(b[0] - a[1] for a, b in zip(kept, kept[1:]))": "all pauses",
        "whole = seconds\nfor start, end in kept:\n    if seconds < end - start:\n        return start + whole\n"
        "    seconds -= end - start": "Take off what the pieces before it last",
        "for start, end in kept:\n    if seconds < end:\n        return seconds\n    seconds -= end - start\n"
        "return seconds": "in the original",
        "return [start + seconds for start, end in kept]": "a number of seconds",
    },
    hints=(
        "Go through the pieces in turn. How long is each?",
        "A moment inside the piece lies at `start + seconds`.",
        "A moment after it: take the piece's length off `seconds`, and look at the next piece.",
    ),
)

NORMALISED = (
    ("Unless to be rather cold-hearted, and selfish...", "unless to be rather cold hearted and selfish"),
    ("  He WAS   not!\n", "he was not"),
    ("Don't say \"it's ill-disposed\", please.", "don't say it's ill disposed please"),
    ("Mr. John Dashwood", "mister john dashwood"),
)


def check_plain(plain_words: Any) -> str | None:
    for text, want in NORMALISED:
        got = call(plain_words, text)
        if isinstance(got, list):
            return 'This is a list of words; join them with `" ".join(...)`.'
        if not isinstance(got, str):
            return f"This is a {type(got).__name__}; text was asked for."
        if got != want:
            return _plain_feedback(text, got, want)
    return None


def _plain_feedback(text: str, got: str, want: str) -> str:
    shown = f"`{text.strip()}` became `{got}`: "
    if got != got.lower():
        return f"{shown}there are capitals left."
    if "coldhearted" in got or "illdisposed" in got:
        return f"{shown}the hyphen is gone and glued two words together. A space must take its place."
    if "dont" in got.split() or {"don", "t"} <= set(got.split()):
        return f"{shown}an apostrophe inside a word belongs to it."
    if got.split() == want.split():
        return f"{shown}the words are right, the spaces are not. `split()` and `join` leave one between two words."
    if {"mr", "mr."} & set(got.split()):
        return f"{shown}the transcript writes mister."
    if any(sign in got for sign in '.,!?"-'):
        return f"{shown}there is punctuation left."
    return f"{shown}`{want}` was wanted."


_STEPS = (
    'text = text.lower().replace("mr.", "mister").replace("-", " ")',
    'text = "".join(sign for sign in text if sign.isalnum() or sign in " \'\\n")',
    'return " ".join(text.split())',
)
PLAIN = Exercise(
    id="10.4",
    objective="10.choose",
    answer="plain_words",
    frame='''
def plain_words(text: str) -> str:
    """Lower case, one space between words, "mister" for "Mr.", no punctuation but the apostrophe inside a word."""
    {body}
''',
    body="\n".join(_STEPS),
    check=check_plain,
    wrong={
        "return text": "capitals left",
        "return ' '.join(text.lower().split())": "punctuation left",
        "return ' '.join(re.sub(r\"[^a-z' ]\", '', text.lower()).split())": "glued two words",
        "return ' '.join(re.sub(r'[^a-z]', ' ', text.lower()).split())": "belongs to it",
        "return re.sub(r\"[^a-z']\", ' ', text.lower().replace('mr.', 'mister'))": "`split()` and `join`",
        "return ' '.join(re.sub(r\"[^a-z']\", ' ', text.lower()).split())": "writes mister",
        "return text.lower().split()": "list of words",
    },
    hints=(
        '`text.lower().replace("mr.", "mister")` first, while the full stop is there.',
        'Then a space for every sign that is no letter and no apostrophe: `re.sub(r"[^a-z\']", " ", text)`.',
        '`" ".join(text.split())` leaves one space between two words.',
    ),
)

EXERCISES = [LOOP, TRUST, TIME, PLAIN]
