"""Signatures for the reference: ops with the types of the stubs (tools/stubs.py), all else with what its source says."""

from __future__ import annotations

import inspect
import re
from typing import Any

from tools import stubs

#: An annotation that says nothing.
ANY_WITH_DEFAULT = re.compile(r": ~?(?:typing\.)?Any = ")
ANY = re.compile(r": ~?(?:typing\.)?Any\b(?! \|)")


def of_op(name: str, function: Any) -> tuple[str, str | None]:
    """The parameters and the result of an op, or of a function made of ops.

    The types of a ufunc's options (`out`, `where`, `casting` ...) are NumPy's, and left out.

    >>> import minigrad
    >>> of_op("det", minigrad.linalg.det)
    ('(a: ArrayLike)', 'Tensor')
    """
    signature = inspect.signature(function)
    given = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    kinds = [stubs.type_of(name, p) for p in signature.parameters.values()]
    op = getattr(function, "op", None)
    inputs = set(op.inputs) if op is not None and op.ufunc is not None else None
    parts = []
    for p, kind in zip(given, kinds, strict=True):
        says_nothing = kind == "Any" or (inputs is not None and p.name not in inputs)
        parts.append((p, "" if says_nothing else kind))
    result = stubs.result_of(name, function)
    return f"({listed(parts)})", None if result == "Any" else result


def of_method(name: str, function: Any) -> str:
    """The signature of a method of Tensor that is an op: what the stub says, of a ufunc's options the names alone.

    >>> from minigrad import Tensor
    >>> of_method("tanh", Tensor.tanh).partition(", ")[0], of_method("argmax", Tensor.argmax)[:38]
    ('(out=None', '(axis: int | Sequence[int] | None = No')
    """
    if getattr(getattr(function, "op", None), "ufunc", None) is not None or "casting" in inspect.signature(function).parameters:
        first, *given = inspect.signature(function).parameters.values()
        inputs = set(function.op.inputs) if hasattr(function, "op") else {"x2", "y"}
        parts = [(p.replace(annotation=p.empty), "ArrayLike" if p.name in inputs else "") for p in given]
        return f"({listed(parts)}) -> {stubs.result_of(name, function)}"
    stub = stubs.method(name, function).strip().removeprefix(f"def {name}").removesuffix(": ...")
    parameters, _, result = stub.rpartition(" -> ")
    parameters = re.sub(r"^\(self(, /)?(, )?", "(", parameters)
    return f"{without_any(parameters, None)[0]} -> {result}"


def listed(parts: list[tuple[inspect.Parameter, str]]) -> str:
    """A list of parameters, as Python writes it."""
    parameters = [p for p, _ in parts]
    text = stubs.parameters(parameters, [kind or "-" for _, kind in parts])
    return text.replace(": - = ", "=").replace(": -", "")


def without_any(signature: str | None, result: str | None) -> tuple[str | None, str | None]:
    """A signature as autodoc has it, without annotations that say nothing.

    >>> without_any("(x: Any, axis: int = -1, dtype: Any = None)", "Any")
    ('(x, axis: int = -1, dtype=None)', None)
    """
    if signature is not None:
        signature = ANY.sub("", ANY_WITH_DEFAULT.sub("=", signature))
    return signature, None if result in ("Any", "typing.Any", "~typing.Any") else result
