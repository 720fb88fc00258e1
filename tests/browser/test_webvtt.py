"""Subtitles in WebVTT, as the recipe of 09_forced_alignment writes them, in the reader they are made for: a browser."""

import nbformat.v4
import pytest
from course_notebooks import course, read, tagged

from course_utils.paths import NOTEBOOKS

CUES = """async (text) => {
    const track = document.createElement("track");
    track.src = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
    track.default = true;
    const video = document.createElement("video");
    video.append(track);
    document.body.append(video);
    track.track.mode = "hidden";
    await new Promise((resolve, reject) => { track.onload = resolve; track.onerror = reject; });
    return [...track.track.cues].map((cue) => [cue.getCueAsHTML().textContent, cue.startTime, cue.endTime]);
}"""


def test_a_browser_reads_the_lines_and_times_that_were_written(lab, tmp_path):
    notebook = read(NOTEBOOKS / "09_forced_alignment.ipynb")
    [cell] = [cell for cell in tagged(notebook, "recipe") if course(cell)["recipe"] == "write-subtitles"]
    names: dict = {}
    exec(cell.source, names)
    lines = [
        ("Had he married — “Köln”", 0.319, 2.676),
        ("R&D, <b>bold</b> & more", 2.795, 4.253),
        ("end", 3599.9996, 3725.5),
    ]
    path = names["write_subtitles"](tmp_path / "a.vtt", lines, linger=0)
    page = lab.open(nbformat.v4.new_notebook()).page
    cues = page.evaluate(CUES, path.read_text(encoding="utf-8"))
    assert [text for text, *_ in cues] == ["Had he married — “Köln”", "R&D, bbold/b & more", "end"]
    assert [times for _, *times in cues] == [pytest.approx(times, abs=0.0006) for _, *times in lines]
