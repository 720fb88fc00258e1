"""Load and save audio, and read what a file says about itself: torchcodec first, soundfile where FFmpeg is missing.

torchcodec needs FFmpeg's libraries and then reads nearly everything. soundfile brings its own library, libsndfile,
which reads WAV, FLAC, OGG, MP3, AIFF and a few more. Both give the same samples. A file that breaks off is loaded as
far as it goes, with a warning; one that cannot be loaded at all is refused with the reason and a remedy.
"""

import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from torch import Tensor
from torchaudio.functional import resample

from course_utils import audio_backends, file_kinds
from course_utils.audio_backends import Backend, Header
from course_utils.audio_source import AGAIN, CHECK_THE_PATH, Source, as_path, find_source, open_source
from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import AudioFileError, CourseWarning, WaveformError
from course_utils.files import replace_file
from course_utils.system import install_hint

Result = TypeVar("Result")
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 176400, 192000)
"""Hz; what recorders and sound cards use."""

RESAMPLE_BYTES = 17
"""Memory that torchaudio's `resample` takes for each number of its filters (measured)."""
MAX_RESAMPLE_BYTES = 1e9

SOUNDFILE_CONTAINERS = ("WAV", "AIFF", "FLAC", "OGG", "MP3", "AU", "CAF", "SPHERE")


class Format(NamedTuple):
    """What `save_audio` knows about a file format."""

    ffmpeg: str
    libsndfile: tuple[str, str] | None = None
    bits: int | None = None
    rates: tuple[int, ...] = ()
    max_channels: int = 8


MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
AIFF = Format("aiff", ("AIFF", "PCM_16"), bits=16)
FORMATS = {
    ".wav": Format("wav", ("WAV", "PCM_16"), bits=16),
    ".flac": Format("flac", ("FLAC", "PCM_24"), bits=24),
    ".ogg": Format("ogg", ("OGG", "VORBIS")),
    ".mp3": Format("mp3", ("MP3", "MPEG_LAYER_III"), rates=MP3_RATES, max_channels=2),
    ".opus": Format("opus", ("OGG", "OPUS"), rates=(8000, 12000, 16000, 24000, 48000), max_channels=2),
    ".aiff": AIFF,
    ".aif": AIFF,
    ".au": Format("au", ("AU", "PCM_16"), bits=16),
    ".m4a": Format("ipod", rates=(*MP3_RATES, 64000, 88200, 96000)),
    ".wv": Format("wv"),
}


@dataclass(frozen=True)
class AudioInfo:
    """What `audio_info` found; `print` it for one line per fact.

    `sample_rate` is in Hz, `samples` counts one channel, `bit_rate` is the whole file's average in bits per second.
    `codec` is in the words of `backend` ("torchcodec" or "soundfile"); `bits_per_sample` is None for lossy codecs.
    """

    format: str
    codec: str
    bits_per_sample: int | None
    sample_rate: int
    channels: int
    samples: int
    seconds: float
    bit_rate: int
    backend: str

    def __str__(self) -> str:
        bits = f", {self.bits_per_sample} bits per sample" if self.bits_per_sample else ""
        facts = {
            "format": self.format,
            "codec": self.codec + bits,
            "sample rate": f"{self.sample_rate} Hz",
            "channels": self.channels,
            "length": f"{self.samples} samples, {self.seconds:.3f} s",
            "bit rate": f"{self.bit_rate / 1000:.0f} kbit/s",
            "read with": self.backend,
        }
        return "\n".join(f"{name:<13}{fact}" for name, fact in facts.items())


def ffmpeg_available() -> bool:
    """Whether torchcodec works here, which needs FFmpeg's libraries.

    Taught in 01_audio_io.
    """
    return audio_backends.torchcodec_problem() is None


