"""What the arguments are of NumPy's functions that get their docstrings here, as far as one function alone has them."""

from __future__ import annotations

__all__ = ["args_of"]

_FIELDS = "fields of structured arrays, which hold no numbers alone; of no use here."
_DIAGONAL = "which diagonal: 0 is the main one, positive ones are above it, negative ones below."
_BITS = '"big" or "little": which bit of a byte comes first.'
_LAYOUT = '"C": the last axis runs fastest; "F": the first.'

_ARGUMENTS: dict[str, dict[str, str]] = {
    "argpartition": {"kth": "a number k, or several: the k-th smallest element comes to place k.", "order": _FIELDS},
    "argsort": {"order": _FIELDS},
    "digitize": {
        "bins": "the edges, ascending or descending.",
        "right": "whether an edge belongs to the bin below it, instead of the one above.",
    },
    "histogram_bin_edges": {
        "bins": 'how many bins, or their edges, or NumPy\'s name of a rule that chooses them, "auto" say.',
        "weights": "NumPy's; the edges do not depend on them.",
    },
    "intersect1d": {"return_indices": "return also where each value stands first in ar1, and in ar2."},
    "isclose": {
        "rtol, atol": "how far apart they may be: abs(a - b) <= atol + rtol abs(b).",
        "equal_nan": "whether NaN is close to NaN.",
    },
    "isin": {
        "element": "the values that are asked about.",
        "test_elements": "those among which they are looked for.",
        "invert": "ask whether they are missing.",
        "kind": '"sort", "table", or None for the faster one of these, as NumPy\'s.',
    },
    "lexsort": {"keys": "a sequence of arrays, or the rows of one; the last of them counts most."},
    "matrix_rank": {
        "A": "the matrices.",
        "tol": "singular values up to this count as 0.",
        "hermitian": "whether A is Hermitian, which saves time.",
        "rtol": "the same as a part of the largest singular value.",
    },
    "packbits": {"bitorder": _BITS},
    "ravel_multi_index": {
        "multi_index": "for each axis an array of integers.",
        "dims": "the shape of the array that they are indices of.",
        "mode": 'of an index out of range: "raise" a ValueError, "wrap" around, or "clip" to the ends; or one for each axis.',
        "order": _LAYOUT,
    },
    "searchsorted": {
        "v": "the values to find a place for.",
        "side": '"left": before elements that are equal; "right": behind them.',
        "sorter": "the order that sorts `a`, as `argsort` gives it. None: `a` is sorted.",
    },
    "tril_indices_from": {"k": _DIAGONAL},
    "triu_indices_from": {"k": _DIAGONAL},
    "unique": {
        "ar": "the values.",
        "return_index": "return also where each value stands first.",
        "return_inverse": "return also, for each element, the place of its value in the result.",
        "return_counts": "return also how often each value occurs.",
        "axis": "of which axis the slices are compared. None: all elements.",
        "equal_nan": "whether all NaN are one value.",
        "sorted": "whether the values are in ascending order.",
    },
    "unpackbits": {
        "count": "how many bits to take; negative: how many to leave out at the end. None: all.",
        "bitorder": _BITS,
    },
    "unravel_index": {
        "indices": "places in the flattened array.",
        "shape": "the shape of the array.",
        "order": _LAYOUT,
    },
}  # fmt: skip


def args_of(name: str) -> str:
    """The section `Args` of a function's docstring, after an empty line; nothing where there is nothing to say.

    >>> args_of("lexsort")
    '\\n\\nArgs:\\n    keys: a sequence of arrays, or the rows of one; the last of them counts most.'
    """
    entries = _ARGUMENTS.get(name, {}).items()
    return "".join(["\n\nArgs:", *(f"\n    {names}: {text}" for names, text in entries)]) if entries else ""
