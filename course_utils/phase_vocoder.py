"""Longer or shorter at the same pitch: what `time_stretch` and `pitch_shift` share.

`torchaudio.functional.phase_vocoder` lets the bins of one partial drift apart until they cancel, up to 6 dB of a steady
tone; here they turn together. The tests compare the two.
"""

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d, pad

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
    frames = torch.stft(rows, n_fft, hop_length, window=window, center=False, return_complex=True).mT
    spectra = stretch_frames(frames, rate).mT
    return torch.istft(spectra, n_fft, hop_length, window=window, length=length).reshape(*waveform.shape[:-1], length)


def stretch_frames(frames: Tensor, rate: float) -> Tensor:
    """Walk through an STFT in steps of `rate` frames, each frame turned so that it goes on where the last one stopped.

    Args:
        frames: [rows, frames, bins], complex, with Hann windows.
        rate: above 0.

    Returns:
        [rows, about frames / rate, bins], complex. Magnitudes are interpolated between neighbouring frames; each bin
        turns by as much as the strongest of its neighbours.

    Source: Laroche and Dolson (1999), Improved phase vocoder time-scale modification of audio: identity phase locking.
    """
    steps = torch.arange(0, frames.shape[1] - 1, rate, dtype=torch.float64, device=frames.device)
    index = steps.long()
    loudness = frames.abs()
    fraction = (steps - index).to(loudness.dtype).unsqueeze(-1)
    magnitudes = torch.lerp(loudness[:, index], loudness[:, index + 1], fraction)
    strongest = max_pool1d(loudness, 2 * LOBE_BINS + 1, stride=1, padding=LOBE_BINS, return_indices=True)[1].unbind(1)
    # The smallest number gives silence a phase as well; without one it would stay silence for ever.
    phases = torch.sgn(frames + torch.finfo(loudness.dtype).tiny)
    here, next_ = phases[:, index], phases[:, index + 1]
    gaps = next_[:, :-1] * here[:, 1:].conj()
    turns = [torch.ones_like(here[:, 0])]
    for gap, frame in zip(gaps.unbind(1), index[1:].tolist(), strict=True):
        turns.append((turns[-1] * gap).gather(-1, strongest[frame]))
    return here * magnitudes * torch.stack(turns, dim=1)
