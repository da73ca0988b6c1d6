"""Items as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, stack
from minigrad.trees import sequence_like

__all__ = ["default_collate", "default_convert"]

NUMBERS = (bool, int, float, complex)
REMEDY = "return arrays, numbers, text, or tuples, lists and dicts of these; or pass a collate_fn"


def default_collate(batch: Sequence[Any]) -> Any:
    """Items as one batch: arrays and numbers stacked into Tensors, in tuples, lists and dicts as
    they are nested.

    Python's floats get the default dtype.  Texts stay a list.

    Args:
        batch: the items, one at least.

    Raises:
        TypeError: an item, or a part of it, is None or something else that cannot be stacked.
        ValueError: items of different shapes, lengths or keys.

    >>> default_collate([(np.array([1.0, 2.0]), 0), (np.array([3.0, 4.0]), 1)])
    (Tensor([[1., 2.],
            [3., 4.]], dtype=float64), Tensor([0, 1], dtype=int64))
    """
    if not len(batch):
        raise ValueError("default_collate: there are no items to make a batch of")
    return _collate(batch, "")


def _collate(items: Sequence[Any], path: str) -> Any:
    first = items[0]
    _check_kinds(items, path)
    if isinstance(first, (Tensor, np.ndarray, np.generic)):
        return _stacked(items, path)
    if isinstance(first, NUMBERS):
        return Tensor(list(items))
    if isinstance(first, (str, bytes)):
        return list(items)
    if isinstance(first, Mapping):
        for number, item in enumerate(items):
            if item.keys() != first.keys():
                raise ValueError(
                    f"default_collate: items 0 and {number}{path} have the keys "
                    f"{list(first)} and {list(item)}"
                )
        return {key: _collate([item[key] for item in items], f"{path}[{key!r}]") for key in first}
    lengths = {len(item) for item in items}
    if len(lengths) > 1:
        raise ValueError(
            f"default_collate: items{path} of different lengths {sorted(lengths)}: "
            "pad them, or pass a collate_fn"
        )
    columns = zip(*items, strict=True)
    return sequence_like(
        first, [_collate(column, f"{path}[{i}]") for i, column in enumerate(columns)]
    )


#: What an item is collated as, by its type; the first that fits.
_KINDS = (
    ("an array", (Tensor, np.ndarray, np.generic)),
    ("a number", NUMBERS),
    ("text", (str, bytes)),
    ("a dict", Mapping),
    ("a sequence", (tuple, list)),
)


def _kind(kind: type) -> str | None:
    return next((name for name, types in _KINDS if issubclass(kind, types)), None)


def _check_kinds(items: Sequence[Any], path: str) -> None:
    """Refuse items that cannot be collated, or not with the first."""
    first = _kind(type(items[0]))
    for kind in dict.fromkeys(map(type, items)):
        found = _kind(kind)
        number = next(i for i, item in enumerate(items) if type(item) is kind)
        if found is None:
            what = "None" if items[number] is None else f"of type {kind.__name__}"
            raise TypeError(
                f"default_collate: item {number}{path} of the batch is {what}: {REMEDY}"
            )
        if found != first and {found, first} != {"an array", "a number"}:
            raise TypeError(
                f"default_collate: item 0{path} is {first}, item {number}{path} is {found}: "
                f"{REMEDY}"
            )


def _stacked(items: Sequence[Any], path: str) -> Tensor:
    shapes = {np.shape(x) for x in items}
    if len(shapes) > 1:
        raise ValueError(
            f"default_collate: items{path} of different shapes {sorted(shapes)} cannot be stacked: "
            f"pad them, or pass a collate_fn"
        )
    if any(isinstance(x, Tensor) for x in items):
        return stack(list(items))
    array = np.stack(items)
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"default_collate: items{path} are arrays of {array.dtype}, "
            f"which is no kind of number: {REMEDY}"
        )
    return Tensor(array)


def default_convert(data: Any) -> Any:
    """One item with its arrays as Tensors; what `DataLoader(batch_size=None)` gives.

    Args:
        data: an array of numbers, or a dict, list or tuple of such, nested in any way; what is none
            of these stays as it is.

    >>> default_convert((np.array([1.0]), "a", 2))
    (Tensor([1.], dtype=float64), 'a', 2)
    """
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind in "biufc":
        return Tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, (tuple, list)):
        return sequence_like(data, [default_convert(value) for value in data])
    return data
