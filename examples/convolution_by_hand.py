"""Convolution by hand: nine sums, written out, and kernels that shift, blur, sharpen and find edges.

An image x[m, n] (m counts columns, n rows) is convolved with a kernel h, whose h[0, 0] is its middle:

    y[m, n] = x[m, n] * h[m, n] = sum over j, sum over i of x[i, j] h[m - i, n - j]

Outside of the image x is 0. The minus signs turn the kernel around; layers called convolutions leave that out (they
correlate), so `conv2d` gets the turned kernel. All nine sums are also one product of the kernel with a matrix
whose columns are the windows. In the picture's right half: a 1 to the left of the middle shifts the image to the left,
a box (ninths) blurs it, and twice the image minus its blurred copy, the kernel 2 delta - box, sharpens it.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor

PUBLISHED = "-13 -20 -17 / -18 -24 -18 / 13 20 17 (CSCE 633, Machine Learning: lecture on convolutional networks)"

IMAGE = np.arange(1.0, 10).reshape(3, 3)  # [row, column]
KERNEL = np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])


def sums(image, kernel):
    """The formula, term by term: the output, and each of its sums in writing."""
    out, written = np.zeros_like(image), {}
    padded = np.pad(image, 1)  # x is 0 outside
    for n, m in np.ndindex(*image.shape):
        terms = []
        for j in range(n - 1, n + 2):
            for i in range(m - 1, m + 2):
                x, h = padded[j + 1, i + 1], kernel[n - j + 1, m - i + 1]
                out[n, m] += x * h
                terms.append(f"{x:.0f}*{f'({h:.0f})' if h < 0 else f'{h:.0f}'}")
        written[m, n] = f"y[{m}, {n}] = {' + '.join(terms)} = {out[n, m]:.0f}"
    return out, written


def convolved(image, kernel):
    """The same with `conv2d`, which correlates: it gets the turned kernel."""
    x, h = (Tensor(np.ascontiguousarray(each)[None, None]) for each in (image, kernel[::-1, ::-1]))
    return nn.functional.conv2d(x, h, padding=1).numpy()[0, 0]


def draw_sums(figure, out):
    """Nine windows: the image with its border of zeros, and what the turned kernel makes of each place."""
    figure.suptitle("nine places of the turned kernel (blue), nine sums (red)", fontsize="medium")
    axes = figure.subplots(3, 3)
    for (n, m), axis in np.ndenumerate(axes):
        window = np.zeros((5, 5))
        window[n : n + 3, m : m + 3] = 1
        axis.imshow(window, cmap="Blues", vmin=0, vmax=5)
        for (row, column), value in np.ndenumerate(np.pad(IMAGE, 1)):
            inside = window[row, column]
            axis.text(column, row - 0.18 * inside, f"{value:.0f}", ha="center", va="center", fontsize=9)
            if inside:
                h = KERNEL[::-1, ::-1][row - n, column - m]
                axis.text(column, row + 0.27, f"\u00d7 {h:.0f}", ha="center", va="center", fontsize=7, color="navy")
        axis.set_title(f"y[{m}, {n}] = {out[n, m]:.0f}", fontsize=9, color="C3")
        axis.set(xticks=[], yticks=[])


def draw_kernels(figure, photo, kernels):
    """What each kernel makes of a photograph, without its outermost pixels but for the shift."""
    for axis, (name, kernel) in zip(figure.subplots(2, 3).ravel(), kernels.items(), strict=True):
        shown = convolved(photo, kernel)
        signed = kernel.sum() == 0  # an edge is brighter or darker than grey
        axis.imshow(shown, cmap="gray", vmin=-1.5 if signed else 0, vmax=1.5 if signed else 1)
        if name.startswith(("original", "shifted")):
            axis.axvline(11.5, color="C3", linewidth=1)  # where the ridge of the roof was
        axis.set_title(name, fontsize=9)
        axis.set(xticks=[], yticks=[])


def main():
    out, written = sums(IMAGE, KERNEL)
    print(*written.values(), sep="\n")
    columns = nn.functional.unfold(Tensor(IMAGE[None, None]), 3, padding=1).numpy()[0]  # (9, 9): a window each
    product = (KERNEL[::-1, ::-1].ravel() @ columns).reshape(3, 3)
    delta, box = np.zeros((3, 3)), np.full((3, 3), 1 / 9)
    delta[1, 1] = 1
    kernels = {
        "original\ndelta: 1 in the middle": delta, "shifted left by 1 pixel\n1 left of the middle": np.roll(delta, -1, axis=1),
        "blurred\nbox: nine times 1/9": box, "sharpened\n2 delta - box": 2 * delta - box,
        "horizontal edges\n-1 -2 -1 / 0 0 0 / 1 2 1": KERNEL, "vertical edges\nits transpose": KERNEL.T,
    }  # fmt: skip
    photo = load_sample_images().images[0][62:126:2, 180:244:2].mean(axis=2) / 255
    moved = convolved(photo, np.roll(delta, -1, axis=1))
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    left, right = figure.subfigures(1, 2)
    draw_sums(left, out)
    draw_kernels(right, photo, kernels)
    picture("convolution_by_hand", figure)
    return {
        "nine sums": " / ".join(" ".join(f"{v:.0f}" for v in row) for row in out),
        "largest difference to conv2d": float(abs(convolved(IMAGE, KERNEL) - out).max()),
        "largest difference to one product of matrices": float(abs(product - out).max()),
        "largest difference of the shifted photograph": float(abs(moved[:, :-1] - photo[:, 1:]).max()),
        "contrast, original": float(photo.std()),
        "contrast, sharpened": float(convolved(photo, 2 * delta - box)[1:-1, 1:-1].std()),
    }


if __name__ == "__main__":
    run(main)
