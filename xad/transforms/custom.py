"""Functions with rules of their own: ``custom_vjp``, ``custom_jvp``, and ``checkpoint``.

A call of such a function is one operation: its operands are the leaves of the arguments, and a
transformation that meets it uses the rule, not what the function does inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from xad import tree
from xad.backend.adapter import Adapter
from xad.core.again import again
from xad.core.batching import Batched, settled
from xad.core.boxing import box, lift
from xad.core.conform import expand_to, namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.recording import TouchedError
from xad.core.tape import Node, Reverse
from xad.core.wrapper import Wrapper
from xad.errors import NotDifferentiableError, TreeError
from xad.ops.arguments import is_inexact, operand
from xad.transforms.examples import apart, innermost_wrapper, or_else, over_batch
from xad.transforms.forward import jvp
from xad.transforms.inputs import Function
from xad.transforms.reverse import vjp

Leaves = tuple[Any, ...]
Flat = Callable[..., Leaves]
"""A function of leaves that returns leaves."""


class Call(Primitive):
    """A call of a function as one operation.

    ``run`` computes the results; ``forward(primals, tangents)`` gives results and their tangents;
    ``reverse(primals)`` gives results and a pullback from cotangents of all of them. All take and
    return tuples of leaves.
    """

    opaque = True

    def __init__(
        self,
        name: str,
        run: Flat,
        forward: Flat | None,
        reverse: Flat | None,
        *,
        may_loop: bool = True,
    ) -> None:
        super().__init__(name, batch=_batched)
        self.may_loop = may_loop
        self.run = run
        self.forward = forward
        self.reverse = reverse

    def compute(self, operands: Sequence[Any], params: Params) -> Any:
        """The function itself, on plain arrays."""
        return self._alone(self.run(*operands), -1)

    def kernel_of(self, adapter: Adapter) -> Kernel:
        """The function itself, for code that is generated."""
        return lambda *leaves: self.compute(leaves, {})

    def dispatch(self, operands: Sequence[Any], params: Params) -> Any:
        """By the rule of the innermost transformation; inside, derivatives go through the rule."""
        top = innermost_wrapper(operands)
        if top is None:
            return self.compute(operands, params)
        if isinstance(top, Reverse):
            return top.apply(_WithPullback(self, top.level), top.level, operands, params)
        try:
            return top.apply(self, top.level, operands, params)
        except TouchedError:  # what it takes from outside is recorded too: so step by step
            return self._alone(self.run(*operands), -1)

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The forward rule, on zeros where nothing moves."""
        if self.forward is None:
            raise NotDifferentiableError(
                f"{self.name}: expected a forward rule, found only a reverse one; define it with "
                "xad.custom_jvp, from which both follow, or use xad.grad or xad.vjp"
            )
        moving = [
            namespace_of(x).zeros_like(x) if t is None else t
            for x, t in zip(operands, tangents, strict=True)
        ]
        _, moved = apart(self, self.forward, tuple(operands), tuple(moving))
        return tuple([expand_to(t, y.shape, y.dtype) for t, y in zip(moved, out, strict=True)])

    def with_pullback(self, operands: Leaves) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
        """Results and pullback by the reverse rule, example by example if it must be."""
        assert self.reverse is not None
        if not isinstance(innermost_wrapper(operands), Batched):
            outputs, pull = self.reverse(operands)
            return outputs, pull

        def each(g: Leaves) -> Leaves:
            return tuple(apart(self, self.back, operands, g))

        try:
            outputs, pull = self.reverse(operands)
        except TypeError as error:
            if not self.may_loop or isinstance(error, NotDifferentiableError):
                raise
            return tuple(apart(self, self.values, operands)), each
        return outputs, or_else(pull, each) if self.may_loop else pull

    def values(self, primals: Leaves) -> Leaves:
        """The results as the reverse rule computes them."""
        assert self.reverse is not None
        return self.reverse(primals)[0]  # type: ignore[no-any-return]

    def back(self, primals: Leaves, cotangents: Leaves) -> Leaves:
        """Cotangents of the operands from those of the results, by the whole reverse rule."""
        assert self.reverse is not None
        found = self.reverse(primals)[1](cotangents)
        return tuple([_zero_for(x, g) for x, g in zip(primals, found, strict=True)])

    def _alone(self, outputs: Leaves, level: int) -> Leaves:
        """The results, if no array from outside the call is tracked in them at this level."""
        made = tuple([settled(operand(self.name, x)) for x in outputs])
        if any(isinstance(x, Wrapper) and x.level == level for x in made):
            raise NotDifferentiableError(
                f"{self.name}: expected every array that is differentiated by among the arguments, "
                "got one that the function takes from outside (weights in a closure?); pass it as "
                "an argument, or stop it with xad.stop_gradient"
            )
        return made


