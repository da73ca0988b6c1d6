"""Convolution of a row of numbers: what stride and padding do, in four examples, and a moving average."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import Tensor
from nn.functional import conv1d


def main():
    x = Tensor(np.array([[[0.0, 1, 2, -1, 1, -3, 0]]]))
    w = Tensor(np.array([[[1.0, 0, -1]]]))
    results = {}
    for stride in (1, 2):
        for padding in (0, 1):
            out = conv1d(x, w, stride=stride, padding=padding)
            length = (7 + 2 * padding - 3) // stride + 1
            assert out.shape == (1, 1, length)
            results[f"stride {stride}, padding {padding}"] = " ".join(f"{v:.0f}" for v in out.numpy().ravel())
    rng = np.random.default_rng(0)
    t = np.linspace(0, 4, 200)
    noisy = np.sin(2 * t) + 0.3 * rng.normal(size=200)
    smooth = conv1d(Tensor(noisy[None, None]), Tensor(np.full((1, 1, 15), 1 / 15)), padding="same").numpy().ravel()
    figure, axis = plt.subplots()
    axis.plot(t, noisy, ".", t, smooth)
    axis.set(title="a kernel of 15 times 1/15: the moving average")
    picture("convolution_1d", figure)
    return results


if __name__ == "__main__":
    run(main)
