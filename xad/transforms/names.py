"""The names that code looks up: as variables, as attributes, as modules."""

from __future__ import annotations

import dis
from collections.abc import Sequence
from functools import lru_cache
from types import CodeType
from typing import NamedTuple

__all__ = ["Names", "names_in"]

_BY_NAME = {"getattr", "hasattr"}
_BY_ANY_NAME = {"vars", "dir", "attrgetter", "methodcaller", "__dict__", "__getattribute__"}
_VARIABLES = {"LOAD_FAST", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME", "LOAD_CONST"}
_NOTHING = {"PUSH_NULL", "CACHE", "PRECALL", "EXTENDED_ARG"}


class Names(NamedTuple):
    """The names in the code; and whether it may make up more of them while it runs."""

    found: frozenset[str]
    makes_up: bool


@lru_cache(maxsize=4096)
def names_in(code: CodeType) -> Names:
    """The names in the code, and in the code of functions within it."""
    found = set(code.co_names)
    makes_up = not found.isdisjoint(_BY_ANY_NAME)
    if not found.isdisjoint(_BY_NAME):
        written = _written(code)
        makes_up = makes_up or written is None
        found |= written or set()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = names_in(constant)
            found |= inner.found
            makes_up = makes_up or inner.makes_up
    return Names(frozenset(found), makes_up)


def _written(code: CodeType) -> set[str] | None:
    """The names in ``getattr(a.b, "name", c.d)``; None where one is not written out like this."""
    found = set()
    steps = [x for x in dis.get_instructions(code) if x.opname not in _NOTHING]
    for i, step in enumerate(steps):
        if step.argval not in _BY_NAME or step.opname == "LOAD_CONST":
            continue
        place = _after_variable(steps, i + 1)
        name = steps[place] if 0 < place < len(steps) else step
        if name.opname != "LOAD_CONST" or type(name.argval) is not str:
            return None
        default = _after_variable(steps, place + 1)
        end = default or place + 1
        if end >= len(steps) or (steps[end].opname, steps[end].arg) != (
            "CALL",
            3 if default else 2,
        ):
            return None
        found.add(name.argval)
    return found


def _after_variable(steps: Sequence[dis.Instruction], i: int) -> int:
    """Where the code goes on after ``a.b.c`` or a constant; 0 if there is none."""
    if i >= len(steps) or steps[i].opname not in _VARIABLES:
        return 0
    i += 1
    while i < len(steps) and steps[i].opname == "LOAD_ATTR":
        i += 1
    return i
