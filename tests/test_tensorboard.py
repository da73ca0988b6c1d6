"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import inspect
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


# ------------------------------------------------------- what torch.utils.tensorboard has beside


def decoded(found: Any, tag: str) -> np.ndarray:
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    return np.asarray(pillow.open(io.BytesIO(found.Images(tag)[-1].encoded_image_string)))


def test_the_writer_is_where_pytorch_has_it() -> None:
    assert nn.utils.tensorboard.SummaryWriter is SummaryWriter


@pytest.mark.torch
def test_every_method_has_pytorchs_parameters() -> None:
    torch = pytest.importorskip("torch.utils.tensorboard", reason="PyTorch is not installed")
    left_out = {"add_onnx_graph", "add_mesh", "add_image_with_boxes", "add_custom_scalars", "add_custom_scalars_marginchart",
                "add_custom_scalars_multilinechart"}  # fmt: skip
    theirs = {n for n in dir(torch.SummaryWriter) if not n.startswith("_")} - left_out
    for name in [*theirs, "__init__"]:
        ours, expected = (inspect.signature(getattr(c, name)).parameters for c in (SummaryWriter, torch.SummaryWriter))
        assert list(ours) == list(expected), name
        for parameter in ours:
            assert ours[parameter].default == expected[parameter].default, (name, parameter)


@pytest.mark.torch
def test_pytorch_writes_the_same_numbers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch.utils.tensorboard", reason="PyTorch is not installed")
    rng = np.random.default_rng(0)
    values, labels, predictions = rng.normal(size=300), rng.integers(0, 2, 50), rng.uniform(size=50)
    images = rng.integers(0, 256, (11, 3, 4, 5)).astype(np.uint8)
    for writer in (SummaryWriter(tmp_path / "ours"), torch.SummaryWriter(tmp_path / "theirs")):
        writer.add_scalar("a", 0.25, 3, walltime=12.5)
        writer.add_scalar("precise", 1 / 3, 3, new_style=True, double_precision=True)
        writer.add_histogram("h", values, 1)
        writer.add_histogram("auto", values, 1, bins="auto")
        writer.add_pr_curve("pr", labels, predictions, 2, num_thresholds=20, weights=np.full(50, 0.5))
        writer.add_images("grid", images, 1)
        writer.add_image("hwc", images[0].transpose(1, 2, 0), 1, dataformats="HWC")
        writer.close()
    ours, theirs = read(tmp_path / "ours"), read(tmp_path / "theirs")
    assert ours.Scalars("a") == theirs.Scalars("a")
    for tag in ("precise", "pr"):
        a, b = ours.Tensors(tag)[0].tensor_proto, theirs.Tensors(tag)[0].tensor_proto
        np.testing.assert_allclose([*a.float_val, *a.double_val], [*b.float_val, *b.double_val])
        assert list(a.tensor_shape.dim) == list(b.tensor_shape.dim)
    for tag in ("h", "auto"):
        a, b = ours.Histograms(tag)[0].histogram_value, theirs.Histograms(tag)[0].histogram_value
        np.testing.assert_allclose([a.min, a.max, a.num, a.sum, a.sum_squares], [b.min, b.max, b.num, b.sum, b.sum_squares])
        assert [x for x in a.bucket if x] == [x for x in b.bucket if x]
    for tag in ("grid", "hwc"):
        np.testing.assert_array_equal(decoded(ours, tag), decoded(theirs, tag))


