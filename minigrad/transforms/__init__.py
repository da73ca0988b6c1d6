"""Functions of functions: derivatives, matrices of them, batches."""

from .checkpointing import checkpoint, checkpoint_notes
from .gradients import egrad, elementwise_grad, grad, grad_and_aux, holomorphic_grad, value_and_grad
from .jacobians import hessian, jacobian
from .loops import fori, scan
from .products import (
    ggnvp,
    hessian_tensor_product,
    hessian_vector_product,
    hvp,
    make_ggnvp,
    make_hvp,
    tensor_jacobian_product,
    vector_jacobian_product,
)
from .pullbacks import deriv, jvp, make_jvp, make_vjp, vjp
from .recording import UnusedInputWarning
from .replacing import replaced
from .vmap import vmap

__all__ = [
    "UnusedInputWarning", "checkpoint", "checkpoint_notes",
    "deriv", "egrad", "elementwise_grad", "fori", "ggnvp", "grad", "grad_and_aux", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "hvp", "jacobian",
    "jvp", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp", "replaced", "scan", "tensor_jacobian_product",
    "value_and_grad", "vector_jacobian_product", "vjp", "vmap",
]  # fmt: skip
