"""What is wrong with values on a GPU is found when the program waits for it: late, once, and with the same words."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
import nn.functional as F
from minigrad import Tensor, later
from minigrad.later import check_later
from nn import distributions
from nn.values import host

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture
def gpu(stand_in: Any) -> Any:
    """The stand-in, with indices that wrap around and matrices that do not raise, as on a GPU."""
    with stand_in.installed(lenient=True):
        yield stand_in


TABLE, LOGITS = np.ones((3, 2)), np.zeros((2, 3))
#: Calls with wrong values: functions of (how to make a tensor of an array), with the error of the CPU.
WRONG: dict[str, tuple[Callable[[Callable[..., Any]], Any], type[Exception]]] = {
    "embedding": (lambda t: F.embedding(t([0, 3]), t(TABLE)), IndexError),
    "embedding below 0": (lambda t: F.embedding(t([-1, 0]), t(TABLE)), IndexError),
    "one_hot": (lambda t: F.one_hot(t([0, 3]), 3), IndexError),
    "cross_entropy": (lambda t: F.cross_entropy(t(LOGITS), t([0, 3])), IndexError),
    "cross_entropy below 0": (lambda t: F.cross_entropy(t(LOGITS), t([-2, 1])), IndexError),
    "nll_loss": (lambda t: F.nll_loss(t(LOGITS), t([0, 7])), IndexError),
    "binary_cross_entropy": (lambda t: F.binary_cross_entropy(t([0.5, 1.5]), t([0.0, 1.0])), ValueError),
    "binary_cross_entropy of NaN": (lambda t: F.binary_cross_entropy(t([0.5, np.nan]), t([0.0, 1.0])), ValueError),
    "gaussian_nll_loss": (lambda t: F.gaussian_nll_loss(t([0.5]), t([1.5]), t([-1.0])), ValueError),
    "hinge_embedding_loss": (lambda t: F.hinge_embedding_loss(t([0.5]), t([2.0])), ValueError),
    "multi_margin_loss": (lambda t: F.multi_margin_loss(t(LOGITS), t([0, 3])), IndexError),
    "multilabel_margin_loss": (lambda t: F.multilabel_margin_loss(t(LOGITS), t([[0, 3, -1]] * 2)), IndexError),
    "max_unpool1d": (lambda t: F.max_unpool1d(t(np.ones((1, 1, 2))), t([[[0, 9]]]), 2), IndexError),
    "choose": (lambda t: np.choose(t([0, 2]), [t([1.0, 2.0]), t([3.0, 4.0])]), ValueError),
    "quantile": (lambda t: np.quantile(t([1.0, 2.0]), t([0.5, 1.5])), ValueError),
    "average": (lambda t: np.average(t([1.0, 2.0]), weights=t([1.0, -1.0])), ZeroDivisionError),
    "cov": (lambda t: np.cov(t([1.0, 2.0, 4.0]), aweights=t([1.0, -1.0, 1.0])), ValueError),
    "Normal": (lambda t: distributions.Normal(t([0.0]), t([-1.0])), ValueError),
    "Uniform": (lambda t: distributions.Uniform(t([0.0]), t([-1.0])), ValueError),
    "Categorical": (lambda t: distributions.Categorical(t([0.0, -1.0, 2.0])), ValueError),
    "log_prob": (lambda t: distributions.Exponential(t([1.0])).log_prob(t([-1.0])), ValueError),
    "take": (lambda t: np.take(t(TABLE), t([0, 3]), axis=0), IndexError),
    "take_along_axis": (lambda t: np.take_along_axis(t(TABLE), t([[0, 5]]), axis=0), IndexError),
    "put_along_axis": (lambda t: np.put_along_axis(t(np.ones((3, 2))), t([[0, 5]]), 0.0, axis=0), IndexError),
    "random.bernoulli": (lambda t: mg.random.bernoulli(t([0.0, 2.0])), ValueError),
    "random.normal": (lambda t: mg.random.normal(t([0.0, 2.0]), t([1.0, -1.0])), ValueError),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_found_when_the_program_waits(name: str, gpu: Any) -> None:
    call, kind = WRONG[name]
    with pytest.raises(kind) as here:
        call(Tensor)
    with gpu.counting() as count:
        call(lambda x: Tensor(x, device="cuda"))
    assert count.syncs == 0, count
    with pytest.raises(kind) as late:
        Tensor(1.0, device="cuda").item()
    if "index 3" not in str(here.value) and "index 5" not in str(here.value):  # NumPy's own words
        assert str(late.value).startswith(str(here.value).partition(", got")[0])
    notes = "".join(late.value.__notes__)
    assert "test_later.py" in notes
    assert "detect_anomaly" in notes
    assert Tensor(1.0, device="cuda").item() == 1.0, "it is raised once"


@pytest.mark.parametrize("name", WRONG)
def test_anomaly_mode_finds_it_at_once(name: str, gpu: Any) -> None:
    call, kind = WRONG[name]
    with mg.detect_anomaly(), pytest.raises(kind):
        call(lambda x: Tensor(x, device="cuda"))


def _check_of_a_wrong_index() -> None:
    F.embedding(Tensor([5], device="cuda"), Tensor(TABLE, device="cuda"))


ONE = Tensor(1.0)
WAITS: dict[str, Callable[[Tensor], Any]] = {
    "item": lambda x: x.item(),
    "item with an index": lambda x: x.reshape(1).item(0),
    "float": float,
    "int": lambda x: int(x),
    "bool": bool,
    "tolist": lambda x: x.tolist(),
    "cpu": lambda x: x.cpu(),
    "host": host,
    "repr": repr,
    "format": lambda x: f"{x:.2f}",
    "in": lambda x: 1.0 in x,
    "index": lambda x: range(3)[x.astype(int)],
    "backward": lambda x: mg.relu(x.requires_grad_()).backward(),
}


@pytest.mark.parametrize("name", WAITS)
def test_every_wait_finds_it(name: str, gpu: Any) -> None:
    x = Tensor(1.0, device="cuda")
    _check_of_a_wrong_index()
    with gpu.counting() as count, pytest.raises(IndexError, match="indices from 5 to 5, but the table has rows 0 to 2"):
        WAITS[name](x)
    assert count.syncs == 1, "it is read in the copy that is made anyway"


def test_a_backward_pass_that_raises_adds_nothing(gpu: Any) -> None:
    weight = Tensor(np.ones((3, 2)), device="cuda", requires_grad=True)
    loss = mg.relu(F.embedding(Tensor([1, 4], device="cuda"), weight)).sum()
    with pytest.raises(IndexError, match="indices from 1 to 4"):
        loss.backward()
    assert weight.grad is None


def test_the_line_that_asked_is_named(gpu: Any) -> None:
    F.embedding(Tensor([5], device="cuda"), Tensor(TABLE, device="cuda"))  # this line
    with pytest.raises(IndexError) as error:
        Tensor(1.0, device="cuda").item()
    assert "# this line" in error.value.__notes__[0]


def test_all_that_is_wrong_is_told_at_once(gpu: Any) -> None:
    _check_of_a_wrong_index()
    F.cross_entropy(Tensor(LOGITS, device="cuda"), Tensor([0, 8], device="cuda"))
    with pytest.raises(IndexError, match="embedding") as error:
        float(Tensor(1.0, device="cuda"))
    assert "target 8 is out of range" in error.value.__notes__[-1]


def test_right_values_are_read_with_the_number_that_is_asked_for(gpu: Any) -> None:
    F.embedding(Tensor([2], device="cuda"), Tensor(TABLE, device="cuda"))
    with gpu.counting() as count:
        assert Tensor(2.5, device="cuda").item() == 2.5
    assert count.syncs == 1


NUMBERS = [2**62 + 1, -(2**63), True, 1.5, np.float16(0.1), np.float64(0.1), 1e300, 2 - 3j, np.uint8(255)]


@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_of_every_kind_come_unchanged(value: Any, gpu: Any) -> None:
    x = Tensor(np.asarray(value), device="cuda")
    F.embedding(Tensor([2], device="cuda"), Tensor(TABLE, device="cuda"))
    assert x.item() == np.asarray(value).item()
    assert type(x.item()) is type(np.asarray(value).item())


def test_arrays_of_every_layout_come_unchanged(gpu: Any) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    views = [
        lambda a: a[:, :, ::2], lambda a: a.T, lambda a: a[1, ::-1, 1], lambda a: np.broadcast_to(a[0, 0], (2, 4)),
        lambda a: a[:0], lambda a: a[0, 0, 0],
    ]  # fmt: skip
    for view in views:
        F.embedding(Tensor([2], device="cuda"), Tensor(TABLE, device="cuda"))
        there = Tensor(x, device="cuda").data
        np.testing.assert_array_equal(Tensor(view(there)).cpu().numpy(), view(x))


def test_few_checks_wait(gpu: Any) -> None:
    table, index = Tensor(TABLE, device="cuda"), Tensor([1], device="cuda")
    with gpu.counting() as count:
        for _ in range(3 * later.LIMIT):
            F.embedding(index, table)
            assert later.waiting() <= later.LIMIT
    assert count.syncs in (2, 3)
    later.settle()


@pytest.mark.parametrize("ended", [False, True])
def test_what_another_thread_has_asked_is_found_by_whoever_reads(ended: bool, gpu: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_check_of_a_wrong_index).result()
        if ended:
            pool.shutdown()
        with pytest.raises(IndexError, match="indices from 5") as error:
            Tensor(1.0, device="cuda").item()
    assert "test_later.py" in error.value.__notes__[0]
    assert Tensor(1.0, device="cuda").item() == 1.0


def test_a_check_is_given_to_one_of_the_threads_that_read(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    both, get = threading.Barrier(2, timeout=10), gpu.ndarray.get

    def slow(self: Any, *args: Any, **kwargs: Any) -> Any:
        both.wait()  # until the other one reads too
        return get(self, *args, **kwargs)

    def read() -> Exception | None:
        try:
            x.item()
        except IndexError as error:
            return error
        return None

    x = Tensor(1.0, device="cuda")
    _check_of_a_wrong_index()
    monkeypatch.setattr(gpu.ndarray, "get", slow)
    with ThreadPoolExecutor(2) as pool:
        errors = [job.result() for job in [pool.submit(read), pool.submit(read)]]
    assert sum(error is not None for error in errors) == 1


def test_a_check_that_was_asked_for_after_the_backward_pass_is_read_with_the_loss(gpu: Any) -> None:
    x = Tensor([1.0, 2.0], device="cuda", requires_grad=True)
    loss = mg.relu(x).sum()
    loss.backward()
    _check_of_a_wrong_index()
    with gpu.counting() as count, pytest.raises(IndexError, match="indices from 5"):
        loss.item()
    assert count.syncs == 1
    with gpu.counting() as count:
        assert loss.item() == 3.0
    assert count.syncs == 0


BIG = (200, 1000)
#: Calls that check a large array, whose numbers the message tells.
LARGE: dict[str, Callable[[Any], Any]] = {
    "normal": lambda x: mg.random.normal(0.0, x),
    "exponential": lambda x: mg.random.standard_gamma(x),
    "hinge_embedding_loss": lambda x: F.hinge_embedding_loss(x, x),
    "quantile": lambda x: np.quantile(Tensor([1.0, 2.0], device="cuda"), x),
    "categorical": lambda x: mg.random.categorical(x),
    "Normal": lambda x: distributions.Normal(0.0, x),
    "Exponential": lambda x: distributions.Exponential(1.0).log_prob(x),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_waits_holds_no_large_array(name: str, gpu: Any) -> None:
    x = Tensor(np.ones(BIG), device="cuda")
    array = weakref.ref(x.data)
    with contextlib.suppress(NotImplementedError):  # a draw that CuPy cannot make is checked first
        LARGE[name](x)
    assert later.waiting()
    del x
    gc.collect()
    assert array() is None
    later.settle()


def test_a_late_error_is_not_of_the_op_that_meets_it(gpu: Any) -> None:
    for meet in (lambda x: x.cpu(), lambda x: x.to("cpu"), lambda x: np.repeat(x, x.astype(int)), lambda x: np.nonzero(x)):
        _check_of_a_wrong_index()
        with pytest.raises(IndexError, match="^embedding: indices from 5") as error:
            meet(Tensor([1.0], device="cuda"))
            later.settle()
        assert "test_later.py" in error.value.__notes__[0]


def test_a_late_error_inside_of_a_backward_pass_is_raised_though_the_pass_could_run_again(gpu: Any) -> None:
    def rule(g: Any) -> Any:
        later.settle()
        return g * 1.0

    @mg.primitive(x=rule, method=False)
    def reading(x: Any) -> Any:
        """The value itself, with a rule that looks at the GPU."""
        return x * 1.0

    x = Tensor([1.0, 2.0], device="cuda", requires_grad=True)
    loss = mg.relu(reading(x)).sum()
    mg.random.normal(0.0, Tensor([-1.0], device="cuda"))
    with pytest.raises(ValueError, match="must not be negative"):
        loss.backward()
    assert x.grad is None


def test_a_message_tells_the_numbers_that_were_checked(gpu: Any) -> None:
    scale = Tensor([1.0, -3.0], device="cuda")
    mg.random.normal(0.0, scale)
    scale.data[...] = 1.0
    with pytest.raises(ValueError, match="got -3"):
        Tensor(1.0, device="cuda").item()


def test_an_interruption_loses_nothing(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any) -> Any:
        raise KeyboardInterrupt

    _check_of_a_wrong_index()
    with monkeypatch.context() as patch:
        patch.setattr(gpu.ndarray, "get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Tensor(1.0, device="cuda").item()
    with pytest.raises(IndexError, match="indices from 5"):
        Tensor(1.0, device="cuda").item()


def test_checks_of_ones_own(gpu: Any) -> None:
    seen: list[Any] = []
    check_later(lambda low, high: seen.append((int(low), float(high))), np.int64(1), np.float32(2.5))
    assert seen == [(1, 2.5)]
    x = Tensor([3, 4], device="cuda").data
    check_later(lambda low, high: seen.append((int(low), int(high))), x.min(), x.max())
    assert len(seen) == 1
    later.settle()
    assert seen[1:] == [(3, 4)]


def test_a_trained_step_finds_a_wrong_class_with_the_loss(gpu: Any) -> None:
    model = nn.Linear(2, 3).cuda()
    loss = F.cross_entropy(model(Tensor(np.ones((2, 2), np.float32), device="cuda")), Tensor([0, 3], device="cuda"))
    with pytest.raises(IndexError, match="cross_entropy: target 3 is out of range for 3 classes"):
        loss.backward()
        loss.item()


# --------------------------------------------------------------------- what a GPU says nothing of

SQUARE = np.arange(24.0).reshape(2, 3, 4)
INDICES: dict[str, Callable[[Callable[..., Any]], Any]] = {
    "of rows": lambda t: t([0, 2]),
    "below 0": lambda t: t([-3]),
    "of the second axis": lambda t: (slice(None), t([0, 3])),
    "after an ellipsis": lambda t: (..., t([4])),
    "after None": lambda t: (None, t([2])),
    "after a mask of two axes": lambda t: (t(np.ones((2, 3), bool)), t([[4]])),
    "one of two": lambda t: (t([0, 1]), t([0, 3])),
    "a list": lambda t: [0, 2],
}


def _on_gpu(x: Any) -> Tensor:
    return Tensor(x, device="cuda")


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_indices_that_wrap_around_are_an_error_in_anomaly_mode(index: str, requires_grad: bool, gpu: Any) -> None:
    x = Tensor(SQUARE, device="cuda", requires_grad=requires_grad) * 1.0
    with pytest.raises(IndexError):
        (Tensor(SQUARE) * 1.0)[INDICES[index](Tensor)]
    i = INDICES[index](_on_gpu)
    x[i]  # a GPU says nothing
    with mg.detect_anomaly():
        with pytest.raises(IndexError, match=r"x\[index\]: indices from"):
            x[i]
        with pytest.raises(IndexError, match=r"x\[index\] = value: indices from"):
            x[i] = 0.0
        x[INDICES["of rows"](_on_gpu) // 2]
        x[..., _on_gpu([3, -4])] = 1.0


SINGULAR = {
    "solve": lambda a: np.linalg.solve(a, np.ones_like(a, shape=(2, 1))),
    "inv": np.linalg.inv,
    "cholesky": np.linalg.cholesky,
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_matrices_are_an_error_in_anomaly_mode(name: str, gpu: Any) -> None:
    a = _on_gpu(np.array([[1.0, 2.0], [2.0, 1.0]]) if name == "cholesky" else np.ones((2, 2)))
    with pytest.raises(np.linalg.LinAlgError):
        SINGULAR[name](a.cpu())
    SINGULAR[name](a)  # a GPU says nothing
    mode = mg.detect_anomaly()
    with mode, mode, pytest.raises(np.linalg.LinAlgError):
        SINGULAR[name](a)
    with pytest.raises(np.linalg.LinAlgError):
        mode(SINGULAR[name])(a)
    SINGULAR[name](a)


def test_arrays_without_gaps_and_with_are_read_in_one_copy(gpu: Any) -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], device="cuda").data
    arrays = [x, x.T, x[:, 1], np.broadcast_to(x[0, 0], (3,))]
    with gpu.counting() as count:
        found = later.read(*arrays)
    assert count.syncs == 1
    for a, b in zip(found, ([[1, 2], [3, 4]], [[1, 3], [2, 4]], [2, 4], [1, 1, 1]), strict=True):
        np.testing.assert_array_equal(a, b)
