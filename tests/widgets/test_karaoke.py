"""The karaoke player's Python side: when each word is lit, and what is shown without a browser."""

import io
from itertools import pairwise

import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.alignment import WordSpan
from course_utils.errors import WaveformError
from course_utils.samples import tone
from course_utils.widgets.karaoke import LONGEST_PAUSE, Karaoke, timed

WORDS = [WordSpan("he", 0.1, 0.2, 0.9), WordSpan("<was>", 0.3, 0.5, 0.2), WordSpan("not", 1.5, 1.6, 0.5)]


def test_a_word_is_lit_up_to_the_next_but_not_through_a_pause():
    assert timed(WORDS) == [
        {"text": "he", "start": 0.1, "until": 0.3, "doubtful": False},
        {"text": "<was>", "start": 0.3, "until": pytest.approx(0.5 + LONGEST_PAUSE), "doubtful": True},
        {"text": "not", "start": 1.5, "until": pytest.approx(1.6 + LONGEST_PAUSE), "doubtful": False},
    ]
    assert timed([]) == []


@given(st.lists(st.floats(0.001, 2), min_size=2, max_size=30).map(lambda steps: torch.tensor(steps).cumsum(0).tolist()))
def test_at_no_time_two_words_are_lit(times):
    words = [WordSpan("x", start, end, 1.0) for start, end in zip(times[::2], times[1::2], strict=False)]
    lit = timed(words)
    assert all(before["until"] <= after["start"] for before, after in pairwise(lit))
    assert all(word["start"] < word["until"] for word in lit)


def test_the_sound_is_the_waveform():
    samples, sample_rate = soundfile.read(io.BytesIO(Karaoke(tone(440)[0], 16_000, WORDS)._sound))
    assert sample_rate == 16_000
    assert torch.allclose(torch.from_numpy(samples).float(), tone(440)[0], atol=2**-15)


def test_what_is_no_waveform_is_refused():
    with pytest.raises(WaveformError):
        Karaoke(torch.zeros(1, 0), 16_000, WORDS)


def test_where_widgets_are_not_shown_the_player_and_the_times_are(monkeypatch):
    karaoke = Karaoke(tone(440), 16_000, WORDS, label="Three words")
    data, _ = karaoke._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "he (0.10 s) <was> (0.30 s) not (1.50 s)"
    assert "<li>0.30 s: &lt;was&gt;</li>" in data["text/html"]
    assert "data:audio/wav;base64," in data["text/html"]
    monkeypatch.setenv("COURSE_STATIC", "1")
    data, _ = karaoke._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" not in data
