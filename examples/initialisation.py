"""How weights begin decides whether five hidden layers learn: small, Xavier's, He's; sigmoid, tanh, ReLU.

A layer is h_l = f(W_l h_{l-1} + b_l) with n_in inputs and n_out outputs; the biases begin at 0, the weights
of every layer at

    small    normal, standard deviation 0.01
    Xavier   normal, variance 2 / (n_in + n_out):  it stays the same where f is linear (Glorot, Bengio, 2010)
    He       normal, variance 2 / n_in:  ReLU lets half of it through (He et al., 2015)

The gradient of a layer's weights is measured before the first update. Each of the nine networks, and the linear
layer, is trained with four learning rates by momentum, and the one with the lowest validation error is tested.
From the small start none learns, and the gradient of the first layer says why: its norm is 5e-6 at most. It is as
small in the other layers of tanh and ReLU, as both its factors, what comes in and what comes back, shrink, in
opposite directions; so the ratio of two layers does not tell. Sigmoid reads the small digits from He's start alone,
only with twelve times as many updates, and no better than the linear layer in the median. For tanh and ReLU Xavier
and He differ within the range of the seeds.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, restart, run, steps

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "test errors on MNIST, five hidden layers of 1000 units: tanh 1.76 %, with the normalized start 1.64 %; "
    "sigmoid 2.21 % with four (Glorot and Bengio, 2010)"
)
RATES = (0.03, 0.1, 0.3, 3.0)
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}
INITIAL = {
    "small": lambda weight: nn.init.normal_(weight, 0.0, 0.01),
    "Xavier": nn.init.xavier_normal_,
    "He": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
}


def network(activation, begin, inputs, hidden, layers):
    """From the same random numbers each time."""
    restart()
    widths = [inputs] + layers * [hidden]
    inner = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), activation())]
    model = nn.Sequential(*inner, nn.Linear(widths[-1], 10))
    for layer in linear(model):
        begin(layer.weight)
        nn.init.zeros_(layer.bias)
    return model


def linear(model):
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def gradient_norms(model, x, y):
    """Of each layer's weights, the first to the last."""
    nn.functional.cross_entropy(model(Tensor(x)), y).backward()
    return [float(np.linalg.norm(layer.weight.grad.numpy())) for layer in linear(model)]


def tuned_error(make, train, validation, test, updates, name, batch=50):
    """The test error of the model whose learning rate is best on validation."""

    def wrong(model, x, y):
        with no_grad():
            return float((model(Tensor(x)).numpy().argmax(axis=1) != y).mean())

    found = []
    for rate in RATES:
        model, rng = make(), generator(1)
        optimizer = nn.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        with np.errstate(over="ignore", invalid="ignore"):  # the largest rate is too large for some
            for _ in steps(updates, model, optimizer, rng, name=f"{name}, {rate}"):
                rows = rng.integers(len(train[0]), size=batch)
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(Tensor(train[0][rows])), train[1][rows]).backward()
                optimizer.step()
            found.append((wrong(model, *validation), wrong(model, *test)))
    return min(found, key=lambda errors: errors[0])[1]


def main(updates=400, of_sigmoid=5000, hidden=64, layers=5, data=None):
    """Args:
    of_sigmoid: updates of the networks of sigmoids, which need more
    """
    (x, y), (test_x, test_y) = digits(data)
    x, test = x.reshape(len(x), -1), (test_x.reshape(len(test_x), -1), test_y)
    cut = len(x) // 6
    validation, train = (x[:cut], y[:cut]), (x[cut:], y[cut:])
    figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), width_ratios=[1, 1, 1, 1.15], layout="constrained")
    errors, ratios, sizes = np.zeros((3, 3)), {}, {}
    for i, (name, activation) in enumerate(ACTIVATIONS.items()):
        for j, (initial, begin) in enumerate(INITIAL.items()):

            def make(activation=activation, begin=begin):
                return network(activation, begin, x.shape[1], hidden, layers)

            norms = gradient_norms(make(), train[0][:500], train[1][:500])
            ratios[f"{name}, {initial}: gradient, first hidden layer over last"] = norms[0] / norms[-2]
            sizes[f"{name}, {initial}: norm of the gradient, first hidden layer"] = norms[0]
            axes[i].semilogy(range(1, layers + 2), norms, "o-", label=initial)
            count = of_sigmoid if name == "sigmoid" else updates
            errors[i, j] = tuned_error(make, train, validation, test, count, f"{name}, {initial}")
        axes[i].set(title=f"{name}: gradient at the start", xlabel="layer", ylim=(1e-10, 30))
    axes[0].set(ylabel="norm of the gradient")
    axes[0].legend(title="initialisation", loc="lower right")
    matrix(axes[3], errors)
    picture("initialisation", figure)

    def without():
        return network(nn.ReLU, INITIAL["Xavier"], x.shape[1], hidden, 0)

    plain = tuned_error(without, train, validation, test, updates, "linear")
    names = [f"{a}, {b}: test error" for a in ACTIVATIONS for b in INITIAL]
    results = dict(zip(names, errors.ravel().tolist(), strict=True)) | ratios | sizes
    results["chance: test error"] = float((test_y != np.bincount(y).argmax()).mean())
    return results | {"baseline: linear layer, test error": plain}


def matrix(axis, errors):
    """Errors as colours, with their numbers."""
    axis.imshow(errors, cmap="YlOrRd", vmin=0, vmax=1)
    axis.set(title="test error", xticks=range(3), yticks=range(3))
    axis.set(xticklabels=INITIAL, yticklabels=ACTIVATIONS)
    for (i, j), error in np.ndenumerate(errors):
        axis.text(j, i, f"{error:.1%}", ha="center", va="center", color="white" if error > 0.6 else "black")


FULL = {"hidden": 1000, "updates": 20_000, "of_sigmoid": 20_000}

if __name__ == "__main__":
    run(main)
