"""Statements of 11_text_to_speech that its cells do not assert, measured again."""

import json

import pytest
import torch
import torchaudio
from torch import Tensor
from torchaudio.pipelines import TACOTRON2_GRIFFINLIM_CHAR_LJSPEECH, TACOTRON2_WAVERNN_CHAR_LJSPEECH

from course_utils.paths import NOTEBOOKS
from course_utils.pretrained.cache import file_path, is_here
from course_utils.pretrained.catalogue import find_model
from course_utils.samples import load_sample
from course_utils.widgets.vocoder import magnitudes, through_mel, vocode

NAME = "TACOTRON2_WAVERNN_CHAR_LJSPEECH"
CELLS = json.loads((NOTEBOOKS / "11_text_to_speech.ipynb").read_text(encoding="utf-8"))["cells"]


def source(beginning: str) -> str:
    """The one cell with a line that begins so."""
    (found,) = ["".join(cell["source"]) for cell in CELLS if f"\n{beginning}" in "\n" + "".join(cell["source"])]
    return found


def recipe(name: str):
    """The function of a recipe cell."""
    names = {}
    exec(source(f"def {name}("), names)
    return names[name]


@pytest.fixture(scope="module")
def speak():
    return recipe("speak")


def periods(waveform: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """For each 40 ms the highest peak of the autocorrelation between 60 and 400 Hz, 1 at most; and the mean power."""
    length, hop = round(0.04 * sample_rate), round(0.01 * sample_rate)
    frames = waveform[0].unfold(0, length, hop)
    frames = frames - frames.mean(dim=1, keepdim=True)
    likeness = torch.fft.irfft(torch.fft.rfft(frames, 2 * length).abs().square())[:, :length]
    likeness = likeness * length / torch.arange(length, 0, -1) / likeness[:, :1].clamp(min=1e-9)
    return likeness[:, sample_rate // 400 : sample_rate // 60].amax(dim=1), frames.square().mean(dim=1)


def in_vowels(original: Tensor, copy: Tensor, sample_rate: int) -> float:
    """How periodic a copy is, where its original is voiced and loud."""
    (repeats, power), (copied, _) = periods(original, sample_rate), periods(copy, sample_rate)
    vowels = (repeats > 0.8) & (power > power.max() / 100)
    length = min(len(vowels), len(copied))
    return float(copied[:length][vowels[:length]].mean())


@pytest.mark.parametrize(("n_mels", "expected"), [("recording", 0.93), (None, 0.92), (80, 0.82), (20, 0.17)], ids=str)
def test_the_detail_and_not_the_phase_makes_the_voice_rough_and_20_bands_make_it_whisper(n_mels, expected):
    speech, rate = load_sample("speech_2")
    copy = speech
    if n_mels != "recording":
        given = through_mel(magnitudes(speech[0], rate), n_mels, rate)
        copy = vocode(given, 32, rate, speech.shape[1])[None]
    assert in_vowels(speech, copy, rate) == pytest.approx(expected, abs=0.03)


def test_griffin_lims_copy_of_joe_is_rougher_than_joe(speak):
    joe, rate = speak("The tough cough kept me awake through the night.")
    mel = torchaudio.transforms.MelSpectrogram(
        rate, n_fft=1024, hop_length=256, n_mels=80, f_max=8000, power=1, norm="slaney", mel_scale="slaney"
    )(joe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        copy, _ = TACOTRON2_GRIFFINLIM_CHAR_LJSPEECH.get_vocoder()(mel.clamp(min=1e-5).log())
    assert in_vowels(joe, joe, rate) == pytest.approx(0.91, abs=0.03)
    assert in_vowels(joe, copy, rate) == pytest.approx(0.73, abs=0.05)


def test_the_pitch_stays_when_the_pace_changes(speak):
    follow_pitch, middle = recipe("follow_pitch"), {}
    for length_scale in (0.5, 1.0, 2.0):
        pitch = follow_pitch(*speak("He saw a light behind the trees, and he knocked.", length_scale))
        middle[length_scale] = float(pitch[pitch > 0].median())
    assert middle[0.5] == pytest.approx(middle[1.0], rel=0.12)
    assert middle[2.0] == pytest.approx(middle[1.0], rel=0.12)


def test_a_sentence_never_gets_as_short_or_as_long_as_asked(speak):
    for text in ("Yes.", "Well, I did not expect that.", "Mister Brown walked on, and on, and on."):
        natural, half, double = (speak(text, scale)[0].shape[1] for scale in (1.0, 0.5, 2.0))
        assert natural % 256 == half % 256 == double % 256 == 0
        assert half > natural / 2
        assert double < 2 * natural


def test_torchs_seed_does_not_make_two_takes_alike(speak):
    takes = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            takes.append(speak("I did not expect that.", variety=1.0)[0])
    assert takes[0].shape != takes[1].shape or not torch.equal(*takes)


@pytest.mark.parametrize("text", ["", "  ", "..."])
def test_nothing_to_say_is_refused(speak, text):
    with pytest.raises(ValueError, match="nothing to say"):
        speak(text)


@pytest.mark.parametrize("length_scale", [0.0, -1.0, float("nan")])
def test_a_pace_that_none_can_speak_at_is_refused(speak, length_scale):
    with pytest.raises(ValueError, match="greater than 0"):
        speak("Hello.", length_scale)


def test_the_pitch_of_silence_is_unvoiced_and_a_clip_shorter_than_a_frame_is_refused():
    follow_pitch = recipe("follow_pitch")
    assert not follow_pitch(torch.zeros(1, 16_000), 16_000).any()
    for samples in (0, 639):
        with pytest.raises(ValueError, match=f"has {samples} samples; one frame needs 640"):
            follow_pitch(torch.zeros(1, samples), 16_000)


def test_a_logarithm_is_not_taken_for_magnitudes():
    mel = torch.rand(1, 80, 20)
    with pytest.raises(ValueError, match="logarithms"):
        recipe("sound_from_mel")(mel.log(), 16_000, 1024, 256)
    assert recipe("sound_from_mel")(torch.zeros_like(mel), 16_000, 1024, 256).abs().max() < 1e-6


def test_an_empty_text_has_no_sentences():
    assert list(recipe("speak_sentences")("  ", lambda text: (torch.zeros(1, 1), 1))) == []


def test_the_two_vocoders_of_torchaudio_want_different_mel_spectrograms():
    vocoder = TACOTRON2_GRIFFINLIM_CHAR_LJSPEECH.get_vocoder()
    ours = torchaudio.transforms.InverseMelScale(513, 80, 22_050, f_max=8000, norm="slaney", mel_scale="slaney")
    assert torch.equal(vocoder._inv_mel.fb, ours.fb)
    assert (vocoder._griffin_lim.n_fft, vocoder._griffin_lim.hop_length) == (1024, 256)
    assert TACOTRON2_WAVERNN_CHAR_LJSPEECH._wavernn_params["hop_length"] == 275


def test_negative_magnitudes_pass_through_torchaudios_transforms_without_a_word():
    made = torchaudio.transforms.GriffinLim(1024, 2, hop_length=256, power=1)(-torch.rand(1, 513, 8))
    assert made.isfinite().all()


def test_wavernn_of_the_notebook_is_the_bundles():
    assert "WaveRNN([5, 5, 11], n_classes=256, hop_length=275, n_freq=80, n_output=128)" in source("wavernn = ")
    ours = torchaudio.models.WaveRNN([5, 5, 11], n_classes=256, hop_length=275, n_freq=80, n_output=128)
    theirs = torchaudio.models.WaveRNN(**TACOTRON2_WAVERNN_CHAR_LJSPEECH._wavernn_params)
    shapes = [{name: weights.shape for name, weights in model.state_dict().items()} for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


@pytest.fixture
def random_weights(tmp_path, monkeypatch):
    """Files of the right names, shapes and sizes in the cache; the gate stops after a frame or two."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    bundle, files = TACOTRON2_WAVERNN_CHAR_LJSPEECH, find_model(NAME).files
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        models = (
            torchaudio.models.Tacotron2(**bundle._tacotron2_params),
            torchaudio.models.WaveRNN(**bundle._wavernn_params),
        )
    torch.nn.init.constant_(models[0].decoder.gate_layer.bias, 10)
    for model, file in zip(models, files, strict=True):
        path = file_path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), path)
    assert is_here(find_model(NAME))


def run_three_legs() -> list:
    heard, names = [], {}
    exec(source("import math\nimport re"), names)
    names["listen"] = lambda *arguments, **settings: heard.append(arguments)
    exec(source("def all_three_legs("), names)
    return heard


def test_with_weights_of_full_size_the_three_legs_make_a_sound(random_weights, capsys):
    ((waveform, sample_rate),) = run_three_legs()
    assert sample_rate == 22_050
    assert waveform.ndim == 2
    assert waveform.shape[1] % 275 == 0
    assert "the full-size model" in capsys.readouterr().out


def test_without_weights_the_lesson_says_how_to_get_them_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert run_three_legs() == []
    assert f"course download {NAME}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("In 10, we met.", "In ten, we met."),
        ("It costs $1,250.05!", "It costs one thousand, two hundred and fifty dollars and five cents!"),
        ("About 3.5 % of 2000.", "About three point five percent of two thousand."),
        ("On 12/31/1999, Mr. Fox left.", "On December thirty-first, nineteen ninety-nine, Mister Fox left."),
        ("A drive, e.g. to Dr.Who's.", "A drive, for example to DoctorWho's."),
        ("Nothing to do.", "Nothing to do."),
        ("It is $1.", "It is one dollars."),
    ],
)
def test_the_normaliser_writes_out_what_is_said(written, spoken):
    assert recipe("as_spoken")(written) == spoken
