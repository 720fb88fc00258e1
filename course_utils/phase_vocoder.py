"""Longer or shorter at the same pitch: what `time_stretch` and `pitch_shift` share."""

import math

import torch
import torchaudio.functional as AF
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

LOBE_BINS = 2
"""A steady tone fills this many bins on each side of its strongest one: the main lobe of a Hann window."""


def stretch(waveform: Tensor, rate: float, n_fft: int, length: int) -> Tensor:
    """Play `rate` times as fast; the pitch stays.

    Args:
        waveform: [..., samples], float32 or float64; shorter than a window is fine.
        rate: above 0.
        n_fft: window in samples, a multiple of 4.
        length: how many samples to return, about samples / rate.

    Returns:
        The same leading dimensions, dtype and device, with `length` samples.
    """
    hop_length = n_fft // 4
    rows = waveform.reshape(-1, waveform.shape[-1])
    rows = pad(rows, (0, max(0, n_fft - rows.shape[-1])))
    rows = pad(rows, (n_fft // 2, n_fft // 2 + hop_length), mode="reflect")
    window = torch.hann_window(n_fft, dtype=rows.dtype, device=rows.device)
    spectra = torch.stft(rows, n_fft, hop_length, window=window, center=False, return_complex=True)
    # Whole turns per hop are left out: they change no phase, but their sum costs float32 its digits in a long clip.
    turns_per_hop = torch.arange(n_fft // 2 + 1, device=rows.device) * hop_length % n_fft / n_fft
    phase_advance = (2 * math.pi * turns_per_hop).to(rows.dtype).unsqueeze(-1)
    stretched = _lock_phases(AF.phase_vocoder(spectra, rate, phase_advance), spectra, rate)
    result = torch.istft(stretched, n_fft, hop_length, window=window, length=length)
    return result.reshape(*waveform.shape[:-1], length)


def _lock_phases(stretched: Tensor, spectra: Tensor, rate: float) -> Tensor:
    """Turn each bin by as much as the strongest of its neighbours, so that the bins of one partial stay in step.

    The vocoder alone lets them drift apart until they cancel: up to 6 dB of a steady tone. Source: Laroche and Dolson
    (1999), Improved phase vocoder time-scale modification of audio, identity phase locking.
    """
    magnitudes = stretched.abs()
    steps = torch.arange(0, spectra.shape[-1], rate, dtype=magnitudes.dtype, device=magnitudes.device)
    originals = spectra[..., steps.round().long().clamp(max=spectra.shape[-1] - 1)]
    turns = torch.sgn(stretched * originals.conj())
    places = max_pool2d(magnitudes, (2 * LOBE_BINS + 1, 1), stride=1, padding=(LOBE_BINS, 0), return_indices=True)[1]
    strongest = places // magnitudes.shape[-1]
    return magnitudes * torch.sgn(originals) * turns.gather(-2, strongest)
