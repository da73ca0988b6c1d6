"""nn on both devices: layers, losses, sequences, training, modules and what belongs to them, distributions."""

from . import distributions, engine, layers, losses, modules, sequences, training

__all__ = ["distributions", "engine", "layers", "losses", "modules", "sequences", "training"]
