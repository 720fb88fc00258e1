"""The models that the course can fetch: where each file comes from, where it lies, its size, hash and licence.

torchaudio publishes no hashes, neither in its file names nor elsewhere. Those here were published by projects that
fetched the same files: two or more that agree on each, for SQUIM perhaps only one. A file without a hash is checked by
its length alone.
"""

import difflib
from dataclasses import dataclass

from course_utils.errors import CourseError

_TORCHAUDIO = "https://download.pytorch.org/torchaudio/models"
_MMS = "https://dl.fbaipublicfiles.com/mms/torchaudio/ctc_alignment_mling_uroman"
_SYSTRAN = "https://huggingface.co/Systran"


class UnknownModelError(CourseError):
    """The course knows no model of this name."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Where it lies in the cache, with forward slashes: where torchaudio's own code looks for it."""
    url: str
    size: int
    """Bytes: exact where the hash is known, otherwise what the architecture's numbers need, right within 1 %."""
    sha256: str | None = None


@dataclass(frozen=True)
class Model:
    """One model: the name of a torchaudio bundle, or of a Whisper for faster-whisper."""

    name: str
    does: str
    licence: str
    """An SPDX expression where the publisher names a licence, otherwise what is known."""
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _whisper(size: str, revision: str, config: tuple[int, str], weights: tuple[int, str]) -> Model:
    files = {
        "config.json": config,
        "model.bin": weights,
        "tokenizer.json": (2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        "vocabulary.txt": (459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    }
    folder = f"faster-whisper-{size}"
    return Model(
        name=f"FASTER_WHISPER_{size.upper()}",
        does=f"Whisper {size}, multilingual, for faster-whisper",
        licence="MIT",
        files=tuple(
            ModelFile(f"{folder}/{name}", f"{_SYSTRAN}/{folder}/resolve/{revision}/{name}", length, sha256)
            for name, (length, sha256) in files.items()
        ),
    )


_ALL = (
    Model(
        name="WAV2VEC2_ASR_BASE_960H",
        does="recognises English speech",
        licence="MIT",
        files=(
            ModelFile(
                "checkpoints/wav2vec2_fairseq_base_ls960_asr_ls960.pth",
                f"{_TORCHAUDIO}/wav2vec2_fairseq_base_ls960_asr_ls960.pth",
                377_664_473,
                "488fd4f16de84438ffc945334278c1b9fb9b7159a806c1080b16111a958c945d",
            ),
        ),
    ),
    Model(
        name="HUBERT_BASE",
        does="turns speech into features",
        licence="MIT",
        files=(
            ModelFile(
                "checkpoints/hubert_fairseq_base_ls960.pth",
                f"{_TORCHAUDIO}/hubert_fairseq_base_ls960.pth",
                377_570_000,
            ),
        ),
    ),
    Model(
        name="MMS_FA",
        does="aligns words to speech in over 1100 languages",
        licence="CC-BY-NC-4.0",
        files=(
            ModelFile(
                "checkpoints/model.pt",
                f"{_MMS}/model.pt",
                1_262_047_414,
                "20ef12963ab4924bef49ac4fc7f58ad5da2ee43b2c11bc8c853c9b90ecdbc680",
            ),
        ),
    ),
    Model(
        name="TACOTRON2_WAVERNN_CHAR_LJSPEECH",
        does="speaks English text",
        licence="not stated; the recordings are in the public domain",
        files=(
            ModelFile(
                "checkpoints/tacotron2_english_characters_1500_epochs_wavernn_ljspeech.pth",
                f"{_TORCHAUDIO}/tacotron2_english_characters_1500_epochs_wavernn_ljspeech.pth",
                112_620_000,
            ),
            ModelFile(
                "checkpoints/wavernn_10k_epochs_8bits_ljspeech.pth",
                f"{_TORCHAUDIO}/wavernn_10k_epochs_8bits_ljspeech.pth",
                17_510_000,
            ),
        ),
    ),
    Model(
        name="HDEMUCS_HIGH_MUSDB_PLUS",
        does="separates music into drums, bass, vocals and the rest",
        licence="not stated; the authors offer their weights for scientific purposes only",
        files=(
            ModelFile(
                "torchaudio/models/hdemucs_high_trained.pt",
                f"{_TORCHAUDIO}/hdemucs_high_trained.pt",
                334_697_255,
                "a004b2790d73ffeaa535db458a1a79b539dfdbafbccc31f275d07e632ebd7816",
            ),
        ),
    ),
    Model(
        name="CONVTASNET_BASE_LIBRI2MIX",
        does="separates two people who speak at once, at 8000 Hz",
        licence="not stated; trained on LibriSpeech, which is CC-BY-4.0",
        files=(
            ModelFile(
                "torchaudio/models/conv_tasnet_base_libri2mix.pt",
                f"{_TORCHAUDIO}/conv_tasnet_base_libri2mix.pt",
                20_049_107,
            ),
        ),
    ),
    Model(
        name="SQUIM_OBJECTIVE",
        does="estimates the quality of speech",
        licence="CC-BY-4.0",
        files=(
            ModelFile(
                "torchaudio/models/squim_objective_dns2020.pth",
                f"{_TORCHAUDIO}/squim_objective_dns2020.pth",
                29_584_237,
                "2c54586fea83fb5eb5394d710038ee89f55cab7011a5bf730bebed4c8777e828",
            ),
        ),
    ),
    _whisper(
        "tiny",
        revision="d90ca5fe260221311c53c58e660288d3deb8d356",
        config=(2_249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
        weights=(75_538_270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
    ),
    _whisper(
        "base",
        revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        config=(2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        weights=(145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
    ),
)

MODELS = {model.name: model for model in _ALL}


def find_model(name: str) -> Model:
    """The catalogue's entry of a model.

    Args:
        name: such as "WAV2VEC2_ASR_BASE_960H"; upper or lower case.

    Returns:
        Its entry.

    Raises:
        UnknownModelError: there is no such model; similar names are suggested.
    """
    model = MODELS.get(str(name).upper())
    if model is None:
        close = difflib.get_close_matches(str(name).upper(), MODELS, n=2, cutoff=0.4)
        raise UnknownModelError(
            f"The course knows no model named {name!r}.",
            f"Did you mean {' or '.join(close)}? " * bool(close) + "`course download --list` shows all.",
        )
    return model


def megabytes(count: int) -> str:
    """Bytes as people read them: 377_664_473 is "378 MB"."""
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def size_text(model: Model) -> str:
    """The size of a model, with "about" where the exact one is not known."""
    known = all(file.sha256 for file in model.files)
    return megabytes(model.size) if known else f"about {megabytes(model.size)}"
