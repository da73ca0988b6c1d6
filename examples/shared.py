"""What the examples share: options made from the parameters of `main`, where pictures go, and how results are printed."""

from __future__ import annotations

import argparse
import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

import minigrad

matplotlib.use("Agg")

OUT = Path("out")


def run(main: Callable[..., dict[str, Any]], argv: list[str] | None = None) -> dict[str, Any]:
    """Call `main` with options from the command line, and print what it returns beside what was published.

    Args:
        main: its parameters with their defaults are the options; it returns what it measured.  Its module may have `PUBLISHED`,
            the numbers of the source, and `FULL`, the settings of the source, for `--full`.
    """
    module = inspect.getmodule(main)
    published, full = getattr(module, "PUBLISHED", ""), getattr(module, "FULL", {})
    parser = argparse.ArgumentParser(description=inspect.getdoc(module), formatter_class=argparse.RawTextHelpFormatter)
    for name, parameter in inspect.signature(main).parameters.items():
        kind = Path if name == "data" else type(parameter.default)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=None, help=f"default: {parameter.default}")
    parser.add_argument("--full", action="store_true", help=f"the setting of the source: {full or 'the same'}")
    parser.add_argument("--seed", type=int, default=0)
    options = vars(parser.parse_args(argv))
    minigrad.random.manual_seed(options.pop("seed"))
    chosen = full if options.pop("full") else {}
    started = time.perf_counter()
    results = main(**chosen | {name: value for name, value in options.items() if value is not None})
    for name, value in results.items():
        print(f"{name}: {f'{value:.4g}' if isinstance(value, float) else value}")
    if published:
        print(f"published: {published}")
    print(f"{time.perf_counter() - started:.1f} s")
    return results


def picture(name: str, figure: Any) -> Path:
    """Write a figure of matplotlib to out/NAME.png, and say so."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.png"
    figure.savefig(path, dpi=80, bbox_inches="tight")
    matplotlib.pyplot.close(figure)
    print(f"picture: {path}")
    return path
