"""SummaryWriter: scalars, histograms, images, text, graphs, curves, embeddings and runs for TensorBoard."""

from __future__ import annotations

import datetime
import importlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

import minigrad
from minigrad.install import install

from ...module import Module
from ...values import host
from . import numbers, pictures
from .projector import write_embedding

__all__ = ["SummaryWriter"]


class SummaryWriter:
    """Writes event files to a folder, as torch.utils.tensorboard.SummaryWriter; look at them with `tensorboard --logdir FOLDER`.

    Every `add_...` takes a `tag`, the name of a chart, a `global_step`, and a `walltime`, the seconds since 1970; by default
    now.

    Args:
        log_dir: the folder; it is made where there is none.  By default "runs/" and the time and the machine's name.
        comment: what is added to the default folder.
        purge_step: what an earlier run logged from this step on is hidden.
        max_queue: how many entries wait for the disk.
        flush_secs: and how long.
        filename_suffix: of the event file.  A new file is begun for every writer.

    Raises:
        ImportError: TensorBoard is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
    ...     writer.add_scalar("loss", 0.5, 1)
    ...     writer.add_histogram("weights", np.arange(9.0), 1)
    ...     writer.add_text("note", "begun")
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] | None = None, comment: str = "", purge_step: int | None = None,
        max_queue: int = 10, flush_secs: float = 120, filename_suffix: str = "",
    ) -> None:  # fmt: skip
        try:
            proto = [importlib.import_module(f"tensorboard.compat.proto.{name}_pb2") for name in ("event", "summary", "graph")]
            files = importlib.import_module("tensorboard.summary.writer.event_file_writer")
        except ImportError as error:
            raise ImportError(f"event files are written with TensorBoard: {install('tensorboard')}") from error
        if not log_dir:
            began = datetime.datetime.now().strftime("%b%d_%H-%M-%S")
            machine = importlib.import_module("socket").gethostname()
            log_dir = Path("runs", f"{began}_{machine}{comment}")
        self.log_dir = os.fspath(log_dir)
        self._event, self._summary, self._graph = proto
        self._options = {"max_queue": max_queue, "flush_secs": flush_secs, "filename_suffix": filename_suffix}
        self._file = files.EventFileWriter(self.log_dir, max_queue, flush_secs, filename_suffix)
        #: The writers of `add_scalars`, by folder.
        self._runs: dict[str, SummaryWriter] = {}
        if purge_step is not None:
            self._add(purge_step, file_version="brain.Event:2")
            self._add(purge_step, session_log=self._event.SessionLog(status=self._event.SessionLog.START))

    def get_logdir(self) -> str:
        """The folder of the event files."""
        return self.log_dir

    def _add(self, global_step: int | None, walltime: float | None = None, **what: Any) -> None:
        now = time.time() if walltime is None else walltime
        self._file.add_event(self._event.Event(wall_time=now, step=global_step, **what))

    def _add_value(self, tag: str, global_step: int | None, walltime: float | None = None, **value: Any) -> None:
        self._add(global_step, walltime, summary=self._summary.Summary(value=[self._summary.Summary.Value(tag=tag, **value)]))

    # -------------------------------------------------------------------------------- numbers

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: int | None = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        """One number at a step: a point of a curve; in single precision unless `double_precision`."""
        value = float(scalar_value)
        if not (new_style or double_precision):
            self._add_value(tag, global_step, walltime, simple_value=value)
            return
        tensor = (
            {"dtype": "DT_DOUBLE", "double_val": [value]} if double_precision else {"dtype": "DT_FLOAT", "float_val": [value]}
        )
        metadata = {"plugin_data": {"plugin_name": "scalars"}, "data_class": "DATA_CLASS_SCALAR"}
        self._add_value(tag, global_step, walltime, tensor=tensor, metadata=metadata)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: Mapping[str, Any], global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Several curves in one chart: each is a run of its own, in a folder beside the event file."""
        for tag, value in tag_scalar_dict.items():
            folder = str(Path(self.log_dir, f"{main_tag}_{tag}".replace("/", "_")))
            if folder not in self._runs:
                self._runs[folder] = SummaryWriter(folder, **self._options)  # type: ignore[arg-type]
            self._runs[folder].add_scalar(main_tag, value, global_step, walltime)

    def add_tensor(self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None) -> None:
        """An array of numbers, as it is."""
        make = importlib.import_module("tensorboard.util.tensor_util").make_tensor_proto
        self._add_value(
            tag, global_step, walltime, tensor=make(host(tensor)), metadata={"plugin_data": {"plugin_name": "tensor"}}
        )

    def add_histogram(
        self, tag: str, values: Any, global_step: int | None = None, bins: Any = "tensorflow",
        walltime: float | None = None, max_bins: int | None = None,
    ) -> None:  # fmt: skip
        """How numbers are distributed.

        Args:
            bins: "tensorflow" for limits that grow by a tenth, or a number, limits, or a rule of `numpy.histogram`.
            max_bins: how many bins there are at most; neighbours are put together.

        Raises:
            ValueError: where there are no numbers, or some are NaN or infinite.
        """
        self._add_value(tag, global_step, walltime, histo=numbers.histogram(tag, host(values), bins, max_bins))

    def add_histogram_raw(
        self, tag: str, min: float, max: float, num: float, sum: float, sum_squares: float,  # noqa: A002
        bucket_limits: Any, bucket_counts: Any, global_step: int | None = None, walltime: float | None = None,
    ) -> None:  # fmt: skip
        """A histogram that was counted already: up to each limit, as many."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError(f"histogram {tag!r}: {len(bucket_limits)} limits, but {len(bucket_counts)} counts")
        known = {"min": min, "max": max, "num": num, "sum": sum, "sum_squares": sum_squares}
        self._add_value(tag, global_step, walltime, histo={**known, "bucket_limit": bucket_limits, "bucket": bucket_counts})

    def add_pr_curve(
        self, tag: str, labels: Any, predictions: Any, global_step: int | None = None, num_thresholds: int = 127,
        weights: Any = None, walltime: float | None = None,
    ) -> None:  # fmt: skip
        """Precision and recall of a classifier at many thresholds.

        Args:
            labels: 0 or 1.
            predictions: the probabilities of 1.
            num_thresholds: how many; up to 127 are shown.
            weights: of the examples.
        """
        count = num_thresholds if num_thresholds < 127 else 127
        weights = None if weights is None else host(weights)
        self._add_curve(
            tag, numbers.precision_recall(tag, host(labels), host(predictions), count, weights), global_step, walltime
        )

    def add_pr_curve_raw(
        self, tag: str, true_positive_counts: Any, false_positive_counts: Any, true_negative_counts: Any,
        false_negative_counts: Any, precision: Any, recall: Any, global_step: int | None = None,
        num_thresholds: int = 127, weights: Any = None, walltime: float | None = None,
    ) -> None:  # fmt: skip
        """A curve of precision and recall that was counted already; each argument is (num_thresholds,)."""
        if weights is not None:
            raise NotImplementedError("add_pr_curve_raw: weights are in the counts already; leave them out")
        rows = (true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision, recall)
        values = np.stack([host(row) for row in rows])
        if values.shape != (6, num_thresholds):
            raise ValueError(f"pr_curve {tag!r}: expected six times {num_thresholds} numbers, got shape {values.shape}")
        self._add_curve(tag, values, global_step, walltime)

    def _add_curve(self, tag: str, values: Any, global_step: int | None, walltime: float | None) -> None:
        messages = importlib.import_module("tensorboard.plugins.pr_curve.plugin_data_pb2")
        content = messages.PrCurvePluginData(version=0, num_thresholds=values.shape[1]).SerializeToString()
        sizes = {"dim": [{"size": n} for n in values.shape]}
        tensor = {"dtype": "DT_FLOAT", "float_val": values.ravel().tolist(), "tensor_shape": sizes}
        metadata = {"plugin_data": {"plugin_name": "pr_curves", "content": content}}
        self._add_value(tag, global_step, walltime, tensor=tensor, metadata=metadata)

    # ------------------------------------------------------------------------ pictures, sounds

    def add_image(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None, dataformats: str = "CHW"
    ) -> None:
        """An image of 1, 3 or 4 channels: bytes, or floats between 0 and 1.

        Args:
            dataformats: what the axes are, "CHW", "HWC", "HW" ...; an image (H, W) needs no word.
        """
        self._add_value(tag, global_step, walltime, image=pictures.png(pictures.pixels(tag, host(img_tensor), dataformats)))

    def add_images(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None, dataformats: str = "NCHW"
    ) -> None:
        """Images side by side, in rows of up to 8."""
        self._add_value(tag, global_step, walltime, image=pictures.png(pictures.grid(tag, host(img_tensor), dataformats)))

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A figure of Matplotlib, or a list of figures of one size, as an image.

        Args:
            close: whether the figures are closed then.
        """
        figures = figure if isinstance(figure, (list, tuple)) else [figure]
        images = np.stack([pictures.drawn(f) for f in figures])
        self._add_value(tag, global_step, walltime, image=pictures.png(pictures.grid(tag, images, "NHWC")))
        if close:
            for f in figures:
                importlib.import_module("matplotlib.pyplot").close(f)

    def add_video(
        self, tag: str, vid_tensor: Any, global_step: int | None = None, fps: float = 4, walltime: float | None = None
    ) -> None:
        """Films side by side, (N, T, C, H, W): bytes, or floats between 0 and 1; `fps` frames are shown in a second."""
        self._add_value(tag, global_step, walltime, image=pictures.film(tag, host(vid_tensor), fps))

    def add_audio(
        self, tag: str, snd_tensor: Any, global_step: int | None = None, sample_rate: int = 44100, walltime: float | None = None
    ) -> None:
        """A sound, numbers between -1 and 1, `sample_rate` of them in a second."""
        self._add_value(tag, global_step, walltime, audio=pictures.sound(tag, host(snd_tensor), sample_rate))

    # ------------------------------------------------------------------- texts, models, vectors

    def add_text(self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None) -> None:
        """Text, shown as Markdown."""
        tensor = {"dtype": "DT_STRING", "string_val": [text_string.encode()], "tensor_shape": {"dim": [{"size": 1}]}}
        self._add_value(tag, global_step, walltime, tensor=tensor, metadata={"plugin_data": {"plugin_name": "text"}})

    def add_graph(self, model: Module, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True) -> None:
        """The graph of a model on example inputs: ops in boxes by the path of the module that made them.

        Args:
            input_to_model: an example input, or a tuple of several.
            verbose: print the names of the nodes too.
            use_strict_trace: taken for PyTorch's sake; nothing is traced here.
        """
        if input_to_model is None:
            raise ValueError("add_graph: give an example input, add_graph(model, x); of several a tuple")
        inputs = input_to_model if isinstance(input_to_model, tuple) else (input_to_model,)
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
        if verbose:
            print("\n".join(names.values()))
        self._add(None, graph_def=graph.SerializeToString())

    def add_embedding(
        self, mat: Any, metadata: Any = None, label_img: Any = None, global_step: int | None = None, tag: str = "default",
        metadata_header: Any = None,
    ) -> None:  # fmt: skip
        """Vectors for the projector, in files beside the event file.

        Args:
            mat: (N, D), a vector for each row.
            metadata: N labels, or N lists of labels whose names are in `metadata_header`.
            label_img: (N, C, H, W), a picture for each.
        """
        images = None if label_img is None else host(label_img)
        write_embedding(Path(self.log_dir), host(mat), metadata, images, global_step, tag, metadata_header)

    def add_hparams(
        self, hparam_dict: Mapping[str, Any], metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Any] | None = None, run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:  # fmt: skip
        """What a run was made with, and what it reached: a row of the table of runs.

        Args:
            hparam_dict: numbers, strings or booleans by name.
            metric_dict: numbers by name, which should not be those of other charts.
            hparam_domain_discrete: the possible values of some of them.
            run_name: the folder of this run inside of the log's; by default the time.
        """
        for name, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict)):
            if not isinstance(given, Mapping):
                raise TypeError(f"add_hparams: {name} must be a dict, got {type(given).__name__}")
        api = importlib.import_module("tensorboard.plugins.hparams.summary_v2")
        plain = {k: v if isinstance(v, (bool, str, int, float)) else host(v).item() for k, v in hparam_dict.items()}
        domains = {k: api.Discrete(v) for k, v in (hparam_domain_discrete or {}).items()}
        declared = [api.HParam(k, domains.get(k)) for k in plain]
        run = Path(self.log_dir, run_name or str(time.time()))
        with SummaryWriter(run, **self._options) as writer:  # type: ignore[arg-type]
            writer._add(global_step, summary=api.hparams_config_pb(declared, [api.Metric(k) for k in metric_dict]))
            writer._add(global_step, summary=api.hparams_pb(plain))
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    # ------------------------------------------------------------------------------- the file

    def flush(self) -> None:
        """Bring everything to the disk."""
        for writer in (self, *self._runs.values()):
            writer._file.flush()

    def close(self) -> None:
        """Bring everything to the disk, and end the files."""
        for writer in (*self._runs.values(), self):
            writer._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
