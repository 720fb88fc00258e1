"""Recordings by name, and synthetic signals that are exactly what they claim."""

import html
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import samples
from course_utils.errors import AudioFileError, WaveformError
from course_utils.samples import (
    UnknownSampleError,
    chirp,
    clicks,
    load_sample,
    noise,
    sample_info,
    sample_names,
    sample_path,
    sample_table,
    tone,
)

RATE = 16000

lengths = st.floats(0.01, 0.5)
rates = st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000])


@pytest.mark.parametrize("name", sample_names())
def test_every_recording_loads_as_the_manifest_describes_it(name):
    waveform, sample_rate = load_sample(name)
    sample = sample_info(name)
    assert waveform.dtype == torch.float32
    assert sample_rate == sample.sample_rate
    assert waveform.shape[0] == sample.channels
    assert waveform.shape[1] / sample_rate == pytest.approx(sample.seconds, abs=1e-4)


def test_a_misspelt_name_is_answered_with_the_likely_one():
    with pytest.raises(UnknownSampleError) as caught:
        load_sample("speach")
    assert "'speach'" in caught.value.problem
    assert "'speech'" in caught.value.remedy
    assert "sample_names()" in caught.value.remedy


def test_a_name_like_no_other_is_answered_with_the_way_to_list_all():
    with pytest.raises(UnknownSampleError) as caught:
        sample_info("xylophone quartet")
    assert "Did you mean" not in caught.value.remedy
    assert "sample_names()" in caught.value.remedy


def test_a_missing_file_is_named_with_the_way_to_get_it_back(monkeypatch, tmp_path):
    sample_info("speech")  # the manifest is read before its folder goes away
    monkeypatch.setattr(samples, "AUDIO", tmp_path)
    with pytest.raises(AudioFileError) as caught:
        sample_path("speech")
    assert str(tmp_path / "speech.flac") in caught.value.problem
    assert "git checkout" in caught.value.remedy


def test_the_table_shows_every_recording_once():
    rows = re.findall(r"<tr><th[^>]*>(.*?)</tr>", sample_table().data)
    cells = [html.unescape(re.sub("<[^>]+>", "|", row)).split("||") for row in rows]
    assert cells[0] == ["Name", "What is heard", "Seconds", "Rate in Hz", "Channels", "Licence|"]
    assert [row[0] for row in cells[1:]] == sample_names()
    speech = sample_info("speech")
    assert cells[1][1:4] == [speech.heard, f"{speech.seconds:.1f}", str(speech.sample_rate)]


@given(seconds=lengths, sample_rate=rates)
def test_every_signal_has_one_channel_of_round_seconds_times_rate_samples(seconds, sample_rate):
    shape = (1, round(seconds * sample_rate))
    for signal in (
        tone(440, seconds, sample_rate),
        chirp(100, 1000, seconds, sample_rate),
        clicks([0], seconds, sample_rate),
        noise(seconds, sample_rate),
    ):
        assert signal.shape == shape
        assert signal.dtype == torch.float32


@given(share=st.floats(0.01, 0.99), sample_rate=rates)
def test_a_tone_peaks_at_its_frequency(share, sample_rate):
    frequency = share * sample_rate / 2
    waveform = tone(frequency, seconds=0.5, sample_rate=sample_rate)
    spectrum = torch.fft.rfft(waveform[0] * torch.hann_window(waveform.shape[1])).abs()
    bin_width = sample_rate / waveform.shape[1]
    assert spectrum.argmax() * bin_width == pytest.approx(frequency, abs=bin_width)


def test_a_tone_starts_at_zero_and_reaches_its_amplitude():
    waveform = tone(1000, amplitude=0.25)
    assert waveform[0, 0] == 0
    assert waveform[0, 4] == pytest.approx(0.25)  # a quarter of a period of 16 samples
    assert waveform.abs().max() == pytest.approx(0.25)


def test_a_long_high_tone_keeps_its_phase():
    waveform = tone(7000, seconds=60)
    assert torch.allclose(waveform[:, -RATE:], waveform[:, :RATE], atol=1e-5)


def crossing_frequency(waveform, sample_rate):
    """The mean frequency of a stretch of sound, from the times of its first and last upward zero crossings."""
    values = waveform[0].double()
    before = torch.nonzero((values[:-1] < 0) & (values[1:] >= 0))[:, 0]
    times = (before + values[before] / (values[before] - values[before + 1])) / sample_rate
    return float((len(times) - 1) / (times[-1] - times[0]))


