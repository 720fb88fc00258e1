"""The pictures: what is drawn where, on which scale, and what is refused."""

import gc
import io
import math
import weakref

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure
from torchaudio.transforms import AmplitudeToDB, MelSpectrogram, Spectrogram

from course_utils import plots
from course_utils.errors import WaveformError
from course_utils.plots import plot_mel_spectrogram, plot_spectrogram, plot_spectrograms, plot_waveform, to_db

RATE = 16000


def sine(frequency, seconds=1.0, amplitude=0.5, rate=RATE):
    return amplitude * torch.sin(2 * math.pi * frequency * torch.arange(round(seconds * rate)) / rate)[None]


def click(at, seconds=1.0, rate=RATE):
    waveform = torch.zeros(1, round(seconds * rate))
    waveform[0, round(at * rate)] = 1.0
    return waveform


def curve(ax):
    """The drawn waveform, without the lines at full scale and the marks."""
    return max(ax.lines, key=lambda line: len(line.get_xdata())).get_xydata().T


def picture(ax):
    """Edges of the columns in seconds, edges of the rows in Hz, dB [rows, columns]."""
    [mesh] = ax.collections
    corners = mesh.get_coordinates()
    return corners[0, :, 0], corners[:, 0, 1], np.asarray(mesh.get_array()).reshape(corners.shape[0] - 1, -1)


def span_of_loudest(ax):
    """The times and the frequencies between which the loudest cell lies."""
    times, frequencies, levels = picture(ax)
    row, column = np.unravel_index(levels.argmax(), levels.shape)
    return times[column : column + 2], frequencies[row : row + 2]


def colour_bars(ax):
    return [axes for axes in ax.figure.axes if axes.get_label() == "<colorbar>"]


# Waveforms


def test_a_waveform_is_drawn_over_seconds_sample_by_sample():
    waveform = sine(440, seconds=0.25)
    ax = plot_waveform(waveform, RATE, title="A4")
    times, amplitudes = curve(ax)
    np.testing.assert_allclose(times, np.arange(4000) / RATE)
    np.testing.assert_allclose(amplitudes, waveform[0], atol=1e-7)
    assert ax.get_xlim() == (0, 0.25)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Time in seconds", "Amplitude", "A4")


def test_a_quiet_waveform_looks_quiet_and_a_loud_one_fits():
    quiet, loud, beyond = (plot_waveform(sine(440, amplitude=a), RATE).get_ylim() for a in (0.01, 0.9, 3.0))
    assert quiet == loud
    assert quiet[0] == -quiet[1]
    assert 1.0 < quiet[1] < 1.1
    assert 3.0 < beyond[1] < 3.3


def test_one_loud_sample_in_ten_million_is_drawn_at_its_time():
    waveform = torch.zeros(1, 10_000_001)
    waveform[0, 7_654_321], waveform[0, -1] = 0.9, -0.7
    ax = plot_waveform(waveform, RATE)
    times, amplitudes = curve(ax)
    assert len(times) <= 2 * plots.OUTLINE_STRETCHES
    assert times[amplitudes.argmax()] == 7_654_321 / RATE
    assert times[amplitudes.argmin()] == 10_000_000 / RATE
    assert amplitudes.max() == pytest.approx(0.9)
    assert amplitudes.min() == pytest.approx(-0.7)
    assert (np.diff(times) >= 0).all()


def test_an_outline_holds_only_true_samples(monkeypatch):
    monkeypatch.setattr(plots, "EXACT_SAMPLES", 1000)
    monkeypatch.setattr(plots, "OUTLINE_STRETCHES", 60)
    waveform = torch.rand(1, 4321) - 0.5
    times, amplitudes = curve(plot_waveform(waveform, RATE))
    positions = np.round(times * RATE).astype(int)
    np.testing.assert_allclose(amplitudes, waveform[0].numpy()[positions])
    assert len(positions) < 150


@pytest.mark.parametrize(("samples", "marker"), [(1, "."), (50, "."), (5000, "None")])
def test_few_samples_show_as_dots(samples, marker):
    [line] = [line for line in plot_waveform(sine(440)[:, :samples], RATE).lines if line.get_color() == "tab:blue"]
    assert line.get_marker() == marker
    assert len(line.get_xdata()) == samples


