"""Filters against SciPy and against formulas written out here, at their edges, and on any waveform."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
import torchaudio.functional as AF
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.errors import WaveformError
from course_utils.filters import KINDS, apply_filter, design_biquad, designed_response

TORCHAUDIO = {
    "low-pass": AF.lowpass_biquad,
    "high-pass": AF.highpass_biquad,
    "band-pass": AF.bandpass_biquad,
    "notch": AF.bandreject_biquad,
    "peak": AF.equalizer_biquad,
    "low-shelf": AF.bass_biquad,
    "high-shelf": AF.treble_biquad,
}


def white(*shape, dtype=torch.float32, seed=0):
    return 0.05 * torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def designs(rate):
    return [
        design_biquad(kind, rate, frequency, gain_db=gain, q=q)
        for kind in KINDS
        for frequency in (0.01 * rate, 0.1 * rate, 0.4 * rate)
        for gain in ((-12.0, 6.0) if kind in ("peak", "low-shelf", "high-shelf") else (0.0,))
        for q in (0.5, 4.0)
    ]


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_a_filter_does_what_scipy_does_with_the_same_sections(rate):
    waveform = white(2, 4000)
    for sections in (*designs(rate), torch.stack(designs(rate)[:6])):
        expected = scipy.signal.sosfilt(np.atleast_2d(sections.numpy()), waveform.double().numpy())
        found = apply_filter(waveform, sections)
        torch.testing.assert_close(found.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frequency", [50, 1000, 7000])
def test_the_numbers_are_those_of_torchaudio(kind, frequency):
    waveform = white(1, 8000, dtype=torch.float64)
    gain = {"gain": 6.0} if kind in ("peak", "low-shelf", "high-shelf") else {}
    expected = TORCHAUDIO[kind](waveform, 16_000, *gain.values(), frequency, 0.9)
    if kind == "peak":  # the one whose frequency comes before its gain
        expected = AF.equalizer_biquad(waveform, 16_000, frequency, 6.0, 0.9)
    section = design_biquad(kind, 16_000, frequency, gain_db=6.0, q=0.9)
    torch.testing.assert_close(apply_filter(waveform, section), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["highpass_biquad", "lowpass_biquad"])
@pytest.mark.parametrize("cutoff", [300, 3000])
def test_the_filters_that_the_lesson_teaches_agree_with_scipy(name, cutoff):
    waveform = white(1, 16_000)
    kind = "high-pass" if name.startswith("high") else "low-pass"
    b, a = scipy.signal.butter(2, cutoff, kind.replace("-", ""), fs=16_000)
    expected = scipy.signal.lfilter(b, a, waveform.double().numpy())
    found = getattr(AF, name)(waveform, 16_000, cutoff, 1 / math.sqrt(2))
    torch.testing.assert_close(found.double(), torch.from_numpy(expected), rtol=0, atol=1e-4)
    torch.testing.assert_close(
        apply_filter(waveform, design_biquad(kind, 16_000, cutoff)).double(),
        torch.from_numpy(expected),
        rtol=0,
        atol=1e-7,
    )


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_the_designed_response_is_that_of_scipy(rate):
    frequencies = torch.linspace(1, 0.499 * rate, 500, dtype=torch.float64)
    for sections in (*designs(rate), torch.stack(designs(rate)[:6])):
        _, response = scipy.signal.freqz_sos(np.atleast_2d(sections.numpy()), frequencies.numpy(), fs=rate)
        expected = 20 * np.log10(np.maximum(np.abs(response), 1e-6))
        found = designed_response(sections, rate, frequencies)
        torch.testing.assert_close(found, torch.from_numpy(expected), rtol=0, atol=1e-6)


def test_a_second_order_low_pass_falls_as_its_closed_form_says():
    # Butterworth after the bilinear transform: 1 / (1 + (tan(pi f / rate) / tan(pi c / rate))^4).
    frequencies = torch.arange(1.0, 7900, dtype=torch.float64)
    ratio = torch.tan(torch.pi * frequencies / 16_000) / math.tan(math.pi * 1000 / 16_000)
    expected = -10 * torch.log10(1 + ratio**4)
    found = designed_response(design_biquad("low-pass", 16_000, 1000), 16_000, frequencies)
    heard = expected > -110
    torch.testing.assert_close(found[heard], expected[heard], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "gain", "at_0", "at_frequency", "at_the_top"),
    [
        ("low-pass", 0, 0, -3.01, -120),
        ("high-pass", 0, -120, -3.01, 0),
        ("band-pass", 0, -120, 0, -120),
        ("notch", 0, 0, -120, 0),
        ("peak", 9, 0, 9, 0),
        ("low-shelf", 8, 8, 4, 0),
        ("high-shelf", -8, 0, -4, -8),
    ],
)
def test_each_kind_does_at_its_places_what_its_name_says(kind, gain, at_0, at_frequency, at_the_top):
    section = design_biquad(kind, 48_000, 3000, gain_db=gain)
    found = designed_response(section, 48_000, torch.tensor([0.0, 3000.0, 24_000.0]))
    assert found.tolist() == pytest.approx([at_0, at_frequency, at_the_top], abs=0.01)


def test_q_is_the_frequency_over_the_width_of_a_band_pass():
    frequencies = torch.arange(1.0, 8000, dtype=torch.float64)
    level = designed_response(design_biquad("band-pass", 48_000, 1000, q=5), 48_000, frequencies)
    inside = frequencies[level > -3.0103]
    assert 1000 / float(inside[-1] - inside[0]) == pytest.approx(5, rel=0.02)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    share=st.floats(0.001, 0.999),
    q=st.floats(0.1, 20),
    gain=st.floats(-24, 24),
    channels=st.integers(1, 3),
    samples=st.integers(1, 3000),
    double=st.booleans(),
)
def test_any_filter_below_half_the_rate_is_stable_and_keeps_shape_and_dtype(
    kind, share, q, gain, channels, samples, double
):
    section = design_biquad(kind, 16_000, 8000 * share, gain_db=gain, q=q)
    assert np.abs(np.roots(section[3:].numpy())).max() < 1
    waveform = white(channels, samples, dtype=torch.float64 if double else torch.float32)
    result = apply_filter(waveform, section)
    assert (result.shape, result.dtype) == (waveform.shape, waveform.dtype)
    assert result.isfinite().all()


def test_nothing_is_clipped_and_torchaudio_does_clip():
    waveform = 10 * white(1, 4000)
    boost = design_biquad("peak", 16_000, 1000, gain_db=12)
    torch.testing.assert_close(apply_filter(100 * waveform, boost), 100 * apply_filter(waveform, boost))
    assert apply_filter(waveform, boost).abs().max() > 1.2
    assert AF.equalizer_biquad(waveform, 16_000, 1000, 12.0).abs().max() == 1


@pytest.mark.parametrize("shape", [(400,), (1, 400), (3, 2, 400)], ids=str)
def test_a_batch_equals_its_items_one_by_one(shape):
    waveform = white(*shape)
    sections = torch.stack(designs(16_000)[:3])
    alone = torch.stack([apply_filter(item, sections) for item in waveform.reshape(-1, 400)])
    torch.testing.assert_close(apply_filter(waveform, sections), alone.reshape(shape), rtol=0, atol=1e-7)


def test_a_gradient_flows_through():
    waveform = white(1, 400).requires_grad_()
    apply_filter(waveform, design_biquad("high-pass", 16_000, 300)).square().sum().backward()
    assert waveform.grad.abs().max() > 0


@pytest.mark.parametrize("frequency", [-1, 0, 8000, 9000, math.nan, math.inf])
def test_a_frequency_that_the_rate_does_not_have_is_refused(frequency):
    with pytest.raises(WaveformError, match="between 0 and 8000 Hz, half the sample rate"):
        design_biquad("low-pass", 16_000, frequency)


def test_what_is_no_filter_is_refused():
    with pytest.raises(WaveformError, match=r"no filter 'lowpass'.*low-pass"):
        design_biquad("lowpass", 16_000, 100)
    with pytest.raises(WaveformError, match="q of the filter is 0"):
        design_biquad("peak", 16_000, 100, q=0)
    with pytest.raises(WaveformError, match="sample rate"):
        design_biquad("peak", 0, 100)
    for shape in ((5,), (0, 6), (2, 3, 6)):
        with pytest.raises(WaveformError, match="design_biquad"):
            apply_filter(white(1, 10), torch.zeros(shape))
    with pytest.raises(WaveformError, match="empty"):
        apply_filter(torch.zeros(1, 0), design_biquad("peak", 16_000, 100))
