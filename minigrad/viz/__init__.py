"""Seeing the graph: `draw` for pictures, `explore` for a page to play through, `explain` for text,
`quiz` for questions, `export` for files of other kinds.

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
from .questions import Mistake, Question
from .quiz import Quiz, quiz
from .records import to_networkx
from .show import Display, Shown, show
from .target import resolve
from .walk import Step, walk

__all__ = [
    "ColouredText",
    "Display",
    "DotNotFoundError",
    "Drawing",
    "Explained",
    "Explanation",
    "Mistake",
    "Page",
    "Question",
    "Quiz",
    "Shown",
    "Step",
    "capture",
    "colour_text",
    "draw",
    "draw_program",
    "explain",
    "explore",
    "export",
    "memory_size",
    "quiz",
    "resolve",
    "show",
    "to_networkx",
    "walk",
]
