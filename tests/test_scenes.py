"""Scenes: what is said to be known of them is true."""

import pytest
import torch
from torchaudio.functional import highpass_biquad

from course_utils.errors import WaveformError
from course_utils.measures import snr_db
from course_utils.scenes import SAMPLE_RATE, SPOKEN, load_mono, place, speech_scene, spoken, two_microphone_scene
from course_utils.segments import keep, pauses


@pytest.mark.parametrize("name", SPOKEN)
def test_a_phrase_lies_between_its_marks_and_the_room_outside(name):
    """Levels of 20 ms: outside near the floor, within 20 ms of each mark well above it."""
    first, last = SPOKEN[name]
    whole = highpass_biquad(load_mono(name), SAMPLE_RATE, 80)  # without the rumble of the room
    levels = 10 * torch.log10(whole[0, : whole.shape[1] // 320 * 320].reshape(-1, 320).square().mean(dim=1))
    floor = levels.quantile(0.02)
    begin, end = round(first * 50), round(last * 50)
    assert levels[begin : begin + 3].max() > floor + 10
    assert levels[end - 3 : end].max() > floor + 6
    assert levels[begin:end].median() > floor + 20
    assert levels[2 : begin - 2].median() < floor + 12
    assert levels[end + 2 :].median() < floor + 10


@pytest.mark.parametrize("name", SPOKEN)
def test_no_pause_within_a_phrase_is_longer_than_a_fifth_of_a_second(name):
    phrase = spoken(name)
    levels = 10 * torch.log10(phrase[0, : phrase.shape[1] // 160 * 160].reshape(-1, 160).square().mean(dim=1) + 1e-12)
    loud = (levels > levels.quantile(0.95) - 30).nonzero()[:, 0]
    assert loud.diff().max() <= 20


def test_a_phrase_without_marks_is_refused():
    with pytest.raises(WaveformError, match="Nobody has marked"):
        spoken("crow")


def test_clips_lie_where_they_were_put_and_overlap_by_addition():
    whole = place({0.1: torch.ones(1, 1600), 0.15: 2 * torch.ones(1, 1600), 0.95: torch.ones(1, 16_000)}, 1.0)
    assert whole.shape == (1, 16_000)
    assert whole[0, [1599, 1600, 2399, 2400, 3199, 3200, 3999, 4000]].tolist() == [0, 1, 1, 3, 3, 2, 2, 0]
    assert whole[0, 15_200:].tolist() == [1.0] * 800


@pytest.mark.parametrize("background", ["water", "ambience", "drum_loop"])
@pytest.mark.parametrize("snr", [0, 10])
def test_the_snr_holds_while_somebody_speaks(background, snr):
    scene = speech_scene(background, snr, others=False)
    rest = scene.waveform - scene.speech
    voice = keep(scene.speech, SAMPLE_RATE, scene.marked)
    assert snr_db(voice, rest) == pytest.approx(snr, abs=0.3)


def test_only_the_room_is_heard_in_the_pauses_of_the_speech():
    scene = speech_scene(others=False)
    gaps = pauses(scene.marked, scene.waveform.shape[1] / SAMPLE_RATE)
    assert len(gaps) == 4
    assert keep(scene.speech, SAMPLE_RATE, gaps).abs().max() < 1e-3
    assert keep(scene.waveform, SAMPLE_RATE, gaps).abs().max() < 0.005


def test_a_scene_is_the_same_each_time():
    assert torch.equal(speech_scene("water").waveform, speech_scene("water").waveform)


def lag(pair: torch.Tensor) -> int:
    """Samples by which the second channel comes later."""
    first, second = torch.fft.rfft(pair, 2 * pair.shape[1])
    correlation = torch.fft.irfft(second * first.conj())
    return (int(correlation.argmax()) + pair.shape[1]) % (2 * pair.shape[1]) - pair.shape[1]


@pytest.mark.parametrize("echoes", [False, True])
def test_at_two_microphones_the_voice_comes_from_the_left_and_the_water_from_the_right(echoes):
    scene = two_microphone_scene(echoes=echoes)
    water = scene.waveform - scene.speech
    assert scene.waveform.shape == scene.speech.shape == (2, 7 * SAMPLE_RATE)
    assert lag(scene.speech) == 3
    assert lag(water) in (-6, -7)
    assert snr_db(scene.speech, water).mean() == pytest.approx(0, abs=0.1)


def test_only_water_is_heard_before_the_voice():
    scene = two_microphone_scene(echoes=True)
    (voice,) = scene.marked
    assert scene.speech[:, : round(voice.start * SAMPLE_RATE) - 100].abs().max() < 1e-3
    assert scene.speech[0, round(voice.start * SAMPLE_RATE) :].square().mean() > 1e-4


def test_echoes_are_3_db_softer_than_what_comes_straight():
    straight, with_echoes = two_microphone_scene().speech, two_microphone_scene(echoes=True).speech
    assert snr_db(straight, with_echoes - straight).mean() == pytest.approx(3, abs=1)
