"""Stretches of time in a recording: what lies between them, what is left of the sound, how well two sets agree.

Whatever has a `start` and an `end` in seconds counts as a segment here, the words of an alignment too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from matplotlib.axes import Axes
from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import WaveformError
from course_utils.plots import plot_waveform

ROW_COLOURS = ("tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:pink", "tab:gray")
"""Of `plot_segments`, the topmost first."""


class Span(Protocol):
    """Anything with a beginning and an end in seconds: a Segment, a WordSpan."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


@dataclass(frozen=True, order=True)
class Segment:
    """A stretch of time in which something is heard."""

    start: float
    """Seconds from the beginning of the recording."""
    end: float
    """Seconds; the first moment after it."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


class Agreement(NamedTuple):
    """How well found segments agree with marked ones."""

    precision: float
    """The share of the found time that is marked; 0 when nothing was found."""
    recall: float
    """The share of the marked time that was found."""
    boundary_error: float
    """Seconds by which the edges of the marked segments are missed, on average; NaN when none was found."""
    missed: int
    """Marked segments of which nothing was found."""
    invented: int
    """Found segments that touch no marked one."""


def pauses(segments: Sequence[Span], seconds: float) -> list[Segment]:
    """What lies between segments, before the first and after the last.

    Args:
        segments: in order of time, none overlapping another.
        seconds: length of the recording.

    Returns:
        The gaps, none empty.

    Taught in 13_silence_and_noise.
    """
    edges = [0.0, *(time for segment in segments for time in (segment.start, segment.end)), seconds]
    return [Segment(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def keep(waveform: Tensor, sample_rate: int, segments: Sequence[Span]) -> Tensor:
    """Cut out segments and put them one after the other.

    Args:
        waveform: [channels, samples] or [samples], float.
        sample_rate: Hz.
        segments: what to keep; at least one has to hold a sample.

    Returns:
        [channels, samples], same dtype and device.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), no sample rate, or nothing would be left.

    Taught in 13_silence_and_noise.
    """
    waveform, rate = check_waveform(waveform, allow_1d=True), check_sample_rate(sample_rate)
    edges = [(max(0, round(segment.start * rate)), max(0, round(segment.end * rate))) for segment in segments]
    parts = [waveform[:, first:last] for first, last in edges]
    if not any(part.shape[1] for part in parts):
        raise WaveformError(
            "No segment lies in the recording, so nothing would be left.", "Lower the threshold, or keep it whole."
        )
    return torch.cat(parts, dim=1)


def compare_segments(found: Sequence[Span], marked: Sequence[Span]) -> Agreement:
    """Score found segments against marked ones, by time.

    Args:
        found: in order of time, none overlapping another.
        marked: likewise, what is true; at least one.

    Returns:
        Precision and recall, 0 to 1; the mean distance in seconds from each edge of the marked segments that were found
        to the outer edges of the found ones that overlap them; and how many were missed or invented.

    Raises:
        WaveformError: nothing is marked.

    Taught in 13_silence_and_noise. Source: precision = common / found, recall = common / marked, in seconds.
    """
    if not marked:
        raise WaveformError("Nothing is marked, so there is no recall.", "Mark at least one segment by ear.")
    common = sum(_overlap(ours, true) for ours in found for true in marked)
    errors, missed = [], 0
    for true in marked:
        touching = [ours for ours in found if _overlap(ours, true) > 0]
        missed += not touching
        if touching:
            errors += [abs(touching[0].start - true.start), abs(touching[-1].end - true.end)]
    return Agreement(
        precision=common / _total(found) if found else 0.0,
        recall=common / _total(marked),
        boundary_error=sum(errors) / len(errors) if errors else math.nan,
        missed=missed,
        invented=sum(all(_overlap(ours, true) == 0 for true in marked) for ours in found),
    )


def _overlap(one: Span, other: Span) -> float:
    return max(0.0, min(one.end, other.end) - max(one.start, other.start))


def _total(segments: Sequence[Span]) -> float:
    return sum(segment.end - segment.start for segment in segments)


def plot_segments(
    waveform: Tensor,
    sample_rate: int,
    rows: dict[str, Sequence[Span]],
    *,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a waveform with rows of segments above it.

    Args:
        waveform: [channels, samples] or [samples], float; the mean of its channels is drawn.
        sample_rate: Hz.
        rows: label -> segments, the topmost first, such as {"marked": marked, "found": found}.
        ax: where to draw; a new figure if None.
        title: above the picture.

    Returns:
        The Axes; time in seconds.

    Raises:
        WaveformError: not a waveform, or no sample rate.

    Taught in 13_silence_and_noise.
    """
    mono = check_waveform(waveform, allow_1d=True).mean(dim=0)
    ax = plot_waveform(mono, sample_rate, ax=ax, title=title)
    for full_scale in ax.lines[:2]:
        full_scale.set_visible(False)  # it would cross the rows
    peak = float(mono.abs().max()) or 1.0
    names = list(rows)
    heights = [peak * (1.25 + 0.35 * (len(names) - 1 - number)) for number in range(len(names))]
    for number, (name, height) in enumerate(zip(names, heights, strict=True)):
        bars = [(segment.start, segment.end - segment.start) for segment in rows[name]]
        colour = ROW_COLOURS[number % len(ROW_COLOURS)]
        ax.broken_barh(bars, (height - 0.12 * peak, 0.24 * peak), color=colour, gid=name)
    ax.set_yticks([-peak, 0, peak, *heights], [f"{-peak:.2g}", "0", f"{peak:.2g}", *names])
    ax.set_ylim(-1.1 * peak, peak * (1.5 + 0.35 * (len(names) - 1)))
    ax.set_ylabel("Amplitude")
    return ax
