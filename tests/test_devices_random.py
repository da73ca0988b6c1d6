"""Random numbers on GPUs: one stream for each device, saved and restored (on the stand-in)."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

import minigrad as mg
import nn
from minigrad import Tensor, kernels, random
from nn.functional import dropout
from nn.training import load_checkpoint, save_checkpoint

from . import stand_in as package

pytestmark = pytest.mark.filterwarnings("ignore:philox.cu cannot be compiled")


def drawn(*devices: Any) -> list[list[float]]:
    return [random.rand(5, device=device, dtype="float64").tolist() for device in devices]


def test_all_names_of_a_device_are_one_stream(two_gpus: Any) -> None:
    cupy = __import__("cupy")
    random.manual_seed(3)
    whole = random.rand(25, device="cuda:0", dtype="float64").tolist()
    random.manual_seed(3)
    parts = drawn("cuda", "cuda:0", 0, cupy.cuda.Device(0), NamedDevice("cuda:0"))
    assert len({number for part in parts for number in part}) == 25
    assert parts[0] == whole[:5]
    with cupy.cuda.Device(1):
        second = drawn("cuda")
    random.manual_seed(3)
    assert drawn("cuda:1") == second


class NamedDevice:
    """PyTorch's device prints as its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


def test_no_two_devices_draw_the_same_numbers(two_gpus: Any) -> None:
    random.manual_seed(3)
    streams = drawn("cpu", "cuda:0", "cuda:1")
    assert len({number for stream in streams for number in stream}) == 15
    random.manual_seed(3)
    assert drawn("cuda:1", "cpu", "cuda:0") == [streams[2], streams[0], streams[1]]
    random.manual_seed(4)
    assert drawn("cuda:0") != streams[1:2]


def test_device_none_is_the_cpu(stand_in: Any) -> None:
    random.manual_seed(3)
    expected = random.rand(3).tolist()
    random.manual_seed(3)
    assert random.rand(3, device=None).tolist() == expected
    assert random.generator(None) is random.generator("cpu")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gpu_draws_the_numbers_of_numpys_philox(stand_in: Any, dtype: Any) -> None:
    """Its counter begins in its own 2^192 blocks, and each draw with a new block."""
    random.manual_seed(11)
    key = random.get_state()["state"]["key"]
    first, second = (random.generator("cuda").random(size, dtype=dtype).get() for size in (13, 6))
    blocks = 2 if dtype == np.float32 else 4
    for counter, values in ((0, first), (blocks, second)):
        philox = np.random.Philox(key=key, counter=[counter, 0, 0, 1])
        expected = np.random.Generator(philox).random(len(values), dtype=dtype)
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "distribution"),
    [("random", "uniform"), ("standard_normal", "norm"), ("standard_exponential", "expon")],
)
def test_draws_of_a_gpu_follow_their_distribution(stand_in: Any, name: str, distribution: str, dtype: Any) -> None:
    x = getattr(random.generator("cuda"), name)((100, 200), dtype=dtype).get()
    assert (x.dtype, x.shape) == (dtype, (100, 200))
    assert scipy.stats.kstest(x.ravel(), getattr(scipy.stats, distribution).cdf).pvalue > 1e-3
    neighbours = np.corrcoef(x.ravel()[:-1], x.ravel()[1:])[0, 1]
    assert abs(neighbours) < 0.03


def test_whole_numbers_of_a_gpu(stand_in: Any) -> None:
    x = random.integers(-3, 5, size=8000, device="cuda").cpu().numpy()
    assert scipy.stats.chisquare(np.bincount(x + 3, minlength=8)).pvalue > 1e-3
    assert random.integers(1, 6, size=50, endpoint=True, dtype=np.uint8, device="cuda").dtype == np.uint8
    wide = random.integers(-(2**63), 2**63 - 1, size=2000, device="cuda").cpu().numpy()
    assert (wide < 0).any()
    assert (wide % 2 == 1).any()
    rows = random.generator("cuda").integers(np.array([0, 10]), np.array([5, 20]), (4, 2)).get()
    assert (rows[:, 0] < 5).all()
    assert (rows[:, 1] >= 10).all()
    for low, high in ((3, 2), (0, 0)):
        with pytest.raises(ValueError, match="low|high"):
            random.integers(low, high, size=2, device="cuda")


