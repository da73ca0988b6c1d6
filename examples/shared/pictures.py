"""Where pictures go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

OUT = Path("out")


def picture(name: str, figure: Any) -> Path:
    """Write a figure of matplotlib to out/NAME.png, and say so."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.png"
    figure.savefig(path, dpi=80, bbox_inches="tight")
    matplotlib.pyplot.close(figure)
    print(f"picture: {path}")
    return path
