"""What a call of a module does beside its forward, and what it adds to errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import checkpoint_notes
from minigrad.devices import on_gpu_of

from .backward_hooks import BackwardHooks
from .computed import computed_once
from .contents import Owner, find, members, walk
from .hooks import Hook, hooks_of
from .parameter import Buffer, Parameter

__all__ = ["call_fully", "say_which_layer"]

#: How the note begins that says where an error comes from.
_IN_THE_LAYER = "in the layer "


def call_fully(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call with hooks, with derived attributes that are computed once, and on the GPU of the arguments:
    on the module's own where these are in main memory."""
    with on_gpu_of(args, kwargs, _Place(module)), _buffers_under_checkpoint(module):
        if not module._derived:
            return _call_with_hooks(module, args, kwargs)
        with computed_once(module):
            return _call_with_hooks(module, args, kwargs)


class _Place:
    """Where a module's parameters and buffers are, found when somebody asks."""

    def __init__(self, module: Any) -> None:
        self._module = module

    @property
    def device(self) -> str:
        return next((x.device for _, x in walk(self._module) if isinstance(x, (Parameter, Buffer))), "cpu")


def say_which_layer(module: Owner, error: Exception) -> None:
    """Add to an error the path of its module; each module above makes the path longer."""
    if isinstance(error, RecursionError):  # there is no room left to look around
        return
    # The id, not the module: the error can be pickled with it.
    failed = getattr(error, "_failed_module", None)
    if failed is None:
        try:
            error._failed_module = id(module)  # type: ignore[attr-defined]
        except AttributeError:  # an exception with slots
            return
    elif failed != id(module) and (found := find(module, failed)) is not None:
        path, layer = found
        notes = getattr(error, "__notes__", [])
        notes[:] = [note for note in notes if not note.startswith(_IN_THE_LAYER)]
        kinds = f"a {type(layer).__name__}, of {type(module).__name__}"
        error.add_note(f"{_IN_THE_LAYER}{path}, {kinds}")


def _call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The forward of a module between its hooks."""
    for pre_hook in hooks_of(module, "forward_pre"):
        args, kwargs = _before(pre_hook, module, args, kwargs)
    backward = None
    if hooks_of(module, "backward") or hooks_of(module, "backward_pre"):
        backward = BackwardHooks(module)
        args = backward.through_inputs(args)
    hooks = hooks_of(module, "forward")
    try:
        out = module.forward(*args, **kwargs)
    except Exception:
        for hook in hooks:
            if hook.always:
                _after(hook, module, args, kwargs, None)
        raise
    for hook in hooks:
        out = _after(hook, module, args, kwargs, out)
    return out if backward is None else backward.through_outputs(out)


def _before(
    hook: Hook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        changed = hook.call(module, args)
        if changed is None:
            return args, kwargs
        return (changed if isinstance(changed, tuple) else (changed,)), kwargs
    changed = hook.call(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not isinstance(changed, tuple) or len(changed) != 2:
        raise TypeError(
            f"a forward pre-hook with_kwargs of {type(module).__name__} must return None or "
            f"(args, kwargs), not {type(changed).__name__}"
        )
    return changed


def _after(hook: Hook, module: Any, args: Any, kwargs: Any, out: Any) -> Any:
    given = (args, kwargs, out) if hook.with_kwargs else (args, out)
    changed = hook.call(module, *given)
    return out if changed is None else changed


@contextmanager
def _buffers_under_checkpoint(module: Owner) -> Iterator[None]:
    """Under `checkpoint`, a repeated forward begins with the first one's buffers, and changes none.

    Only buffers that the first run has changed are noted, so that large constant ones are not kept
    twice.
    """
    notes = checkpoint_notes()
    own = [x for _, x in members(module) if isinstance(x, Buffer)] if notes else []
    if notes is None or not own:
        yield
        return
    place, attributes = notes.place(), vars(module)
    bound = {name: x for name, x in attributes.items() if isinstance(x, Buffer)}
    arrays = [x.data for x in own]
    if notes.again:
        for buffer, before in zip(own, notes.entries[place], strict=True):
            buffer.data = buffer.data.copy() if before is None else before.copy()
        try:
            yield
        finally:
            attributes.update(bound)
            for buffer, array in zip(own, arrays, strict=True):
                buffer.data = array
        return
    copies = [array.copy() for array in arrays]
    notes.entries[place] = copies
    yield
    had, same = set(map(id, bound.values())), set(map(id, attributes.values()))
    for i, (buffer, array, copy) in enumerate(zip(own, arrays, copies, strict=True)):
        unbound = id(buffer) in had and id(buffer) not in same
        if buffer.data is array and not unbound and np.array_equal(array, copy):
            copies[i] = None
