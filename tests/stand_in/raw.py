"""`cupy.RawModule` and `cupy.RawKernel`: kernels written in CUDA C."""

from __future__ import annotations

from typing import Any

__all__ = ["RawKernel", "RawModule"]


class RawModule:
    """`cupy.RawModule(code=...)`: functions by name."""

    __module__ = "cupy"

    def __init__(self, *, code: str | None = None, options: tuple[str, ...] = (), **others: Any) -> None:
        self.code, self.options = code, options

    def get_function(self, name: str) -> Any:
        raise NotImplementedError("the stand-in for CuPy does not run raw kernels")


class RawKernel:
    """`cupy.RawKernel(code, name)`: one function of a module of its own."""

    __module__ = "cupy"

    def __init__(self, code: str, name: str, options: tuple[str, ...] = (), **others: Any) -> None:
        self._function = RawModule(code=code, options=options, **others).get_function(name)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], **options: Any) -> None:
        self._function(grid, block, args, **options)
