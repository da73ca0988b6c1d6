"""compile: a function is traced at its first call, and its program runs at the others."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from threading import Lock, RLock, get_ident
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays import batch
from ..arrays.traced import CannotTrace
from ..backend import is_plain
from ..random.state import get_state
from ..tensor import Tensor, raw
from ..tracing import RunsAsItIs
from ..trees import flatten, is_leaf, paths, unflatten
from . import (
    native,
    scanning,  # noqa: F401 - says how a loop is traced
)
from .back import without_graph
from .capture import capture, is_array, turn
from .cuda import Module
from .examples import Examples
from .explain import Explanation, explained, loops_of
from .fuse import fused
from .groups import Group
from .llvm import emit
from .loops import Loop
from .methods import methods_of
from .on_gpu import script_of
from .passes import stages
from .program import Program
from .recorded import Recorded
from .refused import parts_of
from .script import MISS, Script
from .state import same_value
from .static import Static

__all__ = ["CannotTrace", "CompileWarning", "Compiled", "compile"]

#: So many programs are made for arguments of the same shapes, since something else has changed; then the function runs as it is.
TRACES = 8
#: Errors that a program of NumPy calls does not end with unless it was written wrong.
_OF_THE_COMPILER = (AssertionError, AttributeError, NameError, KeyError)
#: So many programs of a function are kept: of more, the one that was not used for the longest time goes.
KEPT = 64


class CompileWarning(UserWarning):
    """A compiled function runs, but no faster than it would without."""


class Compiled:
    """A function that runs as a program; see `compile`.

    Attributes:
        function: the function itself.
        pure: a function that changes something, or draws random numbers, is refused.
    """

    pure = False
    #: What does not belong to the function: not looked at when another function that calls it is traced.
    caches = (
        "_examples", "_lock", "_owner", "_scripts", "_traces", "_unlike", "pure", "static",
        "__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__wrapped__", "__type_params__",
    )  # fmt: skip

    def __init__(self, function: Callable[..., Any], static: int | str | Sequence[int | str] = ()) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function, self.static = function, Static(function, static)
        self._scripts: dict[Any, list[Script | Recorded]] = {}
        self._traces: dict[Any, int] = {}
        self._unlike = ""
        self._examples = Examples(function, Compiled)
        self._begin()
        _alive.add(self)

    def __repr__(self) -> str:
        return f"<compiled {getattr(self, '__qualname__', self.function)}, {len(self.versions)} programs>"

    def _begin(self) -> None:
        """Nobody runs a program."""
        self._lock, self._owner = Lock(), 0
        for version in self.versions:
            if isinstance(version, Recorded):
                version.lock = Lock()

    def __reduce__(self) -> Any:
        """A copy makes programs of its own; a pickle of a function that stands in a module is its name."""
        owner: Any = sys.modules.get(self.function.__module__)
        for name in self.function.__qualname__.split("."):
            owner = getattr(owner, name, None)
        return self.function.__qualname__ if owner is self else (Compiled, (self.function, self.static.named))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: a compiled function of its own for each object."""
        if instance is None:
            return self
        methods = methods_of(instance)
        if self not in methods:
            methods[self] = Compiled(self.function.__get__(instance, owner), self.static.named)
        return methods[self]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # What follows costs a microsecond, and is what most calls do.
        if not kwargs and not graph.special and tracing.recorder.get() is None:
            scripts = self._scripts.get(tuple(map(type, args)))
            if scripts and not self._lock.locked():
                script, failed, result = scripts[0], None, MISS
                with self._lock:  # an interrupt finds it either free or held by who will let it go
                    self._owner = get_ident()
                    try:
                        result = script.run(args)
                    except Exception as error:
                        failed = error
                if failed is not None:
                    return self._instead(script, failed, args, kwargs)
                if result is not MISS:
                    return result
        return self._call(args, kwargs)

    def _instead(self, script: Script | Recorded, error: Exception, args: Any, kwargs: Any) -> Any:
        """What the function itself gives where its program ends with an error, which it may catch, or say more of."""
        if not script.changes_nothing:
            raise error
        result = self.function(*args, **kwargs)
        if isinstance(error, _OF_THE_COMPILER):
            said = f"the program of {self._name()} ends with {error!r}, the function does not: please report it"
            graph.warn(said, CompileWarning)
        return result

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look for a program that fits, or make one."""
        if tracing.recorder.get() is not None or (self._lock.locked() and self._owner == get_ident()):
            return self.function(*args, **kwargs)  # a part of another program, or called by a step of its own
        kinds = tuple(map(type, args))
        flat = not kwargs and _SIMPLE.issuperset(kinds)
        leaves = args if flat else flatten((args, kwargs))
        structure = kinds if flat else _structure((args, kwargs))
        if graph.special:
            if graph.is_anomaly_enabled() or graph.observer() is not None:
                return self.function(*args, **kwargs)
            if not graph.is_grad_enabled():
                leaves, structure = [without_graph(x) for x in leaves], (structure, "no_grad")
        with self._lock:  # a program has one memory: threads wait for each other
            self._owner = get_ident()
            scripts = self._scripts.get(structure, [])
            for i, script in enumerate(scripts):
                try:
                    result = script.run(leaves)
                except Exception as error:
                    failed = script, error
                    break
                if result is not MISS:
                    scripts.insert(0, scripts.pop(i))
                    return result
            else:
                return self._first(structure, leaves, args, kwargs)
        return self._instead(*failed, args, kwargs)

    def _first(self, structure: Any, leaves: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """A call for which there is no program yet."""
        arrays = [raw(x) for x in leaves if is_array(x)]
        if batch.running.get() or not all(is_plain(a) or isinstance(a, np.generic) for a in arrays):
            if self.static.named or not any(type(a) is batch.Batch for a in arrays):
                return self.function(*args, **kwargs)
            return self._examples.run(structure, leaves, args, kwargs)
        needs = tuple(isinstance(x, Tensor) and x._node is not None for x in leaves)
        signature = (structure, needs, *((a.shape, a.dtype) for a in arrays))
        count = self._traces[signature] = self._traces.pop(signature, 0) + 1
        if len(self._traces) > 16 * KEPT:
            del self._traces[next(iter(self._traces))]  # the one that was traced longest ago
        if count > TRACES:
            if count == TRACES + 1:
                graph.warn(self._complaint(structure, leaves, args, kwargs), CompileWarning)
            return self.function(*args, **kwargs)
        if not graph.is_grad_enabled():
            args, kwargs = unflatten((args, kwargs), iter(leaves))
        state = get_state()
        with _without_collector(), turn as waited:
            if waited:  # arrays of the state may have been traced ones of another thread's, which fit no program
                for script in self._scripts.get(structure, []):
                    if (again := script.run(leaves)) is not MISS:
                        self._traces[signature] -= 1
                        return again
            try:
                result, found = capture(self.function, args, kwargs, self.static.leaves(args, kwargs), self.pure)
                for said in found.once:
                    graph.warn(said, CompileWarning)
                recorded = None if found.back is None else Recorded(self.function, found)
                self._unlike = found.unlike
                if found.repeats:
                    self._scripts.setdefault(structure, []).insert(0, recorded or script_of(found))
                    self._forget(structure)
                return result if recorded is None else recorded.joined(result, leaves, state)
            except RunsAsItIs as reason:
                self._traces[signature] = TRACES + 1
                graph.warn(f"{self._name()} is not compiled: {reason}", CompileWarning)
        return self.function(*args, **kwargs)

    def _name(self) -> str:
        return getattr(self.function, "__qualname__", str(self.function))

    def _forget(self, structure: Any) -> None:
        """Keep a bounded number of programs."""
        if sum(map(len, self._scripts.values())) > KEPT:
            longest = max(self._scripts, key=lambda key: len(self._scripts[key]) if key != structure else 1.5)
            self._scripts[longest].pop()

    def _complaint(self, structure: Any, leaves: Sequence[Any], args: Any, kwargs: Any) -> str:
        """Why no program serves for long."""
        if len(self.versions) >= KEPT:
            return (
                f"{self._name()} is called with more than {KEPT} kinds of arguments in turn: those that no program is kept for "
                "run as they are. Give it fewer, by padding arrays to common shapes, say"
            )
        scripts = self._scripts.get(structure)
        given = self._others(scripts[0].capture, leaves, args, kwargs) if scripts else []
        found = (scripts[0].capture.differs() if scripts else [self._unlike]) + given
        if given:
            advice = (
                "A program is made for each value of an integer, and of a float that Python itself asks for (by math.sin or "
                "int(), as a key or as text): give a float, and compute with NumPy"
            )
        else:
            advice = "Give a number as an argument, a float" if scripts else "Let it return what is new, and give it that again"
        return (
            f"{self._name()} was traced {TRACES} times for arguments of these shapes and runs as it is from now on, since "
            f"something is another one at each call: {', '.join(found) or 'what it decides by values'}. {advice}"
        )

    def _others(self, capture: Any, leaves: Sequence[Any], args: Any, kwargs: Any) -> list[str]:
        """The arguments whose values a program was made for, and that have other ones now."""
        names = [name for name, part in parts_of(self.function, args, kwargs) for _ in part]
        return [
            f"{name} was {old!r:.40} and is {new!r:.40}"
            for i, (name, old, new) in enumerate(zip(names, capture.leaves, leaves, strict=True))
            if not is_array(new) and not same_value(old, new) and (type(new) is not float or capture.needs(i))
        ]

    # ------------------------------------------------------------------------------ to be looked at

    @property
    def versions(self) -> list[Script | Recorded]:
        """The programs that were made, for each kind of arguments the one that was used last first."""
        return [script for scripts in self._scripts.values() for script in scripts]

    def _latest(self) -> Script:
        if not self.versions:
            name = getattr(self, "__name__", "the function")
            raise RuntimeError(f"{name} has no program yet: call it first, twice where the first call makes an optimizer's state")
        latest = self.versions[0]
        return latest.script if isinstance(latest, Recorded) else latest

    @property
    def program(self) -> Program:
        """The flat list of NumPy calls that was written down, after the passes; `print` shows it."""
        return self._latest().program

    def stages(self) -> dict[str, Program]:
        """The program as it was written down, "traced", and what each pass leaves of it, by the names of the passes."""
        return stages(self._latest().capture.traced)

    @property
    def loops(self) -> list[Loop]:
        """What became loops of native code, in the order in which they run, also in a `scan`; each can be printed."""
        return loops_of(self._latest())

    def source(self, language: str = "python") -> str:
        """The code that a call runs.

        Args:
            language: "python" for the function that a call runs, "llvm" for the native code in it, "cuda" for the same loops as
                they would run on a GPU, "javascript" as they would run in a page.

        Raises:
            ValueError: there is no such language.
        """
        if language not in ("python", "llvm", "cuda", "javascript"):
            raise ValueError(f"source: the language must be 'python', 'llvm', 'cuda' or 'javascript', got {language!r}")
        script = self._latest()
        if language == "python":
            return script.source
        if language == "llvm":
            return emit(loops_of(script), target=native.target() if native.available() else None).text
        groups = fused(script.program, products=language == "javascript").groups
        loops = [g.loop(f"loop {i}") for i, g in enumerate(groups) if isinstance(g, Group)]
        if language == "cuda":
            return Module(loops).source
        from .javascript.functions import Functions  # which few programs need

        return Functions(loops).script

    def explain(self) -> Explanation:
        """Where the time goes: of each loop microseconds, operations, bytes and share of the memory's bandwidth; and of calls."""
        return explained(self._latest())


