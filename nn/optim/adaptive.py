"""Optimizers that adapt the step of each element: Adagrad, RMSprop, Adadelta, Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer
from .options import rules

__all__ = ["Adadelta", "Adagrad", "RMSprop", "Rprop"]


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., 2011): steps shrink with all squared gradients so far.

        g <- g + weight_decay p
        s <- s + g^2
        p <- p - lr' g / (sqrt(s) + eps),  lr' = lr / (1 + (t - 1) lr_decay)

    Args:
        lr_decay: how much the learning rate falls besides; t counts the steps from 1.
        initial_accumulator_value: s before the first step, at least 0.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> (p * p).backward()
    >>> Adagrad([p], lr=0.1).step()
    >>> round(p.item(), 4)
    0.9
    """

    rules = rules(
        "lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value", "foreach", "maximize",
        "differentiable", "fused",
    )  # fmt: skip
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "sum": np.full_like(p, group["initial_accumulator_value"])}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        total, scratch = state["sum"], g * g
        total += scratch
        np.sqrt(total, out=scratch)
        scratch += group["eps"]
        np.divide(g, scratch, out=scratch)
        scratch *= group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= scratch


class RMSprop(Optimizer):
    """RMSprop (Hinton's lecture 6e, 2012): steps divided by a running root mean square of the gradient.

        g <- g + weight_decay p
        s <- alpha s + (1 - alpha) g^2
        d <- sqrt(s) + eps                           (centered: sqrt(s - m^2) + eps, m <- alpha m + (1 - alpha) g)
        p <- p - lr g / d                            (with momentum: b <- momentum b + g / d, p <- p - lr b)

    Args:
        alpha: how much each step keeps of the running mean square.
        momentum: how much of the last step is kept; 0: none.
        centered: divide by the running standard deviation, in place of the root mean square.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> (p * p).backward()
    >>> RMSprop([p], lr=0.01).step()
    >>> round(p.item(), 4)
    0.9
    """

    rules = rules(
        "lr", "momentum", "alpha", "eps", "centered", "weight_decay", "capturable", "foreach", "maximize",
        "differentiable",
    )  # fmt: skip
    optional_state: ClassVar = ("momentum_buffer", "grad_avg")
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False, capturable: bool = False,
        foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "square_avg": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        alpha, momentum = group["alpha"], group["momentum"]
        for name, wanted in (("momentum_buffer", momentum), ("grad_avg", group["centered"])):
            if wanted and name not in state:
                state[name] = np.zeros_like(p)
        state["step"] += 1
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        square, scratch = state["square_avg"], g * g
        scratch *= 1 - alpha
        square *= alpha
        square += scratch
        if group["centered"]:
            mean = state["grad_avg"]
            mean += (1 - alpha) * (g - mean)
            np.multiply(mean, mean, out=scratch)
            np.subtract(square, scratch, out=scratch)
            np.maximum(scratch, 0, out=scratch)  # of gradients all alike, rounding leaves less than 0
            np.sqrt(scratch, out=scratch)
        else:
            np.sqrt(square, out=scratch)
        scratch += group["eps"]
        np.divide(g, scratch, out=scratch)
        if momentum:
            buffer = state["momentum_buffer"]
            buffer *= momentum
            buffer += scratch
            p -= group["lr"] * buffer
        else:
            scratch *= group["lr"]
            p -= scratch


class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): steps of the size of recent steps.

        g <- g + weight_decay p
        s <- rho s + (1 - rho) g^2
        d <- sqrt(a + eps) / sqrt(s + eps) g
        a <- rho a + (1 - rho) d^2
        p <- p - lr d

    Args:
        lr: a factor of the steps; Zeiler's method has none, which is 1.
        rho: how much each step keeps of the running mean squares, 0 to 1.
        eps: added to both mean squares: the larger, the larger the first steps.
    """

    rules = rules("lr", "rho", "eps", "weight_decay", "maximize", "capturable", "foreach", "differentiable")
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False,
        differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        rho, eps = group["rho"], group["eps"]
        state["step"] += 1
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        square, moved = state["square_avg"], state["acc_delta"]
        square *= rho
        square += (1 - rho) * (g * g)
        delta = np.sqrt((moved + eps) / (square + eps))
        delta *= g
        moved *= rho
        moved += (1 - rho) * (delta * delta)
        delta *= group["lr"]
        p -= delta


class Rprop(Optimizer):
    """Resilient propagation (Riedmiller and Braun, 1993), for whole batches: only the signs of the gradient count.

        p <- p - step sign(g)

    The step of an element grows by etas[1] while its gradient keeps its sign, and shrinks by etas[0] when it turns
    (then the element stays once).

    Args:
        lr: the steps of the elements at first.
        etas: the factors by which a step shrinks, below 1, and grows, above 1.
        step_sizes: the least and the largest step.
    """

    rules = rules("lr", "etas", "step_sizes", "foreach", "maximize", "differentiable", "capturable")
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "prev": np.zeros_like(p), "step_size": np.full_like(p, group["lr"])}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        agreement = np.sign(g * state["prev"])
        smaller, larger = group["etas"]
        state["step_size"] *= np.where(agreement > 0, larger, np.where(agreement < 0, smaller, 1.0)).astype(p.dtype)
        np.clip(state["step_size"], *group["step_sizes"], out=state["step_size"])
        g = np.where(agreement < 0, 0.0, g).astype(p.dtype, copy=False)
        p -= np.sign(g) * state["step_size"]
        state["prev"] = g
