"""On a GPU a training step waits once, and its gradients are those of the CPU, also behind masks."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
import nn.functional as F
from minigrad import Tensor, trial
from minigrad.op import Op

from .samples import Sample
from .test_masked import BAD, ELEMENTWISE, FLOATING, WAYS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::minigrad.UnusedInputWarning")
RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((5, 1, 8, 8)).astype(np.float32)
WORDS = RNG.integers(0, 10, (5, 4))
ROWS = RNG.standard_normal((5, 8)).astype(np.float32)
TARGETS = np.array([0, 1, 2, 1, 0])


# ------------------------------------------------------------------------- one wait for each step


class Sentences(nn.Module):
    """The class of a sentence: an embedding, a recurrent network, a linear map of its last state."""

    def __init__(self, kind: Any, **options: Any) -> None:
        super().__init__()
        self.words, self.states, self.classes = nn.Embedding(10, 6, **options), kind(6, 7, batch_first=True), nn.Linear(7, 3)

    def forward(self, words: Any) -> Any:
        states, _ = self.states(self.words(words))
        return self.classes(states[:, -1])


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def convolutional() -> nn.Module:
    first = [nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(48, 3))


def attentive() -> nn.Module:
    encoder = nn.TransformerEncoderLayer(4, 2, 8, 0.0)
    return nn.Sequential(nn.Linear(8, 4), nn.Unflatten(1, (1, 4)), encoder, nn.Flatten(), nn.Linear(4, 3))


def probabilities(logits: Any, target: Any) -> Any:
    return F.binary_cross_entropy(F.sigmoid(logits), F.one_hot(target, 3).astype(np.float32))


STEPS: dict[str, tuple[Callable[[], nn.Module], Any, Callable[..., Any]]] = {
    "perceptron": (perceptron, ROWS, F.cross_entropy),
    "convolutional": (convolutional, IMAGES, F.cross_entropy),
    "LSTM": (partial(Sentences, nn.LSTM), WORDS, F.cross_entropy),
    "GRU": (partial(Sentences, nn.GRU, padding_idx=0), WORDS, F.cross_entropy),
    "RNN": (partial(Sentences, nn.RNN), WORDS, partial(F.cross_entropy, label_smoothing=0.1)),
    "attention": (attentive, ROWS, F.cross_entropy),
    "nll_loss": (perceptron, ROWS, lambda x, y: F.nll_loss(mg.log_softmax(x, axis=1), y)),
    "ignore_index": (perceptron, ROWS, partial(F.cross_entropy, ignore_index=1)),
    "binary_cross_entropy": (perceptron, ROWS, probabilities),
    "multi_margin_loss": (perceptron, ROWS, F.multi_margin_loss),
}


def _train(name: str, device: str, count: Any = None) -> tuple[list[float], list[int]]:
    """The losses of three steps, and how often each waited."""
    make, x, loss_of = STEPS[name]
    mg.random.manual_seed(0)
    model = make().to(device)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    inputs, target = Tensor(x, device=device), Tensor(TARGETS, device=device)
    losses, waits = [], []
    for _ in range(3):
        before = 0 if count is None else count.syncs
        optimizer.zero_grad()
        loss = loss_of(model(inputs), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        waits.append(0 if count is None else count.syncs - before)
    return losses, waits


@pytest.mark.parametrize("name", STEPS)
def test_a_step_of_training_waits_once(name: str, stand_in: Any) -> None:
    with stand_in.counting() as count:
        losses, waits = _train(name, "cuda", count)
    assert waits == [1, 1, 1], count
    assert losses == pytest.approx(_train(name, "cpu")[0], rel=1e-5)


def test_a_loss_that_is_read_before_the_backward_pass_is_one_more_wait(stand_in: Any) -> None:
    x, w = Tensor(ROWS, device="cuda"), Tensor(np.ones((8, 3)), device="cuda", requires_grad=True)
    for _ in range(2):
        with stand_in.counting() as count:
            loss = mg.relu(x @ w).mean()
            first = loss.item()
            loss.backward()
            assert loss.item() == float(loss) == first
        assert count.syncs == 2


def test_a_pass_that_meets_no_mask_waits_for_nothing(stand_in: Any) -> None:
    w = Tensor(np.ones((8, 3)), device="cuda", requires_grad=True)
    with stand_in.counting() as count:
        np.tanh(Tensor(ROWS, device="cuda") @ w).sum().backward()
    assert count.syncs == 0


def test_a_functional_step_waits_once(stand_in: Any) -> None:
    w, x = Tensor(np.ones((8, 3)), device="cuda"), Tensor(ROWS, device="cuda")
    with stand_in.counting() as count:
        value, slope = mg.value_and_grad(lambda w: mg.relu(x @ w).mean())(w)
    assert count.syncs == 1
    want = mg.value_and_grad(lambda w: mg.relu(Tensor(ROWS) @ w).mean())(Tensor(np.ones((8, 3))))
    assert float(value) == pytest.approx(float(want[0]))
    np.testing.assert_allclose(slope.cpu().numpy(), want[1].numpy())


def test_a_second_derivative_waits_once_for_each_pass(stand_in: Any) -> None:
    x = Tensor(ROWS, device="cuda", requires_grad=True)
    with stand_in.counting() as count:
        (first,) = mg.autograd.grad(mg.relu(np.tanh(x)).sum(), [x], create_graph=True)
        (first**2).sum().backward()
    assert count.syncs == 2
    y = Tensor(ROWS, requires_grad=True)
    (first,) = mg.autograd.grad(mg.relu(np.tanh(y)).sum(), [y], create_graph=True)
    (first**2).sum().backward()
    np.testing.assert_allclose(x.grad.cpu().numpy(), y.grad.numpy(), rtol=1e-6)


def test_a_fused_op_behind_a_mask_waits_for_nothing(stand_in: Any) -> None:
    x = Tensor(ROWS[None], device="cuda", requires_grad=True)
    norm = nn.InstanceNorm1d(5, affine=True).cuda()
    with stand_in.counting() as count:
        found = mg.autograd.grad(mg.relu(norm(x)).sum(), [x], create_graph=True)
        mg.autograd.grad((found[0] ** 2).sum(), [x])
    assert count.syncs == 2, count


# ----------------------------------------------------------- the loss that is kept is never stale


def _loss(requires_grad: bool = True) -> Tensor:
    x = Tensor([1.0, -2.0], device="cuda", requires_grad=requires_grad)
    loss = mg.relu(x).sum()
    loss.backward()
    return loss


def _under_no_grad(write: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    def run(loss: Tensor) -> None:
        with mg.no_grad():
            write(loss.detach())

    return run


def _iadd(x: Tensor) -> None:
    x += 1.0


WRITES: dict[str, Callable[[Tensor], Any]] = {
    "data[...]": lambda x: x.data.__setitem__(..., 5.0),
    "data that was taken": lambda x: x.data.fill(7.0),
    "another array": lambda x: setattr(x, "data", x.data * 3),
    "out=": _under_no_grad(lambda x: np.multiply(x, 2.0, out=x)),
    "+=": _under_no_grad(_iadd),
    "x[...]": _under_no_grad(lambda x: x.__setitem__(..., 4.0)),
    "copyto": _under_no_grad(lambda x: np.copyto(x, Tensor(9.0, device="cuda"))),
    "a view": _under_no_grad(lambda x: np.reshape(x, (1,)).__setitem__(0, 6.0)),
    "raw and a mark": lambda x: (mg.raw(x).fill(8.0), mg.mark_mutated(mg.raw(x))),
    "in the graph": lambda x: x.__imul__(2.0),
    "data of a view": lambda x: np.reshape(x.detach(), (1,)).data.fill(6.0),
    "data of a view of a view": lambda x: np.reshape(x.detach(), (1,))[None].data.fill(6.0),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_loss_that_was_written_is_read_anew(write: str, stand_in: Any) -> None:
    loss = _loss()
    assert loss.item() == 1.0
    WRITES[write](loss)
    assert loss.item() == float(loss) == loss.tolist() == mg.raw(loss).get().item() != 1.0


def test_a_loss_that_is_a_view_is_not_kept(stand_in: Any) -> None:
    x = Tensor([3.0], device="cuda", requires_grad=True)
    whole = np.maximum(x, 0.0)
    loss = whole.reshape(())
    loss.backward()
    whole.data[0] = 9.0
    assert loss.item() == 9.0


def test_a_loss_that_somebody_else_holds_is_not_kept(stand_in: Any) -> None:
    x = Tensor([1.0, -2.0], device="cuda", requires_grad=True)
    loss = mg.relu(x).sum()
    array = loss.data
    loss.backward()
    array.fill(3.0)
    assert loss.item() == 3.0


def test_each_way_to_look_at_the_loss_is_free_after_the_pass(stand_in: Any) -> None:
    loss = _loss()
    with stand_in.counting() as count:
        seen = [loss.item(), float(loss), loss.detach().item(), loss.cpu().item(), loss.tolist(), int(loss), bool(loss)]
        text = f"{loss:.1f} {loss}"
    assert seen == [1.0] * 5 + [1, True]
    assert text.startswith("1.0 Tensor(1.")
    assert count.syncs == 0


# ------------------------------------------------------------------------- the same as on the CPU


def _gradients(f: Callable[..., Any], args: tuple[Any, ...], device: str, order: int) -> list[Any]:
    """The gradients of a scalar f, or of the squares of its gradient."""
    xs = [Tensor(a, device=device, requires_grad=a.dtype.kind in "fc") for a in args]
    wanted = [x for x in xs if x.requires_grad]
    found = mg.autograd.grad(f(*xs), wanted, create_graph=order > 1, allow_unused=True)
    if order > 1:
        squares = sum(np.sum(g * np.conj(g)).real for g in found if g is not None)
        if not isinstance(squares, Tensor) or not squares.requires_grad:
            return []
        found = mg.autograd.grad(squares, wanted, allow_unused=True)
    return [None if g is None else g.detach().cpu().numpy() for g in found]


def _agree(f: Callable[..., Any], args: tuple[Any, ...], order: int = 1) -> None:
    there, here = (_gradients(f, args, device, order) for device in ("cuda", "cpu"))
    assert len(there) == len(here)
    for a, b in zip(there, here, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-12)


#: Those of `WAYS` that are written with NumPy's arrays, with numbers beside y.
ways = WAYS | {
    "choose": lambda y, good: np.choose(good.astype(int), [np.zeros_like(y), y]),
    "a mask, then a product": lambda y, good: 2.0 * np.where(good, y, 0.0)[:, None] * np.ones_like(y, shape=(3,)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["exp", "sqrt", "log", "power", "divide"])
@pytest.mark.parametrize("order", [1, 2])
def test_every_mask_hides_as_on_the_cpu(way: str, name: str, order: int, stand_in: Any) -> None:
    sample = ELEMENTWISE[f"{name}-0"]
    count = len(sample.args)
    bad = [a.ravel() for a in np.meshgrid(*[BAD] * count)] if count > 1 else [BAD]
    args = tuple(np.concatenate([b, a.ravel()]) for b, a in zip(bad, sample.args, strict=True))
    good = np.arange(len(args[0])) >= len(bad[0])
    on_device = Tensor(good, device="cuda").data if way not in ("delete", "one by one") else good
    _agree(lambda *xs: np.sum(ways[way](sample.f(*xs), good if xs[0].device == "cpu" else on_device)), args, order)


def _hidden(f: Callable[..., Any], *xs: Any) -> Any:
    """What is left of the results of f behind a mask that hides all of them."""
    ys = f(*xs)
    ys = [y for y in (ys if isinstance(ys, (tuple, list)) else [ys]) if isinstance(y, Tensor)]
    return np.sum(xs[0]) + sum(np.sum(np.abs(np.where(np.zeros_like(mg.raw(y), dtype=bool), y, 0.0))) for y in ys)


ON_BOTH = {name: sample for name, sample in FLOATING.items() if name.endswith("-0") and sample.args[0].dtype == np.float64}


CASES = ["sqrt", "log", "norm2", "prod", "cumprod", "logsumexp", "matmul", "det", "solve", "max", "std", "softmax", "where"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_masked_result_gets_no_gradient_there_either(case: str, value: float, stand_in: Any) -> None:
    sample: Sample = ON_BOTH[f"{case}-0"]
    args = tuple(np.full_like(a, value) for a in sample.args)
    try:
        _agree(lambda *xs: _hidden(sample.f, *xs), args)
    except np.linalg.LinAlgError:
        assert case in ("det", "solve")


def test_a_pass_that_ran_twice_adds_its_gradient_once(stand_in: Any) -> None:
    x = Tensor(np.array([0.0, 4.0]), device="cuda", requires_grad=True)
    good = Tensor(np.array([False, True]), device="cuda")
    for times in (1, 2):
        loss = np.where(good, np.sqrt(x), 0.0).sum()
        loss.backward()
        assert x.grad.tolist() == [0.0, 0.25 * times]
        assert loss.item() == 2.0


def test_what_is_not_finite_for_good_reasons_stays_so(stand_in: Any) -> None:
    x = Tensor(np.array([0.0, 4.0, -1.0]), device="cuda", requires_grad=True)
    np.where(x >= -2.0, np.sqrt(x), 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad.cpu().numpy(), [np.inf, 0.25, np.nan])


@pytest.mark.parametrize("retain", [None, True])
def test_what_was_saved_is_freed_at_the_end(retain: bool | None, stand_in: Any) -> None:
    x = Tensor(np.array([1.0, -4.0]), device="cuda", requires_grad=True)
    loss = (mg.relu(x) * x).sum()
    loss.backward(retain_graph=retain)
    if retain:
        loss.backward()
        assert x.grad.tolist() == [4.0, 0.0]
    with pytest.raises(RuntimeError, match="freed by a backward pass"):
        loss.backward()


# ---------------------------------------------------------------------- what must not happen twice


def test_hooks_are_called_once_and_see_what_was_mended(stand_in: Any) -> None:
    x = Tensor(np.array([0.0, 4.0]), device="cuda", requires_grad=True)
    seen: list[Any] = []
    y = np.sqrt(x)
    y.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: seen.append(g.tolist()))
    y.retain_grad()
    np.where(x > 0, y, 0.0).sum().backward()
    assert seen == [[0.0, 1.0], [0.0, 0.25]]
    assert y.grad.tolist() == [0.0, 1.0]
    assert x.grad.tolist() == [0.0, 0.25]


@pytest.mark.parametrize("hooked", [False, True])
def test_checkpointed_functions_are_mended(hooked: bool, stand_in: Any) -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        y = np.sqrt(x)
        if hooked:
            y.register_hook(lambda g: seen.append(g.tolist()))
        return y * np.exp(x)

    x = Tensor(np.array([-1.0, 1000.0, 1.0]), device="cuda", requires_grad=True)
    np.where(Tensor(np.array([False, False, True]), device="cuda"), mg.checkpoint(f)(x), 0.0).sum().backward()
    np.testing.assert_allclose(x.grad.cpu().numpy(), [0.0, 0.0, 1.5 * np.e])
    assert len(seen) == hooked


def test_a_rule_of_ones_own_may_make_anything_of_a_gradient(stand_in: Any) -> None:
    @mg.primitive(x=lambda g: np.nan_to_num(np.clip(g, -0.5, 0.5)), method=False)
    def held(x: Any) -> Any:
        """The value itself, with a gradient of 1/2 at most."""
        return x * 1.0

    x = np.array([0.0, 4.0])
    found = []
    for device in ("cuda", "cpu"):
        t = Tensor(x, device=device, requires_grad=True)
        np.where(t > 0, 8.0 * np.sqrt(held(t)), 0.0).sum().backward()
        found.append(t.grad.tolist())
    assert found == [[0.0, 0.5]] * 2


def test_a_rule_of_ones_own_for_two_outputs_is_looked_at_too(stand_in: Any) -> None:
    def rule(g: Any, x: Any) -> Any:
        return np.nan_to_num(g[0], nan=7.0) + np.nan_to_num(g[1], nan=7.0)

    @mg.primitive(x=rule, method=False)
    def twice(x: Any) -> Any:
        """The value itself, two times."""
        return x * 1.0, x * 1.0

    x = np.array([0.0, 4.0])
    found = []
    for device in ("cuda", "cpu"):
        t = Tensor(x, device=device, requires_grad=True)
        one, other = twice(t)
        np.where(t > 0, np.sqrt(one) + np.sqrt(other), 0.0).sum().backward()
        found.append(t.grad.tolist())
    assert found == [[0.0, 0.5]] * 2


@pytest.mark.parametrize("size", [10, trial.SMALL + 10])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex128])
def test_gradients_of_every_size_and_type_are_looked_at(size: int, dtype: Any, stand_in: Any) -> None:
    x = np.ones(size, dtype)
    x[-1] = 0.0
    t = Tensor(x, device="cuda", requires_grad=True)
    other = Tensor(x, device="cuda", requires_grad=True)
    np.where(t != 0, np.abs(np.sqrt(t) * other), 0.0).sum().backward()
    got = t.grad.cpu().numpy()
    assert got[-1] == 0
    np.testing.assert_allclose(got[:-1], 0.5)
    np.testing.assert_allclose(other.grad.cpu().numpy(), x)


def test_anomaly_mode_looks_at_once(stand_in: Any) -> None:
    x = Tensor(np.array([-1.0, 1.0]), device="cuda", requires_grad=True)
    y = np.where(Tensor(np.array([False, True]), device="cuda"), np.sqrt(x), 0.0).sum()
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="sqrt: the backward pass"):
        y.backward()


def test_an_error_of_a_rule_is_raised_and_nothing_is_added(stand_in: Any) -> None:
    def rule(g: Any) -> Any:
        raise ArithmeticError("no slope")

    @mg.primitive(x=rule, method=False)
    def broken(x: Any) -> Any:
        """The value itself, with a rule that raises."""
        return x * 1.0

    x = Tensor(np.array([1.0, 2.0]), device="cuda", requires_grad=True)
    with pytest.raises(ArithmeticError, match="no slope") as error:
        mg.relu(broken(x) * x).sum().backward()
    assert any("in the gradient of broken" in note for note in error.value.__notes__)
    assert x.grad is None


# ------------------------------------------------------------------- passes inside of a rule


def _with_inner_pass(inner: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The value itself, whose rule makes a backward pass of its own."""

    def rule(g: Any, x: Any) -> Any:
        with mg.enable_grad():
            inner(g, x)
        return g * 1.0

    return mg.primitive(x=rule, name="same", method=False, override=True)(lambda x: x * 1.0)


