"""Searching hyperparameters: on a grid, or at random; the results as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import exp, isfinite, log
from typing import Any

import numpy as np

__all__ = ["Results", "choice", "grid_search", "integers", "log_uniform", "random_search", "uniform"]

Draw = Callable[[np.random.Generator], Any]


def uniform(low: float, high: float) -> Draw:
    """Numbers between two bounds.

    Args:
        low, high: the bounds; low can be drawn, high cannot.
    """
    return lambda generator: float(generator.uniform(low, high))


def log_uniform(low: float, high: float) -> Draw:
    """Numbers whose logarithm is uniform: for learning rates.

    Args:
        low, high: the bounds, both above 0.
    """
    return lambda generator: exp(generator.uniform(log(low), log(high)))


def integers(low: int, high: int) -> Draw:
    """Integers between two bounds.

    Args:
        low, high: the bounds; both can be drawn.
    """
    return lambda generator: int(generator.integers(low, high + 1))


def choice(options: Iterable[Any]) -> Draw:
    """One of some options.

    Args:
        options: the values, each as probable as the others.
    """
    given = list(options)
    return lambda generator: given[int(generator.integers(len(given)))]


@dataclass(frozen=True)
class Results:
    """What a search found; its repr is a table, the best first.

    Attributes:
        trials: (parameters, score), in the order in which they were tried.
        mode: "min" or "max", which score is better.
    """

    trials: tuple[tuple[dict[str, Any], float], ...]
    mode: str

    def ranked(self) -> list[tuple[dict[str, Any], float]]:
        """The trials, the best first; scores that are not finite come last."""
        sign = 1 if self.mode == "min" else -1
        return sorted(self.trials, key=lambda trial: (not isfinite(trial[1]), sign * trial[1] if isfinite(trial[1]) else 0))

    @property
    def best(self) -> dict[str, Any]:
        """The best parameters."""
        return self.ranked()[0][0]

    def __repr__(self) -> str:
        names = list(self.trials[0][0])
        rows = [["score", *names]]
        for parameters, score in self.ranked():
            rows.append(
                [
                    f"{score:.6g}",
                    *(f"{parameters[n]:.4g}" if isinstance(parameters[n], float) else str(parameters[n]) for n in names),
                ]
            )
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)


def _run(function: Callable[..., Any], trials: Iterable[dict[str, Any]], mode: str) -> Results:
    if mode not in ("min", "max"):
        raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
    done = tuple((parameters, float(function(**parameters))) for parameters in trials)
    if not done:
        raise ValueError("there is nothing to try")
    return Results(done, mode)


def grid_search(function: Callable[..., Any], grid: Mapping[str, Iterable[Any]], mode: str = "min") -> Results:
    """Call a function with all combinations of parameters; it returns a score.

    Args:
        function: called with the parameters by name.
        grid: the values to try, by the name of the parameter.
        mode: "min" or "max", which score is better.

    Raises:
        ValueError: another mode, or a grid without values.

    >>> grid_search(lambda x, y: (x - 2) ** 2 + y, {"x": [1, 2, 3], "y": [0.5, 0.25]}).best
    {'x': 2, 'y': 0.25}
    """
    names = list(grid)
    return _run(function, (dict(zip(names, values, strict=True)) for values in product(*(list(grid[n]) for n in names))), mode)


def random_search(
    function: Callable[..., Any], space: Mapping[str, Draw], trials: int, mode: str = "min", seed: int = 0
) -> Results:
    """Call a function with parameters drawn from a space; by the seed (Bergstra and Bengio, 2012).

    Args:
        function: called with the parameters by name; it returns a score.
        space: by the name of the parameter how it is drawn: `uniform`, `log_uniform`, `integers`, `choice`, or a function of a
            numpy.random.Generator.
        trials: how often the function is called.
        mode: "min" or "max", which score is better.
        seed: decides what is drawn.

    Raises:
        ValueError: another mode, or no trials.

    >>> results = random_search(lambda lr: abs(np.log10(lr) + 3), {"lr": log_uniform(1e-5, 1e-1)}, trials=40)
    >>> 3e-4 < results.best["lr"] < 3e-3
    True
    """
    generator = np.random.Generator(np.random.Philox(seed))
    return _run(function, [{name: draw(generator) for name, draw in space.items()} for _ in range(trials)], mode)
