"""One call of somebody else's function with tracked tensors, and the verdict on its gradient."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

import xad
from xad.core.wrapper import Wrapper
from xad.testing import Place

TOLERANCE = 1e-5
STEP = 1e-6

CLASSES = {
    "agree": "the gradient is that of central differences, to 1e-5",
    "constant": "the answer does not depend on the values nearby, and nothing is tracked",
    "refuse": "an error says what is missing",
    "detached": "an answer that depends on the values, but is not tracked",
    "wrong": "a gradient, or a value, that is not right",
}


@dataclass(frozen=True)
class Case:
    """A call: ``function(*arrays)``, differentiated with respect to the floating ones.

    ``step``: for differences of what is itself found by iteration.
    """

    name: str
    function: Callable[..., Any]
    arrays: tuple[Any, ...]
    step: float = STEP


@dataclass
class Verdict:
    """What a call came to; ``reason`` in words where it is not simply right."""

    name: str
    kind: str
    reason: str = ""
    gradients: list[Any] = field(default_factory=list)


def case(name: str, function: Callable[..., Any], *arrays: Any, step: float = STEP) -> Case:
    """A case over NumPy arrays, given as nested lists."""
    return Case(name, function, tuple(np.asarray(x) for x in arrays), step)


def beside(x: Any, values: Any) -> Any:
    """A constant array of the library that ``x`` is of."""
    return array_namespace(x).asarray(list(values), dtype=x.dtype, device=device(x))


def leaves_of(out: Any) -> Iterator[Any]:
    """The arrays and numbers in tuples, lists and dictionaries."""
    if isinstance(out, dict):
        out = list(out.values())
    if isinstance(out, (tuple, list)):
        for part in out:
            yield from leaves_of(part)
    elif out is not None:
        yield out


def weights(shape: tuple[int, ...], first: float) -> Any:
    """Numbers of no particular pattern, so that no slope cancels another."""
    return np.cos(first + 1.7 * np.arange(int(np.prod(shape)))).reshape(shape)


def plain_loss(function: Callable[..., Any], arrays: tuple[Any, ...]) -> float:
    """A weighted sum of all that the function returns for NumPy arrays."""
    total = 0.0
    for i, out in enumerate(leaves_of(function(*[x.copy() for x in arrays]))):
        y = np.asarray(out)
        if y.dtype.kind in "fc":
            total += float(np.sum(weights(y.shape, i) * y.real))
            total += float(np.sum(weights(y.shape, i + 0.5) * y.imag))
    return total


def differences(function: Callable[..., Any], arrays: tuple[Any, ...], step: float) -> list[Any]:
    """The gradients of `plain_loss` by central differences, for the floating arrays."""
    found = []
    for i, x in enumerate(arrays):
        if x.dtype.kind != "f":
            continue
        gradient = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[place] += sign * step
                ends.append(plain_loss(function, (*arrays[:i], moved, *arrays[i + 1 :])))
            gradient[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found


def tracked_loss(function: Callable[..., Any], arrays: list[Any], seen: list[Any]) -> Any:
    """The same sum in xad. ``seen`` collects the inexact leaves that are arrays of xad or not."""
    total: Any = 0.0
    for i, out in enumerate(leaves_of(function(*arrays))):
        if not isinstance(out, Wrapper):
            y = np.asarray(out)
            if y.dtype.kind in "fc":
                seen.append(out)
                total = total + float(np.sum(weights(y.shape, i) * y.real))
                total = total + float(np.sum(weights(y.shape, i + 0.5) * y.imag))
            continue
        xp = out.__array_namespace__()
        if not xp.isdtype(out.dtype, ("real floating", "complex floating")):
            continue
        seen.append(out)
        parts = [(out, i)]
        if xp.isdtype(out.dtype, "complex floating"):
            parts = [(xp.real(out), i), (xp.imag(out), i + 0.5)]
        for part, first in parts:
            values = weights(part.shape, first).tolist()
            factor = xp.asarray(values, dtype=part.dtype, device=part.device)
            total = total + xp.sum(part * factor)
    return total


def is_tracked(x: Any) -> bool:
    """Whether something flows back through ``x``."""
    return isinstance(x, Wrapper) and (x.level > 0 or getattr(x, "node", None) is not None)


class DetachedError(Exception):
    """No array of xad came back."""


def under_grad(case: Case, here: Place, seen: list[Any]) -> tuple[float, list[Any]]:
    """The value of the sum and the gradients that `xad.value_and_grad` finds, on the host."""
    moving = tuple(i for i, x in enumerate(case.arrays) if x.dtype.kind == "f")

    def loss(*arrays: Any) -> Any:
        total = tracked_loss(case.function, [xad.asarray(x) for x in arrays], seen)
        if not isinstance(total, Wrapper):
            raise DetachedError
        return total

    value, found = xad.value_and_grad(loss, argnums=moving)(*[here.array(x) for x in case.arrays])
    return float(here.to_host(value)), [here.to_host(g) for g in found]


def imperatively(case: Case, here: Place, seen: list[Any]) -> tuple[float, list[Any]]:
    """The same with tensors that require grad, and ``y.gradient``."""
    arrays = [xad.asarray(here.array(x), requires_grad=x.dtype.kind == "f") for x in case.arrays]
    total = tracked_loss(case.function, arrays, seen)
    if not is_tracked(total):
        raise DetachedError
    found = total.gradient([x for x in arrays if x.requires_grad])
    return total.item(), [here.to_host(g) for g in found]


Way = Callable[[Case, Place, list[Any]], tuple[float, list[Any]]]


def judge(case: Case, here: Place, way: Way = under_grad) -> Verdict:
    """Make the call, and compare its gradient with central differences over NumPy."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = differences(case.function, case.arrays, case.step)
        value = plain_loss(case.function, case.arrays)
        seen: list[Any] = []
        try:
            got, gradients = way(case, here, seen)
        except DetachedError:
            return _untracked(case, expected)
        except Exception as error:  # noqa: BLE001 - whatever the code called raises is a refusal
            return Verdict(case.name, "refuse", f"{type(error).__name__}: {first_line(error)}")
    if not any(is_tracked(x) for x in seen):
        return _untracked(case, expected)
    if not np.allclose(got, value, rtol=TOLERANCE, atol=TOLERANCE):
        return Verdict(case.name, "wrong", f"value {got:.6g}, expected {value:.6g}")
    for g, difference in zip(gradients, expected, strict=True):
        if not np.allclose(g, difference, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            lost = any(not is_tracked(x) for x in seen)
            text = f"gradient {g.tolist()}, differences {difference.tolist()}"
            return Verdict(case.name, "detached" if lost else "wrong", text)
    return Verdict(case.name, "agree", "", gradients)


def _untracked(case: Case, expected: list[Any]) -> Verdict:
    if all(np.allclose(difference, 0.0, atol=TOLERANCE) for difference in expected):
        return Verdict(case.name, "constant")
    return Verdict(case.name, "detached", "nothing that came back is tracked")


def first_line(error: Exception) -> str:
    """What an error says, on one line that fits a table."""
    text = (str(error).strip().splitlines() or [""])[0]
    return text if len(text) <= 140 else text[:137] + "..."
