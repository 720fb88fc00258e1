"""The STFT explorer's picture against torchaudio's transform and against arithmetic."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.transforms import Spectrogram

from course_utils.errors import WaveformError
from course_utils.samples import UnknownSampleError, clicks, sample_names, tone
from course_utils.widgets.stft import TONES_AND_CLICKS, stft_explorer, stft_picture_data, tones_and_clicks


def picture(waveform, sample_rate=16000, n_fft=1024, hop_length=256, f_max=8000, floor_db=-80, rows=300, columns=600):
    return stft_picture_data(waveform, sample_rate, n_fft, hop_length, f_max, floor_db, rows=rows, columns=columns)


def hills(power):
    """How many separate stretches exceed a tenth of the greatest value."""
    above = power > power.max() / 10
    return int(above[0]) + int((above[1:] & ~above[:-1]).sum())


def test_with_room_for_every_bin_and_frame_it_is_the_spectrogram_of_torchaudio():
    waveform = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    shown = picture(waveform, n_fft=512, hop_length=128, floor_db=-40)
    power = Spectrogram(n_fft=512, hop_length=128)(waveform.mean(dim=0))
    expected = (10 * torch.log10(power / power.max())).clamp(min=-40)
    torch.testing.assert_close(shown.levels, expected, atol=1e-3, rtol=0)
    # Frame k is centred on k hops, bin b on b bins; each reaches half-way to its neighbours.
    assert shown.extent == pytest.approx((-64 / 16000, 62.5 * 128 / 16000, -15.625, 256.5 * 31.25))


@given(
    samples=st.integers(600, 6000),
    n_fft=st.sampled_from([64, 256, 1024]),
    hop_length=st.sampled_from([64, 100, 512, 2000]),
    f_max=st.sampled_from([300.0, 1000.0, 4000.0]),
    rows=st.integers(1, 200),
    columns=st.integers(1, 200),
)
def test_it_fits_the_pixels_and_keeps_the_loudest_point(samples, n_fft, hop_length, f_max, rows, columns):
    waveform = tone(200, samples / 8000, 8000)
    shown = picture(waveform, 8000, n_fft, hop_length, f_max, rows=rows, columns=columns)
    left, right, bottom, top = shown.extent
    assert shown.levels.shape[0] <= rows
    assert shown.levels.shape[1] <= columns
    assert left <= 0
    assert bottom <= 0
    assert top >= f_max
    assert right >= samples / 8000 - hop_length / 8000
    assert shown.levels.max() == 0
    assert shown.levels.min() >= -80


def test_a_tone_lies_at_its_frequency_and_a_click_at_its_time():
    for signal, axis, position in ((tone(3000), 0, 3000), (clicks([0.25]), 1, 0.25)):
        shown = picture(signal, n_fft=512, hop_length=64)
        place = int(shown.levels.amax(dim=1 - axis).argmax())
        start, end = shown.extent[:2] if axis else shown.extent[2:]
        size = (end - start) / shown.levels.shape[axis]
        assert abs(start + (place + 0.5) * size - position) <= size


def test_a_click_shorter_than_a_pixel_is_as_loud_as_with_room_for_every_frame():
    waveform = 0.01 * tone(1000, seconds=4) + clicks([1.0], seconds=4)
    wide, narrow = (picture(waveform, n_fft=64, hop_length=64, columns=columns) for columns in (2000, 50))
    assert narrow.levels.amax(dim=0).max() == wide.levels.amax(dim=0).max() == 0
    assert int((narrow.levels.amax(dim=0) == 0).sum()) == 1


def test_silence_is_all_floor():
    assert (picture(torch.zeros(1, 16000), floor_db=-60).levels == -60).all()


def test_the_caption_says_window_bins_and_frames():
    # 1024 / 16000 s, 1024 // 2 + 1, 16000 / 1024 Hz, 32000 // 256 + 1, 256 / 16000 s
    expected = "Window 64 ms, 513 bins 15.6 Hz apart, 126 frames 16 ms apart."
    assert picture(tone(440, seconds=2)).caption == expected


def test_a_hop_longer_than_the_window_is_drawn_and_what_it_skips_is_said():
    shown = picture(clicks([0.5]), n_fft=64, hop_length=4096)
    assert "4032 of every 4096 samples are never looked at" in shown.caption
    assert "never" not in picture(clicks([0.5]), n_fft=64, hop_length=64).caption


def test_a_waveform_shorter_than_half_a_window_is_refused_with_a_clear_error():
    with pytest.raises(WaveformError, match="Half a window of 2048 samples is longer than the recording, 1024 samples"):
        picture(torch.randn(1, 1024), n_fft=2048)
    picture(torch.randn(1, 1025), n_fft=2048)


@pytest.mark.parametrize(("n_fft", "tones", "hits"), [(256, 1, 2), (2048, 2, 1)])
def test_no_window_separates_both_the_two_tones_and_the_two_clicks(n_fft, tones, hits):
    waveform, rate = tones_and_clicks()
    power = 10 ** (picture(waveform, rate, n_fft, hop_length=64, rows=10_000, columns=10_000).levels / 10)
    frames_a_second = 16000 // 64
    before_the_clicks = power[:, frames_a_second // 5 : frames_a_second // 3].mean(dim=1)
    above_the_tones = power[len(power) // 4 :, frames_a_second // 3 : -frames_a_second // 3].mean(dim=0)
    assert hills(before_the_clicks) == tones
    assert hills(above_the_tones) == hits


def test_all_recordings_of_the_course_can_be_chosen_and_drawn():
    explorer = stft_explorer()
    for name in [*sample_names(), TONES_AND_CLICKS]:
        explorer.set(recording=name)
        assert explorer.caption.startswith("Window ")
        assert explorer.picture.getextrema() != ((255, 255),) * 3


def test_one_moved_control_at_a_time_or_a_new_explorer_give_the_same_picture():
    moved = stft_explorer(["speech", "phone"])
    for values in ({"n_fft": 256}, {"recording": "phone"}, {"floor_db": -50}, {"f_max": 2000}, {"hop_length": 512}):
        moved.set(**values)
    fresh = stft_explorer(["phone"])
    fresh.set(n_fft=256, floor_db=-50, f_max=2000, hop_length=512)
    assert moved.picture.tobytes() == fresh.picture.tobytes()


def test_the_axes_end_at_the_highest_frequency_that_there_is():
    explorer = stft_explorer(["phone"])
    assert explorer._canvas.figure.axes[0].get_ylim() == (0, 4000)
    assert "first" not in explorer.caption


def test_own_recordings_are_shown_and_the_first_five_seconds_of_them_heard():
    explorer = stft_explorer({"mine": (tone(440, seconds=7, sample_rate=8000), 8000)})
    assert explorer.values["recording"] == "mine"
    assert explorer._shown["time_axis"]["end"] == 5
    assert explorer.caption.endswith("Only the first 5 s are shown.")
    assert len(explorer._sound) == pytest.approx(2 * 5 * 8000, abs=100)


def test_an_unknown_recording_is_refused_before_anything_is_shown():
    with pytest.raises(UnknownSampleError, match="speach"):
        stft_explorer(["speech", "speach"])


def test_one_recording_may_be_named_without_a_list():
    assert stft_explorer("phone").values["recording"] == "phone"


@pytest.mark.parametrize(
    ("recordings", "problem", "remedy"),
    [
        ([], "no recordings", "to get all"),
        ({}, "no recordings", "to get all"),
        ({"a": torch.zeros(1, 8000)}, "a: a Tensor is given", "{'a': (waveform, sample_rate)}"),
        ({"a": (torch.zeros(8000), 8000)}, "a: The waveform has shape [8000]", "unsqueeze"),
        (
            {"a": (torch.zeros(1, 8000), 8000), "b": (torch.zeros(1, 8000), None)},
            "b: The sample rate is None",
            "rate that came",
        ),
    ],
)
def test_what_cannot_be_shown_is_named_with_its_remedy(recordings, problem, remedy):
    with pytest.raises(WaveformError) as raised:
        stft_explorer(recordings)
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


def test_gradients_and_half_precision_do_no_harm():
    waveform = tone(440, sample_rate=8000)
    shown = [
        stft_explorer({"mine": (kind, 8000)})
        for kind in (waveform.half().float(), waveform.half(), waveform.half().requires_grad_())
    ]
    assert len({explorer.picture.tobytes() for explorer in shown}) == 1
    assert len({explorer._sound for explorer in shown}) == 1
