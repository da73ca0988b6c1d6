"""Save and restore: weights to a file and back, and a training that is cut off and goes on as if nothing had been."""

import tempfile
from pathlib import Path

import numpy as np
from shared import run
from sklearn.datasets import load_digits

import minigrad
import nn
from minigrad import Tensor
from nn.training import Trainer


def fit(epochs, checkpoint):
    """Train to so many epochs, from the checkpoint on where there is one."""
    minigrad.random.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    trainer = Trainer(
        model, nn.optim.Adam(model.parameters()), nn.functional.cross_entropy, checkpoint=checkpoint, progress=False
    )
    history = trainer.fit(
        nn.data.DataLoader(nn.data.TensorDataset((x / 16).astype(np.float32), y), 32, shuffle=True, seed=0), epochs
    )
    return model, history


def main(epochs=6):
    with tempfile.TemporaryDirectory() as folder:
        whole, history = fit(epochs, None)
        fit(epochs // 2, Path(folder, "run.safetensors"))  # and here it stops
        resumed, again = fit(epochs, Path(folder, "run.safetensors"))  # a new process would do the same
        nn.save(whole, Path(folder, "weights.safetensors"))
        size = Path(folder, "weights.safetensors").stat().st_size
        copy = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
        nn.load(Path(folder, "weights.safetensors"), copy)
        copy.eval()
        whole.eval()
        x = Tensor(np.random.default_rng(0).random((5, 64)).astype(np.float32))
        same = np.array_equal(copy(x).detach().numpy(), whole(x).detach().numpy())
    bits = all(np.array_equal(a.data, b.data) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
    return {
        "restored weights give the same outputs": same,
        "resumed training ends bit for bit the same": bits and history == again,
        "bytes": size,
    }


if __name__ == "__main__":
    run(main)
