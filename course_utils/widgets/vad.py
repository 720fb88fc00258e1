"""The voice activity explorer: thresholds, shortest times and padding moved, segments and their score followed."""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.errors import WaveformError
from course_utils.scenes import Scene, speech_scene
from course_utils.segments import Agreement, Segment, compare_segments
from course_utils.voice_activity import (
    LEVEL_FRAME,
    SILERO_FRAME,
    level_scores,
    segments_from_scores,
    speech_probabilities,
)
from course_utils.widgets.captions import milliseconds
from course_utils.widgets.explorer import Choice, Explorer, Slider

FULL_LEVEL_DB = 40.0
"""dB above the noise floor that count as a score of 1."""

LEVEL, NETWORK = "level", "Silero VAD"

COLUMNS = 800
"""Of the waveform's outline, at most."""

ROWS = {"marked": 1.65, "found": 1.28}
"""Above the waveform, in shares of its peak."""

SCENES: dict[str, Callable[[], Scene]] = {
    "a quiet room": speech_scene,
    "running water, 10 dB": lambda: speech_scene("water", 10),
    "running water, 0 dB": lambda: speech_scene("water", 0),
    "rain, 5 dB": lambda: speech_scene("ambience", 5),
    "drums, 5 dB": lambda: speech_scene("drum_loop", 5),
}


class Scores(NamedTuple):
    """What a detector says of a scene."""

    values: Tensor
    """[frames], 0 to 1."""
    frame_seconds: float


def vad_explorer(scenes: Mapping[str, Scene] | None = None) -> Explorer:
    """Move what makes segments of scores, and see what is found, what is missed and what is invented.

    The scores are those of `level_scores`, 1 for 40 dB above the noise floor or more, or of `speech_probabilities`; the
    segments are those of `segments_from_scores`, judged by `compare_segments`. What is heard is the scene with all that
    is not kept muted.

    Args:
        scenes: name -> scene, the first to start with; the course's own, in a quiet room, water, rain and beside drums,
            if None.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(on=0.5)` moves a control.

    Raises:
        WaveformError: no scenes, or the first is one that the detectors refuse.

    Taught in 13_silence_and_noise.
    """
    made = SCENES if scenes is None else {name: lambda scene=scene: scene for name, scene in scenes.items()}
    if not made:
        raise WaveformError("There are no scenes to show.", "Pass one, or leave the argument out to get all.")
    scene_of = lru_cache(lambda name: made[name]())

    @lru_cache
    def scores_of(name: str, detector: str) -> Scores:
        return scores(scene_of(name), detector)

    def find(recording: str, detector: str, on: float, off: float, times: tuple[float, float, float]) -> list[Segment]:
        scene, values = scene_of(recording), scores_of(recording, detector)
        seconds = scene.waveform.shape[1] / scene.sample_rate
        return segments_from_scores(values.values, values.frame_seconds, on, off, *times, seconds=seconds)

    def draw(
        figure: Figure,
        recording: str,
        detector: str,
        on: float,
        off: float,
        min_speech: float,
        min_silence: float,
        pad: float,
    ) -> str:
        scene = scene_of(recording)
        found = find(recording, detector, on, off, (min_speech, min_silence, pad))
        wave, below = _panels(figure)
        _show_scene(wave, scene, found)
        _show_scores(below, scores_of(recording, detector), on, off, wave.get_xlim())
        return _caption(found, compare_segments(found, scene.marked), scene)

    def sound(
        recording: str, detector: str, on: float, off: float, min_speech: float, min_silence: float, pad: float
    ) -> tuple[Tensor, int]:
        scene = scene_of(recording)
        found = find(recording, detector, on, off, (min_speech, min_silence, pad))
        return kept_in_place(scene.waveform, scene.sample_rate, found), scene.sample_rate

    thresholds = [step / 20 for step in range(1, 20)]
    times = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1]
    return Explorer(
        draw,
        [
            Choice("recording", "Recording", list(made)),
            Choice("detector", "Score", [LEVEL, NETWORK]),
            Slider("on", "Threshold to start (on)", thresholds, 0.25),
            Slider("off", "Threshold to go on (off)", thresholds, 0.25),
            Slider("min_speech", "Shortest speech (min_speech)", times, 0, "s"),
            Slider("min_silence", "Shortest pause (min_silence)", times, 0, "s"),
            Slider("pad", "Padding (pad)", times, 0, "s"),
        ],
        label="Voice activity explorer",
        sound=sound,
        size=(8.0, 4.4),
    )


