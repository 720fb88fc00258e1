"""Statements of 10_whisper that its cells do not assert, measured again with the model that stands in, tiny.en."""

import numpy as np
import pytest
import torch
from course_notebooks import read, values
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.vad import get_speech_timestamps

from course_utils.paths import NOTEBOOKS
from course_utils.pretrained import whisper_folder
from course_utils.pretrained.cache import is_here
from course_utils.pretrained.catalogue import find_model
from course_utils.samples import load_sample, sample_info, sample_names
from course_utils.whisper import encode_speech, for_whisper, load_whisper, next_token_probabilities

BASE = find_model("FASTER_WHISPER_BASE")
BASE_FOLDER = whisper_folder(BASE.name) if is_here(BASE) else None
UNFILTERED = {"no_speech_threshold": None, "log_prob_threshold": None, "compression_ratio_threshold": None}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("empty")))
        yield load_whisper()


def recipe(name: str) -> dict:
    """What the recipe's cell defines."""
    notebook = read(NOTEBOOKS / "10_whisper.ipynb")
    (source,) = [cell.source for cell in notebook.cells if name in values(cell, "recipe")]
    defined: dict = {}
    exec(source, defined)
    return defined


def transcribe(model, name: str, **options) -> list:
    segments, _ = model.transcribe(for_whisper(*load_sample(name)), language="en", temperature=0, **options)
    return list(segments)


