"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor
from nn.data import DataLoader, TensorDataset
from nn.training import SummaryWriter, TensorBoard, Trainer

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed")


def read(folder: Path) -> Any:
    found = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
    found.Reload()
    return found


def test_scalars_text_and_histograms_come_back(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 4))
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss/train", Tensor(0.5 * step), step)
        writer.add_histogram("weights", Tensor(values), 7)
        writer.add_histogram("constant", np.full(5, 2.0))
        writer.add_text("note", "**begun** <b>é</b>", 3)
    found = read(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("loss/train")] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    [event] = found.Histograms("weights")
    histogram = event.histogram_value
    assert event.step == 7 and histogram.num == 200
    np.testing.assert_allclose([histogram.min, histogram.max, histogram.sum], [values.min(), values.max(), values.sum()])
    np.testing.assert_allclose(histogram.sum_squares, (values**2).sum())
    below = np.cumsum(histogram.bucket)
    inside = [np.sum(values.ravel() < limit) for limit in histogram.bucket_limit[:-1]]
    assert below[:-1].tolist() == inside and below[-1] == 200
    assert found.Tensors("note")[0].tensor_proto.string_val == ["**begun** <b>é</b>".encode()]


def test_images_come_back_pixel_by_pixel(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    color = np.random.default_rng(0).integers(0, 256, (3, 5, 7)).astype(np.uint8)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("color", color, 1)
        writer.add_image("grey", Tensor([[0.0, 1.0], [0.5, 2.0]]), 2)
    found = read(tmp_path)
    decode = lambda tag: np.asarray(pillow.open(io.BytesIO(found.Images(tag)[0].encoded_image_string)))
    np.testing.assert_array_equal(decode("color"), np.moveaxis(color, 0, -1))
    np.testing.assert_array_equal(decode("grey"), [[0, 255], [128, 255]])


def test_the_graph_names_ops_by_the_module_that_made_them(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.encoder = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
            self.head = nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(x) * 2).tanh()

    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(Net(), Tensor([[1.0, 2.0]]))
    nodes = {node.name: node for node in read(tmp_path).Graph().node}
    assert {"encoder/0/weight", "encoder/0/linear", "encoder/1/relu", "multiply", "head/linear", "tanh"} < nodes.keys()
    assert sorted(nodes["head/linear"].input) == ["head/bias", "head/weight", "multiply"]
    assert [d.size for d in nodes["encoder/0/weight"].attr["_output_shapes"].list.shape[0].dim] == [3, 2]


def test_the_callback_logs_each_epoch(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]
    model = nn.Linear(1, 1)
    trainer = Trainer(
        model, nn.optim.SGD(model.parameters(), lr=0.1), nn.functional.mse_loss, callbacks=[TensorBoard(tmp_path)], progress=False
    )
    history = trainer.fit(DataLoader(TensorDataset(x, 2 * x), 8), 3)
    found = read(tmp_path)
    assert [e.step for e in found.Scalars("loss")] == [1, 2, 3]
    np.testing.assert_allclose([e.value for e in found.Scalars("loss")], [row["loss"] for row in history], rtol=1e-6)
    assert [e.histogram_value.num for e in found.Histograms("weight")] == [1, 1, 1]


def test_bad_input_is_named(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="histogram 'w': 1 of 2 values are NaN"):
            writer.add_histogram("w", np.array([1.0, np.nan]))
        with pytest.raises(ValueError, match="image 'x': expected .* got \\(2, 3, 4\\)"):
            writer.add_image("x", np.zeros((2, 3, 4)))
