"""Programs that tests start with mpiexec, and how they are started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The mpiexec beside this Python, or the system's.
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
#: What is missing; an empty text where nothing is.
MISSING = " and ".join(
    [name for name, there in {"mpi4py": importlib.util.find_spec("mpi4py"), "mpiexec": MPIEXEC}.items() if not there]
)

#: Open MPI: more processes than cores, which do not wait busily, started by root in a container too.
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


def start(ranks: int, module: str, *args: str) -> subprocess.Popen[str]:
    """A module of this package, on so many ranks."""
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(ranks), sys.executable, "-m", f"tests.ranks.{module}", *args]
    env = {**os.environ, **SETTINGS}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, errors="replace", env=env, cwd=ROOT)


def ended(process: subprocess.Popen[str], timeout: float = 240) -> tuple[int, str, str]:
    """The exit status, the output and the errors of a job; one that hangs is ended, and has the status -9."""
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
    return process.returncode, out, errors
