"""The files that TensorBoard's projector reads: vectors, their labels and their pictures."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.files import write_whole

from .pictures import grid, png

__all__ = ["write_embedding"]


def _tsv(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows with tabs between their cells; tabs and ends of lines inside of a cell become blanks."""
    return "".join("\t".join(" ".join(str(cell).split()) for cell in row) + "\n" for row in rows).encode()


def _file_name(tag: str) -> str:
    """A tag as the name of a folder: what is no letter or digit becomes its code."""
    return "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):02X}" for c in tag)


def _sprite(tag: str, images: np.ndarray) -> bytes:
    """One square picture with all images, row by row."""
    data: bytes = png(grid(tag, images, columns=math.ceil(math.sqrt(len(images)))))["encoded_image_string"]
    return data


def write_embedding(
    log_dir: Path, mat: np.ndarray, metadata: Any, label_img: Any, global_step: int | None, tag: str, metadata_header: Any
) -> None:
    """Write the vectors, (N, D), into a folder of the log, and name it in the projector's list.

    Raises:
        ValueError: the numbers of vectors, labels and pictures differ.
    """
    if mat.ndim != 2 or not mat.size:
        raise ValueError(f"embedding {tag!r}: expected vectors (N, D), got shape {mat.shape}")
    for name, beside in (("metadata", metadata), ("label_img", label_img)):
        if beside is not None and len(beside) != len(mat):
            raise ValueError(f"embedding {tag!r}: {len(mat)} vectors, but {len(beside)} in {name}")
    step = str(global_step or 0).zfill(5)
    part = f"{step}/{_file_name(tag)}"
    folder = log_dir / part
    folder.mkdir(parents=True, exist_ok=True)
    info: dict[str, Any] = {"tensor_name": f"{tag}:{step}", "tensor_path": f"{part}/tensors.tsv"}
    write_whole(folder / "tensors.tsv", _tsv(mat.tolist()))
    if metadata is not None:
        rows = [[m] if isinstance(m, str) or not isinstance(m, Sequence) else m for m in metadata]
        write_whole(folder / "metadata.tsv", _tsv(rows if metadata_header is None else [metadata_header, *rows]))
        info["metadata_path"] = f"{part}/metadata.tsv"
    if label_img is not None:
        write_whole(folder / "sprite.png", _sprite(tag, label_img))
        height, width = label_img.shape[2:]
        info["sprite"] = {"image_path": f"{part}/sprite.png", "single_image_dim": [width, height]}
    _named(log_dir / "projector_config.pbtxt", info)


def _named(path: Path, info: dict[str, Any]) -> None:
    """Add an entry to the projector's list; one of the same name is replaced."""
    messages = importlib.import_module("tensorboard.plugins.projector.projector_config_pb2")
    text = importlib.import_module("google.protobuf.text_format")
    config = messages.ProjectorConfig()
    if path.exists():
        text.Parse(path.read_text("utf-8"), config)
    kept = [entry for entry in config.embeddings if entry.tensor_name != info["tensor_name"]]
    listed = messages.ProjectorConfig(embeddings=[*kept, messages.EmbeddingInfo(**info)])
    write_whole(path, text.MessageToString(listed).encode())
