"""Chance that can be repeated: by seed, for every item of a batch, in every worker, on any device."""

import math
import pickle

import pytest
import torch
from torch.utils.data import DataLoader

from course_utils.errors import SilentAudioError, WaveformError
from course_utils.measures import snr_db
from course_utils.random_augment import (
    RandomAugment,
    RandomClip,
    RandomGain,
    RandomNoise,
    RandomPitch,
    RandomReverb,
    RandomSpeed,
    RandomTelephone,
)
from course_utils.samples import load_sample, noise, tone

RATE = 16_000
SPEECH = load_sample("speech")[0][:, 8000:16_000]
ROOM = load_sample("room")[0][:, :8000]

STEPS = {
    "gain": RandomGain(),
    "noise": RandomNoise([noise(0.2, seed=1), noise(1.0, seed=2)]),
    "reverb": RandomReverb([ROOM, ROOM.flip(0) * torch.linspace(1, 0, 8000)]),
    "pitch": RandomPitch(RATE),
    "speed": RandomSpeed(),
    "telephone": RandomTelephone(RATE),
    "clip": RandomClip(),
}
every_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


def everything(probability=0.5):
    return RandomAugment(*STEPS.values(), probability=probability)


def drawn(step, waveform=SPEECH, seed=0):
    torch.manual_seed(seed)
    return step(waveform)


