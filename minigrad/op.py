"""What an op is to the engine, and what happens when it is called: run the forward, record the result.

How ops are defined is the subject of `minigrad.primitive`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import backend, graph
from .backward import Cotangents, propagate
from .graph import Node
from .tensor import Tensor, wrap

__all__ = ["PICK", "Op", "holds_tensor", "record"]

_new = object.__new__
_ndarray = np.ndarray
#: The types that may stand beside a tensor as they are.  Everything else passes `_operand`.
_PLAIN = frozenset({float, int, bool, complex, np.ndarray, np.float32, np.float64})


class Op:
    """What the engine knows of an op.

    Attributes:
        name, doc: as in the definition.
        forward: the NumPy function.
        inputs: the names of the differentiable inputs, in order.
        rules: the gradient rule of each input; of all together for a `joint` op.
        reads: for each rule the names of what it reads.
        saves_arrays: whether a backward pass frees something.
        composite: the readable form of a fused op, differentiated in place of its rule at higher orders.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: dict[str, Callable[..., Any]],
        joint: Callable[..., Any] | None = None,
        inputs: Sequence[str] = (),
        extras: Sequence[str] = (),
        composite: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or forward.__name__
        self.doc = inspect.getdoc(forward) or ""
        self.forward = forward
        parameters = inspect.signature(forward).parameters
        self.names = tuple(parameters)
        self.defaults = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
        self.variadic = next((n for n, p in parameters.items() if p.kind is p.VAR_POSITIONAL), None)
        self.joint = joint is not None
        self.composite = composite
        #: Whether the gradients of all inputs come from one call.
        self.together = joint is not None or composite is not None
        self.extras = tuple(extras)
        self.inputs = tuple(inputs) if joint or composite else tuple(n for n in self.names if n in rules)
        self.rules = (joint,) if joint else () if composite else tuple(rules[n] for n in self.inputs)
        self._check(rules)
        skip = 2 if joint else 1
        self.reads = tuple(tuple(inspect.signature(rule).parameters)[skip:] for rule in self.rules)
        valued = {*self.inputs, *self.extras, "out"}
        self.saves_arrays = composite is not None or any(n in valued for reads in self.reads for n in reads)
        known = {*self.names, *self.extras, "out", *(f"{n}_shape" for n in self.inputs)}
        for n in {n for reads in self.reads for n in reads} - known:
            raise TypeError(f"{self.name}: a rule reads {n!r}; it can read {', '.join(sorted(known))}")

    def bind_call(self) -> Callable[..., Any]:
        """The function that users call; specialised for one and two inputs without options."""
        simple = self.names == self.inputs and not (self.extras or self.together or self.defaults)
        return ({1: _unary, 2: _binary}.get(len(self.names), _general) if simple else _general)(self)

    def _check(self, rules: dict[str, Any]) -> None:
        if unknown := {*rules, *self.inputs} - set(self.names):
            raise TypeError(f"{self.name}: rules for {sorted(unknown)}, but its parameters are {list(self.names)}")
        if self.variadic in rules:
            raise TypeError(
                f"{self.name}: the inputs *{self.variadic} need one rule for all: joint=..., inputs=({self.variadic!r},)"
            )

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.names)})>"

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, defaults filled in."""
        if self.variadic is not None:
            values = {self.variadic: args, **self.defaults, **kwargs}
        else:
            if len(args) > len(self.names):
                raise TypeError(f"{self.name}() takes {len(self.names)} arguments, got {len(args)}")
            values = {**self.defaults, **dict(zip(self.names, args, strict=False)), **kwargs}
        if len(values) != len(self.names):
            if missing := [n for n in self.names if n not in values]:
                raise TypeError(f"{self.name}() misses the argument {missing[0]!r}")
            wrong = next(n for n in values if n not in self.names)
            raise TypeError(f"{self.name}() has no argument {wrong!r} here; it takes {', '.join(self.names)}")
        return values

    def run(self, values: dict[str, Any]) -> Any:
        """The forward on plain arrays, with errors that name the op and the shapes."""
        try:
            if self.variadic is None:
                return self.forward(**values)
            rest = dict(values)
            return self.forward(*rest.pop(self.variadic), **rest)
        except (ImportError, RuntimeError):  # of our own making: they say what is wrong already
            raise
        except Exception as error:
            raise _explain(self, values, error) from error

    def revive(self, node: Node) -> tuple[Any, ...]:
        """What the rules read, as Tensors tied to the nodes that the values belong to."""

        def tie(name: str, value: Any) -> Any:
            if name == "out":
                if isinstance(value, tuple):
                    return tuple(pick(node, i, v) for i, v in enumerate(value))
                return wrap(value, node)
            if name == self.variadic:
                return tuple(v if p is None else wrap(v, p) for v, p in zip(value, node.parents, strict=True))
            if name in self.inputs:
                parent = node.parents[self.inputs.index(name)]
                return value if parent is None else wrap(value, parent)
            return value

        return tuple(
            None if values is None else tuple(map(tie, reads, values))
            for reads, values in zip(self.reads, node.saved, strict=False)
        )

    def through_composite(self, node: Node, g: Any, needs: tuple[bool, ...], create_graph: bool) -> list[Any]:
        """The gradients of a fused op, by differentiating its composite at the saved inputs."""
        assert self.composite is not None
        values, parents = dict(node.saved[1]), list(node.parents)
        proxies: list[Tensor | None] = []

        def proxy(value: Any) -> Any:
            parent = parents[len(proxies)]
            needed = parent is not None and needs[len(proxies)]
            proxies.append(record(_IDENTITY, value, (parent,), ((),)) if needed else None)
            return proxies[-1] if needed else value

        with graph.recording():
            for name in self.inputs:
                if name == self.variadic:
                    values[name] = tuple(map(proxy, values[name]))
                else:
                    values[name] = proxy(values[name])
            args = values.pop(self.variadic) if self.variadic else ()
            out = self.composite(*args, **values)
        outs = out if isinstance(out, (tuple, list)) else (out,)
        targets = [p._node for p in proxies if p is not None]
        found = propagate(outs, g if isinstance(g, tuple) else (g,), targets, create_graph, None)  # type: ignore[arg-type]
        return [None if p is None else found.get(p._node) for p in proxies]  # type: ignore[arg-type]


# ------------------------------------------------------------------------- recording a result


def record(op: Op, out: Any, parents: tuple[Node | None, ...], saved: Any) -> Tensor:
    """The Tensor of a result, with its node where an input needs a gradient."""
    return wrap(out, Node(op, parents, saved, out.shape, out.dtype))


def _finish(op: Op, out: Any, parents: tuple[Node | None, ...], saved: Any) -> Tensor:
    """As `record`, minding the modes: for calls while some `no_grad` or `detect_anomaly` is open."""
    anomaly = graph.is_anomaly_enabled()
    source = graph.user_line() if anomaly else None
    if anomaly:
        graph.check_finite(out, op.name, "the forward pass", source)
    if not graph.is_grad_enabled() or all(p is None for p in parents):
        return wrap(out, None)
    tensor = record(op, out, parents, saved)
    if anomaly:
        tensor._node.annotate().source = source  # type: ignore[union-attr]
    if (observer := graph.observer()) is not None:
        observer(tensor._node, out)  # type: ignore[arg-type]
    return tensor


def _unary(op: Op) -> Callable[..., Any]:
    """The call of an op with one input and no option."""
    forward = op.forward
    pick = _picker(op.reads[0], op.names)

    def call(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return forward(_operand(x))
        a = x._data
        try:
            out = forward(a)
        except Exception as error:
            raise _explain(op, {op.names[0]: a}, error) from error
        p = x._node
        if type(out) is not _ndarray:
            if isinstance(out, tuple):
                return _record_many(op, out, (p,), {op.names[0]: a})
            out = backend.as_array(out)
        if graph.special:
            return _finish(op, out, (p,), (pick(a, None, out),))
        if p is None:
            return wrap(out, None)
        return record(op, out, (p,), (pick(a, None, out),))

    return call


def _binary(op: Op) -> Callable[..., Any]:
    """The call of an op with two inputs and no option."""
    forward = op.forward
    pick_x, pick_y = (_picker(reads, op.names) for reads in op.reads)
    # `record` and `pick` are written out below for speed: with the calls small operations take 8 % more time (measured).
    x_reads_y, x_reads_nothing = op.reads[0] == op.names[1:], op.reads[0] == ()
    y_reads_x, y_reads_nothing = op.reads[1] == op.names[:1], op.reads[1] == ()
    clock = graph.clock

    def call(x: Any, y: Any) -> Any:
        if isinstance(x, Tensor):
            a, p = x._data, x._node
            if isinstance(y, Tensor):
                b, q = y._data, y._node
            else:
                b, q = (y if type(y) in _PLAIN else _operand(y)), None
        elif isinstance(y, Tensor):
            a, p = (x if type(x) in _PLAIN else _operand(x)), None
            b, q = y._data, y._node
        else:
            return forward(x, y)
        try:
            out = forward(a, b)
        except Exception as error:
            raise _explain(op, {op.names[0]: a, op.names[1]: b}, error) from error
        if type(out) is not _ndarray:
            if isinstance(out, tuple):
                return _record_many(op, out, (p, q), dict(zip(op.names, (a, b), strict=True)))
            out = backend.as_array(out)
        if graph.special:
            return _finish(op, out, (p, q), (p and pick_x(a, b, out), q and pick_y(a, b, out)))
        t = _new(Tensor)
        t._data = out
        if p is None and q is None:
            t._node = None
            return t
        t._node = node = _new(Node)  # as in `record`
        node.op = op
        node.parents = (p, q)
        node.saved = (
            None if p is None else (b,) if x_reads_y else () if x_reads_nothing else pick_x(a, b, out),
            None if q is None else (a,) if y_reads_x else () if y_reads_nothing else pick_y(a, b, out),
        )
        node.shape = out.shape
        node.dtype = out.dtype
        node.order = next(clock)
        node.grad = node.info = None
        return t

    return call


def _general(op: Op) -> Callable[..., Any]:
    """The call of an op of any signature."""
    inputs, variadic, extras = op.inputs, op.variadic, op.extras

    def call(*args: Any, **kwargs: Any) -> Any:
        values = op.bind(args, kwargs)
        parents: list[Node | None] = []
        found = False
        for name in inputs:
            if name == variadic:
                plain = []
                for value in values[name]:
                    if isinstance(value, Tensor):
                        found = True
                        plain.append(value._data)
                        parents.append(value._node)
                    else:
                        plain.append(value if type(value) in _PLAIN else _operand(value))
                        parents.append(None)
                values[name] = tuple(plain)
            else:
                value = values[name]
                if isinstance(value, Tensor):
                    found = True
                    values[name] = value._data
                    parents.append(value._node)
                else:
                    values[name] = value if value is None or type(value) in _PLAIN else _operand(value)
                    parents.append(None)
        for name, value in values.items():
            if isinstance(value, Tensor):  # an option, not an input
                if value._node is not None and inputs:
                    raise TypeError(f"{op.name} has no gradient with respect to {name}; write {name}.detach()")
                found = True
                values[name] = value._data
        out = op.run(values)
        if extras:
            values.update(zip(extras, out[1:], strict=True))
            out = out[0]
        if not found:
            return out
        if isinstance(out, tuple):
            return _record_many(op, out, tuple(parents), values)
        out = backend.as_array(out)
        if not any(p is not None for p in parents) and not graph.special:
            return wrap(out, None)
        if graph.special:
            return _finish(op, out, tuple(parents), _saved(op, values, parents, out))
        return record(op, out, tuple(parents), _saved(op, values, parents, out))

    return call


def _record_many(op: Op, out: tuple[Any, ...], parents: tuple[Node | None, ...], values: dict[str, Any]) -> Any:
    """The Tensors of an op with several outputs: one node for the op, and a `pick` for each output."""
    out = tuple(map(backend.as_array, out))
    anomaly = graph.is_anomaly_enabled()
    source = graph.user_line() if anomaly else None
    if anomaly:
        for o in out:
            graph.check_finite(o, op.name, "the forward pass", source)
    if not any(p is not None for p in parents) or (graph.special and not graph.is_grad_enabled()):
        return tuple(wrap(o, None) for o in out)
    node = Node(op, parents, _saved(op, values, parents, out), None, None)
    node.outputs = tuple((o.shape, o.dtype) for o in out)
    if anomaly:
        node.annotate().source = source
    if (observer := graph.observer()) is not None:
        observer(node, out)
    return tuple(pick(node, i, o) for i, o in enumerate(out))


def _saved(op: Op, values: dict[str, Any], parents: Sequence[Node | None], out: Any) -> tuple[Any, ...]:
    """What each rule reads, for the inputs that need a gradient."""

    def read(name: str) -> Any:
        if name == "out":
            return out
        if name in values:
            return values[name]
        value = values[name.removesuffix("_shape")]
        return tuple(map(np.shape, value)) if isinstance(value, tuple) else np.shape(value)

    if op.together:
        reads = tuple(map(read, op.reads[0])) if op.reads else ()
        inputs = {n: v for n, v in values.items() if n not in op.extras}
        return (reads, inputs) if op.composite is not None else (reads,)
    return tuple(None if p is None else tuple(map(read, reads)) for p, reads in zip(parents, op.reads, strict=True))


def _picker(reads: Sequence[str], names: Sequence[str]) -> Callable[[Any, Any, Any], tuple[Any, ...]]:
    """A function of (x, y, out) that returns what a rule reads."""
    x, y = names[0], names[-1]
    table: dict[tuple[str, ...], Callable[[Any, Any, Any], tuple[Any, ...]]] = {
        (): lambda a, b, out: (),
        (x,): lambda a, b, out: (a,),
        ("out",): lambda a, b, out: (out,),
        (x, "out"): lambda a, b, out: (a, out),
    }
    if x != y:
        table |= {
            (y,): lambda a, b, out: (b,),
            (x, y): lambda a, b, out: (a, b),
            (y, "out"): lambda a, b, out: (b, out),
            (x, y, "out"): lambda a, b, out: (a, b, out),
        }
    reads = tuple(reads)
    if reads in table:
        return table[reads]

    def pick_any(a: Any, b: Any, out: Any) -> tuple[Any, ...]:
        values = {y: b, x: a, "out": out}
        return tuple(values[n] if n in values else np.shape(values[n.removesuffix("_shape")]) for n in reads)

    return pick_any


def _operand(x: Any) -> Any:
    """Something that may stand beside a Tensor, as NumPy takes it."""
    if backend.is_array(x) or isinstance(x, (float, int, complex, np.generic)):
        return x
    if isinstance(x, (list, tuple)):
        array = np.array(x) if not holds_tensor(x) else None
        if array is not None and array.dtype != object:
            return array
        raise TypeError("a list that holds Tensors is not an array: use minigrad.array(...) or minigrad.stack(...)")
    raise TypeError(f"cannot compute with a Tensor and {type(x).__name__}")


def holds_tensor(x: Any) -> bool:
    """Whether a Tensor is somewhere in nested lists and tuples."""
    return isinstance(x, Tensor) or (isinstance(x, (list, tuple)) and any(map(holds_tensor, x)))


def _explain(op: Op, values: dict[str, Any], error: Exception) -> Exception:
    """The error of a forward, with the op, the shapes and the devices in it."""
    operands: list[tuple[str, Any]] = []
    for name in op.inputs or op.names:
        value = values.get(name)
        several = enumerate(value) if isinstance(value, tuple) and name == op.variadic else None
        operands += [(f"{name}[{i}]", v) for i, v in several] if several else [(name, value)]
    arrays = [(n, v) for n, v in operands if hasattr(v, "shape")]
    devices = {n: backend.device_of(v) for n, v in arrays if np.ndim(v)}
    if len(set(devices.values())) > 1:
        places = ", ".join(f"{n} on {d}" for n, d in devices.items())
        return RuntimeError(f"{op.name}: the inputs are on different devices ({places}): move one with .to(device)")
    shapes = ", ".join(f"{n}: shape {v.shape} {v.dtype}" for n, v in arrays)
    message = f"{op.name}: {error} ({shapes})"
    try:
        return type(error)(message)
    except TypeError:
        return RuntimeError(message)


# -------------------------------------------------- two ops that the mechanism itself is made of


def _identity(x: Any) -> Any:
    """The value itself, as a new node: where the differentiation of a composite begins."""
    return x


def _pick(x: Any, index: int) -> Any:
    """Output number `index` of an op with several outputs."""
    return x[index]


_IDENTITY = Op(_identity, {"x": lambda g: g})
PICK = Op(_pick, {"x": lambda g, index: Cotangents({index: g})}, name="pick")


def pick(node: Node, index: int, value: Any) -> Tensor:
    """The Tensor of one output of a node with several."""
    return record(PICK, value, (node,), ((index,),))
