"""An op, compiled from its definition to the function that users call.

A definition is a NumPy function and a rule for each input that has a derivative (`minigrad.primitive`).
From the function's signature, and from the names that the rules read, the source of one Python function
is written, as `dataclasses` write `__init__`.  It takes the arrays out of the tensors, runs the forward,
saves what the rules read and records a node.  Every op is called in this one way, whatever its signature;
`print(minigrad.sum.op.source())` shows it.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import backend, graph
from .backward import pick
from .graph import Node
from .tensor import Tensor, raw, wrap

__all__ = ["Op", "holds_tensor", "known_operand", "record", "write_into"]

#: The types that stand beside a tensor as they are.  Everything else passes `_operand`.
_PLAIN = frozenset({float, int, bool, complex, np.ndarray, np.float32, np.float64})
#: What every ufunc takes beside its inputs, with NumPy's defaults.
UFUNC_OPTIONS = {
    "where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None,
}  # fmt: skip


class Op:
    """What the engine knows of an op.

    Attributes:
        name, doc: as in the definition.
        forward: the NumPy function.
        names: its parameters, without `out`.
        inputs: the names of the differentiable inputs, in order.
        sequence: the name of the input that is a sequence of arrays, if there is one.
        rules: the gradient rule of each input; one for all together where it is `joint`.
        reads: for each rule the names of what it reads.
        separate: whether each input has a rule of its own.
        composite: the readable form of a fused op, differentiated in place of its rule at higher orders.
        function: what users call.
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
        ufunc: np.ufunc | None = None,
    ) -> None:
        self.name = name or forward.__name__
        self.doc = inspect.getdoc(forward) or ""
        self.forward = forward
        self.ufunc = ufunc
        self.parameters = inspect.signature(forward).parameters
        self.names = tuple(n for n in self.parameters if n != "out")
        self.sequence = next((n for n, p in self.parameters.items() if _is_sequence(p)), None)
        self.joint = joint is not None
        self.composite = composite
        self.separate = joint is None and composite is None
        self.extras = tuple(extras)
        self.inputs = tuple(inputs) if joint or composite else tuple(n for n in self.names if n in rules)
        self._check_names(rules)
        self.rules = (joint,) if joint else () if composite else tuple(rules[n] for n in self.inputs)
        self.reads = tuple(_parameter_names(rule)[2 if joint else 1 :] for rule in self.rules)
        self._check_reads()
        values = {*self.inputs, *self.extras, "out"}
        #: Whether a backward pass frees something.
        self.saves_arrays = composite is not None or any(not values.isdisjoint(r) for r in self.reads)
        self.function = self.compiled(self.name)

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.names)})>"

    def _check_names(self, rules: dict[str, Any]) -> None:
        if unknown := {*rules, *self.inputs} - set(self.names):
            known = list(self.names)
            raise TypeError(f"{self.name}: rules for {sorted(unknown)}, but its parameters are {known}")
        if self.sequence in rules:
            raise TypeError(
                f"{self.name}: the inputs in {self.sequence} need one rule for all: "
                f"joint=..., inputs=({self.sequence!r},)"
            )

    def _check_reads(self) -> None:
        known = {*self.names, *self.extras, "out", *(f"{n}_shape" for n in self.inputs)}
        for n in {n for reads in self.reads for n in reads} - known:
            raise TypeError(f"{self.name}: a rule reads {n!r}; it can read {', '.join(sorted(known))}")

    def call(self, values: dict[str, Any], function: Callable[..., Any]) -> Any:
        """The forward, or another function of the same parameters, on values by name."""
        positional, named = [], {}
        for n, p in self.parameters.items():
            value = values.get(n)
            if p.kind is p.KEYWORD_ONLY:
                named[n] = value
            else:
                positional += list(value) if p.kind is p.VAR_POSITIONAL else [value]  # type: ignore[arg-type]
        return function(*positional, **named)

    # -------------------------------------------------------------------- the generated function

    def compiled(self, name: str, operator: bool = False, swapped: bool = False) -> Any:
        """The function that users call, or an operator of Tensor (`swapped` for `__rsub__` and its kin).

        Its source is written at the first call, since a program uses few of the ops that it imports.
        """

        def complete() -> None:
            made: dict[str, Any] = {}
            source, file = self.source(name, operator, swapped), f"<op {name}>"
            exec(compile(source, file, "exec"), names, made)
            linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks
            function.__kwdefaults__, function.__defaults__ = made[name].__kwdefaults__, made[name].__defaults__
            function.__code__ = made[name].__code__  # last: another thread may call at any time

        forward = self.ufunc if _only_calls(self.forward, self.ufunc) else self.forward
        names = {**_NAMES, "_op": self, "_forward": forward, "_complete": complete}
        names |= {f"_default_{n}": p.default for n, p in self.parameters.items()}
        function = names["_self"] = types.FunctionType(_first_call.__code__, names, name)
        functools.update_wrapper(function, self.forward)
        function.__name__ = name
        function.__signature__ = self._signature(operator, swapped)  # type: ignore[attr-defined]
        return function

    def _signature(self, operator: bool, swapped: bool) -> inspect.Signature:
        """What `help()` shows: the forward's parameters; those of a ufunc are NumPy's."""
        kind = inspect.Parameter
        parameters = list(self.parameters.values())
        if self.ufunc is not None:
            parameters = [p.replace(kind=kind.POSITIONAL_ONLY) for p in parameters]
            if not operator:
                parameters.append(kind("out", kind.POSITIONAL_OR_KEYWORD, default=None))
                parameters += [kind(n, kind.KEYWORD_ONLY, default=v) for n, v in UFUNC_OPTIONS.items()]
        annotation = inspect.signature(self.forward).return_annotation
        returns = "Tensor" if annotation is inspect.Signature.empty else str(annotation).replace("Any", "Tensor")
        return inspect.Signature(parameters[::-1] if swapped else parameters, return_annotation=returns)

    def source(self, name: str | None = None, operator: bool = False, swapped: bool = False) -> str:
        """The Python source of the function that users call."""
        name = name or self.name
        lines = [f"def {name}({self._header(operator, swapped)}):"]
        lines += self._handle_out(operator)
        lines += ["    _tensors = False"]
        for n in self.names:
            if n not in self.inputs:
                lines += self._unwrap_option(n)
            elif n == self.sequence:
                lines += [f"    {n}, _nodes, _found = _unpack({n})", "    _tensors = _tensors or _found"]
            else:
                lines += self._unwrap_input(n, operator)
        parents = ["*_nodes" if n == self.sequence else f"_node_{n}" for n in self.inputs]
        lines += self._run_forward()
        if not self.inputs:
            return "\n".join([*lines, "    return _constant(_op, _out)"])
        return "\n".join([*lines, *self._record(parents)])

    def _header(self, operator: bool, swapped: bool) -> str:
        parameters = [
            p if p.default is p.empty else p.replace(default=_Named(f"_default_{n}"))
            for n, p in self.parameters.items()
        ]
        bare = [p.replace(annotation=p.empty) for p in parameters]
        header = str(inspect.Signature(bare[::-1] if swapped else bare))[1:-1]
        if self.ufunc is not None:
            header += ", /" if operator else ", /, out=None, **_options"
        return header

    def _arguments(self, out: str = "None") -> str:
        """The arguments of a call of the forward, or of the function itself, from its own parameters."""
        prefix: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        arguments = []
        for n, p in self.parameters.items():
            value = out if n == "out" else n
            arguments.append(f"{n}={value}" if p.kind is p.KEYWORD_ONLY else prefix.get(p.kind, "") + value)
        return ", ".join(arguments)

    def _handle_out(self, operator: bool) -> list[str]:
        if self.ufunc is not None:
            if operator:
                return []
            inputs = ", ".join(self.names)
            return ["    if out is not None or _options:", f"        return _with_options(_op, ({inputs},), out, _options)"]
        if "out" in self.parameters:
            return ["    if out is not None:", f"        return _write_into(out, _self({self._arguments()}))"]
        return []

    def _unwrap_input(self, n: str, operator: bool) -> list[str]:
        foreign = [f"            if {n} is NotImplemented:", "                return NotImplemented"]
        return [
            f"    if type({n}) is _Tensor or isinstance({n}, _Tensor):",
            f"        _node_{n}, {n}, _tensors = {n}._node, {n}._data, True",
            "    else:",
            f"        _node_{n} = None",
            f"        if type({n}) not in _PLAIN:",
            f"            {n} = _operand({n}, {not operator})",
            *(foreign if operator else []),
        ]

    def _unwrap_option(self, n: str) -> list[str]:
        default = self.parameters[n].default
        given = f"{n} is not _default_{n} and " if default is not inspect.Parameter.empty else ""
        return [f"    if {given}isinstance({n}, _Tensor):", f"        {n}, _tensors = _option(_op, {n!r}, {n}), True"]

    def _run_forward(self) -> list[str]:
        results = ", ".join(["_out", *self.extras])
        return [
            "    try:",
            f"        {results} = _forward({self._arguments()})",
            "    except Exception as _error:",
            f"        {results} = _rescue(_op, {_as_dict(self.names)}, _error)",
        ]

    def _record(self, parents: Sequence[str]) -> list[str]:
        """The node is made here, without a call: with one, small operations take 8 % more time (measured)."""
        missing = " and ".join(f"{p} is None" for p in parents)
        return [
            "    if not _tensors:",
            "        return _out",
            f"    if {'not any(_nodes)' if self.sequence in self.inputs else missing}:",
            "        return _constant(_op, _out)",
            "    _special = _graph.special",
            "    if type(_out) is not _ndarray:",
            "        _out = _as_arrays(_out)",
            "        _special = _special or isinstance(_out, (tuple, list))",
            f"    _saved = ({self._saved(parents)},)",
            "    if _special:",
            f"        return _finish(_op, _out, ({', '.join(parents)},), _saved)",
            "    _node = _new(_Node)",
            "    _node.op = _op",
            f"    _node.parents = ({', '.join(parents)},)",
            "    _node.saved = _saved",
            "    _node.shape = _out.shape",
            "    _node.dtype = _out.dtype",
            "    _node.order = _next(_clock)",
            "    _node.grad = _node.info = None",
            "    _tensor = _new(_Tensor)",
            "    _tensor._data = _out",
            "    _tensor._node = _node",
            "    return _tensor",
        ]

    def _saved(self, parents: Sequence[str]) -> str:
        """What each rule reads, for the inputs that need a gradient."""

        def read(n: str, own: str) -> str:
            if n == "out":
                return "_out"
            if n in self.names or n in self.extras:
                return n
            n = n.removesuffix("_shape")
            if n == own:
                return f"{n}.shape"
            return f"tuple(map(_shape, {n}))" if n == self.sequence else f"_shape({n})"

        owners = ("",) if self.joint else self.inputs
        each = [[read(n, own) for n in reads] for own, reads in zip(owners, self.reads, strict=False)]
        tuples = [f"({', '.join(reads)}{',' * (len(reads) == 1)})" for reads in each]
        if self.composite is not None:
            return f"{tuples[0] if tuples else ()}, {_as_dict(self.names)}"
        if self.joint:
            return tuples[0]
        return ", ".join(f"None if {p} is None else {t}" for p, t in zip(parents, tuples, strict=True))


