"""Exercises of 01_audio_io."""

from typing import Any

import torch

from course_utils.audio_io import load_audio
from course_utils.clinic import clinic_clip
from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number
from course_utils.samples import load_sample, sample_path, tone


def check_bytes(bytes_per_minute: Any) -> str | None:
    per_second = 44_100 * 2 * 2
    return compare_number(
        bytes_per_minute,
        per_second * 60,
        "bytes",
        {
            per_second: "That is one second. A minute has 60 of them.",
            per_second * 30: "That is one channel only, or one byte a sample. CD is stereo, 2 bytes each.",
            per_second * 60 * 8: "That is bits. Eight bits make one byte.",
            per_second * 60 / 1e6: "That is megabytes; the question asks for bytes.",
            per_second * 120: "Twice too much: float32 in memory takes 4 bytes a sample, the file takes 2.",
        },
    )


BYTES = Exercise(
    id="01.1",
    objective="01.load",
    answer="bytes_per_minute",
    frame="bytes_per_minute = {body}",
    body="44_100 * 2 * 2 * 60",
    check=check_bytes,
    wrong={
        "44_100 * 2 * 2": "one second",
        "44_100 * 2 * 60": "one channel only",
        "44_100 * 2 * 16 * 60": "bits",
        "44_100 * 2 * 4 * 60": "float32",
        "44_100 * 2 * 2 * 60 / 1e6": "megabytes",
    },
    hints=(
        "How many samples does one channel have in a minute? How many channels are there?",
        "Each sample takes 16 bits, which are 2 bytes.",
    ),
)


def check_read_part(read_part: Any) -> str | None:
    for name in ("phone", "drum_loop"):
        waveform, sample_rate = load_audio(sample_path(name))
        got = call(read_part, sample_path(name), 0.25, 0.75)
        want = waveform[:, round(0.25 * sample_rate) : round(0.75 * sample_rate)]
        if compare(got, waveform[:, : want.shape[1]]) is None:
            return "The length is right, but it is the start of the file: `seek` first."
        feedback = compare(got, want)
        if feedback:
            return f'On "{name}" ({sample_rate} Hz), from 0.25 s to 0.75 s: {feedback}'
    if {"load_audio", "load"} & set(read_part.__code__.co_names):
        return "The values are right, but the whole file was read. Use `seek` and `read`."
    return None


_OPEN = """with soundfile.SoundFile(path) as file:
    file.seek({seek})
    data = file.read({frames}, dtype="float32", always_2d=True)
return torch.from_numpy(data{turn})"""


def _read(seek: str, frames: str, turn: str = ".T") -> str:
    return _OPEN.format(seek=seek, frames=frames, turn=turn)


_START, _FRAMES = "round(start * file.samplerate)", "round((end - start) * file.samplerate)"

READ_PART = Exercise(
    id="01.2",
    objective="01.load",
    answer="read_part",
    frame='''
def read_part(path: Path, start: float, end: float) -> Tensor:
    """The part of a file between two times in seconds, [channels, samples], without reading the rest."""
    {body}
''',
    body=_read(_START, _FRAMES),
    check=check_read_part,
    wrong={
        _read(_START, _FRAMES, turn=""): "axes are swapped",
        _read(_START, "round(end * file.samplerate)"): "1.5 times as long",
        _read("0", _FRAMES): "`seek` first",
        _read(_START, _FRAMES).replace('dtype="float32", ', ""): "float64",
        "waveform, rate = load_audio(path)\nreturn waveform[:, int(start * rate) : int(end * rate)]": "the whole file",
        _read("round(start * 16000)", "round((end - start) * 16000)"): '"phone" (8000 Hz',
        _read("int(start)", "int(end)"): "The length is 0",
    },
    hints=(
        "`file.seek(n)` jumps to sample n; `file.read(n, ...)` reads n samples from there. Both count samples.",
        "The second number is a length, not an end: `(end - start)` seconds.",
        "soundfile gives [samples, channels]; `torch.from_numpy(data.T)` puts the channels first.",
    ),
)


def check_to_mono(to_mono: Any) -> str | None:
    drums, _ = load_sample("drum_loop")
    for waveform in (drums, load_sample("speech")[0], torch.cat([drums, drums[:1].flip(1)])):
        got = call(to_mono, waveform)
        if len(waveform) > 1 and any(compare(got, channel.unsqueeze(0)) is None for channel in waveform):
            return "This is one of the channels; what only another one holds is lost."
        if compare(got, waveform.mean(dim=1, keepdim=True)) is None:
            return "You averaged over time: dimension 1 is the samples. The channels are dimension 0."
        feedback = compare(got, waveform.mean(dim=0, keepdim=True))
        if feedback:
            return f"With {len(waveform)} channel{'s' if len(waveform) > 1 else ''}: {feedback}"
    return None


