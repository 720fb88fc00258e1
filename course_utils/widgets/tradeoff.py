"""The trade-off explorer: two tones, two clicks, and one window that has to separate both pairs."""

from functools import lru_cache
from math import ceil, log2
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torchaudio.functional import fftconvolve
from torchaudio.transforms import Fade

from course_utils.plots import to_db
from course_utils.samples import clicks
from course_utils.widgets.captions import milliseconds
from course_utils.widgets.explorer import Choice, Explorer, Slider

SAMPLE_RATE = 16000

LOWER_TONE = 440
"""Hz."""

SECONDS = 3.0
TONES = (0.1, 1.4)
"""From when to when both tones are heard, in seconds: longer than the longest window and the fades."""

CLICKS_AT = 2.2
"""Between the two clicks, in seconds: no window around them reaches back to the tones."""

WINDOWS = {
    "rectangular": torch.ones,
    "Hann": torch.hann_window,
    "Hamming": torch.hamming_window,
    "Blackman": torch.blackman_window,
}

SEPARATED_DB = 3.0
"""A pair counts as separated if the level between the two falls to half the power of the weaker one, or less."""

FLOOR_DB = -60.0

CROWD = 60
"""Dots as many as these would hide the curve, so that they become smaller."""

POINTS_PER_DISTANCE = 50
"""How finely the curve of the tones is computed, at least."""


class Tradeoff(NamedTuple):
    """What one window makes of two tones and of two clicks."""

    frequencies: Tensor
    """Hz [points]: around the tones."""
    tone_levels: Tensor
    """dB [points], relative to the loudest."""
    bins: Tensor
    """Hz [bins]: where around the tones an STFT of this window has its bins."""
    bin_levels: Tensor
    """dB [bins]."""
    times: Tensor
    """Milliseconds [samples] from the middle between the clicks."""
    click_levels: Tensor
    """dB [samples], relative to the loudest: all power in the window around each moment."""
    tone_dip: float
    """dB between the weaker tone and the lowest level between the two; 0 if there is no dip."""
    click_dip: float
    """The same for the clicks."""
    caption: str


def tradeoff_explorer() -> Explorer:
    """Show what one window makes of two tones and of two clicks: no window separates both pairs if both are close.

    On the left stands the spectrum in the middle of the tones, on the right the power around the clicks. A pair is
    separated if the level falls by `SEPARATED_DB` or more between its two. The window is as long as the transform
    (win_length = n_fft), and everything is computed sample by sample, so that no hop decides.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(n_fft=256)` moves a control.

    Taught in 03_spectrograms.
    """

    def draw(figure: Figure, n_fft: int, window: str, tone_distance: float, click_distance: float) -> str:
        shown = tradeoff_data(n_fft, window, tone_distance, click_distance)
        if not figure.axes:
            _lay_out(figure)
        strip, tones, pair = figure.axes
        _show_sound(strip, n_fft, tone_distance, click_distance)
        marks = (LOWER_TONE, LOWER_TONE + tone_distance)
        _show_curve(tones, shown.frequencies, shown.tone_levels, marks, _verdict("tones", shown.tone_dip))
        tones.lines[3].set_data(shown.bins.numpy(), shown.bin_levels.numpy())
        tones.lines[3].set_markersize(4 if len(shown.bins) < CROWD else 1)
        marks = (-click_distance / 2, click_distance / 2)
        _show_curve(pair, shown.times, shown.click_levels, marks, _verdict("clicks", shown.click_dip))
        return shown.caption

    return Explorer(
        draw,
        [
            Slider("n_fft", "Window (n_fft)", [2**power for power in range(5, 15)], 1024, "samples"),
            Choice("window", "Shape of the window", list(WINDOWS), "Hann"),
            Slider("tone_distance", "Distance of the tones", [2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100], 10, "Hz"),
            Slider("click_distance", "Distance of the clicks", [1, 2, 3, 5, 8, 12, 20, 30, 50], 8, "ms"),
        ],
        label="Trade-off explorer: two tones, two clicks",
        sound=two_tones_two_clicks,
        size=(8.0, 4.2),
    )


