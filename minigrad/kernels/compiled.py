"""From an op's definition to native code: what accelerated functions run as on arrays of some size.

A function is traced on the arguments of its first call, its NumPy calls are fused into loops, and these are compiled
for these shapes and dtypes.  Later calls with arguments of the same kind tell the native function where the arrays lie,
and run it.  Results are new arrays; arrays that the function writes into are written.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from .. import kernels, tracing
from ..compiler import native
from ..compiler.fuse import Fusion, fused
from ..compiler.groups import Group, slots_of
from ..compiler.layout import check_reach
from ..compiler.numbers import Formula, Number, evaluate
from ..compiler.passes import simplified
from ..compiler.program import Program, Var
from ..compiler.trace import Recorder
from ..compiler.views import View, overlap, strides_of
from ..ops.window import Window
from ..trees import flatten, is_leaf, tree_map, unflatten

__all__ = ["Kernel", "traced"]

#: For so many kinds of arguments, of each function, native code is kept at hand.
MOST = 64
#: Memory of so many bytes stays for the next call of a version; more is made anew, since there may be many versions.
KEPT = 1 << 16
#: Bits of `flags.num`: in one piece, aligned, writeable.
_PLAIN = 0x501
#: Arguments that a function is compiled for, one by one.
_FIXED = (int, bool, str, type(None), tuple, Window)


class Kernel:
    """A function of arrays, compiled for each kind of arguments that it is called with.

    Arrays may have other values at each call, and so may Python's floats.

    >>> scaled = Kernel(lambda x, factor: x * factor)
    >>> scaled(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.versions: dict[Any, Any] = {}  # None where there can be none

    def __call__(self, *args: Any) -> Any:
        """What the function gives; NotImplemented where it cannot be compiled for such arguments."""
        arrays, numbers, key = [], [], []
        for a in args:
            kind = type(a)
            if kind is np.ndarray:
                key.append(a.shape)
                key.append(a.dtype)
                arrays.append(a)
            elif kind is float:
                key.append(float)
                numbers.append(a)
            else:
                key += kind, a
        return self.run(tuple(key), args, arrays, numbers)

    def run(self, name: Any, args: Sequence[Any], arrays: list[Any], numbers: list[float]) -> Any:
        """What the version for one kind of arguments gives, which is made if it is not there."""
        try:
            version = self.versions[name]
        except KeyError:
            version = self._compiled(name, args)
        except TypeError:  # a list, say, is no key
            return NotImplemented
        return NotImplemented if version is None else version.run(arrays, numbers)

    def most(self) -> int:
        """For how many kinds of arguments there are versions at a time."""
        return MOST

    def takes(self, x: Any) -> bool:
        """Whether functions are compiled for an argument like this."""
        return x.size > 0 if type(x) is np.ndarray else type(x) is float or type(x) in _FIXED

    def version(self, args: Sequence[Any]) -> Any:
        """A version; None where nothing can be compiled."""
        return Version(self.function, args) if _can_compile() else None

    def _compiled(self, name: Any, args: Sequence[Any]) -> Any:
        if tracing.recorder.get() is not None or not all(map(self.takes, args)):
            return None
        while len(self.versions) >= self.most():
            self.versions.pop(next(iter(self.versions)), None)
        self.versions[name] = None
        try:
            self.versions[name] = self.version(args)
        except NotImplementedError:
            pass
        except Exception as error:  # whatever is wrong, the arrays' own library can compute it
            warnings.warn(f"{getattr(self.function, '__name__', 'a function')} is not compiled: {error!r}", stacklevel=5)
        return self.versions[name]


def _can_compile() -> bool:
    """Whether llvmlite works, and knows this machine; else nothing is compiled from now on."""
    try:
        if native.target() is not None:
            return True
    except Exception as error:  # of a library that is missing or broken, not only ImportError
        warnings.warn(f"the accelerator is off: llvmlite cannot be imported ({error})", stacklevel=6)
    kernels.enabled = False
    return False


class Version:
    """A function that is compiled for some kind of arguments.

    Attributes:
        slots: where in the native function's frame the addresses of values stand: first those of the arguments, then
            those of the results, which are new arrays at each call.
        sizes: the bytes of the arguments.
        written: the numbers of those that are written.
        made: shapes and dtypes of the results, and what makes them.
        own: the values that lie in memory of a desk.
    """

    def __init__(self, function: Callable[..., Any], args: Sequence[Any]) -> None:
        program, self.formulas, self.written, self.template = traced(function, args)
        values, changed = program.outputs
        targets = {v: program.inputs[i] for i, v in zip(self.written, changed, strict=True)}
        fusion = fused(program, targets, at_once=True)
        if program.checks or (fusion.guards and self.written):
            raise NotImplementedError("what is to be done depends on values")
        loops = [group for group in fusion.groups if isinstance(group, Group)]
        if len(loops) < len(fusion.groups):
            raise NotImplementedError("no loop can hold all steps")
        self.outputs = [_Output(v, fusion) for v in values]
        results = list(dict.fromkeys(output.base for output in self.outputs))
        self.slots: dict[Any, int] = {v: i for i, v in enumerate([*program.inputs, *results])}
        self.native = self._native(loops)
        self.constants, self.zeroed = fusion.constants, set(fusion.zeroed)
        self.sizes = [x.dtype.itemsize * prod(x.shape) for x in program.inputs]
        self.made = [(np.zeros if v in self.zeroed else np.empty, v.shape, v.dtype) for v in results]
        self.own = list(self.slots)[len(program.inputs) + len(results) :]
        self.guards = list(dict.fromkeys(fusion.guards))
        pairs = zip(self.written, changed, strict=True)
        self.late = [(i, v) for i, v in pairs if fusion.written.get(v) is not program.inputs[i]]
        stored = {v for group in loops for v in group.stored} | set(fusion.joined)
        if not stored >= {*results, *(v for _, v in self.late)} or not {v for _, v in self.late} <= {*self.own}:
            raise NotImplementedError("a result is not made by a loop")
        for output in self.outputs:
            output.number = results.index(output.base)
        self.single = is_leaf(self.template)
        self.desks: list[Desk] = []

    def _native(self, groups: list[Group]) -> native.Function:
        for group in groups:
            check_reach(group)
        loops = [group.loop(f"loop {i}") for i, group in enumerate(groups)]
        return native.compile_loops(loops, slots_of(groups, self.slots))

    def run(self, arrays: list[Any], numbers: list[float]) -> Any:
        """The results; NotImplemented where an array that is written is not in one piece, or shares its memory, or where
        values are not as they must be."""
        try:
            desk = self.desks.pop()
        except IndexError:  # the first call, or another one is under way
            desk = Desk(self)
        for a in arrays:
            if a.flags.num & _PLAIN != _PLAIN and not self._copied(arrays):
                return NotImplemented
        addresses = [_address(a) for a in arrays]
        if self.written and overlap([(a, a + n) for a, n in zip(addresses, self.sizes, strict=True)], self.written):
            return NotImplemented
        made = [make(shape, dtype) for make, shape, dtype in self.made]
        desk.frame[: len(addresses) + len(made)] = addresses + [_address(x) for x in made]  # type: ignore[assignment]
        if desk.numbers:
            desk.fill(self.formulas, numbers)
        self.native.entry(desk.address)
        for i, v in self.late:
            arrays[i][...] = desk.memory[v]
        right = not self.guards or all(desk.memory[v] for v in self.guards)
        if desk.size <= KEPT:
            self.desks.append(desk)
        if not right:
            return NotImplemented
        if self.single:
            return self.outputs[0].of(made)
        return unflatten(self.template, iter([output.of(made) for output in self.outputs]))

    def _copied(self, arrays: list[Any]) -> bool:
        """Put copies in the places of arrays that are not in one piece; False where one of these is written."""
        for i, a in enumerate(arrays):
            if a.flags.num & _PLAIN != _PLAIN:
                if i in self.written:
                    return False
                arrays[i] = np.array(a, order="C")
        return True


class Desk:
    """The memory that one call of a version works with, and the next one when it is done.

    Attributes:
        frame: the addresses of values, for the native function.
        memory: of the values that lie here.
        numbers: formulas, and where their values are put.
        size: the bytes of all this.
    """

    def __init__(self, version: Version) -> None:
        self.frame = (ctypes.c_int64 * (len(version.slots) + 1))()
        self.address = ctypes.addressof(self.frame)
        self.memory = {key: self._memory(key, version) for key in version.own}
        self.workspace = np.empty(version.native.workspace + 64, np.uint8)
        for key, memory in self.memory.items():
            self.frame[version.slots[key]] = memory.ctypes.data
        self.frame[len(version.slots)] = -(-self.workspace.ctypes.data // 64) * 64
        self.size = self.workspace.nbytes + sum(memory.nbytes for memory in self.memory.values())
        self.numbers = [(key[0], memory) for key, memory in self.memory.items() if type(key) is tuple]

    def _memory(self, key: Any, version: Version) -> Any:
        if type(key) is tuple:
            return np.empty((), key[1])
        if key in version.constants:
            return np.array(version.constants[key], order="C")
        return (np.zeros if key in version.zeroed else np.empty)(key.shape, key.dtype)

    def fill(self, formulas: list[Formula], numbers: list[float]) -> None:
        """Put the numbers of a call where native code finds them."""
        values: dict[Formula, Any] = dict(zip(formulas, numbers, strict=True))
        for formula, memory in self.numbers:
            memory[()] = evaluate(formula, values)


class _Output:
    """A result: an array that loops have made, or a view of one."""

    def __init__(self, v: Var, fusion: Fusion) -> None:
        view = fusion.views.get(v)
        self.base, self.number = v if view is None else view.base, 0
        whole = View(self.base, self.base.shape, strides_of(self.base.shape))
        self.view = None if view == whole else view

    def of(self, made: list[Any]) -> Any:
        x = made[self.number]
        return x if self.view is None else self.view.of(x, np.lib.stride_tricks.as_strided)


def traced(function: Callable[..., Any], args: Sequence[Any]) -> tuple[Program, list[Formula], list[int], Any]:
    """The program of a function, what stands for Python's floats, which arrays it writes, and what it returns."""
    recorder = Recorder()
    arrays = [recorder.given(np.array(a, order="C")) for a in args if type(a) is np.ndarray]
    numbers = [Number(a, Formula(), recorder) for a in args if type(a) is float]
    stand_ins = {np.ndarray: iter(arrays), float: iter(numbers)}
    given = [next(stand_ins[type(a)]) if type(a) in stand_ins else a for a in args]
    token = tracing.recorder.set(recorder)
    try:
        with np.errstate(all="ignore"):
            result = function(*given)
    except (TypeError, ValueError, IndexError, Warning) as error:  # NumPy's own, which its code will raise
        raise NotImplementedError(str(error)) from error
    finally:
        tracing.recorder.reset(token)
    if recorder.decisions:
        raise NotImplementedError("what is to be done depends on a number")
    written = [i for i, x in enumerate(arrays) if x.version]
    if any(arrays[i].dtype.kind != "f" for i in written):
        raise NotImplementedError("what NumPy refuses to write into whole numbers is not known here")
    values = [recorder.value_of(x) for x in flatten(result)]
    if not all(type(v) is Var for v in values):
        raise NotImplementedError("not all results are arrays")
    program = simplified(recorder.program((values, [arrays[i].value for i in written])))
    recorder.forget()
    places = tree_map(lambda _: 0, result)  # the traced arrays hold all of this run
    return program, [n.formula for n in numbers], written, places


def _address(x: Any) -> int:
    """Where an array lies that is in one piece and writeable: found in a fifth of the time that `x.ctypes.data` takes."""
    return ctypes.addressof(ctypes.c_char.from_buffer(x))
