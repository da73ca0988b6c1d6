"""What the examples share, so that each of them is about its one idea."""

from .counting import by_ngrams, naive_bayes, ngram_nats
from .digits import digits, outlined, scattered, two_sets
from .images import draw_accuracy, draw_simple, fit_images, image_sets, linear, neighbours, simple_accuracies
from .language import documentation, mean_nats, train_on_columns
from .measuring import measure
from .optimizers import six_methods
from .phrases import Phrases, french
from .pictures import OUT, at_the_side, label, picture
from .readers import Bag, Convolutional, Recurrent, reader_scores, train_reader
from .resuming import checkpoint, steps
from .reviews import reviews, rt_polarity, split
from .running import run
from .seeds import chosen, generator, restart
from .sentences import Sentences
from .seq2seq import Attentive, Translator, agree, exact, train_seq2seq, written
from .shapes import CaptionedScenes
from .small_world import small_world
from .vectors import train_word2vec

__all__ = [
    "Attentive", "Bag", "CaptionedScenes", "Convolutional", "OUT", "Phrases", "Recurrent", "Sentences",
    "Translator", "agree", "at_the_side", "by_ngrams", "checkpoint", "chosen", "digits", "documentation",
    "draw_accuracy", "draw_simple", "exact", "fit_images", "french", "generator", "image_sets", "label", "linear",
    "mean_nats", "measure", "naive_bayes", "neighbours", "ngram_nats", "outlined", "picture", "reader_scores",
    "restart", "reviews", "rt_polarity", "run", "scattered", "simple_accuracies", "six_methods", "small_world",
    "split", "steps", "train_on_columns", "train_reader", "train_seq2seq", "train_word2vec", "two_sets", "written",
]  # fmt: skip
