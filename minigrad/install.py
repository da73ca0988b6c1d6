"""How the project is installed: the name of its distribution, which stands here and in pyproject.toml alone.

On the public index `minigrad` and `nn` are other people's packages, and the distribution is not there yet.
Every message that tells how to get an extra takes its words from here: they name the checkout, since a name
that is not on the index could be registered by anybody.
"""

from __future__ import annotations

__all__ = ["DISTRIBUTION", "install"]

#: The name of the distribution; the packages in it are `minigrad` and `nn`.
DISTRIBUTION = "minigrad-nn"


def install(extra: str) -> str:
    """The command that brings what an extra needs.

    >>> install("scipy")
    'in the checkout of minigrad-nn, pip install ".[scipy]"'
    """
    return f'in the checkout of {DISTRIBUTION}, pip install ".[{extra}]"'
