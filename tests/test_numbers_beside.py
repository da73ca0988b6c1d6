"""NumPy's arrays without axes, and lists of places and sizes, beside the tensors of a GPU: as on the cpu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, later, no_grad
from minigrad.viz.numbers import host as shown

F = nn.functional
Z = np.array
V, X = [1.0, 2.0, 3.0, 4.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

#: What a function of a list of numbers as a tensor returns.
CALLS: dict[str, Callable[[Callable[..., Tensor]], Any]] = {
    "full like": lambda t: mg.full((2,), Z(3.0), like=t(V)),
    "full on a device": lambda t: mg.full((2,), Z(3.0), device=t(V).device),
    "full of an array": lambda t: mg.full((2, 2), Z([1.0, 2.0]), device=t(V).device),
    "full of a list": lambda t: mg.full((2, 2), [1.0, 2.0], device=t(V).device),
    "full of a scalar": lambda t: mg.full((2,), np.float64(3.0), device=t(V).device),
    "full_like": lambda t: np.full_like(t(V), Z(3.0)),
    "full_like of a list": lambda t: np.full_like(t(V), [1.0, 2.0, 3.0, 4.0]),
    "pad": lambda t: np.pad(t(V), 1, constant_values=Z(3.0)),
    "pad widths": lambda t: np.pad(t(X), Z([[1, 1], [0, 2]])),
    "pad end values": lambda t: np.pad(t(V), 1, "linear_ramp", end_values=Z(3.0)),
    "split": lambda t: np.split(t(V), Z([1])),
    "split into": lambda t: np.array_split(t(V), Z(3)),
    "hsplit": lambda t: np.hsplit(t(X), Z([1])),
    "roll": lambda t: np.roll(t(X), Z([1, 1]), axis=(0, 1)),
    "tile": lambda t: np.tile(t(V), Z([2, 1])),
    "repeat": lambda t: np.repeat(t(V), Z([1, 2, 0, 1])),
    "reshape": lambda t: np.reshape(t(V), Z([2, 2])),
    "reshape by numbers": lambda t: t(V).reshape(Z(2), Z(2)),
    "transpose": lambda t: np.transpose(t(X), Z([1, 0])),
    "broadcast_to": lambda t: np.broadcast_to(t(V), Z([2, 4])),
    "moveaxis": lambda t: np.moveaxis(t(X), Z(0), Z(1)),
    "sum along": lambda t: np.sum(t(X), axis=Z(0)),
    "sum from": lambda t: np.sum(t(X), initial=Z(3.0)),
    "max from": lambda t: np.max(t(X), initial=Z(3.0)),
    "var": lambda t: np.var(t(V), ddof=Z(1)),
    "softmax": lambda t: mg.softmax(t(X), Z(0)),
    "norm": lambda t: np.linalg.norm(t(V), Z(3.0)),
    "fft": lambda t: np.fft.fft(t(V), Z(4)).real,
    "clip": lambda t: np.clip(t(V), Z(2.0), Z(3.0)),
    "nan_to_num": lambda t: np.nan_to_num(t([np.nan, 1.0]), nan=Z(7.0)),
    "argmax": lambda t: np.argmax(t(X), Z(0)),
    "count_nonzero": lambda t: np.count_nonzero(t(X), axis=Z(0)),
    "isclose": lambda t: np.isclose(t(V), t(V), rtol=Z(1e-3)),
    "bincount": lambda t: np.bincount(t([0, 1, 1]), minlength=Z(4)),
    "greater": lambda t: Z(2.0) < t(V),
    "floor_divide": lambda t: np.floor_divide(t(V), Z(2.0)),
    "diff": lambda t: np.diff(t(V), prepend=Z(0.0)),
    "ediff1d": lambda t: np.ediff1d(t(V), to_end=Z(3.0)),
    "trapezoid": lambda t: np.trapezoid(t(V), dx=Z(0.5)),
    "append": lambda t: np.append(t(V), Z(1.0)),
    "insert": lambda t: np.insert(t(V), Z(1), Z(9.0)),
    "hstack": lambda t: np.hstack([t(V), Z(1.0)]),
    "vstack of numbers": lambda t: np.vstack([t([1.0]), 2.0, np.float64(3.0)]),
    "outer": lambda t: np.outer(t(V), Z(2.0)),
    "kron": lambda t: np.kron(t(V), Z(2.0)),
    "convolve": lambda t: np.convolve(t(V), Z(2.0)),
    "convolve with a list": lambda t: np.convolve(t(V), [1.0, 2.0]),
    "linspace": lambda t: np.linspace(t(0.0), Z(1.0), 4),
    "logspace": lambda t: np.logspace(t(0.0), Z(1.0), 4),
    "one_hot": lambda t: F.one_hot(t([0, 1]), Z(3)),
    "leaky_relu": lambda t: F.leaky_relu(t(V), Z(0.1)),
}  # fmt: skip


def same(on_gpu: Any, on_cpu: Any) -> bool:
    if isinstance(on_cpu, (list, tuple)):
        return all(same(a, b) for a, b in zip(on_gpu, on_cpu, strict=True))
    assert on_gpu.device == "cuda:0"
    np.testing.assert_allclose(on_gpu.detach().cpu().numpy(), on_cpu.detach().numpy())
    return bool(on_gpu.dtype == on_cpu.dtype)


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_numbers_of_numpy_are_taken_beside_a_gpu_as_on_the_cpu(call: Any, requires_grad: bool, stand_in: Any) -> None:
    def on(device: str) -> Callable[..., Tensor]:
        def tensor(values: Any) -> Tensor:
            array = np.array(values)
            return Tensor(array, device=device, requires_grad=requires_grad and array.dtype.kind == "f")

        return tensor

    assert same(call(on("cuda")), call(on("cpu")))


@pytest.mark.parametrize("other", [Z(2.0), [2.0, 3.0, 4.0]], ids=["0-d", "list"])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "mod", "floordiv"])
def test_a_number_of_numpy_changes_a_tensor_in_place(name: str, other: Any, stand_in: Any) -> None:
    found = []
    for device in ("cuda", "cpu"):
        x = Tensor(np.array([1.0, 2.0, 3.0]), device=device, requires_grad=True)
        with no_grad():
            found.append(getattr(x, f"__i{name}__")(other))
    assert same(*found)


def test_draws_are_on_the_gpu_where_a_number_of_numpy_comes_first(stand_in: Any) -> None:
    assert mg.random.uniform(Z(0.0), Tensor(np.array(V), device="cuda")).device == "cuda:0"


def test_lists_stay_lists_in_main_memory() -> None:
    values = ([1.0, 2.0], np.ones(2), Z(1.0), None, 3)
    assert all(a is b for a, b in zip(mg.backend.side_by_side(*values), values, strict=True))


# ------------------------------------------------------------------------ what waits to be checked


def too_large() -> None:
    """Ask for a check that fails when a program waits for its GPU."""
    bad = Tensor(np.array([True]), device="cuda").data
    later.refuse_later(bad, lambda: ValueError("too large"))


#: What looks at numbers of a GPU.
LOOKS: dict[str, Callable[[Tensor], Any]] = {
    "a picture": shown,
    "pruning": lambda x: nn.utils.prune.l1_unstructured(layer(x), "weight", 1),
    "counts": lambda x: np.repeat(x, x.astype(int)),
    "counts of a gradient": lambda x: mg.grad(lambda y: np.repeat(y, x.astype(int)).sum())(x),
}


def layer(x: Tensor) -> nn.Module:
    module = nn.Linear(4, 1)
    return module.to(x.device)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_whoever_looks_at_a_gpu_meets_what_waits(look: Any, stand_in: Any) -> None:
    x = Tensor(np.array(V), device="cuda")
    too_large()
    with pytest.raises(ValueError, match="too large"):
        look(x)
