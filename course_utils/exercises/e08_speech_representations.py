"""Exercises of 08_speech_representations."""

import math
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_pool(mean_over_time: Any) -> str | None:
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(3, 7, 4, generator=generator)
    lengths = torch.tensor([7, 3, 5])
    real = (torch.arange(7) < lengths[:, None])[..., None]
    want = (frames * real).sum(dim=1) / lengths[:, None]
    got = call(mean_over_time, frames, lengths)
    if compare(got, want) is None:
        return None
    foreseen = (
        (frames.mean(dim=1), "The padding counts as well. Item 1 has 3 real frames of 7: leave out the others."),
        (frames.mean(dim=2), "That is the mean over the numbers of a frame. Time is dim=1."),
        (frames.mean(dim=0), "That is the mean over the batch: it mixes different clips. Time is dim=1."),
        (
            frames.sum(dim=1) / lengths[:, None],
            "The divisor is right, but the sum runs over all frames. What lies behind an item's end need not be 0.",
        ),
        ((frames * real).mean(dim=1), "The sum is right. Divide it by the item's own number of frames, not by all 7."),
        (
            frames[:, :3].mean(dim=1),
            "You kept only the frames that all items have. The longer ones lose their ends.",
        ),
    )
    for wrong, words in foreseen:
        if compare(got, wrong) is None:
            return words
    return compare(got, want)


POOL = Exercise(
    id="08.1",
    objective="08.layers",
    answer="mean_over_time",
    frame='''
def mean_over_time(frames: Tensor, lengths: Tensor) -> Tensor:
    """Means over the real frames: [batch, frames, numbers] and [batch] -> [batch, numbers]; the rest is padding."""
    {body}
''',
    body="""real = torch.arange(frames.shape[1]) < lengths[:, None]  # [batch, frames]
return (frames * real[..., None]).sum(dim=1) / lengths[:, None]""",
    check=check_pool,
    wrong={
        "return frames.mean(dim=1)": "The padding counts",
        "return frames.mean(dim=2)": "the numbers of a frame",
        "return frames.mean(dim=0)": "mixes different clips",
        "return frames.sum(dim=1) / lengths[:, None]": "need not be 0",
        "real = torch.arange(frames.shape[1]) < lengths[:, None]\nreturn (frames * real[..., None]).mean(dim=1)": (
            "the item's own number of frames"
        ),
        "return frames[:, : int(lengths.min())].mean(dim=1)": "lose their ends",
    },
    hints=(
        "Item 1 has 7 frames in the tensor, and only the first 3 are real. How would you average those?",
        "A loop over the items is fine: `frames[i, : lengths[i]].mean(dim=0)`, then `torch.stack`.",
        "Without a loop: `torch.arange(frames.shape[1]) < lengths[:, None]` is True for the real ones.",
    ),
)


def check_cosine(cosine_matrix: Any) -> str | None:
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(4, 6, generator=generator) * torch.tensor([[1.0], [10.0], [0.1], [3.0]])
    directions = vectors / vectors.norm(dim=1, keepdim=True)
    want = directions @ directions.T
    got = call(cosine_matrix, vectors)
    if compare(got, want) is None:
        return None
    foreseen = (
        (vectors @ vectors.T, "These are dot products: a long vector is like everything. Divide by both lengths."),
        (
            vectors @ vectors.T / vectors.norm() ** 2,
            "You divided by one length for the whole tensor. Each row has a length of its own: `norm(dim=1)`.",
        ),
        (
            (vectors / vectors.norm(dim=0)) @ (vectors / vectors.norm(dim=0)).T,
            "You made every column 1 long. A clip is a row: `norm(dim=1, keepdim=True)`.",
        ),
        (directions @ vectors.T, "Only one side was made 1 long. Both need it."),
        (want.acos(), "Those are angles. The cosine itself was asked for: 1 for the same direction."),
        (torch.cdist(vectors, vectors), "Those are distances. Cosine looks at the direction only."),
    )
    for wrong, words in foreseen:
        if compare(got, wrong, tolerance=1e-3) is None:
            return words
    if isinstance(got, Tensor) and got.shape == (4,):
        return "One number for each clip: you compared each with itself. Every clip meets every clip, [clips, clips]."
    if isinstance(got, Tensor) and got.shape == (6, 6):
        return "The axes are swapped: [6, 6] compares the numbers with each other. [clips, clips] was asked for."
    return compare(got, want)