def test_empty_and_single_draws_of_a_gpu(stand_in: Any) -> None:
    assert random.rand(0, 3, device="cuda").shape == (0, 3)
    assert random.randn(device="cuda").shape == ()
    assert random.random(device="cuda").device == "cuda:0"
    before = random.get_state()
    random.rand(0, device="cuda")
    assert random.get_state()["devices"] == before["devices"]


def test_distributions_that_cupy_draws_follow_the_stream_too(stand_in: Any) -> None:
    def draw() -> list[Any]:
        return [
            random.poisson(3.0, size=4, device="cuda").tolist(),
            random.standard_gamma(Tensor([1.0, 2.0], device="cuda")).tolist(),
            random.standard_gamma(Tensor([1.0, 2.0], device="cuda")).tolist(),
        ]

    random.manual_seed(2)
    first = draw()
    assert first[1] != first[2]
    state = random.get_state()
    later = draw()
    random.set_state(state)
    assert draw() == later != first
    with pytest.raises(NotImplementedError, match=r"no wald.*random.wald\(\.\.\.\)\.to\('cuda'\)"):
        random.wald(1.0, 2.0, device="cuda")


def test_a_draw_takes_one_launch(stand_in: Any) -> None:
    random.rand(3, device="cuda")
    with package.counting() as count:
        random.rand(100, 100, device="cuda")
        random.randn(100, 100, device="cuda")
        random.integers(7, size=100, device="cuda")
    assert count.launches + count.uploads <= 3
    assert count.syncs == 0


# --------------------------------------------------------------------------------- the state


def test_the_state_is_that_of_all_devices(two_gpus: Any) -> None:
    random.manual_seed(1)
    drawn("cpu", "cuda:0", "cuda:1", "cuda:1")
    state = random.get_state()
    later = drawn("cpu", "cuda:1", "cuda:0")
    random.manual_seed(9)
    drawn("cuda:0")
    random.set_state(state)
    assert drawn("cpu", "cuda:1", "cuda:0") == later


def test_a_state_from_before_the_first_draw_begins_the_streams(two_gpus: Any) -> None:
    random.manual_seed(1)
    state = random.get_state()
    assert "devices" not in state  # as it was before there were GPUs
    first = drawn("cuda:0", "cuda:1")
    random.set_state(state)
    assert drawn("cuda:0", "cuda:1") == first
    random.manual_seed(5)
    random.set_state(state)  # also in a process of another seed
    assert drawn("cuda:0", "cuda:1") == first


def test_a_state_is_taken_up_without_that_gpu() -> None:
    random.manual_seed(1)
    with package.installed():
        drawn("cuda")
        state = random.get_state()
        later = drawn("cuda")
    random.manual_seed(2)
    random.set_state(state)  # there is no GPU now
    assert random.get_state()["devices"] == state["devices"]
    with package.installed():
        assert drawn("cuda") == later


WRONG = [
    [], {"cuda": 1}, {"cpu": 1}, {"cuda:01": 1}, {"cuda:-1": 1}, {"cuda:99999": 1}, {0: 1}, {"cuda:0": -1},
    {"cuda:0": 2**63}, {"cuda:0": 1.0}, {"cuda:0": True}, {"cuda:0": None}, {"cuda:0": np.zeros(1, int)},
    {"cuda:\u0661": 1},
]  # fmt: skip


@pytest.mark.parametrize("devices", WRONG, ids=repr)
def test_a_state_with_wrong_places_changes_nothing(stand_in: Any, devices: Any) -> None:
    random.manual_seed(1)
    drawn("cuda", "cpu")
    state = random.get_state()
    with pytest.raises(ValueError, match="random state: '(devices|cuda:0)'"):
        random.set_state({**state, "devices": devices})
    assert repr(random.get_state()) == repr(state)


