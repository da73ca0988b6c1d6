"""Backwards through a fluid: which stir makes smoke drift into the picture of a digit?

A fluid that nothing compresses moves on a grid. In each step the velocity v is carried along, and then the
smoke f,

    v(x) <- v(x - v(x)),    v <- v - grad p  so that  div v = 0,    f(x) <- f(x - v(x))

and the pressure p is found in Fourier space. All of it is NumPy, so that the difference between the last
frame and a digit has a gradient with respect to the first velocities, two numbers for each cell; L-BFGS
follows it. The seed chooses the digit. Without a stir nothing moves; smoke that is spread evenly would be
the mean grey.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from shared import digits, generator, picture, run

from minigrad import value_and_grad

PUBLISHED = "Stam, Stable fluids, 1999; the task is that of HIPS autograd's examples"


def project(vx, vy):
    """Take away what makes volume: the gradient of the pressure, which is solved for in Fourier space."""
    n = vx.shape[0]
    k = np.fft.fftfreq(n) * 2 * np.pi
    kx, ky = np.meshgrid(k, k, indexing="ij")
    square = kx**2 + ky**2
    square[0, 0] = 1.0
    fx, fy = np.fft.fft2(vx), np.fft.fft2(vy)
    along = (fx * kx + fy * ky) / square
    return np.real(np.fft.ifft2(fx - kx * along)), np.real(np.fft.ifft2(fy - ky * along))


def advect(f, vx, vy):
    """What is at each place comes from where the fluid was a moment ago, between four cells."""
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


def draw(frames, target, stir):
    """The smoke on its way, with the stir on the first frame, and the digit."""
    steps = len(frames) - 1
    times = [0, steps // 3, 2 * steps // 3, steps]
    figure, axes = plt.subplots(1, 5, figsize=(12, 2.8), layout="constrained")
    shown = [*(frames[t] for t in times), target]
    for axis, frame, title in zip(
        axes, shown, ["the stir", *(f"after {t} steps" for t in times[1:]), "the digit"], strict=True
    ):
        axis.imshow(frame, cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[], title=title)
    places = np.arange(0, len(target), 2)
    down, across = (part[::2, ::2] for part in stir)  # axis 0 of the grid goes down in the picture
    axes[0].quiver(places, places, across, down, angles="xy", color="tab:red")
    picture("fluid", figure)


def main(iterations=120, steps=10, scale=3):
    (images, _), _ = digits()
    target = np.kron(images[generator().integers(len(images))], np.ones((scale, scale)))
    n = len(target)
    smoke = np.full((n, n), 2 * target.mean())
    smoke[:, n // 2 :] = 0.0  # all of it on one side

    def loss(v):
        *_, last = simulate(*project(*v.reshape(2, n, n)), smoke, steps)
        return np.mean((last - target) ** 2)

    still = np.zeros(2 * n * n)
    found = minimize(
        value_and_grad(loss), still, jac=True, method="L-BFGS-B", options={"maxiter": iterations}
    )
    stir = project(*found.x.reshape(2, n, n))
    draw([smoke, *simulate(*stir, smoke, steps)], target, stir)
    return {
        "squared error": float(found.fun),
        "simulations forwards and backwards": found.nfev,
        "baseline: squared error without a stir": float(loss(still)),
        "baseline: squared error of the mean grey": float(target.var()),
    }


if __name__ == "__main__":
    run(main)
