"""Where machine code lies: beside its constants, however the memory of the process is divided."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.compiler import native

#: Gaps of one page are left, 3 GB apart: code in one of them could not reach constants in the next, and LLVM ends the process.
FAR_APART = """
import mmap
import numpy as np
from minigrad import compile
from minigrad.compiler import cache, native

def reserved(size, **options):
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, **options)

compile(lambda x: np.exp(np.tanh(x * 0.123)) + 7.25)(np.linspace(0.0, 1.0, 64))
machine = native._machine()
objects = [machine.llvm.object_file.ObjectFileRef.from_data(cache.load(name)[8:]) for name in machine._functions]
engine = type(machine).engine.func(machine)  # a new one, which has no memory yet
kept, gaps = [reserved(mmap.PAGESIZE) for _ in range(5000)], []
for _ in range(8):
    gaps.append(reserved(mmap.PAGESIZE))
    kept.append(reserved((3 << 30) + mmap.PAGESIZE, prot=mmap.PROT_READ))
for gap in gaps:
    gap.close()
for made in objects:
    engine.add_object_file(made)
    engine.finalize_object()
print("loaded", len(objects))
"""


@pytest.mark.skipif(not native.available(), reason="needs llvmlite")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where a process can reserve what it does not use")
def test_code_is_loaded_where_free_memory_lies_far_apart(tmp_path: Path) -> None:
    settings = {**os.environ, "MINIGRAD_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FAR_APART], env=settings, capture_output=True, text=True)
    assert done.stdout.startswith("loaded ") and not done.stdout.startswith("loaded 0"), done.stderr[-2000:]
