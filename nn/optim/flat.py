"""The parameters of a group, and their state, in flat buffers: one step for all of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, mark_mutated
from minigrad.arrays import RowSparse
from minigrad.arrays.flat import Layout, has_only, is_alone

__all__ = ["Flat"]

#: What changes an array in place: (p, g, state, options).
Change = Callable[[Any, Any, dict[str, Any], dict[str, Any]], None]
#: In main memory a call costs little: above this number of elements, copying the gradients beside
#: each other takes more time than the calls that it saves.
_LARGEST_ON_CPU = 4096


class Flat:
    """Which parameters lie in which buffers; each lies in one at most.

    A parameter is moved into a buffer in the first step that can do so: `p.data` becomes a part of
    the buffer, and so do the arrays of its state.  The next steps find them there.  Whatever was
    replaced in between (by `load_state_dict`, `to`, or by hand) is moved again.  A parameter stays
    where it is, and is stepped by itself, as long as somebody else has its array, or one of its
    state: they would not see the changes any more.
    """

    def __init__(self) -> None:
        self._homes: dict[int, tuple[_Buffers, int]] = {}

    def step(
        self, work: list[tuple[Tensor, Any]], states: Any, options: dict[str, Any], change: Change
    ) -> list[tuple[Tensor, Any]]:
        """One step of all parameters that can be stepped together.

        Args:
            work: parameters and their gradients.
            states: what is remembered of each parameter, by the parameter.
            change: steps one array.

        Returns:
            The rest of the work.
        """
        together: dict[Any, list[tuple[Tensor, Any]]] = {}
        for p, g in work:
            key = _kind(p, g, states[p])
            if key is not None and self._can_move(p, states[p]):
                together.setdefault(key, []).append((p, g))
        done = set()
        for pairs in together.values():
            if len(pairs) > 1:
                params = [p for p, _ in pairs]
                buffers = self._buffers(params)
                buffers.step([g for _, g in pairs], [states[p] for p in params], options, change)
                done.update(map(id, params))
        return [(p, g) for p, g in work if id(p) not in done] if done else work

    def _can_move(self, p: Tensor, state: dict[str, Any]) -> bool:
        """Whether a parameter and its state lie in buffers, or can be moved there unseen."""
        buffers, number = self._homes.get(id(p), (None, 0))
        if buffers is None:
            return is_alone(p) and all(has_only(state, n) for n in state if _is_array(state[n]))
        if not buffers.holds("", number, p.data) and not is_alone(p):
            return False
        for name in state:
            if _is_array(state[name]) and not buffers.holds(name, number, state[name]):
                if not has_only(state, name):
                    return False
        return True

    def _buffers(self, params: list[Tensor]) -> _Buffers:
        """The buffers of exactly these parameters; new ones where they do not lie in the same."""
        known = self._homes.get(id(params[0]))
        if known is not None and list(map(id, known[0].params)) == list(map(id, params)):
            return known[0]
        for p in params:
            if id(p) in self._homes:  # the others that lie with it are moved when they come
                for other in self._homes[id(p)][0].params:
                    self._homes.pop(id(other), None)
        buffers = _Buffers(params)
        self._homes.update((id(p), (buffers, i)) for i, p in enumerate(params))
        return buffers


class _Buffers:
    """The buffers of some parameters: one for themselves, under the name "", and one for each array of the state."""

    def __init__(self, params: list[Tensor]) -> None:
        self.params = params
        self.layout = Layout([p.data for p in params])
        self._whole: dict[str, Any] = {}
        self._parts: dict[str, list[weakref.ref[Any]]] = {}

    def holds(self, name: str, number: int, array: Any) -> bool:
        """Whether an array is the one that lies in the buffer."""
        return name in self._parts and self._parts[name][number]() is array

    def step(
        self, gradients: list[Any], states: list[dict[str, Any]], options: dict[str, Any], change: Change
    ) -> None:
        """Change all parameters and their states by one call."""
        p = self._buffer_of_parameters()
        state = {
            name: self._buffer_of_state(name, states) if _is_array(value) else value
            for name, value in states[0].items()
        }
        for name in self._whole.keys() - state.keys() - {""}:
            del self._whole[name], self._parts[name]
        g = self.layout.join(gradients)
        if options.get("maximize"):
            np.negative(g, out=g)
        change(p, g, state, options)
        for name, value in state.items():
            if not _is_array(value):
                for own in states:
                    own[name] = value
            elif value is not self._whole.get(name):
                self._put(name, value, states)
        for q in self.params:
            mark_mutated(q.data)

    def _buffer_of_parameters(self) -> Any:
        if not all(self.holds("", i, p.data) for i, p in enumerate(self.params)):
            buffer = self.layout.join([p.data for p in self.params])
            for p, part in zip(self.params, self._divided("", buffer), strict=True):
                p.data = part
        return self._whole[""]

    def _buffer_of_state(self, name: str, states: list[dict[str, Any]]) -> Any:
        if not all(self.holds(name, i, state[name]) for i, state in enumerate(states)):
            self._put(name, self.layout.join([state[name] for state in states]), states)
        return self._whole[name]

    def _put(self, name: str, buffer: Any, states: list[dict[str, Any]]) -> None:
        """Make the parts of a buffer an array of the states."""
        for state, part in zip(states, self._divided(name, buffer), strict=True):
            state[name] = part

    def _divided(self, name: str, buffer: Any) -> list[Any]:
        """The parts of a new buffer, which is remembered under a name."""
        parts = self.layout.parts(buffer)
        self._whole[name], self._parts[name] = buffer, list(map(weakref.ref, parts))
        return parts


def _is_array(value: Any) -> bool:
    return hasattr(value, "reshape") and not isinstance(value, np.generic)


def _kind(p: Tensor, g: Any, state: dict[str, Any]) -> Any:
    """What parameters have in common that can be stepped together; None for one that cannot.

    The numbers of the state (of steps, say) must be the same, and its arrays have the same names.
    """
    x = p.data
    if isinstance(g, RowSparse) or g.dtype != x.dtype or x.dtype.kind != "f" or not x.size:
        return None
    if isinstance(x, np.ndarray) and x.size > _LARGEST_ON_CPU:
        return None
    kept = []
    for name, value in state.items():
        if _is_array(value):
            kept.append((name, value.dtype.char))
        elif isinstance(value, (int, float)):
            kept.append((name, value))
        else:
            return None
    return p.device, x.dtype.char, tuple(kept)
