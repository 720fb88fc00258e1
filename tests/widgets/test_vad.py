"""The voice activity explorer shows and sounds what the course's functions find."""

import io

import pytest
import soundfile
import torch

from course_utils.errors import CourseError, WaveformError
from course_utils.samples import noise
from course_utils.scenes import Scene, place, speech_scene, spoken
from course_utils.segments import Segment, compare_segments
from course_utils.voice_activity import level_scores, segments_from_scores
from course_utils.widgets.vad import LEVEL, NETWORK, SCENES, kept_in_place, scores, vad_explorer


def small_scene() -> Scene:
    speech = place({1.0: spoken("speech")}, 4.5)
    marked = [Segment(1.0, 3.54)]
    return Scene(speech + noise(4.5, rms=0.0008), speech, 16_000, marked)


@pytest.fixture
def explorer():
    return vad_explorer({"small": small_scene()})


def bars(explorer, row: str) -> list[list[float]]:
    """First and last second of each bar in a row of the picture."""
    (found,) = [c for c in explorer._canvas.figure.axes[0].collections if c.get_gid() == row]
    return [segment[:, 0].tolist() for segment in found.get_segments()]


def line(explorer, name: str):
    (found,) = [line for line in explorer._canvas.figure.axes[1].lines if line.get_gid() == name]
    return found


def test_the_picture_shows_the_segments_that_the_settings_make(explorer):
    explorer.set(on=0.3, off=0.2, min_speech=0.25, min_silence=0.2, pad=0.1)
    scene = small_scene()
    levels = level_scores(scene.waveform, 16_000)
    expected = segments_from_scores(levels, 0.02, 12, 8, 0.25, 0.2, 0.1, seconds=4.5)
    assert bars(explorer, "found") == [[segment.start, segment.end] for segment in expected]
    assert bars(explorer, "marked") == [[1.0, 3.54]]
    assert list(line(explorer, "on").get_ydata()) == [0.3, 0.3]
    assert list(line(explorer, "off").get_ydata()) == [0.2, 0.2]


def test_the_caption_has_the_numbers_of_the_comparison(explorer):
    explorer.set(on=0.5, off=0.5)
    scene = small_scene()
    found = segments_from_scores(level_scores(scene.waveform, 16_000), 0.02, 20, 20, 0, 0, seconds=4.5)
    result = compare_segments(found, scene.marked)
    assert f"{len(found)} segments" in explorer.caption
    assert f"Precision {100 * result.precision:.0f} %, recall {100 * result.recall:.0f} %" in explorer.caption
    assert f"{result.missed} of 1 missed, {result.invented} invented" in explorer.caption


def test_the_score_of_the_network_is_its_probability(explorer):
    explorer.set(detector=NETWORK, on=0.5, off=0.35, min_silence=0.3)
    shown = line(explorer, "score").get_ydata()
    expected, frame_seconds = scores(small_scene(), NETWORK)
    assert torch.equal(torch.as_tensor(shown), expected)
    assert line(explorer, "score").get_xdata()[1] == pytest.approx(1.5 * frame_seconds)
    assert "1 segment," in explorer.caption


def test_a_score_of_one_is_forty_decibels_above_the_floor():
    scene = small_scene()
    values, frame_seconds = scores(scene, LEVEL)
    levels = level_scores(scene.waveform, 16_000)
    assert frame_seconds == 0.02
    assert values.max() == 1
    assert torch.allclose(values[levels < 40] * 40, levels[levels < 40])


def test_what_is_heard_is_what_is_found_in_its_place(explorer):
    explorer.set(off=0.1, min_silence=0.3)
    heard, rate = soundfile.read(io.BytesIO(explorer._sound), dtype="float32")
    scene = small_scene()
    assert rate == 16_000
    assert len(heard) == scene.waveform.shape[1]
    ((start, end),) = bars(explorer, "found")
    inside = slice(round(start * 16_000), round(end * 16_000))
    assert abs(heard[inside] - scene.waveform[0, inside].numpy()).max() < 2**-15
    assert abs(heard[: inside.start]).max() == abs(heard[inside.stop :]).max() == 0


def test_every_moved_time_changes_the_sound(explorer):
    explorer.set(off=0.1, min_silence=0.3)
    before = explorer._sound
    explorer.set(pad=0.2)
    assert explorer._sound != before


def test_a_threshold_to_go_on_above_that_to_start_is_one_clear_line(explorer):
    with pytest.raises(CourseError, match="at most as high as"):
        explorer.set(on=0.2, off=0.4)


def test_nothing_found_is_said_and_silent(explorer):
    explorer.set(on=0.95, off=0.95, min_speech=1)
    assert explorer.caption == "Nothing is found in 4.5 s. Recall 0 %."
    heard, _ = soundfile.read(io.BytesIO(explorer._sound))
    assert not heard.any()


def test_the_course_s_own_scenes_are_offered_and_none_is_made_before_it_is_shown(monkeypatch):
    made = []

    def make(name):
        made.append(name)
        return small_scene()

    monkeypatch.setattr("course_utils.widgets.vad.SCENES", {name: lambda name=name: make(name) for name in SCENES})
    explorer = vad_explorer()
    assert made == [next(iter(SCENES))]
    for name in SCENES:
        explorer.set(recording=name)
    assert made == list(SCENES)


def test_the_shortest_scene_is_shown():
    sound = noise(0.01)
    explorer = vad_explorer({"short": Scene(sound, sound, 16_000, [Segment(0, 0.01)])})
    assert explorer.caption == "Nothing is found in 0.0 s. Recall 0 %."
    assert bars(explorer, "marked") == [[0, 0.01]]


def test_no_scenes_are_refused():
    with pytest.raises(WaveformError, match="no scenes"):
        vad_explorer({})


def test_muting_leaves_the_recording_as_it_was():
    scene = speech_scene()
    before = scene.waveform.clone()
    kept = kept_in_place(scene.waveform, 16_000, scene.marked)
    assert torch.equal(scene.waveform, before)
    assert kept.shape == before.shape
