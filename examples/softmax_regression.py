"""Softmax regression: ten linear scores for ten digits, and what their weights look like."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, viz
from nn.metrics import accuracy

PUBLISHED = "12 % errors of a linear classifier on MNIST (LeCun et al., 1998)"


def main(epochs=60, batch=32):
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = (images[order] / 16).astype(np.float32), labels[order]
    train, test = slice(0, 1437), slice(1437, None)
    data = nn.data.TensorDataset(x[train], y[train])
    model = nn.Linear(64, 10)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    trainer = nn.training.Trainer(model, optimizer, nn.functional.cross_entropy)
    trainer.fit(nn.data.DataLoader(data, batch, shuffle=True, seed=0), epochs)
    weights = model.weight.detach().numpy().reshape(10, 8, 8)
    picture("softmax_regression", viz.image_grid(weights, columns=5, titles=range(10)))
    return {"test accuracy": accuracy(model(Tensor(x[test])).detach().numpy(), y[test])}


if __name__ == "__main__":
    run(main)
