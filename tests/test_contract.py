"""Who may import whom: the arrows of the layout, and what nn may use of minigrad.

Read from the source, so that imports inside of functions and modules that are named by strings count too; only what stands
under `if TYPE_CHECKING:` does not, since it never runs.  Two tables say what is allowed: `LAYERS` and `PUBLIC`.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import minigrad
from minigrad import Tensor

ROOT = Path(__file__).resolve().parent.parent

#: From the lowest layer to the highest.  A module belongs to the longest name here that it begins with; a name that ends with
#: "!" means that module alone, without what is inside of the package.  A layer may import itself and the layers below.
LAYERS: list[list[str]] = [
    [
        "minigrad.files",
        "minigrad.install",
        "minigrad.numpy_signatures",
        "minigrad.references",
        "minigrad.spellings",
        "minigrad.version",
    ],
    [
        "minigrad.compiler!",
        "minigrad.compiler.c_types",
        "minigrad.compiler.cache",
        "minigrad.compiler.cuda",
        "minigrad.compiler.error_function",
        "minigrad.compiler.exponentials",
        "minigrad.compiler.formulas",
        "minigrad.compiler.instructions",
        "minigrad.compiler.interpreter",
        "minigrad.compiler.llvm",
        "minigrad.compiler.loops",
        "minigrad.compiler.memory",
        "minigrad.compiler.native",
        "minigrad.compiler.operations",
        "minigrad.compiler.order",
        "minigrad.compiler.packing",
        "minigrad.compiler.pieces",
        "minigrad.compiler.pool",
        "minigrad.compiler.powers",
        "minigrad.compiler.schedule",
        "minigrad.compiler.sharing",
        "minigrad.compiler.spaces",
        "minigrad.compiler.squares",
        "minigrad.compiler.steps",
        "minigrad.compiler.sweeps",
        "minigrad.compiler.terms",
        "minigrad.compiler.text",
        "minigrad.compiler.threaded",
        "minigrad.compiler.tiles",
        "minigrad.compiler.trigonometry",
        "minigrad.compiler.writer",
    ],
    [
        "minigrad.devices",
        "minigrad.graph",
        "minigrad.hints",
        "minigrad.kernels!",
        "minigrad.reasons",
        "minigrad.tracing",
        "minigrad.trees",
    ],
    ["minigrad.anomaly", "minigrad.kernels.cuda.launch", "minigrad.later"],
    ["minigrad.backend", "minigrad.carrying"],
    ["minigrad.arrays", "minigrad.masked", "minigrad.tensor"],
    ["minigrad.accumulate", "minigrad.backward", "minigrad.cotangents", "minigrad.passes", "minigrad.schedule", "minigrad.trial"],
    ["minigrad.calling", "minigrad.lending", "minigrad.op", "minigrad.primitive"],
    ["minigrad.ops"],
    [
        "minigrad.autograd",
        "minigrad.cuda",
        "minigrad.dispatch",
        "minigrad.emath",
        "minigrad.fft",
        "minigrad.linalg",
        "minigrad.polynomial",
        "minigrad.random",
    ],
    ["minigrad.check", "minigrad.misc", "minigrad.transforms"],
    ["minigrad.scipy"],
    ["minigrad.compiler"],  # its upper half, which traces
    ["minigrad.kernels"],
    ["minigrad.viz"],
    ["minigrad!"],  # the front door: it shows all of these, and nn too, which it imports when somebody asks
    [
        "nn.attributes",
        "nn.backward_hooks",
        "nn.calling",
        "nn.checks",
        "nn.computed",
        "nn.contents",
        "nn.hooks",
        "nn.module",
        "nn.moving",
        "nn.packing",
        "nn.parameter",
        "nn.safetensors",
        "nn.settings",
        "nn.values",
        "nn.weights",
    ],
    ["nn.functional", "nn.init", "nn.metrics", "nn.modes", "nn.progress", "nn.saving", "nn.utils"],
    ["nn.layers"],
    ["nn.data", "nn.distributions", "nn.inspect", "nn.optim", "nn.text"],
    ["nn.distributed"],
    ["nn.training"],
    ["nn!"],
]
#: Imports against the arrows that are there still: (from, to).  An entry that is not needed any more is an error.
STILL: set[tuple[str, str]] = set()

#: What nn, and layers and kernels of your own, may import of minigrad: the names in a module's `__all__`, or those given here.
PUBLIC: dict[str, set[str] | None] = {
    "minigrad": None,  # tensors, ops under NumPy's names, transforms, modes; `raw` and `beside` for the values behind tensors
    "minigrad.arrays": {"RowSparse", "add_rows", "all_examples"},  # row-sparse gradients; what to look at under vmap
    "minigrad.arrays.flat": {"Layout", "has_only", "is_alone"},  # many arrays in one buffer
    "minigrad.autograd": {"around_backward", "depends_on"},  # when backward passes begin and end, and what they reach
    "minigrad.backward": {"given_gradient"},  # what a hook returned
    "minigrad.carrying": None,  # arrays of a GPU in copies and pickles
    "minigrad.devices": {"apart", "follow", "is_device", "on_gpu_of"},  # where there are several GPUs
    "minigrad.files": None,  # files that are whole or not there
    "minigrad.hints": None,  # what to write in place of PyTorch's names
    "minigrad.install": None,  # how to install an extra
    "minigrad.backend": {"as_sizes", "device_of", "on_host", "side_by_side"},  # where values are, and what stands beside them
    "minigrad.later": {
        "Condition",
        "check_later",
        "in_range",
        "is_on_gpu",
        "is_unread",
        "perhaps_any",
        "read",
        "refuse_later",
        "surely_all",
    },  # to wait for nothing
    "minigrad.spellings": None,  # the tables of these names
    # arrays and numbers of a compiled function, and numbers that are other ones at each call of it
    "minigrad.tracing": {"changing", "decided", "is_traced", "is_traced_number"},
    "minigrad.kernels": None,  # the registry of kernels
    "minigrad.kernels.cuda.launch": {"launch", "on_its_gpu"},  # kernels for a GPU
    "minigrad.kernels.signature": None,  # which arrays a compiled kernel takes
    "minigrad.ops.batching": {"one_by_one"},  # functions that decide by values, under vmap
    "minigrad.ops.index": {"assign"},  # x[index] = value, as an op
    "minigrad.ops.select": {"overwritten"},  # a mask only where it hides something
    "minigrad.ops.special": None,  # special functions
    "minigrad.ops.window": None,  # sliding windows: unfold, fold, convolution, pooling
    "minigrad.scipy.special": None,  # special functions under SciPy's names
    "minigrad.trees": {"flatten", "paths", "sequence_like", "unflatten"},  # containers like others; their leaves
    "minigrad.version": None,  # the version
    "minigrad.viz": None,  # what draws graphs
}

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("minigrad", "nn")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}


def layer(module: str) -> int:
    """The number of a module's layer."""
    best, number = "", -1
    for i, names in enumerate(LAYERS):
        for name in names:
            plain = name.removesuffix("!")
            fits = module == plain if name.endswith("!") else f"{module}.".startswith(f"{plain}.")
            if fits and len(name) > len(best):
                best, number = name, i
    assert number >= 0, f"{module} stands in no layer: add it to LAYERS"
    return number


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from running(node)


