"""What every test and docstring example may use."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad
from minigrad import Tensor


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
