"""What the table of examples says: each is run from five seeds, and its results are kept in measured/NAME.json."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from results import BESIDE, PICTURES, keep, kept
from threadpoolctl import threadpool_limits

from minigrad.files import write_whole

from . import resuming
from .pictures import OUT
from .running import once, options


def measure(module: Any, argv: list[str]) -> None:
    """Run an example from several seeds, or once in its full setting, and keep what it reached.

    The time is the processor's, of one thread, so that it means the same on a busy machine; of all sittings of a full run.
    The picture that is kept is that of the run in the middle, by the first number that the example reached.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--seeds", type=int, default=5)
    asked, rest = parser.parse_known_args(argv)
    if asked.seeds < 1 or any(word.split("=")[0] == "--seed" for word in rest):
        raise SystemExit("measure takes --seeds N, at least 1: it runs the seeds 0 to N - 1")
    settings, _, full = options(module, module.main, rest)
    name = Path(module.__file__).stem
    kept(name)  # what cannot be read is said before the work, not after it
    runs, seconds, pictures = [], [], []
    drawn = OUT / f"{name}.png"
    OUT.mkdir(exist_ok=True)
    with threadpool_limits(1), resuming.alone(OUT / f"{name}.lock", f"measures {name}"):
        for seed in range(1 if full else asked.seeds):
            print(f"--- {name}, seed {seed}")
            started = resuming.processor_seconds()
            runs.append(once(module, module.main, settings, seed, full))
            seconds.append(resuming.processor_seconds() - started + resuming.earlier())
            pictures.append(drawn.read_bytes() if drawn.exists() else b"")
    if not rest and any(pictures):
        PICTURES.mkdir(exist_ok=True)
        write_whole(PICTURES / drawn.name, pictures[middle(runs)])
    found = {
        "results": {key: [plain(run[key]) for run in runs] for key in runs[0]},
        "seconds": round(float(np.median(seconds)), 1),
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    if rest:
        found["options"] = " ".join(short(word) for word in rest)
    keep(name, found)


def middle(runs: list[dict[str, Any]]) -> int:
    """Which run is in the middle by the first number that is no baseline; the first one where there is none."""
    for name, value in runs[0].items():
        if not name.startswith(BESIDE) and not isinstance(value, (str, bool)):
            return int(np.argsort([float(run[name]) for run in runs], kind="stable")[(len(runs) - 1) // 2])
    return 0


def short(word: str) -> str:
    """An option as the table shows it: of a path what is below a folder "data", or the last part."""
    parts = Path(word).parts
    return "/".join(parts[parts.index("data") + 1 :]) if "data" in parts[:-1] else Path(word).name


def plain(value: Any) -> Any:
    """A number or a text, as JSON has them; floats with four digits.  What is no number is text, "nan"."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.4g}") if isinstance(value, (float, np.floating)) and np.isfinite(value) else str(value)
