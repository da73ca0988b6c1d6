"""compile: what is traced is what runs; programs, fused loops and native code against eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.arrays.traced import CannotTrace
from minigrad.backward import gradients
from minigrad.compiler import native
from minigrad.compiler.compiled import Compiled, compile
from minigrad.compiler.fuse import fused
from minigrad.compiler.groups import Call
from minigrad.compiler.passes import simplified
from minigrad.compiler.trace import Recorder
from minigrad.tensor import raw, wrap

from .ops_table import IDS, SAMPLES
from .samples import Sample

F = nn.functional
needs_llvm = pytest.mark.skipif(not native.available(), reason="needs llvmlite")

#: What decides by a value in the user's own code.
REFUSED = {"apply-4"}


def forward_and_back(sample: Sample, arrays: list[Any]) -> list[Any]:
    """The results of a sample, and the gradients of their sum."""
    tensors = [wrap(a, None) for a in arrays]
    for t in tensors:
        if t.dtype.kind in "fc":
            t.requires_grad_()
    out = sample.f(*tensors)
    outs = [y for y in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(y, Tensor)]
    moving = [y for y in outs if y._node is not None]
    found = [raw(y) for y in outs]
    if moving:
        inputs = [t for t in tensors if t._node is not None]
        found += [raw(g) for g in gradients(moving, inputs, [mg.ones(y.shape, dtype=y.dtype) for y in moving]) if g is not None]
    return found


ROWS = [pytest.param(sample, id=name) for name, (_, _, sample) in zip(IDS, SAMPLES, strict=True) if name not in REFUSED]


@pytest.mark.parametrize("sample", ROWS)
def test_every_op_and_its_gradient_is_traced(sample: Sample) -> None:
    arrays = [np.asarray(a) for a in sample.args]
    want = forward_and_back(sample, [a.copy() for a in arrays])
    recorder = Recorder()
    got = forward_and_back(sample, [recorder.given(a.copy()) for a in arrays])
    program = recorder.program(got)
    for p in (program, simplified(program)):
        again = p.run([a.copy() for a in arrays])
        for a, b in zip(again, want, strict=True):
            np.testing.assert_array_equal(a, b)


#: One sample of each op: the code for float32 is that for float64 with other widths.
FIRST = [row for row in ROWS if str(row.id).endswith("-0")]


@pytest.mark.parametrize("sample", ROWS)
def test_every_op_and_its_gradient_run_compiled(sample: Sample, how: str) -> None:
    compare_compiled(sample, "float64")


@needs_llvm
@pytest.mark.parametrize("sample", FIRST)
def test_ops_run_compiled_in_float32(sample: Sample) -> None:
    compare_compiled(sample, "float32")


def compare_compiled(sample: Sample, dtype: str) -> None:
    """Whether a sample and its gradient are compiled what they are eagerly, in results, dtypes and shapes."""
    arrays = [np.asarray(a) for a in sample.args]
    arrays = [a.astype(dtype) if a.dtype == np.float64 else a for a in arrays]
    want = forward_and_back(sample, [a.copy() for a in arrays])
    run = compile(lambda *given: forward_and_back(sample, given))
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if dtype == "float64" else {"rtol": 2e-3, "atol": 1e-4}
    for _ in range(3):
        for a, b in zip(run(*arrays), want, strict=True):
            np.testing.assert_allclose(a, b, **tolerance)
            assert a.dtype == np.asarray(b).dtype and a.shape == np.shape(b)


# ------------------------------------------------------------------------------ training steps


def classifier(model: Callable[[], nn.Module], optimizer: Callable[[Any], Any], clip: bool = False) -> Callable[[], Any]:
    def make() -> Any:
        mg.random.manual_seed(0)
        net = model()
        opt = optimizer(net.parameters())

        def step(x: Any, y: Any) -> Any:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            return loss.detach()

        return net, opt, step

    return make


class Last(nn.Module):
    def __init__(self, kind: str) -> None:
        self.rnn, self.out = getattr(nn, kind)(5, 8), nn.Linear(8, 4)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x)[0][-1])


def adam(p: Any) -> Any:
    return nn.optim.Adam(p, lr=0.01)


def sgd(p: Any) -> Any:
    return nn.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3)


STEPS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "MLP": (classifier(lambda: nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 4)), adam), (6, 5)),
    "GELU and layer norm": (
        classifier(lambda: nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 4)), sgd),
        (6, 5),
    ),
    "batch norm": (
        classifier(lambda: nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4)), sgd),
        (6, 5),
    ),
    "dropout": (classifier(lambda: nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.4), nn.Linear(8, 4)), adam), (6, 5)),
    "CNN": (
        classifier(
            lambda: nn.Sequential(
                nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4)
            ),
            adam,
        ),
        (6, 1, 8, 8),
    ),
    "LSTM": (classifier(lambda: Last("LSTM"), adam, clip=True), (4, 6, 5)),
    "GRU": (classifier(lambda: Last("GRU"), adam), (4, 6, 5)),
    "RNN": (classifier(lambda: Last("RNN"), sgd, clip=True), (4, 6, 5)),
    "transformer": (
        classifier(
            lambda: nn.Sequential(
                nn.TransformerEncoderLayer(6, 2, 8, dropout=0.2, batch_first=True), nn.Flatten(), nn.Linear(30, 4)
            ),
            sgd,
        ),
        (6, 5, 6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", STEPS)
def test_a_compiled_training_step_is_the_step(kind: str, how: str) -> None:
    make, shape = STEPS[kind]
    rng = np.random.default_rng(0)
    count = 6
    data = [(Tensor(rng.normal(size=shape).astype("f4")), rng.integers(0, 4, count)) for _ in range(8)]
    nets, losses = [], []
    for compiled in (False, True):
        net, opt, step = make()
        schedule = nn.optim.lr_scheduler.ExponentialLR(opt, 0.9)
        run = compile(step) if compiled else step
        mg.random.manual_seed(1)
        found = []
        for x, y in data * 2:
            found.append(run(x, y).item())
            schedule.step()
        nets.append(net)
        losses.append(found)
        if compiled:
            assert len(run.versions) == 1
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-4)
    for (name, p), q in zip(nets[0].state_dict().items(), nets[1].state_dict().values(), strict=True):
        np.testing.assert_allclose(raw(q), raw(p), rtol=1e-3, atol=2e-5, err_msg=name)
    for p, q in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), rtol=1e-2, atol=2e-5)


def test_what_a_function_decides_by_values_is_refused() -> None:
    @compile
    def f(x: Any) -> Any:
        return x * 2 if x.sum() > 0 else x

    with pytest.raises(CannotTrace, match=r"test_compile.py:\d+: return x \* 2 if x.sum\(\) > 0 else x"):
        f(np.ones(3))


@needs_llvm
def test_a_number_that_changes_is_seen() -> None:
    box = {"scale": 2.0}

    @compile
    def f(x: Any) -> Any:
        return x * box["scale"]

    for scale in (2.0, 3.0, 2.0):
        box["scale"] = scale
        np.testing.assert_array_equal(f(np.ones(3)), np.full(3, scale))


@needs_llvm
def test_results_are_never_written_by_a_later_call() -> None:
    f: Compiled = compile(lambda x: np.exp(x))
    first = [f(np.full(5, float(i))) for i in range(4)]
    for i, y in enumerate(first):
        np.testing.assert_allclose(y, np.exp(np.full(5, float(i))))


@needs_llvm
def test_most_steps_of_training_are_in_loops() -> None:
    for kind in ("MLP", "LSTM", "transformer"):
        make, shape = STEPS[kind]
        net, opt, step = make()
        run = compile(step)
        x, y = np.random.default_rng(0).normal(size=shape).astype("f4"), np.zeros(6, int)
        for _ in range(2):
            run(x, y)
        script = run.versions[0]
        calls = sum(isinstance(g, Call) for g in fused(script.program).groups)
        assert calls < 0.2 * len(script.program.steps)


# ------------------------------------------------------------------------- calls spelled out

M, N, V = (np.random.default_rng(0).normal(size=s) for s in ((4, 5), (5, 6), (5,)))
SPELLED: list[Callable[[], Any]] = [
    lambda: (lambda a: np.clip(a, -1, 1), M), lambda: (lambda a: np.clip(a, None, 0.5), M), lambda: (np.linalg.norm, M),
    lambda: (lambda a: np.linalg.norm(a, axis=1, keepdims=True), M), lambda: (lambda a: a.std(axis=0, ddof=1), M),
    lambda: (lambda a: a.var(), M), lambda: (lambda a: np.sum(a > 0, axis=1), M), lambda: (lambda a: np.mean(a > 0), M),
    lambda: (np.round, 3 * M), lambda: (np.tril, M), lambda: (lambda a: np.triu(a, 1), M), lambda: (np.ptp, M),
    lambda: (lambda a: np.stack([a, a * 2], axis=1), M), lambda: (lambda a, b: np.concatenate([a, b], axis=None), M, V),
    lambda: (lambda a: np.roll(a, 2, 1), M), lambda: (lambda a: np.roll(a, -1, 0), M), lambda: (lambda a: np.repeat(a, 3, 1), M),
    lambda: (lambda a, v: a @ v, M, V), lambda: (lambda v, b: v @ b, V, N), lambda: (np.dot, M, N), lambda: (np.dot, V, V),
    lambda: (np.dot, M, V), lambda: (np.inner, V, V), lambda: (np.outer, M, V),
    lambda: (lambda a, b: np.tensordot(a, b, 1), M, N),
    lambda: (lambda a, b: np.tensordot(a, b, ([1, 0], [0, 1])), M, M.T), lambda: (np.trace, M),
    lambda: (lambda a, b: np.einsum("ij,jk->ki", a, b), M, N), lambda: (lambda a: np.einsum("ij->j", a), M),
    lambda: (lambda a, b: np.einsum("bij,bjk->bik", a, b), np.stack([M, 2 * M]), np.stack([N, N])),
    lambda: (lambda a, b: np.einsum("ij,ij->i", a, b), M, 2 * M), lambda: (lambda a, b: np.einsum("i,j->ji", a, b), V, V),
    lambda: (lambda a: np.take_along_axis(a, np.array([[1], [0], [-1], [4]]), axis=1), M),
    lambda: (lambda a: np.isneginf(np.log(np.abs(np.floor(a)))), M),
]  # fmt: skip


@needs_llvm
@np.errstate(divide="ignore")
@pytest.mark.parametrize("made", SPELLED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_calls_that_are_spelled_out_are_what_numpy_computes(made: Callable[[], Any], dtype: str) -> None:
    function, *arrays = made()
    arrays = [a.astype(dtype) for a in arrays]
    run, tolerance = compile(function), 2e-5 if dtype == "float32" else 1e-12
    want = function(*arrays)
    for _ in range(2):
        got = run(*arrays)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
        assert got.dtype == want.dtype and np.shape(got) == np.shape(want)
    assert not [g for g in run.versions[0].fusion.groups if isinstance(g, Call)]