TO_MONO = Exercise(
    id="01.3",
    objective="01.mono",
    answer="to_mono",
    frame='''
def to_mono(waveform: Tensor) -> Tensor:
    """[channels, samples] in, [1, samples] out: the mean over the channels."""
    {body}
''',
    body="return waveform.mean(dim=0, keepdim=True)",
    check=check_to_mono,
    wrong={
        "return waveform.mean(dim=0)": "An axis is missing",
        "return waveform.sum(dim=0, keepdim=True)": "2 times as large (+6.0 dB)",
        "return waveform.mean(dim=1, keepdim=True)": "averaged over time",
        "return waveform[:1]": "one of the channels",
        "return (waveform[:1] + waveform[1:]) / 2": "With 1 channel:",
        "return (waveform[:1] + waveform[-1:]) / 2": "With 3 channels:",
    },
    hints=("Which dimension holds the channels?", "`mean` drops the dimension unless you say `keepdim=True`."),
)


def check_right_rate(right_rate: Any) -> str | None:
    _, sample_rate = clinic_clip("A")
    return compare_number(
        right_rate,
        2 * sample_rate,
        "Hz",
        {
            sample_rate: "That is the rate it came with, at which it sounds slow and deep.",
            sample_rate // 2: "Slower still. A higher rate uses the numbers up faster.",
            44_100: "A popular rate, but listen: at 44 100 Hz this is almost three times too fast.",
            22_050: "Close: still a bit too fast and too high.",
            16: "In Hz, not kHz.",
        },
    )


RIGHT_RATE = Exercise(
    id="01.4",
    objective="01.diagnose",
    answer="right_rate",
    frame="right_rate = {body}",
    body="16_000",
    check=check_right_rate,
    wrong={
        "8_000": "the rate it came with",
        "4_000": "Slower still",
        "44_100": "three times too fast",
        "22_050": "a bit too fast",
        "16": "not kHz",
        '"16 kHz"': "quotation marks",
    },
    hints=(
        "Play the tensor with other rates: `listen(clip, 12_000)`. Common ones are 8, 16, 22.05, 44.1 and 48 kHz.",
        "It speaks at half its speed, an octave too low.",
    ),
)


def check_fit(fit: Any) -> str | None:
    guitar, _ = load_sample("guitar")
    loud = torch.cat([guitar[:1] * -8, guitar[1:] * 2])  # the largest peak is a negative one
    got = call(fit, loud)
    peak = loud.abs().max()
    if compare(got, loud.clamp(-1, 1)) is None:
        return "Cutting off everything beyond 1 is the fault itself, not the cure."
    if compare(got, loud / loud.abs().amax(dim=1, keepdim=True)) is None:
        return (
            "Each channel was scaled by its own peak: left and right are no longer as loud to each other as they were."
        )
    if compare(got, loud) is None:
        return "Nothing changed: the peak is still beyond 1."
    if isinstance(got, torch.Tensor) and got.abs().max() > 1:
        return f"The peak is {float(got.abs().max()):.2f}, still beyond 1. Negative values have a size, too."
    feedback = compare(got, loud / peak, tolerance=0.02)
    if feedback:
        return f"On a clip with peak {float(peak):.2f}: {feedback}"
    return _quiet_stays_quiet(fit, guitar * 0.1)


def _quiet_stays_quiet(fit: Any, quiet: torch.Tensor) -> str | None:
    if compare(call(fit, quiet), quiet):
        return f"A clip with peak {float(quiet.abs().max()):.2f} fits already; it should come back as it was."
    return None


FIT = Exercise(
    id="01.5",
    objective="01.diagnose",
    answer="fit",
    frame='''
def fit(waveform: Tensor) -> Tensor:
    """The waveform made quieter until its peak is 1; one that fits already comes back as it is."""
    {body}
''',
    body="return waveform / waveform.abs().max().clamp(min=1)",
    check=check_fit,
    wrong={
        "return waveform.clamp(-1, 1)": "the fault itself",
        "return waveform / waveform.abs().max()": "fits already",
        "return waveform / waveform.abs().amax(dim=1, keepdim=True).clamp(min=1)": "Each channel was scaled by its own",
        "return waveform": "Nothing changed",
        "return waveform / waveform.max().clamp(min=1)": "still beyond 1",
        "return torch.tanh(waveform)": "the values are not",
    },
    hints=(
        "Divide everything by one number, so that the shape stays.",
        "That number is the largest absolute value, but never less than 1: `.clamp(min=1)`.",
    ),
)


def check_right_axes(right_axes: Any) -> str | None:
    clip, _ = clinic_clip("C")
    got = call(right_axes, clip)
    if compare(got, clip.reshape(2, -1)) is None:
        return "The shape is right now, the sound is not: reshape deals the numbers out anew, left and right get mixed."
    return compare(got, clip.T)


RIGHT_AXES = Exercise(
    id="01.6",
    objective="01.diagnose",
    answer="right_axes",
    frame='''
def right_axes(waveform: Tensor) -> Tensor:
    """[samples, channels] in, [channels, samples] out."""
    {body}
''',
    body="return waveform.T",
    check=check_right_axes,
    wrong={
        "return waveform.reshape(2, -1)": "deals the numbers out anew",
        "return waveform": "axes are swapped",
        "return waveform.flatten().unsqueeze(0)": "The shape is [1,",
        "return waveform.T.flip(1)": "backwards",
        "return waveform.T[0]": "it should be [2, 286054]",
    },
    hints=("Rows become columns. What is that called in mathematics?", "The transpose of a matrix is `.T`."),
)