def absolute(module: str, node: ast.ImportFrom) -> str:
    """The module that `from ... import` names."""
    if not node.level:
        return node.module or ""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def imported(module: str) -> set[str]:
    """The modules of ours that a module imports, or names in a string."""
    found: set[str] = set()
    for node in running(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = absolute(module, node)
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= inner & FILES.keys()
            if not inner <= FILES.keys():
                found.add(source)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            found.add(node.value)
    return (found & FILES.keys()) - {module}


ARROWS = {(module, other) for module in FILES for other in imported(module)}


def test_a_module_imports_its_own_layer_and_those_below() -> None:
    upwards = {(a, b) for a, b in ARROWS if layer(b) > layer(a)}
    wrong = [f"{a} imports {b}, which is above it" for a, b in sorted(upwards - STILL)]
    assert not wrong, "\n".join(wrong)
    assert not STILL - upwards, f"not needed any more in STILL: {sorted(STILL - upwards)}"


def test_nothing_imports_itself_by_a_detour() -> None:
    """Repeatedly take away the modules that import none of those that are left; what remains goes in circles."""
    left = {a: {b for x, b in ARROWS if x == a and (a, b) not in STILL} for a in FILES}
    while ends := {module for module, others in left.items() if not others & left.keys()}:
        left = {module: others for module, others in left.items() if module not in ends}
    assert not left, f"in circles: {sorted(left)}"


def test_the_map_names_every_module() -> None:
    """The table of ARCHITECTURE.md has each file and package of minigrad and nn; what is inside of packages, they tell."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = text.partition("| from the top | |")[2].partition("\n\n")[0] + text.partition("| you look for |")[2]
    modules = {module.split(".")[1] for module in FILES if "." in module}
    assert sorted(name for name in modules if not re.search(rf"\b{name}\b", table)) == []


def test_every_layer_holds_something() -> None:
    used = {layer(module) for module in FILES}
    assert used == set(range(len(LAYERS)))


# ------------------------------------------------------------------------------- what nn may use

NN = [module for module in FILES if module.partition(".")[0] == "nn"]


def is_public(module: str, name: str) -> bool:
    """Whether a name of a module of minigrad's is public, as a name or as a module."""
    if f"{module}.{name}" in PUBLIC:
        return True
    if module not in PUBLIC:
        return False
    return name in (PUBLIC[module] or importlib.import_module(module).__all__)


@pytest.mark.parametrize("module", NN)
def test_nn_imports_public_names(module: str) -> None:
    wrong = []
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            wrong += [a.name for a in node.names if a.name.startswith("minigrad.") and a.name not in PUBLIC]
        elif isinstance(node, ast.ImportFrom) and absolute(module, node).partition(".")[0] == "minigrad":
            source = absolute(module, node)
            wrong += [f"{source}.{a.name}" for a in node.names if not is_public(source, a.name)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "minigrad":
            wrong += [] if is_public("minigrad", node.attr) else [f"minigrad.{node.attr}"]
    assert not wrong, f"{module} uses {', '.join(wrong)}, which is not public"


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_repr_html_"  # the notebooks' protocol


def defined() -> set[str]:
    """All private names that nn defines: functions, variables, attributes."""
    found: set[str] = set()
    for module in NN:
        for node in ast.walk(TREES[module]):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return {name for name in found if private(name)}


OWN = defined() - set(dir(Tensor)) - set(dir(minigrad))


@pytest.mark.parametrize("module", NN)
def test_nn_touches_no_private_attribute_of_the_engine(module: str) -> None:
    attributes = {node.attr for node in ast.walk(TREES[module]) if isinstance(node, ast.Attribute)}
    assert {name for name in attributes if private(name)} <= OWN


def test_viz_names_no_class_of_nn() -> None:
    classes = {node.name for m in NN for node in ast.walk(TREES[m]) if isinstance(node, ast.ClassDef)}
    for module in FILES:
        if module.startswith("minigrad.viz"):
            strings = {n.value for n in ast.walk(TREES[module]) if isinstance(n, ast.Constant)}
            assert not strings & classes, f"{module}: {strings & classes}"


def test_both_ways_to_nn_give_one_module() -> None:
    import nn

    assert minigrad.nn is nn


@pytest.mark.parametrize("kind", ["functional", "layers"])
def test_a_family_has_one_name_on_both_sides(kind: str) -> None:
    """Losses over samples and sampled images are functions only; containers, networks of the textbooks and
    the adaptive softmax are layers only."""
    functions, layers = (
        {module.rpartition(".")[2] for module in NN if module.startswith(f"nn.{side}.")} for side in ("functional", "layers")
    )
    assert functions - layers == {"grid", "sampled"}
    assert layers - functions == {"adaptive", "classic", "container", "lazy"}
