"""Write a file whole or not at all."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def replace_file(path: str | os.PathLike, data: bytes) -> None:
    """Write beside the target and rename: whatever fails, an old file stays whole, and nothing else stays behind.

    Several processes may write the same file at once; the last one wins. A link keeps pointing to its target, and an
    old file's permissions are kept.

    Args:
        path: the file to write, in a folder that exists.
        data: all that it shall hold.

    Raises:
        OSError: the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_bytes(data)
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    finally:
        with suppress(OSError):
            part.unlink()
