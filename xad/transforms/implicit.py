"""Derivatives of what an iteration ends at: a root or a fixed point, by the implicit function."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from xad import tree
from xad.backend.registry import adapter_of
from xad.core.batching import settled
from xad.core.conform import namespace_of
from xad.core.wrapper import innermost
from xad.errors import ShapeError
from xad.ops.arguments import operand
from xad.ops.linalg_solving import solve as solve_equations
from xad.transforms.custom import called
from xad.transforms.forward import jvp
from xad.transforms.inputs import Function
from xad.transforms.reverse import vjp
from xad.transforms.vectorize import vmap

Linear = Callable[[Any], Any]


def custom_root(
    f: Function, solve: Function, linear_solve: Callable[[Linear, Any], Any] | None = None
) -> Function:
    """A solver of f(x, θ) = 0 for x, differentiated through the solution and not the iterations.

    ``solve(*θ)`` finds the root in any way: on plain arrays, so with loops, conditions, NumPy or
    SciPy. Its derivative is that of the implicit function,

        dx/dθ = -(df/dx)⁻¹ df/dθ,

    and asks for the solution of one linear system, in reverse mode of the transposed one.
    ``linear_solve(A, b)`` solves A(x) = b for a linear function A; without it the matrix is built
    and solved, for an x of one array. A fixed point of g is a root of g(x, θ) - x.

    Errors: ShapeError if f(x, θ) is not of the shape of x; TypeError for tracked closures.

    >>> import numpy as np, xad
    >>> root = xad.custom_root(lambda x, a: x * x - a, np.sqrt)
    >>> xad.grad(root)(np.asarray(4.0))
    array(0.25)

    Source: Krantz and Parks, The Implicit Function Theorem, 2003; Blondel et al., Efficient and
    modular implicit differentiation, 2022.
    """
    invert = _solve_densely if linear_solve is None else linear_solve

    def forward(_: Any, parameters: Any, tangents: Any) -> tuple[Any, Any]:
        x = root(*parameters)
        moved = jvp(lambda *p: _residual(f, x, p), tuple(parameters), tuple(tangents))[1]
        found = invert(lambda v: jvp(lambda x: _residual(f, x, parameters), (x,), (v,))[1], moved)
        return x, tree.map(lambda d: -d, found)

    def reverse(_: Any, parameters: Any) -> tuple[Any, Callable[[Any], Any]]:
        x = root(*parameters)

        def pull(g: Any) -> Any:
            _, by_x = vjp(lambda x: _residual(f, x, parameters), x)
            weights = invert(lambda v: by_x(v)[0], g)
            _, by_parameters = vjp(lambda *p: _residual(f, x, p), *parameters)
            return by_parameters(tree.map(lambda w: -w, weights))

        return x, pull

    def plainly(*parameters: Any) -> Any:
        return solve(*tree.map(settled, parameters))

    def root(*parameters: Any) -> Any:
        return called("xad.custom_root", plainly, (), parameters, forward, reverse)

    return update_wrapper(root, solve)


def _residual(f: Function, x: Any, parameters: Any) -> Any:
    out = f(x, *parameters)
    expected, got = ([tuple(a.shape) for a in tree.leaves(t)] for t in (x, out))
    if expected != got:
        raise ShapeError(
            f"xad.custom_root: expected f(x, ...) of the shape of x, {expected}, got {got}; there "
            "must be as many equations as unknowns"
        )
    return out


def _solve_densely(linear: Linear, b: Any) -> Any:
    """The solution of linear(x) = b, by the matrix, whose columns are images of unit vectors."""
    b = operand("custom_root", b)
    shape = tuple(b.shape)
    n = math.prod(shape)
    inner = innermost(b)
    adapter = adapter_of(inner)
    unit = adapter.namespace.eye(n, dtype=inner.dtype, device=adapter.device_of(inner))
    basis = adapter.namespace.reshape(unit, (n, *shape))
    columns = operand("custom_root", vmap(linear)(basis))
    xp = namespace_of(columns, b)
    matrix = xp.permute_dims(xp.reshape(columns, (n, n)), (1, 0))
    found = solve_equations(matrix, xp.reshape(b, (n,)))
    return namespace_of(found).reshape(found, shape)
