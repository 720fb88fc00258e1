"""Each augmentation does what it says, to any waveform: in numbers, and with one clear error where it cannot."""

import math
from fractions import Fraction

import pytest
import torch
import torchaudio.transforms as T
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from course_utils.augment import (
    add_noise,
    add_reverb,
    clip,
    mask_spectrogram,
    pitch_shift,
    small_ratio,
    telephone,
    time_stretch,
)
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.measures import fundamental
from course_utils.samples import load_sample, noise, tone

RATE = 16_000
ROOM = load_sample("room")[0]
SPEECH = load_sample("speech")[0]

EFFECTS = {
    "add_noise": lambda waveform: add_noise(waveform, noise(0.3), 10),
    "time_stretch": lambda waveform: time_stretch(waveform, 1.2),
    "pitch_shift": lambda waveform: pitch_shift(waveform, RATE, 3),
    "add_reverb": lambda waveform: add_reverb(waveform, ROOM),
    "telephone": lambda waveform: telephone(waveform, RATE),
    "clip": lambda waveform: clip(waveform, 6),
}
SAME_LENGTH = [name for name in EFFECTS if name != "time_stretch"]
every_effect = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)


def level(waveform):
    """Root mean square in dB."""
    return 10 * math.log10(waveform.square().mean())


def sounds(*shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(shape, dtype=dtype, generator=generator)


def cents(frequency, wanted):
    return 1200 * math.log2(frequency / wanted)


# ---- what holds for all ---------------------------------------------------------------------------------------------


@every_effect
@pytest.mark.parametrize("shape", [(4000,), (1, 4000), (2, 4000), (3, 2, 4000), (2, 3, 1, 4000)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_shape_and_dtype_come_back(effect, shape, dtype):
    result = effect(sounds(*shape, dtype=dtype))
    assert result.shape[:-1] == shape[:-1]
    assert result.shape[-1] == (3333 if effect is EFFECTS["time_stretch"] else 4000)
    assert result.dtype == dtype
    assert not result.requires_grad


@every_effect
def test_a_batch_equals_its_items_one_by_one(effect):
    batch = sounds(3, 2, 6000) * torch.tensor([0.01, 1.0, 3.0])[:, None, None]
    alone = torch.stack([effect(item) for item in batch])
    torch.testing.assert_close(effect(batch), alone, rtol=0, atol=1e-5)


@every_effect
def test_the_input_stays_as_it_was(effect):
    waveform = sounds(1, 4000)
    before = waveform.clone()
    result = effect(waveform)
    assert torch.equal(waveform, before)
    result.zero_()
    assert torch.equal(waveform, before)


@pytest.mark.parametrize("name", [name for name in EFFECTS if name != "telephone"])
def test_a_gradient_flows_where_one_came_in(name):
    waveform = sounds(1, 4000).requires_grad_()
    EFFECTS[name](waveform).square().sum().backward()
    assert torch.isfinite(waveform.grad).all()
    assert waveform.grad.abs().max() > 0


def test_gradients_stay_finite_through_silence():
    waveform = torch.zeros(1, 4000).requires_grad_()
    pitch_shift(waveform, RATE, 3).sum().backward()
    assert torch.isfinite(waveform.grad).all()


@every_effect
@pytest.mark.parametrize("samples", [1, 2, 100, 1023])
def test_short_clips_give_a_short_result(effect, samples):
    result = effect(sounds(1, samples))
    assert result.shape == (1, round(samples / 1.2) if effect is EFFECTS["time_stretch"] else samples)
    assert torch.isfinite(result).all()


@pytest.mark.parametrize("name", [name for name in EFFECTS if name != "add_noise"])
def test_silence_stays_silence(name):
    assert EFFECTS[name](torch.zeros(2, 4000)).abs().max() < 1e-4


@every_effect
@pytest.mark.parametrize(
    ("waveform", "problem"),
    [
        (torch.zeros(1, 4000, dtype=torch.int16), "int16"),
        (torch.zeros(1, 4000, dtype=torch.float16), "float16"),
        (torch.zeros(1, 0), "empty"),
        (torch.tensor(0.5), "single number"),
        (torch.full((1, 4000), math.nan), "NaN"),
        (torch.zeros(4000, 2), "[samples, channels]"),
        (torch.zeros(1, 4000).numpy(), "ndarray"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_waveform_is_refused_in_the_words_of_the_course(effect, waveform, problem):
    with pytest.raises(WaveformError) as raised:
        effect(waveform)
    assert problem in raised.value.problem
    assert raised.value.remedy


@pytest.mark.parametrize("rate", [0, -16_000, 16_000.5])
def test_what_is_no_sample_rate_is_refused(rate):
    for effect in (lambda: pitch_shift(SPEECH, rate, 2), lambda: telephone(SPEECH, rate)):
        with pytest.raises(WaveformError, match="sample rate"):
            effect()


# ---- noise ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    shape=array_shapes(min_dims=1, max_dims=4, max_side=400).filter(lambda shape: math.prod(shape) < 20_000),
    noise_samples=st.integers(1, 3000),
    snr_db=st.floats(-40, 60),
    loudness=st.floats(-60, 40),
    double=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_ratio_asked_for_is_the_ratio_measured(shape, noise_samples, snr_db, loudness, double, seed):
    if len(shape) > 1 and shape[-2] > max(8, shape[-1]):
        shape = (*shape[:-2], shape[-1], shape[-2])
    waveform = sounds(*shape, dtype=torch.float64, seed=seed) * 10 ** (loudness / 20)
    if not double:
        waveform = waveform.float()
    mixed = add_noise(waveform, sounds(1, noise_samples, seed=seed + 1), snr_db)
    added = mixed.double() - waveform.double()
    over = -1 if len(shape) == 1 else (-2, -1)
    measured = 10 * torch.log10(waveform.double().square().mean(over) / added.square().mean(over))
    assert (measured - snr_db).abs().max() < 0.1


def test_each_item_of_a_batch_has_its_own_ratio():
    batch = torch.stack([SPEECH, 0.01 * SPEECH])
    mixed = add_noise(batch, noise(1), torch.tensor([20.0, 0.0]))
    ratios = [level(batch[i]) - level(mixed[i] - batch[i]) for i in range(2)]
    assert ratios == pytest.approx([20, 0], abs=0.01)


def test_the_balance_of_stereo_noise_and_of_stereo_music_stays():
    guitar, _ = load_sample("guitar")
    water, _ = load_sample("water")
    quiet_left = guitar * torch.tensor([[0.01], [1.0]])
    stereo = water[:1] * torch.tensor([[1.0], [0.1]])
    added = add_noise(quiet_left, stereo, 10) - quiet_left
    assert level(added[0]) - level(added[1]) == pytest.approx(20, abs=0.01)
    assert level(quiet_left) - level(added) == pytest.approx(10, abs=0.01)


def test_noise_is_repeated_or_cut():
    short = noise(0.1)
    added = add_noise(SPEECH, short, 0) - SPEECH
    torch.testing.assert_close(added[:, :1600], added[:, 1600:3200], rtol=0, atol=1e-6)
    torch.testing.assert_close(added[:, :1600] / added[:, :1600].std(), short / short.std(), rtol=0, atol=1e-3)
    long = noise(10)
    added = add_noise(SPEECH, long, 0) - SPEECH
    start = long[:, : SPEECH.shape[1]]
    torch.testing.assert_close(added / added.std(), start / start.std(), rtol=0, atol=1e-3)


def test_one_noise_for_each_item():
    batch, noises = SPEECH.expand(2, 1, -1), torch.stack([noise(1, seed=1), noise(1, seed=2)])
    torch.testing.assert_close(add_noise(batch, noises, 5)[1], add_noise(SPEECH, noises[1], 5))


@pytest.mark.parametrize("other", ["waveform", "noise"])
def test_without_power_there_is_no_ratio(other):
    sound, silence = torch.stack([SPEECH, SPEECH]), torch.stack([SPEECH, 0 * SPEECH])
    pair = (silence, sound) if other == "waveform" else (sound, silence)
    with pytest.raises(SilentAudioError, match=f"The {other} is silent"):
        add_noise(*pair, 10)


@pytest.mark.parametrize(
    ("waveform", "noise", "snr_db"),
    [
        (sounds(1, 100), sounds(2, 100), 10),
        (sounds(2, 100), sounds(3, 100), 10),
        (sounds(1, 100), sounds(4, 1, 100), 10),
        (sounds(4, 1, 100), sounds(1, 100), torch.zeros(3)),
        (sounds(1, 100), sounds(1, 100), torch.zeros(1)),
    ],
    ids=["stereo noise", "three channels", "batch of noise", "wrong number of ratios", "ratios without batch"],
)
def test_shapes_that_do_not_fit_are_named(waveform, noise, snr_db):
    with pytest.raises(WaveformError, match="do not fit a waveform"):
        add_noise(waveform, noise, snr_db)


# ---- stretch and pitch ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(samples=st.integers(1, 20_000), rate=st.floats(0.25, 4))
def test_a_stretch_has_the_promised_length(samples, rate):
    length = round(samples / rate)
    if length:
        assert time_stretch(sounds(1, samples), rate).shape == (1, length)
    else:
        with pytest.raises(WaveformError, match="nothing is left"):
            time_stretch(sounds(1, samples), rate)


@settings(max_examples=40, deadline=None)
@given(samples=st.integers(1, 20_000), n_steps=st.floats(-24, 24), rate=st.sampled_from([8000, 22_050, 48_000]))
def test_a_shift_keeps_the_length(samples, n_steps, rate):
    assert pitch_shift(sounds(1, samples), rate, n_steps).shape == (1, samples)


@pytest.mark.parametrize("rate", [0, -1.0, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(WaveformError, match="rate"):
        time_stretch(SPEECH, rate)


@pytest.mark.parametrize("n_steps", [440, -24.5, math.nan])
def test_a_shift_beyond_two_octaves_is_refused(n_steps):
    with pytest.raises(WaveformError, match="semitones"):
        pitch_shift(SPEECH, RATE, n_steps)


@settings(max_examples=300, deadline=None)
@given(n_steps=st.one_of(st.floats(-24, 24), st.integers(-24, 24)))
def test_the_fraction_is_close_and_none_with_a_smaller_denominator_is(n_steps):
    ratio = small_ratio(n_steps)
    wanted = 2 ** (n_steps / 12)
    assert abs(cents(ratio, wanted)) < 0.25
    close = 2 ** (0.25 / 1200)
    for denominator in range(1, ratio.denominator):
        least = math.floor(wanted / close * denominator) + 1
        assert least / denominator >= wanted * close


@pytest.mark.parametrize(
    ("n_steps", "ratio"), [(0, "1"), (12, "2"), (-24, "1/4"), (4, "63/50"), (-3, "37/44"), (1, "89/84")]
)
def test_well_known_intervals(n_steps, ratio):
    assert small_ratio(n_steps) == Fraction(ratio)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("frequency", [110.0, 440.0, 1500.0])
def test_a_tone_is_shifted_within_half_a_cent_and_keeps_its_level(sample_rate, frequency):
    sound = tone(frequency, 1.0, sample_rate)
    for n_steps in (-12, -7, -3.5, -1, 0.25, 1, 4, 7, 12):
        shifted = pitch_shift(sound, sample_rate, n_steps)
        wanted = frequency * 2 ** (n_steps / 12)
        assert abs(cents(fundamental(shifted, sample_rate, wanted), wanted)) < 0.5
        assert abs(level(shifted) - level(sound)) < 0.3
        assert abs(level(shifted[:, -sample_rate // 20 :]) - level(sound)) < 2


@pytest.mark.parametrize(
    ("name", "start", "seconds", "frequency"),
    [("guitar", 2.0, 3.0, 82.4), ("piano", 0.5, 2.0, 440.3), ("bass", 0.5, 2.0, 65.2)],
)
def test_instruments_are_shifted_within_five_cents(name, start, seconds, frequency):
    waveform, sample_rate = load_sample(name)
    piece = slice(round(start * sample_rate), round((start + seconds) * sample_rate))
    note = waveform[:1, piece]
    before = fundamental(note, sample_rate, frequency)
    for n_steps in range(-12, 13, 3):
        wanted = before * 2 ** (n_steps / 12)
        shifted = pitch_shift(note, sample_rate, n_steps)
        assert abs(cents(fundamental(shifted, sample_rate, wanted), wanted)) < 5
        assert abs(level(shifted) - level(note)) < 1


@pytest.mark.parametrize("n_steps", [-4, 5])
def test_a_voice_is_shifted_as_far_as_asked(n_steps):
    def pitches(waveform):
        frames = waveform[0].unfold(0, 1024, 256)
        spectra = torch.fft.rfft(frames - frames.mean(dim=1, keepdim=True), 2048).abs().square()
        similarity = torch.fft.irfft(spectra)[:, :250]
        heights, lags = similarity[:, 40:].max(dim=1)
        clear = (heights > 0.6 * similarity[:, 0]) & (similarity[:, 0] > 0.1 * similarity[:, 0].max())
        return RATE / (40 + lags), clear

    (before, clear), (after, still_clear) = pitches(SPEECH), pitches(pitch_shift(SPEECH, RATE, n_steps))
    voiced = clear & still_clear
    assert voiced.sum() > 20
    median = float((1200 * torch.log2(after / before))[voiced].median())
    assert median == pytest.approx(100 * n_steps, abs=25)


def test_no_steps_change_nothing():
    assert torch.equal(pitch_shift(SPEECH, RATE, 0), SPEECH)
    assert pitch_shift(SPEECH, RATE, 0) is not SPEECH


def test_a_rate_of_one_changes_nothing():
    torch.testing.assert_close(time_stretch(SPEECH, 1.0), SPEECH, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.2, 2.0])
def test_a_stretched_tone_keeps_pitch_level_and_end(rate):
    sound = tone(440, 2.0)
    stretched = time_stretch(sound, rate)
    assert abs(cents(fundamental(stretched, RATE, 440), 440)) < 0.5
    assert abs(level(stretched) - level(sound)) < 0.3
    assert abs(level(stretched[:, -800:]) - level(sound)) < 1.5


def test_a_stretch_moves_events_in_proportion():
    click = torch.zeros(1, 32_000)
    click[0, 16_000:16_400] = tone(2000, 0.025)[0]
    for rate in (0.8, 1.25):
        energy = time_stretch(click, rate).square().flatten()
        centre = float((energy * torch.arange(len(energy))).sum() / energy.sum())
        assert centre == pytest.approx(16_200 / rate, abs=500)


# ---- room, telephone, clipping --------------------------------------------------------------------------------------


def test_the_direct_sound_stays_where_it_was():
    response = torch.zeros(1, 500)
    response[0, 120], response[0, 130] = 1.0, 0.5
    echo = add_reverb(SPEECH, response) * response.square().sum().sqrt()
    wanted = SPEECH + 0.5 * torch.nn.functional.pad(SPEECH, (10, -10))
    torch.testing.assert_close(echo, wanted, rtol=0, atol=1e-5)


def test_white_noise_keeps_its_level_in_a_room_and_speech_nearly():
    white = noise(10)
    assert abs(level(add_reverb(white, ROOM)) - level(white)) < 1
    assert abs(level(add_reverb(SPEECH, ROOM)) - level(SPEECH)) < 6


def test_the_loudness_of_the_response_does_not_matter():
    torch.testing.assert_close(add_reverb(SPEECH, ROOM), add_reverb(SPEECH, 100 * ROOM), rtol=0, atol=1e-5)


def test_a_response_of_two_channels_is_one_for_each_ear():
    stereo, response = sounds(2, 4000), ROOM * torch.tensor([[1.0], [0.1]])
    result = add_reverb(stereo, response)
    both = add_reverb(stereo, ROOM[0])
    assert level(both[0]) - level(result[0]) == pytest.approx(10 * math.log10(0.505), abs=0.01)
    assert level(result[0]) - level(result[1]) == pytest.approx(level(both[0]) - level(both[1]) + 20, abs=0.01)


def test_a_response_that_is_none_is_refused():
    with pytest.raises(SilentAudioError, match="room response"):
        add_reverb(SPEECH, 0 * ROOM)
    with pytest.raises(WaveformError, match="does not fit"):
        add_reverb(SPEECH, ROOM.expand(2, -1))
    with pytest.raises(WaveformError, match="room_response holds NaN"):
        add_reverb(SPEECH, ROOM * math.nan)


@pytest.mark.parametrize("sample_rate", [8000, 11_025, 16_000, 44_100])
def test_a_telephone_leaves_next_to_nothing_above_5_khz(sample_rate):
    white = noise(2.0, sample_rate)
    spectrum = torch.fft.rfft(telephone(white, sample_rate)[0]).abs().square()
    hertz = torch.arange(len(spectrum)) / 2
    passed = 10 * torch.log10(spectrum[hertz < 3500].mean())
    if sample_rate > 8000:
        assert 10 * torch.log10(spectrum[hertz > 5000].mean()) < passed - 35
    assert abs(passed - 10 * torch.log10(torch.fft.rfft(white[0]).abs().square().mean())) < 0.5


def test_a_telephone_has_256_values_and_its_noise_lies_38_db_below_speech():
    narrow = load_sample("phone")[0]
    heard = telephone(narrow, 8000)
    assert len(heard.unique()) <= 256
    assert 34 < level(narrow) - level(heard - narrow) < 40


def test_a_telephone_clips_what_is_too_loud():
    loud = tone(440, 1.0, 8000, amplitude=3.0)
    assert telephone(loud, 8000).abs().max() <= 1
    torch.testing.assert_close(telephone(loud, 8000), telephone(loud.clamp(-1, 1), 8000))


def test_clipping_amplifies_and_cuts():
    waveform = torch.tensor([[-0.9, -0.1, 0.0, 0.4, 0.8]])
    wanted = torch.tensor([[-1.0, -0.2, 0.0, 0.8, 1.0]])
    torch.testing.assert_close(clip(waveform, 20 * math.log10(2)), wanted)
    assert torch.equal(clip(waveform, 0), waveform)


# ---- masks ----------------------------------------------------------------------------------------------------------


def runs(hidden):
    """The lengths of the runs of True in a row."""
    edges = torch.nn.functional.pad(hidden.int(), (1, 1)).diff()
    return ((edges == -1).nonzero() - (edges == 1).nonzero()).flatten().tolist()


def masked(spectrogram, **how):
    """Which frames and which bins of each item are hidden, as [items, frames] and [items, bins]."""
    result = mask_spectrogram(spectrogram, **how)
    hidden = (result != spectrogram).flatten(0, -4) if spectrogram.ndim > 3 else (result != spectrogram).unsqueeze(0)
    assert torch.equal(hidden.all(dim=1), hidden.any(dim=1)), "the channels of an item share their masks"
    return hidden[:, 0].all(dim=-2), hidden[:, 0].all(dim=-1)


@settings(max_examples=100, deadline=None)
@given(
    time=st.integers(0, 60),
    frequency=st.integers(0, 60),
    n_time=st.integers(0, 3),
    n_freq=st.integers(0, 3),
    decibels=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_masks_are_no_longer_and_no_more_than_asked(time, frequency, n_time, n_freq, decibels, seed):
    torch.manual_seed(seed)
    spectrogram = torch.rand(3, 2, 40, 50) + 0.001
    spectrogram = 10 * spectrogram.log10() if decibels else spectrogram
    how = {"time_mask_param": time, "freq_mask_param": frequency, "n_time_masks": n_time, "n_freq_masks": n_freq}
    frames, bins = masked(spectrogram, **how)
    for rows, param, number, size in ((frames, time, n_time, 50), (bins, frequency, n_freq, 40)):
        for row in rows:
            if row.all():  # the other kind of masks hides everything
                continue
            assert row.sum() <= number * max(min(param, size) - 1, 0)
            assert len(runs(row)) <= number
    result = mask_spectrogram(spectrogram, **how)
    assert result.isfinite().all()


def test_every_length_up_to_the_parameter_occurs():
    torch.manual_seed(0)
    frames, _ = masked(torch.rand(2000, 1, 20, 100), time_mask_param=10, freq_mask_param=0)
    lengths = frames.sum(dim=1)
    assert lengths.unique().tolist() == list(range(10))
    assert torch.bincount(lengths).min() > 130


def test_items_differ_and_channels_do_not_and_the_mean_of_the_item_fills():
    torch.manual_seed(0)
    spectrogram = torch.rand(8, 2, 40, 50) * torch.arange(1, 9)[:, None, None, None]
    result = mask_spectrogram(spectrogram, time_mask_param=20, freq_mask_param=10)
    hidden = result != spectrogram
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    assert len({tuple(item.flatten().tolist()) for item in hidden[:, 0]}) == 8
    for item, original, where in zip(result, spectrogram, hidden, strict=True):
        torch.testing.assert_close(item[where], original.mean().expand(int(where.sum())))


def test_the_same_seed_gives_the_same_masks():
    spectrogram = torch.rand(4, 1, 40, 50)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(mask_spectrogram(spectrogram, time_mask_param=20, freq_mask_param=10))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("shape", [(40, 50), (1, 40, 50), (2, 40, 50), (3, 2, 40, 50), (2, 3, 1, 40, 50), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_spectrogram_keeps_shape_and_dtype(shape, dtype):
    spectrogram = torch.rand(shape, dtype=dtype)
    result = mask_spectrogram(spectrogram, time_mask_param=100, freq_mask_param=100, n_time_masks=5)
    assert (result.shape, result.dtype) == (shape, dtype)


@pytest.mark.parametrize(
    ("spectrogram", "problem"),
    [
        (torch.zeros(40, 50, dtype=torch.complex64), "complex"),
        (torch.zeros(40, 50, dtype=torch.int16), "int16"),
        (torch.zeros(40), r"\[40\]"),
        (torch.zeros(40, 0), "empty"),
        (torch.full((40, 50), -math.inf), "infinite"),
        (torch.zeros(40, 50).numpy(), "ndarray"),
    ],
    ids=["complex", "integer", "one dimension", "empty", "log of 0", "numpy"],
)
def test_what_is_no_spectrogram_is_refused(spectrogram, problem):
    with pytest.raises(WaveformError, match=problem):
        mask_spectrogram(spectrogram, time_mask_param=10, freq_mask_param=10)


@pytest.mark.parametrize("masking", [T.TimeMasking(30), T.FrequencyMasking(15)], ids=["time", "frequency"])
@pytest.mark.parametrize("iid", [False, True])
def test_the_masks_of_torchaudio_stay_below_their_parameter_and_fill_with_0(masking, iid):
    torch.manual_seed(0)
    masking.iid_masks = iid
    longest = 0
    for _ in range(100):
        hidden = masking(torch.ones(4, 1, 80, 100)) == 0
        line = hidden[:, 0, 0] if masking.axis == 2 else hidden[:, 0, :, 0]
        assert all(len(runs(row)) <= 1 for row in line)
        assert line.unique(dim=0).shape[0] == 1 or iid
        longest = max(longest, int(line.sum(dim=1).max()))
    assert longest == masking.mask_param - 1


def test_specaugment_of_torchaudio_fills_with_the_mean_of_the_whole_batch():
    torch.manual_seed(0)
    batch = torch.rand(4, 1, 80, 100) + torch.tensor([0.0, 10.0, 20.0, 30.0])[:, None, None, None]
    result = T.SpecAugment(1, 30, 1, 15)(batch)
    changed = result != batch
    assert changed.any()
    torch.testing.assert_close(result[changed], batch.mean().expand(int(changed.sum())))
