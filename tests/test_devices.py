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
from minigrad import Tensor, backend, devices, no_grad, viz
from nn.functional import cross_entropy

from . import stand_in as package


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is installed")
def test_without_cupy_the_error_names_the_extra() -> None:
    for make in (lambda: Tensor(1.0).cuda(), lambda: Tensor(1.0, device="cuda"), lambda: mg.random.rand(2, device="cuda")):
        with pytest.raises(ImportError, match=r'pip install "\.\[cuda12\]"'):
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


def test_the_error_for_mixed_devices_says_what_to_write(two_gpus: Any) -> None:
    """What it says is done, and works: for a Tensor, for NumPy's array, between two GPUs."""
    x, array = Tensor(np.ones(2), device="cuda:1"), np.ones(2)
    with pytest.raises(RuntimeError) as caught:
        x * array
    assert str(caught.value).endswith("""move y with .to("cuda:1"), an array of NumPy's with minigrad.beside(y, x)""")
    y = array
    assert (x * mg.beside(y, x)).tolist() == (x * Tensor(y).to("cuda:1")).tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match=r"move \w+ with \.to\(.cuda:\d.\)$"):
        x * Tensor(np.ones(2), device="cuda:0")


def test_a_name_that_is_like_a_device_gets_no_word_of_dtypes() -> None:
    for name in ("gpu", "CUDA", "mps"):
        with pytest.raises(ValueError, match=rf"^to\('{name}'\): there is no such device(?!.*dtype)"):
            Tensor([1.0]).to(name)


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


# ------------------------------------------------------------------ what goes where the tensor is


def _backward(x: Any, g: Any, **options: Any) -> Any:
    (x * x).backward(g, **options)
    return x.grad


def _hooked(x: Any, g: Any) -> Any:
    y = x * 2
    y.register_hook(lambda own: g)
    y.sum().backward()
    return x.grad


def _set(x: Any, g: Any) -> Any:
    x.grad = g
    (x * x).sum().backward()
    return x.grad


def _square(x: Any) -> Any:
    return x * x


def _hooked_module(kind: str) -> Any:
    """A module between twice x and its sum, whose hook gives the gradient."""

    def run(x: Any, g: Any) -> Any:
        layer = nn.Identity()
        getattr(layer, f"register_full_backward_{kind}")(lambda *args: (g,))
        (layer(x * 2) * 3).sum().backward()
        return x.grad

    return run


#: What is given a gradient, a cotangent, a tangent or a vector for a tensor.
VECTORS: dict[str, Any] = {
    "backward": _backward,
    "backward, recorded": lambda x, g: _backward(x, g, create_graph=True),
    "autograd.grad": lambda x, g: mg.autograd.grad(x * x, x, [g])[0],
    "hook": _hooked,
    "module's hook": _hooked_module("hook"),
    "module's hook before": _hooked_module("pre_hook"),
    "grad": _set,
    "vjp": lambda x, g: mg.vjp(_square, x)[1](g),
    "make_vjp": lambda x, g: mg.make_vjp(_square)(x)[0](g),
    "jvp": lambda x, g: mg.jvp(_square, (x,), (g,))[1],
    "make_jvp": lambda x, g: mg.make_jvp(_square)(x)(g)[1],
    "hvp": lambda x, g: mg.hvp(lambda x: (x**3).sum())(x, g),
    "ggnvp": lambda x, g: mg.ggnvp(_square)(x, g),
    "vector_jacobian_product": lambda x, g: mg.vector_jacobian_product(_square)(x, g),
}


