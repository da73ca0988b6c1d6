"""Seeing the graph: `draw` for pictures, `explore` for a page to play through, `explain` for text.

Watching a training: `Recorder`.  Looking inside: cells of recurrent networks in text, attention, filters and feature maps,
saliency, embeddings in the plane, decision boundaries, loss landscapes.
"""

from .capture import capture
from .cells import (
    CellTable,
    ColouredText,
    colour_text,
    find_cells,
    gradient_by_lag,
    plot_attention,
    plot_lags,
    text_properties,
    unroll,
)
from .draw import draw
from .drawing import DotNotFoundError, Drawing
from .explain import Explained, Explanation, explain
from .explore import explore
from .images import class_activation_map, feature_maps, filters, image_grid, saliency
from .page import Page
from .record import Recorder
from .surfaces import loss_landscape, pca, plot_decision_boundary, plot_landscape, plot_points, tsne
from .walk import Step, walk

__all__ = [
    "CellTable", "ColouredText", "DotNotFoundError", "Drawing", "Explained", "Explanation", "Page", "Recorder", "Step", "capture",
    "class_activation_map", "colour_text", "draw", "explain", "explore", "feature_maps", "filters", "find_cells",
    "gradient_by_lag", "image_grid", "loss_landscape", "pca", "plot_attention", "plot_decision_boundary", "plot_lags",
    "plot_landscape", "plot_points", "saliency", "text_properties", "tsne", "unroll", "walk",
]  # fmt: skip
