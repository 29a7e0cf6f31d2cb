"""Declare an operation once: the primitive with its rules, and the public function over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from xad.backend.adapter import Adapter
from xad.core.again import again
from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.branches import arriving
from xad.core.elementwise import Elementwise, Slope
from xad.core.primitive import Kernel, Primitive
from xad.core.rules import Constant
from xad.ops.arguments import Array

primitives: dict[str, Primitive] = {x.name: x for x in (again, arriving)}
"""Every primitive by name."""

SOURCE = "Array API standard 2025.12, elementwise functions."

KINDS = {
    "numeric": ("a numeric data type", "[1.0, 2.5]", "[[2.0], [0.5]]"),
    "real": ("a real-valued data type", "[1.0, 2.5]", "[[2.0], [0.5]]"),
    "floating": ("a floating-point data type, real or complex", "[0.5, 0.75]", "[[2.0], [0.5]]"),
    "floating from 1": (
        "a floating-point data type, real or complex",
        "[1.5, 2.0]",
        "[[1.0], [2.0]]",
    ),
    "real floating": ("a real floating-point data type", "[0.5, 0.75]", "[[2.0], [0.5]]"),
    "complex": ("a complex floating-point data type", "[1j, 2.0 + 1j]", "[[1j], [0j]]"),
    "integral or boolean": ("an integer or boolean data type", "[6, 5]", "[[3], [1]]"),
    "integral": ("an integer data type", "[6, 5]", "[[3], [1]]"),
    "boolean": ("the boolean data type", "[True, False]", "[[True], [False]]"),
    "any": ("any data type", "[1.0, 2.5]", "[[2.0], [0.5]]"),
}
"""What the standard calls a group of data types: in words, and two arrays of such a type."""

UNARY = """{summary}

    y = {short}(x)        {derivative}

``x``: an array of any shape, of {taken}; or a Python
number. Returns an array of the same shape, of {returned}.

Errors: TypeError for what is no array; the library's own for data types that it refuses.

>>> import xad
>>> xad.{name}(xad.asarray({example})).shape
(2,)

Source: {source}
"""

BINARY = """{summary}

    y = {short}(x1, x2)        {derivative}

``x1``, ``x2``: arrays whose shapes broadcast, of {taken},
of one library and on one device. One may be a Python number, which takes the data type of the
other. Returns an array of the broadcast shape, of {returned}.

Errors: TypeError for what is no array and for arrays of different libraries; ValueError for
shapes that do not broadcast and for different devices.

>>> import xad
>>> xad.{name}(xad.asarray({first}), xad.asarray({second})).shape
(2, 2)

Source: {source}
"""

FLAT = "constant almost everywhere"

Registered = TypeVar("Registered", bound=Primitive)
Function = TypeVar("Function", bound=Callable[..., Any])


def register(primitive: Registered) -> Registered:
    """List a primitive under its name."""
    primitives[primitive.name] = primitive
    return primitive


def _primitive(
    name: str,
    rule: tuple[Slope, ...] | Primitive | None,
    kernel: Callable[[Adapter], Kernel] | None,
) -> Primitive:
    """The primitive for slopes, for None (constant almost everywhere), or as it is given."""
    if isinstance(rule, Primitive):
        primitive = rule
    elif rule is None:
        primitive = Constant(name, batch=aligned, kernel=kernel)
    else:
        primitive = Elementwise(name, *rule, kernel=kernel)
    primitive.elementwise = True
    return register(primitive)


def unary(
    name: str,
    rule: Slope | Primitive | None,
    summary: str,
    derivative: str = "",
    *,
    kinds: str = "floating",
    returns: str = "",
    kernel: Callable[[Adapter], Kernel] | None = None,
    source: str = SOURCE,
) -> Callable[[Array], Array]:
    """A public elementwise function of one array.

    ``rule`` is its slope, None for what is constant almost everywhere, or a whole primitive.
    The rest is for the docstring: the ``derivative`` in mathematics, the ``kinds`` of data types
    taken (of `KINDS`), and the data type that it ``returns`` if that is another.
    """
    given = rule if rule is None or isinstance(rule, Primitive) else (rule,)
    primitive = _primitive(name, given, kernel)
    if isinstance(primitive, Elementwise):
        call = primitive.unary
    else:

        def call(x: Any) -> Any:
            return box(primitive.bind(x))

    def function(x: Array, /) -> Array:
        return call(x)

    taken, example, _ = KINDS[kinds]
    function.__doc__ = UNARY.format(
        summary=summary,
        name=name,
        short=_short(name),
        derivative=f"dy/dx = {derivative}" if derivative else FLAT,
        taken=taken,
        returned=returns or "the data type of `x`",
        example=example,
        source=source,
    )
    function.call = call  # type: ignore[attr-defined]
    return _public(function, name)


def binary(
    name: str,
    rule: tuple[Slope, Slope] | Primitive | None,
    summary: str,
    derivative: str = "",
    *,
    kinds: str = "numeric",
    returns: str = "",
    kernel: Callable[[Adapter], Kernel] | None = None,
    source: str = SOURCE,
) -> Callable[[Array, Array], Array]:
    """A public elementwise function of two arrays that broadcast; see `unary`."""
    primitive = _primitive(name, rule, kernel)
    if isinstance(primitive, Elementwise):
        call = primitive.binary
    else:

        def call(a: Any, b: Any) -> Any:
            return box(primitive.bind(a, b))

    def function(x1: Array, x2: Array, /) -> Array:
        return call(x1, x2)

    taken, first, second = KINDS[kinds]
    function.__doc__ = BINARY.format(
        summary=summary,
        name=name,
        short=_short(name),
        derivative=f"dy/dx1, dy/dx2 = {derivative}" if derivative else FLAT,
        taken=taken,
        returned=returns or "the promoted data type",
        first=first,
        second=second,
        source=source,
    )
    function.call = call  # type: ignore[attr-defined]
    return _public(function, name)


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _public(function: Function, name: str) -> Function:
    """Name the function as users find it, which is also what lets it be pickled."""
    function.__name__ = function.__qualname__ = _short(name)
    function.__module__ = ".".join(["xad", *name.split(".")[:-1]])
    return function
