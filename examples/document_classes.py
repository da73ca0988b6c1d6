"""Which part of Python is this? Modules of the standard library told apart by the words of their documentation."""

import importlib
import inspect
import re

import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor
from nn.text import Vocabulary, bag_of_words

#: Packages of the standard library, and the modules whose docstrings belong to them.
CLASSES = {
    "network": (
        "email.message email.parser http.client http.server http.cookiejar urllib.request urllib.parse smtplib imaplib ftplib "
        "poplib socketserver xmlrpc.client"
    ),
    "numbers": "decimal fractions statistics random numbers cmath math colorsys _pydecimal",
    "files": "os pathlib shutil tempfile zipfile tarfile gzip bz2 lzma filecmp fileinput glob",
    "code": (
        "ast inspect tokenize dis symtable pdb traceback unittest.case unittest.mock doctest importlib.util pydoc types trace"
    ),
    "time and threads": (
        "datetime calendar threading queue asyncio.tasks asyncio.queues concurrent.futures sched multiprocessing.pool selectors"
    ),
}


def documents():
    """The docstrings of all functions and classes of those modules, with the class they are of."""
    texts, labels = [], []
    for label, names in enumerate(CLASSES.values()):
        for name in names.split():
            module = importlib.import_module(name)
            found = [m for _, m in inspect.getmembers(module) if getattr(m, "__module__", None) == module.__name__]
            found += [
                f
                for m in found
                if inspect.isclass(m)
                for _, f in inspect.getmembers(m, callable)
                if getattr(f, "__module__", None) == module.__name__
            ]
            for text in {inspect.getdoc(m) or "" for m in found}:
                if len(text.split()) > 12:
                    texts.append(" ".join(re.findall("[a-z]{3,}", text.lower())))
                    labels.append(label)
    order = np.argsort(texts)  # sets have no order of their own
    return [texts[i] for i in order], np.array(labels)[order]


def main(epochs=30):
    texts, labels = documents()
    order = np.random.default_rng(0).permutation(len(texts))
    train, test = np.split(order, [int(0.8 * len(order))])
    words = Vocabulary.of_words([texts[i] for i in train], min_count=3)
    counts = bag_of_words([words.encode(t) for t in texts], len(words))
    rare = np.log(len(train) / (1 + (counts[train] > 0).sum(axis=0)))
    x = (np.log1p(counts) * rare).astype(np.float32)  # tf-idf
    x /= np.linalg.norm(x, axis=1, keepdims=True) + 1e-6
    model = nn.Sequential(nn.Linear(len(words), 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, len(CLASSES)))
    optimizer = nn.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x[train], labels[train]), 32, shuffle=True, seed=0)
    nn.training.Trainer(model, optimizer, nn.functional.cross_entropy).fit(batches, epochs)
    model.eval()
    scores = model(Tensor(x[test])).detach().numpy()
    middle = model[1](model[0](Tensor(x[test]))).detach().numpy()
    picture("document_classes", nn.inspect.plot_points(nn.inspect.pca(middle), None, labels[test]))
    most = np.bincount(labels[test]).max() / len(test)
    return {
        "documents": len(texts),
        "test accuracy": nn.metrics.accuracy(scores, labels[test]),
        "share of the largest class": float(most),
    }


if __name__ == "__main__":
    run(main)
