"""How special functions are declared: they are the library's own, or made of the standard's.

Beyond `xad.ops.declare` they have operands without a derivative (orders and parameters), Python
numbers as operands, which their libraries want as arrays, and whole numbers as parameters.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from xad.backend.adapter import Adapter
from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.diagnosis import SCALARS
from xad.core.elementwise import Elementwise, Slope
from xad.core.primitive import Kernel
from xad.core.rules import General
from xad.core.wrapper import innermost
from xad.errors import BackendError, NotDifferentiableError
from xad.ops.arguments import Array, adapter_inside, is_inexact, operand
from xad.ops.declare import primitives, register

SCIPY = "SciPy, ``scipy.special.{}``; {}."

MakeKernel = Callable[[Adapter], Kernel]

DOC = """{summary}

    y = {short}({names})        dy/d{moving} = {derivative}

{operands}: arrays whose shapes broadcast, of a real floating-point data type; a
Python number takes the data type of the arrays beside it. Returns an array of the shape that they
broadcast to, of the promoted data type.{constant}

Errors: TypeError for what is no array; ValueError for shapes that do not broadcast; BackendError
if the library has no such function{refused}.

>>> import xad
>>> xad.{name}({example}).shape
(2,)

Source: {source}
"""


def special(name: str, *operands: Any, **params: Any) -> Any:
    """Carry out ``special.{name}``: for rules, which need functions that are declared elsewhere."""
    return primitives[f"special.{name}"].bind(*operands, **params)


def own_or(name: str, compose: MakeKernel) -> MakeKernel:
    """The library's own special function, or one composed of others where it has none."""

    def make(adapter: Adapter) -> Kernel:
        try:
            return adapter.kernel(f"special.{name}")
        except BackendError as missing:
            try:
                return compose(adapter)
            except BackendError:
                raise missing from None

    return make


def together(name: str, *arguments: Any) -> tuple[Any, ...]:
    """The operands as arrays: a Python number takes the data type of the arrays beside it."""
    found = [x if type(x) in SCALARS else operand(name, x) for x in arguments]
    arrays = [x for x in found if type(x) not in SCALARS]
    if len(arrays) == len(found):
        return tuple(found)
    like = next((x for x in arrays if is_inexact(x)), None)
    if like is None:
        like = operand(name, 0.0) if not arrays else arrays[0]
    adapter, device = adapter_inside(like), adapter_inside(like).device_of(innermost(like))
    dtype = like.dtype if is_inexact(like) else adapter.default_dtype("real floating", device)
    full = adapter.namespace.full
    return tuple(
        [full((), x, dtype=dtype, device=device) if type(x) in SCALARS else x for x in found]
    )


def no_slope(name: str, argument: str) -> Slope:
    """The slope for an operand that nobody has a formula for."""

    def refuse(y: Any) -> Any:
        raise NotDifferentiableError(
            f"xad.{name}: expected a constant {argument!r}, got one that gradients are asked of; "
            "there is no derivative for it: detach it first (xad.stop_gradient)"
        )

    return refuse


def several(
    name: str,
    arguments: str,
    slopes: tuple[Slope | None, ...],
    summary: str,
    derivative: str,
    *,
    source: str,
    example: str = "",
    kernel: MakeKernel | None = None,
) -> Callable[..., Array]:
    """A public elementwise function of two or three arrays, which ``arguments`` names.

    A slope of None is for an operand without a derivative.
    """
    names = arguments.split()
    rules = [no_slope(name, n) if s is None else s for n, s in zip(names, slopes, strict=True)]
    primitive = register(Elementwise(name, *rules, kernel=kernel))
    call = primitive.binary if len(names) == 2 else lambda *xs: box(primitive.bind(*xs))

    def of_two(x1: Array, x2: Array, /) -> Array:
        return call(*together(name, x1, x2))

    def of_three(x1: Array, x2: Array, x3: Array, /) -> Array:
        return call(*together(name, x1, x2, x3))

    function: Any = of_two if len(names) == 2 else of_three
    constant = [n for n, s in zip(names, slopes, strict=True) if s is None]
    moving = [n for n in names if n not in constant]
    spelled = " and ".join(f"`{n}`" for n in constant)
    function.__doc__ = DOC.format(
        summary=summary,
        name=name,
        short=name.rpartition(".")[2],
        names=", ".join(names),
        moving=", dy/d".join(moving),
        derivative=derivative,
        operands=", ".join(f"``{n}``" for n in names),
        constant=f" There is no derivative for {spelled}." if constant else "",
        refused=f"; NotDifferentiableError for a gradient of\n{spelled}" if constant else "",
        example=example or ", ".join(["0.5"] * (len(names) - 1) + ["xad.asarray([0.5, 0.75])"]),
        source=source,
    )
    return _named(function, name)


def _named(function: Any, name: str) -> Callable[..., Array]:
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    function.__module__ = "xad.special"
    named: Callable[..., Array] = function
    return named


def of_order(name: str, slope: Callable[..., Any], kernel: MakeKernel) -> General:
    """An elementwise primitive with a whole number ``n``, by its ``slope(x, n)``.

    It is for families whose derivatives are members of the family, such as Bessel functions.
    """

    def pull(xp: Any, g: Any, x: Any, n: int) -> Any:
        return xp.multiply(g, slope(x, n))

    def push(xp: Any, t: Any, x: Any, n: int) -> Any:
        return xp.multiply(t, slope(x, n))

    primitive = General(
        name,
        "x",
        vjp={"x": pull},
        jvp={"x": push},
        batch=aligned,
        kernel=kernel,
    )
    primitive.elementwise = True
    return register(primitive)


def whole_number(name: str, argument: str, value: Any, least: int = 0) -> int:
    """A parameter that must be a whole number. Errors: TypeError, ValueError."""
    try:
        found = operator.index(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"xad.{name}: expected a whole number {argument!r}, got {value!r}; it is a parameter, "
            "one for the whole array"
        ) from None
    if found < least:
        raise ValueError(f"xad.{name}: expected {argument!r} of at least {least}, got {found}")
    return found


def horner(x: Any, coefficients: list[float]) -> Any:
    """The polynomial with these coefficients, the constant one first."""
    out = x * coefficients[-1]
    for c in reversed(coefficients[1:-1]):
        out = (out + c) * x
    return out + coefficients[0]
