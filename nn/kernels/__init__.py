"""Compiled kernels of nn's fused ops, for the optional accelerator (`minigrad.kernels`)."""

from minigrad.kernels import provide

provide("nn.kernels.activation", "gelu_exact", "gelu_rule")
provide("nn.kernels.normalization", "layer_norm_rows", "layer_norm_rule")
provide("nn.kernels.optim", "adam_step")
provide("nn.kernels.recurrent", "lstm_step", "lstm_step_back")
