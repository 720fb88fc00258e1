"""Checks that loading, plotting and playing share: is this a waveform, is this a sample rate?"""

import operator

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import WaveformError

MAX_CHANNELS_WITHOUT_DOUBT = 8
"""7.1 surround. More rows than this, and more rows than columns, are taken for samples."""

_FROM_STFT = "Take the inverse transform first, torchaudio.transforms.InverseSpectrogram for an STFT."
_TO_FLOAT = {
    torch.uint8: "Convert it with ({name}.float() - 128) / 128.",
    torch.int8: "Convert it with {name}.float() / 128.",
    torch.int16: "Convert it with {name}.float() / 32768.",
    torch.int32: "Convert it with {name}.float() / 2**31.",
    torch.complex64: _FROM_STFT,
    torch.complex128: _FROM_STFT,
}


def check_waveform(waveform: Tensor, *, allow_1d: bool = False) -> Tensor:
    """Return `waveform` as [channels, samples], or say in one sentence why it is none.

    Args:
        waveform: [channels, samples], floating point, finite, any range, at least one channel and one sample.
        allow_1d: also take [samples], one channel.

    Returns:
        [channels, samples]: the same values, dtype and device (no copy).

    Raises:
        WaveformError: not a tensor, not floating point, a batch, [samples, channels], empty, NaN or infinite.
    """
    _check_floating_point(waveform, "waveform")
    shape = list(waveform.shape)
    if waveform.ndim == 1 and allow_1d:
        waveform = waveform.unsqueeze(0)
    if waveform.ndim < 2:
        raise WaveformError(
            f"The waveform has shape {shape}; [channels, samples] is expected.",
            "Add the channel axis with waveform.unsqueeze(0)."
            if waveform.ndim
            else "Pass the whole waveform, not one sample of it.",
        )
    if waveform.ndim > 2:
        raise WaveformError(
            f"The waveform has shape {shape}, a batch; [channels, samples] is expected.",
            f"Take one item of it with waveform[{', '.join('0' * (waveform.ndim - 2))}].",
        )
    if waveform.numel() == 0:
        raise _empty(waveform, "waveform")
    _check_orientation(waveform, "waveform")
    _check_finite(waveform, "waveform")
    return waveform


def check_batch(waveform: Tensor, name: str = "waveform") -> Tensor:
    """Return `waveform` if it is one or a batch of any shape, or say in one sentence why not.

    Args:
        waveform: [..., channels, samples] or [samples], float32 or float64, finite, any range, not empty.
        name: of the argument, for the message.

    Returns:
        The same tensor.

    Raises:
        WaveformError: not a tensor, another dtype, [samples, channels], empty, NaN or infinite.
    """
    _check_floating_point(waveform, name)
    if waveform.dtype not in (torch.float32, torch.float64):
        dtype = str(waveform.dtype).removeprefix("torch.")
        raise WaveformError(
            f"The {name} holds {dtype} values, too coarse to compute with.", f"Convert it with {name}.float()."
        )
    if waveform.ndim == 0:
        raise WaveformError(f"The {name} is a single number.", "Pass all of it, not one sample.")
    if waveform.numel() == 0:
        raise _empty(waveform, name)
    if waveform.ndim > 1:
        _check_orientation(waveform, name)
    _check_finite(waveform, name)
    return waveform


def check_spectrogram(spectrogram: Tensor) -> Tensor:
    """Return `spectrogram` if it is a real one or a batch of any shape, or say in one sentence why not.

    Args:
        spectrogram: [..., bins, frames], floating point, finite: amplitude, power or dB.

    Returns:
        The same tensor.

    Raises:
        WaveformError: not a tensor, complex or integer, fewer than two dimensions, empty, NaN or infinite.
    """
    if isinstance(spectrogram, Tensor) and spectrogram.is_complex():
        raise WaveformError("The spectrogram is complex.", "Take its magnitude first with spectrogram.abs().")
    if not isinstance(spectrogram, Tensor) or not spectrogram.is_floating_point():
        kind = spectrogram.dtype if isinstance(spectrogram, Tensor) else type(spectrogram).__name__
        raise WaveformError(
            f"The spectrogram is of type {str(kind).removeprefix('torch.')}, not a tensor of floating point.",
            "Convert it with torch.as_tensor(spectrogram, dtype=torch.float32).",
        )
    if spectrogram.ndim < 2:
        raise WaveformError(
            f"The spectrogram has shape {list(spectrogram.shape)}; [..., bins, frames] is expected.",
            "Make one with torchaudio.transforms.Spectrogram or MelSpectrogram.",
        )
    if spectrogram.numel() == 0:
        raise _empty(spectrogram, "spectrogram")
    _check_finite(spectrogram, "spectrogram", "values")
    return spectrogram


