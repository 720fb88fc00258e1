"""The measures measure what they say."""

import math

import pytest
import torch

from course_utils.errors import WaveformError
from course_utils.measures import copy_snr_db
from course_utils.samples import load_sample, noise


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
