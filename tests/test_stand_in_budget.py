"""How often a training step waits for its GPU, counted on the stand-in: once, for its loss.

A step is `zero_grad`, forward, loss, `backward`, `step` of the optimizer and `loss.item()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from nn import functional as F

from .gpu.networks.moved import made, on, ramp

CLASSES, TOKENS = np.array([0, 1, 2, 0, 1, 2, 2, 1]), np.arange(40).reshape(8, 5) % 10
LENGTHS = np.array([5, 4, 3, 2, 1, 5, 5, 5])
BITS = (ramp(8, 3) > 0).astype(np.float32)
PADDING = np.arange(5) >= LENGTHS[:, None]


class TextClassifier(nn.Module):
    """The class of a text, by the last output of a recurrent network."""

    def __init__(self, kind: Callable[..., Any], lengths: Any = None, **options: Any) -> None:
        self.embedding, self.lengths = nn.Embedding(10, 4, **options), lengths
        self.recurrent, self.out = kind(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, tokens: Any) -> Any:
        outputs, _ = self.recurrent(self.embedding(tokens), lengths=self.lengths)
        return self.out(outputs[:, -1])


class Attentive(nn.Module):
    """The class of a sequence, by the mean of the outputs of a transformer's block."""

    def __init__(self, **masks: Any) -> None:
        self.block, self.masks = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), masks
        self.out = nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        return self.out(np.mean(self.block(x, **self.masks), axis=1))


def perceptron(*last: Any) -> Any:
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.LayerNorm(16), nn.Linear(16, 3), *last)


def convolutional(momentum: float | None = 0.1) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=momentum), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.2), nn.Flatten(),
        nn.Linear(16, 3),
    )  # fmt: skip


def bags(mode: str, **options: Any) -> Any:
    return nn.Sequential(nn.EmbeddingBag(10, 4, mode=mode, **options), nn.Linear(4, 3))


def smoothed(scores: Any, classes: Any) -> Any:
    return F.cross_entropy(scores, classes, label_smoothing=0.1)


def ignoring(scores: Any, classes: Any) -> Any:
    return F.cross_entropy(scores, classes, weight=on("cuda", ramp(3, low=0.5)), ignore_index=2)


POINTS, IMAGES, SEQUENCES = ramp(8, 4), ramp(8, 1, 6, 6), ramp(8, 5, 8)

#: Name, model, input, target, loss.
STEPS: list[tuple[str, Callable[[], Any], np.ndarray, np.ndarray, Callable[..., Any]]] = [
    ("perceptron", perceptron, POINTS, CLASSES, F.cross_entropy),
    ("label smoothing", perceptron, POINTS, CLASSES, smoothed),
    ("ignored classes", perceptron, POINTS, CLASSES, ignoring),
    ("negative log-likelihood", lambda: perceptron(nn.LogSoftmax(1)), POINTS, CLASSES, F.nll_loss),
    ("regression", perceptron, POINTS, ramp(8, 3), F.mse_loss),
    ("robust regression", perceptron, POINTS, ramp(8, 3), F.huber_loss),
    ("labels", perceptron, POINTS, BITS, F.binary_cross_entropy_with_logits),
    ("probabilities", lambda: perceptron(nn.Sigmoid()), POINTS, BITS, F.binary_cross_entropy),
    ("margins", perceptron, POINTS, CLASSES, F.multi_margin_loss),
    ("signs", perceptron, POINTS, 2 * BITS - 1, F.hinge_embedding_loss),
    ("convolutions", convolutional, IMAGES, CLASSES, F.cross_entropy),
    ("plain averages", lambda: convolutional(None), IMAGES, CLASSES, F.cross_entropy),
    ("LSTM", lambda: TextClassifier(nn.LSTM), TOKENS, CLASSES, F.cross_entropy),
    ("GRU", lambda: TextClassifier(nn.GRU), TOKENS, CLASSES, F.cross_entropy),
    ("RNN", lambda: TextClassifier(nn.RNN), TOKENS, CLASSES, F.cross_entropy),
    ("lengths", lambda: TextClassifier(nn.LSTM, LENGTHS), TOKENS, CLASSES, F.cross_entropy),
    ("padding", lambda: TextClassifier(nn.LSTM, padding_idx=0), TOKENS, CLASSES, F.cross_entropy),
    ("bounded rows", lambda: TextClassifier(nn.LSTM, max_norm=1.0), TOKENS, CLASSES, F.cross_entropy),
    ("frequencies", lambda: TextClassifier(nn.LSTM, scale_grad_by_freq=True), TOKENS, CLASSES, F.cross_entropy),
    ("sums of bags", lambda: bags("sum"), TOKENS, CLASSES, F.cross_entropy),
    ("means of bags", lambda: bags("mean", padding_idx=0), TOKENS, CLASSES, F.cross_entropy),
    ("maxima of bags", lambda: bags("max", padding_idx=0), TOKENS, CLASSES, F.cross_entropy),
    ("transformer", Attentive, SEQUENCES, CLASSES, F.cross_entropy),
    ("causal transformer", lambda: Attentive(is_causal=True), SEQUENCES, CLASSES, F.cross_entropy),
    ("padded transformer", lambda: Attentive(src_key_padding_mask=PADDING), SEQUENCES, CLASSES, F.cross_entropy),
]


