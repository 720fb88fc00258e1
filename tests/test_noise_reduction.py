"""GTCRN: shapes, rates and floors for what it gains on fixed mixtures."""

import hashlib

import pytest
import torch
from pystoi import stoi
from torchaudio.functional import resample

from course_utils.errors import WaveformError
from course_utils.measures import si_sdr_db
from course_utils.noise_reduction import WEIGHTS, reduce_noise
from course_utils.scenes import load_mono, speech_scene


def test_the_weights_are_those_of_the_readme():
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert digest in (WEIGHTS.parent / "README.md").read_text(encoding="utf-8")
    assert round(WEIGHTS.stat().st_size / 1000) == 535


@pytest.mark.parametrize(
    ("background", "snr", "gain_db", "gain_stoi"),
    [("water", 5, 4.5, 0.06), ("ambience", 5, 5.2, 0.04), ("ambience", 0, 7.0, 0.05), ("vinyl_noise", 5, 3.0, 0.04)],
)
def test_noise_goes_and_words_get_clearer(background, snr, gain_db, gain_stoi):
    scene = speech_scene(background, snr, others=False, phrases=("speech", "speech_2"))
    cleaned = reduce_noise(scene.waveform, scene.sample_rate)
    assert si_sdr_db(cleaned, scene.speech) > si_sdr_db(scene.waveform, scene.speech) + gain_db
    before, after = (
        stoi(scene.speech[0].numpy(), sound[0].numpy(), scene.sample_rate) for sound in (scene.waveform, cleaned)
    )
    assert after > before + gain_stoi


def test_clean_speech_passes():
    speech = load_mono("speech_3")
    assert si_sdr_db(reduce_noise(speech, 16_000), speech) > 20


@pytest.mark.parametrize("samples", [1, 100, 511, 512, 513, 5000])
@pytest.mark.parametrize("shape", [(), (1,), (2,)])
def test_any_length_and_shape_comes_back(samples, shape):
    waveform = 0.1 * torch.randn(*shape, samples, generator=torch.Generator().manual_seed(0))
    cleaned = reduce_noise(waveform, 16_000)
    assert cleaned.shape == waveform.shape
    assert cleaned.isfinite().all()


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_other_rates_come_back_at_their_own(rate):
    speech = load_mono("speech_2", rate)
    cleaned = reduce_noise(speech, rate)
    assert cleaned.shape == speech.shape
    at_16000 = reduce_noise(resample(speech, rate, 16_000), 16_000)
    assert si_sdr_db(resample(cleaned, rate, 16_000)[:, :50_000], at_16000[:, :50_000]) > 20


def test_each_channel_is_cleaned_alone_and_silence_stays_silent():
    speech = load_mono("speech")[:, :16_000]
    both = reduce_noise(torch.cat([speech, torch.zeros_like(speech)]), 16_000)
    assert torch.equal(both[:1], reduce_noise(speech, 16_000))
    assert both[1].abs().max() < 1e-4


def test_double_precision_comes_back_as_such():
    assert reduce_noise(torch.zeros(1, 800, dtype=torch.float64), 16_000).dtype == torch.float64


def test_what_is_no_waveform_is_refused():
    with pytest.raises(WaveformError, match="is empty"):
        reduce_noise(torch.zeros(1, 0), 16_000)
