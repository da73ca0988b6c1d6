"""Seeing the graph: `draw` for pictures, `explore` for a page to play through, `explain` for text,
`export` for files of other kinds.

Nothing here knows a layer: what looks inside of networks and watches trainings is in `nn.inspect`.
"""

from .capture import capture
from .coloured import ColouredText, colour_text
from .draw import draw
from .drawing import DotNotFoundError, Drawing
from .explain import Explained, Explanation, explain
from .explore import explore
from .export import export
from .numbers import memory_size
from .page import Page
from .program import draw_program
from .records import to_networkx
from .target import resolve
from .walk import Step, walk

__all__ = [
    "ColouredText",
    "DotNotFoundError",
    "Drawing",
    "Explained",
    "Explanation",
    "Page",
    "Step",
    "capture",
    "colour_text",
    "draw",
    "draw_program",
    "explain",
    "explore",
    "export",
    "memory_size",
    "resolve",
    "to_networkx",
    "walk",
]
