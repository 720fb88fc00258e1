"""CTC: from a waveform to emissions, and from emissions to text.

Emissions are what a recogniser with CTC (connectionist temporal classification) makes of speech: for every frame of
20 ms, a score for each label. The labels are letters, a border between words, and the blank, "nothing new here".
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from torch import Tensor, nn

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.figures import new_axes
from course_utils.plots import COLOUR_MAP, plot_waveform

BLANK = 0
"""The blank's place among the labels, in torchaudio's bundles as in the stand-in."""

MODEL_RATE = 16_000
"""Hz: what all recognisers of the course listen to."""

SHORTEST = 400
"""Samples that wav2vec 2.0 needs for one frame: 25 ms."""

NAMES = {"-": "blank", "|": "border"}
"""Labels that are no letters, in words."""


def check_speech(waveform: Tensor, sample_rate: int) -> Tensor:
    """Return `waveform` if a recogniser can take it, or say in one sentence why not.

    Args:
        waveform: [1, samples], float32, any level but silence; at least 400 samples, 25 ms.
        sample_rate: Hz; 16000 is expected.

    Returns:
        The same tensor.

    Raises:
        WaveformError: no waveform (see `check_waveform`), another rate, several channels, or too short for one frame.
        SilentAudioError: all samples are equal.

    Taught in 07_speech_recognition.
    """
    check_waveform(waveform)
    if check_sample_rate(sample_rate) != MODEL_RATE:
        raise WaveformError(
            f"The waveform comes at {sample_rate} Hz; the model was trained at {MODEL_RATE} Hz and would hear another "
            "speed and pitch.",
            f"Resample it: torchaudio.functional.resample(waveform, {sample_rate}, {MODEL_RATE}).",
        )
    channels, samples = waveform.shape
    if channels > 1:
        raise WaveformError(
            f"The waveform has {channels} channels, and the model would take them for {channels} recordings.",
            "Mix them first: waveform.mean(dim=0, keepdim=True).",
        )
    if samples < SHORTEST:
        raise WaveformError(
            f"The waveform has {samples} samples, too few for one frame.", f"Pass at least {SHORTEST}, 25 ms."
        )
    if waveform.min() == waveform.max():
        raise SilentAudioError("The waveform is silent: nobody speaks.", "Look at it with plot_waveform.")
    return waveform


def get_emission(model: nn.Module, waveform: Tensor, sample_rate: int) -> Tensor:
    """Let a model with CTC listen to one recording.

    Args:
        model: takes [batch, samples] and returns (scores [batch, frames, labels], lengths), as torchaudio's do.
        waveform: [1, samples], float32, 16 kHz; see `check_speech`.
        sample_rate: Hz.

    Returns:
        [frames, labels]: natural logarithms of probabilities, without a gradient.

    Raises:
        WaveformError: the model cannot take this waveform (see `check_speech`).
        SilentAudioError: all samples are equal.

    Taught in 07_speech_recognition.
    """
    with torch.inference_mode():
        scores, _ = model(check_speech(waveform, sample_rate))
        return scores[0].log_softmax(-1)


def collapse(path: str, blank: str = "-") -> str:
    """Turn a path, one label for each frame, into what it spells: merge repeats first, drop blanks second.

    Args:
        path: such as "hh-e-ll-lo".
        blank: the label that stands for nothing new.

    Returns:
        The text, such as "hello".

    Taught in 07_speech_recognition. Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
    """
    return "".join(label for label, _ in groupby(path) if label != blank)


def greedy_decode(emissions: Tensor, labels: Sequence[str], lengths: Tensor | None = None) -> list[str]:
    """Take the best label of every frame, and collapse.

    Args:
        emissions: [batch, frames, labels], float: any scores that grow with the probability; the blank comes first.
        labels: what each score is for, one character each; "|" parts words.
        lengths: [batch], int: how many frames of each item count; None if all do.

    Returns:
        One text for each item, in the letters of `labels`, with spaces between words.

    Raises:
        WaveformError: not [batch, frames, labels], or another number of labels.

    Taught in 07_speech_recognition. Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
    """
    _check_emissions(emissions, labels)
    best = emissions.argmax(dim=-1)
    is_new = torch.ones_like(best, dtype=torch.bool)
    is_new[:, 1:] = best[:, 1:] != best[:, :-1]
    kept = is_new & (best != BLANK)
    if lengths is not None:
        kept &= torch.arange(best.shape[1], device=best.device) < lengths.to(best.device)[:, None]
    texts = ("".join(labels[place] for place in item[keep].tolist()) for item, keep in zip(best, kept, strict=True))
    return [text.replace("|", " ").strip() for text in texts]


def plot_emission(emission: Tensor, labels: Sequence[str], waveform: Tensor, sample_rate: int) -> Axes:
    """Draw the probability of each label in each frame, below the waveform, and the letters that greedy decoding keeps.

    Args:
        emission: [frames, labels], natural logarithms of probabilities.
        labels: what each row is for, one character each; the blank comes first.
        waveform: [1, samples], float, that the emission belongs to.
        sample_rate: Hz.

    Returns:
        The Axes of the emission; the first frame begins at 0 seconds.

    Raises:
        WaveformError: not [frames, labels], another number of labels, no waveform, or no sample rate.

    Taught in 07_speech_recognition.
    """
    _check_emissions(emission[None] if isinstance(emission, Tensor) else emission, labels)
    above, ax = new_axes(2, row_height=3.0)
    ax.get_gridspec().set_height_ratios([1, 4])
    plot_waveform(waveform, sample_rate, ax=above)
    limit = float(waveform.abs().max())
    above.set(ylim=(-1.1 * limit, 1.1 * limit))
    seconds = waveform.shape[-1] / sample_rate
    image = draw_emission(ax, emission, labels, seconds)
    for start, label in kept_labels(emission, labels):
        ax.text((start + 0.5) * seconds / len(emission), -0.8, label, ha="center", va="bottom", fontsize="x-small")
    bar = ax.figure.colorbar(image, ax=[above, ax], format=PercentFormatter(1), aspect=40)
    bar.set_label("Probability", size="small")
    return ax


def draw_emission(ax: Axes, emission: Tensor, labels: Sequence[str], seconds: float):
    """Put an emission on an Axes as an image, one row for each label, the blank on top.

    Args:
        ax: where to draw.
        emission: [frames, labels], natural logarithms of probabilities.
        labels: what each row is for.
        seconds: how long all frames last together.

    Returns:
        The image.
    """
    extent = (0, seconds, len(labels) - 0.5, -0.5)
    image = ax.imshow(
        emission.exp().T.numpy(), aspect="auto", interpolation="nearest", cmap=COLOUR_MAP, vmin=0, vmax=1, extent=extent
    )
    names = [f"{NAMES[label]} {label}" if label in NAMES else label for label in labels]
    ax.set_yticks(range(len(labels)), labels=names, fontsize="x-small")
    ax.set(label="Emission", xlabel="Time in seconds", ylabel="Label", xlim=(0, seconds))
    return image


def kept_labels(emission: Tensor, labels: Sequence[str]) -> list[tuple[int, str]]:
    """The frames in which greedy decoding writes a label down, each with that label.

    Args:
        emission: [frames, labels], any scores that grow with the probability.
        labels: what each score is for; the blank comes first.

    Returns:
        Pairs of frame and label, word borders included.
    """
    best = emission.argmax(dim=-1).tolist()
    return [(i, labels[now]) for i, now in enumerate(best) if now != BLANK and (i == 0 or now != best[i - 1])]


def _check_emissions(emissions: Tensor, labels: Sequence[str]) -> None:
    if not isinstance(emissions, Tensor):
        remedy = "Take the pair apart: emissions, lengths = model(waveform)." if isinstance(emissions, tuple) else ""
        raise WaveformError(
            f"The emissions are of type {type(emissions).__name__}, not a torch.Tensor.",
            remedy or "Pass what the model returns first.",
        )
    if emissions.ndim != 3:
        raise WaveformError(
            f"The emissions have shape {list(emissions.shape)}; [batch, frames, labels] is expected.",
            "Add the batch axis with emissions.unsqueeze(0)."
            if emissions.ndim == 2
            else "Pass what the model returns.",
        )
    if emissions.shape[-1] != len(labels):
        raise WaveformError(
            f"The emissions score {emissions.shape[-1]} labels, and {len(labels)} are named.",
            "Take labels and emissions from the same bundle: bundle.get_labels().",
        )
