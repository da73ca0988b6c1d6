"""A restricted Boltzmann machine learns what digits look like, and dreams some (CD-1)."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "Hinton, Training products of experts by minimizing contrastive divergence, 2002"


def load(data):
    """Black and white pixels, (N, side * side): small digits, or MNIST's from a folder."""
    if data is None:
        return (load_digits().data > 8).astype(np.float32)
    return (nn.data.read_mnist(data, train=False)[0].reshape(10_000, -1) > 127).astype(np.float32)


def main(epochs=40, hidden=100, lr=0.05, data=None):
    x = load(data)
    side = int(np.sqrt(x.shape[1]))
    rng = np.random.default_rng(0)
    train, test = np.split(x, [5 * len(x) // 6])
    machine = nn.RBM(side * side, hidden)
    optimizer = nn.optim.SGD(machine.parameters(), lr=lr, momentum=0.5)
    for epoch in range(epochs):
        for rows in np.array_split(rng.permutation(len(train)), len(train) // 20):
            optimizer.zero_grad()
            machine.contrastive_divergence(Tensor(train[rows]), k=1).backward()  # free energy of data minus that of dreams
            optimizer.step()
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}: reconstruction error {((machine(Tensor(test)) - test) ** 2).mean().item():.4f}")
    noise = (rng.random(test.shape) < test.mean()).astype(np.float32)
    with no_grad():
        dreams = machine.visible_given(machine.hidden_given(machine.gibbs(Tensor(test[:20]), k=200))).numpy()
        gap = machine.free_energy(Tensor(noise)).numpy().mean() - machine.free_energy(Tensor(test)).numpy().mean()
        error = float(((machine(Tensor(test)).numpy() - test) ** 2).mean())
    filters = machine.weight.detach().numpy()[:20]
    picture("rbm", nn.inspect.image_grid(np.concatenate([filters, test[:20], dreams]).reshape(-1, side, side), columns=20))
    return {"reconstruction error": error, "free energy of noise above that of digits": float(gap)}


FULL = {"hidden": 500, "epochs": 60}

if __name__ == "__main__":
    run(main)
