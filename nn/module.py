"""Module: a thing with parameters and a forward.

A module is a plain object.  Its parameters are found by walking its attributes when somebody asks, so they may
sit in lists, tuples and dicts, and no `super().__init__()` is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from itertools import count
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np

from minigrad import Tensor, raw
from minigrad.arrays import all_examples

__all__ = ["Buffer", "Module", "Parameter"]

#: Names of hooks, for those who take them away again.
_keys = count()

P = ParamSpec("P")
Out = TypeVar("Out", covariant=True)


class _HasForward(Protocol[P, Out]):
    """To type checkers: a module, called, takes what its forward takes and returns what that returns."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Out: ...


class Parameter(Tensor):
    """A Tensor that a module learns: it requires a gradient, and `parameters()` finds it.

    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, x: Any, dtype: Any = None, device: str | None = None, requires_grad: bool = True) -> None:
        super().__init__(x, dtype, device, requires_grad)


class Buffer(Tensor):
    """A Tensor that belongs to a module's state but is not learned, such as a running mean."""

    __slots__ = ()


class Module:
    """The base of all layers and networks.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factors = [Parameter([2.0]), Parameter([3.0])]
    ...     def forward(self, x):
    ...         return x * self.factors[0] * self.factors[1]
    >>> scale = Scale()
    >>> scale(Tensor([1.0])).tolist()
    [6.0]
    >>> [name for name, _ in scale.named_parameters()]
    ['factors.0', 'factors.1']
    """

    training: bool = True
    summary: Callable[..., Any]  # bound by nn.inspect.summary, which knows the layers
    _forward_hooks: dict[int, Callable[..., Any]] | None = None
    _forward_pre_hooks: dict[int, Callable[..., Any]] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self: _HasForward[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
        module: Any = self
        inputs: tuple[Any, ...] = args
        for pre_hook in (module._forward_pre_hooks or {}).values():
            changed = pre_hook(module, inputs)
            if changed is not None:
                inputs = changed if isinstance(changed, tuple) else (changed,)
        out = module.forward(*inputs, **kwargs)
        for hook in (module._forward_hooks or {}).values():
            changed = hook(module, inputs, out)
            out = out if changed is None else changed
        return out

    # --------------------------------------------------------------------------- what is inside

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """All modules in this one with their paths, itself first; each once."""
        seen: set[int] = set()
        for name, value in _walk(self, prefix, seen):
            if isinstance(value, Module):
                yield name, value

    def modules(self) -> Iterator[Module]:
        """All modules in this one, itself first."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one."""
        for name, value in _members(vars(self), ""):
            if isinstance(value, Module):
                yield name, value

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, without names."""
        return (module for _, module in self.named_children())

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with their paths ("layers.0.weight"); a shared one once."""
        for name, value in _walk(self, prefix, set()):
            if isinstance(value, Parameter):
                yield name, value

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, Buffer]]:
        """All buffers with their paths."""
        for name, value in _walk(self, prefix, set()):
            if isinstance(value, Buffer):
                yield name, value

    def buffers(self) -> Iterator[Buffer]:
        """All buffers."""
        return (buffer for _, buffer in self.named_buffers())

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call a function with every module inside, this one last."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ----------------------------------------------------------------------------------- modes

    def train(self, mode: bool = True) -> Self:
        """Training mode, for all modules inside."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode, for all modules inside."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters learn, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    # ----------------------------------------------------------------------------------- state

    def state_dict(self, prefix: str = "") -> dict[str, Tensor]:
        """All parameters and buffers by path, as detached Tensors that share their memory; keys as PyTorch's."""
        return {name: value.detach() for name, value in self._state(prefix)}

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Every path of every parameter and buffer: a shared one under each of its names, as PyTorch stores it."""
        for name, value in _walk(self, prefix, None):
            if isinstance(value, (Parameter, Buffer)):
                yield name, value

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Copy values into the parameters and buffers; all or nothing.

        Args:
            state: Tensors, NumPy arrays, or anything with DLPack (PyTorch's tensors), by path.
            strict: complain about missing and unexpected keys.

        Raises:
            ValueError: one message that lists every missing, unexpected and mismatched key, and
                every value that the type of its parameter cannot hold; nothing is changed then.
        """
        for tensor, values in self._loaded(state, strict):
            tensor.data = values

    def _loaded(self, state: Mapping[str, Any], strict: bool = True) -> list[tuple[Tensor, Any]]:
        """What `load_state_dict` would write: each parameter and buffer with its new values."""
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{type(self).__name__}.load_state_dict takes a dict of arrays, "
                f"got a {type(state).__name__}; "
                "a file is read with nn.load(path, module)"
            )
        own = dict(self._state())
        found: list[tuple[Tensor, Any]] = []
        problems: list[str] = []
        first: dict[int, tuple[str, Any]] = {}
        for name, value in state.items():
            if name not in own:
                if strict:
                    problems.append(
                        f"unexpected: {name!r} of shape {tuple(getattr(value, 'shape', ()))}"
                    )
                continue
            try:
                values = _values_for(own[name], value)
            except (ArithmeticError, BufferError, RuntimeError, TypeError, ValueError) as error:
                problems.append(f"{name!r}: {error}")
                continue
            if own[name].shape != values.shape:
                problems.append(
                    f"shape of {name!r}: the module has {own[name].shape}, "
                    f"the state has {values.shape}"
                )
                continue
            other, same = first.setdefault(id(own[name]), (name, values))
            if other != name and not np.array_equal(same, values, equal_nan=True):
                problems.append(
                    f"{other!r} and {name!r} are one and the same in the module, "
                    "but differ in the state"
                )
            found.append((own[name], values))
        if strict:
            problems += [
                f"missing: {name!r} of shape {own[name].shape}" for name in own if name not in state
            ]
        if problems:
            raise ValueError(f"{type(self).__name__}.load_state_dict:\n  " + "\n  ".join(problems))
        return found

    def to(self, target: Any) -> Self:
        """Move all parameters and buffers to a device ("cpu", "cuda"), or make their floats another dtype."""
        is_device = isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda")
        for _, tensor in self._state():
            if is_device or tensor.dtype.kind == "f":
                tensor.data = tensor.detach().to(target).data
                if tensor.grad is not None:
                    tensor.grad = tensor.grad.detach().to(target)
        return self

    def float(self) -> Self:
        """All floating parameters and buffers in float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """All floating parameters and buffers in float64."""
        return self.to(np.float64)

    def half(self) -> Self:
        """All floating parameters and buffers in float16."""
        return self.to(np.float16)

    # ----------------------------------------------------------------------------------- hooks

    def register_forward_hook(self, hook: Callable[[Module, tuple[Any, ...], Any], Any]) -> Callable[[], None]:
        """Call hook(module, args, out) after each forward; what it returns replaces the output.

        Returns a function that removes the hook.
        """
        self._forward_hooks = {} if self._forward_hooks is None else self._forward_hooks
        return _add_hook(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[[Module, tuple[Any, ...]], Any]) -> Callable[[], None]:
        """Call hook(module, args) before each forward; what it returns replaces the arguments."""
        self._forward_pre_hooks = {} if self._forward_pre_hooks is None else self._forward_pre_hooks
        return _add_hook(self._forward_pre_hooks, hook)

    # ------------------------------------------------------------------------------------ repr

    def extra_repr(self) -> str:
        """What stands between the brackets of the repr."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}({self.extra_repr()}\n  " + "\n  ".join(children) + "\n)"

    def _repr_html_(self) -> str:
        """What a notebook shows: the tree of modules with their numbers of parameters, to open and close."""
        return f'<div style="line-height:1.5">{_tree("", self)}</div>'


