"""Nested dicts, lists and tuples of arrays, as flat lists and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["flatten", "tree_map", "unflatten"]


def flatten(tree: Any) -> list[Any]:
    """The leaves of a nested container, in order (of the keys, for a dict as it stands).

    >>> flatten({"w": [1.0, 2.0], "b": (3.0,)})
    [1.0, 2.0, 3.0]
    """
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in flatten(value)]
    if isinstance(tree, (list, tuple)):
        return [leaf for value in tree for leaf in flatten(value)]
    return [tree]


def unflatten(tree: Any, leaves: Iterator[Any]) -> Any:
    """The same nesting around other leaves."""
    if isinstance(tree, dict):
        return {key: unflatten(value, leaves) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [unflatten(value, leaves) for value in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(leaves)


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The function of corresponding leaves, in the same nesting.

    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 11, 'b': [22]}
    """
    columns = [flatten(t) for t in (tree, *others)]
    return unflatten(tree, iter([function(*leaves) for leaves in zip(*columns, strict=True)]))
