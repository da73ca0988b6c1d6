"""Images resampled, sampled at places and pooled, compared with PyTorch's over modes, sizes and options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, autograd
from nn import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
rng = np.random.default_rng(7)
MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "trilinear": (3,), "bicubic": (2,),
}  # fmt: skip


def agree(ours: Any, theirs: Any, *arrays: np.ndarray) -> None:
    """Values and gradients, or an error in both."""
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    try:
        u = theirs(*ts)
        weights = rng.normal(size=tuple(u.shape))
        expected = torch.autograd.grad(u, ts, torch.tensor(weights))
    except (RuntimeError, ValueError):
        with pytest.raises(ValueError, match="interpolate"):
            ours(*xs)
        return
    y = ours(*xs)
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-6, atol=1e-6)
    for got, want in zip(autograd.grad([y], xs, [weights], allow_unused=True), expected, strict=True):
        np.testing.assert_allclose(0.0 if got is None else got.numpy(), want.numpy(), rtol=1e-5, atol=1e-6)


def options(mode: str) -> Iterator[dict[str, Any]]:
    sizes: list[dict[str, Any]] = [{"size": n} for n in (1, 3, 5, 8)]
    sizes += [{"scale_factor": f} for f in (2, 0.7, 1.5, 0.4)]
    for size in [*sizes, {"scale_factor": 0.7, "recompute_scale_factor": True}]:
        for align in (None, True, False) if "linear" in mode or mode == "bicubic" else (None,):
            for antialias in (False, True) if mode in ("bilinear", "bicubic") else (False,):
                yield {**size, "mode": mode, "align_corners": align, "antialias": antialias}


@pytest.mark.parametrize("lengths", [(1, 2, 3), (4, 3, 5), (7, 6, 2)])
@pytest.mark.parametrize("mode", MODES)
def test_interpolate_equals_torchs(mode: str, lengths: tuple[int, ...]) -> None:
    for n in MODES[mode]:
        x = rng.normal(size=(2, 2, *lengths[:n]))
        for given in options(mode):
            agree(lambda x, o=given: F.interpolate(x, **o), lambda t, o=given: torch.nn.functional.interpolate(t, **o), x)


def test_interpolate_refuses_options_that_do_not_fit() -> None:
    x = np.ones((1, 1, 4, 4))
    for wrong, words in (
        ({"size": 2, "scale_factor": 2}, "either size or scale_factor"),
        ({"size": 2, "recompute_scale_factor": True}, "recompute_scale_factor goes with scale_factor"),
        ({"size": 2, "align_corners": True}, "takes no align_corners"),
        ({"size": 2, "antialias": True}, "antialias goes with"),
        ({"size": 2, "mode": "trilinear"}, "does not fit"),
        ({"size": (2, 2, 2)}, "2 spatial axes"),
        ({"size": 0}, "at least one pixel"),
        ({"scale_factor": -1.0}, "positive"),
    ):
        with pytest.raises(ValueError, match=words):
            F.interpolate(x, **wrong)
    with pytest.raises(TypeError, match="no gradient with respect to scale_factor"):
        F.interpolate(x, scale_factor=Tensor(2.0, requires_grad=True))


@pytest.mark.parametrize(("spatial", "out"), [((4, 5), (3, 6)), ((1, 3), (2, 2)), ((3, 4, 2), (2, 3, 3)), ((1, 1, 1), (2, 1, 2))])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [True, False])
def test_grid_sample_equals_torchs(spatial: tuple[int, ...], out: tuple[int, ...], mode: str, padding: str, align: bool) -> None:
    x, grid = rng.normal(size=(2, 3, *spatial)), rng.uniform(-2.3, 2.3, size=(2, *out, len(spatial)))
    if mode == "bicubic" and len(spatial) == 3:
        with pytest.raises(ValueError, match="for images only"):
            F.grid_sample(x, grid, mode)
        return
    agree(
        lambda x, g: F.grid_sample(x, g, mode, padding, align),
        lambda t, g: torch.nn.functional.grid_sample(t, g, mode, padding, align), x, grid,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(2, 1, 3, 4), (2, 1, 1, 4), (2, 1, 3, 2, 4)])
@pytest.mark.parametrize("align", [True, False])
def test_affine_grid_equals_torchs(size: tuple[int, ...], align: bool) -> None:
    n = len(size) - 2
    theta = rng.normal(size=(2, n, n + 1))
    agree(
        lambda t: F.affine_grid(t, size, align), lambda t: torch.nn.functional.affine_grid(t, size, align), theta
    )  # fmt: skip


def test_a_transformer_that_turns_nothing_gives_the_image_itself() -> None:
    x = rng.normal(size=(1, 2, 4, 5))
    for align in (True, False):
        grid = F.affine_grid(np.eye(2, 3)[None], x.shape, align)
        np.testing.assert_allclose(F.grid_sample(x, grid, align_corners=align), x, atol=1e-12)
    turned = rng.normal(size=(1, 2, 3)) / 2
    assert mg.gradgradcheck(lambda x, t: F.grid_sample(x, F.affine_grid(t, (1, 1, 2, 3)), "bicubic"), x, turned)


def test_grids_that_do_not_fit_are_refused() -> None:
    x = np.ones((1, 1, 3, 3))
    for wrong in (np.ones((2, 2, 2, 2)), np.ones((1, 2, 2, 3)), np.ones((1, 2, 2))):
        with pytest.raises(ValueError, match=r"grid \(N, H', W', 2\)"):
            F.grid_sample(x, wrong)
    with pytest.raises(ValueError, match="padding_mode"):
        F.grid_sample(x, np.ones((1, 1, 1, 2)), padding_mode="reflect")
    with pytest.raises(ValueError, match=r"theta \(N, 2, 3\)"):
        F.affine_grid(np.ones((1, 3, 3)), (1, 1, 2, 2))


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fractional_pooling_equals_torchs(n: int, dtype: Any) -> None:
    x = rng.normal(size=(2, 3, *(9, 8, 7)[:n])).astype(dtype)
    for _ in range(5):
        drawn = rng.uniform(size=(2, 3, n)).astype(dtype)
        for size in ({"output_size": (4, 3, 2)[:n]}, {"output_ratio": (0.6, 0.5, 0.7)[:n]}):
            ours = getattr(F, f"fractional_max_pool{n}d")(x, 2, **size, return_indices=True, _random_samples=drawn)
            theirs = getattr(torch.nn.functional, f"fractional_max_pool{n}d")(
                torch.tensor(x), 2, **size, return_indices=True, _random_samples=torch.tensor(drawn)
            )
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(np.asarray(a), b.numpy())


def test_fractional_pooling_follows_the_seed() -> None:
    x = rng.normal(size=(3, 12, 11))
    mg.random.manual_seed(0)
    a = F.fractional_max_pool2d(x, 2, output_ratio=0.5)
    mg.random.manual_seed(0)
    np.testing.assert_array_equal(a, F.fractional_max_pool2d(x, 2, output_ratio=0.5))
    assert any(np.any(a != F.fractional_max_pool2d(x, 2, output_ratio=0.5)) for _ in range(5))
    with pytest.raises(ValueError, match="do not lie in"):
        F.fractional_max_pool2d(x, 2, output_size=11)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
def test_padding_that_grows_and_cuts_equals_torchs(mode: str) -> None:
    x = rng.normal(size=(1, 2, 5, 6))
    for widths in ((3, -3, 0, 0), (-2, 2, 1, -1), (2, 1, -1, -1), (-1, -1, -1, -1), (0, 4, 2, -3)):
        agree(
            lambda x, w=widths: F.pad(x, w, mode), lambda t, w=widths: torch.nn.functional.pad(t, w, mode), x
        )  # fmt: skip
