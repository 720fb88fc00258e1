"""The clip map's Python side: where points lie, what is refused, and what is shown without a browser."""

import io
import re

import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import CourseError, WaveformError
from course_utils.samples import tone
from course_utils.widgets.clip_map import STYLES, ClipMap, fit

SOUNDS = [tone(440, seconds=0.1), tone(550, seconds=0.2)[0], tone(660, seconds=0.3)]
PLACES = {"one": torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 2.0]]), "two": torch.rand(3, 2)}
ABOUT = (["alpha", "<b>", "kilo"], ["Ann", "Bo", "Ann"], ["a", "b", "k"])


def clip_map(sounds=SOUNDS, places=PLACES, about=ABOUT, **more):
    return ClipMap(sounds, 16_000, places, *about, **more)


def test_places_keep_their_proportions_and_the_longer_side_fills_the_map():
    assert fit(PLACES["one"]) == [[0.0, 0.25], [1.0, 0.25], [1.0, 0.75]]
    assert fit(torch.tensor([[7.0, 7.0], [7.0, 7.0]])) == [[0.5, 0.5], [0.5, 0.5]]


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_every_point_lies_on_the_map(places):
    fitted = torch.tensor(fit(torch.tensor(places)))
    assert (fitted >= -1e-6).all()
    assert (fitted <= 1 + 1e-6).all()


def test_each_clip_has_its_own_sound():
    widget = clip_map()
    for sound, file in zip(SOUNDS, widget._sounds, strict=True):
        samples, rate = soundfile.read(io.BytesIO(file))
        assert rate == 16_000
        assert torch.allclose(torch.from_numpy(samples).float(), sound.flatten(), atol=2**-15)


def test_points_of_one_class_share_shape_and_colour_and_classes_differ_in_both():
    face = clip_map()._face
    assert [point["kind"] for point in face["points"]] == [0, 1, 0]
    assert [kind["name"] for kind in face["legend"]] == ["Ann", "Bo"]
    assert len({shape for shape, _ in STYLES}) == len({colour for _, colour in STYLES}) == len(STYLES)


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_letter_can_be_read_on_every_colour():
    for _, colour in STYLES:
        assert (luminance(colour) + 0.05) / (luminance("#1f1f1f") + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"places": {"one": torch.rand(2, 2)}}, r"shape \[2, 2\]"),
        ({"places": {"one": torch.rand(3, 3)}}, r"shape \[3, 3\]"),
        ({"places": {"one": torch.full((3, 2), float("nan"))}}, "no numbers"),
        ({"places": {}}, "nothing to show"),
        ({"about": (["a"], ["x"], ["a"])}, "3 waveforms, 1 names"),
        ({"sounds": [], "about": ([], [], [])}, "nothing to show"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(change, words):
    with pytest.raises(CourseError, match=words):
        clip_map(**change)


def test_more_classes_than_shapes_are_refused():
    count = len(STYLES) + 1
    names = [str(n) for n in range(count)]
    with pytest.raises(CourseError, match="7 classes"):
        ClipMap([SOUNDS[0]] * count, 16_000, {"one": torch.rand(count, 2)}, names, names)


def test_what_is_no_waveform_is_refused():
    with pytest.raises(WaveformError):
        clip_map(sounds=[*SOUNDS[:2], torch.zeros(1, 0)])


def test_letters_may_be_left_out():
    assert [point["letter"] for point in clip_map(about=ABOUT[:2])._face["points"]] == ["", "", ""]


def test_where_widgets_are_not_shown_the_map_and_a_clip_of_each_class_are(monkeypatch):
    data, _ = clip_map(label="Three")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "Three: 3 clips, 2 classes"
    assert re.search(r'<img alt="Three: one" src="data:image/png;base64,', data["text/html"])
    assert data["text/html"].count("data:audio/wav;base64,") == 2
    assert "&lt;b&gt;" in data["text/html"]
    monkeypatch.setenv("COURSE_STATIC", "1")
    data, _ = clip_map()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" not in data
