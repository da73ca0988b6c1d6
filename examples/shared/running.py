"""Options made from the parameters of `main`, and how results are printed."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import real_data, resuming, seeds
from .digits import counted
from .pictures import OUT

Main = Callable[..., dict[str, Any]]

#: What an option is that many examples have; `Args:` in the docstring of `main` says it better.
MEANT = {
    "batch": "examples for an update", "beta1": "Adam's first momentum", "carts": "games that are played side by side",
    "clip": "the largest norm of the gradients", "dimensions": "numbers in a vector",
    "discount": "what a reward is worth one step later",
    "dropout": "the share of units that are left out", "epochs": "how many times training goes through the data",
    "examples": "how many examples to train on", "hidden": "hidden units", "latent": "numbers of noise, or of a code",
    "layers": "how many layers", "length": "steps of a sequence", "lr": "the learning rate",
    "lr_critic": "the critic's learning rate", "lr_judged": "the discriminator's learning rate",
    "lr_made": "the generator's learning rate", "scenes": "how many scenes to make",
    "sentences": "how many sentences to make", "size": "how large each part is: pixels of a side, or numbers of a state",
    "steps": "how many steps", "test": "the share to test on", "total": "updates of the generator", "trees": "how many trees",
    "updates": "updates of the weights", "width": "how wide the network is: channels, or a share of the source's",
}  # fmt: skip


#: Options without which nothing is learned.
COUNTS = ("batch", "epochs", "examples", "hidden", "scenes", "sentences", "steps", "total", "updates")


def run(main: Main, argv: list[str] | None = None) -> dict[str, Any]:
    """Call `main` with options from the command line, and print what it returns beside what was published.

    Args:
        main: its parameters with their defaults are the options; it returns what it measured.  Its module may have `PUBLISHED`,
            the numbers of the source, and `FULL`, the settings of the source, for `--full`.
    """
    module = inspect.getmodule(main)
    settings, seed, full = options(module, main, argv)
    started = time.perf_counter()
    if OUT.exists() and not OUT.is_dir():
        raise SystemExit(f"{OUT.resolve()} is a file; pictures are to go to a folder of this name")
    with resuming.quietly():
        results = once(module, main, settings, seed, full)
    if not results:  # one of several processes, of which the first reports
        return results
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
    counted.clear()
    with resuming.keeping(OUT / f"{name}.seed{seed}.full" if full else None, {**settings, "seed": seed}):
        results = main(**settings)
    return counted | results


def options(module: Any, main: Main, argv: list[str] | None) -> tuple[dict[str, Any], int, bool]:
    """The settings for `main`, the seed, and whether the run is a full one."""
    full, name = getattr(module, "FULL", None), Path(module.__file__).stem
    parameters = inspect.signature(main).parameters
    parser = argparse.ArgumentParser(
        prog=f"python -m examples {name}", description=inspect.getdoc(module), formatter_class=argparse.RawTextHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    for option, parameter in parameters.items():
        kind = Path if option == "data" else positive if option in COUNTS else type(parameter.default)
        text = meaning(name, option, main, parameter.default)
        parser.add_argument(f"--{option.replace('_', '-')}", type=kind, default=None, help=text.replace("%", "%%"))
    if full is not None:
        setting = " ".join(f"--{option.replace('_', '-')} {value}" for option, value in full.items())
        text = f"the setting of the source, as near as it can be:\n{setting};\nit goes on where it was stopped"
        parser.add_argument("--full", action="store_true", help=text.replace("%", "%%"))
    parser.add_argument("--seed", type=natural, default=0, help="all that is drawn follows from it: 0, 1, 2, ... (default: 0)")
    given = vars(parser.parse_args(argv))
    seed, is_full = given.pop("seed"), given.pop("full", False)
    if (data := given.get("data")) is not None and (reason := real_data.refused(name, data)):
        parser.error(reason)
    if is_full and "data" in parameters and data is None:
        wanted = real_data.kind(name)
        text = wanted.text if wanted else "the real data"
        print(f"--full without --data: what is published is about real data, and this runs on what the script makes.\n"
              f"--data takes {text}.", file=sys.stderr)  # fmt: skip
    chosen = full if is_full else {}
    return chosen | {option: value for option, value in given.items() if value is not None}, seed, is_full


def natural(text: str) -> int:
    """A number that a generator can begin with."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def positive(text: str) -> int:
    """How many: one at least."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def meaning(name: str, option: str, main: Main, default: Any) -> str:
    """What an option is, by the `Args:` of the docstring of `main`, and its default."""
    said = dict(re.findall(r"^ +(\w+): (.+)$", main.__doc__ or "", re.MULTILINE))
    text = said.get(option, MEANT.get(option, ""))
    if option == "data":
        wanted = real_data.kind(name)
        return f"real data: {wanted.text if wanted else 'a file or a folder'}\n(default: none, the script's own data)"
    return f"{text} (default: {default})" if text else f"default: {default}"


def shown(value: Any) -> str:
    """A result as it is printed: four digits of a float."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
