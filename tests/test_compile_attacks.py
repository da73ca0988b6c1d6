"""compile: what was found by attacking it, one test for each kind of fault."""

from __future__ import annotations

import copy
import gc
import itertools
import os
import pickle
import random
import re
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter as clock
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.compiler import native

X = np.linspace(-1, 1, 12, dtype="f4").reshape(4, 3)


def in_threads(*works: Any) -> list[BaseException]:
    """Run functions at the same time; what they raise."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work: Any) -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# ------------------------------------------------------------------------------------ threads

FIRST = """
import threading
import numpy as np
import minigrad as mg
barrier = threading.Barrier(4)
def work(k):
    barrier.wait()
    f = mg.compile(lambda x: np.exp(x) * k)
    for _ in range(50):
        f(np.ones(5))
threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def test_threads_that_compile_the_first_functions_at_once_share_one_machine() -> None:
    assert subprocess.run([sys.executable, "-c", FIRST], check=False, timeout=120).returncode == 0


def test_steps_over_the_same_parameters_are_traced_one_after_the_other() -> None:
    model = nn.Linear(3, 2)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.0)

    def made() -> Any:
        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss.detach()

        return mg.compile(step)

    expected = float((model(Tensor(X)) ** 2).sum().detach())
    results: list[float] = []

    def work() -> None:
        step = made()
        results.extend(step(Tensor(X)).item() for _ in range(10))

    assert in_threads(*[work] * 4) == []
    np.testing.assert_allclose(results, expected, rtol=1e-5)
    assert {type(p._array) for p in model.parameters()} == {np.ndarray}


def test_a_thread_without_compile_sees_numbers_while_another_traces() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    f, expected, done = mg.compile(lambda x: model(x)), model(Tensor(X)).detach().numpy(), threading.Event()

    def traces() -> None:
        for n in range(1, 8):
            f(Tensor(np.ones((n, 3), "f4")))
        done.set()

    def eager() -> None:
        while not done.is_set():
            np.testing.assert_allclose(model(Tensor(X)).detach().numpy(), expected)
            float(model[0].weight.sum())

    assert in_threads(traces, eager) == []


# ------------------------------------------------------------------------------------ methods


class Alike:
    def __init__(self, k: float) -> None:
        self.k = k

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


@dataclass
class Unhashable:
    k: float

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k: float) -> None:
        self.k = k

    @mg.compile
    def scaled(self, x: Any) -> Any:
        return x * self.k


@pytest.mark.parametrize("kind", [Alike, Unhashable, Slotted])
def test_each_object_has_compiled_methods_of_its_own(kind: Any) -> None:
    a, b = kind(1.0), kind(7.0)
    c = copy.copy(a)
    for _ in range(2):
        assert [x.scaled(np.ones(1)).item() for x in (a, b, c)] == [a.k, b.k, c.k]
        c = copy.copy(a)
        c.k = 3.0


def test_a_compiled_method_does_not_keep_its_object() -> None:
    a = Unhashable(2.0)
    a.scaled(np.ones(2))
    assert copy.deepcopy(a) == a == pickle.loads(pickle.dumps(a))
    found = weakref.ref(a)
    del a
    gc.collect()
    assert found() is None


# ------------------------------------------------------------------------- the same as without


def same(f: Any, *calls: tuple[Any, ...]) -> None:
    """A compiled function gives, and does to its arguments, what the function does: at its first call and later."""
    fast = mg.compile(f)
    for args in calls:
        for _ in range(2):
            expected, given = copy.deepcopy(args), copy.deepcopy(args)
            try:
                wanted = f(*expected)
            except Exception as error:
                with pytest.raises(type(error)):
                    fast(*given)
            else:
                found = fast(*given)
                for a, b in zip(wanted, found, strict=True) if isinstance(wanted, tuple) else [(wanted, found)]:
                    assert a.dtype == b.dtype
                    np.testing.assert_allclose(a, b, rtol=1e-6)
            for a, b in zip(expected, given, strict=True):
                np.testing.assert_array_equal(a, b)


SQUARE = np.arange(9.0).reshape(3, 3)


