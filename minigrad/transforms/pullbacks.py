"""Products of a Jacobian with one vector: pull-backs (vjp) and push-forwards (jvp).

Cotangents and tangents are trees like the values that they belong to.  They are matched by key and
by place, and have the same shapes.  What comes back is differentiable with respect to them, also
where the pull-back was made outside of the function that is differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from .. import backend
from ..backward import gradients
from ..devices import follow
from ..masked import any_numbers
from ..tensor import Tensor, wrap
from ..trees import unflatten, vectors_like
from .recording import Argnums, Recording, argnums_of, is_tracked, name_of, named

__all__ = ["deriv", "jvp", "make_jvp", "make_vjp", "pull_back", "push_forward", "vjp"]

P = ParamSpec("P")


def vjp(
    function: Callable[..., Any],
    *args: Any,
    argnums: Argnums | None = None,
    argnum: Argnums | None = None,
) -> tuple[Any, Callable[[Any], Any]]:
    """The value at `args`, and the function v -> v^T J (one backward pass each).

    That function returns a tuple of gradients where there are several arguments (or `argnums` is a
    sequence).  v is nested as the value is and has its shapes.

    Raises:
        ValueError: v is not nested as the value is, or its shapes differ; from the function.
        TypeError: an argument is not made of floating numbers.

    >>> value, pull = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """
    argnums = argnums_of(argnums, argnum)
    if argnums is None:
        argnums = 0 if len(args) == 1 else tuple(range(len(args)))
    return pull_back(Recording(function, argnums, args, {}), f"vjp of {name_of(function)}: v")


def make_vjp(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., tuple[Callable[[Any], Any], Any]]:
    """HIPS/autograd's order of the same: make_vjp(f)(x) returns (v -> v^T J, value).

    Raises:
        ValueError, TypeError: as `vjp`.

    >>> pull, value = make_vjp(np.sin)(0.0)
    >>> pull(2.0)
    np.float64(2.0)
    """
    argnums = argnums_of(argnums, argnum)

    def at(*args: Any, **kwargs: Any) -> tuple[Callable[[Any], Any], Any]:
        call = Recording(function, argnums, args, kwargs)
        value, pull = pull_back(call, f"make_vjp of {name_of(function)}: v")
        return pull, value

    return at


def jvp(
    function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, Any]:
    """The value at `primals`, and J v for the direction `tangents`.

    Raises:
        ValueError: the tangents are not nested as the primals are, or their shapes differ.
        TypeError: primals or tangents are no tuples, their numbers differ, or a primal is not made of
            floating numbers.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                f"jvp of {name_of(function)}: {what} must be a tuple with one entry for each argument, "
                f"not {type(given).__name__}: write jvp(f, (x,), (v,))"
            )
    if len(primals) != len(tangents):
        raise TypeError(
            f"jvp of {name_of(function)} got {len(primals)} primals but {len(tangents)} tangents"
        )
    call = Recording(function, tuple(range(len(primals))), tuple(primals), {})
    name = f"jvp of {name_of(function)}: tangents"
    directions = vectors_like(call.chosen, tuple(tangents), name)
    return _value(call), push_forward(call, directions)


def make_jvp(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Callable[[Any], tuple[Any, Any]]]:
    """make_jvp(f)(x)(v) returns (value, J v).

    Raises:
        ValueError: v is not nested as the argument is, or its shapes differ.
        TypeError: the argument is not made of floating numbers.

    >>> make_jvp(np.exp)(0.0)(3.0)
    (np.float64(1.0), np.float64(3.0))
    """
    argnums = argnums_of(argnums, argnum)

    def at(*args: Any, **kwargs: Any) -> Callable[[Any], tuple[Any, Any]]:
        call = Recording(function, argnums, args, kwargs)

        def push(v: Any) -> tuple[Any, Any]:
            directions = vectors_like(call.chosen, v, f"make_jvp of {name_of(function)}: v")
            return _value(call), push_forward(call, directions)

        return push

    return at


def deriv(
    function: Callable[P, Any], argnums: int = 0, *, argnum: int | None = None
) -> Callable[P, Any]:
    """The derivative of a function of one number, which may return an array: J times ones.

    Raises:
        TypeError: the argument is not made of floating numbers.

    >>> deriv(lambda t: np.array([1.0, 2.0]) * t**2)(3.0)
    array([ 6., 12.])
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "deriv", "The derivative of {}")
    def derivative(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        return push_forward(call, [backend.ones_like(x._array) for x in call.inputs])

    return derivative


# ---------------------------------------------------------------- what other transforms build on


def pull_back(call: Recording, name: str) -> tuple[Any, Callable[[Any], Any]]:
    """The value of a recorded call, and the function v -> v^T J; errors call v by that name."""

    def pull(v: Any) -> Any:
        cotangents = vectors_like(call.value, v, name)
        return call.arrange(call.pull(call.outputs, cotangents, retain_graph=True))

    return _value(call), pull


def push_forward(call: Recording, directions: Sequence[Any]) -> Any:
    """J v of a recorded call, for one direction for each leaf of its arguments.

    v^T J is linear in v; the transpose of that map is J itself, so two backward passes make a
    forward one.
    """
    outs = call.outputs
    create_graph = call.create_graph or is_tracked(directions)
    duals = [dual_of(out) for out in outs]
    pulled = gradients(outs, call.inputs, duals, create_graph=True)
    call.check_used(pulled)
    pairs = [
        (g, t if isinstance(t, Tensor) or backend.is_array(t) else np.asarray(t))
        for g, t in zip(pulled, directions, strict=True)
        if g is not None and g.requires_grad
    ]
    moved = gradients([g for g, _ in pairs], duals, [t for _, t in pairs], create_graph)
    tangents = [
        call.give_back(wrap(backend.zeros_like(out._array), None) if t is None else t, create_graph)
        for t, out in zip(moved, outs, strict=True)
    ]
    return unflatten(call.value, iter(tangents))


@follow
def dual_of(output: Tensor) -> Tensor:
    """A cotangent for a map that is linear in it: any numbers but 0, which would be taken for those of a mask."""
    numbers = any_numbers(output._array)
    return Tensor(numbers, requires_grad=True)


def _value(call: Recording) -> Any:
    """What the function returned, as the caller passed his arguments."""
    outs = call.outputs
    if not call.create_graph:  # copies: the graph, or the caller's arguments, may share the arrays
        outs = [out.detach().clone() for out in outs]  # type: ignore[attr-defined]
    leaves = [call.give_back(out) for out in outs]
    return unflatten(call.value, iter(leaves))
