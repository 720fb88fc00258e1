"""Greedy CTC decoding: vectorised beside the guide's loop, a batch beside one at a time, and the beam.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/ctc_decode.py
"""

import torch
from timing import medians
from torch import Tensor
from torchaudio.models.decoder import ctc_decoder

from course_utils.ctc import get_emission, greedy_decode
from course_utils.samples import load_sample
from course_utils.standin import LABELS, load_standin

ROUNDS = 15
BATCH = 16


def loop_decode(emissions: Tensor, labels: tuple[str, ...]) -> str:
    """The loop of the guide."""
    tokens, previous = [], -1
    for index in torch.argmax(emissions, dim=-1)[0]:
        if index != previous and index != 0:
            tokens.append(labels[index])
        previous = index
    return "".join(tokens).replace("|", " ").strip()


def decode_a_minute(emission: Tensor) -> None:
    minute = emission.repeat(3000 // len(emission) + 1, 1)[None, :3000]
    assert [loop_decode(minute, LABELS)] == greedy_decode(minute, LABELS)
    beam = ctc_decoder(lexicon=None, tokens=list(LABELS), beam_size=50)
    times = medians(
        {
            "the guide's loop": lambda: loop_decode(minute, LABELS),
            "greedy_decode": lambda: greedy_decode(minute, LABELS),
        },
        ROUNDS,
    )
    times |= medians({"beam of 50 without a lexicon": lambda: beam(minute)}, ROUNDS)
    print("a minute of speech, 3000 frames")
    for name, milliseconds in times.items():
        print(f"  {name:30} {milliseconds:8.2f} ms, {milliseconds / times['greedy_decode']:6.1f} x greedy_decode")


def decode_a_batch(emission: Tensor) -> None:
    batch = emission.expand(BATCH, -1, -1).contiguous()
    times = medians(
        {
            "one at a time": lambda: [greedy_decode(item[None], LABELS) for item in batch],
            "as a batch": lambda: greedy_decode(batch, LABELS),
        },
        ROUNDS,
    )
    print(f"decoding {BATCH} clips of {len(emission) / 50:.0f} s")
    for name, milliseconds in times.items():
        print(f"  {name:30} {milliseconds:8.2f} ms")


def listen_to_a_batch(speech: Tensor, seconds: float) -> None:
    model = load_standin()
    batch = speech.expand(BATCH, -1)

    @torch.inference_mode()
    def one_at_a_time() -> None:
        for item in batch:
            model(item[None])

    @torch.inference_mode()
    def at_once() -> None:
        model(batch)

    times = medians({"one at a time": one_at_a_time, "as a batch": at_once}, 5)
    print(f"the stand-in listens to {BATCH} clips of {seconds:.0f} s")
    for name, milliseconds in times.items():
        faster = 1000 * BATCH * seconds / milliseconds
        print(f"  {name:30} {milliseconds:8.0f} ms, {faster:.0f} times faster than real time")


def main() -> None:
    speech, sample_rate = load_sample("speech_3")
    emission = get_emission(load_standin(), speech, sample_rate)
    decode_a_minute(emission)
    decode_a_batch(emission)
    listen_to_a_batch(speech, speech.shape[1] / sample_rate)
    print(f"medians of {ROUNDS} alternating runs, 5 for the stand-in, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
