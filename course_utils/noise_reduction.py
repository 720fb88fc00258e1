"""Noise reduction by a small trained network, GTCRN, whose weights come with the course (data/models/README.md)."""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchaudio.functional import resample

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.paths import DATA

GTCRN_RATE = 16_000
WEIGHTS = DATA / "models" / "gtcrn.onnx"

N_FFT, HOP = 512, 256
MEMORY = {"conv_cache": (2, 1, 16, 16, 33), "tra_cache": (2, 3, 1, 1, 16), "inter_cache": (2, 1, 33, 16)}
"""What the network keeps from frame to frame."""


def reduce_noise(waveform: Tensor, sample_rate: int) -> Tensor:
    """Take noise out of speech with GTCRN: a gain and a turn of the phase for each point of the STFT.

    It works frame by frame and looks 16 ms ahead at most, so that it may run while somebody speaks. Each channel is
    treated alone.

    Args:
        waveform: [channels, samples] or [samples], float, any range.
        sample_rate: Hz; converted to 16000 and back if it differs, so that nothing above 8000 Hz is left.

    Returns:
        Same shape, dtype and device.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), or no sample rate.

    Taught in 13_silence_and_noise. Source: X. Rong and others, GTCRN: A Speech Enhancement Model Requiring Ultralow
    Computational Resources, ICASSP 2024.
    """
    channels, rate = check_waveform(waveform, allow_1d=True).detach(), check_sample_rate(sample_rate)
    narrow = resample(channels.cpu().float(), rate, GTCRN_RATE)
    cleaned = torch.stack([_clean(channel) for channel in narrow])
    back = resample(cleaned, GTCRN_RATE, rate)
    back = torch.nn.functional.pad(back, (0, channels.shape[1] - back.shape[1]))
    return back.to(waveform).reshape(waveform.shape)


def _clean(mono: Tensor) -> Tensor:
    """[samples] -> [samples]."""
    window = torch.hann_window(N_FFT).sqrt()
    padded = torch.nn.functional.pad(mono, (0, N_FFT))  # so that the shortest clip has a whole window
    spectrum = torch.stft(padded, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
    frames = torch.view_as_real(spectrum)[None].numpy()
    memory = {name: np.zeros(shape, np.float32) for name, shape in MEMORY.items()}
    cleaned = []
    for number in range(frames.shape[2]):
        output, *kept = _network().run(None, {"mix": frames[:, :, number : number + 1], **memory})
        cleaned.append(output[0])
        memory = dict(zip(memory, kept, strict=True))
    cleaned_spectrum = torch.view_as_complex(torch.from_numpy(np.concatenate(cleaned, axis=1)))
    return torch.istft(cleaned_spectrum, N_FFT, HOP, window=window, length=len(mono))


@cache
def _network() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # its matrices are too small to be shared
    return onnxruntime.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"])