def test_a_transpose_of_a_square_is_not_the_square() -> None:
    same(lambda x: (np.einsum("ij->j", x), np.einsum("ij->i", x), np.einsum("ji,jk->ik", x, x)), (SQUARE,))
    same(lambda x: np.tensordot(x, x, ((0,), (1,))), (SQUARE,))
    same(lambda x: x.T * 2, (np.broadcast_to(1.0, (3, 3)),), (SQUARE,))
    same(lambda x: x[::-1] * 2, (np.broadcast_to(1.0, (3, 3)),), (SQUARE,))


def into(x: Any) -> Any:
    np.multiply(x, 2, out=x, where=x > 2)
    return np.exp(x, out=np.zeros_like(x), where=x < 3)


def test_where_beside_out_leaves_the_other_elements() -> None:
    same(into, (SQUARE,), (-SQUARE,))


def add_a_float(x: Any) -> Any:
    x += 1.5
    return x * 1


def add_a_complex(x: Any) -> Any:
    np.add(x, 1j, out=x)
    return x * 1


def test_results_that_do_not_fit_into_an_array_are_an_error() -> None:
    same(add_a_float, (SQUARE,), (np.arange(3),))
    same(add_a_complex, (SQUARE,), (np.ones(3, complex),))


def write_real(x: Any) -> Any:
    x.real[0] = 5
    np.atleast_1d(x)[1] = 7
    return x * 1


def fill_nans(x: Any) -> Any:
    np.nan_to_num(x, copy=False)
    return x * 1


def put_masks(x: Any) -> Any:
    np.putmask(x, x > 1, [7.0, 8.0])
    return x * 1


@pytest.mark.parametrize("f", [write_real, fill_nans, put_masks])
def test_writes_through_what_numpy_gives_back_as_it_is(f: Any) -> None:
    same(f, (np.array([1.0, np.nan, 3.0]),), (np.array([np.nan, 2.0, -3.0]),))


def methods(x: Any) -> Any:
    x.sort()
    x.flat[1] = 9
    y = x.view()
    y[0] += 1
    x.partition(2)
    x.put([0], [4.0])
    return x.flat[3], x.searchsorted(5.0), x.argpartition(1)[:1] * 0


def test_methods_of_arrays() -> None:
    same(methods, (np.array([3.0, 1.0, 2.0, 5.0]),))
    with pytest.raises(AttributeError, match="compile traces"):
        mg.compile(lambda x: x.ctypes)(np.ones(2))


def test_what_a_loop_does_not_hold_is_a_call() -> None:
    same(lambda x: (np.max(x), x.min(axis=0)), (SQUARE > 3,))
    same(lambda x: (x > -1, x < 300, x == 1000, np.clip(x, -1, 300)), (np.arange(5, dtype="u1"),))
    same(lambda x, n: np.ldexp(x, n), (np.ones(3), np.arange(3)))


def test_what_is_trimmed_depends_on_the_values() -> None:
    same(np.trim_zeros, (np.array([1.0, 2.0, 3.0]),), (np.array([0.0, 2.0, 0.0]),))


def test_a_float_among_the_arguments_is_a_float() -> None:
    same(lambda x, k: x * (2 if isinstance(k, float) else 5), (np.ones(2), 1.0), (np.ones(2), 3.0))
    same(lambda x, k: x * np.array([k, 2 * k]) + np.sum([k, k]), (np.ones(2), 1.0), (np.ones(2), 3.0))


def test_an_axis_of_length_1_fits_any_other_in_einsum() -> None:
    same(lambda x, y: np.einsum("ij,jk->ik", x, y), (np.ones((3, 1)), SQUARE), (SQUARE, np.ones((1, 2))))


# ------------------------------------------------------------------------- nothing is stale


def alike(made: Any) -> None:
    """made(compile) gives the same with `compile` as without."""
    for a, b in zip(made(lambda f: f), made(mg.compile), strict=True):
        assert getattr(a, "dtype", type(a)) == getattr(b, "dtype", type(b))
        np.testing.assert_array_equal(a, b)


