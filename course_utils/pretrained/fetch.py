"""Bring one file over HTTP to the disk, whole or not at all; what broke off goes on where it stopped."""

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import httpx

from course_utils.errors import CourseError
from course_utils.pretrained.cache import fits
from course_utils.pretrained.catalogue import ModelFile, megabytes

STALLED = 30.0
"""Seconds without a byte after which a server counts as stalled."""
PAUSE = 1.0
"""Seconds before a connection that broke off is tried again."""
_AGAIN = "Run the same command again: it goes on where it stopped."
_ELSEWHERE = (
    "try another network, or set COURSE_MIRROR to the address "
    "that `course download --serve` prints on a computer that has the model."
)
_TRY_ELSEWHERE = _ELSEWHERE[0].upper() + _ELSEWHERE[1:]

Progress = Callable[[int], None]
"""Told the number of bytes so far. It may fall, when a server cannot go on where it stopped."""


class DownloadError(CourseError):
    """A file could not be fetched, or is not what it should be."""


def fetch(file: ModelFile, url: str, target: Path, progress: Progress = lambda done: None) -> None:
    """Fetch `file` from `url` to `target`.

    The bytes gather in a file beside the target, which outlives an interruption and is renamed at the end. A
    connection that breaks off is tried again as long as each try gets further than the one before.

    Args:
        file: what it should be: size, and sha256 where known.
        url: where it is, http or https.
        target: where it goes; folders are made.
        progress: called now and then.

    Raises:
        DownloadError: no network, stalled, broken off, no such file, a web page instead, wrong length or hash, disk
            full, no permission, another file in the way, or another process is fetching it.
    """
    part = target.with_name(target.name + ".part")
    with _plain_errors(file, url, part):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not fits(file, target.stat().st_size):
            raise DownloadError(
                f"{target} is in the way: it has {target.stat().st_size} bytes, not {file.size}.",
                "It is damaged or belongs to something else: delete or rename it, then run the same command again.",
            )
        with _alone(part), _client() as client:
            _gather(client, file, url, part, progress)
            _check_hash(file, part)
            os.replace(part, target)
            _tag(part).unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Two processes that append to the same file would spoil it."""
    lock = filelock.FileLock(f"{part}.lock", timeout=0)
    with lock:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows does not delete a file that is open
                os.unlink(lock.lock_file)


def _client() -> httpx.Client:
    headers = {"Accept-Encoding": "identity", "User-Agent": "torchaudio-course"}
    try:
        return httpx.Client(timeout=STALLED, follow_redirects=True, headers=headers)
    except (ImportError, ValueError) as error:
        raise DownloadError(
            f"The proxy that this computer names cannot be used ({error}).",
            "Correct or unset the environment variables ALL_PROXY, HTTP_PROXY and HTTPS_PROXY.",
        ) from None


def _gather(client: httpx.Client, file: ModelFile, url: str, part: Path, progress: Progress) -> None:
    """Fill `part`, in as many requests as it takes."""
    furthest = _length(part)
    while True:
        try:
            return _request(client, file, url, part, progress)
        except httpx.TransportError as error:
            done = _length(part)
            if done <= furthest:
                raise _broken(error, url, done, file) from None
            furthest = done
            time.sleep(PAUSE)


def _request(client: httpx.Client, file: ModelFile, url: str, part: Path, progress: Progress) -> None:
    """One request for what `part` lacks; a second for the whole, when the server has another version of the file."""
    done, tag = _length(part), _read(_tag(part))
    asked = {"Range": f"bytes={done}-", "If-Range": tag} if done and tag else {}
    with client.stream("GET", url, headers=asked) as response:
        goes_on = bool(asked) and _goes_on(response, done, tag)
        if goes_on or response.status_code == httpx.codes.OK:
            return _save(response, file, part, done if goes_on else 0, progress)
        if response.status_code not in (httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE):
            raise _refused(response, url)
    if not asked:
        raise _refused(response, url)
    part.unlink()
    return _request(client, file, url, part, progress)


def _save(response: httpx.Response, file: ModelFile, part: Path, done: int, progress: Progress) -> None:
    """Write an answer behind the first `done` bytes of `part`."""
    chunks = response.iter_raw()  # as they come: with a size, what came before a break would be lost
    first = next(chunks, b"")
    if _is_web_page(response, first):
        raise _web_page(response.url)
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit():
        _check_length(file, done + int(declared))
        _check_room(part.parent, int(declared))
    with part.open("ab" if done else "wb") as output:
        if not done:  # now that the bytes of another version are gone
            _tag(part).write_text(_version(response), encoding="utf-8")
        for chunk in itertools.chain([first], chunks):
            output.write(chunk)
            done += len(chunk)
            progress(done)
            if done > file.size and not fits(file, done):
                break
    try:
        _check_length(file, done)
    except DownloadError:
        part.unlink()
        raise


def _goes_on(response: httpx.Response, done: int, tag: str) -> bool:
    """Whether the answer is the rest of the same file, from where we stopped; some servers do not look at If-Range."""
    continues = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
    return response.status_code == httpx.codes.PARTIAL_CONTENT and continues and _version(response) == tag


def _version(response: httpx.Response) -> str:
    """What tells one version of a file from another, in the form that If-Range takes; empty if the server has none."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _tag(part: Path) -> Path:
    """The file that remembers which version `part` is of."""
    return part.with_name(part.name + ".version")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _is_web_page(response: httpx.Response, first: bytes) -> bool:
    html = first[:100].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return html or response.headers.get("Content-Type", "").startswith("text/html")


