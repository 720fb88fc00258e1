"""The players: what is heard is what is in the tensor, and the caption says what that is."""

import base64
import html
import io
import re
import wave

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils import players
from course_utils.errors import WaveformError
from course_utils.players import listen, player_html, wav_bytes

RATE = 16000
NARROW = "\N{NARROW NO-BREAK SPACE}"


def captions(page):
    return [
        html.unescape(re.sub(r"<[^>]+>", "", caption.replace("<br>", "\n")))
        for caption in re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", page)
    ]


def recordings(page):
    """(waveform [channels, samples], sample rate) of each player, as a browser gets them."""
    found = []
    for encoded in re.findall(r'<audio [^>]*src="data:audio/wav;base64,([^"]+)"', page):
        with wave.open(io.BytesIO(base64.b64decode(encoded))) as file:
            assert file.getsampwidth() == 2
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            found.append((samples.reshape(-1, file.getnchannels()).T / 32768, file.getframerate()))
    return found


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 2), st.integers(1, 50)), elements=st.floats(-1, 1, width=32)),
    st.sampled_from([3000, 8000, 16000, 44100, 48000, 192000]),
)
def test_the_player_holds_the_samples_to_16_bits(waveform, rate):
    [(heard, heard_rate)] = recordings(player_html(torch.from_numpy(waveform), rate))
    assert heard_rate == rate
    np.testing.assert_allclose(heard, waveform, rtol=0, atol=1 / 32768)


def test_a_quiet_waveform_stays_quiet():
    waveform = 0.01 * torch.sin(torch.arange(RATE) / 10)
    page = player_html(waveform, RATE, "whisper")
    [(heard, _)] = recordings(page)
    assert np.abs(heard).max() == pytest.approx(0.01, abs=1 / 32768)
    assert captions(page) == ["whisper\n1 s, 16000 Hz, mono, peak 0.01"]


def test_what_is_beyond_full_scale_is_clipped_counted_and_said():
    waveform = torch.zeros(1, 38880)
    waveform[0, :1203], waveform[0, 2000] = 1.2, -1.23
    waveform[0, 3000] = 1.0
    page = player_html(waveform, RATE, "louder")
    [(heard, _)] = recordings(page)
    assert (heard.max(), heard.min()) == (32767 / 32768, -1)
    assert captions(page) == [f"louder\n2.43 s, 16000 Hz, mono, peak 1.23: 1{NARROW}204 samples clip in playback"]
    assert "peak 1.5: 1 sample clips in playback" in captions(player_html(torch.tensor([[0.1, 1.5]]), RATE))[0]
    assert "clip" not in player_html(torch.tensor([[1.0, -1.0]]), RATE)


def test_silence_is_called_silent():
    assert captions(player_html(torch.zeros(2, 441), 44100)) == ["10 ms, 44100 Hz, stereo, silent"]


def test_several_players_carry_their_labels_and_rates_in_order():
    tone = torch.sin(torch.arange(RATE) / 10) / 2
    page = player_html({"speech": tone, "telephone": (tone[None, ::2], 8000)}, RATE)
    assert captions(page) == ["speech\n1 s, 16000 Hz, mono, peak 0.5", "telephone\n1 s, 8000 Hz, mono, peak 0.5"]
    assert [rate for _, rate in recordings(page)] == [16000, 8000]
    assert re.findall(r'aria-label="([^"]*)"', page) == ["speech", "telephone"]
    assert recordings(player_html({"alone": (tone, 8000)}))[0][1] == 8000


def test_a_label_is_text_and_never_markup():
    evil = '"><img src=x onerror=alert(1)>'
    for page in (player_html(torch.ones(1, 10), RATE, evil), player_html({evil: torch.ones(1, 10)}, RATE)):
        assert "<img" not in page
        assert captions(page)[0].startswith(evil)
        assert f'aria-label="{html.escape(evil)}"' in page


def test_the_keys_of_a_player_are_its_own():
    page = player_html({"a": torch.ones(1, 10), "b": torch.ones(1, 10)}, RATE)
    assert len(re.findall(r'<audio [^>]*data-lm-suppress-shortcuts="true"', page)) == 2


def test_every_player_has_a_name_and_no_script():
    page = player_html(torch.ones(1, 10), RATE)
    assert 'aria-label="audio"' in page
    assert "<audio controls" in page
    assert "<script" not in page


