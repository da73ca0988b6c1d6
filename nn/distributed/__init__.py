"""Training on many processes and machines: collectives over MPI, and NCCL on GPUs.

    mpiexec -n 4 python script.py

starts four *ranks*, which run the same script.  Without mpiexec the same script runs as one rank.

>>> from nn import distributed
>>> distributed.rank(), distributed.world_size()
(0, 1)
"""

from __future__ import annotations

from .communication import (
    all_gather,
    all_reduce,
    barrier,
    broadcast,
    gather,
    init,
    is_initialized,
    local_rank,
    rank,
    recv,
    reduce_scatter,
    send,
    world_size,
)
from .failures import DistributedError, DistributedTimeout
from .gradients import clip_grad_norm_, sum_over_ranks
from .normalization import SyncBatchNorm
from .parallel import DataParallel
from .sampler import DistributedBatchSampler, DistributedSampler
from .work import Work

__all__ = [
    "DataParallel", "DistributedBatchSampler", "DistributedError", "DistributedSampler", "DistributedTimeout", "SyncBatchNorm",
    "Work", "all_gather", "all_reduce", "barrier", "broadcast", "clip_grad_norm_", "gather", "init", "is_initialized",
    "local_rank", "rank", "recv", "reduce_scatter", "send", "sum_over_ranks", "world_size",
]  # fmt: skip
