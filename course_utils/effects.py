"""Effects that the lessons and the projects share: rooms, fades, loudness, and the measured response of any of them.

Filters are in `course_utils.filters`, what only makes training data in `course_utils.augment`.
"""

import math
import warnings
from collections.abc import Callable

import torch
import torchaudio.functional as AF
from torch import Tensor
from torchaudio.transforms import Fade

from course_utils.augment import add_reverb
from course_utils.checks import check_batch, check_sample_rate
from course_utils.errors import CourseWarning, SilentAudioError, WaveformError
from course_utils.filters import apply_filter, level_db

CLICK = 0.01
"""Height of the click that measures a response: an effect may amplify it by 40 dB and does not clip it."""

BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
"""Loudness is measured in blocks of 0.4 s that begin every 0.1 s."""

SILENCE_LUFS, PAUSE_LU = -70.0, 10.0
"""Blocks below the one do not count, and then those that lie more than the other below the rest."""

OFFSET_DB = -0.691
"""Cancels the gain of the weighting at 997 Hz."""

SHAPES = ("linear", "half_sine", "quarter_sine", "exponential", "logarithmic")
CURVES = ("equal power", "equal gain")


def measure_response(
    effect: Callable[[Tensor], Tensor], sample_rate: int, *, seconds: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Send a click through an effect and read from the result what happens to each frequency.

    A click holds all frequencies alike. This says everything about an effect that is linear and the same at all times,
    as filters and rooms are; about overdrive or tremolo it says little.

    Args:
        effect: takes and returns [1, samples], float32; the click lies in the middle, its height is 0.01.
        sample_rate: Hz.
        seconds: length of the recording around the click; the frequencies lie 1 / seconds Hz apart.

    Returns:
        The frequencies in Hz, from 0 to half the sample rate, and the response in dB at each, not below -120; float64.

    Raises:
        WaveformError: the effect returns something else than a waveform of this length, or there is not one sample.

    Taught in 12_effects. Source: the frequency response is the Fourier transform of the impulse response.
    """
    samples = round(seconds * check_sample_rate(sample_rate))
    if samples < 2:
        raise WaveformError(f"In {seconds:g} s there are no samples to measure.", "Choose more seconds, for example 1.")
    click = torch.zeros(1, samples)
    click[0, samples // 2] = CLICK
    result = check_batch(effect(click), "result of the effect").detach()
    if result.shape != click.shape:
        raise WaveformError(
            f"The effect made {list(result.shape)} of {list(click.shape)}.",
            "Measure one that keeps the length, and one channel at a time.",
        )
    spectrum = torch.fft.rfft(result[0].double()) / CLICK
    return torch.fft.rfftfreq(samples, 1 / sample_rate, dtype=torch.float64), level_db(spectrum.abs())


def reverb(
    waveform: Tensor, sample_rate: int, room_response: Tensor, response_rate: int, *, wet: float = 0.3
) -> Tensor:
    """Put a waveform into a room and mix the result with the waveform itself.

    The response is brought to the waveform's rate and to an energy of 1; the direct sound stays where it was, and what
    rings on after the last sample is cut off. For the whole reverberation, append silence to the waveform before.

    Args:
        waveform: [..., channels, samples] or [samples], float32 or float64, any range.
        sample_rate: of the waveform, in Hz.
        room_response: [samples] or [channels, samples]; one channel serves all.
        response_rate: of the room response, in Hz.
        wet: how much of the result comes from the room, from 0 (only the waveform) to 1 (only the room).

    Returns:
        Same shape, dtype and device; may exceed [-1, 1].

    Raises:
        SilentAudioError: the response is silent.
        WaveformError: one of them is not audio (see `check_batch`) or has no rate, their channels do not fit, or `wet`
            lies outside 0 to 1.

    Taught in 12_effects.
    """
    if not 0 <= wet <= 1:
        raise WaveformError(f"A share of {wet!r} of the room is no share.", "Choose wet from 0 to 1.")
    rates = check_sample_rate(response_rate), check_sample_rate(sample_rate)
    response = AF.resample(check_batch(room_response, "room_response"), *rates)
    return torch.lerp(waveform, add_reverb(waveform, response), wet)


def fade(
    waveform: Tensor, sample_rate: int, fade_in: float = 0.0, fade_out: float = 0.0, *, shape: str = "half_sine"
) -> Tensor:
    """Let a waveform begin and end softly, however short it is.

    Fades that do not fit are shortened, both by the same factor, until they meet; a CourseWarning says so.

    Args:
        waveform: [..., samples], float32 or float64, any range.
        sample_rate: Hz.
        fade_in: seconds, 0 or more.
        fade_out: seconds, 0 or more.
        shape: as for `torchaudio.transforms.Fade`: "linear", "half_sine", "quarter_sine", "exponential" or
            "logarithmic".

    Returns:
        Same shape, dtype and device.

    Raises:
        WaveformError: not audio (see `check_batch`), no sample rate, a negative length, or no such shape.

    Taught in 12_effects.
    """
    samples = check_batch(waveform).shape[-1]
    lengths = [_to_samples(seconds, sample_rate) for seconds in (fade_in, fade_out)]
    if shape not in SHAPES:
        raise WaveformError(f"There is no fade of the shape {shape!r}.", f"Choose one of {', '.join(SHAPES)}.")
    if sum(lengths) > samples:
        first = round(samples * lengths[0] / sum(lengths))
        lengths = [first, samples - first]
        into, out = (length / sample_rate for length in lengths)
        _warn(
            f"Fades of {fade_in:g} s and {fade_out:g} s do not fit into {samples / sample_rate:.3g} s; "
            f"they last {into:.3g} s and {out:.3g} s instead."
        )
    return Fade(*lengths, shape)(waveform).to(waveform.dtype)


def crossfade(first: Tensor, second: Tensor, sample_rate: int, seconds: float, *, curve: str = "equal power") -> Tensor:
    """Let one waveform go while the next one comes.

    An overlap longer than one of the two is shortened to it; a CourseWarning says so.

    Args:
        first: [..., samples], float32 or float64, any range.
        second: likewise, of any length, with the same dimensions before.
        sample_rate: of both, in Hz.
        seconds: for how long both are heard, 0 or more.
        curve: "equal power" keeps the level where the two have nothing to do with each other, "equal gain" where they
            are alike.

    Returns:
        Both in a row, overlapping; dtype and device of the first. May exceed [-1, 1].

    Raises:
        WaveformError: one of them is not audio (see `check_batch`), their channels differ, no sample rate, a negative
            length, or no such curve.

    Taught in 12_effects. Source: sin^2 + cos^2 = 1, the sum of the powers.
    """
    if check_batch(first, "first").shape[:-1] != check_batch(second, "second").shape[:-1]:
        raise WaveformError(
            f"A waveform {list(first.shape)} and one {list(second.shape)} do not fit.",
            "Give both the same channels: waveform.expand(2, -1) makes two of one.",
        )
    if curve not in CURVES:
        raise WaveformError(f"There is no crossfade of {curve!r}.", f"Choose {' or '.join(CURVES)}.")
    wanted = _to_samples(seconds, sample_rate)
    overlap = min(wanted, first.shape[-1], second.shape[-1])
    if overlap < wanted:
        _warn(f"A crossfade of {seconds:g} s does not fit; it lasts {overlap / sample_rate:.3g} s instead.")
    second = second.to(first)
    rise = (torch.arange(overlap, dtype=first.dtype, device=first.device) + 0.5) / max(overlap, 1)
    if curve == "equal power":
        fall, rise = torch.cos(rise * math.pi / 2), torch.sin(rise * math.pi / 2)
    else:
        fall = 1 - rise
    start = first.shape[-1] - overlap
    both = first[..., start:] * fall + second[..., :overlap] * rise
    return torch.cat([first[..., :start], both, second[..., overlap:]], dim=-1)


def loudness(waveform: Tensor, sample_rate: int) -> Tensor:
    """Measure how loud a recording is, as people hear it, in LUFS.

    Unlike `torchaudio.functional.loudness`, it holds the standard's filters at every rate and does not clip within.

    Args:
        waveform: [..., channels, samples] or [samples], float32 or float64, any range, one or two channels, at least
            0.4 s.
        sample_rate: Hz, at least 4000.

    Returns:
        LUFS, one number for each item, in the waveform's dtype; -inf where nothing reaches -70 LUFS, as in silence.

    Raises:
        WaveformError: not audio (see `check_batch`), shorter than 0.4 s, more than two channels, or no such rate.

    Taught in 12_effects. Source: ITU-R BS.1770-5; its filters for any rate: B. De Man, Evaluation of implementations of
    the EBU R128 loudness measurement, 2018.
    """
    items = check_batch(waveform)
    items = items if items.ndim > 1 else items.unsqueeze(0)
    if items.shape[-2] > 2:
        raise WaveformError(
            f"The waveform has {items.shape[-2]} channels; loudness is measured here for one or two.",
            "Choose some with waveform[:2], or mix them with waveform.mean(dim=0, keepdim=True).",
        )
    weighting = _k_weighting(sample_rate)
    block, step = round(BLOCK_SECONDS * sample_rate), round(STEP_SECONDS * sample_rate)
    if items.shape[-1] < block:
        raise WaveformError(
            f"The waveform has {items.shape[-1]} samples; loudness needs {block}, {BLOCK_SECONDS} s.",
            "Measure a longer stretch, or compare peaks or mean powers instead.",
        )
    weighted = apply_filter(items.double(), weighting)
    power = weighted.square().unfold(-1, block, step).mean(dim=-1).sum(dim=-2)
    level = _lufs(power)
    heard = level > SILENCE_LUFS
    counted = heard & (level > _lufs(_mean_where(heard, power)).unsqueeze(-1) - PAUSE_LU)
    return _lufs(_mean_where(counted, power)).to(waveform.dtype)


def normalise_loudness(waveform: Tensor, sample_rate: int, lufs: float = -16.0) -> Tensor:
    """Make a recording as loud as wanted, by one gain for all of it.

    Args:
        waveform: [..., channels, samples] or [samples], as for `loudness`.
        sample_rate: Hz.
        lufs: the loudness wanted, for example -16, usual for podcasts, or -23 for broadcasting.

    Returns:
        Same shape, dtype and device; may exceed [-1, 1].

    Raises:
        SilentAudioError: an item is silent, so that no gain makes it loud.
        WaveformError: as for `loudness`.

    Taught in 12_effects.
    """
    present = loudness(waveform, sample_rate)
    if present.isinf().any():
        raise SilentAudioError(
            "The waveform is silent: nothing in it reaches -70 LUFS, and no gain makes silence loud.",
            "Leave silent clips as they are.",
        )
    gain = 10 ** ((lufs - present) / 20)
    return waveform * (gain[..., None, None] if waveform.ndim > 1 else gain)


def _k_weighting(sample_rate: int) -> Tensor:
    """The standard's two filters, a shelf for the head and a high-pass, at any rate."""
    if check_sample_rate(sample_rate) < 4000:
        raise WaveformError(
            f"At a sample rate of {sample_rate} Hz, loudness has no meaning.", "Use recordings of 8000 Hz or more."
        )
    shelf, q = math.tan(math.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    top = (high + middle * shelf / q + shelf**2, 2 * (shelf**2 - high), high - middle * shelf / q + shelf**2)
    scale = 1 + shelf / q + shelf**2
    first = (*(b / scale for b in top), *_poles(shelf, q))
    rumble = math.tan(math.pi * 38.13547087602444 / sample_rate)
    return torch.tensor([first, (1, -2, 1, *_poles(rumble, 0.5003270373238773))], dtype=torch.float64)


def _poles(k: float, q: float) -> tuple[float, float, float]:
    scale = 1 + k / q + k**2
    return 1.0, 2 * (k**2 - 1) / scale, (1 - k / q + k**2) / scale


def _lufs(power: Tensor) -> Tensor:
    return OFFSET_DB + 10 * torch.log10(power)


def _mean_where(counted: Tensor, power: Tensor) -> Tensor:
    """The mean of those that count; 0 if none does."""
    return (power * counted).sum(dim=-1) / counted.sum(dim=-1).clamp(min=1)


def _to_samples(seconds: float, sample_rate: int) -> int:
    if not 0 <= seconds < math.inf:
        raise WaveformError(f"A fade of {seconds!r} s is impossible.", "Choose a length of 0 s or more.")
    return round(seconds * check_sample_rate(sample_rate))


def _warn(text: str) -> None:
    warnings.warn(text, CourseWarning, stacklevel=3)
