"""The catalogue agrees with torchaudio's own code: same addresses, same places, sizes of the same tensors."""

import string
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
import torchaudio
from torchaudio.utils import download as torchaudio_download

from course_utils.pretrained.catalogue import MODELS, UnknownModelError, find_model, megabytes, size_text

BUNDLES = [model for model in MODELS.values() if hasattr(torchaudio.pipelines, model.name)]
LOADERS = ["get_model", "get_tacotron2", "get_vocoder"]


class Stop(Exception):
    """Far enough: the address and the architecture are known."""


def test_every_model_is_a_bundle_or_a_whisper():
    assert [model.name for model in MODELS.values() if model not in BUNDLES] == [
        "FASTER_WHISPER_TINY",
        "FASTER_WHISPER_BASE",
    ]


@pytest.mark.parametrize("model", BUNDLES, ids=lambda model: model.name)
def test_torchaudio_fetches_the_same_addresses_to_the_same_places(model, cache, monkeypatch):
    """And the sizes are those of the tensors that it wants, four bytes a number, with a little for their names."""
    wanted, tensors = {}, []

    def download(url, dst, *_, **__):
        wanted[Path(dst).relative_to(cache).as_posix()] = url
        torch.save({"aux.weight": torch.zeros(32, 1), "aux.bias": torch.zeros(32)}, dst)

    def load_state_dict(module, *_):
        tensors.append(sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values()))
        raise Stop

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    monkeypatch.setattr(torchaudio_download, "download_url_to_file", download)
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", load_state_dict)
    bundle = getattr(torchaudio.pipelines, model.name)
    for loader in filter(None, (getattr(bundle, name, None) for name in LOADERS)):
        with torch.device("meta"), pytest.raises(Stop):
            loader()
    assert wanted == {file.path: file.url for file in model.files}
    for file, needed in zip(model.files, tensors, strict=True):
        assert needed < file.size < 1.01 * needed


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_an_entry_says_what_a_learner_has_to_know(model):
    assert model.does
    assert model.licence
    for file in model.files:
        assert urlsplit(file.url).scheme == "https"
        assert ".." not in file.path
        assert not file.path.startswith("/")
        assert file.sha256 is None or (len(file.sha256) == 64 and set(file.sha256) <= set(string.hexdigits.lower()))
    assert len({file.path for other in MODELS.values() for file in other.files}) == sum(
        len(other.files) for other in MODELS.values()
    )


def test_a_size_that_is_not_known_exactly_says_so():
    assert size_text(MODELS["WAV2VEC2_ASR_BASE_960H"]) == "378 MB"
    assert size_text(MODELS["HUBERT_BASE"]) == "about 378 MB"
    assert megabytes(2_249) == "2 kB"


def test_a_name_may_be_written_small():
    assert find_model("mms_fa") is MODELS["MMS_FA"]


@pytest.mark.parametrize(
    ("name", "suggestion"), [("WAV2VEC2_ASR_BASE", "WAV2VEC2_ASR_BASE_960H"), ("whisper tiny", "FASTER_WHISPER_TINY")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, suggestion):
    with pytest.raises(UnknownModelError, match=suggestion):
        find_model(name)
