"""Statements of 13_silence_and_noise that its cells do not assert, measured again; and its cells with weights."""

import ast
import math
from dataclasses import replace
from functools import cache
from itertools import pairwise

import jiwer
import pytest
import torch
import torchaudio
from course_notebooks import PATHS, course, read, tagged
from pystoi import stoi
from silero_vad import get_speech_timestamps, load_silero_vad
from torchaudio.models import HDemucs, conv_tasnet_base, squim_objective_base

from course_utils.ctc import greedy_decode
from course_utils.measures import si_sdr_db, snr_db
from course_utils.noise_reduction import reduce_noise
from course_utils.pretrained import load_bundle
from course_utils.pretrained.bundles import MissingWeightsError
from course_utils.pretrained.cache import file_path
from course_utils.pretrained.catalogue import MODELS
from course_utils.samples import load_sample, sample_info
from course_utils.scenes import OTHERS_GAIN, load_mono, speech_scene, spoken
from course_utils.segments import Segment, compare_segments, keep, pauses
from course_utils.standin import LABELS, load_standin
from course_utils.voice_activity import SILERO_FRAME, level_scores, segments_from_scores, speech_probabilities
from course_utils.widgets.vad import SCENES, vad_explorer

(PATH,) = [path for path in PATHS if path.stem == "13_silence_and_noise"]


def cell_with(text: str) -> str:
    (source,) = [cell.source for cell in read(PATH).cells if cell.cell_type == "code" and text in cell.source]
    return source


@cache
def recipe(name: str, function: str):
    """A function as the learner copies it."""
    (source,) = [cell.source for cell in tagged(read(PATH), "recipe") if course(cell)["recipe"] == name]
    space: dict = {}
    exec(source, space)
    return space[function]


# ---- trimming -------------------------------------------------------------------------------------------------------


def test_vad_trims_the_start_only_whatever_comes_later():
    scene = speech_scene()
    vad = torchaudio.transforms.Vad(16_000)
    trimmed = vad(scene.waveform)
    assert scene.waveform.shape[1] - trimmed.shape[1] == 22_400
    louder_end = torch.cat([scene.waveform, 10 * scene.waveform], dim=1)
    assert louder_end.shape[1] - vad(louder_end).shape[1] == 22_400


def test_stereo_is_cut_at_one_place():
    scene = speech_scene()
    pair = torch.cat([scene.waveform, scene.waveform.roll(8000)])
    assert len(torchaudio.transforms.Vad(16_000)(pair)) == 2


@pytest.mark.parametrize("name", ["water", "piano", "crow"])
def test_both_ends_of_what_has_no_speech_are_trimmed_and_something_is_left(name):
    assert recipe("trim-both-ends", "trim_both_ends")(load_mono(name), 16_000).shape[1] > 0


def test_the_crow_and_the_bell_are_as_loud_as_the_voice():
    def level(sound):
        return float(10 * torch.log10(sound.square().mean()))

    voices = [level(spoken(name)) for name in ("speech", "speech_2", "speech_3")]
    for name in ("crow", "cowbell"):
        assert min(voices) < level(OTHERS_GAIN * load_mono(name)) < max(voices) + 4


# ---- detection ------------------------------------------------------------------------------------------------------


def test_the_tasks_of_the_explorer_have_the_answers_that_the_text_gives():
    explorer = vad_explorer()
    explorer.set(off=0.15)
    assert explorer.caption.startswith("5 segments")
    assert "0 of 3 missed, 2 invented" in explorer.caption
    explorer.set(min_speech=0.75, min_silence=0.3)
    assert explorer.caption.startswith("3 segments")
    assert "0 of 3 missed, 0 invented" in explorer.caption
    explorer.set(recording="drums, 5 dB", on=0.65, off=0.3, min_speech=1, min_silence=0.2)
    assert "Precision 100 %, recall 99 %, 0 of 3 missed, 0 invented" in explorer.caption
    for name in ("running water, 10 dB", "running water, 0 dB", "rain, 5 dB"):
        explorer.set(recording=name)
        assert explorer.caption.startswith("Nothing is found")


@pytest.mark.parametrize("name", SCENES)
def test_one_setting_of_silero_serves_all_scenes_but_the_loudest_water(name):
    explorer = vad_explorer({name: SCENES[name]()})
    explorer.set(detector="Silero VAD", on=0.5, off=0.35, min_speech=0.25, min_silence=0.3)
    if name == "running water, 0 dB":
        assert "recall 5" in explorer.caption
    else:
        assert explorer.caption.startswith("3 segments")
        assert "0 of 3 missed, 0 invented" in explorer.caption


def test_in_a_quiet_room_the_edges_of_the_level_are_off_by_2_ms_and_those_of_silero_by_40():
    scene = speech_scene()
    levels, probabilities = (score(scene.waveform, 16_000) for score in (level_scores, speech_probabilities))
    by_level = segments_from_scores(levels, 0.02, 10, 6, min_silence=0.3)
    by_network = segments_from_scores(probabilities, SILERO_FRAME, 0.5, 0.35, min_silence=0.3)
    assert compare_segments(by_level, scene.marked).boundary_error == pytest.approx(0.002, abs=0.001)
    assert compare_segments(by_network, scene.marked).boundary_error == pytest.approx(0.04, abs=0.005)


