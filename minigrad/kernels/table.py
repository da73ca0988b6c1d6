"""Which kernels minigrad has; imported once, when minigrad is."""

from . import Way, compilers, provide

compilers.update(
    cpu=Way("minigrad.kernels.compiled", "Kernel"), cuda=Way("minigrad.kernels.compiled_on_gpu", "Kernel")
)  # fmt: skip
provide(
    "minigrad.kernels.cuda.window", "fold", "max_pool", "pool_gather", "pool_scatter", "sum_pool", "sum_unpool", "unfold",
    device="cuda",
)  # fmt: skip
provide("minigrad.kernels.cuda.convolution", "conv", "conv_bias", "conv_input", "conv_weight", device="cuda")
provide("minigrad.kernels.rows", "add_rows")
provide("minigrad.kernels.convolution", "conv", "conv_input", "conv_weight")
