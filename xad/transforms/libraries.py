"""Whose code a module is: users' own, which may change, or that of a library."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

__all__ = ["is_library", "is_library_module"]

_OWN = __name__.partition(".")[0]


def _folder(path: str | Path) -> str:
    return str(Path(path).resolve()) + os.sep


_FOLDERS = tuple(
    {
        *[_folder(sysconfig.get_path(x)) for x in ("stdlib", "platstdlib", "purelib", "platlib")],
        _folder(Path(__file__).parent.parent),
    }
)


def is_library(name: str) -> bool:
    """Whether a module is xad's, Python's or an installed one: code that users do not change."""
    top = name.partition(".")[0]
    module = sys.modules.get(name) or sys.modules.get(top)
    return _is_library(name, getattr(module, "__file__", None))


def is_library_module(module: ModuleType) -> bool:
    """The same of a module at hand, which may be one of several of that name."""
    return _is_library(module.__name__, getattr(module, "__file__", None))


@cache
def _is_library(name: str, file: str | None) -> bool:
    top = name.partition(".")[0]
    if top == "__main__":  # users' even where `python -m` started a library that runs it
        return False
    # By the file where there is one: users' modules may be called code.py or queue.py.
    if file is not None:
        return str(Path(file).resolve()).startswith(_FOLDERS)
    return top == _OWN or top in sys.stdlib_module_names
