"""The explorer's Python side: what the browser would send is handed to it here."""

import io

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from course_utils.errors import CourseError
from course_utils.widgets.explorer import Choice, Explorer, Slider

LIGHT = {"dark": False, "scale": 1}
DARK = {"dark": True, "scale": 1}

CONTROLS = [
    Choice("shape", "Shape", ["line", "dots"]),
    Slider("height", "Height", [-10, 0, 2.5, 1000], 2.5, "m"),
]


def draw(figure, shape, height):
    figure.clear()
    figure.subplots().plot([0, 1], [0, height], "-" if shape == "line" else ".")
    return f"A {shape} up to {height} m."


def draw_animated(figure, shape, height):
    if not figure.axes:
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(-10, 1000))
        axes.plot([0, 1], [0, 0], animated=True)
    figure.axes[0].lines[0].set_ydata([0, height])
    return f"A {shape} up to {height} m."


def silence():
    return torch.zeros(1, 10), 8000


def ask(explorer, ticket=1.0, look=LIGHT, **places):
    """Do what the browser does when controls stand at other places; return what it is shown."""
    explorer.handle({"ticket": ticket, "look": look, "places": {**explorer._shown["places"], **places}})
    return explorer._shown


def sent_picture(explorer):
    return Image.open(io.BytesIO(explorer._shown["picture"]))


def test_the_first_picture_is_there_before_anything_is_moved():
    explorer = Explorer(draw, CONTROLS, label="Shapes")
    assert explorer.values == {"shape": "line", "height": 2.5}
    assert explorer.caption == "A line up to 2.5 m."
    assert sent_picture(explorer).size == explorer.picture.size == (800, 360)


def test_the_browser_gets_texts_with_units_and_sends_places():
    explorer = Explorer(draw, CONTROLS, label="Shapes")
    assert explorer._face["label"] == "Shapes"
    assert [control["texts"] for control in explorer._face["controls"]] == [
        ["line", "dots"],
        ["\N{MINUS SIGN}10 m", "0 m", "2.5 m", "1000 m"],
    ]
    before = explorer._shown["picture"]
    shown = ask(explorer, ticket=0.25, shape=1, height=3)
    assert explorer.values == {"shape": "dots", "height": 1000}
    assert shown["ticket"] == 0.25
    assert shown["caption"] == "A dots up to 1000 m."
    assert shown["picture"] != before


def test_a_picture_says_the_same_as_what_is_sent():
    explorer = Explorer(draw, CONTROLS, label="Shapes")
    difference = np.asarray(explorer.picture, dtype=int) - np.asarray(sent_picture(explorer), dtype=int)
    assert np.abs(difference).mean() < 1  # of 255


def test_moving_a_control_from_a_cell_does_what_the_browser_does():
    moved, set_ = (Explorer(draw, CONTROLS, label="Shapes") for _ in range(2))
    ask(moved, height=3)
    set_.set(height=1000)
    assert set_.values == moved.values
    assert set_._shown["picture"] == moved._shown["picture"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hight": 0}, "no control named 'hight'. Choose from 'shape', 'height'"),
        ({"height": 3}, "no value 3. Choose one of -10, 0, 2.5, 1000"),
    ],
)
def test_a_control_or_value_that_does_not_exist_is_refused_and_nothing_moves(values, words):
    explorer = Explorer(draw, CONTROLS, label="Shapes")
    with pytest.raises(CourseError, match=words):
        explorer.set(**values)
    assert explorer.values == {"shape": "line", "height": 2.5}


def failing(error):
    def draw_or_fail(figure, shape, height):
        axes = figure.add_subplot()
        axes.set_title("half drawn")
        if height == 1000:
            raise error
        assert len(figure.axes) == 1, "what failed was left on the figure"
        figure.clear()
        return "Fine."

    return Explorer(draw_or_fail, CONTROLS, label="Fails at 1000 m")


def test_a_mistake_that_the_learner_can_mend_is_shown_and_the_widget_lives():
    explorer = failing(CourseError("It is too high.", "Go down."))
    picture = explorer._shown["picture"]
    shown = ask(explorer, ticket=5, height=3)
    assert (shown["error"], shown["ticket"]) == ("It is too high. Go down.", 5)
    assert shown["picture"] == picture
    assert explorer.values == {"shape": "line", "height": 2.5}
    assert ask(explorer, height=1)["error"] == ""


def test_a_bug_is_shown_and_raised_and_the_widget_lives():
    explorer = failing(ZeroDivisionError("division by zero"))
    with pytest.raises(ZeroDivisionError):
        ask(explorer, ticket=5, height=3)
    assert (explorer._shown["error"], explorer._shown["ticket"]) == ("ZeroDivisionError: division by zero", 5)
    assert ask(explorer, height=1)["error"] == ""


