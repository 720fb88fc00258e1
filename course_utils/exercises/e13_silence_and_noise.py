"""Exercises of 13_silence_and_noise."""

import math
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare
from course_utils.segments import Segment


def check_gaps(close_gaps: Any) -> str | None:
    segments = [Segment(1.0, 2.0), Segment(2.1, 2.5), Segment(2.7, 3.0), Segment(4.0, 4.1), Segment(4.5, 6.0)]
    want = [Segment(1.0, 3.0), Segment(4.0, 4.1), Segment(4.5, 6.0)]
    given = list(segments)
    got = call(close_gaps, given, 0.3)
    if given != segments:
        return "It changes the list that it was given. Make a new one."
    if not isinstance(got, list) or not all(isinstance(item, Segment) for item in got):
        return "Return a list of Segments, `Segment(start, end)`."
    if got == want:
        return None if call(close_gaps, [], 0.3) == [] else "No segments in, no segments out: an empty list."
    for other, words in (
        (segments, "Nothing was closed: the gaps of 0.1 and 0.2 s are shorter than 0.3 s."),
        ([Segment(1.0, 6.0)], "All became one. The gap of 1.0 s, and that of 0.4 s, are longer than 0.3 s."),
        (
            [Segment(2.7, 3.0), Segment(4.0, 4.1), Segment(4.5, 6.0)],
            "The beginning is lost: a joined segment starts where its first part starts.",
        ),
        (
            [Segment(1.0, 2.5), Segment(2.7, 3.0), Segment(4.0, 4.1), Segment(4.5, 6.0)],
            "Three in a row became two: compare with the segment that you have just joined.",
        ),
        (
            [Segment(1.0, 2.0), Segment(2.1, 2.5), Segment(4.5, 6.0)],
            "You dropped short segments. Here, short gaps are closed.",
        ),
        (
            [Segment(1.0, 2.0), Segment(2.1, 2.5), Segment(2.7, 6.0)],
            "The long gaps were closed, and the short ones stayed: turn the comparison round.",
        ),
    ):
        if got == other:
            return words
    shown = ", ".join(f"{item.start:g} to {item.end:g}" for item in got)
    return f"Of 1 to 2, 2.1 to 2.5, 2.7 to 3, 4 to 4.1 and 4.5 to 6 s you make {shown} s."


_GAPS = """closed = []
for segment in segments:
    if closed and segment.start - closed[-1].end < shortest:
        segment = Segment(closed.pop().start, segment.end)
    closed.append(segment)
return closed"""

GAPS = Exercise(
    id="13.1",
    objective="13.detect",
    answer="close_gaps",
    frame='''
def close_gaps(segments: list[Segment], shortest: float) -> list[Segment]:
    """Join neighbours with a gap of less than `shortest` seconds; the segments come in order of time."""
    {body}
''',
    body=_GAPS,
    check=check_gaps,
    wrong={
        "return list(segments)": "Nothing was closed",
        "return [Segment(segments[0].start, segments[-1].end)] if segments else []": "All became one",
        _GAPS.replace("closed.pop().start, segment.end", "segment.start + 0 * closed.pop().start, segment.end"): (
            "The beginning is lost"
        ),
        _GAPS.replace("segment = Segment(closed.pop().start, segment.end)", "")
        .replace(
            "    if closed and segment.start - closed[-1].end < shortest:\n        \n    closed.append(segment)",
            "    first = closed[-1] if len(closed) == 1 else None\n"
            "    if first and segment.start - first.end < shortest:\n"
            "        closed[-1] = Segment(first.start, segment.end)\n"
            "        closed.append(None)\n"
            "    else:\n        closed.append(segment)",
        )
        .replace("return closed", "return [item for item in closed if item]"): "Three in a row became two",
        "return [segment for segment in segments if round(segment.seconds, 3) > shortest]": "dropped short segments",
        _GAPS.replace("< shortest", "> shortest"): "turn the comparison round",
        _GAPS.replace("closed = []\n", "closed = segments\n").replace(
            "for segment in segments:", "for segment in list(segments[:1]):"
        ): "changes the list",
    },
    hints=(
        "Build a new list. Look at the last segment in it, `closed[-1]`.",
        "The gap is `segment.start - closed[-1].end`.",
        "If it is too short, take the last one out again, and put in `Segment(its start, this one's end)`.",
    ),
)


