"""A file is replaced whole or not at all."""

import os
import sys
from pathlib import Path

import pytest

from course_utils import files
from course_utils.files import replace_file


def test_a_new_file_is_written_and_an_old_one_replaced(tmp_path):
    for data in (b"first", b"second"):
        replace_file(tmp_path / "answers.csv", data)
        assert (tmp_path / "answers.csv").read_bytes() == data
    assert os.listdir(tmp_path) == ["answers.csv"]


def test_a_name_of_the_greatest_length_is_no_problem(tmp_path):
    replace_file(str(tmp_path / ("a" * 255)), b"whole")
    assert (tmp_path / ("a" * 255)).read_bytes() == b"whole"


@pytest.mark.parametrize("step", ["write", "rename"])
def test_whatever_fails_the_old_file_stays_whole_and_nothing_else_stays_behind(step, tmp_path, monkeypatch):
    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    def refused(*paths: Path) -> None:
        raise PermissionError(13, "The file is in use")

    (tmp_path / "old.txt").write_bytes(b"old")
    monkeypatch.setattr(*((Path, "write_bytes", half) if step == "write" else (files.os, "replace", refused)))
    with pytest.raises(OSError, match=r"No space|in use"):
        replace_file(tmp_path / "old.txt", b"brand-new")
    assert os.listdir(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_bytes() == b"old"


def test_a_missing_folder_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "nowhere" / "file", b"")


def test_two_at_once_do_not_touch_each_others_unfinished_file(tmp_path, monkeypatch):
    write = Path.write_bytes

    def interrupted(self: Path, data: bytes) -> int:
        written = write(self, data)
        monkeypatch.setattr(Path, "write_bytes", write)
        replace_file(tmp_path / "file", b"the other")
        return written

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    replace_file(tmp_path / "file", b"mine")
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets only administrators make links, and has other modes")
def test_a_link_keeps_pointing_and_the_mode_is_kept(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
