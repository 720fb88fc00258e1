"""Offer the cache on the local network, so that a room fetches its models from one laptop."""

import asyncio
import re
import socket
from collections.abc import Callable
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, StaticFileHandler

from course_utils.errors import CourseError
from course_utils.pretrained.cache import cache_folder, is_here
from course_utils.pretrained.catalogue import MODELS, Model

PORT = 8765


def offered_models() -> list[Model]:
    """The models whose files are all in the cache.

    Raises:
        CourseError: there is none.
    """
    models = [model for model in MODELS.values() if is_here(model)]
    if not models:
        raise CourseError(
            f"There is no model in {cache_folder()} to serve.",
            "Fetch one first, for example with `course download WAV2VEC2_ASR_BASE_960H`.",
        )
    return models


class WeightsHandler(StaticFileHandler):
    """Sends a file whose version is its size and time: tornado would read all of it first, and gives up above 64 MB."""

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        status = Path(abspath).stat()
        return f"{status.st_size:x}-{status.st_mtime_ns:x}"


def application(models: list[Model], folder: Path, told: Callable[[str], None]) -> Application:
    """A web server that sends the files of these models and nothing else: every other address is unknown to it.

    Args:
        models: what to offer; each file under its path in the cache, whole or in part (Range).
        folder: the cache.
        told: called with one line for each answer.
    """

    def log(handler: RequestHandler) -> None:
        request = handler.request
        told(f"{request.remote_ip} {request.method} {request.path} {handler.get_status()}")

    paths = "|".join(re.escape(file.path) for model in models for file in model.files)
    return Application([(f"/({paths})", WeightsHandler, {"path": str(folder)})], log_function=log)


async def serve(models: list[Model], told: Callable[[str], None], ready: Callable[[int], None]) -> None:
    """Offer models to the whole local network until the task is cancelled.

    Args:
        models: what to offer.
        told: called with one line for each answer.
        ready: called once with the port: 8765, or another where that is taken.
    """
    try:
        sockets = bind_sockets(PORT, address="0.0.0.0")
    except OSError:
        sockets = bind_sockets(0, address="0.0.0.0")
    server = HTTPServer(application(models, cache_folder(), told))
    server.add_sockets(sockets)
    try:
        ready(sockets[0].getsockname()[1])
        await asyncio.Event().wait()
    finally:
        server.stop()


def own_address() -> str:
    """This computer's address on the local network, 127.0.0.1 when there is none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation, so the default route answers
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]
