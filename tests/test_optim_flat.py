"""Steps of many parameters at once, in flat buffers: the same numbers, and nobody sees where the arrays lie.

Parameters in main memory are stepped one by one; here they are not, so that every machine tests this.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor
from minigrad.arrays import RowSparse
from minigrad.arrays.flat import Layout, has_only, is_alone

#: Optimizers that change each number by itself, with settings that use all of their state.
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "maximize": True}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "t0": 3}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.01, "maximize": True}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}),
    ("Adadelta", {"lr": 0.5, "weight_decay": 0.01}),
    ("Rprop", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.01}),
]
SHAPES: list[tuple[int, ...]] = [(4, 3), (4,), (), (2, 1, 3)]


@pytest.fixture(autouse=True)
def in_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers in main memory too, and NumPy's code for all sizes, so that equal means equal bits."""
    monkeypatch.setattr("nn.optim.flat._LARGEST_IN_MAIN_MEMORY", 10**9)
    monkeypatch.setattr(minigrad.kernels, "enabled", False)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the arrays that Adam's and SGD's `update` are called with."""
    found: list[int] = []
    for kind in (nn.optim.Adam, nn.optim.SGD):

        def update(self: Any, p: Any, *args: Any, own: Any = kind.update) -> None:
            found.append(p.size)
            own(self, p, *args)

        monkeypatch.setattr(kind, "update", update)
        monkeypatch.setattr(kind, "_said_of", (update, *kind._said_of[1:]))  # it computes the same
    return found


def parameters(shapes: Any = SHAPES, dtype: Any = "float32", seed: int = 0) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    return [Tensor(np.asarray(rng.normal(size=s)).astype(dtype), requires_grad=True) for s in shapes]


def give_gradients(params: list[Tensor], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = Tensor(np.asarray(rng.normal(size=p.shape)).astype(p.dtype))


def train(optimizer: Any, params: list[Tensor], steps: int = 3, first: int = 0) -> None:
    for i in range(steps):
        give_gradients(params, first + i)
        optimizer.step()


def check_same(optimizer: Any, params: list[Tensor], other: Any, others: list[Tensor]) -> None:
    """Two optimizers hold the same numbers, to the last bit."""
    for p, q in zip(params, others, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
        mine, theirs = optimizer.state[p], other.state[q]
        assert mine.keys() == theirs.keys()
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name])
            assert type(mine[name]) is type(theirs[name])
            assert getattr(mine[name], "dtype", None) == getattr(theirs[name], "dtype", None)


def both(name: str = "Adam", params: Any = parameters, **options: Any) -> Iterator[Any]:
    """Twice the same parameters with their optimizer: stepped together, and one by one."""
    for foreach in (None, False):
        own = params()
        yield getattr(nn.optim, name)(own, foreach=foreach, **options), own


# ----------------------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_one_step_of_all_is_a_step_of_each(name: str, options: dict[str, Any], dtype: str) -> None:
    (a, ours), (b, theirs) = both(name, lambda: parameters(dtype=dtype), **options)
    sizes = []
    kept = a._change
    a._change = lambda p, *args: (sizes.append(p.size), kept(p, *args))[1]
    for step in range(12):
        train(a, ours, 1, step)
        train(b, theirs, 1, step)
        check_same(a, ours, b, theirs)
    assert sizes[: 12 : 2 if dtype == "float16" else 1] == [sum(p.size for p in ours)] * (6 if dtype == "float16" else 12)


def test_every_optimizer_says_whether_it_steps_all_at_once() -> None:
    kinds = {n: k for n in nn.optim.__all__ if isinstance(k := getattr(nn.optim, n), type)}
    kinds = {n: k for n, k in kinds.items() if issubclass(k, nn.optim.Optimizer)}
    together = {n for n, k in kinds.items() if k.together}
    assert together == {name for name, _ in KINDS}
    assert kinds.keys() - together == {"Optimizer", "Adafactor", "LBFGS", "Muon", "SparseAdam"}


def test_an_optimizer_with_its_own_update_is_asked_for_each_parameter() -> None:
    class Layerwise(nn.optim.Adam):
        """A step as long as the parameter: it does not change each number by itself."""

        def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
            sizes.append(p.size)
            p -= group["lr"] * np.linalg.norm(p) * g

    sizes: list[int] = []
    params = parameters([(2, 3), (4,)])
    train(Layerwise(params), params, 2)
    assert sizes == [6, 4, 6, 4]

    class Plain(nn.optim.Adam):
        pass

    assert Plain.together
    assert not Layerwise.together


def _normed(self: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    """A step of the length lr: all numbers of a parameter count for each of them."""
    p -= group["lr"] * g / np.linalg.norm(g)


class _Mixin:
    update = _normed


class _Above(_Mixin, nn.optim.SGD):
    pass


class _Below(_Above):
    pass


class _Claims(_Mixin):
    together = True


class _NotItsOwn(_Claims, nn.optim.SGD):
    pass


@pytest.mark.parametrize("kind", [_Above, _Below, _NotItsOwn, "instance", "class", "late"])
def test_an_update_from_elsewhere_is_asked_for_each_parameter(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mixin's, the instance's, one that was put into the class before or after the optimizer was made."""
    if kind == "class":
        monkeypatch.setattr(nn.optim.SGD, "update", _normed)
    params = [Tensor([0.0, 0.0], requires_grad=True) for _ in range(2)]
    optimizer = (nn.optim.SGD if isinstance(kind, str) else kind)(params, lr=1.0)
    if kind == "instance":
        optimizer.update = _normed.__get__(optimizer)
    if kind == "late":
        monkeypatch.setattr(nn.optim.SGD, "update", _normed)
    for k, p in enumerate(params):
        p.grad = Tensor([10.0**k] * 2)
    optimizer.step()
    for p in params:
        np.testing.assert_allclose(p.detach().numpy(), [-(0.5**0.5)] * 2, rtol=1e-6)


