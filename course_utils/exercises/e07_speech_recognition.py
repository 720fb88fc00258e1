"""Exercises of 07_speech_recognition."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from course_utils.ctc import collapse, greedy_decode
from course_utils.exercises.definition import Exercise, NotYet
from course_utils.exercises.feedback import call, compare_number

PATHS = ("hh-e-ll-l-oo", "hh-e-lll--oo", "-s-ee-e-n--")


def check_spelled(spelled: Any) -> str | None:
    if spelled is ...:
        raise NotYet
    if not isinstance(spelled, list | tuple) or len(spelled) != len(PATHS):
        return f"A list of {len(PATHS)} words was asked for, one for each path."
    for path, got in zip(PATHS, spelled, strict=True):
        feedback = _spelled_feedback(path, got)
        if feedback:
            return f"{path}: {feedback}"
    return None


def _spelled_feedback(path: str, got: Any) -> str | None:
    if not isinstance(got, str):
        return f"This is a {type(got).__name__}; put the word into quotation marks."
    got = got.strip().lower()
    if got == collapse(path):
        return None
    without_blanks = path.replace("-", "")
    merged_only = "".join(label for i, label in enumerate(path) if i == 0 or path[i - 1] != label)
    if got == collapse(without_blanks):
        return f"{got!r}: you dropped the blanks first, and letters that a blank had kept apart ran together."
    if got == without_blanks:
        return f"{got!r}: the blanks are gone, and repeats are not merged yet."
    if got == merged_only:
        return f"{got!r}: the repeats are merged. Now drop the blanks."
    if "-" in got:
        return f"{got!r} still holds blanks."
    return f"{got!r} is not it. Write the path without its repeats first, then cross out every `-`."


SPELLED = Exercise(
    id="07.1",
    objective="07.ctc",
    answer="spelled",
    frame='paths = ["hh-e-ll-l-oo", "hh-e-lll--oo", "-s-ee-e-n--"]\nspelled = {body}',
    body='["hello", "helo", "seen"]',
    check=check_spelled,
    wrong={
        '["helo", "helo", "sen"]': "dropped the blanks first",
        '["hhellloo", "hhellloo", "seeen"]': "repeats are not merged yet",
        '["h-e-l-l-o", "h-e-l-o", "-s-e-e-n-"]': "Now drop the blanks",
        '["hello", "hello", "seen"]': "is not it",
        '"hello"': "A list of 3 words",
    },
    hints=(
        "Two steps, in this order: letters that stand side by side and are equal become one; then every `-` goes.",
        "hh-e-ll-l-oo becomes h-e-l-l-o, then hello.",
        "In the second path nothing parts the three l: they become one.",
    ),
)

WORDS = ("cat", "banana", "hello", "aaa", "committee", "a")


def check_fewest(fewest_frames: Any) -> str | None:
    for word in WORDS:
        doubles = sum(first == second for first, second in pairwise(word))
        repeats = len(word) - len(set(word))
        feedback = compare_number(
            call(fewest_frames, word),
            len(word) + doubles,
            "frames",
            {
                2 * len(word) + 1: "You put a blank around every letter. It is allowed everywhere, and needed only "
                "between two equal letters.",
                2 * len(word) - 1: "You put a blank between all letters. Only two equal neighbours need one.",
                2 * len(word): "You put a blank beside every letter. Only two equal neighbours need one between them.",
                len(word): "One frame for each letter is not enough here: equal neighbours would be merged.",
                len(set(word)): "Each letter needs a frame each time that it is spoken.",
                len(word) - doubles: "Equal neighbours need one frame more, and not one less.",
                len(word) + repeats: "A blank is needed between equal letters that stand side by side; the a's of "
                '"banana" have an n between them.',
            },
        )
        if feedback:
            return f'"{word}": {feedback}'
    return None


FEWEST = Exercise(
    id="07.2",
    objective="07.ctc",
    answer="fewest_frames",
    frame='''
def fewest_frames(word: str) -> int:
    """The length of the shortest path that collapses to the word."""
    {body}
''',
    body="return len(word) + sum(first == second for first, second in itertools.pairwise(word))",
    check=check_fewest,
    wrong={
        "return len(word)": "not enough here",
        "return 2 * len(word) + 1": "a blank around every letter",
        "return 2 * len(word)": "a blank beside every letter",
        "return 2 * len(word) - 1": "a blank between all letters",
        "return len(set(word))": "each time that it is spoken",
        "return len(word) + len(word) - len(set(word))": "stand side by side",
        "return len(word) - sum(a == b for a, b in itertools.pairwise(word))": "one frame more",
    },
    hints=(
        '"hello" needs six: h e l - l o.',
        "One frame for each letter, one more for each pair of equal neighbours.",
        '`itertools.pairwise("hello")` gives (h, e), (e, l), (l, l), (l, o).',
    ),
)

LABELS = ("-", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")


def _sure(path: str) -> Tensor:
    """An emission [frames, labels] that is almost sure of each label of the path."""
    places = torch.tensor([LABELS.index(label) for label in path])
    return (8.0 * torch.nn.functional.one_hot(places, len(LABELS))).log_softmax(-1)


DECODED = ("HH-EE-L-LLO", "--II||-S-|-IT--", "|A-|NN-A-M-E||", "-TOO--O--")


def check_decode(decode: Any) -> str | None:
    for path in DECODED:
        emission = _sure(path)
        [want] = greedy_decode(emission[None], LABELS)
        got = call(decode, emission, LABELS)
        if want and isinstance(got, str) and got == _decode_over_labels(emission):
            feedback = f"{got!r}: `dim=0` finds the best frame of each label. The labels are the last axis."
        else:
            feedback = _decoded_feedback(path, got, want)
        if feedback:
            return f"Best labels {path}: {feedback}"
    return None


def _decode_over_labels(emission: Tensor) -> str:
    """What comes out with the wrong axis, cut to the frames that have a label's number."""
    places = emission.argmax(dim=0).unique_consecutive().tolist()
    return "".join(LABELS[place] for place in places if place != 0).replace("|", " ").strip()