COSINE = Exercise(
    id="08.2",
    objective="08.similarity",
    answer="cosine_matrix",
    frame='''
def cosine_matrix(vectors: Tensor) -> Tensor:
    """The cosine of the angle between every two clips: [clips, numbers] -> [clips, clips], from -1 to 1."""
    {body}
''',
    body="""directions = vectors / vectors.norm(dim=1, keepdim=True)
return directions @ directions.T""",
    check=check_cosine,
    wrong={
        "return vectors @ vectors.T": "dot products",
        "return vectors @ vectors.T / vectors.norm() ** 2": "one length for the whole tensor",
        "directions = vectors / vectors.norm(dim=0)\nreturn directions @ directions.T": "every column",
        "return vectors / vectors.norm(dim=1, keepdim=True) @ vectors.T": "Only one side",
        "return torch.nn.functional.cosine_similarity(vectors, vectors)": "compared each with itself",
        "directions = vectors / vectors.norm(dim=1, keepdim=True)\nreturn directions.T @ directions": "are swapped",
        "return torch.cdist(vectors, vectors)": "Those are distances",
    },
    hints=(
        "Make every vector 1 long first. Then the dot product of two is the cosine.",
        "`vectors.norm(dim=1, keepdim=True)` is [clips, 1]: one length for each clip.",
        "`directions @ directions.T` multiplies every row with every row.",
    ),
)


_SCORES = torch.tensor([0.9, 0.7, 0.5, 0.2, 0.8, 0.5, 0.3, 0.1, 0.0, -0.4, -0.1, 0.4])
_SAME = torch.tensor([True, True, True, True, False, False, False, False, False, False, False, False])


def check_rates(error_rates: Any) -> str | None:
    for threshold in (0.5, 0.25):
        accepted = threshold <= _SCORES
        false_accepts, false_rejects = (accepted & ~_SAME).sum().item(), (~accepted & _SAME).sum().item()
        got = call(error_rates, _SCORES, _SAME, threshold)
        if not isinstance(got, tuple | list) or len(got) != 2:
            return "Two numbers were asked for: the false accepts first, then the false rejects."
        rates = tuple(float(value) for value in got)
        feedback = _rates_feedback(rates, accepted, false_accepts, false_rejects)
        if feedback:
            return f"Threshold {threshold}: {feedback}"
    return None


def _rates_feedback(rates: tuple[float, float], accepted: Tensor, accepts: int, rejects: int) -> str | None:
    same, different = int(_SAME.sum()), int((~_SAME).sum())
    strictly = _SCORES > 0.5
    foreseen = (
        (accepts / different, rejects / same, None),
        (rejects / same, accepts / different, "Both are right, in the wrong order. False accepts come first."),
        (
            accepts / len(_SAME),
            rejects / len(_SAME),
            "You divided by all pairs. False accepts can only happen to different speakers, false rejects only to the "
            "same: divide by those.",
        ),
        (accepts, rejects, "Those are counts. Shares were asked for."),
        (
            accepts / int(accepted.sum()),
            rejects / int((~accepted).sum()),
            "You divided by the pairs that were accepted and refused. How many different pairs, and how many same "
            "pairs, are there?",
        ),
        ((different - accepts) / different, (same - rejects) / same, "Those are the shares of right decisions."),
        (
            int((strictly & ~_SAME).sum()) / different,
            int((~strictly & _SAME).sum()) / same,
            "A pair exactly at the threshold is accepted: `>=`.",
        ),
    )
    for false_accepts, false_rejects, words in foreseen:
        wrong = (false_accepts, false_rejects)
        if all(math.isclose(one, other, abs_tol=1e-4) for one, other in zip(rates, wrong, strict=True)):
            return words
    return f"({rates[0]:.3f}, {rates[1]:.3f}) is not it. Count both kinds of error by hand for the pairs at 0.5."


