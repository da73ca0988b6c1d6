"""The parameters of a group, and their state, in flat buffers: one step for all of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor, mark_mutated
from minigrad.arrays import RowSparse
from minigrad.arrays.flat import Layout, has_only, is_alone
from minigrad.devices import follow

__all__ = ["Flat", "Work", "is_state_array", "may_move"]

#: Parameters and their gradients.
Work = list[tuple[Tensor, Any]]
#: What is remembered of each parameter: arrays and numbers by name.
States = Mapping[Tensor, dict[str, Any]]
#: What changes an array in place: (p, g, state, options).
Change = Callable[[Any, Any, dict[str, Any], dict[str, Any]], None]


class Flat:
    """Which parameters lie in which buffers; each lies in one at most.

    A parameter is moved into a buffer in the first step that can do so: `p.data` becomes a part of
    the buffer, and so do the arrays of its state.  The next steps find them there.  Whatever was
    replaced in between (by `load_state_dict`, `to`, or by hand) is moved again.

    A move must not be seen.  So an array that somebody else has as well is not moved: its parameter
    is stepped by itself, where it is.

    Parameters in main memory are all stepped by themselves.  A call of NumPy's costs little: with buffers a
    whole training step of small networks (2-16-16-2 to 64-64-64-64-64) took 0.9 of the time at best, with
    Adam, and 1.1 with SGD.
    """

    def __init__(self) -> None:
        self._homes: dict[int, tuple[_Buffers, int]] = {}

    def holds_all(self, work: Work, states: States) -> bool:
        """Whether all parameters of the work, and their states, lie in the same buffers already."""
        buffers = self._known(work)
        return buffers is not None and buffers.holds_all(work, states)

    def step(self, work: Work, states: States, options: dict[str, Any], change: Change, held: bool) -> Work:
        """One step of all parameters that can be stepped together.

        Args:
            work: parameters and their gradients.
            states: what is remembered of each parameter, by the parameter.
            change: steps one array.
            held: what `holds_all` says.

        Returns:
            The rest of the work.
        """
        if held:
            self._homes[id(work[0][0])][0].step(work, states, options, change)
            return []
        kinds: dict[Any, Work] = {}
        for p, g in work:
            kind = _kind(p, g, states[p])
            if kind is not None and (self._holds(p, states[p]) or _can_move(p, states[p])):
                kinds.setdefault(kind, []).append((p, g))
        done: set[int] = set()
        for pairs in kinds.values():
            buffers = self._known(pairs)
            if buffers is None or not buffers.holds_all(pairs, states):
                pairs = [(p, g) for p, g in pairs if _can_move(p, states[p])]
                if len(pairs) < 2:
                    continue
                buffers = self._known(pairs)
                if buffers is None or not buffers.fit():
                    buffers = self._new([p for p, _ in pairs])
                buffers.take_up([states[p] for p, _ in pairs])
            buffers.step(pairs, states, options, change)
            done.update(id(p) for p, _ in pairs)
        return [(p, g) for p, g in work if id(p) not in done] if done else work

    def _holds(self, p: Tensor, state: dict[str, Any]) -> bool:
        """Whether a parameter and its state lie in buffers."""
        if id(p) not in self._homes:
            return False
        buffers, number = self._homes[id(p)]
        arrays = {"": p.data, **{name: x for name, x in state.items() if is_state_array(x)}}
        return all(buffers.holds(name, number, x) for name, x in arrays.items())

    def _known(self, work: Work) -> _Buffers | None:
        """The buffers of exactly these parameters, where there are such."""
        buffers, _ = self._homes.get(id(work[0][0]), (None, 0))
        return buffers if buffers is not None and buffers.are_of(work) else None

    def _new(self, params: list[Tensor]) -> _Buffers:
        """Buffers for parameters, which leave those that they lie in."""
        for p in params:
            if id(p) in self._homes:  # the others that lie with it are moved when they come
                for other in self._homes[id(p)][0].params:
                    del self._homes[id(other)]
        buffers = _Buffers(params)
        self._homes.update((id(p), (buffers, i)) for i, p in enumerate(params))
        return buffers


class _Buffers:
    """The buffers of some parameters: one for each array of the state by its name, and under the
    name "" one for the parameters themselves."""

    def __init__(self, params: list[Tensor]) -> None:
        self.params = params
        self.layout = Layout([p.data for p in params])
        self._whole: dict[str, Any] = {}
        self._parts: dict[str, list[weakref.ref[Any]]] = {}

    def holds(self, name: str, number: int, array: Any) -> bool:
        """Whether an array is the one that lies in a buffer."""
        return name in self._parts and self._parts[name][number]() is array

    def are_of(self, work: Work) -> bool:
        """Whether the work is of these parameters, in this order."""
        return len(work) == len(self.params) and all(p is own for (p, _), own in zip(work, self.params, strict=True))

    def fit(self) -> bool:
        """Whether the parameters have the shapes that they had; they may have got other arrays."""
        return [p.shape for p in self.params] == self.layout.shapes

    def holds_all(self, work: Work, states: States) -> bool:
        """Whether all arrays that work of these parameters needs lie in the buffers.

        The gradients are of one kind, then, and the numbers of the states the same.
        """
        if "" not in self._whole:
            return False
        first, kind = states[work[0][0]], (type(self._whole[""]), self._whole[""].dtype)
        names = [name for name in self._parts if name]
        numbers = [name for name in first if name not in self._parts]
        for i, (p, g) in enumerate(work):
            state = states[p]
            if (type(g), g.dtype) != kind or len(state) != len(names) + len(numbers):
                return False
            if not self.holds("", i, p.data):
                return False
            if not all(self.holds(name, i, state.get(name)) for name in names):
                return False
            if not all(_is_number(state.get(name)) and state[name] == first[name] for name in numbers):
                return False
        return True

    def take_up(self, states: list[dict[str, Any]]) -> None:
        """Move what does not lie in the buffers, and forget those of which the state knows nothing."""
        if not all(self.holds("", i, p.data) for i, p in enumerate(self.params)):
            parts = self._divided("", self.layout.join([p.data for p in self.params]))
            for p, part in zip(self.params, parts, strict=True):
                p.data = part
        arrays = [name for name in states[0] if is_state_array(states[0][name])]
        for name in self._whole.keys() - {"", *arrays}:
            del self._whole[name], self._parts[name]
        for name in arrays:
            if not all(self.holds(name, i, state[name]) for i, state in enumerate(states)):
                self._put(name, self.layout.join([state[name] for state in states]), states)

    @follow
    def step(self, work: Work, states: States, options: dict[str, Any], change: Change) -> None:
        """Change all parameters and their states, which lie in the buffers, by one call."""
        own = [states[p] for p, _ in work]
        state = {name: self._whole.get(name, value) for name, value in own[0].items()}
        g = self.layout.join([g for _, g in work])
        if options.get("maximize"):
            np.negative(g, out=g)
        change(self._whole[""], g, state, options)
        for name, value in state.items():
            if not is_state_array(value):
                for each in own:
                    each[name] = value
            elif value is not self._whole.get(name):
                self._put(name, value, own)
        for p in self.params:
            mark_mutated(p.data)

    def _put(self, name: str, buffer: Any, states: list[dict[str, Any]]) -> None:
        """Make the parts of a buffer an array of the states."""
        for state, part in zip(states, self._divided(name, buffer), strict=True):
            state[name] = part

    def _divided(self, name: str, buffer: Any) -> list[Any]:
        """The parts of a new buffer, which is remembered under a name."""
        parts = self.layout.parts(buffer)
        self._whole[name], self._parts[name] = buffer, list(map(weakref.ref, parts))
        return parts


def may_move(x: Any) -> bool:
    """Whether an array is where a step of many at a time takes less time: on a GPU."""
    return not isinstance(x, np.ndarray)


def _can_move(p: Tensor, state: dict[str, Any]) -> bool:
    """Whether nobody sees that a parameter and its state get other arrays."""
    return is_alone(p) and all(has_only(state, n) for n in state if is_state_array(state[n]))


def _kind(p: Tensor, g: Any, state: dict[str, Any]) -> Any:
    """What parameters have in common that can be stepped together; None for one that cannot.

    The numbers of the state (of steps, say) must be the same, and its arrays have the same names.
    """
    x = p.data
    if not may_move(x) or isinstance(g, RowSparse) or g.dtype != x.dtype or x.dtype.kind != "f" or not x.size:
        return None
    kept = []
    for name, value in state.items():
        if is_state_array(value):
            kept.append((name, value.dtype.char))
        elif _is_number(value):
            kept.append((name, value))
        else:
            return None
    return p.device, x.dtype.char, tuple(kept)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_state_array(value: Any) -> bool:
    """Whether a value of the state is an array: of NumPy or CuPy, 0-d ones too, but no number."""
    return hasattr(value, "reshape") and not isinstance(value, np.generic)
