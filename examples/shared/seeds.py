"""One seed for each run, from `--seed`: the weights come from it, and every generator of data."""

from __future__ import annotations

import numpy as np

import minigrad

_seed = 0


def choose(seed: int) -> None:
    """Begin a run: all that is drawn from here on follows from this number."""
    global _seed
    _seed = seed
    restart()


def chosen() -> int:
    """The seed of this run, for what takes a number: `DataLoader(..., seed=chosen())`."""
    return _seed


def restart() -> None:
    """Draw minigrad's random numbers from the beginning again, so that two models start alike."""
    minigrad.random.manual_seed(_seed)


def generator(stream: int = 0) -> np.random.Generator:
    """A NumPy generator; each stream of a seed is another one, and always the same.

    Two models that learn from `generator()` see the same data.
    """
    return np.random.default_rng((_seed, stream))
