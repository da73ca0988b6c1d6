"""Files that are whole or not there: what drawings, weights and checkpoints are written with."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

__all__ = ["exclusive", "partial_path", "write_whole"]

try:
    import fcntl
except ImportError:  # Windows has no flock
    fcntl = None  # type: ignore[assignment]


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file under another name and rename it: there is always the old one or the new, whole.

    A file that is there keeps its mode and its owner, a symbolic link goes on pointing to its
    file. What a killed process leaves behind, `.NAME.part`, is taken up by the next one that
    writes the same file.

    Returns:
        The path that was given.

    Raises:
        OSError: where the file cannot be written; the old one is there still.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/weights", b"123").read_bytes()
    b'123'
    """
    target = Path(os.path.realpath(path))  # where a link points to
    try:
        old = os.stat(path)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):  # a pipe, /dev/stdout: not to be replaced
        with open(path, "wb") as file:
            file.write(data)
    else:
        _replace(target, old, data)
    return Path(path)


def _replace(target: Path, old: os.stat_result | None, data: bytes) -> None:
    """Put a new file in the place of an old one, whose owner and mode it gets."""
    handle, temporary = exclusive(target)
    file = os.fdopen(handle, "wb")
    try:
        file.truncate(0)
        if old is not None and hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)  # for us alone until it is whole
        file.write(data)
        file.flush()
        if old is not None:
            _keep_owner_and_mode(handle, temporary, old)
        os.fsync(handle)
        if fcntl is None:
            file.close()  # Windows renames no file that is open
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            if fcntl is None:
                file.close()
            temporary.unlink()
        raise
    finally:  # the lock ends here, after the rename: until then nobody else takes the file up
        with contextlib.suppress(OSError):
            file.close()


def partial_path(target: Path) -> Path:
    """The temporary file beside a file that is found again after the process was killed."""
    return target.with_name(f".{target.name[:60]}.part")


def exclusive(target: Path) -> tuple[int, Path]:
    """Open a temporary file beside a file, for this thread alone: its descriptor and its path.

    It is `.NAME.part`, with what a killed process may have left in it. Where another one is
    writing to that, and where files cannot be locked, it is a new file with a name of its own. The
    lock ends with the descriptor.
    """
    plain = partial_path(target)
    handle = None if fcntl is None else _locked(plain)
    if handle is not None:
        return handle, plain
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    own = target.with_name(f".{target.name[:60]}.{os.urandom(8).hex()}.part")
    mode = 0o666  # of new files; the system takes the umask off
    return os.open(own, flags, mode), own


def _locked(path: Path) -> int | None:
    """A file of our own that nobody else writes to, opened; None where that is not to be had."""
    try:
        return _opened(path, os.O_RDWR | os.O_CREAT)
    except PermissionError:
        pass
    try:  # what is left of a file that was read-only
        handle = _opened(path, os.O_RDONLY)
        if handle is None:
            return None
        os.fchmod(handle, 0o600)
        os.close(handle)
        return _opened(path, os.O_RDWR)
    except OSError:
        return None


def _opened(path: Path, flags: int) -> int | None:
    """A locked file; None where it is locked already, or is not a plain file of ours alone."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, there = os.fstat(handle), os.lstat(path)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
        if ours and found.st_ino == there.st_ino:  # not renamed by another before we had the lock
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _keep_owner_and_mode(handle: int, path: Path, old: os.stat_result) -> None:
    """Give a new file the owner and the mode of the old one, as far as the system allows."""
    if not hasattr(os, "fchown"):
        os.chmod(path, stat.S_IMODE(old.st_mode))
        return
    found = os.fstat(handle)
    if (found.st_uid, found.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(PermissionError):  # only the administrator gives files away
            os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))
