"""Linear algebra over Dask: NumPy's, on each matrix of a stack as a whole.

Dask's own takes single matrices only, and leaves out much. Blocks along the stack stay blocks; a
matrix that lies in several is put together first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["linalg_over"]

# What each makes of (m, n) or (n, n) matrices, as signatures of generalised ufuncs; k = min(m, n).
_SIGNATURES = {
    "cholesky": "(n,n)->(n,n)",
    "det": "(n,n)->()",
    "eigh": "(n,n)->(n),(n,n)",
    "eigvalsh": "(n,n)->(n)",
    "inv": "(n,n)->(n,n)",
    "slogdet": "(n,n)->(),()",
    "svdvals": "(m,n)->(k)",
}


def linalg_over(array: Any) -> dict[str, Callable[..., Any]]:
    """The functions by name; ``array`` is the module ``dask.array``."""
    numpy = import_module("array_api_compat.numpy.linalg")

    def over(name: str, signature: str, *arrays: Any, **keywords: Any) -> Any:
        function = partial(getattr(numpy, name), **keywords)
        example = function(*[np.eye(1, dtype=x.dtype) for x in arrays])
        several = isinstance(example, tuple)
        if any(0 in x.shape for x in arrays):
            # Dask cannot cut up nothing; but then there is nothing to wait for.
            first, *others = arrays
            matrix = np.eye(*first.shape[-2:], dtype=first.dtype)
            ready = function(
                np.broadcast_to(matrix, first.shape),
                *[np.zeros(x.shape, dtype=x.dtype) for x in others],
            )
            found = [array.from_array(part) for part in (ready if several else (ready,))]
            return tuple(found) if several else found[0]
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

    def qr(x: Any, /, *, mode: str = "reduced") -> Any:
        sizes = "(m,k),(k,n)" if mode == "reduced" else "(m,m),(m,n)"
        return over("qr", f"(m,n)->{sizes}", x, mode=mode)

    def solve(x1: Any, x2: Any, /) -> Any:
        columns = "n" if x2.ndim == 1 else "n,p"
        return over("solve", f"(n,n),({columns})->({columns})", x1, x2)

    def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
        sizes = "(m,m),(k),(n,n)" if full_matrices else "(m,k),(k),(k,n)"
        return over("svd", f"(m,n)->{sizes}", x, full_matrices=full_matrices)

    simple = {name: partial(over, name, signature) for name, signature in _SIGNATURES.items()}
    return {**simple, "qr": qr, "solve": solve, "svd": svd}
