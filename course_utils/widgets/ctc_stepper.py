"""The CTC stepper: one decoding of emissions, frame by frame."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.ctc import BLANK, NAMES, collapse, draw_emission
from course_utils.errors import WaveformError
from course_utils.plots import plot_waveform
from course_utils.widgets.explorer import Choice, Explorer, Slider

BEST = 4
"""How many labels of a frame are named."""

RARE = 0.01
"""A label that nowhere is more probable gets no row."""

PATH_SHOWN = 64
"""Frames of the path that fit below the picture."""

MERGE_FIRST, BLANKS_FIRST = "merge repeats, then drop blanks", "drop blanks, then merge repeats"
ORDERS = [MERGE_FIRST, BLANKS_FIRST]


class Step(NamedTuple):
    """What greedy decoding knows after one frame."""

    best: list[tuple[str, float]]
    """The frame's likeliest labels with their probabilities, the likeliest first."""
    path: str
    """The best label of every frame so far."""
    text: str
    """What the path spells."""
    news: str
    """What this frame did to the text, in words."""


def ctc_stepper(emission: Tensor, labels: Sequence[str], waveform: Tensor, sample_rate: int) -> Explorer:
    """Step through the greedy decoding of an emission, one frame at a time.

    Shown are the waveform, the emission below it (labels that ever reach 1 %) with the current frame marked, the
    current frame's best labels, the path so far and the text that it spells. The other control turns the two steps of
    collapsing round, to see what that breaks.

    Args:
        emission: [frames, labels], natural logarithms of probabilities.
        labels: what each score is for, one character each; the blank "-" comes first.
        waveform: [1, samples], float, that the emission belongs to.
        sample_rate: Hz.

    Returns:
        The widget. As the last line of a cell it shows itself; `stepper.set(frame=10)` moves it.

    Raises:
        WaveformError: not [frames, labels], another number of labels, no waveform, or no sample rate.

    Taught in 07_speech_recognition. Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
    """
    if emission.ndim != 2 or emission.shape[1] != len(labels):
        raise WaveformError(
            f"The emission has shape {list(emission.shape)}; [frames, {len(labels)}] is expected.",
            "Take one item of a batch with emissions[0], and labels and emissions from the same bundle.",
        )
    waveform, sample_rate = check_waveform(waveform), check_sample_rate(sample_rate)
    seconds = waveform.shape[1] / sample_rate

    def draw(figure: Figure, frame: int, order: str) -> str:
        step = take_step(emission, labels, frame, order)
        if not figure.axes:
            _lay_out(figure, emission, labels, waveform, sample_rate)
        above, picture, bars, strip = figure.axes
        for axes in (above, picture):
            axes.patches[0].set(x=frame * seconds / len(emission), width=seconds / len(emission))
        _show_bars(bars, step.best)
        _show_path(strip, step)
        start, end = (place * seconds / len(emission) for place in (frame, frame + 1))
        named = ", ".join(f"{name_of(label)} {probability:.0%}" for label, probability in step.best[:2])
        return f'Frame {frame}, {start:.2f} to {end:.2f} s: {named}. {step.news} Text so far: "{step.text}".'

    return Explorer(
        draw,
        [
            Slider("frame", "Frame", range(len(emission))),
            Choice("order", "Collapse", ORDERS),
        ],
        label="CTC stepper",
        sound=lambda: (waveform, sample_rate),
        size=(8.0, 4.3),
    )


def take_step(emission: Tensor, labels: Sequence[str], frame: int, order: str = MERGE_FIRST) -> Step:
    """Decode an emission greedily up to a frame.

    Args:
        emission: [frames, labels], natural logarithms of probabilities.
        labels: what each score is for; the blank comes first.
        frame: the last one that counts.
        order: one of `ORDERS`.

    Returns:
        What is known then.
    """
    values, places = emission[frame].topk(min(BEST, len(labels)))
    best = [(labels[place], float(value.exp())) for value, place in zip(values, places.tolist(), strict=True)]
    path = "".join(labels[place] for place in emission[: frame + 1].argmax(dim=-1).tolist())
    before, after = _spell(path[:-1], order, labels[BLANK]), _spell(path, order, labels[BLANK])
    return Step(best, path, after.replace("|", " ").lstrip(), _news(path, before, after, labels[BLANK]))


