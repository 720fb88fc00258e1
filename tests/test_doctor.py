import json
import os
import socket
import sys
import threading
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path

import platformdirs
import pytest

from course_utils import doctor
from course_utils.doctor import Check


def test_every_part_is_looked_at_and_whatever_is_not_ok_has_a_remedy():
    results = doctor.checks()
    assert [check.name for check in results] == [
        "Python",
        "torch and torchaudio",
        "torchcodec and FFmpeg",
        "soundfile",
        "jupyterlab",
        "ipywidgets",
        "anywidget",
        "other packages",
        "progress store",
        "disk",
        "network",
        "downloaded models",
        "GPU",
    ]
    for check in results:
        assert check.status in {"ok", "warning", "problem"}
        assert check.found
        assert bool(check.remedy) == (check.status != "ok")


def test_this_environment_has_no_problem():
    problems = [check for check in doctor.checks() if check.status == "problem" and check.name != "disk"]
    assert problems == []


def test_an_unsupported_python_is_a_problem(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.14.1")
    check = doctor.check_python()
    assert check.status == "problem"
    assert ">=3.11" in check.remedy


@pytest.mark.parametrize(
    ("module", "look"),
    [
        ("torchaudio", doctor.check_torch),
        ("torchcodec", doctor.check_torchcodec),
        ("soundfile", doctor.check_soundfile),
    ],
)
def test_a_package_that_cannot_be_imported_is_reported(module, look, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    check = look()
    assert check.status == "problem"
    assert f"import of {module} halted" in check.found
    assert check.remedy


def test_torch_and_torchaudio_that_do_not_belong_together_are_a_problem(monkeypatch):
    monkeypatch.setattr("torchaudio.__version__", "2.10.0+cpu")
    check = doctor.check_torch()
    assert check.status == "problem"
    assert "2.10.0+cpu do not belong together" in check.found


def test_a_torch_with_another_last_number_belongs_to_the_same_torchaudio(monkeypatch):
    monkeypatch.setattr("torch.__version__", "2.11.1+cpu")
    monkeypatch.setattr("torchaudio.__version__", "2.11.0+cpu")
    assert doctor.check_torch().status == "ok"


@pytest.mark.parametrize("error", [metadata.PackageNotFoundError("x"), KeyError("Version"), TypeError("no record")])
def test_a_course_whose_records_are_lost_is_a_problem_with_a_remedy(error, monkeypatch):
    def lost(name: str) -> None:
        raise error

    for name in ("version", "metadata", "requires"):
        monkeypatch.setattr(metadata, name, lost)
    results = {check.name: check for check in doctor.checks()}
    for name in ("Python", doctor.COURSE):
        assert results[name].status == "problem"
        assert "force-reinstall" in results[name].remedy or ".venv" in results[name].remedy
    assert doctor.report([])["packages"] == {doctor.COURSE: "missing"}


def test_without_a_known_home_folder_the_doctor_still_reports(monkeypatch):
    def unknown(*arguments: object, **options: object) -> None:
        raise RuntimeError("Could not determine home directory.")

    for name in ("COURSE_HOME", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(platformdirs, "user_data_path", unknown)
    [store] = [check for check in doctor.checks() if check.name == "progress store"]
    assert store.status == "warning"
    assert "COURSE_HOME" in store.remedy


def test_a_home_folder_that_is_the_root_of_the_disk_hides_nothing(monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: os.sep)
    assert doctor._without_home(f"in {os.sep}data{os.sep}course") == f"in {os.sep}data{os.sep}course"


def test_without_ffmpeg_the_course_works_with_less(monkeypatch):
    monkeypatch.setattr("torchcodec.ffmpeg_major_version", None)
    monkeypatch.setattr(doctor, "find_ffmpeg", lambda: None)
    check = doctor.check_torchcodec()
    assert check.status == "warning"
    assert "WAV, FLAC, OGG and MP3 only" in check.found
    assert "FFmpeg" in check.remedy


def test_an_ffmpeg_without_shared_libraries_is_told_apart_from_none(monkeypatch):
    monkeypatch.setattr("torchcodec.ffmpeg_major_version", None)
    monkeypatch.setattr(doctor, "find_ffmpeg", lambda: r"C:\ffmpeg\bin\ffmpeg.exe")
    assert "shared libraries" in doctor.check_torchcodec().found


def test_formats_are_tried_for_real():
    assert doctor.check_soundfile().found.endswith("writes and reads WAV, FLAC, OGG, MP3")


def test_a_format_that_fails_is_named(monkeypatch):
    def round_trip(name: str) -> int:
        if name == "MP3":
            raise RuntimeError("no encoder")
        return 0 if name == "OGG" else 4000

    monkeypatch.setattr(doctor, "_soundfile_round_trip", round_trip)
    check = doctor.check_soundfile()
    assert check.status == "warning"
    assert check.found.endswith("writes and reads WAV, FLAC; not OGG, MP3")


def test_the_bounds_are_those_of_the_installed_course(monkeypatch):
    monkeypatch.setattr(
        "importlib.metadata.requires", lambda name: ["jupyterlab>=99", "rich>=98", "pytest>=97 ; extra == 'test'"]
    )
    lab, rich = doctor.check_packages()[:2]
    assert (lab.name, lab.status) == ("jupyterlab", "problem")
    assert lab.found.endswith("needs >=99")
    assert (rich.name, rich.status) == ("rich", "problem")


def test_a_missing_package_is_a_problem(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such-package>=1"])
    [check] = doctor.check_packages()
    assert (check.status, check.found) == ("problem", "missing, needs >=1")


def test_a_progress_store_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    check = doctor.check_progress_store()
    assert check.status == "problem"
    assert "COURSE_HOME" in check.remedy


@pytest.mark.parametrize(("free", "status"), [(50e9, "ok"), (1e9, "warning"), (1e8, "problem")])
def test_a_nearly_full_disk_is_told_in_time(free, status, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": free}))
    assert doctor.check_disk().status == status


def test_a_host_that_answers_is_a_network(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(doctor, "WEIGHTS_HOST", server.getsockname())
        assert doctor.check_network().found == "127.0.0.1 answers"


def test_being_offline_is_no_problem(monkeypatch):
    monkeypatch.setattr(doctor, "WEIGHTS_HOST", ("127.0.0.1", 1))
    check = doctor.check_network()
    assert check.status == "ok"
    assert "works offline" in check.found


def test_a_name_server_that_never_answers_does_not_hold_the_doctor_up(monkeypatch):
    def connect(address: tuple[str, int], timeout: float) -> None:
        released.wait()
        raise OSError

    released = threading.Event()
    monkeypatch.setattr(doctor, "NETWORK_SECONDS", 0.1)
    monkeypatch.setattr("socket.create_connection", connect)
    network = next(check for check in doctor.checks() if check.name == "network")
    released.set()
    assert "does not answer" in network.found


def test_downloaded_models_are_listed(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert doctor.check_weights().found == "none; the lessons run without"
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "wav2vec2.pth").write_bytes(bytes(3_000_000))
    assert "wav2vec2.pth (3 MB)" in doctor.check_weights().found


def test_models_are_looked_for_where_torch_puts_them(monkeypatch):
    import torch.hub

    seen = []
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: seen.append(folder) or iter(()))
    for name, value in {"TORCH_HOME": "/here", "XDG_CACHE_HOME": "/there"}.items():
        monkeypatch.delenv("TORCH_HOME", raising=False)
        monkeypatch.setenv(name, value)
        doctor.check_weights()
        assert seen[-1] == Path(torch.hub.get_dir()) / "checkpoints"


def test_the_report_says_what_a_maintainer_needs_and_not_who_the_learner_is(tmp_path: Path, monkeypatch):
    home = tmp_path / "home" / "ada"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("COURSE_HOME", str(home / "course"))
    report = doctor.report(doctor.checks())
    text = json.dumps(report)
    assert "ada" not in text
    assert f"~{os.sep}course" in [check["found"] for check in report["checks"]]
    assert report["packages"]["torch"].startswith("2.11")
    assert report["platform"]


def test_the_report_knows_another_name_of_the_home_folder(tmp_path: Path, monkeypatch):
    (tmp_path / "disk" / "ada").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk" / "ada")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "disk" / "ada" / "course"))
    assert "ada" not in json.dumps(doctor.report(doctor.checks()))


class Table(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_table_in_a_notebook_can_be_followed_by_a_screen_reader():
    table = Table(doctor.to_html([Check("disk", "warning", "<1 GB>", "Free some space."), Check("GPU", "ok", "none")]))
    assert ("caption", {}) in table.elements
    assert [scope["scope"] for tag, scope in table.elements if tag == "th"] == ["col"] * 4 + ["row"] * 2
    assert {"warning", "ok", "<1 GB>", "Free some space."} <= set(table.texts)


def test_the_table_has_no_empty_column():
    table = Table(doctor.to_html([Check("GPU", "ok", "none"), Check("disk", "ok", "9 GB free")]))
    assert "What to do" not in table.texts
    assert [tag for tag, _ in table.elements if tag in ("th", "td")] == ["th"] * 3 + ["th", "td", "td"] * 2


def test_in_a_notebook_the_doctor_shows_the_table(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setattr(doctor, "checks", lambda: [Check("GPU", "ok", "none")])
    doctor.doctor()
    assert "<caption>" in shown[0].data
