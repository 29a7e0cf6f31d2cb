"""Reverse mode: ``grad``, ``value_and_grad``, ``vjp``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any

from xad import tree
from xad.backend.locks import Held, over, share
from xad.core.backward import backward
from xad.core.batching import settled
from xad.core.boxing import lift
from xad.core.conform import conform, is_complex
from xad.core.diagnosis import SCALARS
from xad.core.holding import plain, runs
from xad.core.tape import Leaf, Node, Reverse
from xad.core.wrapper import Wrapper, fresh_level
from xad.errors import NotDifferentiableError, ShapeError, TreeError
from xad.ops.arguments import operand
from xad.ops.tracking import filled, separate
from xad.tensor import Tensor
from xad.transforms.inputs import Function, Inputs, below, replace, scalar_output, select


class _Run:
    """One run of a function on tracked inputs."""

    def __init__(self, name: str, arguments: Any) -> None:
        self.inputs = Inputs(name, arguments)
        self.level = fresh_level()
        self.held = Held()
        self.shares: list[Any] = []
        self.leaves = [Leaf(x) for x in self.inputs.leaves]
        self.tracked = self.inputs.tree_of(
            [
                Tensor(x, leaf, self.level)
                for x, leaf in zip(self.inputs.leaves, self.leaves, strict=True)
            ]
        )

    def begin(self) -> None:
        """Hold the inputs, and from now on what the graph needs."""
        runs[self.level] = self.held
        inputs = self.inputs.leaves
        for x in inputs:
            if isinstance(x, Wrapper):
                inputs = [array for x in inputs for array in plain(x)]
                break
        self.held.add(inputs)

    def end(self) -> None:
        """Let go of all; ``over(self.held)`` goes before it."""
        runs.pop(self.level, None)
        self.held.release()

    def hand_out(self, results: Iterable[Any]) -> None:
        """Hold all, and what the user is given of the graph, as long as this run is there."""
        arrays = list(self.held.taken.values())
        if not self.inputs.boxed:
            arrays += [x.value for x in results if self.node_of(x) is not None]
        over(self.held)
        self.end()
        self.shares = list(map(share, arrays))

    def node_of(self, x: Any) -> Node | None:
        return x.node if isinstance(x, Reverse) and x.level == self.level else None

    def lower(self, results: Any) -> Any:
        """The results without this level, in the user's type."""
        return tree.map(lambda x: self.inputs.face(below(x, Reverse, self.level)), results)

    def gradients(self, seeds: list[tuple[Node, Any]], *, again: bool) -> Any:
        """A tree like the arguments': what arrives at each, zeros where nothing does.

        If nobody walks ``again``, what the graph keeps is given back behind the walk.
        """
        found = backward(seeds, retain_graph=again)
        gradients = [
            found[leaf] if leaf in found else filled(x, 0)
            for x, leaf in zip(self.inputs.leaves, self.leaves, strict=True)
        ]
        made = separate(gradients, [g for _, g in seeds])
        if self.inputs.boxed or any(isinstance(g, Wrapper) for g in made):
            made = [self.inputs.face(g) for g in made]
        return self.inputs.tree_of(made)


