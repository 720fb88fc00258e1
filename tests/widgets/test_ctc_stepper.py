"""The CTC stepper: each step against collapsing the path by hand, and what the picture and the caption say."""

import io
import warnings

import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from course_utils.ctc import collapse, greedy_decode
from course_utils.errors import WaveformError
from course_utils.samples import noise
from course_utils.widgets.ctc_stepper import BLANKS_FIRST, MERGE_FIRST, ctc_stepper, take_step

LABELS = ("-", "|", "h", "e", "l", "o")
RATE = 16_000


def emission_of(path: str) -> torch.Tensor:
    places = torch.tensor([LABELS.index(label) for label in path], dtype=torch.long)
    return (one_hot(places, len(LABELS)) * 6.0).log_softmax(-1)


def stepper_of(path: str):
    return ctc_stepper(emission_of(path), LABELS, noise(len(path) * 0.02), RATE)


@given(st.text(alphabet="-|helo", min_size=1, max_size=25), st.data())
def test_after_each_frame_the_text_is_the_collapsed_path_so_far(path, data):
    frame = data.draw(st.integers(0, len(path) - 1))
    step = take_step(emission_of(path), LABELS, frame)
    assert step.path == path[: frame + 1]
    assert step.text == collapse(path[: frame + 1]).replace("|", " ").lstrip()
    assert step.best[0][0] == path[frame]
    assert [chance for _, chance in step.best] == sorted((chance for _, chance in step.best), reverse=True)


@given(st.text(alphabet="-|helo", min_size=1, max_size=25))
def test_after_the_last_frame_it_is_what_greedy_decoding_returns(path):
    emission = emission_of(path)
    assert take_step(emission, LABELS, len(path) - 1).text.strip() == greedy_decode(emission[None], LABELS)[0]


@pytest.mark.parametrize(
    ("path", "order", "news", "text"),
    [
        ("h", MERGE_FIRST, "New: h.", "h"),
        ("hh", MERGE_FIRST, "The same label again: merged.", "h"),
        ("h-", MERGE_FIRST, "Blank: nothing is written.", "h"),
        ("hel-l", MERGE_FIRST, "New: l.", "hell"),
        ("hel-l", BLANKS_FIRST, "Merged with the same label before the blank: a double letter is lost.", "hel"),
        ("he|", MERGE_FIRST, "New: border.", "he "),
    ],
)
def test_it_says_what_the_frame_did_to_the_text(path, order, news, text):
    step = take_step(emission_of(path), LABELS, len(path) - 1, order)
    assert (step.news, step.text) == (news, text)


def test_the_caption_names_the_frame_its_time_the_best_labels_and_the_text():
    stepper = stepper_of("hhe-l-lo")
    stepper.set(frame=6)
    chance = float(emission_of("l")[0].exp().max())
    assert stepper.caption.startswith(f"Frame 6, 0.12 to 0.14 s: l {chance:.0%}, ")
    assert stepper.caption.endswith('New: l. Text so far: "hell".')
    stepper.set(order=BLANKS_FIRST)
    assert stepper.caption.endswith('a double letter is lost. Text so far: "hel".')


def test_the_marks_stand_on_the_frame_in_both_panels_and_the_bars_are_its_probabilities():
    stepper = stepper_of("hhe-l-lo")
    stepper.set(frame=3)
    above, picture, bars, strip = stepper._canvas.figure.axes
    for axes in (above, picture):
        assert axes.patches[0].get_x() == pytest.approx(0.06)
        assert axes.patches[0].get_width() == pytest.approx(0.02)
    expected = emission_of("-")[0].exp().sort(descending=True).values[:4]
    assert [patch.get_width() for patch in bars.patches] == pytest.approx(expected.tolist())
    assert [text.get_text() for text in strip.texts] == ["Path", "Text", "hhe-", "he"]


def test_labels_that_never_compete_have_no_row():
    picture = stepper_of("hhe-")._canvas.figure.axes[1]
    assert [tick.get_text() for tick in picture.get_yticklabels()] == ["blank -", "h", "e"]
    assert picture.images[0].get_array().shape == (3, 4)


def test_of_a_long_path_the_end_is_shown():
    stepper = stepper_of("h-" * 100 + "eo")
    stepper.set(frame=201)
    shown = stepper._canvas.figure.axes[3].texts[2].get_text()
    assert shown.startswith("\N{HORIZONTAL ELLIPSIS}")
    assert shown.endswith("h-h-eo")
    assert len(shown) == 64


def test_every_value_is_drawn_without_a_warning_and_the_sound_is_the_recording():
    stepper = stepper_of("hhe-l-lo|")
    sound = stepper._sound
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for control in stepper._controls.values():
            for value in control.values:
                stepper.set(**{control.name: value})
    assert stepper._sound == sound
    heard, rate = soundfile.read(io.BytesIO(sound))
    assert (len(heard), rate) == (round(9 * 0.02 * RATE), RATE)


def test_one_step_at_a_time_or_a_jump_give_the_same_picture():
    slow, quick = stepper_of("hhe-l-lo"), stepper_of("hhe-l-lo")
    for frame in range(8):
        slow.set(frame=frame)
    quick.set(frame=7)
    assert slow.picture.tobytes() == quick.picture.tobytes()


@pytest.mark.parametrize(
    ("emission", "words"),
    [(torch.zeros(1, 5, 6), r"\[1, 5, 6\]; \[frames, 6\] is expected"), (torch.zeros(5, 4), r"\[5, 4\]")],
)
def test_what_is_no_emission_of_these_labels_is_refused_in_a_clear_sentence(emission, words):
    with pytest.raises(WaveformError, match=words):
        ctc_stepper(emission, LABELS, noise(0.1), RATE)
