"""The equalizer explorer: eight bands to move, their response, and a recording before and after them."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.effects import measure_response
from course_utils.filters import apply_filter, design_biquad, designed_response
from course_utils.plots import to_db
from course_utils.widgets.captions import listed
from course_utils.widgets.explorer import Choice, Explorer, Slider
from course_utils.widgets.recordings import Recording, open_recordings

BANDS = (63, 125, 250, 500, 1000, 2000, 4000, 8000)
"""Hz, an octave apart."""

BAND_Q = 1.41
"""A peak about one octave wide."""

LOWEST = 40.0
"""Hz, where the pictures begin."""

RANGE_DB = 20.0
"""Of the response; neighbours of 12 dB add up to more than 12."""

FLOOR_DB = -70.0
"""Of the spectra."""

POINTS = 300
"""Of the curves, beside the middles of the bands."""

STRIPES = 800
"""Lines that draw a waveform."""


class Equalized(NamedTuple):
    """What the explorer draws."""

    waveform: Tensor
    """[channels, samples], after the equalizer; may exceed [-1, 1]."""
    frequencies: Tensor
    """Hz [points], evenly spaced to the ear."""
    designed: Tensor
    """dB [points], from the coefficients."""
    clicked: Tensor
    """Hz [dots], where the response to a click is shown."""
    measured: Tensor
    """dB [dots], from that click."""
    before: Tensor
    """dB [points], the recording's power in a third of an octave around each frequency; its loudest is 0."""
    after: Tensor
    """dB [points], likewise after the equalizer, with the same 0."""
    caption: str


def equalizer_explorer(recordings: str | Sequence[str] | Mapping[str, Recording] | None = None) -> Explorer:
    """Raise and lower eight bands of a recording, and hear and see what that does.

    Each band is one peak of `design_biquad` with q = 1.41, its result sent on to the next without clipping. Above the
    waveform stand, on the left, the response computed from the coefficients (line) and measured with a click (dots);
    on the right the spectrum of the recording before (thin) and after (thick). Bands that the recording's rate does
    not have are left out. Of a long recording, the first 5 seconds are used.

    Args:
        recordings: a name from `sample_names()` or several; or your own, {name: (waveform, sample_rate)},
            [channels, samples], float in [-1, 1], and Hz; all that the course has if None. The first comes first.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(hz_1000=6)` moves a control.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, or one of your own is no waveform with its rate.

    Taught in 12_effects.
    """
    names, beginning = open_recordings(recordings)

    @lru_cache(maxsize=4)
    def equalized(recording: str, gains: tuple[float, ...]) -> Equalized:
        waveform, rate, _ = beginning(recording)
        return equalize(waveform, rate, gains)

    def draw(figure: Figure, recording: str, **gains: float) -> str:
        waveform, rate, note = beginning(recording)
        shown = equalized(recording, tuple(gains.values()))
        if not figure.axes:
            _lay_out(figure)
        strip, response, spectrum = figure.axes
        _show_waveforms(strip, waveform, shown.waveform, rate)
        for axes in (response, spectrum):
            limits = (LOWEST, rate / 2)
            if axes.get_xlim() != limits:
                axes.set_xlim(limits)
        response.lines[1].set_data(shown.frequencies.numpy(), shown.designed.numpy())
        response.lines[2].set_data(shown.clicked.numpy(), shown.measured.numpy())
        for line, levels in zip(spectrum.lines, (shown.before, shown.after), strict=True):
            line.set_data(shown.frequencies.numpy(), levels.numpy())
        return shown.caption + note

    def sound(
        recording: str,
        hz_63: float,
        hz_125: float,
        hz_250: float,
        hz_500: float,
        hz_1000: float,
        hz_2000: float,
        hz_4000: float,
        hz_8000: float,
    ) -> tuple[Tensor, int]:
        gains = (hz_63, hz_125, hz_250, hz_500, hz_1000, hz_2000, hz_4000, hz_8000)
        return equalized(recording, gains).waveform, beginning(recording).sample_rate

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", names),
            *(Slider(f"hz_{band}", f"{band} Hz", range(-12, 13, 2), 0, "dB") for band in BANDS),
        ],
        label="Equalizer explorer",
        sound=sound,
        size=(8.0, 4.0),
    )


