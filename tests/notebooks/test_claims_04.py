"""Numbers that 04_mel_and_mfcc states, measured again, and its recipes against librosa's and Whisper's own numbers."""

import math
import warnings
from functools import cache

import pytest
import torch
from course_notebooks import read, values
from torch import Tensor
from torchaudio import functional as F
from torchaudio import transforms as T

from course_utils.paths import NOTEBOOKS
from course_utils.samples import load_sample

SETTINGS = {"sample_rate": 16_000, "n_fft": 1024, "hop_length": 256, "n_mels": 80}
LIKE_LIBROSA = {**SETTINGS, "norm": "slaney", "mel_scale": "slaney", "pad_mode": "constant"}

# librosa 0.11.0 on the recording "speech", n_fft=1024, hop_length=256, n_mels=80: every eighth band.
# fmt: off
LIBROSA_MEL = {
    0: [
        0.0129729, 0.000260237, 0.000144704, 2.53097e-05, 2.84757e-05, 2.71899e-05, 1.21661e-05, 1.349e-05, 1.46367e-06,
        1.02503e-06,
    ],
    50: [
        0.279535, 0.0479051, 0.0788826, 0.0270752, 0.264955, 0.0020572, 0.000206688, 0.00604231, 0.000704498,
        2.41543e-06,
    ],
}
LIBROSA_HTK_FRAME_50 = [
    3.26899, 2.16231, 1.12786, 0.597367, 12.4877, 0.0119033, 0.164949, 1.07166, 0.0758562, 3.77001e-05,
]
LIBROSA_MFCC_FRAME_50 = [
    -229.873, 117.231, -41.4797, 36.4829, -48.247, 61.4987, 11.7376, -7.04546, 4.43473, 12.2876, 9.80032, 5.64829,
    2.04182,
]
# faster-whisper 1.2.1, FeatureExtractor()(speech, padding=0): every eighth band.
WHISPER_FRAME_150 = [
    0.64536, 0.17088, -0.05216, -0.22509, -0.38169, -0.1963, -0.36981, -0.48415, -0.43218, -0.54629,
]
WHISPER_FRAME_0 = [
    0.47938, -0.19997, -0.32416, -0.6136, -0.21543, -0.14014, -0.2442, -0.43118, -0.63716, -0.96594,
]
# fmt: on


@pytest.fixture(scope="module")
def speech() -> Tensor:
    return load_sample("speech")[0]


@pytest.fixture(scope="module")
def mel(speech) -> Tensor:
    return T.MelSpectrogram(**SETTINGS)(speech)


@pytest.fixture(scope="module")
def mel_db(mel) -> Tensor:
    return T.AmplitudeToDB("power", top_db=80)(mel)


@cache
def recipe(name: str) -> dict:
    """What the recipe's cell defines."""
    notebook = read(NOTEBOOKS / "04_mel_and_mfcc.ipynb")
    (source,) = [cell.source for cell in notebook.cells if name in values(cell, "recipe")]
    defined: dict = {}
    exec(source, defined)
    return defined


def empty_filters(n_freqs: int, f_max: float, n_mels: int, sample_rate: int, f_min=0.0, scale="htk") -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bank = F.melscale_fbanks(n_freqs, f_min, f_max, n_mels, sample_rate, mel_scale=scale)
    return int((bank.amax(dim=0) == 0).sum())


def keep(mel_db: Tensor, first: int) -> Tensor:
    dct = F.create_dct(80, 80, "ortho")
    coefficients = dct.T @ mel_db
    coefficients[:, first:] = 0
    return dct @ coefficients


def back_to_sound(decibel: Tensor) -> Tensor:
    torch.manual_seed(0)
    return recipe("mel-to-sound")["mel_to_sound"](F.DB_to_amplitude(decibel, 1.0, 1.0), 16_000, 1024, 256)


def frames_of(waveform: Tensor) -> Tensor:
    """Frames of 40 ms, 10 ms apart, without their mean."""
    frames = waveform[0].unfold(0, 640, 160)
    return frames - frames.mean(dim=1, keepdim=True)


def voicing(waveform: Tensor) -> tuple[float, float]:
    """How strongly the loud frames repeat between 70 and 250 Hz, 0 to 1, and how often in a second (medians)."""
    frames = frames_of(waveform)
    energy = frames.square().sum(dim=1)
    frames = frames[energy > 0.05 * energy.max()]
    likeness = torch.fft.irfft(torch.fft.rfft(frames, 2048).abs().square())
    lags = torch.arange(64, 229)
    best = (likeness[:, lags] / likeness[:, :1] / (1 - lags / 640)).max(dim=1)
    return best.values.median().item(), 16_000 / (64 + best.indices.median().item())


