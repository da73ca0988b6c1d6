"""Softmax regression: ten linear scores for ten digits, and what their weights look like.

    p(k | x) = exp(w_k x + b_k) / sum_j exp(w_j x + b_j),    L = -mean of log p(right class | x)

The gradient for the score of class k is p(k | x) - [k is right]: the weights are templates, the right digit
added, the others taken away. A small weight decay is added.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import checkpoint, chosen, digits, picture, run

import nn
from minigrad import Tensor

PUBLISHED = "12.0 % errors of a linear classifier on MNIST's 60,000 (LeCun, Bottou, Bengio and Haffner, 1998)"


def main(epochs=40, batch=32, data=None):
    (images, y), (test_images, test_y) = digits(data)
    x, test_x = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
    model = nn.Linear(x.shape[1], 10)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    trainer = nn.training.Trainer(model, optimizer, nn.functional.cross_entropy, checkpoint=checkpoint())
    trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(x, y), batch, shuffle=True, seed=chosen()), epochs)
    answers = model(Tensor(test_x)).detach().numpy().argmax(axis=1)
    means = np.array([x[y == k].mean(axis=0) for k in range(10)])
    nearest = ((test_x[:, None] - means) ** 2).sum(-1).argmin(axis=1)
    figure, axes = plt.subplots(2, 10, figsize=(12, 3), layout="constrained")
    weights = model.weight.detach().numpy()
    for k, (upper, lower) in enumerate(axes.T):
        size = abs(weights[k]).max()
        upper.imshow(means[k].reshape(images.shape[1:]), cmap="Greys")
        lower.imshow(weights[k].reshape(images.shape[1:]), cmap="RdBu_r", vmin=-size, vmax=size)
        upper.set_title(str(k))
        upper.axis("off")
        lower.axis("off")
    figure.suptitle("above: the mean of each digit; below: its weights, red for and blue against it")
    picture("softmax_regression", figure)
    return {
        "test error": float((answers != test_y).mean()),
        "chance: test error": float((test_y != np.bincount(y).argmax()).mean()),
        "baseline: nearest mean, test error": float((nearest != test_y).mean()),
    }


FULL = {"epochs": 60}

if __name__ == "__main__":
    run(main)
