"""Nested containers as one text of JSON and named arrays: what files of states are made of.

Everything comes back as it went: Tensors, arrays and NumPy's numbers with their types, tuples as
tuples, and the keys of dicts as what they were, also where two look alike (1 and "1").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad import Tensor

from .values import host

__all__ = ["pack", "unpack"]

#: How JSON marks what it has not; a dict that has such a key itself is written as pairs.
MARKS = ("$tensor", "$array", "$number", "$complex", "$bytes", "$tuple", "$dict")
KEYS = (str, int, float, bool, type(None))


def pack(tree: Any) -> tuple[str, dict[str, np.ndarray]]:
    """A text and the arrays that it names, by their paths.

    Raises:
        TypeError: where something cannot be kept; the message has its path.
        ValueError: where a container holds itself.

    >>> text, arrays = pack({"lr": 0.1, "weights": {"a": np.zeros(2)}})
    >>> text, list(arrays)
    ('{"lr": 0.1, "weights": {"a": {"$array": "weights/a"}}}', ['weights/a'])
    """
    arrays: dict[str, np.ndarray] = {}
    try:
        return json.dumps(_packed(tree, "", arrays, set())), arrays
    except RecursionError:
        raise ValueError("what is saved is nested too deeply") from None


def _packed(value: Any, path: str, arrays: dict[str, np.ndarray], inside: set[int]) -> Any:
    is_numpys = isinstance(value, np.generic)  # its float64 is a float, too
    if value is None or (isinstance(value, (str, bool, int, float)) and not is_numpys):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        if id(value) in inside:
            raise ValueError(f"{path or 'what is saved'} holds itself: that cannot be saved")
        inside.add(id(value))
        packed = _container(value, path, arrays, inside)
        inside.remove(id(value))
        return packed
    if isinstance(value, complex) and not is_numpys:
        return {"$complex": [value.real, value.imag]}
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": value.hex()}
    return _packed_array(value, path, arrays)


def _container(value: Any, path: str, arrays: dict[str, np.ndarray], inside: set[int]) -> Any:
    below = f"{path}/" if path else ""
    if not isinstance(value, Mapping):
        items = [_packed(v, f"{below}{i}", arrays, inside) for i, v in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    pairs = [(key, _packed(v, f"{below}{key}", arrays, inside)) for key, v in value.items()]
    if all(type(key) is str and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    for key, _ in pairs:
        if not _is_key(key):
            raise TypeError(
                f"{path or 'what is saved'}: a key of type {type(key).__name__} "
                f"cannot be saved: {key!r:.60}"
            )
    return {"$dict": [[_packed(key, f"{below}key", arrays, inside), v] for key, v in pairs]}


def _packed_array(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, Tensor):
        mark = "$tensor"
    elif isinstance(value, np.generic):
        mark = "$number"
    else:
        mark = "$array"
    if hasattr(value, "state_dict"):
        raise TypeError(f"{path or 'what is saved'} is {_named(value)}: save its state_dict()")
    if not (isinstance(value, Tensor) or hasattr(value, "__array__")):
        raise TypeError(
            f"{path or 'what is saved'} is {_named(value)}; only dicts, lists, tuples, Tensors, "
            "arrays, numbers, text, bytes and None can be saved"
        )
    array = np.asarray(host(value), order="C")
    if isinstance(value, np.ma.MaskedArray) or array.dtype.kind not in "biufc":
        raise TypeError(
            f"{path or 'what is saved'} is {_named(value)} of {array.dtype}, which cannot be saved"
        )
    name, number = path or "value", 1
    while name in arrays or name == "__metadata__":  # {"a/b": x, "a": {"b": y}}
        number += 1
        name = f"{path or 'value'}#{number}"
    arrays[name] = array
    return {mark: name}


def _named(value: Any) -> str:
    return f"a {type(value).__name__}"


def unpack(text: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """What `pack` was given.

    Raises:
        ValueError: where the text is not what `pack` writes, or names arrays that are not there.

    >>> unpack(*pack({1: (2, np.float32(3))}))
    {1: (2, np.float32(3.0))}
    """
    left = dict(arrays)
    try:
        tree = _unpacked(json.loads(text), left)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if left:
        raise ValueError(f"nothing refers to the array {next(iter(left))!r}")
    return tree


def _unpacked(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpacked(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value), "")
    if not mark.startswith("$"):
        return {key: _unpacked(v, arrays) for key, v in value.items()}
    if len(value) != 1 or mark not in MARKS:
        raise ValueError(f"it has the unknown mark {mark!r:.40}")
    return _marked(mark, value[mark], arrays)


def _marked(mark: str, content: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A value that JSON has not, from its mark and content."""
    if mark in ("$tensor", "$array", "$number"):
        # each array once, so that none is shared
        array = arrays.pop(content, None) if isinstance(content, str) else None
        if array is None or (mark == "$number" and array.ndim):
            raise ValueError(f"there is no array {content!r:.80}, or it is used twice")
        if mark == "$tensor":
            return Tensor(array)
        return array if mark == "$array" else array[()]
    if mark == "$bytes" and isinstance(content, str):
        return bytes.fromhex(content)
    if not isinstance(content, list):
        raise ValueError(f"its {mark} is no list")
    if mark == "$complex":
        if len(content) != 2 or not all(type(x) is float for x in content):
            raise ValueError("its $complex is no pair of numbers")
        return complex(*content)
    if mark == "$tuple":
        return tuple(_unpacked(v, arrays) for v in content)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in content):
        raise ValueError("its $dict holds no pairs")
    pairs = [(_unpacked(key, arrays), _unpacked(v, arrays)) for key, v in content]
    if not all(_is_key(key) for key, _ in pairs):
        raise ValueError("its $dict has keys of another kind")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its $dict has a key twice")
    return found


def _is_key(key: Any) -> bool:
    """Whether a key of a dict can be kept: text, numbers, None, and tuples of these."""
    if isinstance(key, tuple):
        return all(map(_is_key, key))
    return isinstance(key, KEYS) and not isinstance(key, np.generic)