def _twice(x: Any, f: Callable[[Any], Any], device: str) -> Tensor:
    """The gradient where 0 times infinity makes a second, careful pass necessary on a GPU."""
    t = Tensor(np.array(x), device=device, requires_grad=True)
    np.where(Tensor([False, True], device=device).data, np.log(f(t)), 0.0).sum().backward()
    return t.grad


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("way", ["leaves", "inputs", "hook", "retain_grad"])
def test_a_pass_inside_of_a_rule_adds_its_gradient_once(way: str, masked: bool, there: bool, stand_in: Any) -> None:
    seen: list[list[Any]] = []
    for device in ("cpu", "cuda"):
        w = Tensor(np.array([2.0]), requires_grad=True, device=device if there else "cpu")
        calls: list[Any] = []

        def inner(g: Any, x: Any, w: Any = w, calls: list[Any] = calls) -> None:
            y = w * 3.0
            loss = (np.maximum(y, 0.0) if masked else y).sum()
            if way == "hook":
                y.register_hook(lambda g: calls.append(g.tolist()))
                mg.autograd.grad(loss, [w])
            elif way == "retain_grad":
                y.retain_grad()
                mg.autograd.grad(loss, [w])
                calls.append(y.grad.tolist())
            else:
                loss.backward(inputs=[w] if way == "inputs" else None)

        found = _twice([0.0, 4.0], _with_inner_pass(inner), device)
        seen.append([found.tolist(), w.grad if w.grad is None else w.grad.tolist(), calls])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("masked", [False, True])