def check_sample_rate(sample_rate: int) -> int:
    """Return `sample_rate` as an int, or say in one sentence why it is none.

    Args:
        sample_rate: Hz, as an int of Python, NumPy or torch.

    Returns:
        The same number.

    Raises:
        WaveformError: not a whole number, or not positive.
    """
    return check_positive_integer(
        sample_rate,
        "sample rate",
        "samples per second",
        "Pass the rate that came with the waveform, for example 16000.",
    )


def check_positive_integer(value: int, name: str, unit: str, remedy: str) -> int:
    """Return `value` as an int, or say in one sentence why it is no count of anything.

    Args:
        value: an int of Python, NumPy or torch, at least 1. True is no number here.
        name: what it is, for the message.
        unit: what it counts, in the plural.
        remedy: what to do if it is refused, one sentence.

    Returns:
        The same number.

    Raises:
        WaveformError: not a whole number, or not positive.
    """
    try:
        count = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = 0
    if count <= 0:
        shown = "a tensor" if isinstance(value, Tensor) and value.ndim else repr(value)
        raise WaveformError(f"The {name} is {shown}; a positive whole number of {unit} is expected.", remedy)
    return count


def _check_floating_point(audio: Tensor, name: str) -> None:
    if not isinstance(audio, Tensor):
        raise _not_a_tensor(audio, name)
    if not audio.is_floating_point():
        dtype = str(audio.dtype).removeprefix("torch.")
        raise WaveformError(
            f"The {name} holds {dtype} values; the course works with floating point in [-1, 1].",
            _TO_FLOAT.get(audio.dtype, "Convert it with {name}.float().").format(name=name),
        )


def _check_orientation(waveform: Tensor, name: str) -> None:
    channels, samples = waveform.shape[-2:]
    if channels > samples and channels > MAX_CHANNELS_WITHOUT_DOUBT:
        raise WaveformError(
            f"The {name} has shape {list(waveform.shape)}, probably [samples, channels]; "
            "[channels, samples] is expected.",
            f"Swap the axes with {name}.{'mT' if waveform.ndim > 2 else 'T'}.",
        )


def _check_finite(audio: Tensor, name: str, parts: str = "samples") -> None:
    if not bool(torch.isfinite(audio).all()):
        bad = int((~torch.isfinite(audio)).sum())
        raise WaveformError(
            f"The {name} holds NaN or infinite values ({bad} of {audio.numel()} {parts}).",
            "Look for a division by zero or a logarithm of zero in the step before.",
        )


def _empty(audio: Tensor, name: str) -> WaveformError:
    return WaveformError(
        f"The {name} is empty: its shape is {list(audio.shape)}.", "Look at the slice or the file that it comes from."
    )


def _not_a_tensor(waveform: object, name: str) -> WaveformError:
    remedy = "Pass a tensor [channels, samples]."
    if isinstance(waveform, np.ndarray):
        remedy = f"Convert it with torch.from_numpy({name})."
    elif isinstance(waveform, tuple):
        remedy = f"Take the pair apart first: {name}, sample_rate = load_audio(path)."
    elif isinstance(waveform, str):
        remedy = f"Load the file first: {name}, sample_rate = load_audio(path)."
    return WaveformError(f"The {name} is of type {type(waveform).__name__}, not a torch.Tensor.", remedy)
