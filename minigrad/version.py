"""The version, which stands here alone: pyproject.toml, the packages and the tests read it from this file."""

__all__ = ["__version__"]

__version__ = "0.1.0"
