"""What every test and docstring example may use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, devices, kernels, later
from minigrad.primitive import numpy_table, registry


@pytest.fixture(autouse=True)
def _names_of_the_docstring_examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, object]) -> None:
    own = getattr(getattr(request.node, "dtest", None), "globs", {})
    names = {name: getattr(minigrad, name) for name in ("grad", "egrad", "holomorphic_grad", "no_grad", "primitive", "stack")}
    names |= {"np": np, "minigrad": minigrad, "Tensor": Tensor}
    doctest_namespace.clear()
    doctest_namespace.update({name: value for name, value in names.items() if name not in own or name.startswith("__")})


@pytest.fixture(autouse=True)
def _seeded() -> None:
    minigrad.random.manual_seed(0)


@pytest.fixture(autouse=True)
def _without_the_ops_of_other_tests() -> Iterator[None]:
    """What a test or an example defines is forgotten after it."""
    tables: list[dict] = [registry, numpy_table, kernels.ways, kernels.ways_on_gpu]
    before = [{k: list(v) if isinstance(v, list) else v for k, v in t.items()} for t in tables]
    members = set(vars(Tensor))
    yield
    for name in vars(Tensor).keys() - members:
        delattr(Tensor, name)
    for table, kept in zip(tables, before, strict=True):
        if table != kept:
            table.clear()
            table.update(kept)


@pytest.fixture(autouse=True)
def _without_the_figures_of_other_tests() -> Iterator[None]:
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def stand_in() -> Iterator[Any]:
    """The stand-in for a GPU in the place of CuPy: `Tensor(x, device="cuda")` works in this test."""
    from tests import stand_in as package

    with package.installed():
        yield package


@pytest.fixture
def two_gpus() -> Iterator[Any]:
    """The stand-in with two devices."""
    from tests import stand_in as package

    with package.installed(devices=2):
        yield package


@pytest.fixture(autouse=True)
def _all_that_waits_is_read() -> Iterator[None]:
    """No check is left to the next test, which would raise its error."""
    yield
    assert not later.waiting(), "checks wait at the end of the test: read them (later.settle())"


@pytest.fixture(autouse=True)
def _gpus_are_looked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test found out about GPUs holds for this test."""
    monkeypatch.setattr(devices, "looked", False)
    monkeypatch.setattr(devices, "several", False)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the accelerated functions that native code has computed in this test."""
    names: list[str] = []
    call = kernels.Compiled.__call__

    def noted(compiled: kernels.Compiled, *args: Any, **kwargs: Any) -> Any:
        out = call(compiled, *args, **kwargs)
        if out is not NotImplemented:
            names.append(compiled.name)
        return out

    monkeypatch.setattr(kernels.Compiled, "__call__", noted)
    return names