@pytest.mark.parametrize("how", ["mixin", "instance", "class"])
def test_a_state_from_elsewhere_is_made_for_each_parameter(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fresh_state(p: Any, group: dict[str, Any]) -> dict[str, Any]:
        sizes.append(p.size)
        return {"exp_avg": np.full_like(p, p.size), "exp_avg_sq": np.ones_like(p), "step": 0}

    sizes: list[int] = []
    mixin = type("Mixin", (), {"fresh_state": staticmethod(fresh_state)})
    kind = type("Own", (mixin, nn.optim.Adam), {}) if how == "mixin" else nn.optim.Adam
    params = parameters([(2, 3), (4,)])
    optimizer = kind(params)
    if how == "instance":
        optimizer.fresh_state = fresh_state
    if how == "class":
        monkeypatch.setattr(nn.optim.Adam, "fresh_state", staticmethod(fresh_state))
    train(optimizer, params, 1)
    assert sizes[-2:] == [6, 4]


def test_foreach_false_steps_one_by_one(calls: list[int]) -> None:
    for foreach, want in ((None, [23]), (True, [23]), (False, [12, 4, 1, 6])):
        params = parameters()
        calls.clear()
        train(nn.optim.Adam(params, foreach=foreach), params, 1)
        assert calls == want


@pytest.mark.torch
def test_all_at_once_is_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = parameters(dtype="float64")
    theirs = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in ours]
    a, b = nn.optim.AdamW(ours, lr=0.1), torch.optim.AdamW(theirs, lr=0.1)
    for i in range(5):
        give_gradients(ours, i)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.tensor(p.grad.numpy())
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------------ which parameters go together


def test_parameters_without_a_gradient_stay_and_come_back_later(calls: list[int]) -> None:
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        calls.clear()
        train(optimizer, params, 2)
        before = params[1].detach().numpy().copy()
        for i in range(2):
            give_gradients(params, 10 + i)
            params[1].grad = None
            optimizer.step()
        np.testing.assert_array_equal(params[1].detach().numpy(), before)
        train(optimizer, params, 2, 20)
        if optimizer is runs[0][0]:  # then it is two steps behind the others, and is stepped by itself
            assert calls == [23, 23, 19, 19, 19, 4, 19, 4]
    check_same(*runs[0], *runs[1])


def test_two_halves_in_turn_keep_their_buffers() -> None:
    """As the two networks of a GAN do that share an optimizer."""
    runs = list(both(lr=0.1))
    kept: list[Any] = []
    for optimizer, params in runs:
        for i in range(6):
            half = params[:2] if i % 2 else params[2:]
            give_gradients(half, i)
            optimizer.step()
            for p in params:
                p.grad = None
            kept.append([p.data for p in params])
    assert all(x is y for x, y in zip(kept[1], kept[5], strict=True))
    check_same(*runs[0], *runs[1])


