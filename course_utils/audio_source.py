"""Find the file to read, or say in one sentence why there is none."""

import difflib
import io
import os
import re
from pathlib import Path
from typing import BinaryIO

from course_utils.errors import AudioFileError

Source = Path | bytes
"""A file's path, or the bytes of a whole encoded file."""
AGAIN = "Copy or download it again."
CHECK_THE_PATH = "Check that this is the file you meant."


def open_source(source: Source) -> BinaryIO:
    """Open a source for reading."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def find_source(path: str | os.PathLike | bytes | BinaryIO) -> tuple[Source, str]:
    """The source to decode, and its name for messages.

    Args:
        path: a file's path, a whole encoded file as bytes, or a binary file object (read to its end).

    Raises:
        AudioFileError: there is no such file, it is a folder, empty or unreadable, or `path` is none of the three.
    """
    if isinstance(path, bytes | bytearray | memoryview):
        return _not_empty(bytes(path), "The bytes object"), "The bytes object"
    if hasattr(path, "read"):
        data = path.read()
        if isinstance(data, str):
            raise AudioFileError("The file object was opened as text.", 'Open it with open(path, "rb").')
        return _not_empty(data, "The rest of the file object"), "The file object"
    if not isinstance(path, str | os.PathLike):
        raise AudioFileError(f"A {type(path).__name__} is no file.", "Pass a path, bytes, or an open binary file.")
    if re.match(r"https?://", str(path)):
        raise AudioFileError(f"'{path}' is a web address.", "Download the file first, and pass the path of your copy.")
    path = as_path(path)
    try:
        if path.is_dir():
            raise AudioFileError(f"'{path}' is a folder.", "Pass the path of a file in it.")
        with path.open("rb") as file:
            _not_empty(file.read(1), f"'{path}'")
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(path) from None
    except PermissionError:
        raise AudioFileError(f"You may not read '{path}'.", "Change its permissions, or ask its owner.") from None
    except OSError as error:
        raise AudioFileError(f"'{path}' cannot be read: {error.strerror}.", "Check the path.") from None
    return path.absolute(), f"'{path}'"


def as_path(path: str | os.PathLike) -> Path:
    """The path, with the home folder in the place of a leading ~.

    Raises:
        AudioFileError: it holds a NUL character, which no system allows in a path.
    """
    path = os.path.expanduser(path)
    if "\0" in path:
        raise AudioFileError(
            f"{path!r} is no path: it holds a NUL character.", 'Take it out, or write a backslash as \\\\ or r"...".'
        )
    return Path(path)


def _not_empty(data: bytes, name: str) -> bytes:
    if not data:
        raise AudioFileError(f"{name} is empty: 0 bytes.", "Copy, download or record it again.")
    return data


def _missing(path: Path) -> AudioFileError:
    place = "" if path.is_absolute() else f", seen from the working directory '{Path.cwd()}'"
    if not path.parent.is_dir():
        return AudioFileError(f"There is no folder '{path.parent}'{place}.", "Check the path and its spelling.")
    try:
        neighbours = {file.name.lower(): file.name for file in path.parent.iterdir()}
    except OSError:  # a folder that may be entered need not be open to listing
        neighbours = {}
    near = [f"'{neighbours[name]}'" for name in difflib.get_close_matches(path.name.lower(), neighbours)]
    return AudioFileError(
        f"There is no file '{path}'{place}.",
        f"Did you mean {' or '.join(near)}?" if near else "Check the path and its spelling.",
    )