def test_two_channels_lie_below_each_other_with_their_own_scale():
    ax = plot_waveform(torch.cat([sine(440, amplitude=0.3), sine(220, amplitude=0.6)]), RATE)
    left, right = (line.get_ydata() for line in ax.lines if len(line.get_xdata()) == RATE)
    base = (right.max() + right.min()) / 2
    assert right.max() - base == pytest.approx(0.6, abs=0.01)
    assert left.max() == pytest.approx(0.3, abs=0.01)
    assert base + 1 < -1, "full scale of the lower channel reaches into the upper one"
    labels = {tick: label.get_text() for tick, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)}
    assert labels == pytest.approx({-1: "−1", 0: "0", 1: "1", base - 1: "−1", base: "0", base + 1: "1"})  # noqa: RUF001
    assert [text.get_text() for text in ax.texts] == ["channel 0 (left)", "channel 1 (right)"]


@pytest.mark.parametrize(("peak", "marked"), [(0.99, False), (32767 / 32768, True), (-1.0, True), (1.5, True)])
def test_samples_at_full_scale_are_marked_and_counted(peak, marked):
    waveform = sine(440, amplitude=0.5)
    waveform[0, 4000] = peak
    ax = plot_waveform(waveform, RATE)
    marks = [line.get_xydata().tolist() for line in ax.lines if line.get_gid() == "at full scale"]
    assert marks == [[[0.25, pytest.approx(peak)]] if marked else []]
    legend = ax.get_legend()
    assert (legend is not None) == marked
    if marked:
        assert legend.get_texts()[0].get_text() == "1 sample at or beyond full scale"


def test_every_clipped_sample_is_counted():
    assert "400 samples" in plot_waveform(torch.ones(2, 200), RATE).get_legend().get_texts()[0].get_text()


def test_a_tensor_with_gradients_or_in_half_precision_is_drawn():
    waveform = sine(440).requires_grad_()
    plot_waveform(waveform, RATE)
    plot_waveform(waveform.half(), RATE)
    plot_spectrogram(Spectrogram()(waveform), RATE)


# dB


def test_db_agree_with_torchaudio():
    power = Spectrogram(n_fft=512)(sine(440) + 0.01 * torch.randn(1, RATE, generator=torch.manual_seed(0)))
    theirs = AmplitudeToDB("power", top_db=80)(power)
    torch.testing.assert_close(to_db(power), theirs - theirs.max(), rtol=0, atol=1e-3)
    torch.testing.assert_close(to_db(power, reference=1.0, floor_db=-100), AmplitudeToDB("power")(power))


def test_db_by_hand():
    power = torch.tensor([100.0, 1.0, 0.5, 1e-9, 0.0])
    torch.testing.assert_close(to_db(power), torch.tensor([0.0, -20.0, -23.0103, -80.0, -80.0]))
    torch.testing.assert_close(to_db(power, reference=1.0, floor_db=-10), torch.tensor([20.0, 0.0, -3.0103, -10, -10]))


@pytest.mark.parametrize("reference", [None, 1.0])
def test_silence_is_the_floor_everywhere(reference):
    assert (to_db(torch.zeros(1, 5, 7), reference=reference, floor_db=-60) == -60).all()


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(0, float(np.float32(1e38)), width=32)), st.floats(-300, -1))
def test_db_lie_between_the_floor_and_zero_whatever_the_power(power, floor_db):
    levels = to_db(torch.from_numpy(power), floor_db=floor_db)
    assert levels.dtype == torch.float32
    assert levels.max() <= 0
    assert levels.min() >= np.float32(floor_db)
    assert power.max() == 0 or levels.max() == 0


@pytest.mark.parametrize("arguments", [{"reference": 0.0}, {"reference": -1.0}, {"floor_db": 0.0}, {"floor_db": 80}])
def test_a_reference_or_floor_without_meaning_is_refused(arguments):
    with pytest.raises(WaveformError, match=r"reference|floor"):
        to_db(torch.ones(3), **arguments)


# Spectrograms


@pytest.mark.parametrize(
    ("bins", "hop_length", "frame", "row"), [(201, 200, 0, 0), (201, 200, 40, 25), (257, 100, 80, 256), (9, 2, 3, 4)]
)
def test_a_cell_is_centred_on_its_time_and_frequency(bins, hop_length, frame, row):
    power = torch.zeros(bins, 81)
    power[row, frame] = 1.0
    ax = plot_spectrogram(power, RATE, hop_length, ax=Figure(figsize=(12, 12)).subplots())
    times, frequencies = span_of_loudest(ax)
    assert times.mean() == pytest.approx(frame * hop_length / RATE)
    assert frequencies.mean() == pytest.approx(row * RATE / (2 * (bins - 1)))
    assert np.diff(times)[0] == pytest.approx(hop_length / RATE)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(128, None), (400, 160), (512, 64), (4096, 32)])
