"""The equalizer explorer's pictures against SciPy and arithmetic, and what it says against what is heard."""

import io
import math

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

from course_utils.errors import WaveformError
from course_utils.samples import UnknownSampleError, load_sample, noise, tone
from course_utils.widgets.equalizer import BANDS, equalize, equalizer_explorer, equalizer_sections

FLAT = [0.0] * len(BANDS)


def gains(**by_band):
    return [float(by_band.get(f"hz_{band}", 0)) for band in BANDS]


def heard(explorer):
    return torch.from_numpy(soundfile.read(io.BytesIO(explorer._sound), dtype="float32", always_2d=True)[0].T.copy())


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_line_and_dots_are_the_response_that_scipy_computes(rate):
    chosen = gains(hz_63=-12, hz_500=6, hz_1000=12, hz_8000=8)
    shown = equalize(noise(0.5, rate), rate, chosen)
    sections = equalizer_sections(rate, chosen).numpy()
    for frequencies, levels, tolerance in (
        (shown.frequencies, shown.designed, 1e-6),
        (shown.clicked, shown.measured, 0.1),
    ):
        _, response = scipy.signal.freqz_sos(sections, frequencies.numpy(), fs=rate)
        np.testing.assert_allclose(levels.numpy(), 20 * np.log10(np.abs(response)), atol=tolerance)


def test_flat_bands_change_nothing():
    waveform, rate = load_sample("speech")
    shown = equalize(waveform, rate, FLAT)
    assert torch.equal(shown.waveform, waveform)
    assert not shown.designed.any()
    assert torch.equal(shown.before, shown.after)


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("gain", [-12, 12])
def test_a_tone_in_the_middle_of_a_band_changes_by_its_gain_in_sound_and_in_both_pictures(band, gain):
    waveform = tone(band, 2.0, 44_100, 0.1)
    shown = equalize(waveform, 44_100, gains(**{f"hz_{band}": gain}))
    settled = slice(44_100, None)
    level = 20 * math.log10(shown.waveform[:, settled].norm() / waveform[:, settled].norm())
    assert level == pytest.approx(gain, abs=0.05)
    place = int((shown.frequencies - band).abs().argmin())
    assert float(shown.designed[place]) == pytest.approx(gain, abs=0.1)
    assert float((shown.after - shown.before)[place]) == pytest.approx(gain, abs=0.5)


def test_the_spectrum_after_is_that_before_plus_the_response():
    shown = equalize(noise(4.0, 44_100), 44_100, gains(hz_63=6, hz_1000=-8))
    smooth = slice(20, -20)
    torch.testing.assert_close((shown.after - shown.before)[smooth], shown.designed[smooth], rtol=0, atol=0.6)


def test_neighbours_add_up_as_the_lesson_says():
    shown = equalize(noise(0.5), 16_000, [12.0] * len(BANDS))
    place = int((shown.frequencies - 1000).abs().argmin())
    assert float(shown.designed[place]) == pytest.approx(18, abs=0.5)


def test_the_sound_is_the_filtered_recording_and_what_exceeds_1_clips_and_is_counted():
    explorer = equalizer_explorer("speech_4")
    explorer.set(hz_500=12)
    waveform, rate = load_sample("speech_4")
    expected = scipy.signal.sosfilt(
        equalizer_sections(rate, gains(hz_500=12)).numpy(), waveform[:, : 5 * rate].double().numpy()
    )
    torch.testing.assert_close(heard(explorer), torch.from_numpy(expected).float().clamp(-1, 1), rtol=0, atol=1e-4)
    clipped = int((np.abs(expected) > 1).sum())
    assert clipped > 1
    assert f"Peak 0.59 before, {np.abs(expected).max():.2f} after: {clipped} samples clip." in explorer.caption


def test_the_caption_names_the_highest_and_the_lowest():
    explorer = equalizer_explorer("drum_loop")
    assert explorer.caption.startswith("Every band at 0 dB: nothing changes. Peak 0.77 before, 0.77 after.")
    explorer.set(hz_63=-12)
    assert explorer.caption.startswith("Response: lowest \N{MINUS SIGN}12.0 dB near 63 Hz. ")
    explorer.set(hz_4000=6)
    assert explorer.caption.startswith(
        "Response: highest +6.0 dB near 4000 Hz and lowest \N{MINUS SIGN}12.0 dB near 63 Hz. "
    )


def test_bands_above_half_the_rate_are_left_out_and_the_caption_says_so():
    explorer = equalizer_explorer("phone")
    explorer.set(hz_8000=12)
    assert explorer.caption == (
        "Every band at 0 dB: nothing changes. Peak 0.65 before, 0.65 after. "
        "The recording holds only what lies below 4000 Hz: the band at 8000 Hz does nothing."
    )
    explorer.set(hz_4000=2)
    assert explorer.caption.endswith("the bands at 4000 and 8000 Hz do nothing.")


def test_every_value_of_every_control_is_drawn_without_a_warning(recwarn):
    explorer = equalizer_explorer(["speech", "phone", "guitar"])
    for control in explorer._controls.values():
        for value in control.values:
            explorer.set(**{control.name: value})
    assert not recwarn.list


def test_one_moved_control_at_a_time_or_a_new_explorer_give_the_same_picture():
    moved = equalizer_explorer(["speech_4", "phone"])
    for values in ({"hz_500": 12}, {"recording": "phone"}, {"hz_63": -6}, {"recording": "speech_4"}, {"hz_500": 2}):
        moved.set(**values)
    fresh = equalizer_explorer(["speech_4", "phone"])
    fresh.set(hz_500=2, hz_63=-6)
    assert moved.picture.tobytes() == fresh.picture.tobytes()


def test_silence_stereo_and_short_clips_are_drawn():
    explorer = equalizer_explorer(
        {
            "silence": (torch.zeros(1, 8000), 16_000),
            "one sample": (torch.ones(1, 1), 16_000),
            "stereo": (torch.stack([tone(100)[0], tone(2000)[0]]), 16_000),
        }
    )
    for recording in ("silence", "one sample", "stereo"):
        explorer.set(recording=recording, hz_1000=6)
        explorer.set(hz_1000=-6)
    assert heard(explorer).shape == (2, 16_000)


def test_the_time_axis_is_that_of_the_waveform():
    axis = equalizer_explorer("speech")._shown["time_axis"]
    assert (axis["start"], axis["end"]) == (0, pytest.approx(2.99))


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(UnknownSampleError):
        equalizer_explorer("spech")
    with pytest.raises(WaveformError):
        equalizer_explorer({"mine": torch.zeros(1, 10)})
