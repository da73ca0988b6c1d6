"""What is computed on both devices and compared: functions of the device, "cpu" or "cuda".

`tests/test_gpu.py` runs them on the stand-in and on a real card, `python -m tests.gpu` on a real card where there is no
pytest.  A case makes its numbers on the CPU, moves them, computes, and returns tensors, arrays and numbers, nested as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor

Case = Callable[[str], Any]

#: The cases of this folder's files, by name.
CASES: dict[str, Case] = {}

#: Itemsize of a real number -> (rtol, atol, atol as a share of the largest number, since what cancels out leaves an error of
#: that size).  A sum on a GPU has another order, and a card its own exp.
TOLERANCES = {2: (2e-2, 2e-3, 1e-2), 4: (2e-3, 1e-3, 1e-3), 8: (1e-7, 1e-8, 1e-8)}


def case(f: Case) -> Case:
    """Note a function of a device as a case, under its own name."""
    return add(f.__name__, f)


def add(name: str, f: Case) -> Case:
    assert name not in CASES, name
    CASES[name] = f
    return f


def on(device: str, values: Any, requires_grad: bool = True) -> Tensor:
    """Values as a tensor on a device, a leaf."""
    return Tensor(np.asarray(values), device=device, requires_grad=requires_grad)


def normal(*shape: int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def derivatives(ys: Any, xs: list[Tensor], order: int = 2) -> list[Any]:
    """The results, the gradients of their sum, the gradients of the sum of these, and so on up to an order."""
    ys = list(ys) if isinstance(ys, (list, tuple)) else [ys]
    found = list(ys)
    for _ in range(order):
        ys = [y for y in ys if y.requires_grad]
        if not ys:
            break
        seeds = [mg.ones_like(y.detach()) for y in ys]
        grads = mg.autograd.grad(ys, xs, seeds, create_graph=True, allow_unused=True)
        ys = [g for g in grads if g is not None]
        found += ys
    return found


def leaves(x: Any) -> Iterator[np.ndarray]:
    """All numbers of a nested result, as NumPy's arrays."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from leaves(item)
    elif x is not None:
        x = x.detach() if isinstance(x, Tensor) else x
        yield np.asarray(x.cpu().numpy() if isinstance(x, Tensor) else x.get() if hasattr(x, "get") else x)


def compare(f: Case, other: str = "cuda") -> None:
    """Run a case on the cpu and on another device.

    Raises:
        AssertionError: where values, shapes or dtypes differ.
    """
    expected, got = (list(leaves(f(device))) for device in ("cpu", other))
    if len(got) != len(expected) or not expected:
        raise AssertionError(f"{len(expected)} results on the cpu, {len(got)} on the GPU")
    for i, (a, b) in enumerate(zip(expected, got, strict=True)):
        if (b.dtype, b.shape) != (a.dtype, a.shape):
            raise AssertionError(f"result {i}: {a.dtype} {a.shape} on the cpu, {b.dtype} {b.shape} on the GPU")
        if a.dtype.kind not in "biufc":  # texts
            np.testing.assert_array_equal(b, a, err_msg=f"result {i}")
            continue
        np.testing.assert_allclose(b, a, *tolerances(a), err_msg=f"result {i}")


def tolerances(a: np.ndarray) -> tuple[float, float]:
    """rtol and atol for an array; whole numbers are to be equal.

    >>> tolerances(np.array([1.0, 1000.0, np.inf])), tolerances(np.array([1]))
    ((1e-07, 1e-05), (0.0, 0.0))
    """
    if a.dtype.kind not in "fc":
        return 0.0, 0.0
    rtol, atol, share = TOLERANCES[a.real.itemsize]
    return rtol, max(atol, share * float(np.abs(a[np.isfinite(a)]).max(initial=0.0)))
