"""Every sample of the table of ops: forward, gradients, and the gradients of these."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..ops_table import SAMPLES
from ..samples import Sample
from ..scipy_samples import CPU_ONLY
from . import Case, compare, derivatives, on


def to_second_order(sample: Sample, device: str) -> list[Any]:
    xs = [on(device, a) for a in sample.args]
    return derivatives(sample.f(*xs), xs)


#: The rows that CuPy can compute: for each the comparisons of its samples.
OPS: dict[str, list[Case]] = {}
for name, _, sample in SAMPLES:
    if name not in CPU_ONLY:
        OPS.setdefault(name, []).append(partial(to_second_order, sample))


def compare_row(name: str) -> None:
    """Run all samples of a row on both devices.

    Raises:
        AssertionError: where some differ or fail; it names each.
    """
    wrong = []
    for i, f in enumerate(OPS[name]):
        try:
            compare(f)
        except Exception as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            wrong.append(f"{name}-{i} {type(error).__name__}: {' '.join(lines[:3])[:160]}")
    assert not wrong, "; ".join(wrong)
