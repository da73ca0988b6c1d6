"""The gradient through an ODE solver: from how hares and lynxes rise and fall to the four numbers behind it."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import value_and_grad
from minigrad.scipy.integrate import odeint

PUBLISHED = "the gradient is that of Chen et al., Neural ordinary differential equations, 2018"


def lotka_volterra(y, t, theta):
    """dx/dt = a x - b x y, dy/dt = -c y + d x y (Lotka, 1925; Volterra, 1926)."""
    x, y = y
    a, b, c, d = theta
    return np.stack([a * x - b * x * y, -c * y + d * x * y])


def main(steps=150, noise=0.02):
    truth, start, times = np.array([1.1, 0.4, 0.4, 0.1]), np.array([10.0, 5.0]), np.linspace(0, 12, 40)
    rng = np.random.default_rng(0)
    seen = odeint(lotka_volterra, start, times, args=(truth,)) * np.exp(noise * rng.normal(size=(40, 2)))

    def loss(log_theta):
        path = odeint(lotka_volterra, start, times, args=(np.exp(log_theta),))
        return np.mean((np.log(path) - np.log(seen)) ** 2)

    slope = value_and_grad(loss)  # the adjoint equation, solved backwards in time
    guess, m, v = np.log(np.array([0.8, 0.3, 0.6, 0.15])), 0.0, 0.0
    first = guess
    for step in range(1, steps + 1):
        value, g = slope(guess)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2  # Adam
        guess = guess - 0.03 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
        if step % 30 == 0:
            print(f"step {step}: loss {value:.5f}, parameters {np.exp(guess).round(3)}")
    figure, axis = plt.subplots()
    fine = np.linspace(0, 12, 300)
    axis.plot(times, seen, "k.", label="seen")
    axis.plot(fine, odeint(lotka_volterra, start, fine, args=(np.exp(first),)), ":", label="before")
    axis.plot(fine, odeint(lotka_volterra, start, fine, args=(np.exp(guess),)), label="after")
    axis.legend()
    picture("ode_solver", figure)
    return {"largest relative error of a parameter": float(np.abs(np.exp(guess) / truth - 1).max())}


if __name__ == "__main__":
    run(main)
