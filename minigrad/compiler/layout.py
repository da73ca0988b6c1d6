"""Where the values of a program lie: memory that stays, and the frames of addresses that native functions read."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..backend import address_of
from ..tensor import Tensor, wrap
from . import native
from .fuse import Fusion
from .groups import Call, Group, slots_of
from .hazards import clash
from .lifetimes import lifetimes
from .loops import Loop
from .numbers import Formula
from .program import Program, Step, Var, bytes_of, vars_in, with_values
from .replay import Replay
from .sharing import offsets
from .steps import Store
from .views import View

__all__ = ["LARGE", "SMALL", "Argument", "Given", "Layout"]

#: Arrays of fewer bytes are copied to and from places that native code knows: it takes longer to find out where they are.
SMALL = 1 << 14
#: Results of more bytes are new arrays at each call: two that are kept would take too much memory.
LARGE = 1 << 22


class Layout:
    """A place for every value, native functions, and their frames.

    Attributes:
        memory: arrays that stay where they are, of values and of numbers.
        given: results that native code writes straight into the arrays that a call gives away.
        pieces: loops that are one native function, or a call, in the order in which they run.
        functions: of each piece; None of a call.
        keys: of each piece: the values and numbers that its loops read and write.
        frames: of each piece: the addresses of what its loops read and write, for two calls in turn.
        slots: where the address of a value stands: numbers of frames, and places in them.
    """

    def __init__(self, fusion: Fusion | Replay, program: Program, outputs: set[Var]) -> None:
        self.fusion, self.program = fusion, program
        self.turn = [0]
        self.memory: dict[Any, np.ndarray] = {}
        self.slots: dict[Any, list[tuple[int, int]]] = {}
        self.given: set[Var] = set()
        self.allocate(outputs - set(fusion.written))
        self._divide()
        self._room()
        for group in fusion.groups:
            if isinstance(group, Group):
                check_reach(group)
        for key in self.slots:
            if key in self.memory:
                self.put(key, address_of(self.memory[key]))

    def allocate(self, outputs: set[Var]) -> None:
        """Memory that stays for what loops store, unless the caller gets it, and for constants."""
        stored = dict.fromkeys(v for g in self.fusion.groups if not isinstance(g, Call) for v in g.stored)
        self.given.update(v for v in stored if v in outputs)
        still = dict.fromkeys([*(v for v in stored if v not in outputs), *self.fusion.joined])
        self.memory.update(self.shared([v for v in still if v not in self.fusion.zeroed]))
        for v in self.fusion.zeroed:  # whose zeros nobody writes again
            self.memory[v] = self.empty(v)
            self.memory[v].fill(0)
        for v, x in self.fusion.constants.items():
            self.memory[v] = self.constant(x)

    def shared(self, values: list[Var]) -> dict[Var, Any]:
        """Memory of values: the same for those that are not needed at the same time."""
        program = self.program
        ends = vars_in((program.outputs, self.fusion.guards, program.checks))
        lives = lifetimes(self.fusion.groups, self.fusion.memory, ends)
        places, total = offsets({v: bytes_of(v) for v in values if v in lives}, lives)
        room = np.empty(total + 64, np.uint8)
        room = room[-address_of(room) % 64 :]
        return {v: room[i : i + bytes_of(v)].view(v.dtype).reshape(v.shape) for v, i in places.items()}

    def looked_at(self, step: Step) -> Any:
        """The view that a step gives of an array that stays where it is."""
        memory: Any = self.memory
        return step.function(*with_values(step.args, memory), **with_values(step.kwargs, memory))

    def seen(self, view: View, base: Any = None) -> Any:
        """A view of an array, by default of what stays where it is."""
        return view.of(self.memory[view.base] if base is None else base, self.as_strided)

    def as_strided(self, x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        return np.lib.stride_tricks.as_strided(x, shape, strides)

    def empty(self, v: Var) -> Any:
        """Memory for a value."""
        return np.empty(v.shape, v.dtype)

    def constant(self, x: Any) -> Any:
        """A constant in one piece."""
        return np.array(x, order="C")

    def compiled(self, loops: list[Loop], slots: list[list[int]]) -> Any:
        """The code of a piece."""
        return native.compile_loops(loops, slots)

    def _divide(self) -> None:
        """Loops in a row are one function, up to where the program may turn out not to be right."""
        self.pieces: list[Any] = []
        self.frames: list[Any] = []
        self.keys: list[list[Any]] = []
        waiting: list[Any] = []
        for number, group in enumerate(self.fusion.groups):
            if (isinstance(group, Call) or number == self.fusion.floor) and waiting:
                self.pieces.append(self._native(waiting))
                waiting = []
            if isinstance(group, Call):
                self.pieces.append(group)
                self.frames.append(None)
                self.keys.append([])
            else:
                waiting.append((number, group))
        if waiting:
            self.pieces.append(self._native(waiting))
        self.functions = [None if isinstance(p, Call) else self.compiled(*p) for p in self.pieces]

    def _room(self) -> None:
        """Room for what native functions keep while they run; its address is the last one of a frame."""
        largest = max((f.workspace for f in self.functions if f is not None), default=0)
        self.workspace = np.empty(largest // 8 + 8, np.int64)
        for frame in (f for pair in self.frames if pair is not None for f in pair):
            frame[-1] = -(-address_of(self.workspace) // 64) * 64

    def put(self, key: Any, address: int) -> None:
        """Note where a value lies, in all frames that hold it."""
        for turn in (0, 1):
            self.put_in(turn, key, address)

    def put_in(self, turn: int, key: Any, address: int) -> None:
        """Note it in the frames of one of two calls."""
        for frame, slot in self.slots.get(key, ()):
            self.frames[frame][turn][slot] = address

    def _native(self, groups: list[tuple[int, Group]]) -> tuple[list[Any], list[list[int]]]:
        """The loops of one native function, and where their operands stand in its frame."""
        local: dict[Any, int] = {}
        slots = slots_of([group for _, group in groups], local)
        for key, slot in local.items():
            if type(key) is tuple and key not in self.memory:
                self.memory[key] = np.empty((), key[1])
            self.slots.setdefault(key, []).append((len(self.frames), slot))
        self.keys.append(list(local))
        self.frames.append((np.zeros(len(local) + 1, np.int64), np.zeros(len(local) + 1, np.int64)))
        return [group.loop(f"loop {i}") for i, group in groups], slots

    def last_before_floor(self) -> int:
        """The last piece that runs before anything is changed; -1 where that is so from the start."""
        done, last = 0, -1
        for i, piece in enumerate(self.pieces):
            done += 1 if isinstance(piece, Call) else len(piece[0])
            last = i if done <= self.fusion.floor else last
        return last


class Given:
    """The arrays of one result: two, in turn, each of which is used again only where nobody has it any more.

    Whoever gets a result may change its shape, replace the array of a Tensor, or have it need a gradient.  So arrays are given
    away as views; and a Tensor, of which there are many in a step, is given again only as it was, since that takes less time.

    Attributes:
        items: the arrays, or Tensors and the arrays in them.
    """

    def __init__(self, layout: Layout, v: Var, in_tensor: bool) -> None:
        self.layout, self.v, self.in_tensor = layout, v, in_tensor
        self.items: list[Any] = [None, None]
        for turn in (0, 1):
            self.renewed(turn)

    def renewed(self, turn: int) -> Any:
        """A new array for one of the two."""
        array = self.layout.empty(self.v)
        self.layout.put_in(turn, self.v, address_of(array))
        self.items[turn] = (_unnamed(array), array) if self.in_tensor else array
        return self.items[turn]


def _unnamed(array: Any) -> Tensor:
    t = wrap(array, None)
    t._name = None
    return t


class Argument:
    """A small array among the arguments: copied to a place of its own, unless it is the same one again and again.

    Attributes:
        array: the array whose own address is in the frames.
    """

    def __init__(self, layout: Layout, v: Var) -> None:
        self.layout, self.v = layout, v
        self.array: Any = None
        self.last, self.room = 0, np.empty(v.shape, v.dtype)
        layout.put(v, address_of(self.room))

    def take(self, x: np.ndarray) -> None:
        """Have the native code find what x holds."""
        if id(x) == self.last and x.flags.c_contiguous:  # to find out where it lies takes longer than to copy it once
            self.array = x
            self.layout.put(self.v, address_of(x))
            return
        self.last = id(x)
        np.copyto(self.room, x)
        if self.array is not None:
            self.array = None
            self.layout.put(self.v, address_of(self.room))


def check_reach(group: Group) -> None:
    """Nothing that native code reads or writes lies outside of its array, or overlaps what else it writes in the same loop."""
    for a, operand in zip(group.arrays, group.operands, strict=True):
        if type(a) is Formula:
            continue
        low, high = operand.ends(group.space)
        if 0 not in group.space and not 0 <= low <= high < prod(a.shape):
            raise AssertionError(f"{operand} over {group.space} reaches beyond {a} of shape {a.shape}")
    for step in group.code:
        if isinstance(step, Store) and clash(group, group.arrays[step.operand], group.operands[step.operand]):
            raise AssertionError(f"a loop over {group.space} writes into {group.arrays[step.operand]} what it reads elsewhere")
