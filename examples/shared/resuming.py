"""Long runs need no single sitting: under `--full` a training is kept in out/NAME.seed0.full/ and goes on from there."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.files import write_whole
from nn.training import load_checkpoint, save_checkpoint

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Where this run keeps its trainings; None: it is short, and keeps nothing.
_folder: Path | None = None
#: What earlier sittings of this run took of the processor, in seconds.
_earlier = 0.0
#: How many loops of `steps` are under way that keep what they do.
_loops = 0
#: The signal that asks such a loop to stop after its update; None: none came.
_asked: int | None = None


class Stopped(KeyboardInterrupt):
    """Somebody ended the run, by the signal with this number."""

    @property
    def status(self) -> int:
        """What a shell expects of a program that a signal ended."""
        return 128 + self.args[0]


@contextmanager
def keeping(folder: Path | None, settings: dict[str, Any]) -> Iterator[None]:
    """Keep the trainings of this run in a folder until it is through; None: keep nothing.

    Ctrl-C and SIGTERM let the update end that is under way, and write it; a second one does not wait.
    """
    global _folder, _earlier
    _earlier = 0.0
    if folder is None:
        yield
        return
    before, _folder = _folder, folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with alone(folder / "lock", f"keeps its trainings in {folder}"), _stopping():
            _begin(folder, {name: str(value) for name, value in settings.items()})
            with _timed(folder / "seconds"):
                yield
            _remove(folder)
    except KeyboardInterrupt:
        if list(folder.glob("*.safetensors")):
            print(f"stopped; the same command goes on from what is in {folder}", file=sys.stderr)
        raise
    finally:
        _folder = before


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Only one run at a time holds the lock of a file; the system takes it from one that is killed."""
    with open(path, "w", encoding="utf-8") as lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemExit(f"another run is under way that {what}") from None
        yield


@contextmanager
def _timed(note: Path) -> Iterator[None]:
    """Keep what this sitting takes beside what the earlier ones took; one that is killed is not counted."""
    global _earlier
    _earlier = float(note.read_text("utf-8")) if note.exists() else 0.0
    started = processor_seconds()
    try:
        yield
    finally:
        write_whole(note, str(_earlier + processor_seconds() - started).encode())


def processor_seconds() -> float:
    """Seconds that the processor has worked for this process, and for those that it has started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def earlier() -> float:
    """Seconds of the processor that earlier sittings of the last run took."""
    return _earlier


def _remove(folder: Path) -> None:
    """What a run has kept, and nothing else that somebody has put there."""
    for pattern in ("*.safetensors", ".*.part", "settings.json", "seconds", "lock"):
        for path in folder.glob(pattern):
            with suppress(PermissionError):  # Windows does not delete the lock while it is open
                path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _begin(folder: Path, settings: dict[str, str]) -> None:
    """See to it that what is there is of a run with the same settings."""
    note = folder / "settings.json"
    kept = json.loads(note.read_text("utf-8")) if note.exists() else settings
    if different := [
        f"  {name}: {kept.get(name, 'not given')} there, {settings.get(name, 'not given')} now"
        for name in sorted({*kept, *settings})
        if kept.get(name) != settings.get(name)
    ]:
        lines = "\n".join(different)
        raise SystemExit(f"{folder} is of a run with other settings:\n{lines}\nGo on with those, or delete it to begin anew.")
    write_whole(note, json.dumps(settings, indent=1).encode())


@contextmanager
def _stopping() -> Iterator[None]:
    """Ctrl-C and SIGTERM stop a training between two updates, so that it can be kept."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked = None
    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}

    def stop(which: int, frame: Any) -> None:
        global _asked
        if which == signal.SIGINT and before[which] is signal.SIG_IGN:  # a background job, which Ctrl-C is not for
            return
        if not _loops or _asked is not None:
            raise Stopped(which)
        _asked = which
        os.write(2, b"\nstops after this update; once more stops at once, and loses what was not written yet\n")

    def passed_on(which: int, frame: Any) -> None:
        """To whoever handles Ctrl-C now: a Trainer does not let it cut an update in two."""
        signal.getsignal(signal.SIGINT)(which, frame)  # type: ignore[operator,misc]

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, passed_on)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


@contextmanager
def quietly() -> Iterator[None]:
    """Ctrl-C ends the program without a traceback."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise SystemExit(stop.status if isinstance(stop, Stopped) else 128 + signal.SIGINT) from None


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
    global _loops
    path, first = checkpoint(name), 0
    if path is None:
        yield from range(total)
        return
    kept = {} if kept is None else kept
    if path.exists():
        first = _read(path, model, optimizer, rng, kept)
        print(f"{path}: goes on after {first} of {total} updates")
    written = time.monotonic()
    _loops += 1
    try:
        for step in range(first, total):
            yield step
            if _asked is not None or time.monotonic() - written > every or step == total - 1:
                state = None if rng is None else rng.bit_generator.state
                extra = {"step": step + 1, "rng": state, "kept": kept}
                save_checkpoint(path, model, optimizer, extra=extra)
                written = time.monotonic()
            if _asked is not None:
                raise Stopped(_asked)
    finally:
        _loops -= 1


def _read(path: Path, model: Any, optimizer: Any, rng: np.random.Generator | None, kept: dict[str, Any]) -> int:
    """Take up a training where it was stopped; returns how many updates it has had."""
    note = load_checkpoint(path, model, optimizer)
    if rng is not None:
        rng.bit_generator.state = note["rng"]
    kept.clear()
    kept.update(note["kept"])
    return note["step"]