def test_streams_of_seeded_are_those_of_the_key_on_a_gpu_too(stand_in: Any) -> None:
    random.manual_seed(1)
    first = drawn("cuda")
    with random.seeded(7, 2):
        inside = drawn("cuda", "cuda")
        state = random.get_state()
        later = drawn("cuda")
        random.set_state(state)
        assert drawn("cuda") == later
    after = drawn("cuda")
    with random.seeded(7, 2):
        assert drawn("cuda", "cuda") == inside
    with random.seeded(7, 3):
        assert drawn("cuda", "cuda") != inside
    random.manual_seed(1)
    assert drawn("cuda", "cuda") == first + after


def test_examples_of_vmap_draw_their_own_numbers_or_the_same_on_a_gpu(stand_in: Any) -> None:
    x = mg.zeros(3, device="cuda")

    def noisy(x: Any) -> Any:
        return x + random.generator("cuda").random(())

    different = mg.vmap(noisy, randomness="different")(x).tolist()
    same = mg.vmap(noisy, randomness="same")(x).tolist()
    assert (len(set(different)), len(set(same))) == (3, 1)
    assert random.rand(1, device="cuda").item() not in same


# ---------------------------------------------------------------------- masks after a checkpoint


def test_dropout_goes_on_with_the_same_masks_after_a_checkpoint(stand_in: Any, tmp_path: Path) -> None:
    model = nn.Linear(2, 2).to("cuda")
    x = mg.ones(64, device="cuda")
    random.manual_seed(1)
    dropout(x)
    save_checkpoint(tmp_path / "run", model)
    masks = [dropout(x).tolist() for _ in range(2)]
    random.manual_seed(2)
    load_checkpoint(tmp_path / "run", model)
    assert [dropout(x).tolist() for _ in range(2)] == masks
    assert masks[0] != masks[1]


def test_a_training_with_dropout_goes_on_as_if_it_had_not_stopped(stand_in: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(24, 3)).astype(np.float32), rng.integers(0, 2, 24)

    def trainer() -> Any:
        random.manual_seed(5)
        model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2)).to("cuda")
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
        loader = nn.data.DataLoader(nn.data.TensorDataset(X, Y), batch_size=8, shuffle=True, seed=3)
        return nn.training.Trainer(model, optimizer, nn.functional.cross_entropy), loader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, loader = trainer()
        whole.fit(loader, epochs=4)
        first, loader = trainer()
        first.fit(loader, epochs=2)
        save_checkpoint(tmp_path / "run", first.model, first.optimizer, loader=loader)
        second, loader = trainer()
        random.manual_seed(77)
        load_checkpoint(tmp_path / "run", second.model, second.optimizer, loader=loader)
        second.fit(loader, epochs=2)
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert a.tolist() == b.tolist()
    assert whole.model[0].weight.tolist() != first.model[0].weight.tolist()


def test_a_checkpointed_function_draws_its_masks_again(stand_in: Any) -> None:
    x = mg.ones(64, device="cuda", requires_grad=True)
    y = mg.checkpoint(lambda x: dropout(x))(x)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_skip_init_moves_no_stream(stand_in: Any) -> None:
    random.manual_seed(1)
    undisturbed = drawn("cuda")
    random.manual_seed(1)
    nn.utils.skip_init(nn.Linear, 3, 2, device="cuda")
    assert drawn("cuda") == undisturbed


