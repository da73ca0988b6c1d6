"""Optimizers: step for step with PyTorch's, for every kind of parameter, option and state; L-BFGS; averages of weights."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor
from minigrad.arrays import RowSparse
from nn.optim import EMA, LBFGS, SGD, Adam
from nn.optim.options import NO_EFFECT

#: Every optimizer with one setting that uses all of its state.
KINDS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "ASGD": {"lr": 0.1, "lambd": 0.1, "t0": 3},
    "Adam": {"lr": 0.1, "amsgrad": True, "weight_decay": 0.01},
    "AdamW": {"lr": 0.1, "weight_decay": 0.1},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2},
    "RMSprop": {"lr": 0.01, "momentum": 0.9, "centered": True},
    "Adadelta": {"lr": 0.5, "weight_decay": 0.01},
    "Rprop": {"lr": 0.1},
    "Adamax": {"lr": 0.1},
    "NAdam": {"lr": 0.1},
    "RAdam": {"lr": 0.1, "weight_decay": 0.01},
    "Adafactor": {"lr": 0.1, "weight_decay": 0.01},
    "Muon": {"lr": 0.1},
    "LBFGS": {"lr": 0.1},
    "SparseAdam": {"lr": 0.1},
}
#: Those that change each number by itself.
ELEMENTWISE = [name for name in KINDS if name not in ("Adafactor", "Muon", "LBFGS", "SparseAdam")]
#: Those that take an ordinary gradient and a plain `step()`.
DENSE = [*ELEMENTWISE, "Adafactor"]


def make(name: str, params: Any, **options: Any) -> Any:
    return getattr(nn.optim, name)(params, **{**KINDS[name], **options})


def gradient_of(name: str, p: Tensor, seed: int) -> Tensor:
    """A random gradient, row-sparse for SparseAdam."""
    values = np.random.default_rng(seed).normal(size=p.shape).astype(p.dtype)
    return Tensor(RowSparse(values, np.arange(len(values)), p.shape)) if name == "SparseAdam" else Tensor(values)


def advance(name: str, optimizer: Any, params: list[Tensor], steps: int, seed: int = 0) -> None:
    """Steps with gradients that depend on the seed alone."""
    for i in range(steps):

        def closure(i: int = i) -> float:
            for k, p in enumerate(params):
                p.grad = gradient_of(name, p, 1000 * seed + 10 * i + k)
            return 1.0

        optimizer.step(closure)


def values(params: list[Tensor]) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in params]


def matrices() -> list[Tensor]:
    rng = np.random.default_rng(3)
    return [Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((3, 4), (4, 2))]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.torch
@pytest.mark.parametrize("options", [{"lr": 0.1}, {"lr": 0.5, "history_size": 3, "max_iter": 5}])
def test_lbfgs_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(0)
    start, a = rng.normal(size=(2, 3)), rng.normal(size=(6, 6))
    a = a @ a.T + np.eye(6)
    x, t = Tensor(start.copy(), requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = LBFGS([x], **options), torch.optim.LBFGS([t], **options)

    def closure() -> Any:
        ours.zero_grad()
        flat = x.reshape(-1)
        loss = flat @ a @ flat / 2 + (flat**4).sum()
        loss.backward()
        return loss

    def their_closure() -> Any:
        theirs.zero_grad()
        flat = t.reshape(-1)
        loss = flat @ torch.tensor(a) @ flat / 2 + (flat**4).sum()
        loss.backward()
        return loss

    for _ in range(5):
        np.testing.assert_allclose(float(ours.step(closure)), float(theirs.step(their_closure)), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(x.detach().numpy(), t.detach().numpy(), rtol=1e-6, atol=1e-9)


def test_lbfgs_with_a_line_search_finds_the_minimum_of_rosenbrocks_function() -> None:
    p = Tensor(np.array([-1.2, 1.0]), requires_grad=True)
    optimizer = LBFGS([p], max_iter=100, line_search_fn="armijo", max_eval=500)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(p.detach().numpy(), [1.0, 1.0], atol=1e-4)
    with pytest.raises(TypeError, match="needs a closure"):
        optimizer.step()


def test_a_closure_is_called_by_every_optimizer() -> None:
    p = Tensor([1.0], requires_grad=True)
    optimizer = SGD([p], lr=0.1)

    def closure() -> Any:
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert p.item() == pytest.approx(0.8)


def test_averages_of_weights() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = EMA(model, 0.5)
    before = model[0].weight.detach().numpy().copy()
    model[0].weight.data += 1.0
    model(np.random.default_rng(0).normal(size=(4, 2)))
    average.update(model)
    np.testing.assert_allclose(average.module[0].weight.detach().numpy(), before + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(average.module[1].running_mean.numpy(), model[1].running_mean.numpy())
    other = EMA(model, 0.5)
    other.load_state_dict(average.state_dict())
    np.testing.assert_array_equal(other.module[0].weight.detach().numpy(), average.module[0].weight.detach().numpy())
    with pytest.raises(ValueError, match="between 0 and 1"):
        EMA(model, 2.0)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.1}),
        ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1, "amsgrad": True}),
        ("Adam", {"lr": 0.01, "maximize": True}),
        ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
        ("AdamW", {"lr": 0.1, "amsgrad": True}),
        ("Adagrad", {"lr": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
        ("RMSprop", {"lr": 0.01}),
        ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
        ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "maximize": True}),
        ("Adadelta", {"lr": 1.0}),
        ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
        ("Adamax", {"lr": 0.1}),
        ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}),
        ("NAdam", {"lr": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("RAdam", {"lr": 0.1}),
        ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
        ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("Rprop", {"lr": 0.1}),
        ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.5)}),
        ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("ASGD", {"lr": 0.1}),
        ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.6, "t0": 5.0, "weight_decay": 0.1}),
        ("Adafactor", {"lr": 0.1}),
        ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-4, 1e-2), "d": 2.0, "weight_decay": 0.1, "maximize": True}),
    ],
)
def test_optimizer_equals_torchs_over_50_steps(name: str, options: dict, request: pytest.FixtureRequest) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_default_dtype(torch.float64)  # torch keeps scalar states, such as NAdam's, in it
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    starts = [np.random.default_rng(0).normal(size=shape) for shape in ((3, 4), (70, 300))]
    ours = [Tensor(a.copy(), requires_grad=True) for a in starts]
    theirs = [torch.tensor(a, requires_grad=True) for a in starts]
    group = {"lr": options["lr"] / 2}
    optimizer = getattr(nn.optim, name)([{"params": ours[0]}, {"params": ours[1:], **group}], **options)
    expected = getattr(torch.optim, name)([{"params": theirs[0]}, {"params": theirs[1:], **group}], **options)
    for _ in range(50):
        for parameters, opt in ((ours, optimizer), (theirs, expected)):
            opt.zero_grad()
            loss = sum((p * p + 1).sqrt().sum() for p in parameters)
            loss.backward()
            opt.step()
    # Rounding grows where a step is divided by a gradient that has almost vanished.
    slack = 1e-7 if name in ("Adamax", "NAdam") or options.get("centered") else 1e-13
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=slack)


def drawn(option: str, rng: np.random.Generator) -> Any:
    """A random value of an option."""
    u = rng.uniform
    pairs = {
        "betas": (u(0, 0.99), u(0.5, 0.999)), "etas": (u(0.1, 0.9), u(1.1, 2)), "step_sizes": (10 ** u(-5, -3), 10 ** u(-2, 1)),
    }  # fmt: skip
    numbers = {
        "lr": 10 ** u(-3, -0.5), "eps": 10 ** u(-4, -1), "alpha": u(0.5, 0.999), "rho": u(0.1, 0.99), "d": u(1, 3),
        "beta2_decay": -u(0, 1), "t0": [0.0, 3.0, 1e6][rng.integers(3)],
    }  # fmt: skip
    flags = ("amsgrad", "centered", "maximize", "decoupled_weight_decay")
    if option in flags:
        return bool(rng.integers(2))
    return {**pairs, **numbers}.get(option, u(0, 0.3) * rng.integers(2))


@pytest.mark.torch
@pytest.mark.parametrize("name", DENSE)
def test_random_problems_with_random_options_equal_torchs(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs_too = set(getattr(nn.optim, name).rules) - {*NO_EFFECT, "nesterov"}
    for trial in range(12):
        rng = np.random.default_rng(trial)
        options = {option: drawn(option, rng) for option in sorted(theirs_too)}
        if name == "Adafactor":
            options["eps"] = ([None, 1e-4][trial % 2], options["eps"])
        if name == "SGD" and options["momentum"] and not options["dampening"]:
            options["nesterov"] = True
        if name == "AdamW":
            del options["decoupled_weight_decay"]
        starts = [rng.normal(size=rng.integers(1, 5, size=rng.integers(0, 4))) for _ in range(3)]
        ours = [Tensor(np.array(a), requires_grad=True) for a in starts]
        theirs = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in starts]
        a, b = getattr(nn.optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
        for _ in range(15):
            for p, q in zip(ours, theirs, strict=True):
                g = np.array(rng.normal(size=p.shape))
                p.grad, q.grad = (Tensor(g), torch.tensor(g)) if rng.random() < 0.9 else (None, None)
            a.step()
            b.step()
        for p, q in zip(ours, theirs, strict=True):  # torch keeps some numbers of the state in float32
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6, err_msg=str(options))


# -------------------------------------------------------------------------------- kinds of parameters


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", DENSE)
def test_every_dtype_and_shape_is_stepped_as_torchs(name: str, dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    kind, rng = np.dtype(dtype), np.random.default_rng(5)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        x = rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind.kind == "c" else 0)
        return np.asarray(x).astype(kind)

    shapes = [(3, 4), (5,), (), (1,), (0, 2)][: 4 if name == "Adafactor" else 5]  # torch's divides by 0 in an empty one
    starts = [draw(shape) for shape in shapes] + [draw((4, 3)).T]  # the last not contiguous
    ours = [Tensor(a.copy(order="K"), requires_grad=True) for a in starts]
    if kind.kind == "c" and name not in ELEMENTWISE:
        with pytest.raises(ValueError, match=f"{name} takes no complex parameters"):
            make(name, ours)
        return
    theirs = [torch.tensor(a, requires_grad=True) for a in starts]
    options = {"t0": 3.0} if name == "ASGD" else {}
    mine, other = make(name, ours), getattr(torch.optim, name)(theirs, **{**KINDS[name], **options})
    for step in range(8):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = draw(p.shape)
            if (step, i) != (2, 1):  # one parameter has no gradient once
                p.grad, q.grad = Tensor(g), torch.tensor(g)
            else:
                p.grad = q.grad = None
        mine.step()
        other.step()
    tolerance = {"float16": 2e-2, "float32": 2e-5, "complex64": 2e-5}.get(dtype, 1e-6)
    for p, q in zip(ours, theirs, strict=True):
        assert p.dtype == kind
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", DENSE)
def test_small_gradients_in_float16_do_not_explode(name: str) -> None:
    p = Tensor(np.ones(4, np.float16), requires_grad=True)
    optimizer = getattr(nn.optim, name)([p], lr=1e-2)
    for g in (1e-4, 0.0, 1e-4):
        p.grad = Tensor(np.array([g, -g, 0, g], np.float16))
        optimizer.step()
    assert np.isfinite(p.detach().numpy()).all()
    assert (np.abs(p.detach().numpy() - 1) < 0.5).all()


@pytest.mark.parametrize("name", ["LBFGS", "Adam", "SGD"])
def test_a_complex_problem_is_solved(name: str) -> None:
    z = Tensor(np.array([1 + 2j, -3j, 0.5]), requires_grad=True)
    optimizer = getattr(nn.optim, name)([z], lr=0.2)

    def closure() -> Any:
        optimizer.zero_grad()
        distance = z - np.array([1j, 2.0, -1 + 1j])
        loss = (distance * distance.conj()).real.sum()
        loss.backward()
        return loss

    for _ in range(300):
        optimizer.step(closure)
    np.testing.assert_allclose(z.detach().numpy(), [1j, 2.0, -1 + 1j], atol=1e-3)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_row_sparse_gradient_of_all_rows_is_the_dense_one(name: str) -> None:
    starts = np.random.default_rng(0).normal(size=(5, 2))
    for dtype in (np.float64, np.complex128):
        dense, sparse = (Tensor(starts.astype(dtype), requires_grad=True) for _ in range(2))
        one, other = make(name, [dense]), make(name, [sparse])
        for step in range(5):
            g = np.random.default_rng(step).normal(size=(5, 2)).astype(dtype)
            order = np.array([3, 1, 0, 4, 2, 3])  # row 3 comes in two parts
            parts = np.where((order == 3)[:, None], g[order] / 2, g[order])
            dense.grad, sparse.grad = Tensor(g), Tensor(RowSparse(parts, order, (5, 2)))
            one.step()
            other.step()
        np.testing.assert_allclose(sparse.detach().numpy(), dense.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "SparseAdam"])
def test_rows_without_a_gradient_are_left_alone(name: str) -> None:
    p = Tensor(np.ones((6, 2)), requires_grad=True)
    optimizer = make(name, [p], **({"initial_accumulator_value": 0.5} if name == "Adagrad" else {}))
    for rows in ([0, 1], [1, 2]):
        p.grad = Tensor(RowSparse(np.ones((2, 2)), np.array(rows), (6, 2)))
        optimizer.step()
    assert (p.detach().numpy()[3:] == 1).all()
    assert (p.detach().numpy()[:3] != 1).all()
    p.grad = Tensor(RowSparse(np.zeros((0, 2)), np.zeros(0, int), (6, 2)))
    before = values([p])
    optimizer.step()
    assert same(values([p]), before)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_row_sparse_gradients_are_refused_where_rows_hang_together(name: str) -> None:
    p = Tensor(np.ones((4, 2)), requires_grad=True)
    p.grad = Tensor(RowSparse(np.ones((1, 2)), np.array([1]), (4, 2)))
    with pytest.raises(RuntimeError, match=f"{name} takes no row-sparse gradients"):
        make(name, [p]).step()


def test_sparse_adam_refuses_dense_gradients_before_it_changes_anything() -> None:
    params = matrices()
    optimizer = make("SparseAdam", params)
    params[0].grad, params[1].grad = gradient_of("SparseAdam", params[0], 0), gradient_of("Adam", params[1], 0)
    before = values(params)
    with pytest.raises(RuntimeError, match=r"parameter 1 of group 0 is not row-sparse; use Adam"):
        optimizer.step()
    assert same(values(params), before)


@pytest.mark.torch
def test_sparse_adam_equals_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    start = np.random.default_rng(0).normal(size=(6, 2))
    p, q = Tensor(start.copy(), requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = nn.optim.SparseAdam([p], lr=0.1, eps=1e-3), torch.optim.SparseAdam([q], lr=0.1, eps=1e-3)
    for step in range(10):
        rows, g = np.array([0, step % 6, 3]), np.random.default_rng(step).normal(size=(3, 2))
        p.grad = Tensor(RowSparse(g, rows, (6, 2)))
        q.grad = torch.sparse_coo_tensor(torch.tensor(rows[None]), torch.tensor(g), (6, 2))
        ours.step()
        theirs.step()
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-9)


def test_muon_takes_matrices_alone() -> None:
    for shape in ((3,), (), (2, 2, 2)):
        with pytest.raises(ValueError, match=r"Muon takes matrices, got a parameter of shape"):
            nn.optim.Muon([Tensor(np.ones(shape), requires_grad=True)])


@pytest.mark.torch
@pytest.mark.parametrize("options", [{}, {"nesterov": False, "lr": 0.01}, {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}])
def test_muon_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    starts = [np.random.default_rng(i).normal(size=s).astype(np.float32) for i, s in enumerate(((4, 6), (7, 3), (5, 5), (1, 3)))]
    ours = [Tensor(a.copy(), requires_grad=True) for a in starts]
    theirs = [torch.tensor(a, requires_grad=True) for a in starts]
    mine, other = nn.optim.Muon(ours, **options), torch.optim.Muon(theirs, **options)
    for step in range(10):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = np.random.default_rng(10 * step + i).normal(size=p.shape).astype(np.float32)
            p.grad, q.grad = Tensor(g), torch.tensor(g)
        mine.step()
        other.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("name", DENSE)
def test_gradients_all_alike_give_numbers(name: str) -> None:
    p = Tensor(np.full(50, 1.0, np.float32), requires_grad=True)
    optimizer = make(name, [p])
    for _ in range(200):
        p.grad = Tensor(np.full(50, 0.1, np.float32))
        optimizer.step()
    assert np.isfinite(p.detach().numpy()).all()


# ---------------------------------------------------------------------------------- groups and options


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_list_of_parameters_is_refused_with_advice(name: str) -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=rf"write {name}\(model.parameters\(\)\)"):
        make(name, model)
    with pytest.raises(TypeError, match="write model.parameters"):
        make(name, [{"params": model}])
    with pytest.raises(TypeError, match="not one tensor"):
        make(name, model.weight)
    for nothing in ([], iter([])):
        with pytest.raises(ValueError, match="got no parameters; a generator"):
            make(name, nothing)
    for wrong in ("weights", model.state_dict()):
        with pytest.raises(TypeError, match="list of tensors or of groups"):
            make(name, wrong)
    with pytest.raises(TypeError, match="a set has no order"):
        make(name, set(model.parameters()))
    with pytest.raises(TypeError, match="can only change leaf tensors"):
        make(name, [model.weight * 2])
    with pytest.raises(TypeError, match="can only change leaf tensors"):
        make(name, [np.ones((2, 2))])
    with pytest.raises(TypeError, match="a group is a dict"):
        make(name, [{"lr": 0.1}])


@pytest.mark.parametrize("name", DENSE)
def test_a_parameter_that_comes_twice_is_stepped_once(name: str) -> None:
    once, twice = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    one = make(name, [once])
    with pytest.warns(UserWarning, match="comes twice in a group"):
        two = make(name, [twice, twice])
    for p, optimizer in ((once, one), (twice, two)):
        p.grad = Tensor(np.array([1.0, -2.0, 0.5]))
        optimizer.step()
    assert same(values([once]), values([twice]))
    with pytest.raises(ValueError, match="stands in two groups"):
        make(name, [{"params": [once]}, {"params": [twice, once]}])
    with pytest.raises(ValueError, match="stands in two groups"):
        one.add_param_group({"params": [once]})
    assert len(one.param_groups) == 1


@pytest.mark.torch
def test_groups_as_torch_takes_them() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = nn.Linear(2, 3), torch.nn.Linear(2, 3)
    a, b = nn.optim.Adam(ours.named_parameters()), torch.optim.Adam(theirs.named_parameters())
    assert a.state_dict()["param_groups"][0]["param_names"] == b.state_dict()["param_groups"][0]["param_names"]
    a = SGD([{"params": ours.weight, "name": "head", "lr": 0.5}, {"params": iter([ours.bias])}], lr=0.1)
    assert [g["lr"] for g in a.param_groups] == [0.5, 0.1]
    assert a.param_groups[0]["name"] == "head"
    with pytest.raises(ValueError, match="names for all parameters"):
        SGD([("a", ours.weight), ours.bias])


#: Values that no number may have.
NO_NUMBERS = (-1.0, math.nan, "fast", None, True, [1.0], 1j)


def wrong_values(name: str, option: str) -> tuple[Any, ...]:
    if option in ("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay", "capturable", "differentiable"):
        return (1, "yes", None)
    if option in ("foreach", "fused"):
        return (1, "yes")
    if option in ("max_iter", "max_eval", "history_size", "ns_steps"):
        return (0, -3, 2.5, "many") + ((None,) if option != "max_eval" else ())
    if option == "eps" and name == "Adafactor":
        return (1e-8, (1e-8,), (-1.0, 1e-3), (None, -1.0), (None, math.nan), ("a", 1.0))
    special: dict[str, tuple[Any, ...]] = {
        "dampening": (math.nan, math.inf, "x"), "t0": (math.nan, "x"), "beta2_decay": (0.5, math.nan, "x"),
        "rho": (-0.1, 1.1, math.nan, "x"), "d": (0.5, math.nan, "x"),
        "betas": ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, math.nan), (0.9,), 0.9, "ab", (0.9, "b")),
        "etas": ((1.2, 0.5), (0.0, 1.2), (0.5, math.nan), 0.5), "step_sizes": ((50, 1e-6), (-1, 50), (1, math.nan), 1.0),
        "ns_coefficients": ((1.0, 2.0), (math.nan, 1.0, 1.0), 1.0, "abc"),
        "adjust_lr_fn": ("new", 3), "line_search_fn": ("wolfe", 3),
    }  # fmt: skip
    return special.get(option, NO_NUMBERS + (() if option not in ("lr", "eps") else (math.inf,)))


@pytest.mark.parametrize("name", KINDS)
def test_every_option_out_of_range_is_refused_by_name_and_value(name: str) -> None:
    kind = getattr(nn.optim, name)
    good = make(name, matrices())
    for option in kind.rules:
        for value in wrong_values(name, option):
            if option == "decoupled_weight_decay" and name == "AdamW":
                continue
            shown = repr(value) if not isinstance(value, float) else str(value)
            with pytest.raises((ValueError, TypeError)) as caught:
                kind(matrices(), **{option: value})
            assert option in str(caught.value)
            assert shown in str(caught.value)
            with pytest.raises((ValueError, TypeError), match=option):
                kind([{"params": matrices(), option: value}])
            state = good.state_dict()
            state["param_groups"][0][option] = value
            with pytest.raises((ValueError, TypeError), match=option):
                good.load_state_dict(state)
            assert good.param_groups[0]["lr"] == KINDS[name]["lr"]


def test_nesterov_without_momentum_is_refused_wherever_it_comes_from() -> None:
    params = matrices()
    optimizer = SGD(params[:1], lr=0.1)
    state = optimizer.state_dict()
    state["param_groups"][0]["nesterov"] = True
    for call in (
        lambda: SGD(params, lr=0.1, nesterov=True),
        lambda: optimizer.add_param_group({"params": params[1], "nesterov": True}),
        lambda: optimizer.load_state_dict(state),
    ):
        with pytest.raises(ValueError, match="nesterov needs momentum"):
            call()
    assert len(optimizer.param_groups) == 1
    assert not optimizer.param_groups[0]["nesterov"]


@pytest.mark.parametrize("name", KINDS)
def test_an_option_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} has no option 'learning_rate'"):
        make(name, [{"params": matrices(), "learning_rate": 0.1}])


@pytest.mark.torch
@pytest.mark.parametrize("name", KINDS)
def test_signature_options_and_state_have_torchs_names(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    params, theirs = matrices(), [torch.tensor(p.detach().numpy(), requires_grad=True) for p in matrices()]
    ours, other = make(name, params), getattr(torch.optim, name)(theirs, **KINDS[name])
    advance(name, ours, params, 2)

    def closure() -> Any:
        for p, q in zip(theirs, params, strict=True):
            g = torch.tensor(np.asarray(q.grad.data))
            p.grad = g.to_sparse(1) if name == "SparseAdam" else g
        return torch.tensor(1.0)

    other.step(closure)
    a, b = ours.state_dict(), other.state_dict()
    assert set(b["param_groups"][0]) == set(a["param_groups"][0])
    assert a["param_groups"][0]["params"] == b["param_groups"][0]["params"]
    if name != "LBFGS":  # whose iterations ended before anything was remembered
        assert set(a["state"][1]) == set(b["state"][1])
        for key, value in b["state"][1].items():
            assert np.shape(a["state"][1][key]) == tuple(np.shape(value))


@pytest.mark.parametrize("name", KINDS)
def test_options_for_speed_are_taken_without_an_effect(name: str) -> None:
    found = []
    for flags in ({}, {option: True for option in NO_EFFECT if option in getattr(nn.optim, name).rules}):
        params = matrices()
        optimizer = make(name, params, **flags)
        advance(name, optimizer, params, 3)
        found.append(values(params))
        assert not any(option in repr(optimizer) for option in NO_EFFECT)
    assert same(*found)


def test_a_recorded_gradient_through_a_step_is_refused() -> None:
    p = Tensor([1.0], requires_grad=True)
    optimizer = Adam([p], differentiable=True)
    (p**3).sum().backward(create_graph=True)
    with pytest.raises(RuntimeError, match="a step is not recorded"):
        optimizer.step()
    assert p.item() == 1.0


@pytest.mark.parametrize("name", KINDS)
def test_a_learning_rate_may_be_a_tensor_or_numpys(name: str) -> None:
    found = []
    for lr in (0.125, np.float64(0.125), np.array(0.125), Tensor(0.125), Tensor([0.125])):
        params = [Tensor(p.detach().numpy().astype(np.float32), requires_grad=True) for p in matrices()]
        optimizer = make(name, params, lr=lr)
        advance(name, optimizer, params, 2)
        assert optimizer.param_groups[0]["lr"] is lr
        found.append(values(params))
        assert all(p.dtype == np.float32 for p in params)
        state = pickle.loads(pickle.dumps(optimizer.state_dict()))
        assert type(state["param_groups"][0]["lr"]) is float
        optimizer.load_state_dict({**state, "param_groups": [{**state["param_groups"][0], "lr": 0.25}]})
        assert float(optimizer.param_groups[0]["lr"]) == 0.25
        assert isinstance(optimizer.param_groups[0]["lr"], Tensor) == isinstance(lr, Tensor)
    assert all(same(found[0], other) for other in found[1:])


@pytest.mark.parametrize("name", KINDS)
def test_an_option_set_by_hand_is_looked_at_in_the_next_step(name: str) -> None:
    params = matrices()
    optimizer = make(name, params)
    advance(name, optimizer, params, 1)
    before = values(params)
    for option in getattr(nn.optim, name).rules:
        kept = optimizer.param_groups[0][option]
        for value in wrong_values(name, option):
            if value == kept:  # 1 for True does no harm
                continue
            optimizer.param_groups[0][option] = value
            with pytest.raises((ValueError, TypeError), match=f"group 0: {option} must be"):
                optimizer.step(lambda: 1.0)
        optimizer.param_groups[0][option] = kept
    assert same(values(params), before)
    advance(name, optimizer, params, 1)
    assert not same(values(params), before)


def test_a_learning_rate_that_a_transform_differentiates_is_refused() -> None:
    def after_a_step(lr: Any) -> Any:
        p = Tensor([1.0], requires_grad=True)
        optimizer = SGD([p], lr=lr)
        p.grad = Tensor([1.0])
        optimizer.step()
        return p.sum()

    with pytest.raises(TypeError, match="item"):
        minigrad.grad(after_a_step)(0.1)
    with pytest.raises(RuntimeError, match="a step is not recorded"):
        p = with_gradient(1.0)
        Adam([p], lr=Tensor(0.1, requires_grad=True), differentiable=True).step()


@pytest.mark.parametrize("name", [name for name in KINDS if "maximize" in getattr(nn.optim, name).rules])
def test_maximizing_is_minimizing_the_negative(name: str) -> None:
    shapes = ((3, 4), (4, 2)) if name == "SparseAdam" else ((3, 4), (), (0,))
    up, down = ([Tensor(np.ones(s), requires_grad=True) for s in shapes] for _ in range(2))
    one, other = make(name, up, maximize=True), make(name, down)
    for step in range(4):
        for i, (p, q) in enumerate(zip(up, down, strict=True)):
            g = gradient_of(name, p, 7 * step + i)
            p.grad, q.grad = g, Tensor(-g.data)
        one.step()
        other.step()
    assert same(values(up), values(down))


# ------------------------------------------------------------------------------------ steps


@pytest.mark.parametrize("name", KINDS)
def test_a_backward_pass_through_weights_from_before_the_step_is_refused(name: str) -> None:
    p = matrices()[0]
    optimizer = make(name, [p])
    loss = (p * p).sum()
    p.grad = gradient_of(name, p, 0)
    optimizer.step((lambda: 1.0) if name == "LBFGS" else None)
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()


@pytest.mark.parametrize("name", KINDS)
def test_an_error_in_the_closure_changes_nothing(name: str) -> None:
    params = matrices()
    optimizer = make(name, params)
    advance(name, optimizer, params, 2)
    before, state = values(params), copy.deepcopy(optimizer.state_dict())

    def closure() -> Any:
        raise KeyError("batch")

    with pytest.raises(KeyError, match="batch"):
        optimizer.step(closure)
    assert same(values(params), before)
    np.testing.assert_equal(optimizer.state_dict(), state)


def test_an_error_within_a_line_search_puts_the_parameters_back() -> None:
    p, calls = Tensor(np.array([3.0, -2.0]), requires_grad=True), []
    optimizer = LBFGS([p], line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p**4).sum()
        loss.backward()
        calls.append(values([p]))
        if len(calls) == 3:
            raise KeyError("batch")
        return loss

    with pytest.raises(KeyError):
        optimizer.step(closure)
    assert same(values([p]), calls[0]) or same(values([p]), calls[1])
    assert not same(values([p]), calls[2])


@pytest.mark.parametrize("name", DENSE)
def test_what_does_not_fit_is_found_before_the_first_change(name: str) -> None:
    params = [Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(4), requires_grad=True)]
    optimizer = make(name, params)
    advance(name, optimizer, params, 1)
    before = values(params[:1])
    params[1].data = np.ones(5)
    with pytest.raises(RuntimeError, match=r"parameter 1 of group 0 has shape \(5,\), its gradient \(4,\)"):
        optimizer.step()
    params[1].grad = None
    params[1].grad = Tensor(np.ones(5))
    if name in ELEMENTWISE:
        with pytest.raises(RuntimeError, match=r"has shape \(5,\), its state .* \(4,\); make a new optimizer"):
            optimizer.step()
    assert same(values(params[:1]), before)


def _complex_gradient(optimizer: Any, p: Tensor) -> None:
    p.data, p.grad = p.data + 0j, None
    p.grad = Tensor(np.ones(p.shape) * (1 + 1j))
    p.data = p.data.real.copy()


def _read_only(optimizer: Any, p: Tensor) -> None:
    data = p.data.copy()
    data.flags.writeable = False
    p.data = data


@pytest.mark.parametrize("name", [*DENSE, "LBFGS"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [(_complex_gradient, "parameter 1 of group 0 is float64, its gradient complex128"), (_read_only, "read-only")],
)
def test_arrays_that_cannot_be_stepped_are_found_before_the_first_change(name: str, spoil: Any, message: str) -> None:
    params = [Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(4), requires_grad=True)]
    optimizer = make(name, params)
    advance(name, optimizer, params, 1)
    spoil(optimizer, params[1])
    before, state = values(params), copy.deepcopy(optimizer.state_dict())
    with pytest.raises(RuntimeError, match=message):
        optimizer.step(lambda: 1.0)
    assert same(values(params), before)
    assert repr(optimizer.state_dict()) == repr(state)


@pytest.mark.parametrize("name", DENSE)
def test_states_of_another_kind_are_found_before_the_first_change(name: str) -> None:
    for bad in (None, "x", 3, True, np.zeros(4, complex), np.broadcast_to(0.0, 4)):
        params = [Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(4), requires_grad=True)]
        optimizer = make(name, params)
        advance(name, optimizer, params, 2)
        entry, before = dict(optimizer.state[params[1]]), values(params)
        for key, value in entry.items():
            if isinstance(value, (int, float)) and type(bad) is int:
                continue  # a number
            optimizer.state[params[1]] = {**entry, key: bad}
            with pytest.raises(RuntimeError, match=f"the state '{key}' of parameter 1 of group 0 must be"):
                optimizer.step()
            assert same(values(params), before)


SIZES = {
    "Adam": ("exp_avg_sq", "max_exp_avg_sq"), "NAdam": ("exp_avg_sq",), "Adamax": ("exp_inf",), "Adagrad": ("sum",),
    "RMSprop": ("square_avg",), "Adadelta": ("square_avg", "acc_delta"), "Rprop": ("step_size",),
    "Adafactor": ("variance",),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("dtype", [float, complex])
def test_negative_or_missing_sizes_in_a_loaded_state_are_refused(name: str, dtype: type) -> None:
    if name == "Adafactor" and dtype is complex:
        dtype = float
    p = Tensor(np.ones(3, dtype), requires_grad=True)
    optimizer = make(name, [p])
    advance(name, optimizer, [p], 2)
    good = optimizer.state_dict()
    for key in SIZES[name]:
        for bad in (-1e-3, math.nan, *([1j * -1.0] if dtype is complex else [])):
            state = copy.deepcopy(good)
            state["state"][0][key][1] = bad
            with pytest.raises(ValueError, match=f"'{key}' must not be negative or NaN"):
                optimizer.load_state_dict(state)
    optimizer.load_state_dict(good)


def test_factors_in_a_loaded_state_are_from_0_to_1() -> None:
    for name, key in (("NAdam", "mu_product"), ("ASGD", "mu")):
        p = Tensor(np.ones(3), requires_grad=True)
        optimizer = make(name, [p])
        advance(name, optimizer, [p], 2)
        state = optimizer.state_dict()
        state["state"][0][key] = 1.5
        with pytest.raises(ValueError, match=f"'{key}' must be from 0 to 1, got 1.5"):
            optimizer.load_state_dict(state)


@pytest.mark.parametrize("name", KINDS)
def test_parameters_without_a_gradient_stay(name: str) -> None:
    params = [*matrices(), Tensor(np.ones((2, 2)))]
    optimizer = make(name, params)
    before = values(params)
    optimizer.step((lambda: 1.0) if name == "LBFGS" else None)
    assert same(values(params), before)
    assert not optimizer.state_dict()["state"] or name == "LBFGS"


def test_gradients_become_none_or_zeros() -> None:
    p, rows = Tensor(np.ones(3), requires_grad=True), Tensor(np.ones((4, 2)), requires_grad=True)
    optimizer = SGD([p, rows], lr=0.1)
    p.grad, rows.grad = Tensor([1.0, np.nan, 2.0]), Tensor(RowSparse(np.ones((1, 2)), np.array([1]), (4, 2)))
    array = p.grad.data
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is not None
    assert not array.any()
    assert not np.asarray(rows.grad.data).any()
    optimizer.step()
    assert (p.detach().numpy() == 1).all()
    assert (rows.detach().numpy() == 1).all()
    optimizer.zero_grad()
    assert p.grad is None
    assert rows.grad is None


@pytest.mark.parametrize("name", ["SGD", "LBFGS"])
def test_hooks_are_called_around_each_step(name: str) -> None:
    params, seen = matrices(), []
    optimizer = make(name, params)
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o is optimizer, len(args))))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", o is optimizer, len(args))))
    optimizer.step(lambda: seen.append("closure") or 1.0)  # type: ignore[func-returns-value]
    assert seen == [("before", True, 2), "closure", ("after", True, 2)]
    assert not copy.deepcopy(optimizer)._pre_hooks
    before.remove()
    after()
    optimizer.step(lambda: 1.0)
    assert len(seen) == 3
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 5.0), {}))
    assert optimizer.step(lambda: 1.0) == 5.0


# ------------------------------------------------------------------------------------ state


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", KINDS)
def test_copies_of_parameters_and_optimizer_go_on_bit_for_bit(name: str, how: Any) -> None:
    params = matrices()
    optimizer = make(name, params)
    advance(name, optimizer, params, 3)
    copied, copied_optimizer = how((params, optimizer))
    advance(name, optimizer, params, 3, seed=1)
    moved = values(params)
    assert not same(values(copied), moved)
    advance(name, copied_optimizer, copied, 3, seed=1)
    assert same(values(copied), moved)
    np.testing.assert_equal(copied_optimizer.state_dict(), optimizer.state_dict())


def test_copies_of_a_model_and_its_optimizer_go_on() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = Adam(model.parameters(), lr=0.1)

    def train(model: Any, optimizer: Any) -> None:
        for _ in range(3):
            optimizer.zero_grad()
            (model(np.ones((2, 3), np.float32)) ** 2).sum().backward()
            optimizer.step()

    train(model, optimizer)
    copied = copy.deepcopy((model, optimizer))
    train(model, optimizer)
    train(*copied)
    assert same(values([*model.parameters()]), values([*copied[0].parameters()]))


@pytest.mark.parametrize("name", KINDS)
def test_a_state_goes_on_bit_for_bit_and_is_not_shared(name: str) -> None:
    params = matrices()
    optimizer = make(name, params)
    advance(name, optimizer, params, 3)
    start, state = values(params), optimizer.state_dict()
    kept = copy.deepcopy(state)
    advance(name, optimizer, params, 3, seed=1)
    np.testing.assert_equal(state, kept)
    again = [Tensor(a, requires_grad=True) for a in start]
    other = getattr(nn.optim, name)(again, lr=9.0)
    other.load_state_dict(state)
    advance(name, other, again, 3, seed=1)
    assert same(values(again), values(params))
    np.testing.assert_equal(state, kept)


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in KINDS if name != "SparseAdam"])
def test_a_state_of_torch_goes_on_here(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    params = matrices()
    theirs = [torch.tensor(p.detach().numpy(), requires_grad=True) for p in params]
    ours, other = make(name, params), getattr(torch.optim, name)(theirs, **KINDS[name])

    def closure(lib: Any, tensors: list[Any], optimizer: Any) -> Any:
        optimizer.zero_grad()
        loss = sum((t * t + 1).sqrt().sum() + 0.1 * t.sum() for t in tensors)
        loss.backward()
        return loss

    for _ in range(3):
        other.step(lambda: closure(torch, theirs, other))
    for p, q in zip(params, theirs, strict=True):
        p.data[...] = q.detach().numpy()
    ours.load_state_dict(other.state_dict())
    for _ in range(3):
        other.step(lambda: closure(torch, theirs, other))
        ours.step(lambda: closure(nn, params, ours))
    for p, q in zip(params, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6)


def damaged(state: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """States with one fault each."""
    found = []
    for name, value in state["state"][0].items():
        wrong: list[Any] = ["text", None, 1j]
        if isinstance(value, list):
            wrong = ["text", 3.0, [np.zeros(3)], [*value, *value, 1.0]]
        elif np.ndim(value):
            wrong += [np.zeros(7), np.float32(0), value[None], value + 1j, np.full(value.shape, "a"), value.astype(object)]
        else:
            wrong += [math.nan, math.inf, np.zeros(3)] + ([-1, 1.5] if isinstance(value, int) else [])
        for fault in wrong:
            if name in ("momentum_buffer", "max_exp_avg_sq", "grad_avg") and fault is None:
                continue
            changed = copy.deepcopy(state)
            changed["state"][0][name] = fault
            found.append((name, changed))
    groups, entries = state["param_groups"], state["state"]
    for fault in (
        {"state": {**entries, 7: entries[0]}, "param_groups": groups},
        {"state": {**entries, 0: {**entries[0], "new": 1}}, "param_groups": groups},
        {"state": [1], "param_groups": groups},
        {"state": {0: 3}, "param_groups": groups},
        {"state": entries, "param_groups": [{**groups[0], "params": [0]}]},
        {"state": entries, "param_groups": [{**groups[0], "params": [0, 0]}]},
        {"state": entries, "param_groups": [{**groups[0], "lr": "fast"}]},
        {"state": entries, "param_groups": [{**groups[0], "lr": -1.0}]},
        {"state": entries, "param_groups": [{**groups[0], "other": 1}]},
        {"state": entries, "param_groups": [*groups, *groups]},
        {"state": entries, "param_groups": 3},
        {"state": entries},
        [],
    ):
        found.append(("", copy.deepcopy(fault)))
    return found


@pytest.mark.parametrize("name", KINDS)
def test_a_state_that_does_not_fit_changes_nothing(name: str) -> None:
    params = matrices()
    optimizer = make(name, params)
    advance(name, optimizer, params, 3)
    before = optimizer.state_dict()
    for entry, state in damaged(before):
        if isinstance(state, dict) and isinstance(state.get("param_groups"), list):
            state["param_groups"][0].setdefault("lr", 0.77)
        with pytest.raises((ValueError, TypeError)) as caught:
            optimizer.load_state_dict(state)
        assert entry in str(caught.value)
        np.testing.assert_equal(optimizer.state_dict(), before)
    missing = next((n for n in before["state"][0] if n in ("step", "exp_avg", "sum", "prev", "row_var", "ax")), None)
    if missing is not None:
        state = copy.deepcopy(before)
        del state["state"][0][missing]
        with pytest.raises(ValueError, match=f"'{missing}' is missing"):
            optimizer.load_state_dict(state)


def test_a_state_in_another_precision_takes_the_parameters_dtype() -> None:
    p = Tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = Adam([p])
    p.grad = Tensor(np.ones(3, np.float32))
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0] = {k: v.astype(np.float64) if np.ndim(v) else np.array(v) for k, v in state["state"][0].items()}
    optimizer.load_state_dict(state)
    assert optimizer.state[p]["exp_avg"].dtype == np.float32
    assert type(optimizer.state[p]["step"]) is int


def test_an_optimizer_of_ones_own_needs_one_method() -> None:
    class Signed(nn.optim.Optimizer):
        def __init__(self, params: Any, lr: float = 0.1) -> None:
            super().__init__(params, {"lr": lr})

        def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
            state.setdefault("before", np.zeros_like(p))
            p -= group["lr"] * np.sign(g + state["before"])
            state["before"] = g.copy()

    for start in (1.0, [1.0, -1.0], 1 + 1j):
        p = Tensor(np.array(start), requires_grad=True)
        optimizer = Signed([p])
        for _ in range(2):
            p.grad = Tensor(np.ones_like(p.detach().numpy()))
            optimizer.step()
        np.testing.assert_allclose(p.detach().numpy(), np.array(start) - 0.2)
        again = Signed([p])
        again.load_state_dict(optimizer.state_dict())
        np.testing.assert_array_equal(again.state[p]["before"], optimizer.state[p]["before"])
    rows = Tensor(np.zeros((3, 2)), requires_grad=True)
    rows.grad = Tensor(RowSparse(np.ones((1, 2)), np.array([1]), (3, 2)))
    Signed([rows]).step()
    np.testing.assert_allclose(rows.detach().numpy(), [[0, 0], [-0.1, -0.1], [0, 0]])


# ------------------------------------------------------------------------------------ L-BFGS


def problem(kind: str, x: Any) -> Any:
    if kind == "rosenbrock":
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    if kind == "quartic":
        return ((x - 0.5) ** 4).sum() + (x[1:] * x[:-1]).sum() ** 2 + (x * x).sum()
    return (x.exp() - 2 * x).sum() + ((x[0] - x[1]) ** 2)


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["rosenbrock", "quartic", "exponential"])
def test_lbfgs_with_strong_wolfe_ends_where_torchs_ends(kind: str, seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    start = np.random.default_rng(seed).normal(size=4)
    options = {"lr": [1.0, 0.1][seed % 2], "max_iter": 200, "history_size": 10, "line_search_fn": "strong_wolfe"}
    x, y = Tensor(start.copy(), requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = LBFGS([x], **options), torch.optim.LBFGS([y], **options)
    losses = []
    for point, optimizer in ((x, ours), (y, theirs)):

        def closure(point: Any = point, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = problem(kind, point)
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        losses.append(problem(kind, point).item())
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_a_line_search_meets_wolfes_conditions(seed: int) -> None:
    from nn.optim.line_search import Point, strong_wolfe

    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0.1, 3, size=3)

    def at(t: float) -> Point:
        return Point(t, a * (t - b) ** 2 + np.sin(c * t) - 5 * b, 2 * a * (t - b) + c * np.cos(c * t), None)

    start = at(0.0)
    if start.slope >= 0:
        start = start._replace(slope=-start.slope)
        turned = at

        def at(t: float, turned: Any = turned) -> Point:
            point = turned(-t)
            return Point(t, point.loss, -point.slope, None)

    point = strong_wolfe(at, start, 10 ** rng.uniform(-3, 2))
    assert point.loss <= start.loss + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)


def test_a_line_search_turns_back_from_where_there_is_no_number() -> None:
    from nn.optim.line_search import Point, strong_wolfe

    def at(t: float) -> Point:
        return Point(t, -math.log(1 - t) - 3 * t, 1 / (1 - t) - 3, None) if t < 1 else Point(t, math.nan, math.nan, None)

    assert 0 < strong_wolfe(at, at(0.0), 5.0).t < 1


def test_lbfgs_counts_what_it_evaluates() -> None:
    p, calls = Tensor(np.array([3.0, -2.0]), requires_grad=True), []
    optimizer = LBFGS([p], max_iter=4, line_search_fn="strong_wolfe")

    def closure() -> Any:
        calls.append(1)
        optimizer.zero_grad()
        loss = (p**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    optimizer.step(closure)
    assert optimizer.state[p]["func_evals"] == len(calls)
    with pytest.raises(ValueError, match="one group"):
        optimizer.add_param_group({"params": [Tensor([1.0], requires_grad=True)]})
    with pytest.raises(ValueError, match="one group"):
        LBFGS([{"params": [p]}, {"params": [Tensor([1.0], requires_grad=True)]}])


# ------------------------------------------------------------------------------- averages of weights


@pytest.mark.torch
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("how", ["mean", "ema", "ema_fn", "swa_fn", "own"])
def test_averaged_models_are_torchs(how: str, use_buffers: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.optim import swa_utils as theirs

    def options(place: Any) -> dict[str, Any]:
        return {
            "mean": {}, "ema": {"multi_avg_fn": place.get_ema_multi_avg_fn(0.8)}, "ema_fn": {"avg_fn": place.get_ema_avg_fn(0.8)},
            "swa_fn": {"avg_fn": place.get_swa_avg_fn()}, "own": {"avg_fn": lambda a, p, n: 0.5 * a + 0.5 * p / (n + 1)},
        }[how]  # fmt: skip

    ours = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    other = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    if use_buffers:  # counts of batches cannot be averaged in torch
        ours[1].num_batches_tracked = other[1].num_batches_tracked = None
    ours.load_state_dict({k: v.numpy() for k, v in other.state_dict().items()})
    a = nn.optim.swa_utils.AveragedModel(ours, use_buffers=use_buffers, **options(nn.optim.swa_utils))
    b = theirs.AveragedModel(other, use_buffers=use_buffers, **options(theirs))
    for step in range(4):
        change = np.random.default_rng(step).normal(size=(3, 2)).astype(np.float32)
        ours[0].weight.data += change
        ours[1].running_mean.data += change[:, 0]
        with torch.no_grad():
            other[0].weight += torch.tensor(change)
            other[1].running_mean += torch.tensor(change[:, 0])
        a.update_parameters(ours)
        b.update_parameters(other)
    assert set(a.state_dict()) == set(b.state_dict())
    for name, value in b.state_dict().items():
        np.testing.assert_allclose(a.state_dict()[name].numpy(), value.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)
    x = np.ones((4, 2), np.float32)
    a.eval()
    b.eval()
    np.testing.assert_allclose(a(x).detach().numpy(), b(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.torch
def test_statistics_found_anew_are_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, other = nn.Sequential(nn.BatchNorm1d(3)), torch.nn.Sequential(torch.nn.BatchNorm1d(3))
    ours.eval()
    batches = [(np.random.default_rng(i).normal(i, size=(5, 3)).astype(np.float32), 0) for i in range(4)]
    nn.optim.swa_utils.update_bn(batches, ours)
    torch.optim.swa_utils.update_bn([torch.tensor(x) for x, _ in batches], other)
    assert not ours.training
    assert ours[0].momentum == 0.1
    for name, value in other.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-5, err_msg=name)
    with pytest.raises(ValueError):
        nn.optim.swa_utils.update_bn([np.ones((2, 5), np.float32)], ours)
    assert ours[0].momentum == 0.1
    assert not ours.training


def test_statistics_found_anew_leave_each_module_its_mode() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout().eval())
    nn.optim.swa_utils.update_bn([np.ones((2, 3), np.float32)], model)
    assert [module.training for module in model.modules()] == [True, True, False]
    with pytest.raises(ValueError):
        nn.optim.swa_utils.update_bn([np.ones((2, 5), np.float32)], model)
    assert [module.training for module in model.modules()] == [True, True, False]


def test_what_cannot_be_averaged_is_refused() -> None:
    moving = EMA(nn.Linear(2, 2))
    before = values(list(moving.module.parameters()))
    with pytest.raises(ValueError, match="EMA: parameters of shapes"):
        moving.update(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    assert same(values(list(moving.module.parameters())), before)
    average = nn.optim.swa_utils.AveragedModel(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="cannot take up"):
        average.update_parameters(nn.Linear(2, 3))
    assert average.n_averaged.item() == 0
    with pytest.raises(ValueError, match="not both"):
        nn.optim.swa_utils.AveragedModel(nn.Linear(1, 1), None, abs, abs)
    with pytest.raises(ValueError, match="decay must lie between"):
        nn.optim.swa_utils.get_ema_avg_fn(1.5)


# ---------------------------------------------------------------------------------- clipping


@pytest.mark.torch
@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf, 0.5, 3, "inf"])
@pytest.mark.parametrize("max_norm", [0.5, 100.0, 0.0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_clipping_a_norm_is_torchs(norm_type: Any, max_norm: float, dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng, ours, theirs = np.random.default_rng(0), [], []
    for shape in ((3, 2), (), (4,), (2, 3)):
        g = (rng.normal(size=shape) + (1j * rng.normal(size=shape) if dtype == "complex64" else 0)).astype(dtype)
        p, q = Tensor(g.copy(), requires_grad=True), torch.tensor(g, requires_grad=True)
        p.grad, q.grad = Tensor(g.copy()), torch.tensor(g)
        ours.append(p)
        theirs.append(q)
    ours.append(Tensor(np.ones(2), requires_grad=True))  # without a gradient
    grads = [p.grad for p in ours if p.grad is not None]
    want = torch.nn.utils.get_total_norm([q.grad for q in theirs], norm_type)
    np.testing.assert_allclose(nn.utils.get_total_norm(grads, norm_type).item(), want.item(), rtol=1e-5)
    a, b = (u.clip_grad_norm_(ps, max_norm, norm_type) for u, ps in ((nn.utils, ours), (torch.nn.utils, theirs)))
    np.testing.assert_allclose(a.item(), b.item(), rtol=1e-5)
    for p, q in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-7)


def with_gradient(*values: float, dtype: Any = np.float32) -> Tensor:
    p = Tensor(np.zeros(len(values), dtype), requires_grad=True)
    p.grad = Tensor(np.array(values, dtype))
    return p


def test_norms_do_not_overflow_where_their_squares_do() -> None:
    p = with_gradient(3e30, 4e30)
    assert nn.utils.clip_grad_norm_([p], 1.0).item() == pytest.approx(5e30)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-5)
    q = with_gradient(300.0, 400.0, dtype=np.float16)
    assert nn.utils.clip_grad_norm_([q], 1.0).item() == pytest.approx(500.0)
    np.testing.assert_allclose(q.grad.numpy(), [0.6, 0.8], rtol=1e-2)


@pytest.mark.parametrize("norm_type", [0.0, 0.5, 1.0, 2.0, np.inf])
@pytest.mark.parametrize("dtypes", [("float64",), ("float32",), ("float16",), ("float64", "float64"), ("float32", "float64")])
def test_clipping_on_a_gpu_is_that_on_the_cpu(norm_type: float, dtypes: tuple[str, ...], stand_in: Any) -> None:
    """Of one array and of several, in their own dtype; the norm of order 0 counts arrays that are not all zero."""
    results = []
    for device in ("cpu", "cuda"):
        params = [Tensor(np.zeros(3, d), device=device, requires_grad=True) for d in dtypes]
        for p in params:
            p.grad = Tensor(np.array([1.0, 1 / 3, 0.0], p.dtype), device=device)
        total = nn.utils.clip_grad_norm_(params, 0.3, norm_type)
        results.append([total, *(p.grad for p in params)])
    for a, b in zip(*results, strict=True):
        assert a.dtype == b.dtype
        rtol = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-14}[min(dtypes, key=lambda d: np.dtype(d).itemsize)]
        np.testing.assert_allclose(b.cpu().numpy(), a.numpy(), rtol=rtol)


def test_complex_numbers_are_not_cut_to_real_ones() -> None:
    p = Tensor(np.zeros(2), requires_grad=True)
    with pytest.raises(TypeError, match="complex numbers cannot be written into float64"):
        nn.utils.vector_to_parameters(np.array([1j, 2]), [p])
    assert not p.detach().numpy().any()


def test_a_parameter_given_twice_is_clipped_once() -> None:
    p = with_gradient(3.0, 4.0)
    assert nn.utils.clip_grad_norm_([p, p], 1.0).item() == 5.0
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-5)


def test_two_parameters_that_share_a_gradient_are_clipped_once() -> None:
    p, q = with_gradient(3.0, 4.0), with_gradient(0.0, 0.0)
    q.grad = p.grad
    assert nn.utils.clip_grad_norm_([p, q], 1.0).item() == pytest.approx(50**0.5)
    np.testing.assert_allclose(p.grad.numpy(), np.array([3.0, 4.0]) / 50**0.5, rtol=1e-5)


def test_clipping_says_what_it_cannot_do() -> None:
    p = with_gradient(3.0, math.inf)
    with pytest.raises(RuntimeError, match="is inf"):
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad.numpy()[0] == 3.0
    for call in (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_):
        for wrong in (-1.0, math.nan):
            with pytest.raises(ValueError, match="must be at least 0"):
                call([with_gradient(1.0)], wrong)
        with pytest.warns(UserWarning, match="gives them once"):
            call(iter([]), 1.0)
        with pytest.raises(TypeError, match="write model.parameters"):
            call(nn.Linear(1, 1), 1.0)
        with pytest.raises(TypeError, match="takes tensors, got str"):
            call(["w"], 1.0)
    with pytest.raises(TypeError, match="no order"):
        nn.utils.clip_grad_value_([with_gradient(1.0, dtype=np.complex64)], 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.utils.clip_grad_norm_([Tensor([1.0], requires_grad=True)], 1.0).item() == 0.0


def test_values_are_clipped_in_place_and_marked() -> None:
    p = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    (p**3).sum().backward(create_graph=True)
    again = (p.grad * p.grad).sum()
    nn.utils.clip_grad_value_(p, 4.0, foreach=True)
    np.testing.assert_allclose(p.grad.detach().numpy(), [3.0, 4.0])
    with pytest.raises(RuntimeError, match="in place"):
        again.backward()


# ------------------------------------------------------------------------- moving to another device

#: There and back, and from one GPU to the other.
MOVES = [("cpu", "cuda:1"), ("cuda:1", "cpu"), ("cuda:0", "cuda:1"), ("cuda:1", "cuda:0")]


def moved_training(name: str, places: tuple[str, ...], **options: Any) -> list[list[float]]:
    """Parameters after three steps at each place."""
    rng = np.random.default_rng(0)
    shapes = ((3, 4), (4, 2)) if name in ("SparseAdam", "Muon", "Adafactor") else ((3, 4), (), (5,))
    model = nn.ParameterList([nn.Parameter(np.asarray(rng.normal(size=s), np.float32)) for s in shapes])
    optimizer = make(name, model.parameters(), **options)
    for i, place in enumerate(places):
        model.to(place)

        def closure(i: int = i, place: str = place) -> Any:
            for k, p in enumerate(model.parameters()):
                if name == "SparseAdam":
                    values = gradient_of("Adam", p.cpu(), 10 * i + k).to(place)
                    rows = Tensor(np.arange(len(p)), device=place)
                    p.grad = Tensor(RowSparse(values.data, rows.data, p.shape))
                else:
                    p.grad = p.detach() * 0.5 + gradient_of(name, p.cpu(), 10 * i + k).to(place)
            return 1.0

        for _ in range(3):
            optimizer.step(closure)
    assert all(p.device == places[-1] for p in model.parameters())
    return [p.detach().cpu().numpy().ravel().tolist() for p in model.parameters()]


@pytest.mark.parametrize("foreach", [None, False])
@pytest.mark.parametrize("places", MOVES)
@pytest.mark.parametrize("name", KINDS)
def test_the_state_follows_a_parameter_to_another_device(
    name: str, places: tuple[str, str], foreach: bool | None, two_gpus: Any
) -> None:
    options = {} if name in ("LBFGS", "SparseAdam", "Adafactor", "Muon") else {"foreach": foreach}
    expected = moved_training(name, ("cpu", "cpu"), **options)
    for found, wanted in zip(moved_training(name, places, **options), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_a_part_of_a_model_may_move_away_from_the_rest(two_gpus: Any) -> None:
    ends = []
    for places in (("cpu", "cpu"), ("cuda:0", "cuda:1")):
        params = [nn.Parameter(np.full(3, float(k), np.float32)) for k in range(4)]
        parts = nn.ParameterList(params[:2]).to(places[0]), nn.ParameterList(params[2:]).to(places[0])
        optimizer = make("Adam", params)
        for place in places:
            parts[1].to(place)
            for p in params:
                p.grad = p.detach() * 0.5 + 1.0
            optimizer.step()
        assert [p.device for p in params] == [places[0]] * 2 + [places[1]] * 2
        ends.append([p.tolist() for p in params])
    np.testing.assert_allclose(*ends, rtol=1e-5)


def test_the_state_of_an_optimizer_of_ones_own_follows_too(two_gpus: Any) -> None:
    class Own(nn.optim.Optimizer):
        def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
            state["sum"] = state.get("sum", 0 * p) + g
            p -= group["lr"] * state["sum"]

    p = nn.Parameter(np.ones(2, np.float32))
    optimizer = Own([p], {"lr": 1.0})
    for place in ("cpu", "cuda:1", "cuda:0", "cpu"):
        nn.ParameterList([p]).to(place)
        p.grad = minigrad.ones(2, device=place)
        optimizer.step()
    assert p.tolist() == [-9.0, -9.0]


@pytest.mark.parametrize("name", ["Adam", "LBFGS"])
def test_a_gradient_on_another_device_than_its_parameter_is_refused_by_name(name: str, stand_in: Any) -> None:
    p = nn.Parameter(np.ones(2, np.float32))
    optimizer = make(name, [p])
    p.grad = minigrad.ones(2)
    p.data = minigrad.to_device(p.detach(), "cuda").data
    words = rf"{name}: parameter 0 of group 0 is on cuda:0, its gradient on cpu: .*p\.grad = p\.grad\.to\(p\.device\)"
    with pytest.raises(RuntimeError, match=words):
        optimizer.step(lambda: 1.0)
    assert p.tolist() == [1.0, 1.0]


def test_row_sparse_gradients_move_with_their_table_and_stay_sparse(two_gpus: Any) -> None:
    table = nn.Embedding(5, 2, sparse=True).to("cuda:1")
    optimizer = nn.optim.SparseAdam(table.parameters())
    table(Tensor(np.array([1, 3, 3]), device="cuda:1")).sum().backward()
    for place in ("cuda:1", "cpu", "cuda:0", "cuda:1"):
        g = table.to(place).weight.grad
        assert (g.device, type(g.data)) == (place, RowSparse)
        assert {x.device for x in (Tensor(g.data.rows), Tensor(g.data.values), Tensor(g.data.dense()))} == {place}
        assert g.tolist() == (g + 0).cpu().numpy().tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [2.0, 2.0], [0.0, 0.0]]
        table.weight.grad = Tensor(g.data)
        optimizer.step()
    assert table.weight.device == "cuda:1"
