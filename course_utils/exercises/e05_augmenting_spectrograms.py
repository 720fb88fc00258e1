"""Exercises of 05_augmenting_spectrograms."""

import math
from typing import Any

import torch
import torchaudio
from torch import Tensor

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_longest(longest_ms: Any) -> str | None:
    return compare_number(
        longest_ms,
        39 * 160 / 16_000 * 1000,
        "ms",
        {
            400: "That would be 40 frames. The parameter itself is never reached: look at the histogram again.",
            0.39: "That is seconds; the question asks for milliseconds.",
            39: "That is frames. How long is the step from one frame to the next?",
            6240: "That is samples. Divide by the sample rate.",
            39 * 256 / 16: "That is our hop of 256 samples; this spectrogram has 160.",
        },
    )


LONGEST = Exercise(
    id="05.1",
    objective="05.mask",
    answer="longest_ms",
    frame="longest_ms = {body}",
    body="(40 - 1) * 160 / 16_000 * 1000",
    check=check_longest,
    wrong={
        "40 * 160 / 16_000 * 1000": "never reached",
        "39 * 160 / 16_000": "That is seconds",
        "39": "That is frames",
        "39 * 160": "That is samples",
        "39 * 256 / 16_000 * 1000": "our hop",
        "39 * 400 / 16_000 * 1000": "too large",
    },
    hints=(
        "How many frames has the longest mask of `TimeMasking(40)`? Look at the histogram for 30 again.",
        "A frame stands for one hop: hop_length / sample_rate seconds.",
    ),
)


def check_fill(fill_with_mean: Any) -> str | None:
    generator = torch.Generator().manual_seed(5)
    decibel = 20 * torch.randn(6, 9, generator=generator) - 15 + 5 * torch.arange(6.0).unsqueeze(1)
    visible = torch.ones(6, 9)
    visible[:, 3:5] = 0
    visible[1] = 0
    got = call(fill_with_mean, decibel, visible)

    def filled(value: Tensor | float) -> Tensor:
        return torch.where(visible > 0, decibel, value)

    foreseen = {
        "The holes are still 0 dB: louder than most of the sound.": filled(0.0),
        "Inside out: the sound is gone and the holes are left. Where `visible` is 1, keep the value.": torch.where(
            visible > 0, decibel.mean(), decibel
        ),
        "You moved the whole picture down by its mean. Add the mean again after masking.": filled(decibel.mean())
        - decibel.mean(),
        "You added the mean everywhere. Subtract it first, then mask, then add it.": decibel * visible + decibel.mean(),
        "Each band got its own mean. One number, the mean of all values, fills every hole.": filled(
            decibel.mean(dim=-1, keepdim=True)
        ),
        "The holes got the lowest value: in dB that is silence, far below the mean.": filled(decibel.min()),
    }
    for words, values in foreseen.items():
        if compare(got, values) is None:
            return words
    feedback = compare(got, filled(decibel.mean()))
    if (
        feedback
        and isinstance(got, Tensor)
        and got.shape == decibel.shape
        and compare(got * visible, decibel * visible) is None
    ):
        return (
            f"The sound is kept. The holes hold {got[visible == 0].mean():.1f} dB on average, and the mean of "
            f"`decibel` is {decibel.mean():.1f} dB: take it inside the function, over all values."
        )
    return feedback


FILL = Exercise(
    id="05.2",
    objective="05.fill",
    answer="fill_with_mean",
    frame='''
def fill_with_mean(decibel: Tensor, visible: Tensor) -> Tensor:
    """[bands, frames] in dB; where `visible` is 0, the mean of all values of `decibel` instead."""
    {body}
''',
    body="""mean = decibel.mean()
return (decibel - mean) * visible + mean""",
    check=check_fill,
    wrong={
        "return decibel * visible": "still 0 dB",
        "return torch.where(visible > 0, decibel.mean(), decibel)": "Inside out",
        "return (decibel - decibel.mean()) * visible": "Add the mean again",
        "return decibel * visible + decibel.mean()": "added the mean everywhere",
        "return torch.where(visible > 0, decibel, decibel.mean(dim=-1, keepdim=True))": "its own mean",
        "return torch.where(visible > 0, decibel, decibel.min())": "the lowest value",
        "return torch.where(visible > 0, decibel, decibel[visible > 0].mean())": "over all values",
        "return visible": "the values are not",
    },
    hints=(
        'After you subtract the mean, which number means "average"?',
        "So: subtract the mean, multiply by `visible`, add the mean again.",
    ),
)


def check_own_masks(own_masks: Any) -> str | None:
    starts, sizes = torch.tensor([0, 4, 7]), torch.tensor([3, 0, 9])
    got = call(own_masks, starts, sizes, 10)
    if isinstance(got, Tensor) and got.dtype == torch.bool:
        got = got.float()
    frames = torch.arange(10)
    first, size = starts[:, None, None], sizes[:, None, None]
    hidden = (frames >= first) & (frames < first + size)
    want = 1.0 - hidden.float()
    foreseen = {
        "Inside out: `visible` is 1 where the sound stays and 0 in the mask.": hidden.float(),
        "One frame too many at the end: a mask of size 0 must hide nothing. Use `<`, not `<=`.": 1
        - ((frames >= first) & (frames <= first + size)).float(),
        "The first frame of the mask is still visible. Use `>=` at the start.": 1
        - ((frames > first) & (frames < first + size)).float(),
        "You took the size for the end. The mask ends at start + size.": 1
        - ((frames >= first) & (frames < size)).float(),
        "All items got the mask of the first one.": want[:1].expand(3, 1, 10),
    }
    for words, values in foreseen.items():
        if compare(got, values) is None:
            return words
    if isinstance(got, Tensor) and got.shape == (3, 10):
        return "The masks are right for [items, frames]; to fit [items, bands, frames], put an axis of size 1 between."
    return compare(got, want)


