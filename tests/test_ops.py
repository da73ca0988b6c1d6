"""Every op of the table: forward, first, second and third derivatives, dtypes, PyTorch, and a stand-in for a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, autograd, gradcheck, gradgradcheck, jvp
from minigrad.kernels import convolution
from minigrad.primitive import registry
from minigrad.transforms.jacobians import _columns, _rows
from minigrad.transforms.recording import Recording

from .ops_table import IDS, INDIRECT, ROWS, SAMPLES
from .samples import Sample
from .scipy_samples import CPU_ONLY

every_sample = pytest.mark.parametrize(("name", "sample"), [(n, s) for n, _, s in SAMPLES], ids=IDS)


def outputs(y: Any) -> list[Any]:
    return list(y) if isinstance(y, (list, tuple)) else [y]


def tensors(sample: Sample, dtype: Any = None, wrap: Any = np.asarray, device: str = "cpu") -> list[Tensor]:
    arrays = [wrap(a if dtype is None else a.astype(dtype)) for a in sample.args]
    return [Tensor(a, requires_grad=True, device=device) for a in arrays]


def test_every_op_has_a_row() -> None:
    own = {name for name, f in registry.items() if f.__module__.startswith("minigrad.")}
    assert own == set(ROWS) | set(INDIRECT)


@every_sample
def test_forward_equals_numpy(name: str, sample: Sample) -> None:
    got = outputs(sample.f(*(Tensor(a) for a in sample.args)))
    want = outputs(sample.oracle())
    assert len(got) == len(want)
    for y, expected in zip(got, want, strict=True):
        assert isinstance(y, Tensor)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12, atol=1e-14)
        assert y.dtype == np.asarray(expected).dtype


@every_sample
def test_first_derivative(name: str, sample: Sample) -> None:
    assert gradcheck(sample.f, *sample.args)


@every_sample
def test_second_derivative(name: str, sample: Sample) -> None:
    assert gradgradcheck(sample.f, *sample.args)


@pytest.mark.parametrize(("name", "i"), [(n, i) for n in ("conv", "conv_input", "conv_weight") for i in range(len(ROWS[n]))])
def test_convolution_image_by_image(name: str, i: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What large images get, forced on small ones: the same results, and right gradients."""
    sample = ROWS[name][i]
    whole = outputs(sample.f(*map(Tensor, sample.args)))
    monkeypatch.setattr(convolution, "image_by_image", lambda x, window, channels=None: isinstance(x, np.ndarray))
    for a, b in zip(outputs(sample.f(*map(Tensor, sample.args))), whole, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-11, atol=1e-13)
    assert gradcheck(sample.f, *sample.args)


@every_sample
def test_forward_mode(name: str, sample: Sample) -> None:
    """jvp along one direction of all inputs is the difference quotient along it."""
    rng, h = np.random.default_rng(0), 1e-6
    tangents = [rng.uniform(0.5, 1.0, a.shape) * (1 + 1j if a.dtype.kind == "c" else 1) for a in sample.args]
    _, pushed = jvp(sample.f, sample.args, tangents)
    up, down = (
        outputs(sample.f(*(Tensor(a + step * t) for a, t in zip(sample.args, tangents, strict=True)))) for step in (h, -h)
    )
    for got, y1, y0 in zip(outputs(pushed), up, down, strict=True):
        expected = (y1.numpy() - y0.numpy() * 1.0) / (2 * h)
        if expected.dtype.kind in "fc":
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@every_sample
def test_jacobian_by_rows_and_by_columns(name: str, sample: Sample) -> None:
    """All rows at once, all columns at once, and rows one by one: the same matrix."""
    for i, x in enumerate(sample.args):
        others = [Tensor(a) for a in sample.args]
        first = lambda x, i=i, others=others: outputs(sample.f(*others[:i], x, *others[i + 1 :]))[0]
        call = Recording(first, 0, (x,), {})
        out = call.value
        if not isinstance(out, Tensor) or not out.requires_grad or not out.size or x.dtype.kind != out.dtype.kind:
            continue
        rows = _rows(call, out)[0]
        one_by_one = [call.pull([out], [v.reshape(out.shape)], retain_graph=True)[0] for v in np.eye(out.size, dtype=out.dtype)]
        rows = np.zeros((out.size, *x.shape)) if rows is None else rows
        np.testing.assert_allclose(rows, np.stack(one_by_one), rtol=1e-9, atol=1e-11)
        if x.dtype.kind == "f" and x.size:
            columns = _columns(call, out)[0]
            columns = np.zeros((*out.shape, *x.shape)) if columns is None else columns
            np.testing.assert_allclose(columns.reshape(rows.shape), rows, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "sample", [s for _, i, s in SAMPLES if s.order == 3 and i == 0], ids=[n for n, i, s in SAMPLES if s.order == 3 and i == 0]
)
def test_third_derivative(sample: Sample) -> None:
    assert gradgradcheck(sample.f, *(a[:1, :2] for a in sample.args), order=3)


