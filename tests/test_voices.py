"""data/voices: every word is listed, is where its entry says, may be redistributed, and is loaded as described."""

import hashlib
import string

import numpy as np
import pytest
import soundfile
import torch
import yaml

from course_utils.voices import SAMPLE_RATE, VOICES, load_words

READINGS = yaml.safe_load((VOICES / "manifest.yaml").read_text(encoding="utf-8"))
README = (VOICES / "README.md").read_text(encoding="utf-8")
REDISTRIBUTABLE = {"CC-BY-3.0", "CC-BY-SA-3.0", "CC-BY-SA-3.0-IT", "LicenseRef-Armelle"}
BYTES_LIMIT = 700_000

each_reading = pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading["file"])


@each_reading
def test_a_file_is_the_one_that_was_checked_in(reading):
    content = (VOICES / reading["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == reading["sha256"]
    info = soundfile.info(VOICES / reading["file"])
    assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE, 1, "VORBIS")


@each_reading
def test_an_entry_says_who_made_it_where_it_comes_from_and_that_it_may_be_passed_on(reading):
    for field in ("speaker", "language", "source", "author"):
        assert reading[field].strip()
    assert reading["url"].startswith("http")
    assert reading["licence"] in REDISTRIBUTABLE
    assert f"`{reading['file'].removesuffix('.ogg')}`" in README


@each_reading
def test_there_is_a_word_for_each_letter_in_order_and_none_overlaps_the_next(reading):
    letters = [word.removeprefix("letter ")[0] for word in reading["words"]]
    assert letters == list(string.ascii_lowercase)
    times = np.array(list(reading["words"].values()))
    assert (times[:, 1] - times[:, 0] > 0.35).all()
    assert (times[1:, 0] - times[:-1, 1] > 0.04).all()
    assert times[-1, 1] <= soundfile.info(VOICES / reading["file"]).duration


@each_reading
def test_between_the_words_there_is_silence_and_in_them_there_is_speech(reading):
    samples, _ = soundfile.read(VOICES / reading["file"])
    bounds = [(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)) for start, end in reading["words"].values()]
    loud = [np.sqrt(np.mean(samples[start:end] ** 2)) for start, end in bounds]
    gaps = [samples[end + 80 : end + 320] for _, end in bounds]
    assert min(loud) > 0.02
    assert np.sqrt(np.mean(np.concatenate(gaps) ** 2)) < 0.05 * min(loud)
    assert np.abs(samples).max() < 0.95


def test_what_makers_ask_to_be_named_is_named():
    for name in ("Allison Smith", "Digium", "June Wallack", "Marco Menardi", "http://www.voip.ammdomus.it"):
        assert name in README
    for name in ("Maxim Topal", "Copyright (C) 2006 Michel Gutierrez", "AS IS"):
        assert name in README


def test_all_together_stay_small_and_no_file_is_unlisted():
    assert sum(path.stat().st_size for path in VOICES.iterdir()) <= BYTES_LIMIT
    assert {path.name for path in VOICES.glob("*.ogg")} == {reading["file"] for reading in READINGS}


def test_five_people_say_the_same_26_words_and_one_of_them_speaks_spanish_too():
    clips = load_words()
    assert len(clips) == 6 * 26
    in_english = [clip for clip in clips if clip.language != "Spanish"]
    assert len({(clip.speaker, clip.word) for clip in in_english}) == 130
    assert len({clip.speaker for clip in in_english}) == 5
    assert {clip.speaker for clip in clips if clip.language == "Spanish"} == {"Allison"}


def test_a_clip_is_the_stretch_of_its_file():
    clip = next(clip for clip in load_words() if (clip.speaker, clip.word) == ("June", "kilo"))
    (reading,) = [reading for reading in READINGS if reading["file"] == "june.ogg"]
    start, end = (round(time * SAMPLE_RATE) for time in reading["words"]["kilo"])
    samples, _ = soundfile.read(VOICES / "june.ogg", dtype="float32")
    assert clip.waveform.shape == (1, end - start)
    assert clip.waveform.dtype == torch.float32
    assert torch.allclose(clip.waveform[0], torch.from_numpy(samples[start:end]), atol=1e-3)
