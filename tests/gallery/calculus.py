"""Examples of the gallery: Automatic differentiation."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "tanh_derivatives": ({}, lambda r: r["largest relative error"] < 1e-9),
    "rosenbrock": ({"steps": 300}, lambda r: r["newton: steps to 0.001"] < 10 and r["lbfgs: steps to 0.001"] < 50),
    "custom_op": ({}, lambda r: r["agrees with finite differences, first and second order"]),
    "ode_solver": ({"steps": 40}, lambda r: r["largest relative error of a parameter"] < 0.45),
    "fluid": ({"iterations": 25, "steps": 6, "scale": 3}, lambda r: r["error"] < 0.5 * r["error without a stir"]),
    "hessian_free": ({"updates": 6, "products": 10}, lambda r: r["error"] < 0.8 * r["error of gradient descent"]),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
