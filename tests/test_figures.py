"""New figures: shown once, closed afterwards, described in words."""

import html
import re

import matplotlib.pyplot as plt
import nbformat
import pytest
import torch
from matplotlib.figure import Figure
from nbclient import NotebookClient

from course_utils.figures import describe, new_axes
from course_utils.plots import plot_mel_spectrogram, plot_spectrograms, plot_waveform


def test_panels_lie_below_each_other_and_share_time():
    upper, lower = new_axes(2, row_height=2.0)
    assert upper.get_position().y0 > lower.get_position().y1
    lower.set_xlim(3, 4)
    assert upper.get_xlim() == (3, 4)
    assert upper.figure.get_size_inches().tolist() == [8.5, 4.0]


def test_outside_a_notebook_nobody_keeps_a_figure(tmp_path):
    [ax] = new_axes()
    assert plt.get_fignums() == []
    ax.figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_a_waveform_is_described():
    text = describe(plot_waveform(torch.ones(1, 8000), 16000, title="Full scale").figure)
    assert text == (
        "Waveform: Full scale. Time in seconds from 0.0 to 0.5; Amplitude from −1.0 to 1.0; "  # noqa: RUF001
        "8000 samples at or beyond full scale."
    )


def test_panels_and_colours_are_described():
    axes = plot_spectrograms({"before": torch.ones(201, 81), "after": torch.ones(201, 81)}, 16000)
    assert describe(axes[0].figure) == (
        "Spectrogram: before. Frequency in Hz from 0 to 8000. "
        "Spectrogram: after. Time in seconds from 0.0 to 1.0; Frequency in Hz from 0 to 8000. "
        "Colour: dB relative to the loudest point from −80 to 0."  # noqa: RUF001
    )
    assert "Frequency in Hz (mel scale) from 100 to 8000" in describe(
        plot_mel_spectrogram(torch.ones(80, 81), 16000, 200).figure
    )


def test_a_figure_of_the_learner_is_described_by_what_it_says_itself():
    ax = Figure().subplots()
    assert describe(ax.figure) == "Plot."
    ax.set(title="Loss", xlabel="Step", ylabel="Loss in nats", xlim=(0, 10), ylim=(0, 2))
    assert describe(ax.figure) == "Loss. Step from 0 to 10; Loss in nats from 0.00 to 2.00."


COUNT_DRAWINGS = """
from matplotlib.backend_bases import FigureCanvasBase
drawings, print_figure = [], FigureCanvasBase.print_figure
def count(*args, **kwargs):
    drawings.append(1)
    return print_figure(*args, **kwargs)
FigureCanvasBase.print_figure = count
"""


@pytest.fixture(scope="module")
def outputs() -> list[list[dict]]:
    """What a notebook shows below each of its cells."""
    cells = [
        "import torch, matplotlib.pyplot as plt\n"
        "from course_utils.plots import plot_spectrogram, plot_spectrograms, plot_waveform",
        "plot_waveform(torch.zeros(1, 16000), 16000, title='\"><script>alert(1)</script>')",
        "for floor in (-60, -80):\n    ax = plot_spectrogram(torch.ones(201, 81), 16000, floor_db=floor)",
        "plot_spectrograms({'a': torch.ones(201, 81), 'b': torch.ones(201, 81)}, 16000)",
        "plt.get_fignums()",
        "ax",
        "fig, ax = plt.subplots()\nplot_waveform(torch.zeros(1, 16000), 16000, ax=ax)",
        "plot_spectrogram(torch.ones(201, 81), 16000, reference=-1.0)",
        COUNT_DRAWINGS,
        "ax = plot_waveform(torch.zeros(1, 16000), 16000)",
        "ax",
        "%config InlineBackend.figure_formats = ['png']\nplt.plot([1, 2]);",
        "len(drawings)",
        "plt.figure()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells]


def alt_texts(cell: list[dict]) -> list[str]:
    images = [output["data"]["text/html"] for output in cell]
    return [html.unescape(re.fullmatch(r'<img alt="([^"]*)" src="data:image/png;base64,[^"]+">', i)[1]) for i in images]


def test_a_notebook_shows_a_picture_once_and_no_line_about_its_axes(outputs):
    assert [output["output_type"] for output in outputs[1]] == ["display_data"]
    assert len(alt_texts(outputs[2])) == 2
    assert len(alt_texts(outputs[3])) == 1
    assert outputs[1][0]["data"]["image/png"].startswith("iVBOR")


def test_each_picture_is_drawn_once_and_serves_html_and_png(outputs):
    for cell in outputs[9:12]:
        [picture] = [output["data"] for output in cell if "text/html" in output.get("data", {})]
        assert f'base64,{picture["image/png"].strip()}"' in picture["text/html"]
    assert outputs[12][0]["data"]["text/plain"] == "3"


def test_a_figure_with_nothing_on_it_is_no_broken_picture(outputs):
    assert all(list(output["data"]) == ["text/plain"] for output in outputs[13])


def test_a_notebook_closes_its_figures(outputs):
    assert outputs[4][0]["data"]["text/plain"] == "[]"


def test_axes_named_in_a_later_cell_show_their_picture_again(outputs):
    assert alt_texts(outputs[5]) == alt_texts(outputs[2])[1:]


def test_the_picture_carries_its_description_and_no_markup_of_a_title(outputs):
    [text] = alt_texts(outputs[1])
    assert text.startswith('Waveform: "><script>alert(1)</script>. Time in seconds from 0.0 to 1.0')
    assert "<script" not in outputs[1][0]["data"]["text/html"]


def test_a_figure_of_the_learner_is_described_too(outputs):
    [picture] = [output for output in outputs[6] if "text/html" in output.get("data", {})]
    assert alt_texts([picture])[0].startswith("Waveform. Time in seconds")


def test_a_refused_picture_leaves_no_empty_figure(outputs):
    assert [output["output_type"] for output in outputs[7]] == ["error"]
