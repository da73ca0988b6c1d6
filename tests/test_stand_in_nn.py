"""nn on the stand-in for a GPU as on the CPU: each case of `nn_cases` gives the same values on both."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest

import minigrad as mg

from .nn_cases import CASES, in_memory

for subject in ("distributions", "engine", "layers", "losses", "modules", "sequences", "training"):
    importlib.import_module(f"tests.nn_cases.{subject}")


def compare(name: str, tolerance: float) -> None:
    """A case on both devices: the same number of values, of the same dtypes and shapes, and equal."""
    results = []
    for device in ("cpu", "cuda"):
        mg.random.manual_seed(0)
        results.append(in_memory(CASES[name](device), device))
    here, there = results
    assert len(here) == len(there)
    for number, (a, b) in enumerate(zip(here, there, strict=True)):
        assert type(a) is type(b), f"value {number}"
        if isinstance(a, (np.ndarray, np.generic, float)):
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None), f"value {number}"
            np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance, err_msg=f"value {number}")
        else:
            assert a == b, f"value {number}"


@pytest.mark.parametrize("name", CASES)
def test_nn_on_the_stand_in_as_on_the_cpu(name: str, stand_in: Any) -> None:
    compare(name, 2e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not mg.cuda_is_available(), reason="needs CuPy and a GPU")
@pytest.mark.parametrize("name", CASES)
def test_nn_on_a_real_gpu_as_on_the_cpu(name: str) -> None:
    compare(name, 1e-3)


def test_a_case_that_is_wrong_on_one_device_fails(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (
        lambda device: 1.0 if device == "cpu" else 1.1,
        lambda device: math.nan if device == "cpu" else 1.0,
        lambda device: [np.ones(2)] if device == "cpu" else [np.ones(2), 1],
        lambda device: np.ones(2) if device == "cpu" else np.ones(2, np.float32),
        lambda device: mg.Tensor(1.0),  # not on the device
    ):
        monkeypatch.setitem(CASES, "wrong", wrong)
        with pytest.raises(AssertionError):
            compare("wrong", 2e-5)
