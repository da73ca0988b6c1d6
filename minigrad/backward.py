"""The backward pass: the chain rule, from the newest node to the oldest.

Three things: `schedule` (which node is next, and which are needed), `apply` (what the rule of a node sends
to each of its inputs; the one place that knows what a rule is) and `accumulate` (the one place that adds).
`propagate` is the loop over them.

Inside, a gradient `g` is the *cotangent* of a node: for a real tensor simply dL/dx.  For a complex
z = a + ib it is dL/da - i dL/db, because with this choice the rule of a holomorphic op is the one of
the textbook, dx = g f'(x), without any conjugate.  Users see PyTorch's convention, the conjugate
of it, dL/da + i dL/db, so that a step along -grad descends; the two meet in `outside`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from . import backend, graph, later, passes, tracing
from .accumulate import accumulate_leaf, of_one_example, outside, own
from .arrays.batch import OneAtATime, all_examples, newest, settled
from .arrays.fallback import apply_rule, rescued
from .cotangents import INPUT, Cotangents, fit, pick
from .devices import follow, moving, on_gpu_of
from .graph import Node
from .masked import (
    EVERYWHERE,
    BehindMask,
    Sent,
    closed,
    either,
    has_no_zero,
    is_finite,
    masks,
    mended,
    sent_below,
    sent_to,
)  # fmt: skip
from .schedule import Schedule, needed_by
from .tensor import Tensor, raw, wrap
from .trial import Trial, is_running, may_run, on_trial

#: What receives the contributions of a rule: a parent and what belongs to it.
Send = Callable[[Node, Any], object]
#: Gets the number of a parent, its contribution, the gradient and what the rules read.
Mend = Callable[[int, Any, Any, Any], Any]

#: Is called with each tensor whose `backward` begins in this thread and async task, where somebody wants to know.
begins: ContextVar[Callable[[Tensor], object] | None] = ContextVar("begins", default=None)

__all__ = [
    "apply", "apply_masked", "backward", "begins", "ends", "given_gradient", "gradients", "propagate", "seed",
]  # fmt: skip


def backward(
    self: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:  # fmt: skip
    """Add the gradient of this tensor to the `.grad` of every leaf that it was computed from.

    Args:
        gradient: the gradient of some scalar with respect to this tensor (same shape); may be left out
            where this tensor is itself a scalar.
        retain_graph: keep what the rules read, for a second backward pass.  By default as `create_graph`.
        create_graph: record the backward pass too, so that the gradients can be differentiated.
        inputs: tensors, leaves or computed: only their `.grad` is added to, and only what leads to them
            is computed.

    Raises:
        RuntimeError: this tensor, or one of the inputs, does not require a gradient; no inputs are given.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> (x ** 3).backward(create_graph=True)      # x.grad = 3 x^2 = 12
    >>> first, x.grad = x.grad, None
    >>> first.backward()                          # d/dx 3 x^2 = 6 x
    >>> x.grad
    Tensor(12., dtype=float32)
    """
    if self._node is None:
        raise RuntimeError(
            "backward() of a tensor that does not require a gradient: it was made from constants, "
            "inside no_grad(), or after detach(); make its inputs with requires_grad=True"
        )
    if (told := begins.get()) is not None:
        told(self)
    targets = None if inputs is None else _targets(inputs)
    with passes.entered(self) if passes.around else nullcontext():
        _backward(self, gradient, targets, create_graph, retain_graph)


def _backward(
    self: Tensor, gradient: Any, targets: list[Node] | None, create_graph: bool, retain_graph: bool | None
) -> None:
    """The pass, and the gradients of the targets."""
    seeds = [seed(self, gradient, create_graph)]
    found = propagate([self], seeds, targets, create_graph, retain_graph)
    for node in list(found):
        g = found.pop(node)
        with on_gpu_of(g):
            accumulate_leaf(node, g, create_graph)


def _targets(inputs: Tensor | Sequence[Tensor]) -> list[Node]:
    """The nodes of the tensors that `backward(inputs=...)` is for."""
    tensors = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    nodes = [x._node for x in tensors if isinstance(x, Tensor) and x._node is not None]
    if not tensors or len(nodes) < len(tensors):
        what = "got none" if not tensors else "one of them does not"
        raise RuntimeError(f"backward(inputs=...) takes tensors that require a gradient: {what}")
    return nodes


Tensor.backward = backward  # type: ignore[method-assign]


def ends(inputs: Sequence[Tensor]) -> list[Node | None]:
    """The nodes of the tensors whose gradients are asked for.

    Raises:
        RuntimeError: the gradient of one is redirected, so that `backward()` alone completes it.
    """
    nodes = [x._node for x in inputs]
    for i, n in enumerate(nodes):
        if n is not None and n.info is not None and n.info.receive is not None:
            raise RuntimeError(
                f"the gradient of inputs[{i}] (shape {n.shape}) is redirected, as DataParallel does with its parameters: "
                "what would come here is this rank's own part. Call backward() and read .grad, the mean over the ranks; or take "
                "functional_call(model.module, ...), which is not redirected, and average its gradient by distributed.all_reduce"
            )
    return nodes


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Any],
    create_graph: bool = False,
    retain_graph: bool | None = None,
    search: bool = True,
) -> list[Tensor | None]:
    """The gradients of the outputs with respect to the inputs, None where there is no path; no `.grad` changes.

    `search` finds the paths first, so that nothing beside them is computed; without it only what is older
    than the inputs is left out, which is enough, and faster, where the inputs are new leaves.

    Raises:
        RuntimeError: the gradient of an input is redirected; only `backward()` completes it.
    """
    targets = ends(inputs)
    seeds = [seed(y, g, create_graph) for y, g in zip(outputs, grad_outputs, strict=True)]
    nodes = [n for n in targets if n is not None]
    found = propagate(outputs, seeds, nodes, create_graph, retain_graph, search)
    del seeds
    results: list[Tensor | None] = []
    for n in targets:
        g = None if n is None else found.pop(n, None)
        if g is None and n is not None and n in targets[: len(results)]:
            g = results[targets.index(n)]  # the same input again
        results.append(None if g is None else own(g))
    return results


def propagate(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Any],
    targets: Sequence[Node] | None,
    create_graph: bool,
    retain_graph: bool | None,
    search: bool = True,
    of_a_rule: bool = False,
) -> dict[Node, Any]:
    """Send cotangents from the outputs down the graph.

    With `targets` the cotangents of these nodes are returned, and only what lies between is computed;
    without, they are added to `.grad` of all leaves.  A pass `of_a_rule` ends at its targets, also where one of them leads
    to another, which the pass around it will find out (see `minigrad.trial.may_run` too).
    """
    recorder = tracing.recorder.get()
    if recorder is not None and not of_a_rule:
        recorder.goes_back(outputs, targets or ())
    keep = create_graph if retain_graph is None else retain_graph
    this = Pass(outputs, cotangents, targets, create_graph, keep, search, of_a_rule)
    if not this.may_be_on_trial() or not may_run(outputs, cotangents, of_a_rule):
        return _pass(this)
    found = on_trial(partial(_pass, this), outputs, create_graph, keep)
    return _pass(this) if found is None else found


@dataclass(slots=True)
class Pass:
    """What a backward pass is asked for; the attributes are the arguments of `propagate`."""

    outputs: Sequence[Tensor]
    cotangents: Sequence[Any]
    targets: Sequence[Node] | None
    create_graph: bool
    keep: bool
    search: bool
    of_a_rule: bool

    def may_be_on_trial(self) -> bool:
        """Whether it is on a GPU, traced, or inside of a trial; so NumPy's passes need not look further."""
        if not self.cotangents:
            return False
        return type(self.cotangents[0]) is not ndarray or type(self.outputs[0]._array) is not ndarray or is_running()

    def seen(self) -> AbstractContextManager[Callable[[Node], object] | None]:
        """Where somebody observes: what wants to know whose rule runs."""
        is_seen = not self.of_a_rule and graph.observer() is not None
        return graph.rules_seen() if is_seen else nullcontext()


