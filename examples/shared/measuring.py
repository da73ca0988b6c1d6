"""What the table of examples says: each is run from five seeds, and its results are kept in measured/NAME.json."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from minigrad.files import write_whole

from .pictures import OUT
from .running import once, options

FOLDER = Path(__file__).parents[1]
MEASURED, PICTURES = FOLDER / "measured", FOLDER / "pictures"


def measure(module: Any, argv: list[str]) -> None:
    """Run an example from several seeds, or once in its full setting, and keep what it reached.

    The time is the processor's, of one thread, so that it means the same on a busy machine.
    The picture of the first run is kept.
    """
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", type=int, default=5)
    asked, rest = parser.parse_known_args(argv)
    settings, _, full = options(module, module.main, rest)
    name = Path(module.__file__).stem
    runs, seconds = [], []
    with threadpool_limits(1):
        for seed in range(1 if full else asked.seeds):
            print(f"--- {name}, seed {seed}")
            started = time.process_time()
            runs.append(once(module, module.main, settings, seed, full))
            seconds.append(time.process_time() - started)
            if seed == 0 and not rest and (drawn := OUT / f"{name}.png").exists():
                PICTURES.mkdir(exist_ok=True)
                shutil.copy(drawn, PICTURES / drawn.name)
    found = {
        "results": {key: [plain(run[key]) for run in runs] for key in runs[0]},
        "seconds": round(float(np.median(seconds)), 1),
        "date": date.today().isoformat(),
    }
    if rest:
        found["options"] = " ".join(Path(word).name for word in rest)
    keep(name, found)


def keep(name: str, found: dict[str, Any]) -> None:
    """Put a measurement beside those of other options of the same example."""
    path = MEASURED / f"{name}.json"
    MEASURED.mkdir(exist_ok=True)
    old = json.loads(path.read_text()) if path.exists() else []
    kept = [other for other in old if other.get("options") != found.get("options")]
    write_whole(path, (json.dumps(sorted([*kept, found], key=lambda m: m.get("options", "")), indent=1) + "\n").encode())


def plain(value: Any) -> Any:
    """A number or a text, as JSON has them; floats with four digits."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.4g}") if isinstance(value, (float, np.floating)) else str(value)


def summary(values: list[Any]) -> str:
    """Of numbers the median and the range over the seeds; of anything else what the first seed gave."""
    if all(value == values[0] for value in values) or isinstance(values[0], (str, bool)):
        return str(values[0])
    low, middle, high = (f"{np.quantile(values, q):.3g}" for q in (0, 0.5, 1))
    return f"{middle} ({low} to {high})"
