"""A graph as one page: pan, search and click through it, and play it forwards and backwards with its numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from .capture import variable_of
from .code import Listing
from .explain import Explained, Rule, explained, place
from .failure import STOPPED, Failure
from .formula import Formula
from .given import arrays, given, vocabulary_of
from .highlight import Marked
from .live import Recording, attempt, for_page
from .memory import memory_of
from .numbers import dimensions, host, memory_size, norm_of, number, rms
from .page import LARGEST, Page
from .questions import questions_of
from .seen import seen
from .summary import Summariser
from .target import failed, prepared
from .text import printable
from .training import Training
from .unchanged import as_before
from .view import Group, View, alike, boxes, check, view
from .walk import Step

__all__ = ["explore"]

#: The parts of the page, in one scope: what a part uses at once stands before it; its functions may use what comes after.
SCRIPTS = (
    "values.js",
    "axis.js",
    "formula.js",
    "features.js",
    "summary.js",
    "edit.js",
    "live.js",
    "numbers.js",
    "words.js",
    "camera.js",
    "folding.js",
    "layers.js",
    "thumbnails.js",
    "layout.js",
    "graph.js",
    "twins.js",
    "orders.js",
    "carry.js",
    "lens.js",
    "windows.js",
    "lens_parts.js",
    "lens_numbers.js",
    "lens_try.js",
    "lens_terms.js",
    "lens_filter.js",
    "lens_conv.js",
    "lens_pool.js",
    "lens_product.js",
    "lens_softmax.js",
    "facets.js",
    "lens_attention.js",
    "lens_gates.js",
    "lens_recurrent.js",
    "lens_embedding.js",
    "lens_norm.js",
    "detail.js",
    "player.js",
    "check.js",
    "recursion.js",
    "naive.js",
    "code.js",
    "training_order.js",
    "training_engine.js",
    "training_driver.js",
    "training_curve.js",
    "training_weights.js",
    "boundary.js",
    "training_fit.js",
    "training.js",
    "looks.js",
    "failure.js",
    "heat.js",
    "nan.js",
    "memory.js",
    "address.js",
    "snapshot.js",
    "film.js",
    "share.js",
    "embed.js",
    "quiz-answers.js",
    "quiz.js",
    "quiz-worksheet.js",
    "explore.js",
)


def explore(
    target: Any, *inputs: Any, path: str | os.PathLike[str] | None = None, names: Any = None, gradient: Any = None,
    title: str = "Computation graph", direction: str | None = None, depth: int | None = 1, repeats: str | None = None,
    highlight: Any = None, derivative: int = 0, max_nodes: int = 1500, live: bool = True, tokens: Sequence[Any] | None = None,
    vocabulary: Any = None,
    data: Any = None,
    optimizer: Any = None, batch: int | Sequence[int] | None = None, seed: int = 0, loss: Callable[..., Any] | None = None,
) -> Page:  # fmt: skip
    """A page that shows a graph and steps through its forward and its backward pass, node by node, with formulas and numbers.

    The page is one file that needs no server, no network and no Graphviz on the machine.

    Args:
        target: a tensor or several, before `backward()` has freed what the rules read; or a module or a function, which is
            called with the inputs.  Under `capture(module)` the numbers of all steps are kept, and the modules that made them.
            Or what `capture` gave: where an exception stopped it, the graph ends with the op that failed, in red.
        inputs: of a module or a function; after tensors the `names` may stand here.  A path may stand before them.
        path: where to write the page; a notebook shows the returned page by itself.
        names: a module, or a dict from names to tensors.
        gradient: what arrives at the result; ones by default, so that of several elements the sum is differentiated.
        title: of the page.
        direction: "TB" from top to bottom, "LR" from left to right; by default time runs to the right, and all else in the
            direction in which the window shows more of it.
        depth: modules at this depth and below are closed at first; a click opens them.  None opens all.
        repeats: by default the calls of a recurrent cell are folded into one node, and so are equal blocks; a click unrolls
            them.  "unrolled" begins with all of them, "compact" with one step for all that are alike, wherever they are.
        highlight, derivative: as for `draw`.
        max_nodes: a larger graph is summarised: the page then shows the first of those steps that are alike.
        live: of a module or a function, whether the page carries its program: parameters, inputs and data can be changed there,
            and all that follows, values and gradients, is computed again.  Where that cannot be, the page says why.
        tokens: the words along the axis of time, or a list of words for each example: attention, recurrent layers and embeddings
            are shown with them.
        vocabulary: the words of token numbers: a list in the order of the numbers, a dict from words to numbers, or what has such
            a list as `symbols`, as nn.text.Vocabulary.  Data whose numbers they are show as words, and words can be typed there.
        data: arrays of examples, as (X, y): the page can train then.  The target is a function of a batch that gives the loss; a
            network, with a `loss`; or a whole training step, compiled or not, which needs no `optimizer`.
        optimizer: one of nn.optim, or several to choose among: a list, or a dict by their names.
        batch: how many examples a step of the training takes, or several such numbers to choose among; None takes all.
        seed: of the order of the examples: that of `nn.data.DataLoader` with shuffle and drop_last.
        loss: of what a network gives and of the rest of a batch.

    Raises:
        RuntimeError: a backward pass has freed what the rules read.
        ValueError: of options that do not exist.

    >>> x = Tensor(0.5, requires_grad=True, name="x")
    >>> page = explore((2 * x).tanh())
    >>> len(page.html) < 2_000_000
    True
    """
    if direction not in (None, "TB", "LR"):
        raise ValueError(f"direction must be TB or LR, got {direction!r}")
    path, inputs = _path_before(target, path, inputs)
    gradient = 1.0 if gradient is None else gradient
    training = _training(target, data, optimizer=optimizer, batch=batch, seed=seed, loss=loss)
    if training is not None:
        target, inputs = training.objective, tuple(training.first)
    inputs = tuple(prepared(target, inputs, names)) if callable(target) else inputs
    make = partial(seen, target, inputs, names, derivative=derivative)
    with nullcontext() if training is None else as_before(target):
        recording = STOPPED if failed(target) else attempt(make, target, inputs, gradient, max_nodes) if live else ""
        tensors, steps, marked, failure, notes = seen(target, inputs, names, highlight, derivative)
    marked = Marked() if failure else marked  # the page says what failed by itself
    groups = view(steps, None, "unrolled", max_nodes)
    check(depth, repeats or "unrolled")
    rows = explained(tensors, steps, gradient, {group.id for group in groups.groups})
    shown = {
        "title": title,
        "notes": [*groups.notes, *notes, *marked.notes],
        "direction": direction,
        "repeats": repeats,
        **_shown(rows, steps, groups, depth, marked, failure),
        "tokens": _words(tokens, {n for step in steps for shape in step.shapes for n in shape}),
        "vocabulary": vocabulary_of(vocabulary, steps),
        "quiz": {"on": False, "questions": [question.data() for question in questions_of(rows)]},
    }
    page = _with_room(partial(_page, shown, rows, training), recording, training)
    if path is not None:
        page.write(path)
    return page


def _page(
    shown: dict[str, Any], rows: list[Explained], training: Training | None, recording: Recording | str, carries: bool = True
) -> Page:
    """The page with its program, the arrays that it carries where it has none, and its training."""
    alive, functions = for_page(recording, rows)
    shown = shown | {"live": alive, "arrays": arrays(rows) if carries and "why" in alive else {}}
    if training is not None:
        shown["training"] = training.for_page(functions, rows, alive)
    script = functions.script if training or "why" not in alive else ""
    page = Page(shown["title"], shown, SCRIPTS, graphviz=True, program=script)
    page.rows = rows
    return page


def _with_room(make: Callable[..., Page], recording: Recording | str, training: Training | None) -> Page:
    """The page as a whole; where that is too large, without what can be left out, and a word about it."""
    page = make(recording)
    size = page.size
    most = f"one that can be sent and opened anywhere has {LARGEST / 1e6:g} at most"
    much = f"the page would have {size / 1e6:.1f} MB, and {most}"
    if size > LARGEST and "why" not in page.data["live"]:
        recording = f"Numbers cannot be changed here: with its program {much}. Take a smaller model or input"
        page = make(recording)
        size = page.size
    if size > LARGEST and page.data["arrays"]:
        page = make(recording, carries=False)
        page.data["notes"].append(f"Without the arrays that show steps from inside: {much}")
        size = page.size
    if size > LARGEST and training is not None:
        data = sum(x.nbytes for x in training.data) * 4 / 3e6  # as base64
        raise ValueError(f"explore: {much}: data= takes {data:.1f} MB; take fewer examples, or a smaller model")
    if size > LARGEST:
        page.data["notes"].append(f"This page has {size / 1e6:.1f} MB: a smaller max_nodes= leaves steps out")
    return page


def _shown(
    rows: list[Explained], steps: list[Step], groups: View, depth: int | None, marked: Marked, failure: Failure | None
) -> dict[str, Any]:  # fmt: skip
    """What the page shows of the graph."""
    member = {step.id: group.id for group in groups.groups for step in group.steps}
    listing = Listing(row.source for row in rows)
    return {
        "code": listing.files,
        "steps": _steps(rows, steps, groups.groups, member, depth, listing, failure),
        "backward": [row.step.id for row in reversed(rows) if row.gradient is not None],
        "marked": {str(member[number]): colour for number, colour in marked.steps.items()},
        "path": sorted({member[number] for number in marked.path}),
        "failure": failure and _failure(failure, steps, member),
        "memory": None if failure else memory_of(steps).for_page(member),
        "cells": {call.path: call.gates for step in steps for call in step.calls if call.gates is not None},
    }


def _words(tokens: Sequence[Any] | None, lengths: set[int]) -> list[Any] | None:
    """Tokens as text, in one list or in a list for each example; some array must have an axis as long as they are."""
    if isinstance(tokens, str):
        raise TypeError("tokens is a list of words, or a list of such lists, not one text: write text.split() or list(text)")
    if tokens is None:
        return None
    words = [str(t) if isinstance(t, str) or np.ndim(t) == 0 else list(map(str, t)) for t in tokens]
    longest = max((len(one) for one in words if isinstance(one, list)), default=len(words))
    if longest not in lengths:
        raise ValueError(f"explore: tokens= has {longest} words, but no array has an axis of length {longest}")
    return words


def _training(target: Any, data: Any, **options: Any) -> Training | None:
    """What the page trains; without data there is nothing to train with."""
    if data is not None:
        return Training(target, data, **options)
    usual = {"seed": 0}
    if given := [f"{name}=" for name, value in options.items() if value is not usual.get(name)]:
        raise ValueError(f"explore: {', '.join(given)} without data=: a page trains with arrays of examples, data=(X, y)")
    return None


def _failure(failure: Failure, steps: list[Step], member: dict[int, int]) -> dict[str, Any]:
    number = next(member[step.id] for step in steps if step.node is failure.node)
    return failure.for_page(number, place(failure.source))


def _path_before(
    target: Any, path: str | os.PathLike[str] | None, inputs: tuple[Any, ...]
) -> tuple[str | os.PathLike[str] | None, tuple[Any, ...]]:
    """The path, where it stands before the inputs: None, a path, or a name that ends with .html."""
    if path is not None or not inputs:
        return path, inputs
    first, *rest = inputs
    is_name = isinstance(first, str) and (not callable(target) or first.lower().endswith((".html", ".htm")))
    if first is None or is_name or isinstance(first, os.PathLike):
        return first, tuple(rest)
    return None, inputs


def _steps(
    rows: list[Explained], steps: list[Step], groups: list[Group], member: dict[int, int], depth: int | None, listing: Listing,
    failure: Failure | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """All that the page shows of each step: those of a class are alike."""
    classes: dict[Any, int] = {}
    keys, calls = alike(steps), boxes(steps)
    summarise = Summariser(len(rows))
    shown = []
    for row, group in zip(rows, groups, strict=True):
        step = _step(row, group, member, summarise)
        around = calls[row.step.id]
        kept = [c for c in around if c.path or depth == 0]  # the model itself is a box only where it is closed
        step["calls"] = [[c.path, c.number, c.kind] for c in kept]
        step["shut"] = kept.index(around[depth]) if depth is not None and depth < len(around) and around[depth] in kept else -1
        step["variable"] = variable_of(row.step.node)
        if failure and any(one.node is failure.node for one in group.steps):
            step |= {"failed": failure.label, "short": "failed", "shapes": "failed"}
        step["line"] = listing.place(row.source)
        step["alike"] = classes.setdefault(keys[row.step.id], len(classes))
        shown.append(step)
    return shown


def _step(row: Explained, group: Group, member: dict[int, int], summarise: Summariser) -> dict[str, Any]:
    """All that the page shows of a step."""
    step = row.step
    summary, _, rest = step.doc.strip().partition("\n")
    return {
        "id": step.id,
        "count": len(group.steps),
        "kind": step.kind,
        "fixed": step.data is not None,
        "op": step.op,
        "label": row.label,
        "call": row.call,
        "shape": step.shape,
        "dtype": None if step.dtype is None else str(step.dtype),
        "shapes": ", ".join(map(dimensions, step.shapes)),
        "bytes": memory_size(step.bytes),
        "output": step.output,
        "order": step.order,
        "derivative": step.derivative,
        "rule": member.get(step.rule) if step.rule is not None else None,
        "states": ", ".join(sorted(set(re.findall(r"\b(\w+)_\{t-1\}", step.doc.partition("\nd")[0])), reverse=True)),
        "summary": summary.replace("`", ""),
        "doc": rest.strip("\n"),
        "source": row.source and f"{place(row.source)}: {row.source.partition(': ')[2]}",
        "given": given(step, member),
        "inputs": [[member[source], dimensions(shape)] for source, shape, _ in step.inputs],
        "formula": _formula(row.formula),
        "value": summarise(row.value),
        "short": _short(row.value, step),
        "arrives": [number(g) for g in row.arrives],
        "gradient": summarise(row.gradient),
        "size": None if row.gradient is None else _size(row.gradient),
        "shortGradient": "" if row.gradient is None else f"gradient {_short(row.gradient, step, norm=True)}",
        "rules": [
            {
                "to": member[rule.to],
                "label": rule.label,
                "formula": _formula(rule.formula),
                "local": _local(rule, row.gradient),
                "sent": number(rule.sent),
                "norm": norm_of(rule.sent),
                "odd": _odd(rule.sent),
            }
            for rule in row.rules
        ],
    }


def _formula(formula: Formula | None) -> dict[str, str] | None:
    if formula is None:
        return None
    return {"math": formula.math(), "numbers": formula.math_with_numbers()}


def _local(rule: Rule, gradient: Any) -> dict[str, str] | None:
    """The derivative itself, for an incoming gradient of 1, where all is single numbers."""
    numbers = None if rule.formula is None else rule.formula.numbers
    if rule.formula is None or not numbers or "g" not in numbers or isinstance(gradient, tuple):
        return None
    arriving = host(gradient)
    if host(rule.sent).size != 1 or arriving.size != 1 or not arriving.all():
        return None
    local = rule.formula.local()
    return {"left": printable(local.left), "math": local.math_with_numbers(), "value": number(host(rule.sent) / arriving)}


def _size(gradient: Any) -> float | None:
    """The root mean square of a gradient; None where it is no number."""
    size = rms(gradient)
    return float(size) if isfinite(size) else None


def _odd(values: Any) -> list[int]:
    """How many elements are NaN, and how many infinite."""
    parts = [host(part) for part in (values if isinstance(values, tuple) else (values,)) if part is not None]
    real = [part for part in parts if part.dtype.kind in "fc"]
    return [sum(int(np.isnan(part).sum()) for part in real), sum(int(np.isinf(part).sum()) for part in real)]


def _short(value: Any, step: Step, norm: bool = False) -> str:
    """What fits below a node: a single number, else the shape; of a gradient its root mean square."""
    if value is not None and not isinstance(value, tuple) and host(value).size == 1:
        return number(host(value).reshape(()))
    return f"rms {rms(value):.2g}" if norm else ", ".join(map(dimensions, step.shapes))