def scores(scene: Scene, detector: str) -> Scores:
    """The scores of a detector, from 0 to 1.

    Args:
        scene: its waveform is scored.
        detector: LEVEL or NETWORK.

    Returns:
        One value for each frame, and how long a frame is.
    """
    if detector == NETWORK:
        return Scores(speech_probabilities(scene.waveform, scene.sample_rate), SILERO_FRAME)
    levels = level_scores(scene.waveform, scene.sample_rate)
    return Scores((levels / FULL_LEVEL_DB).clamp(max=1), LEVEL_FRAME)


def kept_in_place(waveform: Tensor, sample_rate: int, segments: list[Segment]) -> Tensor:
    """A waveform with all that lies outside the segments muted.

    Args:
        waveform: [channels, samples].
        sample_rate: Hz.
        segments: what is kept.

    Returns:
        Same shape.
    """
    kept = torch.zeros_like(waveform)
    for segment in segments:
        part = slice(round(segment.start * sample_rate), round(segment.end * sample_rate))
        kept[:, part] = waveform[:, part]
    return kept


def _panels(figure: Figure) -> tuple[Axes, Axes]:
    """The two Axes, made once and laid out by hand; what moves is animated, so that nothing else is drawn again."""
    if figure.axes:
        return figure.axes[0], figure.axes[1]
    figure.set_layout_engine("none")
    wave, below = figure.add_axes((0.115, 0.47, 0.865, 0.5)), figure.add_axes((0.115, 0.12, 0.865, 0.3))
    wave.add_collection(LineCollection([], colors="tab:blue", linewidths=0.8, gid="waveform", animated=True))
    for name, colour in zip(ROWS, ("tab:green", "tab:orange"), strict=True):
        wave.add_collection(LineCollection([], colors=colour, linewidths=9, gid=name, animated=True))
    wave.tick_params(labelbottom=False)
    wave.set(ylabel="Amplitude")
    below.plot([], [], color="tab:blue", linewidth=0.8, gid="score", animated=True)
    for name, style in (("on", "-"), ("off", "--")):
        below.axhline(0.5, color="tab:red", linestyle=style, linewidth=1, gid=name, animated=True)
    below.set(ylim=(0, 1.02), xlabel="Time in seconds", ylabel="Score: on \N{EM DASH}, off - -")
    return wave, below


def _show_scene(axes: Axes, scene: Scene, found: list[Segment]) -> None:
    mono = scene.waveform.mean(dim=0)
    seconds, peak = len(mono) / scene.sample_rate, float(mono.abs().max())
    heights = [peak * height for height in ROWS.values()]
    limits = (0, seconds), (-1.1 * peak, 1.9 * peak)
    if (axes.get_xlim(), axes.get_ylim()) != limits:
        axes.set(xlim=limits[0], ylim=limits[1])
        axes.set_yticks([-peak, 0, peak, *heights], [f"{-peak:.1g}", "0", f"{peak:.1g}", *ROWS])
    count = min(COLUMNS, len(mono))
    columns = mono[: len(mono) // count * count].reshape(count, -1)
    times = np.linspace(0, seconds, count)
    outline = np.stack([times, columns.amin(dim=1), times, columns.amax(dim=1)], axis=1).reshape(-1, 2, 2)
    waveform, *rows = axes.collections
    waveform.set_segments(outline)
    for row, segments, height in zip(rows, (scene.marked, found), heights, strict=True):
        row.set_segments([[(segment.start, height), (segment.end, height)] for segment in segments])


def _show_scores(axes: Axes, shown: Scores, on: float, off: float, xlim: tuple[float, float]) -> None:
    if axes.get_xlim() != xlim:
        axes.set_xlim(xlim)
    score, *thresholds = axes.lines
    score.set_data((np.arange(len(shown.values)) + 0.5) * shown.frame_seconds, shown.values)
    for line, value in zip(thresholds, (on, off), strict=True):
        line.set_ydata([value, value])


def _caption(found: list[Segment], agreement: Agreement, scene: Scene) -> str:
    seconds = scene.waveform.shape[1] / scene.sample_rate
    if not found:
        return f"Nothing is found in {seconds:.1f} s. Recall 0 %."
    kept = sum(segment.seconds for segment in found)
    several = "1 segment" if len(found) == 1 else f"{len(found)} segments"
    caption = (
        f"{several}, {kept:.1f} s of {seconds:.1f} s. Precision {100 * agreement.precision:.0f} %, "
        f"recall {100 * agreement.recall:.0f} %, {agreement.missed} of {len(scene.marked)} missed, "
        f"{agreement.invented} invented."
    )
    if not math.isnan(agreement.boundary_error):
        caption += f" Edges off by {milliseconds(agreement.boundary_error)} on average."
    return caption
