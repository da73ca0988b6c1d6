"""Start a program in several processes, and again from its last checkpoint when one of them dies.

    python -m nn.distributed.run -n 4 --restarts 3 train.py --epochs 10

calls `mpiexec -n 4 python train.py --epochs 10`, and calls it again, three times at most, where it
ends with an error.  A program that begins with its checkpoint, as `Trainer(checkpoint=...)` does,
goes on from there then.  Ctrl-C and SIGTERM reach the processes, which have thirty seconds to write it;
a second one ends them at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from minigrad.install import install

from ..checks import COUNT, POSITIVE, check
from .signals import ENDING, STOP, handled

__all__ = ["launch", "mpiexec"]

#: What Open MPI refuses unless it is asked for: more processes than cores, and root, who has
#: started this Python already (in a container, most often).  Other MPIs do not read these.
ALLOWED = {
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}

#: How many seconds the processes have after Ctrl-C.
GRACE = 30.0


def mpiexec() -> str | None:
    """The path of `mpiexec`: the one beside this Python, else that of the system; None: there is none."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("mpiexec", path=beside) or shutil.which("mpiexec")


def launch(command: Sequence[str], processes: int, restarts: int = 0) -> int:
    """Run a command in several processes that find each other by MPI; returns the exit status.

    Args:
        command: of a program that calls `nn.distributed.init()`, `[sys.executable, "train.py"]` say.
        processes: how many; more than there are cores is allowed.
        restarts: how often all of them are started again, where one of them has ended with an error.

    Raises:
        FileNotFoundError: there is no `mpiexec`.
        ValueError: numbers that are out of their range.
    """
    check("launch", "processes", processes, POSITIVE)
    check("launch", "restarts", restarts, COUNT)
    program = mpiexec()
    if program is None:
        raise FileNotFoundError(
            f"launch: there is no mpiexec beside {sys.executable} or on the PATH: {install('distributed')}, "
            "or install the system's MPI (apt install openmpi-bin)"
        )
    environment = {**ALLOWED, **os.environ}
    for attempt in range(restarts + 1):
        status = _run([program, "-n", str(processes), *command], environment)
        if status == 0 or attempt == restarts:
            break
        print(f"the processes ended with status {status}; restart {attempt + 1} of {restarts}", file=sys.stderr, flush=True)
    return status


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run mpiexec; what ends this process ends the others first.

    It is in a group of its own, so that a terminal's Ctrl-C reaches it once, from here.
    """
    arrived: list[int] = []
    ended = threading.Event()

    def stop() -> None:
        process.send_signal(STOP)
        if not ended.wait(GRACE):
            process.terminate()

    def forward(number: int, _: FrameType | None) -> None:
        arrived.append(number)
        if len(arrived) > 1:
            process.terminate()
        else:
            threading.Thread(target=stop, daemon=True).start()

    stdin = subprocess.DEVNULL if sys.stdin is not None and sys.stdin.isatty() else None  # only a terminal's own group reads it
    process = subprocess.Popen(command, env=environment, stdin=stdin, process_group=0 if os.name == "posix" else None)
    with handled(ENDING, forward, lambda now: now not in (signal.SIG_IGN, None)):
        status = process.wait()
        ended.set()
    if arrived:
        signal.raise_signal(arrived[0])
    return status


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m nn.distributed.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--processes", type=int, default=2, help="how many processes (default: 2)")
    parser.add_argument("--restarts", type=int, default=0, help="how often to start again after an error (default: 0)")
    parser.add_argument("script", help="the program; what follows are its own arguments")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args(argv)
    try:
        return launch([sys.executable, given.script, *given.arguments], given.processes, given.restarts)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
