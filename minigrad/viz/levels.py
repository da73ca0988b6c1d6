"""Random computations to practise on, by level of difficulty, with numbers that can be computed by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor
from .explain import Explained, explain
from .numbers import host

__all__ = ["LEVELS", "Computation", "Line", "computation"]

LEVELS = {
    1: "one op", 2: "a chain", 3: "branches that meet again", 4: "tanh, exp, log, maximum", 5: "small vectors",
}  # fmt: skip
#: How an op is written, and what computes it.
OPS: dict[str, Callable[..., Any]] = {
    "{} + {}": np.add, "{} - {}": np.subtract, "{} * {}": np.multiply, "{} / {}": np.divide, "{}**2": np.square,
    "tanh({})": np.tanh, "exp({})": np.exp, "log({})": np.log, "maximum({}, {})": np.maximum, "sum({})": np.sum,
    "{} @ {}": np.matmul,
}  # fmt: skip
SIMPLE = ("{} + {}", "{} - {}", "{} * {}")
CURVED = ("tanh({})", "exp({})", "log({})")
VECTORS = ("x", "w")


class Line(NamedTuple):
    """A line of a computation: `name = written`, where the names of `reads` stand for {}."""

    name: str
    written: str
    reads: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} = {self.written.format(*self.reads)}"


@dataclass(frozen=True)
class Computation:
    """A function of named inputs, that computes line by line; the last line is its result.

    Attributes:
        inputs: the numbers and small arrays that it is computed for.
        lines: what is computed.
    """

    inputs: Mapping[str, Any]
    lines: Sequence[Line]

    @property
    def __signature__(self) -> Signature:
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in self.inputs])

    def __call__(self, *values: Any) -> Any:
        known = dict(zip(self.inputs, values, strict=True))
        for name, written, reads in self.lines:
            known[name] = OPS[written](*(known[r] for r in reads))
            if isinstance(known[name], Tensor):
                known[name].name = name
        return known[self.lines[-1].name]

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


def computation(level: int, seed: int = 0) -> Computation:
    """A random computation; the same for the same level and seed.

    Args:
        level: 1 one op, 2 a chain, 3 branches that meet again, 4 tanh, exp, log and maximum too, 5 small vectors.

    Raises:
        ValueError: there is no such level.

    >>> found = computation(3, seed=7)
    >>> print(found)
    a = x - y
    b = a * z
    c = a * y
    f = b - c
    >>> dict(found.inputs)
    {'x': 2.0, 'y': 4.0, 'z': 2.0}
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(f'{n} ({what})' for n, what in LEVELS.items())}, got {level!r}")
    rng = np.random.default_rng([level, seed])
    while True:
        lines = _LINES[level](rng)
        found = Computation(_inputs(rng, level, lines), lines)
        if _is_good(found, level):
            return found


# ------------------------------------------------------------------------------------- private


def _one_op(rng: np.random.Generator) -> list[Line]:
    return [_line(rng, "f", "xy", (*SIMPLE, "{} / {}", "{}**2"))]


def _chain(rng: np.random.Generator) -> list[Line]:
    first = _line(rng, "a", "xy", SIMPLE)
    second = _line(rng, "b", "az", ("{} + {}", "{} - {}", "{} * {}", "{} / {}"))
    return [first, second, _line(rng, "f", "bw", ("{}**2", "{} * {}"))]


def _branches(rng: np.random.Generator) -> list[Line]:
    first = _line(rng, "a", "xy", SIMPLE)
    second = _line(rng, "b", "az", SIMPLE)
    third = _line(rng, "c", "a" + str(rng.choice(["x", "y"])), ("{} * {}", "{}**2", "{} + {}"))
    return [first, second, third, _line(rng, "f", "bc", ("{} * {}", "{} * {}", "{} - {}"))]


def _curves(rng: np.random.Generator) -> list[Line]:
    first = _line(rng, "a", "xy", SIMPLE)
    second = _line(rng, "b", "a", CURVED)
    third = _line(rng, "c", str(rng.choice(["ax", "by", "az"])), ("maximum({}, {})", "{} * {}"))
    return [first, second, third, _line(rng, "f", "bc", ("{} * {}", "{} + {}"))]


def _vectors(rng: np.random.Generator) -> list[Line]:
    """The weighted sum of a neuron, squared or with two branches; or a squared distance."""
    kind = rng.integers(3)
    if kind == 0:
        lines = [Line("a", "{} @ {}", ("w", "x")), _line(rng, "b", "ay", SIMPLE)]
        return [*lines, _line(rng, "f", "ba", ("{}**2", "{} * {}"))]
    if kind == 1:
        lines = [Line("a", "{} - {}", ("x", "w")), Line("b", "{}**2", ("a",)), Line("c", "sum({})", ("b",))]
        return [*lines, _line(rng, "f", "cy", ("{} * {}", "{} / {}"))]
    lines = [Line("a", "{} * {}", ("w", "x")), Line("b", "maximum({}, {})", ("a", "x")), Line("c", "sum({})", ("b",))]
    return [*lines, _line(rng, "f", "cy", ("{} * {}", "{}**2"))]


_LINES = {1: _one_op, 2: _chain, 3: _branches, 4: _curves, 5: _vectors}


def _line(rng: np.random.Generator, name: str, reads: str, ops: Sequence[str]) -> Line:
    """A random op of what can be read, sometimes the other way round."""
    written = ops[int(rng.integers(len(ops)))]
    taken = reads[: written.count("{}")]
    return Line(name, written, tuple(taken[::-1] if rng.random() < 0.3 else taken))


def _inputs(rng: np.random.Generator, level: int, lines: Sequence[Line]) -> dict[str, Any]:
    """Small numbers for what is read and not computed; of level 4 halves, too."""
    made = {line.name for line in lines}
    names = sorted({name for line in lines for name in line.reads} - made)
    few = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0] if level == 4 else [-4.0, -3.0, -2.0, 2.0, 3.0, 4.0, 5.0]
    size = int(rng.integers(2, 4))
    many = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    return {name: rng.choice(many, size) if level == 5 and name in VECTORS else float(rng.choice(few)) for name in names}


def _is_good(found: Computation, level: int) -> bool:
    """Whether one likes to compute it: numbers neither large nor long, gradients that are not 0, no ties."""
    with np.errstate(all="ignore"):
        rows = explain(found, *found.inputs.values()).steps
    numbers = np.concatenate([host(x).ravel() for row in rows for x in (row.value, row.gradient, *row.arrives)])
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > 100:
        return False
    if level == 4:
        small = np.abs(numbers[numbers != 0]).min() < 0.05
    else:
        small = bool(np.any(np.abs(numbers * 4 - np.round(numbers * 4)) > 1e-9))
    return not small and all(map(_is_interesting, rows))


def _is_interesting(row: Explained) -> bool:
    """Whether there is something to compute: no ties of a maximum, no gradients that take each other away."""
    if row.step.op == "maximum":
        a, b = (rule.sent for rule in row.rules)
        if host(a).shape == () and host(b).shape == () and row.value is not None:
            return bool(host(a) * host(b) == 0)
        return bool((host(a) * host(b) == 0).all() and host(a).any() and host(b).any())
    gradient = host(row.gradient)
    return bool(gradient.all() if gradient.ndim == 0 and len(row.arrives) > 1 else gradient.any() or row.step.op is None)
