"""What can be wrong with class numbers."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import xad
from xad.backend import Adapter, adapter_of
from xad.nn.arrays import bottom, is_plain, plain

__all__ = ["check_range", "is_integral", "one_hot"]


def is_integral(x: Any) -> bool:
    """Whether this is an array of integers."""
    array = bottom(x)
    return bool(adapter_of(array).namespace.isdtype(array.dtype, "integral"))


def one_hot(labels: Any, classes: int) -> Any:
    """Which class is the right one: booleans of shape (..., classes)."""
    array = bottom(labels)
    adapter = adapter_of(array)
    numbers = _class_numbers(adapter, adapter.device_of(array), classes)
    labels = plain(labels)
    if is_plain(labels):
        if labels.dtype != numbers.dtype:
            labels = adapter.namespace.astype(labels, numbers.dtype)
        return adapter.namespace.expand_dims(labels, axis=-1) == numbers
    return xad.expand_dims(xad.astype(labels, numbers.dtype), axis=-1) == numbers


@lru_cache(maxsize=8)
def _class_numbers(adapter: Adapter, device: Any, classes: int) -> Any:
    dtype = adapter.default_dtype("indexing", device)
    return adapter.namespace.arange(classes, dtype=dtype, device=device)


def check_range(name: str, labels: Any, classes: int) -> None:
    """ValueError if class numbers are out of range; not looked at on a GPU, which would wait."""
    if not _is_on_host(labels) or not math.prod(labels.shape):
        return
    xp = adapter_of(labels).namespace
    low, high = int(xp.min(labels)), int(xp.max(labels))
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise ValueError(
            f"{name}: expected class numbers from 0 to {classes - 1} for {classes} logits, got "
            f"{wrong}; number the classes from 0, or give the model more outputs"
        )


def _is_on_host(x: Any) -> bool:
    """Whether reading a value neither waits for a device nor computes a lazy array."""
    adapter = adapter_of(x)
    if adapter.name == "torch":
        return adapter.device_name(adapter.device_of(x)) == "cpu"
    return adapter.name in ("numpy", "array_api_strict")
