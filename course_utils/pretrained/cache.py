"""Where the weights lie: in torch.hub's folder, so that torchaudio's own code finds them and projects share them."""

from pathlib import Path

from course_utils.pretrained.catalogue import Model, ModelFile

_TOLERANCE = 0.05
"""How far a length may be from one that is only estimated."""


def cache_folder() -> Path:
    """The folder of all weights: `hub` in TORCH_HOME if that is set, else in ~/.cache/torch."""
    import torch.hub

    return Path(torch.hub.get_dir())


def file_path(file: ModelFile) -> Path:
    """Where a file of a model lies or will lie."""
    return cache_folder() / file.path


def fits(file: ModelFile, length: int) -> bool:
    """Whether a file of `length` bytes can be this one: exactly its size where that is known, else within 5 %."""
    return length == file.size if file.sha256 else abs(length - file.size) <= _TOLERANCE * file.size


def is_here(model: Model) -> bool:
    """Whether all files of a model lie in the cache, each with the right length."""
    return not missing_files(model)


def missing_files(model: Model) -> list[ModelFile]:
    """The files of a model that are not in the cache, or not with the right length."""
    paths = {file: file_path(file) for file in model.files}
    return [file for file, path in paths.items() if not (path.is_file() and fits(file, path.stat().st_size))]
