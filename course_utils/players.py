"""Players for the notebook: what you hear is what is in the tensor, and the caption says what that is."""

import base64
import html
import io
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from IPython.display import HTML, display
from torch import Tensor

from course_utils.checks import check_sample_rate, check_waveform
from course_utils.errors import WaveformError

MAX_WAV_BYTES = 10_000_000
"""WAV in all players of one call: about a minute of stereo at 44.1 kHz, and 13 MB in the notebook file at each save."""

PLAYABLE_RATES = range(3_000, 768_001)
"""Hz; below and above, Chromium refuses a WAV file."""

_CAPTION_STYLE = "font-size: 0.9em; line-height: 1.4; overflow-wrap: anywhere"


def listen(
    waveform: Tensor | Mapping[str, Tensor | tuple[Tensor, int]],
    sample_rate: int | None = None,
    label: str | None = None,
    *,
    start: float = 0.0,
    seconds: float | None = None,
) -> None:
    """Show a player, or several side by side.

    Nothing is made louder or softer. The caption gives duration, rate and peak; values beyond [-1, 1] clip in playback,
    and the caption counts them. What exceeds `MAX_WAV_BYTES` is cut, and the caption says so.

    Args:
        waveform: [channels, samples] or [samples], float, one or two channels; or several of them by label,
            {label: waveform} or {label: (waveform, sample_rate)}.
        sample_rate: Hz; of all waveforms that do not bring their own.
        label: caption of a single waveform.
        start: seconds to skip.
        seconds: how much to play; all that follows if None.

    Raises:
        WaveformError: not a waveform (see `check_waveform`), more than two channels, a rate that browsers do not play,
            a part that the waveform does not have, or `label` beside waveforms that have labels.

    Taught in 00_start_here.
    """
    display(HTML(player_html(waveform, sample_rate, label, start=start, seconds=seconds)))


def player_html(
    waveform: Tensor | Mapping[str, Tensor | tuple[Tensor, int]],
    sample_rate: int | None = None,
    label: str | None = None,
    *,
    start: float = 0.0,
    seconds: float | None = None,
) -> str:
    """Return the players of `listen` as HTML without scripts.

    Args:
        waveform: as for `listen`, like all that follows.
        sample_rate: Hz.
        label: caption of a single waveform.
        start: seconds to skip.
        seconds: how much to play.

    Returns:
        One <div>, with each waveform in it as 16-bit WAV.

    Raises:
        WaveformError: as for `listen`.
    """
    clips = _clips(waveform, sample_rate, label)
    longest = MAX_WAV_BYTES / sum(2 * len(waveform) * rate for _, waveform, rate in clips)
    players = []
    for name, whole, rate in clips:
        with _naming(name):
            players.append(_player(name, *_part(whole, rate, start, seconds, longest), rate))
    return (
        f'<div style="display: flex; flex-wrap: wrap; align-items: flex-end; gap: 0.5em 1.5em">{"".join(players)}</div>'
    )


def wav_bytes(waveform: Tensor, sample_rate: int) -> bytes:
    """Return a WAV file of 16 bits, which every browser plays.

    Args:
        waveform: [channels, samples], float; clipped at [-1, 32767 / 32768].
        sample_rate: Hz.

    Returns:
        The file, each sample rounded to the nearest multiple of 1 / 32768.
    """
    scaled = (waveform.detach().cpu().float() * 32768).round().clamp(-32768, 32767)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(len(waveform))
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(scaled.T.contiguous().numpy().astype("<i2").tobytes())
    return file.getvalue()


def _clips(
    waveform: Tensor | Mapping[str, Tensor | tuple[Tensor, int]], sample_rate: int | None, label: str | None
) -> list[tuple[str | None, Tensor, int]]:
    """Return (label, waveform [channels, samples], rate) for each player."""
    if not isinstance(waveform, Mapping):
        with _naming(label):
            return [(label, *_playable(waveform, sample_rate))]
    if not waveform:
        raise WaveformError("There is nothing to play.", 'Pass waveforms by label: {"before": x, "after": y}.')
    if label is not None:
        raise WaveformError(
            f"label={label!r} is for a single waveform; these have labels already.", "Leave label= out."
        )
    clips = []
    for name, value in waveform.items():
        pair = value if isinstance(value, tuple) and len(value) == 2 else (value, sample_rate)
        with _naming(str(name)):
            clips.append((str(name), *_playable(*pair)))
    return clips


