"""A Hessian-free step: Newton's method for a network, with products of the curvature and a vector alone."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

from minigrad import grad, make_ggnvp

PUBLISHED = "Martens, Deep learning via Hessian-free optimization, 2010"


def conjugate_gradient(product, b, steps):
    """Solve A x = b for a positive A that is known by its products A v alone."""
    x, r = np.zeros_like(b), b
    p, square = r, r @ r
    for _ in range(steps):
        ap = product(p)
        step = square / (p @ ap)
        x, r = x + step * p, r - step * ap
        square, before = r @ r, square
        p = r + square / before * p
    return x


def main(updates=25, hidden=32, products=30, damping=1.0):
    x = load_digits().data
    x = x / 16
    rng = np.random.default_rng(0)
    shapes = [(64, hidden), (hidden,), (hidden, 64)]  # an autoencoder: digits through a narrow middle
    start = np.concatenate([rng.normal(size=s).ravel() / np.sqrt(s[0]) if len(s) > 1 else np.zeros(s) for s in shapes])
    cuts = np.cumsum([np.prod(s) for s in shapes])[:-1]

    def output(w):
        w1, b1, w2 = (part.reshape(s) for part, s in zip(np.split(w, cuts), shapes, strict=True))
        return np.tanh(x @ w1 + b1) @ w2

    def error(out):
        return 0.5 * np.sum((out - x) ** 2) / len(x)

    slope = grad(lambda w: error(output(w)))
    product = make_ggnvp(output, error)  # v -> J^T H J v, the curvature without negative parts
    w, hessian_free = start, [error(output(start))]
    for _ in range(updates):
        curvature = product(w)
        w_new = w + conjugate_gradient(lambda v, c=curvature, d=damping: c(v) + d * v, -slope(w), products)
        better = error(output(w_new)) < hessian_free[-1]
        w, damping = (w_new, damping * 0.7) if better else (w, damping * 2)
        hessian_free.append(error(output(w)))
    w, descent = start, [error(output(start))]
    for _ in range(updates * (products + 1)):  # as many gradients as the products cost
        w = w - 0.1 * slope(w)
        descent.append(error(output(w)))
    figure, axis = plt.subplots()
    axis.semilogy(np.arange(updates + 1) * (products + 1), hessian_free, "o-", label="Hessian-free")
    axis.semilogy(descent, label="gradient descent")
    axis.set(xlabel="gradients and products", ylabel="squared error")
    axis.legend()
    picture("hessian_free", figure)
    return {"error": float(hessian_free[-1]), "error of gradient descent": float(descent[-1])}


if __name__ == "__main__":
    run(main)
