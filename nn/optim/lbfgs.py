"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, enable_grad, mark_mutated
from minigrad.arrays import RowSparse
from minigrad.devices import follow

from .line_search import Point, armijo, strong_wolfe
from .loading import follow_parameter, loaded_array, loaded_number
from .optimizer import Optimizer
from .options import check_rules, rules

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal, 1989), for whole batches; `step(closure)` does up to max_iter iterations.

        d <- -H g,  H built by two loops from the last history_size pairs of p' - p and g' - g
        p <- p + t d,  t = lr,  but in the first iteration lr min(1, 1 / sum |g|)

    Its `step` takes a closure, which computes the loss anew, calls backward on it and returns it.

    Raises:
        TypeError: `step` is given no closure.

    >>> p = Tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1.0) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> first = optimizer.step(closure)
    >>> p.round(3).tolist()
    [1.0, 1.0]
    """

    rules = rules("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size", "line_search_fn")
    elementwise = False

    def __init__(
        self, params: Iterable[Any], lr: Any = 1.0, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        """A step ends after max_iter iterations, or when one of the limits is reached.

        Args:
            params: tensors, or pairs of a name and a tensor; one group.
            lr: t of the iterations, and where a line search begins.
            max_iter: the most iterations of a step.
            max_eval: no iteration begins after so many evaluations of the loss; 5/4 max_iter by default.
            tolerance_grad: the step ends when no number of the gradient is larger.
            tolerance_change: it ends when no number moves by more, when the loss changes by less, or when it falls no more
                steeply along d.
            history_size: how many pairs are remembered; each is as large as two copies of the parameters.
            line_search_fn: "strong_wolfe" finds a t at which the loss and its slope have fallen enough;
                "armijo" halves t until the loss has. By default none, as in PyTorch.
        """
        check_rules("LBFGS", {"max_iter": max_iter}, self.rules)
        defaults = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """The one group; a second one is an error."""
        if self.param_groups:
            raise ValueError("LBFGS takes one group of parameters")
        super().add_param_group(group)

    def check_parameters(self, params: list[Tensor]) -> None:
        """All are taken: complex ones as pairs of numbers."""

    def take_step(self, closure: Callable[[], Any] | None) -> Any:
        """Up to max_iter iterations; returns the loss before them."""
        if closure is None:
            raise TypeError("LBFGS needs a closure that computes the loss and its gradients: optimizer.step(closure)")
        group = self.options_of(0)
        params = group["params"]
        with enable_grad():
            first = closure()
        if not params:
            return first
        for i, p in enumerate(params):
            if p.grad is not None:
                self._check_arrays(p, p.grad.data, f"parameter {i} of group 0")
        memory = self.state[params[0]]
        follow_parameter(memory, params[0])
        memory["func_evals"] = memory.get("func_evals", 0) + 1
        start = Point(0.0, _number(first), 0.0, _gradient(params))
        if _largest(start.gradient) > group["tolerance_grad"]:
            self._iterate(closure, group, memory, start)
        return first

    def _iterate(self, closure: Callable[[], Any], group: dict[str, Any], memory: dict[str, Any], point: Point) -> None:
        evaluations = 1
        for i in range(1, group["max_iter"] + 1):
            g = point.gradient
            memory["n_iter"] = memory.get("n_iter", 0) + 1
            d = _direction(memory, g, group["history_size"])
            t = group["lr"]
            if memory["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(np.abs(g).sum()))
            start = Point(0.0, point.loss, float(g @ d), g)
            memory.update(d=d, t=t, prev_flat_grad=g.copy(), prev_loss=point.loss)
            if start.slope > -group["tolerance_change"]:
                break
            line = _Line(closure, group["params"], d)
            if group["line_search_fn"] is None and i == group["max_iter"]:
                line.go(t)  # the next step begins with an evaluation at the same place
                break
            point = _search(group, line, start, t)
            memory["t"] = point.t
            memory["func_evals"] += line.evaluations
            evaluations += line.evaluations
            if evaluations >= group["max_eval"] or _largest(point.gradient) <= group["tolerance_grad"]:
                break
            little = group["tolerance_change"]
            if _largest(d) * abs(point.t) <= little or abs(point.loss - start.loss) < little:
                break

    def load_entry(self, p: Tensor, entry: Mapping[str, Any], options: dict[str, Any], where: str) -> dict[str, Any]:
        """What is remembered, which is of all parameters together, checked and copied."""
        flat = _gradient(options["params"])
        vectors, lists = ("d", "prev_flat_grad"), ("old_dirs", "old_stps", "ro")
        counts, numbers = ("func_evals", "n_iter"), ("t", "H_diag", "prev_loss")
        if unknown := entry.keys() - {*vectors, *lists, *counts, *numbers, "al"}:
            raise ValueError(f"{where}: no {min(map(str, unknown))!r} is known")
        state: dict[str, Any] = {}
        for name, value in entry.items():
            if name in vectors:
                state[name] = loaded_array(value, flat, p, f"{where}: {name!r}")
            elif name in lists:
                if not isinstance(value, (list, tuple)):
                    raise ValueError(f"{where}: {name!r} must be a list")
                place = f"{where}: {name!r}"
                if name == "ro":
                    state[name] = [loaded_number(v, float, place) for v in value]
                else:
                    state[name] = [loaded_array(v, flat, p, place) for v in value]
            elif name != "al":  # of PyTorch's, where it is room to work in
                state[name] = loaded_number(value, int if name in counts else float, f"{where}: {name!r}")
        if len({len(state.get(name, ())) for name in lists}) > 1:
            raise ValueError(f"{where}: {', '.join(lists)} must be equally long")
        if state.get("old_dirs") and not {"H_diag", *vectors, "t"} <= state.keys():
            raise ValueError(f"{where}: 'H_diag', 'd', 't' and 'prev_flat_grad' belong to 'old_dirs'")
        return state


class _Line:
    """The parameters along a direction; what the loss is there."""

    def __init__(self, closure: Callable[[], Any], params: list[Tensor], d: Any) -> None:
        self.closure, self.params, self.d = closure, params, d
        self.start = [p.data.copy() for p in params]
        self.evaluations = 0
        self.place = 0.0

    def go(self, t: float) -> None:
        """Put the parameters at start + t d."""
        begin = 0
        for p, start in zip(self.params, self.start, strict=True):
            size = p.size * (1 + (p.dtype.kind == "c"))
            part = self.d[begin : begin + size]
            if p.dtype.kind == "c":
                part = part[0::2] + 1j * part[1::2]
            p.data[...] = start + (t * part).reshape(p.shape)
            mark_mutated(p.data)
            begin += size
        self.place = t

    def at(self, t: float) -> Point:
        """The point at t; where the closure raises, the parameters are put back."""
        self.go(t)
        self.evaluations += 1
        try:
            with enable_grad():
                loss = _number(self.closure())
            g = _gradient(self.params)
        except BaseException:
            self.go(0.0)
            raise
        return Point(t, loss, float(g @ self.d), g)


def _search(group: dict[str, Any], line: _Line, start: Point, t: float) -> Point:
    """The point at which an iteration ends; the parameters are there."""
    if group["line_search_fn"] == "strong_wolfe":
        narrowest = group["tolerance_change"] / max(_largest(line.d), 1e-300)
        point = strong_wolfe(line.at, start, t, narrowest=narrowest)
    elif group["line_search_fn"] == "armijo":
        point = armijo(line.at, start, t)
    else:
        point = line.at(t)
    if line.place != point.t:
        line.go(point.t)
    return point


def _direction(memory: dict[str, Any], g: Any, history_size: int) -> Any:
    """-H g by the two loops (Nocedal and Wright, algorithm 7.4); the newest pair is taken up first."""
    ys, ss, rhos = (memory.setdefault(name, []) for name in ("old_dirs", "old_stps", "ro"))
    if "d" in memory:
        y, s = g - memory["prev_flat_grad"], memory["d"] * memory["t"]
        if (curvature := float(y @ s)) > 1e-10:
            ys.append(y)
            ss.append(s)
            rhos.append(1.0 / curvature)
            memory["H_diag"] = curvature / float(y @ y)
        for known in (ys, ss, rhos):
            del known[: max(len(known) - history_size, 0)]
    q, shares = -g, []
    for y, s, rho in zip(reversed(ys), reversed(ss), reversed(rhos), strict=True):
        share = float(s @ q) * rho
        q = q - share * y
        shares.append(share)
    q = q * memory.setdefault("H_diag", 1.0)
    for y, s, rho, share in zip(ys, ss, rhos, reversed(shares), strict=True):
        q = q + s * (share - float(y @ q) * rho)
    return q


@follow
def _gradient(params: list[Tensor]) -> Any:
    """All gradients as one vector of real numbers; zeros where there is none."""
    return np.concatenate([_flat(np.zeros_like(p.data) if p.grad is None else p.grad.data) for p in params])


def _flat(g: Any) -> Any:
    g = g.dense() if isinstance(g, RowSparse) else g
    if g.dtype.kind == "c":
        return np.stack([g.real, g.imag], axis=-1).reshape(-1)
    return g.reshape(-1).astype(np.float32) if g.dtype == np.float16 else g.reshape(-1)


def _largest(x: Any) -> float:
    """The largest absolute value."""
    return float(np.abs(x).max()) if x.size else 0.0


def _number(loss: Any) -> float:
    return float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