def test_a_graph_that_a_rule_goes_through_is_freed_once_the_pass_is_over(masked: bool, stand_in: Any) -> None:
    w = Tensor(np.array([2.0]), requires_grad=True, device="cuda")
    loss = (np.maximum(w, 0.0) if masked else w) * w
    found: list[Any] = []
    f = _with_inner_pass(lambda g, x: found.append(mg.autograd.grad(loss.sum(), [w])[0].item()))
    assert _twice([0.0, 4.0], f, "cuda").tolist() == [0.0, 0.25]
    assert set(found) == {4.0}
    with pytest.raises(RuntimeError, match="freed by a backward pass"):
        loss.backward()


def _slope(x: Any) -> Any:
    """The slope of a function that hides infinities, as a constant: a pass of its own."""
    return mg.grad(lambda v: np.where(v > 0, np.log(v), 0.0).sum())(x.detach())


DECIDE: dict[str, Callable[[Any], Any]] = {
    "where": lambda x: np.where(_slope(x) >= 0, x * 2.0, x * 5.0),
    "if": lambda x: x * 2.0 if _slope(x).sum().item() >= 0 else x * 5.0,
    "argmax": lambda x: x * x[np.argmax(_slope(x))],
}


@pytest.mark.parametrize("way", DECIDE)
@pytest.mark.parametrize("kind", ["checkpoint", "rule"])
def test_what_a_program_decides_by_inside_of_a_pass_is_looked_at(way: str, kind: str, stand_in: Any) -> None:
    def rule(g: Any, x: Any) -> Any:
        with mg.enable_grad():
            return mg.raw(DECIDE[way](Tensor(mg.raw(x)))) * g

    own = mg.primitive(x=rule, name="own", method=False)(lambda x: x * 1.0)
    f = own if kind == "rule" else mg.checkpoint(DECIDE[way])
    _agree(lambda x: mg.relu(f(x) + 1.0).sum(), (np.array([0.0, 1.0, 4.0]),))