def test_groups_with_their_own_options(calls: list[int]) -> None:
    runs = []
    for foreach in (None, False):
        params = parameters()
        groups = [{"params": params[:2], "lr": 0.1}, {"params": params[2:], "betas": (0.5, 0.9)}]
        optimizer = nn.optim.Adam(groups, foreach=foreach)
        train(optimizer, params, 2)
        more = parameters([(3,), (2,)], seed=5)
        optimizer.add_param_group({"params": more, "lr": 0.3})
        train(optimizer, params + more, 2, 5)
        runs.append((optimizer, params + more))
    check_same(*runs[0], *runs[1])
    assert calls[:10] == [16, 7, 16, 7, 16, 7, 5, 16, 7, 5]


def test_a_parameter_that_is_added_to_a_group_is_stepped_with_the_others_or_by_itself() -> None:
    runs = list(both("SGD", lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        params += parameters([(3,)], seed=5)
        optimizer.param_groups[0]["params"].append(params[-1])
        train(optimizer, params, 2, 5)
    check_same(*runs[0], *runs[1])


def test_kinds_are_not_mixed() -> None:
    def mixed() -> list[Tensor]:
        more = parameters([(3,), (2, 2)], "float64", 1) + parameters([(3,), (2,)], "float16", 2)
        return (
            parameters([(2, 3), (4,), (0, 3), (0,)])
            + more
            + [
                Tensor(np.array([1 + 2j, 3]), requires_grad=True),
                Tensor(np.array([2j, 1]), requires_grad=True),
            ]
        )

    runs = list(both(params=mixed, lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params)
    check_same(*runs[0], *runs[1])


def test_row_sparse_gradients_change_their_rows_alone() -> None:
    runs = list(both("SGD", momentum=0.9, lr=0.1))
    for optimizer, params in runs:
        for i in range(4):
            give_gradients(params, i)
            if i != 2:
                params[0].grad = Tensor(RowSparse(np.ones((2, 3), np.float32), np.array([1, 1]), (4, 3)))
            optimizer.step()
    check_same(*runs[0], *runs[1])


def test_gradients_of_another_precision_are_computed_with_as_they_are() -> None:
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        for i in range(3):
            give_gradients(params, i)
            params[0].grad = Tensor(np.full((4, 3), 1 / 3))
            optimizer.step()
    check_same(*runs[0], *runs[1])


def test_parameters_of_any_order_in_memory() -> None:
    def transposed() -> list[Tensor]:
        return [Tensor(np.arange(6.0).reshape(2, 3).T, requires_grad=True) for _ in range(2)]

    runs = list(both(params=transposed, lr=0.1))
    for optimizer, params in runs:
        for i in range(3):
            give_gradients(params, i)
            params[1].grad = Tensor(np.asfortranarray(params[1].grad.numpy()))
            optimizer.step()
    check_same(*runs[0], *runs[1])


# --------------------------------------------------------------------- nobody sees where they lie


def test_an_array_of_the_users_goes_on_sharing_its_memory(calls: list[int]) -> None:
    own = np.ones(3, np.float32)
    params = [Tensor(own, requires_grad=True), *parameters([(2,), (4,)])]
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params, 2)
    assert params[0].data is own
    assert own[0] != 1
    assert calls == [6, 3, 6, 3]
    del own
    train(optimizer, params, 1)
    assert calls[4:] == [9]


@pytest.mark.parametrize("when", ["before", "between"])
@pytest.mark.parametrize("how", ["array", "view", "detached", "transposed", "memoryview"])
def test_whoever_has_a_parameters_memory_sees_its_steps(how: str, when: str) -> None:
    model = nn.Linear(3, 2)
    params, optimizer = list(model.parameters()), nn.optim.Adam(model.parameters(), lr=0.1)
    more = parameters([(2,), (3,)])
    optimizer.param_groups[0]["params"] += more

    def shared() -> Any:
        w = model.weight
        return {
            "array": lambda: w.data, "view": lambda: w.data[:1], "detached": w.detach,
            "transposed": lambda: w.detach().numpy().T, "memoryview": lambda: memoryview(w.data),
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
    np.testing.assert_array_equal(np.asarray(seen).ravel(), np.asarray(shared()).ravel())


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
        memory = np.arange(10.0)
        return [Tensor(x, requires_grad=True) for x in (memory[:6], memory[4:], memory[2:3])] + parameters(
            [(2,), (3,)], "float64"
        )

    def the_same() -> list[Tensor]:
        memory = np.arange(4.0)
        return [Tensor(memory, requires_grad=True) for _ in range(2)] + parameters([(2,), (3,)], "float64")

    for make in (views, the_same):
        runs = list(both("SGD", make, lr=0.1, momentum=0.9))
        for optimizer, params in runs:
            train(optimizer, params)
        check_same(*runs[0], *runs[1])
        ours = runs[0][1]
        assert np.shares_memory(ours[0].data, ours[1].data)


def test_memory_of_another_library_is_not_left() -> None:
    foreign = bytearray(np.ones(4, np.float32).tobytes())
    params = [Tensor(np.frombuffer(foreign, np.float32), requires_grad=True), *parameters([(2,), (3,)])]
    train(nn.optim.SGD(params, lr=0.1), params)
    np.testing.assert_array_equal(np.frombuffer(foreign, np.float32), params[0].detach().numpy())
    assert params[0].data[0] != 1


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
    np.testing.assert_allclose(params[1].grad.numpy(), 3 * params[1].detach().numpy() ** 2, rtol=1e-6)


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


# ---------------------------------------------------------------- what is replaced, copied, saved


def test_data_that_are_replaced_in_between_are_taken_up(calls: list[int]) -> None:
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        calls.clear()
        train(optimizer, params, 2)
        params[0].data = np.ones((4, 3), np.float32)
        params[2].data = params[2].data.copy()
        params[3].data[...] = 2
        train(optimizer, params, 2, 5)
        if optimizer is runs[0][0]:
            assert calls == [23] * 4
    check_same(*runs[0], *runs[1])


def test_data_may_get_another_shape_and_dtype() -> None:
    runs = list(both("SGD", lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        params[0].data, params[3].data = np.ones((3, 3), np.float32), np.ones((9,), np.float32)
        train(optimizer, params, 2, 5)
        for p in params:
            p.data = p.data.astype(np.float64)
        train(optimizer, params, 2, 7)
    check_same(*runs[0], *runs[1])
    assert runs[0][1][0].dtype == np.float64


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("step", ["2", None, True, np.zeros(4), "left out"])
def test_numbers_of_states_that_are_no_numbers_are_found_before_the_first_change(step: Any, first: int) -> None:
    def spoil(state: dict[str, Any]) -> None:
        state["step"] = step
        if isinstance(step, str) and step == "left out":
            del state["step"]

    params = parameters()
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params, 2)
    before = [p.detach().numpy().copy() for p in params]
    for p in params[first:]:
        spoil(optimizer.state[p])
    give_gradients(params, 5)
    with pytest.raises(RuntimeError, match="must be a number"):
        optimizer.step()
    for p, x in zip(params, before, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), x)


def test_a_state_that_is_read_written_or_replaced_by_hand_is_the_state() -> None:
    runs = list(both(lr=0.1, amsgrad=True))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        optimizer.state[params[0]]["exp_avg"][...] = 0.5
        optimizer.state[params[1]]["exp_avg_sq"] = np.full((4,), 2.0, np.float32)
        train(optimizer, params, 2, 5)
        optimizer.state[params[2]]["step"] = 9
        train(optimizer, params, 2, 7)
        optimizer.state[params[3]].clear()
        train(optimizer, params, 2, 9)
        for p in params:
            del optimizer.state[p]["max_exp_avg_sq"]
        train(optimizer, params, 2, 11)
        optimizer.state.clear()
        train(optimizer, params, 2, 13)
    check_same(*runs[0], *runs[1])


def test_options_may_change_between_steps() -> None:
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        optimizer.param_groups[0].update(amsgrad=True, lr=0.2, maximize=True)
        train(optimizer, params, 2, 5)
    check_same(*runs[0], *runs[1])


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_have_arrays_of_their_own(how: Any) -> None:
    params = parameters([(100,)] * 20)
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params)
    assert len(pickle.dumps((params, optimizer))) < 2 * 4 * (3 * 20 * 100) + 10000
    theirs, other = how((params, optimizer))
    train(optimizer, params, 2, 5)
    middle = theirs[0].detach().numpy().copy()
    assert not np.array_equal(middle, params[0].detach().numpy())
    train(other, theirs, 2, 5)
    check_same(optimizer, params, other, theirs)


def test_a_state_dict_has_copies_and_goes_on_bit_for_bit(calls: list[int]) -> None:
    (a, ours), (b, theirs) = both(lr=0.1, amsgrad=True)
    train(a, ours)
    train(b, theirs)
    state = a.state_dict()
    for entry in state["state"].values():
        for value in entry.values():
            assert not isinstance(value, np.ndarray) or value.flags.owndata
    train(a, ours, 2, 5)
    a.load_state_dict(state)
    for p, q in zip(ours, theirs, strict=True):
        p.data[...] = q.data
    calls.clear()
    train(a, ours, 2, 7)
    assert calls == [23, 23]
    train(b, theirs, 2, 7)
    check_same(a, ours, b, theirs)


def test_a_file_holds_each_number_once() -> None:
    model = nn.Sequential(*[nn.Linear(10, 10) for _ in range(20)])
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    train(optimizer, list(model.parameters()))
    file = io.BytesIO()
    nn.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    assert len(file.getvalue()) < 1.2 * 3 * 4 * 2200 + 20000
    file.seek(0)
    loaded = nn.load(file)
    before = {name: x.detach().numpy().copy() for name, x in model.state_dict().items()}
    train(optimizer, list(model.parameters()), 1)
    model.load_state_dict(loaded["model"])
    optimizer.load_state_dict(loaded["optimizer"])
    for name, x in model.state_dict().items():
        np.testing.assert_array_equal(x.detach().numpy(), before[name])


def test_two_optimizers_of_the_same_parameters_change_them_in_turn() -> None:
    runs = []
    for foreach in (None, False):
        params = parameters()
        first = nn.optim.Adam(params, lr=0.1, foreach=foreach)
        second = nn.optim.SGD(params, lr=0.1, momentum=0.9, foreach=foreach)
        for i in range(4):
            train(first, params, 1, 2 * i)
            train(second, params, 1, 2 * i + 1)
        runs.append((first, second, params))
    (a, b, ours), (c, d, theirs) = runs
    check_same(a, ours, c, theirs)
    check_same(b, ours, d, theirs)


def test_averages_of_weights_follow() -> None:
    ends = []
    for foreach in (None, False):
        minigrad.random.seed(0)
        model = nn.Linear(3, 2)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.1, foreach=foreach)
        ema, swa = nn.optim.EMA(model, 0.9), nn.optim.swa_utils.AveragedModel(model)
        for i in range(4):
            train(optimizer, list(model.parameters()), 1, i)
            ema.update(model)
            swa.update_parameters(model)
        ends.append([p.detach().numpy() for m in (model, ema.module, swa.module) for p in m.parameters()])
    for x, y in zip(*ends, strict=True):
        np.testing.assert_array_equal(x, y)


def test_an_error_in_the_check_changes_nothing() -> None:
    params = parameters()
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params)
    before = [p.detach().numpy().copy() for p in params]
    give_gradients(params, 5)
    params[3].data = np.ones(3, np.float32)
    with pytest.raises(RuntimeError, match="its gradient"):
        optimizer.step()
    for p, x in zip(params[:3], before, strict=False):
        np.testing.assert_array_equal(p.detach().numpy(), x)