def test_a_tone_pair_100_hz_apart_is_a_leap_when_low_and_a_third_of_a_semitone_when_high():
    assert 12 * math.log2(300 / 200) == pytest.approx(7, abs=0.1)
    assert 12 * math.log2(5100 / 5000) == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("frame", [0, 50])
def test_with_librosas_settings_the_mel_bands_are_librosas(speech, frame):
    mel = T.MelSpectrogram(**LIKE_LIBROSA)(speech)[0, ::8, frame]
    assert mel.tolist() == pytest.approx(LIBROSA_MEL[frame], rel=3e-5)


def test_with_mirrored_ends_the_first_frame_is_not_librosas(speech):
    mirrored = T.MelSpectrogram(**LIKE_LIBROSA | {"pad_mode": "reflect"})(speech)[0, ::8, 0]
    assert mirrored.tolist() != pytest.approx(LIBROSA_MEL[0], rel=0.1)


def test_torchaudios_default_is_librosas_htk_without_norm(mel):
    assert mel[0, ::8, 50].tolist() == pytest.approx(LIBROSA_HTK_FRAME_50, rel=3e-5)


def test_with_librosas_mel_bands_the_mfccs_are_librosas(speech):
    mfcc = T.MFCC(16_000, 13, melkwargs={key: LIKE_LIBROSA[key] for key in LIKE_LIBROSA if key != "sample_rate"})
    assert mfcc(speech)[0, :, 50].tolist() == pytest.approx(LIBROSA_MFCC_FRAME_50, abs=0.01)


