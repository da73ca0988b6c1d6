"""What notebooks show of arrays: a table of numbers, or faceted heat maps that tell the number under the mouse.

All is plain HTML with pictures inside, which GitHub shows, too; a script, where one may run, adds the numbers.
"""

from __future__ import annotations

import json
import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import isfinite
from typing import Any

import numpy as np

from .facets import BLUE, ORANGE, Layout, caption_of, cells_of, colours, layout_of
from .numbers import dimensions, host, number

__all__ = ["Budget", "array_html", "facts_of", "tensor_html", "with_script"]

FULL = 100  #: a tensor of so many numbers is shown with all of them
PIXELS = 384  #: along the longer side of a picture, about
CARRIED = 400_000  #: bytes of numbers that a display carries beside its pictures
QUIET = '<div style="opacity:0.75">'


class Budget:
    """How many bytes of numbers are left to a display; pictures beyond are without."""

    def __init__(self, left: int = CARRIED) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        """Whether there is room for so many."""
        self.left -= size if size <= self.left else 0
        return size <= self.left or size == 0


def tensor_html(tensor: Any) -> str:
    """A tensor as a table of coloured numbers where it is small, else as a picture, under what it is.

    >>> import minigrad
    >>> tensor_html(minigrad.Tensor([[1.0, -2.0]], name="w")).count("<td")
    2
    """
    caption = f"{QUIET}Tensor: {escape(facts_of(tensor))}</div>"
    return with_script(caption + array_html(tensor, Budget()))


def facts_of(tensor: Any) -> str:
    """Name, shape, dtype, device, and how a tensor or an array was made.

    >>> facts_of(np.zeros((2, 3)))
    '2×3, float64'
    """
    array = host(tensor)
    facts = [dimensions(array.shape), str(array.dtype)]
    if hasattr(tensor, "_node"):
        facts.insert(0, repr(tensor.name) if tensor.name else "")
        if tensor.device != "cpu":
            facts.append(tensor.device)
        if tensor._node is not None:
            facts.append("requires_grad" if tensor.is_leaf else f"made by {tensor._node.op.name}")
    return ", ".join(filter(None, facts))


def array_html(value: Any, budget: Budget, axes: Sequence[str] = ()) -> str:
    """The numbers of a tensor or an array: text, a table, or a picture.

    >>> array_html(np.zeros((20, 20)), Budget()).count("<img")
    1
    """
    array = host(value)
    if array.dtype.kind not in "fiub" or not array.size:
        return f"<pre>{escape(np.array2string(array, threshold=FULL))}</pre>"
    return _table(array) if array.size <= FULL else _figure(array, budget, axes)


def with_script(html: str) -> str:
    """Some HTML, with the script that makes its pictures tell their numbers, where they have them."""
    if "data-numbers=" not in html:
        return html
    script = files(__package__).joinpath("assets", "hover.js").read_text("utf-8")
    return f"{html}<script>(() => {{\n{script}}})();</script>"


def _table(array: np.ndarray) -> str:
    """All numbers, coloured; each says its index."""
    finite = np.abs(array[np.isfinite(array)].astype(float))
    most = float(finite.max(initial=0.0)) or 1.0
    width = array.shape[-1] if array.ndim else 1
    cells = [
        f'<td title="{escape(str(list(map(int, index))))}" style="background:rgba{_tint(float(x) / most)};text-align:right">'
        f"{number(np.float64(x))}</td>"
        for index, x in np.ndenumerate(array)
    ]
    rows = ("".join(cells[i : i + width]) for i in range(0, len(cells), width))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _tint(value: float) -> tuple[int, int, int, float]:
    """Orange for positive, blue for negative numbers, fainter towards 0, on any background."""
    if not isfinite(value):
        return (128, 128, 128, 0.6)
    red, green, blue = (ORANGE if value > 0 else BLUE).tolist()
    return (red, green, blue, round(0.6 * abs(value), 3))


def _figure(array: np.ndarray, budget: Budget, axes: Sequence[str]) -> str:
    """A heat map, its range and its axes; with the numbers that it shows where there is room for them."""
    layout = layout_of(array.shape)
    cells = cells_of(array.shape, layout)
    with np.errstate(all="ignore"):
        real = array.astype(float)
        finite = real[np.isfinite(real)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        spread = "no finite numbers"
        if finite.size:
            spread = f"{low:.4g} to {high:.4g}, mean {finite.mean():.4g}, std {finite.std():.4g}"
    odd = {"NaN": np.isnan(real).sum(), "infinite": np.isinf(real).sum()}
    notes = [spread, *(f"{count} {name}" for name, count in odd.items() if count)]
    shown = real.ravel()[cells]
    pixels = np.dstack([colours(shown, low, high), np.where(cells < 0, 0, 255).astype(np.uint8)])
    carried = _carried(array, cells, layout, budget)
    image = _image(pixels, f"heat map of {dimensions(array.shape)} numbers, {low:.4g} to {high:.4g}")
    text = escape(f"{caption_of(array.shape, layout, axes)}; {', '.join(notes)}")
    return f'<div class="minigrad-array"{carried}>{image}<div><output></output></div>{QUIET}{text}</div></div>'


def _carried(array: np.ndarray, cells: np.ndarray, layout: Layout, budget: Budget) -> str:
    """An attribute with the numbers that a picture shows, row by row, and which they are."""
    kind = "f4" if array.dtype.itemsize * (1 if array.dtype.kind == "f" else 2) <= 4 else "f8"
    numbers = array.ravel()[cells[cells >= 0]].astype(f"<{kind}")
    if not budget.take(numbers.nbytes * 4 // 3):
        return ""
    axes = [{"axis": axis.axis, "places": axis.places} for axis in layout.axes]
    found = {"width": layout.width, "height": layout.height, "axes": axes, "rank": array.ndim, "kind": kind}
    text = json.dumps(found | {"data": b64encode(numbers.tobytes()).decode()}, separators=(",", ":"))
    return f' data-numbers="{escape(text)}"'


def _image(pixels: np.ndarray, alt: str) -> str:
    """(H, W, 4) bytes as an image in the page."""
    height, width, _ = pixels.shape
    scale = min(24, max(1, PIXELS // max(height, width)))
    data = f"data:image/png;base64,{b64encode(_png(pixels)).decode()}"
    size = f"width:{max(width * scale, 16)}px;height:{max(height * scale, 16)}px"
    return f'<img src="{data}" alt="{escape(alt)}" style="image-rendering:pixelated;{size}">'


def _png(pixels: np.ndarray) -> bytes:
    """(H, W, 4) bytes as a PNG file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
