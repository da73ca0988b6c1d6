"""Weights in safetensors files: what PyTorch's users write is read here, and the other way round.  No pickle, no code."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.files import write_whole

from .module import Module, host

__all__ = ["load", "save"]


def safetensors_numpy() -> Any:
    """The module safetensors.numpy.

    Raises:
        ImportError: it is not installed; the message says how to get it.
    """
    try:
        return importlib.import_module("safetensors.numpy")
    except ImportError as error:
        raise ImportError('weights are kept in safetensors files: pip install "minigrad[train]"') from error


def save(state: Module | Mapping[str, Any], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write a module's weights, or a dict of Tensors and arrays, to a safetensors file.

    The file is written under another name and renamed, so that there is never half of one.  Shared weights are written once,
    under their first name, as PyTorch's users do.

    >>> import tempfile, nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(nn.Linear(2, 1), f"{folder}/linear.safetensors")
    ...     sorted(load(f"{folder}/linear.safetensors"))
    ['bias', 'weight']
    """
    if isinstance(state, Module):
        own = [*state.named_parameters(), *state.named_buffers()]  # each once
    else:
        own = list(state.items())
    arrays = {name: np.asarray(host(value), order="C") for name, value in own}
    write_whole(path, safetensors_numpy().save(arrays, dict(metadata) if metadata else None))


def load(path: str | os.PathLike[str], module: Module | None = None, strict: bool = True) -> dict[str, Tensor]:
    """Read a safetensors file, from here or from PyTorch; into a module, where one is given.

    Args:
        strict: missing and unexpected names are an error; a shared weight may stand under any one of its names.

    Raises:
        ValueError: where the file is no safetensors file, is cut off, or does not fit the module; nothing is changed then.
    """
    data = Path(path).read_bytes()
    try:
        arrays = safetensors_numpy().load(data)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    state = {name: Tensor(array) for name, array in arrays.items()}
    if module is not None:
        given = dict(state)
        names: dict[int, str] = {}
        for name, tensor in module._state():  # the other names of what is shared
            if name in given:
                names.setdefault(id(tensor), name)
        for name, tensor in module._state():
            if name not in given and id(tensor) in names:
                given[name] = given[names[id(tensor)]]
        module.load_state_dict(given, strict)
    return state
