"""Looking inside of convolutional networks: filters, feature maps, and what in an image decided."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minigrad import Tensor, no_grad

from ..values import host
from .pyplot import finish, pyplot

__all__ = ["class_activation_map", "feature_maps", "filters", "image_grid", "saliency"]


def image_grid(images: Any, path: str | os.PathLike[str] | None = None, columns: int | None = None, titles: Any = None) -> Any:
    """Images side by side (needs matplotlib).

    Args:
        images: (N, H, W), or (N, C, H, W) with 1 or 3 channels; each is stretched to the full range of grey or colour.
        path: a file to write the figure to; None: none is written.
        columns: how many images stand side by side; None: as many as there are rows, about.
        titles: N texts or numbers, one above each image; None: none.

    Returns:
        matplotlib's figure.
    """
    images = host(images)
    if images.ndim == 4:
        images = np.moveaxis(images, 1, -1)
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)) or not len(images):
        raise ValueError(f"image_grid needs (N, H, W) or (N, C, H, W) with 1 or 3 channels, got {host(images).shape}")
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    figure, axes = pyplot().subplots(rows, columns, figsize=(1.3 * columns, 1.3 * rows), squeeze=False)
    for i, axis in enumerate(axes.ravel()):
        axis.axis("off")
        if i < len(images):
            low, high = images[i].min(), images[i].max()
            axis.imshow((images[i] - low) / ((high - low) or 1), cmap="gray")
            axis.set_title("" if titles is None else str(titles[i]), fontsize="small")
    return finish(figure, path)


def filters(layer: Any, path: str | os.PathLike[str] | None = None) -> Any:
    """The filters of a 2-d convolution as a grid, in colour where it reads three channels (of others each input's by itself).

    Args:
        layer: has a `weight`, (O, C, H, W): an nn.Conv2d.
        path: a file to write the figure to; None: none is written.

    Returns:
        matplotlib's figure.

    Raises:
        ValueError: its weight has other axes.
    """
    weight = host(layer.weight)
    if weight.ndim != 4:
        raise ValueError(f"filters needs a layer with weights (out, in, height, width), got {weight.shape}")
    return image_grid(weight if weight.shape[1] == 3 else weight.reshape(-1, *weight.shape[2:]), path)


def feature_maps(model: Any, x: Any, layer: Any) -> np.ndarray:
    """What a layer inside a model puts out for an input: (N, C, H, W) of a convolution.

    Args:
        model: called with x.
        x: the input, as the model takes it.
        layer: a module inside of the model, model[1] say; of several calls the last one counts.

    Raises:
        ValueError: the model did not call it.

    >>> import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    >>> feature_maps(model, np.zeros((1, 1, 8, 8)), model[1]).shape
    (1, 4, 6, 6)
    """
    with no_grad():
        return host(_run(model, x, layer)[1])


def saliency(model: Any, x: Any, target: int | None = None) -> np.ndarray:
    """How much each pixel would change the score of a class: |d score / d pixel|, the largest of the channels.

    After Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks, 2014.

    Args:
        model: from images to scores, (N, classes).
        x: (N, C, H, W).
        target: the class, for all images; the one with the best score by default.

    Returns:
        (N, H, W).

    >>> import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> bool(np.allclose(saliency(model, np.ones((1, 1, 2, 2)), 1)[0].ravel(), abs(model[1].weight.detach().numpy()[1])))
    True
    """
    x = _images(model, x)
    x.requires_grad = True
    _score(model(x), target).backward()
    assert x.grad is not None
    return np.abs(host(x.grad)).max(axis=1)


def class_activation_map(model: Any, x: Any, layer: Any, target: int | None = None) -> np.ndarray:
    """Where in the image a convolutional layer sees a class: its maps, weighted by the mean gradient of the score, above 0.

    After Selvaraju et al., Grad-CAM, 2017; where global average pooling and one linear layer follow, that is the class
    activation map of Zhou et al., 2016, up to a factor.

    Args:
        model: from images to scores, (N, classes).
        x: (N, C, H, W).
        layer: a convolution inside of the model, or what follows it; its output is (N, C', H', W').
        target: the class, for all images; None: of each image the one with the best score.

    Returns:
        (N, H', W') between 0 and 1, in the size of the layer's output.
    """
    x = _images(model, x)
    x.requires_grad = True  # so that the layer's output is part of a graph, even where all parameters are frozen
    out, maps = _run(model, x, layer, keep=True)
    _score(out, target).backward()
    if maps.grad is None:
        raise ValueError("the score does not depend on the output of that layer")
    weights = host(maps.grad).mean(axis=(2, 3), keepdims=True)
    heat = np.maximum((weights * host(maps)).sum(axis=1), 0)
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), np.finfo(heat.dtype).tiny)


def _images(model: Any, x: Any) -> Tensor:
    x = host(x)
    if x.ndim != 4:
        raise ValueError(f"expected images (N, C, H, W), got shape {x.shape}")
    first = next(iter(model.parameters()), None)
    return Tensor(x.astype(first.dtype if first is not None else np.float32), device=getattr(first, "device", None))


def _run(model: Any, x: Any, layer: Any, keep: bool = False) -> tuple[Any, Any]:
    """The output of a model, and that of a layer in it."""
    seen = []

    def note(module: Any, args: Any, out: Any) -> None:
        if keep:
            out.retain_grad()
        seen.append(out)

    remove = layer.register_forward_hook(note)
    try:
        out = model(x)
    finally:
        remove()
    if not seen:
        raise ValueError("the layer was not called: it is not part of the model, or unused")
    return out, seen[-1]


def _score(out: Any, target: int | None) -> Any:
    """The sum of the scores of a class over the batch."""
    chosen = host(out).argmax(axis=1) if target is None else np.full(len(out), target)
    return out[np.arange(len(out)), chosen].sum()
