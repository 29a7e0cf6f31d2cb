"""``debug_nans``: stop where the first NaN or infinity is made, and say where that was."""

from __future__ import annotations

import cmath
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_for
from xad.core.diagnosis import SCALARS, describe
from xad.core.primitive import Kernel, Primitive
from xad.core.tape import Node
from xad.core.wrapper import innermost
from xad.errors import NonFiniteError
from xad.ops.declare import primitives

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_lock = threading.Lock()
_depth = 0
_undo: list[Callable[[], None]] = []


class debug_nans(ContextDecorator):  # noqa: N801 - JAX's name for it
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

    def __enter__(self) -> None:
        global _depth  # noqa: PLW0603
        with _lock:
            _depth += 1
            if _depth == 1:
                try:
                    _switch_on(self.infinities)
                except BaseException:
                    _depth = 0
                    _switch_off()
                    raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _depth  # noqa: PLW0603
        with _lock:
            _depth -= 1
            if _depth == 0:
                _switch_off()


def _switch_off() -> None:
    try:
        while _undo:
            _undo[-1]()
            _undo.pop()
    finally:
        while _undo:  # Ctrl-C came in between
            _undo.pop()()


def _switch_on(infinities: bool) -> None:
    _switch_off()
    for primitive in primitives.values():
        _check_forward(primitive, infinities)
        _check_reverse(primitive, infinities)
    original = Node.__init__

    def remembering(self: Node, *arguments: Any) -> None:
        original(self, *arguments)
        self.line = _line()

    _undo.append(lambda: setattr(Node, "__init__", original))
    Node.__init__ = remembering  # type: ignore[method-assign, assignment]


def _check_forward(primitive: Primitive, infinities: bool) -> None:
    make, kernels = primitive._make_kernel, primitive._kernels

    def made(adapter: Adapter) -> Kernel:
        kernel = make(adapter) if make else adapter.kernel(primitive.name)

        def checked(*operands: Any, **params: Any) -> Any:
            with np.errstate(all="ignore"):
                out = kernel(*operands, **params)
            found = _blame(out if type(out) is tuple else (out,), operands, infinities)
            if found:
                raise NonFiniteError(
                    f"xad.{primitive.name}: made {found} of ({describe(operands)}), "
                    f"called at {_line()}"
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


def _line() -> str:
    """The innermost line of code outside of xad, as "file.py:12, in name"."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"
