"""Adafactor: Adam's second moments in the space of a row and a column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ..checks import Kind, WrongType, number
from .optimizer import Optimizer
from .options import rules

__all__ = ["Adafactor"]


def _fits(eps: Any) -> bool:
    """Whether Adafactor's eps is a pair of numbers, or of None and a number, that are not negative."""
    if not isinstance(eps, (tuple, list)):
        raise WrongType("no tuple")
    return len(eps) == 2 and (eps[0] is None or number(eps[0]) >= 0) and number(eps[1]) >= 0


class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, 2018), in PyTorch's form; t counts the steps from 1.

        b <- t^beta2_decay,  s <- max(eps[1], rms(p)) min(lr, 1 / sqrt(t))
        p <- (1 - lr weight_decay) p
        R <- (1 - b) R + b mean(g^2)                 over each row,  C the same over each column
        V <- R C / max(mean(R), eps[0])              of the last two axes; with fewer axes  V <- (1 - b) V + b g^2
        u <- g / sqrt(max(V, eps[0]^2)),   p <- p - s u / max(1, rms(u) / d)

    Args:
        lr: the largest step in relation to the size of the parameter.
        beta2_decay: the power with which the share b of the newest squares falls; at most 0.
        eps: two small numbers; None stands for the distance of 1 to the next number of p's dtype.
        d: rms of u above which it is scaled down, at least 1.

    >>> p = Tensor(np.ones((2, 3)), requires_grad=True)
    >>> (p * p).sum().backward()
    >>> Adafactor([p], lr=0.1).step()
    >>> p.round(4).tolist()
    [[0.9, 0.9, 0.9], [0.9, 0.9, 0.9]]
    """

    rules = {
        **rules("lr", "beta2_decay", "d", "weight_decay", "foreach", "maximize"),
        "eps": Kind("a pair of numbers of at least 0, of which the first may be None", _fits),
    }
    optional_state: ClassVar = ()
    elementwise = False

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
        foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        if p.ndim < 2:
            return {"step": 0, "variance": np.zeros_like(p)}
        rows, columns = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {"step": 0, "row_var": np.zeros_like(p, shape=rows), "col_var": np.zeros_like(p, shape=columns)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        if p.size == 0:
            return
        t, (small, smallest) = state["step"], group["eps"]
        small = float(np.finfo(p.dtype).eps) if small is None else small
        share = t ** group["beta2_decay"]
        size = _larger(smallest, _rms(p)) * min(group["lr"], t**-0.5)
        p *= 1 - group["lr"] * group["weight_decay"]
        square = g * g
        if p.ndim < 2:
            v = state["variance"]
            v += share * (square - v)  # in place: a sum of 0-d arrays is a number
        else:
            rows, columns = state["row_var"], state["col_var"]
            rows += share * (square.mean(axis=-1, keepdims=True) - rows)
            columns += share * (square.mean(axis=-2, keepdims=True) - columns)
            v = rows * columns / np.maximum(rows.mean(axis=-2, keepdims=True), small)
        u = g / np.sqrt(np.maximum(v, small * small))
        p -= size / _larger(1.0, _rms(u) / group["d"]) * u


def _rms(x: Any) -> Any:
    """The root of the mean square: a number; on a GPU an array, so that the step does not wait for it."""
    rms = np.sqrt(np.mean(x * x))
    return float(rms) if isinstance(x, np.ndarray) else rms


def _larger(a: float, b: Any) -> Any:
    """The larger of a number and what `_rms` gives."""
    return max(a, b) if isinstance(b, float) else np.maximum(a, b)
