"""Trees: nested containers of arrays, as flat lists or vectors and back.

A *node* is a dict (its parts stand at their keys), a list or a tuple (at their places), a
dataclass (in its fields) or None (no parts).  Everything else is a *leaf*: an array, a number,
a Tensor, whatever it may be.

- Two trees are matched by key and by place, never by the order in which a dict was filled.  What
  does not fit is an error that names the path, such as ``v['layer'][0].bias``.
- The leaves of a dict come in the order of its sorted keys, so that equal dicts give equal lists
  and vectors.  Keys that cannot be sorted come in the order in which they were filled in.
- What is built again keeps its type: named tuples, OrderedDicts and other subclasses of dict.
  No constructor of the user's runs for that.
- The parts of a dataclass are all of its fields, those with ``init=False`` too, except those
  declared as ``field(metadata={"static": True})``, which are handed on.  What is no field is not: a
  value that depends on the fields is a property or a cached_property.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .devices import on_gpu_of

__all__ = [
    "flatten", "is_leaf", "leaves_like", "matched", "paths", "ravel_tree", "sequence_like", "tree_map", "unflatten",
    "vectors_like",
]  # fmt: skip

#: The kinds of dtype that stand for numbers.
NUMBERS = "biufc"
#: Types that are surely leaves: most of those that are no arrays.
_LEAVES = {bool, int, float, np.float64, np.float32}
#: How messages call a leaf.
LEAF = "an array, a number or a Tensor"
#: What to do with something else in a tree.
NO_LEAF = 'keep it out of the tree, or mark the field of a dataclass, name: str = field(metadata={"static": True})'


def flatten(tree: Any) -> list[Any]:
    """The leaves of a tree.

    Raises:
        ValueError: the tree contains itself, or is nested too deeply.

    >>> flatten({"w": [1.0, 2.0], "b": (3.0, None)})
    [3.0, 1.0, 2.0]
    """
    try:
        return _flatten(tree)
    except RecursionError as error:
        raise _named(error, tree, "tree") from None


def is_leaf(tree: Any) -> bool:
    """Whether a value is a leaf.

    >>> is_leaf(1.0), is_leaf([1.0]), is_leaf(None)
    (True, False, False)
    """
    return _parts(tree) is None


def unflatten(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same tree around other leaves, which come in the order of `flatten`.

    >>> unflatten({"w": [1.0, 2.0], "b": 3.0}, iter("abc"))
    {'w': ['b', 'c'], 'b': 'a'}
    """
    try:
        return _unflatten(tree, leaves)
    except RecursionError as error:
        raise _named(error, tree, "tree") from None


