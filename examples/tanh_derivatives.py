"""tanh and its first six derivatives, by nesting one function."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import egrad


def tanh(x):
    """Plain NumPy: nothing here knows of minigrad."""
    y = np.exp(-2.0 * x)
    return (1.0 - y) / (1.0 + y)


def polynomials(orders):
    """The derivatives of tanh as polynomials in t = tanh x: d/dx p(t) = p'(t) (1 - t^2)."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(orders + 1):
        yield p
        p = p.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])


def main(orders=6):
    x = np.linspace(-4, 4, 401)
    figure, axis = plt.subplots()
    f, worst = tanh, 0.0
    for order, p in enumerate(polynomials(orders)):
        y, exact = f(x), p(np.tanh(x))
        worst = max(worst, float(np.abs(y - exact).max() / np.abs(exact).max()))
        axis.plot(x, y / np.abs(y).max(), label=f"derivative {order}" if order else "tanh")
        f = egrad(f)  # the derivative of the derivative ...
    axis.set(title="tanh and its derivatives, each scaled to 1")
    axis.legend(fontsize="small")
    picture("tanh_derivatives", figure)
    return {"largest relative error": worst}


if __name__ == "__main__":
    run(main)
