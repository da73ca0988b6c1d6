"""Adam's relatives: Adamax, NAdam, RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer
from .options import rules

__all__ = ["Adamax", "NAdam", "RAdam"]


def _decayed(p: Any, g: Any, group: dict[str, Any]) -> Any:
    """The gradient with weight decay in it, or the parameter decayed where that is decoupled."""
    if not group["weight_decay"]:
        return g
    if group.get("decoupled_weight_decay"):
        p *= 1 - group["lr"] * group["weight_decay"]
        return g
    return g + group["weight_decay"] * p


def _mean(average: Any, value: Any, beta: float) -> Any:
    """average <- beta average + (1 - beta) value, in place."""
    average *= beta
    average += (1 - beta) * value
    return average


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the root mean square (Kingma and Ba, 2015, section 7).

        g <- g + weight_decay p
        m <- beta_1 m + (1 - beta_1) g,  m' = m / (1 - beta_1^t)
        u <- max(beta_2 u, |g| + eps)
        p <- p - lr m' / u
    """

    rules = rules("lr", "betas", "eps", "weight_decay", "foreach", "maximize", "differentiable", "capturable")
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, foreach: bool | None = None, *, maximize: bool = False,
        differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "exp_avg": np.zeros_like(p), "exp_inf": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        g = _decayed(p, g, group)
        beta1, beta2 = group["betas"]
        m, u = _mean(state["exp_avg"], g, beta1), state["exp_inf"]
        u *= beta2
        scratch = np.abs(g)
        scratch += group["eps"]
        np.maximum(u, scratch, out=u)
        np.divide(m, u, out=scratch)
        scratch *= group["lr"] / (1 - beta1 ** state["step"])
        p -= scratch


class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016).

        mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2);  m, v as in Adam
        d = sqrt(v / (1 - beta_2^t)) + eps
        p <- p - lr ((1 - mu_t) / (1 - M_t) g + mu_{t+1} / (1 - M_{t+1}) m) / d,  M_t the product of mu_1 to mu_t

    Args:
        momentum_decay: how fast the momentum mu goes from beta_1 / 2 to beta_1.
    """

    rules = rules(
        "lr", "betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize", "foreach",
        "capturable", "differentiable",
    )  # fmt: skip
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "mu_product": 1.0, "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        t, (beta1, beta2) = state["step"], group["betas"]
        g = _decayed(p, g, group)
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        state["mu_product"] *= mu
        m, v = _mean(state["exp_avg"], g, beta1), _mean(state["exp_avg_sq"], g * g, beta2)
        d = np.sqrt(v / (1 - beta2**t))
        d += group["eps"]
        step = group["lr"] * (1 - mu) / (1 - state["mu_product"]) * g
        step += group["lr"] * mu_next / (1 - state["mu_product"] * mu_next) * m
        step /= d
        p -= step


class RAdam(Optimizer):
    """Adam whose adaptive step waits until its variance is known (Liu et al., 2020).

        rho = 2 / (1 - beta_2) - 1,  rho_t = rho - 2 t beta_2^t / (1 - beta_2^t)
        m, v as in Adam,  m' = m / (1 - beta_1^t)
        r = sqrt((rho_t - 4)(rho_t - 2) rho / ((rho - 4)(rho - 2) rho_t))
        p <- p - lr r sqrt(1 - beta_2^t) m' / (sqrt(v) + eps)    where rho_t > 5
        p <- p - lr m'                                           otherwise
    """

    rules = rules(
        "lr", "betas", "eps", "weight_decay", "maximize", "foreach", "capturable", "decoupled_weight_decay",
        "differentiable",
    )  # fmt: skip
    optional_state: ClassVar = ()
    together = True

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        t, (beta1, beta2) = state["step"], group["betas"]
        g = _decayed(p, g, group)
        m, v = _mean(state["exp_avg"], g, beta1), _mean(state["exp_avg_sq"], g * g, beta2)
        size, rho = group["lr"] / (1 - beta1**t), 2 / (1 - beta2) - 1
        rho_t = rho - 2 * t * beta2**t / (1 - beta2**t)
        if rho_t <= 5:
            p -= size * m
            return
        size *= ((rho_t - 4) * (rho_t - 2) * rho / ((rho - 4) * (rho - 2) * rho_t) * (1 - beta2**t)) ** 0.5
        d = np.sqrt(v)
        d += group["eps"]
        np.divide(m, d, out=d)
        d *= size
        p -= d
