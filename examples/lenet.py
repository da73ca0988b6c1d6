"""LeNet-5 reads handwritten digits."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = "0.95 % errors on MNIST, 0.8 % with distorted digits (LeCun, Bottou, Bengio and Haffner, 1998)"


class LeNet(nn.Module):
    """Convolutions and pooling twice, then three linear layers; 28x28 pixels in."""

    def __init__(self):
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.out = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(np.tanh(self.c1(x)), 2)  # (N, 6, 14, 14)
        x = nn.functional.max_pool2d(np.tanh(self.c3(x)), 2)  # (N, 16, 5, 5)
        return self.out(np.tanh(self.f6(np.tanh(self.c5(x.reshape(len(x), -1))))))


def load(data):
    """(N, 1, 28, 28) between 0 and 1, and labels: small digits enlarged, or MNIST's from a folder."""
    if data is None:
        images, labels = load_digits().images / 16, load_digits().target
        images = nn.functional.interpolate(Tensor(images[:, None]), size=28, mode="bilinear").numpy()
    else:
        images, labels = nn.data.read_mnist(data, train=False)
        images = images.reshape(-1, 1, 28, 28) / 255
    order = np.random.default_rng(0).permutation(len(labels))
    return images[order].astype(np.float32), labels[order]


def main(epochs=15, data=None):
    x, y = load(data)
    cut = int(0.8 * len(y))
    model = LeNet()
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x[:cut], y[:cut]), 32, shuffle=True, seed=0)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    Trainer(model, optimizer, nn.functional.cross_entropy, {"accuracy": accuracy}, schedule).fit(
        batches, epochs, [(x[cut:], y[cut:])]
    )
    with no_grad():
        scores = model(Tensor(x[cut:])).numpy()
    maps = nn.inspect.feature_maps(model, x[cut : cut + 1], model.c1)[0]
    picture("lenet", nn.inspect.image_grid(np.concatenate([x[cut], maps]), columns=7, titles=["input", *range(6)]))
    return {"parameters": sum(p.size for p in model.parameters()), "test error": f"{1 - accuracy(scores, y[cut:]):.2%}"}


FULL = {"epochs": 40}

if __name__ == "__main__":
    run(main)