def test_an_error_in_a_cell_fails_the_cell_and_moves_nothing():
    explorer = failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        explorer.set(height=1000)
    assert explorer.values["height"] == 2.5
    assert explorer._shown["error"] == ""


def test_an_explorer_that_cannot_draw_at_all_fails_where_it_is_made():
    with pytest.raises(ZeroDivisionError):
        Explorer(lambda figure: 1 / 0, [], label="Never")


def test_animated_artists_change_without_the_rest_being_drawn_again():
    explorer = Explorer(draw_animated, CONTROLS, label="Shapes")
    whole_draws = []
    explorer._canvas.mpl_connect("draw_event", whole_draws.append)
    first = explorer._shown["picture"]
    second = ask(explorer, height=3)["picture"]
    assert second != first
    assert ask(explorer, height=2)["picture"] == first
    assert not whole_draws
    explorer._canvas.figure.axes[0].set_title("changed")
    assert ask(explorer, height=3)["picture"] != second
    assert len(whole_draws) == 1


@pytest.mark.parametrize("drawing", [draw, draw_animated])
def test_a_dark_page_gets_a_dark_picture_and_light_again_the_same_as_before(drawing):
    explorer = Explorer(drawing, CONTROLS, label="Shapes")
    light = explorer._shown["picture"]
    ask(explorer, look=DARK)
    assert explorer.picture.getpixel((0, 0)) == (17, 17, 17)
    assert np.asarray(explorer.picture)[:, :100].max() > 200  # numbers and ticks are light
    assert ask(explorer, look=LIGHT)["picture"] == light


def test_a_screen_with_two_dots_for_each_pixel_gets_twice_the_size_and_the_same_layout():
    explorer = Explorer(draw_animated, CONTROLS, label="Shapes", sound=silence)
    once = explorer._shown
    twice = ask(explorer, look={"dark": False, "scale": 2})
    assert twice["size"] == sent_picture(explorer).size == (1600, 720)
    assert twice["time_axis"] == pytest.approx(once["time_axis"], abs=0.01)
    assert ask(explorer)["picture"] == once["picture"]


def test_the_sound_is_made_again_only_when_one_of_its_own_inputs_changes():
    heard = []

    def sound(shape):
        heard.append(shape)
        return torch.tensor([[0.0, 0.5, -0.25, 2.0, -2.0]] * 2), 8000

    explorer = Explorer(draw, CONTROLS, label="Shapes", sound=sound)
    ask(explorer, height=0)
    explorer.set(height=1000)
    assert heard == ["line"]
    ask(explorer, shape=1)
    assert heard == ["line", "dots"]
    samples, sample_rate = soundfile.read(io.BytesIO(explorer._sound))
    assert sample_rate == 8000
    np.testing.assert_allclose(samples.T, [[0, 0.5, -0.25, 1, -1]] * 2, atol=2**-15)


def test_the_time_axis_lies_where_the_picture_shows_it():
    def draw_block(figure):
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.25, 0.5, 0.5, 0.25))
        axes.set(xlim=(1, 3), ylim=(0, 1), xticks=[], yticks=[])
        axes.axhspan(0, 1, color="red")
        return "A block."

    explorer = Explorer(draw_block, [], label="Block", sound=silence)
    axis = explorer._shown["time_axis"]
    assert (axis["start"], axis["end"]) == (1, 3)
    columns = np.flatnonzero((np.asarray(explorer.picture)[180 - 30] == (255, 0, 0)).all(axis=1))
    assert columns[0] == pytest.approx(axis["left"] * 800, abs=2)
    assert columns[-1] == pytest.approx(axis["right"] * 800, abs=2)


def test_where_widgets_are_not_shown_the_picture_and_its_caption_are(monkeypatch):
    explorer = Explorer(lambda figure: figure.subplots() and 'Less than "<1>".', [], label="Static")
    data, _ = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert 'alt="Less than &quot;&lt;1&gt;&quot;." src="data:image/png;base64,' in data["text/html"]
    assert "<figcaption>Less than &quot;&lt;1&gt;&quot;.</figcaption>" in data["text/html"]
    assert data["text/plain"] == 'Less than "<1>".'
    monkeypatch.setenv("COURSE_STATIC", "1")
    data, _ = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" not in data


def test_texts_on_the_picture_take_the_theme_too():
    def write(figure):
        if not figure.axes:
            figure.subplots().text(0.5, 0.5, "seen", size=60, ha="center", animated=True)
        return "A word."

    explorer = Explorer(write, [], label="Word")
    ask(explorer, look=DARK)
    assert np.asarray(explorer.picture)[150:210, 300:500].max() > 200
    ask(explorer, look=LIGHT)
    assert np.asarray(explorer.picture)[150:210, 300:500].min() < 60
