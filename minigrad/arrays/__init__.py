"""The other kinds of array that rules run on: batches and row-sparse gradients."""

from .row_sparse import RowSparse, add_rows

__all__ = ["RowSparse", "add_rows"]