def test_the_input_is_the_recipe_of_notebook_04(model):
    from torchaudio.transforms import MelSpectrogram

    speech, rate = load_sample("speech")
    padded = torch.nn.functional.pad(speech, (0, 30 * rate - speech.shape[1]))
    mel = MelSpectrogram(rate, n_fft=400, hop_length=160, n_mels=80, norm="slaney", mel_scale="slaney")(padded)
    log_mel = mel[..., :-1].clamp(min=1e-10).log10()
    log_mel = (torch.maximum(log_mel, log_mel.max() - 8) + 4) / 4
    theirs = model.feature_extractor(speech[0].numpy())
    inner = slice(2, speech.shape[1] // 160 - 3)
    assert np.abs(log_mel[0].numpy()[:, inner] - theirs[:, inner]).max() < 1e-3
    assert pad_or_trim(theirs).shape == (80, 3000)


def test_after_not_an_the_right_word_is_in_the_list_below_a_wrong_one(model):
    encoded = encode_speech(model, *load_sample("speech"))

    def next_words(text: str, count: int) -> list[str]:
        tokens = model.hf_tokenizer.encode(text, add_special_tokens=False).ids
        best = next_token_probabilities(model, encoded, tokens).topk(count).indices.tolist()
        return [model.hf_tokenizer.decode([token]) for token in best]

    assert next_words(" He was not an", 2) == [" old", " ill"]
    assert next_words(" She was not an", 2) == [" old", " ill"]
    assert next_words(" He was not an ill", 1) == ["-"]
    assert next_words(" He was not an ill-", 1)[0].startswith(("dis", "disp"))


def test_a_prompt_passes_on_its_spelling_and_its_style(model):
    [segment] = transcribe(model, "speech_long", initial_prompt="and mister john dashwood had lunch and then he left")
    assert segment.text == segment.text.lower()
    assert "mister" in segment.text


def test_a_wrong_prompt_and_hotwords_change_the_text(model):
    assert "aimable" in transcribe(model, "speech_2", initial_prompt="aimable, aimable himself")[0].text
    assert "ill-disposed" in transcribe(model, "speech", hotwords="ill-disposed")[0].text


def test_the_loop_is_as_sure_of_itself_as_the_speech_and_its_compression_tells(model):
    [loop] = transcribe(model, "tabla_loop", max_new_tokens=200, **UNFILTERED)
    [speech] = transcribe(model, "speech", **UNFILTERED)
    assert loop.text.count("see you in the next video") > 5
    assert loop.avg_logprob > speech.avg_logprob - 0.1
    assert loop.compression_ratio > 2.4 > speech.compression_ratio
    assert loop.no_speech_prob > 0.6 > speech.no_speech_prob


def test_quiet_speech_can_look_like_no_speech(model):
    quiet = for_whisper(*load_sample("speech")) / 1000
    segments, _ = model.transcribe(quiet, language="en", temperature=0)
    [segment] = segments
    assert segment.no_speech_prob > 0.6
    assert "young man" in segment.text


def test_a_choir_can_count_as_speech_and_noises_do_not():
    assert get_speech_timestamps(for_whisper(*load_sample("choir")))
    for name in ("water", "ambience", "door", "tabla_loop", "vinyl_noise"):
        assert get_speech_timestamps(for_whisper(*load_sample(name))) == []


def test_after_a_vad_the_second_segment_begins_on_the_wrong_side_of_the_gap(model):
    scene = np.concatenate([for_whisper(*load_sample(name)) for name in ("speech", "tabla_loop", "speech_2")])
    options = {"language": "en", "temperature": 0, "vad_filter": True}
    by_segment, by_word = (
        list(model.transcribe(scene, word_timestamps=word_times, **options)[0]) for word_times in (False, True)
    )
    assert by_segment[1].start < 4
    assert by_word[1].start > 8


def test_silence_becomes_a_word_that_passes_the_limits_and_the_detector_leaves_nothing_of_it(model):
    silence = np.zeros(5 * 16_000, dtype=np.float32)
    [segment] = model.transcribe(silence, language="en", temperature=0)[0]
    assert segment.text == " You"
    assert segment.no_speech_prob == pytest.approx(0.94, abs=0.03)
    assert segment.avg_logprob == pytest.approx(-0.93, abs=0.03)
    assert get_speech_timestamps(silence) == []


def test_the_wrong_rate_and_the_wrong_range_give_fluent_text(model):
    announcement, speech = (load_sample(name)[0][0].numpy() for name in ("phone_2", "speech"))
    options = {"language": "en", "temperature": 0, "max_new_tokens": 60}
    fast = list(model.transcribe(announcement, **options)[0])
    loud = list(model.transcribe((speech * 32_768).astype(np.float32), **options)[0])
    assert fast[0].text == " The piece of your cruise is not the best."
    assert loud[0].text.startswith(" No, no, no, no, no")


def test_the_first_word_begins_in_the_pause_and_the_least_sure_word_is_wrong(model):
    [segment] = transcribe(model, "speech", word_timestamps=True)
    assert segment.words[0].start == 0
    assert np.abs(for_whisper(*load_sample("speech"))[: 16_000 // 4]).max() < 0.02
    assert min(segment.words, key=lambda word: word.probability).word == " old"


@pytest.mark.parametrize(
    ("waveform", "problem"),
    [
        (torch.zeros(16_000), "channels, samples"),
        (torch.zeros(1, 1, 16_000), "channels, samples"),
        (torch.zeros(1, 16_000, dtype=torch.int16), "floating point"),
        (torch.zeros(1, 0), "empty"),
        (torch.full((1, 16_000), torch.nan), "NaN"),
    ],
)
def test_the_recipe_refuses_what_whisper_would_invent_a_text_for(waveform, problem):
    with pytest.raises(ValueError, match=problem):
        recipe("for-whisper")["as_whisper_input"](waveform, 16_000)


def test_the_recipe_and_the_course_bring_a_recording_into_the_same_form():
    for name in ("phone", "tabla_loop", "speech"):
        recording = load_sample(name)
        assert np.array_equal(recipe("for-whisper")["as_whisper_input"](*recording), for_whisper(*recording))


@pytest.mark.skipif(BASE_FOLDER is None, reason="the weights of FASTER_WHISPER_BASE are not on this computer")
def test_the_multilingual_model_detects_english_doubts_rain_and_writes_german_if_told_to():
    base = WhisperModel(str(BASE_FOLDER), device="cpu", compute_type="float32")
    for name in (name for name in sample_names() if sample_info(name).transcript):
        language, probability, _ = base.detect_language(for_whisper(*load_sample(name)))
        assert language == "en"
        assert probability >= 0.98
    _, _, rain = base.detect_language(for_whisper(*load_sample("ambience")))
    assert rain[0][0] == "nn"
    assert dict(rain)["en"] < 0.2 < 0.4 < dict(rain)["nn"] < 0.5
    segments, _ = base.transcribe(for_whisper(*load_sample("phone")), language="de", temperature=0)
    assert next(segments).text == " Die Nahrung, die Nahrung, ist nicht in den Service."
