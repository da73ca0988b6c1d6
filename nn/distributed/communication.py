"""What ranks tell each other: numbers, arrays, Tensors, and trees of them.

A *rank* is one of the processes that `mpiexec -n 4 python script.py` starts; all run the same script.  Without `mpiexec`
there is one rank, MPI is not imported, and every function here gives what one rank alone would get.

Functions return new arrays of the same kind as their arguments, on the same device: Python's numbers, NumPy's and CuPy's arrays,
Tensors.  In trees (dicts, lists, tuples, dataclasses) each leaf is one of these.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing import parent_process
from typing import Any

import numpy as np

from minigrad import cuda

from ..checks import COUNT, check, whole
from . import collectives
from .collectives import OPS
from .failures import Guard
from .group import ProcessGroup
from .launcher import check_is_rank, check_size, is_launched, local_rank_of, mark_rank, mpi
from .leaves import Leaves
from .work import Steps, Work, nothing

__all__ = [
    "all_gather", "all_reduce", "barrier", "broadcast", "gather", "group", "init", "is_initialized", "local_rank", "rank",
    "recv", "reduce_scatter", "send", "world_size",
]  # fmt: skip

_group: ProcessGroup | None = None


def init(timeout: float | None = None, comm: Any = None) -> None:
    """Join the other ranks.  Every function here does so by itself; call it first to set a timeout.

    Where there are GPUs, "cuda" is from here on the one with the number of this process on its machine.
    One thread calls the collectives of a rank: the first that does, or the one that calls this function later.
    An exception that nobody catches, on any rank and in any thread, ends all of them from here on.

    Args:
        timeout: how many seconds to wait for the others in a collective; 120 by default.  A later call may change it.
        comm: a communicator of mpi4py's; by default all processes that mpiexec has started.

    Raises:
        ImportError: mpiexec has started this process, but mpi4py is missing.
        ValueError: the timeout is not positive.
        RuntimeError: the ranks are joined already, by another communicator; a rank has started this process; or MPI sees another
            number of processes than were started.

    >>> init(timeout=30)
    >>> rank(), world_size()
    (0, 1)
    """
    global _group
    if timeout is not None and not timeout > 0:
        raise ValueError(f"init: timeout must be a positive number of seconds, got {timeout}")
    if _group is not None:
        if comm is not None:
            raise RuntimeError("init: the ranks are joined already; pass comm in the first call")
        _group.timeout = _group.timeout if timeout is None else timeout
        _group.thread = threading.current_thread()
        return
    timeout = 120.0 if timeout is None else timeout
    if comm is None and not is_launched():
        _group = ProcessGroup(None, None, timeout)
        return
    if parent_process() is not None:
        raise RuntimeError("init: a worker process is no rank: only the process that mpiexec has started meets the others")
    if comm is None:
        check_is_rank()
    library = mpi()
    if comm is None:
        check_size(library.COMM_WORLD.size)
    _group = ProcessGroup(library, library.COMM_WORLD if comm is None else comm, timeout)
    mark_rank()
    if _group.size > 1:
        if cuda.is_available():
            cuda.set_device(local_rank() % cuda.device_count())
        Guard(_group.abort, _group.farewell, _group.finish).install()


def is_initialized() -> bool:
    """Whether `init` has run, by a call or because something else needed it."""
    return _group is not None


def group() -> ProcessGroup:
    """The group of all ranks, for what goes deeper than the functions here."""
    if _group is None:
        init()
    assert _group is not None
    return _group


def rank() -> int:
    """The number of this process, from 0 to world_size() - 1.

    >>> rank()
    0
    """
    return group().rank


def world_size() -> int:
    """How many processes there are.

    >>> world_size()
    1
    """
    return group().size


def local_rank() -> int:
    """The number of this process among those of its machine, which is also the number of its GPU."""
    return local_rank_of(group().rank)


def barrier() -> None:
    """Wait until all ranks are here."""
    group().start("barrier()", nothing()).wait()


def all_reduce(tree: Any, op: str = "sum", async_op: bool = False) -> Any:
    """The sum (or mean, ...) over all ranks, on all ranks.

    Args:
        tree: numbers, arrays or Tensors, with the same shapes and dtypes on all ranks.
        op: "sum", "mean", "max", "min" or "prod".
        async_op: return a `Work`, whose `wait()` gives the result, instead of waiting.

    Raises:
        DistributedError: the ranks' shapes, dtypes or calls differ.
        DistributedTimeout: a rank did not come.
        TypeError: a Tensor requires a gradient, or an array is masked.
        ValueError: Python's integers are too large: they travel as int64.

    >>> all_reduce({"loss": 0.5, "correct": np.array([3, 4])})
    {'loss': 0.5, 'correct': array([3, 4])}
    >>> work = all_reduce(np.ones(2), "mean", async_op=True)
    >>> work.wait()
    array([1., 1.])
    """
    if op not in OPS:
        raise ValueError(f"all_reduce: op must be one of {', '.join(OPS)}, got {op!r}")
    leaves = Leaves("all_reduce", tree, reduces=op, stays=True)
    leaves.check_range(world_size(), op)
    return _each(f"all_reduce({op})", leaves, lambda group, x: collectives.all_reduce(group, x, op), async_op)


def broadcast(tree: Any, src: int = 0, async_op: bool = False) -> Any:
    """What the tree is on rank `src`, on all ranks; all must give one with the same shapes and dtypes.

    Args:
        tree: numbers, arrays or Tensors; of the other ranks only the shapes and dtypes count.
        src: the rank whose values all get.
        async_op: return a `Work`, whose `wait()` gives the result, instead of waiting.

    >>> broadcast([1.5, np.arange(3)])
    [1.5, array([0, 1, 2])]
    """
    _check_rank("broadcast", "src", src)
    leaves = Leaves("broadcast", tree, stays=True)
    return _each(f"broadcast(src={src})", leaves, lambda group, x: collectives.broadcast(group, x, src), async_op)


def all_gather(tree: Any, async_op: bool = False) -> Any:
    """The trees of all ranks in a list, on all ranks.

    Args:
        tree: numbers, arrays or Tensors; the length of axis 0 may differ from rank to rank.
        async_op: return a `Work`, whose `wait()` gives the result, instead of waiting.

    >>> all_gather(np.arange(3))
    [array([0, 1, 2])]
    """
    leaves = Leaves("all_gather", tree, is_ragged=True)
    return _each("all_gather()", leaves, collectives.all_gather, async_op, leaves.trees)


def gather(tree: Any, dst: int = 0, async_op: bool = False) -> Any:
    """The trees of all ranks in a list, on rank `dst`; None on the others.

    Args:
        tree: numbers, arrays or Tensors; the length of axis 0 may differ from rank to rank.
        dst: the rank that gets the list.
        async_op: return a `Work`, whose `wait()` gives the result, instead of waiting.

    >>> gather({"rank": 0})
    [{'rank': 0}]
    """
    _check_rank("gather", "dst", dst)
    leaves = Leaves("gather", tree, is_ragged=True)
    step = lambda group, x: collectives.gather(group, x, dst)  # noqa: E731
    return _each(f"gather(dst={dst})", leaves, step, async_op, leaves.trees)


def reduce_scatter(tree: Any, op: str = "sum", async_op: bool = False) -> Any:
    """This rank's part, along axis 0, of the sum (or mean) over all ranks.

    Parts are those of `np.array_split`: their lengths differ by one at most.  `all_gather` puts them together again.

    Args:
        tree: arrays or Tensors of one axis at least, with the same shapes and dtypes on all ranks.
        op: "sum" or "mean".
        async_op: return a `Work`, whose `wait()` gives the result, instead of waiting.

    >>> reduce_scatter(np.ones(4))
    array([1., 1., 1., 1.])
    """
    if op not in ("sum", "mean"):
        raise ValueError(f"reduce_scatter: op must be sum or mean, got {op!r}")
    leaves = Leaves("reduce_scatter", tree, reduces=op, needs_axis=True)
    return _each(f"reduce_scatter({op})", leaves, lambda group, x: collectives.reduce_scatter(group, x, op), async_op)


# ------------------------------------------------------------------------------------ messages


def send(x: Any, dst: int, tag: int = 0, async_op: bool = False) -> Work | None:
    """Send a number, an array or a Tensor to one other rank, which calls `recv`.

    Args:
        x: a number, an array or a Tensor.
        dst: the rank that it is for.
        tag: a number from 0 to 16383, by which the receiver tells messages apart.
        async_op: return a `Work` instead of waiting until the message is on its way.

    Raises:
        ValueError: there is no such rank, or it is this one.
        DistributedTimeout: the other rank did not take it in time.
    """
    _check_peer("send", "dst", dst, tag)
    leaves = Leaves("send", x)
    if len(leaves.arrays) != 1:
        raise TypeError(f"send: send the leaves of a tree one by one, got {type(x).__name__}")
    work = group().message(
        f"the message {tag} to rank {dst}", collectives.send(group(), leaves.arrays[0], leaves.is_tensor, dst, tag)
    )
    return work if async_op else work.wait()


def recv(src: int, tag: int = 0, async_op: bool = False) -> Any:
    """What rank `src` has sent to this one: a Tensor where it sent one, else an array.

    Args:
        src: the rank that it comes from.
        tag: the number that the sender gave it.
        async_op: return a `Work`, whose `wait()` gives what has come, instead of waiting.

    Raises:
        ValueError: there is no such rank, or it is this one.
        DistributedTimeout: nothing came in time, or the other rank has ended.
    """
    _check_peer("recv", "src", src, tag)
    work = group().message(f"the message {tag} of rank {src}", collectives.receive(group(), src, tag), src)
    return work if async_op else work.wait()


# ------------------------------------------------------------------------------------- checks


def _check_rank(name: str, what: str, number: int) -> None:
    check(name, what, number, COUNT)
    if number >= world_size():
        raise ValueError(f"{name}: {what} must be a rank from 0 to {world_size() - 1}, got {number}")


def _check_peer(name: str, what: str, number: int, tag: int) -> None:
    _check_rank(name, what, number)
    if number == rank():
        raise ValueError(f"{name}: {what}={number} is this rank itself")
    check(name, "tag", tag, whole(0, (1 << 14) - 1))


def _each(
    what: str,
    leaves: Leaves,
    steps: Callable[[ProcessGroup, np.ndarray], Steps],
    async_op: bool,
    build: Callable[[list[Any]], Any] | None = None,
) -> Any:
    """Do the same with every leaf of a tree, in one collective."""

    def all_steps() -> Steps:
        results = []
        for x in leaves.arrays:
            results.append((yield from steps(group(), x)))
        return (build or leaves.tree)(results)

    work = group().start(f"{what} of {leaves.described}", all_steps())
    return work if async_op else work.wait()
