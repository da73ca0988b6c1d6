"""What a row of the table of ops is made of, and how its arrays are chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg

rng = np.random.default_rng(0)


def beside(x: Any, values: Any) -> Any:
    """Constant values as an array of the kind that x is, or that the Tensor x holds."""
    data = x._array if isinstance(x, mg.Tensor) else x
    with mg.devices.on_gpu_of(data):
        return np.asarray(values, like=data)


@dataclass
class Sample:
    f: Callable[..., Any]
    args: tuple[Any, ...]
    reference: Callable[..., Any] | None = None
    order: int = 2
    torch: str | None = None  # the function of torch that it is compared with

    def oracle(self) -> Any:
        return (self.reference or self.f)(*self.args)


def between(low: float, high: float, *shape: int) -> np.ndarray:
    """Values spread over an interval, well away from each other, in random order."""
    n = int(np.prod(shape))
    return rng.permutation(np.linspace(low, high, n + 2)[1:-1]).reshape(shape)


def away_from_zero(*shape: int) -> np.ndarray:
    x = between(0.3, 2.0, *shape)
    return x * rng.choice([-1.0, 1.0], shape)


def unary(f: Callable[..., Any], low: float = -2.0, high: float = 2.0, torch: str | None = None, **kw: Any) -> list[Sample]:
    x = between(low, high, 2, 3)
    shapes = [x, x[0, 0], x[:, :0], x.T, np.broadcast_to(x[0], (2, 3))]
    return [Sample(f, (a,), order=3, torch=torch, **kw) for a in shapes]


def binary(f: Callable[..., Any], x: np.ndarray, y: np.ndarray, torch: str | None = None, **kw: Any) -> list[Sample]:
    """x and y of shape (2, 3): equal shapes, broadcasting both ways, scalars, empty."""
    pairs = [(x, y), (x, y[0]), (x[:, :1], y[:1]), (x[0, 0], y), (x, y[0, 0]), (x[:, :0], y[:, :0]), (x.T, y.T)]
    return [Sample(f, p, order=3, torch=torch, **kw) for p in pairs]
