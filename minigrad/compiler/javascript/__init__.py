"""Programs in a page: loops as JavaScript that can be read, calls as functions of a small library, and what runs them again.

A loop is made simple (`minigrad.compiler.spaces`), formulas are expanded where JavaScript has no function of its own
(`spelling`), and it is written as nested `for` (`writer`; products in tiles, `products`).  Of a program those calls are spelled
out that have a rule (`rules`, `special`), the others are library.js's (`calls`, `places`); what is left is *fixed* (`split`).
`describe` makes JSON of it, which runtime.js runs; `training` does so for a compiled function that changes its state.
"""

from .describe import Living, described
from .functions import Functions, runtime
from .training import living

__all__ = ["Functions", "Living", "described", "living", "runtime"]
