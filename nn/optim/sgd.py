"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.arrays import RowSparse, add_rows

from .optimizer import Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent with momentum (Polyak, 1964) and Nesterov's variant, in PyTorch's form.

        g <- g + weight_decay p
        v <- momentum v + (1 - dampening) g          (v <- g in the first step)
        p <- p - lr v                                (Nesterov: p - lr (g + momentum v))

    >>> p = Tensor([1.0], requires_grad=True)
    >>> (p * p).backward()
    >>> SGD([p], lr=0.1).step()
    >>> round(p.item(), 4)
    0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("nesterov needs momentum > 0 and dampening = 0")
        super().__init__(
            params,
            {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
             "maximize": maximize},
        )  # fmt: skip

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        if momentum:
            if "momentum_buffer" not in state:
                v = state["momentum_buffer"] = np.array(g, copy=True) if isinstance(g, np.ndarray) else g.copy()
            else:
                v = state["momentum_buffer"]
                v *= momentum
                v += (1 - group["dampening"]) * g if group["dampening"] else g
            g = g + momentum * v if group["nesterov"] else v
        p -= lr * g

    def update_rows(self, p: Any, g: RowSparse, state: dict[str, Any], group: dict[str, Any]) -> None:
        if group["momentum"] or group["weight_decay"]:
            super().update_rows(p, g, state, group)
        else:  # without a state it does not matter how often a row comes
            add_rows(p, g.rows, -group["lr"] * g.values)