def check_resample(to_rate: Any) -> str | None:
    old, new = 44_100, 11_025
    middle = slice(new // 4, -new // 4)
    for frequency in (9000, 12_000, 1000, 3000):
        clip = tone(frequency, seconds=1.0, sample_rate=old)
        got = call(to_rate, clip, old, new)
        if compare(got, clip) is None:
            return "Nothing changed: it still has all its samples."
        if isinstance(got, torch.Tensor) and got.shape[-1] == 4 * old:
            return "Old and new rate are swapped: the clip got four times longer instead of shorter."
        if feedback := compare(torch.zeros_like(got) if isinstance(got, torch.Tensor) else got, torch.zeros(1, new)):
            return f"One second at {old} Hz, to {new} Hz: {feedback}"
        alias = float(got[:, middle].abs().max())
        if frequency > new / 2 and alias > 0.005:
            return (
                f"Aliasing: a tone of {frequency} Hz does not fit into {new} Hz and should be gone. "
                f"It comes back with a peak of {alias:.2f}."
            )
        if frequency < new / 2:
            want = tone(frequency, seconds=1.0, sample_rate=new)
            if feedback := compare(got[:, middle], want[:, middle], tolerance=0.05):
                return f"A tone of {frequency} Hz fits into {new} Hz and should come through: {feedback}"
    return None


RESAMPLE = Exercise(
    id="01.7",
    objective="01.resample",
    answer="to_rate",
    frame='''
def to_rate(waveform: Tensor, sample_rate: int, new_rate: int) -> Tensor:
    """The same sound at another rate, without aliasing."""
    {body}
''',
    body="return torchaudio.functional.resample(waveform, sample_rate, new_rate)",
    check=check_resample,
    wrong={
        "return waveform[:, :: sample_rate // new_rate]": "comes back with a peak of 0.50",
        "return torchaudio.functional.resample(waveform, new_rate, sample_rate)": "swapped",
        "return waveform": "Nothing changed",
        "return torchaudio.functional.resample(waveform, sample_rate, 16_000)": "times as long",
        "return torch.nn.functional.avg_pool1d(waveform, sample_rate // new_rate)": "Aliasing",
    },
    hints=("torchaudio has it: look at the section on resampling above.", "The order is waveform, old rate, new rate."),
)


def check_safe_mono(safe_mono: Any) -> str | None:
    clip, _ = clinic_clip("E")
    got = call(safe_mono, clip)
    feedback = compare(got, clip[:1])
    if feedback and compare(got, clip[1:]):
        return f"On clip E: {feedback}"
    in_part = torch.cat([clip[:1], 0.8 * clip[1:]])
    if feedback := compare(call(safe_mono, in_part), 0.9 * clip[:1]):
        return f"On channels that cancel only in part: {feedback}"
    drums, _ = load_sample("drum_loop")
    if compare(call(safe_mono, drums), drums[:1]) is None:
        return "Clip E is saved, but a good stereo recording loses its right channel. Turn around only what cancels."
    feedback = compare(call(safe_mono, drums), drums.mean(dim=0, keepdim=True))
    return f"On a good stereo recording, where nothing cancels: {feedback}" if feedback else None


SAFE_MONO = Exercise(
    id="01.8",
    objective="01.mono",
    answer="safe_mono",
    frame='''
def safe_mono(waveform: Tensor) -> Tensor:
    """[2, samples] in, [1, samples] out: the mean, with the right channel turned over if the two would cancel."""
    left, right = waveform
    {body}
''',
    body="""if (left * right).sum() < 0:
    right = -right
return ((left + right) / 2).unsqueeze(0)""",
    check=check_safe_mono,
    wrong={
        "return ((left + right) / 2).unsqueeze(0)": "silence",
        "return left.unsqueeze(0)": "cancel only in part",
        "return (left if (left == -right).all() else (left + right) / 2).unsqueeze(0)": "part: The shape",
        "return ((left - right) / 2).unsqueeze(0)": "On a good stereo recording",
        "return (left.abs() + right.abs()).unsqueeze(0) / 2": "the values are not",
        "right = -right if (left * right).sum() < 0 else right\nreturn (left + right) / 2": "An axis is missing",
        "right = -right if (left * right).sum() < 0 else right\nreturn (left + right).unsqueeze(0)": "2 times as large",
    },
    hints=(
        "Channels cancel when one goes down where the other goes up: then most products `left * right` are negative.",
        "If `(left * right).sum() < 0`, use `-right` in place of `right`.",
    ),
)

EXERCISES = [BYTES, READ_PART, TO_MONO, RIGHT_RATE, FIT, RIGHT_AXES, RESAMPLE, SAFE_MONO]
