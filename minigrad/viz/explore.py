"""A graph as one page: pan, search and click through it, and play it forwards and backwards with its numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from math import hypot, isfinite
from typing import Any

import numpy as np

from ..tensor import Tensor
from .capture import variable_of
from .code import Listing
from .derivatives import with_gradients
from .explain import Explained, Rule, explained, place
from .failure import STOPPED, Failure
from .formula import Formula
from .given import arrays, given
from .highlight import Marked, mark
from .live import attempt, for_page
from .memory import memory_of
from .numbers import dimensions, host, memory_size, number, rms
from .page import Page
from .questions import questions_of
from .summary import Summariser
from .target import failed, prepared, resolve, steps_of
from .text import printable
from .training import Training
from .unchanged import as_before
from .view import Group, alike, boxes, check, view
from .walk import Step

__all__ = ["explore"]

#: The parts of the page, each after those that it uses.
SCRIPTS = (
    "values.js",
    "formula.js",
    "features.js",
    "summary.js",
    "edit.js",
    "live.js",
    "numbers.js",
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
    training = None if data is None else Training(target, data, optimizer, batch, seed, loss)
    if training is not None:
        target, inputs = training.objective, tuple(training.first)
    inputs = tuple(prepared(target, inputs, names)) if callable(target) else inputs
    make = partial(_graph, target, inputs, names, derivative=derivative)
    failure = failed(target)
    with nullcontext() if training is None else as_before(target):
        recording = STOPPED if failure else attempt(make, target, inputs, gradient, max_nodes) if live else ""
        tensors, steps, marked = _graph(target, inputs, names, highlight, derivative)
    groups = view(steps, None, "unrolled", max_nodes)
    check(depth, repeats or "unrolled")
    member = {step.id: group.id for group in groups.groups for step in group.steps}
    rows = explained(tensors, steps, gradient, {group.id for group in groups.groups})
    listing = Listing(row.source for row in rows)
    alive, functions = for_page(recording, rows)
    places = [step["input"] for step in alive["steps"]] if "steps" in alive else [None] * len(rows)
    trained = training and training.for_page(functions, rows, places)
    shown = {
        "title": title,
        "notes": [*groups.notes, *marked.notes],
        "direction": direction,
        "repeats": repeats,
        "code": listing.files,
        "steps": _steps(rows, steps, groups.groups, member, depth, listing, failure),
        "backward": [row.step.id for row in reversed(rows) if row.gradient is not None],
        "marked": {str(member[number]): colour for number, colour in marked.steps.items()},
        "path": sorted({member[number] for number in marked.path}),
        "failure": failure and _failure(failure, steps, member),
        "memory": None if failure else memory_of(steps).for_page(member),
        "live": alive,
        "tokens": _words(tokens, {n for step in steps for shape in step.shapes for n in shape}),
        "arrays": arrays(rows) if "why" in alive else {},
        "quiz": {"on": False, "questions": [question.data() for question in questions_of(rows)]},
        **({"training": trained} if trained else {}),
    }
    script = functions.script if trained or "why" not in alive else ""
    page = Page(title, shown, SCRIPTS, graphviz=True, program=script)
    page.rows = rows
    if path is not None:
        page.write(path)
    return page


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


def _graph(
    target: Any, inputs: tuple[Any, ...], names: Any, highlight: Any = None, derivative: int = 0
) -> tuple[list[Tensor], list[Step], Marked]:
    """The tensors that are shown, the steps that lead to them, and what is marked."""
    tensors, names = resolve(target, inputs, names, or_failed=True)
    steps = steps_of(target, tensors, names)
    if failed(target):
        return tensors, steps, Marked()
    marked = mark(highlight, tensors, steps)
    if derivative:
        steps, tensors = with_gradients(tensors, steps, names, derivative)
    return tensors, steps, marked


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
                "norm": _norm(rule.sent),
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


def _norm(gradient: Any) -> float | None:
    """The root of the sum of the squares of what is sent back; None where it is no number."""
    parts = [host(part) for part in (gradient if isinstance(gradient, tuple) else (gradient,)) if part is not None]
    norm = hypot(*(float(np.linalg.norm(part.astype(complex if part.dtype.kind == "c" else float))) for part in parts))
    return norm if isfinite(norm) else None


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
