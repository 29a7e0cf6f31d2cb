"""Give a cotangent the shape and data type of the array that it belongs to."""

from __future__ import annotations

from typing import Any

from xad.backend.registry import adapter_of
from xad.core.wrapper import Wrapper, innermost
from xad.errors import ShapeError


def namespace_of(*arrays: Any) -> Any:
    """The namespace to compute with on these arrays: a wrapper's if there is one among them."""
    for x in arrays:
        if isinstance(x, Wrapper):
            return x.__array_namespace__()
    kind = type(arrays[0])
    found = _namespaces.get(kind)
    if found is None:
        found = _namespaces[kind] = adapter_of(arrays[0]).namespace
    return found


_namespaces: dict[type, Any] = {}


def as_array(x: Any) -> Any:
    """NumPy computes 0-d results as scalars: make them arrays again."""
    return x if isinstance(x, Wrapper) else adapter_of(x).rewrap(x)


def is_complex(dtype: Any, like: Any) -> bool:
    """Whether ``dtype``, of the library that ``like`` belongs to, is complex."""
    try:
        return _complex[dtype.__class__][dtype]
    except KeyError:
        known = bool(adapter_of(innermost(like)).namespace.isdtype(dtype, "complex floating"))
        return _complex.setdefault(dtype.__class__, {}).setdefault(dtype, known)


# By class first: data types of different libraries may hash alike and refuse to be compared.
_complex: dict[type, dict[Any, bool]] = {}


def conform(cotangent: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Undo broadcasting and promotion: sum over axes that grew, cast, drop an imaginary part."""
    xp = namespace_of(cotangent)
    if cotangent.shape != shape:
        cotangent = _unbroadcast(xp, cotangent, shape)
    if cotangent.dtype != dtype:
        if is_complex(cotangent.dtype, cotangent) and not is_complex(dtype, cotangent):
            cotangent = xp.real(cotangent)
        cotangent = xp.astype(cotangent, dtype)
    return cotangent


def _unbroadcast(xp: Any, cotangent: Any, shape: tuple[int, ...]) -> Any:
    given = cotangent.shape
    added = len(given) - len(shape)
    if added > 0:
        axes = tuple(range(added))
        cotangent = as_array(xp.sum(cotangent, axis=axes, dtype=cotangent.dtype))
    if cotangent.shape == shape:
        return cotangent
    if added >= 0:
        grown = tuple([i for i, n in enumerate(shape) if n == 1 and cotangent.shape[i] != 1])
        summed = xp.sum(cotangent, axis=grown, keepdims=True, dtype=cotangent.dtype)
        if summed.shape == shape:
            return summed
    raise ShapeError(
        f"a reverse rule: expected a cotangent of the operand's shape {tuple(shape)}, or of one "
        f"that it broadcasts to, got {tuple(given)}; see xp.broadcast_to and xp.reshape"
    )


def expand_to(tangent: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Give a tangent the shape and data type of the output that it belongs to."""
    if tangent.shape != shape:
        tangent = namespace_of(tangent).broadcast_to(tangent, shape)
    if tangent.dtype != dtype:
        tangent = namespace_of(tangent).astype(tangent, dtype)
    return tangent
