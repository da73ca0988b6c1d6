"""What CuPy has, read from cupy.txt (which tools/cupy_table.py writes from the real package)."""

from __future__ import annotations

import ast
import functools
import inspect
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MEMBERS", "UfuncEntry", "names", "signature", "ufunc_entry"]

TABLE = Path(__file__).with_name("cupy.txt")


@dataclass(frozen=True)
class UfuncEntry:
    """A ufunc of CuPy: its loops as ("d", "d", "d") and the methods that it has."""

    nin: int
    loops: tuple[tuple[str, ...], ...]
    methods: frozenset[str]


def read() -> dict[str, dict[str, str]]:
    """The lines of the table: for each module the text after each name."""
    sections: dict[str, dict[str, str]] = {}
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name = line.removeprefix("class ").partition("(")[0].partition(":")[0]
            section[name] = "class" if line.startswith("class ") else line[len(name) :]
    return sections


#: For each module ("cupy", "cupy.linalg", "cupyx.scipy.special" ...) what stands behind each name.
MEMBERS = read()


def names(module: str) -> list[str]:
    return list(MEMBERS[module])


@functools.cache
def ufunc_entry(module: str, name: str) -> UfuncEntry | None:
    """The dtypes of a ufunc; None for what is none."""
    text = MEMBERS[module][name]
    if not text.startswith(":"):
        return None
    types, _, methods = text[1:].partition("|")
    nin, *loops = types.split()
    pairs = (tuple(loop.replace("->", "")) for loop in loops)
    return UfuncEntry(int(nin), tuple(pairs), frozenset(methods.split()))


@functools.cache
def signature(module: str, name: str) -> inspect.Signature | None:
    """The real signature of a function; None where the package does not tell."""
    text = MEMBERS[module][name]
    if text == "(?)":
        return None
    function = ast.parse(f"def f{text}: pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    return as_signature(function.args)


def as_signature(args: ast.arguments) -> inspect.Signature:
    kinds = inspect.Parameter
    parameters = []
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    for i, (arg, value) in enumerate(zip(plain, defaults, strict=True)):
        positional = i < len(args.posonlyargs)
        kind = kinds.POSITIONAL_ONLY if positional else kinds.POSITIONAL_OR_KEYWORD
        parameters.append(kinds(arg.arg, kind, default=kinds.empty if value is None else default(value)))
    if args.vararg:
        parameters.append(kinds(args.vararg.arg, kinds.VAR_POSITIONAL))
    for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        given = kinds.empty if value is None else default(value)
        parameters.append(kinds(arg.arg, kinds.KEYWORD_ONLY, default=given))
    if args.kwarg:
        parameters.append(kinds(args.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


def default(value: ast.expr) -> object:
    """A default of the table: a literal, or the name of a type."""
    return value.id if isinstance(value, ast.Name) else ast.literal_eval(value)


#: Methods of CuPy's arrays that the stand-in does not have.
NOT_PRETENDED = frozenset({
    "byteswap", "cstruct", "dump", "dumps", "flat", "mdspan", "reduced_view", "scatter_add", "scatter_max",
    "scatter_min", "toDlpack", "tofile",
})  # fmt: skip
