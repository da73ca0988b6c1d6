"""Pretrained or not: a deep belief network, autoencoders, supervised pretraining, none; and a shallow one.

Pretraining is greedy: each layer in turn learns to describe what the layer below puts out, then stays fixed
while the next one learns: from all digits, but in supervised pretraining, which needs their labels. Then an
output layer is added, and the few labels tune all weights.

    DBN           restricted Boltzmann machines, P(x, h) ~ exp(h^T W x + b^T x + c^T h), by CD-1:
                  P(h_i | x) = sigmoid(c_i + sum_j W_ij x_j),  P(x_j | h) = sigmoid(b_j + sum_i W_ij h_i)
    autoencoders  encoders of denoising autoencoders, h = sigmoid(W x + c),  x' = sigmoid(W^T h + b)
    supervised    hidden layers of small classifiers, whose output layers are thrown away

Each network is tuned so long that its training error is 0; the weights of the lowest validation error count. The deep
network without pretraining has the highest error in all seeds, the one with supervised pretraining the next. DBN,
autoencoders and the shallow network differ within the range of the networks: pretraining makes up for the depth, no
more. With so few labels the nearest labelled digit has the lowest error on small digits. On MNIST, with 300 labels and
one seed, DBN and autoencoders are ahead of the shallow network, and that of the nearest digit. Each network begins
otherwise and has other labelled digits; the numbers are medians. A feature is the image of norm 1 that drives a unit
most (Erhan et al., 2010). `--full` has 6,667 labels, not 50,000, where a folder has no training images of MNIST.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run, steps
from sklearn.neighbors import KNeighborsClassifier

import nn
from minigrad import Tensor, random
from nn.functional import binary_cross_entropy, cross_entropy, sigmoid

PUBLISHED = (
    "on MNIST, errors in test, validation, training: DBN 1.2, 1.2, 0 %; autoencoders 1.4, 1.4, 0 %; "
    "supervised 2.0, 1.7, 0 %; deep without 2.4, 2.1, .004 %; shallow 1.9, 1.8, .004 % (Bengio et al., 2007)"
)
KINDS = ("DBN", "autoencoders", "supervised pretraining", "deep, no pretraining", "shallow")


def wrong(model, x, y):
    """The share of digits that are taken for others."""
    return float((model(Tensor(x)).detach().numpy().argmax(axis=1) != y).mean())


def fit(model, loss, optimizer, count, updates, rng, name, check=None, batch=20):
    """Updates from random rows of `count`; with digits to check, the weights of the lowest error are kept."""
    best = {"error": 2.0, "weights": {}}
    for step in steps(updates, model, optimizer, rng, best, name=name):
        optimizer.zero_grad()
        loss(rng.integers(count, size=batch)).backward()
        optimizer.step()
        due = check and (step + 1) % max(updates // 20, 1) == 0
        if due and (error := wrong(model, *check)) < best["error"]:
            best |= {"error": error, "weights": {k: v.numpy().copy() for k, v in model.state_dict().items()}}
    model.load_state_dict(best["weights"] or model.state_dict())


def classify(model, x, y, *rest):
    """Train all its weights by the labels."""
    adam = nn.optim.Adam(model.parameters(), lr=3e-3)
    fit(model, lambda rows: cross_entropy(model(Tensor(x[rows])), y[rows]), adam, len(y), *rest)


def pretrained_layer(kind, x, known, hidden, updates, rng, name):
    """A layer that has learned to describe its inputs x; `known` are labels of the first ones."""
    layer = nn.Linear(x.shape[1], hidden)
    if kind == "supervised pretraining":
        classify(nn.Sequential(layer, nn.Sigmoid(), nn.Linear(hidden, 10)), x, known, updates, rng, name)
        return layer
    if kind == "DBN":
        model = nn.RBM(x.shape[1], hidden)
        sgd = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        fit(model, lambda i: model.contrastive_divergence(Tensor(x[i])), sgd, len(x), updates, rng, name)
    else:
        model = nn.Autoencoder(x.shape[1], hidden, output_activation=sigmoid)

        def loss(i):
            seen = x[i] * (rng.random(x[i].shape) > 0.2).astype(x.dtype)  # to guess the rest
            return binary_cross_entropy(model(Tensor(seen)), x[i]) * x.shape[1]

        fit(model, loss, nn.optim.Adam(model.parameters(), lr=3e-3), len(x), updates, rng, name)
    layer.weight, layer.bias = model.weight, model.hidden_bias
    return layer


def network(kind, x, known, hidden, depth, updates, rng, name):
    layers, seen = [], x
    for level in range(1 if kind == "shallow" else depth):
        layer = nn.Linear(seen.shape[1], hidden)
        if kind in KINDS[:3]:
            layer = pretrained_layer(kind, seen, known, hidden, updates, rng, f"{name}, layer {level}")
        seen = sigmoid(layer(Tensor(seen))).detach().numpy()
        layers += [layer, nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(hidden, 10))


def features(model, side, rng, count=8):
    """Images of norm 1 that drive units of the second layer most, found by going up the slope."""
    x = Tensor(rng.normal(size=(count, side * side)).astype(np.float32), requires_grad=True)
    for _ in range(30):
        x.data /= np.linalg.norm(x.data, axis=1, keepdims=True)
        model[2](sigmoid(model[0](x)))[range(count), range(count)].sum().backward()
        x.data += x.grad.data / (np.linalg.norm(x.grad.data, axis=1, keepdims=True) + 1e-12)
        x.grad = None
    return x.detach().numpy().reshape(count, side, side)


def main(networks=8, labelled=100, hidden=64, depth=2, pretraining=700, tuning=2000, data=None):
    (x, y), (test_x, test_y) = digits(data)
    side, x, test, near = x.shape[1], x.reshape(len(x), -1), (test_x.reshape(len(test_x), -1), test_y), []
    found, shown = {kind: [] for kind in KINDS}, {}
    for i in range(networks):
        held, rest = np.split(generator(i).permutation(len(y)), [len(y) // 6])
        check, train = (x[held], y[held]), (x[rest[:labelled]], y[rest[:labelled]])
        near.append(1 - KNeighborsClassifier(1).fit(*train).score(*test))
        for kind in KINDS:
            rng = generator(i)
            random.manual_seed(int(rng.integers(2**31)))
            model = network(kind, x[rest], train[1], hidden, depth, pretraining, rng, f"{kind} {i}")
            classify(model, *train, tuning, rng, f"{kind} {i}, tuning", check)
            found[kind].append([wrong(model, *part) for part in (test, check, train)])
            if i == 0 and kind != "shallow":
                shown[kind] = features(model, side, generator(i))
    draw({"nearest neighbour": 100 * np.array(near)} | {kind: 100 * np.array(found[kind])[:, 0] for kind in KINDS[::-1]}, shown)
    common = np.bincount(y).argmax()
    results = {"labelled digits": len(train[1]), "chance: test error": float(np.mean(test_y != common))}
    results["baseline: nearest neighbour, test error"] = float(np.median(near))
    for j, part in enumerate(("test", "validation", "training")):
        results |= {f"{kind}: {part} error": float(np.median(found[kind], axis=0)[j]) for kind in KINDS}
    return results


def draw(errors, shown):
    """Boxes of the test errors, and features of the first network of each kind."""
    left, right = plt.figure(figsize=(12, 4), layout="constrained").subfigures(1, 2, width_ratios=[1.1, 1])
    left.subplots().boxplot(list(errors.values()), orientation="horizontal", tick_labels=errors, widths=0.6)
    left.axes[0].axvline(np.median(errors["nearest neighbour"]), color="tab:gray", linestyle="--")
    left.axes[0].set(xlabel="test error in percent", title=f"{len(errors['DBN'])} networks of each kind")
    for cells, (kind, images) in zip(right.subplots(len(shown)), shown.items(), strict=True):
        cells.imshow(np.hstack([np.pad(v / abs(v).max(), 1) for v in images]), cmap="RdBu", vmin=-1, vmax=1)
        cells.set_title(f"{kind}: what drives the second layer", fontsize="medium", loc="left")
        cells.axis("off")
    picture("deep_belief_network", plt.gcf())


FULL = {"networks": 1, "labelled": 50_000, "hidden": 500, "depth": 3, "pretraining": 10_000, "tuning": 15_000}

if __name__ == "__main__":
    run(main)