def test_skip_init_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(random, "generator", lambda device: pytest.fail("numbers are drawn"))
        nn.utils.skip_init(lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.LSTM(2, 3), nn.Embedding(3, 2)))
    with pytest.raises(ZeroDivisionError):
        nn.utils.skip_init(lambda: 1 // 0)
    assert np.abs(nn.Linear(20, 20).weight.data).max() > 0.1


# ------------------------------------------------------------------------------- the kernels


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 4096, 4099])
def test_the_kernels_give_what_numpy_gives(stand_in: Any, monkeypatch: pytest.MonkeyPatch, size: int, dtype: str) -> None:
    def draws() -> list[Any]:
        random.manual_seed(8)
        generator = random.generator("cuda")
        if dtype == "int64":
            return [generator.integers(low, high, size).get() for low, high in ((-5, 1000), (0, 2**32))]
        names = ("random", "standard_normal", "standard_exponential")
        return [getattr(generator, name)(size, dtype=dtype).get() for name in names]

    with stand_in.counting() as kernels_alone:
        found = draws()
    monkeypatch.setattr(kernels, "enabled_on_gpu", False)  # as MINIGRAD_FAST=0 does
    with stand_in.counting() as numpy_alone:
        expected = draws()
    assert any(name.startswith("raw:draw_") for name in kernels_alone.names)
    assert not any(name.startswith("raw:") for name in numpy_alone.names)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype == dtype
        rtol, atol = (3e-6, 3e-7) if dtype == "float32" else (1e-14, 1e-15)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    if dtype != "int64":
        np.testing.assert_array_equal(found[0], expected[0])  # uniform ones are the same bits


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_a_generator_goes_on_from_the_same_place(stand_in: Any, copied: Any) -> None:
    """As one of NumPy's does, which lies on the cpu."""
    for device in ("cpu", "cuda"):
        random.manual_seed(4)
        own = random.generator(device)
        own.random(5)
        twin = copied(own)
        expected = np.asarray(Tensor(own.random(3)).cpu())
        np.testing.assert_array_equal(Tensor(twin.random(3)).cpu(), expected)


def test_a_copy_of_a_gpus_generator_moves_by_itself(stand_in: Any) -> None:
    own = random.generator("cuda")
    twin = copy.deepcopy(own)
    twin.random(100)
    assert (own.position, twin.position) == (0, 25)


# ------------------------------------------------------------------------- where the parameters are

#: Distributions with the values of their parameters.
DRAWS: list[tuple[str, tuple[Any, ...]]] = [
    ("uniform", (0.0, 2.0)), ("normal", (0.0, 2.0)), ("laplace", (0.0, 2.0)), ("logistic", (0.0, 2.0)),
    ("gumbel", (0.0, 2.0)), ("lognormal", (0.0, 0.5)), ("beta", (2.0, 3.0)), ("gamma", (2.0, 3.0)), ("f", (3.0, 8.0)),
    ("triangular", (0.0, 1.0, 2.0)), ("integers", (1, 6)), ("randint", (1, 6)), ("binomial", (5, 0.5)),
    ("hypergeometric", (5, 6, 4)), ("poisson", (2.0,)), ("geometric", (0.5,)), ("logseries", (0.5,)),
    ("exponential", (2.0,)), ("standard_gamma", (2.0,)), ("chisquare", (2.0,)), ("standard_t", (3.0,)),
]  # fmt: skip
#: How a parameter may be given.
FORMS: dict[str, Any] = {
    "number": lambda value: value, "list": lambda value: [value] * 2, "array": lambda value: np.array([value] * 2),
    "tensor": lambda value: Tensor(np.array([value] * 2)),
}  # fmt: skip


def forms(values: tuple[Any, ...], form: str, device: str) -> Iterator[list[Any]]:
    """The parameters with each of them in turn as a Tensor on the device, the others as they are given."""
    for i in range(len(values)):
        yield [Tensor(np.array([v] * 2), device=device) if j == i else FORMS[form](v) for j, v in enumerate(values)]


@pytest.mark.parametrize("form", ["number", "list", "array"])
@pytest.mark.parametrize(("name", "values"), DRAWS, ids=[name for name, _ in DRAWS])
def test_parameters_go_beside_the_one_that_is_on_a_gpu(name: str, values: Any, form: str, two_gpus: Any) -> None:
    draw = getattr(random, name)
    for device in ("cuda:0", "cuda:1"):
        for here, there in zip(forms(values, form, "cpu"), forms(values, form, device), strict=True):
            expected, got = draw(*here), draw(*there)
            assert (got.device, got.shape, got.dtype) == (device, expected.shape, expected.dtype)
            many = draw(*there, size=(500, 2)).cpu().numpy()
            np.testing.assert_allclose(many.mean(), draw(*here, size=(500, 2)).numpy().mean(), rtol=0.25, atol=0.25)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "values"), DRAWS, ids=[name for name, _ in DRAWS])
