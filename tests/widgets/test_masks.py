"""The mask explorer against torchaudio's SpecAugment, and what it makes heard against what it shows."""

import io
import warnings

import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps as COLOURS
from torchaudio.transforms import AmplitudeToDB, MelSpectrogram, SpecAugment

from course_utils.errors import WaveformError
from course_utils.plots import COLOUR_MAP
from course_utils.samples import UnknownSampleError, load_sample, sample_names, tone
from course_utils.widgets.masks import Masks, draw_masks, mask_explorer, mel_levels, what_is_left


def test_the_levels_are_those_of_torchaudio_relative_to_the_loudest_point():
    waveform, rate = load_sample("speech")
    mel = MelSpectrogram(rate, n_fft=1024, hop_length=256, n_mels=80)(waveform)
    expected = AmplitudeToDB("power", top_db=80)(mel)[0]
    torch.testing.assert_close(mel_levels(waveform[0], rate)[1], expected - expected.max(), atol=2e-3, rtol=0)


@given(
    bands=st.integers(1, 90),
    frames=st.integers(1, 200),
    time_mask_param=st.integers(0, 100),
    freq_mask_param=st.integers(0, 40),
    n_masks=st.integers(1, 4),
    seed=st.integers(1, 20),
)
def test_the_masks_are_those_of_specaugment_after_the_same_seed(
    bands, frames, time_mask_param, freq_mask_param, n_masks, seed
):
    masks = draw_masks(bands, frames, time_mask_param, freq_mask_param, n_masks, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        expected = SpecAugment(n_masks, time_mask_param, n_masks, freq_mask_param, zero_masking=True)(
            torch.ones(bands, frames)
        )
    assert torch.equal(masks.kept(bands, frames), expected == 1)
    if time_mask_param > 0:
        assert all(len(mask) < time_mask_param for mask in masks.frames)
    if freq_mask_param > 0:
        assert all(len(mask) < freq_mask_param for mask in masks.bands)


def test_the_random_numbers_of_the_learner_go_on_undisturbed():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    first = torch.rand(1)
    explorer = mask_explorer("speech")
    explorer.set(seed=7)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)


def test_without_masks_the_sound_is_the_recording():
    waveform, rate = load_sample("speech")
    stft, levels = mel_levels(waveform[0], rate)
    kept = Masks([], []).kept(*levels.shape)
    torch.testing.assert_close(what_is_left(stft, kept, rate, waveform.shape[1]), waveform, atol=1e-5, rtol=0)


def test_masked_frames_are_silent_and_the_others_as_before():
    waveform = tone(1000, seconds=2)
    stft, levels = mel_levels(waveform[0], 16000)
    kept = Masks([], [range(50, 80)]).kept(*levels.shape)
    left = what_is_left(stft, kept, 16000, 32000)
    # Frame k is centred on sample 256 k and reaches 512 samples to both sides.
    assert left[:, 49 * 256 + 512 : 80 * 256 - 512].abs().max() < 1e-6
    for same in (slice(0, 50 * 256 - 512), slice(79 * 256 + 512, 32000)):
        torch.testing.assert_close(left[:, same], waveform[:, same], atol=1e-4, rtol=0)


def test_a_masked_band_is_no_longer_heard_and_its_neighbours_are():
    rate = 16000
    mixed = tone(500, seconds=2) + tone(3000, seconds=2)
    stft, levels = mel_levels(mixed[0], rate)
    band = int(levels[40:].mean(dim=1).argmax()) + 40  # that of 3000 Hz
    kept = Masks([range(band - 3, band + 4)], []).kept(*levels.shape)
    left = what_is_left(stft, kept, rate, 2 * rate)[:, 4000:-4000]
    power = torch.fft.rfft(left[0] * torch.hann_window(24000)).abs() ** 2  # bins 2/3 Hz apart
    assert 10 * torch.log10(power[4500] / power[750]) < -60
    torch.testing.assert_close(left, tone(500, seconds=2)[:, 4000:-4000], atol=0.01, rtol=0)


