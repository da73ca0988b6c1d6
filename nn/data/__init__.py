"""Data sets, samplers and the DataLoader, as torch.utils.data; readers of the files that data sets come in."""

from .collate import default_collate, default_convert
from .dataset import ChainDataset, ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .download import cache_folder, download
from .fetching import WorkerInfo, get_worker_info
from .images import ImageFolder
from .loader import DataLoader
from .readers import load_sklearn, read_cifar, read_idx, read_mnist
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
from .tables import read_csv

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "ImageFolder", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "WorkerInfo",
    "cache_folder", "default_collate", "default_convert", "download", "get_worker_info", "load_sklearn", "random_split",
    "read_cifar", "read_csv", "read_idx", "read_mnist",
]  # fmt: skip
