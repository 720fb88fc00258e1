import io
import wave

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import samples
from course_utils.errors import WaveformError
from course_utils.quiz.clips import clip_wav, render_clip
from course_utils.quiz.model import Clip


def clip(**fields):
    return Clip.model_validate({"label": "A", **fields})


def loudest_frequency(waveform, sample_rate):
    spectrum = torch.fft.rfft(waveform[0]).abs()
    return spectrum.argmax().item() * sample_rate / waveform.shape[1]


def test_a_recording_is_cut_to_the_seconds_asked_for():
    name = samples.sample_names()[0]
    whole, sample_rate = samples.load_sample(name)
    part, rate = render_clip(clip(sample=name, start=0.1, seconds=0.25))
    assert rate == sample_rate
    start, length = round(0.1 * rate), round(0.25 * rate)
    assert torch.equal(part, whole[:, start : start + length])


@pytest.mark.parametrize("source", [{"tone": 440}, {"chirp": [100, 4000]}, {"noise": "pink"}])
def test_a_synthetic_signal_has_the_length_and_rate_asked_for(source):
    waveform, sample_rate = render_clip(clip(**source, seconds=0.5, sample_rate=8000))
    assert waveform.shape == (1, 4000)
    assert sample_rate == 8000
    assert waveform.abs().max() > 0.01


def test_keeping_every_second_sample_folds_a_tone_and_resampling_removes_it():
    folded, rate = render_clip(clip(tone=7000, steps=[{"keep_every": 2}]))
    assert rate == 8000
    assert loudest_frequency(folded, rate) == 1000
    filtered, rate = render_clip(clip(tone=7000, steps=[{"resample": 8000}]))
    assert rate == 8000
    assert filtered.square().mean() < folded.square().mean() / 1000


def test_playing_at_another_rate_moves_the_pitch_and_keeps_the_samples():
    waveform, rate = render_clip(clip(tone=440, steps=[{"play_at": 8000}]))
    assert torch.equal(waveform, render_clip(clip(tone=440))[0])
    assert loudest_frequency(waveform, rate) == 220


def test_gain_then_clip_flattens_the_peaks():
    waveform, _ = render_clip(clip(tone=440, steps=[{"gain": 20}, {"clip": 0.5}]))
    assert waveform.abs().max() == 0.5
    assert (waveform.abs() == 0.5).float().mean() > 0.8


def test_channels_can_be_swapped_inverted_and_mixed():
    name = next(name for name in samples.sample_names() if samples.sample_info(name).channels == 2)
    left_right, _ = render_clip(clip(sample=name, seconds=0.5))
    swapped, _ = render_clip(clip(sample=name, seconds=0.5, steps=[{"channels": [1, 0]}]))
    assert torch.equal(swapped, left_right.flip(0))
    steps = [{"channels": [0, 0]}, {"invert": 1}]
    opposite, _ = render_clip(clip(sample=name, seconds=0.5, steps=steps))
    assert torch.equal(opposite[1], -opposite[0])
    silent, _ = render_clip(clip(sample=name, seconds=0.5, steps=[*steps, {"mono": True}]))
    assert silent.shape[0] == 1
    assert silent.abs().max() == 0


@pytest.mark.parametrize("step", [{"channels": [1]}, {"channels": [0, 1]}, {"invert": 1}])
def test_a_step_on_a_channel_that_there_is_not_is_refused_in_words(step):
    with pytest.raises(WaveformError, match="channel 1, but the clip is mono"):
        render_clip(clip(tone=440, steps=[step]))


@given(st.floats(20, 3900), st.sampled_from([8000, 16000, 44100]), st.floats(-20, 30))
def test_the_wav_file_holds_the_waveform_clipped_to_full_scale(frequency, sample_rate, gain):
    described = clip(tone=frequency, seconds=0.05, sample_rate=sample_rate, steps=[{"gain": gain}])
    waveform, _ = render_clip(described)
    with wave.open(io.BytesIO(clip_wav(described))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, sample_rate)
        pcm = torch.frombuffer(bytearray(file.readframes(file.getnframes())), dtype=torch.int16)
    expected = waveform[0].clamp(-1, 32767 / 32768)
    assert (pcm / 32768 - expected).abs().max() <= 0.5 / 32768 + 1e-6


def test_the_wav_file_of_a_stereo_clip_interleaves_its_channels():
    name = next(name for name in samples.sample_names() if samples.sample_info(name).channels == 2)
    described = clip(sample=name, seconds=0.1)
    with wave.open(io.BytesIO(clip_wav(described))) as file:
        assert file.getnchannels() == 2
        pcm = torch.frombuffer(bytearray(file.readframes(file.getnframes())), dtype=torch.int16).reshape(-1, 2).T
    assert torch.equal(pcm / 32768, render_clip(described)[0])
