"""Every primitive, by family: forward, gradient rule and formula side by side."""

from . import (
    arithmetic,
    assign,
    constant,
    creation,
    exponential,
    index,
    linalg,
    matrix,
    reduce,
    scan,
    select,
    shape,
    trigonometric,
    window,
)

__all__ = [
    "arithmetic", "assign", "constant", "creation", "exponential", "index", "linalg", "matrix", "reduce", "scan", "select",
    "shape", "trigonometric", "window",
]  # fmt: skip
