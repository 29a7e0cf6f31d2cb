"""``custom_vjp`` and ``custom_jvp``: a function, and how it is to be differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from xad import tree
from xad.core.conform import namespace_of
from xad.errors import NotDifferentiableError
from xad.transforms.custom import called
from xad.transforms.inputs import Function
from xad.transforms.reverse import vjp


class custom_vjp:  # noqa: N801 - JAX's name, used as a decorator
    """A function with a reverse rule of its own.

    ``f.defvjp(forward, backward)``: ``forward`` takes what ``f`` takes and returns ``(y,
    residuals)``; ``backward(residuals, g)`` returns a tuple with the cotangent of each argument
    (None for zero). Arguments at ``nondiff_argnums`` are constants of any kind; ``backward`` gets
    them first. The rule holds in reverse mode and under `vmap`; derivatives of it go through
    ``forward`` and ``backward``. Forward mode raises: see `custom_jvp`.

    Errors: NotDifferentiableError (a TypeError) without a rule, in forward mode, and for tracked
    arrays from a closure; TreeError if the cotangents do not fit the arguments.

    >>> import numpy as np, xad
    >>> @xad.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, g: (xad.clip(g, -1.0, 1.0),))
    >>> xad.grad(lambda x: 5 * clipped(x))(np.asarray(2.0))
    array(1.)

    Source: JAX, ``jax.custom_vjp``.
    """

    _leads_to = ("f", "_forward", "_backward")

    def __init__(self, f: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        self.f = f
        self.constant = tuple(nondiff_argnums)
        self._forward: Callable[..., Any] | None = None
        self._backward: Callable[..., Any] | None = None
        update_wrapper(self, f)

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """State the rule; see the class."""
        self._forward, self._backward = forward, backward

    def __call__(self, *arguments: Any) -> Any:
        """What ``f`` returns, as one operation."""
        name = f"xad.custom_vjp function {getattr(self.f, '__name__', 'f')}"
        if self._forward is None or self._backward is None:
            raise NotDifferentiableError(
                f"{name}: expected a rule; call f.defvjp(forward, backward)"
            )
        forward, backward = self._forward, self._backward

        def reverse(fixed: tuple[Any, ...], primals: Sequence[Any]) -> tuple[Any, Any]:
            out, residuals = forward(*_whole(self.constant, fixed, primals))
            return out, lambda g: backward(*fixed, residuals, g)

        return called(name, self.f, _places(self.constant, arguments), arguments, None, reverse)


class custom_jvp:  # noqa: N801 - JAX's name, used as a decorator
    """A function with a forward rule of its own, from which the reverse rule follows.

    ``f.defjvp(rule)``: ``rule(primals, tangents)`` takes two tuples and returns ``(y, dy)``, with
    dy linear in the tangents. Arguments at ``nondiff_argnums`` are constants of any kind, which
    ``rule`` gets first.

    Errors: NotDifferentiableError (a TypeError) without a rule, and for tracked arrays from a
    closure; TreeError if the tangent does not fit the output.

    >>> import numpy as np, xad
    >>> @xad.custom_jvp
    ... def root(x):
    ...     return xad.sqrt(x)
    >>> @root.defjvp
    ... def rule(primals, tangents):
    ...     y = root(primals[0])
    ...     return y, tangents[0] / (2 * y)
    >>> xad.grad(root)(np.asarray(4.0))
    array(0.25)

    Source: JAX, ``jax.custom_jvp``.
    """

    _leads_to = ("f", "_rule")

    def __init__(self, f: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        self.f = f
        self.constant = tuple(nondiff_argnums)
        self._rule: Callable[..., Any] | None = None
        update_wrapper(self, f)

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """State the rule; see the class. Returns it, so that this can be a decorator."""
        self._rule = rule
        return rule

    def __call__(self, *arguments: Any) -> Any:
        """What ``f`` returns, as one operation."""
        name = f"xad.custom_jvp function {getattr(self.f, '__name__', 'f')}"
        if self._rule is None:
            raise NotDifferentiableError(f"{name}: expected a rule; call f.defjvp(rule)")
        rule = self._rule

        def forward(
            fixed: tuple[Any, ...], primals: Sequence[Any], tangents: Sequence[Any]
        ) -> tuple[Any, Any]:
            out, moved = rule(*fixed, tuple(primals), tuple(tangents))
            return out, moved

        def reverse(fixed: tuple[Any, ...], primals: Sequence[Any]) -> tuple[Any, Any]:
            # The rule is linear in the tangents: the transpose of it is its vjp, anywhere.
            def moved(*tangents: Any) -> tuple[Any, Any]:
                out, dy = rule(*fixed, tuple(primals), tangents)
                return dy, out

            zeros = tree.map(lambda x: namespace_of(x).zeros_like(x), tuple(primals))
            _, pullback, out = vjp(moved, *zeros, has_aux=True)
            return out, pullback

        return called(name, self.f, _places(self.constant, arguments), arguments, forward, reverse)


def _places(constant: tuple[int, ...], arguments: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple([i % len(arguments) for i in constant]) if arguments else ()


def _whole(
    constant: tuple[int, ...], fixed: Sequence[Any], primals: Sequence[Any]
) -> tuple[Any, ...]:
    """All arguments in their places."""
    count = len(fixed) + len(primals)
    places = dict(zip([i % count for i in constant], fixed, strict=True))
    rest = iter(primals)
    return tuple([places[i] if i in places else next(rest) for i in range(count)])
