"""What an install takes: the wheel, the disk, the extras, and the time of an import: python -m benchmarks.install dist/*.whl"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from minigrad.install import DISTRIBUTION

from . import fresh

#: The extras that users choose and that every machine takes.
EXTRAS = ("fast", "train", "scipy", "images", "viz", "tensorboard", "distributed")


def needed(name: str, extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """What a distribution asks for on this machine, with the extras of these."""
    for text in distribution(name).requires or ():
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield wanted.name.lower(), frozenset(wanted.extras)


def closure(extras: frozenset[str]) -> set[str]:
    """The names of all distributions that come with minigrad and these extras, beside minigrad."""
    found, waiting = {(DISTRIBUTION, extras)}, [(DISTRIBUTION, extras)]
    while waiting:
        for item in needed(*waiting.pop()):
            if item not in found and is_installed(item[0]):
                found.add(item)
                waiting.append(item)
    return {name for name, _ in found} - {DISTRIBUTION}


def is_installed(name: str) -> bool:
    try:
        return bool(distribution(name).files)
    except PackageNotFoundError:
        return False


def on_disk(found: Distribution) -> int:
    """The bytes of an installed distribution, without what Python compiles."""
    files = [Path(str(found.locate_file(file))) for file in found.files or () if "__pycache__" not in file.parts]
    return sum(path.stat().st_size for path in files if path.exists())


def main() -> None:
    """Print the tables in Markdown."""
    core = closure(frozenset())
    print("| what | packed | on the disk |\n|---|---|---|")
    for path in sys.argv[1:]:
        with zipfile.ZipFile(path) as wheel:
            whole = sum(entry.file_size for entry in wheel.infolist())
        print(f"| {Path(path).name} | {Path(path).stat().st_size / 1e6:.1f} MB | {whole / 1e6:.1f} MB |")
    for name in sorted(core):
        print(f"| {name} {distribution(name).version} | | {on_disk(distribution(name)) / 1e6:.1f} MB |")
    for extra in EXTRAS:
        more = sorted(closure(frozenset({extra})) - core)
        print(f"| extra `{extra}`: {', '.join(more)} | | {sum(on_disk(distribution(n)) for n in more) / 1e6:.1f} MB |")
    times = fresh.import_time(("minigrad", "nn"))
    print("\nImport beyond NumPy: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items()))


if __name__ == "__main__":
    main()