def name_of(label: str) -> str:
    """A label as it is called in a sentence."""
    return NAMES.get(label, label)


def _spell(path: str, order: str, blank: str) -> str:
    if order == MERGE_FIRST:
        return collapse(path, blank)
    return "".join(label for label, _ in groupby(path.replace(blank, "")))


def _news(path: str, before: str, after: str, blank: str) -> str:
    label = path[-1]
    if after != before:
        return f"New: {name_of(label)}."
    if label == blank:
        return "Blank: nothing is written."
    if path[-2:-1] == label:
        return "The same label again: merged."
    return "Merged with the same label before the blank: a double letter is lost."


def _lay_out(figure: Figure, emission: Tensor, labels: Sequence[str], waveform: Tensor, sample_rate: int) -> None:
    """The waveform, the emission, the best labels of the frame as bars, and a strip for path and text."""
    figure.set_layout_engine("none")
    left, width = 0.1, 0.62
    above = figure.add_axes((left, 0.87, width, 0.12))
    picture = figure.add_axes((left, 0.25, width, 0.61))
    bars = figure.add_axes((0.785, 0.25, 0.175, 0.61))
    strip = figure.add_axes((0.0, 0.0, 1.0, 0.13))
    seconds = waveform.shape[1] / sample_rate
    plot_waveform(waveform, sample_rate, ax=above)
    limit = 1.1 * max(float(waveform.abs().max()), 1e-6)
    above.set(ylim=(-limit, limit), xlabel="", ylabel="", xticks=[], yticks=[])
    rows = [row for row in range(len(labels)) if row == BLANK or emission[:, row].exp().max() > RARE]
    draw_emission(picture, emission[:, rows], [labels[row] for row in rows], seconds)
    picture.tick_params(axis="y", labelsize=6.5)
    picture.set_ylabel("")
    for axes, colour, alpha in ((above, "tab:orange", 0.8), (picture, "#4dd0e1", 0.7)):
        axes.axvspan(0, 1, color=colour, alpha=alpha, linewidth=1.5, animated=True)
    for patch in bars.barh(range(BEST), [0] * BEST, height=0.35, color="tab:blue"):
        patch.set_animated(True)
    for row in range(BEST):
        bars.text(0.0, row - 0.22, "", va="bottom", fontsize="small", animated=True)
    bars.set(xlim=(0, 1), ylim=(BEST - 0.4, -0.8), yticks=[], xlabel="Probability")
    bars.set_xticks([0, 0.5, 1], labels=["0", "50%", "100%"], fontsize="small")
    bars.set_title("This frame", fontsize="medium")
    bars.spines[["top", "right", "left"]].set_visible(False)
    strip.set_axis_off()
    strip.set(xlim=(0, 1), ylim=(0, 1))
    for y, name in ((0.75, "Path"), (0.25, "Text")):
        strip.text(0.09, y, name, ha="right", va="center", fontsize="small")
    for y in (0.75, 0.25):
        strip.text(0.1, y, "", va="center", family="monospace", animated=True)


def _show_bars(bars: Axes, best: list[tuple[str, float]]) -> None:
    for patch, text, (label, probability) in zip(bars.patches, bars.texts, best, strict=False):
        patch.set_width(probability)
        text.set_text(f"{name_of(label)}  {probability:.0%}")


def _show_path(strip: Axes, step: Step) -> None:
    for text, shown in zip(strip.texts[2:], (step.path, step.text), strict=True):
        text.set_text(shown if len(shown) <= PATH_SHOWN else f"\N{HORIZONTAL ELLIPSIS}{shown[1 - PATH_SHOWN :]}")
