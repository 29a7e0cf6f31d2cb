"""Operations of your own, declared as xad declares its own: the kind, and the one fact it needs.

>>> import numpy as np
>>> import xad
>>> from xad import extend
>>> @extend.elementwise(lambda x: 3 * x**2)
... def cube(xp, x):
...     return x * x * x
>>> xad.grad(cube)(np.asarray(2.0))
array(12.)

Each decorator takes the rule, and the function that computes the operation on plain arrays: of the
library's namespace ``xp``, of the operands, and of parameters by keyword. What it returns is the
function for users, which differentiates in both modes, nests, maps and is recorded as any other;
its ``primitive`` is an instance of the class of the same name, for which see there.

Rules compute with ``xp`` and operators only, for they run on arrays of any library and of other
transformations. They may call other operations of xad.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any

from xad.backend import Adapter, adapter_of
from xad.core.batching import aligned, one_by_one, shifted, spread, stacked
from xad.core.boxing import box
from xad.core.diagnosis import SCALARS, as_number
from xad.core.elementwise import Elementwise, Slope, over
from xad.core.primitive import BatchRule, Kernel, Params, Primitive
from xad.core.rules import Bilinear, Constant, General, Linear, LinearJoint, Rule
from xad.core.several import Several
from xad.core.wrapper import Wrapper, innermost
from xad.ops.arguments import is_kind, operand
from xad.ops.declare import primitives

__all__ = [
    "Bilinear",
    "Constant",
    "Elementwise",
    "General",
    "Linear",
    "LinearJoint",
    "Several",
    "aligned",
    "bilinear",
    "constant",
    "elementwise",
    "general",
    "linear",
    "linear_joint",
    "one_by_one",
    "over",
    "register",
    "shifted",
    "spread",
    "stacked",
]

Function = Callable[..., Any]
Declare = Callable[[Function], Function]

_BUILT_IN = frozenset(primitives)


def register(primitive: Primitive) -> Primitive:
    """List a primitive under its name, so that `xad.debug_nans` looks at it too.

    The decorators do it by themselves. Errors: ValueError if xad has one of that name.

    >>> from xad import extend
    >>> extend.register(extend.Constant("parity", kernel=lambda adapter: lambda x: x % 2))
    <primitive parity>
    """
    if primitive.name in _BUILT_IN:
        raise ValueError(
            f"xad.extend: expected a name of its own for an operation, got {primitive.name!r}, "
            "which is one of xad's; say another with name=..."
        )
    primitives[primitive.name] = primitive
    return primitive


def elementwise(*slopes: Slope, name: str | None = None) -> Declare:
    """An operation element by element, from its slope dy/d(operand) for each operand.

        forward: t -> sum of slope * t        reverse: g -> conj(slope) * g for each operand

    A slope is an integer, or a function that names what it needs: ``xp`` first if at all, the
    operands by their names, ``y`` for the output; or `over` such a function, for 1 over what it
    gives. Operands broadcast. No parameters: see `general`.

    Errors: TypeError for a slope that names something else, or if their number is wrong.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.elementwise(lambda y: 1 - y * y)
    ... def squash(xp, x):
    ...     return xp.tanh(x)
    >>> xad.grad(squash)(np.asarray(0.0))
    array(1.)

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 2.2.
    """

    def declare(kernel: Function) -> Function:
        operands, params = _signature(kernel)
        if params or len(slopes) != len(operands):
            raise TypeError(
                f"xad.extend.elementwise: expected {kernel.__name__}(xp, ...) with an operand for "
                f"each of {len(slopes)} slopes and no parameters, got operands {operands} and "
                f"parameters {params}; what has parameters is declared with general"
            )
        for slope in slopes:
            if isinstance(slope, int):
                continue
            for rule in slope.parts if isinstance(slope, over) else (slope,):
                _check_names("a slope", rule, ("xp", *operands, "y"))
                if "xp" in rule.__code__.co_varnames[1 : rule.__code__.co_argcount]:
                    raise TypeError("xad.extend: expected xp as the first name of a slope")
        made = Elementwise(_name(name, kernel), *slopes, operands=operands, kernel=_on(kernel))
        return _public(made, kernel)

    return declare


def linear(transpose: Rule, *, batch: BatchRule = one_by_one, name: str | None = None) -> Declare:
    """An operation linear in its first operand, from its transpose.

        forward: t -> A t        reverse: g -> A^T g = transpose(xp, g, like, *constants, **params)

    ``like`` has the shape and dtype of the operand; further operands, such as indices, are
    constants. For complex arrays ``transpose`` is the conjugate transpose.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.linear(lambda xp, g, like, axis: xp.flip(g, axis=axis), batch=extend.shifted())
    ... def reverse(xp, x, *, axis):
    ...     return xp.flip(x, axis=axis)
    >>> weights = np.asarray([1.0, 2.0])
    >>> xad.grad(lambda x: xad.sum(reverse(x, axis=0) * weights))(np.zeros(2))
    array([2., 1.])

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.2.
    """

    def declare(kernel: Function) -> Function:
        made = Linear(_name(name, kernel), transpose, batch=batch, kernel=_on(kernel))
        return _public(made, kernel)

    return declare


def linear_joint(
    transpose: Rule, *, batch: BatchRule = one_by_one, name: str | None = None
) -> Declare:
    """An operation linear in all of its operands together, from its transpose.

        forward: (t, u, ...) -> A (t, u, ...)    reverse: g -> transpose(xp, g, shapes, **params)

    ``transpose`` returns a cotangent for each operand, whose shapes it is given.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.linear_joint(lambda xp, g, shapes: [g[: shapes[0][0]], g[shapes[0][0] :]])
    ... def join(xp, a, b):
    ...     return xp.concat([a, b])
    >>> xad.grad(lambda a: xad.sum(join(a, np.ones(3)) ** 2))(np.asarray([1.0, 2.0]))
    array([2., 4.])
    """

    def declare(kernel: Function) -> Function:
        made = LinearJoint(_name(name, kernel), transpose, batch=batch, kernel=_on(kernel))
        return _public(made, kernel)

    return declare


def bilinear(
    left: Rule, right: Rule, *, batch: BatchRule = one_by_one, name: str | None = None
) -> Declare:
    """An operation linear in each of two operands, y = B(a, b), from its two transposes.

        forward: B(t_a, b) + B(a, t_b)
        reverse: left(xp, g, b, **params) for a, right(xp, g, a, **params) for b

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.bilinear(lambda xp, g, b: g @ b.T, lambda xp, g, a: a.T @ g)
    ... def product(xp, a, b):
    ...     return a @ b
    >>> xad.grad(lambda a: xad.sum(product(a, np.ones((2, 1)))))(np.zeros((1, 2)))
    array([[1., 1.]])
    """

    def declare(kernel: Function) -> Function:
        made = Bilinear(_name(name, kernel), left, right, batch=batch, kernel=_on(kernel))
        return _public(made, kernel)

    return declare


def general(
    *,
    vjp: Mapping[str, Rule] | Rule,
    jvp: Mapping[str, Rule] | Rule | None = None,
    batch: BatchRule = one_by_one,
    outputs: Sequence[str] = (),
    name: str | None = None,
) -> Declare:
    """An operation that fits no class, from a vjp for each operand that has a derivative.

        reverse: g -> J^H g, by ``vjp``        forward: t -> J t, by ``jvp`` or the vjp's transpose

    Rules are given by the operands' names, or, of one operand, alone. A rule names what it needs,
    in any order: ``xp``, the cotangent ``g`` (for a jvp the tangent ``t``), operands, the output
    ``y``, parameters, and ``like``, the shape and dtype of the operand that it is for. With
    ``outputs`` the operation returns a tuple of these names, and a vjp may name each output ``q``
    and its cotangent ``g_q``; there are no jvps then.

    Errors: TypeError for a rule that names something else, or that is for no operand.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.general(vjp=lambda xp, g, x, power: g * power * x ** (power - 1))
    ... def to_power(xp, x, *, power):
    ...     return x**power
    >>> xad.grad(lambda x: to_power(x, power=3))(np.asarray(2.0))
    array(12.)

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.2.
    """

    def declare(kernel: Function) -> Function:
        operands, params = _signature(kernel)
        known = ("xp", "like", *operands, *params, *(outputs or ("y",)))
        cotangents = [f"g_{q}" for q in outputs] or ["g"]
        by_operand = _by_operand("vjp", vjp, operands, (*known, *cotangents))
        forward = None if jvp is None else _by_operand("jvp", jvp, operands, (*known, "t"))
        spelled, of = " ".join(operands), _name(name, kernel)
        made = (
            Several(of, spelled, " ".join(outputs), vjp=by_operand, batch=batch, kernel=_on(kernel))
            if outputs
            else General(of, spelled, vjp=by_operand, jvp=forward, batch=batch, kernel=_on(kernel))
        )
        return _public(made, kernel)

    return declare


def constant(*, batch: BatchRule = one_by_one, name: str | None = None) -> Declare:
    """An operation whose derivative is zero wherever it has one: indices, counts, comparisons.

    >>> import numpy as np, xad
    >>> from xad import extend
    >>> @extend.constant(batch=extend.aligned)
    ... def parity(xp, x):
    ...     return x % 2
    >>> xad.grad(lambda x: x * parity(x))(np.asarray(3.0))
    array(1.)
    """

    def declare(kernel: Function) -> Function:
        return _public(Constant(_name(name, kernel), batch=batch, kernel=_on(kernel)), kernel)

    return declare


# ---- from a kernel to the function for users ----------------------------------------------------


def _signature(kernel: Function) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a kernel's operands, and of its parameters."""
    code = kernel.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if names[:1] != ("xp",) or code.co_argcount == 0:
        raise TypeError(
            f"xad.extend: expected {kernel.__name__}(xp, operands..., *, parameters...), the "
            f"function that computes the operation with the namespace xp, got {names}"
        )
    return names[1 : code.co_argcount], names[code.co_argcount :]


