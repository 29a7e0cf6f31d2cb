"""What SciPy's optimisers ask for: value, gradient, Hessian and its products, as NumPy vectors.

SciPy works on one float64 vector on the host. `Objective` and `Equations` take a function of trees
of arrays, of any library on any device, and give the callbacks; SciPy itself is not needed here.

>>> import numpy as np, xad
>>> from xad.optimize import Objective
>>> def bowl(p):
...     return xad.sum((p["a"] - 1.0) ** 2) + p["b"] ** 2
>>> objective = Objective(bowl, {"a": np.zeros(2), "b": np.asarray(3.0)})
>>> from scipy.optimize import minimize
>>> found = minimize(objective.value_and_gradient, objective.x0, jac=True)
>>> objective.tree(found.x)["a"].round(6)
array([1., 1.])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import xad
from xad import tree
from xad.backend import adapter_of
from xad.errors import NotDifferentiableError, ShapeError

__all__ = ["Equations", "Objective"]

Vector = npt.NDArray[np.float64]


class _Flat:
    """A function of a tree of arrays as a function of one vector on the host."""

    def __init__(self, name: str, f: Callable[..., Any], start: Any) -> None:
        self.f = f
        leaves, self.structure = tree.flatten(start)
        if not leaves:
            raise ShapeError(f"xad.optimize.{name}: expected at least one array to start from")
        tensors = [xad.asarray(x) for x in leaves]
        for x in tensors:
            if not xad.isdtype(x.value.dtype, "real floating"):
                raise NotDifferentiableError(
                    f"xad.optimize.{name}: expected real floating arrays to start from, got "
                    f"{x.dtype}; cast them with xad.astype"
                )
        self._like = [(x.shape, x.value.dtype, x.device) for x in tensors]
        self._adapters = [adapter_of(x.value) for x in tensors]
        self._boxed = [isinstance(x, xad.Tensor) for x in leaves]
        #: Where to start, as SciPy takes it.
        self.x0: Vector = self._vector(tensors)

    def tree(self, x: Vector) -> Any:
        """The vector in the form of the start: its structure, dtypes, library and devices."""
        parts = []
        begin = 0
        for (shape, dtype, device), adapter, boxed in zip(
            self._like, self._adapters, self._boxed, strict=True
        ):
            end = begin + math.prod(shape)
            host = np.array(x[begin:end], copy=True).reshape(shape)
            array = adapter.namespace.astype(adapter.from_host(host, device), dtype)
            parts.append(xad.asarray(array) if boxed else array)
            begin = end
        if begin != len(x):
            raise ShapeError(f"xad.optimize: expected a vector of length {begin}, got {len(x)}")
        return tree.unflatten(self.structure, parts)

    @staticmethod
    def _vector(leaves: list[Any]) -> Vector:
        hosts = [xad.asarray(x).detach().numpy() for x in leaves]
        return np.concatenate([np.asarray(x, dtype=np.float64).reshape(-1) for x in hosts])


class Objective(_Flat):
    """A function to be minimised, from a tree of arrays to one real number.

    ``f(tree)``, and ``start``, the tree to begin at. ``objective.x0`` is the start as a vector,
    ``objective(x)`` the value, ``objective.value_and_gradient(x)`` what ``jac=True`` expects,
    ``objective.gradient``, ``objective.hessian`` and ``objective.hessian_product(x, v)`` what
    ``jac``, ``hess`` and ``hessp`` do. ``objective.tree(x)`` is a vector as a tree again.

    Errors: TypeError for a start of integers; ShapeError (a ValueError) if ``f`` does not return
    one number.

    >>> import numpy as np, xad
    >>> objective = xad.optimize.Objective(lambda x: xad.sum(x**4), np.asarray([1.0, 2.0]))
    >>> objective.hessian_product(objective.x0, np.asarray([1.0, 0.0])).tolist()
    [12.0, 0.0]

    Source: SciPy, ``scipy.optimize.minimize``.
    """

    def __init__(self, f: Callable[..., Any], start: Any) -> None:
        super().__init__("Objective", f, start)
        self._value_and_grad = xad.value_and_grad(f)
        self._hessian = xad.hessian(f)

    def __call__(self, x: Vector) -> float:
        """The value."""
        return float(xad.stop_gradient(self.f(self.tree(x))))

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """The value and the gradient."""
        value, gradient = self._value_and_grad(self.tree(x))
        return float(value), self._vector(tree.leaves(gradient))

    def gradient(self, x: Vector) -> Vector:
        """The gradient."""
        return self.value_and_gradient(x)[1]

    def hessian_product(self, x: Vector, v: Vector) -> Vector:
        """The Hessian times a vector, at the cost of a few gradients."""
        (product,) = xad.hvp(self.f, (self.tree(x),), (self.tree(v),))
        return self._vector(tree.leaves(product))

    def hessian(self, x: Vector) -> npt.NDArray[np.float64]:
        """The Hessian matrix."""
        return _matrix(self._hessian(self.tree(x)), [shape for shape, _, _ in self._like])


class Equations(_Flat):
    """A system of equations, from a tree of arrays to a tree of residuals.

    ``equations(x)`` is the vector of residuals, ``equations.jacobian(x)`` their Jacobian, as
    ``scipy.optimize.root`` and ``least_squares`` ask for.

    Errors: TypeError for a start of integers.

    >>> import numpy as np, xad
    >>> from scipy.optimize import root
    >>> equations = xad.optimize.Equations(lambda x: x * x - 4.0, np.asarray([1.0]))
    >>> root(equations, equations.x0, jac=equations.jacobian).x.round(6).tolist()
    [2.0]

    Source: SciPy, ``scipy.optimize.root``.
    """

    def __init__(self, f: Callable[..., Any], start: Any) -> None:
        super().__init__("Equations", f, start)
        self._jacobian = xad.jacobian(f)

    def __call__(self, x: Vector) -> Vector:
        """The residuals."""
        return self._vector(tree.leaves(self.f(self.tree(x))))

    def jacobian(self, x: Vector) -> npt.NDArray[np.float64]:
        """The matrix of the derivatives of all residuals by all unknowns."""
        return _matrix(self._jacobian(self.tree(x)), [shape for shape, _, _ in self._like])


def _matrix(blocks: Any, columns: list[tuple[int, ...]]) -> npt.NDArray[np.float64]:
    """One matrix of a tree of trees of blocks, each of shape (*output, *input)."""
    found = tree.leaves(blocks)
    width = len(columns)
    sizes = [math.prod(shape) for shape in columns]
    lines = []
    for start in range(0, len(found), width):
        parts = [
            np.asarray(xad.asarray(block).detach().numpy(), dtype=np.float64).reshape(-1, size)
            for block, size in zip(found[start : start + width], sizes, strict=True)
        ]
        lines.append(np.concatenate(parts, axis=1))
    return np.concatenate(lines, axis=0)
