"""Exercises of 04_mel_and_mfcc."""

import math
import warnings
from typing import Any

import torch
from torch import Tensor
from torchaudio.functional import compute_deltas, melscale_fbanks

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number


def check_inverse(mel_to_hertz: Any) -> str | None:
    for mel in (1000.0, 150.0, 2146.0):
        power_of_ten = 10 ** (mel / 2595)
        feedback = compare_number(
            call(mel_to_hertz, mel),
            700 * (power_of_ten - 1),
            "Hz",
            {
                700 * power_of_ten: "The 1 is missing: undo the `1 +` as well.",
                700 * (power_of_ten + 1): "The 1 was added on the way there, so take it away on the way back.",
                700 * power_of_ten - 1: "The 1 goes too late. It was added after the division, before the logarithm.",
                power_of_ten - 1: "The 700 is missing: the formula divided by it.",
                700 * math.expm1(mel / 2595): "`exp` undoes the natural logarithm; log10 is undone by `10 **`.",
                700 * (10 ** (2595 / mel) - 1): "Upside down: the logarithm was multiplied by 2595, so divide by it.",
                2595 * math.log10(1 + mel / 700): "That is the way there, from hertz to mel. Go back.",
            },
            tolerance=2e-4,  # some write 1127 log(1 + f / 700), with the natural logarithm
        )
        if feedback:
            return f"{mel:g} mel: {feedback}"
    return None


INVERSE = Exercise(
    id="04.1",
    objective="04.mel",
    answer="mel_to_hertz",
    frame='''
def mel_to_hertz(mel: float) -> float:
    """The frequency in Hz of a place on the mel scale: the way back from hertz_to_mel."""
    {body}
''',
    body="return 700 * (10 ** (mel / 2595) - 1)",
    check=check_inverse,
    wrong={
        "return 700 * 10 ** (mel / 2595)": "The 1 is missing",
        "return 700 * (10 ** (mel / 2595) + 1)": "take it away",
        "return 700 * 10 ** (mel / 2595) - 1": "The 1 goes too late",
        "return 10 ** (mel / 2595) - 1": "The 700 is missing",
        "return 700 * (math.exp(mel / 2595) - 1)": "undoes the natural logarithm",
        "return 700 * (10 ** (2595 / mel) - 1)": "Upside down",
        "return hertz_to_mel(mel)": "the way there",
    },
    hints=(
        "Undo the steps of the formula, the last one first.",
        "The last step was `2595 *`, so begin with `mel / 2595`. The one before was log10; `10 **` undoes it.",
        "What is left is `1 + frequency / 700`: take the 1 away, then multiply by 700.",
    ),
)


def _bank(n_freqs: int, f_max: float, n_mels: int, sample_rate: int, norm: str | None = None) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the learner who counts the empty filters
        return melscale_fbanks(n_freqs, 0.0, f_max, n_mels, sample_rate, norm)


def check_count(count_empty: Any) -> str | None:
    for words, bank in (
        ("n_fft=400, n_mels=128 at 16 000 Hz", _bank(201, 8000.0, 128, 16_000)),
        ('n_fft=1024, n_mels=80 at 16 000 Hz, norm="slaney"', _bank(513, 8000.0, 80, 16_000, "slaney")),
        ("n_fft=256, n_mels=40 at 8000 Hz, f_max=8000", _bank(129, 8000.0, 40, 8000)),
    ):
        got = call(count_empty, bank)
        peaks = bank.amax(dim=0)
        empty = int((peaks == 0).sum())
        if isinstance(got, bool) or (isinstance(got, Tensor) and got.ndim == 0 and got.dtype == torch.bool):
            return "That is yes or no; the question is how many."
        if isinstance(got, Tensor) and got.ndim > 0:
            return f"{words}: that is a tensor of shape {list(got.shape)}; count, and return one number."
        feedback = compare_number(
            got,
            empty,
            "filters",
            {
                int((bank == 0).sum()): "Those are all weights that are 0. Most weights of every filter are.",
                int(
                    (bank.amax(dim=1) == 0).sum()
                ): "Those are the bins that no filter uses. A filter is a column: take the largest value over dim=0.",
                int((peaks > 0).sum()): "Those are the filters that do hold a bin. Count the others.",
                bank.shape[1]: "That is every filter. A peak below 1, or zeros beside its band, are no fault: "
                "empty means 0 at every bin.",
            },
        )
        if feedback:
            return f"{words}: {feedback}"
    return None


