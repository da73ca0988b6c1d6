"""Which part of Python is this? Modules of the standard library, told apart by their documentation's words.

A document is the docstring of a function or class; its words are weighted by tf-idf,

    x_w = log(1 + count of w) log(documents / (1 + documents with w)),    x / |x|,

and a layer of 32 ReLUs and a softmax say which part of the library it is of. A text that several classes have
word for word counts once. Beside it stand the largest class and naive Bayes, which is only counted, and in four of
five seeds a little behind.
"""

import importlib
import inspect
import re

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, naive_bayes, picture, restart, run, split

import nn
from minigrad import Tensor
from nn.text import Vocabulary, bag_of_words

#: Packages of the standard library, and the modules whose docstrings belong to them.
CLASSES = {
    "network": (
        "email.message email.parser http.client http.server http.cookiejar urllib.request urllib.parse "
        "smtplib imaplib ftplib poplib socketserver xmlrpc.client"
    ),
    "numbers": "decimal fractions statistics random numbers cmath math colorsys",
    "files": "os pathlib shutil tempfile zipfile tarfile gzip bz2 lzma filecmp fileinput glob",
    "code": (
        "ast inspect tokenize dis symtable pdb traceback unittest.case unittest.mock doctest importlib.util "
        "pydoc types trace"
    ),
    "time and threads": (
        "datetime calendar threading queue asyncio.tasks asyncio.queues concurrent.futures sched "
        "multiprocessing.pool selectors"
    ),
}


def documents():
    """Docstrings of all functions and classes of those modules, as words, with the number of their class."""
    found = {}
    for label, names in enumerate(CLASSES.values()):
        for module in map(importlib.import_module, names.split()):
            members = own(module, module)
            members += [part for member in members if inspect.isclass(member) for part in own(member, module)]
            for text in (inspect.getdoc(member) or "" for member in members):
                if len(text.split()) > 12:
                    found.setdefault(" ".join(re.findall("[a-z]{3,}", text.lower())), label)
    return list(found), np.array(list(found.values()))


def own(owner, module):
    """The members of a module or class that are defined in this module."""
    return [m for _, m in inspect.getmembers(owner) if getattr(m, "__module__", None) == module.__name__]


def tf_idf(counts, rare):
    """Counts weighted by how rare the words are, each row of length 1."""
    x = np.log1p(counts) * rare
    return (x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-6)).astype(np.float32)


def draw(middle, predicted, truth):
    """The documents as the hidden layer has them, and the confusion matrix."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    points, names = nn.inspect.pca(middle), list(CLASSES)
    for label, name in enumerate(names):
        axes[0].plot(*points[truth == label].T, "o", color=f"C{label}", markersize=4, label=name)
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
    axes[0].set(title="test documents in the hidden layer", xlabel="first principal component")
    axes[0].set(ylabel="second principal component")
    table = nn.metrics.confusion_matrix(predicted, truth)
    axes[1].imshow(table / table.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        colour = "white" if row == column else "black"
        axes[1].text(column, row, count, ha="center", va="center", color=colour)
    axes[1].set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes[1].set(yticks=range(len(names)), yticklabels=names, xlabel="predicted", ylabel="true")
    axes[1].set_title("confusion matrix")
    picture("document_classes", figure)


def main(epochs=30):
    (texts, labels), (new, truth) = split(*documents(), test=0.2)
    words = Vocabulary.of_words(texts, min_count=3)
    rows, later = ([words.encode(text) for text in part] for part in (texts, new))
    counts, new_counts = (bag_of_words(part, len(words)) for part in (rows, later))
    rare = np.log(len(texts) / (1 + (counts > 0).sum(axis=0)))
    x, new_x = (tf_idf(part, rare) for part in (counts, new_counts))
    restart()
    model = nn.Sequential(nn.Linear(len(words), 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, len(CLASSES)))
    optimizer = nn.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x, labels), 32, shuffle=True, seed=chosen())
    nn.training.Trainer(model, optimizer, nn.functional.cross_entropy, progress=False).fit(batches, epochs)
    model.eval()
    predicted = model(Tensor(new_x)).detach().numpy().argmax(axis=1)
    draw(model[:2](Tensor(new_x)).detach().numpy(), predicted, truth)
    rows, later = ([np.unique(row) for row in part] for part in (rows, later))
    bayes = naive_bayes(rows, labels, later, len(words))
    return {
        "test accuracy": float((predicted == truth).mean()),
        "baseline: naive Bayes": float((bayes == truth).mean()),
        "chance: the largest class": float(np.bincount(truth).max() / len(truth)),
        "documents": len(texts) + len(new),
        "test documents that stand in training": len(set(texts) & set(new)),
    }


if __name__ == "__main__":
    run(main)