def load_audio(
    path: str | os.PathLike | bytes | BinaryIO, *, sample_rate: int | None = None, mono: bool = False
) -> tuple[Tensor, int]:
    """Load a sound file of any format.

    Args:
        path: a file's path, a whole encoded file as bytes, or a binary file object (read to its end).
        sample_rate: rate to resample to, in Hz; None keeps the file's own.
        mono: True averages the channels into one.

    Returns:
        The waveform, [channels, samples] float32, in [-1, 1] unless a float format holds more; and its rate in Hz.
        Resampling from `old` to `new` Hz gives ceil(samples * new / old) samples.

    Raises:
        AudioFileError: the file is missing, empty, not audio, damaged beyond use, without samples, or needs FFmpeg.
        WaveformError: `sample_rate` is not a positive whole number, or has so little in common with the file's own
            that resampling would need more than a gigabyte.

    Warns:
        CourseWarning: the file breaks off; what can be decoded of it is returned.

    An Opus file comes back at 48000 Hz through torchcodec, at the rate it was made from through soundfile.
    Taught in 01_audio_io.
    """
    if sample_rate is not None:
        sample_rate = check_sample_rate(sample_rate)
    source, name = find_source(path)
    header, waveform, complete = _decode(source, name)
    if fault := _fault(source, header, waveform.shape[1], complete):
        warnings.warn(f"{name} {fault}", CourseWarning, stacklevel=2)
    if mono:
        waveform = waveform.mean(dim=0, keepdim=True)
    if sample_rate is None:
        return waveform, header.sample_rate
    _check_resampling(header.sample_rate, sample_rate)
    return resample(waveform, header.sample_rate, sample_rate), sample_rate


def audio_info(path: str | os.PathLike | bytes | BinaryIO) -> AudioInfo:
    """Say what a sound file holds.

    PCM, FLAC and Ogg Vorbis headers give the exact length, so nothing else is read (a file that breaks off may hold
    less: `load_audio` says so). Other formats are decoded once, because their headers count padding or only guess.

    Args:
        path: as for `load_audio`.

    Returns:
        Rate, channels, length, format, codec and bit rate; the same numbers as `load_audio` gives.

    Raises:
        AudioFileError: as for `load_audio`.

    Taught in 01_audio_io.
    """
    source, name = find_source(path)
    header = _first_that_can(source, name, lambda backend: backend.header(source))
    samples = header.samples
    if not (header.exact and samples):
        header, waveform, _ = _decode(source, name)
        samples = waveform.shape[1]
    with open_source(source) as file:
        head, size = file.read(4096), file.seek(0, os.SEEK_END)
    seconds = samples / header.sample_rate
    return AudioInfo(
        format=file_kinds.container(head) or "unknown",
        codec=header.codec,
        bits_per_sample=header.bits,
        sample_rate=header.sample_rate,
        channels=header.channels,
        samples=samples,
        seconds=seconds,
        bit_rate=round(8 * size / seconds),
        backend=header.backend,
    )


