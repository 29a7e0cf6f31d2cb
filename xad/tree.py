"""Trees: containers of arrays, taken apart into leaves and put together again.

Containers are dicts, lists, tuples, named tuples and dataclasses, nested as you like; None is an
empty one. Anything else is a leaf. Fields of a dataclass made with `static` are part of its
structure, not leaves. Leaves of a dict go by sorted key, so that dicts with the same keys go
together; each is put together again in its own order.

>>> from xad import tree
>>> leaves, structure = tree.flatten({"b": 1.0, "a": [2.0, None]})
>>> leaves
[2.0, 1.0]
>>> tree.unflatten(structure, [x * 10 for x in leaves])
{'b': 10.0, 'a': [20.0, None]}
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

from xad.errors import TreeError

__all__ = ["Structure", "flatten", "leaves", "map", "paths", "static", "structure", "unflatten"]


class Structure(NamedTuple):
    """What a tree is without its leaves: the kind of container, its keys and its children."""

    kind: type | None
    keys: tuple[Any, ...]
    children: tuple[Structure, ...]
    fixed: tuple[Any, ...] = ()

    def __str__(self) -> str:
        if self.kind is None:
            return "*"
        if self.kind is type(None):
            return "None"
        inside = ", ".join(
            f"{key}: {child}" for key, child in zip(self.keys, self.children, strict=True)
        )
        return f"{self.kind.__name__}({inside})"


class Keys(tuple[Any, ...]):
    """The sorted keys of a dict that has them in another order.

    Equal to the same keys without an order; but not found where those are looked up.
    """

    order: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash((self.order, "in this order"))


def in_order(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """The keys as the dict has them."""
    return keys.order if type(keys) is Keys else keys


LEAF = Structure(None, (), ())
NOTHING = Structure(type(None), (), ())


def static(**arguments: Any) -> Any:
    """A dataclass field that is part of the structure: an activation, a rate, a flag.

    Takes the arguments of `dataclasses.field`. Its value must be comparable with ``==``.

    >>> import dataclasses
    >>> from xad import tree
    >>> @dataclasses.dataclass
    ... class Layer:
    ...     weight: float
    ...     name: str = tree.static(default="dense")
    >>> tree.leaves(Layer(2.0))
    [2.0]
    """
    return dataclasses.field(metadata={"static": True}, **arguments)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves, from left to right (dicts by sorted key), and the structure."""
    found: list[Any] = []
    return found, _flatten(tree, found)


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """The tree of this structure with these leaves. Errors: TreeError if their number differs."""
    try:
        build, count = _builders[structure]
    except (KeyError, TypeError):
        build, count = _find_builder(structure)
    found = leaves if leaves.__class__ is list else list(leaves)
    if len(found) != count:
        raise TreeError(f"expected {count} leaves for {structure}, got {len(found)}")
    return build(found)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """``function`` of each leaf, and of the leaves in the same place of the other trees.

    Errors: TreeError, naming the first difference, if the structures differ.
    """
    first, structure = flatten(tree)
    columns = [first]
    for other in rest:
        found, other_structure = flatten(other)
        if other_structure != structure:
            raise TreeError(difference(structure, other_structure))
        columns.append(found)
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])


def leaves(tree: Any) -> list[Any]:
    """The leaves, from left to right."""
    return flatten(tree)[0]


def structure(tree: Any) -> Structure:
    """The tree without its leaves."""
    return flatten(tree)[1]


def paths(tree: Any) -> list[str]:
    """Where each leaf stands, such as ``.layers[0].weight``, in the order of the leaves."""
    return list(_paths(structure(tree), ""))


def difference(expected: Structure, got: Structure, where: str = "") -> str:
    """The first place where two structures differ, in words."""
    place = where or "the root"
    if expected.kind is not got.kind or len(expected.keys) != len(got.keys):
        return f"trees differ at {place}: expected {expected}, got {got}"
    if expected.keys != got.keys:
        return f"trees differ at {place}: expected keys {expected.keys}, got {got.keys}"
    if expected.fixed != got.fixed:
        return f"trees differ at {place}: expected static {expected.fixed}, got {got.fixed}"
    for key, a, b in zip(expected.keys, expected.children, got.children, strict=True):
        if a != b:
            return difference(a, b, where + _step(expected, key))
    return "trees do not differ"


# Training takes a model apart and together again several times a step. So what is to be done with
# a class is looked up, leaves cost no call, and NamedTuple's slow constructor is gone around.

Flattener = Callable[[Any, list[Any]], Structure]
_flatteners: dict[type, Flattener | None] = {}


def _flatten(tree: Any, found: list[Any]) -> Structure:
    """Put the leaves into ``found``; the structure."""
    flattener = _flatteners.get(tree.__class__, _unknown)
    if flattener is None:
        found.append(tree)
        return LEAF
    return flattener(tree, found)


def _unknown(tree: Any, found: list[Any]) -> Structure:
    """Flatten the first object of a class."""
    kind = tree.__class__
    _flatteners[kind] = _flattener(kind)
    return _flatten(tree, found)


