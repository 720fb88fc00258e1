"""A small speech recogniser that ships with the course, for machines without a network.

It has the interface of torchaudio's `Wav2Vec2Model` and the labels of `WAV2VEC2_ASR_BASE_960H`: waveforms at 16 kHz go
in, one column of label scores comes out for every 320 samples. Inside are two parts:

1. the encoder of OpenAI's Whisper "tiny.en": a log-mel spectrogram, two convolutions, four transformer layers;
2. a head trained for this course with CTC: a convolution, a recurrent layer that reads both ways, and 29 scores.

What it was trained on and how often it errs stands in data/models/README.md; training/ builds the weights again.
"""

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from torchaudio.functional import melscale_fbanks
from torchaudio.pipelines import WAV2VEC2_ASR_BASE_960H

from course_utils.checks import check_batch
from course_utils.errors import WaveformError
from course_utils.paths import DATA

SAMPLE_RATE = 16_000
LABELS = WAV2VEC2_ASR_BASE_960H.get_labels()
"""Blank "-", word boundary "|", the letters by frequency, and the apostrophe."""
FRAME = 320
"""Samples for each column of scores: 20 ms."""
WEIGHTS = DATA / "models" / "standin.safetensors"

N_FFT, HOP, N_MELS = 400, 160, 80
WIDTH, HEADS, LAYERS = 384, 6, 4
HEAD_WIDTH = 256
LONGEST = 1500
"""Frames that the encoder has positions for: 30 seconds."""
OVERLAP = 100
"""Frames that two neighbouring pieces of a longer waveform share: 2 seconds, cut in the middle."""


def load_standin() -> "StandIn":
    """The recogniser with its weights, on the CPU, ready to use.

    Returns:
        A module in evaluation mode, float32.

    Raises:
        FileNotFoundError: the weights are not in data/models.
    """
    model = StandIn()
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()


class StandIn(nn.Module):
    """Whisper's encoder and a CTC head, called as torchaudio's `Wav2Vec2Model` is. Build it with `load_standin`."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = Head()

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Score every label for every 20 ms.

        Args:
            waveforms: [batch, samples], float32, 16 kHz, any level; at least 320 samples.
            lengths: [batch], int: how many samples of each item count; None if all do.

        Returns:
            [batch, frames, 29]: natural logarithms of probabilities, zero after an item's end; and [batch], the number
            of valid frames of each item, None without lengths. There is a frame for every 320 samples, rounded up or
            down: to get seconds, multiply by samples / frames / 16000.

        Raises:
            WaveformError: not [batch, samples], too short, or lengths that do not fit.
        """
        items, lengths = _items(waveforms, lengths)
        return _batch([_by_pieces(lambda piece: [self.scores(piece)], item)[0] for item in items], lengths)

    def extract_features(
        self, waveforms: Tensor, lengths: Tensor | None = None, num_layers: int | None = None
    ) -> tuple[list[Tensor], Tensor | None]:
        """What each transformer layer makes of the waveforms.

        Args:
            waveforms: [batch, samples], float32, 16 kHz, any level; at least 320 samples.
            lengths: [batch], int: how many samples of each item count; None if all do.
            num_layers: how many of the four layers, from the first; None for all.

        Returns:
            For each layer [batch, frames, 384], zero after an item's end; and [batch], the number of valid frames of
            each item, None without lengths.

        Raises:
            WaveformError: not [batch, samples], too short, or lengths or layers that do not fit.
        """
        count = LAYERS if num_layers is None else num_layers
        if not 0 < count <= LAYERS:
            raise WaveformError(f"{num_layers} layers were asked for.", f"Choose from 1 to {LAYERS} layers.")
        items, lengths = _items(waveforms, lengths)
        of_items = [_by_pieces(lambda piece: self.encoder(log_mel(piece))[:count], item) for item in items]
        layers = [_batch(list(layer), lengths) for layer in zip(*of_items, strict=True)]
        return [layer for layer, _ in layers], layers[0][1]

    def scores(self, waveforms: Tensor) -> Tensor:
        """[batch, samples], 30 s at most -> [batch, frames, 29], logarithms of probabilities."""
        return self.head(self.encoder.normed(self.encoder(log_mel(waveforms))[-1])).log_softmax(-1)