def _name(name: str | None, kernel: Function) -> str:
    return kernel.__name__ if name is None else name


def _on(kernel: Function) -> Callable[[Adapter], Kernel]:
    return lambda adapter: partial(kernel, adapter.namespace)


def _by_operand(
    what: str, rules: Mapping[str, Rule] | Rule, operands: tuple[str, ...], known: Sequence[str]
) -> Mapping[str, Rule]:
    if not isinstance(rules, Mapping):
        if len(operands) != 1:
            raise TypeError(f"xad.extend: expected {what} rules by operand, of {operands}, got one")
        rules = {operands[0]: rules}
    for operand_name, rule in rules.items():
        if operand_name not in operands:
            raise TypeError(
                f"xad.extend: expected {what} rules for operands of {operands}, got one for "
                f"{operand_name!r}"
            )
        _check_names(f"the {what} of {operand_name}", rule, known)
    return rules


def _check_names(what: str, rule: Any, known: Sequence[str]) -> None:
    if not hasattr(rule, "__code__"):
        raise TypeError(
            f"xad.extend: expected {what} as a function, or an integer where it is a slope, got "
            f"{rule!r}"
        )
    code = rule.__code__
    names = code.co_varnames[: code.co_argcount]
    strange = [n for n in names if n not in known]
    if strange:
        raise TypeError(
            f"xad.extend: expected {what} to name some of {', '.join(known)}, got {strange[0]!r}"
        )


