"""Comparison of gradients with finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import autograd
from .backend import beside, is_array, transfer, zeros_like
from .backward import gradients
from .devices import follow
from .tensor import Tensor
from .transforms import jvp
from .transforms.recording import name_of, output_of
from .trees import flatten, paths, unflatten

__all__ = ["GradcheckError", "check_grads", "gradcheck", "gradgradcheck"]


class GradcheckError(AssertionError):
    """A gradient differs from the finite difference; the message says where and by how much."""


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare gradients with central differences (f(x + e) - f(x - e)) / 2 e, in float64.

    Args:
        function: of Tensors, returning a Tensor or several, in a list, a tuple or a dict.
        inputs: arrays, numbers or Tensors; the floating and complex ones are checked, in double
            precision, on the device where they are.
        eps: the step.
        atol, rtol: the tolerance, absolute and relative to the finite difference.
        raise_exception: raise `GradcheckError` where they differ; otherwise return False.

    Raises:
        GradcheckError: they differ.
        TypeError: the function returns something other than Tensors, or is none.
        ValueError: no input is floating or complex.

    >>> gradcheck(np.tanh, np.array([0.1, 0.5]))
    True
    >>> gradcheck(lambda x: x.detach() * x, np.array(2.0))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minigrad.check.GradcheckError: input 0, entry (): the derivative of output 0, entry () is 2 ...
    """
    arrays = _point("gradcheck", function, inputs)
    return _compared(function, function, arrays, eps, atol, rtol, raise_exception)


def gradgradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    order: int = 2,
    seed: int = 0,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare second (or `order`-th) derivatives with differences of those one order below.

    The function that is checked is the gradient of a random projection of the outputs, as a
    function of the inputs and of the projection.  Its differences are taken of the gradient as an
    ordinary backward pass gives it, its derivatives of the one with `create_graph`: where an op
    has a rule for the first order and a `composite` for the others, these must agree.

    Args:
        function, inputs, eps, atol, rtol, raise_exception: as of `gradcheck`.
        order: of the derivatives, 2 or higher.
        seed: of the projections.

    Raises:
        GradcheckError: they differ.
        TypeError: the function returns something other than Tensors, or is none.
        ValueError: no input is floating or complex.

    >>> gradgradcheck(np.tanh, np.array([0.1, 0.5])), gradgradcheck(np.tanh, 0.5, order=3)
    (True, True)
    """
    arrays = _point("gradgradcheck", function, inputs)
    rng = np.random.default_rng(seed)
    for level in range(2, order + 1):
        outs = _outputs(function, arrays)
        weights = [_random_like(rng, out._array) for out in outs if out.dtype.kind in "fc"]
        plain = _projected_gradient(function, arrays, create_graph=False)
        function = _projected_gradient(function, arrays)
        arrays = [*arrays, *weights]
        if level == order:
            return _compared(function, plain, arrays, eps, atol, rtol, raise_exception)
    raise ValueError(f"gradgradcheck: order must be 2 or higher, got {order}; gradcheck checks 1")


def check_grads(
    function: Callable[..., Any], modes: Sequence[str] = ("fwd", "rev"), order: int = 2
) -> Callable[..., None]:
    """check_grads(f)(x, ...): compare derivatives up to an order with finite differences.

    The arguments may be trees; their floating and complex leaves are checked, in double precision.
    All of them are, where HIPS/autograd's function of this name checks the first argument.

    Args:
        modes: ``"rev"`` checks gradients (`gradcheck`, `gradgradcheck`), ``"fwd"`` `jvp` in a
            random direction.
        order: the highest order of derivatives that is checked.

    Raises:
        GradcheckError: they differ.
        ValueError: a mode that does not exist, or no argument is floating or complex.
        TypeError: called with the arguments of the function: write ``check_grads(f)(x)``.

    >>> check_grads(lambda p, x: np.tanh(p["w"] * x) + p["b"])({"w": 0.5, "b": 1.0}, 2.0)
    """
    _must_be_a_function("check_grads", function)
    modes = (modes,) if isinstance(modes, str) else modes
    if not isinstance(modes, (tuple, list, set)) or not all(isinstance(m, str) for m in modes):
        raise TypeError(
            f"check_grads(f, modes, order) returns a function of the arguments of f, and modes are "
            f"('fwd', 'rev'), not {modes!r:.40}: write check_grads(f)(x)"
        )
    if unknown := set(modes) - {"fwd", "rev"}:
        raise ValueError(f"check_grads: unknown modes {sorted(unknown)}; there are 'fwd' and 'rev'")

    def check(*args: Any, **kwargs: Any) -> None:
        leaves = flatten(args)
        doubles = _point("check_grads", function, leaves)
        places = [i for i, x in enumerate(doubles) if x.dtype.kind in "fc"]
        point = [doubles[i] for i in places]

        def of_leaves(*xs: Any) -> tuple[Any, ...]:
            filled = list(leaves)
            for i, x in zip(places, xs, strict=True):
                filled[i] = x
            value = function(*unflatten(args, iter(filled)), **kwargs)
            return tuple(output_of(y, function) for y in flatten(value))

        if "rev" in modes:
            gradcheck(of_leaves, *point)
            for n in range(2, order + 1):
                gradgradcheck(of_leaves, *point, order=n)
        if "fwd" in modes:
            _check_directions(of_leaves, point, order)

    return check


# ------------------------------------------------------------------------------ what is given


def _must_be_a_function(check: str, function: Any) -> None:
    if not callable(function):
        call = "check_grads(f)(x)" if check == "check_grads" else f"{check}(f, x)"
        raise TypeError(
            f"{check} needs a function, got {type(function).__name__}: write {call}, with f itself"
        )


def _point(check: str, function: Any, inputs: Sequence[Any]) -> list[Any]:
    """The inputs in double precision, all of them on the device where the first Tensor or array is."""
    _must_be_a_function(check, function)
    doubles = [_double(x) for x in inputs]
    given = [d for x, d in zip(inputs, doubles, strict=True) if hasattr(x, "dtype")]
    doubles = [beside(d, given[0]) if given and not d.ndim else d for d in doubles]
    if not any(d.dtype.kind in "fc" for d in doubles):
        what = ", ".join(str(d.dtype) for d in doubles) or "none"
        raise ValueError(
            f"{check}: no input to differentiate with respect to, got {what}: pass the point as "
            "floating numbers or arrays, 3.0 instead of 3"
        )
    return doubles


def _compared(
    function: Callable[..., Any],
    plain: Callable[..., Any],
    arrays: list[Any],
    eps: float,
    atol: float,
    rtol: float,
    raise_exception: bool,
) -> bool:
    """Whether the derivatives of a function are the differences of another way to compute it."""
    try:
        if plain is not function:
            _check_values(function, plain, arrays, atol, rtol)
        for i, x in enumerate(arrays):
            if x.dtype.kind in "fc":
                _check_input(function, plain, arrays, i, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


# ------------------------------------------------------------------------------ first derivatives


def _check_values(
    function: Callable[..., Any], plain: Callable[..., Any], arrays: list[Any], atol: float, rtol: float
) -> None:
    """Compare a gradient computed with `create_graph` with the one computed without."""
    pairs = zip(_outputs(function, arrays), _outputs(plain, arrays), strict=True)
    for k, (got, want) in enumerate((_host(a), _host(b)) for a, b in pairs):
        wrong = ~np.isclose(got, want, rtol=rtol, atol=atol)
        if wrong.any():
            at = tuple(int(n) for n in np.argwhere(wrong)[0])
            raise GradcheckError(
                f"gradient {k}, entry {at}, is {got[at]:.6g} with create_graph=True, {want[at]:.6g} "
                "without: the composite of an op does not compute what its rule differentiates"
            )


def _check_input(
    function: Callable[..., Any],
    plain: Callable[..., Any],
    arrays: list[Any],
    i: int,
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Compare all derivatives with respect to input i."""
    x = arrays[i]
    numeric = _numeric_jacobians(plain, arrays, i, eps)
    leaves: list[Any] = [Tensor(a) for a in arrays]
    leaves[i] = Tensor(x, requires_grad=True)
    outs = _outputs(function, leaves)
    for k, (out, columns) in enumerate(zip(outs, numeric, strict=True)):
        for flat, unit in _unit_cotangents(out):
            got = _pulled(out, leaves[i], flat, unit, i)
            want = columns[..., flat].real if unit == 1 else columns[..., flat].imag
            # A complex step has two directions; .grad shows d/d(real) + i d/d(imaginary).
            want = want[0] + 1j * want[1] if x.dtype.kind == "c" else want[0]
            want = want.reshape(x.shape)
            wrong = ~np.isclose(got, want, rtol=rtol, atol=atol)
            if wrong.any():
                part = "" if unit == 1 else " (imaginary part)"
                entry = tuple(int(n) for n in np.unravel_index(flat, out.shape)) if out.ndim else ()
                _refuse(f"output {k}{part}, entry {entry}", i, got, want, wrong)