def equalizer_sections(sample_rate: int, gains_db: Sequence[float]) -> Tensor:
    """Design the bands of the explorer.

    Args:
        sample_rate: Hz.
        gains_db: one for each of `BANDS`, in dB; those of bands that the rate does not have are left out.

    Returns:
        Sections for `apply_filter`, [sections, 6]: one for each band that does anything, or one that changes nothing.
    """
    pairs = zip(BANDS, gains_db, strict=True)
    bands = [
        design_biquad("peak", sample_rate, band, gain_db=gain, q=BAND_Q)
        for band, gain in pairs
        if gain and band < sample_rate / 2
    ]
    return torch.stack(bands or [torch.tensor([1.0, 0, 0, 1, 0, 0], dtype=torch.float64)])


def equalize(waveform: Tensor, sample_rate: int, gains_db: Sequence[float]) -> Equalized:
    """Apply the bands of the explorer, and compute what it shows.

    Args:
        waveform: [channels, samples], float.
        sample_rate: Hz.
        gains_db: one for each of `BANDS`, in dB.

    Returns:
        The result, the curves and the caption.
    """
    sections = equalizer_sections(sample_rate, gains_db)
    result = apply_filter(waveform, sections)
    even = torch.logspace(math.log10(LOWEST), math.log10(0.999 * sample_rate / 2), POINTS, dtype=torch.float64)
    middles = torch.tensor([band for band in BANDS if band < sample_rate / 2], dtype=torch.float64)
    frequencies = torch.cat([even, middles]).sort().values
    designed = designed_response(sections, sample_rate, frequencies)
    every, heard = measure_response(lambda click: apply_filter(click, sections), sample_rate)
    places = torch.searchsorted(every, frequencies[::8].contiguous())
    clicked, measured = every[places], heard[places]
    before, after = (_power_around(frequencies, part, sample_rate) for part in (waveform, result))
    loudest = float(before.max()) or None
    return Equalized(
        waveform=result,
        frequencies=frequencies,
        designed=designed,
        clicked=clicked,
        measured=measured,
        before=to_db(before, reference=loudest, floor_db=FLOOR_DB),
        after=to_db(after, reference=loudest, floor_db=FLOOR_DB),
        caption=_response_words(frequencies, designed)
        + _peak_words(waveform, result)
        + _missing_words(sample_rate, gains_db),
    )


def _power_around(frequencies: Tensor, waveform: Tensor, sample_rate: int) -> Tensor:
    """The power in a third of an octave around each frequency, or in the nearest bin where there is no room for two."""
    spectrum = torch.fft.rfft(waveform.double()).abs().square().sum(dim=0)
    sums = torch.nn.functional.pad(spectrum.cumsum(0), (1, 0))
    width = sample_rate / waveform.shape[1]
    low, high = (((frequencies * 2 ** (side / 6) / width).round().long()) for side in (-1, 1))
    low, high = low.clamp(max=len(spectrum) - 1), high.clamp(max=len(spectrum))
    high = torch.maximum(high, low + 1)
    return (sums[high] - sums[low]).clamp(min=0)


def _response_words(frequencies: Tensor, designed: Tensor) -> str:
    if not designed.abs().max() > 0.05:
        return "Every band at 0 dB: nothing changes. "
    words = []
    for name, place in (("highest", int(designed.argmax())), ("lowest", int(designed.argmin()))):
        level = _signed(float(designed[place]))
        if level != "0.0":
            words.append(f"{name} {level} dB near {_round_frequency(float(frequencies[place]))} Hz")
    return f"Response: {listed(words)}. "


def _peak_words(before: Tensor, after: Tensor) -> str:
    clipped = int((after.abs() > 1).sum())
    words = f"Peak {before.abs().max():.2f} before, {after.abs().max():.2f} after"
    return f"{words}: {clipped} {'sample clips' if clipped == 1 else 'samples clip'}." if clipped else f"{words}."


