r"""How an op is defined: its forward, its gradient rule and its formula, in one block.

    @primitive(np.tanh, x=lambda g, out: g * (1 - out * out))
    def tanh(x):
        '''out = tanh(x);  dx = g (1 - out^2)'''
        return np.tanh(x)

The rules of a definition stand in the docstring of `primitive`.  The same mechanism is the public way to
add an op of your own.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from .calling import different_devices, known_operand, write_into
from .devices import follow
from .hints import check_options, explain_options
from .lending import borrowing, is_own
from .op import Op, is_swapped
from .tensor import Tensor

__all__ = ["OpFunction", "composed", "method", "primitive", "registered", "registry"]

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
    masks: bool | Callable[..., bool] = False,
    override: bool = False,
    **rules: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an op of a NumPy function.

    The forward is ordinary NumPy; its signature is that of the op.  There is one rule for each
    differentiable input, under the input's name.  A rule takes the gradient `g` of the result, returns
    that of the input, and is written in NumPy too.  **The names of its other parameters say what it
    reads, and only that is saved**:

    - an input by its name (`x`), the result as `out`, an option by its name (`axis`);
    - `x_shape` is the shape of `x`, for rules that do not need its values;
    - a name from `extras` is an additional array that the forward returned beside the result.

    In a first-order backward pass rules run on arrays.  With `create_graph` they get Tensors, tied to the
    nodes that they came from, and what they compute is recorded and can be differentiated again.  The
    derivative of an extra is not known there: a rule that reads a floating one needs a `composite`, and
    without it the second derivative is refused.  A rule has no side effects, since a pass on a GPU may run it
    twice (`minigrad.trial`).  Neither the forward nor a rule writes into what it gets, which others read too: `g *= y` is an
    error (`minigrad.lending`).  Broadcasting, dtypes and conjugates are the engine's work
    (`minigrad.cotangents.fit`): a rule is what a textbook has.

    A forward that returns a tuple makes an op of several outputs, whose rules get the tuple of their
    gradients as `g`.  With extras it returns `((a, b), extra)`.

    Names of parameters must not begin with "_", nor be `type`, `isinstance`, `any`, `tuple`, `list`, `map`,
    `next`, `iter` or `Exception`, which the generated function uses.  A parameter `out=None` of the
    forward is NumPy's: the engine writes the result there, and the forward ignores it.

    Args:
        numpy_functions: NumPy functions and ufuncs that the op stands for when they meet a Tensor.
        method: also a method of Tensor: True under the op's name, a string under another, False not.
        operators: Python operators that the op is, such as "__add__" (with "__radd__" the arguments are swapped).
        joint: one rule for all `inputs` at once, a function of (g, needs, ...) that returns a sequence of
            gradients, one for each input.  Those with a false `needs[i]` are not looked at: return None there.
        inputs: the names of the inputs of a joint rule or a composite.  An input that is annotated
            `Sequence[...]`, or is `*args`, is a sequence of arrays.
        extras: names for additional arrays; the forward then returns `(out, extra, ...)`.
        composite: the same computation from differentiable ops, with the forward's parameters: it gets the
            options too.  The rule then is a hand-made kernel for the first order; at higher orders the
            composite is differentiated instead.  Without a rule, always.
        name: the op's name, where the function's own will not do.
        masks: whether the op sends its gradient to a part of its input alone, as `where` does; a function of what
            the rules read where that depends on an option.  Zeros that it sends stay zeros further down, also
            where they meet an infinite slope (`minigrad.masked`).
        override: take the place of an op of the same name, or of one for the same NumPy function.
        rules: the gradient rule of each differentiable input.  An op without rules gives constants.

    Raises:
        TypeError: a rule belongs to no parameter, or reads what is not there.
        ValueError: there is such an op already, or Tensor has such an attribute.

    >>> @primitive(x=lambda g, x: g * 3 * x**2, method=False)
    ... def cube(x):
    ...     return x**3
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12., dtype=float32)
    """
    for stands_for in numpy_functions:
        _check_dispatched(stands_for)

    def define(forward: Callable[..., Any]) -> OpFunction:
        ufunc = next((f for f in numpy_functions if isinstance(f, np.ufunc)), None)
        elementwise = _is_elementwise(forward, numpy_functions)
        computing, own_rules, together = forward, rules, joint
        if not is_own(forward):
            called = name or getattr(forward, "__name__", type(forward).__name__)
            computing = borrowing(forward, f"the forward of {called}")
            own_rules = {n: borrowing(rule, f"the rule of {called} for {n}") for n, rule in rules.items()}
            together = joint and borrowing(joint, f"the rule of {called}")
        op = Op(computing, own_rules, together, inputs, extras, composite, name, ufunc, masks, elementwise)
        _check_operators(operators, override)
        if op.name in registry and not override:
            where = registry[op.name].op.forward.__module__
            raise ValueError(
                f"there is an op {op.name!r} already, defined in {where}: give yours another name "
                "(name=...), or write override=True to take its place"
            )
        function: OpFunction = op.function
        function.op = op
        as_method = (method if isinstance(method, str) else op.name) if method else None
        _bind(function, numpy_functions, as_method, override)
        for operator in operators:
            setattr(Tensor, operator, op.compiled(operator, operator=True))
        registry[op.name] = function
        return function

    return define


