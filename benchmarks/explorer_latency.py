"""How long a learner waits for the STFT explorer: from the press of an arrow key to the decoded picture, in Chromium.

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

EXPLORER = """
from course_utils.widgets.stft import stft_explorer

explorer = stft_explorer()
explorer
"""


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

    cells = [nbformat.v4.new_code_cell(source) for source in (ECHO, EXPLORER)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with tempfile.TemporaryDirectory() as folder, fixtures.running_chromium() as browser:
        base = Path(folder)
        with fixtures.running_lab(base) as server:
            for scale in (1, 2):
                with fixtures.visit(server, browser, base, device_scale_factor=scale) as lab:
                    opened = lab.open(notebook)
                    assert opened.run_all(), opened.cell_errors()
                    page = opened.page
                    window = page.get_by_label("Window (n_fft)")
                    for slider, name in ((page.locator(".echo"), "echo"), (window, "course-explorer")):
                        time_presses(page, slider, name)  # the first ones load and compile
                    print(f"Screen with {scale} dot(s) per pixel of the page, {PRESSES} presses each")
                    bare = report("an empty message there and back", time_presses(page, page.locator(".echo"), "echo"))
                    picture = report("key press to picture", time_presses(page, window, "course-explorer"))
                    print(f"{'ratio of the medians':42} {picture / bare:13.1f}\n")


if __name__ == "__main__":
    main()