def _pass(this: Pass, trial: Trial | None = None) -> dict[Node, Any]:
    """A backward pass, with care or on trial."""
    schedule, targets = Schedule(this.outputs, this.cotangents), this.targets
    needed = None if targets is None else needed_by(schedule.waiting, targets, this.search)
    found: dict[Node, Any] = dict.fromkeys(targets or ())
    mode = graph.set_grad_enabled(this.create_graph) if graph.special else nullcontext()
    with mode, _behind_mask(this.outputs, this.cotangents) as masked, moving() as move_to, this.seen() as see:
        _visit_all(this, schedule, needed, found, masked, trial, move_to, see)
    return {n: g for n, g in found.items() if g is not None}


def _visit_all(
    this: Pass,
    schedule: Schedule,
    needed: Callable[[Node], bool] | None,
    found: dict[Node, Any],
    masked: BehindMask,
    trial: Trial | None,
    move_to: Callable[[Any], None] | None,
    see: Callable[[Node], object] | None,
) -> None:
    """The loop: the rule of one node after the other sends to its parents."""
    create_graph, keep = this.create_graph, this.keep
    take, send = schedule.next, schedule.add
    while True:
        if schedule.heap or schedule.near is None:
            following = take()
            if following is None:
                break
        else:  # along a chain nothing else waits: not to ask saves 3 % (measured)
            following, schedule.near = schedule.near, None
        node, g = following
        following = None  # or g would have one reference more, and not be added to in place
        if move_to is not None:  # there are several GPUs
            move_to(g)
        if node.info is not None:
            g = _visit(node, g, create_graph)
            if node.info.behind_mask:
                masked[node] = node.info.behind_mask[0]
        parents = node.parents
        if needed is not None:
            if node in found:
                found[node] = g
                if this.of_a_rule:
                    continue
            parents = tuple([p if p is not None and needed(p) else None for p in parents])
            if not any(parents):
                continue
        elif node.op is None:
            if trial is None:
                accumulate_leaf(node, g, create_graph)
            else:
                trial.leaves[node] = g
            continue
        if see is not None:
            see(node)
        if node.op.masks or (masked and node in masked):
            apply_masked(node, g, parents, send, create_graph, masked, trial is not None)
        else:
            apply(node, g, parents, send, create_graph)
        if trial is not None:
            trial.note(node, g)
        elif not keep and node.op.saves_arrays:
            node.saved = None
        g = None