def test_buffers_do_not_outlive_their_parameters() -> None:
    """A parameter that has left for another array leaves nothing behind after the next step."""
    import gc
    import weakref

    params = parameters()
    optimizer = nn.optim.SGD(params, lr=0.1)
    train(optimizer, params)
    old = [weakref.ref(p.data) for p in params]
    for p in params:
        p.data = p.data.copy()
    train(optimizer, params)
    gc.collect()
    assert not any(ref() is not None for ref in old)


# ------------------------------------------------------------------------------- many in a buffer


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c8", "c16"])
def test_a_buffer_holds_arrays_of_any_shape(dtype: str) -> None:
    arrays = [np.arange(6).reshape(2, 3).astype(dtype), np.array(7, dtype), np.zeros((0, 3), dtype), np.ones(2, dtype)]
    layout = Layout(arrays)
    buffer = layout.join(arrays)
    parts = layout.parts(buffer)
    for x, part in zip(arrays, parts, strict=True):
        assert part.dtype == x.dtype
        assert part.flags.writeable
        np.testing.assert_array_equal(part, x)
    buffer *= 2
    np.testing.assert_array_equal(parts[0], 2 * arrays[0])
    parts[1][...] = 5
    assert buffer[6] == 5
    assert layout.size == 9


def test_a_part_keeps_its_buffer_alive() -> None:
    layout = Layout([np.ones(1000), np.ones(1000)])
    part = layout.parts(layout.join([np.ones(1000), np.full(1000, 2.0)]))[1]
    others = [np.zeros(2000) for _ in range(100)]
    assert (part == 2).all()
    assert len(others) == 100


