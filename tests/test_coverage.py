"""What is differentiable: at least all that HIPS/autograd is, and all of NumPy's main namespace."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import scipy.special

import minigrad as mg
from minigrad import Tensor
from minigrad.dispatch import _PLAIN_ANSWERS

from .hips_names import HIPS, HIPS_LEFT_OUT, HIPS_TRANSFORMS

NAMES = [(module, name) for module, names in HIPS.items() for name in names.split()]


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[f"{m}.{n}" for m, n in NAMES])
def test_what_hips_autograd_differentiates(module: str, name: str) -> None:
    if name == "full":  # np.full asks nobody: its counterpart is minigrad.full
        value = Tensor(2.0, requires_grad=True)
        mg.full((2, 3), value).sum().backward()
        assert value.grad.item() == 6
        return
    assert f"{module}.{name}" in mg.registered()


def test_the_list_is_what_hips_autograd_registers() -> None:
    pytest.importorskip("autograd", reason="HIPS/autograd is not installed")
    import autograd.numpy.fft
    import autograd.numpy.linalg
    import autograd.scipy.special  # noqa: F401
    from autograd.core import primitive_vjps

    found: dict[str, set[str]] = {}
    for wrapped in primitive_vjps:
        function = getattr(wrapped, "fun", wrapped)
        home = (
            ("numpy" if getattr(np, function.__name__, None) is function else "scipy.special")
            if isinstance(function, np.ufunc)
            else ""
        )
        found.setdefault(home or str(function.__module__), set()).add(function.__name__)
    for module in ("numpy", "numpy.fft", "numpy.linalg", "scipy.special"):
        assert {n for n in found[module] if hasattr(eval(module, {"numpy": np, "scipy": scipy}), n)} <= set(
            HIPS[module].split()
        ) | {"astype"}


def test_every_function_of_functions_of_hips_autograd_has_its_counterpart() -> None:
    for module, names in HIPS_TRANSFORMS.items():
        home = mg.misc if ".misc" in module else mg
        theirs = importlib.import_module(module)
        for name in set(names.split()) - HIPS_LEFT_OUT.keys():
            assert callable(getattr(home, name)), name
            assert callable(getattr(theirs, name)), f"autograd has no {name} any more"
    ours = set(HIPS_TRANSFORMS["autograd"].split())
    public = {n for n, f in vars(importlib.import_module("autograd")).items() if callable(f) and not n.startswith("_")}
    assert public - {"primitive", "dict", "isinstance", "list", "tuple", "type"} == ours


#: Public functions that take no array of numbers to compute with, and so have nothing to differentiate.
_OTHERS = """
    arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bartlett base_repr
    binary_repr blackman bmat broadcast_shapes busday_count busday_offset datetime_as_string datetime_data diag_indices
    empty eye format_float_positional format_float_scientific from_dlpack frombuffer fromfile fromfunction fromiter
    frompyfunc fromregex fromstring full genfromtxt get_include get_printoptions getbufsize geterr geterrcall hamming
    hanning identity indices info is_busday isdtype isfortran isscalar issubdtype iterable kaiser load loadtxt mask_indices
    mintypecode nested_iters ones printoptions promote_types require row_stack save savetxt savez savez_compressed
    set_printoptions setbufsize seterr seterrcall show_config show_runtime test tri tril_indices triu_indices typename zeros
    fftfreq rfftfreq trapz in1d
"""
NOT_OF_ARRAYS = _OTHERS.split()


@pytest.mark.parametrize("module", [np, np.linalg, np.fft], ids=lambda m: m.__name__)
def test_every_function_of_numpy_is_known(module: Any) -> None:
    """It has a rule, or is a constant, or answers in Python's types: nothing is left to chance."""
    known = mg.registered()
    missing = [
        name
        for name in module.__all__
        if not name.startswith("_") and callable(f := getattr(module, name)) and not isinstance(f, type)
        and name not in NOT_OF_ARRAYS
        and f not in _PLAIN_ANSWERS and f"{module.__name__}.{name}" not in known
    ]  # fmt: skip
    assert missing == []


def test_an_unknown_function_suggests_the_nearest() -> None:
    with pytest.raises(NotImplementedError, match=r"no gradient rule for scipy\.special\.jve.*there is one for .*[ik]ve"):
        scipy.special.jve(0.0, Tensor(1.0, requires_grad=True))
    with pytest.raises(AttributeError, match="has no attribute 'gamaln'"):
        mg.scipy.special.gamaln
