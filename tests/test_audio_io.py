"""Loading, describing and saving audio, through torchcodec and through soundfile."""

import dataclasses
import io
import math
import os
import re
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from course_utils import audio_backends
from course_utils.audio_backends import Backend
from course_utils.audio_io import FORMATS, audio_info, ffmpeg_available, load_audio, save_audio
from course_utils.errors import AudioFileError, CourseWarning, WaveformError

RATE = 16000
needs_ffmpeg = pytest.mark.skipif(not ffmpeg_available(), reason="FFmpeg's libraries are not installed here")


@pytest.fixture(params=[pytest.param("torchcodec", marks=needs_ffmpeg), "soundfile"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test with FFmpeg, and again as if it were missing."""
    if request.param == "soundfile":
        monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "torchcodec: Could not load libtorchcodec")
    return request.param


def notes(samples: int = 3 * RATE, channels: int = 1, rate: int = RATE) -> Tensor:
    """Three tones and a little noise, on the grid of 16-bit numbers; different in each channel."""
    time = torch.arange(samples) / rate
    tones = [sum(0.2 * torch.sin(2 * math.pi * f * (c + 1) * time) for f in (220, 277, 330)) for c in range(channels)]
    noise = 0.02 * torch.randn(channels, samples, generator=torch.Generator().manual_seed(samples))
    return ((torch.stack(tones) + noise) * 32768).round() / 32768


def encoded(waveform: Tensor, container: str = "WAV", codec: str | None = None, rate: int = RATE) -> bytes:
    """A sound file written by libsndfile, with no help from the code under test."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform.T.numpy(), rate, format=container, subtype=codec)
    return buffer.getvalue()


def wav(data: bytes, announced: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A mono 16-bit WAV file whose header announces any number of bytes, with chunks around its data."""
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    body = b"WAVE" + fmt + before + b"data" + struct.pack("<I", announced) + data + after
    return b"RIFF" + struct.pack("<I", min(len(body), 2**32 - 1)) + body


def pcm(waveform: Tensor) -> bytes:
    return (waveform[0] * 32768).to(torch.int16).numpy().tobytes()


# --- Loading what is good ---


def test_a_file_loads_as_float32_with_channels_first(tmp_path, backend):
    (tmp_path / "stereo.wav").write_bytes(encoded(notes(1000, channels=2), rate=44100))
    waveform, rate = load_audio(tmp_path / "stereo.wav")
    assert rate == 44100
    assert waveform.dtype == torch.float32
    assert torch.equal(waveform, notes(1000, channels=2))


def test_paths_strings_bytes_and_file_objects_load_alike(tmp_path, monkeypatch, backend):
    data = encoded(notes())
    path = tmp_path / "ein Stück, 音 #1.wav"
    path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    with path.open("rb") as file:
        for source in (path, str(path), path.name, data, bytearray(data), io.BytesIO(data), file):
            assert torch.equal(load_audio(source)[0], notes())


def test_an_object_without_seek_loads_too(tmp_path, backend):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.flac", encoded(notes(), "FLAC"))
        with archive.open("a.flac") as member:
            assert torch.equal(load_audio(member)[0], notes())


def test_mono_is_the_mean_of_the_channels_and_opposite_channels_cancel(backend):
    left = notes(1000)
    assert torch.equal(load_audio(encoded(torch.cat([left, 0 * left])), mono=True)[0], left / 2)
    assert not load_audio(encoded(torch.cat([left, -left])), mono=True)[0].any()


@given(
    st.integers(1, 3000),
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    st.sampled_from([8000, 16000, 48000]),
)
@settings(max_examples=40, deadline=None)
def test_resampling_gives_the_samples_that_the_law_says(samples, old, new):
    waveform, rate = load_audio(encoded(notes(samples), rate=old), sample_rate=new)
    assert rate == new
    assert waveform.shape == (1, math.ceil(samples * new / old))


@pytest.mark.parametrize(("old", "new"), [(44100, 16000), (16000, 48000), (48000, 8000), (22050, 16000)])
def test_resampling_keeps_the_frequency_of_a_tone(old, new, backend):
    tone = 0.5 * torch.sin(2 * math.pi * 1000 * torch.arange(old) / old)[None]
    waveform, rate = load_audio(encoded(tone, rate=old), sample_rate=new)
    assert torch.fft.rfft(waveform[0]).abs().argmax() == 1000  # one second: bins of 1 Hz
    assert rate == new


@pytest.mark.parametrize("rate", [44100.0, "16000", 0, -1, True])
def test_a_wrong_rate_is_refused(rate, backend):
    with pytest.raises(WaveformError, match="sample rate is"):
        load_audio(encoded(notes(100)), sample_rate=rate)


@pytest.mark.parametrize(
    ("old", "new", "memory", "choice"),
    [(44100, 16001, "12 GB", 16000), (44101, 16000, "12 GB", 44101)],
)
def test_a_rate_that_would_need_gigabytes_is_refused_with_one_that_does_not(old, new, memory, choice):
    with pytest.raises(WaveformError) as caught:
        load_audio(encoded(notes(100), rate=old), sample_rate=new)
    assert caught.value.problem == (
        f"Resampling {old} to {new} Hz needs about {memory} of memory: the two share no large divisor."
    )
    assert caught.value.remedy == f"Choose {choice} Hz."
    assert load_audio(encoded(notes(100), rate=old), sample_rate=choice)[1] == choice


GOOD = [
    *[
        ("WAV", codec)
        for codec in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW", "GSM610")
    ],
    *[("WAV", codec) for codec in ("MS_ADPCM", "IMA_ADPCM")],
    *[(container, "PCM_16") for container in ("WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC")],
    *[("AIFF", "FLOAT"), ("AU", "ULAW"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")],
]


@needs_ffmpeg
@pytest.mark.parametrize(("container", "codec"), GOOD)
def test_both_backends_read_the_same_samples_without_a_warning(container, codec, monkeypatch):
    data = encoded(notes(channels=1 if codec == "GSM610" else 2), container, codec)
    with_ffmpeg = load_audio(data)
    info_with_ffmpeg = audio_info(data)
    monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    without = load_audio(data)
    tolerance = {"MPEG_LAYER_III": 1e-5, "VORBIS": 1e-5, "IMA_ADPCM": 0.002, "MS_ADPCM": 0.02}.get(codec, 0)
    assert with_ffmpeg[1] == without[1] == RATE
    torch.testing.assert_close(with_ffmpeg[0], without[0], rtol=0, atol=tolerance)
    assert 0 <= without[0].shape[1] - 3 * RATE < 1000  # ADPCM and GSM fill their last block
    info = audio_info(data)
    assert (info.samples, info.channels, info.bits_per_sample) == (
        *without[0].T.shape,
        info_with_ffmpeg.bits_per_sample,
    )
    assert info_with_ffmpeg.samples == info.samples


@needs_ffmpeg
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_both_backends_resample_alike(rate, monkeypatch):
    data = encoded(notes(), "FLAC")
    with_ffmpeg, _ = load_audio(data, sample_rate=rate)
    monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    assert torch.equal(load_audio(data, sample_rate=rate)[0], with_ffmpeg)


@pytest.mark.parametrize("announced", [0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF - 36, 0x80000000])
def test_a_wav_written_to_a_pipe_loads_without_a_warning(announced, backend):
    assert torch.equal(load_audio(wav(pcm(notes()), announced))[0], notes())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"JUNK" + struct.pack("<I", 29) + bytes(30), b""),
        (b"", b"LIST" + struct.pack("<I", 12) + b"INFO" + bytes(8)),
        (b"", b"left behind by some program"),
    ],
)
def test_chunks_around_the_sound_are_skipped_without_a_warning(before, after, backend):
    data = pcm(notes())
    assert torch.equal(load_audio(wav(data, len(data), before, after))[0], notes())


def test_a_header_that_counts_itself_as_sound_gives_no_warning(backend):
    data = pcm(notes())
    assert load_audio(wav(data, len(data) + 44))[0].shape[1] == 3 * RATE


def test_titles_and_covers_do_not_disturb_an_mp3(backend):
    mp3 = encoded(notes(), "MP3")
    cover = b"APIC" + struct.pack(">I", 20000) + bytes(2) + b"\xff\xfb" * 10000
    size = bytes((len(cover) >> shift) & 127 for shift in (21, 14, 7, 0))
    tagged = b"ID3\x03\x00\x00" + size + cover + mp3 + b"TAG" + b"A title".ljust(125, b"\0")
    assert torch.equal(load_audio(tagged)[0], load_audio(mp3)[0])
    assert audio_info(tagged).samples == 3 * RATE


def flac_of_unknown_length() -> bytes:
    """As written to a pipe: the 36 bits that count the samples are zero."""
    flac = bytearray(encoded(notes(), "FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return bytes(flac)


def test_a_flac_written_to_a_pipe_loads_whole_and_without_a_warning(backend):
    assert torch.equal(load_audio(flac_of_unknown_length())[0], notes())
    assert audio_info(flac_of_unknown_length()).samples == 3 * RATE


def mp3_of_unknown_length(loud_first: bool) -> bytes:
    """Variable bit rate, a second of noise and three of silence, and no header that counts the frames."""
    noise = 0.2 * torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    parts = [noise, torch.zeros(3 * RATE)]
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", RATE, 1, format="MP3", compression_level=0.2, bitrate_mode="VARIABLE"
    ) as file:
        file.write(torch.cat(parts if loud_first else parts[::-1]).numpy())
    return buffer.getvalue().replace(b"Xing", bytes(4))


@needs_ffmpeg
@pytest.mark.parametrize("loud_first", [True, False])
def test_an_mp3_that_does_not_say_its_length_loads_whole_with_ffmpeg_and_without_a_warning(loud_first):
    assert load_audio(mp3_of_unknown_length(loud_first))[0].shape[1] == pytest.approx(4 * RATE, abs=3000)


def test_without_ffmpeg_an_mp3_that_does_not_say_its_length_may_be_cut_short_and_says_so(monkeypatch):
    monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    with pytest.warns(CourseWarning, match="does not say how long it is, and soundfile stopped"):
        waveform, _ = load_audio(mp3_of_unknown_length(loud_first=True))
    assert waveform.shape[1] < 3.5 * RATE


@pytest.mark.parametrize("samples", [1, 100, 1152, 3000, 8000, 16001])
def test_a_short_ogg_keeps_its_length(samples, backend):
    assert load_audio(encoded(notes(samples), "OGG"))[0].shape[1] == samples


# --- Files that break off ---


@pytest.mark.parametrize(
    ("container", "codec"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16")]
)
@pytest.mark.parametrize("extra", [0, 1])
def test_a_lossless_file_cut_in_half_loads_as_far_as_it_goes(container, codec, extra, backend):
    data = encoded(notes(), container, codec)
    with pytest.warns(CourseWarning, match=r"is cut off or damaged: it holds 1\.\d\d s of 3\.00 s"):
        waveform, _ = load_audio(data[: len(data) // 2 + extra])
    samples = waveform.shape[1]
    assert RATE < samples < 2 * RATE
    assert torch.equal(waveform, notes()[:, :samples])


def test_a_cut_is_noticed_behind_other_chunks(backend):
    data = pcm(notes())
    junk = b"JUNK" + struct.pack("<I", 29) + bytes(30)
    with pytest.warns(CourseWarning, match=r"it holds 2\.00 s of 3\.00 s"):
        load_audio(wav(data[: 4 * RATE], len(data), before=junk))


@pytest.mark.parametrize(("container", "full"), [("MP3", r"of 3\.[01]\d s"), ("OGG", "how long it was is unknown")])
def test_a_lossy_file_cut_in_half_loads_as_far_as_it_goes(container, full, backend):
    data = encoded(notes(), container)
    whole, _ = load_audio(data)
    with pytest.warns(CourseWarning, match=rf"is cut off or damaged: it holds [01]\.\d\d s.*{full}"):
        waveform, _ = load_audio(data[: len(data) // 2])
    samples = waveform.shape[1]
    assert samples > RATE // 2
    torch.testing.assert_close(waveform[:, : samples - 2304], whole[:, : samples - 2304], rtol=0, atol=1e-4)


@given(st.floats(0.02, 0.98), st.sampled_from(["WAV", "FLAC", "AIFF", "OGG", "MP3"]))
@settings(max_examples=60, deadline=None)
def test_wherever_a_file_is_cut_it_is_loaded_or_refused_and_never_crashes(where, container):
    data = encoded(notes(), container)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            waveform, rate = load_audio(data[: int(where * len(data))])
        except AudioFileError:
            assert where < 0.5
            return
    assert 0 < waveform.shape[1] < 3 * RATE
    assert rate == RATE
    # The padding of an MP3 hides the loss of its last frames.
    assert caught or (container == "MP3" and waveform.shape[1] > 2.7 * RATE)


@needs_ffmpeg
def test_an_m4a_without_its_index_is_refused():
    m4a = audio_backends.torchcodec_encode(notes(), RATE, "ipod")
    with pytest.raises(AudioFileError, match="begins like MP4, but nothing in it can be decoded"):
        load_audio(m4a[: len(m4a) // 2])


# --- Refusals ---


def refusal(path, **options) -> AudioFileError:
    with pytest.raises(AudioFileError) as caught:
        load_audio(path, **options)
    with pytest.raises(AudioFileError) as caught_by_info:
        audio_info(path)
    assert str(caught_by_info.value) == str(caught.value)
    return caught.value


def test_a_missing_file_is_named_with_those_of_a_similar_name(tmp_path):
    (tmp_path / "Speech.flac").touch()
    (tmp_path / "drums.ogg").touch()
    error = refusal(tmp_path / "speach.flac")
    assert error.problem == f"There is no file '{tmp_path / 'speach.flac'}'."
    assert error.remedy == "Did you mean 'Speech.flac'?"


def test_a_missing_relative_path_names_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = refusal("x.wav")
    assert error.problem == f"There is no file 'x.wav', seen from the working directory '{Path.cwd()}'."
    assert error.remedy == "Check the path and its spelling."


def test_a_missing_folder_is_named(tmp_path):
    assert refusal(tmp_path / "nowhere" / "x.wav").problem == f"There is no folder '{tmp_path / 'nowhere'}'."


def test_a_folder_is_refused(tmp_path):
    assert refusal(tmp_path).problem == f"'{tmp_path}' is a folder."


def test_a_missing_file_in_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    def forbid(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbid)
    error = refusal(tmp_path / "x.wav")
    assert error.problem == f"There is no file '{tmp_path / 'x.wav'}'."
    assert error.remedy == "Check the path and its spelling."


def test_a_tilde_stands_for_the_home_folder_and_for_itself_where_it_cannot(tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert save_audio("~/x.wav", notes(100), RATE) == tmp_path / "x.wav"
    assert load_audio("~/x.wav")[1] == RATE
    assert "There is no file '~foo.wav'" in refusal("~foo.wav").problem
    assert save_audio("~foo.wav", notes(100), RATE) == Path("~foo.wav")
    assert (tmp_path / "~foo.wav").is_file()


def test_a_path_with_a_nul_character_is_refused(tmp_path):
    path = f"{tmp_path}{os.sep}a\0b.wav"
    assert refusal(path).problem == f"{path!r} is no path: it holds a NUL character."
    with pytest.raises(AudioFileError, match="NUL character"):
        save_audio(path, notes(100), RATE)


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def forbid(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    assert refusal(tmp_path / "x.wav").problem == f"You may not read '{tmp_path / 'x.wav'}'."


def test_an_empty_file_is_refused(tmp_path, backend):
    (tmp_path / "x.wav").touch()
    assert refusal(tmp_path / "x.wav").problem == f"'{tmp_path / 'x.wav'}' is empty: 0 bytes."
    assert refusal(b"").problem == "The bytes object is empty: 0 bytes."


def test_a_file_object_at_its_end_or_in_text_mode_is_refused(tmp_path):
    with pytest.raises(AudioFileError, match="The rest of the file object is empty"):
        load_audio(io.BytesIO())
    with pytest.raises(AudioFileError, match="opened as text"):
        load_audio(io.StringIO("sound"))


@pytest.mark.parametrize("path", [None, 3, [1.0, 2.0], torch.zeros(2)])
def test_what_is_no_file_is_refused(path):
    assert "is no file" in refusal(path).problem


def test_a_web_address_is_refused():
    assert "is a web address" in refusal("https://example.org/a.wav").problem


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\x06\0\0\0\x1f\x15\xc4\x89"
NOT_AUDIO = {
    "a PNG image": PNG,
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb\0\x43\0" + bytes(range(1, 65)),
    "an Adobe Portable Document Format file": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "a ZIP archive": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(40),
    "a MIDI file, which holds notes and no sound": b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0",
    "a NumPy array": b"\x93NUMPY\1\0v\0{'descr': '<f4'}",
    "an HTML page, probably from a failed download": b"\n<!DOCTYPE html>\n<html><title>404</title></html>",
    "JSON": b'{"detail": "Not found"}',
    "XML": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n",
    "a playlist": b"#EXTM3U\nsong.mp3\n",
    "text that begins with 'Voilà ce qui a été dit.'": "Voilà ce qui a été dit.\n".encode(),
    "one byte repeated, as a broken copy leaves it": bytes(5000),
}


@pytest.mark.parametrize("kind", NOT_AUDIO)
def test_what_is_not_audio_is_called_by_its_name(kind, tmp_path, backend):
    path = tmp_path / "sound.wav"
    path.write_bytes(NOT_AUDIO[kind])
    assert refusal(path).problem == f"'{path}' is not audio: it looks like {kind}."


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes_are_refused(seed, backend):
    problem = refusal(np.random.default_rng(seed).bytes(20000)).problem
    assert re.match("The bytes object (is in no|begins like)", problem)


@needs_ffmpeg
def test_a_video_without_sound_is_refused(tmp_path):
    from torchcodec.encoders import VideoEncoder

    frames = torch.zeros(10, 3, 64, 64, dtype=torch.uint8)
    VideoEncoder(frames, frame_rate=10).to_file(tmp_path / "silent.mp4")
    assert refusal(tmp_path / "silent.mp4").problem.endswith("is a video without a sound track.")


@pytest.mark.parametrize("container", ["WAV", "AIFF", "OGG"])
def test_a_file_without_samples_is_refused(container, backend):
    assert refusal(encoded(torch.empty(1, 0), container)).problem == "The bytes object holds no samples."


def test_a_file_cut_before_its_sound_is_refused_as_damaged(backend):
    error = refusal(encoded(notes(100))[:44])
    assert error.problem == "The bytes object is damaged: none of its sound can be decoded."


def test_a_header_cut_in_two_is_refused(backend):
    error = refusal(encoded(notes(100))[:30])
    assert error.problem == "The bytes object begins like WAV, but nothing in it can be decoded."


# --- audio_info ---


@pytest.mark.parametrize(
    ("container", "name", "bits"),
    [("WAV", "WAV", 16), ("FLAC", "FLAC", 16), ("OGG", "OGG", None), ("MP3", "MP3", None)],
)
def test_info_says_what_loading_gives(container, name, bits, tmp_path, backend):
    path = tmp_path / "clip"
    path.write_bytes(encoded(notes(30000, channels=2), container, rate=44100))
    info, (waveform, rate) = audio_info(path), load_audio(path)
    assert (info.channels, info.samples, info.sample_rate) == (*waveform.shape, rate) == (2, 30000, 44100)
    assert info.seconds == 30000 / 44100
    assert info.bit_rate == round(8 * path.stat().st_size / info.seconds)
    assert (info.format, info.bits_per_sample) == (name, bits)
    assert info.backend == ("soundfile" if container == "OGG" else backend)


def test_info_reads_one_fact_per_line(backend):
    lines = str(audio_info(encoded(notes(48000)))).splitlines()
    assert lines[0].split() == ["format", "WAV"]
    assert lines[1].endswith(", 16 bits per sample")
    assert lines[2:6] == [
        "sample rate  16000 Hz",
        "channels     1",
        "length       48000 samples, 3.000 s",
        "bit rate     256 kbit/s",
    ]
    assert lines[6].split() == ["read", "with", backend]


@pytest.mark.parametrize("container", ["WAV", "AIFF", "FLAC", "OGG"])
def test_info_does_not_decode_what_has_an_exact_header(container, backend, monkeypatch):
    def refuse(*args):
        raise AssertionError("decoded")

    monkeypatch.setattr(audio_backends, "TORCHCODEC", Backend(audio_backends.torchcodec_header, refuse))
    monkeypatch.setattr(audio_backends, "SOUNDFILE", Backend(audio_backends.soundfile_header, refuse))
    assert audio_info(encoded(notes(), container)).samples == 3 * RATE


def test_info_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        audio_info(encoded(notes(100))).samples = 3


# --- Saving what is good ---


@given(st.sampled_from([".wav", ".flac", ".aiff", ".au"]), st.integers(1, 3000), st.integers(1, 6), st.data())
@settings(max_examples=60, deadline=None)
def test_lossless_formats_give_back_every_sample_within_their_step(tmp_path_factory, suffix, samples, channels, data):
    seed = data.draw(st.integers(0, 2**32))
    waveform = torch.rand(channels, samples, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    path = save_audio(tmp_path_factory.mktemp("save") / f"x{suffix}", waveform, RATE)
    back, rate = load_audio(path)
    assert rate == RATE
    step = 2.0 ** -(FORMATS[suffix].bits - 1)
    clipped = waveform.clamp(max=1 - step)
    torch.testing.assert_close(back, clipped, rtol=0, atol=step / 2)


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".aif", ".au"])
def test_both_backends_save_the_same_samples(suffix, tmp_path, monkeypatch):
    waveform = torch.rand(2, 5000, generator=torch.Generator().manual_seed(0)) * 2.2 - 1.1
    with pytest.warns(CourseWarning, match="clipped"):
        save_audio(tmp_path / f"a{suffix}", waveform, RATE)
    monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    with pytest.warns(CourseWarning, match="clipped"):
        save_audio(tmp_path / f"b{suffix}", waveform, RATE)
    assert torch.equal(load_audio(tmp_path / f"a{suffix}")[0], load_audio(tmp_path / f"b{suffix}")[0])


@pytest.mark.parametrize("samples", [47, 1000, 1153, 8000, 29869, 48000])
def test_lossy_formats_keep_the_length(samples, tmp_path, backend):
    ogg, _ = load_audio(save_audio(tmp_path / "x.ogg", notes(samples), RATE))
    assert ogg.shape[1] == samples
    mp3, _ = load_audio(save_audio(tmp_path / "x.mp3", notes(samples), RATE))
    # FFmpeg cannot mark more padding than a frame less 46 samples: one length in twelve comes back a little longer.
    assert 0 <= mp3.shape[1] - samples <= (46 if backend == "torchcodec" else 0)


def test_opus_comes_back_at_48000_hz_with_ffmpeg_and_at_its_own_rate_without(tmp_path, backend):
    waveform, rate = load_audio(save_audio(tmp_path / "x.opus", notes(), RATE))
    assert (waveform.shape[1], rate) == ((144000, 48000) if backend == "torchcodec" else (48000, 16000))


@needs_ffmpeg
def test_m4a_comes_back_longer_and_wavpack_exact(tmp_path):
    m4a, _ = load_audio(save_audio(tmp_path / "x.m4a", notes(), RATE))
    assert m4a.shape[1] == 1024 * math.ceil(3 * RATE / 1024)
    waveform = torch.rand(2, 3000) * 2 - 1
    assert torch.equal(load_audio(save_audio(tmp_path / "x.wv", waveform, RATE))[0], waveform)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".opus"])
def test_a_lossy_format_sounds_alike(suffix, tmp_path, backend):
    tone = 0.5 * torch.sin(2 * math.pi * 440 * torch.arange(RATE) / RATE)[None]
    back, _ = load_audio(save_audio(tmp_path / f"x{suffix}", tone, RATE), sample_rate=RATE)
    assert torch.fft.rfft(back[0, :RATE]).abs().argmax() == 440
    assert back.square().mean() == pytest.approx(tone.square().mean().item(), rel=0.1)


def test_minutes_of_ogg_are_saved_without_ffmpeg(tmp_path, monkeypatch):
    """libsndfile crashes the process when it gets 52 s or more at 44.1 kHz in one piece."""
    monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    path = save_audio(tmp_path / "x.ogg", torch.zeros(1, 3_000_000), 44100)
    assert audio_info(path).samples == 3_000_000


def test_mono_in_one_dimension_other_float_types_views_and_graphs_are_saved(tmp_path):
    waveform = notes(2000, channels=2)
    graph = waveform.clone().requires_grad_()
    for variant in (waveform.double(), waveform.T.contiguous().T, graph * 1):
        assert torch.equal(load_audio(save_audio(tmp_path / "x.wav", variant, RATE))[0], waveform)
    assert torch.equal(load_audio(save_audio(tmp_path / "x.wav", waveform[0], RATE))[0], waveform[:1])
    assert graph.requires_grad


def test_the_path_comes_back_and_a_suffix_may_be_in_capitals(tmp_path):
    assert save_audio(str(tmp_path / "X.WAV"), notes(100), RATE) == tmp_path / "X.WAV"


# --- Clipping ---


def test_a_peak_above_one_is_clipped_and_counted(tmp_path, backend):
    waveform = notes(1000)
    waveform[0, 10:15] = torch.tensor([3.07, -2.0, 1.0, -1.0, 1.5])
    with pytest.warns(CourseWarning, match=r"3 of 1000 samples \(0\.30%\) .* the peak is 3\.07\. .* normalize=True"):
        path = save_audio(tmp_path / "x.wav", waveform, RATE)
    assert load_audio(path)[0][0, 10:15].tolist() == [32767 / 32768, -1, 32767 / 32768, -1, 32767 / 32768]


@pytest.mark.parametrize("peak", [3.07, 0.01])
def test_normalize_scales_to_a_peak_just_below_one_without_a_warning(peak, tmp_path, backend):
    waveform = notes(1000)
    waveform = waveform / waveform.abs().max() * peak
    back, _ = load_audio(save_audio(tmp_path / "x.wav", waveform, RATE, normalize=True))
    assert back.abs().max().item() == 32767 / 32768
    torch.testing.assert_close(back * peak, waveform, rtol=0, atol=peak / 16000)


def test_normalize_leaves_silence_alone(tmp_path):
    assert not load_audio(save_audio(tmp_path / "x.wav", torch.zeros(1, 10), RATE, normalize=True))[0].any()


# --- Refusals on saving ---


@pytest.mark.parametrize(
    ("waveform", "problem"),
    [
        (torch.zeros(1, 0), "empty"),
        (torch.zeros(48000, 2), r"probably \[samples, channels\]"),
        (torch.zeros(48000, 1), r"probably \[samples, channels\]"),
        (torch.zeros(1, 1, 100), "batch"),
        (torch.zeros(1, 100, dtype=torch.int16), "int16"),
        (torch.zeros(1, 100, dtype=torch.complex64), "complex64"),
        (torch.tensor([[0.0, math.nan, math.inf]]), r"2 of 3 samples"),
        (np.zeros((1, 100), np.float32), "ndarray"),
        ([0.0, 0.1], "list"),
    ],
)
def test_a_wrong_waveform_is_refused_and_nothing_is_written(waveform, problem, tmp_path):
    with pytest.raises(WaveformError, match=problem):
        save_audio(tmp_path / "x.wav", waveform, RATE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [44100.0, "16000", 0, -1, None])
def test_a_wrong_rate_is_refused_on_saving(rate, tmp_path):
    with pytest.raises(WaveformError, match="sample rate is"):
        save_audio(tmp_path / "x.wav", notes(100), rate)


@pytest.mark.parametrize(
    ("suffix", "rate", "nearest"), [(".mp3", 44123, 44100), (".mp3", 96000, 48000), (".opus", 44100, 48000)]
)
def test_a_rate_that_the_codec_does_not_allow_is_refused_with_the_nearest(suffix, rate, nearest, tmp_path, backend):
    with pytest.raises(
        WaveformError, match=rf"cannot have {rate} Hz, only 8000, .*resample\(waveform, {rate}, {nearest}\)"
    ):
        save_audio(tmp_path / f"x{suffix}", notes(100), rate)


@pytest.mark.parametrize(("suffix", "channels"), [(".mp3", 3), (".wav", 9), (".opus", 6)])
def test_too_many_channels_are_refused(suffix, channels, tmp_path, backend):
    with pytest.raises(WaveformError, match=rf"at most \d channels, not {channels}"):
        save_audio(tmp_path / f"x{suffix}", torch.zeros(channels, 4000), RATE)


def test_a_rate_that_only_the_encoder_refuses_is_refused_in_one_sentence(tmp_path, backend):
    with pytest.raises(AudioFileError, match="could not be encoded with 10000000 Hz"):
        save_audio(tmp_path / "x.flac", notes(100), 10_000_000)


@pytest.mark.parametrize(("name", "problem"), [("x.sph", "suffix .sph"), ("x", "no suffix"), ("x.", "no suffix")])
def test_an_unknown_or_missing_suffix_is_refused_with_those_there_are(name, problem, tmp_path):
    with pytest.raises(AudioFileError, match=rf"{problem}.*\.wav, \.flac, \.ogg"):
        save_audio(tmp_path / name, notes(100), RATE)


def test_a_missing_folder_is_refused_with_the_way_to_make_it(tmp_path):
    with pytest.raises(AudioFileError, match=r"There is no folder .*mkdir"):
        save_audio(tmp_path / "out" / "x.wav", notes(100), RATE)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "x.wav").mkdir()
    with pytest.raises(AudioFileError, match="is a folder"):
        save_audio(tmp_path / "x.wav", notes(100), RATE)


def test_a_write_protected_file_is_refused_and_kept(tmp_path, monkeypatch):
    path = save_audio(tmp_path / "x.wav", notes(100), RATE)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everything
    with pytest.raises(AudioFileError, match="write-protected"):
        save_audio(path, notes(200), RATE)
    assert audio_info(path).samples == 100


@pytest.mark.skipif(sys.platform == "win32", reason="what Windows says about too long names depends on its settings")
def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(AudioFileError, match="could not be written: File name too long"):
        save_audio(tmp_path / ("a" * 300 + ".wav"), notes(100), RATE)


# --- The old file is safe ---


@pytest.mark.parametrize("broken", ["torchcodec_encode", "soundfile_encode"])
def test_a_failing_encoder_leaves_the_old_file(broken, tmp_path, monkeypatch):
    if broken == "soundfile_encode":
        monkeypatch.setattr(audio_backends, "torchcodec_problem", lambda: "hidden")
    elif not ffmpeg_available():
        pytest.skip("FFmpeg's libraries are not installed here")

    def fail(*args):
        raise RuntimeError("encoder broke")

    path = save_audio(tmp_path / "x.wav", notes(100), RATE)
    monkeypatch.setattr(audio_backends, broken, fail)
    with pytest.raises(AudioFileError, match="could not be encoded"):
        save_audio(path, notes(200), RATE)
    assert [file.name for file in tmp_path.iterdir()] == ["x.wav"]
    assert audio_info(path).samples == 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes to stand in for a full disk")
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path):
    path = save_audio(tmp_path / "x.wav", notes(1000), RATE)
    before = path.read_bytes()
    program = """
import resource, sys, torch
from course_utils.audio_io import save_audio
from course_utils.errors import AudioFileError
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
try:
    save_audio(sys.argv[1], torch.zeros(1, 100000), 16000)
except AudioFileError as error:
    print(error.problem)
"""
    result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert result.stdout.strip() == f"'{path}' could not be written: File too large.", result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["x.wav"]
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links and modes are POSIX")
def test_a_link_keeps_pointing_and_the_mode_is_kept(tmp_path):
    target = save_audio(tmp_path / "target.wav", notes(100), RATE)
    target.chmod(0o640)
    link = tmp_path / "link.wav"
    link.symlink_to(target)
    assert save_audio(link, notes(200), RATE) == link
    assert link.is_symlink()
    assert audio_info(target).samples == 200
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_new_file_has_the_usual_mode(tmp_path):
    (tmp_path / "plain").touch()
    path = save_audio(tmp_path / "x.wav", notes(100), RATE)
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
