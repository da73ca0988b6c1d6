"""Write minigrad's type stubs from the imported package: `make stubs`.

A checker sees in an op's source only that a decorator returned something callable.  The stubs say
what `help()` says: every function, method and operator with its real parameters.  Types come from

1. the annotation in the source, where it says more than `Any`;
2. the name of the parameter, since one name means one thing in NumPy (`ARRAYS`, `OPTIONS`);
3. for results: a Tensor, unless `RESULTS` says otherwise.

A function that takes arrays gives a Tensor for a Tensor and NumPy's own answer for arrays: one
overload for each.  A test compares the stubs with the definitions.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import minigrad  # noqa: E402
from minigrad import Tensor  # noqa: E402

#: Parameters that take arrays: Tensors, NumPy's arrays, numbers, nested lists of these.
ARRAYS = frozenset({
    "A", "M", "a", "a1", "a2", "alpha", "append", "ar", "ar1", "ar2", "arr", "array", "ary", "b",
    "beta", "c", "condition", "default", "df", "f", "fill_value", "fp", "g", "high", "initial",
    "loc", "low", "m", "mask", "mean", "p", "prepend", "q", "sample", "scale", "seq_of_zeros",
    "sigma", "src", "start", "stop", "u", "v", "val", "vals", "values", "w", "weights", "x", "x1",
    "x2", "xi", "xp", "y", "z",
})  # fmt: skip
#: Parameters that take several arrays.
SEQUENCES = frozenset({"arrays", "arys", "choicelist", "choices", "condlist", "tup"})
#: Parameters that are arrays here, though their name says something else.
EXCEPTIONS = {("gamma", "shape"), ("standard_gamma", "shape")}
#: Parameters that are no arrays, by name.
OPTIONS = {
    **dict.fromkeys(("axis", "size", "s"), "int | Sequence[int] | None"),
    **dict.fromkeys(("shape", "new_shape", "reps", "source", "destination"), "int | Sequence[int]"),
    "indices_or_sections": "int | Sequence[int]",
    "dtype": "DTypeLike | None",
    **dict.fromkeys(("axis1", "axis2", "offset", "k", "num", "decimals"), "int"),
    "n": "int | None",
    "ddof": "float",
    **dict.fromkeys(("keepdims", "requires_grad", "subok", "endpoint"), "bool"),
    **dict.fromkeys(("copy", "stable"), "bool | None"),
    **dict.fromkeys(("device", "kind", "norm", "order"), "str | None"),
    **dict.fromkeys(("casting", "method", "subscripts"), "str"),
    "indices": "ArrayLike",
    **dict.fromkeys(("a_min", "a_max", "min", "max"), "ArrayLike | None"),
    "out": "Tensor | np.ndarray | tuple[Any, ...] | None",
}
#: Results that are not one Tensor and whose annotation does not say so.
RESULTS = {
    **dict.fromkeys(("split", "array_split", "hsplit", "vsplit", "dsplit"), "list[Tensor]"),
    **dict.fromkeys(("nonzero", "unravel_index", "ix_", "modf", "frexp"), "tuple[Tensor, ...]"),
    **dict.fromkeys(("diag_indices_from", "tril_indices_from"), "tuple[Tensor, ...]"),
    **dict.fromkeys(("triu_indices_from", "polydiv", "unstack"), "tuple[Tensor, ...]"),
    **dict.fromkeys(("__divmod__", "__rdivmod__", "histogram"), "tuple[Tensor, Tensor]"),
    "histogram2d": "tuple[Tensor, Tensor, Tensor]",
    "histogramdd": "tuple[Tensor, list[Tensor]]",
    "__iter__": "Iterator[Tensor]",
    # One Tensor or several: an argument decides.
    **dict.fromkeys(("atleast_1d", "atleast_2d", "atleast_3d", "average", "gradient"), "Any"),
    **dict.fromkeys(("linspace", "polyfit", "qr", "svd", "unique"), "Any"),
    # NumPy's own named tuples.
    **dict.fromkeys(("unique_all", "unique_counts", "unique_inverse"), "Any"),
}
#: Attributes of the array itself, which are read without a function that could be annotated.
ATTRIBUTES = {
    "dtype": "np.dtype[Any]",
    "shape": "tuple[int, ...]",
    **dict.fromkeys(("itemsize", "nbytes", "ndim", "size"), "int"),
}
#: Operators: the functions behind them may have options, which an operator cannot pass.
UNARY = frozenset({"__abs__", "__invert__", "__neg__", "__pos__"})
BINARY = re.compile(
    "__[ri]?(add|sub|mul|truediv|floordiv|mod|divmod|pow|matmul|and|or|xor|lshift|rshift)__"
    "|__(lt|le|gt|ge|eq|ne)__"
)
#: Where the names of annotations come from.
IMPORTS = {
    **dict.fromkeys(("TYPE_CHECKING", "Any", "Never", "Self", "overload"), "typing"),
    **dict.fromkeys(("Callable", "Iterator", "Sequence"), "collections.abc"),
    **dict.fromkeys(("ArrayLike", "DTypeLike", "NDArray"), "numpy.typing"),
    **dict.fromkeys(("EigResult", "EighResult", "QRResult"), "minigrad.ops.factorization"),
    "SVDResult": "minigrad.ops.factorization",
    "SlogdetResult": "minigrad.ops.linalg",
    "Node": "minigrad.graph",
    "Tensor": "minigrad.tensor",
}
HEAD = '# Written by tools/stubs.py: run "make stubs" after a change of a definition.\n'
TENSOR_HEAD = """\
# To NumPy's own stubs what has __array__ is an array, and np.sin of an array is an ndarray, without
# backward().  Here a Tensor is a scalar of a type of its own: np.sin(x) is Any then, np.sum(x) a
# Tensor, and array + x is left to Tensor.__radd__.  What np.generic has and a Tensor has not takes
# no Tensor as self, so that using it is an error.
# mypy: disable-error-code="misc,override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# pyright: reportGeneralTypeIssues=false, reportOverlappingOverload=false
"""
ARRAY_PROTOCOL = """\
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    @overload
    def __array__(self, dtype: None = None, /) -> np.ndarray[Any, np.dtype[Tensor]]: ...
    @overload
    def __array__(self, dtype: None = None, /) -> np.ndarray[Any, np.dtype[np.object_]]: ...
