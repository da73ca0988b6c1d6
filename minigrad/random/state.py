"""The default generators, one for each device, and their seed; streams of their own inside of `seeded`.

A forked process goes on with numbers of its own.  They follow from the seed, from what was drawn
before the fork, and from how many forks there were, so that a run with forks can be repeated too.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from .. import backend, tracing
from ..arrays.batch import all_examples, running
from ..arrays.drawing import Drawing
from ..arrays.traced import numbers_of
from ..devices import follow
from ..later import refuse_later
from ..tensor import Tensor, raw
from .philox import Philox, shape_of
from .saved import check_state
from .traced import Draws

__all__ = ["bytes", "check_state", "generator", "get_state", "go_to", "manual_seed", "seed", "seeded", "set_state"]

_lock = Lock()
_forks = 0  # since the last seed


class _Streams:
    """The generators of all devices that follow from one seed, made when they are first used.

    They share the seed's key; their counters are too far apart to meet (`philox.Philox`).
    """

    def __init__(self, key: int | list[int]) -> None:
        self.restart(key)

    def restart(self, key: int | list[int], cpu: np.random.Generator | None = None) -> None:
        """Begin anew with a seed; `cpu` is its generator, where that is made already."""
        self.key = key
        #: Made when it is first used: NumPy imports its module `random` only then (8 ms).
        self.cpu = cpu
        self.gpus: dict[str, Philox] = {}

    def __enter__(self) -> None:
        self.token = _stream.set(self)

    def __exit__(self, *error: object) -> None:
        _stream.reset(self.token)

    def generator(self, device: Any) -> Any:
        """That of a device; of the cpu for None."""
        if device is None or device == "cpu":
            return self.cpu or self._made_cpu()
        number = backend.parse_device(device)
        return self.generator("cpu") if number is None else self._of_gpu(number)

    def _made_cpu(self) -> np.random.Generator:
        with _lock:  # threads that come first at the same time share one
            made = self.cpu = self.cpu or np.random.Generator(np.random.Philox(self.key))
        return made

    def _of_gpu(self, number: int) -> Philox:
        backend.check_gpu(number)
        name = f"cuda:{number}"
        if name not in self.gpus:
            key = self.generator("cpu").bit_generator.state["state"]["key"]
            with _lock:
                self.gpus.setdefault(name, Philox((int(key[0]), int(key[1])), number))
        return self.gpus[name]


_default = _Streams(0)
_stream: ContextVar[_Streams | None] = ContextVar("minigrad random stream", default=None)


def manual_seed(seed: int) -> None:
    """Start the default generators of all devices anew.

    Args:
        seed: a number that is not negative.

    >>> manual_seed(0); a = generator().random(); manual_seed(0)
    >>> generator().random() == a
    True
    """
    _not_again()
    global _forks
    cpu = np.random.Generator(np.random.Philox(seed))  # first: it may refuse
    stream = _stream.get()
    if stream is None:
        _forks = 0
    (stream or _default).restart(seed, cpu)


def seeded(*key: int) -> Any:
    """Inside of it, in this thread alone, draws follow from the key; the default generators stay as they are.

    The key is one or several numbers that are not negative: a seed, an epoch and an item, say.

    Raises:
        ValueError: the key is something else.

    >>> before = get_state()
    >>> with seeded(7, 2):
    ...     a = generator().random()
    >>> with seeded(7, 2):
    ...     generator().random() == a, seed(3)
    (True, None)
    >>> get_state()["state"]["counter"].tolist() == before["state"]["counter"].tolist()
    True
    """
    for number in key:
        if not isinstance(number, (int, np.integer)) or number < 0:
            raise ValueError(f"seeded: the key must be integers that are not negative, got {number!r:.60}")
    _not_again()
    return _Streams(list(key))


def _not_again() -> None:
    """A function that says where its random numbers begin makes no program: that goes on where the last call has ended."""
    recorder = tracing.recorder.get()
    if recorder is not None:
        recorder.seeded = True


def seed(seed: int | None = None) -> None:
    """NumPy's name of `manual_seed`; without a number the seed comes from the operating system.

    >>> seed(0); a = generator().random(); manual_seed(0)
    >>> generator().random() == a
    True
    """
    manual_seed(int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed)


def generator(device: Any = "cpu") -> Any:
    """The default generator of a device (a `numpy.random.Generator` on the cpu); inside of `vmap` as that asks for it.

    Args:
        device: "cpu", "cuda" or "cuda:1".
    """
    levels, recorder = running.get(), tracing.recorder.get()
    own = _own(device) if recorder is None else Draws(_own, device, recorder)
    return Drawing(own, levels) if levels else own


def _own(device: Any) -> Any:
    return (_stream.get() or _default).generator(device)


def _before_fork() -> None:
    global _forks
    _forks += 1


def _after_fork_in_child() -> None:
    """Go on with other numbers than the parent and its other children; no lock of the parent's is touched."""
    global _forks, _lock
    _lock = Lock()  # another thread of the parent may have held it
    stream = _stream.get()
    if stream is not None:
        stream.restart([*_numbers(stream.key), _forks])
    if _default.cpu is None:
        _default.restart([*_numbers(_default.key), _forks])
    else:
        state = _default.cpu.bit_generator.state
        words = [*state["state"]["key"], *state["state"]["counter"], state["buffer_pos"], _forks]
        _default.restart([int(word) for word in words])
    _forks = 0