def test_parameters_go_to_the_device_that_is_asked_for(name: str, values: Any, form: str, two_gpus: Any) -> None:
    draw = getattr(random, name)
    for device in ("cpu", "cuda:0", "cuda:1"):
        given = [FORMS[form](v) for v in values]
        assert draw(*given, device=device).device == device
        for moved in forms(values, form, "cuda:0"):
            assert draw(*moved, device=device).device == device


@pytest.mark.parametrize(("name", "values"), [pair for pair in DRAWS if len(pair[1]) > 1])
def test_tensors_on_different_devices_are_refused_by_name(name: str, values: Any, stand_in: Any) -> None:
    for mixed in forms(values, "tensor", "cuda"):
        with pytest.raises(RuntimeError, match=r"different devices \(.*(cpu.*cuda:0|cuda:0.*cpu)"):
            getattr(random, name)(*mixed)


def test_vectors_and_elements_are_drawn_where_one_of_the_parameters_is(two_gpus: Any) -> None:
    p, five = np.full(5, 0.2), np.arange(5.0)
    for device in ("cuda:0", "cuda:1"):
        moved, share = Tensor(five, device=device), Tensor(p, device=device)
        draws = [
            random.multivariate_normal(np.zeros(2), Tensor(np.eye(2), device=device)),
            random.multivariate_normal(Tensor(np.zeros(2), device=device), [[1.0, 0.0], [0.0, 1.0]]),
            random.choice(5, 3, p=p.tolist(), device=device), random.choice(5, 3, False, p, device=device),
            random.choice(moved, 3, p=p), random.choice(moved, 3, False, p.tolist()), random.choice(five, 3, p=share),
            random.choice([1, 2, 3], 2, device=device), random.choice(Tensor(five), 2, device=device),
            random.choice(moved, 2), random.choice(5, 3, p=share), random.permutation(five, device=device),
            random.permutation(Tensor(five), device=device), random.permutation([1, 2], device=device),
        ]  # fmt: skip
        assert {x.device for x in draws} == {device}
        assert sorted(random.choice(moved, 5, False, p).tolist()) == sorted(random.permutation(moved).tolist()) == five.tolist()
        assert set(random.choice(5, 40, p=[0.0, 0.5, 0.0, 0.5, 0.0], device=device).tolist()) == {1, 3}
        assert set(random.choice(["a", "b"], 9, p=Tensor([0.0, 1.0], device=device))) == {"b"}
    with pytest.raises(ValueError, match="probabilities that sum to 1"):
        random.choice(5, 3, p=[0.1] * 5, device="cuda").cpu()


SIZES: list[Any] = [None, 3, (), (2, 3), [2, 3], np.array([2, 3]), np.int64(3), 0, 2.5, True, (2, True), (2, 3.0), -1, (2, -1)]


@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_a_gpu_takes_the_sizes_that_numpy_takes(size: Any, stand_in: Any) -> None:
    for name, values in SIZED:
        outcomes = [outcome(partial(getattr(random, name), *values, size=size, device=device)) for device in ("cpu", "cuda")]
        assert outcomes[0] == outcomes[1], name


#: Distributions, one of each way in which they are drawn.
SIZED: list[tuple[str, tuple[Any, ...]]] = [
    ("random", ()), ("standard_normal", ()), ("normal", (0.0, 1.0)), ("integers", (3,)), ("poisson", (3.0,)), ("gamma", (2.0,)),
]  # fmt: skip


def outcome(draw: Any) -> Any:
    """The shape of what is drawn, or the kind of error."""
    try:
        return draw().shape
    except (TypeError, ValueError) as error:
        return type(error)
