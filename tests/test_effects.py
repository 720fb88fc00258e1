"""Rooms, fades, loudness and measured responses: against references, at their edges, and with one clear error each."""

import math
import warnings

import pyloudnorm
import pytest
import torch
import torchaudio.functional as AF
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.transforms import Fade

from course_utils.augment import add_reverb
from course_utils.effects import (
    CURVES,
    SHAPES,
    crossfade,
    fade,
    loudness,
    measure_response,
    normalise_loudness,
    reverb,
)
from course_utils.errors import CourseWarning, SilentAudioError, WaveformError
from course_utils.filters import KINDS, apply_filter, design_biquad, designed_response
from course_utils.samples import load_sample, noise, sample_names, tone

RATE = 16_000
SPEECH = load_sample("speech")[0]
ROOM, ROOM_RATE = load_sample("room")
LONG_ENOUGH = [name for name in sample_names() if load_sample(name)[0].shape[1] >= 0.4 * load_sample(name)[1]]


def sounds(*shape, dtype=torch.float32, seed=0):
    return 0.1 * torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def whole_blocks(waveform, rate):
    """Without what follows the last whole block of 0.4 s, which the standard leaves out and pyloudnorm does not."""
    block, step = round(0.4 * rate), round(0.1 * rate)
    return waveform[:, : block + (waveform.shape[1] - block) // step * step]


# ---- loudness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LONG_ENOUGH)
def test_recordings_have_the_loudness_that_pyloudnorm_measures(name):
    waveform, rate = load_sample(name)
    samples = whole_blocks(waveform, rate).T.double().numpy()
    expected = pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(samples)
    assert float(loudness(waveform, rate)) == pytest.approx(expected, abs=0.001)
    if rate >= 44_100:  # its usual filter is an approximation, 0.05 LU off here and up to 0.25 at 8 kHz
        usual = pyloudnorm.Meter(rate).integrated_loudness(samples)
        assert float(loudness(waveform, rate)) == pytest.approx(usual, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.01])
def test_a_tone_of_997_hz_has_the_loudness_that_the_standard_says(rate, amplitude):
    # BS.1770: a full-scale sine of 997 Hz in one channel gives -3.01 LKFS.
    expected = -3.01 + 20 * math.log10(amplitude)
    assert float(loudness(tone(997, 3.0, rate, amplitude), rate)) == pytest.approx(expected, abs=0.1)


