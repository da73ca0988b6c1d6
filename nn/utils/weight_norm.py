"""Weight and spectral normalisation under PyTorch's older names: `weight_g`, `weight_orig` ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import no_grad, raw

from ..module import Module
from ..parameter import Buffer, Parameter
from ..values import values_for
from .norms import (
    as_matrix,
    check_spectral,
    norm_except,
    over_sigma,
    power_iteration,
    rows_axis,
    start_vectors,
    with_length,
)

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class _WeightNorm:
    """weight = g v / |v| of the parameters `name_g` and `name_v`."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def value(self, module: Module, called: bool) -> Any:
        """Compute the weight."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return with_length(g, v, self.dim)

    def assign(self, module: Module, value: Any) -> None:
        """Take length and direction from a weight."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        v.data = values_for(v, value)
        g.data = _lengths(v.data, self.dim)


def _lengths(weight: Any, dim: int | None) -> Any:
    """The norms of an array as an array, also where there is one."""
    norms = norm_except(weight, dim)
    return np.asarray(norms) if isinstance(norms, np.generic) else norms


def _parameter(module: Module, name: str, what: str) -> Parameter:
    weight = vars(module).get(name)
    if not isinstance(weight, Parameter):
        taken = name in (module._derived or {})
        why = "is computed of others already" if taken else "is no parameter"
        raise ValueError(f"{what}: {name!r} of {type(module).__name__} {why}")
    return weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length and the direction of a weight apart; returns the module.

    weight = g v / |v|; the parameters are `weight_g` and `weight_v`.
    `nn.utils.parametrizations.weight_norm` is the same under newer names.

    Args:
        module: the layer, which is changed.
        name: of its weight.
        dim: the axis that has a length for each index; None for one length in all.

    >>> import nn
    >>> [name for name, _ in weight_norm(nn.Linear(2, 3)).named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    weight = _parameter(module, name, "weight_norm")
    module._derive(name, _WeightNorm(name, dim))
    setattr(module, f"{name}_g", Parameter(_lengths(weight.data, dim)))
    setattr(module, f"{name}_v", Parameter(weight.data))
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary parameter again, with the value that it has; returns the module.

    Args:
        module: a layer to which `weight_norm` was applied.
        name: of its weight.
    """
    return _remove(module, name, _WeightNorm, ("_g", "_v"))


def _remove(module: Module, name: str, kind: type, endings: tuple[str, ...]) -> Module:
    if not isinstance((module._derived or {}).get(name), kind):
        raise ValueError(f"{name!r} of {type(module).__name__} has no such normalisation to remove")
    with no_grad():
        value = getattr(module, name).data
    module._derive(name, None)
    for ending in endings:
        delattr(module, f"{name}{ending}")
    setattr(module, name, Parameter(value))
    return module


class _SpectralNorm:
    """weight = W / sigma, of the parameter `name_orig` and the buffers `name_u` and `name_v`."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.times, self.dim, self.eps = name, n_power_iterations, dim, eps

    def value(self, module: Module, called: bool) -> Any:
        """Compute the weight; a call in training moves the singular vectors."""
        weight = getattr(module, f"{self.name}_orig")
        own_u, own_v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if called and module.training:
            # First v, as PyTorch's: that is the iteration of the adjoint matrix.
            adjoint = raw(np.conj(matrix.detach().T))
            own_v.data, own_u.data = power_iteration(
                adjoint, own_v.data, own_u.data, self.times, self.eps
            )
        return over_sigma(weight, matrix, own_u.data, own_v.data)

    def assign(self, module: Module, value: Any) -> None:
        """Take another weight as the original."""
        weight = getattr(module, f"{self.name}_orig")
        weight.data = values_for(weight, value)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None
) -> Module:  # fmt: skip
    """Divide a weight by its largest singular value; returns the module.

    The parameter is `weight_orig`, the buffers are `weight_u` and `weight_v`.
    `nn.utils.parametrizations.spectral_norm` is the same under newer names.

    Args:
        module: the layer, which is changed.
        name: of its weight.
        n_power_iterations: steps towards the singular vectors at each call in training.
        eps: the least length of a vector that is divided by its length.
        dim: the axis of the outputs; by default 0, and 1 for transposed convolutions.

    >>> import nn
    >>> sorted(spectral_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    weight = _parameter(module, name, "spectral_norm")
    dim = rows_axis(module) if dim is None else dim
    check_spectral(weight, dim, n_power_iterations)
    u, v = start_vectors(weight, dim, eps)
    module._derive(name, _SpectralNorm(name, n_power_iterations, dim, eps))
    setattr(module, f"{name}_orig", weight)
    setattr(module, f"{name}_u", Buffer(u))
    setattr(module, f"{name}_v", Buffer(v))
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary parameter again, with the value that it has; returns the module.

    Args:
        module: a layer to which `spectral_norm` was applied.
        name: of its weight.
    """
    return _remove(module, name, _SpectralNorm, ("_orig", "_u", "_v"))