_OWN_MASKS = """frames = torch.arange(n_frames)
first = starts[:, None, None]
size = sizes[:, None, None]
hidden = (frames >= first) & (frames < first + size)
return 1.0 - hidden.float()"""

OWN_MASKS = Exercise(
    id="05.3",
    objective="05.batch",
    answer="own_masks",
    frame='''
def own_masks(starts: Tensor, sizes: Tensor, n_frames: int) -> Tensor:
    """[items, 1, n_frames]: 0 from starts[i] on for sizes[i] frames of item i, and 1 elsewhere."""
    {body}
''',
    body=_OWN_MASKS,
    check=check_own_masks,
    wrong={
        _OWN_MASKS.replace("1.0 - hidden.float()", "hidden.float()"): "Inside out",
        _OWN_MASKS.replace("frames < first", "frames <= first"): "One frame too many",
        _OWN_MASKS.replace("frames >= first", "frames > first"): "still visible",
        _OWN_MASKS.replace("first + size", "size"): "took the size for the end",
        _OWN_MASKS.replace("[:, None, None]", "[:1, None, None].expand(3, 1, 1)"): "mask of the first one",
        _OWN_MASKS.replace("[:, None, None]", "[:, None]"): "an axis of size 1",
        "return torch.ones(len(starts), 1, n_frames)": "differ by up to",
    },
    hints=(
        "`torch.arange(n_frames)` numbers the frames. A frame is hidden if its number lies in [start, start + size).",
        "`starts[:, None, None]` has the shape [items, 1, 1] and compares with all frames at once.",
        "`(frames >= first) & (frames < first + size)` is True in the mask; `visible` is the opposite.",
    ),
)


def check_stretched(stretched: Any) -> str | None:
    generator = torch.Generator().manual_seed(5)
    for n_fft, frames, rate in ((400, 40, 1.25), (1024, 30, 0.8)):
        spectrum = torch.randn(1, n_fft // 2 + 1, frames, dtype=torch.complex64, generator=generator)
        transform = torchaudio.transforms.TimeStretch(hop_length=n_fft // 4, n_freq=n_fft // 2 + 1)
        where = f"n_fft {n_fft}, rate {rate}"
        got = call(stretched, spectrum, rate)
        want = transform(spectrum, rate)
        if isinstance(got, Tensor) and not got.is_complex():
            return f"{where}: the phases are gone. Keep the spectrum complex, from beginning to end."
        if isinstance(got, Tensor) and got.shape == want.shape:
            if compare(got, transform(spectrum.abs() + 0j, rate), tolerance=0.01) is None:
                return f"{where}: the phases are gone. Keep the spectrum complex, from beginning to end."
            skipped = spectrum[..., torch.arange(0, frames, rate).long()]
            if compare(got, skipped) is None:
                return f"{where}: these are the old frames with their old phases. They will not join."
        elif isinstance(got, Tensor) and got.shape[-1] == math.ceil(frames * rate):
            return f"{where}: it got slower where it should get faster. Hand on the rate as it is."
        elif isinstance(got, Tensor) and compare(got, spectrum) is None:
            return f"{where}: nothing was stretched."
        # Rounding may turn a phase by a hair, and where it wraps around the loudest bins tell first.
        if feedback := compare(got, want, tolerance=0.01):
            return f"{where}: {feedback}"
    return None


STRETCHED = Exercise(
    id="05.4",
    objective="05.stretch",
    answer="stretched",
    frame='''
def stretched(spectrum: Tensor, rate: float) -> Tensor:
    """A complex spectrogram [channels, bins, frames] of any n_fft, hop n_fft // 4, `rate` times as fast."""
    {body}
''',
    body="""n_fft = 2 * (spectrum.shape[-2] - 1)
stretch = T.TimeStretch(hop_length=n_fft // 4, n_freq=spectrum.shape[-2])
return stretch(spectrum, rate)""",
    check=check_stretched,
    wrong={
        "return T.TimeStretch()(spectrum, rate)": "must match the size of tensor b (201)",
        "return T.TimeStretch(n_freq=513)(spectrum, rate)": "must match the size of tensor b (513)",
        "return T.TimeStretch(n_freq=spectrum.shape[-2])(spectrum)": "must pass a valid rate",
        "return T.TimeStretch(n_freq=spectrum.shape[-2])(spectrum.abs() + 0j, rate)": "the phases are gone",
        "return T.TimeStretch(n_freq=spectrum.shape[-2])(spectrum, 1 / rate)": "got slower",
        "return spectrum[..., torch.arange(0, spectrum.shape[-1], rate).long()]": "will not join",
        "return spectrum": "nothing was stretched",
    },
    hints=(
        "`TimeStretch` has to know how many bins there are: `n_freq`.",
        "The bins are the last axis but one: `spectrum.shape[-2]`. n_fft is twice that, less 2.",
        "Then call it with the spectrum and the rate.",
    ),
)

EXERCISES = [LONGEST, FILL, OWN_MASKS, STRETCHED]
