"""Segments keep their promises whatever the scores, and the detectors find marked speech in fixed mixtures."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from silero_vad import get_speech_timestamps, load_silero_vad

from course_utils.errors import SilentAudioError, WaveformError
from course_utils.samples import noise, tone
from course_utils.scenes import speech_scene
from course_utils.segments import Segment, compare_segments
from course_utils.voice_activity import (
    SILERO_FRAME,
    level_scores,
    segments_from_scores,
    speech_probabilities,
)

SCORES = st.lists(st.integers(0, 10), min_size=1, max_size=80)
TIMES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5])
SETTINGS = {
    "scores": SCORES,
    "on": st.integers(0, 10),
    "lower": st.integers(0, 5),
    "min_speech": TIMES,
    "min_silence": TIMES,
    "pad": TIMES,
}


def found(scores, on, lower, min_speech, min_silence, pad, **more):
    return segments_from_scores(scores, 0.1, on, on - lower, min_speech, min_silence, pad, **more)


# ---- segments from scores -------------------------------------------------------------------------------------------


@given(**SETTINGS)
def test_segments_are_in_order_disjoint_and_inside_the_recording(scores, **settings):
    edges = [time for segment in found(scores, **settings) for time in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= 0.1 * len(scores) + 1e-9)
    assert all(segment.seconds > 0 for segment in found(scores, **settings))


@given(**SETTINGS)
def test_padding_neither_joins_nor_parts_nor_takes_away(scores, pad, **settings):
    bare, padded = found(scores, pad=0, **settings), found(scores, pad=pad, **settings)
    assert len(bare) == len(padded)
    for inner, outer in zip(bare, padded, strict=True):
        assert outer.start <= inner.start < inner.end <= outer.end
        assert inner.start - outer.start <= pad + 1e-9
        assert outer.end - inner.end <= pad + 1e-9


@given(**SETTINGS)
def test_time_reversed_scores_give_the_mirrored_segments(scores, **settings):
    length = 0.1 * len(scores)
    mirrored = [(length - segment.end, length - segment.start) for segment in found(scores[::-1], **settings)][::-1]
    forwards = [(segment.start, segment.end) for segment in found(scores, **settings)]
    np.testing.assert_allclose(np.array(forwards), np.array(mirrored), atol=1e-9)


@given(**SETTINGS)
def test_shortest_times_hold_before_the_padding(scores, pad, **settings):
    segments = found(scores, pad=0, **settings)
    assert all(segment.seconds >= settings["min_speech"] - 1e-9 for segment in segments)
    gaps = [after.start - before.end for before, after in pairwise(segments)]
    assert all(gap >= settings["min_silence"] - 1e-9 for gap in gaps)


@given(**SETTINGS)
def test_a_higher_threshold_to_start_finds_nothing_that_was_not_found_before(scores, **settings):
    lenient = found(scores, **settings | {"pad": 0})
    strict = found(scores, **settings | {"pad": 0, "on": settings["on"] + 1, "lower": settings["lower"] + 1})
    assert sum(segment.seconds for segment in strict) <= sum(segment.seconds for segment in lenient) + 1e-9
    if strict:
        assert compare_segments(lenient, strict).recall == pytest.approx(1)


@given(**SETTINGS)
def test_without_shortest_times_the_frames_are_those_of_two_thresholds(scores, on, lower, **_):
    """Against a loop over the frames, forwards from each that starts and backwards from it."""
    active = [False] * len(scores)
    for start in (frame for frame, score in enumerate(scores) if score >= on):
        for step in (1, -1):
            frame = start
            while 0 <= frame < len(scores) and scores[frame] >= on - lower:
                active[frame] = True
                frame += step
    segments = found(scores, on, lower, 0, 0, 0)
    inside = [any(s.start <= 0.1 * frame + 0.05 < s.end for s in segments) for frame in range(len(scores))]
    assert inside == active


def test_the_rules_in_their_order_on_one_row_of_scores():
    scores = [0, 5, 9, 5, 0, 0, 6, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 5, 5]
    rules = {"on": 8, "off": 4, "min_speech": 0.15, "min_silence": 0.25}
    segments = segments_from_scores(scores, 0.1, **rules, pad=0.05)
    assert [(round(s.start, 3), round(s.end, 3)) for s in segments] == [(0.05, 0.85)]


def test_the_last_frame_may_reach_beyond_the_recording_and_its_segment_does_not():
    assert segments_from_scores([9, 9, 9], 0.4, 8, seconds=1.1)[0].end == 1.1
    assert segments_from_scores([9, 9, 9], 0.4, 8, seconds=1.1, pad=0.5)[0].end == 1.1


@pytest.mark.parametrize(
    ("scores", "settings", "words"),
    [
        ([], {}, "one score for each frame"),
        ([[1.0, 2.0]], {}, "shape"),
        ([1.0, math.nan], {}, "NaN"),
        ([1.0], {"off": 9}, "at most as high as"),
        ([1.0], {"pad": -0.1}, "negative"),
        ([1.0], {"frame_seconds": 0}, "frames last no time"),
    ],
)
def test_scores_and_settings_without_meaning_are_refused_in_a_sentence(scores, settings, words):
    with pytest.raises(WaveformError, match=words):
        segments_from_scores(scores, **{"frame_seconds": 0.1, "on": 8, **settings})


# ---- detectors ------------------------------------------------------------------------------------------------------


def test_levels_are_measured_from_the_floor():
    waveform = torch.cat([noise(1.0, rms=0.001), noise(1.0, rms=0.1)], dim=1)
    scores = level_scores(waveform, 16_000)
    assert len(scores) == 100
    assert float(scores[60:].mean()) == pytest.approx(40, abs=1.5)
    assert torch.allclose(level_scores(waveform / 2, 16_000), scores, atol=0.1), "whatever the level of the recording"


def test_digital_silence_is_no_floor():
    waveform = torch.cat([torch.zeros(1, 16_000), noise(1.0, rms=0.001)], dim=1)
    assert level_scores(waveform, 16_000).max() < 12


FLOORS = {
    (None, 0): (0.95, 0.97, 0.06),
    ("water", 10): (0.94, 0.96, 0.08),
    ("water", 5): (0.94, 0.92, 0.10),
    ("ambience", 5): (0.93, 0.96, 0.10),
    ("ambience", 0): (0.93, 0.96, 0.11),
    ("vinyl_noise", 5): (0.92, 0.92, 0.13),
    ("drum_loop", 0): (0.95, 0.95, 0.09),
    ("choir", 5): (0.95, 0.97, 0.07),
}
"""Background and SNR: precision, recall, boundary error in seconds that Silero VAD has to reach with the four rules."""


@pytest.mark.parametrize("scene", FLOORS, ids=str)
def test_silero_finds_the_phrases_in_every_noise_and_nothing_else(scene):
    made = speech_scene(*scene)
    scores = speech_probabilities(made.waveform, made.sample_rate)
    seconds = made.waveform.shape[1] / made.sample_rate
    result = compare_segments(
        segments_from_scores(scores, SILERO_FRAME, 0.5, 0.35, min_silence=0.3, seconds=seconds), made.marked
    )
    precision, recall, edges = FLOORS[scene]
    assert result.precision >= precision
    assert result.recall >= recall
    assert result.boundary_error <= edges
    assert (result.missed, result.invented) == (0, 0)


@pytest.mark.parametrize(
    ("scene", "precision", "recall"), [((None, 0), 0.9, 0.99), (("water", 10), 0.94, 0.83)], ids=str
)
def test_the_level_finds_the_phrases_in_a_quiet_room_and_in_a_little_noise(scene, precision, recall):
    made = speech_scene(*scene)
    scores = level_scores(made.waveform, made.sample_rate)
    result = compare_segments(segments_from_scores(scores, 0.02, 10, 6, min_silence=0.3), made.marked)
    assert result.precision >= precision
    assert result.recall >= recall
    assert result.missed == 0


def test_the_probabilities_are_those_of_the_package_frame_by_frame():
    waveform = speech_scene().waveform[:, : 4 * 16_000]
    model = load_silero_vad(onnx=True)
    expected = [model(frame, 16_000).item() for frame in waveform[0].split(512)[:-1]]
    assert torch.allclose(speech_probabilities(waveform, 16_000)[: len(expected)], torch.tensor(expected), atol=1e-3)


def test_our_rules_find_what_the_package_s_own_find():
    made = speech_scene("ambience", 5)
    theirs = get_speech_timestamps(
        made.waveform[0],
        load_silero_vad(onnx=True),
        min_silence_duration_ms=300,
        speech_pad_ms=0,
        return_seconds=True,
        time_resolution=3,
    )
    ours = segments_from_scores(speech_probabilities(made.waveform, 16_000), SILERO_FRAME, 0.5, 0.35, 0.25, 0.3)
    agreement = compare_segments(ours, [Segment(part["start"], part["end"]) for part in theirs])
    assert agreement.precision > 0.97
    assert agreement.recall > 0.99


def test_other_rates_and_stereo_are_converted():
    made = speech_scene()
    expected = speech_probabilities(made.waveform, 16_000)
    doubled = made.waveform.repeat_interleave(2, dim=1).repeat(2, 1)
    assert (speech_probabilities(doubled, 32_000) - expected).abs().mean() < 0.02


def test_asking_silero_leaves_pytorch_its_threads():
    before = torch.get_num_threads()
    speech_probabilities(tone(440), 16_000)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("detector", [level_scores, speech_probabilities])
@pytest.mark.parametrize(
    ("waveform", "rate", "error", "words"),
    [
        (torch.ones(1, 6000), 6000, WaveformError, "6000 Hz nothing above 3000 Hz"),
        (torch.zeros(1, 16_000), 16_000, SilentAudioError, "digital silence"),
        (torch.ones(1, 0), 16_000, WaveformError, "is empty"),
        (torch.ones(2, 1, 100), 16_000, WaveformError, "a batch"),
        (torch.ones(1, 100) / 0, 16_000, WaveformError, "NaN or infinite"),
    ],
    ids=["rate", "silent", "empty", "batch", "infinite"],
)
def test_what_no_detector_can_judge_is_refused_in_a_sentence(detector, waveform, rate, error, words):
    with pytest.raises(error, match=words):
        detector(waveform, rate)


@pytest.mark.parametrize("samples", [1, 100, 511, 512, 513])
def test_the_shortest_clips_get_a_score_for_each_frame(samples):
    waveform = 0.1 * torch.ones(1, samples)
    assert len(speech_probabilities(waveform, 16_000)) == math.ceil(samples / 512)
    assert len(level_scores(waveform, 16_000)) == math.ceil(samples / 320)
