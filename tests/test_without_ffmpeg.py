"""What works on a machine without FFmpeg: real failures of torchcodec, each in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.paths import ROOT

HIDE_LIBRARIES = {
    "PYTHONPATH": str(ROOT / "tests" / "notebooks" / "sandbox"),
    "COURSE_TEST_WITHOUT_FFMPEG": "1",
}
"""torchcodec is there, and cannot load its libraries: its own error, the one that learners see."""

REFUSE_IMPORT = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchcodec":
            raise {error}
sys.meta_path.insert(0, Refuse())
"""
NOT_INSTALLED = REFUSE_IMPORT.format(error="ModuleNotFoundError(\"No module named 'torchcodec'\")")
IMPORT_FAILS = REFUSE_IMPORT.format(error="RuntimeError('Could not load libtorchcodec. Likely causes: ...')")
"""As some versions of torchcodec do without FFmpeg."""

PROGRAM = """
import json, torch
from pathlib import Path
from course_utils.audio_io import audio_info, ffmpeg_available, load_audio, save_audio
from course_utils.errors import AudioFileError

waveform = (torch.rand(2, 30000, generator=torch.Generator().manual_seed(0)) * 20000 - 10000).round() / 32768
facts = {"ffmpeg": ffmpeg_available()}
for name in ("x.wav", "x.flac", "x.aiff", "x.ogg", "x.mp3"):
    path = save_audio(name, waveform, 44100)
    back, rate = load_audio(path)
    info = audio_info(path)
    facts[name] = [list(back.shape), rate, info.backend, torch.equal(back, waveform), info.samples]
refused = {}
Path("a.m4a").write_bytes(b"\\0\\0\\0\\x1cftypM4A \\0\\0\\2\\0isomiso2" + bytes(100))
for name, attempt in {
    "load": lambda: load_audio("a.m4a"),
    "info": lambda: audio_info("a.m4a"),
    "save": lambda: save_audio("b.m4a", waveform, 44100),
}.items():
    try:
        attempt()
    except AudioFileError as error:
        refused[name] = [error.problem, error.remedy]
print(json.dumps([facts, refused]))
"""


def run(folder: Path, before: str = "", environment: dict[str, str] | None = None) -> tuple[dict, dict]:
    result = subprocess.run(
        [sys.executable, "-c", before + PROGRAM],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return tuple(json.loads(result.stdout))


@pytest.mark.parametrize(
    ("before", "environment", "reason"),
    [
        ("", HIDE_LIBRARIES, "torchcodec: Could not load libtorchcodec"),
        (IMPORT_FAILS, {}, "torchcodec: Could not load libtorchcodec"),
        (NOT_INSTALLED, {}, "torchcodec: No module named 'torchcodec'"),
    ],
    ids=["libraries missing", "import fails", "not installed"],
)
def test_wav_flac_aiff_ogg_and_mp3_work_and_m4a_names_ffmpeg(before, environment, reason, tmp_path):
    facts, refused = run(tmp_path, before, environment)
    assert facts.pop("ffmpeg") is False
    for name, (shape, rate, backend, same, samples) in facts.items():
        assert (shape, rate, backend, samples) == ([2, 30000], 44100, "soundfile", 30000), name
        assert same == (name in ("x.wav", "x.flac", "x.aiff"))
    for name, problem in {
        "load": f"'a.m4a' has the format MP4, which needs FFmpeg ({reason}).",
        "info": f"'a.m4a' has the format MP4, which needs FFmpeg ({reason}).",
        "save": f"Writing .m4a needs FFmpeg ({reason}).",
    }.items():
        assert refused[name][0] == problem
        assert "Install FFmpeg" in refused[name][1]
        assert "restart the kernel" in refused[name][1]
    assert not (tmp_path / "b.m4a").exists()
