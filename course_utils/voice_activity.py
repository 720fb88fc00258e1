"""Where somebody speaks: a detector is two parts.

The first gives a score to each frame: `level_scores` (how far above the noise) or `speech_probabilities` (a trained
network, Silero VAD). The second, `segments_from_scores`, makes segments of the scores of either.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torchaudio.functional import resample

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.segments import Segment

LOWEST_RATE = 8000
"""Hz; below, too little of speech is left."""

LEVEL_FRAME = 0.02
"""Seconds of a frame of `level_scores`."""

QUIETEST_FLOOR_DB = -70.0
"""dB relative to full scale: between digital silence and the noise of a quiet studio."""

SILERO_RATE = 16_000
SILERO_FRAME = 512 / SILERO_RATE
"""Seconds of a frame of `speech_probabilities`: 32 ms."""


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
    power = waveform.square().mean(dim=0)
    powers = torch.nn.functional.avg_pool1d(power[None], length, ceil_mode=True)[0]  # the last of what is left
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
