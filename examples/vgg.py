"""VGG-16 and VGG-19: 3x3 convolutions all the way down; parameters as in the paper, and a small copy that learns digits."""

from alexnet import load
from shared import picture, run

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = "138 million parameters with 16 layers, 144 million with 19 (Simonyan and Zisserman, 2015)"

#: How many convolutions of how many channels between the poolings.
LAYERS = {
    "VGG-16": ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    "VGG-19": ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}


def vgg(name, classes=1000, width=1.0, channels=3, size=224, norm=False):
    layers = []
    for count, out in LAYERS[name]:
        for _ in range(count):
            layers += [
                nn.Conv2d(channels, int(width * out), 3, padding=1),
                *([nn.BatchNorm2d(int(width * out))] if norm else []),
                nn.ReLU(),
            ]
            channels = int(width * out)
        layers.append(nn.MaxPool2d(2))
    hidden = int(width * 4096)
    head = [
        nn.Flatten(),
        nn.Linear(channels * (size // 32) ** 2, hidden),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(),
    ]
    return nn.Sequential(*layers, *head, nn.Linear(hidden, classes))


def main(epochs=10, width=0.0625, size=32, data=None):
    results = {f"parameters of {name}": sum(p.size for p in vgg(name).parameters()) for name in LAYERS}
    x, labels = load(data, size)
    cut = int(0.8 * len(labels))
    # Batch normalisation in the place of days of patience.
    model = vgg("VGG-16", labels.max() + 1, width, channels=x.shape[1], size=size, norm=True)
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x[:cut], labels[:cut]), 32, shuffle=True, seed=0)
    history = Trainer(model, optimizer, nn.functional.cross_entropy, {"accuracy": accuracy}).fit(
        batches, epochs, [(x[cut:], labels[cut:])]
    )
    picture("vgg", history.plot())
    model.eval()
    with no_grad():
        return results | {"test accuracy of the small one": accuracy(model(Tensor(x[cut:])).numpy(), labels[cut:])}


FULL = {"epochs": 74, "width": 1.0, "size": 224}

if __name__ == "__main__":
    run(main)
