"""Check that every public name says what it is: a docstring that opens with a one-line summary.

Constants and data types (``pi``, ``newaxis``, ``float32``) have no place for one and are left out.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

# The modules whose `__all__` is a promise to users.
PUBLIC = (
    "xad",
    "xad.backend",
    "xad.errors",
    "xad.extend",
    "xad.linalg",
    "xad.nn",
    "xad.nn.init",
    "xad.special",
    "xad.testing",
    "xad.tree",
    "xad.viz",
)


def wants_docstring(value: object) -> bool:
    """Whether a public value is a module, a class or something to call, and not a data type."""
    if isinstance(value, ModuleType):
        return True
    if isinstance(value, type):
        return (value.__module__ or "").partition(".")[0] == "xad"
    return callable(value) and type(value).__name__.lower() not in {"dtype", "scalartype"}


def summary_fault(value: object) -> str | None:
    """What is wrong with the docstring of a value; None when nothing is."""
    text = getattr(value, "__doc__", None)
    inherited = not isinstance(value, type) and text is not None and text is type(value).__doc__
    if not text or not text.strip() or inherited:
        return "has no docstring"
    lines = inspect.cleandoc(text).splitlines()
    if len(lines) > 1 and lines[1].strip():
        return "has a docstring without a summary on one line"
    return None


def faults_of(module: ModuleType) -> list[str]:
    """What is wrong with the public names of a module."""
    name = module.__name__
    names = getattr(module, "__all__", None)
    if names is None:
        return [f"{name}: has no __all__"]
    faults = [f"{name}: {fault}" for fault in [summary_fault(module)] if fault]
    faults += [f"{name}.{n}: named twice in __all__" for n in set(names) if names.count(n) > 1]
    for public in names:
        if not hasattr(module, public):
            faults.append(f"{name}.{public}: in __all__ but not there")
            continue
        value = getattr(module, public)
        fault = summary_fault(value) if wants_docstring(value) else None
        if fault:
            faults.append(f"{name}.{public}: {fault}")
    return faults


def main() -> int:
    """Print every public name that says too little, return the exit status."""
    sys.path.insert(0, str(ROOT))
    faults: list[str] = []
    count = 0
    for name in PUBLIC:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            faults.append(f"{name}: cannot be imported: {error}")
            continue
        count += len(getattr(module, "__all__", ()))
        faults += faults_of(module)
    for fault in faults:
        print(fault)
    print(f"documented: {count} public names in {len(PUBLIC)} modules, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
