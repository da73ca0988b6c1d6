"""Products of a Jacobian with one vector: pull-backs (vjp) and push-forwards (jvp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import backend
from ..backward import gradients
from ..tensor import Tensor, wrap
from ..trees import flatten, unflatten
from .recording import Argnums, Recording, output_of

__all__ = ["jvp", "make_jvp", "make_vjp", "vjp"]


def vjp(function: Callable[..., Any], *args: Any, argnums: Argnums | None = None) -> tuple[Any, Callable[[Any], Any]]:
    """The value at `args`, and the function v -> v^T J (one backward pass each).

    The function returns a tuple of gradients where there are several arguments (or `argnums` is a sequence).

    >>> value, pull = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    if argnums is None:
        argnums = 0 if len(args) == 1 else tuple(range(len(args)))
    call = Recording(function, argnums, args, {})
    outs = [output_of(v, function) for v in flatten(call.value)]

    def pull(v: Any) -> Any:
        return call.arrange(call.pull(outs, flatten(v), retain_graph=True))

    value = [call.give_back(out if call.create_graph else out.detach()) for out in outs]
    return unflatten(call.value, iter(value)), pull


def make_vjp(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Callable[[Any], Any], Any]]:
    """HIPS/autograd's order of the same: make_vjp(f)(x) returns (v -> v^T J, value).

    >>> pull, value = make_vjp(np.sin)(0.0)
    >>> pull(2.0)
    np.float64(2.0)
    """

    def at(*args: Any) -> tuple[Callable[[Any], Any], Any]:
        value, pull = vjp(function, *args, argnums=argnums)
        return pull, value

    return at


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value at `primals`, and J v for the direction `tangents`.

    v^T J is linear in v; the transpose of that map is J itself, so two backward passes make a forward one.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    if len(primals) != len(tangents):
        raise TypeError(f"jvp got {len(primals)} primals but {len(tangents)} tangents")
    call = Recording(function, tuple(range(len(primals))), tuple(primals), {})
    outs = [output_of(v, function) for v in flatten(call.value)]
    duals = [Tensor(np.zeros_like(out._data), requires_grad=True) for out in outs]
    pulled = gradients(outs, call.inputs, duals, create_graph=True)
    pairs = [(g, t) for g, t in zip(pulled, flatten(list(tangents)), strict=True) if g is not None and g.requires_grad]
    directions = [np.asarray(t) if not isinstance(t, Tensor) and not backend.is_array(t) else t for _, t in pairs]
    moved = gradients([g for g, _ in pairs], duals, directions, call.create_graph)
    results = [wrap(np.zeros_like(o._data), None) if m is None else m for m, o in zip(moved, outs, strict=True)]
    values = [out if call.create_graph else out.detach() for out in outs]
    return tuple(unflatten(call.value, iter(map(call.give_back, each))) for each in (values, results))  # type: ignore[return-value]


def make_jvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Callable[[Any], tuple[Any, Any]]]:
    """make_jvp(f)(x)(v) returns (value, J v).

    >>> make_jvp(np.exp)(0.0)(3.0)
    (np.float64(1.0), np.float64(3.0))
    """
    return lambda *args: lambda v: jvp(lambda x: function(*args[:argnums], x, *args[argnums + 1 :]), (args[argnums],), (v,))
