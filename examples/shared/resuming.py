"""Long runs need no single sitting: under `--full` a training is kept in out/NAME.full/ and goes on from there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nn.training import load_checkpoint, save_checkpoint
from nn.training.checkpoint import read_checkpoint

#: Where this run keeps its trainings; None: it is short, and keeps nothing.
_folder: Path | None = None
#: What a training must have been started with to be gone on with.
_settings: dict[str, Any] = {}


@contextmanager
def keeping(folder: Path | None, settings: dict[str, Any]) -> Iterator[None]:
    """Keep the trainings of this run in a folder until it is through; None: keep nothing."""
    global _folder, _settings
    before = _folder, _settings
    _folder, _settings = folder, {name: repr(value) for name, value in settings.items()}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        _folder, _settings = before
    if folder is not None:
        shutil.rmtree(folder)


def checkpoint(name: str = "training") -> Path | None:
    """The file for `Trainer(..., checkpoint=)`: None unless the run is `--full`."""
    return None if _folder is None else _folder / f"{name}.safetensors"


def steps(
    total: int, model: Any, optimizer: Any, rng: np.random.Generator | None = None, kept: dict[str, Any] | None = None,
    name: str = "training", every: float = 60.0,
) -> Iterator[int]:  # fmt: skip
    """Count the updates of a training, 0 to `total` - 1; under `--full`, on from where it was stopped.

    Args:
        rng: the generator that the batches are drawn from.
        kept: what else the loop changes and must find again: losses, a state that is carried on.
            Numbers, text, arrays and Tensors in lists, tuples and dicts; it is changed in place.
        name: of this training, where a script has several.
        every: so many seconds apart it is written.
    """
    path, first = checkpoint(name), 0
    kept = {} if kept is None else kept
    if path is not None and path.exists():
        first = _read(path, model, optimizer, rng, kept)
        print(f"{path}: goes on after {first} of {total} updates")
    written = time.monotonic()
    for step in range(first, total):
        yield step
        if path is not None and (time.monotonic() - written > every or step == total - 1):
            state = None if rng is None else rng.bit_generator.state
            extra = {"step": step + 1, "rng": state, "kept": kept, "settings": _settings}
            save_checkpoint(path, model, optimizer, extra=extra)
            written = time.monotonic()


def _read(path: Path, model: Any, optimizer: Any, rng: np.random.Generator | None, kept: dict[str, Any]) -> int:
    """Take up a training where it was stopped; returns how many updates it has had."""
    note = read_checkpoint(path)["extra"]
    if note["settings"] != _settings:
        raise SystemExit(f"{path} is of a run with other settings, {note['settings']}: delete it to begin with {_settings}")
    load_checkpoint(path, model, optimizer)
    if rng is not None:
        rng.bit_generator.state = note["rng"]
    kept.clear()
    kept.update(note["kept"])
    return note["step"]
