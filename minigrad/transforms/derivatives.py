"""Functions of functions: `grad`, products with Jacobians and Hessians, and `checkpoint`.

All are a few lines on two things: recording what a function does to its arguments, and sending a
cotangent back (`minigrad.backward.gradients`).  They work on functions of NumPy arrays and numbers as well as
of Tensors, on arguments that are nested dicts, lists and tuples, and they nest.

What you pass is what you get back: NumPy in, NumPy out; Tensors in, Tensors out, with their graph, so that
derivatives of derivatives need nothing special.  Numbers inside of another transform also give Tensors
where the result depends on what that one differentiates.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from itertools import repeat
from typing import Any

import numpy as np

from .. import backend, graph, random
from ..backward import gradients, propagate
from ..graph import Node
from ..op import Op
from ..primitive import clone
from ..tensor import Tensor, wrap
from ..trees import flatten, tree_map, unflatten

__all__ = [
    "checkpoint", "egrad", "elementwise_grad", "ggnvp", "grad", "grad_and_aux", "hessian_tensor_product",
    "holomorphic_grad", "hvp", "jvp", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp", "tensor_jacobian_product",
    "value_and_grad", "vector_jacobian_product", "vjp",
]  # fmt: skip

Argnums = int | Sequence[int]

#: How many transforms are around the current one (in this thread and task).
_depth: ContextVar[int] = ContextVar("minigrad_transform_depth", default=0)


class Recording:
    """One call of a function with its chosen arguments recorded.

    Attributes:
        inputs: the recorded leaves of the chosen arguments, as Tensors.
        value: what the function returned.
        create_graph: whether gradients must be differentiable themselves.
    """

    def __init__(self, function: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if bad := [n for n in numbers if not -len(args) <= n < len(args)]:
            raise TypeError(f"argnums {bad[0]}: {name_of(function)} was called with {len(args)} positional arguments")
        self.single = isinstance(argnums, int)
        self.chosen = [args[n] for n in numbers]
        leaves = flatten(self.chosen)
        depth = _depth.get()
        self.tensors_in = any(isinstance(x, Tensor) for x in leaves)
        self.create_graph = depth > 0 or (self.tensors_in and graph.is_grad_enabled())
        self.inputs = [_recorded(x, function) for x in leaves]
        recorded = iter(unflatten(self.chosen, iter(self.inputs)))
        new_args = list(args)
        for n in numbers:
            new_args[n] = next(recorded)
        token = _depth.set(depth + 1)
        try:
            with graph.recording():
                self.value = function(*new_args, **kwargs)
        finally:
            _depth.reset(token)

    def pull(self, outputs: Sequence[Tensor], cotangents: Sequence[Any], retain_graph: bool | None = None) -> list[Any]:
        """The gradient of every input leaf; zeros where the outputs do not depend on it."""
        found = gradients(outputs, self.inputs, cotangents, self.create_graph, retain_graph, search=False)
        return [
            self.give_back(wrap(np.zeros_like(x._data), None) if g is None else g)
            for g, x in zip(found, self.inputs, strict=True)
        ]

    def arrange(self, leaves: Sequence[Any]) -> Any:
        """One result for each leaf of the chosen arguments, nested as these are."""
        nested = unflatten(self.chosen, iter(leaves))
        return nested[0] if self.single else tuple(nested)

    def give_back(self, x: Any) -> Any:
        """A result as the caller passed his arguments: arrays for arrays, Tensors for Tensors."""
        if not isinstance(x, Tensor) or self.tensors_in or (x.requires_grad and self.create_graph):
            return x
        return x._data if x.ndim else x._data[()]


def _recorded(x: Any, function: Callable[..., Any]) -> Tensor:
    """An argument as a Tensor that gradients reach: a copy in the graph, or a new leaf."""
    if isinstance(x, Tensor) and x.requires_grad:
        return clone(x)
    data = x._data if isinstance(x, Tensor) else x if backend.is_array(x) else np.asarray(x)
    if data.dtype.kind not in "fc":
        raise TypeError(
            f"cannot differentiate {name_of(function)} with respect to {data.dtype} values ({x!r:.60}): "
            "write 3.0 instead of 3, or choose other arguments with argnums"
        )
    return Tensor(data, requires_grad=True)


def name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def output_of(value: Any, function: Callable[..., Any]) -> Tensor:
    """What a function returned, as a Tensor (a constant where it does not depend on its arguments)."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (int, float, complex, np.generic)) or backend.is_array(value):
        return wrap(np.asarray(float(value)) if isinstance(value, int) else backend.as_array(value), None)
    raise TypeError(f"{name_of(function)} must return an array, a number or a Tensor, it returned {type(value).__name__}")


