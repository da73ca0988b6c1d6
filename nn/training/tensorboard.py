"""Logs that TensorBoard shows: scalars, histograms, images, text and the graph of a model (needs the extra `tensorboard`)."""

from __future__ import annotations

import importlib
import io
import os
import time
from typing import Any, Self

import numpy as np

import minigrad
from minigrad.install import install

from ..module import Module, host

__all__ = ["SummaryWriter", "TensorBoard"]


class SummaryWriter:
    """Writes event files to a folder, as torch.utils.tensorboard.SummaryWriter; look at them with `tensorboard --logdir FOLDER`.

    Args:
        log_dir: the folder; it is made where there is none.  A new file is begun for every writer.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
    ...     writer.add_scalar("loss", 0.5, 1)
    ...     writer.add_histogram("weights", np.arange(9.0), 1)
    ...     writer.add_text("note", "begun")
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        try:
            proto = [importlib.import_module(f"tensorboard.compat.proto.{name}_pb2") for name in ("event", "summary", "graph")]
            files = importlib.import_module("tensorboard.summary.writer.event_file_writer")
        except ImportError as error:
            raise ImportError(f"event files are written with TensorBoard: {install('tensorboard')}") from error
        self.log_dir = os.fspath(log_dir)
        self._event, self._summary, self._graph = proto
        self._file = files.EventFileWriter(self.log_dir)

    def _add(self, global_step: int | None, **what: Any) -> None:
        self._file.add_event(self._event.Event(wall_time=time.time(), step=global_step, **what))

    def _add_value(self, tag: str, global_step: int | None, **value: Any) -> None:
        self._add(global_step, summary=self._summary.Summary(value=[self._summary.Summary.Value(tag=tag, **value)]))

    def add_scalar(self, tag: str, scalar_value: Any, global_step: int | None = None) -> None:
        """One number at a step: a point of a curve."""
        self._add_value(tag, global_step, simple_value=float(scalar_value))

    def add_histogram(self, tag: str, values: Any, global_step: int | None = None, bins: int = 64) -> None:
        """How numbers are distributed, in bins of equal width.

        Raises:
            ValueError: where there are none, or some are NaN or infinite.
        """
        data = host(values).astype(np.float64).ravel()
        if not data.size or not np.isfinite(data).all():
            raise ValueError(f"histogram {tag!r}: {np.sum(~np.isfinite(data))} of {data.size} values are NaN or infinite")
        counts, edges = np.histogram(data, bins)
        histogram = {
            "min": data.min(), "max": data.max(), "num": data.size, "sum": data.sum(), "sum_squares": data @ data,
            "bucket_limit": edges, "bucket": [0, *counts],  # a bucket ends at its limit; the first is empty
        }  # fmt: skip
        self._add_value(tag, global_step, histo=histogram)

    def add_image(self, tag: str, img_tensor: Any, global_step: int | None = None) -> None:
        """An image (C, H, W) of 1, 3 or 4 channels, or (H, W): bytes, or floats between 0 and 1."""
        pixels = _pixels(tag, host(img_tensor))
        file = io.BytesIO()
        importlib.import_module("PIL.Image").fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(file, "png")
        height, width, channels = pixels.shape
        image = {"height": height, "width": width, "colorspace": channels, "encoded_image_string": file.getvalue()}
        self._add_value(tag, global_step, image=image)

    def add_text(self, tag: str, text_string: str, global_step: int | None = None) -> None:
        """Text, shown as Markdown."""
        tensor = {"dtype": "DT_STRING", "string_val": [text_string.encode()], "tensor_shape": {"dim": [{"size": 1}]}}
        self._add_value(tag, global_step, tensor=tensor, metadata={"plugin_data": {"plugin_name": "text"}})

    def add_graph(self, model: Module, *inputs: Any) -> None:
        """The graph of a model on example inputs: ops in boxes by the path of the module that made them."""
        tensors, _ = minigrad.viz.resolve(model, inputs, None, values=False)
        names: dict[int, str] = {}
        graph = self._graph.GraphDef(versions={"producer": 22})
        for step in minigrad.viz.walk(tensors, model):
            path = (step.name or "input") if step.op is None else ".".join(filter(None, (step.calls[-1].path, step.op)))
            name = path.replace(".", "/")
            names[step.id] = name if name not in names.values() else f"{name}_{step.id}"
            shapes = [{"dim": [{"size": n} for n in step.shape or ()]}]
            graph.node.add(
                name=names[step.id], op=step.op or "Parameter", input=[names[source] for source, *_ in step.inputs],
                attr={"_output_shapes": {"list": {"shape": shapes}}},
            )  # fmt: skip
        self._add(None, graph_def=graph.SerializeToString())

    def flush(self) -> None:
        """Bring everything to the disk."""
        self._file.flush()

    def close(self) -> None:
        """Bring everything to the disk, and end the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _pixels(tag: str, image: np.ndarray) -> np.ndarray:
    """(H, W, C) of bytes."""
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3 or image.shape[0] not in (1, 3, 4):
        raise ValueError(f"image {tag!r}: expected (C, H, W) with 1, 3 or 4 channels, or (H, W), got {image.shape}")
    if image.dtype.kind == "f":
        image = np.round(255 * np.clip(np.nan_to_num(image), 0, 1))
    return np.ascontiguousarray(np.moveaxis(image, 0, -1), dtype=np.uint8)


class TensorBoard:
    """A callback of the Trainer: logs each epoch's values, and the distribution of every parameter.

    Args:
        log_dir: the folder of the event files.
        histograms: also log the parameters.
    """

    def __init__(self, log_dir: str | os.PathLike[str], histograms: bool = True) -> None:
        self.writer, self.histograms = SummaryWriter(log_dir), histograms

    def __call__(self, trainer: Any) -> None:
        row = trainer.history[-1]
        for name in row.keys() - {"epoch"}:
            self.writer.add_scalar(name, row[name], row["epoch"])
        if self.histograms:
            for name, parameter in trainer.model.named_parameters():
                self.writer.add_histogram(name, parameter, row["epoch"])
        self.writer.flush()
