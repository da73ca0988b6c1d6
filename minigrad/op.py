"""An op, compiled from its definition to the function that users call.

A definition is a NumPy function and a rule for each input that has a derivative (`minigrad.primitive`).
From the function's signature, and from the names that the rules read, the source of one Python function
is written, as `dataclasses` write `__init__`.  It takes the arrays out of the tensors, runs the forward,
saves what the rules read and records a node.  Every op is called in this one way, whatever its
signature; `print(minigrad.sum.op.source())` shows it.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import types
from collections.abc import Callable, Sequence
from keyword import iskeyword
from textwrap import indent
from typing import Any

import numpy as np

from .calling import NAMES, options_of
from .devices import follow_forward

__all__ = ["Op", "is_swapped"]

#: One input.  Its type is compared first: that takes half the time of `isinstance` (measured).
_INPUT = """\
if type({n}) is _Tensor or isinstance({n}, _Tensor):
    _node_{n}, {n}, _tensors = {n}._node, {n}._array, True
else:
    _node_{n} = None
    if type({n}) not in _PLAIN:
        {n} = _operand({n}, {complain}, ({others},))
"""
#: What follows an input of an operator.
_FOREIGN = """\
        if {n} is NotImplemented:
            return NotImplemented
"""
#: An input that is a sequence of arrays.
_SEQUENCE = """\
{n}, _nodes, _found = _unpack({n})
_tensors = _tensors or _found
"""
#: A parameter that has no gradient; `_fixed` are those that were Tensors, which stay on their device.
_OPTION = """\
if {given}isinstance({n}, _Tensor):
    {n}, _tensors, _fixed = _option(_op, {n!r}, {n}), True, (*_fixed, {n!r})
"""
_FORWARD = """\
try:
    {results} = _forward({arguments})
except Exception as _error:
    {results_and_values}= _rescue(_op, {values}, ({parents}), {fixed}, _error)
if not _tensors:
    return _out
"""
#: The node is made here, without a call: with one, small operations take 8 % more time (measured).
_RECORD = """\
if {no_parents}:
    return _constant(_op, _out, {values} if _graph.special else None)
_special = _graph.special
if type(_out) is not _ndarray:
    _out = _as_arrays(_op, _out)
    _special = _special or isinstance(_out, (tuple, list))
_saved = ({saved},)
if _special:
    return _finish(_op, _out, ({parents},), _saved, {values} if _graph.special else None)
