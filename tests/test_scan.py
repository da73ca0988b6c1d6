"""scan and fori: against the loop written out, eagerly and compiled, under all transforms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, fori, grad, hessian, jacobian, jvp, scan, value_and_grad, vmap
from minigrad.arrays.traced import CannotTrace
from minigrad.check import check_grads
from minigrad.compiler.compiled import Compiled, compile
from minigrad.compiler.groups import Call
from minigrad.compiler.repeated import Repeated
from minigrad.later import holds_for_any
from minigrad.tensor import raw
from minigrad.trees import flatten, unflatten

RNG = np.random.default_rng(0)
W, XS, H = RNG.normal(size=(3, 3)) / 2, RNG.normal(size=(6, 3)), RNG.normal(size=3)


def loop(f: Any, init: Any, xs: Any = None, length: Any = None, reverse: bool = False) -> Any:
    """What scan does, written down as plainly as can be."""
    columns = flatten(xs)
    steps = len(columns[0]) if columns else length
    carry, found = init, []
    for t in reversed(range(steps)) if reverse else range(steps):
        carry, y = f(carry, unflatten(xs, iter([c[t] for c in columns])))
        found.append(y)
    found = found[::-1] if reverse else found
    stacked = [
        mg.stack([y if isinstance(y, Tensor) else np.asarray(y) for y in ys]) for ys in zip(*map(flatten, found), strict=True)
    ]
    return carry, unflatten(found[0], iter(stacked))


def total(tree: Any) -> Any:
    """One number that depends on all leaves."""
    return sum(np.sum(np.sin(x) * (i + 1)) for i, x in enumerate(flatten(tree)))


def same(got: Any, want: Any, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    got, want = flatten(got), flatten(want)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert isinstance(a, Tensor) == isinstance(b, Tensor)
        np.testing.assert_allclose(raw(a), raw(b), rtol=rtol, atol=atol)
        assert np.asarray(raw(a)).dtype == np.asarray(raw(b)).dtype and np.shape(a) == np.shape(b)


@dataclass
class State:
    h: Any
    c: Any


def _elman(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, x: (np.tanh(w @ h + x), h * x), h, xs)


def _backwards(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, x: (np.tanh(w @ h + x), h[0]), h, xs, reverse=True)


def _no_y(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, x: (np.cos(w @ h) * x, None), h, xs)


def _no_xs(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, x: (np.tanh(w @ h + xs[0]), np.sum(h)), h, length=5)


def _trees(run: Any, w: Any, xs: Any, h: Any) -> Any:
    def f(carry: Any, x: Any) -> Any:
        c = np.tanh(carry["s"].c + x["a"] * carry["s"].h + w[0])
        return {"s": State(w @ c, c), "n": carry["n"] + 1}, {"y": [c, x["b"] * c], "n": carry["n"]}

    return run(f, {"s": State(h, xs[1]), "n": np.int64(0)}, {"a": xs, "b": xs[:, 0]})


def _passed_on(run: Any, w: Any, xs: Any, h: Any) -> Any:
    """A carry that stays, one that begins anew, one that swaps, and results that depend on no input."""
    return run(lambda c, x: ((c[0], x, c[3], c[2] * 2), (x, np.ones(2), c[1])), (h, h, w[0], w[1]), xs)


def _number(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda c, x: (c * 0.5 + np.sum(x * h), (c * x[0], c > 0)), 0.0, xs)


def _nested(run: Any, w: Any, xs: Any, h: Any) -> Any:
    def inner(c: Any, x: Any) -> Any:
        return np.sin(c + x), c * x

    def outer(h: Any, x: Any) -> Any:
        last, ys = run(inner, np.sum(h), w @ x)
        return np.tanh(h + last), ys + h

    return run(outer, h, xs)


def _written(run: Any, w: Any, xs: Any, h: Any) -> Any:
    """The body writes into an array of its own, and into a copy of what it closes over."""

    def f(h: Any, x: Any) -> Any:
        h = mg.Tensor(h) if not isinstance(h, Tensor) else h.clone()
        h[0] = x[1]
        v = mg.Tensor(w) * 1 if not isinstance(w, Tensor) else w * 1
        v[0] = h
        return v @ h, h

    return run(f, mg.Tensor(h) if not isinstance(h, Tensor) else h, xs)


def _masked(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, x: (np.where(h > 0, np.sqrt(np.abs(h)), 0.1 * h) + x * 0.1, np.maximum(h, w[0]).max()), h, xs)


def _indexed(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda h, i: (np.tanh(h + mg.take(xs, i, axis=0) + w[1]), None), h, np.array([1, 0, 3, 3]))


LOOPS = {
    f.__name__[1:]: f
    for f in (_elman, _backwards, _no_y, _no_xs, _trees, _passed_on, _number, _nested, _written, _masked, _indexed)
}


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("how", ["eager", "compiled"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_scan_is_its_loop(kind: str, how: str, dtype: str) -> None:
    make, arrays = LOOPS[kind], [x.astype(dtype) for x in (W, XS, H)]
    close = {"rtol": 1e-9, "atol": 1e-11} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-5}
    for function in (
        lambda run: lambda *a: make(run, *a),
        lambda run: value_and_grad(lambda *a: total(make(run, *a)), (0, 1, 2)),
        lambda run: lambda *a: jvp(lambda *b: total(make(run, *b)), a, tuple(np.cos(x) for x in a))[1],
    ):
        want = function(loop)(*arrays)
        got = compile(function(scan)) if how == "compiled" else function(scan)
        for _ in range(3 if how == "compiled" else 1):
            same(got(*arrays), want, **close)


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_second_derivatives_and_batches(kind: str, how: str) -> None:
    make = LOOPS[kind]
    many = np.stack([W, W.T, -W])

    def derivatives(run: Any) -> Callable[..., Any]:
        def f(w: Any) -> Any:
            return total(make(run, w, XS, H))

        return lambda w, ws: (hessian(f)(w), vmap(f)(ws), vmap(grad(f))(ws))

    got = compile(derivatives(scan)) if how == "compiled" else derivatives(scan)
    for _ in range(2):
        same(got(W, many), derivatives(loop)(W, many))


def test_gradients_are_those_of_finite_differences() -> None:
    check_grads(lambda w, xs, h: total(_elman(scan, w, xs, h)), order=2)(W, XS, H)
    check_grads(lambda x: fori(4, lambda i, x: np.sin(x) * (i + 1), x), order=2)(H)


def parameters(seed: int = 0) -> list[Tensor]:
    mg.random.manual_seed(seed)
    return [mg.random.normal(size=s).requires_grad_() for s in ((4, 4), (4, 2), (4,))]


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_gradients_reach_what_the_body_closes_over(how: str) -> None:
    found = []
    for run in (loop, scan):
        w, u, b = parameters()
        xs = Tensor(RNG.normal(size=(5, 2)).astype("f4") if not found else found[0])
        found = found or [raw(xs)]
        scaled = w * 0.5  # computed outside of the loop

        def step(xs: Any, run: Any = run, w: Any = w, u: Any = u, b: Any = b) -> Any:
            scaled = w * 0.5
            h, hs = run(lambda h, x: (mg.tanh(scaled @ h + u @ x + b), h), mg.zeros(4), xs)
            loss = (hs**2).sum() + h.sum()
            loss.backward()
            return loss.detach()

        fast = compile(step) if how == "compiled" and run is scan else step
        losses = [fast(xs) for _ in range(3)]  # .grad is added up
        found.append([*losses, w.grad, u.grad, b.grad])
        assert scaled.shape == (4, 4)
    same(found[2], found[1], rtol=1e-4, atol=1e-5)


def test_a_recurrent_cell_trains_as_the_loop_does() -> None:
    xs = Tensor(RNG.normal(size=(7, 5, 3)).astype("f4"))
    target = Tensor(RNG.normal(size=(5, 8)).astype("f4"))
    weights = []
    for run, wrapped in ((loop, lambda f: f), (scan, compile)):
        mg.random.manual_seed(0)
        cell, head, drop = nn.LSTMCell(3, 8), nn.Linear(8, 8), nn.Dropout(0.3)
        optimizer = nn.optim.Adam([*cell.parameters(), *head.parameters()], lr=0.01)

        @wrapped
        def step(
            xs: Any, run: Any = run, cell: Any = cell, head: Any = head, drop: Any = drop, optimizer: Any = optimizer
        ) -> Any:
            state = mg.zeros((5, 8)), mg.zeros((5, 8))

            def f(state: Any, x: Any) -> Any:
                state = cell(x, state)
                return state, drop(state[0])

            _, hs = run(f, state, xs)
            loss = ((head(hs.mean(axis=0)) - target) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(cell.parameters(), 1.0)
            optimizer.step()
            return loss.detach()

        mg.random.manual_seed(1)  # dropout draws in the body
        losses = [float(step(xs)) for _ in range(12)]
        weights.append([losses, *(p.detach().numpy() for p in (*cell.parameters(), *head.parameters()))])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5)


def test_an_lstm_is_pytorch_s() -> None:
    torch = pytest.importorskip("torch")
    lstm = torch.nn.LSTM(3, 5).double()
    weights = [p.detach().numpy() for p in lstm.parameters()]
    xs = RNG.normal(size=(6, 2, 3))

    def loss(weights: Any, xs: Any) -> Any:
        wx, wh, bx, bh = weights

        def cell(state: Any, x: Any) -> Any:
            i, f, g, o = np.split(x @ wx.T + bx + state[0] @ wh.T + bh, 4, axis=-1)
            c = mg.expit(f) * state[1] + mg.expit(i) * np.tanh(g)
            h = mg.expit(o) * np.tanh(c)
            return (h, c), h

        (_, c), hs = scan(cell, (np.zeros((2, 5)), np.zeros((2, 5))), xs)
        return np.sum(hs**2) + np.sum(np.sin(c))

    x = torch.tensor(xs, requires_grad=True)
    hs, (_, c) = lstm(x)
    ((hs**2).sum() + torch.sin(c).sum()).backward()
    for run in (grad(loss, (0, 1)), compile(grad(loss, (0, 1)))):
        for _ in range(2):
            same(run(weights, xs), ([p.grad.numpy() for p in lstm.parameters()], x.grad.numpy()))


def test_fori_counts_in_a_program_too() -> None:
    def f(xs: Any, n: int) -> Any:
        def body(i: Any, total: Any) -> Any:
            return np.where(i > 1, total * xs[i], total + xs[i] * i)

        return np.sum(fori(n, body, xs[0] * 1.0))

    run = compile(grad(f))
    for n in (4, 6, 4):
        for _ in range(2):
            same(run(XS, n), grad(f)(XS, n))


def test_a_loop_is_one_step_of_the_program_however_long_it_is() -> None:
    sizes = []
    for steps in (3, 300):
        run: Compiled = compile(grad(lambda w, n=steps: total(scan(lambda h, _: (np.tanh(w @ h), h), H, length=n))))
        run(W)
        run(W)
        (script,) = (s for s in run.versions)
        assert sum(isinstance(s.function, Repeated) for s in script.program.steps) == 2
        sizes.append(len(script.program.steps))
    assert sizes[0] == sizes[1]


def _complex(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda c, x: ((c[1], c[0] * 1j + x), c[0]), (h + 0j, w[0] * 1j), xs)


def _sorted(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda c, x: (np.sort(np.sin(c)) + x, (c, np.sort(c))), h, xs, reverse=True)


def _joined(run: Any, w: Any, xs: Any, h: Any) -> Any:
    """Results that several loops store in parts, that are halves, and that are no more than numbers."""

    def f(c: Any, x: Any) -> Any:
        c = np.concatenate([c[1:] * x[:1], x[:1]])
        low, high = np.split(np.concatenate([c, -c]), 2)
        return c, (low, high[::-1], np.concatenate([c, x]), 1.5, np.max(c))

    return run(f, h, xs, reverse=True)


def _turned(run: Any, w: Any, xs: Any, h: Any) -> Any:
    """Parts of a carry, whose place the next one takes, go on; beside them several loops, and results of calls."""

    def f(c: Any, x: Any) -> Any:
        a, b = c[0] * 2 + x, np.concatenate([np.tanh(c[1][1:]), x[:1]])
        return (c[1][::-1], a, b @ w), (c[0][:2], c[1][1:], b, np.sum(a), b[::-1])

    return run(f, (h, w[0], w[1]), xs)


def _put(run: Any, w: Any, xs: Any, h: Any) -> Any:
    """A call writes into the carry, which loops read."""

    def f(buffer: Any, x: Any) -> Any:
        buffer = buffer.clone()
        buffer[x["i"]] = x["x"][:2]
        return buffer, (buffer * 2, buffer)

    return run(f, mg.Tensor(h), {"i": np.argsort(xs, axis=1)[:, :2], "x": xs})


def _still(run: Any, w: Any, xs: Any, h: Any) -> Any:
    return run(lambda c, x: (c, None), h, xs)


#: Whether each of these leaves nothing to Python in a step.
NATIVE = {_elman: True, _trees: True, _passed_on: True, _masked: True, _joined: True, _turned: True}
NATIVE |= {_complex: False, _sorted: False, _nested: False, _put: False}


@pytest.mark.parametrize("make", NATIVE)
def test_a_loop_is_native_where_nothing_in_a_step_needs_python(make: Any) -> None:
    run: Compiled = compile(lambda *a: make(scan, *a))
    arguments = W, XS, H
    for _ in range(3):
        same(run(*arguments), make(loop, *arguments))
        arguments = tuple(np.cos(x) for x in arguments)
    (script,) = run.versions
    calls = [g.step.function for g in script.fusion.groups if isinstance(g, Call)]
    body = next(f.script for f in calls if isinstance(f, Repeated))
    assert body is not None
    assert ("for t in" not in body.source) == NATIVE[make]


def test_a_loop_in_which_nothing_happens() -> None:
    run = compile(lambda *a: _still(scan, *a))
    for _ in range(2):
        same(run(W, XS, H)[0], H)


@pytest.mark.parametrize("draws", [False, True])
def test_an_index_that_is_wrong_in_some_step_is_numpy_s_error(draws: bool) -> None:
    last = Tensor(np.zeros(1))

    def f(xs: Any, ids: Any) -> Any:
        def step(c: Any, a: Any) -> Any:
            x, i = a
            c = np.tanh(c + x) * (raw(mg.random.rand(3)) if draws else 1.0)
            return c, np.take_along_axis(c, i[None], 0)

        last[...] = np.sum(scan(step, H, (xs, ids))[1])  # so that the function cannot simply run in the program's place
        return last * 1

    run, ids = compile(f), np.array([0, 1, -1, 2, 0, 1])
    for _ in range(3):
        mg.random.manual_seed(0)
        got = run(XS, ids)
        mg.random.manual_seed(0)
        same(got, f(XS, ids))
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        run(XS, ids + 2)
    weights = XS.copy()
    weights[2] = np.nan  # which the loops do not know how to pick from
    mg.random.manual_seed(0)
    got = run(weights, ids)
    mg.random.manual_seed(0)
    same(got, f(weights, ids))


WS, XSS, HS = RNG.normal(size=(4, 3, 3)) / 2, RNG.normal(size=(4, 6, 3)), RNG.normal(size=(4, 3))
BATCHES: dict[str, Callable[[Any], Any]] = {
    "all": lambda f: vmap(f)(WS, XSS, HS),
    "xs": lambda f: vmap(f, in_axes=(None, 0, None))(W, XSS, H),
    "the first carry": lambda f: vmap(f, in_axes=(None, None, 0))(W, XS, HS),
    "what is closed over": lambda f: vmap(f, in_axes=(0, None, None))(WS, XS, H),
    "another axis": lambda f: vmap(f, in_axes=(None, 1, None), out_axes=-1)(W, np.swapaxes(XSS, 0, 1), H),
    "each of each": lambda f: vmap(vmap(f, in_axes=(None, 0, None)), in_axes=(0, None, None))(WS, XSS, H),
}


@pytest.mark.parametrize("kind", ["elman", "backwards", "passed_on", "masked", "nested", "trees"])
@pytest.mark.parametrize("axes", BATCHES)
def test_a_loop_of_many_examples_is_one_step_too(kind: str, axes: str) -> None:
    def derivatives(run: Any) -> Callable[..., Any]:
        def f(w: Any, xs: Any, h: Any) -> Any:
            return total(LOOPS[kind](run, w, xs, h))

        def each(w: Any, xs: Any, h: Any) -> Any:
            return value_and_grad(f, (0, 1, 2))(w, xs, h)[1]

        def summed(w: Any, xs: Any, h: Any) -> Any:
            return BATCHES[axes](lambda *a: f(*(x * k for x, k in zip(a, (w, xs, h), strict=True)))).sum()

        return lambda: (
            BATCHES[axes](f),
            BATCHES[axes](each)[0] if axes != "another axis" else 0,
            grad(summed, (0, 1, 2))(W, XS[:1], H),
        )

    got = compile(derivatives(scan))
    for _ in range(2):
        same(got(), derivatives(loop)())
    (script,) = got.versions
    assert any(isinstance(s.function, Repeated) for s in script.program.steps)


def test_what_depends_on_no_step_is_computed_once_and_what_nobody_needs_not_at_all() -> None:
    def f(w: Any, xs: Any) -> Any:
        return np.sum(scan(lambda h, x: (np.tanh(np.exp(w) @ h + x), (h, np.log(x * x)))[:2], H, xs)[0])

    run: Compiled = compile(grad(f))
    run(W, XS)
    (script,) = (s for s in run.versions)
    bodies = [s.function for s in script.program.steps if isinstance(s.function, Repeated)]
    names = [[s.function.__name__ for s in b.program.steps] for b in bodies]
    assert "exp" in [s.function.__name__ for s in script.program.steps] and not any("exp" in n for n in names)
    assert not any("log" in n for n in names)
    for body in bodies:  # nor is it handed on
        read = {v for step in body.program.steps for v in step.inputs()} | set(body.program.outputs)
        assert read.issuperset(body.program.inputs)


def test_a_body_that_decides_by_values_is_written_out() -> None:
    def f(c: Any, x: Any) -> Any:
        return (c * x if holds_for_any(x > 0) else c + x), None

    run = compile(grad(lambda xs: np.sum(scan(f, H, xs)[0])))
    ways = [np.abs(XS), -np.abs(XS), XS * np.array([[1.0], [-1.0], [1.0], [1.0], [-1.0], [1.0]])]
    for xs in (*ways, *ways[::-1], ways[2]):  # all steps one way, all the other way, some this and some that way
        same(run(xs), grad(lambda xs: np.sum(loop(f, H, xs)[0]))(xs))
    first: Compiled = compile(lambda xs: scan(f, H, xs)[0])
    for xs in (ways[2], ways[0], ways[2], -ways[2]):
        same(first(xs), loop(f, H, xs)[0])


def test_results_whose_number_depends_on_values() -> None:
    def f(c: Any, x: Any) -> Any:
        return c + np.sum(x[x > 0]), c

    run = compile(lambda xs: scan(f, 0.0, xs))
    for xs in (XS, -XS, XS):
        same(run(xs), scan(f, 0.0, xs))


def test_an_infinite_slope_behind_a_mask_in_some_step_reaches_no_weight() -> None:
    def f(w: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            z = x @ w
            return h * 0.5 + np.where(np.abs(z) > 0.1, np.sqrt(np.abs(z)), 0.0), None

        return np.sum(scan(step, np.zeros((2, 3)), xs)[0])

    xs = RNG.normal(size=(4, 2, 3))
    some = xs.copy()
    some[2] = 0  # where the slope of the root is infinite
    run = compile(grad(f))
    for values in (xs, some, xs, some):
        same(run(W, values), grad(f)(W, values))
        assert np.isfinite(run(W, values)).all()


def test_rows_of_an_embedding_get_their_gradients() -> None:
    table = nn.Embedding(5, 3, sparse=True)

    def loss(ids: Any, run: Any) -> Any:
        table.weight.grad = None
        (run(lambda h, i: (mg.tanh(h + table(i)), h), mg.zeros(3), ids)[1] ** 2).sum().backward()
        return table.weight.grad.numpy() if not isinstance(table.weight.grad, np.ndarray) else table.weight.grad

    ids = np.array([1, 1, 4, 0])
    np.testing.assert_allclose(loss(ids, scan), loss(ids, loop), rtol=1e-5)


# ---------------------------------------------------------------------------------- looking inside


def test_the_loops_of_a_body_are_shown_with_how_often_they_run() -> None:
    run: Compiled = compile(lambda *a: _elman(scan, *a)[0].sum())
    for _ in range(2):
        run(W, XS, H)
    loops = [str(loop) for loop in run.loops]
    assert loops[0].startswith("loop 0.0, 6 times, over [3, 3]") and "v6 = tanh v5" in loops[0]
    assert loops[-1].startswith("loop 1 over [3]")
    assert "; loop 0.0, 6 times, over [3, 3]" in run.source("llvm")
    rows = {row.name: row for row in run.explain().rows}
    assert rows["loop 0.0"].times == 6 and rows["loop 0.0"].operations == 6 * 4 * 9 and rows["loop 1"].times == 1
    assert "scan 0: 6 steps, one native loop" in str(run.explain())


def test_the_time_of_calls_is_shown_by_their_kinds() -> None:
    @mg.primitive(x=lambda g: g, method=False)
    def own(x: Any) -> Any:
        return np.array(np.asarray(x) * 2.0)

    def f(w: Any, xs: Any, h: Any) -> Any:
        noisy = scan(lambda c, x: (np.sort(c) + x * raw(mg.random.rand(3)), None), h, xs)[0]
        return np.sum(own(noisy)) + np.sum(np.linalg.cholesky(w @ w.T + np.eye(3))) + np.sum(np.sort(xs, axis=None))

    run: Compiled = compile(f)
    for _ in range(2):
        run(W, XS, H)
    mg.random.manual_seed(3)
    wanted = mg.random.rand(1).item()
    mg.random.manual_seed(3)
    explanation = run.explain()
    assert mg.random.rand(1).item() == wanted
    rows = {row.name: row for row in explanation.rows if row.space is None}
    assert {name: rows[name].times for name in ("sort", "cholesky", "own")} == {"sort": 7, "cholesky": 1, "own": 1}
    assert rows["sort"].microseconds > 0 and rows["cholesky"].microseconds > 0
    assert rows["own"].microseconds is None  # an op of the user's may do more than compute
    text = str(explanation)
    assert text.count("sort  ") == 1 and "not measured" in text and "steps, a loop of Python's around" in text


# ------------------------------------------------------------------------------ few steps, no graph


def test_no_steps_give_init_and_empty_ys() -> None:
    def f(h: Any, x: Any) -> Any:
        return np.tanh(h + x) * mg.random.rand(1).item(), {"y": h[:2], "n": np.sum(x) > 0}

    mg.random.manual_seed(0)
    carry, ys = scan(f, H, XS[:0])
    assert carry is H and ys["y"].shape == (0, 2) and ys["n"].shape == (0,) and ys["n"].dtype == bool
    drawn = mg.random.rand(1).item()
    mg.random.manual_seed(0)
    assert mg.random.rand(1).item() == drawn
    assert scan(lambda c, _: (c, None), 1.5, length=0) == (1.5, None)
    assert fori(0, lambda i, c: c / 0, 2.0) == 2.0
    same(grad(lambda h: np.sum(scan(f, h, XS[:0])[0] ** 2))(H), 2 * H)


def test_one_step_and_no_grad() -> None:
    same(scan(lambda h, x: (h + x, h), H, XS[:1]), (H + XS[0], H[None]))
    w = Tensor(W, requires_grad=True)
    with mg.no_grad():
        carry, _ = scan(lambda h, x: (w @ h, None), Tensor(H), length=3)
    assert carry.requires_grad is False
    np.testing.assert_allclose(carry.numpy(), W @ W @ W @ H)


def test_fori_counts() -> None:
    assert fori(5, lambda i, c: c + i, 0) == 10
    same(fori(4, lambda i, c: [c[1], c[0] + i], [1.0, 2.0]), [3.0, 6.0])
    same(
        jacobian(lambda x: fori(3, lambda i, x: x * x[0], x))(H),
        jacobian(lambda x: loop(lambda c, _: (c * c[0], None), x, length=3)[0])(H),
    )


# ---------------------------------------------------------------------------------------- select


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_select_chooses_between_trees(how: str) -> None:
    def f(x: Any, y: Any) -> Any:
        one = mg.select(x.sum() > 0, {"a": x * x, "b": [y]}, {"a": y, "b": [x * y]})
        each = mg.select(x > 0, x**3, y)
        return np.sum(one["a"] * 2 + one["b"][0] * each)

    run = compile(value_and_grad(f, (0, 1))) if how == "compiled" else value_and_grad(f, (0, 1))
    for x in (np.array([1.0, -0.5, 2.0]), np.array([-1.0, 0.5, -2.0])):
        a, b = (x * x, H) if x.sum() > 0 else (H, x * H)
        da, db = (2 * x, 0) if x.sum() > 0 else (0 * x, H)
        c, dc = np.where(x > 0, x**3, H), np.where(x > 0, 3 * x**2, 0)
        value, (dx, _) = run(x, H)
        same(value, np.sum(a * 2 + b * c))
        same(dx, da * 2 + db * c + b * dc)


def test_select_keeps_numpy_s_form_and_refuses_functions() -> None:
    np.testing.assert_array_equal(mg.select([H > 0, H > -9], [H, -H], 7.0), np.abs(H))
    np.testing.assert_array_equal(mg.select(np.array([[True, False]]), [np.ones(2)], np.zeros(2)), [1.0, 0.0])
    with pytest.raises(TypeError, match=r"both sides are computed, so call it: minigrad.select\(condition, f\(x\), g\(x\)\)"):
        mg.select(True, np.sin, np.cos)
    with pytest.raises(ValueError, match=r"select: y lacks \['a'\]"):
        mg.select(True, {"a": 1.0}, {"b": 1.0})
    with pytest.raises(TypeError, match="must be made of booleans, got float64"):
        mg.select(H[0], 1.0, 2.0)


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("how", ["eager", "compiled"])
@pytest.mark.parametrize(
    ("f", "kind", "says"),
    [
        (lambda c, x: c, TypeError, r"must return a pair \(carry, y\), it returned .*return carry, None"),
        (lambda c, x: (c, x, x), TypeError, "a tuple of 3"),
        (
            lambda c, x: (c.astype("float32"), x),
            TypeError,
            r"carry is float32 of shape \(3,\) .* float64 .*np.zeros\(\(3,\), 'float32'\)",
        ),
        (lambda c, x: (np.sum(c), x), ValueError, r"shape \(\) after a step, but float64 of shape \(3,\)"),
        (lambda c, x: ([c], x), ValueError, "nested as init is"),
        (lambda c, x: (c, [x] * round(int(not hasattr(c, "recorder")))), None, ""),
    ],
)
def test_errors_of_the_body_teach(f: Any, kind: Any, says: str, how: str) -> None:
    def run(h: Any, xs: Any) -> Any:
        return scan(f, h, xs)

    run = compile(run) if how == "compiled" else run
    if kind is not None:
        with pytest.raises(kind, match=says):
            run(H, XS)


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ((H, {"a": XS, "b": XS[:4]}), ValueError, r"xs\['a'\] has 6, xs\['b'\] has 4"),
        ((H, XS, 5), ValueError, "xs has 6, length is 5"),
        ((H,), TypeError, "length=10"),
        ((H, None, -1), TypeError, "whole number of 0 or more"),
        ((H, [1.0, 2.0]), TypeError, r"xs\[0\] is 1.0, expected an array or a Tensor: lists are trees"),
        ((H, np.array(3.0)), ValueError, "no axes"),
        (("text", XS), TypeError, "init is 'text'"),
    ],
)
def test_errors_of_the_arguments_teach(arguments: Any, kind: Any, says: str) -> None:
    with pytest.raises(kind, match=says):
        scan(lambda c, x: (c, None), *arguments)


def test_fori_needs_a_whole_number() -> None:
    with pytest.raises(TypeError, match="fori: n is 2.5"):
        fori(2.5, lambda i, c: c, 0.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 or more"):
        fori(-1, lambda i, c: c, 0.0)


def test_a_body_that_writes_outside_of_itself_is_refused() -> None:
    buffer = Tensor(np.zeros(3))

    def f(h: Any, x: Any) -> Any:
        buffer[...] = h
        return h + x, None

    with pytest.raises(CannotTrace, match=r"body of a scan or fori writes .*test_scan.py.*buffer\[...\] = h"):
        compile(lambda xs: scan(f, H, xs)[0])(XS)
    assert buffer.numpy().tolist() == [0.0, 0.0, 0.0]


def test_a_value_that_has_left_the_body_is_refused() -> None:
    kept: list[Any] = []

    def f(xs: Any) -> Any:
        scan(lambda c, x: (kept.append(c), (c + x, None))[1], xs[0], xs)
        return kept[-1] * 2

    with pytest.raises(CannotTrace, match=r"body of a scan or fori is used outside of it at .*kept\[-1\] \* 2"):
        compile(f)(XS)


def test_a_gradient_behind_a_mask_is_not_taken_for_another_step_s() -> None:
    """In some steps the masked root has an infinite slope."""

    def f(x: Any) -> Any:
        return np.sum(scan(lambda c, t: (np.where(t > 0.5, np.sqrt(np.abs(t - 0.5)), 0.1 * t) + c, None), 0.0, x)[0])

    for x in (np.array([1.0, 0.7]), np.array([0.5, 1.0]), np.array([1.0, 0.5]), np.array([0.2, 0.3])):
        run = compile(grad(f))
        for values in (np.array([1.0, 0.7]), x, x):
            same(run(values), grad(f)(values))


def test_calls_in_the_body_of_a_loop() -> None:
    """NumPy's complex functions, and products that are too wide for a loop of their own."""
    w = RNG.normal(size=(4, 1100)) / 40

    def f(c: Any, xs: Any) -> Any:
        return scan(lambda c, x: (c * x, np.exp(c)), c, xs)

    def g(c: Any, xs: Any) -> Any:
        return scan(lambda c, x: ((np.tanh(c @ w) @ w.T) + x, np.sum(c @ w)), c, xs)

    for function, c, xs in ((f, H + 1j, XS + 0.5j), (g, RNG.normal(size=(2, 4)), RNG.normal(size=(3, 2, 4)))):
        run = compile(function)
        for _ in range(3):
            same(run(c, xs), function(c, xs))
            same(run.versions[0].run([c, xs]), function(c, xs))  # which raises what the program does