class _WithPullback(Primitive):
    """A call inside reverse mode: computing it leaves the pullback behind."""

    keeps_arrays = False

    def __init__(self, call: Call, level: int) -> None:
        super().__init__(call.name, batch=call.batch)
        self.call = call
        self.level = level

    def compute(self, operands: Sequence[Any], params: Params) -> Any:
        """Results and pullback, one level down."""
        if self.call.reverse is None:
            raise NotDifferentiableError(f"{self.name}: expected a reverse rule, got none")
        outputs, self.pull = self.call.with_pullback(tuple(operands))
        return self.call._alone(outputs, self.level)

    dispatch = compute

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """The pullback, and of several results what zeros are made like."""
        return (self.pull, tuple(out) if len(out) > 1 else None)

    def pullback(self, node: Node, g: Any) -> Leaves:
        """The pullback of the results' cotangents, zeros where none has arrived."""
        pull, outputs = node.saved
        full = [
            namespace_of(outputs[i]).zeros_like(outputs[i]) if x is None else x
            for i, x in enumerate(g)
        ]
        shares: Leaves = tuple(pull(tuple(full)))
        return tuple([None if x is None else settled(x) for x in shares])


def _batched(
    primitive: Primitive,
    size: int,
    operands: tuple[Any, ...],
    batched: tuple[bool, ...],
    params: Params,
) -> Any:
    """The same call with the function and its rules mapped over the batch."""
    assert isinstance(primitive, Call)
    axes = tuple([0 if b else None for b in batched])

    def run(*leaves: Any) -> Leaves:
        return tuple(over_batch(primitive, primitive.run, axes)(*leaves))

    def forward(primals: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        assert primitive.forward is not None
        mapped = over_batch(primitive, primitive.forward, (axes, axes))
        return mapped(primals, tangents)  # type: ignore[no-any-return]

    def reverse(primals: Leaves) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
        # The rule runs once for the values, and once more with the cotangents: what its pullback
        # keeps cannot leave the first run.
        def pull(cotangents: Leaves) -> Leaves:
            return tuple(over_batch(primitive, primitive.back, (axes, 0))(primals, cotangents))

        return run(*primals), pull

    return Call(
        primitive.name,
        run,
        None if primitive.forward is None else forward,
        None if primitive.reverse is None else reverse,
        may_loop=primitive.may_loop,
    ).bind(*operands)


def _zero_for(x: Any, g: Any) -> Any:
    return namespace_of(x).zeros_like(x) if g is None else g


def checkpoint(f: Function) -> Function:
    """``f``, of which reverse mode keeps the arguments only, and computes the rest again.

    Memory for the intermediate results of ``f`` is needed while its part of the gradient is being
    computed, not from the forward pass until then; in exchange ``f`` runs twice. In a chain of n
    layers, checkpoints around each sqrt(n) of them need the memory of about 2 sqrt(n) layers.

    Arrays that gradients are asked of go in as arguments, trees of them for example: those that
    ``f`` takes from a closure are refused.

    Errors: TypeError for a tracked array from a closure.

    >>> import numpy as np, xad
    >>> layer = xad.checkpoint(lambda w, x: xad.tanh(x @ w))
    >>> xad.grad(lambda w, x: xad.sum(layer(w, x)))(np.zeros((2, 2)), np.ones((1, 2)))
    array([[1., 1.],
           [1., 1.]])

    Source: Griewank and Walther, Algorithm 799: revolve, 2000; the name is JAX's.
    """

    def forward(fixed: Leaves, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
        return jvp(f, tuple(primals), tuple(tangents))

    def reverse(fixed: Leaves, primals: Sequence[Any]) -> tuple[Any, Callable[..., Any]]:
        def pull(g: Any) -> Any:
            return vjp(f, *tree.map(_once_more, primals))[1](g)

        return f(*primals), pull

    def checkpointed(*arguments: Any, **keywords: Any) -> Any:
        if keywords:
            raise TypeError(
                f"xad.checkpoint: expected positional arguments, got {sorted(keywords)} by name; "
                "bind what is constant with functools.partial"
            )
        return called("xad.checkpoint", f, (), arguments, forward, reverse, may_loop=False)

    return update_wrapper(checkpointed, f)


def _once_more(x: Any) -> Any:
    """The array; in a program one that what was computed from it before does not belong to.

    Without a program too: gradients through it are then added up in the same order.
    """
    return box(again.bind(x)) if isinstance(x, Wrapper) else x


def called(
    name: str,
    f: Function,
    constant: tuple[int, ...],
    arguments: tuple[Any, ...],
    forward: Callable[..., Any] | None,
    reverse: Callable[..., Any] | None,
    *,
    may_loop: bool = True,
) -> Any:
    """Call ``f`` as one operation on the leaves of its arguments.

    ``forward(fixed, primals, tangents)`` and ``reverse(fixed, primals)`` are the rules, with the
    arguments at the places in ``constant`` apart from the others. ``may_loop``: whether a batch
    may be computed one by one if ``f`` cannot be mapped.
    """
    flat = _Leafwise(name, f, constant, arguments, forward, reverse)
    call = Call(
        name,
        flat.run,
        None if forward is None else flat.forward,
        None if reverse is None else flat.reverse,
        may_loop=may_loop,
    )
    outputs = box(call.bind(*[settled(operand(name, x)) for x in flat.leaves]))
    return tree.unflatten(flat.results, outputs)


class _Leafwise:
    """A function of trees, and its rules, as functions of leaves."""

    def __init__(
        self,
        name: str,
        f: Function,
        constant: tuple[int, ...],
        arguments: tuple[Any, ...],
        forward: Callable[..., Any] | None,
        reverse: Callable[..., Any] | None,
    ) -> None:
        self.name = name
        self.f = f
        self.arguments = arguments
        self.constant = constant
        self.fixed = tuple([arguments[i] for i in constant])
        self.rules = forward, reverse
        moving = tuple([x for i, x in enumerate(arguments) if i not in constant])
        self.leaves, self.structure = tree.flatten(moving)
        self.results: tree.Structure = self.structure

    def trees(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments that move, as tensors, whose operators work with each other's anywhere."""
        primals: tuple[Any, ...] = tree.unflatten(self.structure, [lift(x) for x in leaves])
        return primals

    def flat(self, out: Any) -> Leaves:
        """The leaves of a result, whose structure is kept."""
        found, self.results = tree.flatten(out)
        return tuple([operand(self.name, x) for x in found])

    def run(self, *leaves: Any) -> Leaves:
        """The function."""
        rest = iter(self.trees(leaves))
        whole = [x if i in self.constant else next(rest) for i, x in enumerate(self.arguments)]
        return self.flat(self.f(*whole))

    def forward(self, primals: Leaves, tangents: Leaves) -> tuple[Leaves, Leaves]:
        """The forward rule."""
        rule, _ = self.rules
        assert rule is not None
        out, moved = rule(self.fixed, self.trees(primals), self.trees(tangents))
        ours, theirs = tree.structure(out), tree.structure(moved)
        if ours != theirs:
            difference = tree.difference(ours, theirs)
            raise TreeError(f"{self.name}: tangents unlike the output: {difference}")
        return self.flat(out), tuple([operand(self.name, t) for t in tree.leaves(moved)])

    def reverse(self, primals: Leaves) -> tuple[Leaves, Callable[[Leaves], Leaves]]:
        """The reverse rule."""
        _, rule = self.rules
        assert rule is not None
        given = self.trees(primals)
        out, pull = rule(self.fixed, given)
        structure = tree.structure(out)
        kinds = [(tree.structure(x), [is_inexact(y) for y in tree.leaves(x)]) for x in given]

        def pullback(cotangents: Leaves) -> Leaves:
            g = tree.unflatten(structure, [lift(x) for x in cotangents])
            return _shares(self.name, pull(g), kinds)

        return self.flat(out), pullback


def _shares(name: str, given: Any, kinds: list[tuple[tree.Structure, list[bool]]]) -> Leaves:
    """A cotangent for every leaf of the primals; None stands for zeros, of a whole argument too."""
    if not isinstance(given, (tuple, list)) or len(given) != len(kinds):
        count = len(given) if isinstance(given, (tuple, list)) else type(given).__name__
        raise TreeError(
            f"{name}: expected the reverse rule to return a tuple of {len(kinds)} cotangents, "
            f"one for each differentiable argument, got {count}"
        )
    shares: list[Any] = []
    for (structure, inexact), share in zip(kinds, given, strict=True):
        if share is None:
            shares += [None] * len(inexact)
            continue
        cotangents, theirs = tree.flatten(share)
        if theirs != structure:
            raise TreeError(f"{name}: cotangents: {tree.difference(structure, theirs)}")
        for g, moves in zip(cotangents, inexact, strict=True):
            shares.append(operand(name, g) if moves else None)
    return tuple(shares)
