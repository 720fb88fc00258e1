"""Tests keep their hands off what belongs to the learner."""

import os
from pathlib import Path

from course_utils.paths import state_dir


def test_tests_keep_their_progress_in_a_folder_of_their_own(course_home, monkeypatch):
    during_tests = state_dir()
    monkeypatch.delenv("COURSE_HOME")
    assert during_tests == course_home
    assert during_tests != state_dir()


def test_a_sandboxed_process_keeps_its_progress_in_its_own_folder(offline_environment, tmp_path):
    assert Path(offline_environment["COURSE_HOME"]).is_relative_to(tmp_path)
    assert offline_environment["COURSE_HOME"] != os.environ["COURSE_HOME"]
