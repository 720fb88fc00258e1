"""Exercises of 01_audio_io."""

from typing import Any

import torch
import torchaudio.functional as F

from course_utils.audio_io import load_audio
from course_utils.clinic import clinic_clip
from course_utils.exercises.definition import Exercise
from course_utils.exercises.feedback import call, compare, compare_number
from course_utils.samples import load_sample, sample_path


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
        feedback = compare(got, want)
        if feedback:
            return f'On "{name}" ({sample_rate} Hz), from 0.25 s to 0.75 s: {feedback}'
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
        _read("0", _FRAMES): "the values are not",
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
    for name in ("drum_loop", "speech"):
        waveform, _ = load_sample(name)
        got = call(to_mono, waveform)
        want = waveform.mean(dim=0, keepdim=True)
        if len(waveform) > 1 and any(compare(got, channel.unsqueeze(0)) is None for channel in waveform):
            return f'On "{name}": this is one of the channels; what only the other one holds is lost.'
        feedback = compare(got, want)
        if feedback:
            return f'On "{name}" ({len(waveform)} ch): {feedback}'
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
        "return waveform.mean(dim=1, keepdim=True)": "The shape is [2, 1]",
        "return waveform[:1]": "one of the channels",
        "return (waveform[:1] + waveform[1:]) / 2": 'On "speech"',
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
            44_100: "A popular rate, but listen: at 44 100 Hz this is five times too fast.",
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
        "44_100": "five times too fast",
        "22_050": "too large",
        '"16 kHz"': "a number in Hz",
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
    waveform, sample_rate = load_sample("bell")
    waveform = waveform[:1]
    new_rate = sample_rate // 8
    got = call(to_rate, waveform, sample_rate, new_rate)
    if compare(got, waveform[:, ::8]) is None:
        return "This keeps every eighth sample and nothing else: the very aliasing that you hear in clip D."
    if compare(got, F.resample(waveform, new_rate, sample_rate)) is None:
        return "Old and new rate are swapped: the clip got eight times longer instead of shorter."
    if compare(got, waveform) is None:
        return "Nothing changed: it still has all its samples."
    return compare(got, F.resample(waveform, sample_rate, new_rate), tolerance=0.1)


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
        "return waveform[:, :: sample_rate // new_rate]": "every eighth sample",
        "return torchaudio.functional.resample(waveform, new_rate, sample_rate)": "swapped",
        "return waveform": "Nothing changed",
        "return torchaudio.functional.resample(waveform, sample_rate, 16_000)": "times as long",
        "return torch.nn.functional.avg_pool1d(waveform, sample_rate // new_rate)": "Off by one",
    },
    hints=("torchaudio has it: look at the section on resampling above.", "The order is waveform, old rate, new rate."),
)


def check_safe_mono(safe_mono: Any) -> str | None:
    clip, _ = clinic_clip("E")
    got = call(safe_mono, clip)
    feedback = compare(got, clip[:1])
    if feedback and compare(got, clip[1:]):
        return f"On clip E: {feedback}"
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
    """[2, samples] in, [1, samples] out: the mean, with the right channel turned over where the two would cancel."""
    left, right = waveform
    {body}
''',
    body="""if (left * right).sum() < 0:
    right = -right
return ((left + right) / 2).unsqueeze(0)""",
    check=check_safe_mono,
    wrong={
        "return ((left + right) / 2).unsqueeze(0)": "silence",
        "return left.unsqueeze(0)": "loses its right channel",
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