class _Named:
    """A default value in a generated header: shown as the name of the variable that holds it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _as_dict(names: Sequence[str]) -> str:
    return "{" + ", ".join(f"{n!r}: {n}" for n in names) + "}"


def _is_sequence(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is a sequence of arrays: `*arrays`, or one that is annotated so."""
    return parameter.kind is parameter.VAR_POSITIONAL or "Sequence[" in str(parameter.annotation)


def _parameter_names(rule: Callable[..., Any]) -> tuple[str, ...]:
    if isinstance(rule, types.FunctionType) and not hasattr(rule, "__wrapped__"):
        return rule.__code__.co_varnames[: rule.__code__.co_argcount]
    return tuple(inspect.signature(rule).parameters)


def _only_calls(forward: Callable[..., Any], ufunc: np.ufunc | None) -> bool:
    """Whether a forward does nothing but call its ufunc, which then is called without it: that saves a
    small operation 7 % (measured)."""
    if ufunc is None or not isinstance(forward, types.FunctionType):
        return False
    template = {1: lambda x: np.exp(x), 2: lambda x, y: np.add(x, y)}.get(ufunc.nin)
    code, names = forward.__code__, ("np", ufunc.__name__)
    return template is not None and code.co_code == template.__code__.co_code and code.co_names == names


