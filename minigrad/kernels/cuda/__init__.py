"""Kernels for a GPU: CUDA C in `*.cu`, what launches it, and the ways that call it (arrays are CuPy's)."""
