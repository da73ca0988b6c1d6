"""What `--data` takes: which kind of file each example reads, so that `--help` says it and a wrong path is found at once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of real data.

    Attributes:
        text: what it is.
        members: the examples that read it.
        holds: patterns of files that the folder must have; none: it is a file.
        either: whether a file does as well as the folder.
    """

    text: str
    members: str
    holds: tuple[str, ...] = ()
    either: bool = False


KINDS = (
    Kind(
        "a folder with MNIST's files (t10k-images-idx3-ubyte.gz, t10k-labels-..., and train-... where you have them)",
        "autoencoder dcgan deep_belief_network five_patterns initialisation kmeans lenet mlp_digits mnist_rows "
        "nearest_neighbour random_forest rbm schedules softmax_regression vae",
        ("t10k-images*", "t10k-labels*"),
    ),
    Kind("a folder that has one folder of pictures for each class", "alexnet googlenet resnet vgg", ("*/*",)),
    Kind(
        "a folder with CIFAR-10's binary files (data_batch_1.bin ..., test_batch.bin)", "traditional_pipeline",
        ("data_batch*.bin", "test_batch*.bin"),
    ),
    Kind("a safetensors file with the weights of a VGG-16", "style_transfer"),
    Kind(
        "a folder with the film reviews rt-polarity.pos and rt-polarity.neg, one a line",
        "bag_of_words many_to_one sentiment", ("rt-polarity.pos", "rt-polarity.neg"),
    ),
    Kind("a text file (UTF-8)", "cells full_or_truncated glove lstm_dropout word2vec"),
    Kind("a file of tunes in ABC notation, with an empty line between them", "music"),
    Kind("a file of vectors as word2vec and GloVe write them: a word and its numbers a line", "embedding_neighbours"),
    Kind("a folder with one text file for each language, of one name a line", "names", ("*.txt",)),
    Kind("a file of pairs of sentences: English, tabulator, the other language", "translation"),
    Kind(
        "a folder with WikiText-2's valid.txt, test.txt, and train.txt where you have it", "word_language_model",
        ("valid.txt", "test.txt"),
    ),
    Kind("a text file (UTF-8), or a folder with WikiText-2's files", "char_language_model", ("*.txt",), either=True),
)  # fmt: skip


def kind(name: str) -> Kind | None:
    """The kind of data that an example reads; None where nobody has said it."""
    return next((each for each in KINDS if name in each.members.split()), None)


def refused(name: str, data: Path) -> str:
    """Why an example cannot read what is at a path; empty where it looks right."""
    wanted = kind(name)
    said = f"{name} takes {wanted.text}" if wanted else ""
    if not data.exists():
        return f"there is no {data}; {said}" if said else f"there is no {data}"
    if wanted is None:
        return ""
    if data.is_dir() != bool(wanted.holds) and not (wanted.either and data.is_file()):
        return f"{data} is a {'folder' if data.is_dir() else 'file'}; {said}"
    if data.is_file():
        return _not_read(data, wanted.text)
    missing = [pattern for pattern in wanted.holds if not any(data.glob(pattern))]
    return f"{data} has no {' and no '.join(missing)}; {said}" if missing else ""


def _not_read(data: Path, text: str) -> str:
    """Why a file is not what it should be, as far as that is soon seen."""
    if not data.stat().st_size:
        return f"{data} is empty"
    try:
        if "safetensors" not in text:
            data.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return f"{data} is no text in UTF-8: {error}"
    return ""