def value_and_grad(
    f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Function:
    """A function that returns the value of ``f`` and its gradient.

    Takes what ``f`` takes; ``f`` must return one real number, or with ``has_aux`` a pair of it and
    anything else, which is passed through: ``((value, aux), gradient)``. See `grad`.

    >>> import numpy as np, xad
    >>> xad.value_and_grad(lambda x: xad.sum(x * x))(np.asarray([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    @wraps(f)
    def value_and_gradient(*arguments: Any, **keywords: Any) -> Any:
        run = _Run("grad", select(arguments, argnums, "grad"))
        try:
            run.begin()
            out = f(*replace(arguments, argnums, run.tracked), **keywords)
            aux = None
            if has_aux:
                if not isinstance(out, tuple) or len(out) != 2:
                    raise TypeError(
                        "xad.grad: with has_aux=True expected f to return (value, aux), got "
                        f"{type(out).__name__}"
                    )
                out, aux = out
            out = scalar_output("grad", out)
            if is_complex(out.dtype, out):
                raise NotDifferentiableError(
                    "xad.grad: expected a real value, got a complex one; take xad.real(...) or "
                    "abs(...) of it, or use xad.vjp with a cotangent"
                )
            value = below(out, Reverse, run.level)
            node = run.node_of(out)
            seeds = [] if node is None else [(node, beside(filled(out, 1), value))]
            gradient = run.gradients(seeds, again=False)
            value = run.inputs.face(value)
            return ((value, run.lower(aux)), gradient) if has_aux else (value, gradient)
        finally:
            over(run.held)
            run.end()

    return value_and_gradient


def grad(f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Function:
    """A function that returns the gradient of ``f``.

    grad(f)(x) = df/dx, an array (or tree of arrays) like the argument that ``argnums`` names; a
    tuple of them for a tuple. dtype and device are the input's. For complex input it is
    df/dRe + i df/dIm. With ``has_aux`` returns ``(gradient, aux)``.

    Errors: TypeError for integer input; ValueError if ``f`` does not return one number.

    >>> import numpy as np, xad
    >>> xad.grad(lambda x: xad.sum(xad.sin(x)))(np.asarray([0.0]))
    array([1.])

    Source: Griewank and Walther, Evaluating Derivatives, 2008, chapter 3.
    """
    with_value = value_and_grad(f, argnums, has_aux=has_aux)

    @wraps(f)
    def gradient(*arguments: Any, **keywords: Any) -> Any:
        value, found = with_value(*arguments, **keywords)
        return (found, value[1]) if has_aux else found

    return gradient


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of ``f`` and a function from a cotangent of it to cotangents of the inputs.

    ``y, pullback = vjp(f, x1, x2)``; ``pullback(g)`` is the tuple of conj(J)^T g for x1, x2.
    The pullback can be called often. With ``has_aux`` returns ``(y, pullback, aux)``. NumPy's
    arrays among inputs and results are read-only as long as the pullback is there.

    Errors: TypeError for integer inputs; ValueError if ``g`` does not fit ``y``.

    >>> import numpy as np, xad
    >>> y, pullback = xad.vjp(lambda x: x * x, np.asarray([1.0, 2.0]))
    >>> pullback(np.asarray([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    run = _Run("vjp", primals)
    try:
        run.begin()
        out = f(*run.tracked)
        aux = None
        if has_aux:
            out, aux = out
        outputs, structure = tree.flatten(out)
        outputs = [operand("vjp", x) for x in outputs]
        run.hand_out((*outputs, *tree.leaves(aux)))
    except BaseException:
        over(run.held)
        run.end()
        raise
    nodes = [run.node_of(x) for x in outputs]
    lowered = [below(x, Reverse, run.level) for x in outputs]

    def pullback(cotangents: Any) -> Any:
        given, given_structure = tree.flatten(cotangents)
        if given_structure != structure:
            raise TreeError("xad.vjp: " + tree.difference(structure, given_structure))
        pairs = [(node, _cotangent(g, x)) for node, g, x in zip(nodes, given, lowered, strict=True)]
        return run.gradients([(node, g) for node, g in pairs if node is not None], again=True)

    value = tree.unflatten(structure, [run.inputs.face(x) for x in lowered])
    return (value, pullback, run.lower(aux)) if has_aux else (value, pullback)


def _cotangent(g: Any, like: Any) -> Any:
    """``g`` as a cotangent of ``like``: a number fills, an array must have its shape."""
    if type(g) in SCALARS and like.shape == ():
        return beside(filled(like, g), like)
    g = settled(operand("vjp", g))
    if tuple(g.shape) != tuple(like.shape):
        raise ShapeError(
            f"xad.vjp: expected a cotangent of shape {tuple(like.shape)}, got {tuple(g.shape)}"
        )
    return beside(conform(g, tuple(like.shape), like.dtype), like)


def beside(g: Any, like: Any) -> Any:
    """``g`` as something to compute with beside ``like``: lifted if that is a wrapper."""
    return lift(g) if isinstance(like, Wrapper) else g