def _decoded_feedback(path: str, got: Any, want: str) -> str | None:
    if isinstance(got, list) and got == [want]:
        return "The text is right, but it is in a list; a text alone was asked for."
    if not isinstance(got, str):
        return f"This is a {type(got).__name__}; a text was asked for."
    if got == want:
        return None
    if got == want.replace(" ", "|") or got.strip("|").replace("|", " ") == want:
        return f"{got!r}: `|` is the border between words. Replace it by a space, and strip."
    if got.strip() == want:
        return f"{got!r}: a space too many at an end. `.strip()` takes it away."
    if got == want.replace(" ", ""):
        return f"{got!r}: the words run together. `|` is a label like a letter, and becomes a space."
    letters = path.replace("|", " ")
    if got == letters[0]:
        return f"{got!r} is one letter alone. `argmax` needs `dim=-1`, and no `[0]`: there is no batch axis here."
    if got.strip() == letters.replace("-", "").strip():
        return f"{got!r}: repeats are not merged."
    if "-" in got:
        return f"{got!r}: the blank is no letter. Leave out index 0."
    if got.strip() == collapse(letters.replace("-", "")).strip():
        return f"{got!r}: you dropped blanks before you merged, so a double letter is lost."
    if got == "".join(sorted(set(path) - {"-"}, key=LABELS.index)).replace("|", " ").strip():
        return f"{got!r}: each label appears once. `unique` looks at all frames; `unique_consecutive` at neighbours."
    return f"{got!r} is not {want!r}."


