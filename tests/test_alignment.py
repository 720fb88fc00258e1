"""Forced alignment, with a model whose emissions are known, so that every time in the result is known too."""

from itertools import pairwise

import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.pipelines import MMS_FA, WAV2VEC2_ASR_BASE_960H

from course_utils.alignment import (
    SHORTEST,
    TranscriptError,
    WordSpan,
    align,
    as_written,
    frames_needed,
    normalise_transcript,
    plot_words,
    subtitle_lines,
)
from course_utils.errors import CourseError, SilentAudioError, WaveformError
from course_utils.samples import noise, tone

RATE, FRAME = 16_000, 320
DICTIONARY = MMS_FA.get_dict()


class Known:
    """A bundle whose model says what it is told to: a text with a letter for each frame, "-" for the blank."""

    sample_rate = RATE
    get_dict, get_tokenizer, get_aligner = MMS_FA.get_dict, MMS_FA.get_tokenizer, MMS_FA.get_aligner

    def __init__(self, by_frame: str, sure: float = 0.9):
        wrong = (1 - sure) / (len(DICTIONARY) - 2)  # shared by the other labels; the star fits always
        self.emission = torch.full((1, len(by_frame), len(DICTIONARY)), wrong)
        self.emission[0, torch.arange(len(by_frame)), [DICTIONARY[letter] for letter in by_frame]] = sure
        self.emission[..., DICTIONARY["*"]] = 1
        self.waveform = tone(440, max(len(by_frame) * FRAME, SHORTEST) / RATE)

    def get_model(self):
        return lambda waveform: (self.emission.log(), None)

    def align(self, *words: str) -> list[WordSpan]:
        return align(self, self.waveform, RATE, words)


# ---- spans ----------------------------------------------------------------------------------------------------------


def test_a_word_lasts_from_its_first_letter_to_the_end_of_its_last():
    he, was = Known("---hhe----w-aas--").align("he", "was")
    assert (he.word, he.start, he.end) == ("he", pytest.approx(0.06), pytest.approx(0.12))
    assert (was.word, was.start, was.end) == ("was", pytest.approx(0.20), pytest.approx(0.30))
    assert he.score == pytest.approx(0.9)


def test_seconds_come_from_the_number_of_frames_and_not_from_a_hop():
    bundle = Known("-hhe-")
    bundle.waveform = tone(440, 1.0)  # five frames for one second: 200 ms each
    [he] = bundle.align("he")
    assert (he.start, he.end) == (pytest.approx(0.2), pytest.approx(0.8))


@pytest.mark.parametrize("seconds", [0.1, 0.5])
def test_cutting_silence_off_the_front_moves_every_word_by_as_much(seconds):
    frames = round(seconds * RATE / FRAME)
    early, late = Known("-he-was-").align("he", "was"), Known("-" * frames + "-he-was-").align("he", "was")
    assert [b.start - a.start for a, b in zip(early, late, strict=True)] == pytest.approx([seconds] * 2)


def test_a_word_that_was_never_said_gets_a_score_near_zero_and_its_neighbours_keep_theirs():
    more, never, amiable = Known("-more------amiable-").align("more", "a", "amiable")
    assert never.score < 0.1
    assert more.score == amiable.score == pytest.approx(0.9)


def test_the_star_takes_what_the_transcript_leaves_out():
    by_frame = "--he-was-not-ill-a-man--"
    he, star, man = Known(by_frame).align("he", "*", "man")
    assert (he.start, he.end) == (pytest.approx(0.04), pytest.approx(0.08))
    assert (man.start, man.end) == (pytest.approx(0.38), pytest.approx(0.44))
    assert star.start < 0.14
    assert star.end > 0.30


def test_a_score_weighs_the_letters_by_their_frames():
    bundle = Known("-aab-", sure=0.9)
    bundle.emission[0, 1:3, DICTIONARY["a"]] = 0.6
    [word] = bundle.align("ab")
    assert word.score == pytest.approx((0.6 + 0.6 + 0.9) / 3)


words_of = st.lists(st.text("abcdeo'", min_size=1, max_size=5), min_size=1, max_size=6)


