"""The trade-off explorer's curves against torchaudio's transform and against arithmetic."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.transforms import Spectrogram

from course_utils.widgets.tradeoff import WINDOWS, dip_db, tradeoff_data, tradeoff_explorer, two_tones_two_clicks

WINDOW_LENGTHS = [2**power for power in range(5, 15)]
SEPARATED = 3


@pytest.mark.parametrize("window", WINDOWS)
def test_one_window_separates_the_tones_another_the_clicks_and_none_both(window):
    shown = [tradeoff_data(n_fft, window, tone_distance=10, click_distance=8) for n_fft in WINDOW_LENGTHS]
    tones, clicks = [[getattr(one, dip) >= SEPARATED for one in shown] for dip in ("tone_dip", "click_dip")]
    assert any(tones)
    assert any(clicks)
    assert not any(both for both in map(all, zip(tones, clicks, strict=True)))
    # Longer is better for the tones, shorter for the clicks.
    assert tones == sorted(tones)
    assert clicks == sorted(clicks, reverse=True)


def test_pairs_far_enough_apart_are_separated_by_one_window():
    shown = tradeoff_data(512, "Hann", tone_distance=100, click_distance=50)
    assert min(shown.tone_dip, shown.click_dip) >= SEPARATED


def test_clicks_half_a_hann_window_apart_have_a_dip_of_half_the_power():
    # Halfway to its edge, a Hann window is 0.5: two clicks give 2 * 0.5**2 in the middle, and 1 + 0 at each.
    for distance, n_fft in ((8, 256), (2, 64), (1, 32)):
        shown = tradeoff_data(n_fft, "Hann", tone_distance=10, click_distance=distance)
        assert shown.click_dip == pytest.approx(10 * math.log10(1 / (2 * 0.5**2)), abs=0.01)


@pytest.mark.parametrize(("window", "n_fft"), [("Hann", 256), ("Hamming", 256), ("Blackman", 512), ("rectangular", 64)])
def test_the_power_around_the_clicks_is_that_of_a_spectrogram_with_a_hop_of_one_sample(window, n_fft):
    shown = tradeoff_data(n_fft, window, tone_distance=10, click_distance=8)
    waveform, rate = two_tones_two_clicks(10, 8)
    reach = len(shown.times) // 2
    middle = round(2.2 * rate)
    stretch = waveform[0, middle - reach - n_fft // 2 : middle + reach + n_fft // 2]
    window_fn = {"rectangular": torch.ones}.get(window) or getattr(torch, f"{window.lower()}_window")
    power = Spectrogram(n_fft, hop_length=1, window_fn=window_fn, center=False, onesided=False)(stretch).sum(dim=0)
    expected = (10 * torch.log10(power / power.max())).clamp(min=-60)
    torch.testing.assert_close(shown.click_levels.float(), expected, atol=1e-2, rtol=0)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_dots_are_the_bins_of_one_frame_of_a_spectrogram(window):
    n_fft = 4096
    shown = tradeoff_data(n_fft, window, tone_distance=10, click_distance=8)
    waveform, rate = two_tones_two_clicks(10, 8)
    middle = round(0.75 * rate)
    window_fn = {"rectangular": torch.ones}.get(window) or getattr(torch, f"{window.lower()}_window")
    frame = waveform[0, middle - n_fft // 2 : middle + n_fft // 2]
    power = Spectrogram(n_fft, window_fn=window_fn, center=False)(frame)[:, 0]
    places = (shown.bins * n_fft / rate).round().long()
    assert (places.diff() == 1).all()
    torch.testing.assert_close(shown.bins, places * rate / n_fft)
    relative = 10 * torch.log10(power[places])
    heard = shown.bin_levels > -50
    offset = (relative - shown.bin_levels)[heard]
    assert float(offset.max() - offset.min()) < 0.05


@pytest.mark.parametrize("distance", [2, 10, 100])
def test_a_long_window_shows_each_tone_at_its_own_frequency(distance):
    shown = tradeoff_data(16384, "Hann", tone_distance=distance, click_distance=8)
    for tone in (440, 440 + distance):
        near = (shown.frequencies - tone).abs() < distance / 2
        peak = shown.frequencies[near][shown.tone_levels[near].argmax()]
        assert float(peak) == pytest.approx(tone, abs=0.1)


def test_the_level_between_the_tones_is_the_sum_of_their_powers():
    # The transform of a rectangular window is sin(pi x) / (pi x), x in bins: 1.28 bins apart, the middle at 0.64.
    def power(x):
        return (math.sin(math.pi * x) / (math.pi * x)) ** 2

    expected = 10 * math.log10((1 + power(1.28)) / (2 * power(0.64)))
    assert tradeoff_data(2048, "rectangular", 10, 8).tone_dip == pytest.approx(expected, abs=0.15)


def test_a_quarter_of_a_cycle_is_the_fair_phase_between_the_hardest_and_the_easiest_of_the_beat():
    time = (torch.arange(4096, dtype=torch.float64) - 2048) / 16000
    window = torch.hann_window(4096, dtype=torch.float64)

    def dip(phase):
        tones = torch.sin(2 * torch.pi * 440 * time) + torch.sin(2 * torch.pi * 450 * time + phase)
        levels = 20 * torch.log10(torch.fft.rfft(tones * window, 160_000).abs())  # bins 0.1 Hz apart
        return dip_db(levels, 4400, 4500)

    loudest, quarter, quietest = (dip(phase) for phase in (0, torch.pi / 2, torch.pi))
    assert loudest < quarter < quietest
    assert tradeoff_data(4096, "Hann", 10, 8).tone_dip == pytest.approx(quarter, abs=0.05)


@given(st.lists(st.floats(-60, 0), min_size=2, max_size=20), st.data())
def test_a_dip_is_counted_from_the_lower_of_both_and_never_negative(levels, data):
    first = data.draw(st.integers(0, len(levels) - 2))
    second = data.draw(st.integers(first + 1, len(levels) - 1))
    dip = dip_db(torch.tensor(levels, dtype=torch.float64), first, second)
    assert dip == min(levels[first], levels[second]) - min(levels[first : second + 1])
    assert dip >= 0


@pytest.mark.parametrize(("tone_distance", "click_distance"), [(2, 50), (10, 8), (100, 1)])
def test_what_is_heard_has_two_tones_and_two_clicks_where_the_controls_say(tone_distance, click_distance):
    waveform, rate = two_tones_two_clicks(tone_distance, click_distance)
    assert waveform.shape == (1, 3 * rate)
    assert waveform.abs().max() <= 1
    after_the_tones = torch.nonzero(waveform[0, round(1.4 * rate) :])[:, 0]
    assert after_the_tones.diff().tolist() == [click_distance * rate / 1000]
    power = torch.fft.rfft(waveform[0, rate // 4 : rate // 4 + rate]).abs() ** 2  # bins 1 Hz apart
    assert sorted(power.topk(2).indices.tolist()) == [440, 440 + tone_distance]


def test_no_window_around_the_clicks_reaches_the_tones():
    waveform, rate = two_tones_two_clicks(10, 50)
    middle, reach = round(2.2 * rate), round(0.175 * rate) + 16384 // 2
    seen = waveform[0, middle - reach : middle + reach]
    assert len(seen) == 2 * reach
    assert torch.count_nonzero(seen) == 2


def test_the_caption_and_the_headings_say_window_bins_and_both_verdicts():
    explorer = tradeoff_explorer()
    # 1024 / 16000 s, 16000 / 1024 Hz
    expected = "Window 64 ms, bins 15.6 Hz apart. The tones are one hump (no dip). The clicks are one hump (no dip)."
    assert explorer.caption == expected
    explorer.set(n_fft=4096)
    assert explorer.caption.endswith("The tones are two (dip 7.4 dB). The clicks are one hump (no dip).")
    _, tones, pair = explorer._canvas.figure.axes
    assert tones.texts[0].get_text() == "The tones are two (dip 7.4 dB)"
    assert pair.texts[0].get_text() == "The clicks are one hump (no dip)"
    explorer.set(n_fft=64)
    assert explorer.caption.endswith("The tones are one hump (no dip). The clicks are two (dip 60 dB or more).")


def test_every_value_of_every_control_is_drawn_without_a_warning(recwarn):
    explorer = tradeoff_explorer()
    for control in explorer._controls.values():
        for value in control.values:
            explorer.set(**{control.name: value})
            assert explorer.caption.startswith("Window ")
    assert not recwarn.list


def test_one_moved_control_at_a_time_or_a_new_explorer_give_the_same_picture():
    moved = tradeoff_explorer()
    for values in (
        {"n_fft": 64},
        {"window": "Blackman"},
        {"tone_distance": 100},
        {"click_distance": 3},
        {"n_fft": 512},
    ):
        moved.set(**values)
    fresh = tradeoff_explorer()
    fresh.set(n_fft=512, window="Blackman", tone_distance=100, click_distance=3)
    assert moved.picture.tobytes() == fresh.picture.tobytes()


def test_the_sound_changes_with_the_distances_alone_and_its_axis_is_that_of_the_strip():
    explorer = tradeoff_explorer()
    sound = explorer._sound
    explorer.set(n_fft=64, window="Hamming")
    assert explorer._sound == sound
    explorer.set(tone_distance=20)
    assert explorer._sound != sound
    axis = explorer._shown["time_axis"]
    assert (axis["start"], axis["end"]) == (0, 3)
