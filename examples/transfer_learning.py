"""Transfer: layers that learned the digits 0 to 4 learn 5 to 9 in fewer updates; frozen ones stay behind in the end.

The layers of a network, x -> h(x), were trained on the old digits. Four ways to learn the new ones with a new head,
scores = W h(x) + b, and the cross-entropy of their softmax, from the same few examples:

    all frozen              h stays, W and b learn
    convolutions frozen     the last layer of h learns, too
    fine-tuned              all of h goes on learning from where it stands
    from nothing            all of h begins anew

All four see every example at a new place in each update, as the old digits were seen, so that what transfers is not
the shifting. After a quarter of the updates the fine-tuned network is ahead of the one from nothing, which in the end
draws level; from five examples of each on, frozen layers stay behind, all of them more than the convolutions alone:
the last layer is made for the old digits. With one of each only all frozen stays behind. The linear classifier gets
800 shifted copies of the examples; the nearest neighbour among copies of them at all 49 places is ahead of all four,
for here it is known how a digit may differ from the examples.
Source: Yosinski, Clune, Bengio and Lipson, How transferable are features in deep neural networks?, 2014.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, restart, run
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "on ImageNet, features of the first layers transfer without loss, those of later ones less (Yosinski et al., 2014)"
WAYS = ("all frozen", "convolutions frozen", "fine-tuned", "from nothing")


def features():
    """(N, 1, 14, 14) -> (N, 64): convolutions, and a linear layer."""
    convolutions = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )  # fmt: skip
    return nn.Sequential(convolutions, nn.Sequential(nn.Flatten(), nn.Linear(288, 64), nn.ReLU()))


def placed(images, rng):
    """Each digit of 8x8 somewhere in 14x14."""
    canvas = np.zeros((len(images), 1, 14, 14), np.float32)
    for out, image, (r, c) in zip(canvas, images, rng.integers(0, 7, (len(images), 2)), strict=True):
        out[0, r : r + 8, c : c + 8] = image
    return canvas


def everywhere(images):
    """Each digit of 8x8 at each of the 49 places in 14x14, (49 N, 196)."""
    canvas = np.zeros((7, 7, len(images), 14, 14), np.float32)
    for r, c in np.ndindex(7, 7):
        canvas[r, c, :, r : r + 8, c : c + 8] = images
    return canvas.reshape(-1, 14 * 14)


def fit(model, images, labels, steps, rng, batch=32):
    """Adam on the parameters that are not frozen; each digit is placed anew in each update. Yields their number."""
    optimizer = nn.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for step in range(steps):
        rows = rng.integers(len(images), size=batch)
        loss = nn.functional.cross_entropy(model(Tensor(placed(images[rows], rng))), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield step + 1


def begin(way, body):
    """The layers that a way of learning begins with."""
    if way == "from nothing":
        return features()
    start = copy.deepcopy(body)
    start[0].requires_grad_(way == "fine-tuned")
    start[1].requires_grad_(way != "all frozen")
    return start


def new_digits(body, images, labels, held, count, steps, stream):
    """From `count` of each of 5 to 9: each way's accuracy after each eighth of the updates, and the baselines'."""
    order = generator(stream).permutation(np.flatnonzero(labels >= 5))
    few = np.concatenate([order[labels[order] == digit][:count] for digit in range(5, 10)])
    x, y, found = images[few], labels[few] - 5, {way: [] for way in WAYS}
    for way in WAYS:
        restart()
        model = nn.Sequential(begin(way, body), nn.Linear(64, 5))
        for step in fit(model, x, y, steps, generator(stream)):
            if step % (steps // 8) == 0:
                with no_grad():
                    found[way].append(accuracy(model(Tensor(held[0])).numpy(), held[1]))
    copies = 800 // len(x)
    shifted = placed(np.repeat(x, copies, axis=0), generator(stream)).reshape(copies * len(x), -1)
    flat = held[0].reshape(len(held[0]), -1)
    linear = RidgeClassifier().fit(shifted, np.repeat(y, copies)).score(flat, held[1])
    near = KNeighborsClassifier(1).fit(everywhere(x), np.tile(y, 49)).score(flat, held[1])
    return found | {"linear": 8 * [float(linear)], "nearest of shifted copies": 8 * [float(near)]}


def main(steps=200, repeats=2):
    (images, labels), (test, test_labels) = digits(test=0.3)
    counts, new = (1, 5, 20), test_labels >= 5
    held, each = (placed(test[new], generator(1)), test_labels[new] - 5), []
    for repeat in range(repeats):
        restart()
        body, old = features(), labels < 5
        for _ in fit(nn.Sequential(body, nn.Linear(64, 5)), images[old], labels[old], 3 * steps, generator(10 + repeat)):
            pass
        each.append([new_digits(body, images, labels, held, count, steps, 20 + repeat) for count in counts])
    means = {way: np.mean([[run[i][way] for i in range(len(counts))] for run in each], axis=0) for way in each[0][0]}
    chance = float((held[1] == np.bincount(labels[labels >= 5] - 5).argmax()).mean())
    draw(counts, means, steps, chance)
    results = {f"accuracy, {n} of each, {way}": float(means[way][i, -1]) for i, n in enumerate(counts) for way in WAYS}
    results |= {f"accuracy, {counts[-1]} of each, a quarter of the updates, {way}": float(means[way][-1, 1]) for way in WAYS}
    results["chance: accuracy, the commonest"] = chance
    beside = [name for name in means if name not in WAYS]
    return results | {
        f"baseline: accuracy, {n} of each, {name}": float(means[name][i, -1])
        for name in beside for i, n in enumerate(counts)
    }  # fmt: skip


def draw(counts, means, steps, chance):
    """Accuracy by the number of updates, for each number of examples."""
    figure, axes = plt.subplots(1, len(counts), figsize=(12, 4), sharey=True, layout="constrained")
    for i, (axis, count) in enumerate(zip(axes, counts, strict=True)):
        for way, values in means.items():
            style = {} if way in WAYS else {"color": "tab:gray", "linestyle": "--" if way == "linear" else "-."}
            axis.plot(np.arange(1, 9) * steps // 8, values[i], label=way if i == 0 else None, **style)
        axis.axhline(chance, color="tab:gray", linestyle=":", label="chance" if i == 0 else None)
        axis.set(title=f"{count} of each new digit", xlabel="update", ylim=(0, 1))
    axes[0].set_ylabel("test accuracy, digits 5 to 9")
    figure.legend(loc="outside right center")
    picture("transfer_learning", figure)


if __name__ == "__main__":
    run(main)