def _first_call(*args: Any, **kwargs: Any) -> Any:
    """What an op does when it is called for the first time."""
    _complete()  # type: ignore[name-defined]  # noqa: F821
    return _self(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


# -------------------------------------------------------------- what the generated functions call


def record(op: Op, out: Any, parents: tuple[Node | None, ...], saved: Any) -> Tensor:
    """The Tensor of a result, with its node."""
    return wrap(out, Node(op, parents, saved, out.shape, out.dtype))


def _constant(op: Op, out: Any) -> Any:
    """The Tensors of a result that depends on no tensor that needs a gradient."""
    out = _as_arrays(out)
    if graph.is_anomaly_enabled():
        _check_finite(op, out, graph.user_line())
    if isinstance(out, (tuple, list)):
        return _like(out, [wrap(o, None) for o in out])
    return wrap(out, None)


def _finish(op: Op, out: Any, parents: tuple[Node | None, ...], saved: Any) -> Any:
    """The Tensors of a result where a mode is open, or where an op has several outputs."""
    source = None
    if graph.is_anomaly_enabled():
        source = graph.user_line()
        _check_finite(op, out, source)
    several = isinstance(out, (tuple, list))
    if not graph.is_grad_enabled():
        return _constant(op, out)
    shape, dtype = (None, None) if several else (out.shape, out.dtype)
    node = Node(op, parents, saved, shape, dtype)
    if source is not None:
        node.annotate().source = source
    if (observer := graph.observer()) is not None:
        observer(node, out)
    if not several:
        return wrap(out, node)
    node.outputs = tuple((o.shape, o.dtype) for o in out)
    return _like(out, [pick(node, i, o) for i, o in enumerate(out)])


def _check_finite(op: Op, out: Any, source: str | None) -> None:
    for o in out if isinstance(out, (tuple, list)) else (out,):
        graph.check_finite(o, op.name, "the forward pass", source)


def _as_arrays(out: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return _like(out, [backend.as_array(o) for o in out])
    return backend.as_array(out)


def _like(out: Any, items: list[Any]) -> Any:
    """Items in a container of the kind that the forward returned: a tuple, a list, a named tuple."""
    return type(out)(*items) if hasattr(out, "_fields") else type(out)(items)


def _unpack(items: Any) -> tuple[tuple[Any, ...], tuple[Node | None, ...], bool]:
    """The arrays and the nodes of a sequence of inputs, and whether a tensor is among them."""
    arrays, nodes, found = [], [], False
    for x in items:
        if isinstance(x, Tensor):
            found = True
            arrays.append(x._data)
            nodes.append(x._node)
        else:
            arrays.append(x if type(x) in _PLAIN else _operand(x, True))
            nodes.append(None)
    return tuple(arrays), tuple(nodes), found


def known_operand(x: Any) -> bool:
    """Whether Tensors compute with a value; what they do not know gets its own turn, as `__radd__`."""
    return isinstance(x, (Tensor, float, int, complex, np.generic, list, tuple)) or backend.is_array(x)


def _operand(x: Any, complain: bool) -> Any:
    """Something that may stand beside a Tensor, as NumPy takes it."""
    if backend.is_array(x) or isinstance(x, (float, int, complex, np.generic)):
        return x
    if isinstance(x, (list, tuple)):
        array = np.array(x) if not holds_tensor(x) else None
        if array is not None and array.dtype != object:
            return array
        raise TypeError("a list that holds Tensors is not an array: use minigrad.array(...) or minigrad.stack(...)")
    if not complain:
        return NotImplemented
    if x is not None:  # an input that is left out is the forward's business
        raise TypeError(f"cannot compute with a Tensor and {type(x).__name__}")
    return None


def _option(op: Op, name: str, x: Tensor) -> Any:
    """The array of a Tensor that was given for an option."""
    if x._node is not None and op.inputs:
        raise TypeError(f"{op.name} has no gradient with respect to {name}; write {name}.detach()")
    return x._data


def holds_tensor(x: Any) -> bool:
    """Whether a Tensor is somewhere in nested lists and tuples."""
    return isinstance(x, Tensor) or (isinstance(x, (list, tuple)) and any(map(holds_tensor, x)))


def write_into(out: Any, result: Any) -> Any:
    """The `out=` argument: recorded on a Tensor, allowed on an array where no gradient is lost."""
    if isinstance(result, (tuple, list)):
        return tuple(r if o is None else write_into(o, r) for o, r in zip(out, result, strict=True))
    target = out[0] if isinstance(out, tuple) else out
    if isinstance(result, Tensor) and result._node is not None and not isinstance(target, Tensor):
        raise TypeError(
            "a tensor that requires a gradient cannot be written into a NumPy array, the gradient would be "
            "lost: write a = a + t instead of a += t, or make the array a Tensor"
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TypeError(f"out= has dtype {target.dtype}, which cannot hold a result of dtype {result.dtype}")
    target[...] = result if isinstance(target, Tensor) else raw(result)
    return target


def _with_options(op: Op, inputs: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """A ufunc called with NumPy's options: out, where, dtype, casting (order and subok change no value)."""
    assert op.ufunc is not None
    if unknown := options.keys() - UFUNC_OPTIONS.keys():
        known = ", ".join(["out", *UFUNC_OPTIONS])
        raise TypeError(f"{op.name} has no option {min(unknown)!r}; it takes {known}")
    if not any(isinstance(x, Tensor) for x in (*inputs, out, options.get("where"))):
        return op.ufunc(*inputs, out=out, **options)
    if options.get("signature") is not None:
        raise NotImplementedError(f"{op.name} of Tensors takes no signature=; give dtype=")
    if (dtype := options.get("dtype")) is not None:
        casting = options.get("casting", "same_kind")
        for x in inputs:
            if backend.is_array(raw(x)) and not np.can_cast(x.dtype, dtype, casting):
                raise TypeError(f"{op.name}: cannot cast {x.dtype} to {np.dtype(dtype)} with casting={casting!r}")
        inputs = tuple(x.astype(dtype) if backend.is_array(raw(x)) else x for x in inputs)
    result = op.function(*inputs)
    mask = options.get("where", True)
    if mask is not True:
        rest = np.zeros_like(raw(result)) if out is None else out[0] if isinstance(out, tuple) else out
        result = np.where(mask, result, rest)
    return result if out is None else write_into(out, result)


def _rescue(op: Op, values: dict[str, Any], error: Exception) -> Any:
    """A forward failed: the error says of which op, and with which shapes."""
    if isinstance(error, (ImportError, RuntimeError)):  # of our own making: they say what is wrong
        raise error
    raise _explained(op, values, error) from error


def _explained(op: Op, values: dict[str, Any], error: Exception) -> Exception:
    """The error of a forward, with the op, the shapes and the devices in it."""
    operands: list[tuple[str, Any]] = []
    for name in op.inputs or op.names:
        value = values[name]
        if name == op.sequence:
            operands += [(f"{name}[{i}]", v) for i, v in enumerate(value)]
        else:
            operands.append((name, value))
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


#: The globals of the generated functions.
_NAMES: dict[str, Any] = {
    "_Node": Node, "_PLAIN": _PLAIN, "_Tensor": Tensor, "_as_arrays": _as_arrays, "_clock": graph.clock,
    "_constant": _constant, "_finish": _finish, "_graph": graph, "_ndarray": np.ndarray, "_new": object.__new__,
    "_next": next, "_operand": _operand, "_option": _option, "_rescue": _rescue, "_shape": np.shape,
    "__name__": __name__, "_unpack": _unpack, "_with_options": _with_options, "_write_into": write_into,
}  # fmt: skip
