"""How long a learner waits for an explorer: from the press of an arrow key to the decoded picture, in Chromium.

Run by hand: python benchmarks/explorer_latency.py

The same key presses on a slider that Python only answers with an empty message give the price of the way there and
back: JupyterLab, the kernel and the browser. The ratio of the two says what the picture costs, on any machine.
"""

import importlib.util
import statistics
import tempfile
from pathlib import Path

import nbformat.v4

from course_utils.paths import ROOT

PRESSES = 30

ECHO = '''
import anywidget

class Echo(anywidget.AnyWidget):
    _esm = """
    export default {
      render({ model, el }) {
        el.innerHTML = '<input class="echo" type="range" data-lm-suppress-shortcuts="true">';
        let asked;
        el.firstChild.addEventListener("input", (event) => {
          asked = event.timeStamp;
          model.send({});
        });
        model.on("msg:custom", () => {
          performance.clearMeasures("echo");
          performance.measure("echo", { start: asked, end: performance.now() });
        });
      },
    };
    """

echo = Echo()
echo.on_msg(lambda widget, content, buffers: widget.send({}))
echo
'''

EXPLORERS = {
    "STFT": ("from course_utils.widgets.stft import stft_explorer\nstft_explorer()", "Window (n_fft)"),
    "trade-off": ("from course_utils.widgets.tradeoff import tradeoff_explorer\ntradeoff_explorer()", "Window (n_fft)"),
    "mel": ("from course_utils.widgets.mel import mel_explorer\nmel_explorer()", "Bands (n_mels)"),
    "masks": (
        "from course_utils.widgets.masks import mask_explorer\nmask_explorer()",
        "Time masks below (time_mask_param)",
    ),
    "vocoder": (
        "from course_utils.widgets.vocoder import vocoder_explorer\nvocoder_explorer()",
        "Rounds of Griffin-Lim (n_iter)",
    ),
    "equalizer": ("from course_utils.widgets.equalizer import equalizer_explorer\nequalizer_explorer()", "1000 Hz"),
}
"""Of each: the cell that shows it, and the slider that is moved."""


def time_presses(page, slider, measure: str) -> list[float]:
    """Milliseconds from each press of an arrow key to the end of the measure that the page takes of it."""
    slider.focus()
    durations = []
    for press in range(PRESSES):
        page.evaluate("name => performance.clearMeasures(name)", measure)
        slider.press("ArrowLeft" if press % 6 < 3 else "ArrowRight")
        taken = page.wait_for_function("name => performance.getEntriesByName(name)[0]?.duration", arg=measure)
        durations.append(taken.json_value())
        page.wait_for_timeout(200)
    return durations


def report(name: str, durations: list[float]) -> float:
    median = statistics.median(durations)
    print(f"{name:42} median {median:6.1f} ms   p90 {statistics.quantiles(durations, n=10)[-1]:6.1f} ms")
    return median


def main() -> None:
    spec = importlib.util.spec_from_file_location("browser_fixtures", ROOT / "tests" / "browser" / "conftest.py")
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)

    with tempfile.TemporaryDirectory() as folder, fixtures.running_chromium() as browser:
        base = Path(folder)
        with fixtures.running_lab(base) as server:
            for scale in (1, 2):
                print(f"Screen with {scale} dot(s) per pixel of the page, {PRESSES} presses each")
                with fixtures.visit(server, browser, base, device_scale_factor=scale) as lab:
                    for name, (source, label) in EXPLORERS.items():
                        measure(lab, name, source, label)


def measure(lab, name: str, source: str, label: str) -> None:
    """Time an explorer and, in the same notebook, the empty message."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in (ECHO, source)]
    opened = lab.open(nbformat.v4.new_notebook(cells=cells))
    assert opened.run_all(), opened.cell_errors()
    page = opened.page
    for slider, entry in ((page.locator(".echo"), "echo"), (page.get_by_label(label), "course-explorer")):
        time_presses(page, slider, entry)  # the first ones load and compile
    bare = report("an empty message there and back", time_presses(page, page.locator(".echo"), "echo"))
    picture = report(f"{name}: key press to picture", time_presses(page, page.get_by_label(label), "course-explorer"))
    print(f"{'ratio of the medians':42} {picture / bare:13.1f}\n")
    page.close()


if __name__ == "__main__":
    main()