# ------------------------------------------------------------------------------------- apply


def apply(
    node: Node,
    g: Any,
    parents: Sequence[Node | None],
    send: Send,
    create_graph: bool = False,
    mend: Mend | None = None,
) -> None:
    """Run the rule of a node, and send each of its parents what belongs to it.

    Args:
        g: the cotangent of the node's output.
        parents: the node's parents, None in place of those that need nothing.
        send: is called with a parent and its contribution.
        create_graph: run the rule on Tensors, which records it.
        mend: behind a mask, gets each contribution before it is sent (`_mended`).

    Raises:
        RuntimeError: a backward pass has freed what the rule reads, or an in-place write has changed it.
    """
    op, saved = node.op, node.saved
    if saved is None or node.order < graph.last_mutation:
        graph.check_saved(node)
    try:
        if type(g) is Cotangents:
            g = g.complete(node.outputs)
        rules, together = op.rules, None
        if create_graph or not op.separate:
            if op.composite is not None and (create_graph or not op.rules):
                return _through_composite(node, g, parents, send, create_graph)
            saved = _revive(node) if create_graph else saved
            together = _jointly(op, g, parents, saved) if op.joint else None
        i = -1
        for parent in parents:
            i += 1
            if parent is None:
                continue
            try:
                c = rules[i](g, *saved[i]) if together is None else together[i]
            except Exception as error:
                c = rescued(op.name, rules[i], (g, *saved[i]), error)
            plain = type(c) is ndarray
            if not plain:
                if c is None and op.joint:  # which says so that it sends nothing here
                    continue
                if c is None:
                    raise TypeError(f"the rule of {op.name} for {op.inputs[i]} returned None")
                c = c if hasattr(c, "shape") else backend.as_array(c)
            if mend is not None:
                c = mend(i, c, g, saved)
            if not plain:
                c = settled(c, parent.order)
            if c.shape != parent.shape or c.dtype is not parent.dtype:
                c = fit(c, parent.shape, parent.dtype)
            if graph.special and graph.is_anomaly_enabled():
                _check_finite(c, node)
            send(parent, c)
            c = None
    except Exception as error:
        _say_where(error, node)
        raise


