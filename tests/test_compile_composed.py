"""compile with the other verbs, under and over them; compiled functions and models in a graph: the same as without."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, grad, hessian, jacobian, jvp, no_grad, value_and_grad, vjp, vmap
from minigrad.arrays.traced import CannotTrace
from minigrad.compiler.compiled import compile
from minigrad.compiler.recorded import Recorded
from minigrad.tensor import raw
from minigrad.trees import flatten

F = nn.functional
RNG = np.random.default_rng(0)
W, X, XS = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=3), RNG.normal(size=(5, 3))


def same(got: Any, want: Any, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    got, want = flatten(got), flatten(want)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert isinstance(a, Tensor) == isinstance(b, Tensor)
        assert getattr(a, "requires_grad", None) == getattr(b, "requires_grad", None)
        np.testing.assert_allclose(raw(a), raw(b), rtol=rtol, atol=atol)
        assert np.asarray(raw(a)).dtype == np.asarray(raw(b)).dtype and np.shape(a) == np.shape(b)


def smooth(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(w @ x) * np.exp(-x * x))


def masked(w: Any, x: Any) -> Any:
    return np.sum(np.maximum(w @ x, 0.1) * np.where(x > 0, x, 0.01 * x**2)) + np.max(w)


def gathered(w: Any, x: Any) -> Any:
    rows = w[np.array([0, 2, 2])]
    return np.sum(np.linalg.solve(rows @ rows.T + 3 * np.eye(3), x) ** 2)


def each(w: Any, x: Any) -> Any:
    """Several results, in a container."""
    h = np.tanh(w @ x)
    return {"h": h, "sums": (np.sum(h), np.sum(h * w, axis=0))}


SCALAR = [smooth, masked, gathered]
TRANSFORMS: dict[str, Callable[[Any], Callable[[Any, Any], Any]]] = {
    "grad": lambda f: grad(f, (0, 1)),
    "value_and_grad": lambda f: value_and_grad(f, 1),
    "grad of grad": lambda f: grad(lambda w, x: np.sum(grad(f)(w, x) ** 2), (0, 1)),
    "jvp": lambda f: lambda w, x: jvp(f, (w, x), (w * w, x)),
    "vjp": lambda f: lambda w, x: vjp(f, w, x)[1](2.0),
    "hessian": lambda f: hessian(f, 1),
    "vmap": lambda f: lambda w, x: vmap(f, in_axes=(None, 0))(w, XS.astype(x.dtype)),
    "vmap of grad": lambda f: lambda w, x: vmap(grad(f), in_axes=(None, 0))(w, XS.astype(x.dtype)),
    "grad of vmap": lambda f: grad(lambda w, x: np.sum(vmap(f, in_axes=(None, 0))(w, XS.astype(x.dtype)) ** 2)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("f", SCALAR, ids=lambda f: f.__name__)
def test_it_goes_under_and_over_all_transforms(f: Any, name: str, dtype: str) -> None:
    transform = TRANSFORMS[name]
    w, x = W.astype(dtype), X.astype(dtype)
    close = {"rtol": 1e-8, "atol": 1e-10} if dtype == "float64" else {"rtol": 5e-3, "atol": 5e-4}
    want = transform(f)(w, x)
    for run in (transform(compile(f)), compile(transform(f)), compile(transform(compile(f)))):
        for _ in range(3):
            same(run(w, x), want, **close)


def test_jacobians_of_several_results() -> None:
    for i in range(3):
        part = [lambda w, x: each(w, x)["h"], lambda w, x: each(w, x)["sums"][0], lambda w, x: each(w, x)["sums"][1]][i]
        fast = compile(each)
        flat = [
            lambda w, x, f=fast: f(w, x)["h"],
            lambda w, x, f=fast: f(w, x)["sums"][0],
            lambda w, x, f=fast: f(w, x)["sums"][1],
        ][i]
        for run in (jacobian(flat), compile(jacobian(part))):
            for _ in range(2):
                same(run(W, X), jacobian(part)(W, X))


def test_tensors_stay_in_the_graph() -> None:
    fast = compile(each)
    for _ in range(3):
        found = []
        for f in (each, fast):
            w, x = Tensor(W, requires_grad=True), Tensor(X, requires_grad=True)
            out = f(w * 2, x)
            (out["h"].sum() + 3 * out["sums"][1].max()).backward()
            found.append([out["h"].detach(), w.grad, x.grad])
        same(found[1], found[0])
    assert all(isinstance(v, Recorded) for v in fast.versions)


def test_what_needs_no_gradient_gets_none() -> None:
    fast = compile(lambda a, b: (np.sin(a) * b, b * 2))
    a, b = Tensor(X, requires_grad=True), Tensor(X)
    for _ in range(2):
        first, second = fast(a, b)
        assert first.requires_grad and not second.requires_grad
        a.grad = None
        first.sum().backward()
        np.testing.assert_allclose(a.grad.numpy(), np.cos(X) * X)
        first, second = fast(b, a)  # the other one
        assert first.requires_grad and second.requires_grad
        with no_grad():
            assert not fast(a, b)[0].requires_grad
            assert not fast(a, b)[0].requires_grad


def test_parameters_that_a_function_closes_over_get_their_gradients() -> None:
    w = Tensor(W, requires_grad=True)
    tied = w.T * 2  # computed, not a leaf
    fast = compile(lambda x: np.tanh(w @ x) + tied @ x)
    for _ in range(3):
        y = fast(Tensor(X))
        assert y.requires_grad
        w.grad = None
        (y * y).sum().backward(retain_graph=True)
        v = Tensor(W, requires_grad=True)
        z = np.tanh(v @ X) + (v.T * 2) @ X
        (z * z).sum().backward()
        same(w.grad, v.grad)


def test_a_gradient_with_respect_to_a_constant_tensor_is_one() -> None:
    """Eagerly it has a graph, which leads to nothing that anybody has."""
    fast = compile(grad(lambda w: np.sum(np.tanh(w @ w))))
    want = grad(lambda w: np.sum(np.tanh(w @ w)))(W)
    for _ in range(3):
        got = fast(Tensor(W))
        assert type(got) is Tensor
        np.testing.assert_allclose(raw(got), want)
    assert not any(isinstance(v, Recorded) for v in fast.versions)


def test_second_derivatives_through_a_recorded_call() -> None:
    w = Tensor(W, requires_grad=True)
    fast = compile(lambda x: np.sum(np.tanh(w @ x) ** 2))
    for _ in range(3):
        found = []
        for f in (lambda x: np.sum(np.tanh(w @ x) ** 2), fast):
            x = Tensor(X, requires_grad=True)
            w.grad = None
            f(x).backward(create_graph=True, inputs=[x])
            g, x.grad = x.grad, None
            (g**2).sum().backward()  # a gradient penalty
            found.append([w.grad, x.grad])
        same(found[1], found[0])


def test_a_second_backward_pass_needs_the_graph() -> None:
    fast = compile(lambda x: np.exp(x).sum())
    x = Tensor(X, requires_grad=True)
    for _ in range(2):
        y = fast(x)
        y.backward(retain_graph=True)
        y.backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(X))
        x.grad = None
        with pytest.raises(RuntimeError, match="freed by a backward pass.*retain_graph=True"):
            y.backward()


def test_a_change_between_forward_and_backward_is_seen() -> None:
    w = Tensor(W, requires_grad=True)
    fast = compile(lambda x: w @ (w @ x))
    for _ in range(2):
        y = fast(Tensor(X)).sum()
        with no_grad():
            w *= 2
        with pytest.raises(RuntimeError, match="changed in place"):
            y.backward()


def test_nan_is_hunted_in_the_function_itself() -> None:
    fast = compile(lambda x: np.log(x) * 2)
    fast(Tensor(np.ones(3)))
    fast(Tensor(np.ones(3)))
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="log"), np.errstate(invalid="ignore"):
        fast(Tensor(-np.ones(3), requires_grad=True))
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="log"), np.errstate(invalid="ignore"):
        fast(Tensor(-np.ones(3)))


def test_calls_do_not_disturb_each_other() -> None:
    fast = compile(lambda x: np.exp(np.sin(x)))
    a, b = Tensor(X, requires_grad=True), Tensor(2 * X, requires_grad=True)
    fast(a)
    first, second = fast(a), fast(b)
    second.sum().backward()
    first.sum().backward()
    for t in (a, b):
        np.testing.assert_allclose(t.grad.numpy(), np.exp(np.sin(raw(t))) * np.cos(raw(t)))


def test_infinite_gradients_behind_a_mask() -> None:
    """The program of the backward pass was traced where all was finite."""

    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), 0.0) * x)

    fast = grad(compile(f))
    for x in (X, np.array([0.0, 1.0, -1.0]), X, np.zeros(3)):
        same(fast(x), grad(f)(x))


def test_writing_into_an_argument_that_is_in_the_graph_is_refused() -> None:
    @compile
    def f(x: Any) -> Any:
        x[0] = 1.0
        return x * 2

    with pytest.raises(CannotTrace, match="writes into an argument that requires a gradient: write into a copy"):
        f(Tensor(X, requires_grad=True) * 1)


def test_a_training_step_that_returns_its_loss_is_one_program() -> None:
    net = nn.Linear(3, 1)
    optimizer = nn.optim.SGD(net.parameters(), lr=0.1)

    @compile
    def step(x: Any) -> Any:
        loss = (net(x) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss  # whose graph is used up

    x = Tensor(XS.astype("f4"))
    losses = [float(step(x).detach()) for _ in range(5)]
    assert losses == sorted(losses, reverse=True) and not any(isinstance(v, Recorded) for v in step.versions)
    with pytest.raises(RuntimeError):
        step(x).backward()


def test_results_whose_graph_was_written_over_have_none() -> None:
    """Eagerly they have one that raises when it is used."""
    net = nn.Linear(3, 1)

    @compile
    def step(x: Any) -> Any:
        out = net(net.weight * x)
        out.sum().backward(retain_graph=True)
        with no_grad():
            net.weight -= 0.1 * net.weight.grad
        net.zero_grad()
        return out

    for _ in range(3):
        before = raw(net.weight).copy()
        out = step(Tensor(XS.astype("f4")))
        np.testing.assert_allclose(raw(out), (XS * before) @ before.T + raw(net.bias), rtol=1e-4)
        with pytest.raises(RuntimeError):
            out.sum().backward()


# ------------------------------------------------------------------------- decorators, nesting


def test_as_a_decorator_of_functions_and_methods() -> None:
    class Scaled:
        def __init__(self, scale: float) -> None:
            self.scale = scale

        @compile
        def apply(self, x: Any, power: int = 2) -> Any:
            return self.scale * x**power

    two, three = Scaled(2.0), Scaled(3.0)
    for _ in range(3):
        np.testing.assert_allclose(two.apply(X), 2 * X**2)
        np.testing.assert_allclose(three.apply(X, power=3), 3 * X**3)
    two.scale = 5.0
    np.testing.assert_allclose(two.apply(X), 5 * X**2)
    same(grad(lambda x: np.sum(three.apply(x)))(X), 6 * X)

    @compile
    def documented(x: Any) -> Any:
        """What it does."""
        return x + 1

    assert documented.__name__ == "documented" and documented.__doc__ == "What it does."


def test_compiled_functions_inside_of_each_other() -> None:
    inner = compile(lambda x: np.sin(x) * 2)
    outer = compile(lambda x: inner(x) + inner(x * x))
    for _ in range(3):
        np.testing.assert_allclose(outer(X), np.sin(X) * 2 + np.sin(X * X) * 2)
    same(grad(lambda x: np.sum(outer(x)))(X), grad(lambda x: np.sum(np.sin(x) * 2 + np.sin(x * x) * 2))(X))
    assert not inner.versions  # it is a part of the outer program


# ------------------------------------------------------------------------------------- models


def network() -> nn.Module:
    mg.random.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(48, 4)
    )  # fmt: skip


IMAGES = RNG.normal(size=(12, 8, 1, 6, 6)).astype("f4")
LABELS = RNG.integers(0, 4, (12, 8))


def trained(model: Any) -> list[float]:
    mg.random.manual_seed(1)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    found = []
    for x, y in zip(IMAGES, LABELS, strict=True):
        loss = F.cross_entropy(model(Tensor(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    model.eval()
    with no_grad():
        found += [model(Tensor(IMAGES[0])).sum().item() for _ in range(2)]
    model.train()
    return found


def test_a_compiled_model_trains_as_the_model_does() -> None:
    plain, fast = network(), compile(network())
    np.testing.assert_allclose(trained(fast), trained(plain), rtol=1e-3, atol=1e-5)
    for (name, p), q in zip(plain.state_dict().items(), fast.state_dict().values(), strict=True):
        np.testing.assert_allclose(raw(q), raw(p), rtol=1e-3, atol=1e-5, err_msg=name)
    kinds = [type(v).__name__ for v in fast.forward.versions]
    assert kinds.count("Recorded") <= 2 and kinds.count("Script") == 1  # in training, and under no_grad


def test_a_compiled_model_is_a_model_around_the_same_parameters() -> None:
    model = network()
    fast = compile(model)
    assert isinstance(fast, nn.Sequential) and repr(fast) == repr(model) and list(fast.state_dict()) == list(model.state_dict())
    assert all(p is q for p, q in zip(fast.parameters(), model.parameters(), strict=True))
    assert fast[1].eps == model[1].eps and len(fast) == 6
    assert type(model.forward).__name__ == "method"  # which is as it was
    x = Tensor(IMAGES[0])
    seen = []
    remove = fast.register_forward_hook(lambda module, args, out: seen.append(out.shape))
    fast(x)
    fast(x)
    assert seen == [(8, 4), (8, 4)]
    remove() if callable(remove) else remove.remove()
    whole = nn.Sequential(fast, nn.Softmax(-1)).eval()
    same(whole(x), nn.Sequential(model, nn.Softmax(-1)).eval()(x), rtol=1e-5, atol=1e-6)


def test_copies_of_a_compiled_model_are_compiled_and_apart() -> None:
    fast = compile(nn.Linear(3, 2))
    x = Tensor(XS.astype("f4"))
    before = fast(x).detach()
    for other in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert type(other.forward) is type(fast.forward) and other.forward is not fast.forward
        with no_grad():
            other.weight *= 2
        for _ in range(2):
            same(fast(x).detach(), before)
            np.testing.assert_allclose(raw(other(x)), raw(x) @ raw(other.weight).T + raw(other.bias), rtol=1e-5, atol=1e-6)


def test_a_model_s_mode_and_settings_make_it_trace_anew() -> None:
    fast = compile(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)))
    x = Tensor(XS.astype("f4"))
    for _ in range(3):
        fast.train()
        assert (raw(fast(x)) == 0).any()
        fast.eval()
        assert not (raw(fast(x)) == 0).any()
    fast[0].weight.requires_grad_(False)
    fast[0].bias.requires_grad_(False)
    assert not fast(x).requires_grad


def test_dropout_in_a_recorded_call_draws_the_same_numbers_as_without() -> None:
    drop = nn.Dropout(0.5)
    fast = compile(lambda x: drop(np.sin(x)))
    for seed in range(3):
        found = []
        for f in (lambda x: drop(np.sin(x)), fast):
            mg.random.manual_seed(seed)
            x = Tensor(np.linspace(-1, 1, 30), requires_grad=True)
            y = f(x)
            y.sum().backward(create_graph=True)
            (x.grad**2).sum().backward()  # runs the function again, with the same numbers
            found.append([y.detach(), x.grad.detach(), Tensor(mg.random.generator().random(2))])
        same(found[1], found[0])


def test_running_values_move_once_though_a_second_derivative_runs_the_model_again() -> None:
    plain = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh())
    fast = compile(copy.deepcopy(plain))
    for _ in range(3):
        for model in (plain, fast):
            x = Tensor(XS.astype("f4"), requires_grad=True)
            (model(x) ** 2).sum().backward(create_graph=True, inputs=[x])
            model.zero_grad()
            (x.grad**2).sum().backward()
    for (name, a), b in zip(plain.state_dict().items(), fast.state_dict().values(), strict=True):
        np.testing.assert_allclose(raw(b), raw(a), rtol=1e-4, atol=1e-6, err_msg=name)
    for p, q in zip(plain.parameters(), fast.parameters(), strict=True):
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), rtol=1e-2, atol=1e-4)


def test_a_model_that_was_called_without_gradients_first_has_them_later() -> None:
    fast = compile(nn.Linear(3, 2))
    x = Tensor(XS.astype("f4"))
    for _ in range(2):
        with no_grad():
            assert not fast(x).requires_grad
            assert not fast(x).requires_grad
        fast.zero_grad()
        fast(x).sum().backward()
        np.testing.assert_allclose(fast.bias.grad.numpy(), [5.0, 5.0])


def test_a_compiled_function_sees_the_examples_of_a_vmap_around_it() -> None:
    box: dict[str, Any] = {}
    fast = compile(lambda y: y * box["x"])

    def f(x: Any) -> Any:
        box["x"] = x
        return fast(X)

    for _ in range(2):
        box["x"] = Tensor(X)
        same(fast(X), Tensor(X * X))
        same(vmap(f)(XS), X * XS)


def test_an_lstm_with_its_state_goes_through_a_compiled_model() -> None:
    mg.random.manual_seed(0)
    plain = nn.LSTM(3, 5)
    fast = compile(copy.deepcopy(plain))
    state: Any = None
    states: Any = None
    for _ in range(3):
        x = Tensor(RNG.normal(size=(4, 2, 3)).astype("f4"))
        outs = []
        for model, given in ((plain, state), (fast, states)):
            y, new = model(x) if given is None else model(x, tuple(s.detach() for s in given))
            model.zero_grad()
            ((y**2).sum() + new[1].sum()).backward()
            outs.append((y.detach(), new, [p.grad for p in model.parameters()]))
        state, states = outs[0][1], outs[1][1]
        same([outs[1][0], outs[1][2]], [outs[0][0], outs[0][2]], rtol=1e-4, atol=1e-5)