def _scalar(value: Any, function: Callable[..., Any], transform: str) -> Tensor:
    out = output_of(value, function)
    if out.size != 1:
        raise TypeError(
            f"{transform} needs a function that returns a scalar; {name_of(function)} returned shape {out.shape}. "
            "Use elementwise_grad (egrad) or jacobian, or reduce the result"
        )
    if out.dtype.kind == "c":
        raise TypeError(f"{transform} needs a real result; {name_of(function)} returned {out.dtype}: take abs(), .real or .imag")
    return out


def named(function: Callable[..., Any], prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(wrapper: Callable[..., Any]) -> Callable[..., Any]:
        wrapper = functools.wraps(function, updated=())(wrapper) if hasattr(function, "__name__") else wrapper
        wrapper.__name__ = f"{prefix}_of_{name_of(function)}"
        return wrapper

    return decorate


# ------------------------------------------------------------------------------- first order


def value_and_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns (value, gradient) of a scalar function.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @named(function, "value_and_grad")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        out = _scalar(call.value, function, "grad")
        leaves = call.pull([out], [np.ones_like(out._data)])
        value = out if call.create_graph else out.detach()
        return call.give_back(value), call.arrange(leaves)

    return wrapped


def grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Args:
        argnums: which positional arguments to differentiate: a number, or several (then a tuple comes back).

    >>> grad(lambda x: (1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x)))(1.0)
    np.float64(0.419974341614026)
    >>> grad(grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    """
    both = value_and_grad(function, argnums)
    return named(function, "grad")(lambda *args, **kwargs: both(*args, **kwargs)[1])


def grad_and_aux(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """For a function that returns (scalar, anything): (gradient of the scalar, anything).

    >>> grad_and_aux(lambda x: (x**2, "note"))(3.0)
    (np.float64(6.0), 'note')
    """

    @named(function, "grad_and_aux")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        value, aux = call.value
        out = _scalar(value, function, "grad_and_aux")
        leaves = call.pull([out], [np.ones_like(out._data)])
        detached = tree_map(lambda a: a.detach() if isinstance(a, Tensor) and not call.create_graph else a, aux)
        return call.arrange(leaves), tree_map(call.give_back, detached)

    return wrapped


def holomorphic_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The complex derivative f'(z) of a holomorphic function that returns one complex number.

    `grad` and `backward` show the conjugate of it, the direction in which a real part grows fastest; here is what a
    textbook on complex analysis calls the derivative.  Arguments must be complex.

    >>> holomorphic_grad(lambda z: z**3)(1 + 1j)       # 3 z^2
    np.complex128(6j)
    >>> holomorphic_grad(holomorphic_grad(np.exp))(0j)
    np.complex128(1+0j)
    """

    @named(function, "holomorphic_grad")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = output_of(call.value, function)
        if out.size != 1:
            raise TypeError(f"holomorphic_grad needs one number; {name_of(function)} returned shape {out.shape}")
        if real := [x.dtype for x in call.inputs if x.dtype.kind != "c"]:
            raise TypeError(f"holomorphic_grad needs complex arguments, got {real[0]}: write 1 + 0j, or use grad")
        return call.arrange([np.conj(g) for g in call.pull([out], [np.ones_like(out._data)])])

    return wrapped


def elementwise_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The derivative of a function that works on each element by itself (the sum of each Jacobian column).

    >>> egrad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """

    @named(function, "egrad")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = output_of(call.value, function)
        return call.arrange(call.pull([out], [np.ones_like(out._data)]))

    return wrapped


egrad = elementwise_grad


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


# -------------------------------------------------------------------- products with derivatives


def hvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """hvp(f)(x, ..., v): the Hessian times v, for the cost of two gradients.

    v is nested as the argument is, and comes last.

    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    @named(function, "hvp")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        *primals, v = args
        gradient = grad(function, argnums)

        def along_v(*inner: Any) -> Any:
            g = flatten(gradient(*inner, **kwargs))
            return sum(np.sum(a * b) for a, b in zip(g, flatten(v), strict=True))

        return grad(along_v, argnums)(*primals)

    return wrapped


hessian_tensor_product = hvp


def make_hvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Callable[[Any], Any]]:
    """make_hvp(f)(x)(v): the Hessian times v.

    >>> make_hvp(lambda x: x**3)(2.0)(1.0)
    np.float64(12.0)
    """
    return lambda *args: lambda v: hvp(function, argnums)(*args, v)


