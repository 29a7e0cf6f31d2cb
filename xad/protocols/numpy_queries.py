"""NumPy's questions about arrays: answers that no derivative passes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xad.protocols.numpy_values import as_array

_CONSTANT = """
    allclose argpartition argwhere array2string array_equal array_equiv array_repr array_str
    can_cast common_type diag_indices_from digitize einsum_path flatnonzero isclose iscomplex isin
    isneginf isposinf isreal lexsort linalg.matrix_rank may_share_memory min_scalar_type
    nanargmax nanargmin shares_memory tril_indices_from triu_indices_from
"""
CONSTANT = frozenset(_CONSTANT.split())
"""Functions of piecewise constant answers, which NumPy itself may give about the values."""


def _size(xp: Any, a: Any, axis: Any = None) -> Any:
    if axis is None:
        return a.size
    count = 1
    for i in (axis,) if isinstance(axis, int) else axis:
        count *= a.shape[i]
    return count


def _is_complex(xp: Any, x: Any) -> bool:
    return bool(xp.isdtype(x.dtype, "complex floating"))


def _result_type(xp: Any, operands: Sequence[Any]) -> Any:
    return xp.result_type(*[as_array(xp, x) if isinstance(x, list) else x for x in operands])


ADAPTERS = {
    "iscomplexobj": _is_complex,
    "isrealobj": lambda xp, x: not _is_complex(xp, x),
    "ndim": lambda xp, a: a.ndim,
    "result_type": _result_type,
    "shape": lambda xp, a: a.shape,
    "size": _size,
}
"""What an array's attributes answer, whatever it tracks or hides."""