def test_a_click_and_a_tone_appear_where_they_are(n_fft, hop_length):
    transform = Spectrogram(n_fft=n_fft, hop_length=hop_length)
    times, _ = span_of_loudest(plot_spectrogram(transform(click(at=0.5)), RATE, hop_length))
    step = (hop_length or n_fft // 2) / RATE
    assert times[0] - step / 2 <= 0.5 <= times[1] + step / 2
    _, frequencies = span_of_loudest(plot_spectrogram(transform(sine(1000)), RATE, hop_length))
    width = RATE / n_fft
    assert frequencies[0] - width / 2 <= 1000 <= frequencies[1] + width / 2


def test_neither_a_click_nor_a_tone_is_lost_where_cells_outnumber_pixels():
    power = torch.zeros(8193, 3000)
    power[:, 1234] = 1.0
    power[5678, :] = 1.0
    ax = plot_spectrogram(power, RATE, 64)
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="rgba")
    pixels = ax.get_window_extent()
    times, frequencies, levels = picture(ax)
    assert levels.shape[0] <= pixels.height
    assert levels.shape[1] <= pixels.width
    column, row = np.searchsorted(times, 1234 * 64 / RATE) - 1, np.searchsorted(frequencies, 5678 * RATE / 16384) - 1
    assert (levels[:, column] == 0).all()
    assert (levels[row] == 0).all()
    assert (np.delete(np.delete(levels, row, axis=0), column, axis=1) == -80).all()

    width, height = (int(side) for side in ax.figure.canvas.get_width_height())
    colours = np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]
    brightest = (np.array(matplotlib.colormaps[plots.COLOUR_MAP](1.0)[:3]) * 255).round()
    x, y = ax.transData.transform((1234 * 64 / RATE, 5678 * RATE / 16384))
    y = height - y
    inside = (
        slice(int(height - pixels.y1) + 3, int(height - pixels.y0) - 3),
        slice(int(pixels.x0) + 3, int(pixels.x1) - 3),
    )
    bright = (np.abs(colours - brightest) <= 1).all(axis=2)
    assert bright[inside[0], int(x) - 1 : int(x) + 2].any(axis=1).all(), "the click has gaps on the screen"
    assert bright[int(y) - 1 : int(y) + 2, inside[1]].any(axis=0).all(), "the tone has gaps on the screen"


def test_the_axes_are_seconds_and_hz_and_the_colours_db():
    ax = plot_spectrogram(Spectrogram(n_fft=512, hop_length=128)(sine(1000)), RATE, 128, title="1 kHz")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Time in seconds", "Frequency in Hz", "1 kHz")
    assert ax.get_ylim() == (0, 8000)
    assert ax.get_xlim() == (0, pytest.approx(1.0, abs=128 / RATE))
    assert ax.collections[0].get_clim() == (-80, 0)
    [bar] = colour_bars(ax)
    assert bar.get_ylabel() == "dB relative to the loudest point"


def test_f_max_cuts_the_axis_and_keeps_the_details_below():
    power = Spectrogram(n_fft=8192)(sine(500))
    ax = plot_spectrogram(power, RATE, f_max=1000)
    assert ax.get_ylim() == (0, 1000)
    _, frequencies = span_of_loudest(ax)
    assert np.diff(frequencies)[0] < 4 * RATE / 8192
    assert frequencies[0] <= 500 <= frequencies[1]


def test_a_given_reference_is_named_and_what_exceeds_it_is_shown_on_the_bar():
    ax = plot_spectrogram(torch.full((5, 6), 0.1), RATE, reference=1.0, floor_db=-60)
    np.testing.assert_allclose(picture(ax)[2], -10, rtol=1e-6)
    [bar] = colour_bars(ax)
    assert bar.get_ylabel() == "dB relative to a power of 1"
    assert ax.collections[0].get_clim() == (-60, 0)
    assert ax.collections[0].colorbar.extend == "neither"
    assert plot_spectrogram(torch.full((5, 6), 10.0), RATE, reference=1.0).collections[0].colorbar.extend == "max"


def test_silence_is_drawn_dark():
    assert (picture(plot_spectrogram(torch.zeros(1, 201, 50), RATE))[2] == -80).all()


def test_one_frame_is_enough():
    times, _, _ = picture(plot_spectrogram(torch.ones(201, 1), RATE, 200))
    np.testing.assert_allclose(times, [-100 / RATE, 100 / RATE])


def test_compared_spectrograms_share_reference_colours_and_one_bar():
    loud = Spectrogram(n_fft=512)(sine(1000))
    axes = plot_spectrograms({"loud": loud, "20 dB softer": loud / 100, "silent": loud * 0}, RATE)
    assert [ax.get_title() for ax in axes] == ["loud", "20 dB softer", "silent"]
    assert [float(picture(ax)[2].max()) for ax in axes] == pytest.approx([0, -20, -80], abs=1e-4)
    assert {ax.collections[0].get_clim() for ax in axes} == {(-80, 0)}
    [bar] = colour_bars(axes[0])
    assert bar.get_ylabel() == "dB relative to the loudest point"


