"""minigrad: reverse-mode automatic differentiation on NumPy, to any order.

>>> import numpy as np
>>> from minigrad import Tensor, grad
>>> grad(np.tanh)(1.0)
np.float64(0.41997434161402614)
"""

from __future__ import annotations

import importlib
from typing import Any

from . import autograd, cuda, dispatch, emath, fft, linalg, misc, ops, polynomial, random, scipy
from .anomaly import detect_anomaly
from .backend import beside, cuda_is_available, get_default_dtype, set_default_dtype
from .check import GradcheckError, check_grads, gradcheck, gradgradcheck
from .graph import enable_grad, is_grad_enabled, mark_mutated, no_grad, set_grad_enabled
from .hints import missing
from .kernels import table as _kernels  # noqa: F401 - says which kernels there are
from .primitive import primitive, registered
from .spellings import FUNCTIONS, INSTEAD
from .tensor import Tensor, raw
from .transforms import (
    UnusedInputWarning,
    checkpoint,
    checkpoint_notes,
    deriv,
    egrad,
    elementwise_grad,
    fori,
    ggnvp,
    grad,
    grad_and_aux,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    replaced,
    scan,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
    vjp,
    vmap,
)
from .trees import ravel_tree, tree_map
from .version import __version__ as __version__

__all__ = [
    "CannotTrace", "CompileWarning", "GradcheckError", "Tensor", "UnusedInputWarning", "autograd", "beside", "check_grads",
    "checkpoint", "checkpoint_notes", "compile", "cuda", "cuda_is_available",
    "deriv", "detect_anomaly", "dispatch", "egrad", "elementwise_grad", "emath", "enable_grad", "fft", "fori",
    "get_default_dtype", "ggnvp", "grad", "grad_and_aux", "gradcheck", "gradgradcheck", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "hvp",
    "is_grad_enabled", "jacobian", "jvp", "linalg", "make_ggnvp", "make_hvp", "make_jvp",
    "make_vjp", "mark_mutated", "misc", "no_grad", "ops", "polynomial", "primitive", "random", "ravel_tree", "raw",
    "registered", "replaced", "scan", "scipy", "set_default_dtype", "set_grad_enabled", "tensor_jacobian_product",
    "tree_map", "value_and_grad", "vector_jacobian_product", "vjp", "vmap",
]  # fmt: skip

#: The families whose functions are functions of this package too, under NumPy's names.
_FAMILIES = (
    ops.arithmetic, ops.exponential, ops.trigonometric, ops.reduce, ops.scan, ops.select, ops.shape,
    ops.join, ops.index, ops.diagonals, ops.products, ops.norms, ops.statistics, ops.quantiles,
    ops.differences, ops.interpolation, ops.convolution, ops.polynomial, ops.padding, ops.edit,
    ops.update, ops.sets, ops.counting, ops.apply, ops.conversion, ops.creation, ops.grids, ops.aliases,
    ops.borrowed,
)  # fmt: skip
for _family in _FAMILIES:
    for _name in _family.__all__:
        globals()[_name] = getattr(_family, _name)
        __all__.append(_name)
globals().update(ops.constant.constants)
__all__ += [*ops.constant.constants]

#: Loaded on first use: nn is a package of its own built on this one, viz needs graphviz.
_LAZY = {"nn": "nn", "viz": "minigrad.viz"}
#: Names of the compiler, which is loaded on first use, too.
_COMPILER = {"CannotTrace", "CompileWarning", "compile"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module = importlib.import_module(_LAZY[name])
        globals()[name] = module
        return module
    if name in _COMPILER:
        value = getattr(importlib.import_module("minigrad.compiler.compiled"), name)
        globals()[name] = value
        return value
    raise missing("minigrad", name, __all__, INSTEAD, FUNCTIONS)


def _tensor_html(self: Tensor) -> str:
    """What a notebook shows of a tensor; loaded on first use, as all of viz."""
    html: str = importlib.import_module("minigrad.viz.display").tensor_html(self)
    return html


Tensor._repr_html_ = _tensor_html  # type: ignore[attr-defined]
