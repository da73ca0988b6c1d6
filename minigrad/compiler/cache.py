"""Machine code kept on disk, so that the next process does not compile it again.

No fault of a file or a folder is ever an error: code that is not found, not whole, or cannot be written is
compiled.  A file holds a checksum and the code, because LLVM may end the process over an object that is
damaged.  A folder that belongs to another user, or that others may write into, is not used: whoever
writes there would decide what this process runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import sys
import tempfile
from pathlib import Path

__all__ = ["folder", "key", "load", "store"]

#: More files than about this are not kept: the oldest go.  They take 70 MB; a program that uses more finds none of them again.
MOST = 16000
#: The files are counted at a process's first store, and after so many more: to count thousands takes as long as to compile.
BETWEEN_COUNTS = 64

_stores = itertools.count()


def folder() -> Path:
    """MINIGRAD_CACHE, or a folder `minigrad/code` where this system keeps what can be made again."""
    given = os.environ.get("MINIGRAD_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "minigrad" / "code"


def _is_ours(place: Path) -> bool:
    """Whether nobody else can write into a folder, as far as owners and modes tell."""
    if not hasattr(os, "geteuid"):
        return True
    found = place.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def key(*parts: str) -> str:
    """A name for what these parts determine.

    >>> key("text", "cpu") == key("text", "cpu"), key("text", "cpu") == key("tex", "tcpu")
    (True, False)
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load(name: str) -> bytes | None:
    """The code that was stored under a name, if it is there and whole."""
    try:
        place = folder()
        data = (place / f"{name}.o").read_bytes()
        if not _is_ours(place):
            return None
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    code = data[32:]
    return code if hashlib.sha256(code).digest() == data[:32] else None


def store(name: str, code: bytes) -> None:
    """Keep code under a name, where that can be done.

    The file is written under another name and renamed, but not forced to the disk, which would take longer than
    to compile: the checksum tells what a power failure left of it.
    """
    with contextlib.suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(place):
            return
        handle, partial = tempfile.mkstemp(suffix=".part", dir=place)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(partial, place / f"{name}.o")
        except BaseException:
            os.unlink(partial)
            raise
        if next(_stores) % BETWEEN_COUNTS == 0:
            _forget_oldest(place)


def _forget_oldest(place: Path) -> None:
    """Keep the folder bounded, with what killed processes left in it."""
    files = [entry for entry in os.scandir(place) if entry.name.endswith((".o", ".part"))]
    if len(files) > MOST:
        for entry in sorted(files, key=lambda entry: entry.stat().st_mtime)[: MOST // 4]:
            os.unlink(entry.path)
