"""The arguments that NumPy-like functions share: each has one meaning, said here once and shown with every function that has it.

What an argument of one function alone is, or means there in particular, the docstring of the function says under `Args`,
which goes before these tables.  Layers and functions of nn describe their own.

>>> import minigrad
>>> list(entries(minigrad.mean))
['axis', 'dtype', 'out', 'keepdims', 'where']
>>> list(entries(minigrad.tanh))
['out', 'where', 'casting, order, subok, signature', 'dtype']
"""

from __future__ import annotations

import inspect
import re
from typing import Any

_DEVICE = '"cpu", "cuda" or "cuda:1"'
_DTYPE = "the type of the result. None: that of the input, or the default dtype (float32)."
_NOT_WRITTEN = "SciPy's permission to write into the inputs; here they are never written."
_LAPACK = "the routine of LAPACK that SciPy would take; without effect here."

#: What an argument is in every function that has it, unless a table below says something else.
SHARED: dict[str, str] = {
    "axis": "which axis, or a tuple of them where several can be; negative ones count from the end. None, where it can be: all "
    "elements as one row.",
    "dtype": "the type of the result, in which it is computed. None: what NumPy takes.",
    "out": "an array or Tensor for the result; with gradients, a Tensor.",
    "keepdims": "keep reduced axes with length 1, so that the result broadcasts against the input.",
    "initial": "what the elements are combined with: the result where there are none.",
    "where": "a mask: only elements where it is True count.",
    "ddof": "what is taken off the number of elements: the divisor is n - ddof.",
    "correction": "another name for `ddof`: give one of them.",
    "overwrite_input": "NumPy's permission to sort the input in place; it is not used.",
    "casting": "which conversions of dtypes are allowed, as NumPy's.",
    "order": "the layout in memory, as NumPy's; no value depends on it.",
    "subok": "keep an array's own class, as NumPy; without effect on Tensors.",
    "device": f"where the result is: {_DEVICE}. None: where the input or `like` is, else the cpu.",
    "like": "an array or Tensor; the new one is of its kind, for example on its GPU.",
    "requires_grad": "record what is computed from the result, so that `backward()` fills its `.grad`.",
    "endpoint": "whether `stop` is the last number.",
    "decimals": "how many digits to keep after the point; where negative, how many to round before it.",
    "kind": "the algorithm, as NumPy's.",
    "stable": "whether equal elements keep their order.",
    "indices_or_sections": "the places to cut at, or how many parts there are to be.",
    "tup": "a sequence of arrays.",
    "arys": "arrays or numbers.",
    "range": "(low, high), the ends of the bins. None: the smallest and the largest element.",
    "density": "divide the counts by their sum and by the widths of the bins, so that the integral is 1.",
    "assume_unique": "promise that no value occurs twice in an input, which saves time.",
    "check_finite": "refuse NaN and infinity.",
    **dict.fromkeys(("overwrite_a", "overwrite_b", "overwrite_ab"), _NOT_WRITTEN),
    **dict.fromkeys(("lapack_driver", "driver"), _LAPACK),
    "lwork": "the size of LAPACK's workspace in SciPy; without effect here.",
}

#: What the options of a ufunc are.
UFUNC: dict[str, str] = {
    "where": "a mask; where it is False, `out` stays as it is (of Tensors 0 without `out`).",
    "dtype": "the type to compute in. None: what the inputs ask for.",
    **dict.fromkeys(
        ("casting", "order", "subok", "signature"),
        "as NumPy's; on Tensors `order` and `subok` have no effect, and a `signature` is refused.",
    ),
}

_HIGHEST_FIRST = "coefficients, that of the highest power first."
_DIAGONAL = "which diagonal: 0 is the main one, positive ones are above it, negative ones below."
_MEAN = "the mean, if it is known, of the shape that it has with keepdims=True."

#: What a name means in the functions of a module: where they are defined, not where they are found.
OF_MODULE: dict[str, dict[str, str]] = {
    "minigrad.ops.creation": {
        "dtype": _DTYPE,
        "shape": "the lengths of the axes, or one number. None, where it can be: those of the input.",
    },
    "minigrad.ops.diagonals": {
        **dict.fromkeys(("k", "offset"), _DIAGONAL),
        **dict.fromkeys(("axis1", "axis2"), "the axes of rows and of columns."),
    },
    "minigrad.ops.fourier": {
        "n": "how many points to transform: the axis is padded with zeros, or cut. None: as many as there are.",
        "s": "how many points to transform along each axis, padded with zeros or cut. None: as many as there are.",
        "axes": "the axes to transform.",
        "norm": 'where the factor 1/n stands: "backward" (the default) in the inverse, "forward" in the transform, "ortho" its '
        "root in both.",
    },
    "minigrad.ops.polynomial": dict.fromkeys(("p", "a1", "a2"), _HIGHEST_FIRST),
    "minigrad.ops.reduce": {"mean": _MEAN},
    "minigrad.ops.series": {
        "c": "coefficients (N, ...), the lowest degree first; further axes are series side by side.",
        "tensor": "every series meets every x; otherwise the axes of the series are those of x.",
    },
    "minigrad.ops.statistics": {"mean": _MEAN},
    "minigrad.random": {
        "size": "the shape of the result. None: that of the parameters together.",
        "dtype": _DTYPE.replace("the input", "the parameters"),
        "device": f"where to draw: {_DEVICE}. None: where the parameters are, else the cpu.",
    },
    "minigrad.scipy.signal": {
        **dict.fromkeys(("in1", "in2"), "arrays with equally many axes."),
        "mode": '"full": wherever they overlap; "same": the middle of that, of the shape of in1; "valid": where one lies wholly '
        "in the other.",
        "method": '"direct" for sums, "fft" for Fourier transforms, "auto" for the one that is faster.',
        "boundary": 'what lies around in1: "fill" for the number `fillvalue`, "wrap" for in1 again, "symm" for its mirror.',
        "fillvalue": "the constant around in1.",
    },
    "minigrad.transforms": {
        "function": "of arrays, numbers, Tensors or trees of them.",
        "argnums": "which positional arguments to differentiate: a number, or several (then a tuple comes back).",
        "argnum": "the same, as HIPS/autograd calls it.",
    },
}

