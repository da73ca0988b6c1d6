"""Where a computation stopped: the op that failed, what it was given, and the graph that leads to it."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Any, NamedTuple

from ..backend import is_array
from ..graph import Node, is_library, line_of
from ..tensor import Tensor, raw, wrap
from .data import Collection
from .numbers import dimensions
from .text import printable

__all__ = ["MOST", "STOPPED", "Failure", "Given", "Stop", "causes", "stop"]

#: Why the page of a failure is not live.
STOPPED = "The computation failed, so there is no result and no gradient. What ran before it can be played."
OWN_CODE = "your code"
#: So many shapes stand in a node.
MOST = 4


class Given(NamedTuple):
    """An array that the failing op got: for which parameter, its shape and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.name}: {dimensions(self.shape)} {self.dtype}"


@dataclass(frozen=True)
class Failure:
    """Where a computation stopped, see `capture`; its repr tells all of it.

    Attributes:
        op: the op that failed, or the function or layer of the library that refused its arguments; None where the error is one
            of your own code, between two ops.
        given: what it got, (parameter, shape, dtype) each; of your own code the tensors on its line, else the last result.
        path: the path of the innermost module that it happened in, None where that was not captured; its class is `module`.
        source: the line of your code, with its text.
        kind, message: the class of the error and its text, with the notes that were added to it on its way.
        node: where it stands in the graph.

    >>> from minigrad.viz import capture
    >>> x = Tensor([[1.0, 2.0]], requires_grad=True)
    >>> try:
    ...     with capture() as t:
    ...         (x * 2) @ x
    ... except ValueError:
    ...     pass
    >>> t.failed.op, t.failed.given[1]
    ('matmul', Given(name='y', shape=(1, 2), dtype='float32'))
    """

    op: str | None
    given: tuple[Given, ...]
    path: str | None
    module: str | None
    source: str | None
    kind: str
    message: str
    node: Node = field(repr=False, compare=False)

    @property
    def where(self) -> str:
        """The module, as one line; empty where it is not known."""
        return ": ".join(part for part in (self.path, self.module) if part)

    @property
    def title(self) -> str:
        """What failed, and in which module."""
        if self.where and self.op == self.module:
            return f"{self.where} failed"
        return f"{self.op or OWN_CODE} failed{f' in {self.where}' if self.where else ''}"

    @property
    def label(self) -> str:
        """What stands in its node: what failed, and the shapes."""
        shapes = [dimensions(one.shape) for one in self.given]
        more = [f"… {len(shapes)} in all"] if len(shapes) > MOST else []
        return f"{self.op or OWN_CODE} failed\n{', '.join(shapes[:MOST] + more) or ' '}"

    def __repr__(self) -> str:
        lines = [self.title, *(f"  {one}" for one in self.given)]
        if self.source:
            lines.append(f"  at {self.source}")
        return "\n".join([*lines, f"  {self.kind}: {self.message}"])

    def for_page(self, number: int, place: str) -> dict[str, Any]:
        """What the page shows of it; `number` is that of its step, `place` that of its line."""
        return {
            "step": number,
            "title": self.title,
            "own": self.op is None,
            "given": [[one.name, dimensions(one.shape), one.dtype] for one in self.given],
            "where": self.where,
            "source": f"{place}: {self.source.partition(': ')[2]}" if self.source and place else "",
            "kind": self.kind,
            "message": self.message,
        }


class Stop(NamedTuple):
    """A failure, and what the failing op got for its parameters, as a `Record` holds it."""

    failure: Failure
    given: dict[str, Any]


class _Called:
    """In the place of an op: a function that refused its arguments, or a line of the user's."""

    doc, sequence, composite, reads = "", None, None, ()

    def __init__(self, name: str, inputs: Iterator[str] | list[str]) -> None:
        self.name, self.inputs = name, tuple(inputs)
        self.names = self.inputs


def stop(error: Exception, calls: tuple[Any, ...], data: Collection, last: Node | None) -> Stop:
    """What an error says of where the computation stopped.

    Args:
        calls: the calls of modules that it happened in, outermost first.
        last: the last op that was recorded.
    """
    op, values, parents = _failing(error, last)
    node = Node(op, parents, None, (), None)
    given = data.sort_out(op, parents, values, bool(calls))
    arrays = tuple(_arrays(values)) if values else tuple(_parents(op, parents))
    message = printable("\n".join([str(error), *getattr(error, "__notes__", ())]))
    inner = calls[-1] if calls else None
    failure = Failure(
        None if op.name == OWN_CODE else op.name, arrays, None if inner is None else inner.path,
        None if inner is None else inner.kind, line_of(error), type(error).__name__, message, node,
    )  # fmt: skip
    return Stop(failure, given)


