"""What the examples share, so that each of them is about its one idea."""

from .counting import ngram_nats
from .digits import digits, outlined, scattered, two_sets
from .images import image_sets, linear
from .language import mean_nats, train_on_columns
from .measuring import measure
from .phrases import Phrases, french
from .pictures import OUT, picture
from .resuming import checkpoint, steps
from .reviews import reviews
from .running import run
from .seeds import chosen, generator, restart
from .sentences import Sentences
from .shapes import CaptionedScenes
from .small_world import small_world

__all__ = [
    "CaptionedScenes", "OUT", "Phrases", "Sentences", "checkpoint", "chosen", "digits", "french", "generator",
    "image_sets", "linear", "mean_nats", "measure", "ngram_nats", "outlined", "picture", "restart", "reviews",
    "run", "scattered", "small_world", "steps", "train_on_columns", "two_sets",
]  # fmt: skip
