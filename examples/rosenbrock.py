"""The banana valley of Rosenbrock, down by gradient descent, Newton's method and L-BFGS."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import Tensor, grad, hessian
from nn.optim import LBFGS


def valley(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def gradient_descent(x, steps):
    """Steps along -gradient, each halved until the value falls enough (Armijo, 1966)."""
    slope = grad(valley)
    for _ in range(steps):
        yield x
        g, step = slope(x), 1.0
        while valley(x - step * g) > valley(x) - 1e-4 * step * g @ g:
            step /= 2
        x = x - step * g


def newton(x, steps):
    """Solve H d = -g each time: to the bottom of the parabola that touches here."""
    slope, curvature = grad(valley), hessian(valley)
    for _ in range(steps):
        yield x
        x = x - np.linalg.solve(curvature(x), slope(x))


def lbfgs(x, steps):
    """H is guessed from the last gradients (Nocedal, 1980)."""
    x = Tensor(x, requires_grad=True)
    optimizer = LBFGS([x], max_iter=1, line_search_fn="armijo")

    def loss():
        optimizer.zero_grad()
        value = valley(x)
        value.backward()
        return value

    for _ in range(steps):
        yield x.detach().numpy().copy()
        optimizer.step(loss)


def main(steps=20000):
    start = np.array([-1.2, 1.0])
    paths = {
        f.__name__: np.array(list(f(start, steps if f is gradient_descent else 50))) for f in (gradient_descent, newton, lbfgs)
    }
    figure, axis = plt.subplots()
    a, b = np.meshgrid(np.linspace(-1.6, 1.6, 200), np.linspace(-0.6, 1.6, 200))
    axis.contour(a, b, np.log(valley(np.array([a, b]))), levels=20, cmap="Greys")
    results = {}
    for name, path in paths.items():
        axis.plot(*path.T, "o-", markersize=3, label=name)
        near = np.flatnonzero(np.linalg.norm(path - 1, axis=1) < 1e-3)
        results[f"{name}: steps to 0.001"] = int(near[0]) if len(near) else f"not in {len(path)}"
    axis.legend()
    picture("rosenbrock", figure)
    return results


if __name__ == "__main__":
    run(main)
