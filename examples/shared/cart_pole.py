"""A pole on a cart, many carts at once, by the equations of Barto, Sutton and Anderson (1983)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: States (N, 4) to pushes: True is right, False is left.
Policy = Callable[[np.ndarray], np.ndarray]


class Carts:
    """Carts that take their steps together.

    Attributes:
        state: (N, 4), place in metres, speed, angle in radians, turning; float32.
        age: (N,), the steps since each cart began.
    """

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.state = np.zeros((count, 4), np.float32)
        self.age = np.zeros(count, int)
        self.begin(np.ones(count, bool))

    def begin(self, which: np.ndarray) -> None:
        """Put these carts to the middle, with poles that are nearly upright."""
        fresh = self.rng.uniform(-0.05, 0.05, self.state.shape).astype(np.float32)
        self.state = np.where(which[:, None], fresh, self.state)
        self.age = np.where(which, 0, self.age)

    def step(self, right: np.ndarray) -> np.ndarray:
        """Push each by 10 newtons for 0.02 s; returns which are out: beyond 2.4 m or 12 degrees."""
        x, v, a, w = self.state.astype(float).T
        force = np.where(right, 10.0, -10.0)
        sin, cos = np.sin(a), np.cos(a)
        t = (force + 0.05 * w**2 * sin) / 1.1
        turn = (9.8 * sin - cos * t) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        push = t - 0.05 * turn * cos / 1.1
        moved = np.stack([x + 0.02 * v, v + 0.02 * push, a + 0.02 * w, w + 0.02 * turn], axis=1)
        self.state = moved.astype(np.float32)
        self.age += 1
        return (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > np.deg2rad(12))


def stood(policy: Policy, count: int, rng: np.random.Generator, longest: int) -> float:
    """How many steps the pole stands under a policy, `longest` at most: the mean of `count` carts."""
    carts, alive, steps = Carts(count, rng), np.ones(count, bool), np.zeros(count)
    for _ in range(longest):
        steps += alive
        alive &= ~carts.step(policy(carts.state))
        if not alive.any():
            break
    return float(steps.mean())


def untaught(count: int, rng: np.random.Generator, longest: int) -> dict[str, float]:
    """What policies reach that learn nothing: for the results of an example."""
    return {
        "chance: steps, random pushes": stood(lambda s: rng.random(len(s)) < 0.5, count, rng, longest),
        "baseline: steps, push to where the pole leans": stood(lambda s: s[:, 2] > 0, count, rng, longest),
        "baseline: steps, push against the turning": stood(lambda s: s[:, 3] > 0, count, rng, longest),
    }