RATES = Exercise(
    id="08.3",
    objective="08.similarity",
    answer="error_rates",
    frame='''
def error_rates(scores: Tensor, same: Tensor, threshold: float) -> tuple[float, float]:
    """For pairs [pairs] with scores, and whether the speaker is the same: accepted if score >= threshold.

    Returns the share of the different pairs that are accepted, and the share of the same pairs that are refused.
    """
    {body}
''',
    body="""accepted = scores >= threshold
return accepted[~same].float().mean().item(), (~accepted[same]).float().mean().item()""",
    check=check_rates,
    wrong={
        "accepted = scores >= threshold\n"
        "return (~accepted[same]).float().mean().item(), accepted[~same].float().mean().item()": "in the wrong order",
        "accepted = scores >= threshold\n"
        "return (accepted & ~same).float().mean().item(), (~accepted & same).float().mean().item()": "by all pairs",
        "accepted = scores >= threshold\n"
        "return accepted[~same].sum().item(), (~accepted[same]).sum().item()": "Those are counts",
        "accepted = scores >= threshold\n"
        "return (~same[accepted]).float().mean().item(), same[~accepted].float().mean().item()": "accepted and refused",
        "accepted = scores >= threshold\n"
        "return (~accepted[~same]).float().mean().item(), accepted[same].float().mean().item()": "right decisions",
        "accepted = scores > threshold\n"
        "return accepted[~same].float().mean().item(), (~accepted[same]).float().mean().item()": "exactly at",
        "return (scores >= threshold)[~same].float().mean().item()": "Two numbers",
    },
    hints=(
        "`accepted = scores >= threshold`. Which pairs can be accepted by mistake, and which refused by mistake?",
        "`accepted[~same]` are the decisions on different speakers: each True there is a false accept.",
        "The mean of booleans is a share: `accepted[~same].float().mean().item()`.",
    ),
)

TRAIN = [
    "june/bravo/clean",
    "june/bravo/noisy",
    "paola/echo/clean",
    "paola/kilo/noisy",
    "june/zulu/clean",
    "vera/lima/clean",
]
TEST = ["june/zulu/noisy", "paola/bravo/clean", "paola/echo/noisy", "june/zulu/clean", "anna/mike/clean"]


def check_leaks(leaks: Any) -> str | None:
    got = call(leaks, list(TRAIN), list(TEST))
    if isinstance(got, set):
        return "This is a set; a sorted list was asked for: `sorted(...)`."
    if not isinstance(got, list):
        return f"This is a {type(got).__name__}; a list of texts was asked for."
    want = ["june/zulu", "paola/echo"]
    foreseen = (
        (want, None),
        (
            ["june/zulu/clean"],
            "That finds only the very same file. A noisy copy holds the same recording: leave the last part away.",
        ),
        (["june", "paola"], "Those are speakers on both sides. Here the recording counts: speaker and word."),
        (
            ["bravo", "echo", "zulu"],
            "Those are words on both sides. Two people may say the same word in two "
            "recordings: compare speaker and word together.",
        ),
        (sorted({_recording(name) for name in TRAIN + TEST}), "Those are all recordings. Which are on BOTH sides?"),
    )
    for wrong, words in foreseen:
        if got == wrong:
            return words
    if sorted(set(got)) == want:
        return "The right recordings, but each only once, and in alphabetical order."
    if {_recording(str(name)) for name in got} == set(want):
        return "The right ones, with their last part. Name the recordings: june/zulu."
    return f"{got} is not it. In this test two recordings lie on both sides."


def _recording(name: str) -> str:
    return name.rpartition("/")[0]