ONES = np.ones(2)


def of_a_set(fast: Any) -> Any:
    known = {1}
    f = fast(lambda x: x * 2 if 5 in known else x)
    yield f(ONES)
    known.add(5)
    yield f(ONES)


def of_a_deque(fast: Any) -> Any:
    last = deque([np.ones(2), 2.0], maxlen=2)

    def f(x: Any) -> Any:
        last.append(x * last[0])
        return last[1] * 1.0

    f = fast(f)
    for k in range(4):
        yield f(ONES + k)
        yield last[-1]


def of_a_module(fast: Any) -> Any:
    settings = ModuleType("settings")
    settings.scale, settings.weights = 2.0, np.ones(2)

    def f(x: Any) -> Any:
        settings.weights += x
        return x * settings.scale + settings.weights

    f = fast(f)
    for k in range(3):
        yield f(ONES)
        yield settings.weights
        settings.scale += k


def of_numbers_that_are_equal(fast: Any) -> Any:
    scale: Any = 2
    f = fast(lambda x: x * scale)
    for scale in (2, 2.0, np.float32(2), True, 1, 1.0, 0.0, -0.0):  # noqa: B007
        yield f(np.array([1, 2]))
        yield np.signbit(f(np.ones(1)))


def of_code(fast: Any) -> Any:
    def f(x: Any, *, k: float = 2.0) -> Any:
        return x * k

    g = fast(f)
    yield g(ONES)
    f.__kwdefaults__ = {"k": 5.0}
    yield g(ONES)
    f.__kwdefaults__["k"] = 6.0
    yield g(ONES)
    f.__code__ = (lambda x, *, k: x + k).__code__
    yield g(ONES)


def of_places_that_change(fast: Any) -> Any:
    here: Any = {"a": np.ones(2), "b": np.zeros(2), "t": Tensor([1.0]), "u": Tensor([2.0]), "done": False}

    def f(x: Any) -> Any:
        here["a"], here["b"] = here["b"], here["a"]
        here["t"], here["u"] = here["u"], here["t"]
        here["done"] = True
        return here["a"] * x

    f = fast(f)
    for _ in range(4):
        here["done"] = False
        yield f(ONES)
        yield from (here["a"], here["t"].numpy(), here["done"])


def of_iterators(fast: Any) -> Any:
    counts, numbers, made = itertools.count(), iter([2.0, 3.0, 5.0]), (k for k in range(9))
    f = fast(lambda x: x * next(counts) + next(numbers) - next(made))
    for _ in range(3):
        yield f(ONES)


def of_the_order_of_keys(fast: Any) -> Any:
    weights = {"a": 1.0, "b": 2.0, "c": 3.0}
    f = fast(lambda x: np.stack([x * k for k in weights.values()]))
    yield f(ONES)
    for key in "bcab":
        weights[key] = weights.pop(key)
        yield f(ONES)


def of_context_variables(fast: Any) -> Any:
    number, array = ContextVar("number", default=1.0), ContextVar[Any]("array")
    array.set(np.ones(2))
    f = fast(lambda x: x * number.get() + array.get())
    for k in range(3):
        yield f(ONES)
        number.set(2.0 * k)
        yield f(ONES)
        array.set(array.get() + k)
    for _ in range(3):
        array.get()[:] += 1
        yield f(ONES)


def of_equal_arguments(fast: Any) -> Any:
    f = fast(lambda a, x: x * a.k)
    for k in (1.0, 7.0):
        yield f(Alike(k), ONES)


@pytest.mark.filterwarnings("ignore::minigrad.compiler.compiled.CompileWarning")
@pytest.mark.parametrize(
    "made",
    [
        of_a_set, of_a_deque, of_a_module, of_numbers_that_are_equal, of_code, of_places_that_change, of_iterators,
        of_context_variables, of_the_order_of_keys, of_equal_arguments,
    ],
)  # fmt: skip
def test_what_has_changed_is_seen(made: Any) -> None:
    alike(made)


def asks(x: Any) -> Any:
    def inner() -> Any:
        return clock()

    return x * time.time() + inner()


