"""Jigs in ABC notation: a motif, its answer, the motif again, a close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np

CLOSE = {"G": "G", "D": "D", "A": "A"}  # the key note
SCALE = ["D", "E", "F", "G", "A", "B", "c", "d", "e", "f", "g", "a"]


def tune(rng: np.random.Generator) -> str:
    """A jig of four bars in 6/8, drawn at random."""
    return written(str(rng.choice([*CLOSE])), int(rng.integers(2, 6)), rng.choice([-2, -1, 1, 2], 6), int(rng.choice([-1, 1])))


def written(key: str, start: int, steps: Sequence[int] | np.ndarray, answer: int) -> str:
    """The tune in ABC notation: the motif, its answer a step higher or lower, the motif again, and the close."""
    motif, bars = np.cumsum(steps) + start, []
    for shift in (0, answer, 0, 2):
        bars.append("".join(SCALE[n] for n in np.clip(motif + shift, 0, 11)))
    return f"K:{key}\n|:{bars[0]}|{bars[1]}|{bars[2]}|{bars[3][:3]}{CLOSE[key]}3:|\n\n"


def entropy() -> float:
    """Of one character of the tunes, in nats: no model can have less; each key is as probable as the others."""
    choices = product(range(2, 6), *[[-2, -1, 1, 2]] * 6, [-1, 1])
    different = Counter(written("G", start, rest[:6], rest[6]) for start, *rest in choices)
    p = np.array([*different.values()]) / different.total()
    return float((np.log(len(CLOSE)) - (p * np.log(p)).sum()) / len(next(iter(different))))
