"""Pictures of sound with real axes: seconds, Hz, and dB with a floor.

Each function draws on `ax`, or on a new figure (see `course_utils.figures`), and returns the Axes, so that you can go
on: `plot_waveform(waveform, sample_rate).set_xlim(0.5, 0.6)`.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from torch import Tensor

from course_utils.checks import check_positive_integer, check_sample_rate, check_waveform
from course_utils.errors import WaveformError
from course_utils.figures import new_axes

COLOUR_MAP = "magma"
"""Perceptually uniform, safe for colour-blind readers, dark where it is silent."""

FULL_SCALE = 1 - 2**-15
"""The largest positive value of a 16-bit sample."""

EXACT_SAMPLES = 1_000_000
"""Up to here every sample is drawn (a minute at 16 kHz)."""

OUTLINE_STRETCHES = 5_000
"""Stretches of a longer waveform, several to a pixel."""

DOTTED_SAMPLES = 150
"""Up to here there is room for a dot on each sample."""

MEL_TICKS = (100, 500, 1000, 2000, 4000, 8000, 16000)


def plot_waveform(waveform: Tensor, sample_rate: int, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw amplitude over time, several channels below each other.

    The amplitude axis spans at least [-1, 1], so that a quiet recording looks quiet. Samples at or beyond full scale
    are marked and counted. Of more than `EXACT_SAMPLES` samples only the lowest and the highest of each short stretch
    are drawn: no peak is lost.

    Args:
        waveform: [channels, samples] or [samples], float, any range.
        sample_rate: Hz.
        ax: where to draw; a new figure if None.
        title: above the picture.

    Returns:
        The Axes; the first sample lies at 0 seconds.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), or no sample rate.

    Taught in 00_start_here.
    """
    values = check_waveform(waveform, allow_1d=True).detach().cpu().float().numpy()
    sample_rate = check_sample_rate(sample_rate)
    channels, samples = values.shape
    if ax is None:
        [ax] = new_axes(row_height=2.4 if channels == 1 else 1.7 * channels)

    limit = max(1.0, float(np.abs(values).max()))
    bases = [-2.5 * limit * channel for channel in range(channels)]
    for base, amplitudes in zip(bases, values, strict=True):
        positions = _positions_to_draw(amplitudes)
        times, drawn = positions / sample_rate, amplitudes[positions]
        for full_scale in (base - 1, base + 1):
            ax.axhline(full_scale, color="0.6", linewidth=0.8)
        ax.plot(times, base + drawn, color="tab:blue", linewidth=0.8, marker="." if samples <= DOTTED_SAMPLES else None)
        hot = np.abs(drawn) >= FULL_SCALE
        ax.plot(times[hot], base + drawn[hot], ".", color="tab:red", markersize=4, gid="at full scale")

    if count := int((np.abs(values) >= FULL_SCALE).sum()):
        noun = "sample" if count == 1 else "samples"
        ax.legend([ax.lines[-1]], [f"{count} {noun} at or beyond full scale"], loc="upper right")
    if channels > 1:
        _label_channels(ax, bases)
    ax.set(xlim=(0, samples / sample_rate), ylim=(bases[-1] - 1.05 * limit, 1.05 * limit))
    ax.set(label="Waveform", ylabel="Amplitude", title=title)
    _label_time(ax)
    return ax


def to_db(power: Tensor, *, reference: float | None = None, floor_db: float = -80.0) -> Tensor:
    """Convert power to dB, never below a floor: 10 log10(power / reference).

    Args:
        power: any shape, float, 0 or greater.
        reference: the power that counts as 0 dB; the greatest of `power` if None.
        floor_db: dB, negative; whatever is weaker, silence included, gets this value.

    Returns:
        dB, same shape and dtype; silence gives the floor everywhere.

    Raises:
        WaveformError: complex, negative (dB already?), infinite or no values; a reference or a floor without meaning.

    Taught in 02_seeing_sound.
    """
    _check_power(power)
    if floor_db >= 0:
        raise WaveformError(f"A floor of {floor_db:g} dB hides everything.", "Pass a negative one, like floor_db=-80.")
    if reference is None:
        reference = float(power.detach().max())
        if reference == 0:
            return torch.full_like(power, floor_db)
    if reference <= 0:
        raise WaveformError(
            f"The reference is {reference:g}; nothing has a ratio to it.",
            "Pass a positive power, or None for the loudest point.",
        )
    return (10 * torch.log10(power / reference)).clamp(min=floor_db)


