"""data/audio: every file is listed, is what its entry says, may be redistributed, and is fit to be heard."""

import hashlib

import numpy as np
import pytest
import soundfile
import yaml

from course_utils.paths import DATA

AUDIO = DATA / "audio"
ENTRIES = yaml.safe_load((AUDIO / "manifest.yaml").read_text(encoding="utf-8"))
BYTES_LIMIT = 8_000_000
REDISTRIBUTABLE = {
    "CC0-1.0",
    "CC-BY-3.0",
    "CC-BY-SA-3.0",
    "LAL-1.2",
    "BSD-2-Clause",
    "MIT",
    "LicenseRef-LibriVox-public-domain",
}
KINDS = {"speech", "telephone", "music", "percussion", "animal", "noise", "ambience", "everyday", "room"}

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])


def of_kind(kind):
    return [entry for entry in ENTRIES if entry["kind"] == kind]


def read(entry):
    """The samples, [samples, channels], float64 in [-1, 1]."""
    return soundfile.read(AUDIO / entry["file"], always_2d=True)[0]


@each_entry
def test_a_file_is_the_one_that_was_checked_in(entry):
    content = (AUDIO / entry["file"]).read_bytes()
    assert not content.startswith(b"version https://git-lfs"), "a Git LFS pointer stands in the file's place"
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]


@each_entry
def test_rate_channels_and_length_are_those_of_the_file(entry):
    info = soundfile.info(AUDIO / entry["file"])
    assert (info.samplerate, info.channels) == (entry["sample_rate"], entry["channels"])
    assert info.frames / info.samplerate == pytest.approx(entry["seconds"], abs=1e-4)
    assert info.subtype in {"PCM_16", "VORBIS"}


@each_entry
def test_an_entry_says_what_is_heard_who_made_it_and_where_it_comes_from(entry):
    for field in ("title", "heard", "source", "url", "author"):
        assert entry[field].strip()
    assert entry["heard"].endswith(".")
    assert entry["url"].startswith("https://")
    assert entry["kind"] in KINDS


@each_entry
def test_everybody_may_redistribute_it(entry):
    assert set(entry["licence"].split(" AND ")) <= REDISTRIBUTABLE


@each_entry
def test_a_cut_is_as_long_as_the_file(entry):
    start, end = entry.get("cut", (0, entry["seconds"]))
    assert 0 <= start < end
    assert end - start == pytest.approx(entry["seconds"], abs=1e-4)


def test_no_file_lies_there_unlisted_and_no_name_twice():
    listed = [entry["file"] for entry in ENTRIES]
    present = {path.name for path in AUDIO.iterdir()} - {"manifest.yaml", "README.md"}
    assert sorted(listed) == sorted(present)
    assert len({file.split(".")[0] for file in listed}) == len(listed)


def test_all_together_stay_small():
    assert sum(path.stat().st_size for path in AUDIO.iterdir()) <= BYTES_LIMIT


def test_there_is_something_to_hear_of_every_kind():
    recorded = [entry for entry in ENTRIES if "computed" not in entry]
    assert len(recorded) >= 14
    assert {entry["kind"] for entry in ENTRIES} == KINDS
    assert len([entry for entry in of_kind("speech") if entry["sample_rate"] == 16000]) >= 3
    assert any(entry["sample_rate"] == 8000 for entry in of_kind("telephone"))
    for kind in ("music", "percussion"):
        assert any((entry["sample_rate"], entry["channels"]) == (44100, 2) for entry in of_kind(kind))
    assert {"kick.flac", "snare.flac", "hihat.flac", "tom.flac"} <= {entry["file"] for entry in of_kind("percussion")}


@pytest.mark.parametrize("entry", of_kind("speech") + of_kind("telephone"), ids=lambda entry: entry["file"])
def test_speech_has_a_transcript_of_a_natural_pace(entry):
    words = entry["transcript"].split()
    assert entry["transcript"] == entry["transcript"].lower().strip()
    assert all(word.isalpha() for word in words)
    assert 1.5 < len(words) / entry["seconds"] < 5