"""

# ------------------------------------------------------------ one parameter, one result


def written(annotation: Any) -> str:
    """An annotation as the source has it; "Any" where it has none."""
    if annotation is inspect.Parameter.empty:
        return "Any"
    if annotation is None:
        return "None"
    if isinstance(annotation, str):
        return annotation
    return getattr(annotation, "__name__", str(annotation))


def type_of(function: str, p: inspect.Parameter) -> str:
    """The type of a function's parameter: from the source, or by its name."""
    annotation = written(p.annotation)
    if annotation != "Any":
        return annotation
    if p.kind is p.VAR_KEYWORD:
        return "Any"
    if p.name in SEQUENCES or p.name == "operands":
        return "ArrayLike" if p.kind is p.VAR_POSITIONAL else "Sequence[ArrayLike] | Tensor"
    is_array = p.name in ARRAYS or (function, p.name) in EXCEPTIONS
    kind = "ArrayLike" if is_array else OPTIONS.get(p.name, "Any")
    return f"{kind} | None" if p.default is None and not re.search("None|Any", kind) else kind


def default_of(p: inspect.Parameter) -> str:
    """A default as a stub shows it: plain values as they are."""
    if isinstance(p.default, float):
        return repr(p.default) if math.isfinite(p.default) else "..."
    is_plain = p.default is None or isinstance(p.default, (bool, int, str))
    return repr(p.default) if is_plain else "..."


def is_op(f: Any) -> bool:
    """Whether a function is an op, or made of ops in their files: it gives Tensors for Tensors."""
    return hasattr(f, "op") or getattr(f, "__module__", "").startswith("minigrad.ops")


def result_of(name: str, f: Callable[..., Any]) -> str:
    """The type of a result, where an input is a Tensor."""
    annotation = written(inspect.signature(f).return_annotation)
    if name in RESULTS and re.search("Any|Tensor", annotation):
        return RESULTS[name]
    return re.sub(r"\bAny\b", "Tensor", annotation) if is_op(f) else annotation


def parameter(p: inspect.Parameter, kind: str) -> str:
    star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    return f"{star}{p.name}: {kind}" + ("" if p.default is p.empty else f" = {default_of(p)}")


