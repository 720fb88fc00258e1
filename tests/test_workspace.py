import copy
import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import CourseError
from course_utils.workspace import reset, sync


def code(source: str, outputs: tuple = ()) -> dict:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}, "execution_count": None}


def write(path: Path, *cells: dict, **metadata: str) -> bytes:
    path.parent.mkdir(exist_ok=True)
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path.read_bytes()


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    write(tmp_path / "notebooks" / "00_start_here.ipynb", code("hello"))
    write(tmp_path / "notebooks" / "01_audio_io.ipynb", code("load"), code("save"))
    return tmp_path / "notebooks"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def notebooks(work: Path) -> list[str]:
    return sorted(path.name for path in work.glob("*.ipynb"))


def test_the_first_start_brings_every_notebook(originals, work):
    assert sync(originals, work) == ["Added: 00_start_here, 01_audio_io"]
    for original in originals.iterdir():
        assert (work / original.name).read_bytes() == original.read_bytes()


def test_later_starts_say_nothing_when_nothing_is_new(originals, work):
    sync(originals, work)
    assert sync(originals, work) == []


def test_later_starts_bring_what_is_new_or_was_deleted(originals, work):
    sync(originals, work)
    (work / "00_start_here.ipynb").unlink()
    write(originals / "02_seeing_sound.ipynb", code("plot"))
    assert sync(originals, work) == ["Added: 00_start_here, 02_seeing_sound"]


def test_an_untouched_copy_follows_the_course(originals, work):
    sync(originals, work)
    newer = write(originals / "01_audio_io.ipynb", code("load better"))
    assert sync(originals, work) == ["Updated: 01_audio_io"]
    assert (work / "01_audio_io.ipynb").read_bytes() == newer
    assert notebooks(work) == ["00_start_here.ipynb", "01_audio_io.ipynb"]


@pytest.mark.parametrize(
    "cells",
    [
        [code("load my own file"), code("save")],
        [code("load")],
        [code("load"), code("save"), code("try this")],
        [code("save"), code("load")],
        [{"cell_type": "markdown", "source": "load", "metadata": {}}, code("save")],
    ],
    ids=["changed", "removed", "added", "moved", "turned into text"],
)
def test_an_edited_copy_is_never_overwritten(originals, work, cells):
    sync(originals, work)
    mine = write(work / "01_audio_io.ipynb", *cells)
    write(originals / "01_audio_io.ipynb", code("load better"))
    for _ in range(2):
        [line] = sync(originals, work)
        assert "kept as you edited" in line
        assert line.endswith(": 01_audio_io")
        assert (work / "01_audio_io.ipynb").read_bytes() == mine


def test_an_edited_copy_is_not_mentioned_while_the_course_has_nothing_newer(originals, work):
    sync(originals, work)
    write(work / "01_audio_io.ipynb", code("mine"))
    assert sync(originals, work) == []


def test_a_copy_that_was_only_run_follows_the_course_and_the_run_is_kept(originals, work):
    sync(originals, work)
    ran = write(work / "01_audio_io.ipynb", code("load", ({"text": "42"},)), code("save"), code(""), kernel="python3")
    newer = write(originals / "01_audio_io.ipynb", code("load better"))
    assert sync(originals, work) == ["Updated, with what you have run kept beside them: 01_audio_io"]
    assert (work / "01_audio_io.ipynb").read_bytes() == newer
    [kept] = work.glob("01_audio_io.*-*.ipynb")
    assert kept.read_bytes() == ran


def test_a_copy_that_was_only_opened_and_saved_leaves_nothing_behind(originals, work):
    sync(originals, work)
    write(work / "01_audio_io.ipynb", code("load"), code("save"), kernel="python3")
    write(originals / "01_audio_io.ipynb", code("load better"))
    assert sync(originals, work) == ["Updated: 01_audio_io"]
    assert notebooks(work) == ["00_start_here.ipynb", "01_audio_io.ipynb"]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"cells": 3}', b'{"cells": [{}]}'])
def test_a_damaged_copy_counts_as_edited(originals, work, damage):
    sync(originals, work)
    (work / "01_audio_io.ipynb").write_bytes(damage)
    write(originals / "01_audio_io.ipynb", code("load better"))
    sync(originals, work)
    assert (work / "01_audio_io.ipynb").read_bytes() == damage


def test_a_copy_from_an_unknown_time_counts_as_edited(originals, work):
    mine = write(work / "01_audio_io.ipynb", code("load"))
    sync(originals, work)
    assert (work / "01_audio_io.ipynb").read_bytes() == mine


def test_reset_brings_the_original_back_and_keeps_the_copy(originals, work):
    sync(originals, work)
    mine = write(work / "01_audio_io.ipynb", code("mine"))
    line = reset("01", originals, work)
    [kept] = work.glob("01_audio_io.*-*.ipynb")
    assert kept.name in line
    assert kept.read_bytes() == mine
    assert (work / "01_audio_io.ipynb").read_bytes() == (originals / "01_audio_io.ipynb").read_bytes()


def test_resets_in_the_same_second_keep_every_copy(originals, work):
    contents = {write(work / "01_audio_io.ipynb", code(f"attempt {number}")) for number in range(3)}
    for content in contents:
        (work / "01_audio_io.ipynb").write_bytes(content)
        reset("01", originals, work)
    assert {path.read_bytes() for path in work.glob("01_audio_io.*-*.ipynb")} == contents


