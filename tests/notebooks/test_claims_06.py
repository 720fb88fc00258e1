"""Statements of 06_augmenting_waveforms that its cells do not assert, measured again."""

import io
import math
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest
import soundfile
import torch
import torchaudio
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from course_utils.augment import add_noise, clip, pitch_shift, telephone
from course_utils.measures import snr_db
from course_utils.random_augment import RandomAugment, RandomNoise, RandomPitch, RandomReverb, RandomTelephone
from course_utils.samples import load_sample, tone

RATE = 16_000


def mono(name: str) -> Tensor:
    waveform, rate = load_sample(name)
    return torchaudio.functional.resample(waveform.mean(dim=0, keepdim=True), rate, RATE)


def spectrum(waveform: Tensor) -> Tensor:
    """Power [bins, frames], bins 31.25 Hz apart."""
    return torchaudio.transforms.Spectrogram(n_fft=512, hop_length=128)(waveform)[0]


def band(power: Tensor, low: float, high: float) -> Tensor:
    return power[round(low / 31.25) : round(high / 31.25)]


def coded(waveform: Tensor, **settings) -> Tensor:
    file = io.BytesIO()
    soundfile.write(file, waveform.T.numpy(), RATE, **settings)
    file.seek(0)
    return torch.from_numpy(soundfile.read(file, dtype="float32", always_2d=True)[0].T.copy())


def test_at_0_db_the_water_hides_the_strong_stripes_from_1000_to_2000_hz_and_not_the_s():
    speech = mono("speech")
    speech_power, water_power = spectrum(speech), spectrum(add_noise(speech, mono("water"), 0) - speech)

    def share_above_the_water(low: float, high: float) -> float:
        voice, water = band(speech_power, low, high), band(water_power, low, high)
        strong = voice > voice.max() / 1000
        return float((voice > water)[strong].float().mean())

    assert share_above_the_water(1000, 2000) < 0.5
    assert share_above_the_water(4000, 6000) > 0.9
    loudest_hiss = int(band(speech_power, 4000, 8000).sum(dim=0).argmax()) * 128 / RATE
    assert loudest_hiss == pytest.approx(1.6, abs=0.05)


def test_two_thirds_of_the_records_power_is_rumble_below_150_hz():
    power = spectrum(mono("vinyl_noise"))
    assert float(band(power, 0, 156.25).sum() / power.sum()) == pytest.approx(2 / 3, abs=0.03)


def test_a_quarter_of_the_rains_power_falls_in_a_few_drops():
    by_frame = spectrum(mono("ambience")).sum(dim=0).sort(descending=True).values
    few = len(by_frame) // 20
    assert float(by_frame[:few].sum() / by_frame.sum()) == pytest.approx(0.25, abs=0.03)


def test_the_caw_lasts_half_a_second_and_leaves_gaps_when_it_is_repeated():
    crow = mono("crow")
    by_frame = spectrum(crow).sum(dim=0)
    assert crow.shape[1] / RATE == pytest.approx(0.5, abs=0.05)
    assert float((by_frame < by_frame.max() / 1000).float().mean()) > 0.1


def test_the_same_10_db_over_a_clip_that_is_half_silence_are_13_while_somebody_speaks():
    speech = mono("speech")
    padded = torch.cat([speech, torch.zeros_like(speech)], dim=1)
    hiss = torch.randn(padded.shape, generator=torch.Generator().manual_seed(6))
    noise_in_it = add_noise(padded, hiss, 10) - padded
    assert float(snr_db(speech, noise_in_it[:, : speech.shape[1]])) == pytest.approx(13, abs=0.3)


def test_the_guides_shift_by_4_needs_more_than_three_times_the_filters_of_a_shift_by_7():
    def size(n_steps: int) -> int:
        ratio = Fraction(int(RATE * 2 ** (n_steps / 12)), RATE)
        return ratio.numerator * ratio.denominator

    assert 3 < size(4) / size(7) < 4
    assert size(1) * 4 > 1e9


