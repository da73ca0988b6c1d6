"""Compiled kernels of nn's fused ops, for the optional accelerator (`minigrad.kernels`)."""