def _leaf(device: str) -> Tensor:
    return Tensor(np.array([1.0, 2.0, 3.0], np.float32), device=device, requires_grad=True)


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_of_numpy_goes_to_the_tensor_that_it_belongs_to(name: str, stand_in: Any) -> None:
    g = np.array([1.0, -1.0, 0.5])
    want = VECTORS[name](_leaf("cpu"), g.copy())
    found = VECTORS[name](_leaf("cuda"), g.copy())
    assert found.device == "cuda:0"
    np.testing.assert_allclose(found.detach().cpu().numpy(), want.detach().numpy())


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_that_is_a_tensor_elsewhere_names_both_devices(name: str, stand_in: Any) -> None:
    with pytest.raises(RuntimeError, match=r"different devices \(.*cpu.*cuda:0"):
        VECTORS[name](_leaf("cuda"), Tensor(np.ones(3, np.float32)))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_list_of_numbers_is_a_gradient(device: str, stand_in: Any) -> None:
    for name in ("backward", "backward, recorded", "autograd.grad", "hook", "grad"):
        found = VECTORS[name](_leaf(device), [1.0, 1.0, 0.0])
        assert found.device == ("cuda:0" if device == "cuda" else "cpu")
        assert found[2].item() == (6.0 if name == "grad" else 0.0)
    with pytest.raises(ValueError, match=r"shape \(2,\).*shape \(3,\)"):
        _backward(_leaf(device), [1.0, 2.0])
    with pytest.raises(TypeError, match="something other than numbers"):
        _backward(_leaf(device), [None, 1.0, 1.0])
    with pytest.raises(TypeError, match="imaginary part would be lost"):
        _backward(_leaf(device), [1j, 1.0, 1.0])
    assert _backward(_leaf(device), 2.0).tolist() == [4.0, 8.0, 12.0]


MASK, PLACES = np.array([True, False, True]), np.array([0, 1, 0])


def _changed(change: Any) -> Any:
    def run(x: Any) -> Any:
        y = x * 1.0
        change(y)
        return y

    return run


