"""Wide and deep: a linear model on crossed features remembers, a network on embeddings generalises; and both.

Will a user install an app? Given are categories alone: country, language and age group of the user, an app
installed before, the app on offer, and its kind. With phi_k(x) the crosses of two categories ("17 installed,
4 on offer", hashed into a table of weights) and a the last layer of a network on the categories' embeddings,

    p(install) = sigmoid(w_wide . [x, phi(x)] + w_deep . a + b),

both trained jointly, by AdaGrad (the source: FTRL for the wide part). Impressions are made up: tastes are products
of hidden vectors, which embeddings find also for pairs never seen; some pairs of apps are exceptions, which a cross
remembers. The true probabilities are known. Each model has the best of three learning rates. Both together are
ahead in all seeds. Where the pair is new, wide is a little above the linear model without crosses, and in four of
five seeds the two with embeddings, level with each other, are above both. `--full` has the source's widths, not
its number of impressions.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps
from shared.app_store import APPS, SIZES, impressions, make_world
from sklearn.metrics import roc_auc_score

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "AUC offline: wide 0.726, deep 0.722, both 0.728, in an app store (Cheng et al., 2016)"

#: Crosses, by the places of their two categories: before and app, language and app, country and kind.
CROSSED = np.array([(3, 4), (1, 4), (0, 5)])
#: How often the training has a pair of apps.
EDGES = [0, 1, 4, 16, 64]
#: Of these learning rates each model has the one with the highest AUC on impressions kept for it.
RATES = (0.06, 0.2, 0.6)


class Wide(nn.Module):
    """A weight for each category, and with buckets one for each cross of two, by a hash."""

    def __init__(self, buckets=20000):
        self.starts, self.buckets = np.cumsum([0, *SIZES.values()])[:-1], buckets
        self.weights = nn.Embedding(sum(SIZES.values()) + buckets, 1)
        self.bias = nn.Parameter(np.zeros(1, np.float32))
        nn.init.zeros_(self.weights.weight)

    def forward(self, x):
        keys = x + self.starts
        if self.buckets:
            a, b = x[:, CROSSED[:, 0]], x[:, CROSSED[:, 1]]
            crosses = (a * 1009 + b * 9176 + np.arange(len(CROSSED)) * 7919) % self.buckets
            keys = np.concatenate([keys, sum(SIZES.values()) + crosses], axis=1)
        return self.weights(keys).sum(axis=1)[:, 0] + self.bias


class Deep(nn.Module):
    """An embedding for each category, and three layers of ReLUs."""

    def __init__(self, dimensions, hidden):
        self.tables = [nn.Embedding(size, dimensions) for size in SIZES.values()]
        widths = [len(SIZES) * dimensions, hidden, hidden // 2, hidden // 4]
        dense = [nn.Sequential(nn.Linear(*ends), nn.ReLU()) for ends in zip(widths, widths[1:], strict=False)]
        self.layers = nn.Sequential(*dense, nn.Linear(widths[-1], 1))

    def forward(self, x):
        vectors = [table(column) for table, column in zip(self.tables, x.T, strict=True)]
        return self.layers(np.concatenate(vectors, axis=1))[:, 0]


class WideAndDeep(nn.Module):
    """The sum of their scores."""

    def __init__(self, dimensions, hidden):
        self.wide, self.deep = Wide(), Deep(dimensions, hidden)

    def forward(self, x):
        return self.wide(x) + self.deep(x)


def learn(model, train, test, updates, rate, name):
    """The AUC in the test, by the update."""
    rng, (x, _, y), kept = generator(3), train, {"auc": []}
    optimizer = nn.optim.Adagrad(model.parameters(), lr=rate)
    for step in steps(updates, model, optimizer, rng, kept, name=name):
        rows = rng.integers(0, len(x), 256)
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), Tensor(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % max(updates // 10, 1) == 0:
            with no_grad():
                kept["auc"].append([step + 1, float(roc_auc_score(test[2], model(test[0]).numpy()))])
            print(f"{name}, step {step + 1}: {kept['auc'][-1][1]:.4f}")
    return np.array(kept["auc"])


def by_frequency(scores, train, test):
    """The AUC among test pairs (installed before, app) by how often the training has them."""
    seen = np.bincount(train[0][:, 3] * APPS + train[0][:, 4], minlength=APPS**2)
    times = seen[test[0][:, 3] * APPS + test[0][:, 4]]
    parts = [(times >= low) & (times < high) for low, high in zip(EDGES, [*EDGES[1:], np.inf], strict=True)]
    return [float(roc_auc_score(test[2][part], scores[part])) for part in parts]


def tuned(make, train, validation, test, updates, name):
    """The AUC in the test by the update, and by how often a pair was seen, at the best learning rate."""
    found = []
    for rate in RATES:
        restart()
        curve = learn(model := make(), train, test, updates, rate, f"{name}, {rate}")
        with no_grad():
            scores, held = model(test[0]).numpy(), model(validation[0]).numpy()
        found.append((roc_auc_score(validation[2], held), rate, curve, by_frequency(scores, train, test)))
    best = max(found, key=lambda each: each[0])
    print(f"{name}: the best rate is {best[1]} of {RATES}")
    return best[2:]


def draw(curves, bars, best):
    """AUC by update, and by how often the pair was seen."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for colour, name in enumerate(curves):
        left.plot(*curves[name].T, color=f"C{colour}")
        right.plot(bars[name], "o-", color=f"C{colour}", label=name)
    left.axhline(best, color="black", linestyle="--")
    right.plot(bars["true"], "o--", color="black", label="true probabilities")
    names = [f"{low} to {high - 1}" for low, high in zip(EDGES[1:], EDGES[2:], strict=False)]
    right.set_xticks(range(len(EDGES)), ["never", *names, f"{EDGES[-1]} or more"])
    left.set(xlabel="update", ylabel="AUC in the test", title="learning")
    right.set(xlabel="how often the training has the pair of apps", title="who remembers, who generalises")
    figure.legend(loc="outside lower center", ncols=5)
    picture("wide_and_deep", figure)


def main(count=50000, updates=2000, dimensions=8, hidden=64):
    world = make_world(generator(1))
    train, test, validation = (impressions(*each, world) for each in
                               ((count, generator(2)), (20000, generator(4)), (10000, generator(5))))  # fmt: skip
    models = {"linear": lambda: Wide(buckets=0), "wide": Wide, "deep": lambda: Deep(dimensions, hidden)}
    models["wide and deep"] = lambda: WideAndDeep(dimensions, hidden)
    best, curves, bars = roc_auc_score(test[2], test[1]), {}, {"true": by_frequency(test[1], train, test)}
    for name, make in models.items():
        curves[name], bars[name] = tuned(make, train, validation, test, updates, name)
    draw(curves, bars, best)
    found, known = {name: float(curve[-1, 1]) for name, curve in curves.items()}, set(map(tuple, train[0]))
    return {
        **{f"AUC, {name}": found[name] for name in ("wide", "deep", "wide and deep")},
        **{f"AUC where the pair is new, {name}": bars[name][0] for name in ("wide", "deep", "wide and deep")},
        "baseline: AUC, linear, no crosses": found["linear"],
        "baseline: AUC where the pair is new, linear": bars["linear"][0],
        "chance: AUC": 0.5,
        "ceiling: AUC of the true probabilities": best,
        "test categories that stand in training": float(np.mean([tuple(row) in known for row in test[0]])),
    }


FULL = {"updates": 20000, "dimensions": 32, "hidden": 1024}

if __name__ == "__main__":
    run(main)
