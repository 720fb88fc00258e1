"""The quiz in a notebook: a thin layer between the browser and the sessions."""

import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import anywidget
import traitlets

from course_utils.errors import CourseError
from course_utils.progress_store import Answer, answers, storage_problem
from course_utils.quiz.model import Listen, Quiz, Reveal
from course_utils.quiz.session import Session
from course_utils.quiz.static import quiz_html

_HERE = Path(__file__).parent

_busy = threading.Lock()  # JupyterLab may run the handlers of messages in several threads
_shown: WeakSet["QuizWidget"] = WeakSet()
"""All quizzes of this kernel: a question that stands in two of them is answered in both."""


class QuizWidget(anywidget.AnyWidget):
    """Questions that are graded in Python and remembered.

    The browser sends `{"type": "check", "id": ..., "response": ..., "request": n}`, or `hint`, `show`, `reveal`,
    `again` and `clips` in place of `check`. It gets the new state, and `{"type": "done", "request": n}`, so that it can
    tell a slow kernel from a dead one; or `refused`; or `failed` with a `text` that says why.

    Args:
        quiz: the questions to show.
    """

    _esm = _HERE / "quiz.js"
    _css = _HERE / "quiz.css"

    views = traitlets.List().tag(sync=True)
    """What the questions look like, without their keys."""
    results = traitlets.Dict().tag(sync=True)
    """For each question's id what the answers have earned so far."""
    progress = traitlets.Unicode().tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)
    """Why answers cannot be stored, if so."""
    patience_ms = traitlets.Int(5000).tag(sync=True)
    """After how many milliseconds without an answer from the kernel the browser says so."""

    def __init__(self, quiz: Quiz):
        past: dict[str, list[Answer]] = {}
        for answer in answers("question", quiz.notebook):
            past.setdefault(answer.item, []).append(answer)
        self._sessions = {
            question.id: Session(question, quiz.notebook, past.get(f"{quiz.notebook}.{question.id}", []))
            for question in quiz.questions
        }
        super().__init__(views=[session.view() for session in self._sessions.values()])
        self._publish()
        _shown.add(self)
        self.add_class("course-quiz-host")
        self.on_msg(lambda _, content, buffers: self.handle(content))

    def handle(self, content: Any) -> None:
        """Answer a message from the browser. One that makes no sense is refused and changes nothing."""
        if not isinstance(content, dict):
            return
        name = content.get("id")
        session = self._sessions.get(name) if isinstance(name, str) else None
        reply = {"type": "refused", "request": content.get("request")}
        try:
            if session and self._answer(session, content):
                reply["type"] = "done"
        except Exception as error:
            text = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
            reply |= {"type": "failed", "id": name, "text": text}
            if not isinstance(error, CourseError):
                raise
        finally:
            self.send(reply)

    def _answer(self, session: Session, content: dict) -> bool:
        """Do what a message asks for, and show it wherever the question stands; False when it makes no sense."""
        with _busy:
            done = self._act(session, content)
            self._publish()
            for other in [*_shown - {self}] if done else []:
                other._take_over(session)
        return done

    def _take_over(self, session: Session) -> None:
        """Show a question as it stands in another quiz, if this one asks it, too."""
        mine = self._sessions.get(session.question.id)
        if mine and (mine.item, mine.question) == (session.item, session.question):
            self._sessions[session.question.id] = session
            self._publish()

    def _act(self, session: Session, content: dict) -> bool:
        match content.get("type"):
            case "check":
                return session.check(content.get("response"), content.get("notes", ""))
            case "hint":
                return session.hint()
            case "show":
                return session.show()
            case "reveal":
                return session.reveal(content.get("notes", ""))
            case "again":
                return session.again()
            case "clips":
                return self._send_clips(session)
            case _:
                return False

    def _send_clips(self, session: Session) -> bool:
        if not isinstance(session.question, Listen):
            return False
        from course_utils.quiz.clips import clip_wav  # loads torch, which most quizzes do not need

        clips = [clip_wav(clip) for clip in session.question.clips]
        self.send({"type": "clips", "id": session.question.id}, buffers=clips)
        return True

    def _publish(self) -> None:
        sessions = self._sessions.values()
        word = "done" if any(isinstance(session.question, Reveal) for session in sessions) else "right"
        with self.hold_sync():
            self.results = {name: session.result for name, session in self._sessions.items()}
            self.progress = f"{sum(session.solved for session in sessions)} of {len(sessions)} {word}"
            self.notice = storage_problem() or ""

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The widget, and below it what is shown where widgets are not: the questions, on a static page the answers."""
        static = bool(os.environ.get("COURSE_STATIC"))
        data, metadata = super()._repr_mimebundle_(**kwargs)
        data["text/plain"] = f"Quiz: {self.progress}"
        data["text/html"] = quiz_html(self._sessions.values(), answers=static)
        if static:
            del data["application/vnd.jupyter.widget-view+json"]
        return data, metadata
