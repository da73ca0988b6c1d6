"""Compiled minigrad beside eager minigrad, PyTorch eager and JAX jit: `python -m benchmarks.compiled`."""