def test_the_bell_reaches_a_probability_of_a_half_for_less_than_the_shortest_speech():
    scene = speech_scene()
    bell_only = slice(round(9 / SILERO_FRAME), round(10.3 / SILERO_FRAME))
    probabilities = speech_probabilities(scene.waveform, 16_000)[bell_only]
    assert 0.5 < probabilities.max() < 0.6
    assert segments_from_scores(probabilities, SILERO_FRAME, 0.5, 0.35) == []


def test_silero_lets_go_of_a_word_late():
    scene = speech_scene()
    scores = speech_probabilities(scene.waveform, 16_000)
    found = segments_from_scores(scores, SILERO_FRAME, 0.5, 0.35, min_silence=0.3)
    for ours, true in zip(found, scene.marked, strict=True):
        assert abs(ours.start - true.start) < SILERO_FRAME
        assert 0.04 < ours.end - true.end < 0.1


def test_the_package_rounds_to_a_tenth_of_a_second_unless_it_is_told_otherwise():
    def starts(**settings):
        found = get_speech_timestamps(
            speech_scene().waveform[0], load_silero_vad(onnx=True), return_seconds=True, **settings
        )
        return [part["start"] for part in found]

    assert all(math.isclose(10 * start, round(10 * start)) for start in starts())
    assert not all(math.isclose(10 * start, round(10 * start)) for start in starts(time_resolution=3))


def test_the_package_keeps_every_third_sample_at_48_000_hz():
    """A tone of 15 000 Hz, inaudible at 16 000 Hz after proper resampling, comes through as one of 1000 Hz."""

    class Listens:
        heard = None

        def reset_states(self):
            self.heard = []

        def __call__(self, frame, rate):
            self.heard.append(frame)
            return torch.tensor(0.0)

    model = Listens()
    tone = torch.sin(2 * torch.pi * 15_000 * torch.arange(48_000) / 48_000)
    get_speech_timestamps(tone, model, sampling_rate=48_000)
    heard = torch.cat(model.heard)[:16_000]
    assert torch.allclose(heard, tone[::3][: len(heard)])
    assert int(torch.fft.rfft(heard, 16_000).abs().argmax()) == 1000


def test_a_recording_without_speech_keeps_its_pauses():
    water = load_mono("water")
    assert recipe("find-speech", "find_speech")(water, 16_000) == []
    assert torch.equal(recipe("shorten-pauses", "shorten_pauses")(water, 16_000, []), water)


@pytest.mark.parametrize("longest", [0.7, 2.0, 4.0])
def test_long_speech_is_split_into_parts_that_follow_each_other(longest):
    scores = torch.rand(500, generator=torch.Generator().manual_seed(0)).tolist()
    parts = recipe("split-long-speech", "split_long")(0.5, 9.0, scores, 0.02, longest)
    assert parts[0][0] == 0.5
    assert parts[-1][1] == 9.0
    assert all(end - start <= longest for start, end in parts)
    assert all(before[1] == after[0] for before, after in pairwise(parts))


# ---- noise ----------------------------------------------------------------------------------------------------------


def noise_of(scene):
    """What the detector takes for noise."""
    scores, seconds = speech_probabilities(scene.waveform, 16_000), scene.waveform.shape[1] / 16_000
    found = segments_from_scores(scores, SILERO_FRAME, 0.5, 0.35, pad=0.1, seconds=seconds)
    return keep(scene.waveform, 16_000, pauses(found, seconds))


@pytest.mark.parametrize(
    ("background", "snr", "gain_db"), [("ambience", 5, 4), ("ambience", 0, 3.5), ("water", 5, 3.5), ("water", 10, 3)]
)
def test_the_wiener_recipe_gains_on_fixed_mixtures(background, snr, gain_db):
    scene = speech_scene(background, snr, others=False)
    cleaned = recipe("wiener", "remove_noise")(scene.waveform, noise_of(scene))
    assert si_sdr_db(cleaned, scene.speech) > si_sdr_db(scene.waveform, scene.speech) + gain_db
    before, after = (stoi(scene.speech[0].numpy(), sound[0].numpy(), 16_000) for sound in (scene.waveform, cleaned))
    assert abs(after - before) < 0.03, "no more words"


def test_the_snr_in_the_rain_is_less_over_the_whole_than_while_somebody_speaks():
    rain = speech_scene("ambience", 5, others=False)
    assert snr_db(rain.speech, rain.waveform - rain.speech) == pytest.approx(2.7, abs=0.1)


def test_the_network_leaves_less_above_4000_hz_than_the_speech_had():
    rain = speech_scene("ambience", 5, others=False)

    def power_above_4000(sound):
        stft = torchaudio.transforms.Spectrogram(n_fft=512)(sound)
        return float(10 * torch.log10(stft[0, 128:].mean()))

    loss = power_above_4000(rain.speech) - power_above_4000(reduce_noise(rain.waveform, 16_000))
    assert 1.5 < loss < 4