@every_sample
def test_float32_stays_float32(name: str, sample: Sample) -> None:
    if any(a.dtype.kind == "c" for a in sample.args) or name == "float_power":
        pytest.skip("a real single-precision check")
    xs = tensors(sample, np.float32)
    ys = outputs(sample.f(*xs))
    expected = outputs((sample.f if sample.reference is None else (lambda *_: ys))(*(a.astype(np.float32) for a in sample.args)))
    assert [y.dtype for y in ys] == [np.asarray(getattr(e, "_array", e)).dtype for e in expected]
    for g, x in zip(autograd.grad(ys, xs, [np.ones(y.shape, y.dtype) for y in ys], allow_unused=True), xs, strict=True):
        assert g is None or (g.dtype == np.float32 and g.shape == x.shape)


@every_sample
def test_runs_on_the_stand_in_for_a_gpu(name: str, sample: Sample, stand_in: Any) -> None:
    """Forward, backward and backward of backward, as on the CPU."""
    if name not in CPU_ONLY:
        return compare_with_stand_in(sample)
    with pytest.raises(NotImplementedError, match="runs on the cpu only"):
        compare_with_stand_in(sample)


def compare_with_stand_in(sample: Sample) -> None:
    plain, strict = tensors(sample), tensors(sample, device="cuda")
    results = []
    for xs in (plain, strict):
        ys = outputs(sample.f(*xs))
        seeds = [np.ones_like(y._array) for y in ys]
        first = [g for g in autograd.grad(ys, xs, seeds, create_graph=True, allow_unused=True) if g is not None]
        again = [g for g in first if g.requires_grad]
        second = autograd.grad(again, xs, [np.ones_like(g._array) for g in again], allow_unused=True) if again else ()
        results.append([t for t in (*ys, *first, *second) if t is not None])
    for a, b in zip(*results, strict=True):
        assert b.device == "cuda:0"
        np.testing.assert_allclose(b._array.get(), a._array, rtol=1e-12, atol=1e-12)


@every_sample
def test_inputs_may_be_strided_and_read_only(name: str, sample: Sample) -> None:
    """The same results and gradients from views with gaps between their elements, which must not be written."""

    def view(a: np.ndarray) -> np.ndarray:
        wide = np.zeros((*a.shape, 2), a.dtype)
        wide[..., 0] = a
        out = wide[..., 0]
        out.flags.writeable = False
        return out

    wide, plain = tensors(sample, wrap=view), tensors(sample)
    ys, expected = outputs(sample.f(*wide)), outputs(sample.f(*plain))
    seeds = [np.random.default_rng(0).uniform(0.5, 1.5, y.shape).astype(y.dtype) for y in ys]
    turned = [view(np.swapaxes(g, 0, -1).copy().swapaxes(0, -1)) if g.ndim else g for g in seeds]  # not in C's order either
    got = autograd.grad(ys, wide, turned, allow_unused=True)
    want = autograd.grad(expected, plain, seeds, allow_unused=True)
    for a, b in zip((*ys, *got), (*expected, *want), strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-11, atol=1e-13)


TORCH = [(s.torch, s) for _, _, s in SAMPLES if s.torch]


@pytest.mark.torch
@pytest.mark.parametrize(("torch_name", "sample"), TORCH, ids=[f"{n}-{i}" for i, (n, _) in enumerate(TORCH)])
def test_agrees_with_torch(torch_name: str, sample: Sample) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    function = getattr(torch, torch_name, None) or getattr(torch.special, torch_name)
    ours = tensors(sample)
    theirs = [torch.tensor(np.array(a), requires_grad=True) for a in sample.args]
    y, expected = sample.f(*ours), function(*theirs)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    y.sum().backward()
    expected.sum().backward()
    for x, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-12)
