"""Which devices there are, what they are called, and on which of several GPUs something runs.

CuPy computes on the current GPU and leaves the result there, wherever the arrays are.  minigrad computes
where the arrays are: where there are several GPUs, ops and what `follow` decorates make the GPU of their first
array the current one.
"""

from __future__ import annotations

import functools
import importlib
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FunctionType
from typing import Any, TypeVar

from .install import install

__all__ = [
    "apart", "check_gpu", "cuda_is_available", "cupy", "device_name", "follow", "follow_forward", "gpu_of", "is_device",
    "moving", "on_gpu", "on_gpu_of", "parse_device",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])

#: Whether anybody has asked yet which GPUs there are, and whether these are several.
looked = several = False
#: What is to be done when CuPy is first met.
when_met: list[Callable[[], None]] = []


def cupy() -> Any:
    """The cupy module, or an error that says how to get it, or that there is no GPU."""
    global looked
    try:
        module = importlib.import_module("cupy")
        if not hasattr(module, "cuda"):
            raise ImportError("a folder called cupy, not the package")
    except ImportError as error:
        raise ImportError(
            f"device 'cuda' needs CuPy, which is not installed: {install('cuda12')}; cuda13 in place of cuda12 for CUDA 13"
        ) from error
    try:
        count = module.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise RuntimeError(f"device 'cuda': CuPy is installed but finds no usable GPU ({error})") from error
    if count == 0:
        raise RuntimeError("device 'cuda': CuPy is installed but this machine has no GPU")
    if not looked:
        looked = True
        for call in when_met:
            call()
    if count > 1 and not several:
        _begin_to_follow()
    return module


def cuda_is_available() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    try:
        cupy()
    except (ImportError, RuntimeError):
        return False
    return True


def parse_device(device: Any) -> int | None:
    """None for the cpu, the GPU's number otherwise.

    Args:
        device: "cpu", "cuda:1"; "cuda" for the current GPU; a GPU's number; or a device of CuPy's or
            PyTorch's.

    >>> parse_device("cpu"), parse_device("cuda:1"), parse_device(1)
    (None, 1, 1)
    """
    if isinstance(device, int) and not isinstance(device, bool) and device >= 0:
        return device
    if _is_cupys(device):
        return int(device.id)
    name = str(device)  # PyTorch's prints as its name
    if name == "cpu":
        return None
    kind, colon, number = name.partition(":")
    if kind != "cuda" or (colon and not (number.isascii() and number.isdigit())):
        raise ValueError(f"unknown device {device!r}: write 'cpu', 'cuda' or 'cuda:0', 'cuda:1', ...")
    return int(number) if colon else int(cupy().cuda.runtime.getDevice())


def is_device(x: Any) -> bool:
    """Whether something says a device, and not a dtype, say.

    >>> is_device("cuda:1"), is_device(0), is_device("float32"), is_device(np.float32)
    (True, True, False, False)
    """
    if isinstance(x, str):
        return x.partition(":")[0] in ("cpu", "cuda")
    if isinstance(x, int):
        return not isinstance(x, bool)
    kind = type(x)
    return kind.__name__.lower() == "device" and kind.__module__.partition(".")[0] in ("cupy", "torch")


def device_name(device: Any) -> str:
    """The one name of a device: "cpu", "cuda:0", "cuda:1" ... (arguments as `parse_device`).

    >>> device_name("cuda:01")
    'cuda:1'
    """
    number = parse_device(device)
    return "cpu" if number is None else f"cuda:{number}"


def check_gpu(number: int) -> None:
    """Raise RuntimeError where this machine has no GPU of that number."""
    count = cupy().cuda.runtime.getDeviceCount()
    if number >= count:
        have = f"this machine has {count} GPU{'s' * (count > 1)}, numbered from 0"
        raise RuntimeError(f"device 'cuda:{number}': {have}")


def apart(places: Mapping[str, str], what: str) -> RuntimeError | None:
    """The error for arrays that cannot meet: where each one is, and what to write.  None where all are on one device.

    >>> print(apart({"x": "cuda:0", "y": "cpu"}, "add"))  # doctest: +NORMALIZE_WHITESPACE
    add: the inputs are on different devices (x on cuda:0, y on cpu):
    move y with .to("cuda:0"), an array of NumPy's with minigrad.beside(y, x)
    """
    if len(set(places.values())) < 2:
        return None
    each = ", ".join(f"{name} on {device}" for name, device in places.items())
    there = next(name for name, device in places.items() if device != "cpu")
    far = next(name for name, device in places.items() if device != places[there])
    move = f'move {far} with .to("{places[there]}")'
    if places[far] == "cpu":  # and so perhaps no Tensor
        plain = all(re.fullmatch(r"[A-Za-z_][\w.\[\]]*", name) for name in (far, there))
        move += f", an array of NumPy's with minigrad.beside({f'{far}, {there}' if plain else 'array, tensor'})"
    return RuntimeError(f"{what}: the inputs are on different devices ({each}): {move}")