def _flattener(kind: type) -> Flattener | None:
    """What takes containers of this class apart; None for leaves."""
    if kind is type(None):
        return lambda tree, found: NOTHING
    if kind is dict:
        return _flatten_dict
    if kind is list or kind is tuple:
        return _by_parts(kind, lambda tree: tuple(range(len(tree))), None)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _by_parts(kind, lambda tree: tree._fields, None)
    if not dataclasses.is_dataclass(kind):
        return None
    names, fixed = _fields(kind)
    parts_of = _getter(names)
    if hasattr(kind, "__dict__") and kind.__dictoffset__:
        parts_of = _with_no_hidden(kind, parts_of, (*names, *fixed))
    return _by_parts(kind, names, parts_of, _getter(fixed) if fixed else None)


def _with_no_hidden(kind: type, parts_of: Any, names: tuple[str, ...]) -> Any:
    """Refuse attributes that are no fields and hide one of the class, which would come back."""
    usual = len(names)

    def checked(tree: Any) -> Any:
        if len(tree.__dict__) != usual:
            for name in tree.__dict__:
                of_class = getattr(kind, name, None)
                cached = of_class is None or isinstance(of_class, functools.cached_property)
                if name not in names and not cached:
                    raise TreeError(
                        f"a {kind.__name__} as a container: expected its state in fields, got "
                        f"{name!r}, which is set in the object and in its class; where it is put "
                        "together again it would be the class's; make it a field (with "
                        "xad.tree.static if it is no array)"
                    )
        return parts_of(tree)

    return checked


def _flatten_dict(tree: dict[Any, Any], found: list[Any]) -> Structure:
    keys = _sorted(tree)
    if keys != (order := tuple(tree)):
        keys = Keys(keys)
        keys.order = order
    children = []
    for key in keys:
        part = tree[key]
        flattener = _flatteners.get(part.__class__, _unknown)
        if flattener is None:
            found.append(part)
            children.append(LEAF)
        else:
            children.append(flattener(part, found))
    return tuple.__new__(Structure, (dict, keys, tuple(children), ()))


def _by_parts(
    kind: type,
    keys: Any,
    parts_of: Callable[[Any], Iterable[Any]] | None,
    fixed_of: Callable[[Any], tuple[Any, ...]] | None = None,
) -> Flattener:
    """From the keys (or a function to them) and functions to the parts and to what is fixed."""
    make, known = tuple.__new__, _flatteners.get
    keys_of = keys if callable(keys) else None

    def flatten_parts(tree: Any, found: list[Any]) -> Structure:
        children = []
        for part in tree if parts_of is None else parts_of(tree):
            flattener = known(part.__class__, _unknown)
            if flattener is None:
                found.append(part)
                children.append(LEAF)
            else:
                children.append(flattener(part, found))
        fixed = () if fixed_of is None else fixed_of(tree)
        names = keys if keys_of is None else keys_of(tree)
        return make(Structure, (kind, names, tuple(children), fixed))

    return flatten_parts


def _find_fields(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a dataclass's fields: those that hold leaves, and the static ones."""
    fields = dataclasses.fields(kind)
    fixed = tuple([f.name for f in fields if f.metadata.get("static")])
    return tuple([f.name for f in fields if f.name not in fixed]), fixed


_fields: Callable[[type], tuple[tuple[str, ...], tuple[str, ...]]] = functools.cache(_find_fields)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The attributes of these names, in a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    if not names:
        return lambda tree: ()
    (name,) = names
    return lambda tree: (getattr(tree, name),)


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
_builders: dict[Structure, tuple[Builder, int]] = {}
_MOST_BUILDERS = 512
_TOLD_APART = (str, FunctionType, type, type(None))
"""Equal objects of these types are the same; 1, 1.0 and True are equal and are not."""


def _find_builder(structure: Structure) -> tuple[Builder, int]:
    count = _count(structure)
    if not _is_all_told_apart(structure):
        return lambda leaves: _unflatten(structure, iter(leaves)), count
    if len(_builders) >= _MOST_BUILDERS:
        _builders.clear()
    found = _builders[structure] = _builder(structure), count
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


def fixed_names(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's static fields."""
    return _fields(kind)[1]


def fixed_parts(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """A function from a dataclass object to what is fixed in it: the values of static fields."""
    return _getter(_fields(kind)[1])


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
    more = _fields(kind)[1]
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


def _sorted(keys: Iterable[Any]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(keys))
    except TypeError:
        return tuple(sorted(keys, key=lambda key: (type(key).__name__, repr(key))))


def _count(structure: Structure) -> int:
    return 1 if structure.kind is None else sum(_count(child) for child in structure.children)


def _paths(structure: Structure, where: str) -> Iterator[str]:
    if structure.kind is None:
        yield where
    for key, child in zip(structure.keys, structure.children, strict=True):
        yield from _paths(child, where + _step(structure, key))


def _step(structure: Structure, key: Any) -> str:
    return f"[{key!r}]" if structure.kind in {dict, list, tuple} else f".{key}"
