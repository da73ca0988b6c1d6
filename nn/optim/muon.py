"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from minigrad import Tensor

from .optimizer import Optimizer
from .options import rules

__all__ = ["Muon"]


class Muon(Optimizer):
    """Muon (Jordan et al., 2024), for matrices, in PyTorch's form; give embeddings, biases and heads to AdamW.

        v <- momentum v + (1 - momentum) g
        u <- the orthogonal matrix nearest to v       (Nesterov: to momentum v + (1 - momentum) g)
        p <- (1 - lr weight_decay) p - lr s u

    u is found by a few steps of Newton and Schulz, x <- a x + b (x x^T) x + c (x x^T)^2 x, in bfloat16 as in
    PyTorch. s = sqrt(max(1, rows / columns)).

    Args:
        momentum: how much each step keeps of the running mean of the gradients.
        nesterov: whether the step is Nesterov's.
        ns_coefficients, ns_steps: a, b, c, and how many steps.
        eps: the least length by which the matrix is divided before these steps.
        adjust_lr_fn: "match_rms_adamw" for s = 0.2 sqrt(max(rows, columns)), with which AdamW's lr can be used; None and
            "original": s as above.

    >>> p = Tensor(np.eye(2), requires_grad=True)
    >>> (p * p).sum().backward()
    >>> Muon([p], lr=0.1, weight_decay=0.0).step()
    >>> np.diag(p.detach().numpy()).round(2), p[0, 1].item()
    (array([0.89, 0.89]), 0.0)
    """

    rules = rules("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps", "adjust_lr_fn")
    optional_state: ClassVar = ()
    elementwise = False

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
        nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check_parameters(self, params: list[Tensor]) -> None:
        super().check_parameters(params)
        for p in params:
            if p.ndim != 2:
                raise ValueError(f"Muon takes matrices, got a parameter of shape {p.shape}; give it to AdamW")

    def fresh_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p)}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        if p.size == 0:
            return
        momentum, v = group["momentum"], state["momentum_buffer"]
        v += (1 - momentum) * (g - v)
        direction = g + momentum * (v - g) if group["nesterov"] else v
        u = _orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        scale = sqrt(max(1.0, rows / columns))
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * sqrt(max(rows, columns))
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= (group["lr"] * scale * u).astype(p.dtype)


def _orthogonal(x: Any, coefficients: Any, steps: int, eps: float) -> Any:
    """An almost orthogonal matrix with the singular vectors of x."""
    a, b, c = (np.float32(k) for k in coefficients)
    wide = x.shape[0] <= x.shape[1]
    x = _bfloat16(x if wide else x.T)
    size = _bfloat16(np.linalg.norm(x))
    x = _bfloat16(x / np.maximum(size, np.float32(eps)))
    for _ in range(steps):
        square = _bfloat16(x @ x.T)
        polynomial = _bfloat16(b * square + c * (square @ square))
        x = _bfloat16(a * x + polynomial @ x)
    return x if wide else x.T


def _bfloat16(x: Any) -> Any:
    """Float32 numbers rounded to the nearest that bfloat16 has, to even ones where two are as near."""
    x = x.astype(np.float32)
    bits = x.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = ((bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isfinite(x), rounded, x)
