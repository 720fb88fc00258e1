"""`course download`: size, licence and a question first; then the files, and what is missing."""

import hashlib
import os
import random
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.pretrained.catalogue import MODELS, Model, ModelFile

BODIES = {f"part{number}.bin": random.Random(number).randbytes(100_000) for number in (1, 2)}


@pytest.fixture
def model(monkeypatch, server, cache) -> Model:
    """A model of two files, in the catalogue, and a server that has them under their paths in the cache."""
    files = tuple(
        ModelFile(f"folder/{name}", f"{server.url}/nowhere", len(body), hashlib.sha256(body).hexdigest())
        for name, body in BODIES.items()
    )
    model = Model("PRETTY_SMALL", "does little", "CC0-1.0", files)
    monkeypatch.setitem(MODELS, model.name, model)
    server.answer = lambda handler: server.send(handler, BODIES[handler.path.removeprefix("/folder/")])
    return model


def course(*arguments: str, answer: str = ""):
    return CliRunner().invoke(cli.app, ["download", *arguments], input=answer)


def mirror(server) -> str:
    return server.url.removesuffix("/weights.bin")


@pytest.mark.parametrize("arguments", [[], ["--list"], ["--all", "--list"]])
def test_the_list_shows_every_model_with_size_and_licence_and_fetches_nothing(server, model, arguments):
    shown = course(*arguments).stdout
    for other in MODELS.values():
        assert other.name in shown
        for word in other.licence.split():
            assert word in shown
    assert "1262 MB" in shown
    assert "about 378 MB" in shown
    assert server.asked == []


def test_size_and_licence_come_before_the_question_and_no_means_no(server, model, cache):
    result = course("PRETTY_SMALL", "--mirror", mirror(server), answer="n\n")
    before, question, _ = result.stdout.partition("Fetch 200 kB?")
    assert question
    assert "200 kB" in before
    assert "CC0-1.0" in before
    assert str(cache) in before.replace("\n", "")
    assert result.exit_code == 1
    assert server.asked == []


def test_without_anybody_to_answer_nothing_is_fetched(server, model):
    assert course("PRETTY_SMALL", "--mirror", mirror(server)).exit_code == 1
    assert server.asked == []


@pytest.mark.parametrize(("arguments", "answer"), [([], "y\n"), (["--yes"], "")])
def test_yes_fetches_all_files_of_the_model(server, model, cache, arguments, answer):
    result = course("pretty_small", *arguments, "--mirror", mirror(server), answer=answer)
    assert result.exit_code == 0
    assert "PRETTY_SMALL is here." in result.stdout
    assert {path.name: path.read_bytes() for path in (cache / "folder").iterdir()} == BODIES


def test_the_mirror_may_be_named_by_an_environment_variable(server, model, cache, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", mirror(server) + "/")
    assert course("PRETTY_SMALL", "-y").exit_code == 0
    assert (cache / "folder" / "part1.bin").exists()


def test_what_is_here_is_not_fetched_again(server, model, cache):
    (cache / "folder").mkdir(parents=True)
    (cache / "folder" / "part1.bin").write_bytes(BODIES["part1.bin"])
    course("PRETTY_SMALL", "-y", "--mirror", mirror(server))
    assert len(server.asked) == 1
    result = course("PRETTY_SMALL", "--mirror", mirror(server))
    assert result.exit_code == 0
    assert "yes" in result.stdout
    assert len(server.asked) == 1


def test_a_failure_is_two_lines_and_the_next_run_goes_on(server, model, cache):
    server.answer = lambda handler: server.send(
        handler, BODIES["part1.bin"], cut=60_000 if len(server.asked) == 1 else 0
    )
    result = course("PRETTY_SMALL", "-y", "--mirror", mirror(server))
    assert result.exit_code == 1
    assert "60 kB of 100 kB are kept" in result.stderr
    assert "goes on where it stopped" in result.stderr
    assert "Traceback" not in result.output
    server.asked.clear()
    server.answer = lambda handler: server.send(handler, BODIES[handler.path.removeprefix("/folder/")])
    assert course("PRETTY_SMALL", "-y", "--mirror", mirror(server)).exit_code == 0
    assert server.asked[0]["Range"] == "bytes=60000-"


def test_an_unknown_name_fetches_nothing(server, model):
    result = course("PRETTY_SMALL", "PRETTY_BIG", "-y")
    assert result.exit_code == 1
    assert "Did you mean PRETTY_SMALL?" in result.stderr
    assert server.asked == []


def test_the_command_is_in_the_help():
    assert "download" in CliRunner().invoke(cli.app, ["--help"]).stdout


# ---- the real thing, at its real size -------------------------------------------------------------------------------

BUILD = """
import sys, torch
from torchaudio.pipelines import WAV2VEC2_ASR_BASE_960H as bundle
from torchaudio.pipelines._wav2vec2.utils import _get_model

model = _get_model(bundle._model_type, {**bundle._params, "aux_num_out": 32})  # of which torchaudio drops three
torch.save(model.state_dict(), sys.argv[1])
"""
USE = """
import sys, torch, torchaudio
from dataclasses import replace
from course_utils.pretrained import load_bundle
from course_utils.pretrained.catalogue import MODELS
from course_utils.samples import load_sample, sample_names

name, size, sha256 = "WAV2VEC2_ASR_BASE_960H", int(sys.argv[1]), sys.argv[2]
MODELS[name] = replace(MODELS[name], files=(replace(MODELS[name].files[0], size=size, sha256=sha256),))

waveform, sample_rate = load_sample(sample_names()[0])
bundle = load_bundle(name, download=True)
model = bundle.get_model()
waveform = torchaudio.functional.resample(waveform, sample_rate, bundle.sample_rate)
with torch.inference_mode():
    emissions, _ = model(waveform)
assert emissions.shape[2] == len(bundle.get_labels()) == 29
assert abs(emissions.shape[1] - waveform.shape[1] / 320) < 2
assert emissions.isfinite().all()
weights = torch.load(sys.argv[3], weights_only=True, mmap=True)
assert torch.equal(model.state_dict()["aux.bias"], weights["aux.bias"][[0, *range(4, 32)]])
"""


@pytest.mark.timeout(600)
def test_the_full_size_recogniser_is_fetched_loaded_and_run(server, cache, tmp_path):
    """Random numbers under the right names and in the right shapes, 378 MB: the way that the real weights take."""
    weights = tmp_path / "weights.pth"
    subprocess.run([sys.executable, "-c", BUILD, str(weights)], check=True)
    size = weights.stat().st_size
    assert size == pytest.approx(MODELS["WAV2VEC2_ASR_BASE_960H"].size, rel=0.001)
    with weights.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        with weights.open("rb") as content:
            shutil.copyfileobj(content, handler.wfile)

    server.answer = answer
    environment = os.environ | {"COURSE_MIRROR": mirror(server)}
    command = [sys.executable, "-c", USE, str(size), sha256, str(weights)]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    shutil.rmtree(cache)
    weights.unlink()
    assert result.returncode == 0, result.stderr
    fetching, loaded = result.stdout.splitlines()
    assert fetching.startswith("WAV2VEC2_ASR_BASE_960H: fetching 378 MB")
    assert fetching.endswith("Licence: MIT.")
    assert loaded.startswith("WAV2VEC2_ASR_BASE_960H: the full-size model")
