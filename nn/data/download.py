"""Fetching public files once, into a cache folder, checked by their SHA-256.

The modules of the network (urllib and TLS beneath it) take 20 ms to import, so that `download` does it when it is called.
"""

from __future__ import annotations

import os
import re
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from minigrad.files import exclusive, partial_path

from ..progress import progress_bar

__all__ = ["cache_folder", "download"]

_CHUNK = 1 << 18


def cache_folder() -> Path:
    """Where downloads are kept: $MINIGRAD_CACHE, or minigrad in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MINIGRAD_CACHE") or Path(base) / "minigrad")


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return _digest_of(file)


def _digest_of(file: BufferedIOBase) -> str:
    """The checksum of a file from its beginning; the file is at its end then."""
    import hashlib

    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    url: str, sha256: str, folder: str | os.PathLike[str] | None = None, name: str | None = None,
    progress: bool = True, timeout: float = 60.0,
) -> Path:  # fmt: skip
    """The path of a file from the net, fetched by https unless it is there already.

    A download that was cut off goes on where it stopped.  The file gets its name when it is whole
    and its checksum is right.

    Args:
        url: the address, https:// or, of a server on this machine, http://.
        sha256: the checksum that the file must have, in hexadecimal.
        folder: by default `cache_folder()`.
        name: of the file in that folder, by default as in the address; a plain name, without
            folders.
        progress: show a bar, where tqdm is installed.
        timeout: how many seconds the server may be silent.

    Raises:
        ValueError: where the address is not https (except http of this machine), leads to one that
            is not, or the checksum is wrong; nothing is kept then.
        OSError: where the server cannot be reached; what has arrived is kept for the next attempt.
    """
    _check_address(url, this_machine=True)
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"download: a SHA-256 has 64 hexadecimal digits, got {sha256!r:.80}")
    folder = cache_folder() if folder is None else Path(folder)
    target = folder / _plain_name(url, name)
    if target.exists() and _digest(target) == sha256.lower():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    handle, partial = exclusive(target)
    with open(handle, "r+b") as file:
        try:
            found = _fetched(url, file, progress, timeout, sha256.lower(), target.name)
            if found != sha256.lower():
                file.truncate(0)
                raise ValueError(
                    f"download: {url} has the checksum {found}, expected {sha256}; "
                    "the file was not kept"
                )
        except BaseException:
            if file.seek(0, os.SEEK_END) == 0 or partial != partial_path(target):
                partial.unlink()  # there is nothing to go on from, or nobody will find it
            raise
        if os.name != "nt":
            os.replace(partial, target)
    if os.name == "nt":  # where no file is renamed that is open
        os.replace(partial, target)
    return target


def _plain_name(url: str, name: str | None) -> str:
    """The name of a file, by default that in its address; never a path."""
    from urllib.parse import urlsplit

    name = Path(urlsplit(url).path).name if name is None else name
    if name in ("", ".", "..") or re.search(r"[/\\\0:]", name):
        raise ValueError(f"download: {name!r} is no plain name of a file; pass one (name=...)")
    return name


def _check_address(url: str, this_machine: bool) -> None:
    """Refuse an address that is not https; http of this machine may be allowed."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    here = (
        this_machine
        and parts.scheme == "http"
        and parts.hostname in ("127.0.0.1", "localhost", "::1")
    )
    if not here and (parts.scheme != "https" or not parts.hostname):
        raise ValueError(f"download: {url} is not an https address")


def _fetched(
    url: str, file: BufferedIOBase, progress: bool, timeout: float, sha256: str, name: str
) -> str:
    """Append what is missing to a partial file; its checksum.  One of another file is replaced."""
    have = file.seek(0, os.SEEK_END)
    if have and _digest_of(file) == sha256:
        return sha256
    _fetch(url, file, have, progress, timeout, name)
    found = _digest_of(file)
    if have and found != sha256:  # what was there was of another file, or the server's has changed
        _fetch(url, file, 0, progress, timeout, name)
        found = _digest_of(file)
    return found


def _fetch(
    url: str, file: BufferedIOBase, have: int, progress: bool, timeout: float, name: str
) -> None:
    """Write the file at an address behind the first `have` bytes."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    try:
        response = _open(url, have, timeout)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is missing, or it is another file
            return
        raise OSError(f"download: {url}: the server answers {error.code} {error.reason}") from error
    except HTTPException as error:
        raise OSError(f"download: {url}: {error!r}") from error
    with response:
        range_of_answer = response.headers.get("Content-Range", f"bytes {have}-")
        goes_on = response.status == 206 and range_of_answer.startswith(f"bytes {have}-")
        if response.status == 206 and not goes_on:
            raise OSError(
                f"download: {url}: asked for the bytes from {have} on, "
                f"the server sends {range_of_answer!r:.60}"
            )
        start = have if goes_on else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        file.seek(start)
        file.truncate()
        try:
            options = {"desc": name, "initial": start, "total": total}
            bar = progress_bar(**options, unit="B", unit_scale=True) if progress else None
            _copy(response, file, bar)
        except HTTPException as error:
            raise OSError(
                f"download: {url} was cut off ({error!r}); call again to go on"
            ) from error
    if total is not None and file.tell() < total:
        raise OSError(
            f"download: {url} was cut off after {file.tell()} of {total} bytes; call again to go on"
        )


def _open(url: str, have: int, timeout: float) -> Any:
    """The answer of a server; redirections lead to https only."""
    from urllib.parse import urlsplit
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class OnlyHttps(HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> Any:
            _check_address(newurl, this_machine=urlsplit(req.full_url).scheme == "http")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    return build_opener(OnlyHttps).open(request, timeout=timeout)


def _copy(response: Any, file: BufferedIOBase, bar: Any) -> None:
    try:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            if bar is not None:
                bar.update(len(chunk))
    finally:
        file.flush()
        if bar is not None:
            bar.close()
