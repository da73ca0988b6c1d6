"""Backwards through a fluid: which stir makes smoke drift into the picture of a digit?"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from shared import picture, run
from sklearn.datasets import load_digits

from minigrad import value_and_grad


def project(vx, vy):
    """Take away what makes volume: solve for the pressure in Fourier space, exactly, and subtract its gradient."""
    n = vx.shape[0]
    k = np.fft.fftfreq(n) * 2 * np.pi
    kx, ky = np.meshgrid(k, k, indexing="ij")
    square = kx**2 + ky**2
    square[0, 0] = 1.0
    fx, fy = np.fft.fft2(vx), np.fft.fft2(vy)
    along = (fx * kx + fy * ky) / square
    return np.real(np.fft.ifft2(fx - kx * along)), np.real(np.fft.ifft2(fy - ky * along))


def advect(f, vx, vy):
    """What is at each place comes from where the fluid was a moment ago, between four cells (Stam, 1999)."""
    n = f.shape[0]
    rows, columns = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    x, y = rows - vx, columns - vy
    left, top = np.floor(x), np.floor(y)
    a, b = x - left, y - top
    i, j = np.asarray(left).astype(int) % n, np.asarray(top).astype(int) % n
    k, m = (i + 1) % n, (j + 1) % n
    return (1 - a) * ((1 - b) * f[i, j] + b * f[i, m]) + a * ((1 - b) * f[k, j] + b * f[k, m])


def simulate(vx, vy, smoke, steps):
    for _ in range(steps):
        vx, vy = project(advect(vx, vx, vy), advect(vy, vx, vy))
        smoke = advect(smoke, vx, vy)
        yield smoke


def main(iterations=300, steps=12, scale=4):
    target = np.kron(load_digits().images[3] / 16, np.ones((scale, scale)))
    n = len(target)
    smoke = np.full((n, n), target.mean())
    smoke[:, : n // 2], smoke[:, n // 2 :] = 2 * target.mean(), 0.0  # all of it on one side

    def loss(v):
        vx, vy = project(*v.reshape(2, n, n))
        *_, last = simulate(vx, vy, smoke, steps)
        return np.mean((last - target) ** 2)

    slope = value_and_grad(loss)
    losses = []
    found = minimize(
        slope,
        np.zeros(2 * n * n),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations},
        callback=lambda v: losses.append(loss(v)),
    )
    vx, vy = project(*found.x.reshape(2, n, n))
    frames = [smoke, *simulate(vx, vy, smoke, steps)]
    figure, axes = plt.subplots(1, 6, figsize=(12, 2.4))
    for axis, frame in zip(axes, [*frames[:: max(steps // 4, 1)][:4], frames[-1], target], strict=True):
        axis.imshow(frame, cmap="gray_r", vmin=0, vmax=1)
        axis.axis("off")
    picture("fluid", figure)
    before = loss(np.zeros(2 * n * n))
    return {"error without a stir": float(before), "error": float(found.fun)}


if __name__ == "__main__":
    run(main)
