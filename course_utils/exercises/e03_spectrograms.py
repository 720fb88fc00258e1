"""Exercises of 03_spectrograms."""

from typing import Any

from torch import Tensor
from torchaudio.transforms import InverseSpectrogram, Spectrogram

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number
from course_utils.samples import chirp, noise


def check_shape(spectrogram_shape: Any) -> str | None:
    for samples, n_fft, hop_length, center in ((16_000, 1024, 256, True), (50_050, 400, 160, False)):
        got = call(spectrogram_shape, samples, n_fft, hop_length, center)
        where = f"{samples} samples, n_fft {n_fft}, hop {hop_length}, center={center}"
        if feedback := _shape_feedback(got, samples, n_fft, hop_length, center):
            return f"{where}: {feedback}"
    return None


def _shape_feedback(got: Any, samples: int, n_fft: int, hop_length: int, center: bool) -> str | None:
    try:
        bins, frames = got
    except (TypeError, ValueError):
        return f"Two numbers were asked for, (bins, frames); this is {got!r}."
    padded, inside = samples // hop_length + 1, (samples - n_fft) // hop_length + 1
    right = (n_fft // 2 + 1, padded if center else inside)
    if (frames, bins) == right:
        return "The two numbers are swapped: bins come first, as in [channels, bins, frames]."
    wrong_bins = {
        n_fft: "These are the values of the whole FFT; half of them are mirror images.",
        n_fft // 2: "One bin is missing: 0 Hz and half the sample rate both have one.",
    }
    if feedback := compare_number(bins, right[0], "bins", wrong_bins):
        return feedback
    wrong_frames = {
        right[1] - 1: "One frame is missing: the first stands there before any hop.",
        padded: "That is the count with padding; `center=False` adds none.",
        inside: "That is the count without padding; `center=True` adds half a window at each end.",
        samples / hop_length + 1: "Frames are whole: a hop that does not fit in any more makes no frame.",
        (samples - n_fft) / hop_length + 1: "A frame that would reach beyond the end is no frame: divide with `//`.",
    }
    return compare_number(frames, right[1], "frames", wrong_frames)


SHAPE = Exercise(
    id="03.1",
    objective="03.count",
    answer="spectrogram_shape",
    frame='''
def spectrogram_shape(samples: int, n_fft: int, hop_length: int, center: bool) -> tuple[int, int]:
    """How many bins and how many frames the spectrogram of a waveform has."""
    {body}
''',
    body="""if center:
    samples = samples + 2 * (n_fft // 2)
return n_fft // 2 + 1, (samples - n_fft) // hop_length + 1""",
    check=check_shape,
    wrong={
        "return n_fft // 2 + 1, samples // hop_length + 1": "`center=False` adds none",
        "return n_fft // 2 + 1, (samples - n_fft) // hop_length + 1": "adds half a window at each end",
        "return samples // hop_length + 1, n_fft // 2 + 1": "swapped",
        "return n_fft // 2, samples // hop_length + 1": "One bin is missing",
        "return n_fft, samples // hop_length + 1": "mirror images",
        "return n_fft // 2 + 1, samples // hop_length": "One frame is missing",
        "return n_fft // 2 + 1, samples / hop_length + 1": "Frames are whole",
        """if center:
    return n_fft // 2 + 1, samples // hop_length + 1
return n_fft // 2 + 1, (samples - n_fft) / hop_length + 1""": "divide with `//`",
        "return n_fft // 2 + 1": "Two numbers were asked for",
    },
    hints=(
        "The bins depend on `n_fft` alone: from 0 Hz to half the rate, both ends included.",
        "Without padding, the first window takes `n_fft` samples; each further hop must still fit into the rest.",
        "With `center=True` the waveform is first made longer by half a window at each end.",
    ),
)


def check_power(power_of: Any) -> str | None:
    spectrogram = Spectrogram(400, hop_length=160, power=None)(chirp(200, 4000))
    return _power_feedback(call(power_of, spectrogram), spectrogram)


def _power_feedback(got: Any, spectrogram: Tensor) -> str | None:
    want = spectrogram.abs().square()
    if isinstance(got, Tensor) and got.shape == want.shape:
        if got.is_complex() and compare(got.abs(), want) is None:
            return "This is still complex: the square of a complex number has twice its angle. Take `abs()` first."
        values = got.abs() if got.is_complex() else got
        if compare(values, spectrogram.abs()) is None:
            return "This is the magnitude. Power is its square."
        if compare(values, spectrogram.real.square()) is None:
            return "Only the real part was squared. The imaginary part holds the other half: real² + imag²."
        if compare(values, spectrogram.abs().pow(4)) is None:
            return "Squared twice: that is the power of the power."
        if compare(values, spectrogram.real + spectrogram.imag) is None:
            return "Real and imaginary part are added as they are. Square each of them first."
    if isinstance(got, Tensor) and got.shape == want.mT.shape:
        return "The last two axes are swapped: bins come before frames."
    return compare(got, want)


POWER = Exercise(
    id="03.2",
    objective="03.values",
    answer="power_of",
    frame='''
def power_of(spectrogram: Tensor) -> Tensor:
    """The power of a complex spectrogram, [channels, bins, frames]."""
    {body}
''',
    body="return spectrogram.abs().square()",
    check=check_power,
    wrong={
        "return spectrogram.abs()": "This is the magnitude",
        "return spectrogram.square()": "still complex",
        "return spectrogram.real.square()": "Only the real part",
        "return (spectrogram.abs() ** 2) ** 2": "Squared twice",
        "return spectrogram.real + spectrogram.imag": "Square each of them first",
        "return spectrogram.abs().square().transpose(1, 2)": "The last two axes are swapped",
        "return spectrogram.abs().square().sum(dim=1)": "The shape is",
    },
    hints=("The magnitude is the distance from zero: `abs()`.", "Power is magnitude times magnitude."),
)


def check_separating(separating_n_fft: Any) -> str | None:
    for sample_rate, low, high in ((16_000, 440, 450), (44_100, 82.4, 123.5), (8000, 1000, 1250)):
        got = call(separating_n_fft, sample_rate, low, high)
        where = f"{low:g} and {high:g} Hz at {sample_rate} Hz"
        if feedback := _separating_feedback(got, sample_rate, high - low):
            return f"{where}: {feedback}"
    return None


def _power_of_two_from(least: float) -> int:
    n_fft = 1
    while n_fft < least:
        n_fft *= 2
    return n_fft


def _separating_feedback(got: Any, sample_rate: int, distance: float) -> str | None:
    least = 2 * sample_rate / distance
    right = _power_of_two_from(least)
    return compare_number(
        got,
        right,
        "samples",
        {
            right / 2: "One step too short: the tones would be less than two bins apart.",
            right * 2: "Longer than needed: half of it already puts two bins between the tones.",
            least: "Two bins apart exactly, but not a power of two. Take the next one above.",
            2 * distance / sample_rate: "Upside down: a bin is sample_rate / n_fft wide.",
        },
        tolerance=1e-4,
    )


SEPARATING = Exercise(
    id="03.3",
    objective="03.tradeoff",
    answer="separating_n_fft",
    frame='''
def separating_n_fft(sample_rate: int, low: float, high: float) -> int:
    """The smallest power of two that puts at least two bins between two tones, given in Hz."""
    {body}
''',
    body="""n_fft = 1
while (high - low) * n_fft / sample_rate < 2:
    n_fft = 2 * n_fft
return n_fft""",
    check=check_separating,
    wrong={
        "return 2 ** math.ceil(math.log2(sample_rate / (high - low)))": "One step too short",
        "return 2 ** math.ceil(math.log2(4 * sample_rate / (high - low)))": "Longer than needed",
        "return 2 * sample_rate / (high - low)": "not a power of two",
        "return 2 * (high - low) / sample_rate": "Upside down",
        "return 2 ** math.ceil(math.log2(2 * sample_rate / low))": "too small",
    },
    hints=(
        "A bin is sample_rate / n_fft wide. How many of them lie between the two tones?",
        "That number is (high - low) * n_fft / sample_rate. It must be 2 or more.",
        "Start with n_fft = 1 and double it as long as the number is below 2.",
    ),
)


def check_robot(robot: Any) -> str | None:
    waveform = noise(0.7345) + chirp(200, 3000, 0.7345)
    return _robot_feedback(call(robot, waveform), waveform)


def _robot_feedback(got: Any, waveform: Tensor) -> str | None:
    samples = waveform.shape[1]
    forward, inverse = Spectrogram(400, hop_length=160, power=None), InverseSpectrogram(400, hop_length=160)
    spectrogram = forward(waveform)
    want = inverse(spectrogram.abs() + 0j, length=samples)
    if isinstance(got, Tensor) and got.shape == spectrogram.shape:
        return "This is still a spectrogram. `InverseSpectrogram` makes it a waveform."
    if isinstance(got, Tensor) and got.shape == want.shape:
        if compare(got, waveform) is None:
            return "This is the recording itself: its phase is still there. `abs()` takes it away."
        if compare(got, inverse(spectrogram.abs().square() + 0j, length=samples)) is None:
            return "This was made from power. The inverse needs magnitudes: `abs()`, not squared."
        if compare(got, inverse(spectrogram.real + 0j, length=samples)) is None:
            return "The real part is not the magnitude: it depends on the phase. Take `abs()`."
    if isinstance(got, Tensor) and got.shape[1:] == (samples // 160 * 160,):
        return f"{samples % 160} samples are missing at the end: pass `length=`."
    return compare(got, want)


ROBOT = Exercise(
    id="03.4",
    objective="03.inverse",
    answer="robot",
    frame='''
def robot(waveform: Tensor) -> Tensor:
    """The waveform with the phase of every value set to 0; n_fft 400, hop 160, as long as the input."""
    {body}
''',
    body="""forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=None)
inverse = torchaudio.transforms.InverseSpectrogram(400, hop_length=160)
magnitude = forward(waveform).abs()
return inverse(magnitude + 0j, length=waveform.shape[1])""",
    check=check_robot,
    wrong={
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=None)
inverse = torchaudio.transforms.InverseSpectrogram(400, hop_length=160)
return inverse(forward(waveform), length=waveform.shape[1])""": "the recording itself",
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160)
inverse = torchaudio.transforms.InverseSpectrogram(400, hop_length=160)
return inverse(forward(waveform) + 0j, length=waveform.shape[1])""": "made from power",
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=None)
inverse = torchaudio.transforms.InverseSpectrogram(400, hop_length=160)
return inverse(forward(waveform).real + 0j, length=waveform.shape[1])""": "real part is not the magnitude",
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=1)
inverse = torchaudio.transforms.InverseSpectrogram(400, hop_length=160)
return inverse(forward(waveform) + 0j)""": "pass `length=`",
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=1)
return forward(waveform) + 0j""": "still a spectrogram",
        """forward = torchaudio.transforms.Spectrogram(400, hop_length=160, power=1)
inverse = torchaudio.transforms.InverseSpectrogram(400)
return inverse(forward(waveform) + 0j)""": "times as long",
    },
    hints=(
        "Three steps: to a spectrogram, take its phase away, and back.",
        "`Spectrogram(400, hop_length=160, power=1)` gives magnitudes; `+ 0j` makes them complex, with phase 0.",
        "`InverseSpectrogram(400, hop_length=160)` needs `length=waveform.shape[1]` to give every sample back.",
    ),
)

EXERCISES = [SHAPE, POWER, SEPARATING, ROBOT]