def test_who_is_alone() -> None:
    t = Tensor(np.zeros(3))
    assert is_alone(t)
    for make in (lambda: t.data, lambda: t.data[1:], t.detach, lambda: memoryview(t.data)):
        other = make()
        assert not is_alone(t)
        del other
        assert is_alone(t)
    memory = np.zeros(5)
    view = Tensor(memory[:2])
    assert not is_alone(view)
    del memory
    assert is_alone(view)
    assert not is_alone(Tensor(np.frombuffer(bytearray(8))))
    state = {"x": np.zeros(2)}
    assert has_only(state, "x")
    x = state["x"]
    assert not has_only(state, "x")
    assert x.size == 2


# -------------------------------------------------------------------------------------- on a GPU

#: How many launches a step takes where the gradients are joined by one.
LAUNCHES: list[tuple[str, dict[str, Any], int]] = [
    ("Adam", {}, 13),
    ("Adam", {"weight_decay": 0.1}, 15),
    ("Adam", {"maximize": True}, 14),
    ("AdamW", {}, 14),
    ("AdamW", {"amsgrad": True}, 15),
    ("SGD", {"lr": 0.1}, 3),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, 5),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}, 9),
    ("RMSprop", {}, 10),
    ("RMSprop", {"momentum": 0.9, "centered": True}, 18),
    ("ASGD", {}, 7),
    ("Adagrad", {}, 8),
    ("Adadelta", {}, 16),
    ("Rprop", {}, 15),
    ("Adamax", {}, 11),
    ("NAdam", {}, 16),
    ("RAdam", {}, 13),
]