class Timed:
    @mg.compile
    def step(self, x: Any) -> Any:
        return x * np.random.default_rng(0).random(2)

    def fit(self) -> Any:
        started = time.time()
        return self.step(ONES), time.time() - started


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (asks, [r"time\.time\(\) at .*test_compile_attacks\.py:\d+: return x", r"clock\(\) at .*return clock"]),
        (lambda x: x * np.random.default_rng().random(2), [r"np\.random\.default_rng\(\) at .*minigrad\.random"]),
        (lambda x: x * random.Random().random(), [r"random\.Random\(\) at "]),
        (lambda x: x * uuid.uuid4().int, [r"uuid\.uuid4\(\) at "]),
    ],
)
def test_what_a_program_would_repeat_warns_with_its_line(f: Any, what: list[str]) -> None:
    with pytest.warns(mg.CompileWarning) as said:
        mg.compile(f)(ONES)
    assert len(said) == len(what)
    for expected, warning in zip(sorted(what), sorted(str(w.message) for w in said), strict=True):
        assert re.match(expected, warning), warning


def careful(x: Any) -> Any:
    with np.errstate(divide="raise"):
        return 1 / x


def test_a_floating_point_error_that_a_program_does_not_raise_warns() -> None:
    fast, given = mg.compile(careful), np.zeros(2)
    with pytest.raises(FloatingPointError):
        fast(given)
    with pytest.warns(mg.CompileWarning, match=r"np\.errstate .* at .*return 1 / x"):
        fast(ONES)
    assert np.isinf(fast(given)).all()
    with pytest.raises(FloatingPointError), mg.detect_anomaly():
        fast(given)


@pytest.mark.filterwarnings("error")
def test_a_clock_in_a_function_that_is_not_traced_is_no_matter() -> None:
    Timed().fit()
    assert sys.getprofile() is None


@pytest.mark.parametrize("stream", [random.Random(0), np.random.RandomState(0)])
def test_other_streams_of_random_numbers_are_refused(stream: Any) -> None:
    draw = stream.random if isinstance(stream, random.Random) else stream.random_sample
    holder = [stream, draw]
    with pytest.raises(mg.CannotTrace, match="minigrad.random"):
        mg.compile(lambda x: x * holder[1]())(ONES)


def test_a_generator_cannot_be_returned() -> None:
    with pytest.raises(mg.CannotTrace, match="return a list"):
        mg.compile(lambda x: (x * i for i in range(3)))(ONES)


# ------------------------------------------------------------------------------------ hooks


def test_a_hook_of_a_parameter_runs_once() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.register_hook(lambda g: g * 3)
    f = mg.compile(lambda x: (w * x).sum())
    for _ in range(3):
        w.grad = None
        f(Tensor([1.0, 1.0])).backward()
        np.testing.assert_array_equal(w.grad, [3.0, 3.0])


def test_hooks_that_come_and_go_are_seen_in_a_compiled_step() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    def gradient(x: Any) -> Any:
        w.grad = None
        (w * x).sum().backward()
        return w.grad.detach()

    f, x = mg.compile(gradient), Tensor([1.0, 1.0])
    for _ in range(2):
        found = [f(x).numpy()[0]]
        remove = w.register_hook(lambda g: g * 3)
        found += [f(x).numpy()[0], f(x).numpy()[0]]
        remove()
        assert [*found, f(x).numpy()[0]] == [1, 3, 3, 1]


# ------------------------------------------------------------------------- arguments and results


@dataclass
class Counted:
    values: Any
    count: int = 0


def appends(values: Any) -> Any:
    values.append(values[0] * 2)
    return values[0] + 1


def counts(state: Any) -> Any:
    state.count += 1
    return state.values + 1


@pytest.mark.parametrize(("f", "argument"), [(appends, [ONES]), (counts, Counted(ONES))])
def test_what_is_put_into_a_container_among_the_arguments_is_not_lost_in_silence(f: Any, argument: Any) -> None:
    with pytest.raises(mg.CannotTrace, match="among its arguments"):
        mg.compile(f)(argument)


