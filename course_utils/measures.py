"""Numbers that compare one waveform with another."""

import torch
from torch import Tensor

from course_utils.checks import check_waveform


def copy_snr_db(original: Tensor, copy: Tensor) -> float:
    """How close a copy comes to its original: their signal-to-noise ratio, the copy moved to where it fits best.

    Codecs may delay a sound or fill its last block up; neither counts as an error here, any other difference does.

    Args:
        original: [channels, samples], float, any range.
        copy: [channels, samples], of the same rate; longer or shorter is fine.

    Returns:
        dB; inf when every sample is the same.

    Raises:
        WaveformError: one of them is not a waveform (see `check_waveform`).

    Taught in 01_audio_io. Source: SNR = 10 log10(P_original / P_difference), and the delay at the maximum of the
    cross-correlation.
    """
    original, copy = check_waveform(original), check_waveform(copy)
    total = original.shape[1] + copy.shape[1]
    spectra = torch.fft.rfft(copy, total) * torch.fft.rfft(original, total).conj()
    delay = int(torch.fft.irfft(spectra, total).sum(dim=0).argmax())
    padded = torch.nn.functional.pad(copy, (0, total - copy.shape[1]))
    moved = padded.roll(-delay, dims=1)[:, : original.shape[1]]
    return float(10 * torch.log10(original.square().sum() / (original - moved).square().sum()))
