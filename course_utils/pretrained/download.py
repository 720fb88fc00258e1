"""Fetch a model into the cache, with a bar for each file."""

import os
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from course_utils.errors import CourseError
from course_utils.pretrained.cache import file_path, missing_files
from course_utils.pretrained.catalogue import Model, ModelFile
from course_utils.pretrained.fetch import fetch


def download_model(model: Model, mirror: str | None = None) -> None:
    """Fetch the files of a model that are not in the cache yet.

    Args:
        model: from the catalogue.
        mirror: address of a computer that serves its cache, such as "http://192.168.1.20:8765"; COURSE_MIRROR if left
            out, and each file's own address if that is not set.

    Raises:
        DownloadError: a file could not be fetched, or is not what it should be.
        CourseError: the mirror's address is none.
    """
    mirror = mirror or os.environ.get("COURSE_MIRROR")
    urls = {file: file_url(file, mirror) for file in missing_files(model)}
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        for file, url in urls.items():
            bar = bars.add_task(file.path.rpartition("/")[2], total=file.size)
            fetch(file, url, file_path(file), lambda done, bar=bar: bars.update(bar, completed=done))


def file_url(file: ModelFile, mirror: str | None) -> str:
    """Where to fetch a file: at the mirror if there is one, under the file's path in the cache."""
    if not mirror:
        return file.url
    address = urlsplit(mirror)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise CourseError(
            f"{mirror!r} is no address of a mirror.",
            "Write it as `course download --serve` prints it, such as http://192.168.1.20:8765.",
        )
    return f"{mirror.rstrip('/')}/{file.path}"
