"""Transformations as letters, words of which act on a function from a tree to a like tree.

    G   the gradient of a weighted sum of all that the function returns
    J   its derivative along a fixed direction
    V   a combination of its values at the tree and at the tree moved by a fixed shift, by vmap
    P   the function written down on other values, then run; for JAX, jit

Each makes such a function again, so letters compose: GV is the gradient of what vmap computes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from fuzz_jax import Function, Jax, Names, with_rule

import xad
from xad import tree
from xad.testing import to_host

LETTERS = "GJVP"
TWO_DEEP = ["".join(letters) for letters in product(LETTERS, repeat=2)]
THREE_DEEP = ["".join(letters) for letters in product(LETTERS, repeat=3)]
MIX = (0.75, -0.5)


class Setting(NamedTuple):
    """The numbers in the letters, as trees like the argument; and which leaves V maps over.

    With ``tensors`` xad gets its own tensors, not NumPy's arrays.
    """

    point: Any
    weights: Any
    direction: Any
    shift: Any
    mapped: tuple[bool, ...]
    tensors: bool


class Xad:
    """xad over NumPy's arrays. ``record`` may be another way to write a function down."""

    def __init__(self, record: Callable[[Function], Function] = xad.make_program) -> None:
        self.grad, self.jvp, self.vmap = xad.grad, xad.jvp, xad.vmap
        self.names: Any = Names(
            (xad,),
            assigned=self._assigned,
            augmented=self._augmented,
            ruled=with_rule(xad.custom_jvp, xad),
        )
        self._record = record

    def record(self, f: Function, example: Any) -> Function:
        """``f`` written down for arrays like the example's."""
        program: Function = self._record(f)(example)
        return program

    def run(self, f: Function, point: Any) -> list[Any]:
        """The leaves of f(point), as NumPy's arrays."""
        with np.errstate(all="ignore"):
            return [self.host(x) for x in tree.leaves(f(point))]

    def tensor(self, x: Any) -> Any:
        """A tensor."""
        return xad.asarray(x)

    def host(self, x: Any) -> Any:
        """A NumPy array."""
        return to_host(xad.asarray(x))

    @staticmethod
    def _assigned(x: Any, key: Any, v: Any) -> Any:
        y = xad.add(x, 0.0)
        y[key] = v
        return y

    @staticmethod
    def _augmented(x: Any, v: Any) -> Any:
        y = xad.add(x, 0.0)
        y *= v
        y -= 0.5
        return y


def spelled(letters: str, f: Function, library: Any, setting: Setting) -> Function:
    """``f`` under all of the letters, the last one first."""
    for letter in reversed(letters):
        f = BY_LETTER[letter](f, library, setting)
    return f


def _gradient(f: Function, library: Any, s: Setting) -> Function:
    def total(t: Any) -> Any:
        parts = tree.map(lambda y, w: library.names.sum(y * w), f(t), s.weights)
        return sum(tree.leaves(parts))

    gradient: Function = library.grad(total)
    return gradient


def _derivative(f: Function, library: Any, s: Setting) -> Function:
    return lambda t: library.jvp(f, (t,), (s.direction,))[1]


def _mapped(f: Function, library: Any, s: Setting) -> Function:
    def combination(t: Any) -> Any:
        leaves, structure = tree.flatten(t)
        stacked = [
            library.names.stack([x, x + d]) if moves else x
            for x, d, moves in zip(leaves, tree.leaves(s.shift), s.mapped, strict=True)
        ]
        axes = tree.unflatten(structure, [0 if moves else None for moves in s.mapped])
        out = library.vmap(f, in_axes=(axes,))(tree.unflatten(structure, stacked))
        return tree.map(lambda y: MIX[0] * y[0, ...] + MIX[1] * y[1, ...], out)

    return combination


def _recorded(f: Function, library: Any, s: Setting) -> Function:
    def run(t: Any) -> Any:
        example = tree.map(lambda x, d: x + 0.25 * d, t, s.shift)
        return library.record(f, example)(t)

    return run


BY_LETTER = {"G": _gradient, "J": _derivative, "V": _mapped, "P": _recorded}


def values(library: Any, letters: str, f: Function, setting: Setting) -> list[Any]:
    """The leaves, as NumPy arrays, of the word's function at the setting's point."""
    point = setting.point
    if setting.tensors:
        point = tree.map(library.tensor, point)
    leaves: list[Any] = library.run(spelled(letters, f, library, setting), point)
    return leaves


def distance(got: list[Any], expected: list[Any]) -> float:
    """The largest difference, relative to the largest value or 1; infinite if that says nothing."""
    if [x.shape for x in got] != [x.shape for x in expected]:
        return float("inf")
    size = max([1.0, *[float(np.max(np.abs(x))) for x in expected]])
    found = np.max([np.max(np.abs(x - y)) for x, y in zip(got, expected, strict=True)]) / size
    return float(found) if np.isfinite(found) else float("inf")


def compare(letters: str, make: Callable[[Any], Function], setting: Setting) -> float:
    """Print what both libraries make of a word; the distance."""
    found = []
    for library in (Jax(literal=True), Xad()):
        found.append(values(library, letters, make(library.names), setting))
        print(f"{type(library).__name__}:", *[x.tolist() for x in found[-1]])
    by = distance(found[1], found[0])
    print(f"they differ by {by:.3g} of the largest value")
    return by
