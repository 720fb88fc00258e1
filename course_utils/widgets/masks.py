"""The mask explorer: SpecAugment's masks on a mel spectrogram, seen and heard."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchaudio.functional import inverse_spectrogram, mask_along_axis, melscale_fbanks, spectrogram

from course_utils.plots import MEL_SCALES, loudest_per_pixel, to_db
from course_utils.widgets.captions import listed
from course_utils.widgets.explorer import Choice, Explorer, Slider
from course_utils.widgets.images import new_image, show_mel_levels
from course_utils.widgets.recordings import Recording, check_longer_than_half_a_window, open_recordings

HOP_SECONDS = 0.016
"""From frame to frame; a window is four times as long: 1024 and 256 samples at 16 kHz."""

N_MELS = 80

FLOOR_DB = -80.0

FILLS = ["0 dB", "mean", "floor"]


class Masks(NamedTuple):
    """The masks of one draw."""

    bands: list[range]
    """What each frequency mask covers."""
    frames: list[range]
    """What each time mask covers."""

    def kept(self, n_bands: int, n_frames: int) -> Tensor:
        """Which points no mask covers: bool, [n_bands, n_frames]."""
        kept = torch.ones(n_bands, n_frames, dtype=torch.bool)
        for mask in self.bands:
            kept[mask.start : mask.stop] = False
        for mask in self.frames:
            kept[:, mask.start : mask.stop] = False
        return kept


def mask_explorer(recordings: str | Sequence[str] | Mapping[str, Recording] | None = None) -> Explorer:
    """Cover a mel spectrogram in dB with the masks of SpecAugment, and hear what they leave.

    The masks are those of `torchaudio.transforms.SpecAugment(n_masks, time_mask_param, n_masks, freq_mask_param,
    iid_masks=False)` after `torch.manual_seed(seed)`, on 80 mel bands in dB relative to the loudest point, where 0 dB
    is the brightest colour. SpecAugment fills with the mean; with zero_masking=True, as TimeMasking and
    FrequencyMasking always do, with 0. For the sound, the masked bands and frames are taken out of the STFT, whatever
    they are filled with. Several channels are averaged. Of a long recording, the first 5 seconds are used.

    Args:
        recordings: a name from `sample_names()` or several; or your own, {name: (waveform, sample_rate)},
            [channels, samples], float in [-1, 1], and Hz; all that the course has if None. The first comes first.

    Returns:
        The widget. As the last line of a cell it shows itself; `explorer.set(fill="mean")` moves a control.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, one of your own is no waveform with its rate, or the first is shorter than half a
            window, 32 ms.

    Taught in 05_augmenting_spectrograms. Source: Park et al., SpecAugment, Interspeech 2019.
    """
    names, beginning = open_recordings(recordings)

    @lru_cache(maxsize=2)
    def analyse(recording: str) -> tuple[Tensor, Tensor]:
        waveform, rate, _ = beginning(recording)
        return mel_levels(waveform.mean(dim=0), rate)

    def draw(
        figure: Figure,
        recording: str,
        time_mask_param: int,
        freq_mask_param: int,
        n_masks: int,
        fill: str,
        seed: int,
    ) -> str:
        waveform, rate, note = beginning(recording)
        levels = analyse(recording)[1]
        masks = draw_masks(*levels.shape, time_mask_param, freq_mask_param, n_masks, seed)
        kept = masks.kept(*levels.shape)
        value = {"0 dB": 0.0, "mean": float(levels.mean()), "floor": FLOOR_DB}[fill]
        image = figure.axes[0].images[0] if figure.axes else new_image(figure)
        columns, (_, block) = loudest_per_pixel(levels.where(kept, value), N_MELS, image.axes.bbox.width)
        hop = hop_length(rate) / rate
        extent = (-hop / 2, (columns.shape[1] * block - 0.5) * hop, 0, rate / 2)
        show_mel_levels(image, columns, extent, FLOOR_DB, seconds=waveform.shape[1] / rate)
        return _caption(masks, kept, fill, value, hop) + note

    def sound(recording: str, time_mask_param: int, freq_mask_param: int, n_masks: int, seed: int):
        waveform, rate, _ = beginning(recording)
        stft, levels = analyse(recording)
        masks = draw_masks(*levels.shape, time_mask_param, freq_mask_param, n_masks, seed)
        return what_is_left(stft, masks.kept(*levels.shape), rate, waveform.shape[1]), rate

    return Explorer(
        draw,
        [
            Choice("recording", "Recording", names),
            Slider(
                "time_mask_param",
                "Time masks below (time_mask_param)",
                [0, 5, 10, 20, 30, 50, 80, 100],
                30,
                "frames",
            ),
            Slider(
                "freq_mask_param",
                "Frequency masks below (freq_mask_param)",
                [0, 5, 10, 15, 20, 27, 40],
                15,
                "bands",
            ),
            Slider("n_masks", "Masks of each kind", range(1, 5), 1),
            Choice("fill", "Filled with", FILLS),
            Slider("seed", "Another draw (seed)", range(1, 21), 1),
        ],
        label="Mask explorer",
        sound=sound,
    )


def hop_length(sample_rate: int) -> int:
    """Samples from frame to frame, 16 ms, as a whole number."""
    return round(HOP_SECONDS * sample_rate)


def mel_levels(mono: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Compute the STFT of a waveform and its mel spectrogram.

    Args:
        mono: [samples], float.
        sample_rate: Hz.

    Returns:
        The STFT, complex [bins, frames], and dB relative to the loudest point [N_MELS, frames].

    Raises:
        WaveformError: the waveform is shorter than half a window.
    """
    hop = hop_length(sample_rate)
    n_fft = 4 * hop
    check_longer_than_half_a_window(len(mono), n_fft, "Choose a longer recording.")
    stft = spectrogram(mono, 0, torch.hann_window(n_fft), n_fft, hop, n_fft, power=None, normalized=False)
    filters = melscale_fbanks(len(stft), 0, sample_rate / 2, N_MELS, sample_rate)
    return stft, to_db(filters.T @ stft.abs() ** 2, floor_db=FLOOR_DB)