def plot_spectrogram(
    spectrogram: Tensor,
    sample_rate: int,
    hop_length: int | None = None,
    *,
    f_max: float | None = None,
    floor_db: float = -80.0,
    reference: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a power spectrogram: time in seconds, frequency in Hz, colour in dB.

    Frame k is centred on k * hop_length / sample_rate, where torchaudio's padding places it, and bin b on
    b * sample_rate / n_fft. Where frames or bins outnumber the pixels, each pixel shows the loudest of its own, so that
    no click and no tone is lost.

    Args:
        spectrogram: [bins, frames] or [1, bins, frames], power, not magnitude or dB; bins = n_fft // 2 + 1, n_fft even.
        sample_rate: Hz.
        hop_length: samples between frames; torchaudio's default, n_fft // 2, if None.
        f_max: Hz at the upper edge; half the sample rate if None.
        floor_db: dB of the darkest colour.
        reference: the power of the brightest colour, 0 dB; that of the loudest point if None.
        ax: where to draw; a new figure if None.
        title: above the picture.

    Returns:
        The Axes; `ax.collections[0]` is the picture.

    Raises:
        WaveformError: not a power spectrogram of one channel, no sample rate or hop length, or no range of
            frequencies.

    Taught in 01_audio_io.
    """
    power = _one_channel(spectrogram)
    sample_rate, hop_length = check_sample_rate(sample_rate), _hop_of(power, hop_length)
    f_max = _highest(f_max, sample_rate)
    levels = to_db(power, reference=reference, floor_db=floor_db)
    if ax is None:
        [ax] = new_axes(row_height=3.2)
    mesh = _draw_linear(levels, sample_rate, hop_length, f_max, floor_db, ax)
    ax.set_title(title)
    _add_colour_bar(mesh, ax, reference)
    return ax


def plot_spectrograms(
    spectrograms: Mapping[str, Tensor],
    sample_rate: int,
    hop_length: int | None = None,
    *,
    f_max: float | None = None,
    floor_db: float = -80.0,
    reference: float | None = None,
) -> list[Axes]:
    """Draw power spectrograms below each other, with one time axis and one colour scale: they may be compared.

    Args:
        spectrograms: label -> spectrogram, each as in `plot_spectrogram`; bins and frames may differ.
        sample_rate: Hz, of all.
        hop_length: of all; n_fft // 2 of each if None.
        f_max: as in `plot_spectrogram`.
        floor_db: as in `plot_spectrogram`.
        reference: the power of the brightest colour, 0 dB; that of the loudest point of all if None.

    Returns:
        One Axes for each label, the topmost first.

    Raises:
        WaveformError: no spectrogram, or one that `plot_spectrogram` refuses.

    Taught in 01_audio_io.
    """
    if not isinstance(spectrograms, Mapping) or not spectrograms:
        raise WaveformError(
            "There are no labelled spectrograms to compare.", 'Pass them by label: {"before": power, "after": power}.'
        )
    sample_rate = check_sample_rate(sample_rate)
    f_max = _highest(f_max, sample_rate)
    powers = [_one_channel(spectrogram) for spectrogram in spectrograms.values()]
    hops = [_hop_of(power, hop_length) for power in powers]
    loudest = max(float(power.max()) for power in powers) or None
    levels = [to_db(power, reference=reference or loudest, floor_db=floor_db) for power in powers]

    axes = new_axes(len(powers), row_height=2.3)
    meshes = [
        _draw_linear(level, sample_rate, hop, f_max, floor_db, ax)
        for ax, level, hop in zip(axes, levels, hops, strict=True)
    ]
    for ax, label in zip(axes, spectrograms, strict=True):
        ax.set_title(label)
    axes[0].set_xlim(0, max(mesh.get_coordinates()[0, -1, 0] for mesh in meshes))
    loudest_mesh = max(meshes, key=lambda mesh: mesh.get_array().max())
    _add_colour_bar(loudest_mesh, axes, reference)
    return axes


def plot_mel_spectrogram(
    mel: Tensor,
    sample_rate: int,
    hop_length: int,
    *,
    f_min: float = 0.0,
    f_max: float | None = None,
    mel_scale: str = "htk",
    floor_db: float = -80.0,
    reference: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a mel spectrogram: equal heights for equal steps in mel, marked in Hz.

    Each band lies around the frequency where its filter peaks. The axis itself counts in Hz: `ax.axhline(440)` marks
    440 Hz.

    Args:
        mel: [bands, frames] or [1, bands, frames], power, as from MelSpectrogram.
        sample_rate: Hz.
        hop_length: samples between frames.
        f_min: Hz, as given to MelSpectrogram.
        f_max: Hz, as given to MelSpectrogram; half the sample rate if None.
        mel_scale: as given to MelSpectrogram: "htk", torchaudio's default, or "slaney", librosa's.
        floor_db: dB of the darkest colour.
        reference: the power of the brightest colour, 0 dB; that of the loudest point if None.
        ax: where to draw; a new figure if None.
        title: above the picture.

    Returns:
        The Axes; `ax.collections[0]` is the picture.

    Raises:
        WaveformError: not a mel spectrogram of one channel, an unknown mel scale, no sample rate or hop length, or no
            range of frequencies.

    Taught in 02_seeing_sound. Source of the scales: the HTK book, and Slaney's Auditory Toolbox.
    """
    power = _one_channel(mel)
    sample_rate, hop_length = check_sample_rate(sample_rate), _check_hop(hop_length)
    f_max = _highest(f_max, sample_rate, f_min)
    if mel_scale not in MEL_SCALES:
        raise WaveformError(f"There is no mel scale {mel_scale!r}.", 'Choose "htk" or "slaney".')
    levels = to_db(power, reference=reference, floor_db=floor_db)
    if ax is None:
        [ax] = new_axes(row_height=3.2)

    hz_to_mel, mel_to_hz = MEL_SCALES[mel_scale]
    peaks = np.linspace(hz_to_mel(f_min), hz_to_mel(f_max), len(levels) + 2)
    edges = (peaks[:-1] + peaks[1:]) / 2
    edges[0], edges[-1] = peaks[0], peaks[-1]

    ax.set_yscale("function", functions=(hz_to_mel, mel_to_hz))
    mesh = _draw(levels, mel_to_hz(edges), sample_rate, hop_length, floor_db, ax)
    ticks = [tick for tick in MEL_TICKS if f_min <= tick <= f_max]
    if len(ticks) > 1:
        ax.set_yticks(ticks)
    ax.set(ylim=(f_min, f_max), ylabel="Frequency in Hz (mel scale)")
    ax.set(label="Mel spectrogram", title=title)
    _add_colour_bar(mesh, ax, reference)
    return ax


def loudest_per_pixel(values: Tensor, rows: float, columns: float) -> tuple[Tensor, tuple[int, int]]:
    """Keep the greatest of each block, so that no click and no tone is lost where there are too few pixels.

    Args:
        values: [bins, frames], power or dB.
        rows: pixels for the bins.
        columns: pixels for the frames.

    Returns:
        [at most `rows`, at most `columns`], and how many bins and frames a block has; the last ones may have fewer.
    """
    block = math.ceil(values.shape[0] / rows), math.ceil(values.shape[1] / columns)
    return torch.nn.functional.max_pool2d(values[None], block, ceil_mode=True)[0], block


def _positions_to_draw(amplitudes: np.ndarray) -> np.ndarray:
    """All samples, or of each stretch the lowest and the highest."""
    if len(amplitudes) <= EXACT_SAMPLES:
        return np.arange(len(amplitudes))
    length = math.ceil(len(amplitudes) / OUTLINE_STRETCHES)
    stretches = np.pad(amplitudes, (0, -len(amplitudes) % length), mode="edge").reshape(-1, length)
    extremes = np.stack([stretches.argmin(axis=1), stretches.argmax(axis=1)], axis=1)
    return (np.sort(extremes, axis=1) + np.arange(len(stretches))[:, None] * length).ravel()


def _label_channels(ax: Axes, bases: list[float]) -> None:
    sides = (" (left)", " (right)") if len(bases) == 2 else ("",) * len(bases)
    for channel, (base, side) in enumerate(zip(bases, sides, strict=True)):
        ax.annotate(
            f"channel {channel}{side}",
            (0, base + 1),
            xycoords=("axes fraction", "data"),
            xytext=(4, -3),
            textcoords="offset points",
            va="top",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    ax.set_yticks(
        [base + tick for base in bases for tick in (-1, 0, 1)], labels=["\N{MINUS SIGN}1", "0", "1"] * len(bases)
    )


def _label_time(ax: Axes) -> None:
    """Above another panel with the same time axis, the label is left to that one."""
    if ax.xaxis.get_tick_params()["labelbottom"]:
        ax.set_xlabel("Time in seconds")


def _draw_linear(
    levels: Tensor, sample_rate: int, hop_length: int, f_max: float, floor_db: float, ax: Axes
) -> QuadMesh:
    width = sample_rate / 2 / (len(levels) - 1)
    levels = levels[: math.ceil(f_max / width) + 1]
    mesh = _draw(levels, (np.arange(len(levels) + 1) - 0.5) * width, sample_rate, hop_length, floor_db, ax)
    ax.set(label="Spectrogram", ylim=(0, f_max), ylabel="Frequency in Hz")
    return mesh


def _draw(levels: Tensor, edges: np.ndarray, sample_rate: int, hop_length: int, floor_db: float, ax: Axes) -> QuadMesh:
    """Draw dB [rows, frames]; the rows lie between `edges` in Hz."""
    frames = levels.shape[1]
    times = (np.arange(frames + 1) - 0.5) * hop_length / sample_rate
    # The layout may still give a fifth of the pixels to a colour bar.
    levels, (rows, columns) = loudest_per_pixel(levels, 0.8 * ax.bbox.height, 0.8 * ax.bbox.width)
    edges, times = np.append(edges[:-1:rows], edges[-1]), np.append(times[:-1:columns], times[-1])
    mesh = ax.pcolormesh(times, edges, levels.numpy(), cmap=COLOUR_MAP, vmin=floor_db, vmax=0)
    ax.set_xlim(0, times[-1])
    _label_time(ax)
    return mesh


def _add_colour_bar(mesh: QuadMesh, ax: Axes | list[Axes], reference: float | None) -> None:
    zero = "the loudest point" if reference is None else f"a power of {reference:g}"
    beyond = "max" if mesh.get_array().max() > 0 else "neither"
    bar = mesh.figure.colorbar(mesh, ax=ax, extend=beyond)
    bar.set_label(f"dB relative to {zero}", size="small")


def _check_power(power: Tensor) -> None:
    if not isinstance(power, Tensor):
        raise WaveformError(
            f"The spectrogram is of type {type(power).__name__}, not a torch.Tensor.",
            "Pass what Spectrogram or MelSpectrogram returns; torch.from_numpy(array) converts an array.",
        )
    if power.is_complex():
        raise WaveformError(
            "The spectrogram is complex, like an STFT or Spectrogram(power=None).",
            "Take its power first: spectrogram.abs() ** 2.",
        )
    if not power.is_floating_point():
        raise WaveformError(f"The spectrogram holds {power.dtype} values.", "Convert it with spectrogram.float().")
    if power.numel() == 0:
        raise WaveformError(
            f"The spectrogram is empty: its shape is {list(power.shape)}.", "Look at the slice that it comes from."
        )
    low, high = (float(end) for end in power.detach().aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise WaveformError(
            "The spectrogram holds NaN or infinite values.",
            "Look for a logarithm of zero: pass the power itself, the dB are taken here.",
        )
    if low < 0:
        raise WaveformError(
            "The spectrogram holds negative values, so it is not power: it looks like dB, or like a waveform.",
            "Pass what Spectrogram or MelSpectrogram returns; the dB are taken here.",
        )


def _one_channel(spectrogram: Tensor) -> Tensor:
    """Return power [rows, frames], float32, on the CPU."""
    _check_power(spectrogram)
    shape = list(spectrogram.shape)
    if spectrogram.ndim == 3 and len(spectrogram) == 1:
        spectrogram = spectrogram[0]
    if spectrogram.ndim == 3:
        raise WaveformError(
            f"The spectrogram has shape {shape}: {shape[0]} channels, and one picture shows one.",
            "Choose one with spectrogram[0], or compare them with plot_spectrograms.",
        )
    if spectrogram.ndim != 2 or len(spectrogram) < 2:
        raise WaveformError(
            f"The spectrogram has shape {shape}; [bins, frames] is expected.",
            "Pass what Spectrogram or MelSpectrogram returns for one waveform.",
        )
    return spectrogram.detach().cpu().float()


def _hop_of(power: Tensor, hop_length: int | None) -> int:
    return len(power) - 1 if hop_length is None else _check_hop(hop_length)


def _check_hop(hop_length: int) -> int:
    remedy = "Pass the hop_length that the transform was made with."
    return check_positive_integer(hop_length, "hop length", "samples", remedy)


def _highest(f_max: float | None, sample_rate: int, f_min: float = 0.0) -> float:
    """Return the upper edge in Hz, half the sample rate if None, and refuse one that leaves nothing to draw."""
    f_max = sample_rate / 2 if f_max is None else f_max
    if not 0 <= f_min < f_max < math.inf:
        raise WaveformError(
            f"There are no frequencies from {f_min:g} to {f_max:g} Hz.",
            f"Choose a range within 0 to {sample_rate / 2:g} Hz, half the sample rate, with f_max above its lower end.",
        )
    return f_max


def _hz_to_mel_htk(hz):
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def _mel_to_hz_htk(mel):
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def _hz_to_mel_slaney(hz):
    """Linear up to 1000 Hz, logarithmic above."""
    hz = np.asarray(hz, dtype=float)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def _mel_to_hz_slaney(mel):
    mel = np.asarray(mel, dtype=float)
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((np.maximum(mel, 15) - 15) / 27))


MEL_SCALES = {"htk": (_hz_to_mel_htk, _mel_to_hz_htk), "slaney": (_hz_to_mel_slaney, _mel_to_hz_slaney)}
