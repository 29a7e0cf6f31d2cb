"""The standard's linear algebra extension, as far as it is there: products of matrices."""

from __future__ import annotations

from xad.ops.linear_algebra import matmul, matrix_transpose, outer, tensordot, vecdot

__all__ = ["matmul", "matrix_transpose", "outer", "tensordot", "vecdot"]
