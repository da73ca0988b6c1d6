"""The other kinds of array that rules run on: batches and row-sparse gradients."""

from . import elementwise, fallback, indexing, joining, linear, reducing, shaping, ufuncs
from .batch import all_examples, fallbacks
from .row_sparse import RowSparse, add_rows

__all__ = [
    "RowSparse", "add_rows", "all_examples", "elementwise", "fallback", "fallbacks", "indexing", "joining", "linear", "reducing",
    "shaping", "ufuncs",
]  # fmt: skip
