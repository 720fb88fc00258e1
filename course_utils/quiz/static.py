"""A quiz as plain HTML, for pages where no kernel answers."""

from collections.abc import Iterable

from course_utils.quiz.grading import solution
from course_utils.quiz.markdown import inline, parse, to_html
from course_utils.quiz.model import Order, Question, Reveal
from course_utils.quiz.session import Session

STYLE = """
.course-quiz-page > section { margin: 1.5em 0; max-width: 46em; }
.course-quiz-page details { margin-top: 0.5em; }
.course-quiz-page summary { cursor: pointer; }
"""

# With the attribute JupyterLab keeps its shortcuts from it while it has the focus: "x" would cut the cell.
SUMMARY = '<summary data-lm-suppress-shortcuts="true">Answer</summary>'


def quiz_html(sessions: Iterable[Session], *, answers: bool) -> str:
    """The questions with their options, as HTML without scripts.

    Args:
        sessions: the questions to show.
        answers: add each answer with its explanation, folded away. Only for a page that is published for reading.
    """
    parts = [f"<style>{STYLE}</style>"]
    if not answers:
        parts.append("<p>To answer these questions, open this notebook in JupyterLab and run the cell above.</p>")
    for number, session in enumerate(sessions, 1):
        parts.append(f"<section><p><strong>Question {number}</strong></p>{_question(session)}")
        parts.append(f"{_answer(session.question)}</section>" if answers else "</section>")
    return f'<div class="course-quiz-page">{"".join(parts)}</div>'


def _question(session: Session) -> str:
    view = session.view()
    lines = view.get("options") or view.get("items") or []
    listed = "".join(f"<li>{to_html(line)}</li>" for line in lines)
    clips = [f"<p>Audio: {to_html([label])}</p>" for label in view.get("clips", [])]
    return to_html(view["prompt"]) + "".join(clips) + (f"<ul>{listed}</ul>" if listed else "")


def _answer(question: Question) -> str:
    if isinstance(question, Reveal):
        body = to_html(parse(question.answer))
    else:
        tag = "ol" if isinstance(question, Order) else "ul"
        right = "".join(f"<li>{to_html(inline(text))}</li>" for text in solution(question))
        body = f"<{tag}>{right}</{tag}>{to_html(parse(question.explanation or ''))}"
    return f"<details>{SUMMARY}{body}</details>"
