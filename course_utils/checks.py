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
    torch.uint8: "Convert it with (waveform.float() - 128) / 128.",
    torch.int8: "Convert it with waveform.float() / 128.",
    torch.int16: "Convert it with waveform.float() / 32768.",
    torch.int32: "Convert it with waveform.float() / 2**31.",
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
    if not isinstance(waveform, Tensor):
        raise _not_a_tensor(waveform)
    shape = list(waveform.shape)
    if not waveform.is_floating_point():
        dtype = str(waveform.dtype).removeprefix("torch.")
        raise WaveformError(
            f"The waveform holds {dtype} values; the course works with floating point in [-1, 1].",
            _TO_FLOAT.get(waveform.dtype, "Convert it with waveform.float()."),
        )
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
    channels, samples = waveform.shape
    if waveform.numel() == 0:
        raise WaveformError(
            f"The waveform is empty: its shape is {shape}.",
            "Look at the slice or the file that it comes from.",
        )
    if channels > samples and channels > MAX_CHANNELS_WITHOUT_DOUBT:
        raise WaveformError(
            f"The waveform has shape {shape}, probably [samples, channels]; [channels, samples] is expected.",
            "Swap the axes with waveform.T.",
        )
    if not bool(torch.isfinite(waveform).all()):
        bad = int((~torch.isfinite(waveform)).sum())
        raise WaveformError(
            f"The waveform holds NaN or infinite values ({bad} of {waveform.numel()} samples).",
            "Look for a division by zero or a logarithm of zero in the step before.",
        )
    return waveform


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


def _not_a_tensor(waveform: object) -> WaveformError:
    remedy = "Pass a tensor [channels, samples]."
    if isinstance(waveform, np.ndarray):
        remedy = "Convert it with torch.from_numpy(waveform)."
    elif isinstance(waveform, tuple):
        remedy = "Take the pair apart first: waveform, sample_rate = load_audio(path)."
    elif isinstance(waveform, str):
        remedy = "Load the file first: waveform, sample_rate = load_audio(path)."
    return WaveformError(f"The waveform is of type {type(waveform).__name__}, not a torch.Tensor.", remedy)
