"""What all optimizers share: parameter groups, state, and in-place steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, enable_grad, mark_mutated, to_device
from minigrad.arrays import RowSparse

from ..settings import brief

__all__ = ["Optimizer"]


class Optimizer:
    """Holds groups of parameters with their options and changes them in `step()`.

    Args:
        params: tensors, or dicts {"params": tensors, option: value ...} for groups with options of their own.
        defaults: the options of groups that do not give theirs.

    A subclass writes `update(p, g, state, group)`: one step of one parameter, in place, on arrays.

    >>> from nn.optim import SGD
    >>> SGD([Tensor([1.0, 2.0], requires_grad=True)], lr=0.5).param_groups[0]["lr"]
    0.5
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[int, dict[str, Any]] = {}  # by id of the parameter
        groups = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__} got no parameters")
        for group in groups if isinstance(groups[0], Mapping) else [{"params": groups}]:
            self.add_param_group(dict(group))

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with options of their own."""
        params = group["params"]
        group["params"] = [params] if isinstance(params, Tensor) else list(params)
        for p in group["params"]:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"{type(self).__name__} can only change leaf tensors, got {p!r:.80}")
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if known & {id(p) for p in group["params"]}:
            raise ValueError("a parameter stands in two groups")
        if unknown := set(group) - set(self.defaults) - {"params"}:
            raise TypeError(f"{type(self).__name__} has no option {sorted(unknown)[0]!r}; it has {', '.join(self.defaults)}")
        self.param_groups.append({**self.defaults, **group})

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters that have a gradient; with a closure, of the gradients that it computes."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = p.grad.data
                if group.get("maximize"):
                    g = -g
                change = self.update_rows if isinstance(g, RowSparse) else self.update
                change(p.data, g, self.state.setdefault(id(p), {}), group)
                mark_mutated(p.data)
        return loss

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the array p in place by one step along the gradient g."""
        raise NotImplementedError

    def update_rows(self, p: Any, g: RowSparse, state: dict[str, Any], group: dict[str, Any]) -> None:
        """`update` of those rows that a row-sparse gradient holds; the others, and their state, stay as they are."""
        if not state:  # what a first step without a gradient leaves is the state of rows that were never seen
            unseen: dict[str, Any] = {}
            self.update(np.zeros_like(p[:1]), np.zeros_like(p[:1]), unseen, group)
            for name, value in unseen.items():
                state[name] = np.broadcast_to(value, p.shape).copy() if np.ndim(value) else type(value)(0 * value)
        g = g.coalesce()
        local = {name: value[g.rows] if np.shape(value) == p.shape else value for name, value in state.items()}
        rows = p[g.rows]
        self.update(rows, g.values, local, group)
        p[g.rows] = rows
        for name, value in local.items():
            if np.ndim(value):
                state[name][g.rows] = value
            else:
                state[name] = value

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={brief(value)}" for name, value in group.items() if name != "params")
            lines.append(f"{options}; {_count(group['params'])}")
        name = type(self).__name__
        return f"{name}({lines[0]})" if len(lines) == 1 else f"{name}(\n  " + "\n  ".join(lines) + "\n)"

    def state_dict(self) -> dict[str, Any]:
        """The options and state, with parameters named by their numbers, as torch's."""
        numbers = {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        return {
            "state": {numbers[key]: {n: _copied(v) for n, v in s.items()} for key, s in self.state.items()},
            "param_groups": [{**g, "params": [numbers[id(p)] for p in g["params"]]} for g in self.param_groups],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with options and state that `state_dict` returned."""
        params = [p for group in self.param_groups for p in group["params"]]
        sizes = [len(g["params"]) for g in state_dict["param_groups"]]
        if sizes != [len(g["params"]) for g in self.param_groups]:
            raise ValueError(
                f"the state has groups of {sizes} parameters, the optimizer of {[len(g['params']) for g in self.param_groups]}"
            )
        for number, entries in state_dict["state"].items():
            for name, value in entries.items():
                if hasattr(value, "shape") and np.ndim(value) and np.shape(value) != params[int(number)].shape:
                    raise ValueError(
                        f"state {name!r} of parameter {number} has shape {np.shape(value)}, not {params[int(number)].shape}"
                    )
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({k: v for k, v in saved.items() if k != "params"})
        self.state = {}
        for n, entries in state_dict["state"].items():
            p = params[int(n)]
            self.state[id(p)] = {k: _copied(v, p) for k, v in entries.items()}


def _copied(value: Any, like: Tensor | None = None) -> Any:
    """A copy of what an optimizer remembers, its arrays on the device of a tensor; numbers as they are."""
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(v, like) for v in value)
    if not hasattr(value, "copy") or not np.ndim(value):
        return value
    if like is None:
        return value.copy()
    home = to_device(Tensor(value), like.device).data
    return home.copy() if home is value else home


def _count(params: list[Tensor]) -> str:
    """How many parameters there are, and of how many numbers."""
    tensors, numbers = len(params), sum(p.size for p in params)
    return f"{tensors} parameter{'s' * (tensors != 1)} of {numbers:,} number{'s' * (numbers != 1)}"