DECODE = Exercise(
    id="07.3",
    objective="07.decode",
    answer="decode",
    frame='''
def decode(emission: Tensor, labels: tuple[str, ...]) -> str:
    """The text of one emission [frames, labels]: letters, with spaces between words and none at the ends."""
    {body}
''',
    body="best = emission.argmax(dim=-1).unique_consecutive()\n"
    'return "".join(labels[place] for place in best if place != 0).replace("|", " ").strip()',
    check=check_decode,
    wrong={
        'best = emission.argmax(dim=-1)\nreturn "".join(labels[i] for i in best if i != 0).replace("|", " ").strip()': (
            "repeats are not merged"
        ),
        "best = emission.argmax(dim=-1).unique_consecutive()\n"
        'return "".join(labels[i] for i in best).replace("|", " ").strip()': "Leave out index 0",
        "best = emission.argmax(dim=-1)\nbest = best[best != 0].unique_consecutive()\n"
        'return "".join(labels[i] for i in best).replace("|", " ").strip()': "before you merged",
        "best = emission.argmax(dim=-1).unique_consecutive()\n"
        'return "".join(labels[i] for i in best if i != 0)': "the border between words",
        "best = emission.argmax(dim=-1).unique_consecutive()\n"
        'return "".join(labels[i] for i in best if i != 0).replace("|", " ")': "a space too many",
        "best = emission.argmax(dim=0).unique_consecutive()\n"
        'return "".join(labels[i] for i in best if i != 0).replace("|", " ").strip()': "the best frame of each label",
        "best = emission.argmax(dim=-1)[0].unique_consecutive()\n"
        'return "".join(labels[i] for i in best if i != 0).replace("|", " ").strip()': "one letter alone",
        "best = emission.argmax(dim=-1).unique_consecutive()\n"
        'return "".join(labels[i] for i in best if i > 1)': "the words run together",
        "best = emission.argmax(dim=-1).unique()\n"
        'return "".join(labels[i] for i in best if i != 0).replace("|", " ").strip()': "each label appears once",
        "best = emission.argmax(dim=-1).unique_consecutive()\n"
        'return ["".join(labels[i] for i in best if i != 0).replace("|", " ").strip()]': "it is in a list",
    },
    hints=(
        "`argmax(dim=-1)` gives the best label of each frame.",
        "`torch.tensor([5, 5, 0, 5]).unique_consecutive()` is [5, 0, 5]: merged, and the blank still parts them.",
        'Join the labels whose index is not 0; then `.replace("|", " ").strip()`.',
    ),
)


def check_wer(word_errors: Any) -> str | None:
    if word_errors is ...:
        raise NotYet
    return compare_number(
        word_errors,
        0.4,
        "errors for each word",
        {
            40: "The right share, in percent. Type it as a share of 1.",
            4: "Four errors. The rate is errors for each word of the reference.",
            4
            / 11: "The errors are right. Divide by the words of the reference, 10, not by those that were recognised.",
            0.1: "That is the substitution alone. Words that are missing and words too many count as well.",
            0.2: "Two of the errors are words too many: they count as well.",
            0.3: "One error is missing. Two words are too many, one is missing, one is another.",
            0.6: "That is 1 minus the error rate. Or did you count the words that are right?",
            0.9: "You compared place by place. One word too many moves all others; move them back first.",
            1.0: "You compared place by place. One word too many moves all others; move them back first.",
        },
        tolerance=1e-3,
    )


WER = Exercise(
    id="07.4",
    objective="07.measure",
    answer="word_errors",
    frame="""
reference = "the person you are calling is not at their desk"
hypothesis = "the first person you are calling now is at the desk"
word_errors = {body}
""",
    body="(1 + 1 + 2) / 10  # their -> the; not is missing; first and now are too many",
    check=check_wer,
    wrong={
        "40": "in percent",
        "4": "for each word of the reference",
        "4 / 11": "Divide by the words of the reference",
        "1 / 10": "the substitution alone",
        "2 / 10": "words too many",
        "3 / 10": "One error is missing",
        "6 / 10": "1 minus the error rate",
        "10 / 10": "place by place",
    },
    hints=(
        "Write the two sentences below each other. Push words to the right until as many as possible stand over their "
        "equals.",
        "Too many: first, now. Missing: not. Another: their became the.",
        "The reference has ten words.",
    ),
)

EXERCISES = [SPELLED, FEWEST, DECODE, WER]