def tradeoff_data(n_fft: int, window: str, tone_distance: float, click_distance: float) -> Tradeoff:
    """Compute the two curves of the explorer, and say whether they separate the tones and the clicks.

    Args:
        n_fft: length of the window in samples, even, at most 16384.
        window: one of `WINDOWS`.
        tone_distance: Hz.
        click_distance: milliseconds, at most 50.

    Returns:
        The curves, the dips in dB and the caption.
    """
    signal = two_tones_two_clicks(tone_distance, click_distance)[0][0].double()
    shape = WINDOWS[window](n_fft, dtype=torch.float64)
    frequencies, tone_levels, is_bin, tone_dip = _around_the_tones(signal, shape, tone_distance)
    times, click_levels, click_dip = _around_the_clicks(signal, shape, click_distance)
    return Tradeoff(
        frequencies=frequencies,
        tone_levels=tone_levels,
        bins=frequencies[is_bin],
        bin_levels=tone_levels[is_bin],
        times=times,
        click_levels=click_levels,
        tone_dip=tone_dip,
        click_dip=click_dip,
        caption=f"Window {milliseconds(n_fft / SAMPLE_RATE)}, bins {SAMPLE_RATE / n_fft:.3g} Hz apart. "
        f"{_verdict('tones', tone_dip)}. {_verdict('clicks', click_dip)}.",
    )


