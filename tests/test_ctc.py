"""Greedy decoding against the guide's loop and against an independent implementation; what speech is refused."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch.nn.functional import ctc_loss, one_hot
from torchaudio.models.decoder import ctc_decoder

from course_utils.ctc import check_speech, collapse, get_emission, greedy_decode, kept_labels, plot_emission
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.samples import noise

LABELS = ("-", "|", "E", "T", "A", "O", "N", "I", "H", "S", "R", "D", "L", "U", "M", "W", "C", "F", "G", "Y", "P", "B")
FEW = ("-", "|", "a", "b", "c")


def emissions_of(path: str, labels=LABELS):
    """Emissions [1, frames, labels] in which each frame is sure of its label."""
    places = torch.tensor([labels.index(label) for label in path], dtype=torch.long)
    return (one_hot(places, len(labels)) * 10.0).log_softmax(-1)[None]


def guide_decode(emissions, labels):
    """The loop of the guide, with its meaning and other words: one item, the first."""
    text, last = [], None
    for place in emissions[0].argmax(-1).tolist():
        if place not in (last, 0):
            text.append(labels[place])
        last = place
    return "".join(text).replace("|", " ").strip()


def emissions(most=4):
    """Batches of at most `most` items with scores of FEW."""
    shapes = st.tuples(st.integers(1, most), st.integers(1, 40), st.just(len(FEW)))
    values = st.floats(-20, 0, width=32)
    return shapes.flatmap(lambda shape: hnp.arrays("float32", shape, elements=values)).map(torch.from_numpy)


# ---- decoding -------------------------------------------------------------------------------------------------------


@given(emissions(most=1))
def test_it_is_the_loop_of_the_guide(scores):
    assert greedy_decode(scores, FEW) == [guide_decode(scores, FEW)]


@given(emissions())
def test_each_item_is_the_collapsed_path_of_its_best_labels(scores):
    paths = ["".join(FEW[place] for place in item) for item in scores.argmax(-1).tolist()]
    assert greedy_decode(scores, FEW) == [collapse(path).replace("|", " ").strip() for path in paths]


@given(st.text(alphabet="-|ab", min_size=1, max_size=30))
def test_it_agrees_with_flashlights_decoder_held_to_a_single_hypothesis(path):
    scores = emissions_of(path, FEW)
    [[best]] = ctc_decoder(lexicon=None, tokens=list(FEW), beam_size=1, beam_size_token=1)(scores)
    theirs = "".join(FEW[place] for place in best.tokens).replace("|", " ").strip()
    assert greedy_decode(scores, FEW) == [theirs]


@given(emissions(), st.data())
def test_what_comes_after_an_items_end_is_not_read(scores, data):
    lengths = torch.tensor(
        data.draw(st.lists(st.integers(0, scores.shape[1]), min_size=len(scores), max_size=len(scores)))
    )
    alone = [
        greedy_decode(item[None, :length], FEW)[0] if length else ""
        for item, length in zip(scores, lengths, strict=True)
    ]
    assert greedy_decode(scores, FEW, lengths) == alone


def test_a_double_letter_needs_a_blank_between():
    assert greedy_decode(emissions_of("HE-L-LO"), LABELS) == ["HELLO"]
    assert greedy_decode(emissions_of("HE-LLLO"), LABELS) == ["HELO"]


def test_only_borders_and_blanks_give_an_empty_text():
    assert greedy_decode(emissions_of("--||--|"), LABELS) == [""]


@given(st.text(alphabet="abc-", max_size=12))
def test_collapse_merges_before_it_drops(path):
    merged = [label for i, label in enumerate(path) if i == 0 or label != path[i - 1]]
    assert collapse(path) == "".join(label for label in merged if label != "-")


def test_the_paths_that_collapse_to_a_word_carry_the_probability_that_ctc_loss_computes():
    scores = torch.randn(5, 1, 4, generator=torch.Generator().manual_seed(7)).log_softmax(-1)
    total = 0.0
    for path in itertools.product(range(4), repeat=5):
        if collapse("".join("-abc"[place] for place in path)) == "abb":
            total += math.exp(sum(float(scores[frame, 0, place]) for frame, place in enumerate(path)))
    loss = ctc_loss(scores, torch.tensor([[1, 2, 2]]), torch.tensor([5]), torch.tensor([3]), reduction="sum")
    assert total == pytest.approx(math.exp(-float(loss)), rel=1e-5)


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        (torch.zeros(5, 4), "-|ab", r"\[5, 4\]; \[batch, frames, labels\] is expected.*unsqueeze"),
        (torch.zeros(1, 5, 4), "-|a", "score 4 labels, and 3 are named.*same bundle"),
        ((torch.zeros(1, 5, 4), None), "-|ab", "type tuple.*Take the pair apart"),
        ([0.0], "-|ab", "type list"),
    ],
)
def test_what_is_no_batch_of_emissions_is_refused_in_a_clear_sentence(scores, labels, words):
    with pytest.raises(WaveformError, match=words):
        greedy_decode(scores, labels)


# ---- speech ---------------------------------------------------------------------------------------------------------


class Echo(torch.nn.Module):
    """A model that knows nothing: as many frames as fit, the same raw score for three labels."""

    def forward(self, waveforms, lengths=None):
        return torch.zeros(len(waveforms), waveforms.shape[1] // 320, 3, requires_grad=True), lengths


def test_an_emission_holds_logarithms_of_probabilities_and_no_gradient():
    emission = get_emission(Echo(), noise(1.0), 16000)
    assert emission.shape == (50, 3)
    torch.testing.assert_close(emission.exp().sum(-1), torch.ones(50))
    assert not emission.requires_grad


@pytest.mark.parametrize(
    ("waveform", "rate", "kind", "words"),
    [
        (noise(1.0), 8000, WaveformError, r"at 8000 Hz.*resample\(waveform, 8000, 16000\)"),
        (noise(1.0).expand(2, -1), 16000, WaveformError, "2 channels.*mean"),
        (torch.zeros(1, 16000), 16000, SilentAudioError, "silent"),
        (torch.full((1, 16000), 0.3), 16000, SilentAudioError, "silent"),
        (torch.zeros(1, 0), 16000, WaveformError, "empty"),
        (noise(1.0)[:, :399], 16000, WaveformError, "399 samples, too few for one frame.*400"),
        (noise(1.0)[0], 16000, WaveformError, r"\[channels, samples\] is expected"),
        (noise(1.0) / 0, 16000, WaveformError, "NaN or infinite"),
    ],
    ids=["rate", "stereo", "silence", "constant", "empty", "short", "1-d", "infinite"],
)
def test_speech_that_a_model_cannot_take_is_refused_in_one_clear_sentence(waveform, rate, kind, words):
    with pytest.raises(kind, match=words) as caught:
        get_emission(Echo(), waveform, rate)
    assert caught.value.problem.count(". ") == 0
    assert caught.value.problem.endswith(".")


def test_the_shortest_speech_is_one_frame_of_wav2vec():
    waveform = noise(1.0)[:, :400]
    assert check_speech(waveform, 16000) is waveform
    assert get_emission(Echo(), waveform, 16000).shape == (1, 3)


# ---- the picture ----------------------------------------------------------------------------------------------------


def test_the_picture_has_a_row_for_each_label_and_writes_each_kept_letter_over_its_frame():
    emission = emissions_of("HHE-L-LO--")[0]
    waveform = noise(0.2)
    ax = plot_emission(emission, LABELS, waveform, 16000)
    [image] = ax.images
    torch.testing.assert_close(torch.as_tensor(image.get_array()), emission.exp().T)
    assert image.get_extent() == [0, pytest.approx(0.2), len(LABELS) - 0.5, -0.5]
    assert [tick.get_text() for tick in ax.get_yticklabels()][:3] == ["blank -", "border |", "E"]
    written = [(text.get_text(), text.get_position()[0]) for text in ax.texts]
    expected = [("H", 0.01), ("E", 0.05), ("L", 0.09), ("L", 0.13), ("O", 0.15)]
    assert [label for label, _ in written] == [label for label, _ in expected]
    assert [time for _, time in written] == pytest.approx([time for _, time in expected])
    assert kept_labels(emission, LABELS) == [(0, "H"), (2, "E"), (4, "L"), (6, "L"), (7, "O")]
    assert "Time in seconds" in ax.get_xlabel()


def test_a_batch_of_emissions_is_no_picture():
    with pytest.raises(WaveformError, match="is expected"):
        plot_emission(emissions_of("HE"), LABELS, noise(0.2), 16000)
