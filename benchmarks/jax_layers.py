"""The layers of the workloads in JAX, as functions of weights by PyTorch's names."""

from __future__ import annotations

from typing import Any

Weights = dict[str, Any]


def linear(p: Weights, name: str, x: Any) -> Any:
    return x @ p[f"{name}weight"].T + p[f"{name}bias"]


def cross_entropy(jax: Any, logits: Any, targets: Any) -> Any:
    """The mean over rows."""
    rows = jax.numpy.arange(len(targets))
    return -jax.numpy.mean(jax.nn.log_softmax(logits)[rows, targets])


def conv(jax: Any, p: Weights, name: str, x: Any, padding: int = 0) -> Any:
    """Images (N, C, H, W)."""
    out = jax.lax.conv_general_dilated(x, p[f"{name}weight"], (1, 1), [(padding, padding)] * 2)
    return out + p[f"{name}bias"][:, None, None]


def max_pool(jax: Any, x: Any) -> Any:
    """Maxima of 2 by 2 places."""
    return jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def layer_norm(jax: Any, p: Weights, name: str, x: Any) -> Any:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-5) * p[f"{name}weight"] + p[f"{name}bias"]


def lstm(jax: Any, p: Weights, name: str, x: Any, layers: int) -> Any:
    """Sequences (T, B, H)."""
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid
    for k in range(layers):
        projected = x @ p[f"{name}weight_ih_l{k}"].T + p[f"{name}bias_ih_l{k}"] + p[f"{name}bias_hh_l{k}"]
        w = p[f"{name}weight_hh_l{k}"].T

        def cell(carry: Any, x: Any, w: Any = w) -> Any:
            h, c = carry
            i, f, g, o = jnp.split(x + h @ w, 4, axis=-1)
            c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
            h = sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        start = jnp.zeros((x.shape[1], w.shape[0]), x.dtype)
        _, x = jax.lax.scan(cell, (start, start), projected)
    return x


def gru(jax: Any, p: Weights, name: str, x: Any, h: Any = None) -> Any:
    """Sequences (T, B, H) from a state (B, H); all states."""
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid
    projected = x @ p[f"{name}weight_ih_l0"].T + p[f"{name}bias_ih_l0"]
    w, b = p[f"{name}weight_hh_l0"].T, p[f"{name}bias_hh_l0"]

    def cell(h: Any, x: Any) -> Any:
        (r, z, n), (hr, hz, hn) = jnp.split(x, 3, axis=-1), jnp.split(h @ w + b, 3, axis=-1)
        z = sigmoid(z + hz)
        h = (1 - z) * jnp.tanh(n + sigmoid(r + hr) * hn) + z * h
        return h, h

    start = jnp.zeros((x.shape[1], w.shape[0]), x.dtype) if h is None else h
    return jax.lax.scan(cell, start, projected)[1]


def rnn(jax: Any, p: Weights, name: str, x: Any) -> Any:
    """Sequences (T, B, H)."""
    jnp = jax.numpy
    projected = x @ p[f"{name}weight_ih_l0"].T + p[f"{name}bias_ih_l0"] + p[f"{name}bias_hh_l0"]
    w = p[f"{name}weight_hh_l0"].T

    def cell(h: Any, x: Any) -> Any:
        h = jnp.tanh(x + h @ w)
        return h, h

    return jax.lax.scan(cell, jnp.zeros((x.shape[1], w.shape[0]), x.dtype), projected)[1]


def transformer(jax: Any, p: Weights, x: Any, heads: int) -> Any:
    """An encoder layer with ReLU, norms after the sums; sentences (B, T, H)."""
    batch, length, size = x.shape
    projected = x @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"]
    q, k, v = projected.reshape(batch, length, 3, heads, size // heads).transpose(2, 0, 3, 1, 4)
    scores = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / (size // heads) ** 0.5)
    joined = (scores @ v).transpose(0, 2, 1, 3).reshape(batch, length, size)
    x = layer_norm(jax, p, "norm1.", x + linear(p, "self_attn.out_proj.", joined))
    return layer_norm(jax, p, "norm2.", x + linear(p, "linear2.", jax.nn.relu(linear(p, "linear1.", x))))
