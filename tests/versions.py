"""What tests ask of the system, and of the versions that are installed."""

from __future__ import annotations

import os

import numpy as np
import pytest

__all__ = ["NUMPY", "posix", "tells_signatures"]

#: The version of NumPy, (major, minor).
NUMPY = tuple(map(int, np.__version__.split(".")[:2]))
#: For tests that take NumPy's own signatures as the oracle.
tells_signatures = pytest.mark.skipif(
    NUMPY < (2, 4), reason="before NumPy 2.4 functions in C do not tell their parameters, and others had fewer"
)
#: For tests of what Windows has not: forks, signals from other processes, modes and locks of files.
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