#: The arrays that a function is about; they stand in its formula or its first sentence, often under another name.
INPUTS = frozenset({"A", "a", "ar1", "ar2", "arr", "ary", "b", "m", "x", "x1", "x2", "y", "z"})


def entries(thing: Any) -> dict[str, str]:
    """What the tables say of the arguments of a function; those of which they say the same share an entry."""
    home = getattr(thing, "__module__", None) or ""
    if not inspect.isroutine(thing) or not home.startswith("minigrad."):
        return {}
    names = inspect.signature(thing).parameters
    table = SHARED | next((own for module, own in OF_MODULE.items() if home.startswith(module)), {})
    if "signature" in names:
        table |= UFUNC
    by_text: dict[str, list[str]] = {}
    for name in names:
        if name in table:
            by_text.setdefault(table[name], []).append(name)
    return {", ".join(alike): text for text, alike in by_text.items()}


# ---- in a docstring

#: What begins an entry of a section: a name, or several that share it.
_ENTRY = re.compile(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*): ", re.MULTILINE)
#: What the arguments stand before.
_LATER = re.compile(r">>>|(Returns|Yields|Raises|Shape|Examples?|Attributes):")


def without_args(doc: str) -> tuple[list[str], int, dict[str, str]]:
    """The other paragraphs of a docstring, the place of its section `Args` among them, and its entries by their names.

    >>> without_args("Turn.\\n\\nArgs:\\n    x, y: numbers;\\n        else: no.\\n    axis: one.\\n\\n>>> 1\\n1")
    (['Turn.', '>>> 1\\n1'], 1, {'x, y': 'numbers;\\n        else: no.', 'axis': 'one.'})
    """
    paragraphs = doc.strip("\n").split("\n\n") if doc.strip() else []
    for place, text in enumerate(paragraphs):
        if text.startswith("Args:\n"):
            _, *parts = _ENTRY.split(text.removeprefix("Args:\n"))
            found = dict(zip(parts[::2], map(str.rstrip, parts[1::2]), strict=True))
            return paragraphs[:place] + paragraphs[place + 1 :], place, found
    place = next((i for i, text in enumerate(paragraphs) if _LATER.match(text)), len(paragraphs))
    return paragraphs, place, {}


def with_arguments(doc: str, thing: Any, of_init: str = "") -> str:
    """A docstring whose `Args` have, in the order of the signature, also what the tables say; of a class what `__init__` says.

    An entry of several names stands where the last of them does, so that the rare options of a ufunc come last.

    Args:
        of_init: the docstring of a class's `__init__`, often that of a base class, of whose arguments it may lack some.

    >>> import minigrad
    >>> print(with_arguments("The determinant.\\n\\nRaises:\\n    ValueError: of NaN.", minigrad.scipy.linalg.det))
    The determinant.
    <BLANKLINE>
    Args:
        overwrite_a: SciPy's permission to write into the inputs; here they are never written.
        check_finite: refuse NaN and infinity.
    <BLANKLINE>
    Raises:
        ValueError: of NaN.
    """
    paragraphs, place, found = without_args(doc)
    more, start, shared = without_args(of_init)
    candidates = shared | entries(thing)
    order = {name: i for i, name in enumerate(inspect.signature(thing).parameters)} if found or candidates else {}
    for names, text in candidates.items():
        said = {name.lstrip("*") for names in found for name in names.split(", ")}
        left = [name for name in names.split(", ") if name.lstrip("*") in order.keys() - said]
        if left:
            found[", ".join(left)] = text
    ranked = sorted(found, key=lambda names: order.get(names.rpartition(", ")[2].lstrip("*"), len(order)))
    section = ["\n".join(["Args:", *(f"    {names}: {found[names]}" for names in ranked)])] if found else []
    return "\n\n".join([*paragraphs[:place], *more[:start], *section, *more[start:], *paragraphs[place:]])