def _failing(error: Exception, last: Node | None) -> tuple[Any, dict[str, Any], tuple[Node | None, ...]]:
    """The op, or what stands in its place, what it got by the names of its parameters, and the nodes of its inputs.

    The error knows: its traceback holds the frames that it came through, with their variables.
    """
    frames = [frame for cause in causes(error) for frame, _ in walk_tb(cause.__traceback__)]
    for frame in frames:
        if frame.f_code.co_filename.startswith("<op "):  # the function that was generated from an op's definition
            return _of_op(frame)
    own = [frame for frame, _ in walk_tb(error.__traceback__)]
    if (called := _library_call(own)) is not None:
        return called
    found = _on_the_line(own, line_of(error))
    if found or last is None:
        return _of_call(OWN_CODE, found)
    return _Called(OWN_CODE, ["last"]), {}, (last,)


def _library_call(frames: list[types.FrameType]) -> tuple[Any, dict[str, Any], tuple[Node | None, ...]] | None:
    """The function that refused its tensors, as the innermost layer, or the user's line, has called it; or the layer itself."""
    name, given = None, dict[str, Tensor]()
    for frame in reversed(frames):
        if not is_library(frame.f_code.co_filename):
            break
        called, layer = _arguments(frame), _layer_of(frame)
        tensors = _tensors(called) or (_arrays_as_tensors(called) if layer else {})
        given = given or tensors  # the innermost one knows all of them: the weight, too
        if tensors and not (layer and name) and (layer or _has_name(frame)):
            name = layer or frame.f_code.co_name.strip("_")
        if layer and name:
            break
    return None if name is None else _of_call(name, given)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_op(frame: types.FrameType) -> tuple[Any, dict[str, Any], tuple[Node | None, ...]]:
    """An op's generated function has its inputs and their nodes in variables (`minigrad.op`)."""
    op, local = frame.f_globals["_op"], frame.f_locals
    nodes: list[Node | None] = []
    for name in op.inputs:
        nodes += local.get("_nodes", ()) if name == op.sequence else [local.get(f"_node_{name}")]
    values = {name: local[name] for name in op.names if name in local}
    return op, {n: tuple(map(raw, v)) if n == op.sequence else raw(v) for n, v in values.items()}, tuple(nodes)


def _of_call(name: str, tensors: Mapping[str, Tensor]) -> tuple[Any, dict[str, Any], tuple[Node | None, ...]]:
    values = {parameter: raw(tensor) for parameter, tensor in tensors.items()}
    return _Called(name, list(values)), values, tuple(tensor._node for tensor in tensors.values())


def _arguments(frame: types.FrameType) -> dict[str, Any]:
    """What a function was called with, by the names of its parameters."""
    code, local = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)]
    return {name: local[name] for name in names if name in local}


def _tensors(values: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors among arguments, and in those that are sequences."""
    found: dict[str, Tensor] = {}
    for name, value in values.items():
        if isinstance(value, Tensor):
            found[name] = value
        elif isinstance(value, (tuple, list)):
            found |= {f"{name}_{i}": x for i, x in enumerate(value, 1) if isinstance(x, Tensor)}
    return found


def _arrays_as_tensors(values: Mapping[str, Any]) -> dict[str, Tensor]:
    """Plain arrays among what a layer was called with: what a first layer refuses often is one."""
    return {name: wrap(x, None) for name, x in values.items() if is_array(x)}


def _layer_of(frame: types.FrameType) -> str | None:
    """The class of a layer, where a frame is that of its `forward`."""
    this = frame.f_locals.get("self")
    is_layer = frame.f_code.co_name in ("forward", "__call__") and this is not None and not isinstance(this, Tensor)
    return type(this).__name__ if is_layer else None


def _has_name(frame: types.FrameType) -> bool:
    """Whether a function can be called by its name: it is no wrapper around another one."""
    name = frame.f_code.co_name
    return name in frame.f_globals or (isinstance(frame.f_locals.get("self"), Tensor) and hasattr(Tensor, name))


def _on_the_line(frames: list[types.FrameType], line: str | None) -> dict[str, Tensor]:
    """The tensors that the failing line of the user's code names."""
    frame = next((frame for frame in reversed(frames) if not is_library(frame.f_code.co_filename)), None)
    if frame is None or line is None:
        return {}
    words = re.findall(r"[A-Za-z_]\w*", line.partition(": ")[2])
    known = {**frame.f_globals, **frame.f_locals}
    return _tensors({name: known[name] for name in dict.fromkeys(words) if isinstance(known.get(name), Tensor)})


def _arrays(values: Mapping[str, Any]) -> Iterator[Given]:
    for name, value in values.items():
        several = enumerate(value, 1) if isinstance(value, (tuple, list)) else [(0, value)]
        for i, x in several:
            if hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, type):
                yield Given(f"{name}_{i}" if i else name, tuple(x.shape), str(x.dtype))


def _parents(op: Any, parents: tuple[Node | None, ...]) -> Iterator[Given]:
    for name, parent in zip(op.inputs, parents, strict=False):
        if parent is not None and parent.shape is not None:
            yield Given(name, tuple(parent.shape), str(parent.dtype))
