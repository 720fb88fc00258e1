"""Train the stand-in: first the head on the untouched encoder, then the encoder's upper layers with it.

    python train.py head OUT FOLDER SOURCES EPOCHS
    python train.py tune OUT FOLDER SOURCES STEPS FIRST_LAYER

OUT is a folder: state.pt to go on from, standin.safetensors to use, log.txt. FOLDER holds the clips of the SOURCES,
parted by commas. Started again with the same OUT, `tune` goes on where it stopped.
"""

import random
import sys
import time
from itertools import count
from pathlib import Path

import torch
from clips import Augment, Clip, batches, in_rows, listed, stacked
from measure import report
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from whisper import encoder

from course_utils.augment import mask_spectrogram
from course_utils.standin import StandIn, log_mel

SEED = 0
BATCH_SECONDS = 80
HEAD_RATE, ENCODER_RATE = 2e-3, 1e-4
SAVE_EVERY = 100


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


def train_head(out: Path, folder: Path, sources: list[str], epochs: int) -> None:
    """The head alone, many times over each clip: what the encoder makes of the augmented clips is computed once."""
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
    optimizer = torch.optim.AdamW(model.head.parameters(), HEAD_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HEAD_RATE, epochs * len(cached), pct_start=0.1)
    for epoch in range(epochs):
        generator.shuffle(cached)
        total = 0.0
        for features, frames, batch in cached:
            loss = loss_of(model.head(features.float()).log_softmax(-1), frames, batch)
            total += step(loss, optimizer, schedule, model)
        save(model, out)
        torch.save({"model": model.state_dict()}, out / "state.pt")
        say(out, f"head epoch {epoch + 1}: loss {total / len(cached):.3f}")
    say(out, report(model, folder))


def step(loss: Tensor, optimizer: torch.optim.Optimizer, schedule, model: nn.Module) -> float:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    return float(loss.detach())


def tune(out: Path, folder: Path, sources: list[str], steps: int, first_layer: int) -> None:
    """The head and the encoder's layers from `first_layer` on (0 to 3), with new augmentation at every use."""
    torch.manual_seed(SEED)
    state = torch.load(out / "state.pt", weights_only=True)
    model = StandIn()
    model.load_state_dict(state["model"])
    model.encoder.requires_grad_(False)
    upper = nn.ModuleList([*model.encoder.layers[first_layer:], model.encoder.normed]).requires_grad_(True)
    groups = [{"params": list(model.head.parameters())}, {"params": list(upper.parameters())}]
    rates = [HEAD_RATE / 4, ENCODER_RATE]
    optimizer = torch.optim.AdamW(groups, lr=ENCODER_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, steps, pct_start=0.1)
    done = 0
    if "optimizer" in state:
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
    generator = random.Random(SEED + done)
    augment = Augment(generator)
    total = 0.0
    for batch in forever(folder, sources, generator):
        if done == steps:
            break
        waveforms, frames = stacked([augment(clip.samples()) for clip in batch])
        mel = log_mel(waveforms).unsqueeze(1)
        mel = mask_spectrogram(mel, time_mask_param=30, freq_mask_param=16, n_time_masks=2, n_freq_masks=2).squeeze(1)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.encoder.normed(model.encoder(mel)[-1])
        scores = model.head(hidden.float()).log_softmax(-1)
        total += step(loss_of(scores, frames, batch), optimizer, schedule, model)
        done += 1
        if done % SAVE_EVERY == 0 or done == steps:
            save(model, out)
            kept = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
            torch.save(kept | {"done": done}, out / "state.pt")
            say(out, f"step {done}: loss {total / SAVE_EVERY:.3f}, {report(model, folder)}")
            model.train()
            total = 0.0


def forever(folder: Path, sources: list[str], generator: random.Random):
    """Batch after batch; clips that were made meanwhile come in with the next round."""
    for _ in count():
        clips = [clip for clip in listed(folder, sources) if not clip.held_out()]
        yield from batches(in_rows(clips, generator), BATCH_SECONDS, generator)


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "head":
        train_head(target, Path(sys.argv[3]), sys.argv[4].split(","), int(sys.argv[5]))
    else:
        tune(target, Path(sys.argv[3]), sys.argv[4].split(","), int(sys.argv[5]), int(sys.argv[6]))
