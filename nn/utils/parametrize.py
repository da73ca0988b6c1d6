"""Parametrisations (torch.nn.utils.parametrize): a parameter is computed of others.

After `register_parametrization(layer, "weight", P())`, `layer.weight` is `P()(original)`, where
`original` is the Parameter that is learned, at the path `parametrizations.weight.original`.  During
one call of the layer it is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from minigrad import Tensor, no_grad

from ..computed import computed_once, forget, scope_of
from ..module import Module
from ..parameter import Buffer, Parameter, is_lazy

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "type_before_parametrizations",
]  # fmt: skip


def cached() -> AbstractContextManager[None]:
    """Inside, each parametrised tensor is computed once, also where several calls use it.

    A value that is assigned inside, and a call by `functional_call`, compute it anew; a step of an
    optimizer does not.

    >>> import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with cached():
    ...     layer.weight is layer.weight
    True
    """
    return computed_once(None)


class _Parametrized:
    """The attribute of a module that its `parametrizations` compute."""

    def __init__(self, name: str) -> None:
        self.name = name

    def value(self, module: Any, called: bool) -> Any:
        """The parametrisations of the original."""
        parts: ParametrizationList = module.parametrizations[self.name]
        scope = scope_of(None)
        return parts() if scope is None else scope.value(parts, "", parts)

    def assign(self, module: Any, value: Any) -> None:
        """Give the original the values of which this one is computed."""
        parts = module.parametrizations[self.name]
        parts.right_inverse(value)
        forget(parts, "")


class _Lists(Module):
    """The lists of parametrisations of a module, by the name of the tensor."""

    def __getitem__(self, name: str) -> ParametrizationList:
        return vars(self)[name]  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return isinstance(vars(self).get(str(name)), ParametrizationList)

    def __len__(self) -> int:
        return sum(isinstance(x, ParametrizationList) for x in vars(self).values())


class ParametrizationList(Module):
    """The parametrisations of one tensor, in their order, and the original tensors.

    Args:
        modules: the parametrisations, one or more.
        original: the Parameter or Buffer that they are of.
        unsafe: whether the result may have another shape and dtype.

    Attributes:
        original: the Parameter (or Buffer) that is learned; `original0`, `original1` ... where the
            `right_inverse` of the first parametrisation returns several.
        unsafe: whether the result may have another shape and dtype.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList takes one parametrization or more, got none")
        self.unsafe = unsafe
        self._shape, self._dtype = original.shape, original.dtype
        new: Any = original.detach()
        with no_grad():
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    new = module.right_inverse(new)
        self.is_tensor = not isinstance(new, (tuple, list))
        if self.is_tensor:
            self._check_inverse(new)
            original.data = new.detach().clone().data
            self.original = original
        else:
            self._several(new, original)
        for module in modules:
            self.append(module)
        if not unsafe:
            with no_grad():
                self.check(self())

    def append(self, module: Module) -> None:
        """Apply one more."""
        self.register_module(str(len(self)), module)
        forget(self, "")

    def __len__(self) -> int:
        return sum(name.isdecimal() for name in vars(self))

    def __getitem__(self, index: int) -> Module:
        return vars(self)[str(range(len(self))[index])]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _check_inverse(self, new: Any) -> None:
        if not isinstance(new, Tensor):
            raise ValueError(
                f"right_inverse must return a Tensor or a sequence, got {type(new).__name__}"
            )
        if new.dtype != self._dtype:
            raise ValueError(f"right_inverse returned {new.dtype} for an original of {self._dtype}")

    def _several(self, new: Sequence[Tensor], original: Tensor) -> None:
        self._count = len(new)
        for i, value in enumerate(new):
            own: Any
            if isinstance(original, Buffer):
                own = Buffer(value.detach().clone().data, persistent=original.persistent)
            else:
                learned = original.requires_grad and value.dtype.kind in "fc"
                own = Parameter(value.detach().clone().data, requires_grad=learned)
            setattr(self, f"original{i}", own)

    def _originals(self) -> list[Any]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self._count)]

    def forward(self) -> Any:
        first, *others = self
        x = first(*self._originals())
        for module in others:
            x = module(x)
        return x

    def right_inverse(self, value: Any) -> None:
        """Change the originals so that `value` is computed of them.

        Raises:
            RuntimeError: a parametrisation has no `right_inverse`.
        """
        with no_grad():
            value = value.detach() if isinstance(value, Tensor) else Tensor(value)
            value = value.to(self._originals()[0].device)
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"{type(module).__name__} has no right_inverse, so a value cannot be "
                        "assigned to what it computes: change its original, or give it a "
                        "right_inverse"
                    )
                value = module.right_inverse(value)
        new = [value] if self.is_tensor else list(value)
        for own, x in zip(self._originals(), new, strict=True):
            if own.shape != x.shape:
                raise ValueError(
                    f"the value asks for an original of shape {x.shape}, but it has shape "
                    f"{own.shape}"
                )
            own.data = x.data.astype(own.dtype)

    def check(self, result: Any) -> None:
        """Raise where what is computed is no Tensor of the original's shape and dtype."""
        if not isinstance(result, Tensor):
            raise ValueError(f"a parametrization must return a Tensor, got {type(result).__name__}")
        if (result.shape, result.dtype) != (self._shape, self._dtype):
            raise ValueError(
                f"the parametrization makes shape {result.shape}, {result.dtype} of shape "
                f"{self._shape}, {self._dtype}: with unsafe=True that is allowed"
            )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter or buffer of a module by another module; returns the module.

    Args:
        module: the layer, which is changed.
        tensor_name: of its parameter or buffer.  One that is parametrised already is computed further.
        parametrization: its forward takes the original and returns the tensor.  With a method
            `right_inverse`, values can be assigned, and the original begins with
            `right_inverse(tensor)`.
        unsafe: allow another shape or dtype.

    Raises:
        ValueError: there is no such parameter or buffer, or the result has another shape or dtype.

    >>> import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.T) / 2
    >>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all()), [name for name, _ in layer.named_parameters()]
    (True, ['bias', 'parametrizations.weight.original'])
    """
    if is_parametrized(module, tensor_name):
        parts: Any = module.parametrizations[tensor_name]  # type: ignore[attr-defined]
        if not (unsafe or parts.unsafe):
            with no_grad():
                parts.check(parametrization(getattr(module, tensor_name)))
        parts.append(parametrization)
        forget(module, tensor_name)
        parts.unsafe = parts.unsafe or unsafe
        return module
    original = vars(module).get(tensor_name)
    if not isinstance(original, (Parameter, Buffer)) or is_lazy(original):
        found = ", ".join(name for name, _ in [*module.named_parameters(recurse=False)])
        raise ValueError(
            f"{type(module).__name__} has no parameter or buffer {tensor_name!r}; it has "
            f"{found or 'none'}"
        )
    parts = ParametrizationList([parametrization], original, unsafe)
    parts.training = module.training
    if "parametrizations" not in vars(module):
        module.register_module("parametrizations", _Lists())
    module.parametrizations.register_module(tensor_name, parts)  # type: ignore[attr-defined]
    module._derive(tensor_name, _Parametrized(tensor_name))
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of a module, or any, is computed by parametrisations.

    Args:
        module: the layer itself; what is inside of it does not count.
        tensor_name: of a parameter or buffer; None: any.
    """
    parts = vars(module).get("parametrizations")
    if not isinstance(parts, _Lists):
        return False
    return len(parts) > 0 if tensor_name is None else tensor_name in parts


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make a parameter an ordinary one again; returns the module.

    Args:
        module: the layer, which is changed.
        tensor_name: of its parameter or buffer.
        leave_parametrized: it keeps the computed value; else it becomes the original.

    Raises:
        ValueError: it is not parametrised, or there are several originals and `leave_parametrized`
            is False.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{tensor_name!r} of {type(module).__name__} is not parametrized")
    parametrizations: Any = module.parametrizations  # type: ignore[attr-defined]
    parts = parametrizations[tensor_name]
    if not leave_parametrized and not parts.is_tensor:
        raise ValueError(
            f"{tensor_name!r} has several originals, so there is none to become: "
            "leave_parametrized=True"
        )
    originals = parts._originals()
    tensor = originals[0]
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone().data
        if parts.is_tensor:
            tensor.data = value
        elif isinstance(tensor, Buffer):
            tensor = Buffer(value, persistent=tensor.persistent)
        else:
            tensor = Parameter(value, requires_grad=any(x.requires_grad for x in originals))
    module._derive(tensor_name, None)
    setattr(module, tensor_name, tensor)
    delattr(parametrizations, tensor_name)
    if not len(parametrizations):
        del module.parametrizations  # type: ignore[attr-defined]
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class of a module; here parametrisations do not change it.

    >>> import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(1, 1))
    >>> type_before_parametrizations(layer).__name__
    'Linear'
    """
    return type(module)
