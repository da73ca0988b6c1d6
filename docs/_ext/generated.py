"""Sources of pages that are made when the site is built."""

from __future__ import annotations

from pathlib import Path

from minigrad.files import write_whole


def write_sources(folder: Path, sources: dict[str, str]) -> None:
    """Write the sources by the names of their files, those alone that changed, and delete all other files of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name not in sources:
            path.unlink()
    for name, text in sources.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text.encode())
