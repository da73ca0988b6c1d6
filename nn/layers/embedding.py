"""Tables of vectors that are looked up by integers; what they compute is in `nn.functional.embedding`."""

from __future__ import annotations

from typing import Any

from minigrad import Tensor, empty, mark_mutated
from minigrad.devices import on_gpu_of

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from ..values import values_for

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """A table of vectors, looked up by integers: (...) -> (..., embedding_dim).

    Attributes:
        weight: (num_embeddings, embedding_dim), standard normal at first.

    >>> Embedding(10, 3)(Tensor([1, 2])).shape
    (2, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Rows are looked up by integers from 0 to num_embeddings - 1.

        Args:
            num_embeddings: how many rows the table has.
            embedding_dim: how long they are.
            padding_idx: the row that is 0 at first and gets no gradient, from the end where it is negative; None: there is none.
            max_norm: rows that are looked up are first scaled down to this norm, in place; None: they stay as they are.
            norm_type: the p of that norm.
            scale_grad_by_freq: divide the gradient of a row by how often it was looked up.
            sparse: the gradient holds only the rows that were looked up; optimizers leave the others, and their state, alone.
            device: where the table is, "cpu" or "cuda"; None: the default device.
            dtype: of the table; None: the default dtype, float32 at first.

        Raises:
            ValueError: the table has no row padding_idx.
        """
        self.sparse = sparse
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is out of range for {num_embeddings} embeddings")
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype, device=device))
        self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **options: Any) -> Embedding:
        """A table with given values, (num_embeddings, embedding_dim); by default it does not learn.

        Args:
            options: of the constructor; dtype and device are those of the values by default.
        """
        values = embeddings if isinstance(embeddings, Tensor) else Tensor(embeddings)
        rows, columns = values.shape
        table = cls(rows, columns, **{"dtype": values.dtype, "device": values.device, **options})
        table.weight.data = values_for(table.weight, values)
        table.weight.requires_grad = not freeze
        return table

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with on_gpu_of(self.weight):
                self.weight.data[self.padding_idx] = 0
            mark_mutated(self.weight.data)

    def forward(self, indices: Any) -> Tensor:
        return F.embedding(
            indices, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}" + (
            f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        )


class EmbeddingBag(Embedding):
    """Sums, means or maxima of looked-up vectors: (N, L) -> (N, embedding_dim), or bags cut out of one row by offsets.

    Args:
        mode: "sum", "mean" or "max" of each bag; of an empty one zeros.
        include_last_offset: the last offset is the end of the last bag, and begins none.
        padding_idx: as in `Embedding`; what it looks up is also left out of its bag, and does not count in a mean.

    >>> EmbeddingBag(10, 3, mode="sum")(Tensor([1, 2, 4, 5]), Tensor([0, 3])).shape
    (2, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, include_last_offset: bool = False,
        padding_idx: int | None = None, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
        self.mode, self.include_last_offset = mode, include_last_offset
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, device, dtype
        )

    def forward(self, indices: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        """One vector for each bag.

        Args:
            indices: (N, L), a bag in each row; or (M,), which the offsets cut into bags.
            offsets: (N,), where the bags begin, the first one at 0; for indices (M,) alone.
            per_sample_weights: factors of the rows, of the shape of the indices; mode "sum" alone.
        """
        return F.embedding_bag(
            indices, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip
