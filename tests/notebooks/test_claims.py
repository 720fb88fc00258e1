"""Numbers that the notebooks' text states about recordings and codecs, measured again."""

import pytest
import torch
from torch import Tensor
from torchcodec.decoders import AudioDecoder

from course_utils.audio_io import save_audio
from course_utils.clinic import clinic_clip
from course_utils.samples import load_sample


def repetitions(waveform: Tensor, sample_rate: int, lowest: float, highest: float) -> float:
    """How often a sound repeats in a second: the highest peak of its autocorrelation between two frequencies."""
    values = waveform[0] - waveform[0].mean()
    spectrum = torch.fft.rfft(values, 2 * len(values))
    likeness = torch.fft.irfft(spectrum.abs().square())
    shortest, longest = int(sample_rate / highest), int(sample_rate / lowest)
    return sample_rate / (shortest + int(likeness[shortest:longest].argmax()))


def test_the_vowel_of_02_repeats_about_110_times_a_second():
    speech, rate = load_sample("speech_long")
    first = round(1.92 * rate)
    assert repetitions(speech[:, first : first + round(0.04 * rate)], rate, 70, 300) == pytest.approx(110, abs=3)


def test_the_vowel_of_clip_a_repeats_55_times_a_second():
    clip, rate = clinic_clip("A")
    assert repetitions(clip[:, 30_240:30_880], rate, 40, 150) == pytest.approx(55, abs=2)


def test_the_strongest_tone_of_the_bell_lies_at_6749_hz():
    bell, rate = load_sample("bell")
    spectrum = torch.fft.rfft(bell[0]).abs()
    assert int(spectrum.argmax()) * rate / bell.shape[1] == pytest.approx(6749, abs=2)


def test_the_clock_of_an_mp3_starts_25_ms_late(tmp_path):
    mp3 = save_audio(tmp_path / "guitar.mp3", *load_sample("guitar"))
    assert AudioDecoder(mp3).metadata.begin_stream_seconds == pytest.approx(0.025, abs=0.001)


def test_clip_d_is_not_clipped_and_its_peak_is_what_the_question_says():
    clip, _ = clinic_clip("D")
    assert float(clip.abs().max()) == pytest.approx(0.83, abs=0.005)
