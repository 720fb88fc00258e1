"""Exercises of 03_spectrograms."""

from typing import Any

from torch import Tensor
from torchaudio.transforms import InverseSpectrogram, Spectrogram

from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number
from course_utils.samples import chirp, noise


def check_shape(spectrogram_shape: Any) -> str | None:
    cases = ((16_000, 1024, 256, True), (16_000, 400, 160, True), (48_000, 2048, 512, True), (50_050, 1024, 160, False))
    for samples, n_fft, hop_length, center in cases:
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
        right[1] + 1: "One frame too many: only whole hops count, so divide with `//`.",
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
        "return n_fft // 2 + 1, round(samples / hop_length) + 1": "One frame too many",
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
        real, imaginary = spectrogram.real, spectrogram.imag
        for wrong, words in (
            (spectrogram.abs(), "This is the magnitude. Power is its square."),
            (spectrogram.abs().pow(4), "Squared twice: that is the power of the power."),
            (real, "This is the real part alone. The imaginary part holds the other half: real² + imag²."),
            (real.square(), "Only the real part was squared. The imaginary part holds the other half: real² + imag²."),
            (real + imaginary, "Real and imaginary part are added as they are. Square each of them first."),
            ((real + imaginary).square(), "Square real and imaginary part first, each for itself; then add."),
        ):
            if compare(values, wrong) is None:
                return words
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
        "return spectrogram.real": "the real part alone",
        "return spectrogram.real + spectrogram.imag": "Square each of them first",
        "return (spectrogram.real + spectrogram.imag) ** 2": "then add",
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


def check_fitting(fitting_frequency: Any) -> str | None:
    for frequency, n_fft, sample_rate in ((700, 1024, 16_000), (590, 1024, 8000), (1000, 2048, 44_100)):
        got = call(fitting_frequency, frequency, n_fft, sample_rate)
        if feedback := _fitting_feedback(got, frequency, n_fft, sample_rate):
            return f"{frequency} Hz, {n_fft} samples at {sample_rate} Hz: {feedback}"
    return None


def _fitting_feedback(got: Any, frequency: float, n_fft: int, sample_rate: int) -> str | None:
    cycles, bin_width = frequency * n_fft / sample_rate, sample_rate / n_fft
    wrong = {
        int(round(cycles) * bin_width): "Whole hertz do not fit, whole cycles do: leave the fraction.",
        round(round(cycles) * bin_width): "Whole hertz do not fit, whole cycles do: leave the fraction.",
        frequency: f"{frequency} Hz makes {cycles:.2f} cycles in the frame. The last is cut off, so the tone leaks.",
        cycles: f"That is the number of cycles in the frame, and {cycles:.2f} are not whole.",
        round(cycles): "That is the number of cycles in the frame. How many does it make in a second?",
        int(cycles) * bin_width: "It fits, but the next one above is nearer: round, do not cut off.",
        (int(cycles) + 1) * bin_width: "It fits, but the one below is nearer: round to the nearest.",
        round(2 * cycles) / 2 * bin_width: "Half a cycle is left over: one step is sample_rate / n_fft.",
        round(cycles) / bin_width: "Upside down: cycles in a frame, times frames in a second, sample_rate / n_fft.",
    }
    return compare_number(got, round(cycles) * bin_width, "Hz", wrong, tolerance=1e-5)


FITTING = Exercise(
    id="03.4",
    objective="03.window",
    answer="fitting_frequency",
    frame='''
def fitting_frequency(frequency: float, n_fft: int, sample_rate: int) -> float:
    """The frequency in Hz nearest to the wanted one that goes into n_fft samples in whole cycles."""
    {body}
''',
    body="""cycles = round(frequency * n_fft / sample_rate)
return cycles * sample_rate / n_fft""",
    check=check_fitting,
    wrong={
        "return frequency": "so the tone leaks",
        "return frequency * n_fft / sample_rate": "are not whole",
        "return round(frequency * n_fft / sample_rate)": "How many does it make in a second",
        "return int(frequency * n_fft / sample_rate) * sample_rate / n_fft": "do not cut off",
        "return math.ceil(frequency * n_fft / sample_rate) * sample_rate / n_fft": "the one below is nearer",
        "return round(frequency * n_fft / sample_rate) * sample_rate // n_fft": "leave the fraction",
        "return round(frequency * n_fft / (sample_rate / 2)) * (sample_rate / 2) / n_fft": "Half a cycle",
        "return round(frequency * n_fft / sample_rate) * n_fft / sample_rate": "Upside down",
    },
    hints=(
        "How many cycles does a tone of that frequency make while n_fft samples pass? They last n_fft / sample_rate s.",
        "frequency * n_fft / sample_rate cycles. Round them to a whole number.",
        "Back to hertz: so many cycles in n_fft samples are cycles * sample_rate / n_fft in a second.",
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
        forward, inverse = Spectrogram(400, power=None), InverseSpectrogram(400)
        if compare(got, inverse(forward(waveform).abs() + 0j, length=samples)) is None:
            return (
                "This buzzes at 80 Hz: the hop was half a window, the default. Pass `hop_length=160`, there and back."
            )
    if isinstance(got, Tensor) and got.shape[1:] == (samples // 160 * 160,):
        return f"{samples % 160} samples are missing at the end: pass `length=`."
    return compare(got, want)


ROBOT = Exercise(
    id="03.5",
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
        """forward = torchaudio.transforms.Spectrogram(400, power=1)
inverse = torchaudio.transforms.InverseSpectrogram(400)
return inverse(forward(waveform) + 0j, length=waveform.shape[1])""": "half a window, the default",
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

EXERCISES = [SHAPE, POWER, SEPARATING, FITTING, ROBOT]