def _tree(name: str, module: Module) -> str:
    count = sum(p.size for p in module.parameters())
    text = f"{type(module).__name__}({module.extra_repr()})"
    line = f"{escape(name)} <b>{escape(text)}</b> <span style='opacity:0.75'>{count:,} parameters</span>"
    inner = "".join(_tree(f"({child}):", m) for child, m in module.named_children())
    return (
        f"<details open><summary>{line}</summary><div style='margin-left:1.5em'>{inner}</div></details>"
        if inner
        else f"<div>{line}</div>"
    )


def _walk(value: Any, name: str, seen: set[int] | None) -> Iterator[tuple[str, Any]]:
    """All modules, parameters and buffers from here with their paths; each once, where `seen` is a set."""
    if seen is not None:
        if id(value) in seen:
            return
        seen.add(id(value))
    yield name, value
    if isinstance(value, Module):
        for path, member in _members(vars(value), f"{name}." if name else ""):
            yield from _walk(member, path, seen)


def _members(container: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The modules, parameters and buffers in a container, and in lists, tuples and dicts in it."""
    for key, value in container.items() if isinstance(container, dict) else enumerate(container):
        if isinstance(value, (Module, Parameter, Buffer)):
            yield f"{prefix}{key}", value
        elif isinstance(value, (list, tuple, dict)) and not str(key).startswith("_"):
            yield from _members(value, f"{prefix}{key}.")


def _add_hook(hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> Callable[[], None]:
    key = next(_keys)
    hooks[key] = hook
    return lambda: hooks.pop(key, None) and None


def _values_for(tensor: Tensor, value: Any) -> Any:
    """A copy of values in the type and on the device of a tensor; it must be able to hold them."""
    array, dtype = _as_array(value), tensor.dtype
    if array.dtype.kind not in "biufc":
        raise TypeError(f"values of type {array.dtype} are no numbers")
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(
            f"complex values do not fit into {dtype}: their imaginary parts would be lost"
        )
    if not np.can_cast(array.dtype, dtype, "safe"):
        values = host(array)
        with np.errstate(over="ignore", invalid="ignore"):
            cast = values.astype(dtype)
        # a rounded number is what is asked for; one that became infinite,
        # or lost its fraction, is not
        lost = np.isfinite(values) & ~np.isfinite(cast) if dtype.kind in "fc" else cast != values
        if lost.any():
            raise ValueError(
                f"values of type {array.dtype} do not fit into {dtype}, {values[lost][0]} say"
            )
    return Tensor(array, dtype=dtype, device=tensor.device).data.copy()


def _as_array(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.data
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value.detach() if hasattr(value, "detach") else value)


def as_input(x: Any, parameter: Tensor) -> Tensor:
    """The input of a layer: a Tensor in the dtype of the layer's own parameter."""
    if not isinstance(x, Tensor):
        x = Tensor(x)
    return (
        x
        if x.dtype == parameter.dtype
        else x.astype(np.result_type(parameter.dtype, np.complex64) if x.dtype.kind == "c" else parameter.dtype)
    )


def host(x: Any) -> np.ndarray:
    """The values of a Tensor or an array in main memory, outside of every graph; of a row-sparse gradient as a whole.

    >>> host(Tensor([1.0, 2.0], requires_grad=True))
    array([1., 2.], dtype=float32)
    """
    values = raw(x)
    if hasattr(values, "dtype") and all_examples(values) is not values:
        return np.asarray(values)  # under vmap: an error that says so
    return values.get() if hasattr(values, "get") else np.asarray(values)