@every_step
@pytest.mark.parametrize("shape", [(1, 4000), (2, 4000), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_step_keeps_shape_and_dtype_and_follows_the_seed(step, shape, dtype):
    waveform = 0.1 * torch.randn(shape, dtype=dtype)
    first = drawn(step, waveform)
    assert (first.shape, first.dtype) == (shape, dtype)
    assert torch.isfinite(first).all()
    assert torch.equal(first, drawn(step, waveform))


@pytest.mark.parametrize("name", [name for name in STEPS if name != "telephone"])
def test_another_seed_draws_something_else(name):
    assert len({drawn(STEPS[name], seed=seed).sum().item() for seed in range(10)}) > 1


@every_step
def test_silence_passes_and_what_is_no_waveform_is_refused(step):
    assert step(torch.zeros(1, 4000)).abs().max() < 1e-4
    for wrong in (torch.full((1, 4000), math.nan), torch.zeros(1, 4000, dtype=torch.int16), torch.zeros(1, 0)):
        for module in (step, RandomAugment(step)):
            with pytest.raises(WaveformError):
                module(wrong)


def test_a_batch_is_its_items_one_after_the_other():
    batch = torch.stack([SPEECH, 0.5 * SPEECH, SPEECH.flip(-1)])
    augment = everything()
    together = drawn(augment, batch)
    torch.manual_seed(0)
    assert torch.equal(together, torch.stack([augment(item) for item in batch]))


def test_equal_items_of_a_batch_come_out_different():
    results = drawn(everything(), SPEECH.expand(6, 1, -1))
    assert len({item.sum().item() for item in results}) == 6


def test_each_item_meets_each_step_with_its_own_coin():
    class Mark(torch.nn.Module):
        def __init__(self, place):
            super().__init__()
            self.place = place

        def forward(self, waveform):
            return waveform + self.place

    augment = RandomAugment(Mark(1.0), Mark(2.0), Mark(4.0), probability=0.25)
    met = drawn(augment, torch.zeros(4000, 1, 1)).flatten().int()
    bits = torch.stack([met & 1, met & 2, met & 4]).bool().float()
    torch.testing.assert_close(bits.mean(dim=1), torch.full((3,), 0.25), rtol=0, atol=0.03)
    assert bits.corrcoef().fill_diagonal_(0).abs().max() < 0.05


def test_probability_zero_and_eval_change_nothing_and_probability_one_all():
    batch = SPEECH.expand(3, 1, -1)
    assert torch.equal(everything(0.0)(batch), batch)
    assert torch.equal(everything(1.0).eval()(batch), batch)
    assert torch.equal(everything(1.0).eval()(SPEECH), SPEECH)
    assert (everything(1.0)(batch) != batch).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("probability", [-0.1, 1.5, math.nan])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(WaveformError, match="probability"):
        RandomAugment(RandomGain(), probability=probability)


@pytest.mark.parametrize("shape", [(4000,), (2, 3, 1, 4000)], ids=str)
def test_other_shapes_are_refused(shape):
    with pytest.raises(WaveformError, match="channels, samples"):
        everything()(torch.zeros(shape))


# ---- strengths ------------------------------------------------------------------------------------------------------


def spread(measure, times=200):
    torch.manual_seed(0)
    values = [measure() for _ in range(times)]
    return min(values), max(values)


def within(found, low, high):
    """The values fill the range and stay in it."""
    margin = 0.05 * (high - low)
    return low - 1e-3 <= found[0] <= low + margin and high - margin <= found[1] <= high + 1e-3


def test_gains_fill_their_range():
    gain = RandomGain((-10, 3))
    assert within(spread(lambda: 20 * math.log10(gain(SPEECH).std() / SPEECH.std())), -10, 3)


def test_ratios_fill_their_range():
    step = RandomNoise([noise(5, seed=1)], snr_db=(0, 20))
    assert within(spread(lambda: float(snr_db(SPEECH, step(SPEECH) - SPEECH))), 0, 20)


def test_every_recording_is_drawn_from_any_place_on():
    first, second = tone(500, 0.1), tone(1500, 0.1)
    step = RandomNoise([first, second], snr_db=(0, 0))
    torch.manual_seed(0)
    added = torch.cat([step(SPEECH) - SPEECH for _ in range(50)])
    spectra = torch.fft.rfft(added).abs()
    lower = spectra[:, 240:260].sum(dim=1) > spectra[:, 740:760].sum(dim=1)
    assert 15 < lower.sum() < 35
    assert len(added[:, 0].unique()) > 10


def test_pitches_and_drives_fill_their_range(monkeypatch):
    import course_utils.random_augment as module

    monkeypatch.setattr(module, "pitch_shift", lambda waveform, sample_rate, n_steps: n_steps)
    monkeypatch.setattr(module, "clip", lambda waveform, drive_db: drive_db)
    pitch, drive = RandomPitch(RATE, (-3, 1)), RandomClip((2, 8))
    assert within(spread(lambda: pitch(SPEECH)), -3, 1)
    assert within(spread(lambda: drive(SPEECH)), 2, 8)


@pytest.mark.parametrize("factor", [0.9, 1.1, 1.15, 0.5])
def test_speed_moves_pitch_and_time_together(factor):
    sound = tone(400)
    result = RandomSpeed([factor])(sound)
    heard = round(min(1, 1 / factor) * sound.shape[1]) - 100
    peak = int(torch.fft.rfft(result[0, :heard], 16_000).abs().argmax())
    assert peak == pytest.approx(400 * factor, abs=2)
    assert result[:, heard + 200 :].abs().sum() == 0
    assert torch.equal(RandomSpeed([1.0])(sound), sound)


@pytest.mark.parametrize("module", [RandomNoise, RandomReverb])
def test_recordings_are_checked_before_the_training_starts(module):
    with pytest.raises(SilentAudioError, match="Recording 1 is silent"):
        module([noise(1), torch.zeros(1, 100)])
    with pytest.raises(WaveformError, match="no recording"):
        module([])
    with pytest.raises(WaveformError, match="NaN"):
        module([torch.full((1, 100), math.nan)])


def test_a_silent_place_of_the_noise_adds_nothing():
    mostly_silent = torch.zeros(1, 100_000)
    mostly_silent[0, 0] = 1
    results = [drawn(RandomNoise([mostly_silent]), seed=seed) for seed in range(20)]
    assert all(torch.isfinite(result).all() for result in results)
    assert any(torch.equal(result, SPEECH) for result in results)


# ---- where it runs --------------------------------------------------------------------------------------------------


def test_recordings_follow_the_module_and_stay_out_of_its_saved_state():
    augment = RandomAugment(RandomNoise([noise(1)]), RandomReverb([ROOM]))
    assert [buffer.dtype for buffer in augment.double().buffers()] == [torch.float64, torch.float64]
    assert [buffer.device.type for buffer in augment.to("meta").buffers()] == ["meta", "meta"]
    assert augment.state_dict() == {}


def test_a_pickled_copy_does_the_same():
    augment = everything()
    assert torch.equal(drawn(augment), drawn(pickle.loads(pickle.dumps(augment))))


def test_workers_of_a_data_loader_repeat_by_seed_and_differ_from_each_other():
    """Spawned as on Windows and macOS; the same clip eight times, so that only chance can make a difference."""
    augment = RandomAugment(RandomGain(), RandomNoise([noise(0.5)]), probability=1.0)
    loader = DataLoader(
        [SPEECH] * 8, batch_size=None, collate_fn=augment, num_workers=2, multiprocessing_context="spawn"
    )
    torch.manual_seed(1)
    first, second = torch.stack(list(loader)), torch.stack(list(loader))
    assert len({item.sum().item() for item in (*first, *second)}) == 16
    torch.manual_seed(1)
    assert torch.equal(torch.stack(list(loader)), first)