def save_audio(path: str | os.PathLike, waveform: Tensor, sample_rate: int, *, normalize: bool = False) -> Path:
    """Save a waveform; the suffix chooses the format.

    WAV, AIFF and AU are written with 16 bits, FLAC with 24: what lies outside [-1, 1] is clipped, with a warning.
    An existing file is replaced only when the new one is complete.

    Args:
        path: .wav, .flac, .ogg, .mp3, .opus, .aiff, .aif or .au, and with FFmpeg .m4a or .wv.
        waveform: [channels, samples] or, for mono, [samples]; float, in [-1, 1]; detached if it requires grad.
        sample_rate: in Hz; MP3, Opus and AAC (.m4a) allow only some rates.
        normalize: True scales the waveform, up or down, to a peak just below 1 (32767 / 32768).

    Returns:
        The path of the file.

    Raises:
        WaveformError: wrong type, dtype, shape or axis order, no samples, NaN or infinite values, or a rate or number
            of channels that the format does not allow.
        AudioFileError: unknown suffix, missing folder, full disk, or a format that needs FFmpeg.

    Warns:
        CourseWarning: samples outside [-1, 1] were clipped.

    Taught in 01_audio_io.
    """
    path = as_path(path)
    try:
        form = _check_target(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    sample_rate = check_sample_rate(sample_rate)
    waveform = check_waveform(waveform, allow_1d=True).detach().cpu().float()
    _check_limits(form, path.suffix, waveform.shape[0], sample_rate)
    peak = waveform.abs().max().item()
    if normalize and peak > 0:
        waveform = waveform / peak * (32767 / 32768)
    clipped = int((waveform.abs() > 1).sum())
    encoded = _encode(waveform, sample_rate, form, path)
    try:
        replace_file(path, encoded)
    except OSError as error:
        raise _unwritable(path, error) from error
    if clipped:
        warnings.warn(
            f"{clipped} of {waveform.numel()} samples ({clipped / waveform.numel():.2%}) lie outside [-1, 1] and were "
            f"clipped in '{path}'; the peak is {peak:.3g}. Scale the waveform down, or pass normalize=True.",
            CourseWarning,
            stacklevel=2,
        )
    return path


# --- Loading ---


def _first_that_can(source: Source, name: str, attempt: Callable[[Backend], Result]) -> Result:
    """What `attempt` gives for the first backend that does not fail."""
    for backend in audio_backends.backends_for(source):
        try:
            return attempt(backend)
        except audio_backends.ERRORS:
            continue
    raise _refusal(source, name)


def _decode(source: Source, name: str) -> tuple[Header, Tensor, bool]:
    def attempt(backend: Backend) -> tuple[Header, Tensor, bool]:
        header = backend.header(source)
        return header, *backend.decode(source, header)

    header, waveform, complete = _first_that_can(source, name, attempt)
    if waveform.shape[1] > 0:
        return header, waveform, complete
    with open_source(source) as file:
        is_cut = file_kinds.share_present(file) < 1 or file_kinds.breaks_off_in_a_page(file)
    if header.samples or is_cut or not complete:
        raise AudioFileError(f"{name} is damaged: none of its sound can be decoded.", AGAIN)
    remedy = "Record or export it again."
    if not ffmpeg_available():
        remedy += f" If the recorder was stopped early, FFmpeg may still read it. {_install_ffmpeg()}"
    raise AudioFileError(f"{name} holds no samples.", remedy)


def _check_resampling(old: int, new: int) -> None:
    """Refuse rates without a large common divisor: `resample` makes new / g filters of about old / g numbers each."""

    def size(rate: int) -> float:
        return RESAMPLE_BYTES * (old // math.gcd(old, rate)) * (rate // math.gcd(old, rate))

    if size(new) > MAX_RESAMPLE_BYTES:
        possible = [rate for rate in (*RATES, old) if size(rate) <= MAX_RESAMPLE_BYTES]
        nearest = min(possible, key=lambda rate: abs(math.log(rate / new)))
        raise WaveformError(
            f"Resampling {old} to {new} Hz needs about {size(new) / 1e9:.2g} GB of memory: "
            "the two share no large divisor.",
            f"Choose {nearest} Hz.",
        )


def _fault(source: Source, header: Header, samples: int, complete: bool) -> str | None:
    """What is wrong with a file that could be decoded, as far as it goes."""
    with open_source(source) as file:
        share = file_kinds.share_present(file)
        is_guess = file_kinds.length_is_a_guess(file)
        breaks_off = file_kinds.breaks_off_in_a_page(file)
    held = f"{samples / header.sample_rate:.2f} s"
    if is_guess and header.backend == "soundfile" and not complete:
        return f"does not say how long it is, and soundfile stopped after {held}. {_install_ffmpeg()}"
    announced = None if is_guess else header.samples
    if share < 1:
        announced = round(samples / share)
    may_be_padded = complete and share == 1 and not header.exact
    tolerance = audio_backends.PADDING if may_be_padded else header.sample_rate // 100
    if announced is not None and announced - samples > tolerance:
        return f"is cut off or damaged: it holds {held} of {announced / header.sample_rate:.2f} s."
    if breaks_off or (announced is None and not complete):
        return f"is cut off or damaged: it holds {held}, and how long it was is unknown."
    return None


def _refusal(source: Source, name: str) -> AudioFileError:
    """Why no backend can decode a file."""
    with open_source(source) as file:
        head = file.read(4096)
    if other := file_kinds.not_audio(head):
        return AudioFileError(f"{name} is not audio: it looks like {other[0]}.", other[1])
    kind = file_kinds.container(head)
    if not ffmpeg_available() and kind not in SOUNDFILE_CONTAINERS:
        fault = f"has the format {kind}, which needs" if kind else "is in no format that can be read without"
        return AudioFileError(f"{name} {fault} FFmpeg ({audio_backends.torchcodec_problem()}).", _install_ffmpeg())
    if kind is None:
        return AudioFileError(
            f"{name} is in no known audio format.",
            f"{CHECK_THE_PATH} Raw samples without a header can be read with `numpy.fromfile`.",
        )
    if ffmpeg_available() and audio_backends.has_no_sound_track(source):
        return AudioFileError(f"{name} is a video without a sound track.", CHECK_THE_PATH)
    remedy = "It may be damaged: copy or download it again."
    if not ffmpeg_available():
        remedy += f" If it plays elsewhere, its codec needs FFmpeg. {_install_ffmpeg()}"
    return AudioFileError(f"{name} begins like {kind}, but nothing in it can be decoded.", remedy)


def _install_ffmpeg() -> str:
    return f"{install_hint('ffmpeg')}\nThen restart the kernel."


# --- Saving ---


def _check_target(path: Path) -> Format:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        problem = f"has the suffix {path.suffix}, which is no format that can be written" if suffix else "has no suffix"
        raise AudioFileError(f"'{path}' {problem}.", f"Choose one of {', '.join(FORMATS)}.")
    if FORMATS[suffix].libsndfile is None and not ffmpeg_available():
        raise AudioFileError(
            f"Writing {suffix} needs FFmpeg ({audio_backends.torchcodec_problem()}).",
            f"Save as .wav, .flac, .ogg or .mp3, or do this: {_install_ffmpeg()}",
        )
    if not path.parent.is_dir():
        raise AudioFileError(
            f"There is no folder '{path.parent}'.", f"Create it: Path({str(path.parent)!r}).mkdir(parents=True)."
        )
    if path.is_dir():
        raise AudioFileError(f"'{path}' is a folder.", "Choose another name.")
    if path.exists() and not os.access(path, os.W_OK):
        raise AudioFileError(f"'{path}' is write-protected.", "Choose another name, or change its permissions.")
    return FORMATS[suffix]


def _check_limits(form: Format, suffix: str, channels: int, sample_rate: int) -> None:
    if channels > form.max_channels:
        raise WaveformError(
            f"A {suffix} file holds at most {form.max_channels} channels, not {channels}.",
            "Mix the channels down with waveform.mean(dim=0, keepdim=True), or save them in several files.",
        )
    if form.rates and sample_rate not in form.rates:
        nearest = min(form.rates, key=lambda rate: abs(math.log(rate / sample_rate)))
        raise WaveformError(
            f"A {suffix} file cannot have {sample_rate} Hz, only {', '.join(map(str, form.rates))} Hz.",
            f"Resample first: torchaudio.functional.resample(waveform, {sample_rate}, {nearest}).",
        )


def _unwritable(path: Path, error: OSError) -> AudioFileError:
    return AudioFileError(
        f"'{path}' could not be written: {error.strerror}.",
        "Free some space, close what uses the file, or choose another folder.",
    )


def _encode(waveform: Tensor, sample_rate: int, form: Format, path: Path) -> bytes:
    waveform = waveform.clamp(-1, 1)
    if form.bits:  # onto the grid of whole numbers here, because soundfile would round down
        scale = 2 ** (form.bits - 1)
        waveform = (waveform * scale).round().clamp(max=scale - 1) / scale
    try:
        if ffmpeg_available():
            return audio_backends.torchcodec_encode(waveform, sample_rate, form.ffmpeg)
        return audio_backends.soundfile_encode(waveform, sample_rate, *form.libsndfile)
    except audio_backends.ERRORS as error:
        raise AudioFileError(
            f"'{path}' could not be encoded with {sample_rate} Hz and {waveform.shape[0]} channels.",
            "Choose a usual rate, or another format such as .wav.",
        ) from error
