"""Every op states what it computes and what its rules send, and what it states is what it does."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

import minigrad
import nn
from minigrad import Tensor, viz
from minigrad.op import Op
from minigrad.primitive import registry
from minigrad.viz.definition import Definition, Stated, definition
from minigrad.viz.values import backward_flow, values_of

from .formula_evaluator import CannotBeComputed, agrees, values_by_index
from .ops_table import MORE, ROWS
from .samples import Sample

F = nn.functional


@cache
def all_ops() -> dict[str, Any]:
    """The ops of minigrad and nn, all of their modules imported."""
    for package in (minigrad, nn):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".viz.assets" not in found.name and not found.name.endswith("__main__"):
                try:
                    importlib.import_module(found.name)
                except ImportError:  # what is not installed here
                    continue
    modules = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("minigrad", "nn")]
    hidden = [x for m in modules for x in vars(m).values() if isinstance(x, Op)]  # those of checkpoints and of loops
    ops = [*(f.op for f in registry.values()), *hidden]
    return {op.name: op for op in ops if op.forward.__module__.partition(".")[0] in ("minigrad", "nn")}


def test_every_op_states_its_result_and_each_of_its_rules() -> None:
    without = []
    for name, op in all_ops().items():
        found = definition(op)
        without += [f"{name}: {n}" for n in op.inputs if n not in found.rules] + [f"{name}: out"] * (found.out is None)
    assert len(all_ops()) > 250
    assert without == []


#: Formulas that the evaluator cannot compute: prose, whole algorithms, functions of functions, or no sample reaches them.
NOT_COMPUTED = {
    "assign": "dvalue dx out", "betaincinv": "da db", "broadcast_to": "darray out", "chdtri": "dv",
    "concatenate": "out", "conv": "dw dx", "conv_input": "dg dw", "conv_weight": "dg dx", "cross_entropy": "out",
    "cumprod": "da_i", "eig": "da out", "eigh": "da out", "einsum": "out", "expand_dims": "da out", "expi": "out",
    "expm": "dA", "fdtr": "ddfd ddfn dx", "fdtrc": "ddfd ddfn dx", "fdtri": "ddfd ddfn dp", "flip": "dm",
    "fold": "dcolumns", "fresnel": "out", "gammainccinv": "da", "gammaincinv": "da", "getitem": "dx[index] out",
    "hyp0f1": "out", "hyp1f1": "out", "hyp2f1": "out", "linear": "dbias", "logm": "dA", "lu": "da out",
    "max_pool": "dx", "moveaxis": "da out", "nan_to_num": "dx out", "nextafter": "out", "polar": "da out",
    "pool_gather": "dx", "pool_scatter": "dg", "psi": "out", "repeat": "da_i out", "reshape": "da out",
    "roll": "da out", "scatter_add": "dg", "shichi": "out", "sici": "out", "sinc_derivative": "dx out",
    "solve_banded": "dab db out", "solve_sylvester": "da db dq", "solve_triangular": "da db out",
    "sort": "da_{p_i} out_i", "split": "dary out", "sqrtm": "dA", "squeeze": "da out", "stack": "out", "stdtr": "ddf",
    "stdtrit": "ddf", "sum_pool": "dx", "sum_unpool": "dg", "svd": "da out", "swapaxes": "da out", "tile": "dA out",
    "transpose": "da out", "unfold": "dx", "unstack": "dx", "zeta": "out",
}  # fmt: skip

#: Ops whose inputs are matrices: powers and inverses are theirs.
MATRICES = {
    n for n, op in all_ops().items() if op.forward.__module__.rpartition(".")[2] in
    ("decompositions", "factorization", "linalg", "matrix_functions")
}  # fmt: skip
#: What options are about which formulas say nothing, where the op's own signature has no default.
USUAL = {"hermitian": False, "upper": False, "mode": "full"}
#: Ops of nn, which have no row in the table of ops.
V = np.array([0.5, -1.0, 2.0])
VECTORS = [
    Sample(f, (V,)) for f in (
        np.mean, np.var, np.std, np.prod, np.max, np.min, np.cumsum, np.cumprod, minigrad.logsumexp, minigrad.softmax,
        minigrad.log_softmax,
    )
] + [Sample(f, (np.arange(9.0).reshape(3, 3),)) for f in (np.tril, np.triu)]  # fmt: skip
LAYERS = [
    Sample(lambda x, w, b: F.linear(x, w, b), (np.ones((1, 3)) * [1.0, 2.0, -1.0], np.arange(6.0).reshape(2, 3), np.ones(2))),
    Sample(lambda x: F.gelu(x), (np.array([-1.0, 0.5, 2.0]),)),
    Sample(lambda x: F.cross_entropy(x, np.array([1])), (np.array([[1.0, 2.0, 0.5]]),)),
    Sample(lambda x: F.binary_cross_entropy(x, np.array([1.0, 0.0])), (np.array([0.3, 0.6]),)),
]


_NOT_READ = (
    CannotBeComputed, TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError, np.linalg.LinAlgError,
)  # fmt: skip


@cache
def outcomes() -> tuple[set[str], set[str], dict[str, str]]:
    """Of all formulas those that agree with the op, those that could not be computed, and those that do not agree."""
    agree: set[str] = set()
    skipped: set[str] = set()
    wrong: dict[str, str] = {}
    samples = [s for row in (ROWS | MORE).values() for s in row[:6]] + VECTORS + LAYERS
    for sample in samples:
        for name, stated, found, names, actual in _formulas_of(sample):
            key = f"{name}: {stated.left}"
            shape = () if isinstance(actual, tuple) else np.shape(actual)
            if "integral" in stated.right and shape:  # that of the first number
                actual = np.ravel(actual)[0]
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    others = {other.left: other.right for other in found.others}
                    got = values_by_index(stated.left, stated.right, shape, names, others, name in MATRICES)
            except _NOT_READ:
                skipped.add(key)
                continue
            if not np.isfinite(np.asarray(got, complex) if not isinstance(got, tuple) else 0).any():
                skipped.add(key)
            elif agrees(got, actual):
                agree.add(key)
            else:
                wrong[key] = f"{stated.right} gives {got!r:.200}, the op {actual!r:.200} of {str(names):.300}"
    return agree, skipped - agree - wrong.keys(), wrong


def _formulas_of(sample: Sample) -> Iterator[tuple[str, Stated, Definition, dict[str, Any], Any]]:
    """The formulas of all steps of a sample: name of the op, formula, definition, what its names stand for, what the op gives."""
    args = [Tensor(np.array(a), requires_grad=True) for a in sample.args]
    with viz.capture():
        y = sample.f(*args)
    tensors = [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, Tensor) and t.requires_grad]
    if not tensors or any(t.size == 0 for t in tensors):
        return
    steps = viz.walk(tensors)
    if any(step.op is None and 0 in step.shape for step in steps):
        return
    values = values_of(steps, tensors)
    flows = {flow.step.id: flow for flow in backward_flow(tensors, steps, 0.7)}
    for step in steps:
        if step.op is None or step.op not in all_ops():
            continue
        found, op = definition(step.node.op), step.node.op
        if not _has_usual_options(step, found):
            continue
        names = {"out": values[step.id]} | {n: _argument(a, values) for n, a in step.arguments.items()}
        if op.forward.__module__.rpartition(".")[2] in ("fourier", "reduce", "shape"):
            names["n"] = np.size(names[op.inputs[0]])
        if step.op in ("var", "std") and names["mean"] is None:
            names["mean"] = np.mean(names["a"])
        if step.op == "cross_entropy":
            names["w"] = 1.0  # there is one row
        flow = flows.get(step.id)
        if found.out is not None and found.out.left.partition("_")[0] == "out":
            known = {n: v for n, v in names.items() if n != "out"}
            out = values[step.id]
            yield step.op, found.out, found, known, np.stack(out) if "_" in found.out.left and isinstance(out, tuple) else out
        if flow is None:
            continue
        g = flow.total
        letter = "gradient" if "g" in op.inputs else "g"
        names |= {f"{letter}_{i + 1}": part for i, part in enumerate(g)} if isinstance(g, tuple) else {letter: g}
        names |= {f"d{op.inputs[place]}": sent for place, _, sent in flow.sends if op.sequence is None}
        for place, _, sent in flow.sends:
            if op.sequence is None and (rule := found.rules.get(op.inputs[place])) is not None:
                yield step.op, rule, found, names, sent


def _has_usual_options(step: viz.Step, found: Definition) -> bool:
    """Whether the options are the defaults: formulas are about these, and about options that they name."""
    text = " ".join([stated.right for stated in (*found.rules.values(), *found.others)] + [found.out.right if found.out else ""])
    for name, argument in step.arguments.items():
        parameter = step.node.op.parameters.get(name)
        if name in step.node.op.inputs or parameter is None or re.search(rf"\b{name}\b", text):
            continue
        usual = USUAL.get(name, parameter.default)
        if usual is not parameter.empty and (argument.source is not None or argument.value != usual):
            return False
    kinds = [np.dtype(dtype).kind for dtype in (step.dtype, *(dtype for *_, dtype in step.inputs)) if dtype is not None]
    return "c" not in kinds  # rules send cotangents, whose conjugates the formulas are about


def _argument(argument: Any, values: dict[int, Any]) -> Any:
    if argument.source is None:
        return argument.value
    value = values[argument.source]
    return value if argument.output is None else value[argument.output]


def test_formulas_agree_with_the_rules_beside_them() -> None:
    agree, _, wrong = outcomes()
    assert wrong == {}
    assert len(agree) > 250


def test_all_but_few_formulas_are_computed() -> None:
    assert outcomes()[1] == {f"{op}: {left}" for op, lefts in NOT_COMPUTED.items() for left in lefts.split()}
