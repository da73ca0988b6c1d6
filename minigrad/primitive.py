r"""How an op is defined: its forward, its gradient rule and its formula, in one block.

    @primitive(np.tanh, x=lambda g, out: g * (1 - out * out))
    def tanh(x):
        '''out = tanh(x);  dx = g (1 - out^2)'''
        return np.tanh(x)

The forward is ordinary NumPy.  There is one rule for each differentiable input, under the input's name;
it takes the gradient `g` of the result and returns that of the input.  **The names of its
other parameters say what it reads, and only that is saved**:

- an input by its name (`x`), the result as `out`, an option by its name (`axis`);
- `x_shape` is the shape of `x`, for rules that do not need its values;
- a name from `extras` is an additional array that the forward returned beside the result.

Rules are written in NumPy too.  In a first-order backward pass they run on arrays; with
`create_graph` they get Tensors, tied to the nodes that they came from, and what they compute is recorded
and can be differentiated again.  Broadcasting, dtypes and conjugates are the engine's business
(`minigrad.backward.fit`): a rule is what stands in a textbook.

The same mechanism is the public way to add an op of your own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import numpy as np

from .op import Op
from .tensor import Tensor

__all__ = ["OpFunction", "clone", "composed", "method", "primitive", "registered", "registry"]

#: All ops by name.
registry: dict[str, OpFunction] = {}
#: Which op stands for a NumPy function or ufunc (read by `minigrad.dispatch`).
numpy_table: dict[Any, Callable[..., Any]] = {}


class OpFunction(Protocol):
    """An op as users call it: a plain function that carries its `Op`."""

    op: Op
    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def primitive(
    *numpy_functions: Any,
    method: bool | str = True,
    operators: Sequence[str] = (),
    joint: Callable[..., Any] | None = None,
    inputs: Sequence[str] = (),
    extras: Sequence[str] = (),
    composite: Callable[..., Any] | None = None,
    name: str | None = None,
    **rules: Callable[..., Any],
) -> Callable[[Callable[..., Any]], OpFunction]:
    """Make an op of a NumPy function; see the head of this file for the rules.

    Args:
        numpy_functions: NumPy functions and ufuncs that the op stands for when they meet a Tensor.
        method: also a method of Tensor: True under the op's name, a string under another, False not.
        operators: Python operators that the op is, such as "__add__" (with "__radd__" the arguments are swapped).
        joint: one rule for all `inputs` at once; it gets `(g, needs, ...)` and returns a sequence of gradients, in
            which only those with `needs[i]` matter.
        inputs: the names of the inputs of a joint rule or a composite.
        extras: names for additional arrays; the forward then returns `(out, extra, ...)`.
        composite: the same computation from differentiable ops.  The rule then is a hand-made kernel for the first
            order; at higher orders the composite is differentiated instead.  Without a rule, always.
        name: the op's name, where the function's own will not do.
        rules: the gradient rule of each differentiable input.  An op without rules gives constants.

    A forward that returns a tuple makes an op of several outputs: its rules get the tuple of their gradients.

    >>> @primitive(x=lambda g, x: g * 3 * x**2, method=False)
    ... def cube(x):
    ...     return x**3
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12., dtype=float32)
    """

    def define(forward: Callable[..., Any]) -> OpFunction:
        op = Op(forward, rules, joint, inputs, extras, composite, name)
        if len(numpy_functions) and isinstance(numpy_functions[0], np.ufunc) and op.names == op.inputs:
            op.forward = numpy_functions[0]  # what the definition calls, without the call in between
        function = op.bind_call()
        functools.update_wrapper(function, forward)
        function.__name__ = op.name
        function = cast(OpFunction, function)
        function.op = op
        registry[op.name] = function
        _bind(function, numpy_functions, (method if isinstance(method, str) else op.name) if method else None, operators)
        return function

    return define


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bind a function that is composed of ops as a method of Tensor under its own name."""
    setattr(Tensor, function.__name__, function)
    return function


def composed(
    *numpy_functions: Any, method: bool = True, operators: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function made of other ops: it needs no rule, but stands for NumPy functions and may be a method."""

    def define(function: Callable[..., Any]) -> Callable[..., Any]:
        _bind(function, numpy_functions, function.__name__ if method else None, operators)
        return function

    return define


def _bind(function: Callable[..., Any], numpy_functions: Sequence[Any], method: str | None, operators: Sequence[str]) -> None:
    """Make a function stand for NumPy's functions, and a method and operators of Tensor."""
    for numpy_function in numpy_functions:
        numpy_table[numpy_function] = function
    if method:
        known = getattr(Tensor, method, None)
        if known is not None and getattr(known, "__module__", None) != function.__module__:
            raise ValueError(
                f"Tensor has an attribute {method!r} already: define the op with method=False, or give the method another name"
            )
        setattr(Tensor, method, function)
    for operator in operators:  # `__radd__` is `__add__` with the arguments swapped
        swapped = operator.startswith("__r") and operator != "__rshift__"
        setattr(Tensor, operator, (lambda self, other: function(other, self)) if swapped else function)


def registered() -> dict[str, Callable[..., Any]]:
    """The functions of NumPy and SciPy that work on Tensors, by name; `docs/ops.md` is made from them.

    A name maps to minigrad's function, which takes arrays and Tensors alike.

    >>> minigrad.registered()["numpy.linalg.det"] is minigrad.linalg.det, len(minigrad.registered()) > 400
    (True, True)
    """
    found = {name: function for name, function in numpy_table.items() if isinstance(name, str)}
    for module in (np, np.linalg, np.fft):
        for name in module.__all__:
            function = getattr(module, name)
            if callable(function) and not isinstance(function, type) and function in numpy_table:
                found[f"{module.__name__}.{name}"] = numpy_table[function]
    return dict(sorted(found.items()))


@primitive(np.copy, np.positive, operators=("__pos__",), x=lambda g: g)
def clone(x: Any) -> Any:
    """A copy that is part of the graph; also the method `copy`.

    out = x
    dx  = g

    >>> clone(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return x.copy() if hasattr(x, "copy") else np.positive(x)


Tensor.copy = clone  # type: ignore[attr-defined]
