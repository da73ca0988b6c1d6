"""The gradient through an ODE solver: from how hares and lynxes rise and fall to the four numbers behind it.

    dx/dt = a x - b x y,    dy/dt = -c y + d x y

The solver takes many small steps, and none of them is recorded. The gradient of a loss comes from a second
equation that is solved backwards in time, for the adjoint q = dL/dstate:

    dq/dt = -q df/dstate,    dL/dtheta = integral of q df/dtheta dt, from the start to the end

The four numbers are found from a few noisy observations by L-BFGS. The baseline solves nothing: (log x)' =
a - b y and (log y)' = -c + d x are linear in the four, with slopes taken from neighbours in time.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from shared import generator, picture, run

from minigrad import value_and_grad
from minigrad.scipy.integrate import odeint

PUBLISHED = (
    "the gradient is that of Chen et al., Neural ordinary differential equations, 2018; "
    "the equations are Lotka's, 1925, and Volterra's, 1926"
)
TRUTH, START = np.array([1.1, 0.4, 0.4, 0.1]), np.array([10.0, 5.0])


def lotka_volterra(y, t, theta):
    x, y = y
    a, b, c, d = theta
    return np.stack([a * x - b * x * y, -c * y + d * x * y])


def solved(theta, times):
    """Hares and lynxes at these times (T, 2); as exactly as the noise makes sense."""
    return odeint(lotka_volterra, START, times, args=(theta,), rtol=1e-5, atol=1e-5)


def by_slopes(times, seen):
    """The four numbers by linear regression of the slopes of log x and log y."""
    slopes = np.diff(np.log(seen), axis=0) / np.diff(times)[:, None]
    x, y = ((seen[1:] + seen[:-1]) / 2).T
    ab = np.linalg.lstsq(np.stack([np.ones_like(y), -y], axis=1), slopes[:, 0], rcond=None)[0]
    cd = np.linalg.lstsq(np.stack([-np.ones_like(x), x], axis=1), slopes[:, 1], rcond=None)[0]
    return np.concatenate([ab, cd])


def main(observations=20, noise=0.05, iterations=30):
    times = np.linspace(0, 12, observations)
    seen = solved(TRUTH, times) * np.exp(noise * generator().normal(size=(observations, 2)))

    def loss(log_theta):
        return np.mean((np.log(solved(np.exp(log_theta), times)) - np.log(seen)) ** 2)

    guess = np.array([0.8, 0.3, 0.6, 0.15])
    slope = value_and_grad(loss)
    gradient, steps = slope(np.log(guess))[1], 1e-3 * np.eye(4)
    differences = np.array([loss(np.log(guess) + h) - loss(np.log(guess) - h) for h in steps]) / 2e-3
    found = minimize(slope, np.log(guess), jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    fitted, fine = np.exp(found.x), np.linspace(0, 12, 300)
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained", sharey=True)
    shown = (
        ("by slopes (baseline)", by_slopes(times, seen), ":"),
        ("first guess", guess, "--"),
        ("fitted", fitted, "-"),
    )
    for axis, column, name in zip(axes, (0, 1), ("hares", "lynxes"), strict=True):
        axis.plot(times, seen[:, column], "k.", label="observed")
        for label, theta, style in shown:
            axis.plot(fine, solved(theta, fine)[:, column], style, label=label)
        axis.set(title=name, xlabel="time")
    axes[0].set(ylabel="how many")
    axes[0].legend(loc="upper center")
    picture("ode_solver", figure)

    def wrong(theta):
        return float(np.abs(theta / TRUTH - 1).max())

    return {
        "largest relative error of the four": wrong(fitted),
        "solutions forwards and backwards": found.nfev,
        "gradient, relative difference to finite differences": float(
            np.abs(gradient - differences).max() / np.abs(gradient).max()
        ),
        "baseline: largest relative error, by slopes": wrong(by_slopes(times, seen)),
        "baseline: largest relative error, first guess": wrong(guess),
    }


if __name__ == "__main__":
    run(main)
