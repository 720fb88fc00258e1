"""Exercises: `exercise("01.1").check(answer)`, `.hint()`, `.solution()`, `.last()`.

The definitions live in one module per notebook (`e01_audio_io.py` for 01_audio_io), where an exercise's
stub, solution, check and foreseen wrong answers stand together.
"""

import importlib
import pkgutil

from course_utils.errors import CourseError
from course_utils.exercises.definition import Exercise
from course_utils.exercises.session import ExerciseSession


def exercise(exercise_id: str) -> ExerciseSession:
    """The exercise with this id, for example `exercise("01.2")`.

    Args:
        exercise_id: notebook and number.

    Raises:
        CourseError: there is no such exercise.

    Taught in 00_start_here.
    """
    found = {definition.id: definition for definition in definitions(exercise_id.split(".")[0])}
    if exercise_id not in found:
        known = ", ".join(found) or "none"
        raise CourseError(f'There is no exercise "{exercise_id}".', f"Exercises of this notebook: {known}.")
    return ExerciseSession(found[exercise_id])


def definitions(notebook: str) -> list[Exercise]:
    """The exercise definitions of a notebook, in their order; `notebook` is its number, such as "01"."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith(f"e{notebook}_"):
            return importlib.import_module(f"{__name__}.{module.name}").EXERCISES
    return []