_node = _new(_Node)
_node.op = _op
_node.parents = ({parents},)
_node.saved = _saved
_node.shape = _out.shape
_node.dtype = _out.dtype
_node.order = _next(_clock)
_node.grad = _node.info = None
_tensor = _new(_Tensor)
_tensor._array = _out
_tensor._node = _node
return _tensor
"""


#: The names of Python's that these lines use.
_USED = {
    "type", "isinstance", "any", "tuple", "list", "map", "Exception", "out", "next", "iter",
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
        direct: the ufunc, where the forward does nothing but call it.
        composite: the readable form of a fused op, differentiated in place of its rule at higher orders.
        saves_arrays: whether a backward pass frees something.
        masks: whether it sends gradients to a part of its input alone (`minigrad.masked`); `mask_reads` are
            the names that a function for it reads.
        elementwise: whether each element of the result comes from the same element of the inputs.
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
        masks: bool | Callable[..., bool] = False,
        elementwise: bool = False,
    ) -> None:
        called: str = getattr(forward, "__name__", type(forward).__name__)
        self.name = name or called
        self.doc = inspect.getdoc(forward) or ""
        self.forward, self.composite, self.ufunc = forward, composite, ufunc
        self.masks, self.elementwise = masks, elementwise
        self.mask_reads = _parameter_names(masks) if callable(masks) else ()
        self.extras = tuple(extras)
        self.direct = ufunc if ufunc is not None and _only_calls(forward, ufunc) else None
        self.signature = inspect.signature(forward)
        self.parameters = self.signature.parameters
        self.names = tuple(n for n in self.parameters if n != "out")
        self.sequence = next((n for n, p in self.parameters.items() if _is_sequence(p)), None)
        self.joint = joint is not None
        self.separate = joint is None and bool(rules)
        self.inputs = tuple(inputs) or tuple(n for n in self.names if n in rules)
        self._check_inputs(rules)
        own = tuple(rules[n] for n in self.inputs) if self.separate else ()
        self.rules = (joint,) if joint is not None else own
        self.reads = tuple(_parameter_names(rule)[2 if joint else 1 :] for rule in self.rules)
        self._check_reads()
        arrays = {*self.inputs, *self.extras, "out"}
        self.saves_arrays = bool(composite) or any(not arrays.isdisjoint(r) for r in self.reads)
        self.function = self.compiled(self.name)

    def __repr__(self) -> str:
        return f"<Op {self.name}({', '.join(self.names)})>"

    def _check_inputs(self, rules: dict[str, Any]) -> None:
        if unknown := {*rules, *self.inputs} - set(self.names):
            known = list(self.names)
            raise TypeError(f"{self.name}: rules for {sorted(unknown)}, its parameters are {known}")
        for n in self.names:
            if n.startswith("_") or n in _USED:
                raise TypeError(
                    f"{self.name}: the engine needs the name {n!r}, choose another for the parameter"
                )
        if not self.name.isidentifier() or iskeyword(self.name):
            raise ValueError(f"{self.name!r} is no name for an op: give name=, a Python identifier")
        if not self.inputs and (self.joint or self.composite):
            raise TypeError(f"{self.name}: name what is differentiated, as in inputs=('x', 'y')")
        if self.separate and set(self.inputs) != set(rules):
            raise TypeError(f"{self.name}: rules for {sorted(rules)}, but inputs={self.inputs}")
        if self.sequence in rules:
            raise TypeError(
                f"{self.name}: the inputs in {self.sequence} need one rule for all: "
                f"joint=..., inputs=({self.sequence!r},)"
            )

    def _check_reads(self) -> None:
        if self.joint and _parameter_names(self.rules[0])[1:2] != ("needs",):
            raise TypeError(f"{self.name}: a joint rule is a function of (g, needs, ...)")
        known = {*self.names, *self.extras, "out", *(f"{n}_shape" for n in self.inputs)}
        for n in {n for reads in self.reads for n in reads} - known:
            may = ", ".join(sorted(known))
            raise TypeError(f"{self.name}: a rule reads {n!r}; it can read {may}")

    def call(self, values: dict[str, Any], function: Callable[..., Any]) -> Any:
        """The forward, or another function of the same parameters, on values by name."""
        given = {n: values.get(n) for n in self.signature.parameters}
        bound = inspect.BoundArguments(self.signature, given)  # type: ignore[arg-type]
        return function(*bound.args, **bound.kwargs)

    # -------------------------------------------------------------------- the generated function

    def compiled(self, name: str, operator: bool = False) -> Any:
        """The function that users call, or an operator of Tensor by its name.

        Its source is written at the first call, since a program uses few of the ops that it imports.
        """

        def complete() -> None:
            made: dict[str, Any] = {}
            source, file = self.source(name, operator), f"<op {name}>"
            exec(compile(source, file, "exec"), names, made)
            lines = source.splitlines(keepends=True)
            linecache.cache[file] = (len(source), None, lines, file)  # tracebacks show it
            function.__defaults__ = made[name].__defaults__
            function.__kwdefaults__ = made[name].__kwdefaults__
            function.__code__ = made[name].__code__  # last: another thread may call at any time

        forward = self.forward if self.direct is None else self.direct
        names = {**NAMES, "_op": self, "_forward": forward, "_complete": complete}
        names |= {f"_default_{n}": p.default for n, p in self.parameters.items()}
        function = names["_self"] = types.FunctionType(_first_call.__code__, names, name)
        functools.update_wrapper(function, self.forward)
        function.__name__ = name
        function.__signature__ = self._signature(name, operator)  # type: ignore[attr-defined]
        follow_forward(function)
        return function

    def _signature(self, name: str, operator: bool) -> inspect.Signature:
        """What `help()` shows: the forward's parameters; those of a ufunc are NumPy's."""
        kind = inspect.Parameter
        parameters = list(self.parameters.values())
        if self.ufunc is not None:
            parameters = [p.replace(kind=kind.POSITIONAL_ONLY) for p in parameters]
            if not operator:
                parameters.append(kind("out", kind.POSITIONAL_OR_KEYWORD, default=None))
                options = options_of(self.ufunc).items()
                parameters += [kind(n, kind.KEYWORD_ONLY, default=v) for n, v in options]
        given = getattr(self.forward, "__annotations__", {})
        returns = str(given.get("return", "Tensor")).replace("Any", "Tensor")
        shown = parameters[::-1] if operator and is_swapped(name) else parameters
        return inspect.Signature(shown, return_annotation=returns)

    def source(self, name: str | None = None, operator: bool = False) -> str:
        """The Python source of the function that users call."""
        body = self._handle_options(operator) + "_tensors = False\n"
        options = len(self.names) > len(self.inputs)
        body += "_fixed = ()\n" if options else ""
        for n in self.names:
            if n not in self.inputs:
                default = self.parameters[n].default
                given = (
                    "" if default is inspect.Parameter.empty else f"{n} is not _default_{n} and "
                )
                body += _OPTION.format(n=n, given=given)
            elif n == self.sequence:
                body += _SEQUENCE.format(n=n)
            else:
                foreign = _FOREIGN if operator else ""
                others = ", ".join(o for o in self.names if o != self.sequence)
                body += (_INPUT + foreign).format(n=n, complain=not operator, others=others)
        results = ["_out", *self.extras]
        body += _FORWARD.format(
            results=", ".join(results),
            arguments=self._arguments(),
            values=self._values(),
            results_and_values="".join(f"{n}, " for n in [*results, *self.names]),
            parents="".join(f"{p}, " for p in self._parents()),
            fixed="_fixed" if options else "()",
        )
        constant = f"return _constant(_op, _out, {self._values()} if _graph.special else None)\n"
        body += self._record() if self.inputs else constant
        name = name or self.name
        return f"def {name}({self._header(name, operator)}):\n" + indent(body, "    ")

    def _header(self, name: str, operator: bool) -> str:
        bare = [p.replace(annotation=p.empty) for p in self.parameters.values()]
        named = [
            p if p.default is p.empty else p.replace(default=_Named(f"_default_{p.name}"))
            for p in bare
        ]
        shown = named[::-1] if operator and is_swapped(name) else named
        header = str(inspect.Signature(shown))[1:-1]
        if self.ufunc is not None:
            header += ", /" if operator else ", /, out=None, **_options"
        elif self._takes_axis():
            header += ", **_options"
        return header

    def _takes_axis(self) -> bool:
        """Whether there is a parameter that PyTorch calls `dim`, so that an error about it can teach."""
        named = not any(p.kind is p.VAR_KEYWORD for p in self.parameters.values())
        return named and not {"axis", "axes"}.isdisjoint(self.names)

    def _arguments(self) -> str:
        """The arguments of a call of the forward, from the function's own parameters."""
        kind = inspect.Parameter
        form: dict[Any, str] = {
            kind.KEYWORD_ONLY: "{0}={0}",
            kind.VAR_POSITIONAL: "*{0}",
            kind.VAR_KEYWORD: "**{0}",
        }
        each = [form.get(p.kind, "{0}").format(n) for n, p in self.parameters.items()]
        return ", ".join(each)

    def _values(self) -> str:
        return "{" + ", ".join(f"{n!r}: {n}" for n in self.names) + "}"

    def _handle_options(self, operator: bool) -> str:
        inputs = ", ".join(self.names)
        if self.ufunc is not None:
            options = f"    return _with_options(_op, ({inputs},), out, _options)\n"
            return "" if operator else "if out is not None or _options:\n" + options
        body = ""
        if self._takes_axis():
            body = "if _options:\n    raise _wrong_option(_self, next(iter(_options)))\n"
        if "out" in self.parameters:
            call = f"_self({self._arguments()})"
            body += f"if out is not None:\n    _target, out = out, None\n    return _write_into(_target, {call})\n"
        return body

    def _parents(self) -> list[str]:
        """The variables of the generated function that hold the nodes of the inputs."""
        return ["*_nodes" if n == self.sequence else f"_node_{n}" for n in self.inputs]

    def _record(self) -> str:
        parents = self._parents()
        missing = " and ".join(f"{p} is None" for p in parents)
        no_parents = "not any(_nodes)" if "*_nodes" in parents else missing
        saved = self._saved(parents)
        if "dtype" in self.names:  # a whole number or a bool does not move with its input
            no_parents += " or _out.dtype.kind not in 'fc'"
        return _RECORD.format(
            no_parents=no_parents, parents=", ".join(parents), saved=saved, values=self._values()
        )

    def _saved(self, parents: Sequence[str]) -> str:
        """What each rule reads, for the inputs that need a gradient."""

        def read(n: str) -> str:
            if n == "out":
                return "_out"
            if n in self.names or n in self.extras:
                return n
            n = n.removesuffix("_shape")
            return f"tuple(map(_shape, {n}))" if n == self.sequence else f"_shape({n})"

        tuples = [f"({''.join(f'{read(n)}, ' for n in reads)})" for reads in self.reads]
        if self.separate:
            pairs = zip(parents, tuples, strict=True)
            tuples = [f"None if {p} is None else {t}" for p, t in pairs]
        return ", ".join(tuples if self.composite is None else [*tuples, self._values()])