@each_entry
def test_nothing_is_clipped_at_full_scale(entry):
    full = np.abs(read(entry)) >= 1 - 2 / 2**15
    assert not (full[2:] & full[1:-1] & full[:-2]).any()


@each_entry
def test_it_is_loud_enough_to_be_heard_and_not_mostly_offset(entry):
    samples = read(entry)
    assert np.abs(samples).max() > 0.15
    sound = samples - samples.mean(axis=0)
    assert np.sqrt(np.mean(sound**2)) > 0.005
    assert np.abs(samples.mean(axis=0)).max() < 0.01


def strongest(entry, low, high, start=0.0, seconds=1.0, channel=-1):
    """The strongest frequency between `low` and `high`, in Hz, of a stretch of one channel."""
    rate = entry["sample_rate"]
    stretch = read(entry)[round(start * rate) : round((start + seconds) * rate), channel]
    spectrum = np.abs(np.fft.rfft(stretch * np.blackman(len(stretch)), 2**20))
    frequencies = np.fft.rfftfreq(2**20, 1 / rate)
    inside = (frequencies > low) & (frequencies < high)
    return frequencies[inside][spectrum[inside].argmax()]


@pytest.mark.parametrize(
    ("file", "frequency"),
    [
        ("piano.flac", 440.3),
        ("bass.flac", 65.2),
        ("tabla.flac", 315.6),
        ("tom.flac", 122),
        ("kick.flac", 66),
        ("cowbell.flac", 1611),
    ],
)
def test_the_pitch_in_the_description_is_the_one_in_the_file(file, frequency):
    entry = next(entry for entry in ENTRIES if entry["file"] == file)
    assert f"{frequency:g}" in entry["heard"]
    assert strongest(entry, 20, 4000) == pytest.approx(frequency, rel=0.006)


@pytest.mark.parametrize(("file", "loss_db"), [("bell.flac", 8), ("vinyl_noise.flac", 9), ("piano.flac", 4)])
def test_opposite_channels_lose_as_much_in_mono_as_the_note_says(file, loss_db):
    entry = next(entry for entry in ENTRIES if entry["file"] == file)
    samples = read(entry)
    loss = 10 * np.log10(np.mean(samples**2) / np.mean(samples.mean(axis=1) ** 2))
    assert f"{loss_db} dB" in entry["note"]
    assert loss == pytest.approx(loss_db, abs=0.5)


def test_the_room_starts_with_the_direct_sound_and_dies_away_as_described():
    (entry,) = of_kind("room")
    response = read(entry)[:, 0]
    assert np.abs(response).argmax() == 0
    last_tenth = response[-round(0.1 * entry["sample_rate"]) :]
    assert 10 * np.log10(np.sum(last_tenth**2) / np.sum(response**2)) < -60
    assert "0.65 seconds at 1 kHz" in entry["heard"]
    assert reverberation_time(response, entry["sample_rate"], 1000) == pytest.approx(0.65, abs=0.05)


def reverberation_time(response, sample_rate, octave):
    """T30 (ISO 3382-1): the time for 60 dB, from a line through the decay between -5 and -35 dB of one octave band."""
    spectrum = np.fft.rfft(response, 2 * len(response))
    frequencies = np.fft.rfftfreq(2 * len(response), 1 / sample_rate)
    spectrum[(frequencies < octave / 2**0.5) | (frequencies > octave * 2**0.5)] = 0
    band = np.fft.irfft(spectrum)[: len(response)]
    decay = 10 * np.log10(np.cumsum(band[::-1] ** 2)[::-1] / np.sum(band**2))
    start, end = np.argmax(decay < -5), np.argmax(decay < -35)
    slope = np.polyfit(np.arange(start, end) / sample_rate, decay[start:end], 1)[0]
    return -60 / slope


def test_the_source_of_the_room_is_a_computation_that_the_readme_repeats():
    (entry,) = of_kind("room")
    readme = (AUDIO / "README.md").read_text(encoding="utf-8")
    for parameter in entry["computed"].keys() - {"library"}:
        assert f'"{parameter}"' in readme
