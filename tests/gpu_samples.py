"""Arguments for the kernels for a GPU: random windows, and what goes with them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from minigrad.ops import window as ops
from minigrad.ops.window import Window
from nn.functional.convolution import conv_bias

NAMES = ("unfold", "fold", "sum_pool", "sum_unpool", "max_pool", "pool_scatter", "pool_gather")
DTYPES = [np.float32, np.float64]
CONVOLUTIONS = ("conv", "conv_bias", "conv_input", "conv_weight")


def plain(name: str) -> Any:
    """The NumPy code of an op, under registry and batches."""
    return inspect.unwrap((conv_bias if name == "conv_bias" else getattr(ops, name)).op.forward)


def op(name: str) -> Any:
    return (conv_bias if name == "conv_bias" else getattr(ops, name)).op.forward


def random_window(rng: np.random.Generator) -> Window:
    """One to three axes; windows larger than the axis, padding larger than the window, gaps and overlaps."""
    while True:
        n = int(rng.integers(1, 4))
        shape, size, stride, dilation = (rng.integers(1, high, n) for high in (7, 5, 4, 4))
        padding = [tuple(p) for p in rng.integers(0, 4, (n, 2)).tolist()]
        try:
            return Window.over(shape.tolist(), size.tolist(), stride.tolist(), padding, dilation.tolist(), bool(rng.integers(2)))
        except ValueError:
            continue


def arguments(name: str, w: Window, rng: np.random.Generator, dtype: Any) -> list[Any]:
    lead = tuple(rng.integers(0 if rng.random() < 0.1 else 1, 4, rng.integers(0, 4)).tolist())
    inner = {"fold": (*w.size, *w.out), "sum_unpool": w.out, "pool_scatter": w.out}.get(name, w.shape)
    x = rng.integers(-3, 4, (*lead, *inner)).astype(dtype) / 4  # with numbers that come several times
    if x.size and rng.random() < 0.3:
        at = tuple(rng.integers(0, n) for n in x.shape)
        x[at] = rng.choice([np.nan, np.inf, -np.inf])
    if rng.random() < 0.3:
        x = np.asfortranarray(x)
    if name not in ("pool_scatter", "pool_gather"):
        return [x, w]
    kind = rng.choice(["int8", "uint8", "int16", "int32", "int64", "uint64"])
    places = rng.integers(0, np.prod(w.size) + 2, (*lead, *w.out)) - rng.integers(0, 2)
    return [x, places.astype(kind), w]


def shapes(name: str, w: Window, n: int, outputs: int, inputs: int, groups: int) -> list[tuple[int, ...]]:
    x, g = (n, groups * inputs, *w.shape), (n, groups * outputs, *w.out)
    weights = (groups * outputs, inputs, *w.size)
    return {
        "conv": [x, weights], "conv_bias": [x, weights, (groups * outputs,)], "conv_input": [g, weights], "conv_weight": [x, g],
    }[name]  # fmt: skip
