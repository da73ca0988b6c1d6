"""Run the workloads and print a table in Markdown: times, and ratios to minigrad's peers (below 1: minigrad is faster)."""

from __future__ import annotations

import argparse
import importlib
import os
import platform

from minigrad import kernels

from . import fresh
from .networks import NETWORKS
from .per_sample import PER_SAMPLE
from .timing import in_turns
from .workloads import WORKLOADS


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def row(name: str, values: dict[str, float], show: str) -> str:
    peers = ("torch", "autograd", "jax jit", "loop")
    ours = values["minigrad"]
    cells = [show.format(ours)]
    cells += [f"{show.format(values[p])} (×{ours / values[p]:.2f})" if p in values else "" for p in peers]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words that the names of the workloads contain; or page, for the living page")
    parser.add_argument("--memory", action="store_true", help="the peak memory of the networks in place of the time")
    args = parser.parse_args()
    if args.only == ["page"]:
        print(f"{machine()}\n")
        importlib.import_module("benchmarks.page").main()
        return
    print(f"{machine()}, accelerator {'on' if kernels.enabled else 'off'}\n")
    if "OPENBLAS_CORETYPE" in os.environ:
        core = os.environ["OPENBLAS_CORETYPE"]
        print(f"OPENBLAS_CORETYPE={core} decides which code NumPy's matrix products run; PyTorch's do not mind it.\n")
    print("| workload | minigrad | torch eager | HIPS/autograd | JAX jit | a loop |\n|---|---|---|---|---|---|")
    for name, (workload, rounds) in (WORKLOADS | NETWORKS | PER_SAMPLE).items():
        if args.only and not any(word in name for word in args.only):
            continue
        if args.memory:
            if name in NETWORKS:
                print(row(name, fresh.peak_of_step(name), "{:.1f} MiB"), flush=True)
            continue
        values = in_turns(workload(), rounds)
        print(row(name, {k: 1000 * v for k, v in values.items()}, "{:.3g} ms"), flush=True)
    if not (args.only or args.memory):
        print(row("peak memory of the elementwise chain", fresh.peak_memory(), "{:.0f} MiB"))
        times = fresh.import_time()
        print("\nImport beyond numpy: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items()))


if __name__ == "__main__":
    main()
