"""A map of recordings: each is a point, similar ones lie close, and the one under the pointer can be heard."""

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import CourseError
from course_utils.players import player_html, wav_bytes

_HERE = Path(__file__).parent

STYLES = (
    ("o", "#56b4e9"),
    ("s", "#e69f00"),
    ("^", "#5fd0a5"),
    ("D", "#e78ac3"),
    ("p", "#f0e442"),
    ("v", "#ff9e70"),
)
"""Shape (as matplotlib calls it) and colour of each class; a black letter can be read on every one."""


class ClipMap(anywidget.AnyWidget):
    """Recordings as points on a map. A click plays the recording; a menu shows them as another map has them.

    The pointer, or the focus of the keyboard, shows a point's name and marks those with the same letter; the arrow
    keys go to the nearest point on that side, Enter plays it.

    Args:
        waveforms: one for each clip, [channels, samples] or [samples], float, one or two channels; clipped at [-1, 1].
        sample_rate: Hz, of all.
        places: for each map by name [clips, 2], float: where each clip lies, to the right and upwards, in any unit.
        names: what each clip is called.
        classes: the class of each clip, at most six different ones; shown as shape and colour.
        letters: a letter for each point, such as the first of a word; none if None.
        label: name of the whole for screen readers.

    Raises:
        CourseError: lists of different lengths, places that are not finite numbers [clips, 2], or too many classes.
        WaveformError: not a waveform, or no sample rate.
    """

    _esm = _HERE / "clip_map.js"
    _css = _HERE / "clip_map.css"

    _face = traitlets.Dict().tag(sync=True)
    """What never changes: label, maps, points and legend."""
    _sounds = traitlets.List(traitlets.Bytes()).tag(sync=True)

    def __init__(
        self,
        waveforms: Sequence[Tensor],
        sample_rate: int,
        places: Mapping[str, Tensor],
        names: Sequence[str],
        classes: Sequence[str],
        letters: Sequence[str] | None = None,
        label: str = "Map of recordings",
    ):
        letters = [""] * len(names) if letters is None else letters
        kinds = list(dict.fromkeys(classes))
        _check(len(waveforms), places, names, classes, letters, kinds)
        sample_rate = check_sample_rate(sample_rate)
        self._waveforms = [check_waveform(waveform, allow_1d=True) for waveform in waveforms]
        self._sample_rate = sample_rate
        points = [
            {"name": name, "kind": kinds.index(kind), "letter": letter}
            for name, kind, letter in zip(names, classes, letters, strict=True)
        ]
        maps = [{"name": name, "places": fit(place)} for name, place in places.items()]
        legend = [{"name": kind, "shape": STYLES[n][0], "colour": STYLES[n][1]} for n, kind in enumerate(kinds)]
        super().__init__(
            _face={"label": label, "maps": maps, "points": points, "legend": legend},
            _sounds=[wav_bytes(waveform, sample_rate) for waveform in self._waveforms],
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The widget, and what is shown where widgets are not: the first map, and a clip of each class to play."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        face = self._face
        data["text/plain"] = f"{face['label']}: {len(face['points'])} clips, {len(face['legend'])} classes"
        alternative = html.escape(f"{face['label']}: {face['maps'][0]['name']}")
        first = {}
        for point, waveform in zip(face["points"], self._waveforms, strict=True):
            first.setdefault(face["legend"][point["kind"]]["name"], (point["name"], waveform))
        players = player_html(dict(first.values()), self._sample_rate)
        data["text/html"] = f'<img alt="{alternative}" src="data:image/png;base64,{_picture(face)}">{players}'
        if os.environ.get("COURSE_STATIC"):
            del data["application/vnd.jupyter.widget-view+json"]
        return data, metadata


def fit(places: Tensor) -> list[list[float]]:
    """Places in any unit, moved and scaled to 0 to 1; both directions by the same factor, so that distances hold.

    Args:
        places: [clips, 2], float, finite.

    Returns:
        For each clip [to the right, upwards]; the middle of the map at 0.5, the longer side from 0 to 1.
    """
    places = places.detach().cpu().double()
    low, high = places.amin(dim=0), places.amax(dim=0)
    widest = float((high - low).max()) or 1.0
    return ((places - (low + high) / 2) / widest + 0.5).tolist()


def _check(
    count: int,
    places: Mapping[str, Tensor],
    names: Sequence[str],
    classes: Sequence[str],
    letters: Sequence[str],
    kinds: Sequence[str],
) -> None:
    if not count or not places:
        raise CourseError("There is nothing to show.", 'Pass clips, and at least one map: {"layer 1": places}.')
    if not len(names) == len(classes) == len(letters) == count:
        counts = f"{count} waveforms, {len(names)} names, {len(classes)} classes and {len(letters)} letters"
        raise CourseError(f"There are {counts}.", "Pass one of each for every clip.")
    for name, place in places.items():
        if list(place.shape) != [count, 2] or not torch.isfinite(place).all():
            problem = f"The map {name!r} has shape {list(place.shape)}, or values that are no numbers."
            raise CourseError(problem, f"Pass finite places [{count}, 2], two numbers for each clip.")
    if len(kinds) > len(STYLES):
        problem = f"There are {len(kinds)} classes; shape and colour tell {len(STYLES)} apart."
        raise CourseError(problem, "Show fewer, or give the rest as letters.")


def _picture(face: dict) -> str:
    """The first map as PNG in base64."""
    figure = Figure(figsize=(8.0, 5.5), dpi=100, layout="constrained")
    ax = figure.subplots()
    places = face["maps"][0]["places"]
    for kind, style in enumerate(face["legend"]):
        mine = [n for n, point in enumerate(face["points"]) if point["kind"] == kind]
        across, up = zip(*(places[n] for n in mine), strict=True)
        ax.scatter(
            across, up, s=130, marker=style["shape"], color=style["colour"], edgecolor="0.2", label=style["name"]
        )
        for n in mine:
            ax.text(*places[n], face["points"][n]["letter"], ha="center", va="center", fontsize=8)
    ax.set(title=face["maps"][0]["name"], xticks=[], yticks=[], aspect="equal")
    ax.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode()