class Box:
    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.mark.filterwarnings("ignore::minigrad.compiler.compiled.CompileWarning")
def test_objects_that_are_returned_hold_numbers() -> None:
    boxed, closed = mg.compile(lambda x: Box(x * 2)), mg.compile(lambda x: lambda y, z=x * 2: y + z)
    queue = mg.compile(lambda x: deque([x * 2]))
    for k in range(10):
        for found in (boxed(ONES * k).value, closed(ONES * k)(0), queue(ONES * k)[0]):
            np.testing.assert_array_equal(found, ONES * k * 2)
    assert type(mg.compile(lambda x, k: (x, k))(ONES, 2.0)[1]) is float


def inverse(x: Any) -> Any:
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return x * 0


def test_a_function_catches_what_its_program_raises() -> None:
    same(inverse, (np.eye(2),), (np.zeros((2, 2)),), (np.eye(2),))


def test_a_function_that_has_drawn_numbers_catches_errors_too() -> None:
    def noisy(x: Any) -> Any:
        noise = mg.random.normal(size=2)
        try:
            return np.linalg.inv(x) + noise
        except np.linalg.LinAlgError:
            return x * 0 + noise

    found, given = [], (np.eye(2), np.zeros((2, 2)), np.eye(2), np.zeros((2, 2)))
    for f in (noisy, mg.compile(noisy)):
        mg.random.seed(0)
        found.append([f(x).numpy() for x in given])
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::minigrad.compiler.compiled.CompileWarning")
def test_a_seed_inside_is_set_at_each_call() -> None:
    def draw(x: Any) -> Any:
        mg.random.seed(0)
        return x * mg.random.normal(size=2)

    fast, expected = mg.compile(draw), draw(ONES).numpy()
    for _ in range(3):
        np.testing.assert_array_equal(fast(ONES).numpy(), expected)


@pytest.mark.filterwarnings("ignore::minigrad.compiler.compiled.CompileWarning")
def test_a_state_of_the_generator_is_set_at_each_call() -> None:
    start = mg.random.get_state()

    def back(x: Any) -> Any:
        mg.random.set_state(start)
        return x * mg.random.normal(size=2)

    def again(x: Any) -> Any:
        state = mg.random.get_state()
        y = x * mg.random.normal(size=2)
        mg.random.set_state(state)
        return y

    for f in (back, again):
        fast, expected = mg.compile(f), f(ONES).numpy()
        for _ in range(3):
            np.testing.assert_array_equal(fast(ONES).numpy(), expected)


