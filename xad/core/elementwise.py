"""Elementwise operations: a slope for each operand gives every rule. The hot path of eager code."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from operator import itemgetter
from typing import Any

from xad.backend.adapter import Adapter
from xad.core import pause
from xad.core.batching import aligned
from xad.core.boxing import box
from xad.core.conform import as_array, expand_to, is_complex, namespace_of
from xad.core.diagnosis import SCALARS, as_number, explain
from xad.core.holding import hold, hold_constant
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.tape import NO_PARAMS, Node, Reverse
from xad.core.wrapper import Wrapper


class over:  # noqa: N801 - reads as what it is, in a rule
    """A slope that is a quotient: the rule divides at once, without making the slope itself.

        forward: t -> times * (t / divisor)        reverse: g -> conj(times) * (g / conj(divisor))

    ``divisor`` is a function that names what it needs, as a slope does; so is ``times``, which is 1
    where it is left out. Of two slopes with one divisor a program divides once.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> logarithm = extend.elementwise(extend.over(lambda x: x))(lambda xp, x: xp.log(x))
    >>> xad.grad(logarithm)(np.asarray(4.0))
    array(0.25)

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 2.2.
    """

    __slots__ = ("divisor", "times")

    def __init__(
        self, divisor: Callable[..., Any], times: Callable[..., Any] | None = None
    ) -> None:
        self.divisor = divisor
        self.times = times

    def carry(self, saved: Sequence[Any], g: Any, *, conjugate: bool = False) -> Any:
        """``g`` over the divisor and times the rest, or with the conjugates of both."""
        quotient = self._divided(saved, g, conjugate=conjugate)
        if self.times is None:
            return quotient
        times = self.times(saved, g)
        if conjugate:
            times = _conjugated(times)
        return _times(times, quotient)

    def _divided(self, saved: Sequence[Any], g: Any, *, conjugate: bool) -> Any:
        divisor: Any = self.divisor(saved, g)
        if conjugate:
            divisor = _conjugated(divisor)
        if divisor.__class__ in SCALARS:
            # A product with a number is quicker than a quotient.
            return _inverse(divisor) * g
        if isinstance(divisor, Wrapper) and not isinstance(g, Wrapper):
            return namespace_of(divisor).divide(g, divisor)
        return g / divisor

    @property
    def parts(self) -> tuple[Callable[..., Any], ...]:
        """The functions that it is made of."""
        return (self.divisor,) if self.times is None else (self.divisor, self.times)


Slope = Callable[..., Any] | int | over
Keep = Callable[[tuple[Any, ...]], tuple[Any, ...]] | None

OPERANDS = {1: ("x",), 2: ("a", "b"), 3: ("a", "b", "c")}


class Elementwise(Primitive):
    """``y = f(a, b, ...)`` element by element, stated by the slope dy/d(operand) for each operand.

    A slope is a number, `over` a divisor, or a function whose parameters name what it needs: the
    namespace ``xp`` first, the operands (``x``; or ``a``, ``b``, ``c``; or as ``operands`` says),
    the output ``y``. Only what is named is kept alive.

        forward: t -> sum of slope * t        reverse: g -> conj(slope) * g for each operand
    """

    elementwise = True

    def __init__(
        self,
        name: str,
        *slopes: Slope,
        operands: Sequence[str] = (),
        kernel: Callable[[Adapter], Kernel] | None = None,
    ) -> None:
        super().__init__(name, batch=aligned, kernel=kernel)
        names = (*(operands or OPERANDS[len(slopes)]), "y")
        self.slopes = tuple(_positional(slope, names) for slope in slopes)
        self._needs = tuple(_needs(slope, names) for slope in slopes)
        self._keepers: dict[tuple[bool, ...], Keep] = {
            tracked: self._keeper(tracked) for tracked in product((False, True), repeat=len(slopes))
        }
        self._keep_all = self._keeper((True,) * len(slopes))
        self._keep_for_first = self._keeper((True, *(False,) * (len(slopes) - 1)))
        self._keep_for_last = self._keeper((*(False,) * (len(slopes) - 1), True))

    def _keeper(self, tracked: tuple[bool, ...]) -> Keep:
        """Picks what the tracked operands' slopes name, each in its place, None elsewhere."""
        named = [need for need, is_tracked in zip(self._needs, tracked) if is_tracked]
        needed: frozenset[int] = frozenset().union(*named)
        nothing = len(tracked) + 1
        places = [i if i in needed else nothing for i in range(nothing)]
        return itemgetter(*places) if needed else None

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """What the slopes of the tracked operands name."""
        tracked = tuple([parent is not None for parent in parents])
        keeper = self._keepers[tracked]
        return () if keeper is None else keeper((*values, out, None))

    def pullback(self, node: Node, g: Any) -> list[Any]:
        """conj(slope) * g for every tracked operand."""
        shares: list[Any] = []
        for parent, slope in zip(node.parents, self.slopes):
            if parent is None:
                shares.append(None)
            elif slope.__class__ is int:
                # NumPy takes twice as long for -1 * g as for -g.
                shares.append(
                    g if slope == 1 else -g if slope == -1 else slope * g if slope else None
                )
            elif slope.__class__ is over:
                shares.append(slope.carry(node.saved, g, conjugate=is_complex(node.dtype, g)))
            elif isinstance(g, Wrapper) or is_complex(node.dtype, g):
                factor = slope(node.saved, g)
                if is_complex(node.dtype, g):
                    factor = _conjugated(factor)
                shares.append(_times(factor, g))
            else:
                # Without a name for the slope: NumPy then writes into it if nobody else has it.
                shares.append(slope(node.saved, g) * g)
        return shares

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> Any:
        """The sum of slope * tangent over the operands that have one."""
        saved = (*operands, out)
        total = None
        for slope, t in zip(self.slopes, tangents):
            if t is not None:
                if slope.__class__ is over:
                    term = slope.carry(saved, t)
                else:
                    term = _times(slope if slope.__class__ is int else slope(saved, t), t)
                total = term if total is None else total + term
        return expand_to(total, out.shape, out.dtype)

    # The two public entries below do what Reverse.apply does, written out for one and two operands
    # over plain arrays: a graph of small arrays spends most of its time here.

    def unary(self, x: Any) -> Any:
        """The operation as users call it, on one operand."""
        if not isinstance(x, Reverse):
            return box(self.bind(x))
        value = x.value
        kernel = self._kernels.get(type(value))
        if kernel is None:
            out = self.bind(value)
        else:
            try:
                out = kernel(value)
            except Exception as error:
                explain(self.name, (value,), error)
                raise
        node = x.node
        level = x.level
        if node is None or (pause.running and pause.paused(level)):
            return box(out)
        shape = out.shape
        if not shape:
            out = as_array(out)
        keeper = self._keep_all
        saved = () if keeper is None else keeper((value, out, None))
        made = Node(shape, out.dtype, self, (node,), saved, NO_PARAMS)
        if not level and node.primitive is None:
            hold(made, saved, out, level)
        return x.__class__(out, made, level)

    def binary(self, a: Any, b: Any) -> Any:  # noqa: PLR0912 - the hot path, in one piece
        """The operation as users call it, on two operands."""
        if isinstance(a, Reverse):
            top = a
            x, node_a, y, node_b = a.value, a.node, b, None
            if isinstance(b, Wrapper):
                alike = b.__class__ is a.__class__ or isinstance(b, Reverse)
                if not alike or a.level != b.level:
                    return self._binary_elsewhere(a, b)
                y, node_b = b.value, b.node  # type: ignore[attr-defined]
            kind, other = type(x), type(y)
        elif isinstance(b, Reverse) and not isinstance(a, Wrapper):
            top = b
            x, node_a, y, node_b = a, None, b.value, b.node
            kind, other = type(y), type(x)
        else:
            return self._binary_elsewhere(a, b)
        array = other is kind  # and no number, which nobody can write into
        kernel = self._kernels.get(kind) if array or other in SCALARS else None
        if kernel is None:
            array = other not in SCALARS
            x, y = as_number(x), as_number(y)
            out = self.bind(x, y)
        else:
            try:
                out = kernel(x, y)
            except Exception as error:
                explain(self.name, (x, y), error)
                raise
        level = top.level
        if (node_a is None and node_b is None) or (pause.running and pause.paused(level)):
            return box(out)
        shape = out.shape
        if not shape:
            out = as_array(out)
        only = self._keep_for_first if node_b is None else self._keep_for_last
        keeper = only if node_a is None or node_b is None else self._keep_all
        saved = () if keeper is None else keeper((x, y, out, None))
        node = Node(shape, out.dtype, self, (node_a, node_b), saved, NO_PARAMS)
        if saved:
            if not level and (
                (node_a is not None and node_a.primitive is None)
                or (node_b is not None and node_b.primitive is None)
            ):
                hold(node, saved, out, level)
            elif array and (node_b is None or node_a is None):
                hold_constant(node, saved[node_b is None], level)
        return top.__class__(out, node, level)

    def _binary_elsewhere(self, a: Any, b: Any) -> Any:
        """The operation on wrappers of other kinds or of several levels, or on none."""
        if isinstance(a, Wrapper):
            b = as_number(b)
        elif isinstance(b, Wrapper):
            a = as_number(a)
        return box(self.bind(a, b))