def network(layers: int, device: str = "cuda") -> Any:
    minigrad.random.seed(0)
    return nn.Sequential(*[nn.Linear(5, 5) for _ in range(layers)]).to(device)


def backward(model: Any) -> None:
    x = np.linspace(-1, 1, 20).reshape(4, 5).astype(np.float32)
    model.zero_grad()
    (model(Tensor(x, device=model[0].weight.device)) ** 2).mean().backward()


def host(x: Any) -> Any:
    return x.get() if hasattr(x, "get") else x


@pytest.mark.parametrize(("name", "options", "launches"), LAUNCHES)
@pytest.mark.parametrize("layers", [2, 20])
def test_a_step_takes_as_many_launches_for_few_parameters_as_for_many(
    name: str, options: dict[str, Any], launches: int, layers: int, stand_in: Any
) -> None:
    gpu, cpu = network(layers), network(layers, "cpu")
    ours, theirs = (getattr(nn.optim, name)(m.parameters(), **options) for m in (gpu, cpu))
    theirs.param_groups[0]["foreach"] = False
    counts = []
    for _ in range(8):
        for model, optimizer in ((gpu, ours), (cpu, theirs)):
            backward(model)
            with stand_in.counting() as count:
                optimizer.step()
            if optimizer is ours:
                assert not count.syncs, count
                assert count.uploads <= (0 if layers == 2 else 6), count  # CuPy's own tables for a joining of many
                counts.append(count.launches)
    joined = 8 if layers == 2 else 1  # CuPy joins up to eight pieces by a launch each; here they are 4 gradients and 4 gaps
    assert max(counts[1:]) == launches - 1 + joined
    assert counts[0] <= launches + 8 + joined  # the parameters and the first state are moved
    for p, q in zip(gpu.parameters(), cpu.parameters(), strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_a_step_on_a_gpu_is_a_step_of_each(name: str, options: dict[str, Any], dtype: str, stand_in: Any) -> None:
    ours, theirs = parameters(dtype=dtype), parameters(dtype=dtype)
    for p in ours:
        p.data = minigrad.to_device(p.detach(), "cuda").data
    a, b = (getattr(nn.optim, name)(ps, **options) for ps in (ours, theirs))
    b.param_groups[0]["foreach"] = False
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        a.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.data.get(), q.data)
        for key, value in b.state[q].items():
            np.testing.assert_array_equal(host(a.state[p][key]), value)
    places = [p.data.data.ptr for p in ours]
    assert {(x - places[0]) % (128 * ours[0].dtype.itemsize) for x in places} == {0}
    assert len({id(p.data.data.mem) for p in ours}) == 1


