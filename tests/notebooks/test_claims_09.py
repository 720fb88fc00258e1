"""The numbers of 09_forced_alignment that no cell asserts, and how right its word times are."""

import math
import statistics
from itertools import pairwise

import pytest
import torch
from torchaudio.functional import forced_align, resample
from torchaudio.pipelines import MMS_FA

from course_utils.alignment import WordSpan, align, normalise_transcript
from course_utils.pretrained.stand_in import STAND_INS
from course_utils.samples import load_sample, sample_info

RATE = 16_000
BUNDLE = STAND_INS["MMS_FA"]

PHRASES = [
    ("phone", 0.2, 2.33, "the number you have dialed is not in service"),
    ("phone", 2.665, 4.78, "please check the number and try again"),
    ("phone_2", 0.105, 2.36, "the person you are calling is not at their desk"),
    ("phone_2", 2.6, 4.465, "i will try to locate them for you"),
]
"""What is said from when to when, in seconds: each cut where the recording is silent."""

CLIPS = ["speech", "speech_2", "speech_3", "speech_4", "speech_long", "phone", "phone_2"]


@pytest.fixture(scope="module")
def model():
    return BUNDLE.get_model()


def load_mono(name: str) -> torch.Tensor:
    waveform, rate = load_sample(name)
    return resample(waveform.mean(dim=0, keepdim=True), rate, RATE)


def found(model, waveform: torch.Tensor, text: str) -> list[WordSpan]:
    return align(BUNDLE, waveform, RATE, normalise_transcript(text), model=model)


def joined(order: list[int], pause: float) -> tuple[torch.Tensor, str, list[tuple[float, float]]]:
    """Phrases with so many seconds of nothing around each; their text; and when each starts and ends."""
    gap = torch.zeros(1, round(pause * RATE))
    parts, times = [gap], []
    for name, start, end, _ in (PHRASES[n] for n in order):
        phrase = load_mono(name)[:, round(start * RATE) : round(end * RATE)]
        begin = sum(part.shape[1] for part in parts) / RATE
        times.append((begin, begin + phrase.shape[1] / RATE))
        parts += [phrase, gap]
    return torch.cat(parts, dim=1), " ".join(PHRASES[n][3] for n in order), times


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1], [3, 2, 1, 0]], ids=str)
@pytest.mark.parametrize("pause", [0.3, 1.0])
def test_words_after_a_known_pause_start_where_the_sound_does(model, order, pause):
    waveform, text, times = joined(order, pause)
    words = found(model, waveform, text)
    firsts = [sum(len(PHRASES[n][3].split()) for n in order[:place]) for place in range(len(order))]
    errors = [abs(words[first].start - start) for first, (start, _) in zip(firsts, times, strict=True)]
    assert statistics.median(errors) < 0.05
    assert max(errors) < 0.12


def test_ends_come_early_where_a_vowel_rings_on(model):
    """The "you" of phone_2 ends at 4.465 s; the quiz plays it cut at 4.29 s."""
    end = found(model, load_mono("phone_2"), sample_info("phone_2").transcript)[-1].end
    assert 4.15 < end < 4.4


@pytest.mark.parametrize("name", CLIPS)
def test_on_every_clip_the_words_are_in_order_and_most_are_trusted(model, name):
    waveform = load_mono(name)
    words = found(model, waveform, sample_info(name).transcript)
    assert all(before.end <= after.start + 1e-6 for before, after in pairwise(words))
    assert 0 <= words[0].start < words[-1].end <= waveform.shape[1] / RATE
    assert statistics.median(word.score for word in words) > 0.6


@pytest.mark.parametrize("name", CLIPS)
def test_another_clips_text_is_trusted_less(model, name):
    other = sample_info(CLIPS[CLIPS.index(name) - 1]).transcript.split()
    own = found(model, load_mono(name), sample_info(name).transcript)
    count = min(len(other), len(own))
    foreign = found(model, load_mono(name), " ".join(other[:count]))
    assert statistics.median(w.score for w in own) > statistics.median(w.score for w in foreign) + 0.2


def test_the_slip_of_the_tongue_stands_out(model):
    words = found(model, load_mono("speech_4"), sample_info("speech_4").transcript)
    assert words[5].word == "a"
    assert words[5].score < 0.5
    assert words[5].end - words[5].start < 0.1


def test_the_tokenizer_of_the_full_size_model_refuses_the_guide_s_string():
    with pytest.raises(KeyError, match="' '"):
        MMS_FA.get_tokenizer()("hello nice to meet you")


def test_torchaudio_says_what_the_text_quotes_of_it():
    with pytest.raises(RuntimeError, match="targets length is too long for CTC"):
        forced_align(torch.randn(1, 3, 5).log_softmax(-1), torch.tensor([[1, 2, 3, 4]], dtype=torch.int32))


def test_numbers_of_the_text():
    assert 1 / math.exp(-5) == pytest.approx(150, rel=0.02)
    assert math.exp(3) == pytest.approx(20, rel=0.01)
    assert 30 * 60 * 50 == 90_000
    assert round(90_000 * 29 * 4 / 1e6, 1) == 10.4
    from num2words import CONVERTER_CLASSES

    assert len(CONVERTER_CLASSES) > 40
    assert sample_info("speech").transcript.count("a") == 3
