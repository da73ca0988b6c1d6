"""An op of your own: forward, rule and formula in one block, then checked against finite differences."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import egrad, gradcheck, gradgradcheck, primitive


def rule(g, out, x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return g * (beta * out + s * (1 - beta * out))


@primitive(x=rule, method=False)
def swish(x, beta=1.0):
    """Swish (Ramachandran, Zoph and Le, 2017).

    out = x s(beta x),  s(z) = 1 / (1 + e^-z)
    dx  = g (beta out + s(beta x) (1 - beta out))
    """
    return x / (1 + np.exp(-beta * x))


def main(beta=1.5):
    x = np.linspace(-3, 3, 7)
    checked = gradcheck(lambda x: swish(x, beta), x) and gradgradcheck(lambda x: swish(x, beta), x)
    xs = np.linspace(-6, 4, 200)
    figure, axis = plt.subplots()
    for order, label in enumerate(["swish", "first derivative", "second derivative"]):
        f = lambda x: swish(x, beta)  # noqa: E731
        for _ in range(order):
            f = egrad(f)  # the rule is NumPy itself, so that it has a derivative too
        axis.plot(xs, f(xs), label=label)
    axis.legend()
    picture("custom_op", figure)
    return {"agrees with finite differences, first and second order": checked}


if __name__ == "__main__":
    run(main)
