"""A network of two layers reads digits, with dropout and early stopping."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor
from nn.metrics import accuracy
from nn.training import EarlyStopping, Trainer

PUBLISHED = "1.6 % errors on MNIST without dropout, 1.25 % with it (Srivastava et al., 2014)"


def load(data):
    """Digits of 8x8 pixels, or MNIST's from a folder: train, validation and test."""
    if data is None:
        images, labels = load_digits(return_X_y=True)
        images = images / 16
    else:
        images, labels = nn.data.read_mnist(data, train=False)
        images = images.reshape(len(images), -1) / 255
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = images[order].astype(np.float32), labels[order]
    cuts = int(0.7 * len(y)), int(0.8 * len(y))
    return [(a, b) for a, b in zip(np.split(x, cuts), np.split(y, cuts), strict=True)]


def main(epochs=100, hidden=256, dropout=0.3, data=None):
    train, validation, test = load(data)
    model = nn.Sequential(
        nn.Linear(train[0].shape[1], hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 10),
    )  # fmt: skip
    trainer = Trainer(
        model, nn.optim.Adam(model.parameters(), lr=1e-3), nn.functional.cross_entropy, {"accuracy": accuracy},
        callbacks=[EarlyStopping("val_loss", patience=15)],
    )  # fmt: skip
    batches = nn.data.DataLoader(nn.data.TensorDataset(*train), 64, shuffle=True, seed=0)
    history = trainer.fit(batches, epochs, [validation])
    picture("mlp_digits", history.plot())
    model.eval()
    return {"epochs": len(history), "test accuracy": accuracy(model(Tensor(test[0])).detach().numpy(), test[1])}


FULL = {"hidden": 800, "epochs": 300, "dropout": 0.5}

if __name__ == "__main__":
    run(main)