def test_the_tones_of_ebu_tech_3341_are_measured_within_0_1():
    def stereo(*levels):
        """A 1 kHz tone at each level in dBFS for so many seconds, the same on both channels."""
        parts = [tone(1000, seconds, 48_000, 10 ** (level / 20)) for level, seconds in levels]
        return torch.cat(parts, dim=1).expand(2, -1)

    assert float(loudness(stereo((-23, 20)), 48_000)) == pytest.approx(-23, abs=0.1)
    assert float(loudness(stereo((-33, 20)), 48_000)) == pytest.approx(-33, abs=0.1)
    gated = stereo((-36, 10), (-23, 60), (-36, 10))
    assert float(loudness(gated, 48_000)) == pytest.approx(-23, abs=0.1)
    silent_ends = stereo((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    assert float(loudness(silent_ends, 48_000)) == pytest.approx(-23, abs=0.1)


def test_the_filters_at_48_khz_are_those_printed_in_the_standard():
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    high_pass = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    printed = torch.tensor([shelf, high_pass], dtype=torch.float64)
    white = noise(3, 48_000)
    weighted = apply_filter(white.double(), printed)
    power = weighted.unfold(1, 19_200, 4800).square().mean(dim=-1)
    expected = -0.691 + 10 * math.log10(power.mean())  # no block of steady noise is left out
    assert float(loudness(white, 48_000)) == pytest.approx(expected, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(gain_db=st.floats(-40, 60), channels=st.sampled_from([1, 2]), samples=st.integers(6400, 30_000))
def test_loudness_follows_the_gain_and_never_clips_within(gain_db, channels, samples):
    waveform = sounds(channels, samples, dtype=torch.float64)
    louder = loudness(AF.gain(waveform, gain_db), RATE)
    assert float(louder - loudness(waveform, RATE)) == pytest.approx(gain_db, abs=1e-6)


def test_the_same_sound_on_two_channels_is_3_lu_louder():
    assert float(loudness(SPEECH.expand(2, -1), RATE) - loudness(SPEECH, RATE)) == pytest.approx(3.0103, abs=1e-3)


def test_pauses_do_not_count():
    padded = torch.cat([SPEECH, torch.zeros(1, 10 * RATE)], dim=1)
    assert float(loudness(padded, RATE)) == pytest.approx(float(loudness(SPEECH, RATE)), abs=0.3)


@pytest.mark.parametrize("shape", [(8000,), (1, 8000), (2, 8000), (3, 2, 8000), (2, 3, 1, 8000)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_each_item_of_a_batch_has_its_own_loudness(shape, dtype):
    waveform = sounds(*shape, dtype=dtype)
    found = loudness(waveform, RATE)
    assert found.shape == shape[:-2]
    assert found.dtype == dtype
    items = waveform.reshape(-1, *shape[-2:]) if len(shape) > 2 else [waveform]
    alone = torch.stack([loudness(item, RATE) for item in items])
    torch.testing.assert_close(found.flatten(), alone.flatten())


def test_silence_is_minus_infinity_and_does_not_spoil_its_neighbours():
    batch = torch.stack([torch.zeros_like(SPEECH), SPEECH, 1e-5 * SPEECH])
    found = loudness(batch, RATE)
    assert found[[0, 2]].tolist() == [-math.inf, -math.inf]
    assert float(found[1]) == pytest.approx(float(loudness(SPEECH, RATE)))


@pytest.mark.parametrize(
    ("waveform", "rate", "problem"),
    [
        (torch.zeros(1, 6399), RATE, "6399 samples; loudness needs 6400"),
        (torch.zeros(1, 1000), RATE, "1000 samples"),
        (torch.zeros(3, 16_000), RATE, "3 channels"),
        (torch.zeros(1, 0), RATE, "empty"),
        (torch.zeros(1, 16_000), 2000, "2000 Hz"),
        (torch.full((1, 16_000), math.nan), RATE, "NaN"),
        (torch.zeros(1, 16_000, dtype=torch.int16), RATE, "int16"),
    ],
)
def test_what_has_no_loudness_is_refused_in_one_sentence(waveform, rate, problem):
    with pytest.raises(WaveformError, match=problem) as raised:
        loudness(waveform, rate)
    assert raised.value.remedy


@pytest.mark.parametrize("target", [-30.0, -23.0, -16.0, 0.0])
@pytest.mark.parametrize("shape", [(8000,), (2, 8000), (3, 1, 8000)], ids=str)
def test_after_normalising_the_loudness_is_the_one_wanted(target, shape):
    waveform = sounds(*shape) * torch.rand(shape[:-2] + (1,) * min(2, len(shape))).clamp(min=0.01)
    result = normalise_loudness(waveform, RATE, target)
    assert (result.shape, result.dtype) == (waveform.shape, waveform.dtype)
    torch.testing.assert_close(loudness(result, RATE), torch.full(shape[:-2], target), rtol=0, atol=1e-3)


def test_silence_cannot_be_made_loud():
    with pytest.raises(SilentAudioError, match="silent"):
        normalise_loudness(torch.zeros(1, RATE), RATE)
    with pytest.raises(SilentAudioError, match="silent"):
        normalise_loudness(torch.stack([SPEECH, 0 * SPEECH]), RATE)


# ---- measured response ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.8])
def test_a_click_measures_the_closed_form_within_a_tenth_of_a_db(rate, kind, share):
    section = design_biquad(kind, rate, share * rate / 2, gain_db=9)
    frequencies, measured = measure_response(lambda click: apply_filter(click, section), rate)
    designed = designed_response(section, rate, frequencies)
    heard = designed > -80
    assert float((measured - designed)[heard].abs().max()) < 0.1
    assert len(frequencies) == rate // 2 + 1
    assert (float(frequencies[0]), float(frequencies[-1])) == (0, rate / 2)


def test_torchaudios_own_filters_are_measured_as_designed():
    for kind, effect in (("high-pass", AF.highpass_biquad), ("low-pass", AF.lowpass_biquad)):
        frequencies, measured = measure_response(lambda x, e=effect: e(x, RATE, 1000), RATE)
        designed = designed_response(design_biquad(kind, RATE, 1000, q=0.707), RATE, frequencies)
        assert float((measured - designed)[designed > -80].abs().max()) < 0.1


def test_an_effect_without_delay_is_measured_whole():
    b, a = design_biquad("low-pass", RATE, 1000).float().split(3)
    frequencies, measured = measure_response(lambda x: AF.filtfilt(x, a, b), RATE)
    once = designed_response(design_biquad("low-pass", RATE, 1000), RATE, frequencies)
    heard = once > -40
    torch.testing.assert_close(measured[heard], 2 * once[heard], rtol=0, atol=0.1)


@settings(max_examples=30, deadline=None)
@given(seconds=st.floats(0.01, 2), gain_db=st.floats(-100, 39))
def test_a_gain_is_the_same_at_every_frequency(seconds, gain_db):
    frequencies, measured = measure_response(lambda x: AF.gain(x, gain_db), RATE, seconds=seconds)
    assert frequencies.shape == measured.shape == (round(seconds * RATE) // 2 + 1,)
    torch.testing.assert_close(measured, torch.full_like(measured, gain_db), rtol=0, atol=1e-3)


def test_what_lets_nothing_through_is_at_the_floor():
    assert measure_response(torch.zeros_like, RATE)[1].unique().tolist() == [-120]


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(WaveformError, match=r"made \[1, 8000\] of \[1, 16000\]"):
        measure_response(lambda x: x[:, ::2], RATE)
    with pytest.raises(WaveformError, match="result of the effect holds NaN"):
        measure_response(lambda x: x / 0, RATE)
    with pytest.raises(WaveformError, match="result of the effect is of type NoneType"):
        measure_response(lambda x: None, RATE)
    with pytest.raises(WaveformError, match="no samples"):
        measure_response(lambda x: x, RATE, seconds=0)


# ---- reverb ---------------------------------------------------------------------------------------------------------


def test_a_dry_mix_changes_nothing_a_wet_one_is_the_room_and_half_lies_between():
    dry, half, wet = (reverb(SPEECH, RATE, ROOM, ROOM_RATE, wet=share) for share in (0, 0.5, 1))
    torch.testing.assert_close(dry, SPEECH)
    torch.testing.assert_close(wet, add_reverb(SPEECH, AF.resample(ROOM, ROOM_RATE, RATE)))
    torch.testing.assert_close(half, (dry + wet) / 2)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_an_echo_comes_after_the_same_time_at_every_rate(rate):
    response = torch.zeros(1, 4800)
    response[0, 240], response[0, 2640] = 1.0, 0.5  # 50 ms after the direct sound
    click = torch.zeros(1, rate)
    click[0, 1000] = 1.0
    wet = reverb(click, rate, response, 48_000, wet=1.0)[0]
    assert int(wet.abs().argmax()) == 1000
    assert int(wet[1000 + rate // 40 :].abs().argmax()) + rate // 40 == pytest.approx(rate / 20, abs=1)


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 2),
    samples=st.integers(1, 3000),
    length=st.integers(1, 3000),
    wet=st.floats(0, 1),
    loud=st.floats(1e-6, 1e6),
)
def test_any_room_keeps_length_and_channels_and_its_own_level_does_not_matter(channels, samples, length, wet, loud):
    waveform, response = sounds(channels, samples), sounds(1, length, seed=1) + 0.01
    result = reverb(waveform, RATE, response, RATE, wet=wet)
    assert result.shape == waveform.shape
    assert result.isfinite().all()
    torch.testing.assert_close(reverb(waveform, RATE, loud * response, RATE, wet=wet), result, rtol=0, atol=1e-5)


def test_rooms_that_do_not_fit_are_refused():
    with pytest.raises(WaveformError, match=r"room response \[2, 44100\] does not fit a waveform \[1, 47840\]"):
        reverb(SPEECH, RATE, ROOM.expand(2, -1), RATE)
    with pytest.raises(SilentAudioError, match="room response is silent"):
        reverb(SPEECH, RATE, 0 * ROOM, ROOM_RATE)
    with pytest.raises(WaveformError, match="room_response is empty"):
        reverb(SPEECH, RATE, ROOM[:, :0], ROOM_RATE)
    for wet in (-0.1, 1.1, math.nan):
        with pytest.raises(WaveformError, match="from 0 to 1"):
            reverb(SPEECH, RATE, ROOM, ROOM_RATE, wet=wet)
    with pytest.raises(WaveformError, match="sample rate"):
        reverb(SPEECH, RATE, ROOM, 0)


def test_silence_in_a_room_is_silence():
    assert reverb(torch.zeros(1, 4000), RATE, ROOM, ROOM_RATE).abs().max() < 1e-6


# ---- fades ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fade_that_fits_is_that_of_torchaudio(shape):
    expected = Fade(1600, 4800, shape)(SPEECH)
    torch.testing.assert_close(fade(SPEECH, RATE, 0.1, 0.3, shape=shape), expected)


@settings(max_examples=80, deadline=None)
@given(
    samples=st.integers(1, 5000),
    fade_in=st.floats(0, 1),
    fade_out=st.floats(0, 1),
    channels=st.integers(1, 3),
    shape=st.sampled_from(SHAPES),
)
def test_a_fade_of_any_length_fits_any_clip(samples, fade_in, fade_out, channels, shape):
    waveform = torch.ones(channels, samples)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = fade(waveform, RATE, fade_in, fade_out, shape=shape)
    into, out = round(fade_in * RATE), round(fade_out * RATE)
    assert len(caught) == (into + out > samples)
    assert result.shape == waveform.shape
    assert float(result.min()) >= 0
    assert float(result.max()) <= 1 + 1e-6
    if into + out > samples:
        into = round(samples * into / (into + out))
        out = samples - into
    if into > 1:
        assert float(result[0, 0]) == 0
    if out > 1:
        assert float(result[0, -1]) == pytest.approx(0, abs=1e-6)
    assert (result[0, into : samples - out] == 1).all()


def test_a_fade_longer_than_the_clip_is_shortened_with_a_word():
    with pytest.warns(CourseWarning, match=r"1 s and 3 s do not fit into 2 s; they last 0\.5 s and 1\.5 s instead"):
        result = fade(torch.ones(1, 2 * RATE), RATE, 1.0, 3.0)
    torch.testing.assert_close(result, Fade(8000, 24_000, "half_sine")(torch.ones(1, 2 * RATE)))
    with pytest.raises(RuntimeError, match="negative dimension"):
        Fade(16_000, 48_000)(torch.ones(1, 2 * RATE))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_fade_keeps_dtype_batch_and_input(dtype):
    waveform = sounds(2, 1, 4000, dtype=dtype)
    before = waveform.clone()
    result = fade(waveform, RATE, 0.1, 0.1)
    assert (result.shape, result.dtype) == (waveform.shape, dtype)
    assert torch.equal(waveform, before)


def test_what_is_no_fade_is_refused():
    with pytest.raises(WaveformError, match="no fade of the shape 'steep'"):
        fade(SPEECH, RATE, 0.1, shape="steep")
    for seconds in (-0.1, math.nan, math.inf):
        with pytest.raises(WaveformError, match="impossible"):
            fade(SPEECH, RATE, seconds)
    with pytest.raises(WaveformError, match="empty"):
        fade(torch.zeros(1, 0), RATE, 0.1)


# ---- crossfades -----------------------------------------------------------------------------------------------------


def test_equal_power_keeps_the_level_of_strangers_and_equal_gain_that_of_twins():
    one, other = noise(2, seed=1), noise(2, seed=2)

    def level(waveform):
        return 10 * math.log10(waveform[:, 15_000:17_000].square().mean() / 0.01)

    assert level(crossfade(one, other, RATE, 2.0)) == pytest.approx(0, abs=0.5)
    assert level(crossfade(one, other, RATE, 2.0, curve="equal gain")) == pytest.approx(-3.01, abs=0.5)
    torch.testing.assert_close(crossfade(one, one, RATE, 2.0, curve="equal gain"), one)
    assert level(crossfade(one, one, RATE, 2.0)) == pytest.approx(level(one) + 3.01, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(
    first=st.integers(1, 3000),
    second=st.integers(1, 3000),
    seconds=st.floats(0, 0.3),
    channels=st.integers(1, 3),
    curve=st.sampled_from(CURVES),
)
def test_a_crossfade_of_any_length_fits_and_leaves_the_rest_alone(first, second, seconds, channels, curve):
    one, other = sounds(channels, first), sounds(channels, second, seed=1)
    wanted = round(seconds * RATE)
    overlap = min(wanted, first, second)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = crossfade(one, other, RATE, seconds, curve=curve)
    assert len(caught) == (overlap < wanted)
    assert result.shape == (channels, first + second - overlap)
    assert torch.equal(result[:, : first - overlap], one[:, : first - overlap])
    assert torch.equal(result[:, first:], other[:, overlap:])


def test_sounds_that_cannot_be_joined_are_refused():
    with pytest.raises(WaveformError, match=r"\[1, 47840\] and one \[2, 47840\]"):
        crossfade(SPEECH, SPEECH.expand(2, -1), RATE, 0.1)
    with pytest.raises(WaveformError, match="no crossfade of 'steep'"):
        crossfade(SPEECH, SPEECH, RATE, 0.1, curve="steep")
    with pytest.raises(WaveformError, match="second is empty"):
        crossfade(SPEECH, SPEECH[:, :0], RATE, 0.1)
    with pytest.raises(WaveformError, match="impossible"):
        crossfade(SPEECH, SPEECH, RATE, -1)
