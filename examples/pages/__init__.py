"""Eight living pages, from a formula to a step of a GAN: `python -m examples pages [NAME ...]` writes them to out/pages/.

Each is one file that needs no network: open it in a browser, play the chain rule, choose a leaf and change its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrad import viz

from . import models

__all__ = ["PAGES", "make", "write"]

#: The name of a page, its title, and what gives the arguments of `viz.explore`.
PAGES: dict[str, tuple[str, Callable[[], tuple[Any, ...]]]] = {
    "scalar": ("A formula of two numbers", models.scalar),
    "mlp": ("A multi-layer perceptron", models.mlp),
    "lenet": ("LeNet reads eight digits", models.lenet),
    "lstm": ("An LSTM over ten steps", models.lstm),
    "transformer": ("A transformer block", models.transformer),
    "penalty": ("Gradient penalty", models.penalty),
    "seq2seq": ("Encoder and decoder", models.seq2seq),
    "gan": ("A step of a GAN", models.gan),
}


def make(name: str, path: Path | None = None) -> viz.Page:
    """One of the pages."""
    title, arguments = PAGES[name]
    target, *inputs = arguments()
    return viz.explore(target, *inputs, path=path, title=title)


def write(names: Sequence[str] = (), folder: Path = Path("out/pages")) -> list[Path]:
    """Write some of the pages, or all."""
    unknown = [name for name in names if name not in PAGES]
    if unknown:
        raise SystemExit(f"there is no page {unknown[0]!r}; there are {', '.join(PAGES)}")
    paths = []
    for name in names or PAGES:
        path = folder / f"{name}.html"
        make(name, path)
        print(f"{path}: {PAGES[name][0]}, {path.stat().st_size / 1e6:.2f} MB")
        paths.append(path)
    return paths
