"""Stochastic gradient descent, and its averages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.arrays import RowSparse, add_rows

from .optimizer import Optimizer
from .options import rules

__all__ = ["ASGD", "SGD"]


class SGD(Optimizer):
    """Gradient descent with momentum (Polyak, 1964) and Nesterov's variant, in PyTorch's form.

        g <- g + weight_decay p
        v <- momentum v + (1 - dampening) g          (v <- g in the first step)
        p <- p - lr v                                (Nesterov: p - lr (g + momentum v))

    Args:
        momentum: how much of the last step's v is kept; 0: none.
        dampening: by how much the gradient counts less in v.
        nesterov: whether the step is Nesterov's; it needs a momentum, and no dampening.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> (p * p).backward()
    >>> SGD([p], lr=0.1).step()
    >>> round(p.item(), 4)
    0.8
    """

    rules = rules("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "foreach", "differentiable", "fused")
    optional_state: ClassVar = ("momentum_buffer",)
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable,
            "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check_group(self, options: Mapping[str, Any]) -> None:
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening = 0")

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        if momentum:
            v = state.get("momentum_buffer")
            if v is None:
                v = state["momentum_buffer"] = g.copy()
            else:
                v *= momentum
                v += (1 - group["dampening"]) * g if group["dampening"] else g
            g = g + momentum * v if group["nesterov"] else v
        p -= lr * g

    def update_rows(self, p: Any, g: RowSparse, state: dict[str, Any], group: dict[str, Any]) -> None:
        if group["momentum"] or group["weight_decay"]:
            super().update_rows(p, g, state, group)
        else:  # without a state it does not matter how often a row comes
            add_rows(p, g.rows, -group["lr"] * g.values)


class ASGD(Optimizer):
    """Gradient descent whose weights are also averaged (Polyak and Juditsky, 1992); t counts the steps from 1.

        g <- g + weight_decay p
        p <- (1 - lambd eta) p - eta g               eta = lr in the first step
        a <- a + mu (p - a)                          mu = 1 in the first step
        eta <- lr / (1 + lambd lr t)^alpha,   mu <- 1 / max(1, t - t0)

    The averages stand in the state, as "ax".

    Args:
        lambd: how fast the steps become smaller, and by how much the parameters shrink meanwhile.
        alpha: the power with which they do.
        t0: the step after which averaging begins; until then "ax" is the parameter itself.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> (p * p).backward()
    >>> ASGD([p], lr=0.1).step()
    >>> round(p.item(), 4)
    0.8
    """

    rules = rules("lr", "lambd", "alpha", "t0", "weight_decay", "foreach", "maximize", "differentiable", "capturable")
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0.0, foreach: bool | None = None, maximize: bool = False,
        differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "eta": float(group["lr"]), "mu": 1.0, "ax": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        t, eta, lr = state["step"], state["eta"], group["lr"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        state["ax"] += state["mu"] * (p - state["ax"])
        state["eta"] = lr / (1 + group["lambd"] * lr * t) ** group["alpha"]
        state["mu"] = 1 / max(1.0, t - group["t0"])
