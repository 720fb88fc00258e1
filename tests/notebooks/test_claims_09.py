"""The numbers of 09_forced_alignment that no cell asserts, and how right its word times are."""

import math
import re
import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import pytest
import torch
from course_notebooks import course, read, tagged
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.functional import forced_align, resample
from torchaudio.pipelines import MMS_FA

from course_utils.alignment import WordSpan, align, as_written, normalise_transcript, subtitle_lines
from course_utils.paths import NOTEBOOKS
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


def recipe(name: str) -> Callable:
    """The function of a recipe's cell."""
    [cell] = [c for c in tagged(read(NOTEBOOKS / "09_forced_alignment.ipynb"), "recipe") if course(c)["recipe"] == name]
    names: dict = {}
    exec(cell.source, names)
    return names[name.replace("-", "_")]


@pytest.fixture(scope="module")
def model():
    return BUNDLE.get_model()


@torch.inference_mode()
def emission_of(model, name: str) -> torch.Tensor:
    return model(load_mono(name))[0][0]


def letters(emission: torch.Tensor, words: list[str]) -> list[list[tuple[str, float]]]:
    """For each word its letters, each with its mean probability."""
    spans = BUNDLE.get_aligner()(emission, BUNDLE.get_tokenizer()(words))
    return [[(BUNDLE.get_labels()[span.token], span.score) for span in of_word] for of_word in spans]


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