def test_an_average_of_a_model_is_updated_in_a_compiled_step() -> None:
    def trained(fast: Any) -> list[Any]:
        mg.random.seed(0)
        model = nn.Linear(3, 1)
        optimizer, average = nn.optim.SGD(model.parameters(), lr=0.1), nn.optim.swa_utils.AveragedModel(model)

        def step(x: Any) -> Any:
            loss = (model(x) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update_parameters(model)
            return loss.detach()

        step = fast(step)
        losses = [step(Tensor(X)).item() for _ in range(5)]
        return [losses, average.n_averaged.item(), *(p.detach().numpy() for p in average.parameters())]

    for a, b in zip(trained(lambda f: f), trained(mg.compile), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_checkpoint_in_a_program_draws_once() -> None:
    drop = nn.Dropout(0.5)
    draw = mg.checkpoint(lambda x: drop(x))
    f = mg.compile(lambda x: draw(x).sum())
    for _ in range(4):
        x = Tensor(np.arange(1.0, 9.0), requires_grad=True)
        y = f(x)
        y.backward()
        assert y.item() == (x.grad * x).sum().item()


def test_an_array_that_another_thread_met_while_it_was_traced_keeps_its_numbers() -> None:
    net, met = nn.Linear(2, 3), list[Any]()
    traced, taken = threading.Event(), threading.Event()

    def look() -> None:
        traced.wait(30)
        met.append(net.weight._array)
        taken.set()

    def step(x: Any) -> Any:
        traced.set()
        taken.wait(30)
        return net(x).detach()

    other = threading.Thread(target=look)
    other.start()
    mg.compile(step)(Tensor(np.ones((1, 2), "f4")))
    other.join()
    found: list[Any] = []
    later = threading.Thread(target=lambda: found.append(np.swapaxes(met[0], 0, 1) + 0))
    later.start()
    later.join()
    np.testing.assert_array_equal(found[0], net.weight.detach().numpy().T)


# ----------------------------------------------------------------------------- memory, and modes


class Held:
    pass


def test_what_a_call_gives_or_puts_somewhere_is_an_array_of_its_own_at_the_first_call_too() -> None:
    held, constant = Held(), np.zeros(2)
    held.twice, held.argument = np.ones(2), np.ones(2)

    def f(x: Any) -> Any:
        y = x * 2
        held.twice, held.argument = y, x
        return y, y, y[:1], x, constant, y[::-1]

    fast = mg.compile(f)
    for _ in range(4):
        arrays = [*fast(ONES), held.twice, held.argument, ONES, constant]
        for a, b in itertools.combinations(arrays, 2):
            assert not np.shares_memory(a, b)
    assert len(fast.versions) == 1


def test_a_gradient_that_is_returned_is_apart_from_the_one_in_its_tensor() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    def gradient(x: Any) -> Any:
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    fast = mg.compile(gradient)
    for _ in range(3):
        assert not np.shares_memory(fast(Tensor([1.0, 1.0])).numpy(), w.grad.numpy())


class Noisy(nn.Module):
    def forward(self, x: Any) -> Any:
        return nn.functional.dropout(x, 0.5, self.training)


@pytest.mark.parametrize("again", [lambda m: m, mg.compile])
def test_a_compiled_model_and_the_model_are_in_the_same_mode(again: Any) -> None:
    model, x = Noisy(), Tensor(np.ones(100))
    fast = again(mg.compile(model))
    for one, other in ((fast, model), (model, fast)):
        for mode in (False, True):
            one.train(mode)
            assert other.training is mode
            for _ in range(2):
                assert (fast(x).numpy() == 0).any() == (model(x).numpy() == 0).any() == mode
    model.scale = 3.0
    assert fast.scale == 3.0


# --------------------------------------------------------------- what eager code does without an error


def filled(x: Any) -> Any:
    y, z, e = mg.zeros(3), mg.full((2, 3), 7.0), mg.empty(2, dtype="f8")
    y[0], y[1:] = x[0] * 2, x[1:]
    z[0], e[:] = y, x[0]
    return y, z * mg.ones(3), e


def test_a_new_array_is_filled_by_index() -> None:
    fast = mg.compile(filled)
    for k in range(3):
        for a, b in zip(fast(Tensor(np.arange(3.0) + k)), filled(Tensor(np.arange(3.0) + k)), strict=True):
            np.testing.assert_array_equal(a, b)

    def loss(x: Any) -> Any:
        y = mg.zeros(3, dtype="f8")
        y[1] = x[0] * x[1]
        return (y * y).sum()

    for gradient in (mg.compile(mg.grad(loss)), mg.grad(mg.compile(loss))):
        for k in range(3):
            np.testing.assert_allclose(gradient(ONES * k), mg.grad(loss)(ONES * k))


def test_what_a_convolution_reads_is_made_before_it() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 6, 6)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)

    def f(x: Any, w: Any, b: Any) -> Any:
        return (nn.functional.conv2d(x, np.swapaxes(w, 2, 3), b[::-1]) ** 2).sum()

    fast, slow = mg.compile(mg.grad(f, (0, 1, 2))), mg.grad(f, (0, 1, 2))
    for k in (1, 2):
        for found, expected in zip(fast(x * k, w, b), slow(x * k, w, b), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_lengths_of_sequences_may_be_tensors() -> None:
    rng = np.random.default_rng(0)
    log_probs = nn.functional.log_softmax(Tensor(rng.normal(size=(6, 2, 4))), 2)

    def f(log_probs: Any, targets: Any, times: Any, lengths: Any) -> Any:
        return nn.functional.ctc_loss(log_probs, targets, times, lengths)

    fast, padded, flat = mg.compile(f), np.array([[1, 2], [3, 1]]), np.array([1, 2, 3])
    for targets, times, lengths in ((padded, [6, 5], [2, 1]), (padded, [4, 6], [2, 2]), (flat, [6, 5], [2, 1])):
        given = (log_probs, *map(Tensor, (targets, np.array(times), np.array(lengths))))
        for _ in range(2):
            np.testing.assert_allclose(fast(*given), f(*given), rtol=1e-6)


def test_a_learning_rate_may_be_a_tensor() -> None:
    def trained(fast: Any) -> Any:
        mg.random.seed(0)
        model = nn.Linear(3, 1)
        optimizer = nn.optim.Adam(model.parameters(), lr=Tensor(0.1))

        def step(x: Any) -> None:
            optimizer.zero_grad()
            (model(x) ** 2).sum().backward()
            optimizer.step()

        step = fast(step)
        for k in range(8):
            step(Tensor(X))
            if k % 3 == 2:
                optimizer.param_groups[0]["lr"] *= 0.5
        return model.weight.detach().numpy()

    np.testing.assert_allclose(trained(mg.compile), trained(lambda f: f), rtol=1e-4)


@pytest.mark.parametrize("made", [mg.compile, lambda model: mg.compile(lambda x: model(x))])
def test_a_lazy_layer_says_what_to_do_before_it_is_compiled(made: Any) -> None:
    model = nn.Sequential(nn.LazyLinear(2))
    fast = made(model)
    with pytest.raises(ValueError, match="call the model once on an example before"):
        fast(Tensor(X))
    expected = model(Tensor(X)).detach()
    for _ in range(2):
        np.testing.assert_allclose(fast(Tensor(X)).detach(), expected, rtol=1e-5)


def test_operators_that_do_more_than_numpys_functions() -> None:
    same(lambda x: (x**2, x**3, x * 1), (SQUARE > 3,))
    same(lambda x: (x == "a", x != b"a", x == 3.0), (SQUARE,))


def test_tuples_may_be_nested_deeply() -> None:
    nested: Any = ()
    for _ in range(5000):
        nested = (nested,)
    kept = Held()
    kept.nested = nested
    same(lambda x: x * len(kept.nested), (ONES,))


# ------------------------------------------------------- what docs/compile.md says is other than without


def test_sines_of_what_is_no_angle_are_nan() -> None:
    for f in (np.sin, np.cos, np.tan):
        fast, x = mg.compile(lambda x, f=f: f(x)), np.array([1.0, -(2.0**44), 2.0**46])
        fast(x)
        np.testing.assert_array_equal(np.isnan(fast(x)), [False, False, native.available()])


def test_a_result_without_axes_is_a_number_at_each_call() -> None:
    fast = mg.compile(lambda x: (np.where(x > 0, x, 1.0), x))
    for _ in range(3):
        assert [type(y) for y in fast(np.array(2.0))] == [np.float64, np.float64]


def test_an_error_goes_on_where_the_function_has_written_in_place() -> None:
    count = np.zeros(2)

    def guarded(x: Any) -> Any:
        count[:] += 1
        try:
            return np.linalg.inv(x) * count
        except np.linalg.LinAlgError:
            return x * 0

    fast = mg.compile(guarded)
    fast(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        fast(np.zeros((2, 2)))


def test_the_environment_is_read_when_the_function_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE", "1")
    fast = mg.compile(lambda x: x * float(os.environ["EDGE"]))
    fast(ONES)
    monkeypatch.setenv("EDGE", "2")
    np.testing.assert_array_equal(fast(ONES), ONES)


def test_a_fault_of_the_compiler_is_not_hidden_by_the_function_that_makes_it_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise AttributeError("no such name")

    fast = mg.compile(lambda x: x * 2)
    assert fast(np.ones(1)).tolist() == [2.0]
    monkeypatch.setattr(fast.versions[0], "run", broken)
    for given in ((np.ones(1),), (np.ones(1),)):
        with pytest.warns(mg.CompileWarning, match="ends with AttributeError.*please report"):
            assert fast(*given).tolist() == [2.0]
