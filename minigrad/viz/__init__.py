"""Seeing the graph: `draw` for pictures, `explain` for the numbers step by step, `walk` for the graph as plain data."""

from .capture import capture
from .draw import DotNotFoundError, Drawing, draw
from .explain import Explained, Explanation, explain
from .walk import Step, walk

__all__ = ["DotNotFoundError", "Drawing", "Explained", "Explanation", "Step", "capture", "draw", "explain", "walk"]
