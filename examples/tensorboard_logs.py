"""Logs for TensorBoard: losses, histograms, pictures, text and the graph; then `tensorboard --logdir out/logs`."""

import numpy as np
from shared import OUT, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor
from nn.training import SummaryWriter, TensorBoard, Trainer


def main(epochs=5):
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    logs = OUT / "logs"
    before = set(logs.glob("*")) if logs.exists() else set()
    trainer = Trainer(
        model, nn.optim.Adam(model.parameters(), lr=3e-3), nn.functional.cross_entropy, callbacks=[TensorBoard(logs)]
    )
    history = trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(x, y), 32, shuffle=True, seed=0), epochs)
    with SummaryWriter(logs) as writer:
        writer.add_graph(model, Tensor(x[:1]))
        writer.add_image("digit", x[0].reshape(8, 8))
        writer.add_text("note", f"a loss of **{history[-1]['loss']:.3f}** after {epochs} epochs")
    return {"loss": history[-1]["loss"], "files of events": len(set(logs.glob("*")) - before)}


if __name__ == "__main__":
    run(main)
