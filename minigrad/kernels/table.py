"""Which kernels minigrad has; imported once, when minigrad is."""

from . import provide

provide("minigrad.kernels.rows", "add_rows", "log_softmax", "log_softmax_rule", "softmax", "softmax_rule")
provide("minigrad.kernels.window", "fill", "max_pool", "pool_scatter")
provide(
    "minigrad.kernels.cuda.window", "fold", "max_pool", "pool_gather", "pool_scatter", "sum_pool", "sum_unpool", "unfold",
    device="cuda",
)  # fmt: skip
provide("minigrad.kernels.direct", "conv", "conv_input", "conv_weight")
provide("minigrad.kernels.cuda.convolution", "conv", "conv_bias", "conv_input", "conv_weight", device="cuda")
provide("minigrad.kernels.convolution", "conv", "conv_input", "conv_weight", compiled=False)
