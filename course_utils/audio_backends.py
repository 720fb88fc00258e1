"""The two libraries that read and write sound files for `audio_io`: torchcodec with FFmpeg, and soundfile.

Each library raises one of `ERRORS` on what it cannot do.
"""

import contextlib
import functools
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor

from course_utils.audio_source import Source, open_source

ERRORS = (RuntimeError, ValueError)
PADDING = 4096
"""Samples that a header may count although no decoder returns them: encoders pad the sound at both ends."""
BLOCK = 65536


@dataclass(frozen=True)
class Header:
    """What a file says about itself."""

    backend: str
    sample_rate: int
    channels: int
    samples: int | None
    """Of one channel; None when the header does not say."""
    exact: bool
    """Whether `samples` is what decoding gives, padding and guesses excluded."""
    codec: str
    bits: int | None


class Backend(NamedTuple):
    """How one library reads."""

    header: Callable[[Source], Header]
    decode: Callable[[Source, Header], tuple[Tensor, bool]]
    """Gives the waveform, [channels, samples] float32, and whether it was read to the end."""


@functools.cache
def torchcodec_problem() -> str | None:
    """Why torchcodec does not work here, None when it does. Asked once: it takes a second."""
    try:
        from torchcodec.encoders import AudioEncoder

        AudioEncoder(torch.zeros(1, 1), sample_rate=16000)  # importing succeeds without FFmpeg, this does not
    except (ImportError, OSError, RuntimeError) as error:
        return "torchcodec: " + re.split(r"\. |\n", str(error))[0]
    return None


def backends_for(source: Source) -> list[Backend]:
    """The backends to try, the best one first."""
    if torchcodec_problem():
        return [SOUNDFILE]
    with open_source(source) as file:
        # FFmpeg returns some hundred samples too many or too few of Ogg Vorbis clips shorter than about a second.
        is_vorbis = b"\x01vorbis" in file.read(64)
    return [SOUNDFILE, TORCHCODEC] if is_vorbis else [TORCHCODEC, SOUNDFILE]


def has_no_sound_track(source: Source) -> bool:
    """Whether FFmpeg finds pictures in a file, but no sound."""
    from torchcodec.decoders import get_container_metadata

    try:
        container = get_container_metadata(source)
    except ERRORS:
        return False
    return container.best_video_stream_index is not None and container.best_audio_stream_index is None


def torchcodec_header(source: Source) -> Header:
    """Read a header with FFmpeg."""
    from torchcodec.decoders import AudioDecoder

    metadata = AudioDecoder(source).metadata
    seconds = metadata.duration_seconds
    return Header(
        backend="torchcodec",
        sample_rate=metadata.sample_rate,
        channels=metadata.num_channels,
        samples=None if seconds is None else round(seconds * metadata.sample_rate),
        exact=metadata.codec.startswith(("pcm_", "flac")) and metadata.duration_seconds_from_header is not None,
        codec=metadata.codec,
        bits=_ffmpeg_bits(metadata.codec, metadata.sample_format),
    )


def _ffmpeg_bits(codec: str, sample_format: str) -> int | None:
    if pcm := re.match(r"pcm_[a-z](\d+)", codec):
        return int(pcm[1])
    if codec in ("pcm_alaw", "pcm_mulaw"):
        return 8
    if codec in ("flac", "alac", "wavpack", "tta"):  # FFmpeg unpacks 24 bits into s32
        return {"s16": 16, "s16p": 16, "s32": 24, "s32p": 24, "fltp": 32}.get(sample_format)
    return None


def torchcodec_decode(source: Source, header: Header) -> tuple[Tensor, bool]:
    """Decode with FFmpeg, up to the first damaged packet."""
    from torchcodec.decoders import AudioDecoder

    try:
        waveform = AudioDecoder(source).get_all_samples().data
    except RuntimeError:  # one damaged packet, often the last, and AudioDecoder returns nothing at all
        return _packet_by_packet(source, header)
    if waveform.shape[1] < (header.samples or 0) - PADDING:  # of ADPCM it returns one block in four
        return _packet_by_packet(source, header)
    return waveform, True


def _packet_by_packet(source: Source, header: Header) -> tuple[Tensor, bool]:
    from torchcodec.decoders import AudioConverter, Demuxer

    demuxer = Demuxer(source, streams="audio")
    decoder, converter = demuxer.streams[0].make_decoder(), AudioConverter()
    pieces, complete = [torch.empty(header.channels, 0)], True
    try:
        for packet in demuxer:
            pieces += [converter.convert(raw).data for raw in decoder.decode(packet)]
        pieces += [converter.convert(raw).data for raw in decoder.drain()]
    except RuntimeError:
        complete = False
    return torch.cat(pieces, dim=1), complete


class _Stream:
    """A file for libsndfile, which seeks to impossible places in damaged ones; its callback would print tracebacks."""

    def __init__(self, file: BinaryIO):
        self._seek, self.tell, self.readinto = file.seek, file.tell, file.readinto

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._seek(offset, whence)


def soundfile_header(source: Source) -> Header:
    """Read a header with libsndfile."""
    with open_source(source) as stream, soundfile.SoundFile(_Stream(stream)) as file:
        known = file.frames < 2**62  # FLAC written to a pipe reports the largest number there is
        integer = re.fullmatch(r"(?:PCM_[SU]?|ALAC_)(\d+)", file.subtype)
        return Header(
            backend="soundfile",
            sample_rate=file.samplerate,
            channels=file.channels,
            samples=file.frames if known else None,
            exact=known and file.format != "MP3",
            codec=file.subtype,
            bits=int(integer[1]) if integer else {"FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8}.get(file.subtype),
        )


def soundfile_decode(source: Source, header: Header) -> tuple[Tensor, bool]:
    """Decode with libsndfile, up to the first damaged frame."""
    blocks, complete = [], True
    with open_source(source) as stream, soundfile.SoundFile(_Stream(stream)) as file:
        count = BLOCK
        while count == BLOCK:
            block = np.full((BLOCK, file.channels), np.nan, dtype=np.float32)
            try:
                count = len(file.read(out=block))
            except soundfile.LibsndfileError:  # the rows that it did not reach are still NaN
                count = BLOCK - int(np.isnan(block[:, 0]).sum())
                complete = header.samples is None  # the end of a FLAC of unknown length looks like damage
            blocks.append(torch.from_numpy(block[:count]))
        if file.format == "MP3":  # without a length in its header libsndfile guesses one, and may stop too early
            complete &= stream.tell() > 0.98 * stream.seek(0, os.SEEK_END)
    return torch.cat(blocks).T.contiguous(), complete


TORCHCODEC = Backend(torchcodec_header, torchcodec_decode)
SOUNDFILE = Backend(soundfile_header, soundfile_decode)


def torchcodec_encode(waveform: Tensor, sample_rate: int, container: str) -> bytes:
    """Encode [channels, samples] with FFmpeg, into the container of that FFmpeg name."""
    from torchcodec.encoders import AudioEncoder

    return AudioEncoder(waveform, sample_rate=sample_rate).to_tensor(container).numpy().tobytes()


def soundfile_encode(waveform: Tensor, sample_rate: int, container: str, codec: str) -> bytes:
    """Encode [channels, samples] with libsndfile, into a container and codec of those libsndfile names."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", sample_rate, waveform.shape[0], format=container, subtype=codec) as file:
        for block in waveform.T.contiguous().split(BLOCK):  # Vorbis in one piece kills the process after some minutes
            file.write(block.numpy())
    return buffer.getvalue()