def test_a_fraction_with_a_denominator_of_up_to_400_is_never_more_than_2_2_cents_off():
    worst = 0.0
    for hundredths in range(-240_000, 240_001, 97):
        exact = 2 ** (hundredths / 120_000)
        worst = max(worst, abs(1200 * math.log2(Fraction(exact).limit_denominator(400) / exact)))
    between_1_and_the_next = 1 + 1 / 800.001
    nearest = Fraction(between_1_and_the_next).limit_denominator(400)
    assert max(worst, abs(1200 * math.log2(nearest / between_1_and_the_next))) < 2.2


def test_speed_takes_the_ratio_in_whole_hertz_rounded_down():
    waveform = torch.zeros(1, 12)
    with patch("torchaudio.functional.functional.resample") as resample:
        torchaudio.functional.speed(waveform, 44_100, 0.7)
    assert resample.call_args.args[1:] == (30_869, 44_100)


def test_the_courses_pitch_shift_stays_within_a_quarter_of_a_cent():
    sung = tone(440, seconds=4.0, sample_rate=RATE)
    for n_steps in (1, 4, 7):
        shifted = pitch_shift(sung, RATE, n_steps)[0, RATE : 3 * RATE] * torch.hann_window(2 * RATE)
        hertz = int(torch.fft.rfft(shifted, 100 * RATE).abs().argmax()) / 100
        exact = 440 * 2 ** (n_steps / 12)
        assert abs(hertz - exact) < exact * (2 ** (0.25 / 1200) - 1) + 0.01


@pytest.mark.parametrize(("format", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS")])
def test_the_lowest_quality_throws_the_high_frequencies_away(format, subtype):
    speech = mono("speech")
    lost = band(spectrum(coded(speech, format=format, subtype=subtype, compression_level=0.99)), 6000, 8000).sum()
    assert lost < 0.01 * band(spectrum(speech), 6000, 8000).sum()


def test_mp3_of_constant_bit_rate_comes_back_late():
    speech = mono("speech")
    back = coded(speech, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.99, bitrate_mode="CONSTANT")
    spectra = torch.fft.rfft(back, 2**18) * torch.fft.rfft(speech, 2**18).conj()
    assert 500 < int(torch.fft.irfft(spectra).argmax()) < 2500


def test_the_telephone_leaves_a_little_up_to_4800_hz_and_next_to_nothing_above():
    original, telephoned = spectrum(mono("speech")), spectrum(telephone(mono("speech"), RATE))
    assert band(telephoned, 4812.5, 8000).sum() < 1e-3 * band(original, 4812.5, 8000).sum()
    assert band(telephoned, 4000, 4812.5).sum() > 1e-2 * band(original, 4000, 4812.5).sum()


def test_a_tone_clipped_alike_at_top_and_bottom_gains_its_odd_multiples():
    level = torch.fft.rfft(clip(tone(440), 18)[0]).abs()
    assert min(level[440 * multiple] for multiple in (3, 5, 7)) > 1000 * max(level[440 * n] for n in (2, 4, 6))


def test_the_four_copies_of_the_course_pipeline_went_through_the_steps_that_the_text_names():
    augment = RandomAugment(
        RandomPitch(RATE, n_steps=(-2, 2)),
        RandomReverb([mono("room")]),
        RandomNoise([mono("water"), mono("ambience"), mono("vinyl_noise")], snr_db=(0, 20)),
        RandomTelephone(RATE),
        probability=0.5,
    )
    taken = []
    for step, name in zip(augment.steps, ("pitch", "room", "noise", "telephone"), strict=True):
        step.register_forward_hook(lambda *_, name=name: taken.append(name))
    torch.manual_seed(4)
    augment(mono("speech").expand(4, 1, -1))
    assert taken == ["noise", "telephone", "pitch", "room", "pitch", "room", "noise"]


class Draws(Dataset):
    """Two random numbers for each item: from torch, and from a generator of its own."""

    def __init__(self):
        self.own = np.random.default_rng(0)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> list[float]:
        return [float(torch.rand(())), float(self.own.random())]


def test_workers_have_seeds_of_their_own_for_torch_and_copies_of_your_generator():
    first, second = DataLoader(Draws(), num_workers=2, batch_size=None)
    assert first[0] != second[0]
    assert first[1] == second[1]
