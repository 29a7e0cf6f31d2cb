"""Put trees together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

from xad.tree.structures import Keys, Structure, fields_of, fixed_names, in_order


def _unflatten(structure: Structure, rest: Iterator[Any]) -> Any:
    kind, keys, parts, fixed = structure
    if kind is None:
        return next(rest)
    children = [_unflatten(part, rest) for part in parts]
    try:
        join = _joiners[kind]
    except KeyError:
        join = _joiners[kind] = _joiner(kind)
    return join(keys, children, fixed)


# A builder is a function that was generated for one structure: code without loops or look-ups.

Builder = Callable[[list[Any]], Any]
builders: dict[Structure, tuple[Builder, int]] = {}
_MOST_BUILDERS = 512
_TOLD_APART = (str, FunctionType, type, type(None))
"""Equal objects of these types are the same; 1, 1.0 and True are equal and are not."""


def find_builder(structure: Structure) -> tuple[Builder, int]:
    """What puts such trees together, and of how many leaves; kept if it can be."""
    count = _count(structure)
    if not _is_all_told_apart(structure):
        return lambda leaves: _unflatten(structure, iter(leaves)), count
    if len(builders) >= _MOST_BUILDERS:
        builders.clear()
    found = builders[structure] = _builder(structure), count
    return found


def _is_all_told_apart(structure: Structure) -> bool:
    """Whether a structure that is equal is the same."""
    kind, keys, children, fixed = structure
    constants = (*fixed, *keys) if kind is dict else fixed
    return is_told_apart(constants) and all(_is_all_told_apart(child) for child in children)


def is_told_apart(values: Iterable[Any]) -> bool:
    """Whether values that are equal to these are the same."""
    return all(x.__class__ in _TOLD_APART for x in values)


def _builder(structure: Structure) -> Builder:
    """A function from the list of leaves to the tree."""
    known: dict[str, Any] = {"put": object.__setattr__, "new": object.__new__}
    known["new_tuple"] = tuple.__new__
    lines: list[str] = []
    text = _text(structure, known, lines, itertools.count())
    body = "".join(f"    {line}\n" for line in [*lines, f"return {text}"])
    exec(compile(f"def build(leaves):\n{body}", "<xad tree>", "exec"), known)
    return known["build"]  # type: ignore[no-any-return]


def _text(
    structure: Structure, known: dict[str, Any], lines: list[str], numbers: Iterator[int]
) -> str:
    """The tree in source; lines that come before it."""
    kind, keys, children, fixed = structure
    if kind is None:
        return f"leaves[{next(numbers)}]"
    if kind is type(None):
        return "None"

    def named(thing: Any) -> str:
        known[f"thing_{len(known)}"] = thing
        return f"thing_{len(known) - 1}"

    parts = [_text(child, known, lines, numbers) for child in children]
    inside = "".join(f"{part}, " for part in parts)
    if kind is list:
        return f"[{inside}]"
    if kind is tuple:
        return f"({inside})"
    if kind is dict:
        of = dict(zip(keys, parts, strict=True))
        return f"{{{', '.join(f'{named(k)}: {of[k]}' for k in in_order(keys))}}}"
    if issubclass(kind, tuple):
        return f"new_tuple({named(kind)}, ({inside}))"
    # Past __init__ and __setattr__: the tree was checked when it was made, and may be frozen.
    made = f"made_{len(lines)}"
    lines.append(f"{made} = new({named(kind)})")
    more = zip(fixed_names(kind), map(named, fixed), strict=True)
    lines += [f"put({made}, {k!r}, {p})" for k, p in (*zip(keys, parts, strict=True), *more)]
    return made


Joiner = Callable[[tuple[Any, ...], list[Any], tuple[Any, ...]], Any]


def _joiner(kind: type) -> Joiner:
    """From keys, parts and what is fixed to a container of this class."""
    if kind is type(None):
        return lambda keys, parts, fixed: None
    if kind is list:
        return lambda keys, parts, fixed: parts
    if kind is tuple:
        return lambda keys, parts, fixed: tuple(parts)
    if kind is dict:
        return _join_dict
    if issubclass(kind, tuple):
        return lambda keys, parts, fixed: kind(*parts)
    more = fields_of(kind)[1]
    new, put = object.__new__, object.__setattr__

    def join(keys: tuple[Any, ...], parts: list[Any], fixed: tuple[Any, ...]) -> Any:
        # Past __init__ and __setattr__: the tree was checked when it was made, and may be frozen.
        made = new(kind)
        for i, name in enumerate(keys):
            put(made, name, parts[i])
        if more:
            for i, name in enumerate(more):
                put(made, name, fixed[i])
        return made

    return join


def _join_dict(keys: tuple[Any, ...], parts: list[Any], fixed: tuple[Any, ...]) -> Any:
    made = dict(zip(keys, parts, strict=True))
    return {key: made[key] for key in keys.order} if type(keys) is Keys else made


_joiners: dict[type, Joiner] = {}


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(_count(child) for child in structure.children)
