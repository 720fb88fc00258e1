"""The recordings that an explorer offers: the course's own, made ones, or those of the learner."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import WaveformError
from course_utils.samples import load_sample, sample_info, sample_names

Recording = tuple[Tensor, int]
"""A waveform [channels, samples] and its sample rate in Hz."""

MAX_SECONDS = 5.0
"""What is shown and heard of a recording: at 44.1 kHz, the slowest picture then takes a third of a second."""


class Excerpt(NamedTuple):
    """The beginning of a recording."""

    waveform: Tensor
    """[channels, samples], float."""
    sample_rate: int
    note: str
    """What the caption has to add, with a space before it; empty if this is the whole recording."""


def open_recordings(
    recordings: str | Sequence[str] | Mapping[str, Recording] | None,
    made: Mapping[str, Callable[[], Recording]] | None = None,
) -> tuple[list[str], Callable[[str], Excerpt]]:
    """List the recordings to choose from, and give a function that loads the beginning of one.

    Args:
        recordings: a name from `sample_names()` or of `made`, or several; or your own, {name: (waveform, sample_rate)},
            [channels, samples], float in [-1, 1], and Hz; all that there are if None.
        made: sounds that are computed, by name.

    Returns:
        Their names, and the function: its argument is a name.

    Raises:
        UnknownSampleError: there is no recording of that name.
        WaveformError: no recordings, or one of your own is no waveform with its rate.
    """
    made = made or {}
    if recordings is None:
        recordings = [*sample_names(), *made]
    elif isinstance(recordings, str):
        recordings = [recordings]
    if not recordings:
        raise WaveformError("There are no recordings to show.", "Name one, or leave the argument out to get all.")
    own = {}
    if isinstance(recordings, Mapping):
        own = {name: _own_recording(name, pair) for name, pair in recordings.items()}
    else:
        for name in recordings:
            if name not in made:
                sample_info(name)

    @lru_cache
    def beginning(name: str) -> Excerpt:
        if name in own:
            waveform, rate = own[name]
        else:
            waveform, rate = made[name]() if name in made else load_sample(name)
        samples = round(MAX_SECONDS * rate)
        note = f" Only the first {MAX_SECONDS:g} s are shown." if waveform.shape[1] > samples else ""
        return Excerpt(waveform[:, :samples], rate, note)

    return list(recordings), beginning


def check_longer_than_half_a_window(samples: int, n_fft: int, remedy: str = "Choose a shorter window.") -> None:
    """Refuse what an STFT cannot mirror at both ends.

    Args:
        samples: how many the waveform has.
        n_fft: length of the window, in samples.
        remedy: what to do, one sentence.

    Raises:
        WaveformError: the waveform has no more than n_fft // 2 samples.
    """
    if samples <= n_fft // 2:
        problem = f"Half a window of {n_fft} samples is longer than the recording, {samples} samples."
        raise WaveformError(problem, remedy)


def _own_recording(name: str, pair: Recording) -> Recording:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WaveformError(
            f"{name}: a {type(pair).__name__} is given; a waveform and its sample rate are expected.",
            f"Pass both: {{{name!r}: (waveform, sample_rate)}}.",
        )
    try:
        return check_waveform(pair[0]).detach().cpu().float(), check_sample_rate(pair[1])
    except WaveformError as error:
        raise WaveformError(f"{name}: {error.problem}", error.remedy) from None