def _times(factor: Any, g: Any) -> Any:
    """``factor * g``, where not all libraries' arrays leave an operator to what is to their right.

    In this order always: the last bit of a complex product may depend on it.
    """
    if isinstance(g, Wrapper) and not isinstance(factor, Wrapper) and hasattr(factor, "dtype"):
        return namespace_of(g).multiply(factor, g)
    return factor * g


def _conjugated(x: Any) -> Any:
    scalar = x.__class__ in SCALARS
    return x.conjugate() if scalar else namespace_of(x).conj(x)


def _inverse(number: Any) -> Any:
    try:
        return 1 / number
    except ZeroDivisionError:  # arrays have infinities
        return math.nan if isinstance(number, complex) else math.copysign(math.inf, number)


def parameters_of(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a plain function's positional parameters."""
    # inspect.signature takes any callable, but adds more than a millisecond to the import of xad.
    code = rule.__code__
    return code.co_varnames[: code.co_argcount]


def _needs(slope: Slope, names: tuple[str, ...]) -> frozenset[int]:
    if isinstance(slope, int):
        return frozenset()
    parts = slope.parts if isinstance(slope, over) else (slope,)
    wanted = {name for part in parts for name in parameters_of(part)}
    return frozenset(i for i, name in enumerate(names) if name in wanted)


def _positional(slope: Slope, names: tuple[str, ...]) -> Any:
    """From a slope that takes what it names to one that takes (all that was saved, a tangent)."""
    if isinstance(slope, int):
        return slope
    if isinstance(slope, over):
        return over(*(_positional(part, names) for part in slope.parts))
    wanted = parameters_of(slope)
    wants_namespace = wanted[:1] == ("xp",)
    places = [names.index(name) for name in wanted[wants_namespace:]]
    if len(places) == 1:
        (i,) = places
        if wants_namespace:
            return lambda saved, t: slope(namespace_of(t, saved[i]), saved[i])
        return lambda saved, t: slope(saved[i])
    pick = itemgetter(*places)
    if wants_namespace:
        return lambda saved, t: slope(namespace_of(t, *pick(saved)), *pick(saved))
    return lambda saved, t: slope(*pick(saved))
