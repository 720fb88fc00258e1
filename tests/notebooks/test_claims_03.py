"""What 03_spectrograms states in its text and does not assert in a cell."""

import math

import pytest
import torch
from torch import Tensor
from torchaudio.transforms import GriffinLim, InverseSpectrogram, Spectrogram

from course_utils.measures import copy_snr_db
from course_utils.samples import clicks, load_sample, tone
from course_utils.widgets.tradeoff import tradeoff_data


def separated(n_fft: int, window: str, tones_hz: float, clicks_ms: float) -> tuple[bool, bool]:
    shown = tradeoff_data(n_fft, window, tones_hz, clicks_ms)
    return shown.tone_dip >= 3, shown.click_dip >= 3


def decibel_at(waveform: Tensor, sample_rate: int, low: float, high: float) -> float:
    """The power between two frequencies in dB, from one transform of the whole."""
    power = torch.fft.rfft(waveform[0] * torch.hann_window(waveform.shape[1])).abs().square()
    frequencies = torch.linspace(0, sample_rate / 2, len(power))
    return 10 * math.log10(power[(frequencies > low) & (frequencies < high)].sum())


@pytest.mark.parametrize(
    ("window", "tones_hz", "clicks_ms", "shortest_for_tones", "longest_for_clicks"),
    [("Hann", 10, 8, 4096, 256), ("Hann", 100, 20, 512, 512), ("rectangular", 10, 8, 2048, 64)],
)
def test_the_explorer_separates_from_and_up_to_the_windows_that_the_text_names(
    window, tones_hz, clicks_ms, shortest_for_tones, longest_for_clicks
):
    for n_fft in (2**power for power in range(5, 14)):
        tones, pair = separated(n_fft, window, tones_hz, clicks_ms)
        assert tones == (n_fft >= shortest_for_tones)
        assert pair == (n_fft <= longest_for_clicks)


def test_the_tones_beat_ten_times_a_second():
    envelope = (tone(440) + tone(450)).abs().unfold(-1, 80, 80).amax(dim=-1)[0]
    quiet = envelope < 0.3
    assert int((quiet[1:] & ~quiet[:-1]).sum()) == 10


