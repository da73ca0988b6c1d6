"""Images, figures, films and sounds for TensorBoard, as bytes of files."""

from __future__ import annotations

import importlib
import io
import math
from typing import Any

import numpy as np

__all__ = ["drawn", "film", "grid", "pixels", "png", "sound"]


def _as_bytes(image: np.ndarray) -> np.ndarray:
    """Floats between 0 and 1 as whole numbers from 0 to 255."""
    if image.dtype.kind == "f":
        image = np.round(255 * np.clip(np.nan_to_num(image), 0, 1))
    return image.astype(np.uint8)


def _ordered(tag: str, image: np.ndarray, dataformats: str, wanted: str) -> np.ndarray:
    """An array with its axes in the wanted order; an axis that is not there gets length 1."""
    letters = dataformats.upper()
    if len(letters) != image.ndim or len(set(letters)) != len(letters) or not set(letters) <= set(wanted):
        raise ValueError(f"image {tag!r}: dataformats={dataformats!r} does not fit the shape {image.shape}")
    for letter in wanted:
        if letter not in letters:
            image, letters = image[..., None], letters + letter
    return image.transpose([letters.index(letter) for letter in wanted])


def pixels(tag: str, image: np.ndarray, dataformats: str = "CHW") -> np.ndarray:
    """(H, W, C) of bytes, from an image whose axes `dataformats` names: bytes, or floats between 0 and 1.

    >>> pixels("x", np.ones((3, 4, 5))).shape, pixels("x", np.ones((4, 5)), "HW").max()
    ((4, 5, 3), np.uint8(255))
    """
    if image.ndim == 2 and dataformats == "CHW":
        dataformats = "HW"
    if dataformats == "CHW" and (image.ndim != 3 or image.shape[0] not in (1, 3, 4)):
        raise ValueError(f"image {tag!r}: expected (C, H, W) with 1, 3 or 4 channels, or (H, W), got {image.shape}")
    image = _ordered(tag, image, dataformats, "HWC")
    if image.shape[-1] not in (1, 3, 4):
        raise ValueError(f"image {tag!r}: expected 1, 3 or 4 channels, got {image.shape[-1]} in {dataformats}")
    return np.ascontiguousarray(_as_bytes(image))


def grid(tag: str, images: np.ndarray, dataformats: str = "NCHW", columns: int = 8) -> np.ndarray:
    """(H, W, C) of bytes: images side by side, in rows of up to 8.

    >>> grid("x", np.ones((9, 3, 4, 5))).shape
    (8, 40, 3)
    """
    images = _as_bytes(_ordered(tag, images, dataformats, "NHWC"))
    n, height, width, channels = images.shape
    if n == 0 or channels not in (1, 3, 4):
        raise ValueError(f"image {tag!r}: expected images of 1, 3 or 4 channels, got shape (N, H, W, C) = {images.shape}")
    columns = min(n, columns)
    rows = math.ceil(n / columns)
    out = np.zeros((rows * height, columns * width, channels), np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        out[top : top + height, left : left + width] = image
    return out


def drawn(figure: Any) -> np.ndarray:
    """(H, W, 4) of bytes: what a figure of Matplotlib shows."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=figure.dpi)
    width, height = (int(n) for n in figure.bbox.size)
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)


def png(image: np.ndarray) -> dict[str, Any]:
    """A summary of an image (H, W, C) of bytes."""
    buffer = io.BytesIO()
    plain = image[..., 0] if image.shape[-1] == 1 else image
    importlib.import_module("PIL.Image").fromarray(plain).save(buffer, "png")
    height, width, channels = image.shape
    return {"height": height, "width": width, "colorspace": channels, "encoded_image_string": buffer.getvalue()}


def film(tag: str, video: np.ndarray, fps: float) -> dict[str, Any]:
    """A summary of films (N, T, C, H, W), as a GIF that moves: side by side, T frames."""
    if video.ndim != 5:
        raise ValueError(f"video {tag!r}: expected (N, T, C, H, W), got shape {video.shape}")
    frames = [grid(tag, video[:, t]) for t in range(video.shape[1])]
    image = importlib.import_module("PIL.Image")
    made = [image.fromarray(np.ascontiguousarray(np.broadcast_to(f, (*f.shape[:2], max(f.shape[2], 3))))) for f in frames]
    buffer = io.BytesIO()
    made[0].save(buffer, "gif", save_all=True, append_images=made[1:], duration=1000 / fps, loop=0)
    height, width, channels = frames[0].shape
    return {"height": height, "width": width, "colorspace": channels, "encoded_image_string": buffer.getvalue()}


def sound(tag: str, samples: np.ndarray, sample_rate: int) -> dict[str, Any]:
    """A summary of a sound, numbers between -1 and 1, as a WAV file of 16 bits."""
    samples = np.ravel(samples)
    if samples.dtype.kind != "f" or not samples.size or not np.isfinite(samples).all():
        raise ValueError(f"audio {tag!r}: expected finite numbers between -1 and 1, got {samples.dtype} of {samples.size}")
    data = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    buffer = io.BytesIO()
    with importlib.import_module("wave").open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(data.tobytes())
    return {
        "sample_rate": sample_rate, "num_channels": 1, "length_frames": data.size, "content_type": "audio/wav",
        "encoded_audio_string": buffer.getvalue(),
    }  # fmt: skip
