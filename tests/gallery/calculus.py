"""Examples of the gallery: Automatic differentiation."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "tanh_derivatives": (
        {}, lambda r: r["largest relative error of all orders"] < 1e-9 < 1e-4 < r["baseline: error of differences, order 6"]
    ),
    "rosenbrock": (
        {"steps": 300},
        lambda r: r["steps to 0.001, Newton"] < 10
        and r["steps to 0.001, L-BFGS"] < 60
        and r["baseline: steps to 0.001, gradient descent (300 at most)"] == 299,
    ),
    "custom_op": (
        {},
        lambda r: r["gradcheck and gradgradcheck pass"]
        and not r["gradcheck passes the wrong rule"]
        and r["largest error, second derivative"] < 1e-12 < 0.1 < r["baseline: largest error, wrong rule"],
    ),
    "ode_solver": (
        {"observations": 12, "noise": 0.02, "iterations": 12},
        lambda r: r["largest relative error of the four"] < r["baseline: largest relative error, by slopes"]
        and r["gradient, relative difference to finite differences"] < 0.01,
    ),
    "fluid": (
        {"iterations": 30, "steps": 6}, lambda r: r["squared error"] < 0.8 * r["baseline: squared error of the mean grey"]
    ),
    "hessian_free": (
        {"updates": 12, "products": 12, "count": 150},
        lambda r: r["half the squared error"] < 0.8 * r["baseline: half the squared error, the mean digit"]
        and r["half the squared error"] < r["baseline: half the squared error, gradient descent"]
        and r["baseline: half the squared error, Adam"] < r["baseline: half the squared error, gradient descent"],
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