def _behind_mask(outputs: Sequence[Tensor], cotangents: Sequence[Any]) -> BehindMask:
    """What is behind a mask when a backward pass begins."""
    masked = BehindMask()
    if graph.behind_mask.get():
        pairs = zip(outputs, cotangents, strict=True)
        masked.update((y._node, sent_to(g)) for y, g in pairs if y._node is not None)
    return masked


def apply_masked(
    node: Node,
    g: Any,
    parents: Sequence[Node | None],
    send: Send,
    create_graph: bool,
    masked: BehindMask,
    on_trial: bool = False,
) -> None:
    """`apply` where a masking op is above, or is this one: so it is for what lies below.

    On trial nothing is mended, since that needs a look at the numbers.
    """
    if on_trial and (not create_graph or later.recorder_of(all_examples(raw(g))) is not None):
        masked.silence()
        return apply(node, g, parents, send)
    if node.saved is None:
        graph.check_saved(node)
    masking = masks(node)
    if not masking and node not in masked:
        return apply(node, g, parents, send, create_graph)
    sent = masked.pop(node, EVERYWHERE)
    op, i = node.op, -1
    for parent in parents:
        i += 1
        if parent is None or parent.op is None:
            continue
        below = None  # of a product, say: its own zeros are as good as those of the mask
        if not masking and (sent is EVERYWHERE or (op.elementwise and parent.shape == node.shape)):
            below = sent
        elif parent.shape is not None and (masking or not op.saves_arrays):
            below = sent_below(sent, node, g, partial(_once_more, node, i, parents, node.saved))
        masked[parent] = either(masked[parent], below) if parent in masked else below
    if masking:
        send = send if on_trial else partial(_send_noting, send, masked)
    if not op.saves_arrays:
        return apply(node, g, parents, send, create_graph)
    masked.silence()
    token = graph.behind_mask.set(True)
    try:
        apply(node, g, parents, send, create_graph, partial(_mended, node, parents, sent, masking, on_trial))
    finally:
        graph.behind_mask.reset(token)


def _send_noting(send: Send, masked: BehindMask, parent: Node, c: Any) -> None:
    """Send what a masking op sends; where none of it is 0, the mask is open everywhere."""
    if parent in masked and has_no_zero(c):
        masked[parent] = EVERYWHERE
    send(parent, c)


def _once_more(
    node: Node, i: int, parents: Sequence[Node | None], saved: Any, g: Any, fitted: bool = True
) -> Any:
    """What a rule gives for another gradient, or from other values than those that it read."""
    op, parent = node.op, parents[i]
    if op.joint:
        c = _jointly(op, g, parents, saved)[i]
    else:
        c = apply_rule(op.name, op.rules[i], (g, *saved[i]))
    return fit(c, parent.shape, parent.dtype) if fitted and parent is not None else c


