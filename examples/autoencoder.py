"""An autoencoder squeezes digits through two numbers, and draws the map of all digits."""

import matplotlib.pyplot as plt
import numpy as np
from deep_belief_network import load
from shared import picture, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks, 2006, against principal components"
)


def main(epochs=150, batch=64, data=None):
    x, labels = load(data)
    pixels, cut = x.shape[1], 5 * len(x) // 6
    rng = np.random.default_rng(0)
    encoder = nn.Sequential(nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 2))
    decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, pixels))
    optimizer = nn.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        for rows in np.array_split(rng.permutation(cut), cut // batch):
            loss = nn.functional.mse_loss(decoder(encoder(Tensor(x[rows]))), Tensor(x[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch % 50 == 0:
            print(f"epoch {epoch}: error {loss.item():.4f}")
    with no_grad():
        codes = encoder(Tensor(x)).numpy()
        error = float(((decoder(Tensor(codes[cut:])).numpy() - x[cut:]) ** 2).mean())
    linear = nn.inspect.pca(x)
    basis, *_ = np.linalg.lstsq(np.c_[linear, np.ones(len(x))], x, rcond=None)
    of_pca = float(((np.c_[linear, np.ones(len(x))] @ basis - x) ** 2).mean())
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
    for axis, points, name in ((axes[0], codes, "two numbers"), (axes[1], linear, "principal components")):
        axis.scatter(*points.T, c=labels, cmap="tab10", s=6)
        axis.set(title=name)
    picture("autoencoder", figure)
    return {"error on digits never seen": error, "error of principal components": of_pca}


if __name__ == "__main__":
    run(main)
