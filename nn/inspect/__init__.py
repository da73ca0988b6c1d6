"""Looking inside of networks, and watching them learn; what draws graphs is `minigrad.viz`.

- `Recorder`: gradients, weights and activations over a training, with plots and a page; `compare_runs`: several in one page.
- `unroll`, `find_cells`: what single cells of a recurrent network follow in a text (`viz.colour_text` shows it).
- `gradient_by_lag`, `plot_lags`: how far gradients reach back in time.  `plot_attention`: what is looked at.
- `filters`, `feature_maps`, `saliency`, `class_activation_map`, `image_grid`: convolutional networks.
- `pca`, `tsne`, `plot_points`, `plot_decision_boundary`, `loss_landscape`, `plot_landscape`: points and surfaces.
- `Summary`: what `module.summary(input)` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.hints import missing
from minigrad.spellings import INSPECT

from .cells import (
    CellTable,
    find_cells,
    gradient_by_lag,
    plot_attention,
    plot_lags,
    text_properties,
    unroll,
)
from .images import class_activation_map, feature_maps, filters, image_grid, saliency
from .recorder import Recorder, compare_runs
from .summary import Summary
from .surfaces import loss_landscape, pca, plot_decision_boundary, plot_landscape, plot_points, tsne

__all__ = [
    "CellTable", "Recorder", "Summary", "class_activation_map", "compare_runs", "feature_maps",
    "filters", "find_cells", "gradient_by_lag", "image_grid", "loss_landscape", "pca", "plot_attention",
    "plot_decision_boundary", "plot_lags", "plot_landscape", "plot_points", "saliency", "text_properties", "tsne",
    "unroll",
]  # fmt: skip

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("nn.inspect", name, __all__, INSPECT)
