"""Flat buffers, and what changes between steps: arrays, states and options that are replaced, copied, saved, loaded."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad
import nn

from .flat_samples import (
    backward,
    both,
    buffer,
    check_same,
    give_gradients,
    host,
    network,
    parameters,
    sizes_of_updates,
    there,
    train,
)

pytestmark = pytest.mark.usefixtures("stand_in")


def test_data_that_are_replaced_in_between_are_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        calls.clear()
        train(optimizer, params, 2)
        params[0].data = there(np.ones((4, 3)), "float32")
        params[2].data = params[2].data.copy()
        params[3].data[...] = 2
        train(optimizer, params, 2, 5)
        if optimizer is runs[0][0]:
            assert calls == [buffer(4)] * 4
    check_same(*runs[0], *runs[1])


def test_data_may_get_another_shape_and_dtype() -> None:
    runs = list(both("SGD", lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        params[0].data, params[3].data = there(np.ones((3, 3)), "float32"), there(np.ones(9), "float32")
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
    before = [host(p) for p in params]
    for p in params[first:]:
        spoil(optimizer.state[p])
    give_gradients(params, 5)
    with pytest.raises(RuntimeError, match="must be a number"):
        optimizer.step()
    for p, x in zip(params, before, strict=True):
        np.testing.assert_array_equal(host(p), x)


def test_a_state_that_is_read_written_or_replaced_by_hand_is_the_state() -> None:
    runs = list(both(lr=0.1, amsgrad=True))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        optimizer.state[params[0]]["exp_avg"][...] = 0.5
        optimizer.state[params[1]]["exp_avg_sq"] = there(np.full(4, 2.0), "float32")
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
    middle = host(theirs[0])
    assert not np.array_equal(middle, host(params[0]))
    train(other, theirs, 2, 5)
    check_same(optimizer, params, other, theirs)


def test_a_state_dict_has_copies_and_goes_on_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    (a, ours), (b, theirs) = both(lr=0.1, amsgrad=True)
    train(a, ours)
    train(b, theirs)
    state = a.state_dict()
    train(a, ours, 2, 5)
    a.load_state_dict(state)
    for p, q in zip(ours, theirs, strict=True):
        p.data[...] = q.data
    calls.clear()
    train(a, ours, 2, 7)
    assert calls == [buffer(4)] * 2
    train(b, theirs, 2, 7)
    check_same(a, ours, b, theirs)


def test_a_file_holds_each_number_once() -> None:
    model = nn.Sequential(*[nn.Linear(10, 10) for _ in range(20)]).to("cuda")
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    train(optimizer, list(model.parameters()))
    file = io.BytesIO()
    nn.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    assert len(file.getvalue()) < 1.2 * 3 * 4 * 2200 + 20000
    file.seek(0)
    loaded = nn.load(file)
    before = {name: host(x) for name, x in model.state_dict().items()}
    train(optimizer, list(model.parameters()), 1)
    model.load_state_dict(loaded["model"])
    optimizer.load_state_dict(loaded["optimizer"])
    for name, x in model.state_dict().items():
        np.testing.assert_array_equal(host(x), before[name])


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
        model = nn.Linear(3, 2).to("cuda")
        optimizer = nn.optim.Adam(model.parameters(), lr=0.1, foreach=foreach)
        ema, swa = nn.optim.EMA(model, 0.9), nn.optim.swa_utils.AveragedModel(model)
        for i in range(4):
            train(optimizer, list(model.parameters()), 1, i)
            ema.update(model)
            swa.update_parameters(model)
        ends.append([host(p) for m in (model, ema.module, swa.module) for p in m.parameters()])
    for x, y in zip(*ends, strict=True):
        np.testing.assert_array_equal(x, y)


def test_an_error_in_the_check_changes_nothing() -> None:
    params = parameters()
    optimizer = nn.optim.Adam(params, lr=0.1)
    train(optimizer, params)
    before = [host(p) for p in params]
    give_gradients(params, 5)
    params[3].data = there(np.ones(3), "float32")
    with pytest.raises(RuntimeError, match="its gradient"):
        optimizer.step()
    for p, x in zip(params[:3], before, strict=False):
        np.testing.assert_array_equal(host(p), x)


def test_buffers_do_not_outlive_their_parameters() -> None:
    """A parameter that has left for another array leaves nothing behind after the next step."""
    params = parameters()
    optimizer = nn.optim.SGD(params, lr=0.1)
    train(optimizer, params)
    old = [weakref.ref(p.data) for p in params]
    for p in params:
        p.data = p.data.copy()
    train(optimizer, params)
    gc.collect()
    assert not any(ref() is not None for ref in old)


def test_models_on_a_gpu_are_moved_copied_loaded_and_go_on() -> None:
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
