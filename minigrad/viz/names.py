"""What the parameters of one op are called here, and which numbers they have: to be written into the op's formulas."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .data import UNKNOWN
from .definition import Stated, definition
from .formula import Formula
from .numbers import has_numbers, host, number
from .walk import Step

__all__ = ["Names", "indexed"]

#: Of a sequence with more inputs some are left out.
MOST = 6


class Names:
    """The names and numbers of a step: of its inputs, its options, its result, and of the gradient that arrives.

    Attributes:
        labels: by the names of the op's parameters, what the user calls what was given for them; a number is its own name.
        values: what is known of their numbers.
    """

    def __init__(self, step: Step, labels: Mapping[int, str], values: Mapping[int, Any], gradient: Any = None) -> None:
        self.step = step
        self.labels: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        for name, argument in step.arguments.items():
            self.labels[name], self.values[name] = _named(argument, labels, values)
        if step.op == "getitem":
            self.labels["index"] = self._index()
        self.labels["out"], self.values["out"] = labels[step.id], values[step.id]
        self.values["g"] = gradient

    def call(self) -> str:
        """What was computed, as in code: `multiply(2, x)`, with the options that are not NumPy's defaults; empty for a leaf."""
        if self.step.op is None:
            return ""
        if self.step.op == "getitem":
            return f"{self.labels.get('x') or '...'}[{self.labels['index']}]"
        return f"{self.step.op}({', '.join(self._arguments())})"

    def parameter_at(self, place: int) -> str:
        """The parameter that one of the node's parents was given for."""
        op = self.step.node.op
        if op.sequence is None:
            return op.inputs[place] if place < len(op.inputs) else ""
        count = len(self.step.node.parents) - len(op.inputs) + 1
        names: list[str] = []
        for name in op.inputs:
            names += [f"{name}_{i + 1}" for i in range(count)] if name == op.sequence else [name]
        return names[place]

    def formula_of_result(self) -> Formula | None:
        """What the op computes."""
        found = None if self.step.op is None else definition(self.step.node.op)
        return None if found is None or found.out is None else self._formula(found.out, found.used_by(found.out))

    def formula_of_rule(self, parameter: str, sign: str = "=") -> Formula | None:
        """What the op sends to one of its inputs."""
        found, sequence = definition(self.step.node.op), self.step.node.op.sequence
        is_member = sequence is not None and parameter.startswith(f"{sequence}_")
        stated = found.rules.get(sequence if is_member else parameter)
        if stated is None:
            return None
        member = {f"{sequence}_k": self.labels[parameter]} if is_member else {}
        return self._formula(stated, found.used_by(stated), sign, member)

    def _formula(
        self, stated: Stated, where: tuple[Stated, ...], sign: str = "=", more: Mapping[str, str] | None = None
    ) -> Formula:
        shown = {**self.labels, **{name: "gradient" for name in ("g",) if "g" in self.labels.values()}, **(more or {})}
        labels = {name: label for name, label in shown.items() if label}
        inputs = {*self.step.node.op.inputs, *(more or {})}
        labels |= {f"d{name}": f"d {label}" for name, label in labels.items() if name in inputs}
        formula = Formula(
            stated.left, self._all_members(stated.right), None, labels, tuple((w.left, w.right) for w in where),
            "+=" if stated.sign == "+=" else sign,
        )  # fmt: skip
        single = {name: number(value) for name in formula.names() if _is_single(value := self.values.get(name))}
        needed = formula.names() & ({*self.values} - {stated.left})
        return formula.filled_with(single) if needed and needed <= single.keys() else formula

    def _all_members(self, right: str) -> str:
        """Of a sequence of inputs each by its name: not arrays_1, arrays_2, ..."""
        sequence = self.step.node.op.sequence
        members = [name for name in self.step.arguments if sequence and name.startswith(f"{sequence}_")]
        shown = members if len(members) <= MOST else [*members[: MOST - 2], "...", members[-1]]
        return right.replace(f"{sequence}_1, {sequence}_2, ...", ", ".join(shown)) if members else right

    def _index(self) -> str:
        """The index of `x[index]`, as in code; of several arrays in it each by its name."""
        given = {name: one for name, one in self.step.arguments.items() if name == "index" or name.startswith("index_")}
        return ", ".join(self.labels[name] if one.source is not None else indexed(one.value) for name, one in given.items())

    def _arguments(self) -> Iterator[str]:
        op = self.step.node.op
        parameters = getattr(op, "parameters", {})
        behind = False  # an option that was left out: those that follow are written with their names
        for name, argument in self.step.arguments.items():
            if argument.source is not None or name in op.inputs or (op.sequence and name.startswith(f"{op.sequence}_")):
                if self.labels[name] or argument.value is UNKNOWN:
                    text = self.labels[name] or "..."
                    yield f"{name}={text}" if behind else text
            elif argument.value is not UNKNOWN and _is_plain(argument.value):
                default = parameters[name].default if name in parameters else inspect.Parameter.empty
                if default is inspect.Parameter.empty or _differs(argument.value, default):
                    yield f"{name}={argument.value!r}"
            behind = behind or argument.source is None and name not in op.inputs


def _named(argument: Any, labels: Mapping[int, str], values: Mapping[int, Any]) -> tuple[str, Any]:
    """What something is called that was given to an op, and its value."""
    if argument.source is not None:
        label, value = labels[argument.source], values[argument.source]
        if argument.output is not None:
            label = f"{label}[{argument.output}]"
            value = value[argument.output] if isinstance(value, tuple) else None
        return label, value
    if argument.value is UNKNOWN:
        return "", None
    if has_numbers(argument.value):
        return number(host(argument.value)), host(argument.value)
    return ("" if argument.value is None else f"{argument.value}" if _is_plain(argument.value) else ""), None


def indexed(index: Any) -> str:
    """What stands between the brackets of an index.

    >>> indexed((slice(None), -1)), indexed((Ellipsis, slice(1, None), None)), indexed(slice(None, None, -1))
    (':, -1', '..., 1:, None', '::-1')
    """
    if isinstance(index, tuple):
        return ", ".join(map(indexed, index)) or "()"
    if isinstance(index, slice):
        start, stop, step = ("" if x is None else f"{x}" for x in (index.start, index.stop, index.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if index is Ellipsis or index is UNKNOWN or has_numbers(index) and np.ndim(host(index)) else f"{index}"


def _is_single(value: Any) -> bool:
    return value is not None and not isinstance(value, tuple) and np.ndim(host(value)) == 0


def _is_plain(value: Any) -> bool:
    """Whether an option can be written: numbers, words, and tuples of them."""
    if isinstance(value, (tuple, list)):
        return bool(value) and all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str)) or value is Ellipsis or isinstance(value, slice)


def _differs(value: Any, default: Any) -> bool:
    return type(value) is not type(default) or value != default