def test_compared_spectrograms_share_the_longest_time_axis_whatever_their_frames_and_bins():
    tone = sine(1000, seconds=2)
    spectrograms = {
        "long": Spectrogram(n_fft=256)(tone),
        "short": Spectrogram(n_fft=1024)(tone[:, :RATE]),
        "same": Spectrogram(n_fft=4096)(tone),
    }
    axes = plot_spectrograms(spectrograms, RATE, f_max=4000)
    assert len({ax.get_xlim() for ax in axes}) == 1
    assert axes[0].get_xlim()[1] == pytest.approx(2.0, abs=2048 / RATE)
    assert {ax.get_ylim() for ax in axes} == {(0, 4000)}
    for ax in axes:
        _, frequencies = span_of_loudest(ax)
        assert frequencies[0] - 70 <= 1000 <= frequencies[1] + 70
    assert [ax.get_xlabel() for ax in axes] == ["", "", "Time in seconds"]


# Mel spectrograms


@pytest.mark.parametrize("mel_scale", ["htk", "slaney"])
@pytest.mark.parametrize(("f_min", "f_max", "bands"), [(0.0, None, 80), (20.0, 7600.0, 40), (300.0, 4000.0, 13)])
def test_each_mel_band_lies_around_the_peak_of_its_filter(mel_scale, f_min, f_max, bands):
    ax = plot_mel_spectrogram(torch.ones(bands, 5), RATE, 160, f_min=f_min, f_max=f_max, mel_scale=mel_scale)
    _, edges, _ = picture(ax)
    filters = torchaudio.functional.melscale_fbanks(80_001, f_min, f_max or RATE / 2, bands, RATE, None, mel_scale)
    peaks = filters.argmax(dim=0).numpy() * RATE / 2 / 80_000
    assert len(edges) == bands + 1
    assert (edges[:-1] < peaks).all()
    assert (peaks < edges[1:]).all()
    assert ax.get_ylim() == (f_min, f_max or RATE / 2)
    assert (edges[0], edges[-1]) == pytest.approx(ax.get_ylim())


def test_equal_steps_in_mel_have_equal_heights_and_are_marked_in_hz():
    ax = plot_mel_spectrogram(torch.ones(80, 5), RATE, 160)
    _, edges, _ = picture(ax)
    heights = np.diff(ax.transData.transform([(0, edge) for edge in edges])[:, 1])
    assert heights[1:-1] == pytest.approx(heights[1], rel=1e-3)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["100", "500", "1000", "2000", "4000", "8000"]
    assert ax.get_yticks().tolist() == [100, 500, 1000, 2000, 4000, 8000]
    assert ax.get_ylabel() == "Frequency in Hz (mel scale)"


@pytest.mark.parametrize("mel_scale", ["htk", "slaney"])
def test_a_tone_and_a_click_appear_where_they_are_on_the_mel_scale(mel_scale):
    transform = MelSpectrogram(RATE, n_fft=1024, hop_length=160, n_mels=64, mel_scale=mel_scale)
    for frequency in (440, 1000, 3000):
        ax = plot_mel_spectrogram(transform(sine(frequency)), RATE, 160, mel_scale=mel_scale)
        _, (low, high) = span_of_loudest(ax)
        assert low - RATE / 1024 <= frequency <= high + RATE / 1024
    ax = plot_mel_spectrogram(transform(click(at=0.5)), RATE, 160, mel_scale=mel_scale)
    (begin, end), _ = span_of_loudest(ax)
    assert begin <= 0.5 <= end
    ax.figure.savefig(io.BytesIO())


# What is refused


