"""How this process was started: alone, or by mpiexec as one of many; and how MPI is reached."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from minigrad.install import install

__all__ = ["check_is_rank", "check_size", "is_launched", "local_rank_of", "mark_rank", "mpi"]

#: What the launchers of the known MPIs tell each of their processes: Open MPI's, MPICH's and Intel's, MVAPICH's.
SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
#: What srun tells, which also starts programs without MPI.
TASKS = "SLURM_STEP_NUM_TASKS"
LOCAL_RANKS = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")

#: What differs between the processes of all jobs; and what a rank leaves for the processes that it starts.
OWN = ("PMIX_NAMESPACE", "PMIX_RANK", "PMI_RANK", "PMI_FD", "PMI_PORT", "MV2_COMM_WORLD_RANK", "SLURM_STEP_ID", "SLURM_PROCID")
MARK = "MINIGRAD_RANK"


def is_launched() -> bool:
    """Whether an MPI launcher started this process, or srun as one of several; or the program has initialised MPI by itself.

    >>> is_launched()
    False
    """
    if "mpi4py.MPI" in sys.modules or any(name in os.environ for name in SIZES):
        return True
    return os.environ[TASKS] != "1" if TASKS in os.environ else "PMIX_RANK" in os.environ


def check_size(size: int) -> None:
    """Raise an error where MPI sees another number of processes than the launcher has started.

    Each of them would take itself for rank 0, and write over what the others write.

    Raises:
        RuntimeError: the numbers differ.
    """
    least = int(os.environ.get("PMIX_RANK", 0)) + 1
    told = next((os.environ[name] for name in (*SIZES, TASKS) if name in os.environ), str(max(least, size)))
    if told != str(size):
        raise RuntimeError(
            f"init: {told} processes were started, but MPI sees {size}: take the mpiexec of the MPI that mpi4py uses, "
            "with Slurm srun --mpi=pmix; to run each process alone, init(comm=mpi4py.MPI.COMM_SELF)"
        )


def mark_rank() -> None:
    """Let the processes that this one starts know that they inherit the environment of a rank."""
    if own := _own():
        os.environ[MARK] = f"{os.getpid()} {own}"


def check_is_rank() -> None:
    """Raise an error in a process that a rank has started: MPI would take it for that rank, and end both.

    Raises:
        RuntimeError: it has inherited what the launcher has told the rank.
    """
    process, _, own = os.environ.get(MARK, "").partition(" ")
    if own and own == _own() and int(process) != os.getpid():
        raise RuntimeError(
            f"init: the rank that is process {process} has started this one, which is no rank itself: to run alone, it needs an "
            "environment without what the launcher has told that rank, the variables that begin with OMPI_, PMI, MV2_ and SLURM_"
        )


def _own() -> str:
    return " ".join(f"{name}={os.environ[name]}" for name in OWN if name in os.environ)


def local_rank_of(rank: int) -> int:
    """The number of this process among those of its machine; the rank where the launcher does not tell."""
    told = next((os.environ[name] for name in LOCAL_RANKS if name in os.environ), None)
    return rank if told is None else int(told)


def mpi() -> Any:
    """The module mpi4py.MPI; importing it initialises MPI.

    Raises:
        ImportError: mpi4py, or the MPI library below it, is missing.
    """
    try:
        return import_module("mpi4py.MPI")
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"this process was started by mpiexec, but mpi4py cannot be used ({error}): {install('distributed')}"
        ) from error