def test_a_part_can_be_chosen():
    ramp = torch.arange(5 * RATE)[None] / (5 * RATE)
    page = player_html(ramp, RATE, "ramp", start=1.5, seconds=2)
    [(heard, _)] = recordings(page)
    assert heard.shape == (1, 2 * RATE)
    assert heard[0, 0] == pytest.approx(0.3, abs=1e-4)
    assert captions(page) == ["ramp\n2 s, 16000 Hz, mono, peak 0.7\nFrom 1.5 s to 3.5 s of 5 s."]
    assert recordings(player_html(ramp, RATE, start=4.5))[0][0].shape == (1, RATE // 2)
    assert recordings(player_html(ramp, RATE, seconds=99))[0][0].shape == (1, 5 * RATE)


def test_long_audio_is_cut_and_the_caption_says_how_to_hear_the_rest():
    waveform = torch.zeros(1, 723 * 44100)
    page = player_html(waveform, 44100)
    assert len(page) < 4 / 3 * players.MAX_WAV_BYTES + 2000
    assert captions(page) == [
        "1 min 53 s, 44100 Hz, mono, silent\n"
        "12 min 3 s in all; this player holds the first 1 min 53 s. Choose another part with start= and seconds=."
    ]
    assert "this player holds 1 min 53 s from 5 min 0 s on." in captions(player_html(waveform, 44100, start=300))[0]
    assert (
        "From 5 min 0 s to 5 min 10 s of 12 min 3 s."
        in captions(player_html(waveform, 44100, start=300, seconds=10))[0]
    )


def test_the_limit_holds_for_all_players_of_a_call_and_cuts_them_alike(monkeypatch):
    monkeypatch.setattr(players, "MAX_WAV_BYTES", 60_000)
    page = player_html({"a": torch.zeros(2, RATE), "b": torch.zeros(1, RATE), "short": torch.zeros(1, 100)}, RATE)
    lengths = [heard.shape for heard, _ in recordings(page)]
    assert lengths == [(2, 7500), (1, 7500), (1, 100)]
    assert sum(2 * channels * samples for channels, samples in lengths) <= 60_000


def test_gradients_and_half_precision_do_no_harm():
    waveform = torch.full((1, 100), 0.5, dtype=torch.float16, requires_grad=True)
    assert (recordings(player_html(waveform, RATE))[0][0] == 0.5).all()


@pytest.mark.parametrize(
    ("arguments", "problem", "remedy"),
    [
        ((torch.zeros(6, 100), RATE), "6 channels", "waveform.mean(dim=0, keepdim=True)"),
        ((torch.zeros(1, 100), 500), "do not play audio at 500 Hz", "resample(waveform, 500, 8000)"),
        ((torch.zeros(1, 100), 2999), "2999 Hz", "8000"),
        ((torch.zeros(1, 100), 768_001), "768001 Hz", "48000"),
        ((torch.zeros(1, 100),), "sample rate is None", "rate that came with the waveform"),
        ((RATE, torch.zeros(1, 100)), "of type int", "tensor"),
        ((torch.zeros(100, 2), RATE), "[samples, channels]", "waveform.T"),
        ((torch.zeros(1, 100, dtype=torch.int16), RATE), "int16", "/ 32768"),
        ((torch.full((1, 3), float("nan")), RATE), "NaN", "division by zero"),
        (({}, RATE), "nothing to play", "by label"),
        (
            ({"good": torch.zeros(1, 9), "bad": torch.zeros(9, 9, 9)}, RATE),
            "bad: The waveform has shape",
            "waveform[0]",
        ),
        (({"a": torch.zeros(1, 9)}, RATE, "mine"), "label='mine' is for a single waveform", "Leave label= out"),
        ((torch.zeros(9, 9, 9), RATE, "mine"), "mine: The waveform has shape", "waveform[0]"),
    ],
)
def test_what_cannot_be_played_is_named_with_its_remedy(arguments, problem, remedy):
    with pytest.raises(WaveformError) as raised:
        player_html(*arguments)
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"start": 1.0}, "start=1 s lies outside"),
        ({"start": -0.5}, "start=-0.5 s lies outside"),
        ({"seconds": 0}, "nothing to play"),
        ({"seconds": -1}, "nothing to play"),
    ],
)
def test_a_part_that_is_not_there_is_refused(part, problem):
    with pytest.raises(WaveformError, match=re.escape(problem)):
        player_html(torch.zeros(1, RATE), RATE, **part)


def test_of_several_waveforms_the_one_without_the_part_is_named():
    with pytest.raises(WaveformError) as raised:
        player_html({"a": torch.zeros(1, RATE), "b": torch.zeros(1, 3 * RATE)}, RATE, start=2)
    assert raised.value.problem == "a: start=2 s lies outside the waveform."


def test_the_least_part_is_one_sample():
    assert recordings(player_html(torch.zeros(1, RATE), RATE, seconds=1e-9))[0][0].shape == (1, 1)


def test_listen_shows_the_players_and_returns_nothing(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(players, "display", shown.append)
    assert listen(torch.zeros(1, 100), RATE, "silence") is None
    assert shown[0].data == player_html(torch.zeros(1, 100), RATE, "silence")


@given(hnp.arrays(np.int16, st.tuples(st.integers(1, 2), st.integers(1, 50))))
def test_samples_of_16_bits_come_back_unchanged_and_between_two_the_nearer_is_taken(steps):
    for offset in (-0.4, 0, 0.4):
        with wave.open(io.BytesIO(wav_bytes((torch.from_numpy(steps) + offset) / 32768, 3000))) as file:
            heard = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        np.testing.assert_array_equal(heard.reshape(-1, len(steps)).T, steps)
