"""Write docs/ops.md from the definitions of the ops: `python docs/generate.py` (a test compares the result with the file)."""

from __future__ import annotations

import dis
import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import minigrad  # noqa: E402
import minigrad.emath  # noqa: E402
import minigrad.polynomial  # noqa: E402
import nn  # noqa: E402, F401  (its functions add themselves to the reasons)
from minigrad.arrays.fallback import reasons  # noqa: E402
from minigrad.ops.constant import constants  # noqa: E402
from minigrad.primitive import registry  # noqa: E402
from tests.ops_table import INDIRECT, ROWS  # noqa: E402
from tests.scipy_samples import CPU_ONLY  # noqa: E402
from tests.stand_in import table as cupy  # noqa: E402

#: Module -> heading, in the order of the page.
FAMILIES = {
    "arithmetic": "Arithmetic",
    "exponential": "Exponentials and logarithms",
    "trigonometric": "Trigonometric and hyperbolic",
    "complex_domain": "Functions that go on in the complex numbers (numpy.emath)",
    "reduce": "Reductions",
    "scan": "Running sums, sorting",
    "statistics": "Statistics",
    "quantiles": "Quantiles",
    "counting": "Histograms",
    "select": "Choosing by a mask",
    "shape": "Shape",
    "join": "Joining and cutting",
    "index": "Indexing",
    "diagonals": "Diagonals and triangles",
    "padding": "Padding",
    "edit": "Taking out, putting in, choosing",
    "sets": "Sets of values",
    "update": "Writing in place (recorded)",
    "creation": "New arrays",
    "grids": "Grids",
    "conversion": "Dtypes and devices",
    "methods": "Methods with parameters of their own",
    "apply": "Functions of parts of an array",
    "products": "Products",
    "masking": "Parts of rules",
    "linalg": "Linear algebra: equations",
    "factorization": "Linear algebra: factorisations",
    "norms": "Linear algebra: norms",
    "matrix_functions": "Functions of matrices (SciPy)",
    "fourier": "Fourier transforms",
    "differences": "Differences and integrals",
    "interpolation": "Interpolation",
    "convolution": "Convolution of sequences",
    "polynomial": "Polynomials",
    "series": "Series of polynomials (numpy.polynomial)",
    "special": "Special functions: error functions, entropies (SciPy)",
    "gamma": "Special functions: gamma and beta (SciPy)",
    "decompositions": "Linear algebra: LU and polar decompositions (SciPy)",
    "filtering": "Signals: recursive filters (SciPy)",
    "spectral": "Signals: short-time Fourier transforms, the analytic signal (SciPy)",
    "bessel": "Special functions: Bessel, Airy, Struve (SciPy)",
    "elementary": "Special functions: elementary ones, Lambert's W (SciPy)",
    "hypergeometric": "Special functions: hypergeometric, elliptic integrals, power transforms (SciPy)",
    "orthogonal": "Special functions: orthogonal polynomials (SciPy)",
    "probability": "Special functions: distribution functions, combinatorics (SciPy)",
    "window": "Windows: convolution and pooling",
    "batching": "Into vmap and out of it",
    "sparse": "Sparse factors (SciPy)",
    "continuous": "Random numbers: continuous",
    "discrete": "Random numbers: discrete",
    "sampling": "Random numbers: samples of a population",
    "primitive": "The mechanism itself",
    "signal": "Signals (SciPy)",
    "stats": "Distributions (SciPy)",
    "integrate": "Differential equations (SciPy)",
    "optimize": "Optimisation (SciPy)",
}  # fmt: skip

