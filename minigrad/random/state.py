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

from .. import backend
from ..arrays.batch import all_examples, running
from ..arrays.drawing import Drawing
from ..later import refuse_later
from ..tensor import Tensor, raw

__all__ = ["bytes", "generator", "get_state", "manual_seed", "seed", "seeded", "set_state"]

#: Made when it is first used: NumPy imports its module `random` only then (8 ms).
_cpu: np.random.Generator | None = None
_lock = Lock()
_gpu: dict[str, Any] = {}
_seed: int | list[int] = 0
_forks = 0  # since the last seed


class _Stream:
    """The generators inside of `seeded`, made when they are first used."""

    def __init__(self, key: int | list[int]) -> None:
        self.restart(key)

    def restart(self, key: int | list[int]) -> None:
        self.key = key
        self.made: dict[str, Any] = {}

    def __enter__(self) -> None:
        self.token = _stream.set(self)

    def __exit__(self, *error: object) -> None:
        _stream.reset(self.token)

    def generator(self, device: str) -> Any:
        if device not in self.made:
            sequence = np.random.SeedSequence(self.key)
            if device == "cpu":
                self.made[device] = np.random.Generator(np.random.Philox(sequence))
            else:
                number = int(sequence.generate_state(1)[0])
                self.made[device] = backend.cupy().random.default_rng(number)
        return self.made[device]


_stream: ContextVar[_Stream | None] = ContextVar("minigrad random stream", default=None)


def manual_seed(seed: int) -> None:
    """Start the default generators of all devices anew.

    >>> manual_seed(0); a = generator().random(); manual_seed(0)
    >>> generator().random() == a
    True
    """
    global _cpu, _seed, _forks
    stream = _stream.get()
    if stream is not None:
        np.random.SeedSequence(seed)  # first: it may refuse
        stream.restart(seed)
        return
    _cpu = np.random.Generator(np.random.Philox(seed))  # first: it may refuse
    _seed, _forks = seed, 0
    _gpu.clear()


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
    return _Stream(list(key))


def seed(seed: int | None = None) -> None:
    """NumPy's name of `manual_seed`; without a number the seed comes from the operating system.

    >>> seed(0); a = generator().random(); manual_seed(0)
    >>> generator().random() == a
    True
    """
    manual_seed(int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed)


def generator(device: str = "cpu") -> Any:
    """The default generator of a device (a `numpy.random.Generator` on the cpu); inside of `vmap` as that asks for it."""
    levels = running.get()
    return Drawing(_own_generator(device), levels) if levels else _own_generator(device)


def _own_generator(device: str) -> Any:
    global _cpu
    stream = _stream.get()
    if stream is not None:
        return stream.generator(device)
    if device == "cpu":
        if _cpu is None:
            with _lock:  # threads that come first at the same time share one
                _cpu = _cpu or np.random.Generator(np.random.Philox(_seed))
        return _cpu
    if device not in _gpu:
        _gpu[device] = backend.cupy().random.default_rng(_seed)
    return _gpu[device]


def _before_fork() -> None:
    global _forks
    _forks += 1


def _after_fork_in_child() -> None:
    """Go on with other numbers than the parent and its other children; no lock of the parent's is touched."""
    global _cpu, _seed, _forks, _lock
    _lock = Lock()  # another thread of the parent may have held it
    stream = _stream.get()
    if stream is not None:
        stream.restart([*_numbers(stream.key), _forks])
    if _cpu is None:
        _seed = [*_numbers(_seed), _forks]
    else:
        state = _cpu.bit_generator.state
        words = [*state["state"]["key"], *state["state"]["counter"], state["buffer_pos"], _forks]
        _seed = [int(word) for word in words]
        _cpu = np.random.Generator(np.random.Philox(_seed))
    _forks = 0


def _numbers(key: int | list[int]) -> list[int]:
    return list(key) if isinstance(key, list) else [key]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def get_state() -> dict[str, Any]:
    """The state of the cpu's generator, for `set_state` (a dict of numbers and arrays)."""
    return generator().bit_generator.state


def set_state(state: dict[str, Any]) -> None:
    """Go on where `get_state` was called.

    Raises:
        ValueError: where this is no state of the generator; it goes on as before then.

    >>> state = get_state(); a = generator().random(); set_state(state)
    >>> generator().random() == a
    True
    """
    checked = check_state(state)
    generator().bit_generator.state = checked


