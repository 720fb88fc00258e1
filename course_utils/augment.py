"""Augmentation that the lessons and the projects share. Each function says exactly what it does; nothing is drawn by
chance here except the masks of `mask_spectrogram`. `course_utils.random_augment` draws the rest.

An item is [channels, samples] (or [samples]); every dimension before it counts items of a batch, and each item is
treated as if it came alone.
"""

import math
from fractions import Fraction
from itertools import count

import torch
import torchaudio.functional as AF
from torch import Tensor
from torch.nn.functional import pad

from course_utils.checks import check_batch, check_sample_rate, check_spectrogram
from course_utils.errors import SilentAudioError, WaveformError
from course_utils.phase_vocoder import stretch

TELEPHONE_RATE = 8000
MU_LAW_LEVELS = 256

WINDOW_SECONDS = 0.05
"""About how long a window of the phase vocoder lasts: two periods of 40 Hz."""

SMALLEST_CENTS = 0.25
"""Two pitches closer than this count as the same; the ear needs about 5 cents to tell them apart."""

MOST_STEPS = 24
"""The range of `pitch_shift` in semitones."""


def add_noise(waveform: Tensor, noise: Tensor, snr_db: float | Tensor) -> Tensor:
    """Mix noise into a waveform at a chosen signal-to-noise ratio.

    Args:
        waveform: [..., channels, samples] or [samples], float32 or float64, any range; no item silent.
        noise: [samples], [channels, samples] or with the waveform's leading dimensions too; any length: it is
            repeated or cut to the waveform's. One channel serves all.
        snr_db: ratio of the mean powers in dB, over all channels of an item together, so that the balance of the
            channels stays; a tensor with the waveform's dimensions before [channels, samples] gives each item its own.

    Returns:
        Same shape, dtype and device as the waveform; may exceed [-1, 1].

    Raises:
        SilentAudioError: an item or its noise has no power, so that no ratio exists.
        WaveformError: one of them is not audio (see `check_batch`), or the shapes do not fit.

    Taught in 06_augmenting_waveforms. Source: SNR = 10 log10(P_waveform / P_noise), mean powers.
    """
    items = _as_items(check_batch(waveform))
    noise = check_batch(noise, "noise").to(waveform)
    repeats = math.ceil(items.shape[-1] / noise.shape[-1])
    noise = noise.repeat(*[1] * (noise.ndim - 1), repeats)[..., : items.shape[-1]]
    snr_db = torch.as_tensor(snr_db, dtype=items.dtype, device=items.device)
    try:
        noise, snr_db = noise.expand_as(items), snr_db.expand(items.shape[:-2])
    except RuntimeError:
        raise WaveformError(
            f"Noise {list(noise.shape)} and snr_db {list(snr_db.shape)} do not fit a waveform {list(waveform.shape)}.",
            "Pass noise of one channel or of as many as the waveform has, and one snr_db, or one for each item.",
        ) from None
    for name, audio in (("waveform", items), ("noise", noise)):
        if not audio.square().mean(dim=(-2, -1)).all():
            raise SilentAudioError(
                f"The {name} is silent, so that no signal-to-noise ratio exists.",
                "Leave silent clips as they are, or add the noise with + at a level of your choice.",
            )
    return AF.add_noise(items.flatten(-2), noise.flatten(-2), snr_db).reshape(waveform.shape)


def time_stretch(waveform: Tensor, rate: float, *, n_fft: int = 1024) -> Tensor:
    """Play a waveform faster or slower without changing its pitch: a phase vocoder.

    Args:
        waveform: [..., samples], float32 or float64, any range.
        rate: 1.2 is 20 % faster, 0.5 half as fast; above 0.
        n_fft: window in samples, best around 50 ms; 1024 suits 16 kHz, 2048 suits 44.1 kHz.

    Returns:
        Same dtype, device and leading dimensions, with round(samples / rate) samples.

    Raises:
        WaveformError: not audio (see `check_batch`), or the rate is not positive.

    Taught in 05_augmenting_spectrograms. Source: Flanagan and Golden (1966), Phase vocoder.
    """
    check_batch(waveform)
    if not (0 < rate < math.inf and (length := round(waveform.shape[-1] / rate))):
        raise WaveformError(
            f"At the rate {rate} nothing is left of {waveform.shape[-1]} samples.",
            "Choose a rate above 0, for example 1.2 for 20 % faster, or a longer waveform.",
        )
    return stretch(waveform, rate, n_fft, length)