@pytest.mark.parametrize(
    ("spectrogram", "problem", "remedy"),
    [
        (Spectrogram(power=None)(sine(440)), "complex", "spectrogram.abs() ** 2"),
        (AmplitudeToDB()(Spectrogram()(sine(440))), "looks like dB", "the dB are taken here"),
        (sine(440), "waveform", "what Spectrogram"),
        (Spectrogram()(torch.rand(2, RATE)), "[2, 201, 81]: 2 channels", "spectrogram[0]"),
        (Spectrogram()(torch.rand(4, 2, RATE)), "[bins, frames] is expected", "one waveform"),
        (torch.rand(100), "[bins, frames] is expected", "one waveform"),
        (torch.rand(1, 100), "[bins, frames] is expected", "one waveform"),
        (torch.log(torch.zeros(5, 5)), "NaN or infinite", "logarithm of zero"),
        (torch.ones(5, 5, dtype=torch.int64), "int64", "spectrogram.float()"),
        (np.ones((5, 5)), "ndarray", "torch.from_numpy"),
        (torch.zeros(201, 0), "empty", "slice"),
    ],
)
def test_what_is_no_power_spectrogram_is_named_with_its_remedy(spectrogram, problem, remedy):
    for plot in (
        lambda: plot_spectrogram(spectrogram, RATE),
        lambda: plot_spectrograms({"one": torch.ones(5, 5), "two": spectrogram}, RATE),
        lambda: plot_mel_spectrogram(spectrogram, RATE, 160),
    ):
        with pytest.raises(WaveformError) as raised:
            plot()
        assert problem in raised.value.problem
        assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("plot", "problem"),
    [
        (lambda: plot_spectrogram(torch.ones(5, 5), RATE, 0), "hop length is 0"),
        (lambda: plot_mel_spectrogram(torch.ones(5, 5), RATE, None), "hop length is None"),
        (lambda: plot_spectrogram(torch.ones(5, 5), 0), "sample rate is 0"),
        (lambda: plot_mel_spectrogram(torch.ones(5, 5), RATE, 160, mel_scale="bark"), "no mel scale 'bark'"),
        (lambda: plot_spectrograms({}, RATE), "no labelled spectrograms"),
        (lambda: plot_spectrograms(torch.ones(5, 5), RATE), "no labelled spectrograms"),
        (lambda: plot_waveform(torch.zeros(RATE, 2), RATE), "[samples, channels]"),
        (lambda: plot_waveform(torch.zeros(2, RATE), None), "sample rate is None"),
    ],
)
def test_other_misuse_is_named(plot, problem):
    with pytest.raises(WaveformError) as raised:
        plot()
    assert problem in raised.value.problem


# Manners


def test_everything_is_drawn_on_the_axes_that_are_given():
    for plot in (
        lambda ax: plot_waveform(sine(440), RATE, ax=ax),
        lambda ax: plot_spectrogram(Spectrogram()(sine(440)), RATE, ax=ax),
        lambda ax: plot_mel_spectrogram(torch.ones(80, 5), RATE, 160, ax=ax),
    ):
        ax = Figure().subplots()
        assert plot(ax) is ax


def test_below_each_other_only_the_lowest_panel_names_the_time():
    upper, lower = Figure(layout="constrained").subplots(2, sharex=True)
    plot_waveform(sine(440), RATE, ax=upper)
    plot_spectrogram(Spectrogram()(sine(440)), RATE, ax=lower)
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "Time in seconds")


def test_many_pictures_leave_nothing_behind():
    settings = dict(matplotlib.rcParams)
    figures = []
    for _ in range(20):
        figures += [weakref.ref(plot_waveform(sine(440, seconds=0.01), RATE).figure)]
        figures += [weakref.ref(plot_spectrogram(torch.ones(5, 5), RATE).figure)]
    gc.collect()
    assert plt.get_fignums() == []
    assert not any(figure() for figure in figures)
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("f_max", [-100, 0, float("nan"), float("inf")])
def test_an_upper_edge_that_leaves_nothing_to_draw_is_refused(f_max):
    power = torch.ones(201, 81)
    for draw in (
        lambda: plot_spectrogram(power, RATE, f_max=f_max),
        lambda: plot_spectrograms({"a": power}, RATE, f_max=f_max),
        lambda: plot_mel_spectrogram(power, RATE, 200, f_max=f_max),
    ):
        with pytest.raises(WaveformError, match=f"no frequencies from 0 to {f_max:g} Hz") as raised:
            draw()
        assert "within 0 to 8000 Hz" in raised.value.remedy


@pytest.mark.parametrize("f_min", [-1.0, 4000.0, 5000.0, float("nan")])
def test_a_lower_edge_below_zero_or_above_the_upper_one_is_refused(f_min):
    with pytest.raises(WaveformError, match="no frequencies"):
        plot_mel_spectrogram(torch.ones(40, 81), RATE, 200, f_min=f_min, f_max=4000)


def test_a_hop_length_may_be_a_number_of_numpy_but_not_true():
    power = torch.ones(201, 81)
    assert plot_spectrogram(power, RATE, np.int64(160)).get_xlim()[1] == pytest.approx(80.5 * 160 / RATE)
    for hop_length in (True, 0, 160.0):
        with pytest.raises(WaveformError, match="hop length is"):
            plot_spectrogram(power, RATE, hop_length)
