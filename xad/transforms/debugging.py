"""Where things happened: ``debug_nans`` stops at the first NaN, ``debug_lines`` remembers lines."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS, describe, users_line
from xad.core.primitive import Kernel, Primitive
from xad.core.tape import Node
from xad.core.wrapper import innermost
from xad.errors import NonFiniteError
from xad.ops.declare import primitives
from xad.transforms.switching import Switch
from xad.transforms.watching import unwatch, watch

_remembering: set[type[Switch]] = set()
_undo: list[Callable[[], None]] = []


class debug_nans(Switch):  # noqa: N801 - JAX's name for it
    """Raise at the first operation that makes a NaN or an infinity, while the ``with`` block runs.

    The error names the operation, its operands and the line that called it; for a reverse rule the
    line of the forward call that it belongs to. An operation is to blame if its result has a NaN
    and no operand has, or an infinity and all operands are finite. ``infinities=False`` looks for
    NaN only. It holds for all threads, looks at every result (which waits for a GPU), and costs
    nothing when it is off: the checks are not there then.

    Errors: NonFiniteError (a FloatingPointError).

    >>> import numpy as np, xad
    >>> with xad.debug_nans():
    ...     xad.grad(lambda x: xad.sqrt(x))(np.asarray(0.0))
    Traceback (most recent call last):
        ...
    xad.errors.NonFiniteError: xad.sqrt: its reverse rule made an infinity...
    """

    def __init__(self, *, infinities: bool = True) -> None:
        self.infinities = infinities

    def _switch_on(self) -> None:
        _undo_all()
        for primitive in primitives.values():
            _check_forward(primitive, self.infinities)
            _check_reverse(primitive, self.infinities)
        _undo.append(lambda: _forget_lines(debug_nans))
        _remember_lines(debug_nans)

    @classmethod
    def _switch_off(cls) -> None:
        _undo_all()


class debug_lines(Switch):  # noqa: N801 - like debug_nans
    """Remember the line that called each recorded operation, while the ``with`` block runs.

    An error in the walk back then names that line; without it, it names the operation only, for
    the forward call is long over. It holds for all threads and costs about a microsecond for each
    operation that is recorded; nothing when it is off. `debug_nans` does it too.

    >>> import numpy as np, xad
    >>> square = xad.custom_vjp(lambda x: x * x)
    >>> square.defvjp(lambda x: (x * x, x), lambda x, g: (g * np.ones(3),))  # x has 2 elements
    >>> with xad.debug_lines():
    ...     try:
    ...         xad.grad(lambda x: xad.sum(square(x)))(np.ones(2))
    ...     except ValueError as error:
    ...         "called at" in error.__notes__[-1]
    True
    """

    def _switch_on(self) -> None:
        _remember_lines(debug_lines)

    @classmethod
    def _switch_off(cls) -> None:
        _forget_lines(debug_lines)


def _undo_all() -> None:
    try:
        while _undo:
            _undo[-1]()
            _undo.pop()
    finally:
        while _undo:  # Ctrl-C came in between
            _undo.pop()()


def _remember_line(node: Node) -> None:
    node.line = users_line()


def _remember_lines(switch: type[Switch]) -> None:
    _remembering.add(switch)
    watch(_remember_line)


def _forget_lines(switch: type[Switch]) -> None:
    _remembering.discard(switch)
    if not _remembering:
        unwatch(_remember_line)


def _check_forward(primitive: Primitive, infinities: bool) -> None:
    make, kernels = primitive._make_kernel, primitive._kernels

    def made(adapter: Adapter) -> Kernel:
        kernel = make(adapter) if make else adapter.kernel(primitive.name)

        def look(operands: tuple[Any, ...], params: dict[str, Any]) -> tuple[Any, str]:
            with np.errstate(all="ignore"):
                out = kernel(*operands, **params)
                # Dask computes only now, when it is looked at.
                return out, _blame(out if type(out) is tuple else (out,), operands, infinities)

        def checked(*operands: Any, **params: Any) -> Any:
            # In a context of its own: Ctrl-C may come between `with` and its block.
            out, found = copy_context().run(look, operands, params)
            if found:
                raise NonFiniteError(
                    f"xad.{primitive.name}: made {found} of ({describe(operands)}), "
                    f"called at {users_line()}"
                )
            return out

        return checked

    def undo() -> None:
        primitive._make_kernel, primitive._kernels = make, kernels

    _undo.append(undo)
    primitive._make_kernel, primitive._kernels = made, {}


def _check_reverse(primitive: Primitive, infinities: bool) -> None:
    original = primitive.pullback

    def checked(node: Node, g: Any) -> Any:
        line = getattr(node, "line", "a line before xad.debug_nans was on")
        try:
            shares = original(node, g)
        except NonFiniteError as error:
            # The rule ran on arrays of other transformations, through operations of its own.
            raise NonFiniteError(
                f"xad.{primitive.name}, called at {line}: in its reverse rule: {error}"
            ) from None
        given = g if isinstance(g, tuple) else (g,)
        found = _blame(
            [x for x in shares if x is not None], [x for x in given if x is not None], infinities
        )
        if found:
            raise NonFiniteError(
                f"xad.{primitive.name}: its reverse rule made {found} of a finite cotangent; "
                f"the operation was called at {line}"
            )
        return shares

    _undo.append(lambda: vars(primitive).pop("pullback", None))
    primitive.pullback = checked  # type: ignore[method-assign]


def _blame(outs: Iterable[Any], operands: Iterable[Any], infinities: bool) -> str:
    """What the outputs have that no operand explains: "a NaN", "an infinity", or nothing."""
    made = [_kinds(x) for x in outs]
    given = [_kinds(x) for x in operands]
    if any(nan for nan, _ in made) and not any(nan for nan, _ in given):
        return "a NaN"
    if infinities and any(inf for _, inf in made) and not any(map(any, given)):
        return "an infinity"
    return ""


def _kinds(x: Any) -> tuple[bool, bool]:
    """Whether there is a NaN, and an infinity, in the array inside ``x``."""
    x = innermost(x)
    if type(x) in SCALARS:
        return cmath.isnan(x), cmath.isinf(x)
    adapter = adapter_for(type(x))
    if adapter is None:
        return False, False
    xp = adapter.namespace
    x = adapter.rewrap(x)
    if not xp.isdtype(x.dtype, ("real floating", "complex floating")):
        return False, False
    return bool(xp.any(xp.isnan(x))), bool(xp.any(xp.isinf(x)))