def log_mel(waveforms: Tensor) -> Tensor:
    """The spectrogram that Whisper reads: 80 mel bands every 10 ms, in powers of ten, scaled to about [-1, 1].

    Args:
        waveforms: [batch, samples], float32, 16 kHz.

    Returns:
        [batch, 80, samples // 160]: within 8 powers of ten of the loudest value of each item; (x + 4) / 4.

    Source: Radford et al. (2022), Robust Speech Recognition via Large-Scale Weak Supervision.
    """
    window = torch.hann_window(N_FFT, device=waveforms.device)
    spectrum = torch.stft(waveforms, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)[..., :-1]
    bank = melscale_fbanks(N_FFT // 2 + 1, 0, SAMPLE_RATE / 2, N_MELS, SAMPLE_RATE, norm="slaney", mel_scale="slaney")
    mel = bank.T.to(waveforms.device) @ spectrum.abs().square()
    powers = mel.clamp(min=1e-10).log10()
    return (powers.maximum(powers.amax(dim=(-2, -1), keepdim=True) - 8) + 4) / 4


class Encoder(nn.Module):
    """Whisper's encoder, fed with as many frames as there are instead of 30 s of padding."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(N_MELS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.normed = nn.LayerNorm(WIDTH)
        self.register_buffer("positions", _positions(), persistent=False)

    def forward(self, mel: Tensor) -> list[Tensor]:
        """[batch, 80, 2 * frames] -> [batch, frames, 384] after each layer."""
        x = gelu(self.conv2(gelu(self.conv1(mel)))).mT
        x = x + self.positions[: x.shape[1]]
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return outputs


class Layer(nn.Module):
    """A transformer layer: every frame looks at all frames, then each is worked on alone."""

    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attention_out = nn.Linear(WIDTH, WIDTH)
        self.work_norm = nn.LayerNorm(WIDTH)
        self.work_in = nn.Linear(WIDTH, 4 * WIDTH)
        self.work_out = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.query_key_value(self.attention_norm(x)).unflatten(-1, (3, HEADS, WIDTH // HEADS))
        looked_up = scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4))
        x = x + self.attention_out(looked_up.transpose(1, 2).flatten(-2))
        return x + self.work_out(gelu(self.work_in(self.work_norm(x))))


class Head(nn.Module):
    """From the encoder's frames to scores of the labels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(WIDTH, HEAD_WIDTH, 5, padding=2)
        self.both_ways = nn.GRU(HEAD_WIDTH, HEAD_WIDTH // 2, batch_first=True, bidirectional=True)
        self.label = nn.Linear(HEAD_WIDTH, len(LABELS))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, frames, 384] -> [batch, frames, 29]."""
        x = gelu(self.conv(x.mT)).mT
        return self.label(x + self.both_ways(x)[0])


def _positions() -> Tensor:
    """[1500, 384]: sines, then cosines, of wavelengths from 2 pi to 20000 pi frames."""
    scale = torch.exp(-torch.log(torch.tensor(10_000.0)) * torch.arange(WIDTH // 2) / (WIDTH // 2 - 1))
    angles = torch.arange(LONGEST).unsqueeze(1) * scale
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _items(waveforms: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
    """Each item as [1, samples] without its padding, or all of them as one if none has any; and frames for each."""
    check_batch(waveforms, "waveforms")
    if waveforms.ndim != 2:
        raise WaveformError(
            f"The waveforms have shape {list(waveforms.shape)}; [batch, samples] is expected.",
            "Add the batch axis with waveform.unsqueeze(0), or take one channel with waveform[:, 0].",
        )
    shortest = waveforms.shape[-1]
    if lengths is not None:
        if lengths.shape != waveforms.shape[:1] or int(lengths.max()) > shortest:
            raise WaveformError(
                f"Lengths {list(lengths.shape)} do not fit waveforms {list(waveforms.shape)}.",
                "Pass one number of samples for each item, at most as many as it has.",
            )
        shortest = int(lengths.min())
    if shortest < FRAME:
        raise WaveformError(
            f"The waveform has {shortest} samples; one frame takes {FRAME}.", "Pass at least 20 ms at 16 kHz."
        )
    if lengths is None:
        return [waveforms], None
    return [item[:length].unsqueeze(0) for item, length in zip(waveforms, lengths.tolist(), strict=True)], lengths


def _by_pieces(compute, waveforms: Tensor) -> list[Tensor]:
    """Apply `compute`, [batch, samples] -> list of [batch, frames, ...], to overlapping pieces of 30 s; join them."""
    step = (LONGEST - OVERLAP) * FRAME
    starts = range(0, max(waveforms.shape[-1] - OVERLAP * FRAME, 1), step)
    pieces = [compute(waveforms[:, start : start + LONGEST * FRAME]) for start in starts]
    joined = []
    for parts in zip(*pieces, strict=True):
        first, last = OVERLAP // 2, len(parts) - 1
        kept = [part[:, (first if i else 0) : (LONGEST - first if i < last else None)] for i, part in enumerate(parts)]
        joined.append(torch.cat(kept, dim=1))
    return joined


def _batch(items: list[Tensor], lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Items [1 or batch, frames, ...], filled up with zeros to one tensor; and the frames of each."""
    if lengths is None:
        return items[0], None
    frames = torch.tensor([item.shape[1] for item in items], device=lengths.device)
    return pad_sequence([item.squeeze(0) for item in items], batch_first=True), frames