def _numbers(key: int | list[int]) -> list[int]:
    return list(key) if isinstance(key, list) else [key]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def get_state() -> dict[str, Any]:
    """Where the generators of all devices stand, for `set_state` (a dict of numbers and arrays).

    It is the state of the cpu's generator, as NumPy gives it.  Where numbers were drawn on a GPU it also
    says how far that stream has come, in blocks of 8 numbers, under "devices": {"cuda:0": 12}.
    """
    streams = _stream.get() or _default
    state = streams.generator("cpu").bit_generator.state
    positions = {device: own.position for device, own in sorted(streams.gpus.items())}
    drawn = {device: position for device, position in positions.items() if position}
    return {**state, "devices": drawn} if drawn else state


def set_state(state: dict[str, Any]) -> None:
    """Go on where `get_state` was called, on all devices.

    A GPU that the state does not name begins at the start of its stream; one that this machine does not
    have keeps its place for later.

    Raises:
        ValueError: where this is no state of the generators; they go on as before then.

    >>> state = get_state(); a = generator().random(); set_state(state)
    >>> generator().random() == a
    True
    """
    _not_again()
    go_to(numbers_of(state))


def go_to(state: dict[str, Any]) -> None:
    """`set_state` for what is no step of the user's function: also while `compile` traces."""
    checked = check_state(state)
    streams = _stream.get() or _default
    positions = checked.pop("devices", {})
    streams.generator("cpu").bit_generator.state = checked
    words = checked["state"]["key"]
    for device in {*streams.gpus, *positions}:
        number = int(device.removeprefix("cuda:"))
        own = streams.gpus.setdefault(device, Philox((0, 0), number))
        own.go_to((int(words[0]), int(words[1])), positions.get(device, 0))


def bytes(length: int) -> Any:  # noqa: A001
    """That many random bytes, from the cpu's generator.

    Args:
        length: how many.

    >>> len(bytes(3))
    3
    """
    return generator().bytes(length)


def drawing(name: str, device: Any) -> Any:
    """A method of a device's generator by name; an error where CuPy's has none."""
    method = getattr(generator(device), name, None)
    if method is None:
        raise NotImplementedError(
            f"CuPy's generator draws no {name}: draw on the cpu and move the result, "
            f"minigrad.random.{name}(...).to({device!r})"
        )
    return method


def noise(name: str, size: Any, dtype: Any = None, device: Any = None) -> Any:
    """An array of standard noise, in the default dtype if none is given.

    It is drawn in double precision, on a GPU in single where that is enough.
    """
    dtype, size = np.dtype(dtype or backend.get_default_dtype()), backend.as_sizes(size)
    draw = drawing(name, device)
    number = None if device is None or device == "cpu" else backend.parse_device(device)
    if number is None:
        return backend.as_array(draw(size=size)).astype(dtype, copy=False)
    with backend.on_gpu(number):
        drawn = draw(size=size, dtype=np.float32) if dtype.itemsize <= 4 else draw(size=size)
        return drawn.astype(dtype, copy=False)


def device_of(*parameters: Any, device: Any = None) -> Any:
    """Where to draw: where the user says, else where the Tensors are, and arrays of a GPU; NumPy's go anywhere.

    Raises:
        RuntimeError: they are on different devices.
    """
    if device is not None:
        return device
    found = "cpu"
    placed = False
    for p in parameters:
        if isinstance(p, Tensor) or (backend.is_array(p) and not isinstance(p, (np.ndarray, np.generic))):
            place = backend.device_of(raw(p))
            if placed and place != found:
                raise RuntimeError(
                    f"random: the parameters are on different devices ({found} and {place}): move one with .to(device)"
                )
            found, placed = place, True
    return found


def on_device(value: Any, device: Any) -> Any:
    """The array of a parameter, which may be a list, on a device; a number as it is."""
    value = np.asarray(value) if isinstance(value, (list, tuple)) else raw(value)
    if backend.is_array(value) and backend.device_of(value) != backend.device_name(device):
        return backend.transfer(value, device)
    return value


def size_of(size: Any, *parameters: Any) -> Any:
    """The shape of the result: `size` where it is given, else that of the parameters together."""
    return np.broadcast_shapes(*map(np.shape, parameters)) if size is None else shape_of(size)


@follow
def check_positive(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is 0 or less; NaN passes, as in NumPy."""
    for name, value in parameters.items():
        array = _values(value)
        _refuse_small(array <= 0, f"{function}: {name} must be positive", array)


@follow
def check_not_negative(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is less than 0; NaN passes, as in NumPy."""
    for name, value in parameters.items():
        array = _values(value)
        _refuse_small(array < 0, f"{function}: {name} must not be negative", array)


@follow
def check_order(function: str, **parameters: Any) -> None:
    """Refuse two parameters, by name, of which the first is somewhere larger than the second."""
    (first, low), (second, high) = parameters.items()
    words = f"{function}: {first} must not be larger than {second}"
    refuse_later(_values(low > high), lambda: ValueError(words))


@follow
def check_probabilities(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is less than 0, more than 1, or NaN."""
    for name, value in parameters.items():
        array = _values(value)
        words = f"{function}: {name} must be between 0 and 1"
        refuse_later(np.logical_not((array >= 0) & (array <= 1)), partial(ValueError, words))


@follow
def check_finite(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is NaN or infinite."""
    for name, value in parameters.items():
        words = f"{function}: {name} must be finite"
        refuse_later(np.logical_not(np.isfinite(_values(value))), partial(OverflowError, words))


def _values(x: Any) -> Any:
    """The array of a parameter, of all examples of a `vmap`."""
    return raw(all_examples(raw(x)))


def _refuse_small(bad: Any, words: str, array: Any) -> None:
    def too_small(least: Any) -> ValueError:
        return ValueError(f"{words}, got {float(least):.6g}")

    refuse_later(bad, too_small, lambda: np.min(np.where(bad, array, 1)))  # on a GPU nanmin waits
