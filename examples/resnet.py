"""ResNet: depth that can be learned, because every block only adds to what it is given; against the same network without.

A block gives y = relu(x + F(x)), so that dy/dx holds the identity besides dF/dx, and the gradient of the loss comes
through however many blocks there are. A plain network of the same layers gives y = relu(F(x)); both stand in
shared/residual.py. Both are shown with their training loss: a plain network that is too deep does worse in training
already, not in the test alone. Here the plain one stays below a linear layer, and the residual one is above the nearest
neighbours in the same pixels.
Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2016.
"""

import matplotlib.pyplot as plt
from shared import draw_simple, fit_images, image_sets, picture, restart, run, simple_accuracies
from shared.residual import DEPTHS, resnet

import nn

PUBLISHED = (
    "on ImageNet's validation images, 34 layers: 25.03 % errors with shortcuts, 28.54 % without (He et al., 2016, table 2)"
)
FULL = {"epochs": 120, "width": 64, "size": 224}


def trained(train, test, width, epochs, shortcut, small):
    """The history of ResNet-34, or of the same layers without shortcuts, from the same start on the same batches."""
    restart()
    channels, classes = train[0].shape[1], int(train[1].max()) + 1
    model = resnet("ResNet-34", classes, width, channels=channels, shortcut=shortcut, small=small)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    return fit_images(model, optimizer, train, test, epochs, "residual" if shortcut else "plain")


def main(epochs=5, width=8, size=16, scenes=2000, pieces=1, data=None):
    train, test = image_sets(data, size, scenes, pieces)
    beside = simple_accuracies(train, test)
    results = {f"parameters of {name}": sum(p.size for p in nn.utils.skip_init(resnet, name).parameters()) for name in DEPTHS}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for shortcut, name in ((True, "34 layers, residual"), (False, "34 layers, plain")):
        history = trained(train, test, width, epochs, shortcut, small=size < 64)
        left.plot(range(1, epochs + 1), history.curves()["loss"], "o-", label=name)
        right.plot(range(1, epochs + 1), history.curves()["val_accuracy"], "o-", label=name)
        results[f"test accuracy, {name}"] = history[-1]["val_accuracy"]
    draw_simple(right, beside)
    left.set(xlabel="epoch", ylabel="loss on training data", ylim=(0, None), title="Training")
    right.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1), title="Test")
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
    right.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    picture("resnet", figure)
    return results | beside


if __name__ == "__main__":
    run(main)
