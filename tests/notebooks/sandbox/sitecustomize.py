"""Start-up of every Python process that runs a notebook or a recipe in tests: no network, and on demand no FFmpeg.

Python imports `sitecustomize` by itself when this folder is on PYTHONPATH. An audit hook sees every connection
that Python makes, whichever library asks for it; connections to the machine itself stay open.
"""

import errno
import ipaddress
import os
import sys

WITHOUT_FFMPEG = os.environ.get("COURSE_TEST_WITHOUT_FFMPEG") == "1"


def is_local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, args: tuple) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if not is_local(host):
        raise OSError(errno.ENETUNREACH, f"tests run without a network, and this process asked for {host}")


def refuse_ffmpeg(event: str, args: tuple) -> None:
    if event == "ctypes.dlopen" and "libtorchcodec_core" in str(args[0]):
        raise OSError(f"{args[0]}: hidden, as on a machine without FFmpeg")


sys.addaudithook(refuse_network)
if WITHOUT_FFMPEG:
    sys.addaudithook(refuse_ffmpeg)
