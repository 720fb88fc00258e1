"""The stand-in is called like torchaudio's recogniser, reads speech it never learnt from, and errs as its card says."""

import inspect
import json
import re
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.functional import edit_distance, forced_align, resample
from torchaudio.models import Wav2Vec2Model
from torchaudio.pipelines import WAV2VEC2_ASR_BASE_960H

from course_utils.errors import WaveformError
from course_utils.paths import DATA
from course_utils.samples import load_sample, noise, sample_info
from course_utils.standin import FRAME, LABELS, LONGEST, SAMPLE_RATE, WEIGHTS, StandIn, load_standin, log_mel

MODELS = DATA / "models"
LIBRIVOX = ("speech", "speech_2", "speech_3", "speech_4", "speech_long")
PHONE = ("phone", "phone_2")


@pytest.fixture(scope="module")
def model():
    with torch.inference_mode():
        yield load_standin()


def recording(name):
    """[1, samples] at 16 kHz."""
    waveform, rate = load_sample(name)
    return resample(waveform, rate, SAMPLE_RATE)


def read(emission):
    best = torch.unique_consecutive(emission.argmax(dim=-1)).tolist()
    return " ".join("".join(LABELS[label] for label in best if label).replace("|", " ").lower().split())


def character_error_rate(truth, text):
    return edit_distance(truth, text) / len(truth)


def error_rates(model, names):
    """Of characters and of words, over all recordings together."""
    texts = [read(model(recording(name))[0][0]) for name in names]
    truths = [sample_info(name).transcript for name in names]
    rates = []
    for split in (list, str.split):
        pairs = [(split(truth), split(text)) for truth, text in zip(truths, texts, strict=True)]
        rates.append(sum(edit_distance(*pair) for pair in pairs) / sum(len(truth) for truth, _ in pairs))
    return rates


def stated(row):
    """Character and word error rate in the model card."""
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    cells = re.search(rf"^\| {row}.*$", card, re.MULTILINE)[0].split("|")
    return [float(cell) for cell in cells if re.fullmatch(r" 0\.\d+ ", cell)]


@pytest.mark.parametrize(("row", "names"), [("LibriVox", LIBRIVOX), ("telephone", PHONE)])
def test_it_errs_as_often_as_the_model_card_says(model, row, names):
    assert error_rates(model, names) == pytest.approx(stated(row), abs=0.01)


def test_it_is_called_like_torchaudios_model_and_returns_the_same_kinds(model):
    for name in ("forward", "extract_features"):
        theirs = inspect.signature(getattr(Wav2Vec2Model, name)).parameters
        assert list(inspect.signature(getattr(StandIn, name)).parameters) == list(theirs)
    assert WAV2VEC2_ASR_BASE_960H.get_labels() == LABELS
    assert WAV2VEC2_ASR_BASE_960H.sample_rate == SAMPLE_RATE
    emission, lengths = model(recording("speech"))
    assert (emission.ndim, emission.shape[-1], lengths) == (3, len(LABELS), None)
    layers, lengths = model.extract_features(recording("speech"))
    assert [layer.shape for layer in layers] == [(1, emission.shape[1], 384)] * 4
    assert lengths is None


def test_the_scores_of_a_frame_are_probabilities(model):
    emission, _ = model(recording("speech_2"))
    torch.testing.assert_close(emission.exp().sum(-1), torch.ones(emission.shape[:2]))
    torch.testing.assert_close(emission.log_softmax(-1), emission)


@settings(max_examples=10, deadline=None)
@given(samples=st.integers(FRAME, 3 * SAMPLE_RATE))
def test_there_is_a_frame_for_every_320_samples(model, samples):
    emission, _ = model(noise(3.0)[:, :samples])
    assert abs(emission.shape[1] - samples / FRAME) <= 0.5


def test_a_batch_gives_each_item_what_it_gets_alone(model):
    items = [recording(name) for name in ("speech", "speech_2", "phone")]
    lengths = torch.tensor([item.shape[-1] for item in items])
    batch = 0.1 * torch.randn(3, int(lengths.max()), generator=torch.Generator().manual_seed(0))
    for row, item in zip(batch, items, strict=True):
        row[: item.shape[-1]] = item[0]
    emission, frames = model(batch, lengths)
    features, feature_frames = model.extract_features(batch, lengths)
    assert frames.tolist() == feature_frames.tolist()
    for i, item in enumerate(items):
        alone = model(item)[0][0]
        assert frames[i] == len(alone)
        torch.testing.assert_close(emission[i, : frames[i]], alone, atol=1e-4, rtol=1e-4)
        assert not emission[i, frames[i] :].any()
        last = model.extract_features(item)[0][-1][0]
        torch.testing.assert_close(features[-1][i, : frames[i]], last, atol=1e-3, rtol=1e-3)


