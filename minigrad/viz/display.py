"""What notebooks show of a tensor: a table of numbers, or a picture."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from html import escape
from math import isfinite
from typing import Any

import numpy as np

from .numbers import dimensions, host, number
from .summary import montage

__all__ = ["tensor_html"]

FULL = 100  #: a tensor of so many numbers is shown with all of them


def tensor_html(tensor: Any) -> str:
    """A tensor as a table of coloured numbers where it is small, else as a picture, under what it is.

    >>> import minigrad
    >>> tensor_html(minigrad.Tensor([[1.0, -2.0]], name="w")).count("<td")
    2
    """
    array = host(tensor)
    facts = [tensor.name and repr(tensor.name), dimensions(array.shape), str(array.dtype)]
    if tensor.device != "cpu":
        facts.append(tensor.device)
    if tensor._node is not None:
        facts.append("requires_grad" if tensor.is_leaf else f"made by {tensor._node.op.name}")
    caption = f'<div style="opacity:0.75">Tensor: {escape(", ".join(filter(None, facts)))}</div>'
    if array.dtype.kind not in "fiub" or not array.size:
        return f"{caption}<pre>{escape(np.array2string(array, threshold=FULL))}</pre>"
    real = array.astype(float)
    most = float(np.abs(real[np.isfinite(real)]).max(initial=0.0)) or 1.0
    if array.size > FULL:
        spread = f"{real.min():.4g} to {real.max():.4g}, mean {real.mean():.4g}, std {real.std():.4g}"
        plane, shown = montage(real, 64)
        plane = plane[:: -(-len(plane) // 256), :: -(-plane.shape[1] // 512)]
        return f"{caption}{_picture(plane / most)}<div style='opacity:0.75'>{shown}; {spread}</div>"
    rows = []
    for row in real.reshape(-1, real.shape[-1] if real.ndim else 1):
        cells = (
            f'<td style="background:rgba{_tint(float(x) / most)};text-align:right">{number(np.float64(x))}</td>' for x in row
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"{caption}<table>{''.join(rows)}</table>"


def _tint(value: float) -> tuple[int, int, int, float]:
    """Red for positive, blue for negative numbers, fainter towards 0, on any background."""
    if not isfinite(value):
        return (128, 128, 128, 0.6)
    return (214, 60, 50, round(0.6 * value, 3)) if value > 0 else (50, 100, 214, round(-0.6 * value, 3))


def _picture(plane: np.ndarray) -> str:
    """Numbers from -1 to 1 as a PNG: blue, white, red; NaN is grey."""
    known = np.isfinite(plane)
    value = np.where(known, plane, 0)
    pale = 1 - np.abs(value)
    channels = [np.where(value < 0, pale, 1), pale, np.where(value > 0, pale, 1)]
    pixels = np.where(known[..., None], np.stack(channels, axis=-1) * 255, 128).astype(np.uint8)
    height, width = plane.shape
    scale = max(1, 240 // max(height, width))
    data = f"data:image/png;base64,{b64encode(_png(pixels)).decode()}"
    return (
        f'<img src="{data}" alt="heat map" style="image-rendering:pixelated;width:{width * scale}px;height:{height * scale}px">'
    )


def _png(pixels: np.ndarray) -> bytes:
    """(H, W, 3) bytes as a PNG file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
