"""Fetching public files once, into a cache folder, checked by their SHA-256.

The modules of the network (urllib and TLS beneath it) take 20 ms to import, so that `download` does it when it is called.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "download"]

_CHUNK = 1 << 18


def cache_folder() -> Path:
    """Where downloads are kept: $MINIGRAD_CACHE, or minigrad in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MINIGRAD_CACHE") or Path(base) / "minigrad")


def _digest(path: Path) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    url: str, sha256: str, folder: str | os.PathLike[str] | None = None, name: str | None = None, progress: bool = True,
    timeout: float = 60.0,
) -> Path:  # fmt: skip
    """The path of a file from the net, fetched by https unless it is there already.

    A download that was cut off goes on where it stopped.  The file gets its name when it is whole and its checksum is right.

    Args:
        sha256: the checksum that the file must have, in hexadecimal.
        folder: by default `cache_folder()`.
        progress: show a bar, where tqdm is installed.

    Raises:
        ValueError: where the address is not https (except of this machine), or the checksum is wrong; nothing is kept then.
        OSError: where the server cannot be reached; what has arrived is kept for the next attempt.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError(f"download: {url} is not an https address")
    folder = cache_folder() if folder is None else Path(folder)
    target = folder / (name or Path(parts.path).name)
    if target.exists() and _digest(target) == sha256.lower():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    _fetch(url, partial, progress, timeout)
    found = _digest(partial)
    if found != sha256.lower():
        partial.unlink()
        raise ValueError(f"download: {url} has the checksum {found}, expected {sha256}; the file was not kept")
    os.replace(partial, target)
    return target


def _fetch(url: str, partial: Path, progress: bool, timeout: float) -> None:
    """Append to a partial file what is missing of it."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    have = partial.stat().st_size if partial.exists() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urlopen(request, timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is missing
            return
        raise OSError(f"download: {url}: the server answers {error.code} {error.reason}") from error
    with response:
        goes_on = response.status == 206
        length = response.headers.get("Content-Length")
        start = have if goes_on else 0
        total = None if length is None else start + int(length)
        bar = _bar(partial.name, start, total) if progress else None
        with open(partial, "ab" if goes_on else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                if bar is not None:
                    bar.update(len(chunk))
        if bar is not None:
            bar.close()
    if total is not None and partial.stat().st_size < total:
        raise OSError(f"download: {url} was cut off after {partial.stat().st_size} of {total} bytes; call again to go on")


def _bar(name: str, start: int, total: int | None) -> Any:
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return None
    return tqdm(desc=name.strip(".").removesuffix(".part"), initial=start, total=total, unit="B", unit_scale=True, leave=False)
