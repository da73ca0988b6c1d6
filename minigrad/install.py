"""How the project is installed: the name of its distribution, which stands here and in pyproject.toml alone.

On the public index `minigrad` and `nn` are other people's packages, so every message that tells how to
get an extra takes the name from here.
"""

from __future__ import annotations

__all__ = ["DISTRIBUTION", "install"]

#: The name of the distribution; the packages in it are `minigrad` and `nn`.
DISTRIBUTION = "minigrad-nn"


def install(extra: str) -> str:
    """The command that brings what an extra needs.

    >>> install("scipy")
    'pip install "minigrad-nn[scipy]" (in a checkout: pip install ".[scipy]")'
    """
    return f'pip install "{DISTRIBUTION}[{extra}]" (in a checkout: pip install ".[{extra}]")'