@pytest.mark.parametrize("name", ["piano", "drum_loop", "choir"])
def test_what_is_no_voice_is_noise_to_the_network(name):
    sound = load_mono(name)
    assert reduce_noise(sound, 16_000).square().mean() < 0.1 * sound.square().mean()


def test_nine_samples_are_the_way_between_the_microphones():
    assert round(0.20 / 343 * 16_000) == 9


def test_no_cleaning_helps_the_stand_in_in_the_rain():
    """By more than a twentieth of the characters; benchmarks/noise_reduction.py has more noises."""
    rain = speech_scene("ambience", 5, others=False)
    model = load_standin()

    def errors(sound):
        heard = []
        for segment in rain.marked:
            wider = Segment(segment.start - 0.2, segment.end + 0.2)
            with torch.inference_mode():
                heard.append(greedy_decode(model(keep(sound, 16_000, [wider]))[0], LABELS)[0].lower())
        return jiwer.cer([sample_info(name).transcript for name in ("speech", "speech_2", "speech_3")], heard)

    cleaned = [reduce_noise(rain.waveform, 16_000), recipe("wiener", "remove_noise")(rain.waveform, noise_of(rain))]
    assert min(map(errors, cleaned)) > errors(rain.waveform) - 0.05


# ---- downloads ------------------------------------------------------------------------------------------------------


def run_cell(text: str, **space):
    """Run a cell of the notebook with these names, and give back what it leaves."""
    exec(compile(ast.parse(cell_with(text)), "cell", "exec"), space)
    return space


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A cache with the right names and shapes, and random numbers, of the two smaller models."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(13)
    for name, model in (
        ("CONVTASNET_BASE_LIBRI2MIX", conv_tasnet_base(num_sources=2)),
        ("SQUIM_OBJECTIVE", squim_objective_base()),
    ):
        (file,) = MODELS[name].files
        path = file_path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), path)
        if file.sha256:
            monkeypatch.setitem(MODELS, name, with_length(MODELS[name], path.stat().st_size))


def with_length(model, length):
    (file,) = model.files
    return replace(model, files=(replace(file, size=length, sha256=None),))


def trained(name):
    return load_bundle(name).get_model()


COMMON = {"torch": torch, "sample_rate": 16_000, "si_sdr_db": si_sdr_db, "stoi": stoi, "trained": trained}


def test_without_weights_a_line_says_how_to_get_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    names = run_cell("def trained", torch=torch, load_bundle=load_bundle, MissingWeightsError=MissingWeightsError)
    for name in ("CONVTASNET_BASE_LIBRI2MIX", "HDEMUCS_HIGH_MUSDB_PLUS", "SQUIM_OBJECTIVE"):
        assert names["trained"](name) is None
        assert f"course download {name}" in capsys.readouterr().out


def test_with_weights_the_separation_cell_runs_the_trained_model(weights):
    played = []
    run_cell("if separator :=", **COMMON, at_8000=torch.randn(1, 4000), listen=lambda *sounds: played.append(sounds))
    ((clips, rate),) = played
    assert {name: clip.shape[-1] for name, clip in clips.items()} == {"both": 4000, "first": 4000, "second": 4000}
    assert rate == 8000


def test_with_weights_the_quality_cell_prints_predictions(weights, capsys):
    rain = speech_scene("ambience", 5, others=False)
    versions = {"in the rain": rain.waveform, "network": rain.speech}
    run_cell("if judge :=", **COMMON, rain=rain, versions=versions)
    assert capsys.readouterr().out.count("predicted STOI") == 2


def test_with_weights_the_music_cell_takes_drums_and_guitar_apart(capsys):
    """With Hybrid Demucs in small, since the whole takes a gigabyte."""
    sources = ["drums", "bass", "other", "vocals"]
    played = []
    names = {**COMMON, **run_cell("guitar, _ = load_sample", load_sample=load_sample)}
    names |= {"trained": lambda name: HDemucs(sources, channels=8).eval(), "listen": lambda *args: played.append(args)}
    after = run_cell("if demucs :=", **names)
    assert after["stems"].shape == (4, 2, 5 * 44_100)
    assert list(played[0][0]) == ["both", *sources]
    assert "drums: SI-SDR" in capsys.readouterr().out


def test_the_shapes_of_the_table_are_those_of_the_architectures():
    with torch.inference_mode():
        assert conv_tasnet_base(num_sources=2)(torch.zeros(3, 1, 8000)).shape == (3, 2, 8000)
        assert [value.shape for value in squim_objective_base().eval()(torch.randn(3, 16_000))] == [(3,)] * 3
        assert HDemucs(["a", "b", "c", "d"], channels=8)(torch.randn(3, 2, 44_100)).shape == (3, 4, 2, 44_100)
    bundles = torchaudio.pipelines
    assert bundles.CONVTASNET_BASE_LIBRI2MIX.sample_rate == 8000
    assert bundles.HDEMUCS_HIGH_MUSDB_PLUS.sample_rate == 44_100
    assert bundles.SQUIM_OBJECTIVE.sample_rate == 16_000
