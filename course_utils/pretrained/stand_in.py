"""The small recogniser that comes with the course, as bundles of torchaudio's own kinds."""

import torch
from torch import Tensor, nn
from torchaudio.pipelines import MMS_FA, WAV2VEC2_ASR_BASE_960H, Wav2Vec2ASRBundle, Wav2Vec2FABundle

STAR = 0.0
"""The star token's score, as in torchaudio: the logarithm of 1, so that it fits every frame."""


class _RecognitionStandIn(Wav2Vec2ASRBundle):
    def get_model(self, *, dl_kwargs: dict | None = None) -> nn.Module:
        return _load()


class _AlignmentStandIn(Wav2Vec2FABundle):
    def get_model(self, with_star: bool = True, *, dl_kwargs: dict | None = None) -> nn.Module:
        return _ForAlignment(_load(), with_star).eval()


class _ForAlignment(nn.Module):
    """Scores of the labels that alignment takes: blank between words, as in MMS_FA, and the star last if wanted."""

    def __init__(self, recogniser: nn.Module, with_star: bool):
        super().__init__()
        self.recogniser = recogniser
        self.with_star = with_star

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """[batch, samples] at 16 kHz -> [batch, frames, labels], logarithms of probabilities; and valid frames."""
        scores, lengths = self.recogniser(waveforms, lengths)
        blank, boundary, letters = scores[..., :1], scores[..., 1:2], scores[..., 2:]
        parts = [torch.logaddexp(blank, boundary), letters]
        if self.with_star:
            parts.append(torch.full_like(blank, STAR))
        return torch.cat(parts, dim=-1), lengths


def _load() -> nn.Module:
    from course_utils.standin import load_standin

    return load_standin()


def _like(kind: type, example: Wav2Vec2ASRBundle, labels: tuple[str, ...]) -> Wav2Vec2ASRBundle:
    return kind(
        _path="",
        _params={},
        _sample_rate=example.sample_rate,
        _normalize_waveform=False,
        _model_type="stand-in",
        _labels=labels,
    )


_LABELS = WAV2VEC2_ASR_BASE_960H.get_labels()[1:]
_RECOGNITION = _like(_RecognitionStandIn, WAV2VEC2_ASR_BASE_960H, _LABELS)
_ALIGNMENT = _like(_AlignmentStandIn, MMS_FA, tuple(label.lower() for label in _LABELS if label != "|"))

STAND_INS = {"WAV2VEC2_ASR_BASE_960H": _RECOGNITION, "HUBERT_BASE": _RECOGNITION, "MMS_FA": _ALIGNMENT}
"""By the name of the model for which each stands in."""
