"""Options made from the parameters of `main`, and how results are printed."""

from __future__ import annotations

import argparse
import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import resuming, seeds
from .pictures import OUT

Main = Callable[..., dict[str, Any]]


def run(main: Main, argv: list[str] | None = None) -> dict[str, Any]:
    """Call `main` with options from the command line, and print what it returns beside what was published.

    Args:
        main: its parameters with their defaults are the options; it returns what it measured.  Its module may have `PUBLISHED`,
            the numbers of the source, and `FULL`, the settings of the source, for `--full`.
    """
    module = inspect.getmodule(main)
    settings, seed, full = options(module, main, argv)
    started = time.perf_counter()
    results = once(module, main, settings, seed, full)
    for name, value in results.items():
        print(f"{name}: {shown(value)}")
    if published := getattr(module, "PUBLISHED", ""):
        print(f"published: {published}")
    print(f"{time.perf_counter() - started:.1f} s")
    return results


def once(module: Any, main: Main, settings: dict[str, Any], seed: int, full: bool) -> dict[str, Any]:
    """One run from a seed; a full one goes on where it was stopped, and leaves nothing when it is through."""
    name = Path(module.__file__).stem
    seeds.choose(seed)
    with resuming.keeping(OUT / f"{name}.full" if full else None, {**settings, "seed": seed}):
        return main(**settings)


def options(module: Any, main: Main, argv: list[str] | None) -> tuple[dict[str, Any], int, bool]:
    """The settings for `main`, the seed, and whether the run is a full one."""
    full = getattr(module, "FULL", None)
    parser = argparse.ArgumentParser(description=inspect.getdoc(module), formatter_class=argparse.RawTextHelpFormatter)
    for name, parameter in inspect.signature(main).parameters.items():
        kind = Path if name == "data" else type(parameter.default)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=None, help=f"default: {parameter.default}")
    if full is not None:
        parser.add_argument(
            "--full", action="store_true", help=f"the setting of the source, {full}; goes on where it was stopped"
        )
    parser.add_argument("--seed", type=int, default=0)
    given = vars(parser.parse_args(argv))
    seed, is_full = given.pop("seed"), given.pop("full", False)
    chosen = full if is_full else {}
    return chosen | {name: value for name, value in given.items() if value is not None}, seed, is_full


def shown(value: Any) -> str:
    """A result as it is printed: four digits of a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
