"""Logs for TensorBoard: losses, histograms, pictures, text, the graph; then `tensorboard --logdir out/logs`.

A callback of the Trainer writes each epoch's numbers and the distribution of each parameter; another one adds
the gradients over all of the training. A writer takes whatever else is worth a look. The file is a row of
records, each with its length in front, so its events can be counted; the picture is what TensorBoard draws.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, picture, restart, run
from shared.pictures import OUT

import nn
from minigrad import Tensor
from nn.training import TensorBoard, Trainer


def events(path):
    """How many records a file has: length (8 bytes), its checksum (4), the record, its checksum (4)."""
    content, place, count = path.read_bytes(), 0, 0
    while place < len(content):
        place += 8 + 4 + int.from_bytes(content[place : place + 8], "little") + 4
        count += 1
    return count


def ridges(axis, distributions, title):
    """The histograms of all epochs, one behind the other."""
    low, high = np.quantile(np.concatenate(distributions), [0.01, 0.99])
    for epoch, values in reversed(list(enumerate(distributions))):
        heights, edges = np.histogram(values, 50, (low, high), density=True)
        heights = epoch + 2.5 * heights / heights.max()
        middles = (edges[1:] + edges[:-1]) / 2
        colour = plt.cm.viridis(epoch / len(distributions))
        axis.fill_between(middles, epoch + 1, heights + 1, color=colour, alpha=0.85)
        axis.plot(middles, heights + 1, color="white", linewidth=0.8)
    axis.set(title=title, xlabel="value", ylabel="epoch")


def draw(history, seen):
    """Scalars and histograms, as TensorBoard shows them."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    steps = range(1, len(history) + 1)
    for name, label in (("loss", "training"), ("val_loss", "test")):
        axes[0].plot(steps, [row[name] for row in history], "o-", markersize=4, label=label)
    axes[0].set(title="scalars", xlabel="epoch", ylabel="loss")
    axes[0].legend(loc="upper right")
    ridges(axes[1], seen["weights"], "histograms: weights of the first layer")
    ridges(axes[2], seen["gradients"], "histograms: their gradients")
    picture("tensorboard_logs", figure)


def main(epochs=12):
    (x, y), (new, truth) = digits()
    restart()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    before = set(OUT.glob("logs/*"))
    board, seen = TensorBoard(OUT / "logs"), {"weights": [], "gradients": []}

    def watch(trainer):
        epoch = trainer.history[-1]["epoch"]
        trainer.loss(model(Tensor(x)), y).backward()
        for name, parameter in model.named_parameters():
            board.writer.add_histogram(f"gradient of {name}", parameter.grad, epoch)
        seen["weights"].append(model[1].weight.detach().numpy().ravel().copy())
        seen["gradients"].append(model[1].weight.grad.numpy().ravel().copy())
        trainer.optimizer.zero_grad()

    batches, held = (
        nn.data.DataLoader(nn.data.TensorDataset(*part), 32, shuffle=part[1] is y, seed=chosen())
        for part in ((x, y), (new, truth))
    )
    trainer = Trainer(
        model, nn.optim.Adam(model.parameters(), lr=3e-3), nn.functional.cross_entropy,
        metrics={"accuracy": nn.metrics.accuracy}, callbacks=[board, watch], progress=False,
    )  # fmt: skip
    history = trainer.fit(batches, epochs, held)
    board.writer.add_graph(model, Tensor(x[:1]))
    board.writer.add_images("digits", x[:16, None])
    board.writer.add_text("note", f"a loss of **{history[-1]['loss']:.3f}** after {epochs} epochs")
    board.writer.close()
    draw(history, seen)
    files = set(OUT.glob("logs/*")) - before
    return {
        "files of events": len(files),
        "events": sum(map(events, files)),
        "test accuracy": history[-1]["val_accuracy"],
        "chance: the largest class": float(np.bincount(truth).max() / len(truth)),
    }


if __name__ == "__main__":
    run(main)
