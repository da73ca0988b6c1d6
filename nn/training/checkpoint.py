"""Checkpoints: everything that a run needs to go on bit for bit, in one safetensors file with JSON in its header."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor, random
from minigrad.files import write_whole

from ..module import Module, host
from ..saving import safetensors_numpy

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT = "minigrad checkpoint 1"


def _pack(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """What JSON can hold of a tree of dicts, lists, tuples, numbers, text and arrays; the arrays go to `arrays` by their path."""
    if isinstance(value, dict):
        return {str(k): _pack(v, f"{path}/{k}", arrays) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_pack(v, f"{path}/{i}", arrays) for i, v in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Tensor) or np.ndim(value):
        arrays[path] = np.asarray(host(value), order="C")
        return {"$array": path}
    return value.item() if isinstance(value, np.generic) else value


def _unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$array"}:
            return arrays[value["$array"]]
        return tuple(_unpack(value["$tuple"], arrays)) if "$tuple" in value else {k: _unpack(v, arrays) for k, v in value.items()}
    return [_unpack(v, arrays) for v in value] if isinstance(value, list) else value


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any = None, scheduler: Any = None, loader: Any = None,
    extra: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write weights, optimizer, schedule, random generator and the loader's position.

    The file replaces the old one at once, when it is whole.

    Args:
        extra: anything besides, of dicts, lists, tuples, numbers, text, arrays and Tensors.
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    note = {name: part.state_dict() for name, part in parts.items() if part is not None}
    arrays: dict[str, np.ndarray] = {}
    packed = _pack({"format": FORMAT, "random": random.get_state(), "extra": extra or {}, **note}, "", arrays)
    write_whole(path, safetensors_numpy().save(arrays, {"minigrad": json.dumps(packed)}))


def load_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any = None, scheduler: Any = None, loader: Any = None
) -> dict[str, Any]:
    """Go on where `save_checkpoint` was called; returns `extra`.

    Raises:
        ValueError: where the file is damaged, is no checkpoint, or is one of another network; nothing is changed then.
    """
    data = Path(path).read_bytes()
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        note = _unpack(json.loads(header["__metadata__"]["minigrad"]), safetensors_numpy().load(data))
        found = note["format"]
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of minigrad, or is damaged: {error!r}") from error
    if found != FORMAT:
        raise ValueError(f"{path} has the format {found!r}, expected {FORMAT!r}")
    given = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    parts = {name: part for name, part in given.items() if part is not None}
    for name in [*parts, "random", "extra"]:
        if name not in note:
            raise ValueError(f"{path} holds no state of the {name}")
    before = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    try:
        for name, part in parts.items():
            part.load_state_dict(note[name])
        random.set_state(note["random"])
    except Exception as error:
        for name, part in parts.items():
            part.load_state_dict(before[name])
        raise ValueError(f"{path} does not fit: {error}") from error
    return note["extra"]
