"""Examples in several processes: `mpiexec -n 4 python examples/NAME.py`, or an example that starts itself so."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from minigrad import cuda
from nn import distributed
from nn.distributed.launcher import is_launched
from nn.distributed.run import launch, mpiexec

from . import seeds

FOLDER = Path(__file__).parents[1]


def device() -> str:
    """This process's GPU where there are any, else the CPU."""
    count = cuda.device_count()
    return f"cuda:{distributed.local_rank() % count}" if count else "cpu"


def started(file: str, processes: int, **settings: Any) -> dict[str, Any] | None:
    """Run an example in several processes and return its results; None where this process runs it itself.

    That is one of those processes, or the only one: where it was asked for, and where there is no MPI.

    Args:
        file: the `__file__` of the example.
        settings: for its `main`.
    """
    if is_launched() or processes == 1:
        return None
    if mpiexec() is None or importlib.util.find_spec("mpi4py") is None:
        print("there is no MPI, so that this runs in one process: pip install '.[distributed]'")
        return None
    with tempfile.TemporaryDirectory() as folder:
        task, found = Path(folder, "task.json"), Path(folder, "results.json")
        settings |= {"processes": processes}
        task.write_text(json.dumps({"name": Path(file).stem, "seed": seeds.chosen(), "settings": settings}), "utf-8")
        worker = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); from shared.processes import work; work()"
        status = launch([sys.executable, "-c", worker, str(task), str(found)], processes)
        if status:
            raise SystemExit(f"{Path(file).stem}: the {processes} processes ended with status {status}")
        return json.loads(found.read_text("utf-8"))


def work() -> None:
    """What each of the processes does; the first one writes the results, the others have none."""
    task, found = json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])
    module = importlib.import_module(task["name"])
    seeds.choose(task["seed"])
    if results := module.main(**task["settings"]):
        found.write_text(json.dumps(results), "utf-8")
