"""Seeing the graph: `draw` for pictures, `explore` for a page to play through, `derivatives` for one of a function and its
derivatives, `explain` for text, `quiz` for questions, `memory` for bytes, `export` for files of other kinds, `to_networkx` for
programs; and `show` for arrays and trees of them, `colour_text` for a text with a number for each character.

Nothing here knows a layer: what looks inside of networks and watches trainings is in `nn.inspect`.
"""

from .capture import Capture, capture
from .coloured import ColouredText, colour_text
from .draw import draw
from .drawing import DotNotFoundError, Drawing
from .explain import Explained, Explanation, explain
from .explore import explore
from .export import export
from .failure import Failure
from .memory import Memory, memory
from .numbers import memory_size
from .orders import derivatives
from .page import Page
from .program import draw_program
from .questions import Mistake, Question
from .quiz import Quiz, quiz
from .records import to_networkx
from .show import Display, Shown, show
from .target import resolve
from .walk import Step, walk

__all__ = [
    "Capture",
    "ColouredText",
    "Display",
    "DotNotFoundError",
    "Drawing",
    "Explained",
    "Explanation",
    "Failure",
    "Memory",
    "Mistake",
    "Page",
    "Question",
    "Quiz",
    "Shown",
    "Step",
    "capture",
    "colour_text",
    "derivatives",
    "draw",
    "draw_program",
    "explain",
    "explore",
    "export",
    "memory",
    "memory_size",
    "quiz",
    "resolve",
    "show",
    "to_networkx",
    "walk",
]
