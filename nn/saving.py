"""Weights and states in safetensors files, which PyTorch's users read and write too.

No pickle, no code: a file is data.  What it holds is checked before anything is changed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from minigrad import Tensor
from minigrad.files import write_whole
from minigrad.hints import explain_options

from .module import Module, host
from .packing import pack, unpack
from .safetensors import LARGEST_HEADER, METADATA, pack_file, unpack_file

__all__ = ["load", "save"]

#: Where a file keeps what is no array, in its metadata.
TREE = "minigrad.tree"

Target = str | os.PathLike[str] | BinaryIO


def save(state: Any, path: Target, metadata: Mapping[str, str] | None = None) -> None:
    """Write a module's weights, or Tensors in nested containers, to a safetensors file.

    The file is written under another name and renamed, so that there is never half of one. Shared
    weights are written once, under their first name, as PyTorch's users do. The format has no
    complex128: save the real and the imaginary part, or complex64.

    Args:
        state: a module; or dicts, lists and tuples of Tensors, arrays, numbers, text, bytes and
            None, as `{"model": model.state_dict(), "optimizer": optimizer.state_dict()}`.
        path: where to; a file object that was opened for bytes is written to.
        metadata: text by name, for other readers.

    Raises:
        TypeError: where something cannot be saved; the message has its name. Nothing is written
            then.

    >>> import tempfile, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(nn.Linear(2, 1), f"{folder}/linear.safetensors")
    ...     sorted(load(f"{folder}/linear.safetensors"))
    ['bias', 'weight']
    """
    texts = dict(metadata or {})
    for name, value in texts.items():
        if not isinstance(name, str) or not isinstance(value, str) or name.startswith("minigrad."):
            raise TypeError(
                "metadata are text by name, and no name begins with 'minigrad.': "
                f"got {name!r}: {value!r:.60}"
            )
    if isinstance(state, Module):
        own = list(state._state())
        first = {id(tensor): name for name, tensor in reversed(own)}  # of the names of each
        state = {name: tensor for name, tensor in own if first[id(tensor)] == name}
    elif hasattr(state, "state_dict"):
        raise TypeError(f"a {type(state).__name__} cannot be saved itself: save its state_dict()")
    if _is_tensors(state):
        arrays = {name: np.asarray(host(value), order="C") for name, value in state.items()}
    else:
        texts[TREE], arrays = pack(state)
    data = pack_file(arrays, texts)
    if isinstance(path, (str, os.PathLike)):
        write_whole(path, data)
        return
    try:
        path.write(data)
    except TypeError as error:
        raise TypeError(
            f'save: the file {path!r:.60} takes no bytes: open it with mode "wb"'
        ) from error


def _is_tensors(state: Any) -> bool:
    """Whether this is Tensors by name, as a state_dict: a file of them needs no tree."""
    return _is_plain(state) and all(isinstance(value, Tensor) for value in state.values())


def _is_plain(state: Any) -> bool:
    """Whether this is arrays by name, which a module can take up."""
    return isinstance(state, Mapping) and all(
        isinstance(name, str)
        and name != METADATA
        and not isinstance(value, (np.generic, np.ma.MaskedArray, Mapping, list, tuple))
        and (isinstance(value, Tensor) or hasattr(value, "__array__"))
        for name, value in state.items()
    )


@explain_options
def load(path: Target, module: Module | None = None, strict: bool = True) -> Any:
    """Read a safetensors file, from here or from PyTorch; into a module, where one is given.

    Args:
        path: a path, or a file object that was opened for bytes.
        strict: missing and unexpected names are an error; a shared weight may stand under any one of its names.

    Returns:
        What was saved, as it was: Tensors as Tensors, in main memory, arrays as arrays. A file from elsewhere
        gives Tensors by name. bfloat16 is read as float32.

    Raises:
        ValueError: where the file is no safetensors file, is cut off or changed, or does not fit
            the module; nothing is changed then.
    """
    arrays, metadata = read_arrays(path)
    if TREE in metadata:
        try:
            state = unpack(metadata[TREE], arrays)
        except ValueError as error:
            raise ValueError(
                f"{_name(path)} is not what nn.save writes, or is damaged: {error}"
            ) from error
    else:
        state = {name: Tensor(array) for name, array in arrays.items()}
    if module is not None:
        _into(module, state, strict, _name(path))
    return state


def _into(module: Module, state: Any, strict: bool, name: str) -> None:
    if not _is_plain(state):
        parts = ", ".join(map(str, state)) if isinstance(state, Mapping) else type(state).__name__
        raise ValueError(
            f"{name} holds more than arrays by name ({parts:.80}): "
            "read it without a module, state = nn.load(path), and load the part, "
            'module.load_state_dict(state["model"])'
        )
    try:
        module.load_state_dict(state, strict)
    except ValueError as error:
        raise ValueError(f"{name} does not fit: {error}") from error


def read_arrays(
    path: Target, what: str = "a safetensors file"
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a safetensors file, which messages call `what`.

    Raises:
        ValueError: where the file is none, or is damaged; the message has its name.
    """
    data = _content(path)
    try:
        return unpack_file(data)
    except NotImplementedError as error:
        raise ValueError(f"{_name(path)}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{_name(path)} is not {what}, or is damaged: {error}") from error


def _content(path: Target) -> bytes:
    """The bytes of a file; not of one that is plainly of another kind, which may be large."""
    if isinstance(path, (str, os.PathLike)):
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            start = file.read(8)
            length = int.from_bytes(start, "little")
            is_pipe = not stat.S_ISREG(found.st_mode)
            if not 2 <= length <= LARGEST_HEADER or (not is_pipe and 8 + length > found.st_size):
                return start
            return start + file.read()
    data = path.read()
    if not isinstance(data, bytes):
        raise TypeError(f'load: the file {path!r:.60} gives no bytes: open it with mode "rb"')
    return data


def _name(path: Target) -> str:
    if isinstance(path, (str, os.PathLike)):
        return os.fspath(path)
    return str(getattr(path, "name", f"the {type(path).__name__}"))