def pitch_shift(waveform: Tensor, sample_rate: int, n_steps: float) -> Tensor:
    """Raise or lower the pitch, keeping the length: stretch by a phase vocoder, then play faster or slower.

    Playing faster is resampling, whose cost grows with the two numbers of its ratio, so `small_ratio` keeps them small.

    Args:
        waveform: [..., samples], float32 or float64, any range.
        sample_rate: Hz; it sets the window of the phase vocoder.
        n_steps: semitones from -24 to 24, fractional too.

    Returns:
        Same shape, dtype and device.

    Raises:
        WaveformError: not audio (see `check_batch`), not a sample rate, or more than 24 semitones.

    Taught in 06_augmenting_waveforms. Source: a semitone is a factor of 2^(1/12), a cent of 2^(1/1200).
    """
    check_batch(waveform)
    n_fft = 2 ** round(math.log2(WINDOW_SECONDS * check_sample_rate(sample_rate)))
    ratio = small_ratio(n_steps)
    if ratio == 1:
        return waveform.clone()
    samples = waveform.shape[-1]
    longer = stretch(waveform, float(1 / ratio), n_fft, math.ceil(samples * ratio))
    shifted = AF.resample(longer, ratio.numerator, ratio.denominator)
    return pad(shifted, (0, samples - shifted.shape[-1]))


def small_ratio(n_steps: float) -> Fraction:
    """The frequency ratio of an interval as a fraction: the smallest one less than a quarter of a cent away.

    Args:
        n_steps: semitones from -24 to 24, fractional too.

    Returns:
        The ratio, for example 63/50 for 4 semitones.

    Raises:
        WaveformError: more than 24 semitones.

    Taught in 06_augmenting_waveforms. Source: a semitone is a factor of 2^(1/12), a cent of 2^(1/1200).
    """
    if not abs(n_steps) <= MOST_STEPS:
        raise WaveformError(f"The interval is {n_steps} semitones.", f"Stay between -{MOST_STEPS} and {MOST_STEPS}.")
    exact = 2 ** (n_steps / 12)
    largest = 2 ** (SMALLEST_CENTS / 1200)
    close = (d for d in count(1) if 1 / largest < round(exact * d) / (exact * d) < largest)
    denominator = next(close)
    return Fraction(round(exact * denominator), denominator)


def add_reverb(waveform: Tensor, room_response: Tensor) -> Tensor:
    """Let a waveform sound in a room: convolve it with the room's impulse response.

    Args:
        waveform: [..., channels, samples] or [samples], float32 or float64, any range.
        room_response: [samples] or [channels, samples], with the waveform's sample rate; one channel serves all. Its
            strongest sample is taken for the direct sound, which stays where it was; its energy is made 1, so that
            white noise keeps its level.

    Returns:
        Same shape, dtype and device; the reverberation after the last sample is cut off. May exceed [-1, 1].

    Raises:
        SilentAudioError: the response is silent.
        WaveformError: one of them is not audio (see `check_batch`), or their channels do not fit.

    Taught in 06_augmenting_waveforms. Source: a room is a linear system, described by its impulse response.
    """
    items = _as_items(check_batch(waveform))
    response = _as_items(check_batch(room_response, "room_response")).to(waveform)
    if response.ndim > 2 or response.shape[0] not in (1, items.shape[-2]):
        raise WaveformError(
            f"A room response {list(room_response.shape)} does not fit a waveform {list(waveform.shape)}.",
            "Pass one channel, or as many as the waveform has, for example room_response[:1].",
        )
    energy = response.square().sum(dim=-1).mean()
    if not energy:
        raise SilentAudioError("The room response is silent.", "Look at the file or the slice that it comes from.")
    direct = int(response.abs().amax(dim=0).argmax())
    total = items.shape[-1] + response.shape[-1] - 1
    response = pad(response / energy.sqrt(), (0, 2 ** math.ceil(math.log2(total)) - total))  # the FFT likes powers of 2
    reverberant = AF.fftconvolve(items, response.reshape(*[1] * (items.ndim - 2), *response.shape))
    return reverberant[..., direct : direct + items.shape[-1]].reshape(waveform.shape)