COUNT = Exercise(
    id="04.2",
    objective="04.filters",
    answer="count_empty",
    frame='''
def count_empty(bank: Tensor) -> int:
    """How many filters of a bank [bins, n_mels] are 0 at every bin."""
    {body}
''',
    body="return int((bank.amax(dim=0) == 0).sum())",
    check=check_count,
    wrong={
        "return int((bank == 0).sum())": "all weights that are 0",
        "return int((bank.amax(dim=1) == 0).sum())": "bins that no filter uses",
        "return int((bank.amax(dim=0) > 0).sum())": "do hold a bin",
        "return int((bank.amax(dim=0) < 1).sum())": "That is every filter",
        "return (bank.amax(dim=0) == 0).nonzero()": "return one number",
        "return bool((bank.amax(dim=0) == 0).any())": "how many",
    },
    hints=(
        "A filter is a column of the bank. It is empty when even its largest value is 0.",
        "`bank.amax(dim=0)` is the largest value of each filter.",
        "Compare with 0, and sum: True counts as 1.",
    ),
)


def check_decibel(mel_to_db: Any) -> str | None:
    item = torch.linspace(0.01, 4.0, 12).reshape(3, 4) ** 3
    power = torch.stack([item, 1e-4 * item, torch.zeros_like(item)])
    power[0, 0, 0] = 1e-9
    for top_db in (80.0, 30.0):
        if feedback := _decibel_feedback(call(mel_to_db, power, top_db), power, top_db):
            return f"top_db={top_db:g}: {feedback}"
    return None


def _decibel_feedback(got: Any, power: Tensor, top_db: float) -> str | None:
    def with_floor(decibel: Tensor, over: tuple[int, ...] = (-2, -1), below: float = top_db) -> Tensor:
        return torch.maximum(decibel, decibel.amax(dim=over, keepdim=True) - below)

    decibel = 10 * torch.log10(power.clamp(min=1e-10))
    want = with_floor(decibel)
    floor = decibel.amax(dim=(-2, -1), keepdim=True) - top_db
    foreseen = (
        (with_floor(2 * decibel), "Twice as many dB as there are: a mel spectrogram holds power, and power takes 10."),
        (with_floor(10 * power.clamp(min=1e-10).log()), "That is the natural logarithm. Decibels are made with log10."),
        (with_floor(decibel, (0, 1, 2)), "The floor is the same for the whole batch: a loud item hides a quiet one."),
        (with_floor(decibel, (-2,)), "Each frame has a floor of its own; an item should have one."),
        (with_floor(decibel, (-1,)), "Each band has a floor of its own; an item should have one."),
        (with_floor(decibel, below=80), "The floor is always 80 dB below the loudest point: use the `top_db` given."),
        (torch.minimum(decibel, floor), "`minimum` keeps what lies below the floor; `maximum` lifts it."),
        (
            with_floor(10 * torch.log10(power + 1e-10)),
            "Adding 1e-10 lifts weak values by up to 3 dB; `clamp` does not.",
        ),
        (decibel.clamp(min=-top_db), "The floor is fixed at -top_db. It should lie top_db below the item's loudest."),
        (want - decibel.amax(dim=(-2, -1), keepdim=True), "0 dB should be a power of 1, not the loudest point."),
        (decibel, "There is no floor yet: nothing should lie more than top_db below its item's loudest point."),
    )
    if compare(got, want) is None:
        return None
    for wrong, words in foreseen:
        if compare(got, wrong) is None:
            return words
    if isinstance(got, Tensor) and not got.isfinite().all():
        return "Silence became -inf. Clamp the power to 1e-10 before the logarithm."
    return compare(got, want)


