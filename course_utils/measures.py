"""Numbers that describe a waveform, or compare one with another."""

import torch
from torch import Tensor

from course_utils.checks import check_batch, check_waveform
from course_utils.errors import SilentAudioError, WaveformError


def snr_db(signal: Tensor, noise: Tensor) -> Tensor:
    """The signal-to-noise ratio of two waveforms that are known apart.

    Args:
        signal: [..., channels, samples] or [samples], float32 or float64, any range.
        noise: likewise; any length, with the same dimensions before [channels, samples] or none.

    Returns:
        dB, one number for each item; inf where the noise is silent, -inf where only the signal is.

    Raises:
        SilentAudioError: signal and noise of an item are both silent, so that no ratio exists.
        WaveformError: one of them is not audio (see `check_batch`), or their numbers of items differ.

    Taught in 06_augmenting_waveforms. Source: SNR = 10 log10(P_signal / P_noise), mean powers over all samples of all
    channels.
    """
    powers = _mean_power(check_batch(signal, "signal")), _mean_power(check_batch(noise, "noise"))
    try:
        ratio = powers[0] / powers[1]
    except RuntimeError:
        raise WaveformError(
            f"A signal {list(signal.shape)} and noise {list(noise.shape)} do not fit.",
            "Pass as many items of noise as of signal, or one.",
        ) from None
    if ratio.isnan().any():
        raise SilentAudioError("Signal and noise are both silent.", "Measure where at least one of them is heard.")
    return 10 * torch.log10(ratio)


def si_sdr_db(estimate: Tensor, target: Tensor) -> Tensor:
    """How much of an estimate is its target, at whatever level: the scale-invariant signal-to-distortion ratio.

    Args:
        estimate: [..., samples], float32 or float64, any range.
        target: [..., samples], of the same shape; no item silent. Constant offsets of both are taken away first.

    Returns:
        dB, one number for each dimension before the samples; inf when the estimate is a multiple of the target.

    Raises:
        WaveformError: one of them is not audio (see `check_batch`), or the shapes differ.
        SilentAudioError: a target is silent, so that there is nothing to find in its estimate.

    Taught in 13_silence_and_noise. Source: J. Le Roux and others, SDR - Half-baked or Well Done?, ICASSP 2019.
    """
    if check_batch(estimate, "estimate").shape != check_batch(target, "target").shape:
        raise WaveformError(
            f"The estimate {list(estimate.shape)} and the target {list(target.shape)} differ in shape.",
            "Cut both to the same samples.",
        )
    estimate, target = (audio - audio.mean(dim=-1, keepdim=True) for audio in (estimate, target))
    energy = target.square().sum(dim=-1, keepdim=True)
    if not energy.all():
        raise SilentAudioError("A target is silent.", "Measure where the target is heard.")
    found = (estimate * target).sum(dim=-1, keepdim=True) / energy * target
    return 10 * torch.log10(found.square().sum(dim=-1) / (estimate - found).square().sum(dim=-1))


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


def _mean_power(waveform: Tensor) -> Tensor:
    return waveform.square().mean(dim=(-2, -1) if waveform.ndim > 1 else -1)


def fundamental(waveform: Tensor, sample_rate: int, near: float) -> float:
    """The strongest frequency close to an expected one, to a small part of a bin.

    Args:
        waveform: [1, samples] or [samples], float, any range; a tone or a note.
        sample_rate: Hz.
        near: Hz; only what lies within a quarter tone of it counts.

    Returns:
        Hz.

    Source: the top of the parabola through the logarithms of the highest bin and its two neighbours.
    """
    samples = waveform.flatten().double()
    size = 8 * len(samples)
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples), dtype=samples.dtype), size).abs()
    low, high = (int(near * 2 ** (cents / 1200) * size / sample_rate) for cents in (-50, 50))
    top = low + int(spectrum[low : high + 1].argmax())
    left, middle, right = spectrum[top - 1 : top + 2].log().tolist()
    return (top + 0.5 * (left - right) / (left - 2 * middle + right)) * sample_rate / size
