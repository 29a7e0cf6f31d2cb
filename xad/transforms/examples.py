"""Users' own code inside an operation, under vmap: mapped if it can be, else one by one.

What an operation does inside is its own affair: loops until convergence, NumPy, SciPy. Such code
asks for the values of one example, which a batch does not have, and that is a TypeError.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from xad import tree
from xad.core.batching import Batched, settled
from xad.core.wrapper import Wrapper
from xad.errors import NotDifferentiableError
from xad.transforms.inputs import Function
from xad.transforms.vectorize import looped, vmap

WHY = "it asks for the values of single examples, which vmap does not have"


class Call(Protocol):
    """A call of users' own code as one operation."""

    name: str
    may_loop: bool


def over_batch(call: Call, f: Function, axes: Any) -> Function:
    """``f`` mapped; in a loop if it is users' own code that wants the values of one example."""

    def run(*arguments: Any) -> Any:
        try:
            return vmap(f, axes)(*arguments)
        except TypeError as error:
            if not call.may_loop or isinstance(error, NotDifferentiableError):
                raise
        return looped(call.name, WHY, partial(apart, call, f), axes)(*arguments)

    return run


def apart(call: Call, f: Function, *arguments: Any) -> Any:
    """``f`` of trees of leaves; of those that are batches one by one, if it cannot be mapped."""
    leaves, structure = tree.flatten(arguments)
    top = innermost_wrapper(leaves)
    try:
        return f(*arguments)
    except TypeError as error:
        refused = isinstance(error, NotDifferentiableError) or not isinstance(top, Batched)
        if refused or not call.may_loop:
            raise
    mine = [isinstance(x, Batched) and x.level == top.level for x in leaves]
    axes = tree.unflatten(structure, [0 if m else None for m in mine])
    values = [x.value if m else settled(x) for x, m in zip(leaves, mine, strict=True)]
    given = tree.unflatten(structure, values)
    out = looped(call.name, WHY, partial(apart, call, f), axes)(*given)
    return tree.map(lambda y: type(top)(y, top.level), out)


def or_else(f: Function, otherwise: Function) -> Function:
    """``f``; ``otherwise``, of the same arguments, where it cannot be mapped."""

    def run(g: Any) -> Any:
        try:
            return f(g)
        except TypeError as error:
            if isinstance(error, NotDifferentiableError):
                raise
        return otherwise(g)

    return run


def innermost_wrapper(leaves: Sequence[Any]) -> Any:
    """The operand that decides who handles an operation; None if all are plain."""
    wrappers = [x for x in leaves if isinstance(x, Wrapper)]
    return max(wrappers, key=lambda x: x.level, default=None)