@pytest.mark.parametrize(("frame", "expected"), [(0, WHISPER_FRAME_0), (150, WHISPER_FRAME_150)])
def test_the_whisper_recipe_gives_whispers_numbers(speech, frame, expected):
    log_mel = recipe("whisper-log-mel")["whisper_log_mel"](speech)
    assert list(log_mel.shape) == [1, 80, speech.shape[1] // 160]
    assert log_mel[0, ::8, frame].tolist() == pytest.approx(expected, abs=2e-4)


def test_whispers_range_of_8_is_80_db():
    assert T.AmplitudeToDB("power")(torch.tensor([10.0**-8])).item() == pytest.approx(-80)


@pytest.mark.parametrize(("n_fft", "n_mels"), [(256, 57), (400, 89)])
def test_the_recipe_finds_the_last_number_of_bands_without_an_empty_filter(n_fft, n_mels):
    assert recipe("largest-n-mels")["largest_n_mels"](n_fft, 16_000) == n_mels
    assert not any(empty_filters(n_fft // 2 + 1, 8000, fewer, 16_000) for fewer in range(1, n_mels + 1))
    assert empty_filters(n_fft // 2 + 1, 8000, n_mels + 1, 16_000)


def test_the_empty_filters_fit_between_two_bins_40_hz_apart():
    corners = recipe("hertz-and-mel")["mel_to_hz"](torch.linspace(0, 2595 * math.log10(1 + 8000 / 700), 130))
    inside = [number for number in range(128) if corners[number] // 40 == (corners[number + 2] - 1e-3) // 40]
    assert inside == [0, 3, 6, 13]


def test_f_max_8000_at_a_rate_of_8000_leaves_9_of_40_filters_empty():
    assert empty_filters(129, 8000, 40, 8000) == 9
    assert empty_filters(129, 4000, 40, 8000) == 0


def test_in_the_explorer_f_min_500_or_the_scale_slaney_cures_the_four_empty_filters_and_f_min_200_does_not():
    assert empty_filters(201, 8000, 128, 16_000) == 4
    assert empty_filters(201, 8000, 128, 16_000, scale="slaney") == 0
    assert empty_filters(201, 8000, 128, 16_000, f_min=500) == 0
    assert empty_filters(201, 8000, 128, 16_000, f_min=200) == 1


def test_above_1000_hz_a_filter_is_wider_than_the_distance_of_the_harmonics(speech):
    corners = recipe("hertz-and-mel")["mel_to_hz"](torch.linspace(0, 2595 * math.log10(1 + 8000 / 700), 82))
    first = int((corners >= 1000).nonzero()[0])
    _, pitch = voicing(speech)
    assert corners[first + 2] - corners[first] > pitch


def test_the_same_frames_get_other_db_when_they_are_cut_out(mel, mel_db):
    cut = T.AmplitudeToDB("power", top_db=80)(mel[..., :20])
    assert (cut - mel_db[..., :20]).abs().max() > 5


def test_two_channels_share_a_floor_and_two_items_do_not():
    power = torch.stack([torch.full((80, 5), 100.0), torch.full((80, 5), 1e-9)])
    to_db = T.AmplitudeToDB("power", top_db=80)
    assert to_db(power)[1].unique().tolist() == [-60]
    assert to_db(power[None])[0, 1].unique().tolist() == [-60]
    assert to_db(power[:, None])[1].unique().tolist() == pytest.approx([-90], abs=0.01)


def test_log_mels_are_natural_logarithms_plus_1e_6_and_db_are_4_34_times_as_large(speech, mel):
    melkwargs = {key: SETTINGS[key] for key in ("n_fft", "hop_length", "n_mels")}
    logarithm = T.MFCC(16_000, 13, log_mels=True, melkwargs=melkwargs)(speech)
    by_hand = F.create_dct(13, 80, "ortho").T @ (mel + 1e-6).log()
    assert torch.allclose(logarithm, by_hand, atol=1e-4)
    decibel = T.MFCC(16_000, 13, melkwargs=melkwargs)(speech)
    assert (decibel / logarithm)[0, 0, 50].item() == pytest.approx(4.34, abs=0.01)


def test_coefficient_1_is_large_for_the_vowel_and_negative_for_the_s(mel_db):
    first = (F.create_dct(13, 80, "ortho").T @ mel_db)[0, 1]
    assert first[112] > 100
    assert first[100] < -50


def test_the_first_40_coefficients_bring_the_ripples_of_the_harmonics_and_13_do_not(mel_db):
    ripples = (mel_db - keep(mel_db, 13))[0, :25, 112]
    assert ripples.square().mean().sqrt() > 3
    smooth = keep(mel_db, 13)[0, :25, 112].diff().sign().diff().count_nonzero()
    rough = mel_db[0, :25, 112].diff().sign().diff().count_nonzero()
    assert smooth <= 5 < 10 <= rough


def test_13_coefficients_lose_the_pitch_that_80_keep(mel_db):
    assert voicing(back_to_sound(mel_db))[0] > 0.5
    assert voicing(back_to_sound(keep(mel_db, 13)))[0] < 0.2


def test_13_coefficients_keep_the_outline_that_5_lose(mel_db):
    """A recogniser (pocketsphinx) understood the former as well as the original, and not the latter."""
    voiced = mel_db[0].mean(dim=0) > mel_db.mean()
    errors = [(keep(mel_db, first) - mel_db)[0][:, voiced].square().mean().sqrt().item() for first in (13, 5, 1)]
    assert errors[0] < 5 < errors[1] < 10 < errors[2]


def test_six_bands_higher_is_another_factor_at_110_and_at_1000_hz():
    scale = recipe("hertz-and-mel")
    mels = scale["hz_to_mel"](torch.tensor([110.0, 1000.0])) + 6 * 2840.02 / 81
    assert scale["mel_to_hz"](mels).tolist() == pytest.approx([276, 1348], abs=1)


def test_the_default_driver_fails_where_two_filters_hold_the_same_single_bin():
    bank = F.melscale_fbanks(201, 0.0, 8000.0, 80, 16_000)
    assert bank[:, 0].nonzero().tolist() == bank[:, 1].nonzero().tolist() == [[1]]
    power = torch.rand(1, 80, 5)
    with pytest.raises(torch.linalg.LinAlgError, match="does not have full rank"):
        T.InverseMelScale(201, 80, 16_000)(power)
    assert T.InverseMelScale(201, 80, 16_000, driver="gelsd")(power).isfinite().all()


def test_a_second_has_the_shapes_of_the_table():
    second = torch.zeros(1, 16_000)
    assert list(T.MelSpectrogram(16_000, n_fft=400, hop_length=160, n_mels=80)(second).shape) == [1, 80, 101]
    assert list(recipe("mfcc-39")["mfcc_39"](second, 16_000).shape) == [1, 39, 101]


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100, 48_000])
def test_the_39_features_have_no_empty_filters_at_any_usual_rate(sample_rate):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = recipe("mfcc-39")["mfcc_39"](torch.randn(2, sample_rate), sample_rate)
    assert list(features.shape[:2]) == [2, 39]
    assert abs(features.shape[2] - 101) <= 1
