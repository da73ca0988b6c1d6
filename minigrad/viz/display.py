"""What notebooks show: tensors as tables and pictures, tables and curves as HTML."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

import numpy as np

from .numbers import dimensions, host, number
from .summary import montage

__all__ = ["curves_html", "table_html", "tensor_html"]

FULL = 100  #: a tensor of so many numbers is shown with all of them
COLOURS = ("#3b82d6", "#d9622b", "#3a9a4b", "#a45bd1", "#c23b55", "#8a7a1f", "#2aa3a3", "#7d7d7d")


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


def table_html(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; all of its text is escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(_cell(x))}</td>' for x in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def curves_html(curves: Mapping[str, Sequence[float]]) -> str:
    """Curves over the epochs as SVG, with their names and last values."""
    finite = [y for ys in curves.values() for y in ys if isfinite(y)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    length = max(map(len, curves.values()), default=0)
    lines, names = [], []
    for (name, ys), colour in zip(curves.items(), COLOURS * (len(curves) // len(COLOURS) + 1), strict=False):
        places = [(5 + 390 * i / max(length - 1, 1), 115 - 110 * (y - low) / ((high - low) or 1)) for i, y in enumerate(ys)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places if isfinite(y))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        names.append(f'<span style="color:{colour}">■</span> {escape(name)} {_cell(ys[-1]) if len(ys) else ""}')
    label = escape(f"curves of {', '.join(curves)}")
    picture = f'<svg viewBox="0 0 400 120" width="400" role="img" aria-label="{label}">{"".join(lines)}</svg>'
    return f"<div>{picture}<div>{' &nbsp; '.join(names)}; {_cell(low)} to {_cell(high)}</div></div>"


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
