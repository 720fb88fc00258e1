"""Where somebody speaks: scores for each frame, segments made of them, and how good they are.

A detector is two parts. The first gives a score to each frame: `level_scores` (how far above the noise) or
`speech_probabilities` (a trained network, Silero VAD). The second, `segments_from_scores`, makes segments of the scores
of either. Whatever has a `start` and an `end` in seconds counts as a segment here, the words of an alignment too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

import torch
from matplotlib.axes import Axes
from torch import Tensor
from torchaudio.functional import resample

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.plots import plot_waveform

LOWEST_RATE = 8000
"""Hz; below, too little of speech is left."""

LEVEL_FRAME = 0.02
"""Seconds of a frame of `level_scores`."""

QUIETEST_FLOOR_DB = -70.0
"""dB relative to full scale: between digital silence and the noise of a quiet studio."""

ROW_COLOURS = ("tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:pink", "tab:gray")
"""Of `plot_segments`, the topmost first."""

SILERO_RATE = 16_000
SILERO_FRAME = 512 / SILERO_RATE
"""Seconds of a frame of `speech_probabilities`: 32 ms."""


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


def level_scores(waveform: Tensor, sample_rate: int, frame_seconds: float = LEVEL_FRAME) -> Tensor:
    """How many dB each frame lies above the noise floor of its recording.

    The floor is the level that the quietest tenth of the frames stays below, but at least -70 dB relative to full
    scale: a recording without a pause has a floor that is too high, and digital silence has none.

    Args:
        waveform: [channels, samples] or [samples], float; not silent. Powers of channels are averaged.
        sample_rate: Hz, at least 8000.
        frame_seconds: length of a frame.

    Returns:
        [frames], dB, 0 or more; the last frame may be shorter than the others.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), a rate below 8000 Hz, or frames without a sample.
        SilentAudioError: every sample is 0.

    Taught in 13_silence_and_noise.
    """
    waveform = _check(waveform, sample_rate)
    length = round(frame_seconds * sample_rate)
    if length < 1:
        raise WaveformError(f"A frame of {frame_seconds:g} s holds no sample.", "Choose longer frames, such as 0.02.")
    powers = torch.stack([part.square().mean() for part in waveform.split(length, dim=1)])
    levels = 10 * torch.log10(powers.clamp(min=1e-12))
    floor = levels.quantile(0.1).clamp(min=QUIETEST_FLOOR_DB)
    return (levels - floor).clamp(min=0)


def speech_probabilities(waveform: Tensor, sample_rate: int) -> Tensor:
    """How sure Silero VAD is, for every 32 ms, that somebody speaks. Its weights come with the package silero-vad.

    Args:
        waveform: [channels, samples] or [samples], float; not silent. Channels are averaged.
        sample_rate: Hz, at least 8000; converted to 16000 if it differs.

    Returns:
        [frames], float32 in [0, 1]; the last frame is filled up with zeros.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), or a rate below 8000 Hz.
        SilentAudioError: every sample is 0.

    Taught in 13_silence_and_noise.
    """
    mono = _check(waveform, sample_rate).mean(dim=0)
    samples = resample(mono, sample_rate, SILERO_RATE).detach().cpu().float().numpy()
    return torch.from_numpy(_silero().audio_forward(samples))


@cache
def _silero() -> Any:
    threads = torch.get_num_threads()
    from silero_vad import load_silero_vad  # importing it limits PyTorch to one thread

    torch.set_num_threads(threads)
    return load_silero_vad(sequence=True)


def segments_from_scores(
    scores: Tensor | Sequence[float],
    frame_seconds: float,
    on: float,
    off: float | None = None,
    min_speech: float = 0.25,
    min_silence: float = 0.25,
    pad: float = 0.0,
    *,
    seconds: float | None = None,
) -> list[Segment]:
    """Make segments of the scores of frames.

    In this order: frames of at least `off` in a row are a segment if one of them reaches `on`; gaps shorter than
    `min_silence` are closed; segments shorter than `min_speech` are dropped; all others are widened by `pad` at both
    ends, but not beyond the recording, and two neighbours at most to the middle between them.

    Args:
        scores: [frames], any range.
        frame_seconds: from frame to frame.
        on: the score that starts a segment.
        off: the score that keeps it going, at most `on`; `on` if None.
        min_speech: seconds of the shortest segment, before it is widened.
        min_silence: seconds of the shortest gap that parts two segments.
        pad: seconds added at both ends.
        seconds: where the recording ends, since the last frame may reach beyond; at its last frame's end if None.

    Returns:
        The segments in order of time; none overlaps another.

    Raises:
        WaveformError: no scores, not one row of them, NaN among them, `off` above `on`, or a negative time.

    Taught in 13_silence_and_noise. Source: two thresholds as in L. Rabiner and M. Sambur, An Algorithm for Determining
    the Endpoints of Isolated Utterances, Bell System Technical Journal, 1975.
    """
    off = on if off is None else off
    values = _check_scores(torch.as_tensor(scores), on, off)
    if frame_seconds <= 0 or min(min_speech, min_silence, pad) < 0:
        raise WaveformError("A time is negative, or frames last no time.", "Pass seconds of 0 or more.")
    least_gap, least_speech = (math.ceil(time / frame_seconds - 1e-6) for time in (min_silence, min_speech))
    runs: list[tuple[int, int]] = []
    for first, end in _runs(values >= off):
        if values[first:end].max() < on:
            continue
        if runs and first - runs[-1][1] < least_gap:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((first, end))
    last = len(values) * frame_seconds if seconds is None else seconds
    found = [
        (first * frame_seconds, min(end * frame_seconds, last)) for first, end in runs if end - first >= least_speech
    ]
    return _widened([pair for pair in found if pair[0] < pair[1]], pad, last)


def _check_scores(scores: Tensor, on: float, off: float) -> Tensor:
    if scores.ndim != 1 or len(scores) == 0 or bool(scores.isnan().any()):
        raise WaveformError(
            f"The scores have shape {list(scores.shape)}, or NaN among them; [frames] is expected.",
            "Pass one score for each frame, at least one.",
        )
    if off > on:
        raise WaveformError(
            f"Speech would have to reach {on:g} to start and {off:g} to go on.", "Choose `off` at most as high as `on`."
        )
    return scores


def _runs(active: Tensor) -> list[tuple[int, int]]:
    """First frame, and first frame after, of each run of True."""
    edges = torch.nn.functional.pad(active.int(), (1, 1)).diff().nonzero()[:, 0].tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _widened(found: list[tuple[float, float]], pad: float, last: float) -> list[Segment]:
    segments = []
    for number, (start, end) in enumerate(found):
        before = (found[number - 1][1] + start) / 2 if number else 0.0
        after = (end + found[number + 1][0]) / 2 if number + 1 < len(found) else last
        segments.append(Segment(max(start - pad, before), min(end + pad, after)))
    return segments


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
        waveform: [1, samples] or [samples], float.
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
    ax = plot_waveform(waveform, sample_rate, ax=ax, title=title)
    for full_scale in ax.lines[:2]:
        full_scale.set_visible(False)  # it would cross the rows
    peak = float(waveform.abs().max()) or 1.0
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


def _check(waveform: Tensor, sample_rate: int) -> Tensor:
    waveform, rate = check_waveform(waveform, allow_1d=True), check_sample_rate(sample_rate)
    if rate < LOWEST_RATE:
        raise WaveformError(
            f"At {rate} Hz nothing above {rate // 2} Hz is left, too little to tell speech from noise.",
            f"Record at {LOWEST_RATE} Hz or more.",
        )
    if not bool(waveform.any()):
        raise SilentAudioError(
            "Every sample is 0: digital silence, which no microphone records.",
            "See whether the microphone was muted or the wrong channel was taken.",
        )
    return waveform
