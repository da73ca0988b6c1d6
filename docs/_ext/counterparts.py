"""What a public name stands for elsewhere: the function of NumPy or SciPy, the name in PyTorch.

Those of NumPy and SciPy are in the registry of ops.  PyTorch is not needed to build the site: its names stand in
torch_names.txt, which `python docs/_ext/counterparts.py` writes where PyTorch is installed; a test compares.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import minigrad

NAMES = Path(__file__).with_name("torch_names.txt")

#: Our module -> PyTorch's, where names are the same.
MODULES = {
    "minigrad": "torch",
    "minigrad.linalg": "torch.linalg",
    "minigrad.fft": "torch.fft",
    "minigrad.scipy.special": "torch.special",
    "nn": "torch.nn",
    "nn.data": "torch.utils.data",
    "nn.distributions": "torch.distributions",
    "nn.distributions.constraints": "torch.distributions.constraints",
    "nn.distributions.transforms": "torch.distributions.transforms",
    "nn.functional": "torch.nn.functional",
    "nn.init": "torch.nn.init",
    "nn.optim": "torch.optim",
    "nn.optim.lr_scheduler": "torch.optim.lr_scheduler",
    "nn.optim.swa_utils": "torch.optim.swa_utils",
    "nn.utils": "torch.nn.utils",
    "nn.utils.parametrizations": "torch.nn.utils.parametrizations",
    "nn.utils.parametrize": "torch.nn.utils.parametrize",
    "nn.utils.prune": "torch.nn.utils.prune",
    "nn.utils.rnn": "torch.nn.utils.rnn",
}
#: What PyTorch has elsewhere, or under another name.
ELSEWHERE = {
    "minigrad.array_split": "torch.tensor_split",
    "minigrad.broadcast_arrays": "torch.broadcast_tensors",
    "minigrad.checkpoint": "torch.utils.checkpoint.checkpoint",
    "minigrad.concatenate": "torch.cat",
    "minigrad.detect_anomaly": "torch.autograd.detect_anomaly",
    "minigrad.digitize": "torch.bucketize",
    "minigrad.expand_dims": "torch.unsqueeze",
    "minigrad.expit": "torch.sigmoid",
    "minigrad.grad": "torch.func.grad",
    "minigrad.gradcheck": "torch.autograd.gradcheck",
    "minigrad.gradgradcheck": "torch.autograd.gradgradcheck",
    "minigrad.hessian": "torch.func.hessian",
    "minigrad.jacobian": "torch.func.jacrev",
    "minigrad.jvp": "torch.func.jvp",
    "minigrad.permute_dims": "torch.permute",
    "minigrad.power": "torch.pow",
    "minigrad.put_along_axis": "torch.scatter",
    "minigrad.repeat": "torch.repeat_interleave",
    "minigrad.take_along_axis": "torch.take_along_dim",
    "minigrad.unstack": "torch.unbind",
    "minigrad.vjp": "torch.func.vjp",
    "minigrad.value_and_grad": "torch.func.grad_and_value",
    "minigrad.tree_map": "torch.utils._pytree.tree_map",
    "minigrad.autograd.grad": "torch.autograd.grad",
    "minigrad.random.manual_seed": "torch.manual_seed",
    "nn.load": "torch.load",
    "nn.save": "torch.save",
    "nn.utils.functional_call": "torch.func.functional_call",
    "nn.training.SummaryWriter": "torch.utils.tensorboard.SummaryWriter",
}


def public_names(module: ModuleType) -> list[str]:
    """What a module offers: its `__all__`; without one (nn.functional) what its own files define."""
    if hasattr(module, "__all__"):
        return sorted(set(module.__all__))
    ours = {n for n, thing in vars(module).items() if getattr(thing, "__module__", "").startswith(("nn.", "minigrad."))}
    return sorted(n for n in ours if not n.startswith("_"))


def in_torch() -> str:
    """The names that PyTorch has too, a line for each module; needs PyTorch."""
    lines = []
    for ours, theirs in MODULES.items():
        module, other = importlib.import_module(ours), importlib.import_module(theirs)
        both = [n for n in public_names(module) if is_function(module, n) and is_function(other, n)]
        lines.append(f"{theirs}: {' '.join(both)}\n")
    return "".join(lines)


def is_function(module: ModuleType, name: str) -> bool:
    thing = getattr(module, name, None)
    return callable(thing) and not inspect.ismodule(thing)


@cache
def torch_names() -> dict[str, frozenset[str]]:
    pairs = (line.split(":") for line in NAMES.read_text("utf-8").splitlines())
    return {module: frozenset(names.split()) for module, names in pairs}


@cache
def registered_names() -> dict[int, list[str]]:
    """By the identity of our function: NumPy's and SciPy's names."""
    found: dict[int, list[str]] = {}
    for name, function in minigrad.registered().items():
        found.setdefault(id(function), []).append(name)
    return found


def counterparts(module: str, name: str, thing: Any) -> list[str]:
    """The names elsewhere, NumPy's and SciPy's before PyTorch's.

    >>> counterparts("minigrad", "tanh", minigrad.tanh)
    ['numpy.tanh', 'torch.tanh']
    """
    same = registered_names().get(id(thing), [])
    found = [n for n in same if n.rpartition(".")[2] == name] or same
    theirs = MODULES.get(module, "")
    if f"{module}.{name}" in ELSEWHERE:
        found = [*found, ELSEWHERE[f"{module}.{name}"]]
    elif name in torch_names().get(theirs, ()):
        found = [*found, f"{theirs}.{name}"]
    return found


if __name__ == "__main__":
    NAMES.write_text(in_torch(), "utf-8")
