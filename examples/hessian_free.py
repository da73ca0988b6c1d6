"""Hessian-free optimization: Newton's method for a deep network, by products of curvature and vector.

Near the weights w the error is a parabola, with the slope g and the curvature matrix G = J^T H J of Gauss
and Newton, where J is the derivative of the outputs and H the curvature of the error. One step solves

    (G + c 1) d = -g

by conjugate gradients, which need products G v alone: the matrix is never made. The damping c grows where a
step failed, and shrinks where it helped. The network is an autoencoder with layers of 64, 40, 20, 6, 20, 40 and 64
units; its error is |x' - x|^2 / 2, the mean over the digits. What is compared is the cost: a gradient counts 1, a
product G v 2, an error alone 1/2. At the same cost Hessian-free ends ahead of gradient descent, and Adam ahead of
both, each of them at the best of three rates; Hessian-free has no rate. The linear autoencoder with the same code is
PCA.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run

import nn
from minigrad import Tensor, grad, make_ggnvp

PUBLISHED = "Martens, Deep learning via Hessian-free optimization, 2010 (autoencoders of faces, curves and MNIST)"
#: The cost of an update besides its products, in gradients: one gradient and one error alone.
BESIDES = 1.5


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


class Autoencoder:
    """Its output and its error as functions of all weights in one vector."""

    def __init__(self, x, sizes):
        self.x = x
        self.shapes = [shape for a, b in zip(sizes, sizes[1:], strict=False) for shape in ((a, b), (b,))]
        self.cuts = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]

    def start(self, rng):
        """Weights of the deviation 1 / root of the inputs, biases 0."""
        parts = [rng.normal(size=s) / np.sqrt(s[0]) if len(s) > 1 else np.zeros(s) for s in self.shapes]
        return np.concatenate([part.ravel() for part in parts])

    def output(self, w):
        parts = [part.reshape(shape) for part, shape in zip(np.split(w, self.cuts), self.shapes, strict=True)]
        h = self.x
        for weight, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
            h = np.tanh(h @ weight + bias)
        return h @ parts[-2] + parts[-1]

    def error(self, out):
        return 0.5 * np.sum((out - self.x) ** 2) / len(self.x)

    def loss(self, w):
        return self.error(self.output(w))


def hessian_free(net, w, updates, products, damping):
    """The error after each update."""
    slope, product = grad(net.loss), make_ggnvp(net.output, net.error)  # v -> J^T H J v
    errors = [float(net.loss(w))]
    for _ in range(updates):
        curvature = product(w)
        trial = w + conjugate_gradient(lambda v, c=curvature, d=damping: c(v) + d * v, -slope(w), products)
        error = float(net.loss(trial))
        w, damping = (trial, damping * 0.7) if error < errors[-1] else (w, damping * 2)
        errors.append(min(error, errors[-1]))
    return errors


def descent(net, w, updates, make):
    """The error before each update of an optimizer."""
    w = Tensor(w.copy(), requires_grad=True)
    optimizer, errors = make([w]), []
    for _ in range(updates):
        loss = net.loss(w)
        errors.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return errors


def main(updates=20, products=30, damping=1.0, count=400, code=6):
    (images, _), _ = digits()
    x = images[:count].reshape(count, -1).astype(float)
    net = Autoencoder(x, [64, 40, 20, code, 20, 40, 64])
    w, total = net.start(generator()), round(updates * (2 * products + BESIDES))
    curves = {"Hessian-free": hessian_free(net, w, updates, products, damping)}
    methods = {"gradient descent": (nn.optim.SGD, (0.03, 0.1, 0.3)), "Adam": (nn.optim.Adam, (5e-3, 0.015, 0.05))}
    for name, (kind, rates) in methods.items():
        with np.errstate(over="ignore", invalid="ignore"):  # the largest rate is too large for some
            tried = [descent(net, w, total, lambda ws, kind=kind, rate=rate: kind(ws, lr=rate)) for rate in rates]
        best = min(range(len(rates)), key=lambda i: np.nan_to_num(tried[i][-1], nan=np.inf))
        curves[name] = tried[best]
        print(f"{name}: the best rate is {rates[best]} of {rates}")
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    pca, mean = (float(0.5 * (values[kept:] ** 2).sum() / count) for kept in (code, 0))
    figure, axis = plt.subplots(figsize=(10, 4.5))
    for name, errors in curves.items():
        style = "o-" if name == "Hessian-free" else "-"
        axis.semilogy(np.linspace(0, total, len(errors)), errors, style, label=name)
    axis.axhline(pca, linestyle="--", color="grey", label=f"PCA, {code} numbers")
    axis.axhline(mean, linestyle=":", color="grey", label="the mean digit")
    axis.set(xlabel="cost, in gradients", ylabel="half the squared error of a digit")
    axis.set_title("An autoencoder of six layers")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture("hessian_free", figure)
    return {
        "half the squared error": curves["Hessian-free"][-1],
        "baseline: half the squared error, gradient descent": curves["gradient descent"][-1],
        "baseline: half the squared error, Adam": curves["Adam"][-1],
        "baseline: half the squared error, PCA": pca,
        "baseline: half the squared error, the mean digit": mean,
    }


if __name__ == "__main__":
    run(main)
