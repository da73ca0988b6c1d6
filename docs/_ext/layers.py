"""Which function of nn.functional a layer stands for: its entry shows the function's formulas, and the way to it."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from counterparts import public_names
from docstrings import formulas_of

from nn import functional
from nn.functional import recurrent

#: Layers whose function has another name.
OTHERS = {
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "PositionalEncoding": "sinusoidal_positions",
    "Upsample": "interpolate",
    "UpsamplingBilinear2d": "upsample_bilinear",
    "UpsamplingNearest2d": "upsample_nearest",
}


def plain(name: str) -> str:
    """Lower-case, without "_", and "loss" at the end: of CrossEntropyLoss and of cross_entropy crossentropy.

    >>> plain("MaxPool2d"), plain("max_pool2d"), plain("LazyConv1d")
    ('maxpool2d', 'maxpool2d', 'conv1d')
    """
    return name.removeprefix("Lazy").replace("_", "").lower().removesuffix("loss")


@cache
def functions() -> dict[str, str]:
    """The public functions by their plain names."""
    return {plain(name): name for name in public_names(functional) if not name.endswith("_")}


def function_of(layer: Any) -> str | None:
    """The function that a layer stands for, of the same name, or the same but for the number of axes."""
    name = getattr(layer, "__name__", "")
    if not isinstance(layer, type) or not layer.__module__.startswith("nn.layers."):
        return None
    own = plain(name)
    return OTHERS.get(name) or functions().get(own) or functions().get(re.sub(r"[123]d$", "", own))


def with_function(doc: str, layer: Any) -> tuple[str, list[str]]:
    """The docstring of a layer with the formulas of its function below the summary, and a line that leads to it.

    A layer that states formulas of its own shows these alone; a cell shows those of the step of its layer.
    """
    name = function_of(layer)
    steps = {plain(n): getattr(recurrent, n) for n in recurrent.__all__ if n.endswith("_cell")}
    function = steps.get(plain(getattr(layer, "__name__", ""))) if name is None else getattr(functional, name)
    if function is None:
        return doc, []
    summary, _, rest = doc.partition("\n\n")
    formulas = [] if formulas_of(doc) else formulas_of(inspect.getdoc(function) or "")
    link = ["", f"As a function: :py:obj:`nn.functional.{name}`."] if name else []
    return "\n\n".join([summary, *formulas, rest]), link
