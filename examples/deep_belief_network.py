"""Pretrained or not: a deep belief network, stacked autoencoders, a plain deep network and a shallow one, side by side."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import minigrad
import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "test errors on MNIST: DBN 1.2 %, deep autoencoders 1.4 %, deep with supervised pretraining 2.0 %, deep without 2.4 %, "
    "shallow 1.9 % (Bengio, Lamblin, Popovici and Larochelle, 2007)"
)


def load(data):
    """Inputs between 0 and 1, labels: digits of 8x8 pixels, or MNIST's."""
    if data is None:
        images, labels = load_digits(return_X_y=True)
        return (images / 16).astype(np.float32), labels
    images, labels = nn.data.read_mnist(data, train=False)
    return (images.reshape(len(images), -1) / 255).astype(np.float32), labels


def batches(rng, n, size=32):
    return np.array_split(rng.permutation(n), max(n // size, 1))


def pretrained_layer(kind, x, hidden, epochs, rng):
    """A layer that has learned to describe its inputs, without labels; and what it says of them."""
    if kind == "DBN":
        model = nn.RBM(x.shape[1], hidden)
        loss, optimizer = model.contrastive_divergence, nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    else:
        model = nn.Autoencoder(x.shape[1], hidden, output_activation=nn.functional.sigmoid)

        def loss(v):
            kept = v * (rng.random(v.shape) > 0.2).astype(np.float32)  # what it does not see it has to guess
            return nn.functional.mse_loss(model(kept), v) * v.shape[1]

        optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in batches(rng, len(x), 20):
            optimizer.zero_grad()
            loss(Tensor(x[rows])).backward()
            optimizer.step()
    layer = nn.Linear(x.shape[1], hidden)
    layer.weight.data[:] = model.weight.data
    layer.bias.data[:] = model.hidden_bias.data
    with no_grad():
        return layer, nn.functional.sigmoid(layer(Tensor(x))).numpy()


def main(epochs=100, pretraining=60, hidden=128, depth=3, labelled=300, data=None):
    x, y = load(data)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: int(0.8 * len(y))], order[int(0.8 * len(y)) :]
    known = train[:labelled]  # few have labels, all have pixels
    errors = {}
    for kind in ("DBN", "autoencoders", "deep, not pretrained", "shallow"):
        minigrad.random.manual_seed(0)
        rng = np.random.default_rng(0)
        layers, seen = [], x[train]
        for _ in range(1 if kind == "shallow" else depth):
            if kind in ("DBN", "autoencoders"):
                layer, seen = pretrained_layer(kind, seen, hidden, pretraining, rng)  # greedily, one after the other
            else:
                layer = nn.Linear(layers[-2].out_features if layers else x.shape[1], hidden)
            layers += [layer, nn.Sigmoid()]
        model = nn.Sequential(*layers, nn.Linear(hidden, 10))
        optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(epochs):
            for rows in batches(rng, len(known)):
                loss = nn.functional.cross_entropy(model(Tensor(x[known[rows]])), y[known[rows]])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with no_grad():
            errors[kind] = 1 - nn.metrics.accuracy(model(Tensor(x[test])).numpy(), y[test])
        print(f"{kind}: test error {errors[kind]:.2%}")
    figure, axis = plt.subplots(figsize=(6, 3))
    axis.barh(list(errors), [100 * e for e in errors.values()])
    axis.set(xlabel="test error in percent")
    picture("deep_belief_network", figure)
    return {f"test error, {kind}": f"{error:.2%}" for kind, error in errors.items()}


FULL = {"epochs": 200, "pretraining": 50, "hidden": 1000, "labelled": 60000}

if __name__ == "__main__":
    run(main)
