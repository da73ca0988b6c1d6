"""The loop of docs/distributed.md that goes on from a checkpoint: in as many processes, in others, after one of them has died."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .ranks import MISSING, MPIEXEC, ROOT, SETTINGS

pytestmark = [
    pytest.mark.distributed,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING}: install the extra distributed, or an MPI"),
]

LOOP = next(
    code
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "distributed.md").read_text("utf-8"), re.DOTALL)
    if "save_checkpoint" in code
)
END = """
weights = nn.utils.parameters_to_vector(net.parameters()).detach().numpy()
np.save(f"weights{distributed.rank()}.npy", weights)
"""
#: What the text below the example says, as lines of the script in the place of others.
DROPOUT = {
    "nn.Tanh(), ": "nn.Tanh(), nn.Dropout(0.3), ",
    "        loss = nn": "        with random.seeded(loader.epoch, loader.position, distributed.rank()):\n            loss = nn",
}
WITHIN = {
    "        optimizer.step()\n": "        optimizer.step()\n"
    "        if distributed.rank() == 0 and loader.position and loader.position % 3 == 0:\n"
    "            save_checkpoint(path, net, optimizer, schedule, loader)\n"
}
SET_EPOCH = {"    for inputs": "    sampler.set_epoch(epoch)\n    for inputs"}
THREE_EPOCHS = {"range(loader.epoch, 6)": "range(loader.epoch, 3)"}
#: Rank 1 ends in the fifth batch of an epoch, two after a checkpoint.
DIES = {
    "        loss.backward()\n": "        loss.backward()\n"
    "        if (epoch, loader.position, distributed.rank()) == (3, 5, 1):\n"
    "            raise SystemExit(3)\n"
}


def run(folder: Path, processes: int, *changes: dict[str, str], status: int = 0) -> np.ndarray:
    """The weights after the loop with other lines, which are the same in all processes."""
    code = LOOP
    for lines in changes:
        for old, new in lines.items():
            assert code.count(old) == 1, f"the example has {old!r} no more, or more than once"
            code = code.replace(old, new)
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(code + END, "utf-8")
    launch = [MPIEXEC, "-n", str(processes)] if processes > 1 else []
    command = [*launch, sys.executable, "-W", "error", "train.py"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **SETTINGS}, capture_output=True, text=True, timeout=240)
    assert (done.returncode == 0) == (status == 0), done.stdout + done.stderr
    if status:
        return np.array([])
    found = [np.load(folder / f"weights{rank}.npy") for rank in range(processes)]
    assert all(np.array_equal(other, found[0]) for other in found)
    return found[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The weights of two processes that nothing has interrupted."""
    return run(tmp_path_factory.mktemp("whole"), 2)


def test_a_loop_goes_on_in_as_many_processes_bit_for_bit(whole: np.ndarray, tmp_path: Path) -> None:
    begun = run(tmp_path, 2, THREE_EPOCHS)
    assert np.abs(begun - whole).max() > 1e-2
    np.testing.assert_array_equal(run(tmp_path, 2), whole)


def test_a_loop_goes_on_in_other_numbers_of_processes(whole: np.ndarray, tmp_path: Path) -> None:
    run(tmp_path, 3, {"range(loader.epoch, 6)": "range(loader.epoch, 2)"})
    run(tmp_path, 1, {"range(loader.epoch, 6)": "range(loader.epoch, 4)"})
    np.testing.assert_allclose(run(tmp_path, 2), whole, rtol=1e-3, atol=1e-4)


def test_set_epoch_changes_nothing(whole: np.ndarray, tmp_path: Path) -> None:
    run(tmp_path, 2, SET_EPOCH, THREE_EPOCHS)
    np.testing.assert_array_equal(run(tmp_path, 2, SET_EPOCH), whole)


def test_a_loop_that_died_goes_on_within_the_epoch_with_the_same_masks(whole: np.ndarray, tmp_path: Path) -> None:
    expected = run(tmp_path / "whole", 2, DROPOUT, WITHIN)
    assert np.abs(expected - whole).max() > 1e-2
    run(tmp_path / "cut", 2, DROPOUT, WITHIN, DIES, status=3)
    np.testing.assert_array_equal(run(tmp_path / "cut", 2, DROPOUT, WITHIN), expected)