def test_items_of_one_length_need_no_lengths(model):
    pair = torch.cat([recording("speech")[:, :32_000], recording("speech_3")[:, :32_000]])
    torch.testing.assert_close(model(pair)[0][1:], model(pair[1:])[0], atol=1e-4, rtol=1e-4)


def test_a_long_recording_is_read_in_pieces_without_a_seam(model):
    sentence = recording("speech_long")
    pause = torch.zeros(1, SAMPLE_RATE // 2)
    times = 5
    long = torch.cat([sentence, pause] * times, dim=1)
    assert long.shape[-1] > LONGEST * FRAME
    emission, _ = model(long)
    assert abs(emission.shape[1] - long.shape[-1] / FRAME) <= 0.5
    truth = sample_info("speech_long").transcript
    alone = character_error_rate(truth, read(model(sentence)[0][0]))
    assert character_error_rate(" ".join([truth] * times), read(emission[0])) < alone + 0.1
    layers, _ = model.extract_features(long)
    assert layers[0].shape[1] == emission.shape[1]


def test_the_first_layers_are_the_same_whether_all_are_asked_for_or_not(model):
    every, _ = model.extract_features(recording("speech"))
    two, _ = model.extract_features(recording("speech"), num_layers=2)
    assert len(two) == 2
    torch.testing.assert_close(two, every[:2])
    with pytest.raises(WaveformError, match="from 1 to 4"):
        model.extract_features(recording("speech"), num_layers=5)


@pytest.mark.parametrize("gain", [0.05, 3.0])
def test_the_level_of_a_recording_hardly_matters(model, gain):
    speech = recording("speech_long")
    assert character_error_rate(read(model(speech)[0][0]), read(model(gain * speech)[0][0])) < 0.1


def test_silence_and_noise_are_not_read_as_sentences(model):
    for sound in (torch.zeros(1, 2 * SAMPLE_RATE), noise(2.0, rms=0.03)):
        assert len(read(model(sound)[0][0])) < 10


def test_it_tells_when_each_letter_was_said(model):
    speech, text = recording("speech"), sample_info("speech").transcript
    emission, _ = model(speech)
    targets = torch.tensor([[LABELS.index(letter) for letter in text.upper().replace(" ", "|")]])
    path, scores = forced_align(emission, targets, blank=0)
    assert torch.unique_consecutive(path[0])[torch.unique_consecutive(path[0]) > 0].numel() <= targets.numel()
    assert scores.exp().mean() > 0.6
    spoken = (path[0] > 0).nonzero()[:, 0] * FRAME / SAMPLE_RATE
    assert spoken[0] < 1
    assert spoken[-1] > sample_info("speech").seconds - 1


@pytest.mark.parametrize(
    ("waveforms", "lengths", "words"),
    [
        (torch.zeros(16_000), None, "batch axis"),
        (torch.zeros(1, 1, 16_000), None, "batch, samples"),
        (torch.zeros(1, 319), None, "20 ms"),
        (torch.zeros(2, 16_000), torch.tensor([16_000, 100]), "20 ms"),
        (torch.zeros(2, 16_000), torch.tensor([16_000]), "one number of samples for each item"),
        (torch.zeros(1, 16_000), torch.tensor([16_001]), "at most as many"),
        (torch.full((1, 16_000), torch.nan), None, "NaN"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_clear_error(waveforms, lengths, words):
    with pytest.raises(WaveformError, match=words):
        StandIn()(waveforms, lengths)


def test_a_mel_spectrogram_spans_eight_powers_of_ten():
    mel = log_mel(recording("speech"))
    assert mel.shape[1] == 80
    assert float(mel.max() - mel.min()) == pytest.approx(8 / 4, abs=1e-5)


def test_the_weights_are_small_and_half_precision():
    assert sum(path.stat().st_size for path in MODELS.iterdir()) <= 20_000_000
    content = WEIGHTS.read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    assert {tensor["dtype"] for name, tensor in header.items() if name != "__metadata__"} == {"F16"}
