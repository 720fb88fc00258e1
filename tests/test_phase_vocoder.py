"""Frames are walked through at another pace, and the bins of one partial stay in step."""

import math

import pytest
import torch
import torchaudio.functional as AF

from course_utils import phase_vocoder
from course_utils.phase_vocoder import stretch, stretch_frames
from course_utils.samples import load_sample, tone

N_FFT, HOP = 1024, 256


def frames_of(waveform):
    return torch.stft(waveform, N_FFT, HOP, window=torch.hann_window(N_FFT), return_complex=True).mT


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.1, 1.5, 2.0])
def test_without_leaders_it_is_the_phase_vocoder_of_torchaudio(monkeypatch, rate):
    monkeypatch.setattr(phase_vocoder, "LOBE_BINS", 0)
    frames = frames_of(load_sample("speech")[0].double()[:, :8000])
    bins = torch.arange(N_FFT // 2 + 1)
    reference = AF.phase_vocoder(frames.mT, rate, (2 * math.pi * bins * HOP / N_FFT).unsqueeze(-1)).mT
    ours = stretch_frames(frames, rate)
    torch.testing.assert_close(ours, reference[:, : ours.shape[1]], rtol=0, atol=1e-4 * float(reference.abs().max()))


def test_a_steady_tone_keeps_its_level_and_torchaudio_alone_loses_it():
    sound = tone(440)
    lost = AF.pitch_shift(sound, 16_000, 12, n_fft=N_FFT)
    kept = AF.resample(stretch(sound, 0.5, N_FFT, 32_000), 2, 1)
    level = [20 * math.log10(x[:, 2000:-2000].std() / sound.std()) for x in (lost, kept)]
    assert level[0] < -3
    assert abs(level[1]) < 0.1


def test_in_the_tenth_minute_the_phases_are_as_exact_as_in_the_first():
    sound = tone(1000.0, seconds=600, sample_rate=8000)
    last = stretch(sound, 0.9, 512, round(sound.shape[1] / 0.9))[0, -16_000:-4000].double()
    spectrum = torch.fft.rfft(last * torch.hann_window(len(last), dtype=last.dtype)).abs().square()
    at_1000_hz = round(1000 * len(last) / 8000)
    assert spectrum[at_1000_hz - 3 : at_1000_hz + 4].sum() / spectrum.sum() > 0.9999


def test_what_sounds_after_silence_is_not_lost():
    sound = torch.cat([torch.zeros(1, 8000), tone(440)], dim=1)
    stretched = stretch(sound, 0.8, N_FFT, 30_000)
    assert stretched[:, :9000].abs().max() < 1e-3
    assert stretched[:, 11_000:].std() == pytest.approx(float(tone(440).std()), rel=0.02)
