"""Convolution by hand: nine sums, one product of matrices, and kernels that move, sharpen and find edges."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor

PUBLISHED = "-13 -20 -17 / -18 -24 -18 / 13 20 17"


def main():
    image = np.arange(1.0, 10).reshape(3, 3)
    kernel = np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])[::-1, ::-1].copy()  # turned: mathematicians convolve so
    sums = nn.functional.conv2d(Tensor(image[None, None]), Tensor(kernel[None, None]), padding=1).numpy()[0, 0]
    columns = nn.functional.unfold(Tensor(image[None, None]), 3, padding=1).numpy()[0]
    assert np.array_equal(kernel.ravel() @ columns, sums.ravel())  # the same as one product
    photo = load_sample_images().images[0][100:300, 200:400].mean(axis=2) / 255
    kernels = {
        "as it is": [[0, 0, 0], [0, 1, 0], [0, 0, 0]], "blurred": np.full((3, 3), 1 / 9),
        "sharper": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], "edges": kernel,
    }  # fmt: skip
    stack = np.array([np.asarray(k, float) for k in kernels.values()])[:, None]
    shown = nn.functional.conv2d(Tensor(photo[None, None]), Tensor(stack), padding=1).numpy()[0]
    moved = nn.functional.conv2d(Tensor(photo[None, None]), Tensor(np.eye(1, 31)[None, None])).numpy()[0]
    figure = nn.inspect.image_grid(np.clip(shown, 0, 1), columns=4, titles=list(kernels))
    picture("convolution_by_hand", figure)
    assert np.array_equal(moved[0], photo[:, : moved.shape[2]])  # a 1 at the side moves the image
    return {"worked example": " / ".join(" ".join(f"{v:.0f}" for v in row) for row in sums)}


if __name__ == "__main__":
    run(main)