def _is_elementwise(forward: Callable[..., Any], stands_for: Sequence[Any]) -> bool:
    """Whether an op stands for a function of single numbers: a ufunc of NumPy's or of SciPy's."""
    if "axis" in inspect.signature(forward).parameters:
        return False
    return any(
        getattr(f, "signature", "") is None or str(f).startswith("scipy.special.")
        for f in stands_for
    )


def _check_operators(operators: Sequence[str], override: bool) -> None:
    """Only Python's operators, and none that Tensor has already."""
    for name in (operators,) if isinstance(operators, str) else operators:
        if isinstance(operators, str) or not (hasattr(int, name) or "matmul" in name):
            raise ValueError(
                f'operators={operators!r}: write names such as ("__add__", "__radd__")'
            )
        if name in vars(Tensor) and not override:
            raise ValueError(
                f"Tensor has the operator {name} already: leave it out, or write override=True to "
                "change it for all tensors"
            )


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bind a function that is composed of ops as a method of Tensor under its own name."""
    function = follow(function)
    if "axis" in inspect.signature(function).parameters:
        function = explain_options(function)
    setattr(Tensor, function.__name__, function)
    return function


def composed(
    *numpy_functions: Any,
    method: bool = True,
    operators: Sequence[str] = (),
    override: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function made of other ops: it needs no rule, but stands for NumPy functions and may be a method.

    A parameter `out`, where NumPy has it, is taken care of: the result is written there.
    """

    def define(function: Callable[..., Any]) -> Callable[..., Any]:
        function = follow(function)
        parameters = inspect.signature(function).parameters
        if "out" in parameters:
            function = _with_out(function)
        elif not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            function = _explained(function)
        _bind(function, numpy_functions, function.__name__ if method else None, override)
        for operator in operators:
            setattr(Tensor, operator, _operator(function, operator))
        return function

    return define


def _explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose errors say what to write in the place of an option, and of arrays on several devices."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError) as error:
            _teach(function, args, kwargs, error)
            raise

    return call


def _teach(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], error: Exception
) -> None:
    """Raise the error for an unknown option, or for arrays on several devices, where that was it."""
    if isinstance(error, TypeError):
        check_options(function, kwargs)
    if (different := different_devices(function, args, kwargs, error)) is not None:
        raise different from error


def _with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    parameters = inspect.signature(function).parameters
    keyword_only = parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
    place = sys.maxsize if keyword_only else list(parameters).index("out")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if len(args) > place:
            out = args[place]
            args = (*args[:place], None, *args[place + 1 :])
        try:
            result = function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError) as error:
            _teach(function, args, kwargs, error)
            raise
        return result if out is None else write_into(out, result)

    return call


def _operator(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function of two arguments as an operator: what it does not know gets its own turn."""
    swapped = is_swapped(name)

    def operator(self: Tensor, other: Any) -> Any:
        if not known_operand(other):
            return NotImplemented
        return function(other, self) if swapped else function(self, other)

    if name in ("__invert__", "__neg__"):
        return function
    operator.__name__, operator.__qualname__, operator.__doc__ = name, name, function.__doc__
    return operator


def _bind(
    function: Any, numpy_functions: Sequence[Any], method: str | None, override: bool
) -> None:
    """Make a function stand for NumPy's functions, and a method of Tensor."""
    for numpy_function in numpy_functions:
        _check_dispatched(numpy_function)
    if not override:
        for numpy_function in numpy_functions:
            if numpy_function in numpy_table:
                label = getattr(numpy_function, "__name__", numpy_function)
                raise ValueError(
                    f"{numpy_table[numpy_function].__name__} stands for NumPy's {label} already: leave it out of the "
                    "definition, or write override=True to take its place for all tensors"
                )
        known = getattr(Tensor, method, None) if method else None
        if known is not None and getattr(known, "__module__", None) != function.__module__:
            raise ValueError(
                f"Tensor has an attribute {method!r} already: define the op with method=False, "
                "or give the method another name"
            )
    for numpy_function in numpy_functions:
        numpy_table[numpy_function] = function
    if method:
        setattr(Tensor, method, function)


#: Whose functions are called by NumPy's protocols too.
_BATCHES = "minigrad.arrays.batch"


def _check_dispatched(function: Any) -> None:
    """Whether NumPy hands calls of a function to other kinds of array, or SciPy's is known by this name."""
    if isinstance(function, str) and function.startswith(("numpy.", "scipy.")):
        return
    kind = type(function).__name__
    home = getattr(function, "__module__", "")
    if isinstance(function, np.ufunc) or kind == "_ArrayFunctionDispatcher" or home == _BATCHES:
        return
    if kind == "function" and not home.startswith("numpy"):
        raise TypeError(f"write @primitive(x=lambda g, x: ...) with brackets over {function.__name__}, and a rule for each input")
    name = getattr(function, "__name__", repr(function))
    raise TypeError(
        f"NumPy does not hand {name} to other kinds of array, so no op can stand for it: leave it out "
        "of the definition and call your own function"
    )


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
