"""The mel explorer's picture against torchaudio's transforms and against arithmetic."""

import warnings

import pytest
import torch
from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

from course_utils.errors import CourseError, WaveformError
from course_utils.samples import UnknownSampleError, load_sample, sample_names, tone
from course_utils.widgets.mel import mel_explorer, mel_picture_data


def picture(waveform, rate=16000, n_fft=1024, n_mels=80, f_min=0, f_max=8000, scale="htk", top_db=80, columns=2000):
    return mel_picture_data(waveform, rate, n_fft, n_mels, f_min, f_max, scale, top_db, columns=columns)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_fft": 400, "n_mels": 128},
        {"n_mels": 13, "f_min": 100, "f_max": 4000, "top_db": 30},
        {"scale": "slaney", "n_mels": 40},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_with_room_for_every_frame_it_is_what_torchaudio_gives(settings):
    waveform, rate = load_sample("speech")
    values = {"n_fft": 1024, "n_mels": 80, "f_min": 0, "f_max": 8000, "scale": "htk", "top_db": 80} | settings
    top_db, scale = values.pop("top_db"), values.pop("scale")
    norm = {"htk": None, "slaney": "slaney"}[scale]
    transform = MelSpectrogram(rate, **values, hop_length=values["n_fft"] // 4, mel_scale=scale, norm=norm)
    expected = AmplitudeToDB("power", top_db)(transform(waveform))[0]
    torch.testing.assert_close(picture(waveform, rate, **settings).levels, expected - expected.max(), atol=2e-3, rtol=0)


def test_fewer_pixels_than_frames_keep_the_loudest_and_the_range():
    waveform, rate = load_sample("drum_loop")
    shown = picture(waveform[:, :80000], rate, columns=100)
    assert shown.levels.shape[0] == 80
    assert shown.levels.shape[1] <= 100
    assert shown.levels.max() == 0
    assert shown.levels.min() == -80


def test_the_caption_says_how_wide_the_bands_are():
    # 2595 log10(1 + 8000 / 700) = 2840.02 mel, 81 steps of 35.06 mel; 700 (10 ** (70.12 / 2595) - 1) = 44.9 Hz, and
    # 8000 - 700 (10 ** ((2840.02 - 70.12) / 2595) - 1) = 525 Hz. 16000 / 1024 = 15.6 Hz.
    expected = (
        "80 bands from 0 to 8000 Hz, the lowest 44.9 Hz wide at its foot, the highest 525 Hz; bins 15.6 Hz apart."
    )
    assert picture(tone(440)).caption == expected


def test_empty_bands_are_those_between_two_bins_and_are_counted():
    # 16000 / 256 = 62.5 Hz from bin to bin.
    shown = picture(torch.randn(1, 16000), n_fft=256, n_mels=128)
    bins = 62.5 * torch.arange(129)
    between = [
        not bool(((bins > left) & (bins < right)).any())
        for left, right in zip(shown.corners[:-2], shown.corners[2:], strict=True)
    ]
    assert shown.empty.tolist() == between
    assert 0 < sum(between) == int((shown.levels.amax(dim=1) == -80).sum())
    assert shown.caption.endswith(f"{sum(between)} bands hold no bin: too narrow, between two of them.")


def test_a_tone_is_loudest_in_the_band_that_peaks_next_to_it():
    for scale in ("htk", "slaney"):
        shown = picture(tone(1500), scale=scale)
        band = int(shown.levels.mean(dim=1).argmax())
        assert band == int((shown.corners[1:-1] - 1500).abs().argmin())


def test_the_triangles_of_slaney_have_areas_of_one_and_those_of_htk_peaks_of_one():
    slaney, htk = picture(tone(440), scale="slaney"), picture(tone(440))
    widths = slaney.corners[2:] - slaney.corners[:-2]
    torch.testing.assert_close(widths * slaney.peaks / 2, torch.ones(80, dtype=torch.float64))
    assert (htk.peaks == 1).all()


def test_an_f_max_above_half_of_the_sample_rate_counts_as_that():
    waveform, rate = load_sample("phone")
    assert " from 0 to 4000 Hz" in picture(waveform, rate, f_max=24000).caption


def test_a_range_without_frequencies_is_refused_with_a_clear_error():
    with pytest.raises(WaveformError, match="nothing between f_min, 4000 Hz, and f_max, 2000 Hz"):
        picture(tone(440), f_min=4000, f_max=2000)
    explorer = mel_explorer("speech")
    before = explorer.picture.tobytes()
    explorer.set(f_max=1000)
    with pytest.raises(CourseError, match="Choose a lower f_min"):
        explorer.set(f_min=1000)
    explorer.set(f_max=8000)
    assert explorer.picture.tobytes() == before


def test_a_waveform_shorter_than_half_a_window_is_refused_with_a_clear_error():
    with pytest.raises(WaveformError, match="Half a window of 1024 samples is longer than the recording, 512 samples"):
        picture(torch.randn(1, 512))


def test_silence_is_all_floor():
    assert (picture(torch.zeros(1, 16000), top_db=60).levels == -60).all()


def test_the_mel_axis_is_marked_in_hz():
    explorer = mel_explorer("speech")
    axes = explorer._canvas.figure.axes[0]
    marks = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert {"100", "1000", "4000", "8000"} <= set(marks)
    # 2595 log10(1 + 1000 / 700) = 999.99 mel
    assert marks["1000"] == pytest.approx(999.99, abs=0.01)
    explorer.set(f_min=200, f_max=500)
    assert len(axes.get_yticks()) >= 3
    explorer.set(f_min=0, f_max=8000, scale="slaney")
    # 15 + 27 ln(4) / ln(6.4) = 35.16 mel
    marks = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert marks["4000"] == pytest.approx(35.16, abs=0.01)


def test_empty_bands_are_marked_where_they_are():
    explorer = mel_explorer("speech")
    axes, _, bank = explorer._canvas.figure.axes
    assert len(bank.collections[2].get_segments()) == len(axes.lines[0].get_ydata()) == 0
    explorer.set(n_fft=256, n_mels=128)
    empty = int(explorer.caption.split(" bands hold no bin")[0].split()[-1])
    assert len(bank.collections[1].get_segments()) == 128 - empty
    assert len(bank.collections[2].get_segments()) == len(axes.lines[0].get_ydata()) == empty > 5


def test_every_recording_and_every_value_is_drawn_without_a_warning():
    explorer = mel_explorer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in sample_names():
            explorer.set(recording=name)
        for control in explorer._controls.values():
            start = explorer.values[control.name]
            for value in control.values:
                explorer.set(**{control.name: value})
            explorer.set(**{control.name: start})


def test_one_moved_control_at_a_time_or_a_new_explorer_give_the_same_picture():
    moved = mel_explorer(["speech", "phone"])
    for values in ({"n_fft": 256}, {"n_mels": 128}, {"recording": "phone"}, {"scale": "slaney"}, {"f_min": 100}):
        moved.set(**values)
    moved.set(f_max=4000, top_db=50)
    fresh = mel_explorer(["phone"])
    fresh.set(n_fft=256, n_mels=128, scale="slaney", f_min=100, f_max=4000, top_db=50)
    assert moved.picture.tobytes() == fresh.picture.tobytes()


def test_own_recordings_can_be_shown_and_unknown_ones_are_refused():
    explorer = mel_explorer({"mine": (tone(440, seconds=7, sample_rate=8000), 8000)})
    assert explorer.caption.endswith("Only the first 5 s are shown.")
    assert explorer._shown["time_axis"]["end"] == 5
    with pytest.raises(UnknownSampleError, match="speach"):
        mel_explorer("speach")