def test_a_whole_training_step_waits_for_nothing(stand_in: Any) -> None:
    model = network(10)
    rate = Tensor(np.float32(0.1))
    optimizer = nn.optim.Adam([{"params": model[:5].parameters(), "lr": rate}, {"params": model[5:].parameters()}])
    for i in range(3):
        with stand_in.counting() as count:
            backward(model)
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            nn.utils.clip_grad_value_(model.parameters(), 0.01)
            optimizer.step()
            optimizer.zero_grad()
        assert not count.syncs, (i, count)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_steps_one_by_one_wait_for_nothing(name: str, stand_in: Any) -> None:
    ours, theirs = parameters([(3, 4), (4, 2)]), parameters([(3, 4), (4, 2)])
    for p in ours:
        p.data = minigrad.to_device(p.detach(), "cuda").data
    a, b = (getattr(nn.optim, name)(ps, lr=0.1, weight_decay=0.01) for ps in (ours, theirs))
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        with stand_in.counting() as count:
            a.step()
        assert not count.syncs, count
        assert not count.uploads, count
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)


def test_a_rate_on_the_gpu_is_read_once_for_a_group(stand_in: Any) -> None:
    model = network(10)
    optimizer = nn.optim.Adam(model.parameters(), lr=Tensor(np.float32(0.1), device="cuda"))
    for _ in range(3):
        backward(model)
        with stand_in.counting() as count:
            optimizer.step()
    assert count.syncs == 1, count


def test_gradients_are_forgotten_without_a_launch(stand_in: Any) -> None:
    model = network(3)
    backward(model)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    with stand_in.counting() as count:
        optimizer.zero_grad()
    assert not count.launches, count


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


def test_who_is_alone_on_a_gpu(stand_in: Any) -> None:
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


