"""Data sets, samplers and the DataLoader, as torch.utils.data; readers of the files that data sets come in."""

from .dataset import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from .download import cache_folder, download
from .images import ImageFolder
from .loader import DataLoader, default_collate
from .readers import load_sklearn, read_cifar, read_idx, read_mnist
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
from .tables import read_csv

__all__ = [
    "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "ImageFolder", "RandomSampler", "Sampler", "SequentialSampler",
    "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "cache_folder", "default_collate", "download",
    "load_sklearn", "random_split", "read_cifar", "read_csv", "read_idx", "read_mnist",
]  # fmt: skip