DECIBEL = Exercise(
    id="04.3",
    objective="04.decibel",
    answer="mel_to_db",
    frame='''
def mel_to_db(power: Tensor, top_db: float) -> Tensor:
    """Mel power [batch, n_mels, frames] in dB relative to a power of 1; each item has its own floor."""
    {body}
''',
    body="""decibel = 10 * torch.log10(power.clamp(min=1e-10))
floor = decibel.amax(dim=(1, 2), keepdim=True) - top_db
return torch.maximum(decibel, floor)""",
    check=check_decibel,
    wrong={
        'return torchaudio.transforms.AmplitudeToDB("power", top_db)(power)': "same for the whole batch",
        'return torchaudio.transforms.AmplitudeToDB("magnitude", top_db)(power[:, None])[:, 0]': "power takes 10",
        "return 10 * torch.log10(power.clamp(min=1e-10))": "no floor yet",
        "return (10 * torch.log10(power.clamp(min=1e-10))).clamp(min=-top_db)": "fixed at -top_db",
        "decibel = 10 * torch.log10(power)\n"
        "return torch.maximum(decibel, decibel.amax(dim=(1, 2), keepdim=True) - top_db)": "became -inf",
        "decibel = 10 * torch.log10(power.clamp(min=1e-10))\n"
        "return torch.maximum(decibel, decibel.amax(dim=1, keepdim=True) - top_db)": "Each frame",
        "decibel = 10 * torch.log10(power.clamp(min=1e-10))\n"
        "return torch.maximum(decibel, decibel.amax(dim=2, keepdim=True) - top_db)": "Each band",
        "decibel = 10 * torch.log10(power.clamp(min=1e-10))\n"
        "return torch.maximum(decibel, decibel.amax(dim=(1, 2), keepdim=True) - 80)": "always 80 dB",
        "decibel = 10 * torch.log10(power.clamp(min=1e-10))\n"
        "return torch.minimum(decibel, decibel.amax(dim=(1, 2), keepdim=True) - top_db)": "`maximum` lifts it",
        "decibel = 10 * torch.log10(power + 1e-10)\n"
        "return torch.maximum(decibel, decibel.amax(dim=(1, 2), keepdim=True) - top_db)": "Adding 1e-10",
        "decibel = 10 * torch.log10(power.clamp(min=1e-10))\n"
        "return (decibel - decibel.amax(dim=(1, 2), keepdim=True)).clamp(min=-top_db)": "not the loudest point",
        "decibel = 10 * torch.log(power.clamp(min=1e-10))\n"
        "return torch.maximum(decibel, decibel.amax(dim=(1, 2), keepdim=True) - top_db)": "natural logarithm",
    },
    hints=(
        "First the dB: `10 * torch.log10(...)` of the power, clamped to at least 1e-10.",
        "The loudest point of each item: `decibel.amax(dim=(1, 2), keepdim=True)`. The floor is `top_db` below it.",
        "`torch.maximum(decibel, floor)` lifts what lies below. (AmplitudeToDB does all this, if each item is given a "
        "channel axis.)",
    ),
)


def check_features(features_39: Any) -> str | None:
    generator = torch.Generator().manual_seed(0)
    for channels, frames in ((1, 50), (2, 21)):
        mfcc = torch.randn(channels, 13, frames, generator=generator)
        if feedback := _features_feedback(call(features_39, mfcc), mfcc):
            return f"For MFCCs of shape {list(mfcc.shape)}: {feedback}"
    return None