def _mended(
    node: Node, parents: Sequence[Node | None], sent: Sent | None, masking: bool, on_trial: bool,
    i: int, c: Any, g: Any, saved: Any,
) -> Any:  # fmt: skip
    """The contribution to parent number i, behind a mask (`minigrad.masked`)."""
    if not on_trial and not is_finite(c):
        if graph.special and graph.is_anomaly_enabled():
            _check_finite(c, node)
        at = 0 if node.op.joint else i

        def rule(g: Any, reads: Any) -> Any:
            return _once_more(node, i, parents, {at: reads}, g, fitted=False)

        whole = node.info is not None and bool(node.info.behind_mask)
        c = mended(c, g, partial(closed, sent, whole), node.op.elementwise, masking, rule, saved[at])
    if sent is not EVERYWHERE and isinstance(c, Tensor) and c._node is not None:
        # Where nothing was sent its own derivatives are 0 too.
        same = node.op.elementwise and c.shape == node.shape
        c._node.annotate().behind_mask = (sent if same else None,)
    return c


def _jointly(op: Any, g: Any, parents: Sequence[Node | None], saved: Any) -> Sequence[Any]:
    """The contributions of a joint rule."""
    found = apply_rule(op.name, op.rules[0], (g, tuple(map(bool, parents)), *saved[0]))
    if not isinstance(found, (tuple, list)) or len(found) != len(parents):
        count = f"{len(parents)} gradients, one for each input"
        raise TypeError(f"the joint rule of {op.name} must return a sequence of {count}")
    return found


def _say_where(error: Exception, node: Node) -> None:
    """Add to an error which op's gradient it is from, once, and the line that called the op."""
    if not getattr(error, "__notes__", None):
        error.add_note(f"in the gradient of {node.op.name}, whose output has shape {node.shape}")
        if node.info is not None and node.info.source:
            error.add_note(f"the op was called at {node.info.source}")


def _revive(node: Node) -> list[Any]:
    """What the rules read, as Tensors tied to the nodes that the values belong to."""
    op = node.op

    def tie(name: str, value: Any) -> Any:
        if name == "out":
            if isinstance(value, (tuple, list)):
                return tuple(pick(node, i, v) for i, v in enumerate(value))
            return wrap(value, node)
        if name in op.extras and getattr(value, "dtype", np.dtype(bool)).kind in "fc":
            raise NotImplementedError(
                f"the rule of {op.name} reads the extra {name!r}, whose own derivative is not known, "
                "so it has no second derivative: give the op composite=, the same of other ops"
            )
        if name not in op.inputs:
            return value
        if name == op.sequence:
            pairs = zip(value, node.parents, strict=False)
            return tuple(v if p is None else wrap(v, p) for v, p in pairs)
        parent = node.parents[op.inputs.index(name)]
        return value if parent is None else wrap(value, parent)

    pairs = zip(op.reads, node.saved, strict=False)
    return [None if values is None else tuple(map(tie, reads, values)) for reads, values in pairs]


def _through_composite(
    node: Node, g: Any, parents: Sequence[Node | None], send: Send, create_graph: bool
) -> None:
    """The gradients of a fused op, by differentiating its composite at the saved inputs.

    Where they are to be differentiated again, every input is tied to its node, not only those whose
    gradient is asked for: the gradient with respect to one depends on the others.
    """
    op = node.op
    proxies: list[Node | None] = []

    def proxy(value: Any) -> Any:
        parent = node.parents[len(proxies)]
        tied = parent is not None and (create_graph or parents[len(proxies)] is not None)
        end = Node(INPUT, (parent,), ((),), value.shape, value.dtype) if tied else None
        proxies.append(end)
        return wrap(value, end) if tied else value

    values = dict(node.saved[-1])
    with graph.recording():
        for name in op.inputs:
            value, several = values[name], name == op.sequence
            values[name] = tuple(map(proxy, value)) if several else proxy(value)
        out = op.call(values, op.composite)
    outs = out if isinstance(out, (tuple, list)) else (out,)
    wanted = [(end, p) for end, p in zip(proxies, parents, strict=True) if end and p]
    seeds, targets = g if isinstance(g, tuple) else (g,), [end for end, _ in wanted]
    found = propagate(outs, seeds, targets, create_graph, None, of_a_rule=True)
    for end, parent in wanted:
        if end in found:
            send(parent, settled(found[end], parent.order))