@pytest.mark.parametrize(("hop_length", "loss_db"), [(256, 1.4), (512, 6.0)])
def test_a_click_between_two_frames_loses_what_the_text_says(hop_length, loss_db):
    transform = Spectrogram(1024, hop_length=hop_length)
    on_a_frame = transform(clicks([4096 / 16_000])).max()
    between = transform(clicks([(4096 + hop_length // 2) / 16_000])).max()
    assert 10 * float(torch.log10(on_a_frame / between)) == pytest.approx(loss_db, abs=0.05)


def test_a_clip_shorter_than_half_a_window_is_refused_unless_padded_with_zeros():
    with pytest.raises(RuntimeError, match="Padding size should be less than"):
        Spectrogram(1024)(torch.zeros(1, 500))
    assert Spectrogram(1024, pad_mode="constant")(torch.zeros(1, 500)).shape[1] == 513


def test_the_default_hop_is_half_a_window():
    assert Spectrogram(1024).hop_length == 512
    assert Spectrogram(1024, win_length=400).hop_length == 200


@pytest.mark.parametrize(
    ("n_fft", "hop_length", "sample_rate", "window_ms", "hop_ms", "bin_hz"),
    [
        (400, 160, 16_000, 25, 10, 40),
        (2048, 512, 44_100, 46, 12, 22),
        (1024, 256, 44_100, 23, 6, 43),
        (1024, 256, 16_000, 64, 16, 16),
        (400, 160, 44_100, 9, 4, 110),  # the settings for speech, copied to a higher rate
    ],
)
def test_the_table_of_settings_is_right(n_fft, hop_length, sample_rate, window_ms, hop_ms, bin_hz):
    assert round(1000 * n_fft / sample_rate) == window_ms
    assert round(1000 * hop_length / sample_rate) == hop_ms
    assert round(sample_rate / n_fft) == bin_hz


def test_zero_phase_repeats_with_every_hop_and_speech_does_not():
    waveform, _ = load_sample("speech")
    magnitude = Spectrogram(1024, hop_length=256, power=1)(waveform)
    buzz = InverseSpectrogram(1024, hop_length=256)(magnitude + 0j, length=waveform.shape[1])

    def likeness(signal: Tensor) -> float:
        return float(torch.corrcoef(torch.cat([signal[:, 256:], signal[:, :-256]]))[0, 1])

    assert likeness(buzz) > 0.6
    assert likeness(buzz) > likeness(waveform) + 0.3


def test_griffin_lim_that_takes_magnitudes_for_power_makes_weak_sounds_too_loud():
    waveform, _ = load_sample("speech")
    magnitude = Spectrogram(1024, hop_length=256, power=1)(waveform)
    torch.manual_seed(0)
    wrong = Spectrogram(1024, hop_length=256, power=1)(GriffinLim(1024, hop_length=256)(magnitude))

    def spread(values: Tensor) -> float:
        return float(values.max() / values.median())

    assert spread(wrong) < spread(magnitude) / 4


@pytest.mark.parametrize(("hop_length", "edited_db"), [(256, 25), (512, 24.7), (1000, 0)])
def test_an_edit_survives_short_hops_and_not_long_ones(hop_length, edited_db):
    waveform, rate = load_sample("speech")
    there = Spectrogram(1024, hop_length=hop_length, power=None)(waveform + tone(1000, 2.99, rate, 0.05))
    inverse = InverseSpectrogram(1024, hop_length=hop_length)
    untouched = inverse(there)[:, :45_000]
    assert copy_snr_db((waveform + tone(1000, 2.99, rate, 0.05))[:, :45_000], untouched) > 80
    there[:, (torch.linspace(0, rate / 2, 513) - 1000).abs() <= 20] = 0
    assert copy_snr_db(waveform[:, :45_000], inverse(there)[:, :45_000]) == pytest.approx(edited_db, abs=0.5)


@pytest.mark.parametrize(
    ("distance_hz", "window_fn", "is_seen"),
    [
        (300, torch.ones, False),
        (300, torch.hann_window, True),
        (300, torch.blackman_window, True),
        (60, torch.ones, False),
        (60, torch.hann_window, False),
        (60, torch.blackman_window, False),
    ],
)
def test_a_tone_60_db_weaker_is_seen_where_the_text_says(distance_hz, window_fn, is_seen):
    strong_hz = 64.5 * 16_000 / 1024
    both = tone(strong_hz) + tone(strong_hz + distance_hz, amplitude=0.5e-3)
    power = Spectrogram(1024, hop_length=256, window_fn=window_fn)(both)[0, :, 30]
    place = round((strong_hz + distance_hz) * 1024 / 16_000)
    before = power[place - 3 : place + 2]
    assert bool((before.diff() > 0).any() and before.max() > 10 * before.min()) == is_seen


def test_without_momentum_griffin_lim_is_further_off_after_as_many_rounds():
    waveform, _ = load_sample("speech")
    to_magnitude = Spectrogram(1024, hop_length=256, power=1)
    magnitude, off = to_magnitude(waveform), []
    for momentum in (0.99, 0):
        torch.manual_seed(0)
        guess = GriffinLim(1024, n_iter=64, hop_length=256, power=1, momentum=momentum)(magnitude)
        off.append(float((to_magnitude(guess) - magnitude).norm() / magnitude.norm()))
    assert off[0] == pytest.approx(0.084, abs=0.01)  # the question says 8 %
    assert off[1] > 1.3 * off[0]


def test_the_hum_goes_and_the_lowest_string_stays():
    guitar, rate = load_sample("guitar")
    part = guitar[:1, round(7.5 * rate) :]
    spectrogram = Spectrogram(8192, hop_length=2048, power=None)(guitar[:1])
    frequencies = torch.linspace(0, rate / 2, 4097)
    spectrogram[:, (frequencies >= 50) & (frequencies <= 70)] = 0
    clean = InverseSpectrogram(8192, hop_length=2048)(spectrogram, length=guitar.shape[1])[:, round(7.5 * rate) :]
    assert decibel_at(part, rate, 55, 65) - decibel_at(clean, rate, 55, 65) > 40
    assert decibel_at(part, rate, 78, 87) - decibel_at(clean, rate, 78, 87) < 0.05