def _features_feedback(got: Any, mfcc: Tensor) -> str | None:
    channels, _, frames = mfcc.shape
    delta = compute_deltas(mfcc)
    second = compute_deltas(delta)
    want = torch.cat([mfcc, delta, second], dim=1)
    if compare(got, want) is None or not isinstance(got, Tensor):
        return compare(got, want)
    if got.shape == (3 * channels, 13, frames):
        return "Joined along the channels. The 13 coefficients become 39: join along dim=1."
    if got.shape == (channels, 13, 3 * frames):
        return "Joined along time: the recording became three times as long. Join along dim=1."
    if got.shape == (channels, 26, frames):
        return "26 rows: one of the three parts is missing."
    if got.ndim == 4:
        return "`stack` makes a new axis. `cat` joins along one that is there."
    if compare(got, torch.cat([mfcc, delta, delta], dim=1)) is None:
        return "The last 13 rows are the deltas once more. They should be the deltas of the deltas."
    if compare(got, torch.cat([second, delta, mfcc], dim=1)) is None:
        return "The order is turned round: the MFCCs come first."
    if compare(got, torch.cat([mfcc, second, delta], dim=1)) is None:
        return "The last two parts are the wrong way round: MFCCs, deltas, deltas of the deltas."
    across = compute_deltas(mfcc.transpose(1, 2)).transpose(1, 2)
    if got.shape == want.shape and compare(got[:, 13:26], across) is None:
        return "These deltas run from one coefficient to the next. They should run along time, the last axis."
    return compare(got, want)


FEATURES = Exercise(
    id="04.4",
    objective="04.mfcc",
    answer="features_39",
    frame='''
def features_39(mfcc: Tensor) -> Tensor:
    """[channels, 39, frames] from MFCCs [channels, 13, frames]: them, their deltas, the deltas of those."""
    {body}
''',
    body="""delta = compute_deltas(mfcc)
return torch.cat([mfcc, delta, compute_deltas(delta)], dim=1)""",
    check=check_features,
    wrong={
        "delta = compute_deltas(mfcc)\nreturn torch.cat([mfcc, delta, compute_deltas(delta)])": "along the channels",
        "delta = compute_deltas(mfcc)\nreturn torch.cat([mfcc, delta, compute_deltas(delta)], dim=-1)": "along time",
        "return torch.cat([mfcc, compute_deltas(mfcc)], dim=1)": "26 rows",
        "delta = compute_deltas(mfcc)\nreturn torch.stack([mfcc, delta, compute_deltas(delta)], dim=1)": "a new axis",
        "delta = compute_deltas(mfcc)\nreturn torch.cat([mfcc, delta, delta], dim=1)": "the deltas once more",
        "delta = compute_deltas(mfcc)\nreturn torch.cat([mfcc, compute_deltas(delta), delta], dim=1)": "way round",
        "delta = compute_deltas(mfcc)\nreturn torch.cat([compute_deltas(delta), delta, mfcc], dim=1)": "come first",
        "delta = compute_deltas(mfcc.mT).mT\n"
        "return torch.cat([mfcc, delta, compute_deltas(delta.mT).mT], dim=1)": "from one coefficient to the next",
    },
    hints=(
        "`compute_deltas(mfcc)` has the shape of the MFCCs; so have its own deltas.",
        "`torch.cat([...], dim=...)`: which axis has the 13 coefficients?",
        "The axes are [channels, coefficients, frames], so dim=1.",
    ),
)


def check_pictures(as_pictures: Any) -> str | None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.linspace(0, -60, 80)[:, None]
    mel_db = torch.stack([rows + spread * torch.randn(80, 90, generator=generator) for spread in (3.0, 9.0, 6.0)])
    mel_db[1] -= 20
    return _pictures_feedback(call(as_pictures, mel_db), mel_db)


