"""Loops on a GPU: as CUDA C that can be read, compiled by CuPy.

A loop is made simple (`minigrad.compiler.spaces`), formulas are expanded where CUDA has no function of its own (`spelling`),
its work is shared among threads (`stages`), each stage is written as a function (`writer`), and the stages of several loops
are put into few launches (`program`), which `module` runs.
"""

from .module import Module
from .stages import takes

__all__ = ["Module", "takes"]
