"""Why images are convolved: local connections, shared weights, and pooling that forgets where.

On an image of 1000 x 1000 with a million hidden units, a dense layer has 10^12 weights. Units that see
10 x 10 pixels each leave 10^8, and 10^4 remain if a hundred such filters are shared by all places:

    dense  h[u] = sum over i of w[u, i] x[i]            local  h[u] = sum over k of w[u, k] x[u + k]
    convolution  h[f, u] = sum over k of w[f, k] x[u + k]

A shared filter finds an eye wherever it is, a unit with weights of its own finds it in one place. Finally
five networks learn digits in the middle, and are asked about digits moved by some pixels. Pooling over all
places, by maximum, average or sum, makes the answer the same.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, generator, picture, restart, run

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = "10^12 weights dense, 10^8 local (CSCE 633, Machine Learning: lecture on convolutional networks)"
SIDE = 14  # of the pictures that digits are moved in
KINDS = ["dense", "convolution", *(f"convolution, {name} pooling" for name in ("max", "average", "sum"))]


class Local(nn.Module):
    """Each unit sees `size` x `size` pixels around its place, with weights of its own."""

    def __init__(self, side, size):
        self.weight, self.size = nn.Parameter(np.zeros((side * side, size * size), np.float32)), size

    def forward(self, x):
        padded = nn.functional.pad(x, [(self.size - 1) // 2, self.size // 2] * 2)
        return (self.weight * nn.functional.unfold(padded, self.size)[0].T).sum(axis=1)


def weights(side):
    """Of the three kinds of layer on an image of side x side, each with side x side units, or maps of them."""
    x = Tensor(np.zeros((1, 1, side, side), np.float32))
    layers = {"local": Local(side, 10), "convolution": nn.Conv2d(1, 100, 10, bias=False)}
    dense = nn.Linear(1, 1, bias=False)
    # One zero, seen as a whole matrix: it has the shape of the weights, and needs no memory. It is counted, not run.
    dense.weight = nn.Parameter(np.broadcast_to(np.float32(0), (side * side, side * side)))
    counts = {name: layer.summary(x).parameters for name, layer in layers.items()}
    return {"dense": sum(p.size for p in dense.parameters())} | counts


def eyes(count, rng, size=36):
    """Scenes with one eye among parts of eyes, what a filter answers, and where each eye is."""
    row, column = np.mgrid[-5:6, -8:9]
    lid, pupil = abs(abs(row) - 5.5 * (1 - (column / 8.5) ** 2)) < 1, np.hypot(row, column) < 2
    iris = 0.6 * (abs(np.hypot(row, column) - 3.5) < 0.7)
    eye = np.maximum(lid, pupil) + iris
    most = size - 10, size - 16
    scenes, places = 0.8 * rng.random((count, size, size)), rng.integers(0, most, (count, 2))
    for scene, (r, c) in zip(scenes, places, strict=True):
        for part in (lid, lid + iris, iris + pupil, abs(row) < 1.5, abs(column) < 1.5):
            a, b = rng.integers(0, most)
            scene[a : a + 11, b : b + 17] += part
        scene[r : r + 11, c : c + 17] = 0.8 * rng.random(eye.shape) + eye
    kernel = Tensor((eye - eye.mean())[None, None])
    return scenes, nn.functional.conv2d(Tensor(scenes[:, None]), kernel).numpy()[:, 0], places


def network(kind, filters):
    """A dense network, or one convolution of 7x7 whose maps are all read, or pooled over all places."""
    places = SIDE + 6  # each way: of all windows that touch the picture
    pooling = {"max": nn.MaxPool2d(places), "average": nn.AvgPool2d(places), "sum": nn.LPPool2d(1, places)}
    after = [layer for name, layer in pooling.items() if name in kind]
    if kind == "dense":
        layers, units = [nn.Flatten(), nn.Linear(SIDE * SIDE, 64), nn.ReLU(), nn.BatchNorm1d(64)], 64
    else:  # with so small an eps the average and the sum, which differ by a factor alone, learn alike
        layers = [nn.Conv2d(1, filters, 7, padding=6), nn.ReLU(), *after, nn.BatchNorm2d(filters, eps=1e-9)]
        units = filters if after else filters * places**2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(units, 10))


def curve(kind, train, test, epochs, filters):
    """The accuracy, on digits moved by 0 to 3 pixels, of a network that learned digits in the middle."""
    restart()
    model = network(kind, filters)
    x, held = (np.pad(images, ((0, 0), (3, 3), (3, 3)))[:, None] for images in (train[0], test[0]))
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    trainer = Trainer(model, optimizer, nn.functional.cross_entropy, scheduler=schedule, progress=False)
    trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(x, train[1]), 32, True, seed=chosen()), epochs)
    model.eval()
    ways = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
    with no_grad():
        scores = [[model(Tensor(np.roll(held, (d * a, d * b), (2, 3)))) for a, b in ways] for d in range(4)]
    return [float(np.mean([accuracy(each.numpy(), test[1]) for each in of_shift])) for of_shift in scores]


def draw(counts, scenes, answers, best, curves, chance):
    """Eyes with the answers of the filter; weights by the image's side; accuracy by the digits' shift."""
    upper, lower = plt.figure(figsize=(11, 6.4), layout="constrained").subfigures(2, 1)
    upper.suptitle("one filter finds the eye (orange) wherever it is; below: its answers", fontsize="medium")
    for (i, j), axis in np.ndenumerate(upper.subplots(2, 6)):
        axis.imshow((scenes, answers)[i][j], cmap=("gray", "magma")[i])
        axis.set(xticks=[], yticks=[])
        if i == 0:
            axis.add_patch(plt.Rectangle(best[j][::-1] - 0.5, 17, 11, fill=False, edgecolor="C1", lw=2))
    left, right = lower.subplots(1, 2)
    for name, colour in (("dense", "C0"), ("local", "C1"), ("convolution", "C2")):
        left.plot(list(counts), [count[name] for count in counts.values()], "o-", color=colour, label=name)
    left.set(xscale="log", yscale="log", ylim=(1e3, 1e14), title="weights of a layer, counted")
    left.set(xlabel="side of the image, in pixels", ylabel="weights")
    left.legend(loc="upper left", fontsize=8)
    for (name, values), style in zip(curves.items(), ("C0-o", "C2-o", "C3-o", "C4-s", "C5--o"), strict=True):
        right.plot(values, style, label=name)
    right.axhline(chance, color="grey", linewidth=1, linestyle=":", label="chance")
    right.set(xlabel="digits moved by so many pixels", ylabel="accuracy", xticks=range(4), ylim=(0, 1.05))
    right.set(title="learned in the middle, asked elsewhere")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False)
    picture("locality", upper.figure)


def main(epochs=6, filters=32, largest=1000):
    counts = {side: weights(side) for side in (10, 20, 40, 100, 300, largest)}
    scenes, answers, places = eyes(200, generator(2))
    best = np.stack(np.unravel_index(answers.reshape(200, -1).argmax(axis=1), answers.shape[1:]), axis=1)
    train, test = digits()
    curves = {kind: curve(kind, train, test, epochs, filters) for kind in KINDS}
    chance = float(np.bincount(test[1]).max() / len(test[1]))
    draw(counts, scenes, answers, best, curves, chance)
    results = {f"weights at side {largest}, {name}": number for name, number in counts[largest].items()}
    answer = {"eyes found by one filter": best, "baseline: eyes that one unit, in the middle, sees": (13, 10)}
    results |= {name: float((abs(at - places) <= 1).all(axis=1).mean()) for name, at in answer.items()}
    for kind, values in curves.items():
        results |= {f"accuracy in the middle, {kind}": values[0], f"accuracy moved by 3, {kind}": values[-1]}
    return results | {"chance: the commonest digit": chance}


if __name__ == "__main__":
    run(main)
