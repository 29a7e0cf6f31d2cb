"""The op database: every public operation with its samples, a file for each chapter.

>>> from xad.testing.database import function_of, op_database
>>> info = op_database["sin"]
>>> info.kinds
'fc'
>>> function_of(info).__name__
'sin'
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from xad.testing.opinfo import OpInfo, function_of

__all__ = ["function_of", "op_database"]


def _collect() -> dict[str, OpInfo]:
    """The entries of every chapter, by name. Errors: ValueError if two have the same."""
    found: dict[str, OpInfo] = {}
    for module in pkgutil.iter_modules(__path__):
        for info in import_module(f"{__name__}.{module.name}").OPS:
            if info.name in found:
                raise ValueError(f"the op database has two entries for {info.name!r}")
            found[info.name] = info
    return found


op_database: dict[str, OpInfo] = _collect()
"""Every entry by its public name, such as "sin" or "linalg.inv"."""
