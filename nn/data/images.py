"""Images in folders, one for each class."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.install import install

from .dataset import Dataset

__all__ = ["ImageFolder"]

#: The only kinds of image that are decoded, by their content; none of pillow's others, of which one
#: starts a program.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


class ImageFolder(Dataset):
    """Images in one folder for each class: root/cat/1.png, root/dog/2.jpg ...

    Items are (image (C, H, W) of uint8, class).

    Needs the extra `images`. An image that is damaged, of a kind that its suffix does not allow
    here, or too large is a ValueError that names its file.

    Args:
        root: the folder that holds one folder for each class; folders within these are searched, too.
        transform: called with each image array; None: it stays as it is.
        mode: pillow's mode that images are brought to, "RGB" or "L", say.
        max_pixels: the largest image that is decoded; a small file can claim a large one.

    Attributes:
        classes: the names of the folders, in alphabetical order.
    """

    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

    def __init__(
        self, root: str | os.PathLike[str], transform: Callable[[np.ndarray], Any] | None = None,
        mode: str = "RGB", max_pixels: int = 1 << 26,
    ) -> None:  # fmt: skip
        self.transform, self.mode, self.max_pixels = transform, mode, max_pixels
        self.classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        self.samples = [
            (path, number)
            for number, name in enumerate(self.classes)
            for path in sorted((Path(root) / name).rglob("*"))
            if path.suffix.lower() in self.suffixes
        ]
        if not self.samples:
            raise ValueError(f"ImageFolder: no images in folders below {root}")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path, number = self.samples[index]
        try:
            pillow = importlib.import_module("PIL.Image")
        except ImportError as error:
            raise ImportError(f"images are read with pillow: {install('images')}") from error
        try:
            with pillow.open(path, formats=_FORMATS) as image:
                array = self._pixels(image)
        except Exception as error:
            raise ValueError(f"{path} cannot be read as an image: {error}") from error
        array = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
        return (array if self.transform is None else self.transform(array)), number

    def _pixels(self, image: Any) -> np.ndarray:
        """The values of an image, which is decoded only here, after a look at its size."""
        width, height = image.size
        if width * height > self.max_pixels:
            raise ValueError(
                f"{width} x {height} pixels are more than max_pixels={self.max_pixels:,}"
            )
        if image.mode[0] in "IF" and self.mode[0] not in "IF":  # 16 bits, 32 bits, floats
            raise ValueError(
                f"its values of mode {image.mode!r} would be cut to {self.mode!r}: "
                f"pass mode={image.mode!r}"
            )
        return np.asarray(image.convert(self.mode))
