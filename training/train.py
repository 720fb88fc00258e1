"""Train the stand-in's head on Whisper's untouched encoder: `python train.py OUT FOLDER SOURCES EPOCHS`.

OUT is a folder: standin.safetensors, log.txt. FOLDER holds the clips of the SOURCES, parted by commas.
"""

import random
import sys
import time
from pathlib import Path

import torch
from clips import Augment, Clip, batches, listed, stacked
from measure import report
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from whisper import encoder

from course_utils.standin import StandIn, log_mel

SEED = 0
BATCH_SECONDS = 80
LEARNING_RATE = 2e-3


def loss_of(scores: Tensor, frames: Tensor, clips: list[Clip]) -> Tensor:
    """CTC loss for each letter, of [batch, frames, 29] log probabilities."""
    codes = [clip.codes() for clip in clips]
    lengths = torch.tensor([len(code) for code in codes])
    losses = ctc_loss(scores.transpose(0, 1), torch.cat(codes), frames, lengths, reduction="none", zero_infinity=True)
    return losses.sum() / lengths.sum()


def save(model: StandIn, out: Path) -> None:
    """The weights as they ship: float16."""
    weights = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, out / "standin.safetensors")


def say(out: Path, line: str) -> None:
    line = f"{time.strftime('%H:%M:%S')} {line}"
    print(line, flush=True)
    with (out / "log.txt").open("a") as log:
        log.write(line + "\n")


def train(out: Path, folder: Path, sources: list[str], epochs: int) -> None:
    """Many times over each clip: what the encoder makes of the augmented clips is computed once."""
    generator = random.Random(SEED)
    torch.manual_seed(SEED)
    model = StandIn()
    model.encoder.load_state_dict(encoder().state_dict())
    augment = Augment(generator)
    clips = [clip for clip in listed(folder, sources) if not clip.held_out()]
    say(out, f"{len(clips)} clips, {sum(clip.seconds for clip in clips) / 3600:.2f} hours")
    cached = []
    with torch.no_grad():
        for batch in batches(clips, BATCH_SECONDS, generator):
            waveforms, frames = stacked([augment(clip.samples()) for clip in batch])
            features = model.encoder.normed(model.encoder(log_mel(waveforms))[-1])
            cached.append((features.half(), frames, batch))
    say(out, "features computed")
    optimizer = torch.optim.AdamW(model.head.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, epochs * len(cached), pct_start=0.1)
    for epoch in range(epochs):
        generator.shuffle(cached)
        total = 0.0
        for features, frames, batch in cached:
            loss = loss_of(model.head(features.float()).log_softmax(-1), frames, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.head.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        save(model, out)
        say(out, f"epoch {epoch + 1}: loss {total / len(cached):.3f}")
    say(out, report(model, folder))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    train(target, Path(sys.argv[2]), sys.argv[3].split(","), int(sys.argv[4]))