def test_reset_of_an_untouched_copy_changes_nothing(originals, work):
    sync(originals, work)
    assert "nothing to bring back" in reset("01", originals, work)
    assert notebooks(work) == ["00_start_here.ipynb", "01_audio_io.ipynb"]


@pytest.mark.parametrize("name", ["01", "1", "01_audio_io", "01_audio_io.ipynb"])
def test_reset_takes_a_number_or_a_name(originals, work, name):
    reset(name, originals, work)
    assert notebooks(work) == ["01_audio_io.ipynb"]


def test_reset_of_an_unknown_notebook_names_the_known_ones(originals, work):
    with pytest.raises(CourseError, match=r"no notebook '99'.*00_start_here, 01_audio_io"):
        reset("99", originals, work)


def test_reset_of_nothing_is_refused(originals, work):
    with pytest.raises(CourseError, match="no notebook ''"):
        reset("", originals, work)
    assert notebooks(work) == []


@pytest.mark.parametrize("call", [sync, lambda originals, work: reset("01", originals, work)], ids=["sync", "reset"])
def test_a_folder_named_like_a_notebook_is_told_and_left_alone(originals, work, call):
    (work / "01_audio_io.ipynb").mkdir(parents=True)
    with pytest.raises(CourseError, match=r"01_audio_io\.ipynb is a folder.*Rename the folder"):
        call(originals, work)
    assert (work / "01_audio_io.ipynb").is_dir()


def test_starts_at_the_same_time_do_not_disturb_each_other(originals, work):
    for number in range(2, 60):
        write(originals / f"{number:02}_more.ipynb", code("x" * 10_000))
    program = (
        "import sys; from pathlib import Path; from course_utils.workspace import sync\n"
        "print('ready', flush=True); input(); sync(*map(Path, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, originals, work]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    starts = [subprocess.Popen(command, text=True, **pipes) for _ in range(4)]
    for start in starts:
        start.stdout.readline()
    for start in starts:
        start.stdin.write("\n")
        start.stdin.flush()
    assert [start.communicate()[1] for start in starts] == [""] * 4
    assert notebooks(work) == notebooks(originals)
    assert sync(originals, work) == []


def test_a_full_disk_is_told_and_leaves_nothing_half_written(originals, work, monkeypatch):
    def write_bytes(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    sync(originals, work)
    before = sorted(work.rglob("*"))
    write(originals / "01_audio_io.ipynb", code("load better"))
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(CourseError, match="No space left on device"):
        sync(originals, work)
    assert sorted(work.rglob("*")) == before


def test_a_copy_that_cannot_be_kept_whole_is_not_kept_by_half(originals, work, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(path: Path, mode: str = "r", **options: object):
        return real_open(path, mode, **options).close() or Full() if mode == "xb" else real_open(path, mode, **options)

    real_open = Path.open
    sync(originals, work)
    mine = write(work / "01_audio_io.ipynb", code("mine"))
    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(CourseError, match="No space left on device"):
        reset("01", originals, work)
    assert notebooks(work) == ["00_start_here.ipynb", "01_audio_io.ipynb"]
    assert (work / "01_audio_io.ipynb").read_bytes() == mine


def test_a_course_without_notebooks_is_refused(tmp_path, work):
    with pytest.raises(CourseError, match="no notebooks"):
        sync(tmp_path, work)


def test_a_folder_that_cannot_be_written_is_named(originals, work):
    work.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(CourseError, match=r"00_start_here\.ipynb could not be written"):
        sync(originals, work)


@pytest.mark.parametrize("survived", range(4))
def test_a_call_cut_off_anywhere_is_finished_by_the_next(originals, work, survived, monkeypatch):
    sync(originals, work)
    for original in originals.iterdir():
        write(original, code("newer"))
    replaced = []

    def replace(source: Path, target: Path) -> None:
        if len(replaced) == survived:
            raise KeyboardInterrupt
        replaced.append(target)
        real_replace(source, target)

    real_replace = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            sync(originals, work)
    sync(originals, work)
    for original in originals.iterdir():
        assert (work / original.name).read_bytes() == original.read_bytes()
    assert sync(originals, work) == []


OUTPUTS = st.sampled_from([(), ({"text": "42"},)])
CELLS = st.lists(st.builds(code, st.sampled_from(["", "load", "save", "mine"]), OUTPUTS), max_size=3)


@given(old=CELLS, theirs=CELLS, newer=CELLS)
def test_nothing_that_a_learner_typed_or_ran_is_ever_lost(old, theirs, newer):
    with TemporaryDirectory() as folder:
        originals, work = Path(folder) / "notebooks", Path(folder) / "work"
        write(originals / "01_audio_io.ipynb", *old)
        sync(originals, work)
        mine = write(work / "01_audio_io.ipynb", *copy.deepcopy(theirs))
        write(originals / "01_audio_io.ipynb", *newer)
        sync(originals, work)
        worth_keeping = [cell["source"] for cell in theirs if cell["source"]] != [
            cell["source"] for cell in old if cell["source"]
        ] or any(cell["outputs"] for cell in theirs)
        if worth_keeping:
            assert mine in {path.read_bytes() for path in work.glob("*.ipynb")}