def paths(tree: Any, name: str) -> list[str]:
    """How each leaf is reached from a variable of that name, in the order of `flatten`.

    >>> paths({"w": [1.0, 2.0], "b": 3.0}, "p")
    ["p['b']", "p['w'][0]", "p['w'][1]"]
    """
    try:
        return _paths(tree, name)
    except RecursionError as error:
        raise _named(error, tree, name) from None


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The function of the leaves that belong together, in a tree like the first.

    Args:
        function: of as many arguments as there are trees.
        tree: containers in containers, or a leaf.
        others: more trees, built like the first.

    Raises:
        ValueError: the other trees are not built like the first.

    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"b": [20], "a": 10})
    {'a': 11, 'b': [22]}
    """
    columns = [flatten(tree)]
    columns += [leaves_like(tree, other, f"tree {i}") for i, other in enumerate(others, 2)]
    return unflatten(tree, iter([function(*leaves) for leaves in zip(*columns, strict=True)]))


def leaves_like(tree: Any, other: Any, name: str) -> list[Any]:
    """The leaves of another tree, in the order of the first; errors call the other by the name.

    Raises:
        ValueError: the other tree is not built like the first.

    >>> leaves_like({"a": 1, "b": 2}, {"b": 20, "a": 10}, "v")
    [10, 20]
    >>> leaves_like({"a": [1, 2]}, {"a": [10]}, "v")
    Traceback (most recent call last):
    ...
    ValueError: v['a'] has length 1, expected 2
    """
    try:
        return _leaves_like(tree, other, name)
    except RecursionError as error:
        raise _named(error, tree, name) from None


def matched(tree: Any, other: Any) -> list[tuple[str, Any, Any]] | None:
    """The parts of two nodes that belong together, each pair with how it is reached.

    None where one is a leaf, or where the nodes do not fit.

    >>> matched({"a": 1, "b": 2}, {"b": 20, "a": 10})
    [("['a']", 1, 10), ("['b']", 2, 20)]
    """
    parts, other_parts = _parts(tree), _parts(other)
    if parts is None or other_parts is None or _misfit(tree, other, parts, other_parts):
        return None
    return [(_step(tree, key), part, other_parts[key]) for key, part in parts.items()]


def vectors_like(tree: Any, other: Any, name: str) -> list[Any]:
    """The leaves of a tangent or cotangent, which must have the shapes of the tree's own leaves.

    Raises:
        ValueError: the structures or the shapes differ; nothing is broadcast.
        TypeError: a complex leaf belongs to a real one; a leaf is not made of numbers.

    >>> vectors_like({"a": np.ones((2, 1))}, {"a": np.ones(2)}, "v")
    Traceback (most recent call last):
    ...
    ValueError: v['a'] has shape (2,), expected (2, 1)
    """
    found = leaves_like(tree, other, name)
    for i, (mine, its) in enumerate(zip(flatten(tree), found, strict=True)):
        kind, want, got = _dtype(its).kind, _shape(mine), _shape(its)
        if kind not in NUMBERS:
            raise TypeError(f"{paths(tree, name)[i]} is {its!r:.60}, expected {LEAF}; {NO_LEAF}")
        if got != want:
            raise ValueError(f"{paths(tree, name)[i]} has shape {got}, expected {want}")
        if kind == "c" and _dtype(mine).kind != "c":
            raise TypeError(
                f"{paths(tree, name)[i]} is {_dtype(its)}, but belongs to real numbers, "
                f"{_dtype(mine)}; pass its .real and its .imag one after the other"
            )
    return found


def sequence_like(x: Any, items: Iterable[Any]) -> Any:
    """A list, a tuple or a named tuple like x around other items.

    >>> sequence_like((1, 2), [3, 4])
    (3, 4)
    """
    make: Any = getattr(x, "_make", type(x))  # a named tuple has `_make`
    return make(items)


# ------------------------------------------------------------------------------ trees as vectors


def ravel_tree(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a tree as one vector, and the function that turns such a vector into the tree.

    On Tensors both keep the gradient.  The vector, of shape (n,), has the dtype to which all leaves
    can be converted.  `unravel(vector)` gives every leaf its shape and dtype again, of complex
    numbers the real part for a real leaf.  The leaves are Tensors where the vector is one,
    otherwise arrays, views of the vector where they can be.

    Raises:
        TypeError: a leaf is not made of numbers.  `unravel`: a number for an integer leaf is not
            an integer, or requires a gradient.
        ValueError: the vector's dtype cannot hold an integer leaf.  `unravel`: the vector has another
            shape.

    >>> vector, unravel = ravel_tree({"w": np.array([[1.0, 2.0]]), "b": 3.0})
    >>> vector
    array([3., 1., 2.])
    >>> unravel(vector * 10)
    {'w': array([[10., 20.]]), 'b': np.float64(30.0)}
    """
    leaves, names = flatten(tree), paths(tree, "tree")
    for leaf, name in zip(leaves, names, strict=True):
        if _dtype(leaf).kind not in NUMBERS:
            raise TypeError(f"ravel_tree: {name} is {leaf!r:.60}, expected {LEAF}; {NO_LEAF}")
    shapes, dtypes = [np.shape(x) for x in leaves], [_dtype(x) for x in leaves]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)]).tolist()

    def unravel(vector: Any) -> Any:
        if np.shape(vector) != (ends[-1],):
            want, got = (ends[-1],), np.shape(vector)
            raise ValueError(f"unravel: expected a vector of shape {want}, got shape {got}")
        found = []
        for i, leaf in enumerate(leaves):
            part = np.reshape(vector[ends[i] : ends[i + 1]], shapes[i])
            if part.dtype != dtypes[i]:
                part = _converted(part, dtypes[i], names[i])
            found.append(part[()] if _is_number(leaf) and isinstance(part, np.ndarray) else part)
        return unflatten(tree, iter(found))

    return _joined(leaves, names), unravel


