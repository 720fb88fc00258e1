"""The vocoder explorer against torchaudio's own transforms, and what it says against what is heard."""

import io
import re

import pytest
import soundfile
import torch
from torchaudio.transforms import GriffinLim, InverseMelScale, MelScale, Spectrogram

from course_utils.errors import WaveformError
from course_utils.samples import UnknownSampleError, load_sample, tone
from course_utils.widgets.vocoder import convergence, magnitudes, through_mel, vocode, vocoder_explorer


@pytest.fixture(scope="module")
def speech():
    waveform, rate = load_sample("speech")
    return waveform[0], rate


def numbers(caption: str) -> list[int]:
    return [int(value) for value in re.findall(r"(\d+) %", caption)]


def heard(explorer) -> torch.Tensor:
    return torch.from_numpy(soundfile.read(io.BytesIO(explorer._sound), dtype="float32")[0])


def test_the_magnitudes_are_those_of_torchaudio(speech):
    waveform, rate = speech
    assert torch.equal(magnitudes(waveform, rate), Spectrogram(1024, hop_length=256, power=1)(waveform))


@pytest.mark.parametrize("n_mels", [20, 80])
def test_the_way_through_mel_is_that_of_torchaudios_transforms(speech, n_mels):
    magnitude = magnitudes(*speech)
    mel = MelScale(n_mels, 16_000, n_stft=513)(magnitude)
    expected = InverseMelScale(513, n_mels, 16_000, driver="gelsd")(mel)
    torch.testing.assert_close(through_mel(magnitude, n_mels, 16_000), expected)


def test_an_empty_filter_does_not_stop_it():
    magnitude = magnitudes(torch.randn(16_000), 8_000)  # 512 samples a window: 128 bands leave some without a bin
    assert through_mel(magnitude, 128, 8_000).isfinite().all()


def test_the_sound_is_that_of_torchaudios_griffin_lim(speech):
    waveform, rate = speech
    magnitude = magnitudes(waveform, rate)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = GriffinLim(1024, 4, hop_length=256, power=1, length=len(waveform))(magnitude)
    torch.testing.assert_close(vocode(magnitude, 4, rate, len(waveform)), expected)


def test_the_random_numbers_of_the_learner_go_on_undisturbed():
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    first = torch.rand(1)
    vocoder_explorer("speech").set(n_iter=2)
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)


def test_convergence_is_0_for_the_same_1_for_silence_and_has_no_unit():
    target = torch.rand(5, 7)
    assert convergence(target, target) == 0
    assert convergence(target, torch.zeros(5, 7)) == pytest.approx(1)
    assert convergence(10 * target, 5 * target) == pytest.approx(0.5)
    assert convergence(torch.zeros(5, 7), target) == 0


def test_more_rounds_come_closer_to_what_was_given():
    explorer = vocoder_explorer("speech")
    off = []
    for n_iter in (0, 4, 32):
        explorer.set(kept="every bin", n_iter=n_iter)
        off.append(numbers(explorer.caption)[0])
    assert off[0] > 2 * off[1] > 4 * off[2]


def test_fewer_bands_lie_further_from_the_recording():
    explorer = vocoder_explorer("speech")
    off = []
    for kept in ("every bin", "128 mel bands", "80 mel bands", "20 mel bands"):
        explorer.set(kept=kept)
        off.append(numbers(explorer.caption)[1])
    assert off == sorted(off)
    assert off[-1] > 5 * off[0]


def test_the_caption_speaks_of_the_sound_that_is_heard(speech):
    waveform, rate = speech
    explorer = vocoder_explorer("speech")
    explorer.set(kept="80 mel bands", n_iter=1)
    off = convergence(magnitudes(waveform, rate), magnitudes(heard(explorer), rate))
    assert numbers(explorer.caption)[1] == pytest.approx(100 * off, abs=0.6)
    assert "1 round of Griffin-Lim" in explorer.caption


def test_the_picture_has_the_tone_where_it_is_heard():
    explorer = vocoder_explorer({"a tone": (tone(2000, seconds=2), 16_000)})
    explorer.set(kept="every bin")
    image = explorer._canvas.figure.axes[0].images[0]
    brightness = image.get_array()[..., :3].astype(float).sum(axis=2).mean(axis=1)
    low, high = image.get_extent()[2:]
    row = low + (brightness.argmax() + 0.5) / len(brightness) * (high - low)
    assert row == pytest.approx(2000, abs=40)


def test_stereo_is_averaged_and_a_long_recording_is_cut():
    explorer = vocoder_explorer({"two": (torch.randn(2, 96_000) / 10, 16_000)})
    explorer.set(n_iter=0)
    assert len(heard(explorer)) == 80_000
    assert explorer.caption.endswith("Only the first 5 s are shown.")


def test_silence_stays_silent():
    explorer = vocoder_explorer({"silence": (torch.zeros(1, 16_000), 16_000)})
    assert not heard(explorer).any()
    assert numbers(explorer.caption) == [0, 0]


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(UnknownSampleError):
        vocoder_explorer("spech")
    with pytest.raises(WaveformError, match="longer recording"):
        vocoder_explorer({"click": (torch.ones(1, 300), 16_000)})
