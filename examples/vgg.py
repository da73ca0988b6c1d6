"""VGG-16 and VGG-19: 3x3 convolutions all the way down; parameters as in the paper, and a small copy that learns digits.

Two convolutions of 3x3 see 5x5 pixels, three see 7x7: with 2 * 9 and 3 * 9 weights for each pair of channels in the
place of 25 and 49, and with a rectifier in between.
The small copy, with batch normalization, which came later, reads more scenes than the nearest neighbours in the same
pixels do, and about twice as many as a linear layer.
Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2015.
"""

import matplotlib.pyplot as plt
from shared import draw_accuracy, fit_images, image_sets, picture, run, simple_accuracies

import nn

PUBLISHED = "138 million parameters with 16 layers, 144 million with 19 (Simonyan and Zisserman, 2015, table 2)"
FULL = {"epochs": 74, "width": 1.0, "size": 224}

#: How many convolutions of how many channels between the poolings.
LAYERS = {
    "VGG-16": ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    "VGG-19": ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}


def convolutions(name, width, channels, norm):
    """The convolutions of a network with their poolings; and the channels that come out."""
    layers = []
    for count, out in LAYERS[name]:
        for _ in range(count):
            layers += [nn.Conv2d(channels, int(width * out), 3, padding=1), nn.ReLU()]
            channels = int(width * out)
            if norm:
                layers.insert(-1, nn.BatchNorm2d(channels))
        layers.append(nn.MaxPool2d(2))
    return layers, channels


def vgg(name, classes=1000, width=1.0, channels=3, size=224, norm=False):
    """The network of the paper's table 1; `size` x `size` pixels in."""
    layers, channels = convolutions(name, width, channels, norm)
    hidden = int(width * 4096)
    return nn.Sequential(
        *layers, nn.Flatten(),
        nn.Linear(channels * (size // 32) ** 2, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes),
    )  # fmt: skip


def seen():
    """For each convolution how many pixels on a side one of its values depends on: r grows by 2 s, s doubles by pooling."""
    fields = {}
    for name, stages in LAYERS.items():
        field, step, fields[name] = 1, 1, []
        for count, _ in stages:
            for _ in range(count):
                field += 2 * step
                fields[name].append(field)
            field, step = field + step, 2 * step
    return fields


def drawn(history, beside):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for name, fields in seen().items():
        left.plot(range(1, len(fields) + 1), fields, "o-", label=name)
    left.set(xlabel="convolution", ylabel="pixels on a side", title="What one value sees of the picture")
    left.legend()
    draw_accuracy(right, history, "small VGG-16", beside)
    picture("vgg", figure)


def main(epochs=14, width=0.0625, size=32, scenes=2000, pieces=1, data=None):
    train, test = image_sets(data, size, scenes, pieces)
    # Batch normalization, which came later, in the place of days of patience.
    model = vgg("VGG-16", int(train[1].max()) + 1, width, channels=train[0].shape[1], size=size, norm=True)
    history = fit_images(model, nn.optim.Adam(model.parameters(), lr=2e-3), train, test, epochs)
    beside = simple_accuracies(train, test)
    drawn(history, beside)
    counts = {f"parameters of {name}": sum(p.size for p in nn.utils.skip_init(vgg, name).parameters()) for name in LAYERS}
    return counts | {"test accuracy of the small one": history[-1]["val_accuracy"]} | beside


if __name__ == "__main__":
    run(main)