@given(words=words_of, spare=st.integers(0, 40), seed=st.integers(0, 2**16))
def test_spans_are_in_order_and_inside_the_recording_whatever_the_model_hears(words, spare, seed):
    bundle = Known("-" * (frames_needed([DICTIONARY[letter] for letter in "".join(words)]) + spare))
    generator = torch.Generator().manual_seed(seed)
    bundle.emission[..., :-1] = torch.randn(bundle.emission[..., :-1].shape, generator=generator).softmax(-1)
    spans = bundle.align(*words)
    assert [span.word for span in spans] == words
    for span in spans:
        frames = (span.end - span.start) * RATE / FRAME
        assert frames > frames_needed([DICTIONARY[letter] for letter in span.word]) - 0.5
        assert 0 <= span.score <= 1
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(spans))
    assert spans[0].start >= 0
    assert spans[-1].end <= bundle.waveform.shape[1] / RATE + 1e-9


@given(words=words_of)
def test_exactly_the_frames_that_are_needed_are_enough(words):
    needed = frames_needed([DICTIONARY[letter] for letter in "".join(words)])
    assert len(Known("-" * needed).align(*words)) == len(words)
    if needed > 1:
        with pytest.raises(TranscriptError, match=rf"needs {needed} frames.*has {needed - 1}\. See whether"):
            Known("-" * (needed - 1)).align(*words)


# ---- what cannot be aligned -----------------------------------------------------------------------------------------

SPEECH = Known("-he-")


@pytest.mark.parametrize(
    ("waveform", "rate", "words", "error", "text"),
    [
        (tone(440).expand(2, -1), RATE, ["he"], WaveformError, "2 channels; an alignment is made for one. Mix them"),
        (tone(440), 8000, ["he"], WaveformError, r"has 8000 Hz; the .*resample\(waveform, 8000, 16000\)"),
        (torch.zeros(1, RATE), RATE, ["he"], SilentAudioError, "silent, so no word has a place in it. Look"),
        (torch.zeros(1, 0), RATE, ["he"], WaveformError, "empty"),
        (tone(440)[:, :399], RATE, ["a"], WaveformError, "has 399 samples; the model's first frame takes 400. Pass"),
        (tone(440), RATE, "he was", TranscriptError, r"one string. Pass a list: normalise_transcript\(text\)"),
        (tone(440), RATE, [], TranscriptError, "no words to align"),
        (tone(440), RATE, ["he", "Köln"], TranscriptError, "'Köln' has 'K' and 'ö', which the model cannot spell"),
        (tone(440), RATE, ["1811"], TranscriptError, "'1811' has '1' and '8', which .* Normalise the text first"),
        (tone(440), RATE, ["he", ""], TranscriptError, "'' has no letters"),
        (tone(440), RATE, ["ill-disposed"], TranscriptError, "'ill-disposed' has '-'"),
        (tone(440), RATE, ["much", "too", "long"], TranscriptError, "needs 12 frames, .* the recording has 4"),
    ],
)
def test_each_mistake_gets_one_clear_sentence_and_a_remedy(waveform, rate, words, error, text):
    with pytest.raises(error, match=text) as caught:
        align(SPEECH, waveform, rate, words)
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy.endswith(".") or caught.value.remedy.endswith(").")


def test_one_channel_without_an_axis_of_its_own_is_taken():
    assert align(SPEECH, SPEECH.waveform[0], RATE, ["he"]) == SPEECH.align("he")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_floating_point_is_converted_for_the_model(dtype):
    bundle = Known("-he-")
    heard = []
    model = bundle.get_model()
    align(bundle, bundle.waveform.to(dtype), RATE, ["he"], model=lambda wave: heard.append(wave.dtype) or model(wave))
    assert heard == [torch.float32]


def test_a_bundle_for_recognition_is_refused():
    with pytest.raises(CourseError, match=r'has no aligner. Take load_bundle\("MMS_FA"\)'):
        align(WAV2VEC2_ASR_BASE_960H, SPEECH.waveform, RATE, ["he"])


def test_the_shortest_waveform_is_what_the_full_size_architecture_takes_for_a_frame():
    front = torchaudio.models.wav2vec2_base().eval().feature_extractor  # MMS_FA's has the same kernels and strides
    with torch.inference_mode():
        assert front(torch.zeros(1, SHORTEST), None)[0].shape[1] == 1
        with pytest.raises(RuntimeError):
            front(torch.zeros(1, SHORTEST - 1), None)


def test_a_model_that_is_there_is_not_loaded_again():
    model = SPEECH.get_model()
    bundle = Known("-he-")
    bundle.get_model = None
    assert align(bundle, SPEECH.waveform, RATE, ["he"], model=model) == SPEECH.align("he")