def test_what_is_heard_is_what_the_picture_keeps():
    waveform, rate = load_sample("speech")
    stft, levels = mel_levels(waveform[0], rate)
    masks = draw_masks(*levels.shape, 30, 15, 2, seed=3)
    kept = masks.kept(*levels.shape)
    heard = mel_levels(what_is_left(stft, kept, rate, waveform.shape[1])[0], rate)[1]
    loud = levels > -40
    assert (heard - levels)[loud & ~kept].median() < -20
    assert (heard - levels)[loud & kept].abs().median() < 3


def test_the_caption_counts_frames_milliseconds_bands_and_the_share():
    explorer = mask_explorer("speech")
    waveform, rate = load_sample("speech")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        masked = SpecAugment(1, 30, 1, 15, zero_masking=True)(torch.ones(80, waveform.shape[1] // 256 + 1)) == 0
    frames, bands = int(masked.all(dim=0).sum()), int(masked.all(dim=1).sum())
    expected = (
        f"Time mask: {frames} frames ({16 * frames} ms). Frequency mask: {bands} bands. "
        f"{100 * masked.float().mean():.0f} % of the picture is masked, filled with 0 dB, the loudest there is."
    )
    assert explorer.caption == expected
    explorer.set(n_masks=2, fill="floor")
    assert explorer.caption.startswith("Time masks: ")
    assert explorer.caption.endswith("filled with the floor, \N{MINUS SIGN}80 dB.")
    explorer.set(fill="mean")
    mean = mel_levels(waveform[0], rate)[1].mean()
    assert explorer.caption.endswith(f"filled with the mean, \N{MINUS SIGN}{-mean:.0f} dB.")


@pytest.mark.parametrize(("fill", "zero_masking"), [("0 dB", True), ("mean", False)])
def test_the_picture_is_the_masked_spectrogram_of_specaugment(fill, zero_masking):
    explorer = mask_explorer("speech")
    explorer.set(fill=fill, n_masks=2, seed=5)
    levels = mel_levels(load_sample("speech")[0][0], 16000)[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        masked = SpecAugment(2, 30, 2, 15, iid_masks=False, zero_masking=zero_masking)(levels)
    image = explorer._canvas.figure.axes[0].images[0]
    # Two rows for each band and one more at both ends.
    assert (image.get_array()[1:-1:2] == image.to_rgba(masked.numpy(), bytes=True)).all()


@pytest.mark.parametrize(("fill", "value"), [("0 dB", 0), ("floor", -80)])
def test_a_fill_of_0_db_has_the_brightest_colour_and_the_floor_the_darkest(fill, value):
    explorer = mask_explorer("speech")
    explorer.set(fill=fill, freq_mask_param=0)
    image = explorer._canvas.figure.axes[0].images[0]
    colour = COLOURS[COLOUR_MAP](0 if value else 255, bytes=True)
    columns = (image.get_array() == colour).all(axis=(0, 2))
    assert f"Time mask: {columns.sum()} frames" in explorer.caption


def test_the_sound_does_not_depend_on_the_fill_but_on_the_draw():
    explorer = mask_explorer("speech")
    sound = explorer._sound
    explorer.set(fill="mean")
    assert explorer._sound == sound
    explorer.set(seed=2)
    assert explorer._sound != sound
    heard, rate = soundfile.read(io.BytesIO(explorer._sound))
    assert (len(heard), rate) == (load_sample("speech")[0].shape[1], 16000)


def test_every_recording_and_every_value_is_drawn_without_a_warning():
    explorer = mask_explorer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in sample_names():
            explorer.set(recording=name)
        for control in explorer._controls.values():
            for value in control.values:
                explorer.set(**{control.name: value})


def test_one_moved_control_at_a_time_or_a_new_explorer_give_the_same_picture():
    moved = mask_explorer(["speech", "phone"])
    for values in ({"n_masks": 3}, {"recording": "phone"}, {"fill": "mean"}, {"seed": 9}, {"time_mask_param": 50}):
        moved.set(**values)
    fresh = mask_explorer(["phone"])
    fresh.set(n_masks=3, fill="mean", seed=9, time_mask_param=50)
    assert moved.picture.tobytes() == fresh.picture.tobytes()


def test_what_cannot_be_masked_is_refused_with_a_clear_error():
    with pytest.raises(UnknownSampleError, match="speach"):
        mask_explorer("speach")
    with pytest.raises(WaveformError, match="Choose a longer recording"):
        mask_explorer({"short": (torch.zeros(1, 500), 16000)})
