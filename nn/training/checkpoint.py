"""Checkpoints: everything that a run needs to go on bit for bit, in one safetensors file.

A checkpoint is data. It is read and checked as a whole first; then all parts take their states up,
or none does.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

from minigrad import random
from minigrad.files import write_whole

from ..module import Module
from ..packing import pack, unpack
from ..safetensors import pack_file
from ..saving import TREE, read_arrays

__all__ = ["load_checkpoint", "read_checkpoint", "restore", "save_checkpoint"]

FORMAT = "minigrad checkpoint 2"
KIND = "a checkpoint of minigrad"


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Any = None, scheduler: Any = None, loader: Any = None,
    extra: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write weights, optimizer, schedule, random generator and the loader's position.

    The file replaces the old one at once, when it is whole.

    Args:
        path: the file.
        model: the module whose weights and buffers are kept.
        optimizer, scheduler, loader: what else goes on from here, by its `state_dict()`: an
            optimizer, a schedule of learning rates, a `DataLoader` with its place; None: not kept.
        extra: anything besides, of dicts, lists, tuples, numbers, text, bytes, arrays and Tensors.

    Raises:
        TypeError: where something cannot be kept; the message has its path. Nothing is written
            then.
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    parts = _given(parts, "state_dict")
    note = {name: part.state_dict() for name, part in parts.items()}
    text, arrays = pack(
        {"format": FORMAT, "random": random.get_state(), "extra": extra or {}, **note}
    )
    write_whole(path, pack_file(arrays, {TREE: text}))


def load_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
) -> dict[str, Any]:
    """Go on where `save_checkpoint` was called; returns `extra`.

    Args:
        path: the file.
        model: the module that takes up the weights and buffers; names and shapes must be those of
            the one that was saved.
        optimizer, scheduler, loader: what takes up its state by `load_state_dict`; None: its state,
            where the file has one, is left.

    Raises:
        ValueError: where the file is damaged, is no checkpoint, or is one of another network;
            nothing is changed then, not even the random generator.
    """
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    parts = _given(parts, "load_state_dict")
    note = read_checkpoint(path)
    restore(path, note, parts)
    return note["extra"]


def _given(parts: dict[str, Any], method: str) -> dict[str, Any]:
    """The parts that are not None, which must have that method."""
    given = {name: part for name, part in parts.items() if part is not None}
    for name, part in given.items():
        if not hasattr(part, method):
            raise TypeError(f"the {name} must have {method}(), got a {type(part).__name__}")
    return given


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a checkpoint holds: states by the names of their parts, "random" and "extra".

    Raises:
        ValueError: where the file is damaged, or is no checkpoint.
    """
    arrays, metadata = read_arrays(path, KIND)
    if TREE not in metadata:
        raise ValueError(f"{path} is not {KIND}, or is damaged: it holds arrays alone, for nn.load")
    try:
        note = unpack(metadata[TREE], arrays)
    except ValueError as error:
        raise ValueError(f"{path} is not {KIND}, or is damaged: {error}") from error
    if not isinstance(note, dict) or "format" not in note:
        raise ValueError(f"{path} is not {KIND}: it holds a {type(note).__name__} without a format")
    found = note["format"]
    if not isinstance(found, str) or found != FORMAT:
        raise ValueError(f"{path} has the format {found!r:.40}, expected {FORMAT!r}")
    for name in ("random", "extra"):
        if not isinstance(note.get(name), dict):
            raise ValueError(f"{path} holds no state of the {name}")
    return note


def restore(
    path: str | os.PathLike[str], note: Mapping[str, Any], parts: Mapping[str, Any]
) -> None:
    """Let parts take up their states, all or none: what was loaded before one refuses is put back.

    Args:
        path: the file, for messages.
        note: what `read_checkpoint` returned, perhaps with more states.
        parts: what has `state_dict` and `load_state_dict`, by the names that their states have in
            the note.

    Raises:
        ValueError: where a state is missing or does not fit.
    """
    for name in parts:
        if name not in note:
            raise ValueError(f"{path} holds no state of the {name}")
    try:
        generator = random.state.check_state(note["random"])
    except ValueError as error:
        raise ValueError(f"{path} does not fit: {error}") from error
    before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}
    done: list[str] = []
    try:
        for name, part in parts.items():
            done.append(name)
            part.load_state_dict(note[name])
    except BaseException as error:  # Ctrl-C leaves no half either
        failure = error
        if isinstance(error, Exception):
            failure = ValueError(f"{path} does not fit the {name}: {error}")
        for given in reversed(done):
            try:
                parts[given].load_state_dict(before[given])
            except Exception as reason:  # one that cannot go back does not keep the others
                failure.add_note(f"the {given} could not be put back: {reason}")
        if failure is error:
            raise
        raise failure from error
    random.set_state(generator)
