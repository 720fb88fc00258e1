"""Mel spectrogram, MFCC and resampling: torchaudio beside librosa, with equal settings. How fast, and how equal?

Run by hand: OMP_NUM_THREADS=1 python benchmarks/features.py
"""

import librosa
import torch
from timing import medians
from torch import Tensor
from torchaudio.transforms import MFCC, MelSpectrogram, Resample

from course_utils.measures import snr_db
from course_utils.samples import load_sample

ROUNDS = 15
N_MFCC = 20
STFT = {"n_fft": 1024, "hop_length": 256, "pad_mode": "reflect"}
MEL = {"n_mels": 80, "norm": "slaney"}
KAISER = {
    "resampling_method": "sinc_interp_kaiser",
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "beta": 14.769656459379492,
}
"""The settings that torchaudio's documentation gives for librosa's kaiser_best."""


def closeness(ours: Tensor, theirs: Tensor) -> str:
    """The largest difference as a part of the largest value, and the ratio of value and difference in dB."""
    theirs = theirs[..., : ours.shape[-1]]
    ours = ours[..., : theirs.shape[-1]]
    largest = float((ours - theirs).abs().max() / theirs.abs().max())
    return f"largest difference {largest:.1e} of the largest value, {float(snr_db(theirs, theirs - ours)):.0f} dB below"


def compare(name: str, ours, theirs) -> None:
    times = medians({"torchaudio": ours, "librosa": theirs}, ROUNDS)
    print(
        f"{name:34} torchaudio {times['torchaudio']:6.2f} ms, librosa {times['librosa']:6.2f} ms, ratio "
        f"{times['librosa'] / times['torchaudio']:5.1f}; {closeness(ours(), torch.from_numpy(theirs()))}"
    )


def compare_features() -> None:
    speech, sample_rate = load_sample("speech_long")
    samples = speech.numpy()
    mel = MelSpectrogram(sample_rate, mel_scale="slaney", **STFT, **MEL)
    mfcc = MFCC(sample_rate, N_MFCC, melkwargs={**STFT, **MEL, "mel_scale": "slaney"})

    def librosa_mel():
        return librosa.feature.melspectrogram(y=samples, sr=sample_rate, **STFT, **MEL)

    print(f"{speech.shape[1] / sample_rate:.1f} s of speech at {sample_rate} Hz")
    compare("mel spectrogram", lambda: mel(speech), librosa_mel)
    compare(
        "MFCC",
        lambda: mfcc(speech),
        lambda: librosa.feature.mfcc(S=librosa.power_to_db(librosa_mel(), ref=1.0), n_mfcc=N_MFCC),
    )


def compare_resampling() -> None:
    drums, sample_rate = load_sample("drum_loop")
    samples = drums.numpy()
    print(f"\n{drums.shape[1] / sample_rate:.1f} s of drums, {drums.shape[0]} channels, {sample_rate} Hz to 16000 Hz")
    soxr = {"orig_sr": sample_rate, "target_sr": 16_000, "res_type": "soxr_hq"}
    for name, settings in (("as they come", {}), ("Kaiser window, 64 zero crossings", KAISER)):
        resample = Resample(sample_rate, 16_000, **settings)
        compare(name, lambda r=resample: r(drums), lambda: librosa.resample(samples, **soxr))


def main() -> None:
    with torch.no_grad():
        compare_features()
        compare_resampling()
    print(f"medians of {ROUNDS} alternating runs")


if __name__ == "__main__":
    main()
