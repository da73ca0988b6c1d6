"""From text to machine code: LLVM through llvmlite, and functions that are called with one address.

    function = compile_loops([loop])
    function(x, y)                      # checks the arrays, then runs

    frame = function.frame([x, y])      # or once the addresses,
    function.entry(frame.ctypes.data)   # and then 0.2 us a call

Only `llvmlite.binding` is used, and it is imported when something is compiled for the first time.
"""

from __future__ import annotations

import ctypes
import functools
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..install import install
from . import cache
from .instructions import INTRINSICS
from .llvm import Emitted, Target, emit
from .loops import Loop

__all__ = ["Function", "available", "compile_loops", "target"]

#: Part of the names of cached files: raise it when the same text shall become other code.
VERSION = "1"
_lock = threading.RLock()


class Function:
    """A compiled function.

    Attributes:
        entry: takes the address of a frame (a contiguous int64 array of addresses; the last is the workspace's) and runs.
        emitted: its text, and what it needs.
        loops: what it computes.
    """

    def __init__(self, loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None, emitted: Emitted, address: int) -> None:
        self.loops, self.slots, self.emitted = tuple(loops), slots, emitted
        self.entry: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def frame(self, arrays: Sequence[Any]) -> Any:
        """The addresses of arrays, one for each slot, and a workspace, as an array that keeps all of them alive.

        Raises:
            TypeError, ValueError: where an array does not fit an operand.
        """
        count = self.emitted.slots - 1
        if len(arrays) != count:
            raise ValueError(f"{self.emitted.name} takes {count} arrays, got {len(arrays)}")
        places = self.slots
        if places is None:
            numbers = iter(range(count))
            places = [[next(numbers) for _ in loop.operands] for loop in self.loops]
        for loop, slots in zip(self.loops, places, strict=True):
            loop.views([arrays[slot] for slot in slots])
        workspace = np.empty(self.emitted.workspace // 8 + 8, np.int64)  # 8 more, so that it can begin at a cache line
        start = -(-workspace.ctypes.data // 64) * 64
        frame = np.array([a.__array_interface__["data"][0] for a in arrays] + [start], np.int64).view(_Frame)
        frame.kept = (*arrays, workspace)
        return frame

    def __call__(self, *arrays: Any) -> None:
        """Run on arrays, which are checked."""
        frame = self.frame(arrays)
        self.entry(frame.ctypes.data)


class _Frame(np.ndarray):
    """An array of addresses that keeps what it points to alive."""

    kept: tuple[Any, ...]


def available() -> bool:
    """Whether loops can be compiled here: llvmlite is installed and knows this machine."""
    try:
        return target() is not None
    except ImportError:
        return False


def compile_loops(loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None, name: str = "kernel") -> Function:
    """One native function for loops that run one after the other.

    Args:
        slots: for each loop the places of its operands in the frame; by default the operands of all loops in a row.
        name: for people; it is no part of what is computed.

    Raises:
        ImportError: without llvmlite; the message says how to install it.
    """
    machine = _machine()
    if machine.target is None:
        raise ImportError(f"loops cannot be compiled for this machine ({machine.cpu}); Loop.run computes them with NumPy")
    with _lock:
        emitted = emit(loops, slots, name=re.sub(r"\W", "_", name), target=machine.target)
        return Function(loops, slots, emitted, machine.address(emitted))


def target() -> Target | None:
    """What the emitter needs to know of this machine; None where it has not what formulas need."""
    return _machine().target


@functools.cache
def _machine() -> _Machine:
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
        self.llvm, self.cpu = llvm, llvm.get_host_cpu_name()
        self.features, self.version = features.flatten(), ".".join(map(str, llvm.llvm_version_info))
        self.target = _target(llvm.get_default_triple(), features)
        self._engine: Any = None
        self._addresses: dict[str, int] = {}

    @functools.cached_property
    def code_generator(self) -> Any:
        """Position-independent code, which can be kept; optimised as it is selected, since the text needs no other passes."""
        made = self.llvm.Target.from_default_triple()
        return made.create_target_machine(cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="small")

    def address(self, emitted: Emitted) -> int:
        """Where the machine code of a function is, compiled if neither this process nor the disk has it."""
        name = "m" + cache.key(emitted.text, self.cpu, self.features, self.version, VERSION)
        if name not in self._addresses:
            code = cache.load(name)
            if code is None:
                code = self.compiled(emitted.text.replace(f"@{emitted.name}(", f"@{name}("))
                cache.store(name, code)
            if self._engine is None:
                machine = self.llvm.Target.from_default_triple().create_target_machine(opt=2)
                self._engine = self.llvm.create_mcjit_compiler(self.llvm.parse_assembly(""), machine)
            self._engine.add_object_file(self.llvm.object_file.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
            self._addresses[name] = self._engine.get_function_address(name)
        return self._addresses[name]

    def compiled(self, text: str) -> bytes:
        """An object file.

        What LLVM cannot make instructions of, it makes calls to a library; the engine would find any function of the process, or none,
        so nothing may be called but the intrinsics that are known to need none.
        """
        for name in re.findall(r"^declare .*@(\S+?)\(", text, re.MULTILINE):
            if not name.startswith("llvm.") or re.sub(r"(\.(v?\d*[ifp]\d+))+$", "", name[5:]) not in INTRINSICS:
                raise AssertionError(f"compiled code must not call {name}")
        module = self.llvm.parse_assembly(text)
        module.verify()
        return self.code_generator.emit_object(module)


def _target(triple: str, features: Any) -> Target | None:
    """A fused multiply-add, and rounding as one instruction: what formulas are made of."""
    if triple.startswith(("aarch64", "arm64")):
        return Target(fma=True)
    if triple.startswith("x86_64") and features.get("sse4.1"):
        return Target(fma=bool(features.get("fma")))
    return None
