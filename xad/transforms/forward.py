"""Forward mode: ``jvp``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad import tree
from xad.core.batching import settled
from xad.core.conform import conform
from xad.core.diagnosis import SCALARS
from xad.core.tangent import Forward
from xad.core.wrapper import fresh_level
from xad.errors import ShapeError, TreeError
from xad.ops.arguments import operand
from xad.ops.tracking import filled
from xad.tensor import Dual
from xad.transforms.inputs import Function, Inputs, below


def jvp(
    f: Function, primals: Sequence[Any], tangents: Sequence[Any], *, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of ``f`` and its derivative along a direction, in one forward pass.

    ``y, dy = jvp(f, (x1, x2), (t1, t2))`` with dy = J1 t1 + J2 t2. Tangents are trees like the
    primals, of the same shapes; None stands for zero. With ``has_aux`` returns ``(y, dy, aux)``.

    Errors: TypeError for integer primals; ValueError if tangents do not fit the primals.

    >>> import numpy as np, xad
    >>> xad.jvp(xad.sin, (np.asarray([0.0]),), (np.asarray([2.0]),))
    (array([0.]), array([2.]))

    Source: Griewank and Walther, Evaluating Derivatives, 2008, chapter 3.
    """
    if len(primals) != len(tangents):
        raise TreeError(
            f"xad.jvp: expected one tangent for each of {len(primals)} primals, got {len(tangents)}"
        )
    inputs = Inputs("jvp", tuple(primals))
    level = fresh_level()
    moving = [
        t
        for primal, tangent in zip(primals, tangents, strict=True)
        for t in _matching(primal, tangent)
    ]
    wrapped = [
        x if t is None else Dual(x, _tangent(t, x), level)
        for x, t in zip(inputs.leaves, moving, strict=True)
    ]
    out = f(*inputs.tree_of(wrapped))
    aux = None
    if has_aux:
        out, aux = out

    def value(x: Any) -> Any:
        return inputs.face(below(x, Forward, level))

    def derivative(x: Any) -> Any:
        mine = isinstance(x, Forward) and x.level == level
        return inputs.face(x.tangent if mine else filled(operand("jvp", x), 0))

    results = (tree.map(value, out), tree.map(derivative, out))
    return (*results, tree.map(value, aux)) if has_aux else results


def _matching(primal: Any, tangent: Any) -> list[Any]:
    """A tangent for every leaf of the primal, None for zero."""
    found, structure = tree.flatten(primal)
    if tangent is None:
        return [None] * len(found)
    given, given_structure = tree.flatten(tangent)
    if structure != given_structure:
        raise TreeError("xad.jvp: " + tree.difference(structure, given_structure))
    return given


def _tangent(t: Any, like: Any) -> Any:
    if type(t) in SCALARS and tuple(like.shape) == ():
        return filled(like, t)
    t = settled(operand("jvp", t))
    if tuple(t.shape) != tuple(like.shape):
        raise ShapeError(
            f"xad.jvp: expected a tangent of shape {tuple(like.shape)}, got {tuple(t.shape)}"
        )
    return conform(t, tuple(like.shape), like.dtype)
