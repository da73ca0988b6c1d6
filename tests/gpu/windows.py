"""Convolutions, pooling and windows in the sizes, layouts and dtypes that networks use, and with odd values."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nn import functional as F

from . import add, case, derivatives, normal, on

#: Images (N, C, ...), kernels (O, C / groups, ...), options.
CONVOLUTIONS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((3, 3, 17, 19), (8, 3, 3, 3), {"padding": 1}),
    ((2, 8, 16, 16), (16, 8, 3, 3), {"stride": 2, "padding": 1}),
    ((2, 8, 9, 11), (12, 4, 3, 2), {"groups": 2, "padding": (2, 1), "dilation": (2, 1)}),
    ((2, 6, 8, 8), (6, 1, 5, 5), {"groups": 6, "padding": 2}),
    ((2, 16, 7, 7), (32, 16, 1, 1), {}),
    ((1, 3, 35, 35), (4, 3, 11, 11), {"stride": 4}),
    ((4, 5, 33), (6, 5, 4), {"stride": 3, "padding": 2}),
    ((2, 3, 5, 6, 7), (4, 3, 2, 3, 2), {"padding": 1}),
    ((0, 3, 8, 8), (4, 3, 3, 3), {"padding": 1}),
    ((70, 2, 40, 40), (3, 2, 3, 3), {"padding": 1}),
]
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def convolution(shape: tuple[int, ...], kernels: tuple[int, ...], options: dict[str, Any], dtype: str, device: str) -> list[Any]:
    """With a bias, to second order."""
    x, w = on(device, normal(*shape, dtype=dtype)), on(device, normal(*kernels, seed=1, dtype=dtype) / 8)
    bias = on(device, normal(kernels[0], seed=2, dtype=dtype))
    return derivatives(CONV[len(shape) - 2](x, w, bias, **options) ** 2, [x, w, bias])


def transposed(shape: tuple[int, ...], kernels: tuple[int, ...], options: dict[str, Any], device: str) -> list[Any]:
    """The transposed convolution with the same kernels, of as many channels as they have."""
    x = on(device, normal(shape[0], kernels[0], *shape[2:], dtype="float64"))
    w = on(device, normal(*kernels, seed=1, dtype="float64") / 8)
    return derivatives(TRANSPOSED[len(shape) - 2](x, w, **options) ** 2, [x, w], order=1)


for number, (shape, kernels, options) in enumerate(CONVOLUTIONS):
    for dtype in ("float64", "float32"):
        add(f"convolution {number} {dtype}", partial(convolution, shape, kernels, options, dtype))
    add(f"transposed convolution {number}", partial(transposed, shape, kernels, options))
add("convolution 0 float16", partial(convolution, *CONVOLUTIONS[0], "float16"))


def odd_values(*shape: int) -> np.ndarray:
    """Numbers with many ties, some NaN, both infinities, both zeros."""
    rng = np.random.default_rng(3)
    values = rng.integers(-2, 3, shape).astype(np.float32)
    for value in (np.nan, np.inf, -np.inf, -0.0):
        values[rng.random(shape) < 0.05] = value
    return values


#: Images (N, C, ...), options.
POOLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((3, 4, 18, 18), {"kernel_size": 2}),
    ((3, 4, 17, 19), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 3, 11, 10), {"kernel_size": (3, 2), "stride": (1, 2), "ceil_mode": True}),
    ((2, 3, 12, 12), {"kernel_size": 2, "dilation": 2, "stride": 1}),
    ((2, 3, 31), {"kernel_size": 5, "stride": 3, "padding": 2}),
    ((2, 2, 6, 7, 8), {"kernel_size": 2}),
]
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(shape: tuple[int, ...], options: dict[str, Any], odd: bool, device: str) -> list[Any]:
    """Values, places, and where the gradient goes, to second order."""
    x = on(device, odd_values(*shape) if odd else normal(*shape))
    values, places = MAX_POOL[len(shape) - 2](x, return_indices=True, **options)
    return [places, *derivatives(values if odd else values**3, [x], order=1 if odd else 2)]


def avg_pool(shape: tuple[int, ...], options: dict[str, Any], device: str) -> list[Any]:
    x = on(device, normal(*shape))
    return derivatives(AVG_POOL[len(shape) - 2](x, **options) ** 3, [x])


for number, (shape, options) in enumerate(POOLS):
    add(f"max-pool {number}", partial(max_pool, shape, options, False))
    add(f"max-pool {number} of odd values", partial(max_pool, shape, options, True))
    if "dilation" not in options:
        add(f"average pool {number}", partial(avg_pool, shape, options))


@case
def windows_there_and_back(device: str) -> list[Any]:
    """unfold and fold, overlapping and with gaps."""
    found = []
    for options in ({"stride": 1, "padding": 1}, {"stride": 3}, {"stride": (2, 1), "dilation": (1, 2)}):
        x = on(device, normal(2, 3, 10, 11))
        columns = F.unfold(x, (3, 2), **options)
        found.append(derivatives(F.fold(columns**2, (10, 11), (3, 2), **options), [x]))
    return found


@case
def windows_of_arrays_with_gaps(device: str) -> list[Any]:
    """Channels last, every second column, a batch that is one image repeated."""
    base = on(device, normal(2, 10, 12, 3))
    w = on(device, normal(4, 3, 3, 3, seed=1))
    image = on(device, normal(1, 3, 8, 8))
    inputs = [
        base.transpose(0, 3, 1, 2),
        base.transpose(0, 3, 1, 2)[:, :, ::2, ::-1],
        np.broadcast_to(image, (5, 3, 8, 8)),
    ]
    found = []
    for x in inputs:
        ys = [F.conv2d(x, w, padding=1), F.max_pool2d(x, 2), F.unfold(x, 2)]
        found.append(derivatives(ys, [base, w, image], order=1))
    return found
