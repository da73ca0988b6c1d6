"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import enable_grad

from .optimizer import Optimizer

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal, 1989), for whole batches; `step(closure)` does up to max_iter iterations.

        d = -H g,  H built from the last history_size pairs s = p' - p, y = g' - g by two loops
        p <- p + t d,  t = min(1, 1 / |g|_1) lr in the first iteration, then lr

    Args:
        closure (of `step`): computes the loss anew and calls backward on it.
        line_search_fn: "armijo" halves t until the loss falls enough; by default none, as in PyTorch.

    >>> p = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([p])
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1.0) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> p.round(3).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1.0, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        if line_search_fn not in (None, "armijo"):
            raise ValueError(f"LBFGS: line_search_fn must be None or 'armijo', got {line_search_fn!r}")
        super().__init__(
            params,
            {"lr": lr, "max_iter": max_iter, "max_eval": max_eval or max_iter * 5 // 4, "tolerance_grad": tolerance_grad,
             "tolerance_change": tolerance_change, "history_size": history_size, "line_search_fn": line_search_fn},
        )  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS takes one group of parameters")

    def _gradient(self) -> Any:
        parts = [np.zeros_like(p.data) if p.grad is None else p.grad.data for p in self.param_groups[0]["params"]]
        return np.concatenate([part.reshape(-1) for part in parts])

    def _move(self, t: float, d: Any) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            p.data += (t * d[start : start + p.size]).reshape(p.shape)
            start += p.size

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations; returns the loss before them."""
        if closure is None:
            raise TypeError("LBFGS needs a closure that computes the loss and its gradients: optimizer.step(closure)")
        group = self.param_groups[0]
        memory = self.state.setdefault(id(group["params"][0]), {})
        with enable_grad():
            first = closure()
        loss, g = float(first), self._gradient().copy()
        evaluations = 1
        if np.abs(g).max() <= group["tolerance_grad"]:
            return first
        for _ in range(group["max_iter"]):
            memory["n_iter"] = memory.get("n_iter", 0) + 1
            d = self._direction(memory, g, group["history_size"])
            t = min(1.0, 1.0 / float(np.abs(g).sum())) * group["lr"] if memory["n_iter"] == 1 else group["lr"]
            memory["prev_flat_grad"], slope, previous = g, float(g @ d), loss
            if slope > -group["tolerance_change"]:
                break
            self._move(t, d)
            with enable_grad():
                loss = float(closure())
            evaluations += 1
            while group["line_search_fn"] == "armijo" and not loss <= previous + 1e-4 * t * slope and t > 1e-12:
                self._move(-t / 2, d)
                t /= 2
                with enable_grad():
                    loss = float(closure())
                evaluations += 1
            g = self._gradient().copy()
            memory["d"], memory["t"] = d, t
            if evaluations >= group["max_eval"] or np.abs(g).max() <= group["tolerance_grad"]:
                break
            if np.abs(d * t).max() <= group["tolerance_change"] or abs(loss - previous) < group["tolerance_change"]:
                break
        return first

    @staticmethod
    def _direction(memory: dict[str, Any], g: Any, history_size: int) -> Any:
        """-H g by the two loops; the newest pair is taken up first."""
        pairs = memory.setdefault("pairs", [])
        if "d" in memory:
            y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
            if (ys := float(y @ s)) > 1e-10:
                if len(pairs) == history_size:
                    pairs.pop(0)
                pairs.append((y, s, 1.0 / ys))
                memory["scale"] = ys / float(y @ y)
        q, shares = -g, []
        for y, s, rho in reversed(pairs):
            share = float(s @ q) * rho
            q = q - share * y
            shares.append(share)
        q = q * memory.get("scale", 1.0)
        for (y, s, rho), share in zip(pairs, reversed(shares), strict=True):
            q = q + s * (share - float(y @ q) * rho)
        return q
