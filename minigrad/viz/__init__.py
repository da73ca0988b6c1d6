"""Seeing the graph: `draw` for pictures, `explore` for a page to play through, `explain` for text, `walk` for plain data."""

from .capture import capture
from .draw import draw
from .drawing import DotNotFoundError, Drawing
from .explain import Explained, Explanation, explain
from .explore import explore
from .page import Page
from .walk import Step, walk

__all__ = [
    "DotNotFoundError", "Drawing", "Explained", "Explanation", "Page", "Step", "capture", "draw", "explain", "explore", "walk",
]  # fmt: skip