def _unit_cotangents(out: Tensor) -> Iterator[tuple[int, complex]]:
    """The entries of an output, each with the directions in which it can move: 1, or 1 and i."""
    units = {"f": (1,), "c": (1, 1j)}.get(out.dtype.kind, ())
    return ((flat, unit) for unit in units for flat in range(out.size))


def _pulled(out: Tensor, leaf: Tensor, flat: int, unit: complex, i: int) -> np.ndarray:
    """The gradient of one entry of an output with respect to input i."""
    seed = np.zeros(out.shape, out.dtype)
    seed.reshape(-1)[flat] = unit
    seed = beside(seed, out)
    g = gradients([out], [leaf], [seed], retain_graph=True)[0] if out.requires_grad else None
    if g is None:
        return np.zeros(leaf.shape, leaf.dtype)
    if g.shape != leaf.shape:
        raise GradcheckError(
            f"input {i}: the gradient has shape {g.shape}, the input has shape {leaf.shape}"
        )
    return _host(g)


def _refuse(what: str, i: int, got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> None:
    """Raise for the first entry of input i where the derivatives differ."""
    at = tuple(int(n) for n in np.argwhere(wrong)[0])
    raise GradcheckError(
        f"input {i}, entry {at}: the derivative of {what} is {got[at]:.6g} by minigrad, "
        f"{want[at]:.6g} by finite differences (off by {abs(got[at] - want[at]):.2g})"
    )


def _numeric_jacobians(
    function: Callable[..., Any], arrays: list[np.ndarray], i: int, eps: float
) -> list[np.ndarray]:
    """For each output an array [direction, input entry, output entry].

    Direction 0 is real and 1, of complex inputs, imaginary.
    """
    x = arrays[i]
    units = (1, 1j) if x.dtype.kind == "c" else (1,)
    steps = []
    for unit in units:
        for flat in range(x.size):
            step = np.zeros(x.shape, x.dtype)
            step.reshape(-1)[flat] = unit
            steps.append([beside(step, x) if j == i else None for j in range(len(arrays))])
    columns = [_differences(function, arrays, step, eps) for step in steps]
    outs = _outputs(function, arrays)
    return [
        np.array([column[k] for column in columns]).reshape(len(units), x.size, out.size)
        for k, out in enumerate(outs)
    ]


def _differences(
    function: Callable[..., Any], arrays: Sequence[np.ndarray], step: Sequence[Any], eps: float
) -> list[np.ndarray]:
    """How each output changes along a step of the inputs (None: not at all), as flat arrays."""
    sides = []
    for size in (eps, -eps):
        moved = [a if s is None else _moved(a, size, s) for a, s in zip(arrays, step, strict=True)]
        sides.append([_host(y).reshape(-1) for y in _outputs(function, moved)])
    return [
        (up.astype(np.result_type(up, 1.0)) - down) / (2 * eps)
        for up, down in zip(*sides, strict=True)
    ]


@follow
def _moved(x: Any, size: float, step: Any) -> Any:
    return x + size * step


# ------------------------------------------------------------------------------- higher and other


def _projected_gradient(
    function: Callable[..., Any], arrays: Sequence[Any], create_graph: bool = True
) -> Callable[..., tuple[Any, ...]]:
    """The gradient of a weighted sum of the outputs, as a function of inputs and weights.

    Without `create_graph` it is the gradient of an ordinary backward pass, and a constant.
    """
    differentiable = [i for i, x in enumerate(arrays) if x.dtype.kind in "fc"]

    def first(*args: Any) -> tuple[Any, ...]:
        xs, ws = list(args[: len(arrays)]), args[len(arrays) :]
        # A constant (in the checking of the other arguments) must be recorded too.
        for i in differentiable:
            xs[i] = xs[i] if xs[i].requires_grad else Tensor(xs[i], requires_grad=True)
        ys = [y for y in _outputs(function, xs) if y.dtype.kind in "fc"]
        pairs = [(y, w) for y, w in zip(ys, ws, strict=True) if y.requires_grad]
        if not pairs:
            return ()
        outs, seeds = zip(*pairs, strict=True)
        inputs = [xs[i] for i in differentiable]
        found = autograd.grad(outs, inputs, seeds, create_graph=create_graph, allow_unused=True)
        return tuple(
            Tensor(zeros_like(x._array)) if g is None else g
            for x, g in zip(inputs, found, strict=True)
        )

    return first


def _check_directions(function: Callable[..., Any], point: list[np.ndarray], order: int) -> None:
    """Compare `jvp` in a random direction, and its own `jvp` up to an order, with differences."""
    rng = np.random.default_rng(order)
    direction = [_random_like(rng, x) for x in point]

    def pushed(*xs: Any) -> tuple[Any, ...]:
        return jvp(function, xs, direction)[1]

    numeric = _differences(function, point, direction, 1e-6)
    for k, (got, want) in enumerate(zip(pushed(*point), numeric, strict=True)):
        got = transfer(_double(got), "cpu").reshape(-1)
        wrong = ~np.isclose(got, want, rtol=1e-3, atol=1e-5)
        if wrong.any():
            n = int(np.argmax(wrong))
            raise GradcheckError(
                f"the derivative of output {k}, entry {n} of {got.size}, in the direction of a "
                f"random vector is {got[n]:.6g} by minigrad's jvp, {want[n]:.6g} by finite "
                "differences"
            )
    if order > 1:
        _check_directions(pushed, point, order - 1)


@follow
def _double(x: Any) -> Any:
    """The array of an input in double precision, on its device."""
    array = x.detach()._array if isinstance(x, Tensor) else x if is_array(x) else np.asarray(x)
    wide = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind)
    return array if wide is None else array.astype(wide)


def _host(x: Tensor) -> np.ndarray:
    """The values of a Tensor in main memory."""
    return np.asarray(transfer(x._array, "cpu"))


def _random_like(rng: np.random.Generator, x: Any) -> Any:
    w = rng.uniform(0.5, 1.5, x.shape)
    return beside(w + 1j * rng.uniform(0.5, 1.5, x.shape) if x.dtype.kind == "c" else w, x)


def _outputs(function: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    """The Tensors that a function returns for Tensors of the inputs."""
    value = function(*(x if isinstance(x, Tensor) else Tensor(x) for x in inputs))
    name = name_of(function)
    places = paths(value, "the result")
    if value is None or not all(isinstance(y, Tensor) for y in flatten(value)):
        wrong = next((i for i, y in enumerate(flatten(value)) if not isinstance(y, Tensor)), 0)
        kind = type(flatten(value)[wrong] if places else value).__name__
        raise TypeError(
            f"gradcheck calls {name} with Tensors, and it must return what was computed with them: "
            f"{places[wrong] if places else 'the result'} is {kind}. Use NumPy's or minigrad's "
            "functions on the Tensors, not float(), .numpy() or .data; a constant is Tensor(c)"
        )
    return flatten(value)
