"""tanh and its first six derivatives, by nesting one function.

`egrad(f)` is the derivative of f at each point, and a function of NumPy like f itself, so that
`egrad(egrad(f))` is the second derivative. They are compared with the exact ones, polynomials in t = tanh x
by d/dx p(t) = p'(t) (1 - t^2), and with central differences: sum over k of (-1)^k C(n, k)
tanh(x + (n/2 - k) h) / h^n, with the step h that happens to be best for the order n.

How the graph of the derivative grows with its order, beside its curve, along which x moves: out/tanh_derivatives.html.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import comb
from shared import OUT, generator, picture, run

from minigrad import egrad, viz


def tanh(x):
    """Plain NumPy: nothing here knows of minigrad."""
    y = np.exp(-2.0 * x)
    return (1.0 - y) / (1.0 + y)


def polynomials(orders):
    """The derivatives of tanh as polynomials in tanh x, one order after the other."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(orders + 1):
        yield p
        p = p.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])


def differences(x, order, h):
    """The derivative by central differences of a step h."""
    k = np.arange(order + 1)[:, None]
    return ((-1.0) ** k * comb(order, k) * tanh(x + (order / 2 - k) * h)).sum(axis=0) / h**order


def main(orders=6, points=400):
    x = np.sort(generator().uniform(-4, 4, points))
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    f, errors, by_differences = tanh, [], []
    for order, p in enumerate(polynomials(orders)):
        y, exact = f(x), p(np.tanh(x))
        errors.append(float(np.abs(y - exact).max() / np.abs(exact).max()))
        tried = [
            np.abs(differences(x, order, h) - exact).max() / np.abs(exact).max()
            for h in np.geomspace(1e-6, 1, 61)
        ]
        by_differences.append(float(min(tried)))
        axes[0].plot(x, y / np.abs(y).max(), label=f"derivative {order}" if order else "tanh")
        f = egrad(f)  # the derivative of the derivative ...
    axes[0].set(title="tanh and its derivatives, each scaled to 1", xlabel="x")
    axes[0].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes[1].semilogy(errors, "o-", label="egrad")
    axes[1].semilogy(range(1, orders + 1), by_differences[1:], "s--", label="differences, best step")
    axes[1].set(title="how far from the exact derivative", xlabel="order", ylabel="largest relative error")
    axes[1].legend()
    picture("tanh_derivatives", figure)
    viz.derivatives(np.tanh, 0.5, orders=orders, path=OUT / "tanh_derivatives.html")
    return {
        "largest relative error of all orders": max(errors),
        f"baseline: error of differences, order {orders}": by_differences[-1],
        "baseline: error of differences, order 1": by_differences[1],
    }


if __name__ == "__main__":
    run(main)
