"""What each step is called, in text, in formulas and in pictures alike."""

from __future__ import annotations

from .walk import Step

__all__ = ["labels_of"]


def labels_of(steps: list[Step]) -> dict[int, str]:
    """One name for one step: the tensor's own, `result` for what was asked for, v1, v2, ... for the others.

    >>> from minigrad.viz import walk
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> list(labels_of(walk((x * x).sin())).values())
    ['x', 'v1', 'result']
    """
    labels: dict[int, str] = {}
    own = {step.name for step in steps if step.name is not None and step.kind != "data"}
    taken: set[str] = set()
    uses: dict[str, int] = {}
    unnamed = 0
    for step in steps:
        name = step.name or ("result" if step.output and step.op else None)
        if name is None:
            unnamed += 1
            while f"v{unnamed}" in own:
                unnamed += 1
            name = f"v{unnamed}"
        again = uses.get(name, 1)
        free = name if again == 1 else f"{name} {again}"
        while free in taken or (step.kind == "data" and again == 1 and free in own):
            again += 1
            free = f"{name} {again}"
        taken.add(free)
        uses[name] = again
        labels[step.id] = free
    return labels
