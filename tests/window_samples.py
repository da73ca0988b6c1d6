"""Rows of the table of ops: convolution and pooling, with plain loops as their oracle."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from minigrad.ops import window
from minigrad.ops.window import Window

from .samples import Sample, beside, between


def conv_by_loops(x: np.ndarray, w: np.ndarray, win: Window, groups: int) -> np.ndarray:
    n, o, n_axes = len(x), len(w), len(win.shape)
    padded = np.pad(x, ((0, 0), (0, 0), *win.padding))
    out = np.zeros((n, o, *win.out))
    per_in, per_out = w.shape[1], o // groups
    for i, j in product(range(n), range(o)):
        first = j // per_out * per_in
        for p in product(*map(range, win.out)):
            for k in product(*map(range, win.size)):
                at = tuple(p[a] * win.stride[a] + k[a] * win.dilation[a] for a in range(n_axes))
                out[(i, j, *p)] += padded[(i, slice(first, first + per_in), *at)] @ w[(j, slice(None), *k)]
    return out


def by_transposing(linear: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], g: np.ndarray) -> np.ndarray:
    """The transpose of a linear map, from the images of all unit vectors."""
    basis = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.array([np.sum(linear(e) * g) for e in basis]).reshape(shape)


def conv_samples() -> dict[str, list[Sample]]:
    rows: dict[str, list[Sample]] = {"conv": [], "conv_input": [], "conv_weight": []}
    for spatial, size, options, groups, (c, o) in (
        ((5,), 3, {}, 1, (2, 2)),
        ((6,), 2, {"stride": 2, "padding": 1, "dilation": 2}, 2, (2, 4)),
        ((4, 5), (2, 3), {"stride": (1, 2), "padding": (1, 0)}, 1, (2, 1)),
        ((3, 3), 2, {"padding": [(0, 1), (1, 0)]}, 2, (2, 2)),
        ((3, 3), 1, {}, 1, (2, 3)),
        ((2, 3, 2), 2, {"padding": 1, "stride": 2}, 1, (1, 2)),
    ):
        win = Window.over(spatial, size, **options)
        x, w = between(-1, 1, 2, c, *spatial), between(-1, 1, o, c // groups, *win.size)
        g = between(-1, 1, 2, o, *win.out)
        kw: dict[str, Any] = {"window": win, "groups": groups}
        loops = partial(conv_by_loops, win=win, groups=groups)
        rows["conv"].append(Sample(partial(window.conv, **kw), (x, w), loops))
        rows["conv_input"].append(
            Sample(
                partial(window.conv_input, **kw), (g, w), lambda g, w, f=loops, s=x.shape: by_transposing(lambda e: f(e, w), s, g)
            )
        )
        rows["conv_weight"].append(
            Sample(
                partial(window.conv_weight, **kw),
                (x, g),
                lambda x, g, f=loops, s=w.shape: by_transposing(lambda e: f(x, e), s, g),
            )
        )
    return rows


def pool_samples() -> dict[str, list[Sample]]:
    rows: dict[str, list[Sample]] = {
        n: [] for n in ("unfold", "fold", "max_pool", "pool_gather", "pool_scatter", "sum_pool", "sum_unpool")
    }
    for spatial, size, options in (
        ((6,), 2, {"stride": 2}),
        ((5,), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
        ((4, 5), (2, 3), {"stride": (2, 1), "padding": (1, 1)}),
        ((5, 4), 2, {"dilation": 2}),
        ((3, 2, 3), 2, {}),
    ):
        win = Window.over(spatial, size, **options)
        x = between(-1, 1, 2, 2, *spatial)
        g, columns = between(-1, 1, 2, 2, *win.out), between(-1, 1, 2, 2, *win.size, *win.out)

        def taken(x: np.ndarray, fill: float, win: Window = win) -> np.ndarray:
            """All windows by loops, (N, C, *size, *out); `fill` outside."""
            out = np.full((*x.shape[:2], *win.size, *win.out), fill)
            for k in product(*map(range, win.size)):
                for p in product(*map(range, win.out)):
                    at = [p[a] * win.stride[a] + k[a] * win.dilation[a] - win.padding[a][0] for a in range(len(p))]
                    if all(0 <= i < n for i, n in zip(at, win.shape, strict=True)):
                        out[(slice(None), slice(None), *k, *p)] = x[(slice(None), slice(None), *at)]
            return out

        axes = tuple(range(2, 2 + len(spatial)))
        first = taken(x, -np.inf).reshape(2, 2, -1, *win.out).argmax(2)

        def gathered(x: np.ndarray, taken: Any = taken, first: np.ndarray = first, win: Window = win) -> np.ndarray:
            flat = taken(x, 0.0).reshape(2, 2, -1, *win.out)
            return np.take_along_axis(flat, first[:, :, None], 2)[:, :, 0]

        def summed(x: np.ndarray, taken: Any = taken, axes: Any = axes) -> np.ndarray:
            return taken(x, 0.0).sum(axes)

        kw: dict[str, Any] = {"window": win}
        rows["unfold"].append(Sample(partial(window.unfold, **kw), (x,), partial(taken, fill=0.0)))
        rows["fold"].append(
            Sample(partial(window.fold, **kw), (columns,), partial(by_transposing, partial(taken, fill=0.0), x.shape))
        )
        rows["max_pool"].append(
            Sample(lambda x, w=win: window.max_pool(x, w), (x,), lambda x, t=taken, a=axes: t(x, -np.inf).max(a))
        )
        rows["pool_gather"].append(Sample(lambda x, i=first, w=win: window.pool_gather(x, beside(x, i), w), (x,), gathered))
        rows["pool_scatter"].append(
            Sample(
                lambda g, i=first, w=win: window.pool_scatter(g, beside(g, i), w),
                (g,),
                partial(by_transposing, gathered, x.shape),
            )
        )
        rows["sum_pool"].append(Sample(partial(window.sum_pool, **kw), (x,), summed))
        rows["sum_unpool"].append(Sample(partial(window.sum_unpool, **kw), (g,), partial(by_transposing, summed, x.shape)))
    return rows