#: What takes a constant of NumPy's beside a tensor: a condition, a mask, an index, a number without axes.
CONSTANTS: dict[str, Any] = {
    "where": lambda x: np.where(MASK, x, 0.0),
    "where, the other way": lambda x: np.where(MASK, [1.0, 2.0, 3.0], x),
    "where of a bool": lambda x: np.where(np.False_, x, 0.0) + np.where(False, x, 1.0) + np.where(1, x, 0.0),
    "where of an array without axes": lambda x: np.where(np.array(True), x, np.array(1.0)),
    "where of a list": lambda x: np.where([True, False, True], x, [1.0, 2.0, 3.0]),
    "where of numbers": lambda x: np.where(x > 1, [1.0, 2.0, 3.0], np.array(0.0)) * x,
    "select": lambda x: np.select([MASK, x > 1], [x, 2 * x], 0.0),
    "select of a bool": lambda x: np.select([False], [x], 1.0) + x,
    "choose": lambda x: np.choose(PLACES, [x, 0.0]),
    "piecewise": lambda x: np.piecewise(x, [MASK], [lambda v: -v, 5.0]),
    "compress": lambda x: np.compress(MASK, x),
    "extract": lambda x: np.extract(MASK, x),
    "delete": lambda x: np.delete(x, x.detach() > 2),
    "insert": lambda x: np.insert(x, PLACES[:1], 5.0),
    "roll": lambda x: np.roll(x, np.array(1)),
    "split": lambda x: np.split(x, np.array([1]))[1],
    "pad": lambda x: np.pad(x, 1, constant_values=np.array(2.0)),
    "putmask": _changed(lambda y: np.putmask(y, MASK, 0.0)),
    "putmask of values": _changed(lambda y: np.putmask(y, y > 1, np.array([7.0, 8.0, 9.0], np.float32))),
    "place": _changed(lambda y: np.place(y, MASK, [9.0])),
    "put": _changed(lambda y: np.put(y, np.array([1]), np.array([4.0]))),
    "copyto": _changed(lambda y: np.copyto(y, [1.0, 2.0, 3.0], where=MASK)),
    "copyto of a bool": _changed(lambda y: np.copyto(y, 0.0, where=False)),
    "x[mask] = value": _changed(lambda y: y.__setitem__(MASK, 0.0)),
    "a ufunc's where": lambda x: np.add(x, 1.0, where=MASK) + np.add(x, 1.0, where=False),
    "sum": lambda x: np.sum(x, where=MASK) + np.sum(x, where=[True, False, True]) + np.sum(x, where=False),
    "sum from": lambda x: np.sum(x, initial=np.array(1.0)),
    "mean": lambda x: np.mean(x, where=MASK),
    "prod": lambda x: np.prod(x, where=MASK),
    "max": lambda x: np.max(x, where=MASK, initial=0.0),
    "std": lambda x: np.std(x, where=MASK),
    "nanvar": lambda x: np.nanvar(x, where=MASK),
    "reduce": lambda x: np.add.reduce(x, where=MASK),
    "all": lambda x: x * np.all(x > 0, where=MASK) * np.any(x > 2, where=MASK),
    "comparison": lambda x: x * (x > np.array(1.5)) * (x // np.array(1.0)),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_of_numpy_goes_to_the_tensor_beside_it(name: str, stand_in: Any) -> None:
    ends = []
    for device in ("cpu", "cuda"):
        x = _leaf(device)
        y = CONSTANTS[name](x)
        (y * y).sum().backward()
        assert y.device == x.grad.device == x.device
        ends.append((y.detach().cpu().numpy(), x.grad.cpu().numpy()))
    for cpu, gpu in zip(*ends, strict=True):
        np.testing.assert_allclose(gpu, cpu, rtol=1e-6)


#: What mixes arrays with axes, or Tensors, of two devices.
APART: dict[str, Any] = {
    "where of NumPy's values": lambda x: np.where(x > 1, 0.0, np.ones(3)),
    "where of a mask elsewhere": lambda x: np.where(Tensor(MASK), x, 0.0),
    "sum where": lambda x: np.sum(x, where=Tensor(MASK)),
    "select": lambda x: np.select([x > 1], [np.ones(3)], 0.0),
    "choose": lambda x: np.choose((x > 1).astype(int), [np.ones(3), np.zeros(3)]),
    "compress": lambda x: np.compress(x > 1, np.ones(3)),
    "extract": lambda x: np.extract(x > 1, np.ones(3)),
    "comparison": lambda x: x > np.ones(3),
    "logical_and": lambda x: np.logical_and(x > 1, MASK),
    "all where": lambda x: np.all(x > 1, where=Tensor(MASK)),
    "searchsorted": lambda x: np.searchsorted(x.detach(), np.ones(3)),
    "allclose": lambda x: np.allclose(x.detach(), np.ones(3)),
    "in place": lambda x: x.detach().__iadd__(np.ones(3)),
    "out": lambda x: np.add(x.detach(), 1.0, out=np.zeros(3, np.float32)),
    "full_like": lambda x: np.full_like(x.detach(), np.ones(3)),
    "take_along_axis": lambda x: np.take_along_axis(np.ones(3), Tensor(PLACES).cuda(), axis=0),
}


@pytest.mark.parametrize("name", APART)
def test_what_cannot_meet_names_both_devices(name: str, stand_in: Any) -> None:
    with pytest.raises(RuntimeError, match=r"different devices \(.*(cuda:0.*cpu|cpu.*cuda:0)"):
        APART[name](_leaf("cuda"))


def test_anomalies_are_detected_where_cupy_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matrix without an inverse raises also where the first array of a GPU is made inside of the block."""
    monkeypatch.setattr(devices, "looked", False)
    with mg.detect_anomaly(), mg.detect_anomaly(), package.installed(lenient=True), pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(Tensor(np.zeros((2, 2)), device="cuda"))
    with package.installed(lenient=True):
        assert np.isinf(np.linalg.inv(Tensor(np.zeros((2, 2)), device="cuda")).cpu().numpy()).all()


def test_an_array_full_of_a_number_on_a_gpu_waits_for_nothing(stand_in: Any) -> None:
    for dtype in ("float32", "int64", "bool"):
        x = Tensor(np.ones((), dtype), device="cuda")
        with package.counting() as count:
            full = mg.full((2, 2), x)
        assert (full.device, full.dtype, count.syncs) == ("cuda:0", dtype, 0)
        assert full.cpu().numpy().all()