@pytest.mark.parametrize(("start", "end"), [(200, 3000), (3000, 200), (500, 500)])
@pytest.mark.parametrize("moment", [0.25, 1.0, 1.75])
def test_a_chirp_passes_the_frequency_that_a_straight_line_gives(start, end, moment):
    waveform = chirp(start, end, seconds=2, sample_rate=48000)
    expected = start + (end - start) * moment / 2
    middle, half = round(moment * 48000), 1200
    measured = crossing_frequency(waveform[:, middle - half : middle + half], 48000)
    assert measured == pytest.approx(expected, rel=0.01)


def test_a_chirp_may_reach_half_the_sample_rate():
    assert chirp(0, RATE / 2).abs().max() <= 0.5


@given(st.sets(st.integers(0, RATE - 1), max_size=20))
def test_clicks_stand_at_their_samples_and_nowhere_else(indices):
    waveform = clicks([index / RATE for index in indices], amplitude=0.7)
    assert set(torch.nonzero(waveform[0])[:, 0].tolist()) == indices
    assert waveform.sum() == pytest.approx(0.7 * len(indices), rel=1e-5)


@given(
    st.sampled_from(["white", "pink", "brown"]),
    st.integers(0, 2**32),
    st.floats(0.001, 10),
    st.integers(2, 5000),
)
def test_noise_has_exactly_the_level_asked_for_and_no_offset(color, seed, rms, length):
    waveform = noise(length / RATE, RATE, color, seed, rms).double()
    assert waveform.square().mean().sqrt() == pytest.approx(rms, rel=1e-5)
    assert waveform.mean() == pytest.approx(0, abs=1e-5 * rms)


@pytest.mark.parametrize(("color", "slope"), [("white", 0), ("pink", -3.01), ("brown", -6.02)])
def test_noise_falls_by_its_colours_slope_in_every_octave(color, slope):
    power = torch.fft.rfft(noise(20, RATE, color)[0].double()).abs().square()
    octaves = [power[round(20 * low) : round(40 * low)].mean() for low in (62.5, 125, 250, 500, 1000, 2000, 4000)]
    falls = torch.stack(octaves).log10().mul(10).diff()
    assert falls == pytest.approx(torch.full((6,), slope).numpy(), abs=0.6)


def test_the_same_seed_gives_the_same_noise_and_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    undisturbed = torch.rand(3)
    torch.manual_seed(1)
    first = noise(seed=7)
    assert torch.equal(torch.rand(3), undisturbed)
    assert torch.equal(first, noise(seed=7))
    assert not torch.allclose(first, noise(seed=8))


@pytest.mark.parametrize("make", [tone, lambda f, **kwargs: chirp(100, f, **kwargs)])
@pytest.mark.parametrize(("frequency", "heard"), [(9000, "7000 Hz"), (15900, "100 Hz"), (17000, "1000 Hz")])
def test_a_frequency_above_half_the_rate_is_refused_with_the_alias_it_would_become(make, frequency, heard):
    with pytest.raises(WaveformError, match=f"would sound as {heard}") as caught:
        make(frequency, sample_rate=RATE)
    assert "8000 Hz" in caught.value.remedy

    sampled = torch.sin(2 * torch.pi * frequency * torch.arange(RATE, dtype=torch.float64) / RATE)
    assert f"{int(torch.fft.rfft(sampled).abs().argmax())} Hz" == heard


@pytest.mark.parametrize(
    "call",
    [
        lambda: tone(440, seconds=-1),
        lambda: tone(440, seconds=0),
        lambda: tone(-440),
        lambda: tone(8000, sample_rate=16000),
        lambda: tone(440, sample_rate=0),
        lambda: chirp(100, 200, seconds=-1),
        lambda: clicks([0.5], seconds=0.5),
        lambda: clicks([-0.1]),
        lambda: noise(-1),
        lambda: noise(1 / RATE),
        lambda: noise(rms=0),
        lambda: noise(color="purple"),
    ],
)
def test_what_cannot_be_made_is_refused_with_a_remedy(call):
    with pytest.raises(WaveformError) as caught:
        call()
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy.endswith(".")