def check_scores(precision_and_recall: Any) -> str | None:
    found = torch.tensor([0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0]).bool()
    marked = torch.tensor([0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]).bool()
    got = call(precision_and_recall, found, marked)
    if not isinstance(got, tuple) or len(got) != 2:
        return "Return two numbers, precision first: `return precision, recall`."
    first, second = (float(value) for value in got)
    for pair, words in (
        ((0.5, 0.6), None),
        ((0.6, 0.5), "The two are swapped. Precision is a share of what was **found**, recall of what is **marked**."),
        ((7 / 12, 7 / 12), "You counted the frames on which both agree, silence too. Count the frames of speech."),
        ((0.25, 0.25), "You divided by all frames. Precision: by those found; recall: by those marked."),
        ((0.375, 0.375), "You divided by the frames that are found **or** marked. Each has a denominator of its own."),
        ((3.0, 3.0), "That is the number of common frames. Divide it."),
        ((0.5, 0.5), "Both are divided by the frames that were found. Recall is a share of the marked ones."),
    ):
        if math.isclose(first, pair[0], abs_tol=1e-6) and math.isclose(second, pair[1], abs_tol=1e-6):
            return words
    return f"6 frames found, 5 marked, 3 of them common: you say precision {first:.3g} and recall {second:.3g}."


SCORES = Exercise(
    id="13.2",
    objective="13.judge",
    answer="precision_and_recall",
    frame='''
def precision_and_recall(found: Tensor, marked: Tensor) -> tuple[float, float]:
    """Of two rows of True (speech) and False, one value for each frame."""
    {body}
''',
    body="""common = (found & marked).sum()
return float(common / found.sum()), float(common / marked.sum())""",
    check=check_scores,
    wrong={
        "common = (found & marked).sum()\nreturn float(common / marked.sum()), float(common / found.sum())": "swapped",
        "right = (found == marked).float().mean()\nreturn float(right), float(right)": "both agree, silence too",
        "common = (found & marked).float().mean()\nreturn float(common), float(common)": "divided by all frames",
        "share = (found & marked).sum() / (found | marked).sum()\nreturn float(share), float(share)": "found **or**",
        "common = (found & marked).sum()\nreturn float(common), float(common)": "Divide it",
        "common = (found & marked).sum()\nreturn float(common / found.sum()), float(common / found.sum())": (
            "Recall is a share of the marked ones"
        ),
        "common = (found & marked).sum()\nreturn common / found.sum()": "Return two numbers",
    },
    hints=(
        "`found & marked` is True where both are; `.sum()` counts.",
        "Precision: common / found. Recall: common / marked.",
    ),
)


def check_gain(wiener_gain: Any) -> str | None:
    power = torch.tensor([[4.0, 2.0, 1.0, 0.5, 100.0], [1.0, 8.0, 0.2, 3.0, 2.5]])
    profile, floor = torch.tensor([[1.0], [2.0]]), 0.05
    got = call(wiener_gain, power, profile, floor)
    share = 1 - profile / power
    want = share.clamp(min=floor)
    if isinstance(got, Tensor) and got.shape == want.shape:
        for other, words in (
            (share, "Some gains are negative: where less power is heard than in the profile, use `floor`."),
            (share.clamp(min=0), "The smallest gain is 0, but `floor` was asked for."),
            (profile / power, "That is the share of the noise. What is left of 1 is speech."),
            ((1 - power / profile).clamp(min=floor), "The ratio is upside down: noise by all, not all by noise."),
            (power / (power + profile), "`power` is speech **and** noise already; here the noise counts twice."),
            ((power - profile).clamp(min=floor), "That is the power of the speech. Which share of all is it?"),
            (want.sqrt(), "The root is another method, spectral subtraction. Wiener's gain is the share itself."),
            (share.clamp(max=floor), "`max=floor` cuts the gains off above. The floor is their `min`."),
        ):
            if torch.allclose(got.float(), other, atol=1e-5):
                return words
    return compare(got, want)