def check_state(state: Any) -> dict[str, Any]:
    """A state of Philox, in the types that NumPy writes into its memory without looking.

    `buffer_pos` is an index into the four words of `buffer`; NumPy would follow any other number.

    Raises:
        ValueError: where a name is missing or unknown, or a number is of another kind or out of
            range.
    """
    outer = _names(
        "state", state, ("bit_generator", "state", "buffer", "buffer_pos", "has_uint32", "uinteger")
    )
    inner = _names("state['state']", outer["state"], ("counter", "key"))
    if not isinstance(outer["bit_generator"], str) or outer["bit_generator"] != "Philox":
        raise ValueError(
            f"random state: expected one of Philox, got {outer['bit_generator']!r:.40}"
        )
    return {
        "bit_generator": "Philox",
        "state": {
            "counter": _words("counter", inner["counter"], 4),
            "key": _words("key", inner["key"], 2),
        },
        "buffer": _words("buffer", outer["buffer"], 4),
        "buffer_pos": _integer("buffer_pos", outer["buffer_pos"], 4),
        "has_uint32": _integer("has_uint32", outer["has_uint32"], 1),
        "uinteger": _integer("uinteger", outer["uinteger"], 2**32 - 1),
    }


def _names(what: str, found: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(found, dict) or found.keys() != set(names):
        given = (
            ", ".join(map(str, found)) if isinstance(found, dict) else f"a {type(found).__name__}"
        )
        raise ValueError(f"random state: {what} needs {', '.join(names)}, got {given:.80}")
    return found


def _words(name: str, values: Any, count: int) -> np.ndarray:
    array = np.asarray(values)
    whole = array.dtype.kind == "u" or (array.dtype.kind == "i" and bool((array >= 0).all()))
    if array.shape != (count,) or not whole:
        raise ValueError(
            f"random state: {name!r} must be {count} integers from 0 on, got {values!r:.60}"
        )
    return array.astype(np.uint64)


def _integer(name: str, value: Any, most: int) -> int:
    if (
        not isinstance(value, (int, np.integer))
        or isinstance(value, bool)
        or not 0 <= value <= most
    ):
        raise ValueError(
            f"random state: {name!r} must be an integer from 0 to {most}, got {value!r:.60}"
        )
    return int(value)


def bytes(length: int) -> Any:  # noqa: A001
    """That many random bytes, from the cpu's generator.

    >>> len(bytes(3))
    3
    """
    return generator().bytes(length)


def drawing(name: str, device: str) -> Any:
    """A method of a device's generator by name; an error where CuPy's has none."""
    method = getattr(generator(device), name, None)
    if method is None:
        raise NotImplementedError(
            f"CuPy's generator draws no {name}: draw on the cpu and move the result, "
            f"minigrad.random.{name}(...).to({device!r})"
        )
    return method


def device_of(*parameters: Any, device: str | None = None) -> str:
    """Where to draw: where the user says, else where the first Tensor or array is."""
    if device is not None:
        return device
    for p in parameters:
        if isinstance(p, Tensor) or backend.is_array(p):
            return backend.device_of(raw(p))
    return "cpu"


def size_of(size: Any, *parameters: Any) -> Any:
    """The shape of the result: `size` where it is given, else that of the parameters together."""
    return np.broadcast_shapes(*map(np.shape, parameters)) if size is None else size


def check_positive(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is 0 or less; NaN passes, as in NumPy."""
    for name, value in parameters.items():
        array = _values(value)
        refuse_later(array <= 0, partial(_too_small, f"{function}: {name} must be positive", array))


def check_not_negative(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is less than 0; NaN passes, as in NumPy."""
    for name, value in parameters.items():
        array = _values(value)
        refuse_later(array < 0, partial(_too_small, f"{function}: {name} must not be negative", array))


def check_order(function: str, **parameters: Any) -> None:
    """Refuse two parameters, by name, of which the first is somewhere larger than the second."""
    (first, low), (second, high) = parameters.items()
    words = f"{function}: {first} must not be larger than {second}"
    refuse_later(_values(low > high), lambda: ValueError(words))


def check_probabilities(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is less than 0, more than 1, or NaN."""
    for name, value in parameters.items():
        array = _values(value)
        words = f"{function}: {name} must be between 0 and 1"
        refuse_later(np.logical_not((array >= 0) & (array <= 1)), partial(ValueError, words))


def check_finite(function: str, **parameters: Any) -> None:
    """Refuse parameters, by name, of which an element is NaN or infinite."""
    for name, value in parameters.items():
        words = f"{function}: {name} must be finite"
        refuse_later(np.logical_not(np.isfinite(_values(value))), partial(OverflowError, words))


def _values(x: Any) -> Any:
    """The array of a parameter, of all examples of a `vmap`."""
    return raw(all_examples(raw(x)))


def _too_small(words: str, array: Any) -> ValueError:
    return ValueError(f"{words}, got {float(np.nanmin(array)):.6g}")
