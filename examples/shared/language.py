"""Language models: a text, training on its columns window by window, and the loss on another text."""

from __future__ import annotations

import argparse
import copy
import inspect
import logging
import pathlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import nn
from minigrad import Tensor, no_grad
from nn.text import bptt_windows

from .resuming import steps
from .seeds import generator


def documentation(data: pathlib.Path | None) -> str:
    """Characters: a file's, or those of the documentation of some modules in random order; each line once."""
    if data is not None:
        return data.read_text(encoding="utf-8")[:1_000_000]
    classes = [c for m in (argparse, logging, pathlib, inspect) for _, c in inspect.getmembers(m, inspect.isclass)]
    docs = sorted({inspect.getdoc(f) or "" for c in classes for _, f in inspect.getmembers(c)})
    text = "\n".join(docs[i] for i in generator().permutation(len(docs)))
    return "\n".join(dict.fromkeys(re.sub(r"[^a-z.,\n ]", "", text.lower()).splitlines()))


def _loss(model: Any, x: np.ndarray, y: np.ndarray, state: Any) -> tuple[Tensor, Any]:
    scores, state = model(x, state)
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1)), state


def mean_nats(model: Any, columns: np.ndarray, length: int) -> float:
    """Cross-entropy in nats for each symbol, the state carried from window to window."""
    model.eval()
    state, total = None, 0.0
    with no_grad():
        for x, y in bptt_windows(columns, length):
            loss, state = _loss(model, x, y, state)
            total += loss.item() * y.size
    model.train()
    return total / columns[1:].size


def train_on_columns(
    model: Any, columns: np.ndarray, valid: np.ndarray, updates: int, lr: float, length: int, clip: float = 5.0,
    write: Callable[[], str] = str, shown: Sequence[int] = (),
) -> list[Any]:  # fmt: skip
    """Truncated backpropagation through time: the state goes on from window to window, its gradient does not.

    Adam, with a rate that falls to 0 along a cosine. Under `--full` it goes on where it was stopped.
    The model is left as it was best in validation.

    Args:
        model: scores and the new state of (x, state).
        columns: text in columns, of `batchify`.
        valid: the same, for validation.
        write: a text that the model writes.
        shown: the reports that it is called for, besides the last.

    Returns:
        The reports: updates done, loss in training, loss in validation, what was written or "".
    """
    windows = list(bptt_windows(columns, length))
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    kept: dict[str, Any] = {"state": None, "losses": [], "reports": [], "best": None}
    marks = {int(share * updates) for share in (0, 0.01, 0.03, *np.linspace(0, 1, 11 if updates < 5000 else 41))}

    def report(done: int) -> None:
        loss, best = mean_nats(model, valid, length), min([r[2] for r in kept["reports"]], default=np.inf)
        if loss < best:
            kept["best"] = copy.deepcopy(model.state_dict())
        text = write() if len(kept["reports"]) in shown or done == updates else ""
        kept["losses"] = kept["losses"][-100:]
        kept["reports"].append([done, float(np.mean(kept["losses"] or [np.nan])), loss, text])
        print(f"--- {done} updates: validation {loss:.3f} {text[:80]!r}", flush=True)

    for again, step in enumerate(steps(updates, model, optimizer, None, kept)):
        if step in marks:
            report(step)
        elif not again:
            print(f"--- validation {mean_nats(model, valid, length):.3f}", flush=True)
        x, y = windows[step % len(windows)]
        optimizer.param_groups[0]["lr"] = lr * (1 + np.cos(np.pi * step / updates)) / 2
        loss, state = _loss(model, x, y, kept["state"] if step % len(windows) else None)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        kept["state"] = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        kept["losses"].append(loss.item())
        if (step + 1) % 100 == 0:
            print(f"{step + 1} of {updates} updates: loss {np.mean(kept['losses'][-100:]):.3f}", flush=True)
    report(updates)
    model.load_state_dict(kept["best"])
    return kept["reports"]
