import json
import random
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_utils import progress_store
from course_utils.errors import CourseWarning
from course_utils.progress_store import answers, latest, record, storage_problem, store_path

RECORD_ANSWERS = Path(__file__).with_name("record_answers.py")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty folder for this test's answers."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def answer(item, response="b", correct=True):
    return record("question", item, notebook="01", response=response, correct=correct)


def start_kernel(name, count):
    kernel = subprocess.Popen(
        [sys.executable, RECORD_ANSWERS, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert kernel.stdout.readline() == "ready\n", kernel.stderr.read()
    return kernel


def run_kernels(count, names):
    """Let several kernels answer at the same time; returns what they reported as saved, and what they warned of."""
    kernels = [start_kernel(name, count) for name in names]
    for kernel in kernels:
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    results = [kernel.communicate(timeout=120) for kernel in kernels]
    return [item for saved, _ in results for item in saved.split()], "".join(told for _, told in results)


def run_python(code):
    """Run code in a process of its own; its last line of output, read as JSON."""
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def stored_items():
    return [found.item for found in answers()]


def is_sound(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def change_store(statement):
    connection = sqlite3.connect(store_path(), isolation_level=None)
    connection.execute(statement)
    connection.close()


def damaged_files(home):
    return sorted(home.glob("progress.damaged-*.sqlite"))


# Answers


def test_an_answer_is_found_again_by_another_kernel(home):
    assert answer("01.rate", response={"option": 2, "text": "größer"}, correct=False)
    found = run_python(
        """
        import dataclasses, json
        from course_utils.progress_store import latest
        print(json.dumps(dataclasses.asdict(latest("question", "01.rate"))))
        """
    )
    assert found["response"] == {"option": 2, "text": "größer"}
    assert (found["id"], found["notebook"], found["correct"], found["detail"]) == (1, "01", False, None)
    assert found["at"].endswith("+00:00")


def test_every_answer_is_kept_and_the_last_one_is_the_latest():
    for response in ("a", "b", "a"):
        answer("01.rate", response)
    assert [found.response for found in answers()] == ["a", "b", "a"]
    assert latest("question", "01.rate").id == 3
    assert latest("exercise", "01.rate") is None


def test_answers_can_be_chosen_by_kind_and_notebook():
    record("question", "01.a", notebook="01", response="", correct=None)
    record("question", "02.a", notebook="02", response="", correct=None)
    record("exercise", "02.1", notebook="02", response="", correct=None)
    assert [found.item for found in answers(kind="question")] == ["01.a", "02.a"]
    assert [found.item for found in answers(notebook="02")] == ["02.a", "02.1"]
    assert [found.item for found in answers("question", "02")] == ["02.a"]
    assert [found.kind for found in answers(item="02.1")] == ["exercise"]
    assert answers("question", item="02.1") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values)
def test_a_response_comes_back_as_it_was_given(response):
    answer("01.rate", response)
    assert latest("question", "01.rate").response == response


def test_what_json_has_no_form_for_is_kept_as_its_text():
    answer("01.rate", {"path": Path("speech.wav"), "pair": (1, 2)})
    assert latest("question", "01.rate").response == {"path": "speech.wav", "pair": [1, 2]}
    endless = [1]
    endless.append(endless)
    for response, text in [({(1, 2): 3}, "{(1, 2): 3}"), (endless, "[1, [...]]")]:
        answer("01.rate", response)
        assert latest("question", "01.rate").response == text


def test_the_store_needs_no_torch():
    assert run_python("import sys, course_utils.progress; print(int('torch' in sys.modules))") == 0


# Several writers, killed writers


def test_two_kernels_that_answer_at_once_lose_nothing():
    saved, told = run_kernels(200, ["01", "02"])
    assert len(saved) == 400
    assert sorted(stored_items()) == sorted(saved)
    assert told == ""


def test_threads_of_one_kernel_store_every_answer_once(home, recwarn):
    home.write_text("a file where the folder should be", encoding="utf-8")
    answer("01.waiting")
    home.unlink()
    threads = [threading.Thread(target=answer, args=(f"01.{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored_items()) == sorted(["01.waiting", *(f"01.{number}" for number in range(20))])


def test_a_kernel_killed_at_any_moment_loses_no_saved_answer():
    chance = random.Random(0)
    saved = []
    for number in range(25):
        kernel = start_kernel(f"{number:02}", 100_000)
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
        saved.append(kernel.stdout.readline().rstrip("\n"))
        time.sleep(chance.uniform(0, 0.1))
        kernel.kill()
        saved += kernel.communicate()[0].split("\n")[:-1]
        assert is_sound(store_path())
        assert set(saved) <= set(stored_items())
    assert len(set(saved)) == len(saved) >= 25


def test_a_write_broken_off_half_way_is_undone(home):
    answer("01.before", "x" * 100_000)
    killed = """if True:
        import os, sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file before the commit
        connection.execute("UPDATE answers SET response = replace(response, 'x', 'y')")
        os._exit(9)
    """
    assert subprocess.run([sys.executable, "-c", killed, store_path()]).returncode == 9
    assert b"yyyy" in store_path().read_bytes()
    assert answer("01.after")
    assert [(found.item, found.response[0]) for found in answers()] == [("01.before", "x"), ("01.after", "b")]
    assert is_sound(store_path())


# A store that cannot be used


UNKNOWN_HOME = """if True:
    import json, os, sys, warnings
    os.environ.update(json.loads(sys.argv[1]))
    for name in ("HOME", "USERPROFILE", "HOMEPATH", "XDG_DATA_HOME"):
        os.environ.pop(name, None)
    if sys.platform != "win32":
        import pwd
        def nobody(uid):
            raise KeyError(uid)
        pwd.getpwuid = nobody
    from course_utils.progress_store import answers, record, storage_problem, store_path
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        saved = [record("question", "01.a", notebook="01", response="b", correct=True) for _ in range(2)]
    print(json.dumps([saved, len(answers()), str(store_path()), [str(w.message) for w in told], storage_problem()]))
"""


@pytest.mark.parametrize("home", ["", "~no-such-user/answers"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows always knows the folder of a user's data")
def test_without_a_known_home_folder_a_temporary_one_serves_and_that_is_told_once(tmp_path, home):
    environment = json.dumps({"COURSE_HOME": home, "TMPDIR": str(tmp_path)})
    result = subprocess.run([sys.executable, "-c", UNKNOWN_HOME, environment], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    saved, count, path, told, problem = json.loads(result.stdout)
    assert (saved, count, problem) == ([True, True], 2, None)
    assert Path(path).is_relative_to(tmp_path)
    assert len(told) == 1
    assert "set the environment variable COURSE_HOME" in told[0]


def test_a_folder_that_cannot_be_made_keeps_the_course_going_and_says_so_once(home, recwarn):
    home.write_text("a file where the folder should be", encoding="utf-8")
    assert not answer("01.rate", "a")
    assert not answer("01.rate", "b")
    assert latest("question", "01.rate").response == "b"
    assert stored_items() == ["01.rate", "01.rate"]
    (told,) = recwarn
    assert issubclass(told.category, CourseWarning)
    assert f"cannot be stored in {store_path()}" in str(told.message)
    assert "COURSE_HOME" in str(told.message)
    assert told.filename == __file__
    assert storage_problem() == str(told.message)


def test_answers_that_waited_are_stored_in_their_order_once_the_store_works(home, recwarn):
    home.write_text("a file where the folder should be", encoding="utf-8")
    answer("01.first")
    answer("01.second")
    home.unlink()
    assert answer("01.third")
    assert [(found.id, found.item) for found in answers()] == [(1, "01.first"), (2, "01.second"), (3, "01.third")]
    assert storage_problem() is None


def test_answers_that_wait_belong_to_their_own_learner(home, tmp_path, monkeypatch, recwarn):
    home.write_text("a file where the folder should be", encoding="utf-8")
    answer("01.mine")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "another"))
    answer("01.theirs")
    assert stored_items() == ["01.theirs"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
def test_a_full_disk_keeps_the_course_going_and_says_so_once():
    result = run_python(
        """
        import json, resource, warnings
        from course_utils.progress_store import answers, latest, record, store_path

        def answer(item):
            return record("question", item, notebook="01", response="x" * 5000, correct=True)

        def limit_files(size):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        saved = [answer("01.before")]
        with warnings.catch_warnings(record=True) as told:
            limit_files(store_path().stat().st_size)
            saved += [answer("01.full"), answer("01.still-full")]
            found = latest("question", "01.full") is not None
            before = [answer.item for answer in answers()]
            limit_files(resource.RLIM_INFINITY)
            saved += [answer("01.after")]
        print(json.dumps([saved, found, before, [answer.id for answer in answers()], [str(w.message) for w in told]]))
        """
    )
    saved, found, before, ids, told = result
    assert saved == [True, False, False, True]
    assert found
    assert before == ["01.before", "01.full", "01.still-full"]
    assert ids == [1, 2, 3, 4]
    assert len(told) == 1
    assert "Free some disk space" in told[0]
    assert is_sound(store_path())


@pytest.mark.skipif(sys.platform == "win32", reason="A Windows folder's read-only flag does not stop writing into it")
def test_a_read_only_store_can_still_be_read():
    result = run_python(
        """
        import json, os, pathlib, shutil, tempfile, warnings

        home = pathlib.Path(tempfile.mkdtemp())  # directly in a folder that every user may enter
        os.environ["COURSE_HOME"] = str(home)
        from course_utils.progress_store import answers, record, store_path

        def answer(item):
            return record("question", item, notebook="01", response="b", correct=True)

        saved = [answer("01.before")]
        store_path().chmod(0o444)
        home.chmod(0o555)
        root = os.geteuid() == 0
        if root:  # whom permissions do not bind
            os.seteuid(65534)
        with warnings.catch_warnings(record=True) as told:
            read = [answer.item for answer in answers()]
            told_by_reading = len(told)
            saved += [answer("01.kept"), answer("01.kept-too")]
            both = [answer.item for answer in answers()]
        if root:
            os.seteuid(0)
        home.chmod(0o755)
        store_path().chmod(0o644)
        saved += [answer("01.after")]
        ids = [answer.id for answer in answers()]
        shutil.rmtree(home)
        print(json.dumps([saved, read, told_by_reading, both, ids, [str(w.message) for w in told]]))
        """
    )
    saved, read, told_by_reading, both, ids, told = result
    assert read == ["01.before"]
    assert told_by_reading == 0
    assert saved == [True, False, False, True]
    assert both == ["01.before", "01.kept", "01.kept-too"]
    assert ids == [1, 2, 3, 4]
    assert len(told) == 1
    assert "readonly" in told[0]


# A damaged store


def filled_store():
    for number in range(30):
        answer(f"01.{number}", "x" * 1000)
    return store_path()


def overwrite(path, data):
    path.write_bytes(data)
    return data


DAMAGE = {
    "text": lambda data: b"These are not the answers you are looking for.\n" * 50,
    "random bytes": lambda data: random.Random(1).randbytes(len(data)),
    "cut to two bytes": lambda data: data[:2],
    "cut inside the header": lambda data: data[:50],
    "cut after a page": lambda data: data[:4096],
    "cut in the middle": lambda data: data[: len(data) // 2],
    "last page lost": lambda data: data[:-4096],
    "a page of zeros": lambda data: data[:8192] + bytes(4096) + data[12288:],
    "a bit of the schema flipped": lambda data: data.replace(b"response TEXT", b"r\xe5sponse TEXT"),
    "a broken word in the schema": lambda data: data.replace(b"CREATE TABLE", b"CREATE \xd4ABLE"),
    "another program's database": lambda data: data.replace(b"answers", b"letters"),
    "schema overwritten": lambda data: data[:100] + b"\xff" * 3996 + data[4096:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_kept_aside_and_a_new_one_started(home, recwarn, damage):
    path = filled_store()
    data = overwrite(path, DAMAGE[damage](path.read_bytes()))
    assert answer("01.new")
    assert answer("01.newer")
    assert stored_items() == ["01.new", "01.newer"]
    (kept,) = damaged_files(home)
    assert kept.read_bytes() == data
    (told,) = recwarn
    assert f"damaged. It is kept as {kept}" in str(told.message)
    assert is_sound(path)


def test_reading_a_damaged_store_says_so_and_finds_nothing():
    overwrite(filled_store(), b"garbage")
    with pytest.warns(CourseWarning, match="damaged"):
        assert answers() == []
    assert latest("question", "01.1") is None


def test_a_second_damaged_store_does_not_replace_the_first(home, recwarn):
    for text in (b"first", b"second"):
        answer("01.rate")
        overwrite(store_path(), text)
        answers()
    assert {file.read_bytes() for file in damaged_files(home)} == {b"first", b"second"}
    assert len(recwarn) == 2


def test_a_false_alarm_moves_nothing(home, monkeypatch):
    answer("01.before")
    look = progress_store._is_damaged
    monkeypatch.setattr(progress_store, "_is_damaged", lambda path, uri=False: uri or look(path))
    assert answer("01.after")
    assert stored_items() == ["01.before", "01.after"]
    assert damaged_files(home) == []


def test_an_empty_file_is_an_empty_store(home):
    home.mkdir()
    store_path().touch()
    assert answer("01.rate")
    assert damaged_files(home) == []


@pytest.mark.parametrize("attempt", range(3))
def test_kernels_that_find_the_damage_at_once_move_only_the_damaged_file(home, attempt):
    home.mkdir()
    overwrite(store_path(), b"garbage" * 1000)
    saved, told = run_kernels(20, ["01", "02", "03", "04"])
    assert len(saved) == 80
    assert sorted(stored_items()) == sorted(saved)
    assert [file.read_bytes() for file in damaged_files(home)] == [b"garbage" * 1000]
    assert told.count("CourseWarning") == 1


def test_flipped_bits_never_stop_the_course(recwarn):
    sound = filled_store().read_bytes()
    chance = random.Random(2)
    for _ in range(100):
        data = bytearray(sound)
        for _ in range(chance.choice([1, 1, 10])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        store_path().write_bytes(data)
        answer("01.after")
        assert answers()[-1].item == latest("question", "01.after").item == "01.after"


def test_a_response_that_a_flipped_bit_made_unreadable_is_shown_as_it_is():
    answer("01.rate", "b")
    change_store("UPDATE answers SET response = '!b\"'")
    assert latest("question", "01.rate").response == '!b"'


# Versions of the store


def test_a_store_of_a_newer_course_is_left_alone(recwarn):
    answer("01.rate")
    change_store("PRAGMA user_version = 99")
    data = store_path().read_bytes()
    assert not answer("01.after")
    assert stored_items() == ["01.after"]
    assert store_path().read_bytes() == data
    (told,) = recwarn
    assert "newer version of this course. Update the course" in str(told.message)
    change_store("PRAGMA user_version = 1")
    assert answer("01.updated")
    assert stored_items() == ["01.rate", "01.after", "01.updated"]


def test_a_store_of_an_older_course_is_brought_up_to_date(monkeypatch):
    answer("01.rate", "a")
    new_column = "ALTER TABLE answers ADD COLUMN place TEXT"
    monkeypatch.setattr(progress_store, "MIGRATIONS", (*progress_store.MIGRATIONS, new_column))
    answer("01.rate", "b")
    connection = sqlite3.connect(store_path())
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT place FROM answers").fetchall() == [(None,), (None,)]
    connection.close()
    assert [found.response for found in answers()] == ["a", "b"]


def test_a_migration_that_fails_half_way_changes_nothing(monkeypatch, recwarn):
    answer("01.rate")
    steps = ("ALTER TABLE answers ADD COLUMN place TEXT", "ALTER TABLE missing ADD COLUMN place TEXT")
    with monkeypatch.context() as patch:
        patch.setattr(progress_store, "MIGRATIONS", (*progress_store.MIGRATIONS, *steps))
        assert not answer("01.after")
        assert "no such table: missing" in storage_problem()
    assert answer("01.later")
    assert stored_items() == ["01.rate", "01.after", "01.later"]
