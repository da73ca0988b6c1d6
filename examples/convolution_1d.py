"""Convolution of a row of numbers: filter size, stride, padding and the number of filters, and a moving average.

With a filter w of size k, stride s and padding p, out[t] = sum over i of w[i] x[s t + i - p], where x is 0 outside.
Of n numbers floor((n + 2p - k) / s) + 1 remain, for each filter. All outputs share the weights w.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

from minigrad import Tensor
from nn.functional import conv1d

X = np.array([0.0, 1, 2, -1, 1, -3, 0])
SIZE_TWO = np.array([[1.0, -1]])  # one filter: the difference of neighbours
TWO_FILTERS = np.array([[1.0, -1], [1, 1]])  # a second one: their sum
SIZE_THREE = np.array([[1.0, 0, -1]])
COLOURS = ("C0", "C1")  # of the first and the second weight


def convolve(w, stride, padding):
    """(filters, length): what conv1d gives, whose length the formula tells."""
    out = conv1d(Tensor(X[None, None]), Tensor(w[:, None]), stride=stride, padding=padding).numpy()[0]
    length = (len(X) + 2 * padding - w.shape[1]) // stride + 1
    assert out.shape == (len(w), length), (out.shape, length)
    return out


def draw(axis, w, stride, padding):
    """The numbers in boxes, and the lines that carry them: lines of one colour share one weight."""
    out = convolve(w, stride, padding)
    padded = np.pad(X, padding)
    for place, value in enumerate(padded):
        outside = not padding <= place < len(X) + padding
        box(axis, place, 0, value, "lightgrey" if outside else "white")
    for f, row in enumerate(out):
        up = 1 - 2 * f  # the second filter's numbers stand below
        for t, value in enumerate(row):
            middle = stride * t + (w.shape[1] - 1) / 2
            for i in range(w.shape[1]):
                axis.plot([stride * t + i, middle], [0.3 * up, 1.7 * up], color=COLOURS[i])
            box(axis, middle, 2 * up, value, "lightyellow")
        axis.text(len(padded), 2 * up, "w:", va="center")
        for i, weight in enumerate(w[f]):
            axis.text(len(padded) + 0.7 + 0.9 * i, 2 * up, f"{weight:+.0f}", va="center", color=COLOURS[i])
    filters = f"{len(w)} filter{'s' if len(w) > 1 else ''} of size {w.shape[1]}"
    axis.set_title(f"{filters}, stride {stride}, padding {padding}", fontsize=10)
    axis.set(xlim=(-0.7, len(padded) + 2), ylim=(-2.5 if len(w) > 1 else -0.6, 2.5))
    axis.axis("off")


def box(axis, x, y, value, colour):
    axis.text(x, y, f"{value:.0f}", ha="center", va="center", zorder=3,
              bbox={"boxstyle": "square,pad=0.35", "facecolor": colour, "edgecolor": "grey"})  # fmt: skip


def smoothing(axis):
    """A kernel of 15 times 1/15 on a noisy wave: the errors before and after, away from the ends."""
    t = np.linspace(0, 4, 200)
    wave = np.sin(2 * t)
    noisy = wave + 0.3 * generator().normal(size=200)
    smooth = conv1d(Tensor(noisy[None, None]), Tensor(np.full((1, 1, 15), 1 / 15)), padding="same").numpy().ravel()
    axis.plot(t, noisy, ".", color="lightgrey", label="noisy")
    axis.plot(t, wave, "--", color="black", linewidth=1, label="sin(2t)")
    axis.plot(t, smooth, color="C3", label="moving average")
    axis.set_title("1 filter of size 15, all weights 1/15", fontsize=10)
    axis.set(xlabel="t")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False)
    inner = slice(7, -7)
    return [float(np.sqrt(((signal - wave)[inner] ** 2).mean())) for signal in (noisy, smooth)]


def main():
    results = {}
    for stride in (1, 2):
        for padding in (0, 1):
            results[f"stride {stride}, padding {padding}"] = shown(convolve(SIZE_THREE, stride, padding)[0])
    figure, axes = plt.subplots(2, 2, figsize=(11, 5.6), layout="constrained")
    slides = {"stride 2": (SIZE_TWO, 2, 0), "stride 1": (SIZE_TWO, 1, 0), "stride 2, padding 1": (TWO_FILTERS, 2, 1)}
    for axis, (name, setting) in zip(axes.ravel(), slides.items(), strict=False):
        draw(axis, *setting)
        for number, row in enumerate(convolve(*setting), 1):
            results[f"filter {number} of size 2, {name}"] = shown(row)
    before, after = smoothing(axes[1, 1])
    picture("convolution_1d", figure)
    return results | {"baseline: error of the noisy wave": before, "error of the moving average": after}


def shown(row):
    return " ".join(f"{v:.0f}" for v in row)


if __name__ == "__main__":
    run(main)
