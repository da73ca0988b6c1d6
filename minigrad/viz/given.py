"""What a page is told of a step's arguments, and the arrays that it carries to look inside of steps."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .data import UNKNOWN
from .explain import Explained
from .numbers import host
from .walk import Argument, Step

__all__ = ["IN_CELLS", "LENSED", "arrays", "given", "vocabulary_of"]

#: The ops that the page shows from inside (`assets/lens*.js`).
LENSED = frozenset(
    {
        "conv",
        "conv_bias",
        "conv_input",
        "conv_transpose_bias",
        "max_pool",
        "sum_pool",
        "matmul",
        "linear",
        "softmax",
        "log_softmax",
        "cross_entropy",
        "rnn",
        "lstm",
        "gru",
        "layer_norm_rows",
        "standardize",
        "divide",
        "getitem",
        "take",
    }
)
#: The ops that it shows so in a recurrent cell that a loop calls.
IN_CELLS = frozenset({"add", "subtract", "multiply", "tanh", "expit", "maximum", "relu", "linear", "matmul"})
#: Bytes of all arrays in a page together.
LARGEST = 600_000


def given(step: Step, member: dict[int, int]) -> dict[str, Any]:
    """For each parameter of a step's op: the step that it comes from and which of its outputs, or its value.

    >>> from minigrad import Tensor
    >>> from minigrad.viz import walk
    >>> x, y = walk(Tensor(np.ones((2, 3)), requires_grad=True).sum(axis=1).sum())[:2]
    >>> given(y, {x.id: x.id})["axis"]
    {'value': 1}
    """
    return {name: _given(argument, member) for name, argument in step.arguments.items()}


def _given(argument: Argument, member: dict[int, int]) -> dict[str, Any]:
    if argument.source is None:
        return {"value": _plain(argument.value)}
    found: dict[str, Any] = {"from": member.get(argument.source, argument.source)}
    return found if argument.output is None else found | {"output": argument.output}


def _plain(value: Any) -> Any:
    """A value as JSON has it; None of an array and of what nobody knows."""
    if value is UNKNOWN or isinstance(value, (np.ndarray, bytes)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, slice):
        return {"start": _plain(value.start), "stop": _plain(value.stop), "step": _plain(value.step)}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return str(value)


def arrays(rows: Sequence[Explained]) -> dict[str, dict[str, Any]]:
    """Values and gradients of the steps that the page shows from inside, and of what they read, as far as there is room.

    A page that computes has them anyway.
    """
    known = {row.step.id: row for row in rows}
    wanted = [row for row in rows if _is_lensed(row, known)]
    sources = [source for row in wanted for source in _read(row, known)]
    before = [source for row in wanted if row.step.op == "divide" for top in _read(row, known) for source in _read(top, known)]
    found: dict[str, dict[str, Any]] = {}
    left = LARGEST
    for number, row in {row.step.id: row for row in [*wanted, *sources, *before]}.items():
        size = sum(part.nbytes for part in _parts(row.value) + _parts(row.gradient))
        if size > left:
            continue
        left -= size
        found[str(number)] = {"value": _encoded(row.value), "gradient": _encoded(row.gradient)}
        if row.reach is not None:
            found[str(number)]["reach"] = _encoded(row.reach)
    return found


def vocabulary_of(words: Any, steps: Sequence[Step] | None = None) -> list[str] | None:
    """A vocabulary as a list of words in the order of their numbers.

    Args:
        steps: of a graph, in which a table or scores must have as many rows.

    Raises:
        TypeError: it is none.
        ValueError: two words have one number, or a word two; or the graph has nothing of that size.

    >>> vocabulary_of(["the", "cat"]), vocabulary_of({"cat": 2, "the": 0})
    (['the', 'cat'], ['the', '1', 'cat'])
    """
    if words is None:
        return None
    words = getattr(words, "symbols", words)
    if isinstance(words, Mapping):
        places = {int(place): str(word) for word, place in words.items()}
        if len(places) != len(words) or min(places, default=0) < 0:
            raise ValueError("vocabulary: each word needs a number of its own, from 0 on")
        words = [places.get(place, str(place)) for place in range(max(places, default=-1) + 1)]
    if isinstance(words, (str, bytes)) or not isinstance(words, Sequence):
        raise TypeError("vocabulary is a list of words in the order of their numbers, a dict from words to numbers, or nn.text's")
    found = [str(word) for word in words]
    if len({*found}) != len(found):
        raise ValueError("vocabulary: a word occurs twice")
    if steps is not None and not any(len(found) in shape for step in steps for shape in step.shapes):
        raise ValueError(f"vocabulary has {len(found)} words, and nothing in the graph has an axis of {len(found)}")
    return found


def _read(row: Explained, known: dict[int, Explained]) -> list[Explained]:
    """What a step reads."""
    return [known[a.source] for a in row.step.arguments.values() if a.source in known]


def _is_lensed(row: Explained, known: dict[int, Explained]) -> bool:
    """Whether the page shows a step from inside: by its op, or as a part of a recurrent cell.

    Of rows where some were looked up, of divisions the normalisation that somebody wrote out: x / sqrt(...).
    """
    step = row.step
    if step.op in IN_CELLS and any(call.gates is not None for call in step.calls):
        return True
    if step.op == "divide":
        return any(source.step.op == "sqrt" for source in _read(row, known))
    if step.op in ("getitem", "take"):
        index = step.arguments.get("index" if step.op == "getitem" else "indices")
        return index is not None and index.source is not None
    return step.op in LENSED


def _parts(value: Any) -> list[np.ndarray]:
    return [] if value is None else [host(part) for part in (value if isinstance(value, tuple) else (value,))]


def _encoded(value: Any) -> Any:
    """Shape, dtype and numbers, as float32 in base64; complex and other kinds are left out."""
    if isinstance(value, tuple):
        return [_encoded(part) for part in value]
    if value is None or host(value).dtype.kind not in "fiub":
        return None
    array = host(value)
    numbers = np.ascontiguousarray(array, dtype="<f4")
    return {"shape": list(array.shape), "dtype": str(array.dtype), "data": b64encode(numbers.tobytes()).decode()}
