"""The banana valley of Rosenbrock, down by gradient descent, Newton's method and L-BFGS.

    f(x) = (1 - x_1)^2 + 100 (x_2 - x_1^2)^2,    least at (1, 1)

At the minimum f is 2,500 times as curved across the valley as along it. Gradient descent, x - step g, goes from side to
side. Newton's method solves H d = -g with the matrix of second derivatives, and L-BFGS guesses H from the
last gradients. Gradient and Hessian are those of automatic differentiation. The start is Rosenbrock's,
(-1.2, 1), moved a little by the seed.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

from minigrad import Tensor, grad, hessian
from nn.optim import LBFGS

PUBLISHED = "the valley: Rosenbrock, 1960; L-BFGS: Nocedal, 1980; the halving of steps: Armijo, 1966"


LARGEST = 2.0**-7


def valley(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def gradient_descent(x, steps):
    """Steps along -gradient, each halved until the value falls enough; no large one, which might jump over the bend."""
    slope = grad(valley)
    for _ in range(steps):
        yield x
        g, step = slope(x), LARGEST
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
    """H is guessed from the last gradients."""
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


def until(path, near):
    """The points of a path until one is near the minimum."""
    found = []
    for x in path:
        found.append(x)
        if np.linalg.norm(x - 1) < near:
            break
    return np.array(found)


def main(steps=20_000, near=1e-3):
    start = np.array([-1.2, 1.0]) + 0.1 * generator().normal(size=2)
    methods = {"gradient descent": gradient_descent, "Newton": newton, "L-BFGS": lbfgs}
    paths = {name: until(method(start.copy(), steps), near) for name, method in methods.items()}
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    a, b = np.meshgrid(np.linspace(-1.8, 1.8, 200), np.linspace(-3.6, 2, 200))
    axes[0].contour(a, b, np.log(valley(np.array([a, b]))), levels=20, cmap="Greys")
    for name, path in paths.items():
        axes[0].plot(*path.T, "o-", markersize=3, linewidth=1, label=name)
        axes[1].loglog(np.arange(1, len(path) + 1), np.linalg.norm(path - 1, axis=1), label=name)
    axes[0].plot(1, 1, "k*", markersize=12, label="minimum", linestyle="none")
    axes[0].set(xlim=(-1.8, 1.8), ylim=(-3.6, 2), xlabel="$x_1$", ylabel="$x_2$", title="the paths")
    axes[1].set(xlabel="point of the path", ylabel="distance from the minimum", title="how fast")
    axes[0].legend(loc="lower left")
    picture("rosenbrock", figure)
    return {
        f"steps to {near}, Newton": len(paths["Newton"]) - 1,
        f"steps to {near}, L-BFGS": len(paths["L-BFGS"]) - 1,
        f"baseline: steps to {near}, gradient descent ({steps} at most)": len(paths["gradient descent"]) - 1,
        "baseline: distance from the minimum, start": float(np.linalg.norm(start - 1)),
    }


if __name__ == "__main__":
    run(main)
