"""Quizzes that remember: questions in data/quizzes, graded in Python, shown as a widget."""

from typing import TYPE_CHECKING

from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_utils.quiz.widget import QuizWidget


def quiz(notebook: str, *names: str) -> "QuizWidget":
    """A notebook's questions as a widget that grades, explains and remembers.

    With the environment variable COURSE_STATIC set, the cell shows a page for reading, answers folded away.

    Args:
        notebook: two digits, such as "01".
        names: ids of the questions to show, in this order; all of them when left out.

    Raises:
        CourseError: there is no such notebook or question, or the question file is faulty.

    Taught in 00_start_here.
    """
    from course_utils.quiz.load import (
        find_question,
        load_quiz,
    )  # imported here so that the package itself costs nothing
    from course_utils.quiz.widget import QuizWidget

    if not isinstance(notebook, str):
        raise CourseError(f"quiz({notebook!r}) does not name a notebook.", 'Write two digits in quotes: quiz("01").')
    questions = load_quiz(notebook)
    if names:
        chosen = tuple(find_question(questions, name) for name in dict.fromkeys(names))
        questions = questions.model_copy(update={"questions": chosen})
    return QuizWidget(questions)