# ------------------------------------------------------------------------------- several GPUs


def on_gpu(number: int | None) -> AbstractContextManager[Any]:
    """The GPU of that number is the current one, inside; nothing changes for None."""
    if number is None or not several:
        return nullcontext()
    cuda = cupy().cuda
    return nullcontext() if number == cuda.runtime.getDevice() else cuda.Device(number)


def on_gpu_of(*values: Any) -> AbstractContextManager[Any]:
    """The GPU of the first array among values is the current one, inside."""
    return on_gpu(gpu_of(values)) if several else nullcontext()


def gpu_of(values: Iterable[Any], together: bool = False) -> int | None:
    """The number of the GPU where the first array among values is; None for none.

    Raises:
        ValueError: where arrays must be `together` and are on several.
    """
    found = None
    for x in values:
        if isinstance(x, (tuple, list, dict)):
            number = gpu_of(x.values() if isinstance(x, dict) else x, together)
        else:
            number = _number_of(x)
        if number is not None and number != found:
            if found is not None:
                raise ValueError(f"arrays on different GPUs: cuda:{found} and cuda:{number}")
            found = number
            if not together:
                return found
    return found


def _number_of(x: Any) -> int | None:
    device = getattr(x, "device", None)
    if isinstance(device, str):  # a Tensor's
        number = device.removeprefix("cuda:")
        return int(number) if number.isdigit() else None
    return device.id if device is not None and _is_cupys(device) else None


def _is_cupys(device: Any) -> bool:
    return type(device).__module__.partition(".")[0] == "cupy"


#: The generated functions of ops that do not follow their arrays yet.
_ops: weakref.WeakSet[FunctionType] = weakref.WeakSet()
#: Held while functions of ops are changed.
_lock = threading.Lock()


def follow(function: F) -> F:
    """Decorate a function that works with arrays: where there are several GPUs it runs on that of the first
    array among its arguments, or on the `device` that it is given.

    >>> @follow
    ... def double(x):
    ...     return x + x
    >>> double(np.ones(1))
    array([2.])
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not several:
            return function(*args, **kwargs)
        with on_gpu(_gpu_for(args, kwargs)):
            return function(*args, **kwargs)

    return run  # type: ignore[return-value]


def follow_forward(function: FunctionType) -> None:
    """The same for the generated function of an op, whose arrays must all be on one GPU.

    Its globals hold the forward, which is exchanged where there are several GPUs: elsewhere an op takes no
    time for this.
    """
    with _lock:
        if several:
            _let_follow(function)
        else:
            _ops.add(function)


def _begin_to_follow() -> None:
    global several
    with _lock:  # a thread that finds the GPUs at the same time waits until all ops follow
        while _ops:
            _let_follow(_ops.pop())
        several = True


def _let_follow(function: FunctionType) -> None:
    """Exchange the forward of an op for one that runs where its arrays are."""
    forward = function.__globals__["_forward"]

    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        with on_gpu(_gpu_for(args, kwargs, together=True)):
            return forward(*args, **kwargs)

    function.__globals__["_forward"] = run


def _gpu_for(args: tuple[Any, ...], kwargs: dict[str, Any], together: bool = False) -> int | None:
    """The number of the GPU where a function with these arguments runs; None for none."""
    number = gpu_of((*args, *kwargs.values()) if kwargs else args, together)
    if number is None and kwargs.get("device") is not None:
        number = parse_device(kwargs["device"])
        if number is not None:
            check_gpu(number)
    return number


def moving() -> AbstractContextManager[Callable[[Any], None] | None]:
    """For a loop over arrays of any GPUs: a function that makes the GPU of an array the current one.

    None where there is at most one GPU.  In the end the current GPU is what it was.
    """
    return _moving() if several else _STAYING


_STAYING = nullcontext(None)


@contextmanager
def _moving() -> Iterator[Callable[[Any], None]]:
    cuda = cupy().cuda
    with cuda.Device(cuda.runtime.getDevice()):
        yield _move_to


def _move_to(x: Any) -> None:
    number = gpu_of((x,))
    if number is not None:
        cupy().cuda.Device(number).use()
