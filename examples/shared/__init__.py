"""What the examples share, so that each of them is about its one idea."""

from .counting import ngram_nats
from .digits import digits, scattered, two_sets
from .language import mean_nats, train_on_columns
from .measuring import measure
from .pictures import picture
from .resuming import checkpoint, steps
from .reviews import reviews
from .running import run
from .seeds import chosen, generator, restart
from .small_world import small_world

__all__ = [
    "checkpoint", "chosen", "digits", "generator", "mean_nats", "measure", "ngram_nats", "picture", "restart", "reviews",
    "run", "scattered", "small_world", "steps", "train_on_columns", "two_sets",
]  # fmt: skip
