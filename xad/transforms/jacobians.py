"""Whole Jacobians and Hessians, and products with them: one mode for rows, one for columns.

A jvp gives a column of the Jacobian, a vjp a row. `vmap` over a basis gives all of them at once,
without a loop: the work of n passes in the calls of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.boxing import box
from xad.core.conform import is_complex, namespace_of
from xad.core.diagnosis import SCALARS
from xad.core.wrapper import BASE_LEVEL, Wrapper, innermost
from xad.errors import NotDifferentiableError, ShapeError
from xad.ops.arguments import is_inexact, operand
from xad.transforms.forward import jvp
from xad.transforms.inputs import Function, replace, select
from xad.transforms.reverse import grad, vjp
from xad.transforms.vectorize import vmap
from xad.units import Units, dense

Argnums = int | tuple[int, ...]


def jacfwd(
    f: Function, argnums: Argnums = 0, *, has_aux: bool = False, holomorphic: bool = False
) -> Function:
    """A function that returns the Jacobian of ``f``, column by column in forward mode.

    J[i, j] = df_i/dx_j, of shape (*output, *input): a tree like the output, of trees like the
    argument (a tuple of them for a tuple of ``argnums``). The cost is that of ``f`` times the
    number of input elements: for functions of few numbers. With ``has_aux`` returns
    ``(jacobian, aux)``; ``holomorphic`` allows complex input, for which J = df/dz.

    Errors: TypeError for integer input, and for complex input without ``holomorphic``.

    >>> import numpy as np, xad
    >>> xad.jacfwd(lambda x: x * x)(np.asarray([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.1.
    """

    @wraps(f)
    def jacobian_of(*arguments: Any, **keywords: Any) -> Any:
        at = select(arguments, argnums, "jacfwd")
        basis, leaves = _basis("jacfwd", at, holomorphic)

        def column(direction: Any) -> Any:
            def moved(x: Any) -> Any:
                return f(*replace(arguments, argnums, x), **keywords)

            _, *rest = jvp(moved, (at,), (direction,), has_aux=has_aux)
            return tuple(rest)

        found = vmap(column, out_axes=(-1, None) if has_aux else (-1,))(basis)
        boxed = _is_boxed(at)
        jacobian = tree.map(lambda y: _cut(_ordinary(y, boxed), leaves, at), found[0])
        return (jacobian, _all_ordinary(found[1], boxed)) if has_aux else jacobian

    return jacobian_of


def jacrev(
    f: Function, argnums: Argnums = 0, *, has_aux: bool = False, holomorphic: bool = False
) -> Function:
    """A function that returns the Jacobian of ``f``, row by row in reverse mode.

    J[i, j] = df_i/dx_j, of shape (*output, *input), as `jacfwd` gives it. The cost is that of
    ``f`` times the number of output elements: for functions with few results.

    Errors: TypeError for integer input, and for complex input without ``holomorphic``.

    >>> import numpy as np, xad
    >>> xad.jacrev(lambda x: xad.sum(x * x, keepdims=True))(np.asarray([1.0, 2.0]))
    array([[2., 4.]])

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.2.
    """

    @wraps(f)
    def jacobian_of(*arguments: Any, **keywords: Any) -> Any:
        at = select(arguments, argnums, "jacrev")
        _checked("jacrev", at, holomorphic)

        def moved(x: Any) -> Any:
            return f(*replace(arguments, argnums, x), **keywords)

        value, pullback, *aux = vjp(moved, at, has_aux=has_aux)
        basis, outputs = _basis("jacrev", value, holomorphic, what="output")
        rows = _all_ordinary(vmap(lambda g: pullback(g)[0])(basis), _is_boxed(at))
        parts = [_rows_of(rows, i, outputs, holomorphic) for i in range(len(outputs))]
        jacobian = tree.unflatten(tree.structure(value), parts)
        return (jacobian, *aux) if has_aux else jacobian

    return jacobian_of


def jacobian(
    f: Function, argnums: Argnums = 0, *, has_aux: bool = False, holomorphic: bool = False
) -> Function:
    """A function that returns the Jacobian of ``f``, in the mode that the shapes ask for.

    Reverse mode unless there are more output than input elements, then forward mode. To see how
    many there are, ``f`` is called once more. See `jacfwd`.

    >>> import numpy as np, xad
    >>> xad.jacobian(lambda x: xad.sum(x * x, keepdims=True))(np.asarray([1.0, 2.0]))
    array([[2., 4.]])
    """
    options = {"has_aux": has_aux, "holomorphic": holomorphic}
    forward, reverse = jacfwd(f, argnums, **options), jacrev(f, argnums, **options)

    @wraps(f)
    def jacobian_of(*arguments: Any, **keywords: Any) -> Any:
        at = select(arguments, argnums, "jacobian")
        value = f(*arguments, **keywords)
        outputs = _count(value[0] if has_aux else value)
        return (reverse if outputs <= _count(at) else forward)(*arguments, **keywords)

    return jacobian_of


def hessian(f: Function, argnums: Argnums = 0, *, has_aux: bool = False) -> Function:
    """A function that returns the Hessian of ``f``, the Jacobian of its gradient.

    H[i, j] = d²f/dx_i dx_j, of shape (*input, *input); for a tree a tree of trees. Forward over
    reverse: each column costs about two gradients, and all are computed at once.

    Errors: TypeError for integer input; ValueError if ``f`` does not return one number.

    >>> import numpy as np, xad
    >>> xad.hessian(lambda x: x[0] * x[1] ** 2)(np.asarray([1.0, 2.0]))
    array([[0., 4.],
           [4., 2.]])

    Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.
    """
    return jacfwd(grad(f, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """The product of the Hessian of ``f`` with a vector, without the Hessian.

    ``products = hvp(f, (x1, x2), (v1, v2))``: for each primal the sum over j of H_ij v_j, at the
    cost of a few gradients. ``f`` returns one real number; tangents are as in `jvp`.

    >>> import numpy as np, xad
    >>> xad.hvp(lambda x: x[0] * x[1] ** 2, (np.asarray([1.0, 2.0]),), (np.asarray([1.0, 0.0]),))
    (array([0., 4.]),)

    Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.
    """
    every = tuple(range(len(primals)))
    products: tuple[Any, ...] = jvp(grad(f, every), primals, tangents)[1]
    return products


def gauss_newton_product(
    f: Function, loss: Callable[[Any], Any], primals: Sequence[Any], tangents: Sequence[Any]
) -> tuple[Any, ...]:
    """The product of the Gauss-Newton matrix of ``loss(f(x))`` with a vector.

    G v = Jᵀ H J v, with J the Jacobian of ``f`` and H the Hessian of ``loss``, a function of the
    output of ``f`` (one array, or a tree): the Hessian without the curvature of ``f``, positive
    semi-definite if ``loss`` is convex. Arguments as in `hvp`.

    >>> import numpy as np, xad
    >>> square, loss = lambda x: x * x, lambda y: xad.sum(y * y)
    >>> x, v = np.asarray([3.0]), np.asarray([1.0])
    >>> xad.gauss_newton_product(square, loss, (x,), (v,))
    (array([72.]),)

    Source: Schraudolph, Fast curvature matrix-vector products, 2002.
    """
    outputs, moved = jvp(f, primals, tangents)
    (curved,) = hvp(loss, (outputs,), (moved,))
    _, pullback = vjp(f, *primals)
    products: tuple[Any, ...] = pullback(curved)
    return products


def elementwise_grad(f: Function, argnums: Argnums = 0) -> Function:
    """The derivative of a function that works element by element, at every element.

    The gradient of sum(f(x)): df/dx of each element, of the shape of the argument, as long as each
    element of the output depends on that element of the input alone, which is not checked.

    >>> import numpy as np, xad
    >>> xad.elementwise_grad(lambda x: x**3)(np.asarray([1.0, 2.0]))
    array([ 3., 12.])
    """

    @wraps(f)
    def summed(*arguments: Any, **keywords: Any) -> Any:
        out = operand("elementwise_grad", f(*arguments, **keywords))
        return namespace_of(out).sum(out, dtype=out.dtype)

    return grad(summed, argnums)


def _checked(name: str, given: Any, holomorphic: bool, what: str = "input") -> list[Any]:
    """The leaves, if they can be differentiated by."""
    # Numbers come back as tensors.
    leaves = [
        box(operand(name, x)) if type(x) in SCALARS else operand(name, x)
        for x in tree.leaves(given)
    ]
    for x in leaves:
        if not is_inexact(x):
            raise NotDifferentiableError(
                f"xad.{name}: expected floating arrays as {what}, got {x.dtype}; cast it with "
                "xad.astype, or leave it out of argnums"
            )
        if is_complex(x.dtype, x) and not holomorphic:
            raise NotDifferentiableError(
                f"xad.{name}: expected real {what}, got {x.dtype}; pass holomorphic=True if f is, "
                "or differentiate by the real and the imaginary part"
            )
    return leaves


def _basis(
    name: str, like: Any, holomorphic: bool, what: str = "input"
) -> tuple[Any, list[tuple[int, ...]]]:
    """A tree of all unit vectors, along a new first axis; and the shapes of its leaves."""
    leaves = _checked(name, like, holomorphic, what)
    shapes = [tuple(x.shape) for x in leaves]
    total = sum(map(math.prod, shapes))
    if not leaves:
        raise ShapeError(f"xad.{name}: expected at least one array as {what}, got none")
    parts: list[Any] = []
    start = 0
    if len(leaves) == 1 and total and getattr(leaves[0], "level", BASE_LEVEL) == BASE_LEVEL:
        parts = [Units(innermost(leaves[0]), shapes[0])]
        return tree.unflatten(tree.structure(like), parts), shapes
    for x, shape in zip(leaves, shapes, strict=True):
        inner = innermost(x)
        adapter = adapter_of(inner)
        size = math.prod(shape)
        unit = adapter.namespace.eye(
            total, size, k=-start, dtype=inner.dtype, device=adapter.device_of(inner)
        )
        unit = adapter.namespace.reshape(unit, (total, *shape))
        parts.append(box(unit) if isinstance(x, Wrapper) else unit)
        start += size
    return tree.unflatten(tree.structure(like), parts), shapes


def _cut(y: Any, shapes: list[tuple[int, ...]], like: Any) -> Any:
    """A tree like ``like`` from an array whose last axis runs over all of its elements."""
    xp = namespace_of(y)
    parts = []
    start = 0
    for shape in shapes:
        stop = start + math.prod(shape)
        parts.append(xp.reshape(y[..., start:stop], (*y.shape[:-1], *shape)))
        start = stop
    return tree.unflatten(tree.structure(like), parts)


def _rows_of(rows: Any, index: int, outputs: list[tuple[int, ...]], holomorphic: bool) -> Any:
    """The rows that belong to one of the outputs, each a tree like the input."""
    start = sum(map(math.prod, outputs[:index]))
    stop = start + math.prod(outputs[index])

    def part(x: Any) -> Any:
        xp = namespace_of(x)
        out = xp.reshape(x[start:stop, ...], (*outputs[index], *x.shape[1:]))
        return xp.conj(out) if holomorphic else out

    return tree.map(part, rows)


def _is_boxed(given: Any) -> bool:
    """Whether tensors or numbers were given, so that tensors go back."""
    return any(isinstance(x, Wrapper) or type(x) in SCALARS for x in tree.leaves(given))


def _ordinary(x: Any, boxed: bool) -> Any:
    """A result without the structure of the basis, in the user's type."""
    x = dense(x)
    return box(x) if boxed else settled(x)


def _all_ordinary(results: Any, boxed: bool) -> Any:
    return tree.map(lambda x: _ordinary(x, boxed) if hasattr(x, "dtype") else x, results)


def _count(given: Any) -> int:
    return sum(math.prod(tuple(getattr(x, "shape", ()))) for x in tree.leaves(given))