def draw_masks(
    n_bands: int, n_frames: int, time_mask_param: int, freq_mask_param: int, n_masks: int, seed: int
) -> Masks:
    """Draw masks as `torchaudio.transforms.SpecAugment` does after `torch.manual_seed(seed)`.

    The learner's own random numbers go on as if nothing had been drawn.

    Args:
        n_bands: of the spectrogram.
        n_frames: of the spectrogram.
        time_mask_param: frames; each time mask is shorter than that.
        freq_mask_param: bands; each frequency mask is narrower than that.
        n_masks: how many of each kind.
        seed: of the random numbers.

    Returns:
        The masks, possibly empty or overlapping.
    """

    def one(size: int, param: int) -> range:
        places = torch.nonzero(mask_along_axis(torch.ones(1, size), param, 0.0, axis=1)[0] == 0)
        return range(int(places[0]), int(places[-1]) + 1) if len(places) else range(0)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        frames = [one(n_frames, time_mask_param) for _ in range(n_masks)]
        bands = [one(n_bands, freq_mask_param) for _ in range(n_masks)]
    return Masks(bands, frames)


def what_is_left(stft: Tensor, kept: Tensor, sample_rate: int, samples: int) -> Tensor:
    """Make the sound of an STFT without the points that masks on its mel spectrogram cover.

    Args:
        stft: complex, [bins, frames].
        kept: bool, [bands, frames]: False where masked.
        sample_rate: Hz.
        samples: length of the sound.

    Returns:
        [1, samples], float.
    """
    bands = len(kept)
    hop = hop_length(sample_rate)
    # A bin belongs to the band whose filter weighs it most.
    mel = MEL_SCALES["htk"][0](torch.linspace(0, sample_rate / 2, len(stft)).numpy())
    band_of_bin = torch.from_numpy(mel / mel[-1] * (bands + 1) - 0.5).long().clamp(0, bands - 1)
    left = stft * kept[band_of_bin]
    return inverse_spectrogram(left, samples, 0, torch.hann_window(4 * hop), 4 * hop, hop, 4 * hop, False)[None]


def _caption(masks: Masks, kept: Tensor, fill: str, value: float, hop: float) -> str:
    several = "" if len(masks.frames) == 1 else "s"
    frames, bands = [len(mask) for mask in masks.frames], [len(mask) for mask in masks.bands]
    share = 100 * (1 - float(kept.float().mean()))
    words = {
        "0 dB": "with 0 dB, the loudest there is",
        "mean": f"with the mean, {value:.0f} dB".replace("-", "\N{MINUS SIGN}"),
        "floor": f"with the floor, {value:.0f} dB".replace("-", "\N{MINUS SIGN}"),
    }
    return (
        f"Time mask{several}: {listed(frames)} frames ({listed(round(1000 * count * hop) for count in frames)} ms). "
        f"Frequency mask{several}: {listed(bands)} bands. "
        f"{share:.0f} % of the picture is masked, filled {words[fill]}."
    )
