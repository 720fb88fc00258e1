"""Segments: what lies between them, what is kept, how two sets agree, and their picture."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.alignment import WordSpan
from course_utils.errors import WaveformError
from course_utils.samples import tone
from course_utils.segments import Segment, compare_segments, keep, pauses, plot_segments

SECONDS = 8.0


def segments_of(edges: list[int]) -> list[Segment]:
    """Between the edges, in tenths of a second, in pairs."""
    return [Segment(start / 10, end / 10) for start, end in zip(edges[::2], edges[1::2], strict=False)]


SOME = st.lists(st.integers(0, 80), min_size=2, max_size=12, unique=True).map(sorted).map(segments_of)


# ---- what is done with segments -------------------------------------------------------------------------------------


@given(segments=SOME)
def test_segments_and_pauses_together_are_the_whole(segments):
    both = sorted([*segments, *pauses(segments, SECONDS)])
    assert (both[0].start, both[-1].end) == (0, SECONDS)
    assert all(one.end == other.start for one, other in pairwise(both))


def test_what_is_kept_is_what_lay_in_the_segments():
    waveform = torch.arange(100.0).repeat(2, 1)
    kept = keep(waveform, 10, [Segment(1, 2), Segment(5, 5.5)])
    assert kept[1].tolist() == [*range(10, 20), *range(50, 55)]
    assert keep(waveform, 10, [Segment(-1, 0.2), Segment(9.8, 20)])[0].tolist() == [0, 1, 98, 99]


@pytest.mark.parametrize("segments", [[], [Segment(20, 30)], [Segment(1, 1)]])
def test_to_keep_nothing_is_refused(segments):
    with pytest.raises(WaveformError, match="nothing would be left"):
        keep(torch.ones(1, 100), 10, segments)


# ---- judging --------------------------------------------------------------------------------------------------------


def test_precision_recall_and_edges_of_a_case_done_by_hand():
    marked = [Segment(1, 3), Segment(5, 6), Segment(8, 9)]
    result = compare_segments([Segment(1.5, 3.5), Segment(5.2, 5.4), Segment(5.6, 6.0), Segment(7, 7.5)], marked)
    assert result.precision == pytest.approx((1.5 + 0.2 + 0.4) / (2 + 0.2 + 0.4 + 0.5))
    assert result.recall == pytest.approx((1.5 + 0.2 + 0.4) / 4)
    assert result.boundary_error == pytest.approx((0.5 + 0.5 + 0.2 + 0.0) / 4)
    assert (result.missed, result.invented) == (1, 1)


def test_the_truth_is_perfect_and_nothing_is_nothing():
    marked = [Segment(1, 3), Segment(5, 6)]
    assert compare_segments(marked, marked) == (1, 1, 0, 0, 0)
    nothing = compare_segments([], marked)
    assert (nothing.precision, nothing.recall, nothing.missed) == (0, 0, 2)
    assert math.isnan(nothing.boundary_error)
    with pytest.raises(WaveformError, match="Nothing is marked"):
        compare_segments(marked, [])


@given(one=SOME, other=SOME)
def test_precision_of_one_is_recall_of_the_other(one, other):
    forwards, back = compare_segments(one, other), compare_segments(other, one)
    assert forwards.precision == pytest.approx(back.recall)
    assert 0 <= forwards.precision <= 1 + 1e-9


def test_words_of_an_alignment_are_segments_too():
    words = [WordSpan("good", 0.2, 0.5, 0.9), WordSpan("day", 0.6, 1.0, 0.8)]
    assert compare_segments(words, [Segment(0.2, 1.0)]).recall == pytest.approx(0.7 / 0.8)
    assert keep(torch.ones(1, 100), 100, words).shape == (1, 70)
    assert [(gap.start, gap.end) for gap in pauses(words, 1.0)] == [(0.0, 0.2), (0.5, 0.6)]


# ---- the picture ----------------------------------------------------------------------------------------------------


def test_the_picture_has_a_row_of_bars_for_each_label():
    rows = {"marked": [Segment(0.1, 0.4), Segment(0.6, 0.9)], "found": [Segment(0.2, 0.5)]}
    axes = plot_segments(tone(440), 16_000, rows)
    marked, found_bars = axes.collections
    assert [len(bars.get_paths()) for bars in (marked, found_bars)] == [2, 1]
    extents = marked.get_paths()[0].get_extents()
    assert (extents.x0, extents.x1) == pytest.approx((0.1, 0.4))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[-2:] == ["marked", "found"]
    assert extents.y0 > found_bars.get_paths()[0].get_extents().y1, "the first row is the topmost"


def test_of_stereo_the_mean_is_drawn():
    pair = torch.cat([tone(440, amplitude=0.5), torch.zeros(1, 16_000)])
    assert plot_segments(pair, 16_000, {"all": [Segment(0, 1)]}).get_yticks()[2] == pytest.approx(0.25, rel=0.01)
