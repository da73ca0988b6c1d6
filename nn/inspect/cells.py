"""Looking inside of recurrent networks: what single cells follow in a text, how far gradients reach back, what is attended to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tensor, beside, no_grad

from ..values import as_input, host
from .pyplot import finish, pyplot

__all__ = [
    "CellTable", "find_cells", "gradient_by_lag", "plot_attention", "plot_lags", "text_properties", "unroll",
]  # fmt: skip


@no_grad()
def unroll(layer: Any, x: Any) -> dict[str, np.ndarray]:
    """The states of a recurrent layer after each step, which the layer itself does not give out for an LSTM's cells.

    Args:
        layer: an nn.RNN, nn.GRU or nn.LSTM of one direction.
        x: one sequence, (T, features).

    Returns:
        "h": (T, layers * hidden_size), and of an LSTM "c", the tanh of its cells, which is what they let out.

    >>> import nn
    >>> {name: states.shape for name, states in unroll(nn.LSTM(3, 5, num_layers=2), np.zeros((7, 3))).items()}
    {'h': (7, 10), 'c': (7, 10)}
    """
    if layer.bidirectional:
        raise ValueError("unroll needs a layer of one direction: the state before a step of the way back is in its future")
    x = as_input(x, layer.weight_ih_l0)
    if x.ndim != 2:
        raise ValueError(f"unroll needs one sequence, (T, features), got shape {x.shape}")
    state, seen = None, []
    for step in range(len(x)):
        _, state = layer(x[step : step + 1], state)
        seen.append([host(s).reshape(-1) for s in (state if isinstance(state, tuple) else (state,))])
    states = [np.stack(each) for each in zip(*seen, strict=True)]
    return {"h": states[0]} | ({"c": np.tanh(states[1])} if len(states) > 1 else {})


# ------------------------------------------------------------------------------------ in text


@dataclass(frozen=True)
class CellTable:
    """What cells follow; its repr is a table.

    Attributes:
        rows: (property, cell, correlation), the strongest of each property first.
    """

    rows: tuple[tuple[str, int, float], ...]

    def best(self, name: str) -> int:
        """The cell that follows a property most closely.

        Args:
            name: the property, as in `rows`.
        """
        return next(cell for row, cell, _ in self.rows if row == name)

    def __repr__(self) -> str:
        width = max((len(name) for name, *_ in self.rows), default=0)
        return "\n".join(f"{name:<{width}}  cell {cell:>4}  {r:+.2f}" for name, cell, r in self.rows)


def text_properties(text: str) -> dict[str, np.ndarray]:
    """Of each character: the position in its line, whether it is inside quotes, the depth of brackets, the line's indentation.

    Apostrophes inside of words are no quotes, brackets inside of quotes are not counted; single quotes end with their line,
    double ones with their paragraph at the latest.

    Args:
        text: T characters.

    Returns:
        "position in line", "inside quotes", "bracket depth" and "indentation", each (T,).

    >>> text_properties('a("b")')["bracket depth"].tolist()
    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    """
    position, quotes, depth, indent = (np.zeros(len(text)) for _ in range(4))
    column, inside, level, margin, blank = 0, "", 0, 0, True
    for i, character in enumerate(text):
        if blank and character != " ":
            blank, margin = False, column
        in_word = character == "'" and text[i - 1 : i].isalnum() and (not inside or text[i + 1 : i + 2].isalnum())
        if character in "\"'" and inside in ("", character) and not in_word:
            inside = "" if inside else character
        if not inside:
            level = max(level + (character in "([{") - (character in ")]}"), 0)
        position[i], quotes[i], depth[i], indent[i] = column, bool(inside), level, column if blank else margin
        column += 1
        if character == "\n":
            inside = "" if inside == "'" or column == 1 else inside
            column, margin, blank = 0, 0, True
    return {"position in line": position, "inside quotes": quotes, "bracket depth": depth, "indentation": indent}


def find_cells(text: str, states: Any, properties: Mapping[str, Any] | None = None, most: int = 3) -> CellTable:
    """The cells whose activations go with properties of the text, by the correlation over its characters.

    Args:
        text: T characters.
        states: (T, cells), as from `unroll`.
        properties: name -> (T,) numbers; those of `text_properties` by default.  One that is constant is left out.
        most: cells of each property.

    >>> text = "one\\ntwo\\n"
    >>> find_cells(text, np.stack([np.arange(8) % 4, np.ones(8)], axis=1), most=1)
    position in line  cell    0  +1.00
    """
    states = host(states).astype(float)
    if states.ndim != 2 or len(states) != len(text):
        raise ValueError(f"a text of {len(text)} characters needs states of shape ({len(text)}, cells), got {states.shape}")
    rows = []
    centred = states - states.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    for name, values in (text_properties(text) if properties is None else properties).items():
        wanted = np.asarray(values, float) - np.mean(values)
        if not wanted.any():
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.nan_to_num(wanted @ centred / (norms * np.sqrt(wanted @ wanted)))
        for cell in np.argsort(-np.abs(r))[:most]:
            rows.append((name, int(cell), float(r[cell])))
    return CellTable(tuple(rows))


# ----------------------------------------------------------------------------------- over time


def gradient_by_lag(layer: Any, x: Any, seed: int = 0) -> np.ndarray:
    """How much of a gradient at the last step reaches the inputs so many steps before: the vanishing gradient, measured.

    The last output is multiplied by random signs, and the norm taken of the gradient of the input at each step,
    relative to that at the last step (Bengio, Simard and Frasconi, 1994).

    Args:
        layer: an nn.RNN, nn.GRU or nn.LSTM.
        x: (T, B, features), with batch_first (B, T, features).
        seed: decides the signs.

    Returns:
        (T,): 1 at lag 0, then less and less where gradients vanish.

    >>> import nn
    >>> lags = gradient_by_lag(nn.RNN(4, 8), np.random.default_rng(0).normal(size=(30, 2, 4)))
    >>> lags.shape, float(lags[0]), bool(lags[29] < 1e-3)
    ((30,), 1.0, True)
    """
    weight = layer.weight_ih_l0
    x = Tensor(host(x).astype(weight.dtype), device=weight.device, requires_grad=True)
    time = 1 if layer.batch_first else 0
    out = layer(x)[0]
    last = out[:, -1] if time else out[-1]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], last.shape).astype(out.dtype)
    (last * beside(signs, last)).sum().backward()
    assert x.grad is not None
    norms = np.linalg.norm(np.moveaxis(host(x.grad), time, 0).reshape(x.shape[time], -1), axis=1)[::-1]
    return norms / norms[0]


def plot_lags(lags: Mapping[str, np.ndarray], path: str | os.PathLike[str] | None = None) -> Any:
    """Norms of gradients against the time lag, one curve each: `plot_lags({"RNN": gradient_by_lag(rnn, x), ...})`.

    Args:
        lags: by the name of the curve the norms, (T,), from lag 0 on.
        path: a file to write the figure to (.png, .svg ...); None: none is written.

    Returns:
        matplotlib's figure (closed where it was written), as from all functions here that plot.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure, axis = pyplot().subplots()
    for name, norms in lags.items():
        axis.plot(norms, label=name)
    axis.set(xlabel="steps back in time", ylabel="norm of the gradient, relative to the last step", yscale="log")
    axis.legend()
    return finish(figure, path)


def plot_attention(
    weights: Any, source: Sequence[str], target: Sequence[str], path: str | os.PathLike[str] | None = None
) -> Any:  # fmt: skip
    """A heat map of attention: weights (target words, source words), each row adding to 1 (Bahdanau et al., 2015).

    Args:
        weights: (T, S), between 0 and 1.
        source: S words that are looked at, from left to right.
        target: T words that look, from top to bottom.
        path: a file to write the figure to; None: none is written.

    Raises:
        ValueError: the weights have another shape.
    """
    weights = host(weights)
    if weights.shape != (len(target), len(source)):
        raise ValueError(f"{len(target)} target and {len(source)} source words need weights of that shape, got {weights.shape}")
    figure, axis = pyplot().subplots(figsize=(1.5 + 0.4 * len(source), 1.5 + 0.4 * len(target)))
    image = axis.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(source)), source, rotation=45, ha="right")
    axis.set_yticks(range(len(target)), target)
    figure.colorbar(image, label="attention")
    return finish(figure, path)
