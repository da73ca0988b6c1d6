"""Pictures of compiled programs."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import viz
from minigrad.compiler import native

WEIGHT = np.ones((3, 4))


def test_a_program_is_drawn_after_each_pass_and_as_loops() -> None:
    def function(x: np.ndarray) -> np.ndarray:
        y = np.exp(x @ WEIGHT) + np.exp(x @ WEIGHT).copy()
        return np.sort(y).sum()

    run = mg.compile(function)
    with pytest.raises(RuntimeError, match="no program yet"):
        viz.draw_program(run)
    run(np.ones((2, 3)))
    counts = {stage: viz.draw_program(run, stage).source.count("exp\n") for stage in run.stages()}
    assert counts["traced"] == counts["folded"] == 2 and counts["without_repeats"] == counts["without_unused"] == 1
    source = viz.draw_program(run, direction="LR").source
    assert "WEIGHT" in source and "argument 0" in source and "sort\nin NumPy" in source and "rankdir=LR" in source
    assert ("loop 0 over [2, 4, 3]" in source) == native.available()
    with pytest.raises(ValueError, match="'traced', 'without_copies'"):
        viz.draw_program(run, "last")
    with pytest.raises(ValueError, match="max_nodes=2"):
        viz.draw_program(run, "traced", max_nodes=2)