def test_several_curves_in_one_chart_are_runs(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalars("loss/all", {"train": 1.0 * step, "test": 2.0 * step}, step)
        writer.flush()
    for run, factor in (("loss_all_train", 1.0), ("loss_all_test", 2.0)):
        assert [(e.step, e.value) for e in read(tmp_path / run).Scalars("loss/all")] == [(i, factor * i) for i in range(3)]


def test_figures_are_images(tmp_path: Path) -> None:
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    figures = [plt.figure(figsize=(2, 1), dpi=50, facecolor=color) for color in ("red", "blue")]
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", figures[0], 1, close=False)
        assert plt.fignum_exists(figures[0].number)
        writer.add_figure("two", figures, 2)
    assert not any(plt.fignum_exists(f.number) for f in figures)
    found = read(tmp_path)
    one, two = decoded(found, "one"), decoded(found, "two")
    assert one.shape == (50, 100, 4) and (one == [255, 0, 0, 255]).all()
    assert two.shape == (50, 200, 4) and (two[:, 100:] == [0, 0, 255, 255]).all()


def test_films_and_sounds(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    video = np.zeros((2, 3, 3, 4, 5))
    video[0, 1] = 1.0
    wave = np.sin(np.arange(100) / 5)
    with SummaryWriter(tmp_path) as writer:
        writer.add_video("film", video, 1, fps=2)
        writer.add_audio("sound", Tensor(wave), 1, sample_rate=8000)
    found = read(tmp_path)
    film = pillow.open(io.BytesIO(found.Images("film")[0].encoded_image_string))
    assert film.size == (10, 4) and film.n_frames >= 2
    film.seek(1)
    assert np.asarray(film.convert("RGB"))[0, 0].min() > 250
    [audio] = found.Audio("sound")
    assert audio.sample_rate == 8000 and audio.length_frames == 100
    samples = np.frombuffer(audio.encoded_audio_string[44:], "<i2") / 32767
    np.testing.assert_allclose(samples, wave, atol=1e-4)


def test_hyperparameters_and_what_they_reached(tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import metadata

    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams(
            {"lr": 0.1, "layers": 3, "name": "wide", "bias": True}, {"reached": Tensor(0.9)}, {"layers": [1, 3]}, "run1", 4
        )
    found = read(tmp_path / "run1")
    assert [(e.step, round(e.value, 6)) for e in found.Scalars("reached")] == [(4, 0.9)]
    tags = found.PluginTagToContent("hparams")
    given = metadata.parse_session_start_info_plugin_data(tags[metadata.SESSION_START_INFO_TAG]).hparams
    assert given["lr"].number_value == 0.1 and given["name"].string_value == "wide" and given["bias"].bool_value is True
    experiment = metadata.parse_experiment_plugin_data(tags[metadata.EXPERIMENT_TAG])
    domains = {info.name: [v.number_value for v in info.domain_discrete.values] for info in experiment.hparam_infos}
    assert domains["layers"] == [1, 3] and [m.name.tag for m in experiment.metric_infos] == ["reached"]


def test_embeddings_are_files_that_the_projector_lists(tmp_path: Path) -> None:
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    vectors = np.random.default_rng(0).normal(size=(5, 3))
    images = np.zeros((5, 3, 4, 6))
    images[4] = 1.0
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(Tensor(vectors), ["a", "b\tc", "d", "e", "f"], images, 7, tag="../words")
        writer.add_embedding(vectors, [[i, i * i] for i in range(5)], metadata_header=["n", "square"])
        writer.add_embedding(vectors[:3], [[i, i] for i in range(3)], metadata_header=["n", "square"])
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text("utf-8"), ProjectorConfig())
    words, plain = config.embeddings
    assert ".." not in words.tensor_path and (tmp_path / words.tensor_path).is_file()
    np.testing.assert_allclose(np.loadtxt(tmp_path / words.tensor_path), vectors)
    assert (tmp_path / words.metadata_path).read_text("utf-8").splitlines() == ["a", "b c", "d", "e", "f"]
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    sprite = np.asarray(pillow.open(tmp_path / words.sprite.image_path))
    assert sprite.shape == (8, 18, 3) and list(words.sprite.single_image_dim) == [6, 4]
    assert (sprite[4:, 6:12] == 255).all() and sprite.sum() == 255 * 3 * 24
    assert (tmp_path / plain.metadata_path).read_text("utf-8").splitlines() == ["n\tsquare", "0\t0", "1\t1", "2\t2"]
    assert len((tmp_path / plain.tensor_path).read_text("utf-8").splitlines()) == 3


def test_what_came_after_a_step_is_hidden(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        for step in range(5):
            writer.add_scalar("loss", step, step)
    with SummaryWriter(tmp_path, purge_step=3, filename_suffix=".again") as writer:
        writer.add_scalar("loss", 30.0, 3)
    assert [(e.step, e.value) for e in read(tmp_path).Scalars("loss")] == [(0, 0), (1, 1), (2, 2), (3, 30)]


def test_raw_histograms_tensors_and_curves(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram_raw("h", 0.0, 2.0, 3, 4.0, 6.0, [1.0, 2.0], [1, 2], 1)
        writer.add_tensor("t", Tensor([[1.0, 2.0]]), 1)
        writer.add_pr_curve_raw("pr", *np.arange(12.0).reshape(6, 2), global_step=1, num_thresholds=2)
        writer.add_histogram("few", np.arange(100.0), 1, bins=50, max_bins=5)
        with pytest.raises(ValueError, match="1 limits, but 2 counts"):
            writer.add_histogram_raw("h", 0.0, 2.0, 3, 4.0, 6.0, [1.0], [1, 2])
        with pytest.raises(ValueError, match=r"got shape \(6, 2\)"):
            writer.add_pr_curve_raw("pr", *np.arange(12.0).reshape(6, 2))
    found = read(tmp_path)
    assert list(found.Histograms("h")[0].histogram_value.bucket) == [1, 2]
    assert list(found.Histograms("few")[0].histogram_value.bucket) == [0, 20, 20, 20, 20, 20]
    assert list(found.Tensors("pr")[0].tensor_proto.float_val) == list(range(12))
    assert found.Tensors("t")[0].tensor_proto.tensor_shape.dim[1].size == 2


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        for call, message in (
            (lambda: writer.add_pr_curve("p", [0, 1], [0.5]), "2 labels and 1 predictions"),
            (lambda: writer.add_pr_curve("p", [0, 2], [0.5, 0.5]), "labels must be 0 or 1"),
            (lambda: writer.add_embedding(np.ones((2, 3)), ["a"]), "2 vectors, but 1 in metadata"),
            (lambda: writer.add_embedding(np.ones(3)), r"expected vectors \(N, D\)"),
            (lambda: writer.add_images("x", np.ones((2, 5, 4, 4))), "1, 3 or 4 channels"),
            (lambda: writer.add_image("x", np.ones((4, 4, 3)), dataformats="HW"), "does not fit the shape"),
            (lambda: writer.add_video("v", np.ones((2, 3, 4, 4))), r"expected \(N, T, C, H, W\)"),
            (lambda: writer.add_audio("s", np.array([np.nan])), "finite numbers"),
            (lambda: writer.add_graph(nn.Linear(1, 1)), "give an example input"),
        ):
            with pytest.raises(ValueError, match=message):
                call()
        with pytest.raises(TypeError, match="hparam_dict must be a dict, got list"):
            writer.add_hparams([], {})