def is_swapped(operator: str) -> bool:
    """Whether an operator gets its arguments the other way round: `__rsub__` and its kin."""
    return operator.startswith("__r") and operator != "__rshift__"


class _Named:
    """A default value in a generated header, shown as the name of the variable that holds it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _is_sequence(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is a sequence of arrays: `*arrays`, or one that is annotated so."""
    return parameter.kind is parameter.VAR_POSITIONAL or "Sequence[" in str(parameter.annotation)


def _parameter_names(rule: Callable[..., Any]) -> tuple[str, ...]:
    if isinstance(rule, types.FunctionType) and not hasattr(rule, "__wrapped__"):
        return rule.__code__.co_varnames[: rule.__code__.co_argcount]
    return tuple(inspect.signature(rule).parameters)


def _only_calls(forward: Callable[..., Any], ufunc: np.ufunc) -> bool:
    """Whether a forward does nothing but call its ufunc, which then is called without it: that saves a
    small operation 7 % (measured)."""
    if not isinstance(forward, types.FunctionType):
        return False
    same: Any = {1: lambda x: np.exp(x), 2: lambda x, y: np.add(x, y)}.get(ufunc.nin)
    code, names = forward.__code__, ("np", ufunc.__name__)
    return same is not None and code.co_code == same.__code__.co_code and code.co_names == names


def _first_call(*args: Any, **kwargs: Any) -> Any:
    """What an op does when it is called for the first time."""
    _complete()  # type: ignore[name-defined]  # noqa: F821
    return _self(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821