def test_models_on_a_gpu_are_moved_copied_loaded_and_go_on(stand_in: Any) -> None:
    ends = []
    for foreach in (None, False):
        model = network(3)
        optimizer = nn.optim.AdamW(model.parameters(), lr=0.1, foreach=foreach)
        for _ in range(2):
            backward(model)
            optimizer.step()
        other, another = copy.deepcopy((model, optimizer))
        file = io.BytesIO()
        nn.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        for m, o in ((model, optimizer), (other, another)):
            backward(m)
            o.step()
        file.seek(0)
        state = nn.load(file)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        backward(model)
        optimizer.step()
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            np.testing.assert_array_equal(p.data.get(), q.data.get())
        model.to("cpu")
        optimizer.load_state_dict(optimizer.state_dict())
        backward(model)
        optimizer.step()
        ends.append([p.detach().numpy() for p in model.parameters()])
    for x, y in zip(*ends, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("kind", ["EMA", "mean", "ema"])
def test_averages_take_as_many_launches_for_few_parameters_as_for_many(kind: str, stand_in: Any) -> None:
    launches, ends = [], []
    for layers, device in ((2, "cuda"), (10, "cuda"), (10, "cpu")):
        model = network(layers, device)
        if kind == "EMA":
            average: Any = nn.optim.EMA(model, 0.9)
            update = average.update
        else:
            multi = nn.optim.swa_utils.get_ema_multi_avg_fn(0.9) if kind == "ema" else None
            average = nn.optim.swa_utils.AveragedModel(model, multi_avg_fn=multi)
            update = average.update_parameters
        for i in range(3):
            for p in model.parameters():
                p.data[...] = p.data + i
            with stand_in.counting() as count:
                update(model)
        assert not count.syncs, count
        launches.append(count.launches)
        ends.append([host(p.data) for p in average.module.parameters()])
    assert launches[1] <= 7
    assert launches[0] <= launches[1] + 2 * 7  # up to eight pieces are joined by a launch each
    for x, y in zip(*ends[1:], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_vector_is_written_into_parameters_anywhere(device: str, stand_in: Any) -> None:
    model = network(5)
    params = list(model.parameters())
    vector = Tensor(np.arange(150.0), device=device)
    seen = params[0].data
    with stand_in.counting() as count:
        nn.utils.vector_to_parameters(vector, params)
    assert not count.syncs
    assert device == "cpu" or count.launches <= 5, count
    assert params[0].data is seen
    np.testing.assert_array_equal(nn.utils.parameters_to_vector(params).data.get(), np.arange(150.0))


# --------------------------------------------------------------------------------------- clipping


def gradients_on(device: str, dtypes: Any = ("float32",), scale: float = 1.0) -> list[Tensor]:
    rng, params = np.random.default_rng(0), []
    for dtype in dtypes:
        for shape in ((3, 2), (), (0, 2), (4,)):
            g = rng.normal(size=shape) * scale + (1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else 0)
            params.append(Tensor(np.zeros(shape, dtype), device=device, requires_grad=True))
            params[-1].grad = Tensor(np.asarray(g).astype(dtype), device=device)
    return params


@pytest.mark.parametrize("norm_type", [2.0, 1.0, np.inf, 0.5, 0, -1.0, -np.inf])
@pytest.mark.parametrize("dtypes", [("float32",), ("float64",), ("float16",), ("complex64",), ("float32", "float64")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0])
def test_clipping_a_norm_on_a_gpu_is_that_on_the_cpu(norm_type: float, dtypes: Any, max_norm: float, stand_in: Any) -> None:
    ours, theirs = gradients_on("cuda", dtypes), gradients_on("cpu", dtypes)
    with stand_in.counting() as count:
        total = nn.utils.clip_grad_norm_(ours, max_norm, norm_type)
    assert not count.syncs, count
    want = nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    rtol = 1e-2 if "float16" in dtypes else 1e-5
    np.testing.assert_allclose(total.item(), want.item(), rtol=1e-5)
    for p, q in zip(ours, theirs, strict=True):
        assert p.grad.dtype == q.grad.dtype
        np.testing.assert_allclose(p.grad.data.get(), q.grad.data, rtol=rtol)


@pytest.mark.parametrize("numbers", [[3e30, 4e30], [3e-42, 4e-42], [0.0, 0.0], [np.inf, 1.0], [np.nan, 1.0], [3e38, 3e38]])
def test_norms_out_of_range_on_a_gpu_are_those_on_the_cpu(numbers: list[float], stand_in: Any) -> None:
    ends = []
    for device in ("cuda", "cpu"):
        p = Tensor(np.zeros(2, np.float32), device=device, requires_grad=True)
        p.grad = Tensor(np.array(numbers, np.float32), device=device)
        with np.errstate(all="ignore"):
            total = nn.utils.clip_grad_norm_([p], 1.0)
        ends.append((total.item(), p.grad.data))
    (a, g), (b, h) = ends
    np.testing.assert_allclose(a, b, rtol=1e-3)
    np.testing.assert_allclose(g.get(), h, rtol=1e-3, atol=1e-44)


def test_clipping_takes_as_many_launches_for_few_gradients_as_for_many(stand_in: Any) -> None:
    for layers, joined in ((2, 10), (20, 0)):  # few gradients are joined, and their norms, by a launch each
        model = network(layers)
        backward(model)
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        for clip, most in ((nn.utils.clip_grad_norm_, 14 + joined), (nn.utils.clip_grad_value_, 2 + min(joined, 7))):
            backward(model)
            with stand_in.counting() as count:
                clip(model.parameters(), 0.01)
            assert count.launches == most, count
            assert not count.syncs, count


def test_a_gradient_that_somebody_has_is_clipped_where_it_is(stand_in: Any) -> None:
    params = gradients_on("cuda")
    seen, tensor = params[0].grad.data, params[3].grad
    nn.utils.clip_grad_value_(params, 0.01)
    assert params[0].grad.data is seen
    assert params[3].grad is tensor
    for p in params:
        assert (np.abs(p.grad.data.get()) <= 0.0101).all()


def test_a_norm_that_is_no_number_is_refused_on_a_gpu_too(stand_in: Any) -> None:
    params = gradients_on("cuda")
    params[0].grad.data[0, 0] = np.inf
    with pytest.raises(RuntimeError, match="is inf"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)


# ---------------------------------------------------------------------------------- on a real one


@pytest.mark.gpu
@pytest.mark.skipif(not minigrad.cuda_is_available(), reason="needs CuPy and a GPU")
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_a_real_gpu_steps_all_at_once_and_shares_what_was_shared(name: str, options: dict[str, Any]) -> None:
    ours, theirs = parameters(), parameters()
    for p in ours:
        p.data = minigrad.to_device(p.detach(), "cuda").data
    a, b = (getattr(nn.optim, name)(ps, **options) for ps in (ours, theirs))
    b.param_groups[0]["foreach"] = False
    seen = None
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        nn.utils.clip_grad_norm_(ours, 1e6)
        a.step()
        seen = ours[0].data if seen is None else seen
    places = [p.data.data.ptr for p in ours]
    assert max(places) - min(places) < 4 * 128 * 4
    assert {(x - places[0]) % 512 for x in places} == {0}
    np.testing.assert_array_equal(seen.get(), ours[0].data.get())
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)