def test_words_of_an_unseen_voice_start_where_they_were_put(model):
    """Each word spoken by itself, cut where it is 35 dB below its loudest 5 ms, and joined with a tenth of a second of
    silence: benchmarks/word_boundaries.py does so with 159 words."""
    from hibari import Hibari

    voice, gap = Hibari(), torch.zeros(1, RATE // 10)
    text = normalise_transcript("Four hours of steady work faced us. The boy was there when the sun rose.")
    parts, begins = [gap], []
    for word in text:
        sound = resample(torch.from_numpy(voice(f"{word}.", seed=0)).unsqueeze(0), voice.sample_rate, RATE)
        power = sound[0].unfold(0, 80, 80).square().mean(dim=1)
        loud = (power > power.max() * 10**-3.5).nonzero()
        begins.append(sum(part.shape[1] for part in parts) / RATE)
        parts += [sound[:, int(loud[0]) * 80 : (int(loud[-1]) + 1) * 80], gap]
    words = align(BUNDLE, torch.cat(parts, dim=1), RATE, text, model=model)
    errors = [abs(word.start - begin) for word, begin in zip(words, begins, strict=True)]
    assert statistics.median(errors) < 0.05
    assert max(errors) < 0.15


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


def test_a_wrong_word_made_of_right_letters_keeps_a_high_mean_and_a_weak_letter(model):
    wrong = ["she", "was", "not", "a", "well", "behaved", "young", "lady"]
    words = align(BUNDLE, load_mono("speech"), RATE, wrong, model=model)
    assert words[0].score > 0.5
    assert min(score for _, score in letters(emission_of(model, "speech"), wrong)[0]) < 0.2
    assert min(word.score for word in words) < 0.5
    right = sample_info("speech").transcript.split()
    assert min(score for _, score in letters(emission_of(model, "speech"), right)[5]) < 0.2  # the i of disposed


def test_a_wrong_sound_is_punished_and_a_spelling_mistake_is_not(model):
    emission, margins = emission_of(model, "speech_3"), {}
    for said in ("cold hearted", "gold hearted", "cold harted"):
        words = sample_info("speech_3").transcript.replace("cold hearted", said).split()
        spans = BUNDLE.get_aligner()(emission, BUNDLE.get_tokenizer()(words))
        both = [span for of_word in spans[4:6] for span in of_word]
        margins[said] = [margin for *_, margin in recipe("heard-instead")(emission[:, :-1], both, BUNDLE.get_labels())]
    assert margins["gold hearted"][0] < -5 < margins["cold hearted"][0]
    assert min(margins["cold harted"]) > min(margins["cold hearted"]) - 1


def test_the_slip_of_the_tongue_stands_out(model):
    words = found(model, load_mono("speech_4"), sample_info("speech_4").transcript)
    assert words[5].word == "a"
    assert words[5].score < 0.5
    assert words[5].end - words[5].start < 0.1


def test_only_without_the_word_that_was_not_said_the_path_gets_better(model):
    emission, said = emission_of(model, "speech_4"), sample_info("speech_4").transcript.split()

    def path_score(words: list[str]) -> float:
        tokens = [[token for word in BUNDLE.get_tokenizer()(words) for token in word]]
        return float(forced_align(emission.unsqueeze(0), torch.tensor(tokens, dtype=torch.int32))[1].sum())

    whole = path_score(said)
    gains = {place: path_score(said[:place] + said[place + 1 :]) - whole for place in (1, 3, 4, 5, 6)}
    assert gains[5] > 0 > max(gains[3], gains[4], gains[6])
    assert gains[1] > 0  # "he", as the text says


def test_the_star_takes_the_missing_words_and_without_it_a_neighbour_is_pulled_apart(model):
    speech = load_mono("speech")
    young = found(model, speech, sample_info("speech").transcript)[6]
    starred = found(model, speech, "he was * young man")
    bare = found(model, speech, "he was young man")
    assert abs(starred[3].start - young.start) < 0.1
    assert max(word.end - word.start for word in bare) > 0.6 > max(w.end - w.start for w in starred if w.word != "*")


def test_loudness_hardly_changes_a_score(model):
    scores = [
        [word.score for word in align(BUNDLE, load_mono("speech_3") * gain, RATE, words, model=model)]
        for words in [sample_info("speech_3").transcript.split()]
        for gain in (0.1, 1.0, 3.0)
    ]
    assert max(max(same) - min(same) for same in zip(*scores, strict=True)) < 0.2


# ---- recipes --------------------------------------------------------------------------------------------------------


def test_a_long_recording_aligned_a_few_words_at_a_time_is_aligned_as_at_once(model):
    names = ["phone", "speech", "phone_2", "speech_2", "speech_3"]
    gap = torch.zeros(1, RATE)
    waveform = torch.cat([part for name in names for part in (load_mono(name), gap)], dim=1)
    words = [word for name in names for word in sample_info(name).transcript.split()]
    whole, joined_up = model(waveform)[0][0].detach(), recipe("long-emission")(model, waveform, seconds=5.0)
    assert abs(len(whole) - len(joined_up)) <= 1
    in_frames = partial(recipe("word-times"), labels=BUNDLE.get_labels(), seconds_per_frame=1.0)
    at_once = in_frames(whole, words)
    in_pieces = recipe("align-long")(joined_up, words, in_frames, at_a_time=12, longest=750)
    assert [word for word, *_ in in_pieces] == words
    apart = [abs(a[1] - b[1]) / 50 for a, b in zip(at_once, in_pieces, strict=True)]
    assert statistics.median(apart) < 0.03
    assert max(apart) < 0.5


def test_word_times_are_those_of_align(model):
    emission, words = emission_of(model, "speech"), sample_info("speech").transcript.split()
    times = recipe("word-times")(emission, words, BUNDLE.get_labels(), 1.0)
    spans = BUNDLE.get_aligner()(emission, BUNDLE.get_tokenizer()(words))
    assert [(start, end) for _, start, end, _ in times] == [(own[0].start, own[-1].end) for own in spans]


words_at = st.lists(
    st.tuples(st.text("abé'\"&;-—“ ", min_size=1, max_size=12).filter(str.strip), st.integers(1, 9000)), min_size=1
)


def lines_from(steps: list[tuple[str, int]]) -> list[tuple[str, float, float]]:
    """Texts, each beginning where the one before ended, times in seconds."""
    ends = torch.tensor([milliseconds for _, milliseconds in steps]).cumsum(0).tolist()
    return [(text, (end - own) / 1000, end / 1000) for (text, own), end in zip(steps, ends, strict=True)]


def read_with_ffmpeg(path: Path) -> list[tuple[str, int, int]]:
    """Text, start and end in milliseconds of each line, as FFmpeg reads them."""
    with av.open(str(path)) as file:
        assert file.format.name == {".srt": "srt", ".vtt": "webvtt"}[path.suffix]
        packets = [packet for packet in file.demux() if packet.size]
    return [(bytes(packet).decode(), packet.pts, packet.pts + packet.duration) for packet in packets]


@pytest.mark.parametrize("ending", [".srt", ".vtt"])
@given(steps=words_at)
def test_subtitles_are_what_another_reader_finds_in_the_file(tmp_path_factory, ending, steps):
    path = tmp_path_factory.mktemp("subtitles") / f"a{ending}"
    lines = lines_from(steps)
    recipe("write-subtitles")(path, lines, linger=0)
    assert read_with_ffmpeg(path) == [
        (" ".join(text.split()), round(1000 * start), round(1000 * end)) for text, start, end in lines
    ]


STAMP = {".srt": r"\d\d:\d\d:\d\d,\d\d\d", ".vtt": r"\d\d:\d\d:\d\d\.\d\d\d"}


@pytest.mark.parametrize("ending", STAMP)
def test_subtitles_have_the_form_that_the_format_asks_for(tmp_path, ending):
    written = "Had he married a more amiable woman — well!"
    spans = [WordSpan(word, n, n + 0.5, 0.9) for n, word in enumerate(normalise_transcript(written))]
    path = recipe("write-subtitles")(tmp_path / f"a{ending}", subtitle_lines(as_written(written, spans), pause=9))
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    if ending == ".vtt":
        assert blocks.pop(0) == "WEBVTT"
    cues = [block.split("\n") for block in blocks if block]
    assert [cue[0] for cue in cues] == [str(n + 1) for n in range(len(cues))]
    assert all(re.fullmatch(f"{STAMP[ending]} --> {STAMP[ending]}", cue[1]) for cue in cues)
    assert " ".join(cue[2] for cue in cues) == written


@pytest.mark.parametrize("ending", STAMP)
def test_signs_with_a_meaning_for_the_format_do_not_swallow_words(tmp_path, ending):
    path = recipe("write-subtitles")(tmp_path / f"a{ending}", [(r"a <b> {\i1} c\Nd" + "\n\n1\n--> e", 0.0, 1.0)])
    assert [text for text, *_ in read_with_ffmpeg(path)] == ["a b i1 cNd 1 -- e"]


def test_a_line_lingers_but_not_into_the_next(tmp_path):
    path = recipe("write-subtitles")(tmp_path / "a.srt", [("a", 0.0, 1.0), ("b", 1.1, 2.0), ("c", 3.0, 3.5)])
    assert [(start, end) for _, start, end in read_with_ffmpeg(path)] == [(0, 1100), (1100, 2300), (3000, 3800)]


def read_as_praat(path: Path) -> list[str | float]:
    """What Praat's manual says counts in a TextGrid: texts in quotes, numbers and <flags> that stand alone."""
    standing_alone = r'"((?:[^"]|"")*)"|(?<!\S)(-?[\d.]+(?:[eE]-?\d+)?)(?!\S)|(<\w+>)'
    found = re.findall(standing_alone, path.read_text(encoding="utf-8"))
    return [float(number) if number else flag or text.replace('""', '"') for text, number, flag in found]


@given(steps=words_at)
def test_a_textgrid_is_what_the_manual_describes_and_covers_the_whole_recording(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("grids") / "a.TextGrid"
    words = [(text.strip(), start + 0.5, end + 0.5) for text, start, end in lines_from(steps)]
    seconds = words[-1][2] + 1
    recipe("write-textgrid")(path, words, seconds)
    head, values = read_as_praat(path)[:11], read_as_praat(path)[11:]
    assert head == [
        *("ooTextFile", "TextGrid", 0, pytest.approx(seconds), "<exists>", 1),
        *("IntervalTier", "words", 0, pytest.approx(seconds), len(words) + 2),
    ]
    intervals = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    assert intervals[0] == (0, pytest.approx(0.5), "")
    assert intervals[-1][1:] == (pytest.approx(seconds), "")
    assert [text for _, _, text in intervals[1:-1]] == [text for text, *_ in words]
    assert [start for start, *_ in intervals[1:-1]] == pytest.approx([start for _, start, _ in words])
    assert all(before[1] == after[0] for before, after in pairwise(intervals))


# ---- numbers and libraries ------------------------------------------------------------------------------------------


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
