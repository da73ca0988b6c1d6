"""Softmax regression: ten linear scores for ten digits, and what their weights look like."""

import numpy as np
from mlp_digits import load
from shared import picture, run

import nn
from minigrad import Tensor
from nn.metrics import accuracy

PUBLISHED = "12 % errors of a linear classifier on MNIST (LeCun et al., 1998)"


def main(epochs=60, batch=32, data=None):
    train, _, (x, y) = load(data)
    side = int(np.sqrt(x.shape[1]))
    model = nn.Linear(side * side, 10)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    trainer = nn.training.Trainer(model, optimizer, nn.functional.cross_entropy)
    trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(*train), batch, shuffle=True, seed=0), epochs)
    weights = model.weight.detach().numpy().reshape(10, side, side)
    picture("softmax_regression", nn.inspect.image_grid(weights, columns=5, titles=range(10)))
    return {"test accuracy": accuracy(model(Tensor(x)).detach().numpy(), y)}


if __name__ == "__main__":
    run(main)
