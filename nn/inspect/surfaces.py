"""Points and surfaces: embeddings in two dimensions, the regions of a classifier, the landscape of a loss."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import beside, no_grad
from minigrad.devices import on_gpu_of
from minigrad.install import install

from ..values import host
from .pyplot import finish, pyplot

__all__ = ["loss_landscape", "pca", "plot_decision_boundary", "plot_landscape", "plot_points", "tsne"]


def pca(x: Any, components: int = 2) -> np.ndarray:
    """The projection on the directions of largest variance (Pearson, 1901), by the singular value decomposition.

    Signs are chosen so that the largest weight of each direction is positive.

    Args:
        x: (N, features).
        components: how many directions, at most as many as points and as features.

    Returns:
        (N, components).

    >>> pca(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), 1).ravel().round(4).tolist()
    [-1.4142, 0.0, 1.4142]
    """
    x = host(x).astype(float)
    if x.ndim != 2 or not 1 <= components <= min(x.shape):
        raise ValueError(f"pca needs (N, features) with at least {components} of both, got shape {x.shape}")
    centred = x - x.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:components]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return centred @ (directions * np.sign(largest)).T


def tsne(x: Any, components: int = 2, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """t-SNE (van der Maaten and Hinton, 2008), by scikit-learn; neighbours stay neighbours, distances between groups mean little.

    Args:
        x: (N, features).
        components: how many dimensions the result has, at most 3.
        perplexity: about how many neighbours each point minds; at most (N - 1) / 3 is taken.
        seed: of scikit-learn's draws.

    Returns:
        (N, components).

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        manifold = importlib.import_module("sklearn.manifold")
    except ImportError as error:
        raise ImportError(f"t-SNE needs scikit-learn: {install('viz')}; or use nn.inspect.pca") from error
    x = host(x).astype(float)
    perplexity = min(perplexity, (len(x) - 1) / 3)
    return manifold.TSNE(components, perplexity=perplexity, random_state=seed, init="pca").fit_transform(x)


def plot_points(
    points: Any, labels: Sequence[str] | None = None, classes: Any = None, path: str | os.PathLike[str] | None = None
) -> Any:  # fmt: skip
    """Points in the plane, (N, 2), with their labels, coloured by class: `plot_points(pca(embedding.weight), words)`.

    Args:
        points: (N, 2).
        labels: N texts, beside the points; None: none.
        classes: N numbers, of which the colours are; None: all have one colour.
        path: a file to write the figure to; None: none is written.

    Returns:
        matplotlib's figure.

    Raises:
        ValueError: points of another shape, or another number of labels.
    """
    points = host(points)
    if points.ndim != 2 or points.shape[1] != 2 or (labels is not None and len(labels) != len(points)):
        raise ValueError(f"plot_points needs (N, 2) and as many labels, got {points.shape} and {labels and len(labels)}")
    figure, axis = pyplot().subplots(figsize=(7, 7))
    colours = {} if classes is None else {"c": host(classes), "cmap": "tab10"}
    axis.scatter(*points.T, s=16, **colours)
    for label, (x, y) in zip(labels or (), points, strict=False):
        axis.annotate(label, (x, y), xytext=(3, 3), textcoords="offset points", fontsize="small")
    return finish(figure, path)


@no_grad()
def plot_decision_boundary(
    model: Callable[[np.ndarray], Any], x: Any, y: Any, path: str | os.PathLike[str] | None = None, steps: int = 200
) -> Any:  # fmt: skip
    """The regions that a classifier of points in the plane has learned, and the points.

    Args:
        model: from (N, 2) to scores (N, classes), or (N,) or (N, 1), where positive means class 1.
        x: (N, 2).
        y: (N,) classes.
        path: a file to write the figure to; None: none is written.
        steps: how many points the model is asked for along each side.

    Returns:
        matplotlib's figure.
    """
    x, y = host(x), host(y)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"plot_decision_boundary needs points (N, 2), got shape {x.shape}")
    margin = 0.1 * np.ptp(x, axis=0)
    sides = [np.linspace(low, high, steps) for low, high in zip(x.min(0) - margin, x.max(0) + margin, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2).astype(np.float32)
    scores = host(model(grid)).reshape(len(grid), -1)
    regions = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > 0
    figure, axis = pyplot().subplots()
    axis.contourf(*sides, regions.reshape(steps, steps), alpha=0.3, cmap="tab10", vmin=0, vmax=9, levels=np.arange(-0.5, 10))
    axis.scatter(*x.T, c=y, cmap="tab10", vmin=0, vmax=9, s=12, edgecolors="black", linewidths=0.3)
    return finish(figure, path)


@no_grad()
def loss_landscape(
    loss: Callable[[], Any], parameters: Sequence[Any], radius: float = 1.0, steps: int = 21, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The loss around the parameters, along two random directions; the parameters are as before afterwards.

    Each direction has, row by row of each parameter, the norm of the parameter (filter normalisation: Li et al.,
    Visualizing the loss landscape of neural nets, 2018).

    Args:
        loss: called without arguments for each point.
        parameters: what moves: `model.parameters()`, say.
        radius: how far to go; 1 is as far as the parameters' own norm.
        steps: how many points along each direction; an odd number has the parameters themselves among them.
        seed: decides the directions.

    Returns:
        The distances (steps,), and the losses (steps, steps).

    >>> import nn
    >>> w = nn.Parameter([1.0, 2.0])
    >>> ways, losses = loss_landscape(lambda: (w * w).sum(), [w], steps=5)
    >>> losses.shape, round(float(losses[2, 2]), 4)
    ((5, 5), 5.0)
    """
    parameters = list(parameters)
    rng = np.random.default_rng(seed)
    before = [p.detach().clone().data for p in parameters]
    directions = [[_direction(rng, p) for p in before] for _ in range(2)]
    ways = np.linspace(-radius, radius, steps)
    losses = np.empty((steps, steps))
    try:
        for i, a in enumerate(ways):
            for j, b in enumerate(ways):
                for p, start, u, v in zip(parameters, before, *directions, strict=True):
                    with on_gpu_of(p):
                        p.data[...] = start + a * u + b * v
                losses[i, j] = float(loss())
    finally:
        for p, start in zip(parameters, before, strict=True):
            with on_gpu_of(p):
                p.data[...] = start
    return ways, losses


def plot_landscape(ways: np.ndarray, losses: np.ndarray, path: str | os.PathLike[str] | None = None) -> Any:
    """The lines of equal loss: `plot_landscape(*loss_landscape(...))`; a star is where the parameters are.

    Args:
        ways: the distances along both directions, (steps,).
        losses: (steps, steps).
        path: a file to write the figure to; None: none is written.

    Returns:
        matplotlib's figure.
    """
    figure, axis = pyplot().subplots()
    picture = axis.contourf(ways, ways, losses.T, levels=30)
    axis.plot(0, 0, "w*", markersize=12)
    figure.colorbar(picture, label="loss")
    return finish(figure, path)


def _direction(rng: np.random.Generator, parameter: Any) -> Any:
    """A random direction with the parameter's norm in each row."""
    random = rng.normal(size=parameter.shape).astype(parameter.dtype)
    axes = tuple(range(1, random.ndim)) or None
    norms = [np.sqrt((a * a).sum(axis=axes, keepdims=True)) for a in (host(parameter), random)]
    scaled = random * (norms[0] / np.maximum(norms[1], np.finfo(random.dtype).tiny))
    return beside(scaled, parameter)
