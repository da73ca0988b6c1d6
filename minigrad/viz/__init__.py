"""Seeing the graph: `draw` for pictures, `walk` for the graph as plain data."""

from .draw import DotNotFoundError, Drawing, draw
from .walk import Step, walk

__all__ = ["DotNotFoundError", "Drawing", "Step", "draw", "walk"]