# ---- transcripts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He was not an ill-disposed young man.", "he was not an ill disposed young man"),
        ("“Don't,” she said — 'tis late…", "don't she said tis late"),
        ("It\N{RIGHT SINGLE QUOTATION MARK}s", "it's"),
        ("Mr. and Mrs. Dashwood & Dr. Bennet", "mister and missus dashwood and doctor bennet"),
        ("In 1811, 250 copies.", "in eighteen eleven two hundred and fifty copies"),
        ("1,811 copies", "one thousand eight hundred and eleven copies"),
        ("3.5 or 50 %, the 2nd: 90%", "three point five or fifty percent the second ninety percent"),
        ("The 21st, not the 3rd", "the twenty first not the third"),
        ("2 - 3", "two three"),
        ("Café Señor Łódź Köln", "cafe senor lodz koln"),
        ("Καλημέρα Москва", "kalimera moskva"),
        ("٣", "three"),
        ("said * and left", "said * and left"),
        ("well done 😀 €", "well done"),
        ("*** ... -- 'quoted'", "quoted"),
        ("", ""),
    ],
)
def test_a_text_becomes_what_is_said(text, words):
    assert normalise_transcript(text) == words.split()


def test_numbers_are_said_in_the_language_of_the_text():
    assert normalise_transcript("21 Häuser", language="de") == ["einundzwanzig", "hauser"]


@given(st.text())
def test_whatever_is_left_of_a_text_can_be_spelt_by_the_model(text):
    words = normalise_transcript(text)
    assert all(word and set(word) <= DICTIONARY.keys() - {"-"} for word in words)
    assert normalise_transcript(" ".join(words)) == words


def spans_of(text: str) -> list[WordSpan]:
    """One word each second, with the text's own spoken words."""
    return [WordSpan(word, n, n + 0.5, (n + 1) / 10) for n, word in enumerate(normalise_transcript(text))]


def test_written_words_come_back_with_the_times_of_what_is_said_for_them():
    text = "— In 1811, “Sense” — well-known …"
    written = as_written(text, spans_of(text))
    assert [(span.word, span.start, span.end) for span in written] == [
        ("— In", 0, 0.5),
        ("1811,", 1, 2.5),
        ("“Sense” —", 3, 3.5),
        ("well-known …", 4, 5.5),
    ]
    assert written[1].score == pytest.approx(0.25)


def test_spans_of_another_text_are_refused():
    with pytest.raises(TranscriptError, match="has 2 spoken words, and there are 3 spans"):
        as_written("another text", spans_of("one two three"))


# ---- subtitles ------------------------------------------------------------------------------------------------------


def test_a_line_ends_where_it_would_get_too_long_or_where_the_speaker_pauses():
    words = [WordSpan(word, start, start + 0.3, score) for word, start, score in WORDS]
    lines = subtitle_lines(words, longest=10, pause=0.5)
    assert [line.word for line in lines] == ["he was not", "an", "ill man"]
    assert [(line.start, line.end) for line in lines] == [(0.0, 1.1), (1.2, 1.5), (2.1, 2.8)]
    assert [line.score for line in lines] == [0.7, 0.9, 0.1]


WORDS = [("he", 0.0, 0.9), ("was", 0.4, 0.8), ("not", 0.8, 0.7), ("an", 1.2, 0.9), ("ill", 2.1, 0.1), ("man", 2.5, 0.9)]


def test_a_word_longer_than_a_line_gets_a_line():
    assert [line.word for line in subtitle_lines(spans_of("a disproportionately b"), longest=5, pause=2)] == [
        "a",
        "disproportionately",
        "b",
    ]


@given(longest=st.integers(1, 60), pause=st.floats(0.1, 2))
def test_lines_hold_every_word_once_in_order(longest, pause):
    words = spans_of("had he married a more amiable woman he might have been made still more respectable than he was")
    lines = subtitle_lines(words, longest, pause)
    assert " ".join(line.word for line in lines) == " ".join(word.word for word in words)
    assert all(len(line.word) <= longest or " " not in line.word for line in lines)


# ---- the picture ----------------------------------------------------------------------------------------------------


def test_each_word_stands_where_it_is_said_and_doubtful_ones_are_red():
    words = [WordSpan("sure", 0.1, 0.3, 0.9), WordSpan("doubtful", 0.5, 0.9, 0.2)]
    ax = plot_words(noise(1.0), RATE, words, title="Words")
    assert [text.get_text() for text in ax.texts] == ["sure", "doubtful"]
    assert [text.get_position()[0] for text in ax.texts] == pytest.approx([0.2, 0.7])
    assert [bool(patch.get_hatch()) for patch in ax.patches] == [False, True]
    assert len(ax.lines) == 2  # the waveform and its samples at full scale, no line through the words
    assert ax.get_xlabel() == "Time in seconds"
    assert ax.get_title() == "Words"
