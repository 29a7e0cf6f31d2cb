"""Linear algebra over Dask: NumPy's, on each matrix of a stack as a whole.

Dask's own takes single matrices only, and leaves out much. Blocks along the stack stay blocks; a
matrix that lies in several is put together first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["linalg_over"]

Function = Callable[..., Any]

# What each makes of (m, n) or (n, n) matrices, as signatures of generalised ufuncs; k = min(m, n).
_SIGNATURES = {
    "cholesky": "(n,n)->(n,n)",
    "det": "(n,n)->()",
    "eig": "(n,n)->(n),(n,n)",
    "eigh": "(n,n)->(n),(n,n)",
    "eigvals": "(n,n)->(n)",
    "eigvalsh": "(n,n)->(n)",
    "inv": "(n,n)->(n,n)",
    "slogdet": "(n,n)->(),()",
    "svdvals": "(m,n)->(k)",
}
_CORE = re.compile(r"\((.*?)\)")


def linalg_over(array: Any) -> dict[str, Function]:
    """The functions by name; ``array`` is the module ``dask.array``."""
    numpy = import_module("array_api_compat.numpy.linalg")
    over = partial(_over, array)

    def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
        a, b = ([array.take(x, i, axis=axis) for i in range(3)] for x in (x1, x2))
        parts = [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]
        return array.stack(parts, axis=axis).rechunk({axis: -1})

    def pinv(x: Any, /, *, rtol: Any) -> Any:
        return over(np.linalg.pinv, "(m,n),()->(n,m)", x, rtol)

    def qr(x: Any, /, *, mode: str = "reduced") -> Any:
        sizes = "(m,k),(k,n)" if mode == "reduced" else "(m,m),(m,n)"
        return over(numpy.qr, f"(m,n)->{sizes}", x, mode=mode)

    def solve(x1: Any, x2: Any, /) -> Any:
        columns = "n" if x2.ndim == 1 else "n,p"
        return over(numpy.solve, f"(n,n),({columns})->({columns})", x1, x2)

    def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
        sizes = "(m,m),(k),(n,n)" if full_matrices else "(m,k),(k),(k,n)"
        return over(numpy.svd, f"(m,n)->{sizes}", x, full_matrices=full_matrices)

    found: dict[str, Function] = {
        name: partial(over, getattr(numpy, name), signature)
        for name, signature in _SIGNATURES.items()
    }
    return {**found, "cross": cross, "pinv": pinv, "qr": qr, "solve": solve, "svd": svd}


def _over(array: Any, function: Function, signature: str, *arrays: Any, **keywords: Any) -> Any:
    """A function of stacks of NumPy matrices, as one of Dask arrays."""
    function = partial(function, **keywords)
    ranks = [core.count(",") + bool(core) for core in _CORE.findall(signature)]
    example = function(*[np.ones((1,) * n, x.dtype) for n, x in zip(ranks, arrays, strict=False)])
    several = isinstance(example, tuple)
    if any(0 in x.shape for x in arrays):
        # Dask cannot cut up nothing; but then there is nothing to wait for.
        first, *others = arrays
        matrix = np.eye(*first.shape[-2:], dtype=first.dtype)
        ready = function(
            np.broadcast_to(matrix, first.shape),
            *[np.zeros(x.shape, dtype=x.dtype) for x in others],
        )
        parts = [array.from_array(part) for part in (ready if several else (ready,))]
        return tuple(parts) if several else parts[0]
    dtypes = [part.dtype for part in (example if several else (example,))]
    found = array.apply_gufunc(
        function,
        signature,
        *arrays,
        output_dtypes=dtypes if several else dtypes[0],
        output_sizes={"k": min(arrays[0].shape[-2:])} if "k" in signature else None,
        allow_rechunk=True,
    )
    return tuple(found) if several else found
