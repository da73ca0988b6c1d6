"""CUDA C to kernels, by NVIDIA's compiler.

CuPy's `RawModule` would do, but that it has numbers so small that float32 holds them with fewer digits (*subnormal* ones)
replaced by 0, whatever its options say: exp(-90) is one.  So the compiler is called here, and what it gives is kept on the
disk beside the native code for processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import cache

__all__ = ["OPTIONS", "kernels"]

#: As NumPy: a product and a sum are rounded one after the other, subnormal numbers stay, quotients and roots are exact.
OPTIONS = ("--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true")


def kernels(cupy: Any, source: str, names: Sequence[str]) -> list[Any]:
    """The kernels of a source, by their names, on the current device."""
    device, version = cupy.cuda.Device().compute_capability, cupy.cuda.nvrtc.getVersion()
    key = cache.key("CUDA", source, *OPTIONS, str(device), str(version))
    code = cache.load(key)
    if code is None:
        code, _ = cupy.cuda.compiler.compile_using_nvrtc(source, OPTIONS)
        cache.store(key, code)
    module = cupy.cuda.function.Module()
    module.load(code)
    return [module.get_function(name) for name in names]
