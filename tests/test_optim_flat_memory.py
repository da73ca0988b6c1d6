"""Flat buffers: nobody sees where the parameters lie, and whoever has their memory sees their steps."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor
from minigrad.arrays.flat import Layout, has_only, is_alone

from .flat_samples import (
    both,
    buffer,
    check_same,
    give_gradients,
    host,
    parameters,
    sizes_of_updates,
    there,
    train,
)

pytestmark = pytest.mark.usefixtures("stand_in")


def test_an_array_of_the_users_goes_on_sharing_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    own = there(np.ones(3), "float32")
    params = [Tensor(own, requires_grad=True), *parameters([(2,), (4,)])]
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params, 2)
    assert params[0].data is own
    assert own[0] != 1
    assert calls == [buffer(2), 3] * 2
    del own
    train(optimizer, params, 1)
    assert calls[4:] == [buffer(3)]


@pytest.mark.parametrize(
    ("how", "when"), [*product(["array", "view", "detached", "transposed"], ["before", "between"]), ("pointer", "before")]
)
def test_whoever_has_a_parameters_memory_sees_its_steps(how: str, when: str) -> None:
    model = nn.Linear(3, 2).to("cuda")
    params, optimizer = list(model.parameters()), nn.optim.Adam(model.parameters(), lr=0.1)
    more = parameters([(2,), (3,)])
    optimizer.param_groups[0]["params"] += more

    def shared() -> Any:
        w = model.weight
        return {
            "array": lambda: w.data, "view": lambda: w.data[:1], "detached": w.detach,
            "transposed": lambda: w.data.T, "pointer": lambda: type(w.data)((6,), w.dtype, w.data.data),
        }[how]()  # fmt: skip

    if when == "between":
        train(optimizer, params + more)
    seen = shared()
    train(optimizer, params + more)
    give_gradients(params + more[:1], 9)  # another set of parameters, which lies in other buffers
    more[1].grad = None
    optimizer.step()
    model.bias.data = model.bias.data.copy()
    train(optimizer, params + more)
    np.testing.assert_array_equal(host(seen).ravel(), host(shared()).ravel())


def test_whoever_has_an_array_of_the_state_sees_its_steps() -> None:
    params = parameters()
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params)
    optimizer.load_state_dict(optimizer.state_dict())
    seen = optimizer.state[params[0]]["exp_avg"]
    train(optimizer, params)
    other = optimizer.state[params[1]]["exp_avg"]
    train(optimizer, params)
    assert optimizer.state[params[0]]["exp_avg"] is seen
    assert optimizer.state[params[1]]["exp_avg"] is other


def test_two_parameters_of_one_memory_are_both_stepped() -> None:
    def views() -> list[Tensor]:
        memory = there(np.arange(10.0))
        return [Tensor(x, requires_grad=True) for x in (memory[:6], memory[4:], memory[2:3])] + parameters(
            [(2,), (3,)], "float64"
        )

    def the_same() -> list[Tensor]:
        memory = there(np.arange(4.0))
        return [Tensor(memory, requires_grad=True) for _ in range(2)] + parameters([(2,), (3,)], "float64")

    for make in (views, the_same):
        runs = list(both("SGD", make, lr=0.1, momentum=0.9))
        for optimizer, params in runs:
            train(optimizer, params)
        check_same(*runs[0], *runs[1])
        ours = runs[0][1]
        assert np.shares_memory(ours[0].data, ours[1].data)


def test_memory_of_another_library_is_not_left() -> None:
    theirs, cuda = np.ones(4, np.float32), __import__("cupy").cuda
    pointer = cuda.MemoryPointer(cuda.UnownedMemory(theirs), theirs.ctypes.data, 0)
    params = [Tensor(type(there(0))((4,), np.float32, pointer), requires_grad=True), *parameters([(2,), (3,)])]
    del pointer
    train(nn.optim.SGD(params, lr=0.1), params)
    np.testing.assert_array_equal(theirs, host(params[0]))
    assert theirs[0] != 1


@pytest.mark.parametrize("steps_before", [0, 1])
def test_a_backward_pass_through_old_weights_is_refused(steps_before: int) -> None:
    params = parameters()
    optimizer = nn.optim.SGD(params, lr=0.1)
    train(optimizer, params, steps_before)
    losses = [(p**3).sum() for p in params]
    train(optimizer, params, 1, 5)
    for loss in losses:
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()


def test_a_backward_pass_through_weights_that_were_not_stepped_is_right() -> None:
    params = parameters()
    optimizer = nn.optim.SGD(params, lr=0.1)
    train(optimizer, params, 1)
    loss = (params[1] ** 3).sum()
    give_gradients(params, 1)
    params[1].grad = None
    optimizer.step()
    loss.backward()
    np.testing.assert_allclose(host(params[1].grad), 3 * host(params[1]) ** 2, rtol=1e-6)


def test_writing_one_parameter_says_nothing_of_the_others() -> None:
    params = parameters()
    train(nn.optim.SGD(params, lr=0.1), params, 1)
    loss = (params[0] ** 3).sum()
    params[1].data[...] = 0
    minigrad.mark_mutated(params[1].data)
    loss.backward()
    transposed = params[0].data.T
    loss = (Tensor(transposed, requires_grad=True) ** 3).sum()
    params[0].data[...] = 0
    minigrad.mark_mutated(params[0].data)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


# ------------------------------------------------------------------------------- many in a buffer


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16"])
def test_a_buffer_holds_arrays_of_any_shape(dtype: str) -> None:
    given = [np.arange(6).reshape(2, 3), np.array(7), np.zeros((0, 3)), np.ones(2)]
    arrays = [there(x, dtype) for x in given]
    layout = Layout(arrays)
    whole = layout.join(arrays)
    parts = layout.parts(whole)
    for x, part in zip(given, parts, strict=True):
        assert part.dtype == dtype
        np.testing.assert_array_equal(part.get(), x)
    whole *= 2
    np.testing.assert_array_equal(parts[0].get(), 2 * given[0])
    parts[1][...] = 5
    assert host(whole[128]) == 5
    assert layout.size == 3 * 128


def test_a_part_keeps_its_buffer_alive() -> None:
    layout = Layout([there(np.ones(1000)), there(np.ones(1000))])
    part = layout.parts(layout.join([there(np.ones(1000)), there(np.full(1000, 2.0))]))[1]
    others = [there(np.zeros(2000)) for _ in range(100)]
    assert (host(part) == 2).all()
    assert len(others) == 100


def test_who_is_alone_on_a_gpu() -> None:
    cupy = __import__("cupy")
    t = Tensor(cupy.asarray(np.zeros(4)))
    assert is_alone(t)
    for make in (
        lambda x: x, lambda x: x[1:], lambda x: x.reshape(2, 2), lambda x: cupy.ndarray((2,), x.dtype, x.data),
        lambda x: cupy.ndarray((2,), x.dtype, x.data + 8),
    ):  # fmt: skip
        other = make(t.data)
        assert not is_alone(t)
        del other
        assert is_alone(t)
    for view in (lambda x: x.reshape(2, 2), lambda x: x[1:3], lambda x: x.reshape(2, 2).T):
        memory = cupy.asarray(np.zeros(4))
        v = Tensor(view(memory))
        assert not is_alone(v)
        del memory
        assert is_alone(v)
        for pointer in (lambda x: x.data, lambda x: x.base.data):
            other = cupy.ndarray((2,), v.dtype, pointer(v.data))
            assert not is_alone(v)
            del other
    buffer = cupy.asarray(np.zeros(512))
    part = Tensor(Layout([buffer[:3], buffer[:2]]).parts(buffer)[1])
    assert is_alone(part)
    other = part.data[:1]
    assert not is_alone(part)
    assert other.size == 1
    state = {"x": there(np.zeros(2))}
    assert has_only(state, "x")
    x = state["x"]
    assert not has_only(state, "x")
    assert x.size == 2


def test_of_arrays_in_main_memory_nobody_says_that_they_are_alone() -> None:
    assert not is_alone(Tensor(np.zeros(3)))
    assert not has_only({"x": np.zeros(3)}, "x")


def test_arrays_that_others_have_stay_where_they_are_on_a_gpu(stand_in: Any) -> None:
    cupy = __import__("cupy")
    own, memory = cupy.asarray(np.ones(3)), cupy.asarray(np.ones(9))
    pointed = type(memory)((2,), memory.dtype, memory.data + 16)
    alone = [cupy.asarray(np.full(4, 3.0)), cupy.asarray(np.full(5, 3.0))]
    params = [Tensor(x, requires_grad=True) for x in (own, memory[:2], pointed, *alone)]
    del alone, pointed
    optimizer = nn.optim.SGD(params, lr=0.1)
    for _ in range(2):
        for p in params:
            p.grad = Tensor(np.ones(p.shape), device="cuda")
        with stand_in.counting() as count:
            optimizer.step()
    assert params[0].data is own
    np.testing.assert_allclose(own.get(), 0.8)
    np.testing.assert_allclose(memory.get(), [0.8] * 4 + [1.0] * 5)
    for p in params[3:]:
        np.testing.assert_allclose(p.data.get(), 2.8)
    assert count.launches == 4 + 2 + 3 * 2  # two gradients and the gaps behind them are joined one by one
