"""Statements of 07_speech_recognition that its cells do not assert, measured again."""

import jiwer
import pytest
import torch
import torchaudio
from torchaudio.models.decoder import ctc_decoder

from course_utils.ctc import collapse, greedy_decode
from course_utils.samples import load_sample, sample_info
from course_utils.standin import FRAME, LABELS


def test_the_sentence_has_36_characters_and_four_times_as_many_frames():
    waveform, _ = load_sample("speech")
    assert len(sample_info("speech").transcript) == 36
    assert round(waveform.shape[1] / FRAME / 36) == 4


def test_wav2vec_gives_a_frame_less_than_the_stand_in():
    model = torchaudio.models.wav2vec2_base(aux_num_out=len(LABELS))
    with torch.inference_mode():
        scores, _ = model.eval()(torch.randn(1, 48_000))
    assert scores.shape == (1, 149, 29)


def test_without_adding_paths_up_the_beam_finds_the_better_path_and_not_the_better_text():
    emissions = torch.tensor([[[0.5999, 0.0001, 0.4]] * 2]).log()
    found = {}
    for log_add in (False, True):
        beam = ctc_decoder(lexicon=None, tokens=["-", "|", "a"], log_add=log_add)
        found[log_add] = "".join(beam.idxs_to_tokens(beam(emissions)[0][0].tokens)).strip("|")
    assert found == {False: "", True: "a"}
    assert greedy_decode(emissions, ["-", "|", "a"]) == [""]


def test_the_references_slip_is_in_the_transcript():
    assert "a more a amiable woman" in sample_info("speech_4").transcript


def test_stereo_passes_through_the_architecture_as_a_batch_of_two():
    model = torchaudio.models.wav2vec2_base(aux_num_out=len(LABELS)).eval()
    with torch.inference_mode():
        assert len(model(torch.randn(2, 16_000))[0]) == 2


@pytest.mark.parametrize(("path", "text"), [("hh-e-ll-lo", "hello"), ("hhelllllo", "helo"), ("hel-lo", "hello")])
def test_the_paths_of_the_text_spell_what_it_says(path, text):
    assert collapse(path) == text


def test_the_error_rate_of_a_set_is_not_the_mean_of_its_rates():
    spoken, heard = ["a", "b c d e"], ["x", "b c d e"]
    assert jiwer.wer(spoken, heard) == pytest.approx(1 / 5)
    assert (jiwer.wer(spoken[0], heard[0]) + jiwer.wer(spoken[1], heard[1])) / 2 == pytest.approx(1 / 2)
