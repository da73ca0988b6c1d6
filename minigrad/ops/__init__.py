"""Every primitive, by family: forward, gradient rule and formula side by side."""

from . import (
    arithmetic,
    assign,
    constant,
    creation,
    exponential,
    fourier,
    index,
    linalg,
    matrix,
    norms,
    numeric,
    reduce,
    scan,
    select,
    shape,
    statistics,
    trigonometric,
    window,
)

__all__ = [
    "arithmetic", "assign", "constant", "creation", "exponential", "fourier", "index", "linalg", "matrix", "norms",
    "numeric", "reduce", "scan", "select", "shape", "statistics", "trigonometric", "window",
]  # fmt: skip