def _public(primitive: Primitive, kernel: Function) -> Function:
    """The function that users call: with the kernel's name and docstring, and without its xp."""
    operands, names = _signature(kernel)
    register(primitive)
    defaults: Params = kernel.__kwdefaults__ or {}
    several = bool(kernel.__code__.co_flags & inspect.CO_VARARGS)

    @wraps(kernel)
    def function(*given: Any, **params: Any) -> Any:
        if not several and len(given) != len(operands):
            raise TypeError(
                f"{primitive.name}: expected operands {operands} by position, got {len(given)}"
            )
        params = {**defaults, **params}
        if params.keys() != set(names):
            raise TypeError(f"{primitive.name}: expected parameters {names}, got {tuple(params)}")
        return box(primitive.bind(*_arrays(primitive.name, given), **params))

    signature = inspect.signature(kernel)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=list(signature.parameters.values())[1:]
    )
    del function.__wrapped__
    function.primitive = primitive  # type: ignore[attr-defined]
    return function


def _arrays(name: str, given: Sequence[Any]) -> list[Any]:
    """The operands as arrays; a number takes the data type of the first array, if that can be."""
    made = [x if isinstance(x, Wrapper) else as_number(x) for x in given]
    arrays = [x for x in (*made, *given) if type(x) not in SCALARS]
    like = operand(name, arrays[0]) if arrays else None
    return [x if type(x) not in SCALARS else _beside(name, x, like) for x in made]


def _beside(name: str, number: Any, like: Any) -> Any:
    if like is None:
        return operand(name, number)
    inner = innermost(like)
    adapter = adapter_of(inner)
    device = adapter.device_of(inner)
    if is_kind(like, KINDS_FOR[type(number)]):
        return adapter.filled((), number, like.dtype, device)
    return adapter.namespace.asarray(number, device=device)


_KINDS = ("bool", "integral", "real floating", "complex floating")
KINDS_FOR = {bool: _KINDS, int: _KINDS[1:], float: _KINDS[2:], complex: _KINDS[3:]}
"""The data types that can hold a Python number."""
