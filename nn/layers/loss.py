"""The losses as modules.  A table says which function each is and which options it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import Tensor

from .. import functional as F
from ..module import Buffer, Module

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "PairwiseDistance", "PoissonNLLLoss", "SmoothL1Loss",
    "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]  # fmt: skip


class Loss(Module):
    """A loss function with the options it was made with; weights are buffers, as in PyTorch.

    >>> round(CrossEntropyLoss()(Tensor([[0.0, 0.0]]), Tensor([1])).item(), 4)
    0.6931
    >>> MSELoss(reduction="sum")(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item()
    5.0
    """

    function: Callable[..., Any]
    defaults: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = tuple(self.defaults)
        if len(args) > len(names) or set(kwargs) - set(names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}; got {args} and {kwargs}")
        for name, value in {**self.defaults, **dict(zip(names, args, strict=False)), **kwargs}.items():
            if name in ("weight", "pos_weight") and value is not None:
                value = Buffer(value.detach().data if isinstance(value, Tensor) else value)
            setattr(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        return type(self).function(*inputs, **{name: getattr(self, name) for name in self.defaults})

    def extra_repr(self) -> str:
        shown = ((name, getattr(self, name)) for name in self.defaults)
        return ", ".join(f"{name}={value!r}" for name, value in shown if not isinstance(value, Buffer))


def _loss(name: str, function: Callable[..., Any], **defaults: Any) -> type[Loss]:
    doc = f"The module of `nn.functional.{function.__name__}`: {(function.__doc__ or '').splitlines()[0]}"
    members = {"function": staticmethod(function), "defaults": defaults, "__doc__": doc, "__module__": __name__}
    return type(name, (Loss,), members)


MEAN = {"reduction": "mean"}
L1Loss = _loss("L1Loss", F.l1_loss, **MEAN)
MSELoss = _loss("MSELoss", F.mse_loss, **MEAN)
SmoothL1Loss = _loss("SmoothL1Loss", F.smooth_l1_loss, reduction="mean", beta=1.0)
HuberLoss = _loss("HuberLoss", F.huber_loss, reduction="mean", delta=1.0)
CrossEntropyLoss = _loss(
    "CrossEntropyLoss", F.cross_entropy, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
)
NLLLoss = _loss("NLLLoss", F.nll_loss, weight=None, ignore_index=-100, reduction="mean")
BCELoss = _loss("BCELoss", F.binary_cross_entropy, weight=None, reduction="mean")
BCEWithLogitsLoss = _loss(
    "BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, weight=None, reduction="mean", pos_weight=None
)
KLDivLoss = _loss("KLDivLoss", F.kl_div, reduction="mean", log_target=False)
PoissonNLLLoss = _loss("PoissonNLLLoss", F.poisson_nll_loss, log_input=True, full=False, eps=1e-8, reduction="mean")
GaussianNLLLoss = _loss("GaussianNLLLoss", F.gaussian_nll_loss, full=False, eps=1e-6, reduction="mean")
SoftMarginLoss = _loss("SoftMarginLoss", F.soft_margin_loss, **MEAN)
HingeEmbeddingLoss = _loss("HingeEmbeddingLoss", F.hinge_embedding_loss, margin=1.0, reduction="mean")
MarginRankingLoss = _loss("MarginRankingLoss", F.margin_ranking_loss, margin=0.0, reduction="mean")
MultiMarginLoss = _loss("MultiMarginLoss", F.multi_margin_loss, p=1, margin=1.0, weight=None, reduction="mean")
MultiLabelMarginLoss = _loss("MultiLabelMarginLoss", F.multilabel_margin_loss, **MEAN)
MultiLabelSoftMarginLoss = _loss("MultiLabelSoftMarginLoss", F.multilabel_soft_margin_loss, weight=None, reduction="mean")
CosineEmbeddingLoss = _loss("CosineEmbeddingLoss", F.cosine_embedding_loss, margin=0.0, reduction="mean")
TripletMarginLoss = _loss(
    "TripletMarginLoss", F.triplet_margin_loss, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"
)
TripletMarginWithDistanceLoss = _loss(
    "TripletMarginWithDistanceLoss", F.triplet_margin_with_distance_loss, distance_function=None, margin=1.0, swap=False,
    reduction="mean",
)  # fmt: skip
CTCLoss = _loss("CTCLoss", F.ctc_loss, blank=0, reduction="mean", zero_infinity=False)
CosineSimilarity = _loss("CosineSimilarity", F.cosine_similarity, axis=1, eps=1e-8)
PairwiseDistance = _loss("PairwiseDistance", F.pairwise_distance, p=2.0, eps=1e-6, keepdims=False)