def parameters(given: Sequence[inspect.Parameter], kinds: Sequence[str]) -> str:
    """A list of parameters with the marks between kinds of them (`/` and `*`)."""
    parts: list[str] = []
    before = None
    for p, kind in zip(given, kinds, strict=True):
        if before is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY:
            parts.append("/")
        if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            parts.append("*")
        parts.append(kind if p.name == "self" else parameter(p, kind))
        before = p.kind
    if before is inspect.Parameter.POSITIONAL_ONLY and parts != ["self"]:
        parts.append("/")
    return ", ".join(parts)


# ------------------------------------------------------------ one function


def function(name: str, f: Callable[..., Any]) -> Iterator[str]:
    """A function: one overload for each array that may be the Tensor, one for arrays alone."""
    signature = inspect.signature(f)
    given = list(signature.parameters.values())
    kinds = [type_of(name, p) for p in given]
    result = result_of(name, f)
    inputs = [i for i, p in enumerate(given) if p.default is p.empty and "ArrayLike" in kinds[i]]
    always = not hasattr(f, "op") and written(signature.return_annotation) == "Tensor"
    if not inputs or always or "Tensor" not in result:
        yield f"def {name}({parameters(given, kinds)}) -> {result}: ..."
        return
    for i in inputs:
        tensors = [k.replace("ArrayLike", "Tensor") if i == j else k for j, k in enumerate(kinds)]
        yield f"@overload\ndef {name}({parameters(given, tensors)}) -> {result}: ..."
    plain = result.replace("Tensor", "Any")
    yield f"@overload\ndef {name}({parameters(given, kinds)}) -> {plain}: ..."


def method(name: str, f: Callable[..., Any]) -> str:
    """The stub of a method or operator: the function, whose first parameter is the tensor."""
    signature = inspect.signature(f)
    first, *given = signature.parameters.values()
    own = f.__module__ in ("minigrad.tensor", "minigrad.dispatch")
    if first.kind is first.VAR_POSITIONAL:
        first, given = inspect.Parameter("self", first.POSITIONAL_ONLY), [first, *given]
    kinds = [written(p.annotation) if own else type_of(name, p) for p in given]
    result = written(signature.return_annotation) if own else result_of(name, f)
    if name in UNARY or BINARY.fullmatch(name):
        first = inspect.Parameter("self", first.POSITIONAL_OR_KEYWORD)
        given = [] if name in UNARY else [first.replace(name="other")]
        kinds, result = ["Any"] * len(given), RESULTS.get(name, "Tensor")
    listing = parameters([first.replace(name="self"), *given], ["self", *kinds])
    return f"    def {name}({listing}) -> {result}: ..."


def attribute(name: str, p: property) -> str:
    """The stub of a property."""
    if inspect.isfunction(p.fget):
        kind = written(inspect.signature(p.fget).return_annotation)
        kind = "Tensor" if kind == "Any" and p.fget.__module__ != "minigrad.tensor" else kind
    else:
        kind = ATTRIBUTES[name]
    lines = [f"    @property\n    def {name}(self) -> {kind}: ..."]
    if p.fset is not None:
        value = written(list(inspect.signature(p.fset).parameters.values())[1].annotation)
        lines.append(f"    @{name}.setter\n    def {name}(self, value: {value}) -> None: ...")
    return "\n".join(lines)


# ------------------------------------------------------------ pages


def page(body: list[str], head: str = "", *, here: str) -> str:
    """A stub with the imports that its body needs."""
    text = "\n".join(body) + "\n"
    needed: dict[str, list[str]] = {}
    for name, module in IMPORTS.items():
        if module == here or f"import {name} as {name}" in text:
            continue
        if re.search(rf"(?<!\.)\b{name}\b", text):
            needed.setdefault(module, []).append(name)
    lines = ["import builtins"] * ("builtins." in text) + ["import numpy as np"] * ("np." in text)
    for module, names in sorted(needed.items()):
        lines.append(f"from {module} import {', '.join(sorted(names))}")
    return HEAD + head + "\n".join(lines) + "\n\n" + text


def listed(names: Sequence[str]) -> str:
    lines = textwrap.wrap(", ".join(f'"{n}"' for n in sorted(set(names))), 100)
    return "__all__ = [\n" + "\n".join(f"    {line}" for line in lines) + "\n]"


def without_shadows(body: list[str], names: Any) -> list[str]:
    """Types written as `builtins.float` where the body defines a `float` of its own."""
    hidden = [n for n in ("bool", "complex", "float", "int", "list", "str", "tuple") if n in names]
    if not hidden:
        return body
    pattern = rf"(?<=[:|>,] )({'|'.join(hidden)})\b(?!:)|(?<=\[)({'|'.join(hidden)})\b"
    return [re.sub(pattern, lambda m: f"builtins.{m[0]}", line) for line in body]


def verbatim(name: str, f: Callable[..., Any]) -> str:
    """A function whose annotations are all in its source."""
    signature = inspect.signature(f)
    given = list(signature.parameters.values())
    listing = parameters(given, [written(p.annotation) for p in given])
    return f"def {name}({listing}) -> {written(signature.return_annotation)}: ..."


def tensor_page() -> str:
    """minigrad/tensor.pyi: the class with what the ops bind to it, and the functions beside it."""
    module, members = sys.modules["minigrad.tensor"], vars(Tensor)
    slots = {"_name": "str | None", **Tensor.__annotations__}
    body = [f"    {name}: {kind}" for name, kind in slots.items() if name in members]
    body.append(ARRAY_PROTOCOL.rstrip())
    for name, member in sorted(members.items()):
        if isinstance(member, property):
            body.append(attribute(name, member))
        elif inspect.isfunction(member) and name not in ("__array__", "__new__"):
            body.append(method(name, member))
    for name in dir(np.generic):
        if not name.startswith("_") and not hasattr(Tensor, name):
            body.append(f"    def {name}(self: Never, *args: Any, **kwargs: Any) -> Any: ...")
    body = without_shadows(body, members)
    for name, f in vars(module).items():
        if inspect.isfunction(f) and f.__module__ == module.__name__:
            body.append(verbatim(name, f))
    lines = [listed(module.__all__), "", "class Tensor(np.generic):", *body]
    return page(lines, TENSOR_HEAD, here=module.__name__)


def contents(module: ModuleType, names: Sequence[str], is_ours: Callable[[Any], bool]) -> list[str]:
    """The names of a module: functions that are `is_ours` as stubs, the rest imported from its home."""
    first, imports, body = [], [], []
    for name in sorted(names):
        thing = getattr(module, name)
        if isinstance(thing, ModuleType):
            parent, _, own = thing.__name__.rpartition(".")
            if parent:
                imports.append(f"from {parent} import {own} as {name}")
            else:  # in a cycle of imports mypy reads last what is imported for checkers only
                first.append(f"if TYPE_CHECKING:\n    import {own} as {name}")
            continue
        home = sys.modules.get(getattr(thing, "__module__", ""))
        at_home = home is not None and getattr(home, name, None) is thing
        if at_home and (isinstance(thing, type) or not callable(thing) or not is_ours(thing)):
            imports.append(f"from {home.__name__} import {name} as {name}")  # type: ignore[union-attr]
        elif isinstance(thing, type):
            body.append(f"{name} = {thing.__name__}")
        elif callable(thing):
            body += function(name, thing)
        else:
            body.append(f"{name}: {type(thing).__name__ if isinstance(thing, float) else 'Any'}")
    return [*first, *sorted(imports), "", listed(module.__all__), "", *body]


def family_page(module: ModuleType) -> str:
    """The stub of a module of functions, such as minigrad.linalg."""
    return page(contents(module, module.__all__, callable), here=module.__name__)


def package_page() -> str:
    """minigrad/__init__.pyi: ops as functions; the rest is imported, with its own annotations."""
    names = {*minigrad.__all__, *minigrad._LAZY, *minigrad._COMPILER}
    lines = [*contents(minigrad, sorted(names), is_op), "__version__: str"]
    return page(lines, here=minigrad.__name__)


def stubs() -> dict[Path, str]:
    """Every stub by its place, which is beside the module."""
    pages = {minigrad: package_page(), sys.modules["minigrad.tensor"]: tensor_page()}
    pages |= {m: family_page(m) for m in (minigrad.linalg, minigrad.fft, minigrad.random)}
    return {Path(str(m.__file__)).with_suffix(".pyi"): text for m, text in pages.items()}


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, "utf-8")
