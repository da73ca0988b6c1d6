"""Functions of functions: derivatives, matrices of them, batches."""

from .checkpointing import checkpoint
from .gradients import egrad, elementwise_grad, grad, grad_and_aux, holomorphic_grad, value_and_grad
from .jacobians import hessian, jacobian
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
from .replacing import replaced
from .vmap import vmap

__all__ = [
    "checkpoint", "deriv", "egrad", "elementwise_grad", "ggnvp", "grad", "grad_and_aux", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "hvp", "jacobian",
    "jvp", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp", "replaced", "tensor_jacobian_product",
    "value_and_grad", "vector_jacobian_product", "vjp", "vmap",
]  # fmt: skip