HEAD = """# Every function that can be differentiated

This page is made from the definitions (`python docs/generate.py`); a test holds it to them. `minigrad.registered()` returns
the same list. In the formulas `g` is the gradient of `out`, `dx` that of the input `x`; choices at kinks and ties stand beside
them. *Orders* are those that are checked against finite differences in float64; all rules can be differentiated further,
being NumPy themselves. SciPy's functions need the extra `scipy`.

*Checked on*: where the forward, the first and the second derivative have been compared with those of NumPy.

- *cpu*: in every run of the tests.
- *stand-in*: in every run of the tests, on a stand-in for CuPy's arrays (tests/stand_in) that has CuPy's signatures,
  dtypes and refusals, and computes with NumPy. What it cannot show: CuPy's own numbers.
- *H200*: on a real card, an NVIDIA H200 with CuPy 14.2, all samples that the table of ops had then; *H200 in
  part*: the op has got samples since. What was written since has been seen on no card.
- *the cpu alone*: CuPy lacks the function, or one that its derivatives need, and the error says so.

On a GPU CuPy does some things in its own way: an index out of range wraps, a singular matrix raises nothing, and sums over
repeated indices differ in the last bits from run to run.
"""


def text_of(function: Callable[..., Any]) -> str:
    """A docstring without its examples."""
    kept, example = [], False
    for line in (inspect.getdoc(function) or "").splitlines():
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def entries() -> dict[str, dict[str, Any]]:
    """Family -> function name -> what is known of it."""
    found: dict[str, dict[str, Any]] = {family: {} for family in FAMILIES}

    def entry(function: Any) -> dict[str, Any] | None:
        module, name = function.__module__.rpartition(".")[2], function.__name__.lstrip("_")
        if module not in found or name in constants:
            return None
        item = {"names": [], "texts": [], "op": None, "home": function.__module__, "function": function}
        return found[module].setdefault(name, item)

    for name, function in registry.items():
        if function.__module__.startswith("minigrad.") and (item := entry(function)) is not None:
            item["op"] = name
            item["texts"].append(text_of(function))
    for name, function in minigrad.registered().items():
        if (item := entry(function)) is not None:
            item["names"].append(name)
            if (text := text_of(function)) not in item["texts"]:
                item["texts"].insert(0, text)
    return found


#: Modules of which the page shows every function: heading, and what is to be known of them all.
MODULES = {
    "minigrad.random": (
        "Random numbers",
        "Names, arguments and their order are those of `numpy.random`; one seed, `manual_seed`, gives one result. Where the last "
        "column says so, a draw is a differentiable function of the parameters. Parameters out of their range are a ValueError.",
    ),
    "minigrad.emath": (
        "Functions that go on in the complex numbers",
        "`numpy.emath` on Tensors; NumPy's own functions take a Tensor too. All are differentiable.",
    ),
    "minigrad.polynomial": (
        "Series of polynomials",
        "The functions of `numpy.polynomial` on Tensors, differentiable in the point and in the coefficients.",
    ),
}


def listing(name: str) -> str:
    """All functions of a module in a table, with the first line of what `help` says."""
    module = sys.modules[name]
    heading, text = MODULES[name]
    lines = [f"\n## {heading}: `{name}`\n\n{text}\n\n| function | what it is | gradient |\n|---|---|---|\n"]
    for own in sorted(module.__all__):
        function = getattr(module, own)
        if not callable(function):
            continue
        first = (inspect.getdoc(function) or "").splitlines()[0].replace("|", "\\|")
        lines.append(f"| `{own}` | {first} | {gradient_of(function)} |\n")
    return "".join(lines)


def gradient_of(function: Callable[..., Any]) -> str:
    """What a function is differentiable in; random numbers are in the parameters of a few distributions."""
    family = function.__module__.rpartition(".")[2]
    if family not in ("continuous", "discrete", "sampling", "state"):
        return "yes"
    if function in (minigrad.random.choice, minigrad.random.permutation, minigrad.random.shuffle):
        return "in the elements"
    known = set(inspect.signature(function).parameters) - {"shape", "size", "dtype", "device", "requires_grad"}
    return "in the parameters" if family == "continuous" and (known or "gamma" in function.__name__) else ""


def place(home: str, name: str) -> str:
    """Where a function without a name of NumPy's or SciPy's is found: the name that is public, if there is one."""
    for module, attribute in (("minigrad", name), (home, name), (home, f"_{name}")):
        if hasattr(sys.modules[module], attribute):
            return f"{module}.{attribute}"
    raise LookupError(f"{home} has no {name}")


