"""Side-by-side measurements with PyTorch eager, HIPS/autograd and JAX jit: `python -m benchmarks`."""
