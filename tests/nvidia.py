"""NVIDIA's compiler, which needs no GPU: `pip install nvidia-cuda-nvrtc-cu12`."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = ["complaints", "needs_the_compiler"]


@cache
def compiler() -> Any:
    """The library; None where it is not installed."""
    found = importlib.util.find_spec("nvidia")
    for folder in found.submodule_search_locations or [] if found else []:
        for path in Path(folder).glob("cuda_nvrtc/lib/libnvrtc.so.*"):
            return ctypes.CDLL(str(path))
    return None


needs_the_compiler = pytest.mark.skipif(
    compiler() is None, reason="NVIDIA's compiler is not installed: pip install nvidia-cuda-nvrtc-cu12"
)


def complaints(code: str, *options: str) -> str:
    """Errors and warnings for a source."""
    library, program = compiler(), ctypes.c_void_p()
    given = [option.encode() for option in ("--gpu-architecture=compute_80", "-std=c++17", *options)]
    assert library.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"source.cu", 0, None, None) == 0
    failed = library.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
    log = ctypes.create_string_buffer(100_000)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return log.value.decode() or ("it failed and says nothing" if failed else "")