def _check_length(file: ModelFile, length: int) -> None:
    if not fits(file, length):
        about = "" if file.sha256 else "about "
        raise DownloadError(
            f"What came as {_name(file)} has {length} bytes, not {about}{file.size}: it is another file.",
            _TRY_ELSEWHERE,
        )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"The disk is full: {megabytes(needed)} more are needed in {folder}, and {megabytes(free)} are free.",
            "Free some space, or set TORCH_HOME to a folder on another disk.",
        )


def _check_hash(file: ModelFile, part: Path) -> None:
    if file.sha256 is None:
        return
    with part.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        part.unlink()
        raise DownloadError(
            f"{_name(file)} arrived damaged or exchanged, and was deleted: "
            f"its sha256 begins with {found[:8]}, not {file.sha256[:8]}.",
            f"Run the same command again; if that ends in the same way, {_ELSEWHERE}",
        )


@contextlib.contextmanager
def _plain_errors(file: ModelFile, url: str, part: Path) -> Iterator[None]:
    """What the system and the libraries raise, as one sentence and a remedy."""
    try:
        yield
    except filelock.Timeout:
        raise DownloadError(
            f"Another process is fetching {_name(file)}.", "Wait until it is done, then run the same command again."
        ) from None
    except httpx.RequestError as error:
        raise DownloadError(f"{_host(url)} does not answer as it should ({error}).", _TRY_ELSEWHERE) from None
    except PermissionError as error:
        raise DownloadError(
            f"You may not write to {part.parent} ({error.strerror}).",
            "Set TORCH_HOME to a folder of yours, or ask the owner of that folder.",
        ) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                f"The disk is full: {megabytes(_length(part))} of {megabytes(file.size)} fit into {part.parent}.",
                "Free some space and run the same command again: it goes on where it stopped.",
            ) from None
        raise DownloadError(
            f"{part} could not be written: {error.strerror}.", "Set TORCH_HOME to a folder on another disk."
        ) from None


def _broken(error: httpx.TransportError, url: str, done: int, file: ModelFile) -> DownloadError:
    kept = f"{megabytes(done)} of {megabytes(file.size)} are kept"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return DownloadError(
            f"{_host(url)} cannot be reached ({str(error) or 'no answer'}).",
            f"Check whether this computer has a network; if it has, {_ELSEWHERE}",
        )
    if isinstance(error, httpx.TimeoutException):
        return DownloadError(f"{_host(url)} sent nothing for {STALLED:g} seconds; {kept}.", _AGAIN)
    return DownloadError(f"The connection to {_host(url)} broke off; {kept}.", _AGAIN)


def _refused(response: httpx.Response, url: str) -> DownloadError:
    name = urlsplit(url).path.rpartition("/")[2]
    if response.status_code == httpx.codes.NOT_FOUND:
        return DownloadError(f"{_host(url)} has no {name}.", _TRY_ELSEWHERE)
    status = f"{response.status_code} {response.reason_phrase}".strip()
    return DownloadError(f"{_host(url)} does not send {name} ({status}).", f"Wait a few minutes, or {_ELSEWHERE}")


def _web_page(url: httpx.URL) -> DownloadError:
    return DownloadError(
        f"{url.host} sent a web page instead of the file, as the log-in page of a Wi-Fi network does.",
        f"Log in to the network in your browser and run the same command again, or {_ELSEWHERE}",
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _name(file: ModelFile) -> str:
    return Path(file.path).name