def _around_the_tones(signal: Tensor, window: Tensor, distance: float) -> tuple[Tensor, Tensor, Tensor, float]:
    """Frequencies in Hz, levels in dB, which of them are bins, and the dip in dB."""
    n_fft = len(window)
    middle = round(sum(TONES) / 2 * SAMPLE_RATE)
    seen = signal[middle - n_fft // 2 : middle + n_fft // 2] * window
    # Filled up with zeros the transform has more points, on the same curve: the bins do not decide.
    finer = max(8, 2 ** ceil(log2(POINTS_PER_DISTANCE / distance * SAMPLE_RATE / n_fft)))
    power = torch.fft.rfft(seen, finer * n_fft).abs() ** 2
    step = SAMPLE_RATE / (finer * n_fft)
    start, first, second, end = (round((LOWER_TONE + times * distance) / step) for times in (-3, 0, 1, 4))
    places = torch.arange(start, end + 1)
    levels = to_db(power[places], floor_db=FLOOR_DB)
    return places * step, levels, places % finer == 0, dip_db(levels, first - start, second - start)


def _around_the_clicks(signal: Tensor, window: Tensor, distance: float) -> tuple[Tensor, Tensor, float]:
    """Times in milliseconds from the middle, levels in dB, and the dip in dB."""
    middle = round(CLICKS_AT * SAMPLE_RATE)
    half, reach = (round(times * distance / 1000 * SAMPLE_RATE) for times in (0.5, 3.5))
    seen = signal[middle - reach - len(window) // 2 : middle + reach + len(window) // 2]
    # All power in a window is the sum over its squares (Parseval), so that one convolution gives it for every moment.
    power = fftconvolve(seen**2, window.flip(0) ** 2, mode="valid").clamp(min=0)
    levels = to_db(power, floor_db=FLOOR_DB)
    times = torch.arange(-reach, reach + 1) * (1000 / SAMPLE_RATE)
    return times, levels, dip_db(levels, reach - half, reach + half)


def dip_db(levels: Tensor, first: int, second: int) -> float:
    """How far the level falls between two places, counted from the lower of the two.

    Args:
        levels: dB [points].
        first: index of one place.
        second: index of the other, after it.

    Returns:
        dB, 0 or more; 0 if no point between them is lower than both.
    """
    between = levels[first : second + 1]
    return float(torch.minimum(between[0], between[-1]) - between.min())


@lru_cache
def two_tones_two_clicks(tone_distance: float, click_distance: float) -> tuple[Tensor, int]:
    """Make the sound of the explorer.

    In the middle of the tones the one is a quarter of a cycle behind the other: their powers add up there as they do
    on average. At the beat's loudest moment they would be harder to tell apart, at its quietest easier.

    Args:
        tone_distance: Hz, of the second tone above `LOWER_TONE`.
        click_distance: milliseconds from one click to the other, around `CLICKS_AT`.

    Returns:
        [1, 48000], float32 in [-1, 1], and 16000 Hz.
    """
    start, end = (round(edge * SAMPLE_RATE) for edge in TONES)
    time = torch.arange(start, end, dtype=torch.float64) / SAMPLE_RATE - sum(TONES) / 2
    lower, upper = (2 * torch.pi * tone * time for tone in (LOWER_TONE, LOWER_TONE + tone_distance))
    half = round(click_distance / 2000 * SAMPLE_RATE) / SAMPLE_RATE
    waveform = clicks([CLICKS_AT - half, CLICKS_AT + half], SECONDS, SAMPLE_RATE, amplitude=0.8)
    waveform[0, start:end] = Fade(800, 800, "half_sine")(0.25 * (torch.sin(lower) + torch.cos(upper)).float())
    return waveform, SAMPLE_RATE


def _verdict(pair: str, dip: float) -> str:
    amount = f"{-FLOOR_DB:g} dB or more" if dip >= -FLOOR_DB - 0.05 else f"{dip:.1f} dB"
    if dip >= SEPARATED_DB:
        return f"The {pair} are two (dip {amount})"
    return f"The {pair} are one hump ({f'dip {amount}' if dip >= 0.05 else 'no dip'})"


def _lay_out(figure: Figure) -> None:
    """Above, the whole sound with one window on the tones and one on the clicks; below, what these two show."""
    figure.set_layout_engine("none")
    strip = figure.add_axes((0.09, 0.85, 0.885, 0.13))
    strip.plot([], [], color="tab:blue", linewidth=0.8, animated=True)
    for _ in range(2):
        strip.axvspan(0, 1, color="tab:orange", alpha=0.5, linewidth=0, animated=True)
    strip.set(xlim=(0, SECONDS), ylim=(-1, 1), yticks=[], xlabel="Time in seconds; the bars are the window")
    tones, pair = figure.add_axes((0.09, 0.115, 0.425, 0.53)), figure.add_axes((0.575, 0.115, 0.4, 0.53))
    tones.set(xlabel="Frequency in Hz; the dots are the bins", ylabel="Level in dB")
    pair.set(xlabel="Time from the middle of the clicks in ms")
    for axes in (tones, pair):
        axes.set_ylim(FLOOR_DB, 5)
        for _ in range(2):
            axes.axvline(0, color="0.5", linestyle="--", linewidth=1)
        axes.plot([], [], color="tab:blue", animated=True)
        axes.text(0.5, 1.04, "", transform=axes.transAxes, ha="center", animated=True)
    tones.plot([], [], "o", color="tab:orange", markersize=4, animated=True)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)


def _show_sound(strip: Axes, n_fft: int, tone_distance: float, click_distance: float) -> None:
    waveform, _ = two_tones_two_clicks(tone_distance, click_distance)
    stretches = waveform.unflatten(1, (-1, 60))[0]
    edges = torch.stack([stretches.amin(dim=1), stretches.amax(dim=1)], dim=1).flatten()
    strip.lines[0].set_data(np.linspace(0, SECONDS, len(edges)), edges.numpy())
    seconds = n_fft / SAMPLE_RATE
    for span, middle in zip(strip.patches, (sum(TONES) / 2, CLICKS_AT), strict=True):
        span.set(x=middle - seconds / 2, width=seconds)


def _show_curve(axes: Axes, places: Tensor, levels: Tensor, marks: tuple[float, float], verdict: str) -> None:
    *lines, curve = axes.lines[:3]
    curve.set_data(places.numpy(), levels.numpy())
    axes.texts[0].set_text(verdict)
    distance = marks[1] - marks[0]
    limits = marks[0] - 3 * distance, marks[1] + 3 * distance
    if axes.get_xlim() != limits:
        axes.set_xlim(limits)
        for line, mark in zip(lines, marks, strict=True):
            line.set_xdata([mark, mark])