def _joined(leaves: list[Any], names: list[str]) -> Any:
    """The numbers of all leaves in one vector, on the device where the first array is."""
    if not leaves:
        return np.zeros(0)
    # A number of Python is weak, as beside an array: it takes part by its type alone.
    kinds = {getattr(x, "dtype", type(x)) for x in leaves}
    dtype = np.result_type(*(k(0) if isinstance(k, type) else k for k in kinds))
    for leaf, name in zip(leaves, names, strict=True):
        if _dtype(leaf).kind in "iu" and not _holds(dtype, leaf):
            raise ValueError(
                f"ravel_tree: {name} is an integer that the vector, of dtype {dtype}, cannot hold: keep it "
                'out of the tree, or in a dataclass as field(metadata={"static": True})'
            )
    like = next((x for x in leaves if not _is_number(x)), np.zeros(()))
    with on_gpu_of(like):
        columns = [
            np.full_like(like, x, shape=(1,), dtype=dtype) if _is_number(x) else np.reshape(x, -1)
            for x in leaves
        ]
        return np.concatenate([c if c.dtype == dtype else c.astype(dtype) for c in columns])


def _holds(dtype: np.dtype, integers: Any) -> bool:
    """Whether a dtype has all of these integers."""
    if dtype.kind not in "fc":
        return True
    while hasattr(integers, "_array"):  # of a Tensor, of all examples of a batch
        integers = integers._array
    exact = 2 ** (np.finfo(dtype).nmant + 1)
    integers = np.asarray(integers) if _is_number(integers) else integers
    large = integers[(integers > exact) | (integers < -exact)]
    with np.errstate(over="ignore"):
        return all(complex(dtype.type(n)) == n for n in large.tolist())


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, np.generic) or not hasattr(leaf, "dtype")


def _converted(part: Any, dtype: np.dtype, name: str) -> Any:
    """A part of a vector in the dtype of its leaf; the real part for a real leaf."""
    part = np.real(part) if part.dtype.kind == "c" and dtype.kind != "c" else part
    converted = part.astype(dtype)
    if dtype.kind in "fc":
        return converted
    fault = ", which has no gradient" if getattr(part, "requires_grad", False) else None
    if fault is None and np.any(converted != part):
        fault = f" and cannot hold {part}"
    if fault:
        raise TypeError(f"unravel: {name} has the dtype {dtype}{fault}: write 3.0 instead of 3")
    return converted


# ------------------------------------------------------------------------------------- recursion


def _flatten(tree: Any) -> list[Any]:
    parts = _parts(tree)
    if parts is None:
        return [tree]
    return [leaf for part in parts.values() for leaf in _flatten(part)]


def _unflatten(tree: Any, leaves: Iterator[Any]) -> Any:
    parts = _parts(tree)
    if parts is None:
        return next(leaves)
    return _rebuilt(tree, {key: _unflatten(part, leaves) for key, part in parts.items()})


def _paths(tree: Any, name: str) -> list[str]:
    parts = _parts(tree)
    if parts is None:
        return [name]
    return [path for key, part in parts.items() for path in _paths(part, name + _step(tree, key))]


def _leaves_like(tree: Any, other: Any, name: str) -> list[Any]:
    parts, other_parts = _parts(tree), _parts(other)
    if parts is None and other_parts is None:
        return [other]
    if misfit := _misfit(tree, other, parts, other_parts):
        raise ValueError(f"{name} {misfit}")
    assert parts is not None and other_parts is not None
    leaves = []
    for key, part in parts.items():
        leaves += _leaves_like(part, other_parts[key], name + _step(tree, key))
    return leaves


#: A tree that is nested less deeply is not what exhausted Python's stack; one that is nested more
#: deeply surely is, and no further looked at.
_DEEP, _TOO_DEEP = 100, 1000


def _named(error: RecursionError, tree: Any, name: str) -> Exception:
    """The error to raise where recursion did not end: one that names the path, if the tree is the reason."""
    fault = _too_deep(tree, name)
    return error if fault is None else ValueError(fault)


def _too_deep(tree: Any, name: str) -> str | None:
    """Why recursion on a tree does not end."""
    above: dict[int, str] = {id(tree): name}  # the nodes on the way down, and how they are reached
    ways = [(tree, name, iter((_parts(tree) or {}).items()))]
    depth, deepest = 0, name
    while ways and depth < _TOO_DEEP:
        node, path, rest = ways[-1]
        if (following := next(rest, None)) is None:
            ways.pop()
            del above[id(node)]
            continue
        key, part = following
        path += _step(node, key)
        if id(part) in above:
            return f"{path} is {above[id(part)]} again: a tree cannot contain itself"
        if parts := _parts(part):
            above[id(part)] = path
            ways.append((part, path, iter(parts.items())))
        if len(ways) > depth:
            depth, deepest = len(ways), path
    if depth < _DEEP:
        return None
    return f"{deepest:.60}... is nested {depth} deep or more, too deep for Python's stack"


