"""Two ranks, of which rank 1 fails in the way that is asked for, while rank 0 waits for it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np

import nn
from minigrad import Tensor
from nn import distributed


def fail(way: str) -> None:
    """What rank 1 does."""
    if way == "exception":
        raise ValueError("rank 1 has had enough")
    if way == "thread":
        threading.Thread(target=lambda: [].pop()).start()
        time.sleep(60)
    if way == "sys.exit":
        sys.exit(3)
    if way == "os._exit":
        os._exit(0)
    if way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "interrupted":
        os.kill(os.getpid(), signal.SIGINT)
    if way == "late":
        time.sleep(60)


def backward(model: distributed.DataParallel) -> None:
    """One backward pass."""
    model(Tensor(np.ones((2, 3), np.float32))).sum().backward()


def main(way: str) -> None:
    """Both ranks meet once, and then rank 1 fails."""
    distributed.init(timeout=2 if way == "late" else 60)
    rank = distributed.rank()
    size = 1 if way == "buckets" and rank == 1 else 1 << 20
    model = distributed.DataParallel(nn.Linear(3, 2), bucket_bytes=size)
    backward(model)
    if way == "backward passes":
        for _ in range(2 - rank):
            backward(model)
    elif way == "nothing is sent":
        if rank == 0:
            distributed.recv(1)
    elif way == "nothing is received":
        if rank == 1:
            distributed.send(np.ones(1 << 20), 0, async_op=True)
    elif way == "in backward":
        out = model(Tensor(np.ones((2, 3), np.float32)))
        if rank == 1:
            out.register_hook(lambda g: [].pop())
        out.sum().backward()
    else:
        if rank == 1:
            fail(way)
        distributed.all_reduce(np.ones(3))
    print("all is well", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
