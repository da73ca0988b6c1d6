"""An op of your own: forward, rule and formula in one block, then checked against finite differences.

A rule says how the gradient g of a result becomes that of an input. It is written in NumPy, so that it has
a derivative itself: the second derivative needs no further line. `gradcheck` compares a rule with
differences, and so finds the one that forgets a factor. How exact the derivatives are is measured on the
formulas, with s = s(beta x):

    out' = s + beta x s (1 - s),    out'' = beta s (1 - s) (2 + beta x (1 - 2 s))
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

from minigrad import egrad, gradcheck, gradgradcheck, primitive

PUBLISHED = "swish: Ramachandran, Zoph and Le, Searching for activation functions, 2017"


def rule(g, out, x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return g * (beta * out + s * (1 - beta * out))


@primitive(x=rule, method=False)
def swish(x, beta=1.0):
    """Swish.

    out = x s(beta x),  s(z) = 1 / (1 + e^-z)
    dx  = g (beta out + s(beta x) (1 - beta out))
    """
    return x / (1 + np.exp(-beta * x))


@primitive(x=lambda g, out, x, beta: g / (1 + np.exp(-beta * x)), method=False)
def forgetful(x, beta=1.0):
    """Swish, with a rule that takes s(beta x) for a constant."""
    return x / (1 + np.exp(-beta * x))


def main(beta=1.5, points=200):
    x = np.sort(generator().uniform(-6, 4, points))
    s = 1 / (1 + np.exp(-beta * x))
    exact = [x * s, s + beta * x * s * (1 - s), beta * s * (1 - s) * (2 + beta * x * (1 - 2 * s))]

    def f(x):
        return swish(x, beta)

    def wrong(x):
        return forgetful(x, beta)

    found, first = [f(x), egrad(f)(x), egrad(egrad(f))(x)], egrad(wrong)(x)
    figure, axis = plt.subplots(figsize=(9, 4.5))
    for values, name in zip(found, ("swish", "its derivative", "its second derivative"), strict=True):
        axis.plot(x, values, label=name)
    axis.plot(x, first, ":", label="derivative by a wrong rule")
    h = 1e-4
    axis.plot(x[::8], (f(x[::8] + h) - f(x[::8] - h)) / (2 * h), "k.", label="differences")
    axis.set(xlabel="x", title=f"An op of one's own, beta = {beta}")
    axis.legend()
    picture("custom_op", figure)
    few = x[::20]
    return {
        "gradcheck and gradgradcheck pass": gradcheck(f, few) and gradgradcheck(f, few),
        "gradcheck passes the wrong rule": gradcheck(wrong, few, raise_exception=False),
        "largest error, first derivative": float(np.abs(found[1] - exact[1]).max()),
        "largest error, second derivative": float(np.abs(found[2] - exact[2]).max()),
        "baseline: largest error, wrong rule": float(np.abs(first - exact[1]).max()),
        "baseline: largest error, differences": float(
            np.abs((f(x + h) - f(x - h)) / (2 * h) - exact[1]).max()
        ),
    }


if __name__ == "__main__":
    run(main)
