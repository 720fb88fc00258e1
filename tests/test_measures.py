"""The measures measure what they say."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import SilentAudioError, WaveformError
from course_utils.measures import copy_snr_db, fundamental, si_sdr_db, snr_db
from course_utils.samples import load_sample, noise, tone


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 40.0])
def test_the_ratio_of_a_copy_with_known_noise(snr_db):
    speech, sample_rate = load_sample("speech")
    error = noise(speech.shape[1] / sample_rate, sample_rate, seed=1)
    error *= speech.square().mean().sqrt() / error.square().mean().sqrt() * 10 ** (-snr_db / 20)
    assert copy_snr_db(speech, speech + error) == pytest.approx(snr_db, abs=0.2)


@pytest.mark.parametrize("delay", [0, 1, 576, 5000])
def test_a_delay_and_a_longer_end_are_no_error(delay):
    speech, _ = load_sample("speech")
    silence = torch.zeros(1, 700)
    copy = torch.cat([torch.zeros(1, delay), speech, silence], dim=1)
    assert copy_snr_db(speech, copy) > 100


def test_an_equal_copy_is_infinitely_close_and_a_missing_end_is_an_error():
    speech, _ = load_sample("speech")
    assert copy_snr_db(speech, speech.clone()) == math.inf
    assert copy_snr_db(speech, speech[:, :30_000]) < 10
    with pytest.raises(WaveformError):
        copy_snr_db(speech, speech.numpy())


def test_the_ratio_of_two_known_waveforms_is_that_of_their_mean_powers():
    loud, quiet = torch.full((1, 100), 0.5), torch.full((1, 37), -0.05)
    assert float(snr_db(loud, quiet)) == pytest.approx(20, abs=1e-4)
    assert float(snr_db(quiet[0], loud[0])) == pytest.approx(-20, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_each_item_has_its_ratio_over_all_its_channels(dtype):
    signal = torch.ones(3, 2, 50, dtype=dtype)
    strengths = torch.tensor([[0.1, 0.0], [1.0, 1.0], [10.0, 10.0]], dtype=dtype)
    ratios = snr_db(signal, strengths.unsqueeze(-1).expand_as(signal))
    torch.testing.assert_close(ratios, torch.tensor([20 + 10 * math.log10(2), 0, -20], dtype=dtype))
    assert snr_db(signal, signal[0]).shape == (3,)
    assert snr_db(signal[0], signal[0]).shape == ()


def test_silence_has_an_infinite_ratio_and_two_silences_none():
    sound, silence = torch.ones(1, 10), torch.zeros(1, 10)
    assert snr_db(sound, silence) == math.inf
    assert snr_db(silence, sound) == -math.inf
    with pytest.raises(SilentAudioError):
        snr_db(torch.stack([sound, silence]), torch.stack([sound, silence]))


@pytest.mark.parametrize("wrong", [torch.zeros(1, 0), torch.zeros(1, 5, dtype=torch.int16), torch.full((5,), math.nan)])
def test_a_ratio_needs_two_waveforms(wrong):
    for pair, name in (((wrong, torch.ones(1, 5)), "signal"), ((torch.ones(1, 5), wrong), "noise")):
        with pytest.raises(WaveformError, match=f"The {name}"):
            snr_db(*pair)


def test_ratios_of_batches_that_do_not_fit_are_refused():
    with pytest.raises(WaveformError, match="fit"):
        snr_db(torch.ones(3, 1, 10), torch.ones(2, 1, 10))


def test_the_fundamental_of_a_tone_is_found_between_the_bins_and_beside_a_louder_one():
    tones = tone(440.3, seconds=2, amplitude=0.1) + tone(880, seconds=2, amplitude=0.4)
    assert fundamental(tones, 16000, near=445) == pytest.approx(440.3, abs=0.02)


# ---- SI-SDR ---------------------------------------------------------------------------------------------------------


@given(level=st.floats(0.01, 100), offset=st.floats(-1, 1), wanted=st.floats(-20, 60))
def test_si_sdr_is_the_ratio_that_was_mixed_at_any_level_and_offset(level, offset, wanted):
    generator = torch.Generator().manual_seed(1)
    target, rest = torch.randn(2, 4000, dtype=torch.float64, generator=generator)
    target, rest = target - target.mean(), rest - rest.mean()
    rest = rest - rest @ target / (target @ target) * target  # at right angles
    rest = rest / rest.norm() * target.norm() * 10 ** (-wanted / 20)
    assert si_sdr_db(level * (target + rest) + offset, target) == pytest.approx(wanted, abs=1e-3)


def test_si_sdr_counts_each_item_alone_and_refuses_what_has_no_answer():
    target = torch.randn(2, 1, 500, generator=torch.Generator().manual_seed(2))
    estimate = target + torch.tensor([0.1, 1.0])[:, None, None] * torch.randn_like(target)
    found = si_sdr_db(estimate, target)
    assert found.shape == (2, 1)
    assert found[0, 0] == si_sdr_db(estimate[0, 0], target[0, 0])
    with pytest.raises(SilentAudioError):
        si_sdr_db(estimate, 0 * target)
    with pytest.raises(WaveformError, match="differ in shape"):
        si_sdr_db(estimate[..., :-1], target)