def _missing_words(sample_rate: int, gains_db: Sequence[float]) -> str:
    missing = [band for band, gain in zip(BANDS, gains_db, strict=True) if gain and band >= sample_rate / 2]
    if not missing:
        return ""
    bands = f"the band{'s' * (len(missing) > 1)} at {listed(missing)} Hz {'do' if len(missing) > 1 else 'does'} nothing"
    return f" The recording holds only what lies below {sample_rate / 2:g} Hz: {bands}."


def _signed(level: float) -> str:
    text = f"{level:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0.0" if text[1:] == "0.0" else text


def _round_frequency(frequency: float) -> str:
    digits = 2 if frequency < 1000 else 3
    return f"{float(f'{frequency:.{digits}g}'):g}"


def _lay_out(figure: Figure) -> None:
    """Next to the bands, the response on the left and the spectra on the right; the waveforms below."""
    figure.set_layout_engine("none")
    strip = figure.add_axes((0.085, 0.125, 0.895, 0.2))
    for edge in (-1, 1):
        strip.axhline(edge, color="0.5", linestyle="--", linewidth=1)
    for colour, width in (("tab:blue", 0.9), ("0.55", 0.9), ("tab:red", 1.2)):
        strip.plot([], [], color=colour, linewidth=width, animated=True)
    strip.set(xlabel="Time in seconds; grey before, blue after, red clips", ylabel="Amplitude")
    response, spectrum = figure.add_axes((0.085, 0.485, 0.4, 0.5)), figure.add_axes((0.58, 0.485, 0.4, 0.5))
    response.axhline(0, color="0.5", linestyle="--", linewidth=1)
    response.plot([], [], color="tab:blue", animated=True)
    response.plot([], [], "o", color="tab:orange", markersize=4, animated=True)
    response.set(ylim=(-RANGE_DB, RANGE_DB), yticks=range(-18, 19, 6), ylabel="Response in dB")
    spectrum.plot([], [], color="0.55", linewidth=1.2, animated=True)
    spectrum.plot([], [], color="tab:blue", linewidth=2, animated=True)
    spectrum.set(ylim=(FLOOR_DB, RANGE_DB), ylabel="Power in dB")
    for axes, words in ((response, "line designed, dots measured"), (spectrum, "grey before, blue after")):
        axes.set_xscale("log")
        axes.set_xticks(BANDS, labels=[f"{band:g}" if band < 1000 else f"{band / 1000:g}k" for band in BANDS])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(f"Frequency in Hz; {words}")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)


def _show_waveforms(strip: Axes, before: Tensor, after: Tensor, rate: int) -> None:
    seconds = before.shape[1] / rate
    limit = 2.0 ** max(0, math.ceil(math.log2(float(after.abs().max()) or 1)))  # in steps: new axes take time
    limits = {"xlim": (0, seconds), "ylim": (-1.1 * limit, 1.1 * limit)}
    if (strip.get_xlim(), strip.get_ylim()) != tuple(limits.values()):
        strip.set(**limits)
    for line, waveform in zip(strip.lines[2:], (after, before), strict=False):
        line.set_data(*_outline(waveform, seconds))
    clips = (after.abs() > 1).any(dim=0).nonzero().flatten()
    places = (clips * STRIPES // after.shape[1]).unique()
    middle = (places + 0.5) / STRIPES * seconds
    gaps = torch.full_like(middle, torch.nan)
    strip.lines[4].set_data(
        torch.stack([middle, middle, gaps], dim=1).flatten().numpy(),
        torch.tensor([0.94 * limit, 1.1 * limit, torch.nan]).repeat(len(places)).numpy(),
    )


def _outline(waveform: Tensor, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest of each stretch, all channels together, as one line."""
    samples = waveform.shape[1]
    length = -(-samples // STRIPES)
    padded = torch.nn.functional.pad(waveform, (0, -samples % length), mode="constant")
    stretches = padded.unflatten(1, (-1, length)).transpose(0, 1).flatten(1)
    edges = torch.stack([stretches.amin(dim=1), stretches.amax(dim=1)], dim=1).flatten()
    times = (torch.arange(len(stretches)) + 0.5) * length * seconds / samples
    return times.repeat_interleave(2).numpy(), edges.numpy()