def tensor_jacobian_product(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """tensor_jacobian_product(f)(x, ..., v): v, of the output's shape, times the Jacobian.

    >>> tensor_jacobian_product(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([2., 4.])
    """

    @named(function, "vjp")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        *primals, v = args
        return grad(lambda *inner: np.sum(function(*inner, **kwargs) * v), argnums)(*primals)

    return wrapped


vector_jacobian_product = tensor_jacobian_product


def ggnvp(
    function: Callable[..., Any], loss: Callable[[Any], Any] = lambda y: np.sum(y**2) / 2, argnums: int = 0
) -> Callable[..., Any]:
    """ggnvp(f, loss)(x, ..., v): the generalised Gauss-Newton matrix J^T H J times v.

    J is the Jacobian of f and H the Hessian of the loss at f(x); by default H is the identity.  (Schraudolph,
    "Fast curvature matrix-vector products", 2002.)

    >>> ggnvp(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 4., 16.])
    """

    @named(function, "ggnvp")
    def wrapped(*args: Any) -> Any:
        *primals, v = args

        def of_chosen(x: Any) -> Any:
            return function(*primals[:argnums], x, *primals[argnums + 1 :])

        value, j_v = jvp(of_chosen, (primals[argnums],), (v,))
        return vjp(of_chosen, primals[argnums])[1](hvp(loss)(value, j_v))

    return wrapped


def make_ggnvp(
    function: Callable[..., Any], loss: Callable[[Any], Any] = lambda y: np.sum(y**2) / 2, argnums: int = 0
) -> Callable[..., Callable[[Any], Any]]:
    """make_ggnvp(f, loss)(x)(v): as `ggnvp`.

    >>> make_ggnvp(lambda x: 3 * x)(1.0)(1.0)
    np.float64(9.0)
    """
    return lambda *args: lambda v: ggnvp(function, loss, argnums)(*args, v)


# --------------------------------------------------------------------------------- checkpoint


def checkpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which forgets its intermediate results and computes them again in the backward pass.

    Memory for time (Chen et al., "Training deep nets with sublinear memory cost", 2016).  Gradients also reach
    tensors that the function uses without getting them as arguments, such as the parameters of a
    module.  Random numbers are drawn the same way both times.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log())(x).backward()
    >>> x.grad
    Tensor(1., dtype=float32)
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves = flatten((args, kwargs))
        places = [i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.requires_grad]
        state = random.get_state()

        def run(*tensors: Any) -> Any:
            given = list(leaves)
            for place, tensor in zip(places, tensors, strict=True):
                given[place] = tensor
            inner_args, inner_kwargs = unflatten((args, kwargs), iter(given))
            return function(*inner_args, **inner_kwargs)

        inputs = [leaves[i] for i in places]
        began = next(graph.clock)
        out = run(*(Tensor(x._data, requires_grad=True) for x in inputs))
        outs = [t for t in flatten(out) if isinstance(t, Tensor)]
        closed_over = _older_nodes(outs, began)  # all that this recording is for; it is dropped at the end
        values = [t._data for t in outs]

        def pull_back(g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...]) -> list[Any]:
            higher = any(isinstance(t, Tensor) for t in tensors)
            proxies = [clone(t) if isinstance(t, Tensor) else Tensor(t, requires_grad=True) for t in tensors[: len(places)]]
            now = random.get_state()
            random.set_state(state)
            try:
                with graph.recording():
                    again = [t for t in flatten(run(*proxies)) if isinstance(t, Tensor)]
            finally:
                random.set_state(now)
            targets = [t._node for t in proxies] + closed_over
            found = propagate(again, g if isinstance(g, tuple) else (g,), targets, higher, None)  # type: ignore[arg-type]
            return [found.get(n) for n in targets]  # type: ignore[arg-type]

        def forward(*tensors: Any) -> Any:
            return tuple(values)

        op = Op(forward, {}, joint=pull_back, inputs=("tensors",), name="checkpoint")
        del outs
        stand_ins = [wrap(np.zeros(()), n) for n in closed_over]
        results = iter(op.function(*inputs, *stand_ins) if inputs or closed_over else map(wrap, values, repeat(None)))
        return tree_map(lambda t: next(results) if isinstance(t, Tensor) else t, out)

    return wrapped


def _older_nodes(outputs: Sequence[Tensor], began: int) -> list[Node]:
    """The nodes, made before a moment, that the recording of outputs leads back to."""
    stack = [t._node for t in outputs if t._node is not None]
    seen, older = set(stack), []
    while stack:
        node = stack.pop()
        if node.order < began:
            older.append(node)
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return older