def one_step(model: Any, optimizer: Any, x: Tensor, target: Tensor, loss: Callable[..., Any]) -> float:
    optimizer.zero_grad()
    value = loss(model(x), target)
    value.backward()
    optimizer.step()
    return value.item()


@pytest.mark.parametrize(("name", "make", "x", "target", "loss"), STEPS, ids=[step[0] for step in STEPS])
def test_a_training_step_waits_once(
    name: str, make: Callable[[], Any], x: np.ndarray, target: np.ndarray, loss: Callable[..., Any], stand_in: Any
) -> None:
    mg.random.manual_seed(0)
    model = made("cuda", make())
    optimizer = nn.optim.Adam(model.parameters())
    step = (model, optimizer, on("cuda", x), on("cuda", target), loss)
    one_step(*step)  # what is made once
    with stand_in.counting() as count:
        assert np.isfinite(one_step(*step))
    assert count.launches > 20
    assert count.syncs <= 1, count


def test_classes_and_masks_in_main_memory_are_told_by_their_devices(stand_in: Any) -> None:
    """A Tensor stays where it is, so it is an error that names both; NumPy's arrays and lists go along as classes."""
    scores = on("cuda", ramp(8, 3))
    for mixed in (
        lambda: F.cross_entropy(scores, Tensor(CLASSES)),
        lambda: F.cross_entropy(scores, Tensor(CLASSES), label_smoothing=0.1),
        lambda: F.hinge_embedding_loss(scores, Tensor(2 * BITS - 1)),
        lambda: F.multi_margin_loss(scores, Tensor(CLASSES)),
        lambda: np.where(Tensor(BITS > 0), scores, 0.0),
        lambda: F.mse_loss(scores, Tensor(BITS)),
    ):
        with pytest.raises(RuntimeError, match=r"different devices \(.*(cuda:0.*cpu|cpu.*cuda:0)"):
            mixed()
    for classes in (CLASSES, CLASSES.tolist()):
        for loss in (F.cross_entropy, F.nll_loss, F.multi_margin_loss):
            assert loss(scores, classes).device == "cuda:0"


OPTIMIZERS = [
    "SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Rprop", "ASGD", "Adafactor", "Muon",
]  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_of_an_optimizer_never_waits(name: str, stand_in: Any) -> None:
    model = made("cuda", perceptron())
    given = [p for p in model.parameters() if name != "Muon" or p.ndim == 2]  # which takes matrices alone
    optimizer = getattr(nn.optim, name)(given, lr=0.1)
    average = nn.optim.EMA(model)
    F.cross_entropy(model(on("cuda", POINTS)), on("cuda", CLASSES)).backward()
    optimizer.step()
    with stand_in.counting() as count:
        optimizer.step()
        average.update(model)
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.zero_grad()
    assert count.launches > 5
    assert count.syncs == 0, count


def test_a_batch_of_a_trainer_waits_once(stand_in: Any) -> None:
    """Batches are brought from main memory; their losses are read to be averaged."""
    model = made("cuda", convolutional())
    optimizer = nn.optim.Adam(model.parameters())
    trainer = nn.training.Trainer(model, optimizer, F.cross_entropy, progress=False)
    loader = nn.data.DataLoader(nn.data.TensorDataset(IMAGES, CLASSES), 2)
    trainer.fit(loader, epochs=1)
    for again in (lambda: trainer.fit(loader, epochs=2), lambda: trainer.evaluate(loader)):
        with stand_in.counting() as count:
            again()
        assert 2 * len(loader) <= count.uploads <= 3 * len(loader)  # images, classes, and the numbers of Adam's step
        assert count.syncs <= len(loader), count


def test_without_a_loss_that_is_read_a_step_of_evaluation_never_waits(stand_in: Any) -> None:
    for _, make, x, _, _ in STEPS:
        model, given = made("cuda", make(), train=False), on("cuda", x)
        with mg.no_grad():
            model(given)
            with stand_in.counting() as count:
                model(given)
        assert count.syncs == 0, (make, count)
        given.cpu()  # which reads what waits to be checked
