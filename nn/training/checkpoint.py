"""Checkpoints: everything that a run needs to go on bit for bit, in one safetensors file with JSON in its header."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor, random
from minigrad.files import write_whole

from ..module import Module
from ..saving import _safetensors

__all__ = ["load_checkpoint", "save_checkpoint"]

FORMAT = "minigrad checkpoint 1"


def _plain(value: Any) -> Any:
    """What JSON can hold: NumPy's numbers and arrays as Python's."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    return value.item() if isinstance(value, np.generic) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array", "dtype"}:
            return np.array(value["array"], dtype=value["dtype"])
        return {k: _restored(v) for k, v in value.items()}
    return [_restored(v) for v in value] if isinstance(value, list) else value


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any = None, scheduler: Any = None, loader: Any = None,
    extra: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write weights, optimizer, schedule, random generator, the loader's position, and anything of JSON's types besides.

    The file replaces the old one at once, when it is whole.
    """
    arrays = {f"model/{name}": np.asarray(value.cpu().numpy(), order="C") for name, value in model.state_dict().items()}
    note: dict[str, Any] = {"format": FORMAT, "random": random.get_state(), "extra": extra or {}}
    if optimizer is not None:
        state = optimizer.state_dict()
        note["groups"] = state["param_groups"]
        note["optimizer"] = {}
        for number, entries in state["state"].items():
            kept = note["optimizer"][str(number)] = {}
            for name, value in entries.items():
                if np.ndim(value):
                    arrays[f"optimizer/{number}/{name}"] = np.asarray(value, order="C")
                else:
                    kept[name] = value
    for name, part in (("scheduler", scheduler), ("loader", loader)):
        if part is not None:
            note[name] = part.state_dict()
    write_whole(path, _safetensors().save(arrays, {"minigrad": json.dumps(_plain(note))}))


def load_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any = None, scheduler: Any = None, loader: Any = None
) -> dict[str, Any]:
    """Go on where `save_checkpoint` was called; returns `extra`.

    Raises:
        ValueError: where the file is damaged, is no checkpoint, or is one of another network; the model is unchanged then.
    """
    data = Path(path).read_bytes()
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        note = _restored(json.loads(header["__metadata__"]["minigrad"]))
        arrays = _safetensors().load(data)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of minigrad, or is damaged: {error!r}") from error
    if note.get("format") != FORMAT:
        raise ValueError(f"{path} has the format {note.get('format')!r}, expected {FORMAT!r}")
    for name, part in (("groups", optimizer), ("scheduler", scheduler), ("loader", loader)):
        if part is not None and name not in note:
            raise ValueError(f"{path} holds no state of the {'optimizer' if name == 'groups' else name}")
    model.load_state_dict({name[6:]: Tensor(a) for name, a in arrays.items() if name.startswith("model/")})
    if optimizer is not None:
        state: dict[int, dict[str, Any]] = {int(n): dict(entries) for n, entries in note["optimizer"].items()}
        for name, array in arrays.items():
            if name.startswith("optimizer/"):
                _, number, entry = name.split("/", 2)
                state[int(number)][entry] = array
        groups = [{k: tuple(v) if k in ("betas", "etas", "step_sizes") else v for k, v in g.items()} for g in note["groups"]]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    if scheduler is not None:
        scheduler.load_state_dict(note["scheduler"])
    if loader is not None:
        loader.load_state_dict(note["loader"])
    random.set_state(note["random"])
    return note["extra"]
