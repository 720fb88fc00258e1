"""Statements of 12_effects that its cells do not assert, measured again."""

import importlib.util
import math
from functools import cache

import pytest
import torch
import torchaudio
import torchaudio.functional as F
from course_notebooks import read, values
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.effects import loudness, measure_response, reverb
from course_utils.errors import WaveformError
from course_utils.filters import apply_filter, design_biquad, designed_response
from course_utils.paths import NOTEBOOKS
from course_utils.samples import load_sample, noise, tone
from course_utils.widgets.equalizer import BANDS, equalize

RATE = 16_000
SPEECH = load_sample("speech_4")[0]


@cache
def recipe(name: str) -> dict:
    """What the recipe's cell defines."""
    notebook = read(NOTEBOOKS / "12_effects.ipynb")
    (source,) = [cell.source for cell in notebook.cells if name in values(cell, "recipe")]
    defined: dict = {}
    exec(source, defined)
    return defined


def taps(length: int) -> torch.Tensor:
    return recipe("low-pass-taps")["low_pass_taps"](1000, RATE, length)


class Counter(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += 1
        return operation(*args, **(kwargs or {}))


def operations(effect, samples: int) -> int:
    with Counter() as counter:
        effect(SPEECH[:, :samples])
    return counter.count


def test_vol_clips_in_the_tensor_and_gain_does_not():
    assert torchaudio.transforms.Vol(6.0, gain_type="db")(SPEECH).abs().max() == 1
    assert F.gain(SPEECH, 6.0).abs().max() > 1.1


def test_six_db_down_brings_the_old_values_back():
    torch.testing.assert_close(F.gain(F.gain(SPEECH, 6.0), -6.0), SPEECH)
    assert float(SPEECH.abs().max()) == pytest.approx(0.59, abs=0.005)


def test_the_podcast_needs_a_peak_of_1_3_and_the_published_version_does_not_clip():
    gain = -16 - float(F.loudness(SPEECH, RATE))
    assert float(F.gain(SPEECH, gain).abs().max()) == pytest.approx(1.3, abs=0.05)


def test_torchaudio_says_1_4_where_twice_the_amplitude_is_6():
    full = tone(997, 2.0, 48_000, 1.0)
    assert float(F.loudness(2 * full, 48_000) - F.loudness(full, 48_000)) == pytest.approx(1.4, abs=0.1)
    assert float(loudness(2 * full, 48_000) - loudness(full, 48_000)) == pytest.approx(6.02, abs=0.01)


def test_the_two_filters_leave_a_slope_and_no_edge():
    _, level = measure_response(lambda x: F.lowpass_biquad(F.highpass_biquad(x, RATE, 300), RATE, 3000), RATE)
    assert level[3000] == pytest.approx(-3, abs=0.2)
    assert -24 < level[6000] < -18
    assert -14 < level[150] < -11


def test_an_all_pass_changes_no_level_and_delays():
    _, level = measure_response(lambda x: F.allpass_biquad(x, RATE, 1000), RATE)
    assert level.abs().max() < 0.01
    click = torch.zeros(1, 400)
    click[0, 100] = 0.5
    assert F.allpass_biquad(click, RATE, 1000)[0, 101:].abs().max() > 0.05


def test_the_notch_takes_the_hum_and_leaves_the_string():
    guitar, rate = load_sample("guitar")
    ending = guitar[:, -2 * rate :]
    notched = F.bandreject_biquad(ending, rate, 60, Q=5)

    def level(waveform, hertz):
        spectrum = torch.fft.rfft(waveform * torch.hann_window(waveform.shape[1])).abs()
        return 20 * math.log10(spectrum[:, 2 * hertz].max())

    assert level(ending, 60) > max(level(ending, hertz) for hertz in (50, 55, 65, 70)) + 6
    assert level(notched, 60) < level(ending, 60) - 20
    assert float(measure_response(lambda x: F.bandreject_biquad(x, rate, 60, Q=5), rate)[1][82]) > -1


def test_a_low_cutoff_in_float32_loses_ten_db_at_1_hz():
    _, single = measure_response(lambda x: F.highpass_biquad(x, 44_100, 100), 44_100)
    _, double = measure_response(lambda x: F.highpass_biquad(x.double(), 44_100, 100).float(), 44_100)
    assert float(double[1]) == pytest.approx(-80, abs=0.5)
    assert float(single[1]) > -72


def test_the_telephone_the_s_and_the_sum_of_all_bands():
    shown = equalize(SPEECH, RATE, [12.0] * len(BANDS))
    assert float(shown.designed[(shown.frequencies - 1000).abs().argmin()]) == pytest.approx(18, abs=0.5)
    spectrum = torchaudio.transforms.Spectrogram(512, hop_length=128)(SPEECH)[0]
    hiss = spectrum[128:].sum(dim=0).argmax()  # where the most power lies above 4000 Hz
    octaves = [spectrum[round(f / 44.2) : round(f / 22.1), hiss].sum() for f in BANDS[3:7]]
    assert int(torch.stack(octaves).argmax()) == 3  # 2828 to 5657 Hz, the band of 4000 Hz


def test_the_walls_are_as_steep_as_the_taps_are_many_and_stand_on_the_window():
    def width(length):
        frequencies, level = measure_response(lambda x: F.fftconvolve(x, taps(length), mode="same"), RATE)
        return float(frequencies[level < -50][0] - frequencies[level < -1][0])

    assert width(101) / width(401) == pytest.approx(4, rel=0.1)
    _, level = measure_response(lambda x: F.fftconvolve(x, taps(401), mode="same"), RATE)
    assert -60 < float(level[1100:].max()) < -50


def test_the_taps_are_those_of_scipys_firwin_and_a_high_pass_is_the_rest():
    firwin = pytest.importorskip("scipy.signal").firwin(401, 1000, fs=RATE, window="hamming")
    torch.testing.assert_close(taps(401)[0].double(), torch.from_numpy(firwin), rtol=0, atol=1e-6)
    _, level = measure_response(lambda x: x - F.fftconvolve(x, taps(401), mode="same"), RATE)
    assert level[2000:].abs().max() < 0.1
    assert level[:800].max() < -40


def test_two_biquads_in_a_row_fall_by_24_db_per_octave_and_are_at_minus_6_at_the_cutoff():
    twice = torch.stack([design_biquad("low-pass", 48_000, 1000)] * 2)
    level = designed_response(twice, 48_000, torch.tensor([1000.0, 2000.0, 4000.0]))
    assert level[0] == pytest.approx(-6.02, abs=0.01)
    assert level[2] - level[1] == pytest.approx(-24, abs=0.5)


def test_filtfilt_answers_before_the_click_and_the_biquad_does_not():
    section = design_biquad("low-pass", RATE, 1000)
    click = torch.zeros(1, 801)
    click[0, 400] = 1
    both_ways = F.filtfilt(click, section[3:].float(), section[:3].float(), clamp=False)[0]
    torch.testing.assert_close(both_ways, both_ways.flip(0), rtol=0, atol=1e-5)
    once = apply_filter(click, section)[0]
    assert not once[:400].any()
    assert int(once.argmax()) > 400


def test_a_response_of_the_wrong_rate_rings_2_8_times_too_long():
    assert load_sample("room")[1] / RATE == pytest.approx(2.8, abs=0.05)


def test_a_response_of_two_channels_makes_mono_stereo_and_reverb_wants_it_said():
    ears = torch.stack([noise(0.1, RATE, seed=1)[0], noise(0.1, RATE, seed=2)[0]])
    assert F.fftconvolve(SPEECH, ears).shape[0] == 2
    with pytest.raises(WaveformError, match="does not fit"):
        reverb(SPEECH, RATE, ears, RATE)
    assert reverb(SPEECH.expand(2, -1), RATE, ears, RATE).shape == (2, SPEECH.shape[1])


def test_filters_and_room_may_change_places():
    section = design_biquad("high-pass", RATE, 80)
    response = noise(0.2, RATE)
    response[0, 0] = 1.0  # the direct sound comes first: nothing is cut off before it
    room = (response, RATE)
    one = apply_filter(reverb(SPEECH, RATE, *room), section)
    other = reverb(apply_filter(SPEECH, section), RATE, *room)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_two_fades_that_overlap_never_reach_the_full_level():
    fade = torchaudio.transforms.Fade(RATE, 3 * RATE)
    assert fade(torch.ones(1, round(3.5 * RATE))).max() < 0.95
    assert fade(torch.ones(1, 4 * RATE)).max() > 0.99


def test_rooms_are_simulated_by_torchaudio_no_more():
    assert importlib.util.find_spec("torchaudio.prototype") is None


def test_overdrive_makes_new_frequencies_and_the_phaser_feeds_back():
    driven = F.overdrive(tone(440, 1.0), gain=20, colour=20)
    level = torch.fft.rfft(driven[0]).abs()
    assert level[1320] > 0.1 * level[440]
    click = torch.zeros(1, 800)
    click[0, 0] = 0.5
    echoes = F.phaser(click, RATE, delay_ms=2.0, decay=0.7)[0].nonzero()
    assert len(echoes) > 5


def test_the_fast_flanger_is_exact_after_minutes_too():
    rate = 44_100
    steps = torch.arange(100 * rate, dtype=torch.float64)
    turn = 2 * math.pi * 1000 / rate
    delay = 0.004 * rate * (1 - torch.cos(2 * math.pi * 0.5 * steps / rate)) / 2
    exact = (torch.sin(turn * steps) + torch.sin(turn * (steps - delay))) / 2
    found = recipe("flanger")["flanger"](torch.sin(turn * steps).float().unsqueeze(0), rate)[0]
    assert (found - exact)[-rate:].abs().max() < 0.003  # the bend of the sine between two samples


def test_flanger_and_phaser_ask_for_operations_sample_by_sample_and_filters_do_not():
    per_sample = (operations(lambda x: F.flanger(x, RATE), 200) - operations(lambda x: F.flanger(x, RATE), 100)) / 100
    assert per_sample == pytest.approx(32, abs=6)
    phaser = [operations(lambda x: F.phaser(x, RATE), samples) for samples in (100, 200)]
    assert phaser[1] - phaser[0] >= 200
    for effect in (lambda x: F.highpass_biquad(x, RATE, 300), lambda x: F.fftconvolve(x, x)):
        assert operations(effect, 100) == operations(effect, 200) < 60
