"""Devices: errors without a GPU, and the stand-in for one; what runs on a real one is in tests/test_gpu.py."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, backend, no_grad, viz
from nn.functional import cross_entropy


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_without_cupy_the_error_names_the_extra() -> None:
    for make in (lambda: Tensor(1.0).cuda(), lambda: Tensor(1.0, device="cuda"), lambda: mg.random.rand(2, device="cuda")):
        with pytest.raises(ImportError, match=r"minigrad-nn\[cuda12\]"):
            make()


def test_cupy_without_a_gpu_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> int:
        raise RuntimeError("cudaErrorNoDevice")

    runtime = types.SimpleNamespace(getDeviceCount=no_driver)
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime)))
    with pytest.raises(RuntimeError, match="no usable GPU"):
        Tensor(1.0).to("cuda")
    runtime.getDeviceCount = lambda: 0
    with pytest.raises(RuntimeError, match="has no GPU"):
        Tensor(1.0).to("cuda")
    runtime.getDeviceCount = lambda: 2
    with pytest.raises(RuntimeError, match="2 GPUs"):
        Tensor(1.0).to("cuda:2")
    assert backend.cuda_is_available()


def test_wrong_device_names() -> None:
    for name in ("gpu", "cuda:x", "cpu:1"):
        with pytest.raises(ValueError, match="unknown device|data type"):
            mg.to_device(Tensor(1.0), name)


def test_gradients_are_checked_on_the_device_of_the_inputs(stand_in: Any) -> None:
    x = Tensor(np.array([[0.3, -0.8], [0.5, 1.2]]), device="cuda")
    seen: list[str] = []

    def f(x: Any, s: Any) -> Any:
        seen.append(x.device)
        return np.tanh(x) * s, x.sum()

    assert mg.gradcheck(f, x, 2.0)
    assert mg.gradgradcheck(f, x, 2.0)
    mg.check_grads(f, order=2)(x, 2.0)
    assert set(seen) == {x.device} != {"cpu"}
    wrong = mg.primitive(x=lambda g, x: g * x, method=False, name="wrong_on_a_device")(lambda x: x * x)
    with pytest.raises(mg.GradcheckError, match=r"input 0, entry \(0, 0\)"):
        mg.gradcheck(wrong, x)


def test_mixing_devices_names_both(stand_in: Any) -> None:
    a, b = Tensor(np.ones(2), device="cuda"), Tensor(np.ones(2))
    for mix in (lambda: a + b, lambda: b * a, lambda: np.concatenate([a, b]), lambda: a @ b, lambda: a + np.ones(2)):
        with pytest.raises(RuntimeError, match=r"different devices \(.*cuda:0.*cpu|different devices \(.*cpu.*cuda:0"):
            mix()


def test_moving_is_part_of_the_graph(stand_in: Any) -> None:
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = x.cuda()
    assert y.device == "cuda:0"
    (y * y).sum().cpu().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert x.to("cpu") is x
    with pytest.raises(TypeError, match=r"x\.cpu\(\)\.numpy\(\)"):
        y.detach().numpy()


def test_a_network_trains_on_the_stand_in(stand_in: Any) -> None:
    """A whole training step touches no NumPy array by mistake, and gives what NumPy gives."""
    results = []
    for device in ("cpu", "cuda"):
        mg.random.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4))
        model.to(device)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
        x = Tensor(np.linspace(-1, 1, 5 * 16, dtype=np.float32).reshape(5, 1, 4, 4), device=device)
        y = Tensor(np.array([0, 1, 2, 3, 0]), device=device)
        losses = []
        for _ in range(3):
            loss = cross_entropy(model(x), y)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with no_grad():
            losses.append(float((model(x).argmax(axis=1) == y).mean().item()))
        results.append(losses)
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_graphs_on_another_device_are_seen(stand_in: Any) -> None:
    x = Tensor(np.array([[0.5, -1.0], [2.0, 3.0]]), requires_grad=True, name="x", device="cuda")
    with viz.capture():
        y = (np.tanh(x @ x) * x).sum()
    page, text = viz.explore(y), repr(viz.explain(y))
    assert page.data["steps"][0]["value"]["rows"] == [["0.5", "-1"], ["2", "3"]]
    assert viz.draw(y, style="detailed", highlight="gradient").notes
    y.backward()
    g = x.grad.cpu().numpy()
    assert page.data["steps"][0]["gradient"]["rows"] == [[f"{v:.4g}" for v in row] for row in g]
    assert f"{g[0, 0]:.4g}"[:5] in text.splitlines()[-1]
    assert "cuda:0" in x._repr_html_()


def test_real_eigenvalues_are_real_on_the_gpu_too(stand_in: Any) -> None:
    """CuPy's are always complex; NumPy's are real where all eigenvalues are."""
    for matrix, kind in (([[2.0, 1.0], [0.5, 1.0]], "f"), ([[0.0, 1.0], [-1.0, 0.0]], "c")):
        host, a = np.array(matrix), Tensor(np.array(matrix), device="cuda")
        for found, expected in zip(np.linalg.eig(a), np.linalg.eig(host), strict=True):
            assert found.dtype == expected.dtype and found.dtype.kind == kind
            np.testing.assert_allclose(found.cpu().numpy(), expected, atol=1e-12)


def test_lu_of_a_stack_goes_matrix_by_matrix_on_the_gpu(stand_in: Any) -> None:
    """CuPy's takes one matrix."""
    a = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    for function in (mg.scipy.linalg.lu, mg.scipy.linalg.lu_factor):
        for found, expected in zip(function(Tensor(a, device="cuda")), function(Tensor(a)), strict=True):
            np.testing.assert_allclose(mg.raw(found).get(), mg.raw(expected), atol=1e-12)