LEAKS = Exercise(
    id="08.5",
    objective="08.honest",
    answer="leaks",
    frame='''
def leaks(train: list[str], test: list[str]) -> list[str]:
    """The recordings that lie on both sides, sorted. A clip is called "speaker/word/version"; all versions of one
    recording, "speaker/word", are copies of it."""
    {body}
''',
    body="""in_train = {name.rpartition("/")[0] for name in train}
in_test = {name.rpartition("/")[0] for name in test}
return sorted(in_train & in_test)""",
    check=check_leaks,
    wrong={
        "return sorted(set(train) & set(test))": "only the very same file",
        'return sorted({n.split("/")[0] for n in train} & {n.split("/")[0] for n in test})': "Those are speakers",
        'return sorted({n.split("/")[1] for n in train} & {n.split("/")[1] for n in test})': "Those are words",
        'return sorted({n.rpartition("/")[0] for n in train + test})': "BOTH sides",
        'return {n.rpartition("/")[0] for n in train} & {n.rpartition("/")[0] for n in test}': "This is a set",
        'known = {n.rpartition("/")[0] for n in train}\n'
        'return [n.rpartition("/")[0] for n in test if n.rpartition("/")[0] in known]': "only once",
        'known = {n.rpartition("/")[0] for n in train}\n'
        'return [n for n in test if n.rpartition("/")[0] in known]': "with their last part",
    },
    hints=(
        'Which part of the name says what was recorded? `"june/zulu/noisy".rpartition("/")` gives three parts.',
        "A set of recordings for each side; `&` is what both sets have.",
        '`{name.rpartition("/")[0] for name in train}` is the set of one side; `sorted` makes a list of a set.',
    ),
)


def check_error(standard_error: Any) -> str | None:
    for right, total in ((111, 130), (45, 60)):
        share = right / total
        deviation = math.sqrt(share * (1 - share))
        feedback = compare_number(
            call(standard_error, right, total),
            deviation / math.sqrt(total),
            "as a share",
            {
                share: "That is the accuracy. How far may it be off?",
                share * (1 - share) / total: "Nearly: that is the variance. Take the square root.",
                deviation: "That is the spread of a single clip. Over many clips it shrinks with the root of their "
                "number.",
                deviation / total: "It shrinks with the root of the number of clips, not with the number.",
                deviation * math.sqrt(total): "That is the spread of the count. For the share, divide by the number of "
                "clips once more.",
                math.sqrt(share / total): "Half of it: p (1 - p) belongs under the root.",
                1 / math.sqrt(total): "A rule of thumb for two standard errors at p = 0.5. Here p is known.",
                1.96 * deviation / math.sqrt(total): "That is the half width of a 95 % interval. One standard error "
                "was asked for.",
                100 * deviation / math.sqrt(total): "In percent. As a share it is a hundredth of that.",
            },
            tolerance=1e-3,
        )
        if feedback:
            return f"{right} of {total}: {feedback}"
    return None


ERROR = Exercise(
    id="08.4",
    objective="08.probe",
    answer="standard_error",
    frame='''
def standard_error(right: int, total: int) -> float:
    """The standard error of an accuracy, as a share of 1: sqrt(p (1 - p) / total), where p is the accuracy."""
    {body}
''',
    body="""accuracy = right / total
return math.sqrt(accuracy * (1 - accuracy) / total)""",
    check=check_error,
    wrong={
        "return right / total": "That is the accuracy",
        "p = right / total\nreturn p * (1 - p) / total": "the variance",
        "p = right / total\nreturn math.sqrt(p * (1 - p))": "a single clip",
        "p = right / total\nreturn math.sqrt(p * (1 - p)) / total": "the root of the number of clips",
        "p = right / total\nreturn math.sqrt(p * (1 - p) * total)": "the spread of the count",
        "p = right / total\nreturn math.sqrt(p / total)": "Half of it",
        "p = right / total\nreturn 1.96 * math.sqrt(p * (1 - p) / total)": "half width",
        "p = right / total\nreturn 100 * math.sqrt(p * (1 - p) / total)": "In percent",
    },
    hints=(
        "First the accuracy: right answers over all.",
        "p (1 - p) is the variance of one clip that is right with probability p. Of the mean of `total` clips it is "
        "that, divided by `total`.",
        "The square root of the variance is the standard error.",
    ),
)

EXERCISES = [POOL, COSINE, RATES, ERROR, LEAKS]
