"""compile on a GPU: the same steps there, in few launches and with one wait, on the stand-in for CuPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.compiler.cuda import products

from .test_compile import STEPS

#: The most launches of a compiled step here.
MOST = {
    "MLP": 5, "GELU and layer norm": 5, "batch norm": 7, "dropout": 7, "CNN": 8, "LSTM": 7, "GRU": 5, "RNN": 7, "transformer": 15,
}  # fmt: skip
#: Two calls are traced, one runs, and there is a graph for each of the next two.
STEPS_MADE = 9


def losses(kind: str, device: str, compiled: bool, stand_in: Any = None) -> tuple[list[float], list[Any], Any]:
    make, shape = STEPS[kind]
    net, _, step = make()
    net.to(device)
    rng, count = np.random.default_rng(0), None
    run = mg.compile(step) if compiled else step
    mg.random.manual_seed(1)
    found = []
    for i in range(STEPS_MADE):
        x = Tensor(rng.normal(size=shape).astype("f4"), device=device)
        y = Tensor(rng.integers(0, 4, 6 if kind not in ("LSTM", "GRU", "RNN") else shape[1]), device=device)
        if i == STEPS_MADE - 1 and compiled:
            with stand_in.counting() as count:
                found.append(run(x, y))
                found[-1].item()  # which was read with all that the call looked at
        else:
            found.append(run(x, y))
    if compiled:
        assert all(part.made <= 4 and part.state == "a graph" for part in run.versions[0].parts)
    return [x.item() for x in found], [p.detach().cpu().numpy() for p in net.parameters()], count


@pytest.mark.parametrize("kind", MOST)
def test_a_compiled_step_on_a_gpu_is_the_step(kind: str, stand_in: Any) -> None:
    eager = losses(kind, "cuda", False)
    compiled = losses(kind, "cuda", True, stand_in)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-4)
    for a, b in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    count = compiled[2]
    assert count.names["graph"] == 2  # up to where the call looks whether all is right, and the rest
    launches, waits = sum(count.names.values()), sum(count.waits.values())
    assert waits <= 1 and launches <= MOST[kind], dict(count.names)


def test_where_results_lie(stand_in: Any) -> None:
    run = mg.compile(lambda x, k: (x * k, {"sum": x.sum(), "turned": x.T * 2}, 3))
    x = Tensor(np.arange(6.0).reshape(2, 3), device="cuda")
    kept = []
    for k in np.arange(1.0, 9.0).tolist():  # launched one by one, and as graphs
        product, others, number = run(x, k)
        kept.append((product, k))
        assert product.device == x.device and number == 3
        assert others["sum"].item() == 15 and others["turned"].cpu().tolist() == (x.cpu().numpy().T * 2).tolist()
    assert len(run.versions) == 1
    for product, k in kept:
        np.testing.assert_array_equal(product.cpu().numpy(), x.cpu().numpy() * k)


def test_what_cannot_be_captured_is_launched_one_by_one(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = Tensor(np.arange(6.0, dtype="f4").reshape(2, 3) / 9, device="cuda")
    monkeypatch.setattr(products, "matmul", lambda cupy, a, b, out: out.set(a.get() @ b.get()))  # which waits
    run = mg.compile(lambda x: np.exp(x @ x.T))
    for k in range(5):
        np.testing.assert_allclose(run(x * k).cpu().numpy(), np.exp(k * k * (x @ x.T).cpu().numpy()), rtol=1e-6)
    (part,) = run.versions[0].parts
    assert part.state.startswith("launched one by one: RuntimeError: cudaErrorStreamCaptureUnsupported")
    assert part.state in str(run.explain())


def test_without_cublas_products_stand_between_graphs(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's own product refuses while a stream captures."""
    monkeypatch.setattr(products, "find", lambda cupy: None)
    x = Tensor(np.arange(6.0, dtype="f4").reshape(2, 3) / 9, device="cuda")
    run = mg.compile(lambda x: np.exp(np.exp(x) @ x.T))
    for k in (0.1, 0.2, 0.3, 0.4, 0.5):
        np.testing.assert_allclose(run(x * k).cpu().numpy(), np.exp(np.exp(k * x) @ (k * x).T).cpu().numpy(), rtol=1e-5)
    assert [part.state for part in run.versions[0].parts] == ["a graph", "a graph"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_products_of_every_layout(dtype: str, stand_in: Any) -> None:
    import cupy

    rng = np.random.default_rng(0)
    for _ in range(200):
        m, n, k = rng.integers(1, 5, 3)
        lead = tuple(rng.integers(1, 4, rng.integers(0, 3)))
        arrays = []
        for shape in ((m, k), (k, n)):
            whole = (*lead, *shape) if rng.random() < 0.7 else shape if rng.random() < 0.5 else (*(1 for _ in lead), *shape)
            x = cupy.asarray(rng.integers(-4, 5, [2 * s for s in whole]).astype(dtype))
            cut = tuple(slice(0, s) if rng.random() < 0.5 else slice(None, None, 2) for s in whole)
            x = x[cut] if rng.random() < 0.5 else cupy.ascontiguousarray(x[cut])
            if rng.random() < 0.5:
                x = cupy.swapaxes(cupy.ascontiguousarray(cupy.swapaxes(x, -1, -2)), -1, -2)
            arrays.append(x)
        out = cupy.empty((*np.broadcast_shapes(*(a.shape[:-2] for a in arrays)), m, n), dtype=dtype)
        products.matmul(cupy, *arrays, out)
        np.testing.assert_array_equal(out.get(), arrays[0].get() @ arrays[1].get())


def test_other_arrays_are_another_graph(stand_in: Any) -> None:
    """A graph knows addresses: for another parameter's array, or gradient, there is a new one, up to a number."""
    w = Tensor(np.ones(3), device="cuda", requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        loss = (np.exp(w * x)).sum()
        loss.backward()
        return loss.detach()

    run, kept = mg.compile(step), []
    for k in range(30):
        if k % 3 == 0:
            w.data = Tensor(np.full(3, 0.1 * k), device="cuda").data
        x = Tensor(np.arange(3.0), device="cuda")
        assert run(x).item() == pytest.approx(np.exp(w.cpu().detach().numpy() * np.arange(3)).sum())
        kept.append((w.grad, np.arange(3) * np.exp(w.cpu().detach().numpy() * np.arange(3))))
    for grad, want in kept:
        np.testing.assert_allclose(grad.cpu().numpy(), want)
    assert any(part.state.endswith("other arrays at each call") for part in run.versions[0].parts)


def test_arguments_of_another_device_are_another_program(two_gpus: Any) -> None:
    """The programs of one function may be for several devices."""
    run = mg.compile(lambda x: np.exp(x) + 1)
    for device in ("cpu", "cuda:0", "cuda:1", "cuda:0", "cpu"):
        for _ in range(2):
            x = Tensor(np.arange(3.0), device=device)
            out = run(x)
            assert out.device == x.device
            np.testing.assert_allclose(out.cpu().numpy(), np.exp(np.arange(3.0)) + 1)
    assert len(run.versions) == 3


def test_a_gradient_and_a_guard_on_a_gpu(stand_in: Any) -> None:
    def slope(x: Any) -> Any:
        t = x.detach().requires_grad_()
        np.where(t > 0, np.sqrt(t), 0.0).sum().backward()
        return t.grad

    run = mg.compile(slope)
    with np.errstate(invalid="ignore", divide="ignore"):
        for values in ([1.0, 4.0], [1.0, 4.0], [0.0, 4.0], [-1.0, 9.0], [1.0, 1.0]):
            x = Tensor(np.array(values), device="cuda")
            np.testing.assert_allclose(run(x).cpu().numpy(), slope(x).cpu().numpy())


def test_a_model_trains_through_its_programs_on_a_gpu(stand_in: Any) -> None:
    found = []
    for device, wrap in (("cpu", lambda net: net), ("cuda", mg.compile)):
        mg.random.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).to(device)
        model, optimizer = wrap(net), nn.optim.SGD(net.parameters(), lr=0.1)
        x = Tensor(np.random.default_rng(0).normal(size=(6, 3)).astype("f4"), device=device)
        for _ in range(4):
            loss = (model(x) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found.append([loss.item(), *(p.detach().cpu().numpy() for p in net.parameters())])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6)


def test_a_loop_on_a_gpu_is_written_out(stand_in: Any) -> None:
    def f(w: Any, xs: Any) -> Any:
        h, hs = mg.scan(lambda h, x: (np.tanh(w @ h + x), h), xs[0], xs)
        return np.sum(h) + np.sum(hs**2)

    w, xs = np.eye(3) / 2, np.arange(12.0).reshape(4, 3) / 10
    run, want = mg.compile(mg.grad(f)), mg.grad(f)(w, xs)
    for _ in range(3):
        got = run(Tensor(w, device="cuda"), Tensor(xs, device="cuda"))
        np.testing.assert_allclose(got.cpu().numpy(), want)


def test_what_numpy_makes_of_a_float_argument_beside_arrays_of_a_gpu(stand_in: Any) -> None:
    run = mg.compile(lambda x, k: x * k * np.sin(k) + x[1] * Tensor(k, device="cuda"))
    x = Tensor([1.0, 2.0, 3.0], device="cuda")
    for k in (0.5, 0.6, 0.5):
        np.testing.assert_allclose(run(x, k).cpu().numpy(), np.array([1, 2, 3]) * k * np.sin(k) + 2 * k, rtol=1e-6)