# --------------------------------------------------------------------- what runs twice, and what not


@pytest.mark.parametrize("kind", [TypeError, RuntimeError, KeyError, NotImplementedError])
def test_a_rule_that_raises_runs_once(kind: type[Exception], stand_in: Any) -> None:
    calls: list[int] = []

    def rule(g: Any) -> Any:
        calls.append(1)
        raise kind("no slope")

    @mg.primitive(x=rule, method=False)
    def failing(x: Any) -> Any:
        """The value itself, with a rule that raises."""
        return x * 1.0

    x = Tensor(np.array([1.0, 2.0]), device="cuda", requires_grad=True)
    with pytest.raises(kind, match="no slope"):
        mg.relu(failing(x) * x).sum().backward()
    assert len(calls) == 1


@pytest.mark.parametrize("kind", [np.linalg.LinAlgError, MemoryError, FloatingPointError, ValueError, OverflowError])
def test_a_rule_that_nan_made_raise_gets_none_with_care(kind: type[Exception], stand_in: Any) -> None:
    def rule(g: Any) -> Any:
        if np.isnan(g).any():
            raise kind("not a number")
        return g * 1.0

    @mg.primitive(x=rule, method=False)
    def strict(x: Any) -> Any:
        """The value itself, with a rule that takes no NaN."""
        return x * 1.0

    assert _twice([0.0, 4.0], strict, "cuda").tolist() == [0.0, 0.25]


