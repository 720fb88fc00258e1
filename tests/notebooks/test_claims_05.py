"""What the text of notebook 05 claims in numbers and no cell asserts."""

import pytest
import torch
import torchaudio.functional as F
import torchaudio.transforms as T
from torch import Tensor

from course_utils.augment import time_stretch
from course_utils.samples import load_sample, tone

STFT = T.Spectrogram(n_fft=1024, hop_length=256, power=None)
INVERSE = T.InverseSpectrogram(n_fft=1024, hop_length=256)
STRETCH = T.TimeStretch(hop_length=256, n_freq=513)


def lines(waveform: Tensor, within_db: float) -> int:
    """How many peaks of the spectrum, 5 Hz apart or more, come within so many dB of the strongest; 16 kHz."""
    middle = waveform[0, 3200:-3200]
    power = torch.fft.rfft(middle * torch.hann_window(len(middle)), n=160_000).abs().square()
    around = torch.nn.functional.max_pool1d(power[None], 101, stride=1, padding=50)[0]
    return int(((power == around) & (power > power.max() * 10 ** (-within_db / 10))).sum())


def before_a_hit(waveform: Tensor, sample_rate: int, time: float) -> float:
    """Power of the 80 ms before a time against that of the 80 ms after it, in dB."""
    first, length = round(time * sample_rate), round(0.08 * sample_rate)
    before, after = waveform[:, first - length : first], waveform[:, first : first + length]
    return float(10 * torch.log10(before.square().mean() / after.square().mean()))


def test_the_holes_of_the_first_picture_are_a_tenth_of_it():
    bins, frames = STFT(load_sample("speech_3")[0]).shape[1:]
    hidden = 1 - (1 - 25 / frames) * (1 - 33 / bins)
    assert hidden == pytest.approx(0.13, abs=0.01)
    assert (64 * 16_000 / 1024, 96 * 16_000 / 1024) == (1000, 1500)


def test_all_sizes_below_the_parameter_are_equally_likely():
    torch.manual_seed(0)
    masking = T.TimeMasking(30)
    sizes = torch.tensor([int((masking(torch.ones(1, 1, 300)) == 0).sum()) for _ in range(6000)])
    counts = sizes.bincount(minlength=31)
    assert counts[30] == 0
    assert counts[:30].min() > 140
    assert counts[:30].max() < 260
    assert sizes.float().mean() == pytest.approx(14.5, abs=0.5)


def test_torchaudio_refuses_to_mask_complex_numbers():
    with pytest.raises(NotImplementedError):
        T.TimeMasking(30)(torch.ones(1, 513, 100, dtype=torch.complex64))


@pytest.mark.parametrize("transform", [T.TimeMasking(60), T.FrequencyMasking(40), T.SpecAugment(1, 60, 1, 40)])
def test_no_mask_of_torchaudio_stops_after_eval(transform):
    torch.manual_seed(0)
    features = torch.randn(1, 80, 180)
    assert any(not torch.equal(transform.eval()(features), features) for _ in range(5))


def test_the_holes_of_spec_augment_are_30_db_above_the_mean_of_the_quiet_clip():
    names = ("speech", "speech_2", "speech_3", "speech_4")
    batch = torch.stack([load_sample(name)[0][:, : round(2.9 * 16_000)] for name in names])
    decibel = T.AmplitudeToDB(top_db=80)(T.MelSpectrogram(16_000, 1024, hop_length=256, n_mels=80)(batch))
    decibel[0] -= 40
    assert float(decibel.mean() - decibel[0].mean()) == pytest.approx(31, abs=2)


def test_skipped_frames_make_several_lines_of_one_tone_and_time_stretch_keeps_one():
    spectrum = STFT(tone(660, seconds=2.0))
    skipped = spectrum[:, :, torch.arange(0, spectrum.shape[2], 1.6).long()]
    assert lines(INVERSE(STRETCH(spectrum, 1.6)), within_db=40) == 1
    assert lines(INVERSE(skipped), within_db=10) >= 4
    assert 16_000 / 256 == 62.5


@pytest.fixture(scope="module")
def drums() -> tuple[Tensor, int]:
    waveform, rate = load_sample("drum_loop")
    return waveform.mean(dim=0, keepdim=True), rate


@pytest.fixture(scope="module")
def slow(drums) -> Tensor:
    spectra = T.Spectrogram(n_fft=2048, hop_length=512, power=None)(drums[0])
    return T.InverseSpectrogram(n_fft=2048, hop_length=512)(T.TimeStretch(512, 1025)(spectra, 0.7))


def test_time_stretch_lets_a_drum_hit_sound_before_it_starts_and_resampling_does_not(drums, slow):
    waveform, rate = drums
    assert before_a_hit(waveform, rate, 2.43) < -45
    assert before_a_hit(F.resample(waveform, 7, 10), rate, 2.43 / 0.7) < -45
    assert before_a_hit(slow, rate, 2.43 / 0.7) > -15
    assert 2048 / rate == pytest.approx(0.046, abs=0.001)


def test_time_stretch_makes_the_drums_4_db_quieter(drums, slow):
    assert 10 * torch.log10(drums[0].square().mean() / slow.square().mean()) == pytest.approx(4, abs=0.3)


def test_the_courses_time_stretch_lets_12_db_less_sound_ahead_of_the_hit(drums, slow):
    waveform, rate = drums
    better = time_stretch(waveform, 0.7, n_fft=2048)
    gain = before_a_hit(slow, rate, 2.43 / 0.7) - before_a_hit(better, rate, 2.43 / 0.7)
    assert gain == pytest.approx(12, abs=0.7)
