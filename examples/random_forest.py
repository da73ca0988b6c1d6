"""A random forest in NumPy, and a soft decision tree that learns all its splits at once, by gradients.

A tree of the forest is grown on a bootstrap sample: at each node sqrt(d) of the d pixels are looked at, and
the threshold that leaves the least Gini impurity, sum_k p_k (1 - p_k), splits it; a leaf is pure, or none of those
pixels splits it. The forest votes. On the small digits scikit-learn's is level with it or ahead, and the nearest
neighbours (nearest_neighbour.py) are ahead of both.

In the soft tree each inner node i sends an input x to the right with probability p_i(x) = sigmoid(beta (w_i x
+ b_i)), a leaf l is a distribution Q^l = softmax(phi^l), and with the probability P^l(x) of the path to it
the loss is

    L(x) = -log sum_l P^l(x) Q^l_y  +  a penalty on nodes that send more to one side (Frosst and Hinton, 2017)

with the penalty -lambda 2^-d (log alpha_i + log(1 - alpha_i)) / 2, alpha_i = sum_x P^i(x) p_i(x) / sum_x
P^i(x), at depth d.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, generator, picture, run, steps
from sklearn.ensemble import RandomForestClassifier

import nn
from minigrad import Tensor, stack

PUBLISHED = "soft tree of depth 8 on MNIST 94.45 % (Frosst and Hinton, 2017); forests: Breiman, 2001"
LEVELS = 17  # grey values that a threshold can tell apart


def grow(x, y, rng):
    """A tree: the class of a leaf, or (pixel, threshold, left, right)."""
    counts = np.bincount(y, minlength=10)
    if counts.max() == len(y):
        return int(y[0])
    pixels = rng.choice(x.shape[1], int(np.sqrt(x.shape[1])), replace=False)
    codes = np.arange(len(pixels)) * LEVELS * 10 + x[:, pixels] * 10 + y[:, None]
    table = np.bincount(codes.ravel(), minlength=len(pixels) * LEVELS * 10)
    left = table.reshape(len(pixels), LEVELS, 10).cumsum(axis=1)[:, :-1]  # up to each threshold
    right = counts - left
    sizes = left.sum(-1), right.sum(-1)
    kept = (left**2).sum(-1) / np.maximum(sizes[0], 1) + (right**2).sum(-1) / np.maximum(sizes[1], 1)
    kept = np.where(np.minimum(*sizes) > 0, kept, 0.0)  # the less impure the sides, the larger
    if kept.max() == 0:
        return int(counts.argmax())
    pixel, threshold = np.unravel_index(kept.argmax(), kept.shape)
    low = x[:, pixels[pixel]] <= threshold
    return int(pixels[pixel]), int(threshold), grow(x[low], y[low], rng), grow(x[~low], y[~low], rng)


def classes(tree, x):
    """What a tree says of each row."""
    if isinstance(tree, int):
        return np.full(len(x), tree)
    pixel, threshold, left, right = tree
    low, out = x[:, pixel] <= threshold, np.empty(len(x), int)
    out[low], out[~low] = classes(left, x[low]), classes(right, x[~low])
    return out


class SoftTree(nn.Module):
    """(N, pixels) -> P^l of each leaf, (N, leaves); and the penalty."""

    def __init__(self, inputs, depth):
        self.depth, self.gates = depth, nn.Linear(inputs, 2**depth - 1)
        self.leaves = nn.Parameter(np.zeros((2**depth, 10), np.float32))  # phi
        self.beta = nn.Parameter(np.ones(2**depth - 1, np.float32))

    def forward(self, x):
        right = nn.functional.sigmoid(self.beta * self.gates(x))
        reached, penalty = Tensor(np.ones((len(x), 1), np.float32)), 0.0
        for d in range(self.depth):
            p = right[:, 2**d - 1 : 2 ** (d + 1) - 1]  # (N, 2^d), the nodes of one depth
            alpha = (reached * p).sum(axis=0) / (reached.sum(axis=0) + 1e-12)
            alpha = np.clip(alpha, 1e-6, 1 - 1e-6)  # in float32 it can be 0 or 1, and the penalty infinite
            penalty = penalty - 2.0**-d * (np.log(alpha) + np.log(1 - alpha)).sum() / 2
            reached = stack([reached * (1 - p), reached * p], axis=-1).reshape(len(x), -1)
        return reached, penalty


def soft_tree(x, y, depth, updates, penalty, batch=64):
    """Train one."""
    tree, rng = SoftTree(x.shape[1], depth), generator(1)
    optimizer = nn.optim.Adam(tree.parameters(), lr=0.01)
    for _ in steps(updates, tree, optimizer, rng):
        rows = rng.integers(len(y), size=batch)
        optimizer.zero_grad()
        reached, lopsided = tree(Tensor(x[rows]))
        likely = (reached * nn.functional.softmax(tree.leaves)[:, y[rows]].T).sum(axis=1)
        (-np.log(likely).mean() + penalty * lopsided).backward()
        optimizer.step()
    return tree


def main(trees=60, depth=4, updates=1500, penalty=0.01, data=None):
    (x, y), (test_x, test_y) = digits(data)
    side, x, test_x = x.shape[1], x.reshape(len(x), -1), test_x.reshape(len(test_x), -1)
    grey, test_grey = (np.round(images * (LEVELS - 1)).astype(int) for images in (x, test_x))
    rng, said = generator(), []
    for _ in range(trees):
        rows = rng.integers(len(y), size=len(y))
        said.append(classes(grow(grey[rows], y[rows], rng), test_grey))
    votes = (np.array(said)[..., None] == np.arange(10)).cumsum(axis=0)  # (trees, N, 10)
    forest = (votes.argmax(axis=-1) == test_y).mean(axis=1)
    tree = soft_tree(x, y, depth, updates, penalty)
    answers = tree(Tensor(test_x))[0].detach().numpy().argmax(axis=1)  # the most likely leaf speaks
    soft = tree.leaves.detach().numpy().argmax(axis=1)[answers]
    draw(tree, side, forest)
    known = RandomForestClassifier(trees, random_state=chosen()).fit(x, y).score(test_x, test_y)
    return {
        f"forest of {trees} trees: test accuracy": float(forest[-1]),
        f"soft tree of {2**depth} leaves: test accuracy": float((soft == test_y).mean()),
        "chance: test accuracy": float((test_y == np.bincount(y).argmax()).mean()),
        "baseline: one tree of the forest, test accuracy": float(np.mean(np.array(said) == test_y)),
        "baseline: scikit-learn's forest, test accuracy": float(known),
    }


def draw(tree, side, forest):
    """The soft tree's filters, its leaves' classes, and the forest's accuracy."""
    depth, filters = min(tree.depth, 4), (tree.gates.weight * tree.beta[:, None]).detach().numpy()
    figure = plt.figure(figsize=(13, 4.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2.2, 1])
    left.suptitle("the soft tree: what sends a digit to the right (red), and the class of each leaf")
    for d in range(depth):
        for k in range(2**d):
            axis = left.add_subplot(depth + 1, 2**d, d * 2**d + k + 1)
            image = filters[2**d - 1 + k].reshape(side, side)
            axis.imshow(image, cmap="RdBu_r", vmin=-abs(image).max(), vmax=abs(image).max())
            axis.axis("off")
    axis = left.add_subplot(depth + 1, 1, depth + 1)
    axis.axis("off")
    for leaf, row in enumerate(tree.leaves.detach().numpy() if depth == tree.depth else []):
        axis.text((leaf + 0.5) / 2**depth, 0.5, str(row.argmax()), ha="center", fontsize="large")
    right.subplots().plot(range(1, len(forest) + 1), forest)
    right.axes[0].set(title="the forest", xlabel="trees", ylabel="test accuracy")
    picture("random_forest", figure)


FULL = {"depth": 8, "updates": 20_000}

if __name__ == "__main__":
    run(main)