def ops_in(function: Any, seen: set[Any]) -> set[str]:
    """The ops whose names the code of a function says, or of one of minigrad.ops that it calls; of sizes and indices too."""
    function = inspect.unwrap(function)
    if function in seen:
        return set()
    seen.add(function)
    found, codes = set(), [function.__code__]
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
        for step in dis.get_instructions(code):
            called = function.__globals__.get(step.argval) if step.opname == "LOAD_GLOBAL" else None
            of_an_array = step.opname in ("LOAD_ATTR", "LOAD_METHOD")  # or of NumPy
            if step.argval in registry and (of_an_array or called is registry[step.argval]):
                found.add(step.argval)
            elif inspect.isfunction(called) and called.__module__.startswith("minigrad.ops"):
                found |= ops_in(called, seen)
    return found


def made_of(function: Any) -> str:
    """Of which ops a function is made; those that only shape or convert, where there are no others."""
    used = ops_in(function, set())
    plain = {n for n in used if registry[n].__module__.rpartition(".")[2] in ("shape", "conversion")}
    names = ", ".join(f"`{n}`" for n in sorted(used - plain or used))
    return "made of other ops: orders and devices are theirs" + f" (its code names {names})" * bool(names)


def facts(op: str | None, function: Any) -> str:
    if op is None:
        return made_of(function)
    if op in INDIRECT:
        return f"checked in {INDIRECT[op]}"
    if op not in ROWS:
        raise LookupError(
            f'{op} has no samples: add a row "{op}": [...] to tests/ops_table.py, or say in INDIRECT there what checks it'
        )
    order = max((s.order for s in ROWS[op]), default=2)
    return f"orders 1 to {order}; {checked_on(op)}"


def seen_on_card() -> dict[str, int]:
    """The rows of the table that have run on a real GPU, and how many samples they had."""
    lines = (ROOT / "tests" / "seen_on_card.txt").read_text("utf-8").splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return {name: int(count) for name, count in pairs}


SEEN = seen_on_card()


def checked_on(op: str) -> str:
    """Where the samples of an op have run, and why on the cpu alone."""
    if op in CPU_ONLY:
        return f"checked on the cpu alone: {why_not(op)}"
    places = ["cpu", "stand-in"]
    if op in SEEN:
        places.append("H200" if SEEN[op] >= len(ROWS[op]) else "H200 in part")
    else:
        places.append("not seen on a card")
    return "checked on " + ", ".join(places)


def why_not(op: str) -> str:
    """What CuPy lacks of a function that runs on the cpu alone."""
    for part in ("special", "linalg", "signal"):
        if op in cupy.MEMBERS[f"cupyx.scipy.{part}"]:
            return f"CuPy has {op}, but lacks a function that its derivatives need"
    return f"CuPy has no {op}"


def page() -> str:
    parts = [HEAD]
    for family, items in entries().items():
        if not items:
            continue
        parts.append(f"\n## {FAMILIES[family]}\n")
        for name in sorted(items):
            item = items[name]
            names = ", ".join(f"`{n}`" for n in item["names"]) or f"`{place(item['home'], name)}`"
            head = f"\n**{name}**: {names}; {facts(item['op'], item['function'])}\n\n"
            parts.append(f"{head}```text\n" + "\n\n".join(item["texts"]) + "\n```\n")
    listed = ", ".join(f"`{name}`" for name in sorted(constants))
    parts.append(f"\n## Constants\n\nThese work on Tensors, and their results have no gradient: {listed}.\n")
    parts.extend(map(listing, MODULES))
    parts.append(
        "\n## Under vmap\n\nAll run on all examples at once, except these, which run for one after the other and are counted\n"
        "in `minigrad.arrays.fallbacks`:\n\n"
    )
    parts.extend(f"- `{name}`: {reason}\n" for name, reason in sorted(reasons.items()))
    return "".join(parts)


if __name__ == "__main__":
    (ROOT / "docs" / "ops.md").write_text(page(), "utf-8")
