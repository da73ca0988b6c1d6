"""Functions of functions: derivatives, matrices of them, batches."""

from .derivatives import (
    checkpoint,
    egrad,
    elementwise_grad,
    ggnvp,
    grad,
    grad_and_aux,
    hessian_tensor_product,
    holomorphic_grad,
    hvp,
    jvp,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
    vjp,
)
from .jacobians import hessian, jacobian

__all__ = [
    "checkpoint", "egrad", "elementwise_grad", "ggnvp", "grad", "grad_and_aux", "hessian", "hessian_tensor_product",
    "holomorphic_grad", "hvp", "jacobian", "jvp", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp",
    "tensor_jacobian_product", "value_and_grad", "vector_jacobian_product", "vjp",
]  # fmt: skip