#: Arguments that are no containers.
_SIMPLE = frozenset({Tensor, np.ndarray, float, int, bool, str})
#: What has a lock that a fork may find closed.
_alive: weakref.WeakSet[Compiled] = weakref.WeakSet()


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """A program is many small objects that stay: to look for garbage among them took a third of the time of making it."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _after_fork_in_child() -> None:
    turn.lock = RLock()
    for compiled in _alive:
        compiled._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _structure(x: Any) -> Any:
    """The containers around arguments, as something that can be looked up."""
    kind = type(x)
    if kind in _SIMPLE:
        return 0
    if kind in (tuple, list):
        return (kind, *map(_structure, x))
    if kind is dict:
        return (kind, tuple(x), *map(_structure, x.values()))
    return 0 if is_leaf(x) else (kind, tuple(paths(x, "")))


def compile(  # noqa: A001
    function: Callable[..., Any] | None = None, *, static: int | str | Sequence[int | str] = ()
) -> Any:
    """A function that is traced at its first call and then runs as one program: fused loops of native code and NumPy calls.

    It does what the function does: the same results (to rounding), gradients, changed parameters, optimizer states and
    random numbers.  A program is made for each set of shapes, dtypes, containers and Python arguments other than floats;
    floats and arrays are other ones at each call.  A decision by a value, as `if x > 0`, is an error that says what to write.

    Args:
        function: of arrays, Tensors and containers of them; it may change modules and optimizers that it closes over.  Of a
            module it makes one that shares its parameters and whose forward, and gradient, are programs.
        static: names or places of arguments whose floats are fixed in a program, too.

    Raises:
        ValueError: `static` names what is no parameter.
        CannotTrace: at the first call, where the function asks for the value of an array.

    >>> import minigrad as mg
    >>> @mg.compile
    ... def chain(x):
    ...     return np.exp(-x * x) * np.sin(x)
    >>> chain(np.array([0.0, 1.0])).round(6)
    array([0.     , 0.30956])
    """
    if function is None:
        return functools.partial(compile, static=static)
    if not callable(function):
        raise TypeError(f"compile takes a function, got {type(function).__name__}")
    return _model(function, static) if hasattr(type(function), "forward") else Compiled(function, static)


def _model(module: Any, static: int | str | Sequence[int | str]) -> Any:
    """The module under a second name, whose forward is compiled: what one of the two is told (`eval()`) the other has heard.

    Its hooks run beside the program.  A copy, or a pickle, is a compiled copy of the module.
    """
    kind, forward = type(module), module.forward
    compiled = forward if isinstance(forward, Compiled) else Compiled(forward, static)
    own = {"forward": property(lambda self: compiled), "__reduce__": lambda self: (_model, (module, compiled.static.named))}
    model: Any = object.__new__(type(kind.__name__, (kind,), own))
    model.__dict__ = vars(module)
    return model