@follow
def seed(output: Tensor, gradient: Any, create_graph: bool) -> Any:
    """The cotangent that the backward pass starts with."""
    data = output._array
    if gradient is None:
        if data.size != 1:
            raise RuntimeError(
                "backward() without a gradient needs a tensor of one element, this one has shape "
                f"{data.shape}: reduce it first (.sum(), .mean()), or pass backward(gradient)"
            )
        if data.dtype.kind == "c":
            raise RuntimeError(
                "backward() of a complex tensor needs a gradient: make it real first"
            )
        gradient = np.ones_like(data)
    elif not isinstance(gradient, (Tensor, list, tuple)) and not backend.is_array(gradient):
        gradient = np.full_like(data, gradient)
    else:
        gradient = given_gradient(gradient, data, "the gradient")
        if isinstance(gradient, Tensor) and not create_graph:
            gradient = gradient._array
    if newest(data) is not None:  # inside of vmap a gradient belongs to each example
        gradient = np.multiply(np.ones_like(data), gradient)
    if gradient.shape != data.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape}, but the tensor has shape {data.shape}"
        )
    if gradient.dtype.kind == "c" and data.dtype.kind != "c":
        raise TypeError(
            f"the gradient is complex, but the tensor is {data.dtype}: its imaginary part would be lost; pass gradient.real"
        )
    if gradient.dtype != data.dtype:
        gradient = fit(gradient, data.shape, data.dtype)
    if gradient.dtype.kind == "c":
        gradient = np.conj(gradient)
    return wrap(gradient, None) if create_graph and not isinstance(gradient, Tensor) else gradient


def given_gradient(gradient: Any, data: Any, what: str) -> Any:
    """A gradient of the user's beside the data that it belongs to: NumPy's arrays and lists of numbers go there.

    Raises:
        RuntimeError: a Tensor, or an array of a GPU, is on another device.
    """
    data = all_examples(data)
    if isinstance(gradient, (list, tuple)):
        gradient = backend.make_array(gradient, None, None)  # which says what is wrong with a list
    if not hasattr(gradient, "dtype"):
        return gradient
    own = all_examples(raw(gradient))
    if type(gradient) is ndarray and type(data) is not ndarray:
        return backend.beside(gradient, data)
    if type(own) is not type(data) or type(data) is not ndarray:
        places = {what: backend.device_of(own), "the tensor": backend.device_of(data)}
        if (error := backend.apart(places, "backward()")) is not None:
            raise error
    return gradient


def _visit(node: Node, g: Any, create_graph: bool) -> Any:
    """Hooks and `retain_grad` of a node whose cotangent is complete."""
    info = node.info
    if info is None or not (info.hooks or info.retain):
        return g
    if of_one_example(node, g):
        raise OneAtATime("hooks and retain_grad() see one gradient at a time")
    seen = outside(g).clone()  # type: ignore[attr-defined]  # a hook may write into it
    for hook in list(info.hooks.values()):
        replaced = hook(seen)
        if replaced is not None:
            replaced = given_gradient(replaced, seen._array, "what a hook returned")
            seen = replaced if isinstance(replaced, Tensor) else Tensor(replaced)
            if seen.shape != node.shape:
                shapes = f"{seen.shape} for a tensor of shape {node.shape}"
                raise ValueError(f"a hook returned a gradient of shape {shapes}")
    if info.retain and node.op is not None:
        kept = seen.clone()  # type: ignore[attr-defined]
        node.grad = kept if node.grad is None else node.grad + kept
    g = seen if create_graph else seen._array
    return np.conj(g) if g.dtype.kind == "c" else g


def _check_finite(c: Any, node: Node) -> None:
    """Anomaly mode: look at one contribution."""
    parts = c.parts.values() if type(c) is Cotangents else (c,)
    source = None if node.info is None else node.info.source
    graph.check_finite(
        [all_examples(raw(p)) for p in parts], node.op.name, "the backward pass", source
    )
