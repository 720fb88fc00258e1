"""Filters as five numbers: designed, applied without hidden clipping, and their response computed.

A filter here is a row of sections [sections, 6], each b0, b1, b2, a0, a1, a2 with a0 = 1, applied one after the other:
SciPy's second-order sections, so that `scipy.signal.sosfilt` takes them too.
"""

import math

import torch
import torchaudio.functional as AF
from torch import Tensor

from course_utils.checks import check_batch, check_sample_rate
from course_utils.errors import WaveformError

BUTTERWORTH_Q = 1 / math.sqrt(2)
"""As flat as a low-pass of two poles can be before it falls."""

FLOOR_DB = -120.0
"""Levels below are given as this."""

KINDS = ("low-pass", "high-pass", "band-pass", "notch", "peak", "low-shelf", "high-shelf")


def design_biquad(
    kind: str, sample_rate: int, frequency: float, *, gain_db: float = 0.0, q: float = BUTTERWORTH_Q
) -> Tensor:
    """Compute the coefficients of one biquad, a filter with two samples of memory.

    Args:
        kind: "low-pass", "high-pass", "band-pass" (0 dB at its middle), "notch", "peak", "low-shelf" or "high-shelf".
        sample_rate: Hz.
        frequency: Hz, between 0 and half the sample rate: the cutoff, the middle, or halfway up the shelf.
        gain_db: of a peak or a shelf, in dB; the others have none.
        q: above 0; the width of a band-pass, notch or peak is about frequency / q.

    Returns:
        One section, b0, b1, b2, 1, a1, a2, as a tensor of 6 numbers, float64.

    Raises:
        WaveformError: no such kind, a frequency that this sample rate does not have, or q is not positive.

    Taught in 12_effects. Source: R. Bristow-Johnson, Cookbook formulae for audio equalizer biquad filter coefficients.
    """
    if kind not in KINDS:
        raise WaveformError(f"There is no filter {kind!r}.", f"Choose one of {', '.join(KINDS)}.")
    if not q > 0:
        raise WaveformError(f"The q of the filter is {q!r}.", "Choose one above 0, for example 0.707.")
    turn = 2 * math.pi * check_frequency(frequency, sample_rate) / sample_rate
    cosine, alpha = math.cos(turn), math.sin(turn) / (2 * q)
    a = 10 ** (gain_db / 40)
    slope = 2 * math.sqrt(a) * alpha
    top, bottom = {
        "low-pass": (((1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2), (1 + alpha, -2 * cosine, 1 - alpha)),
        "high-pass": (((1 + cosine) / 2, -1 - cosine, (1 + cosine) / 2), (1 + alpha, -2 * cosine, 1 - alpha)),
        "band-pass": ((alpha, 0, -alpha), (1 + alpha, -2 * cosine, 1 - alpha)),
        "notch": ((1, -2 * cosine, 1), (1 + alpha, -2 * cosine, 1 - alpha)),
        "peak": ((1 + alpha * a, -2 * cosine, 1 - alpha * a), (1 + alpha / a, -2 * cosine, 1 - alpha / a)),
        "low-shelf": (
            (
                a * (a + 1 - (a - 1) * cosine + slope),
                2 * a * (a - 1 - (a + 1) * cosine),
                a * (a + 1 - (a - 1) * cosine - slope),
            ),
            (
                a + 1 + (a - 1) * cosine + slope,
                -2 * (a - 1 + (a + 1) * cosine),
                a + 1 + (a - 1) * cosine - slope,
            ),
        ),
        "high-shelf": (
            (
                a * (a + 1 + (a - 1) * cosine + slope),
                -2 * a * (a - 1 + (a + 1) * cosine),
                a * (a + 1 + (a - 1) * cosine - slope),
            ),
            (
                a + 1 - (a - 1) * cosine + slope,
                2 * (a - 1 - (a + 1) * cosine),
                a + 1 - (a - 1) * cosine - slope,
            ),
        ),
    }[kind]
    return torch.tensor([*top, *bottom], dtype=torch.float64) / bottom[0]


def apply_filter(waveform: Tensor, sections: Tensor) -> Tensor:
    """Send a waveform through biquads, one after the other, in double precision and without clipping.

    torchaudio's own filters, `highpass_biquad` and the others, cut their result off at [-1, 1].

    Args:
        waveform: [..., samples], float32 or float64, any range, on a device that has double precision (Apple's "mps"
            has not).
        sections: 6 numbers or [sections, 6], as from `design_biquad`.

    Returns:
        Same shape, dtype and device; may exceed [-1, 1].

    Raises:
        WaveformError: not audio (see `check_batch`), or no sections.

    Taught in 12_effects.
    """
    filtered = check_batch(waveform).double()
    for section in _check_sections(sections).to(filtered):
        filtered = AF.lfilter(filtered, section[3:], section[:3], clamp=False)
    return filtered.to(waveform.dtype)


def designed_response(sections: Tensor, sample_rate: int, frequencies: Tensor) -> Tensor:
    """The response of biquads, computed from their coefficients.

    Args:
        sections: 6 numbers or [sections, 6], as from `design_biquad`.
        sample_rate: Hz.
        frequencies: Hz, any shape, from 0 to half the sample rate.

    Returns:
        dB at each frequency, float64, not below -120; 0 dB passes unchanged.

    Raises:
        WaveformError: no sections, or no sample rate.

    Taught in 12_effects. Source: H(z) = (b0 + b1 / z + b2 / z^2) / (a0 + a1 / z + a2 / z^2), z = exp(2 pi i f / rate).
    """
    turn = 2 * torch.pi * frequencies.double() / check_sample_rate(sample_rate)
    delays = torch.exp(-1j * turn.unsqueeze(-1) * torch.arange(3, device=turn.device))
    response = torch.ones_like(turn, dtype=torch.complex128)
    for section in _check_sections(sections).to(delays):
        response = response * (delays @ section[:3]) / (delays @ section[3:])
    return level_db(response.abs())


def level_db(magnitude: Tensor) -> Tensor:
    """Convert magnitudes to dB, not below `FLOOR_DB`: 20 log10(magnitude).

    Args:
        magnitude: any shape, 0 or greater.

    Returns:
        dB, same shape.
    """
    return 20 * torch.log10(magnitude.clamp(min=10 ** (FLOOR_DB / 20)))


def check_frequency(frequency: float, sample_rate: int) -> float:
    """Return the frequency of a filter, or say in one sentence why it is none.

    Args:
        frequency: Hz.
        sample_rate: Hz.

    Returns:
        The same number.

    Raises:
        WaveformError: not between 0 and half the sample rate, or no sample rate.
    """
    nyquist = check_sample_rate(sample_rate) / 2
    if not 0 < frequency < nyquist:
        raise WaveformError(
            f"There is no filter at {frequency:g} Hz at a sample rate of {sample_rate} Hz.",
            f"Choose a frequency between 0 and {nyquist:g} Hz, half the sample rate.",
        )
    return frequency


def _check_sections(sections: Tensor) -> Tensor:
    rows = sections.unsqueeze(0) if sections.ndim == 1 else sections
    if rows.ndim != 2 or rows.shape[1] != 6 or not len(rows):
        raise WaveformError(
            f"A filter of shape {list(sections.shape)} is given; [sections, 6] is expected.",
            "Make sections with design_biquad, and put several together with torch.stack.",
        )
    return rows
