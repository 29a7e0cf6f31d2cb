"""Softmax cross-entropy in one piece: every step of training a classifier ends in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from xad.backend.adapter import Adapter
from xad.backend.registry import adapter_of
from xad.core.batching import shifted
from xad.core.boxing import box
from xad.core.conform import namespace_of
from xad.core.primitive import Kernel, Params, Primitive
from xad.core.tape import Node
from xad.core.wrapper import innermost
from xad.errors import DTypeError, IndexingError, ShapeError
from xad.ops.arguments import Array, is_kind, operand
from xad.ops.declare import register
from xad.ops.gathering import index_array
from xad.ops.softmax import (
    in_place,
    largest_number,
    softmax_primitive,
    softmax_rule,
)

# Public as xad.special.softmax_cross_entropy.
__all__: list[str] = []


def check_class_numbers(labels: Any, classes: int) -> None:
    """ValueError if class numbers are out of range; not looked at on a GPU, which would wait."""
    if not math.prod(labels.shape):
        return
    adapter = adapter_of(labels)
    if adapter.at_hand(labels) and not adapter.are_below(labels, classes):
        low, high = adapter.lowest_and_highest(labels)
        raise ValueError(
            f"xad.special.softmax_cross_entropy: expected class numbers from 0 to {classes - 1} "
            f"for {classes} logits, got {low if low < 0 else high}; number the classes from 0, or "
            "give the model more outputs"
        )


def _kernel(adapter: Adapter) -> Kernel:
    xp, exp, number = adapter.namespace, in_place(adapter, "exp"), adapter.number
    largest = largest_number(xp)

    def compute(logits: Any, labels: Any, over: tuple[int, ...]) -> tuple[Any, Any]:
        check_class_numbers(labels, logits.shape[-1])
        peak = xp.max(logits, axis=-1, keepdims=True)
        slope = logits - xp.maximum(peak, number(-largest(logits.dtype), peak))
        right = _right(xp, slope, labels)
        chosen = xp.reshape(xp.take(xp.reshape(slope, (-1,)), right, axis=0), labels.shape)
        slope = exp(slope)
        total = xp.sum(slope, axis=-1)
        total = xp.maximum(total, number(1, total))
        loss = xp.log(total) - chosen
        count = math.prod([labels.shape[i] for i in over])
        if over:
            # An average over no example is nan, as that of `xad.mean` is.
            loss = xp.sum(loss, axis=over) / count if count else xp.mean(loss, axis=over)
            total = total * number(count, total)
        slope /= total[..., None]
        return loss, _less_one_hot(slope, labels, right, 1 / max(count, 1))

    def _less_one_hot(slope: Any, labels: Any, right: Any, one: float) -> Any:
        if adapter.name in ("numpy", "cupy"):
            flat = slope.reshape(-1)
            flat[right] -= adapter.number(one, flat)
            return flat.reshape(slope.shape)
        classes = _counted_like(labels, slope.shape[-1])
        return slope - xp.astype(xp.equal(labels[..., None], classes), slope.dtype) * one

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


def _right(xp: Any, logits: Any, labels: Any) -> Any:
    """Where the right class's element of each line stands in the flattened logits."""
    lines, classes = math.prod(labels.shape), logits.shape[-1]
    flat = labels if labels.ndim == 1 else xp.reshape(labels, (lines,))
    return xp.add(flat, _counted_like(labels, lines, classes))


class _CrossEntropy(Primitive):
    """Two outputs: the loss, averaged over some axes of the labels, and its slope.

        loss = mean(log Σ exp(logits) - logits[label])     slope = (softmax - one_hot(label)) / n

    What the loss computes on the way is most of its slope; a rule would compute it again. The
    slope has a slope too, that of softmax / n, which derivatives of second order come through.
    """

    def keep(self, parents: Sequence[Node | None], values: Sequence[Any], out: Any) -> Any:
        """The slope, and the logits for the slope's own."""
        return (out[1], values[0])

    def pullback(self, node: Node, g: Any) -> tuple[Any, None]:
        """slope * g, and the transposed Jacobian of the slope."""
        slope, logits = node.saved
        of_loss, of_slope = g
        share = None
        if of_loss is not None:
            share = _times(slope, of_loss, node.params["over"])
        if of_slope is not None:
            more = _slope_of_slope(logits, of_slope, node.params["over"])
            share = more if share is None else share + more
        return share, None

    def pushforward(
        self, operands: Sequence[Any], out: Any, tangents: Sequence[Any], params: Params
    ) -> tuple[Any, Any]:
        """The inner product of slope and tangent, and the Jacobian of the slope."""
        over: tuple[int, ...] = params["over"]
        t = tangents[0]
        xp = namespace_of(t, out[1])
        along = xp.sum(xp.multiply(out[1], t), axis=(*over, t.ndim - 1))
        return along, _slope_of_slope(operands[0], t, over)


def _times(slope: Any, g: Any, over: tuple[int, ...]) -> Any:
    """The slope times a cotangent of the loss, which lacks the axes averaged over and the last."""
    xp = namespace_of(g, slope)
    if g.shape:
        gone = (*over, slope.ndim - 1)
        g = xp.reshape(g, tuple([1 if i in gone else n for i, n in enumerate(slope.shape)]))
    return xp.multiply(slope, g)


def _slope_of_slope(logits: Any, v: Any, over: tuple[int, ...]) -> Any:
    """The Jacobian of the slope, which is symmetric, times ``v``."""
    xp = namespace_of(v, logits)
    last = (logits.ndim - 1,)
    count = math.prod([logits.shape[i] for i in over])
    return softmax_rule(v, softmax_primitive.bind(logits, axis=last), last, xp) * (
        1 / max(count, 1)
    )


_softmax_cross_entropy = register(
    _CrossEntropy("special.softmax_cross_entropy", batch=shifted(axis=("over",)), kernel=_kernel)
)


def softmax_cross_entropy(logits: Array, labels: Array, /, *, mean: bool = False) -> Array:
    """-log of the probability that softmax(logits) gives to the right class, for each example.

        y = log Σ exp(logits) - logits[label]        dy/dlogits = softmax(logits) - one_hot(label)

    ``logits``: an array of a real floating-point data type, of shape (..., classes); -inf for what
    is impossible. ``labels``: class numbers, integers of shape (...). Returns an array of that
    shape, or with ``mean`` the average over all of it, of the data type of ``logits``, without
    overflow for any finite logits.

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
    over = tuple(range(len(shape) - 1)) if mean else ()
    return box(_softmax_cross_entropy.bind(logits, labels, over=over)[0])
