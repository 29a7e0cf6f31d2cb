"""Softmax cross-entropy in one piece: every step of training a classifier ends in it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.batching import settled, shifted
from xad.core.boxing import box
from xad.core.primitive import Kernel
from xad.core.rules import General
from xad.core.wrapper import Wrapper, innermost
from xad.errors import DTypeError, IndexingError, ShapeError
from xad.ops.arguments import Array, is_kind, operand
from xad.ops.declare import register
from xad.ops.gathering import index_array
from xad.ops.softmax import (
    in_place,
    largest_number,
    softmax_kernel,
    softmax_primitive,
    softmax_rule,
)

# Public as xad.special.softmax_cross_entropy.
__all__: list[str] = []


def _kernel(adapter: Adapter) -> Kernel:
    xp, exp = adapter.namespace, in_place(adapter, "exp")
    largest = largest_number(xp)

    def compute(logits: Any, labels: Any) -> Any:
        peak = xp.max(logits, axis=-1, keepdims=True)
        below_peak = logits - xp.maximum(peak, -largest(logits.dtype))
        chosen = _chosen(xp, below_peak, labels)
        total = xp.sum(exp(below_peak), axis=-1)
        return xp.log(xp.maximum(total, 1)) - chosen

    return compute


@lru_cache(maxsize=8)
def _counted(adapter: Adapter, name: str, count: int, step: int) -> Any:
    """0, step, 2 step, ...: class numbers, and where the examples begin."""
    device = adapter.parse_device(name)  # CuPy's devices have no hash, names have
    dtype = adapter.default_dtype("indexing", device)
    return adapter.namespace.arange(0, count * step, step, dtype=dtype, device=device)


def _counted_like(x: Any, count: int, step: int = 1) -> Any:
    inner = innermost(x)
    adapter = adapter_of(inner)
    return _counted(adapter, adapter.device_name(adapter.device_of(inner)), count, step)


def _chosen(xp: Any, logits: Any, labels: Any) -> Any:
    """The right class's element of each line."""
    lines, classes = math.prod(labels.shape), logits.shape[-1]
    starts = _counted_like(labels, lines, classes)
    if labels.ndim == 1:
        return xp.take(xp.reshape(logits, (-1,)), xp.add(labels, starts), axis=0)
    flat = xp.add(xp.reshape(labels, (lines,)), starts)
    return xp.reshape(xp.take(xp.reshape(logits, (-1,)), flat, axis=0), labels.shape)


def _slope_kernel(adapter: Adapter) -> Kernel:
    xp, softmax = adapter.namespace, softmax_kernel(adapter)

    def compute(logits: Any, labels: Any) -> Any:
        right = xp.equal(labels[..., None], _counted_like(labels, logits.shape[-1]))
        return softmax(logits, (logits.ndim - 1,)) - xp.astype(right, logits.dtype)

    return compute


# softmax(logits) - one_hot(labels): an operation of its own, whose own slope is that of softmax.
_slope = register(
    General(
        "special.softmax_cross_entropy_slope",
        "logits labels",
        vjp={"logits": lambda xp, g, logits: softmax_rule(g, _softmax_of(logits), _last(g), xp)},
        jvp={"logits": lambda xp, t, logits: softmax_rule(t, _softmax_of(logits), _last(t), xp)},
        batch=shifted(axis=()),
        kernel=_slope_kernel,
    )
)


def _last(x: Any) -> tuple[int, ...]:
    return (x.ndim - 1,)


def _softmax_of(logits: Any) -> Any:
    return softmax_primitive.bind(logits, axis=_last(logits))


def _back(xp: Any, g: Any, logits: Any, labels: Any) -> Any:
    return xp.multiply(_slope.bind(logits, labels), g[..., None])


def _forward(xp: Any, t: Any, logits: Any, labels: Any) -> Any:
    return xp.sum(xp.multiply(_slope.bind(logits, labels), t), axis=-1)


_softmax_cross_entropy = register(
    General(
        "special.softmax_cross_entropy",
        "logits labels",
        vjp={"logits": _back},
        jvp={"logits": _forward},
        batch=shifted(axis=()),
        kernel=_kernel,
    )
)


def softmax_cross_entropy(logits: Array, labels: Array, /) -> Array:
    """-log of the probability that softmax(logits) gives to the right class, for each example.

        y = log Σ exp(logits) - logits[label]        dy/dlogits = softmax(logits) - one_hot(label)

    ``logits``: an array of a real floating-point data type, of shape (..., classes); -inf for what
    is impossible. ``labels``: class numbers, integers of shape (...). Returns an array of that
    shape, of the data type of ``logits``, without overflow for any finite logits.

    Errors: DTypeError (a TypeError) for other data types; ShapeError (a ValueError) if the shapes
    do not fit; ValueError for class numbers out of range, looked at where they lie on the host.

    >>> import numpy as np, xad
    >>> xad.special.softmax_cross_entropy(np.asarray([[1e4, 0.0]]), np.asarray([1])).item()
    10000.0

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.2.2.3.
    """
    name = "special.softmax_cross_entropy"
    logits = operand(name, logits)
    if not is_kind(logits, "real floating"):
        raise DTypeError(
            f"xad.{name}: expected logits of a real floating-point data type, got {logits.dtype}; "
            "cast them with xad.astype"
        )
    try:
        labels = index_array(name, labels, logits)
    except IndexingError:
        raise DTypeError(
            f"xad.{name}: expected labels of an integer data type, got "
            f"{getattr(labels, 'dtype', type(labels).__name__)}; labels are class numbers"
        ) from None
    shape = tuple(logits.shape)
    if not shape or tuple(labels.shape) != shape[:-1]:
        raise ShapeError(
            f"xad.{name}: expected integer labels of shape {shape[:-1]} for logits of shape "
            f"{shape}, got {tuple(labels.shape)}; labels are class numbers"
        )
    _check_range(name, settled(labels), shape[-1])
    return box(_softmax_cross_entropy.bind(logits, labels))


def _check_range(name: str, labels: Any, classes: int) -> None:
    """ValueError if class numbers are out of range; not looked at on a GPU, which would wait."""
    if isinstance(labels, Wrapper) or not math.prod(labels.shape) or not _is_on_host(labels):
        return
    xp = adapter_of(labels).namespace
    low, high = int(xp.min(labels)), int(xp.max(labels))
    if low < 0 or high >= classes:
        raise ValueError(
            f"xad.{name}: expected class numbers from 0 to {classes - 1} for {classes} logits, got "
            f"{low if low < 0 else high}; number the classes from 0, or give the model more outputs"
        )


def _is_on_host(x: Any) -> bool:
    """Whether reading a value neither waits for a device nor computes a lazy array."""
    adapter = adapter_of(x)
    if adapter.name == "torch":
        return adapter.device_name(adapter.device_of(x)) == "cpu"
    return adapter.name in ("numpy", "array_api_strict")
