"""The functional forms of the layers and losses, under PyTorch's names (`axis` for `dim`)."""

# ruff: noqa: F403 (each family says in its __all__ what is public)

from typing import TYPE_CHECKING, Any

from minigrad.hints import missing as _missing
from minigrad.spellings import NETWORKS

from .activation import *
from .attention import *
from .convolution import *
from .ctc import *
from .dropout import *
from .embedding import *
from .grid import *
from .interpolation import *
from .likelihood import *
from .linear import *
from .loss import *
from .margin import *
from .normalization import *
from .pooling import *
from .resample import *
from .sampled import *
from .shape import *

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise _missing("nn.functional", name, globals(), NETWORKS)
