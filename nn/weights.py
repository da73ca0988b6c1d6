"""The state of a module: its parameters and persistent buffers by path, written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

import numpy as np

from minigrad import Tensor

from .contents import Owner, walk
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter, is_lazy
from .values import values_for

__all__ = ["IncompatibleKeys", "Weights"]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find: in the state, and in the module."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Weights(Owner):
    """The methods of a module that give its state and take one."""

    def state_dict(
        self,
        *,
        destination: MutableMapping[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """All parameters and persistent buffers by path; keys as PyTorch's.

        Args:
            destination: a dict to put them into; it is returned.
            prefix: stands before each path, as it is: "net." gives "net.weight".
            keep_vars: the parameters themselves; else detached Tensors that share their memory.
        """
        modules = _modules(self, once=False)
        for path, module in modules:
            for hook in list((module._state_dict_pre_hooks or {}).values()):
                hook.call(module, _start(prefix + path), keep_vars)
        state = {} if destination is None else destination
        for name, value in self._state():
            state[f"{prefix}{name}"] = value if keep_vars or is_lazy(value) else value.detach()
        for path, module in reversed(modules):
            for hook in list((module._state_dict_hooks or {}).values()):
                returned = hook.call(module, state, _start(prefix + path), {})
                _check_none(returned, module, "state_dict_post_hook")
        return state

    def _state(self) -> Iterator[tuple[str, Tensor]]:
        """What `state_dict` has: a shared tensor under each of its names, as PyTorch stores it."""
        for name, value in walk(self, once=False):
            if isinstance(value, Parameter) or (isinstance(value, Buffer) and value.persistent):
                yield name, value

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy values into the parameters and buffers; all or nothing.

        Args:
            state: Tensors, NumPy arrays, or anything with DLPack (PyTorch's tensors), by path; a
                shared weight may stand under any one of its names.
            strict: complain about missing and unexpected keys.

        Returns:
            the names of the `missing_keys` and of the `unexpected_keys`.

        Raises:
            ValueError: one message that lists every missing, unexpected and mismatched key, every
                value that the type of its parameter cannot hold, and what hooks complain about;
                nothing is changed then, unless it is a hook after the loading that complains.
        """
        name = type(self).__name__
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{name}.load_state_dict takes a dict of arrays, got a {type(state).__name__}; "
                "a file is read with nn.load(path, module)"
            )
        keys, problems = IncompatibleKeys([], []), list[str]()
        state = self._before_load(state, strict, keys, problems)
        own = dict(self._state())
        state = _with_shared(own, state)
        _add_new(keys.missing_keys, (key for key in own if key not in state))
        _add_new(keys.unexpected_keys, (key for key in state if key not in own))
        found = _loaded(own, state, problems)
        if strict:
            problems += _incompatible(keys, own, state)
        if problems:
            raise ValueError(f"{name}.load_state_dict:\n  " + "\n  ".join(problems))
        for tensor, values in found:
            if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
                tensor.materialize(values.shape)
            tensor.data = values
        self._after_load(keys)
        if strict and (problems := _incompatible(keys, own, state)):
            raise ValueError(
                f"{name}.load_state_dict: a hook after the loading says of what is loaded now:\n  "
                + "\n  ".join(problems)
            )
        return keys

    def _before_load(
        self, state: Mapping[str, Any], strict: bool, keys: IncompatibleKeys, problems: list[str]
    ) -> Mapping[str, Any]:
        """The state that is loaded, after hooks have changed it: they get a copy.

        What they complain about stands in `keys` and `problems` then.
        """
        modules = _modules(self, once=False)
        if any(module._load_pre_hooks for _, module in modules):
            state = dict(state)
            for path, module in modules:
                for hook in list((module._load_pre_hooks or {}).values()):
                    hook.call(module, state, _start(path), {}, strict, *keys, problems)
        return state

    def _after_load(self, keys: IncompatibleKeys) -> None:
        for _, module in _modules(self):
            for hook in list((module._load_post_hooks or {}).values()):
                _check_none(hook.call(module, keys), module, "load_state_dict_post_hook")