def telephone(waveform: Tensor, sample_rate: int) -> Tensor:
    """Send a waveform through a digital telephone: 8 kHz, 8 bits a sample in mu-law, and back.

    Args:
        waveform: [..., samples], float32 or float64; values beyond [-1, 1] are clipped, as the line does.
        sample_rate: Hz.

    Returns:
        Same shape, dtype and device, without gradient: little is left above 4 kHz, and the coding adds noise.

    Raises:
        WaveformError: not audio (see `check_batch`), or not a sample rate.

    Taught in 06_augmenting_waveforms. Source: ITU-T G.711, mu-law with mu = 255.
    """
    narrow = AF.resample(check_batch(waveform).detach(), check_sample_rate(sample_rate), TELEPHONE_RATE)
    codes = AF.mu_law_encoding(narrow.clamp(-1, 1), MU_LAW_LEVELS)
    decoded = AF.mu_law_decoding(codes, MU_LAW_LEVELS).to(waveform.dtype)
    wide = AF.resample(decoded, TELEPHONE_RATE, sample_rate)
    return pad(wide, (0, waveform.shape[-1] - wide.shape[-1]))


def clip(waveform: Tensor, drive_db: float) -> Tensor:
    """Overdrive a waveform: amplify it and cut off what exceeds [-1, 1].

    Args:
        waveform: [..., samples], float32 or float64, any range.
        drive_db: amplification in dB.

    Returns:
        Same shape, dtype and device, in [-1, 1].

    Raises:
        WaveformError: not audio (see `check_batch`).

    Taught in 06_augmenting_waveforms.
    """
    return (check_batch(waveform) * 10 ** (drive_db / 20)).clamp(-1, 1)


def mask_spectrogram(
    spectrogram: Tensor, *, time_mask_param: int, freq_mask_param: int, n_time_masks: int = 1, n_freq_masks: int = 1
) -> Tensor:
    """Hide random stretches of time and bands of frequency (SpecAugment), each item of a batch its own.

    Args:
        spectrogram: [..., channels, bins, frames] or [bins, frames], real: amplitude, power, dB or mel. The channels
            of an item share their masks.
        time_mask_param: masks last 0 to time_mask_param - 1 frames, all equally likely.
        freq_mask_param: masks span 0 to freq_mask_param - 1 bins, all equally likely.
        n_time_masks: masks over time; they may overlap.
        n_freq_masks: masks over frequency; they may overlap.

    Returns:
        Same shape, dtype and device; masked values are the mean of their item.

    Raises:
        WaveformError: not a real spectrogram, empty, NaN or infinite.

    Taught in 05_augmenting_spectrograms. Source: Park et al. (2019), SpecAugment.
    """
    items = check_spectrogram(spectrogram)
    items = items if items.ndim > 2 else items.unsqueeze(0)
    *batch, _, bins, frames = items.shape
    visible = items.new_ones(1, *batch, bins, frames)
    for _ in range(n_time_masks):
        visible = AF.mask_along_axis_iid(visible, min(time_mask_param, frames), 0.0, visible.ndim - 1)
    for _ in range(n_freq_masks):
        visible = AF.mask_along_axis_iid(visible, min(freq_mask_param, bins), 0.0, visible.ndim - 2)
    mean = items.mean(dim=(-3, -2, -1), keepdim=True)
    return torch.where(visible[0].unsqueeze(-3) > 0, items, mean).reshape(spectrogram.shape)


def _as_items(waveform: Tensor) -> Tensor:
    return waveform if waveform.ndim > 1 else waveform.unsqueeze(0)
