"""nn has the layers and functions of torch.nn, or a reason why not."""

from __future__ import annotations

import inspect
import types
from typing import Any

import numpy as np
import pytest

import nn
from nn import functional as F

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

#: What nn leaves out of torch.nn, by the reason.
LAYERS = {
    "deprecated; use LocalResponseNorm, NLLLoss, Sequential": "CrossMapLRN2d NLLLoss2d Container",
    "in nn.distributed": "DataParallel SyncBatchNorm",
    "base classes of the recurrent layers, which no program calls": "RNNBase RNNCellBase",
    "how much memory a fused loss may use": "LinearCrossEntropyOptions",
}
#: What nn.functional leaves out, by the reason.
FUNCTIONS = {
    "products of 8-bit numbers and of groups, for GPUs": "grouped_mm scaled_grouped_mm scaled_mm",
    "the inside of MultiheadAttention, with 25 arguments": "multi_head_attention_forward",
    "PyTorch's own machinery": """
        assert_int_or_pair boolean_dispatch handle_torch_function has_torch_function has_torch_function_unary
        has_torch_function_variadic
    """,
}


def reasons(table: dict[str, str]) -> dict[str, str]:
    return {name: reason for reason, names in table.items() for name in names.split()}


def public(module: types.ModuleType, wanted: Any) -> list[str]:
    return [n for n in dir(module) if not n.startswith("_") and wanted(getattr(module, n))]


CLASSES = public(torch.nn, lambda x: isinstance(x, type))
CALLABLES = public(
    torch.nn.functional,
    lambda x: callable(x) and not isinstance(x, type) and getattr(x, "__module__", "") != "typing",
)


@pytest.mark.parametrize("name", [n for n in CLASSES if n not in reasons(LAYERS)])
def test_every_layer_of_torch_is_there(name: str) -> None:
    assert isinstance(getattr(nn, name), type) and (name in nn.__all__)


@pytest.mark.parametrize("name", [n for n in CALLABLES if n not in reasons(FUNCTIONS)])
def test_every_function_of_torch_is_there(name: str) -> None:
    assert callable(getattr(F, name))


def test_what_is_called_absent_is_torchs() -> None:
    for table, module in ((LAYERS, torch.nn), (FUNCTIONS, torch.nn.functional)):
        assert [name for name in reasons(table) if not hasattr(module, name)] == []
    assert [name for name in reasons(FUNCTIONS) if hasattr(F, name)] == []


# -------------------------------------------------------------------------------------- arguments

#: PyTorch's words for NumPy's.
WORDS = {"dim": "axis", "keepdim": "keepdims", "start_dim": "start_axis", "end_dim": "end_axis"}
#: Arguments of PyTorch's that were given up long ago, or are not for users.
OLD = {"size_average", "reduce", "_stacklevel", "self", "min_value", "max_value", "_weight", "_freeze", "out", "options"}
#: Ours that PyTorch has not, after all of its own or by keyword.
MORE = {"lengths", "reset_after", "recurrent_dropout", "divisor_override", "return_weights", "value", "args", "kwargs"}


def arguments(function: Any) -> list[str]:
    names = [p for p in inspect.signature(function).parameters if p not in OLD]
    return [WORDS.get(name, name) for name in names]


def signature_or_none(function: Any) -> list[str] | None:
    """None for what is not written in Python, or hides its arguments."""
    try:
        names = arguments(function)
    except ValueError:
        return None
    return None if {"args", "kwargs"} & set(names) else names


@pytest.mark.parametrize("name", [n for n in CALLABLES if hasattr(F, n)])
def test_functions_take_torchs_arguments_in_its_order(name: str) -> None:
    theirs = signature_or_none(getattr(torch.nn.functional, name))
    if theirs is None or name == "tanh":  # tanh is NumPy's ufunc
        return
    ours = arguments(getattr(F, name))
    assert [*ours[1:]][: len(theirs) - 1] == theirs[1:]  # the first one is the input, whatever it is called
    assert set(ours[len(theirs) :]) <= MORE


@pytest.mark.parametrize("name", [n for n in CLASSES if hasattr(nn, n) and hasattr(getattr(torch.nn, n), "forward")])
def test_layers_take_torchs_options_in_its_order(name: str) -> None:
    theirs = signature_or_none(getattr(torch.nn, name).__init__)
    if theirs is None or name.startswith(("Module", "Parameter", "Sequential")):  # containers
        return
    ours = arguments(getattr(nn, name).__init__)
    first = 0 if name != "TransformerDecoder" else 1  # whose first one is called by what it is
    assert ours[first : len(theirs)] == theirs[first:]
    assert set(ours[len(theirs) :]) <= MORE


def test_one_setting_stands_for_all_axes() -> None:
    x = np.ones((1, 1, 6, 6))
    assert F.avg_pool2d(x, (2,), padding=(1,)).shape == F.avg_pool2d(x, 2, padding=1).shape
    assert F.conv2d(x, np.ones((1, 1, 3, 3)), stride=(2,), padding=[1]).shape == (1, 1, 3, 3)
    assert F.max_pool2d(x, [2], [2]).shape == (1, 1, 3, 3)
    assert F.adaptive_avg_pool2d(x, (2,)).shape == (1, 1, 2, 2)
    assert F.conv_transpose2d(x, np.ones((1, 1, 2, 2)), stride=(2,)).shape == (1, 1, 12, 12)