def _modules(root: Owner, once: bool = True) -> list[tuple[str, Any]]:
    """The modules in a module with their paths, itself first."""
    return [(path, x) for path, x in walk(root, once=once) if isinstance(x, Owner)]


def _start(path: str) -> str:
    """What stands before the names in a module at a path."""
    return f"{path}." if path and not path.endswith(".") else path


def _check_none(returned: Any, module: Any, kind: str) -> None:
    """Refuse what a hook returns where nobody would take it."""
    if returned is not None:
        raise TypeError(
            f"a {kind} of {type(module).__name__} must return None, it returned a "
            f"{type(returned).__name__}: change what it is given in place"
        )


def _with_shared(own: Mapping[str, Tensor], state: Mapping[str, Any]) -> Mapping[str, Any]:
    """A state in which each shared weight stands under all its names, as files have it once."""
    found: dict[int, str] = {}
    for name, tensor in own.items():
        if name in state:
            found.setdefault(id(tensor), name)
    if all(name in state or id(tensor) not in found for name, tensor in own.items()):
        return state
    others = {name: state[found[id(x)]] for name, x in own.items() if id(x) in found}
    return {**others, **state}


def _loaded(
    own: Mapping[str, Tensor], state: Mapping[str, Any], problems: list[str]
) -> list[tuple[Tensor, Any]]:
    """Each parameter and buffer with its new values; what is wrong with them goes to `problems`."""
    found: list[tuple[Tensor, Any]] = []
    first: dict[int, tuple[str, Any]] = {}
    for name, tensor in own.items():
        if name not in state:
            continue
        try:
            values = values_for(tensor, state[name])
        except (ArithmeticError, BufferError, RuntimeError, TypeError, ValueError) as error:
            problems.append(f"{name!r}: {error}")
            continue
        if not is_lazy(tensor) and tensor.shape != values.shape:
            problems.append(
                f"shape of {name!r}: the module has {tensor.shape}, the state has {values.shape}"
            )
            continue
        other, same = first.setdefault(id(tensor), (name, values))
        if other != name and not np.array_equal(same, values, equal_nan=True):
            problems.append(
                f"{other!r} and {name!r} are one and the same in the module, "
                "but differ in the state"
            )
        found.append((tensor, values))
    return found


def _incompatible(
    keys: IncompatibleKeys, own: Mapping[str, Tensor], state: Mapping[str, Any]
) -> list[str]:
    """A line for each missing and unexpected key, and what to do; a hook may have named any."""
    found = [
        *(f"unexpected: {key!r}{_shape_in(state, key)}" for key in keys.unexpected_keys),
        *(f"missing: {key!r}{_shape_in(own, key)}" for key in keys.missing_keys),
    ]
    return [*found, _advice(sorted(keys.unexpected_keys), sorted(keys.missing_keys))] if found else []


def _advice(unexpected: list[str], missing: list[str]) -> str:
    """What to do where names do not fit; a wrapper has put the same words before each of them, say."""
    if unexpected and len(unexpected) == len(missing):
        prefix = unexpected[0].removesuffix(missing[0])
        if prefix and all(a == prefix + b for a, b in zip(unexpected, missing, strict=True)):
            named = f"{{name.removeprefix({prefix!r}): x for name, x in state.items()}}"
            return f"the names of the state begin with {prefix!r}: write {named}"
    return "strict=False loads what fits, and returns these names"


def _shape_in(state: Mapping[str, Any], name: str) -> str:
    if name not in state:
        return ""
    value = state[name]
    return f" of shape {'not known yet' if is_lazy(value) else getattr(value, 'shape', ())}"


def _add_new(names: list[str], more: Iterable[str]) -> None:
    names += [name for name in more if name not in names]
