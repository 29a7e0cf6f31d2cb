"""The standard's linear algebra extension."""

from __future__ import annotations

from xad.ops.linalg_decompositions import cholesky, qr, svd
from xad.ops.linalg_determinants import det, slogdet
from xad.ops.linalg_norms import matrix_norm, vector_norm
from xad.ops.linalg_products import cross, diagonal, matrix_power, outer, trace
from xad.ops.linalg_pseudoinverse import matrix_rank, pinv
from xad.ops.linalg_solving import inv, solve
from xad.ops.linalg_spectra import eig, eigh, eigvals, eigvalsh, svdvals
from xad.ops.linear_algebra import matmul, matrix_transpose, tensordot, vecdot

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