def _pictures_feedback(got: Any, mel_db: Tensor) -> str | None:
    def standardised(over: tuple[int, ...]) -> Tensor:
        return (mel_db - mel_db.mean(dim=over, keepdim=True)) / mel_db.std(dim=over, keepdim=True)

    mean, deviation = mel_db.mean(dim=(1, 2), keepdim=True), mel_db.std(dim=(1, 2), keepdim=True)
    lowest, highest = mel_db.amin(dim=(1, 2), keepdim=True), mel_db.amax(dim=(1, 2), keepdim=True)
    want = standardised((1, 2)).unsqueeze(1)
    if compare(got, want, tolerance=1e-3) is None or not isinstance(got, Tensor):
        return compare(got, want, tolerance=1e-3)
    batch, n_mels, frames = mel_db.shape
    for shape, words in (
        ((batch, n_mels, frames), "The channel axis is missing. Conv2d would take the batch for the channels."),
        (
            (1, batch, n_mels, frames),
            "That is one picture of three channels. Each item should be a picture.",
        ),
        ((batch, n_mels, frames, 1), "The channel axis is last, as in TensorFlow. PyTorch wants it after the batch."),
        ((batch, 1, frames, n_mels), "Time and frequency are swapped: [batch, 1, n_mels, frames]."),
    ):
        if got.shape == shape:
            return words
    for wrong, words in (
        (mel_db, "The shape is right, but the values are dB still: subtract the mean, divide by the deviation."),
        (standardised((0, 1, 2)), "Mean and deviation are those of the whole batch; each item should have its own."),
        (standardised((2,)), "Each band was standardised for itself: that wipes out which bands are strong."),
        (standardised((1,)), "Each frame was standardised for itself: that wipes out which moments are loud."),
        (mel_db - mean, "The mean is gone; now divide by the standard deviation."),
        (mel_db / deviation, "The deviation is 1; but first the mean must be subtracted."),
        (mel_db - mean / deviation, "Brackets: first subtract the mean, then divide the difference by the deviation."),
        ((mel_db - mean) / deviation.square(), "Divided by the variance. The deviation is its square root: `std`."),
        (
            (mel_db - lowest) / (highest - lowest),
            "These lie from 0 to 1. A mean of 0 and a deviation of 1 are asked for.",
        ),
    ):
        if compare(got, wrong.unsqueeze(1), tolerance=1e-3) is None:
            return words
    return compare(got, want, tolerance=1e-3)


PICTURES = Exercise(
    id="04.5",
    objective="04.choose",
    answer="as_pictures",
    frame='''
def as_pictures(mel_db: Tensor) -> Tensor:
    """[batch, 1, n_mels, frames] from [batch, n_mels, frames]; each item with mean 0 and deviation 1."""
    {body}
''',
    body="""mean = mel_db.mean(dim=(1, 2), keepdim=True)
deviation = mel_db.std(dim=(1, 2), keepdim=True)
return ((mel_db - mean) / deviation).unsqueeze(1)""",
    check=check_pictures,
    wrong={
        "return (mel_db - mel_db.mean(dim=(1, 2), keepdim=True)) / mel_db.std(dim=(1, 2), keepdim=True)": "is missing",
        "return mel_db.unsqueeze(0)": "one picture of three channels",
        "return mel_db.unsqueeze(-1)": "as in TensorFlow",
        "return mel_db.mT.unsqueeze(1)": "swapped",
        "return mel_db.unsqueeze(1)": "dB still",
        "return ((mel_db - mel_db.mean()) / mel_db.std()).unsqueeze(1)": "whole batch",
        "return ((mel_db - mel_db.mean(2, keepdim=True)) / mel_db.std(2, keepdim=True)).unsqueeze(1)": "Each band",
        "return ((mel_db - mel_db.mean(1, keepdim=True)) / mel_db.std(1, keepdim=True)).unsqueeze(1)": "Each frame",
        "return (mel_db - mel_db.mean(dim=(1, 2), keepdim=True)).unsqueeze(1)": "The mean is gone",
        "return (mel_db / mel_db.std(dim=(1, 2), keepdim=True)).unsqueeze(1)": "must be subtracted",
        "return (mel_db - mel_db.mean((1, 2), True) / mel_db.std((1, 2), keepdim=True)).unsqueeze(1)": "Brackets",
        "return ((mel_db - mel_db.mean((1, 2), True)) / mel_db.var((1, 2), keepdim=True)).unsqueeze(1)": "the variance",
        "low, high = mel_db.amin((1, 2), True), mel_db.amax((1, 2), True)\n"
        "return ((mel_db - low) / (high - low)).unsqueeze(1)": "from 0 to 1",
    },
    hints=(
        "`mel_db.mean(dim=(1, 2), keepdim=True)` is one mean for each item; `std` works alike.",
        "Subtract the mean, divide by the deviation. The new axis comes last: `unsqueeze`.",
        "`.unsqueeze(1)` puts an axis of length 1 after the batch.",
    ),
)

EXERCISES = [INVERSE, COUNT, DECIBEL, FEATURES, PICTURES]