# --------------------------------------------------------------------------------------- private


def _parts(tree: Any) -> dict[Any, Any] | None:
    """The parts of a node by key, place or field; None for a leaf."""
    if hasattr(tree, "__array_function__") or type(tree) in _LEAVES:  # an array, most often
        return None
    if tree is None:
        return {}
    if isinstance(tree, dict):
        return {key: tree[key] for key in _sorted(tree)}
    if isinstance(tree, (list, tuple)):
        return dict(enumerate(tree))
    if _is_dataclass(tree):
        fields = [f.name for f in dataclasses.fields(tree) if not f.metadata.get("static")]
        return {name: getattr(tree, name) for name in fields if hasattr(tree, name)}
    return None


def _rebuilt(tree: Any, parts: dict[Any, Any]) -> Any:
    """A node like this one with other parts.  What the user's constructors do has been done already."""
    if type(tree) in (tuple, list):
        return type(tree)(parts.values())
    if isinstance(tree, tuple):
        return _tuple_like(tree, list(parts.values()))
    if isinstance(tree, (list, dict)):
        new = copy.copy(tree)  # keeps the order of the keys, and the default of a defaultdict
        for key, part in parts.items():
            new[key] = part
        return new
    # An object in which nothing changes stays: it may hold more than its fields.
    if all(part is getattr(tree, name) for name, part in parts.items()):
        return tree  # also None, which has no parts
    new = object.__new__(type(tree))
    for field in dataclasses.fields(tree):
        if hasattr(tree, field.name):
            value = parts.get(field.name, getattr(tree, field.name))
            object.__setattr__(new, field.name, value)
    return new


def _tuple_like(tree: tuple[Any, ...], parts: list[Any]) -> Any:
    """A tuple of the same type."""
    try:
        new = tuple.__new__(type(tree), parts)
    except TypeError:  # of a type written in C, such as time.struct_time
        return type(tree)(parts)
    if attributes := getattr(tree, "__dict__", None):
        new.__dict__.update(attributes)
    return new


def _misfit(tree: Any, other: Any, parts: dict[Any, Any] | None, other_parts: dict[Any, Any] | None) -> str | None:
    """What keeps a node, with these parts, from being matched with that of another tree; None where they fit."""
    kind, other_kind = _kind(tree), _kind(other)
    if kind != other_kind or parts is None or other_parts is None:
        return f"is {other_kind}, expected {kind}"
    fields, other_fields = getattr(tree, "_fields", None), getattr(other, "_fields", None)
    if fields and other_fields and fields != other_fields:
        return f"has the fields {', '.join(other_fields)}, expected {', '.join(fields)}"
    if parts.keys() == other_parts.keys():
        return None
    if not isinstance(tree, dict):
        return f"has length {len(other_parts)}, expected {len(parts)}"
    missing = [key for key in parts if key not in other_parts]
    unknown = [key for key in other_parts if key not in parts]
    lacks = f"lacks {missing}; " if missing else ""
    has = f"has the unknown {unknown}; " if unknown else ""
    return f"{lacks}{has}expected the keys {list(parts)}"


def _kind(tree: Any) -> str:
    """What a node is matched with: only nodes of the same kind fit."""
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        return "a dict"
    if isinstance(tree, (list, tuple)):
        return "a list or tuple"
    if _is_dataclass(tree):
        return f"an instance of {type(tree).__qualname__}"
    return f"a leaf ({LEAF})"


def _is_dataclass(tree: Any) -> bool:
    return hasattr(type(tree), "__dataclass_fields__")


def _sorted(keys: Any) -> list[Any]:
    try:
        return sorted(keys)
    except (TypeError, ValueError):  # 1 and "a" have no order, nor have Tensors
        return list(keys)


def _step(tree: Any, key: Any) -> str:
    """How a part is reached from its node, as Python writes it."""
    if _is_dataclass(tree):
        return f".{key}"
    return f".{tree._fields[key]}" if hasattr(tree, "_fields") else f"[{key!r}]"


def _dtype(leaf: Any) -> np.dtype:
    return leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype


def _shape(leaf: Any) -> tuple[int, ...]:
    return leaf.shape if hasattr(leaf, "shape") else np.shape(leaf)