@contextmanager
def _naming(label: str | None) -> Iterator[None]:
    """Say in an error which waveform it is about."""
    try:
        yield
    except WaveformError as error:
        problem = f"{label}: {error.problem}" if label else error.problem
        raise WaveformError(problem, error.remedy) from None


def _playable(waveform: Tensor, sample_rate: int | None) -> tuple[Tensor, int]:
    waveform = check_waveform(waveform, allow_1d=True)
    rate = check_sample_rate(sample_rate)
    if len(waveform) > 2:
        raise WaveformError(
            f"The waveform has {len(waveform)} channels; a player has two.",
            "Choose some with waveform[:2], or mix them with waveform.mean(dim=0, keepdim=True).",
        )
    if rate not in PLAYABLE_RATES:
        nearest = 8000 if rate < PLAYABLE_RATES.start else 48000
        raise WaveformError(
            f"Browsers do not play audio at {rate} Hz.",
            f"Convert it first: torchaudio.functional.resample(waveform, {rate}, {nearest}).",
        )
    return waveform, rate


def _part(waveform: Tensor, rate: int, start: float, seconds: float | None, longest: float) -> tuple[Tensor, str]:
    """Return the part to play, and a sentence where it is not the whole."""
    samples = waveform.shape[1]
    total = _duration(samples / rate)
    first = round(start * rate)
    if not 0 <= first < samples:
        raise WaveformError(
            f"start={start:g} s lies outside the waveform.", f"It lasts {total}: choose a start from 0 to there."
        )
    if seconds is not None and seconds <= 0:
        raise WaveformError(f"seconds={seconds:g} leaves nothing to play.", "Choose a positive number of seconds.")
    wanted = samples - first if seconds is None else min(samples - first, max(1, round(seconds * rate)))
    held = min(wanted, int(longest * rate))
    part = waveform[:, first : first + held].detach().cpu().float()
    length, begin = _duration(held / rate), _duration(first / rate)
    if held == samples:
        return part, ""
    if held == wanted:
        return part, f"From {begin} to {_duration((first + held) / rate)} of {total}."
    held_part = f"{length} from {begin} on" if first else f"the first {length}"
    return part, f"{total} in all; this player holds {held_part}. Choose another part with start= and seconds=."


def _player(label: str | None, waveform: Tensor, note: str, rate: int) -> str:
    channels, samples = waveform.shape
    peak = float(waveform.abs().max())
    level = f"peak {peak:.3g}" if peak else "silent"
    if clipped := int((waveform.abs() > 1).sum()):
        grouped = f"{clipped:_}".replace("_", "\N{NARROW NO-BREAK SPACE}")
        level = f"<strong>{level}: {grouped} {'sample clips' if clipped == 1 else 'samples clip'} in playback</strong>"
    lines = [
        f"<strong>{html.escape(label)}</strong>" if label else "",
        f"{_duration(samples / rate)}, {rate} Hz, {('mono', 'stereo')[channels - 1]}, {level}",
        note,
    ]
    url = f"data:audio/wav;base64,{base64.b64encode(wav_bytes(waveform, rate)).decode()}"
    return (
        '<figure style="margin: 0.5em 0; max-width: 100%; width: 320px">'
        f'<figcaption style="{_CAPTION_STYLE}">{"<br>".join(filter(None, lines))}</figcaption>'
        # Without the attribute, JupyterLab takes the keys of a focused player for its own: "x" cuts the cell.
        '<audio controls preload="metadata" data-lm-suppress-shortcuts="true" '
        f'aria-label="{html.escape(label or "audio")}" '
        f'style="width: 100%" src="{url}"></audio></figure>'
    )


def _duration(seconds: float) -> str:
    if seconds < 0.1 and seconds:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
