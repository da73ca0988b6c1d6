"""What is computed on the CPU and on a GPU is the same: on the stand-in for one here, on a real card under `-m gpu`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import minigrad as mg
import nn

from . import stand_in
from .gpu import CASES, Case, compare, loops, networks, training, windows  # noqa: F401  (these four note their cases)
from .gpu.ops import OPS, compare_row

REAL = [pytest.mark.gpu, pytest.mark.skipif(not mg.cuda_is_available(), reason="needs CuPy and a GPU")]
#: The rows that are compared on the stand-in too, so that what the card runs is known to run; tests/test_ops.py has all there.
SOME = list(OPS)[::12]


@pytest.fixture(params=["stand-in", pytest.param("card", marks=REAL)])
def card(request: pytest.FixtureRequest) -> Iterator[str]:
    """The device "cuda": the stand-in for a GPU, silent where a GPU is, or a real one."""
    if request.param == "card":
        yield request.param
        return
    with stand_in.installed(lenient=True):
        yield request.param


@pytest.mark.parametrize("f", CASES.values(), ids=list(CASES))
def test_both_devices_compute_the_same(f: Case, card: str) -> None:
    compare(f)


#: The cases of nn that are run on the second of two GPUs too, but for most of the layers, which tests/test_several_gpus.py has.
SECOND = [n for i, n in enumerate(CASES) if n.startswith("nn: ") and ("layer " not in n or i % 4 == 0) and "looking" not in n]


@pytest.mark.filterwarnings("ignore:random numbers for the GPU are drawn on the cpu")
@pytest.mark.parametrize("name", SECOND)
def test_the_gpu_that_is_not_the_current_one_computes_the_same(name: str) -> None:
    """The stand-in's GPUs do not reach each other's memory, so what runs on the wrong one fails."""
    with stand_in.installed(devices=2, lenient=True):
        compare(CASES[name], "cuda:1")


@pytest.mark.parametrize("name", SOME)
def test_an_op_and_its_derivatives_are_the_same_on_the_stand_in(name: str) -> None:
    with stand_in.installed():
        compare_row(name)


@pytest.mark.gpu
@REAL[1]
@pytest.mark.parametrize("name", OPS)
def test_every_op_and_its_derivatives_are_the_same_on_a_card(name: str) -> None:
    compare_row(name)


def test_each_sample_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(device: str) -> list[object]:
        raise NotImplementedError("no such kernel") if device == "cuda" else ValueError("on the cpu")

    monkeypatch.setitem(OPS, "some", [lambda device: [1.0], fails, lambda device: [device == "cuda"]])
    with pytest.raises(AssertionError, match=r"some-1 ValueError: on the cpu; some-2 AssertionError: Not equal"):
        compare_row("some")


@pytest.mark.parametrize("wrong", ["value", "dtype", "shape", "number", "integer"])
def test_a_difference_between_the_devices_is_found(wrong: str) -> None:
    """What the comparisons above would do if a card computed something else."""

    def f(device: str) -> list[object]:
        x = np.array([1.0, 2.0])
        there = device == "cuda"
        results = {
            "value": [x + 1e-6 * there],
            "dtype": [x.astype(np.float32) if there else x],
            "shape": [x[None] if there else x],
            "number": [x] * (2 if there else 1),
            "integer": [np.array([1 << 40]) + there],
        }
        return results[wrong]

    with pytest.raises(AssertionError):
        compare(f)


def test_a_training_learns_on_the_card(card: str) -> None:
    mg.random.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).to("cuda")
    optimizer = nn.optim.Adam(model.parameters(), lr=0.05)
    x = mg.random.randn(64, 2, device="cuda")
    y = x[:, :1] * x[:, 1:]
    for _ in range(80):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.device == "cuda:0"
    assert loss.item() < 0.1


def test_a_class_out_of_range_is_told_at_the_latest_with_the_loss(card: str) -> None:
    logits = mg.zeros((2, 3), device="cuda", requires_grad=True)
    with pytest.raises(IndexError, match="target 7 is out of range for 3 classes"):
        nn.functional.cross_entropy(logits, mg.Tensor([0, 7], device="cuda")).item()


def test_an_error_of_values_leaves_the_card_usable(card: str) -> None:
    table = nn.Embedding(4, 2).to("cuda")
    with pytest.raises(IndexError, match="table has rows 0 to 3"):
        table(mg.Tensor([1, 9], device="cuda")).sum().item()
    assert table(mg.Tensor([1, 3], device="cuda")).shape == (2, 2)
    (mg.ones(3, device="cuda") * 2).sum().item()


def test_random_numbers_go_on_where_their_state_was_taken(card: str) -> None:
    mg.random.manual_seed(0)
    mg.random.randn(5, device="cuda")
    state = mg.random.get_state()
    first = mg.random.randn(3, device="cuda").tolist()
    mg.random.set_state(state)
    assert mg.random.randn(3, device="cuda:0").tolist() == first