GAIN = Exercise(
    id="13.3",
    objective="13.clean",
    answer="wiener_gain",
    frame='''
def wiener_gain(power: Tensor, profile: Tensor, floor: float) -> Tensor:
    """The share of speech in each point: power [bins, frames] is speech and noise, profile [bins, 1] noise alone."""
    {body}
''',
    body="return (1 - profile / power).clamp(min=floor)",
    check=check_gain,
    wrong={
        "return 1 - profile / power": "Some gains are negative",
        "return (1 - profile / power).clamp(min=0)": "The smallest gain is 0",
        "return profile / power": "the share of the noise",
        "return (1 - power / profile).clamp(min=floor)": "upside down",
        "return power / (power + profile)": "counts twice",
        "return (power - profile).clamp(min=floor)": "Which share of all",
        "return (1 - profile / power).clamp(min=floor).sqrt()": "The root is another method",
        "return (1 - profile / power).clamp(max=floor)": "cuts the gains off above",
    },
    hints=(
        "speech + noise = power, so speech = power - profile.",
        "The share of the speech is (power - profile) / power. Shorter: 1 - profile / power.",
        "`.clamp(min=floor)` lifts what is below the floor.",
    ),
)


def check_si_sdr(si_sdr: Any) -> str | None:
    generator = torch.Generator().manual_seed(13)
    target = torch.randn(2000, generator=generator)
    estimate = 0.3 * target + 0.06 * torch.randn(2000, generator=generator)
    got = float(call(si_sdr, estimate, target))
    scale = float(estimate @ target / (target @ target))
    found = scale * target

    def decibels(signal: Tensor, rest: Tensor) -> float:
        return float(10 * torch.log10(signal.square().sum() / rest.square().sum()))

    rest = estimate - found
    for value, words in (
        (decibels(found, rest), None),
        (
            decibels(target, target - estimate),
            "That is the SNR: it punishes the estimate for being softer. Scale the target to it first.",
        ),
        (2 * decibels(found, rest), "The sums of squares are energies, so the factor is 10."),
        (-decibels(found, rest), "Upside down: what was found stands above, the rest below."),
        (decibels(target, rest), "Above stands the **scaled** target, as loud as it is in the estimate."),
        (decibels(found, target - estimate), "Below stands what is left of the estimate without the scaled target."),
        (decibels(estimate, rest), "Above stands the scaled target, not the whole estimate: its noise is no speech."),
        (
            decibels(wrongly := estimate @ target / (estimate @ estimate) * target, estimate - wrongly),
            "For the scale, divide by the energy of the **target**.",
        ),
    ):
        if math.isclose(got, value, abs_tol=1e-3):
            return words
    return f"{got:.2f} dB; it should be {decibels(found, rest):.2f} dB."


def _si_sdr_body(scale: str = "(estimate @ target) / (target @ target)", above: str = "found", below: str = "rest"):
    return f"""scale = {scale}
found = scale * target
rest = estimate - found
return float(10 * torch.log10({above}.square().sum() / ({below}).square().sum()))"""


SI_SDR = Exercise(
    id="13.4",
    objective="13.clean",
    answer="si_sdr",
    frame='''
def si_sdr(estimate: Tensor, target: Tensor) -> float:
    """dB, of two waveforms [samples] with a mean of 0: the scaled target in the estimate against all the rest of it."""
    {body}
''',
    body=_si_sdr_body(),
    check=check_si_sdr,
    wrong={
        _si_sdr_body(scale="1.0", above="target"): "That is the SNR",
        _si_sdr_body().replace("float(10 *", "float(20 *"): "so the factor is 10",
        _si_sdr_body(above="rest", below="found"): "Upside down",
        _si_sdr_body(above="target"): "the **scaled** target, as loud",
        _si_sdr_body(below="target - estimate"): "Below stands",
        _si_sdr_body(above="estimate"): "not the whole estimate",
        _si_sdr_body(scale="(estimate @ target) / (estimate @ estimate)"): "the energy of the **target**",
    },
    hints=(
        "`a @ b` multiplies sample by sample and adds up. `target @ target` is the energy of the target.",
        "The scale that fits best is `(estimate @ target) / (target @ target)`.",
        "`found = scale * target`, `rest = estimate - found`; then 10 log10 of their energies' ratio.",
    ),
)

EXERCISES = [GAPS, SCORES, GAIN, SI_SDR]