def test_an_op_that_is_dropped_is_freed(stand_in: Any) -> None:
    def forward(x: Any) -> Any:
        """The value itself."""
        return x * 1.0

    op = Op(forward, {"x": lambda g: g * 1.0})
    x = Tensor(np.array([1.0, 2.0]), device="cuda", requires_grad=True)
    mg.relu(op.function(x)).sum().backward()
    left = weakref.ref(forward)
    del op, forward
    gc.collect()
    assert left() is None


def test_the_graph_is_walked_through_only_where_there_are_hooks(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    masks = trial.masks
    monkeypatch.setattr(trial, "masks", lambda node, look=True: looked.append(node) or masks(node, look))

    def steps(hooked: bool) -> int:
        y = Tensor(np.array([1.0, 2.0]), device="cuda", requires_grad=True)
        for _ in range(50):
            y = y * 1.5
        remove = y.register_hook(lambda g: None) if hooked else None
        looked.clear()
        mg.relu(y).sum().backward()
        if remove:
            remove()
        return len(looked)

    gc.collect()
    assert steps(False) <= 2
    y = np.tanh(Tensor(np.array([1.0, 2.0]), device="cuda", requires_grad=True))
    y.retain_grad()
    before = y.grad
    mg.relu(y).sum().backward()
    assert before is None
    assert y.grad.tolist() == [1.0, 1.0]
    del y
    steps(True)
    gc.collect()
    assert steps(False) <= 2
