"""From loops to machine code: LLVM through llvmlite, and functions that are called with one address.

    function = compile_loops([loop])
    function(x, y)                      # checks the arrays, then runs

    frame = function.frame([x, y])      # or once the addresses,
    function.entry(frame.ctypes.data)   # and then a fifth of a microsecond a call

Only `llvmlite.binding` is used, and it is imported when something is compiled for the first time.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..install import install
from . import cache, pool
from .instructions import INTRINSICS
from .llvm import Emitted, Target, all_slots, emit, end_of
from .loops import Loop
from .threaded import Shared, parts_for

__all__ = ["Function", "available", "compile_loops", "compile_text", "target"]

_lock = threading.RLock()
#: Machine code that takes the address of a frame.
_CODE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
if hasattr(os, "register_at_fork"):  # a fork waits until LLVM is through: its child would find it half done, for ever
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Function:
    """Compiled loops, which run one after the other.

    Attributes:
        loops, slots: what it computes, and where the addresses of their operands stand in the frame.
        workspace: how many bytes the loops keep for themselves.  entry: takes the address of a frame, a
        contiguous int64 array of addresses, the last of which is the workspace's, and runs.
    """

    def __init__(
        self, loops: Sequence[Loop], slots: Sequence[Sequence[int]], entry: Callable[[int], None], workspace: int
    ) -> None:
        self.loops, self.slots, self.entry, self.workspace = tuple(loops), slots, entry, workspace

    @property
    def address(self) -> int | None:
        """Of the machine code; None where threads share some of it, so that it is no single function."""
        return ctypes.cast(self.entry, ctypes.c_void_p).value if isinstance(self.entry, _CODE) else None

    @property
    def text(self) -> str:
        """LLVM's assembly language that it was made from."""
        return emit(self.loops, self.slots, target=target()).text

    def frame(self, arrays: Sequence[Any]) -> Any:
        """The addresses of arrays, one for each slot, and of a workspace, in an array that keeps all of them alive.

        Raises:
            TypeError, ValueError: where an array does not fit an operand.
        """
        count = end_of(self.slots)
        if len(arrays) != count:
            raise ValueError(f"the function takes {count} arrays, got {len(arrays)}")
        for loop, slots in zip(self.loops, self.slots, strict=True):
            loop.views([arrays[slot] for slot in slots])
        workspace = np.empty(self.workspace + 64, np.uint8)
        start = -(-_address(workspace) // 64) * 64  # the beginning of a cache line
        frame = np.array([*map(_address, arrays), start], np.int64).view(_Frame)
        frame.kept = (*arrays, workspace)
        return frame

    def __call__(self, *arrays: Any) -> None:
        """Run on arrays, one for each slot, which are checked."""
        frame = self.frame(arrays)
        self.entry(_address(frame))


class _Frame(np.ndarray):
    """An array of addresses that keeps what it points to alive."""

    kept: tuple[Any, ...]


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def available() -> bool:
    """Whether loops can be compiled here: llvmlite is installed and knows this machine."""
    try:
        return target() is not None
    except ImportError:
        return False


def compile_loops(loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None) -> Function:
    """One native function for loops that run one after the other.

    Args:
        slots: for each loop the places of its operands in the frame; by default the operands of all loops in a row.

    Raises:
        ImportError: without llvmlite; the message says how to install it.
    """
    machine = _machine()
    if machine.target is None:
        raise ImportError(
            f"loops cannot be compiled for this machine ({machine.cpu}); Loop.run computes them with NumPy"
        )
    slots = all_slots(loops, slots)
    with _lock:
        return Function(loops, slots, *_entry(machine, loops, slots, machine.target))


def _entry(
    machine: _Machine, loops: Sequence[Loop], slots: Sequence[Sequence[int]], known: Target
) -> tuple[Callable[[int], None], int]:
    """What runs loops, of which threads share the large ones, and the bytes of its workspace."""
    last = end_of(slots)
    pieces: list[tuple[Callable[[int], None], int]] = []
    waiting: list[tuple[Loop, Sequence[int]]] = []  # for one thread

    def end_piece() -> None:
        if waiting or not pieces:
            address, workspace = machine.function([loop for loop, _ in waiting], [of_loop for _, of_loop in waiting], last)
            pieces.append((_callable(address), workspace))
            waiting.clear()

    for loop, of_loop in zip(loops, slots, strict=True):
        division = parts_for(loop, of_loop, pool.threads(), known)
        if division is None:
            waiting.append((loop, of_loop))
            continue
        if waiting:
            end_piece()
        address, workspace = machine.function([division.part], all_slots([division.part], None), len(of_loop))
        shared = Shared(division, _callable(address), workspace, [*of_loop, last])
        pieces.append((shared, shared.workspace))
        if division.rest is not None:
            waiting.append((division.rest, of_loop))
    end_piece()
    entries = [entry for entry, _ in pieces]
    return entries[0] if len(entries) == 1 else _in_turn(entries), max(workspace for _, workspace in pieces)


def _in_turn(entries: Sequence[Callable[[int], None]]) -> Callable[[int], None]:
    def run(address: int) -> None:
        for entry in entries:
            entry(address)

    return run


def _callable(address: int) -> Callable[[int], None]:
    """The machine code at an address."""
    return _CODE(address)


def compile_text(write: Callable[[Target, str], str], *parts: str) -> Callable[[int], None]:
    """A native function that is written in LLVM's language: it takes the address of a frame.

    Args:
        write: gives the text for a machine, of a function of the given name.
        parts: what the text depends on beside the machine.

    Raises:
        ImportError: without llvmlite, or where the machine is not known.
    """
    machine = _machine()
    known = machine.target
    if known is None:
        raise ImportError(f"nothing can be compiled for this machine ({machine.cpu})")
    with _lock:
        address, _ = machine.loaded(lambda name: Emitted(write(known, name), 0), *parts)
    return _callable(address)


def target() -> Target | None:
    """What the emitter needs to know of this machine; None where it has not what formulas need."""
    return _machine().target


def _machine() -> _Machine:
    """The one there is: of two that threads make at once the other one would go, and its code with it."""
    with _lock:
        return _made_machine()


@functools.cache
def _made_machine() -> _Machine:
    return _Machine()


class _Machine:
    """This CPU, and one engine of LLVM's, in which all code lives until the process ends."""

    def __init__(self) -> None:
        try:
            import llvmlite.binding as llvm
        except ImportError as error:
            raise ImportError(f"to compile loops, llvmlite is needed: {install('fast')}") from error
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        self.llvm, self.cpu, self.features = llvm, llvm.get_host_cpu_name(), features.flatten()
        self.target = _target(llvm.get_default_triple(), features, llvm.llvm_version_info)
        self.what_determines_code = repr((self.cpu, self.features, llvm.llvm_version_info, _version_of_the_compiler()))
        self._functions: dict[str, tuple[int, int]] = {}

    @functools.cached_property
    def code_generator(self) -> Any:
        """Position-independent code, which can be kept; optimised as it is selected: the text needs no other passes."""
        made = self.llvm.Target.from_default_triple()
        return made.create_target_machine(cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="small")

    @functools.cached_property
    def engine(self) -> Any:
        """It loads objects; one for all, since each costs 1 MB.

        An object's code and constants must lie within 2 GB: llvmlite's memory manager reserves them side by side, while LLVM's
        takes free pages wherever they are, and ends a process in which these lie far apart.
        """
        machine = self.llvm.Target.from_default_triple().create_target_machine(opt=2)
        return self.llvm.create_mcjit_compiler(self.llvm.parse_assembly(""), machine, use_lmm=True)

    def function(self, loops: Sequence[Loop], slots: Sequence[Sequence[int]], last: int) -> tuple[int, int]:
        """The address of the machine code of loops, and the bytes of their workspace.

        The code is compiled if neither this process nor the disk has it.  Its name is made of the loops
        themselves, so that code from the disk need not be written as text again.
        """
        parts = [repr((loop.space, loop.operands, loop.code)) for loop in loops]
        places = repr(([[*s] for s in slots], last))
        return self.loaded(lambda name: emit(loops, slots, name=name, target=self.target, last=last), *parts, places)

    def loaded(self, write: Callable[[str], Emitted], *parts: str) -> tuple[int, int]:
        """The same of code that is written under a name, and that these parts determine."""
        name = "m" + cache.key(*parts, repr(self.target), self.what_determines_code)
        if name not in self._functions:
            found = cache.load(name)
            if found is None:
                emitted = write(name)
                found = emitted.workspace.to_bytes(8, "little") + self.compiled(emitted.text)
                cache.store(name, found)
            self.engine.add_object_file(self.llvm.object_file.ObjectFileRef.from_data(found[8:]))
            self.engine.finalize_object()
            self._functions[name] = self.engine.get_function_address(name), int.from_bytes(found[:8], "little")
        return self._functions[name]

    def compiled(self, text: str) -> bytes:
        """An object file.

        What LLVM cannot make instructions of, it makes calls to a library; the engine would find any function
        of the process, or none, so nothing may be called but the intrinsics that are known to need none.
        """
        for name in re.findall(r"^declare .*@(\S+?)\(", text, re.MULTILINE):
            if not name.startswith("llvm.") or re.sub(r"(\.(v?\d*[ifp]\d+))+$", "", name[5:]) not in INTRINSICS:
                raise AssertionError(f"compiled code must not call {name}")
        module = self.llvm.parse_assembly(text)
        module.verify()
        return self.code_generator.emit_object(module)


def _version_of_the_compiler() -> str:
    """A checksum of this package: other sources may make other code."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _target(triple: str, features: Any, version: Sequence[int]) -> Target | None:
    """What this machine has; None where it cannot round as formulas do, in one instruction.

    Older versions of LLVM call a library to multiply by a power of 2, though the machine has an instruction.
    """
    if triple.startswith(("aarch64", "arm64")):
        return Target(fma=True)
    if triple.startswith("x86_64") and features.get("sse4.1"):
        ldexp = bool(features.get("avx512f") and features.get("avx512vl")) and version[0] >= 22
        tile = (8, 2) if features.get("avx512f") else (6, 1)
        return Target(fma=bool(features.get("fma")), ldexp=ldexp, tile=tile)
    return None
