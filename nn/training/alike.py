"""Whether all processes train alike: what differs by mistake is said, before it trains several models or hangs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.loader import DataLoader
from ..distributed import DistributedError, all_gather
from ..distributed.communication import group

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["compare", "facts_of_loader", "facts_of_training", "same_batch"]


def compare(what: str, facts: dict[str, Any]) -> None:
    """Raise an error, in all processes, where their facts differ; it names the first one.

    Args:
        what: they are about.
        facts: values that JSON knows, by their names.

    Raises:
        DistributedError: they differ.
    """
    texts = group().start(f"Trainer: {what}", group().texts(json.dumps(facts))).wait()
    first = json.loads(texts[0])
    for number, text in enumerate(texts):
        other = json.loads(text)
        for name in first | other:
            if first.get(name) != other.get(name):
                raise DistributedError(
                    f"Trainer: processes differ in {what}: {name} is {first.get(name)!r} on rank 0, but {other.get(name)!r} on "
                    f"rank {number}. With distributed=True all of them need the same data and options"
                )


def same_batch(number: int) -> Any:
    """Begin to compare a number that stands for the batch of which each process takes its share.

    Returns:
        What waits for the others.

    Raises:
        DistributedError: in all processes, when it is called, where the numbers differ.
    """
    work = all_gather(number, async_op=True)

    def wait() -> None:
        if len(set(work.wait())) > 1:
            raise DistributedError(
                "Trainer: the loaders of the processes give different batches, so that some items would be trained twice and "
                "others never: give all the same data in the same order; a sampler or data set of your own draws by a seed that "
                "all share"
            )

    return wait


def facts_of_training(trainer: Trainer, epochs: int, validation: Any) -> dict[str, Any]:
    """The options of a training, and where it stands."""
    names = ("schedule", "clip_norm", "accumulate", "checkpoint_every", "updates", "batches", "stopped")
    facts = {name: getattr(trainer, name) for name in names}
    facts |= {"epochs": epochs, "epochs that are done": len(trainer.history), "the metrics": [*trainer.metrics]}
    facts |= {"the number of callbacks": len(trainer.callbacks), "checkpoint=...": trainer.checkpoint is not None}
    facts |= {"validation=...": validation is not None, "the optimizer": type(trainer.optimizer).__name__}
    facts["the scheduler"] = None if trainer.scheduler is None else type(trainer.scheduler).__name__
    for i, options in enumerate(trainer.optimizer.param_groups):
        facts |= {f"{name} of the optimizer's group {i}": _plain(x) for name, x in options.items() if name != "params"}
    return {name: _plain(value) for name, value in facts.items()}


def facts_of_loader(loader: Any) -> dict[str, Any]:
    """What is known of a loader without reading it."""
    facts = {"the kind of loader": type(loader).__name__, "the number of batches": _length(loader)}
    if isinstance(loader, DataLoader):
        facts |= {"the number of items": _length(loader.dataset), "batch_size": _plain(loader.batch_size)}
        facts |= {"drop_last": _plain(loader.drop_last), "the kind of sampler": type(loader.sampler).__name__}
    return facts


def _length(of: Any) -> int | None:
    try:
        return len(of)
    except TypeError:
        return None


def _plain(value: Any) -> Any:
    """A value that is the same text on all machines: floats to nine digits, and of objects the kind alone."""
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.9g}")
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (bool, int, str, type(None))) else type(value).__name__
