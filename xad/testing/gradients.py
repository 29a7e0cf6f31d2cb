"""Check derivatives against central differences, in reverse and forward mode, to any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xad import Tensor, tree
from xad.backend import adapter_of
from xad.core.wrapper import innermost
from xad.testing.backends import HostArray, to_host
from xad.transforms.forward import jvp
from xad.transforms.reverse import vjp

__all__ = ["check_grads"]

Leaves = list[Any]
Function = Callable[[Leaves], Leaves]


@dataclass(frozen=True)
class _Limits:
    """The step of the differences, and what may lie between them and a derivative."""

    eps: float
    atol: float
    rtol: float


FINE = _Limits(eps=1e-6, atol=1e-5, rtol=1e-5)
COARSE = _Limits(eps=5e-3, atol=2e-3, rtol=2e-3)


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
) -> None:
    """Raise unless the derivatives of ``f`` at ``args`` agree with central differences.

        forward: J t              against (f(x + eps t) - f(x - eps t)) / 2 eps
        reverse: <conj(J)^T g, t> against <g, the same difference>

    with random directions t for one input at a time and random g. ``f`` takes trees of floating
    arrays or tensors of any library (others in them stay constant) and returns such a tree. For
    order 2 and above the derivatives along t and g are checked in the same way, so that order 2
    covers each mode over each. Complex inputs are moved along the real and the imaginary axis;
    their gradient is dL/dRe + i dL/dIm. Shapes and data types are checked too.

    eps, atol, rtol: by default 1e-6, 1e-5, 1e-5; and 5e-3, 2e-3, 2e-3 where anything is narrower
    than float64. Errors: AssertionError that says which input, mode and order is wrong, what was
    expected and got; TypeError where there is nothing to differentiate.

    >>> import numpy as np, xad.testing
    >>> xad.testing.check_grads(lambda x: xad.sin(x) * x, (np.asarray([0.5, 2.0]),), order=3)

    Source: Griewank and Walther, Evaluating Derivatives, 2008, section 3.3 (the inner products).
    """
    _refuse_misuse(args, order, modes)
    function, leaves, names = _over_leaves(f, tuple(args))
    values = [*leaves, *function(leaves)]
    usual = FINE if all(_is_double(x) for x in values) else COARSE
    limits = _Limits(
        usual.eps if eps is None else eps,
        usual.atol if atol is None else atol,
        usual.rtol if rtol is None else rtol,
    )
    check = _Check(names, tuple(modes), limits, np.random.default_rng(0))
    check.run(function, leaves, order, ())


def _refuse_misuse(args: Any, order: int, modes: Sequence[str]) -> None:
    if set(modes) - {"rev", "fwd"} or order < 1:
        raise ValueError(
            "check_grads: expected modes among 'rev' and 'fwd' and an order from 1, got "
            f"{tuple(modes)} and {order}"
        )
    if not isinstance(args, (tuple, list)):
        raise TypeError(
            "check_grads: expected the arguments of f in a tuple, got "
            f"{type(args).__name__}; write (x,) for one"
        )


@dataclass
class _Check:
    """What stays the same while the order falls."""

    names: list[str]
    modes: tuple[str, ...]
    limits: _Limits
    random: np.random.Generator

    def run(self, f: Function, leaves: Leaves, order: int, done: tuple[str, ...]) -> None:
        """Check the derivatives of ``f``, then those of its derivatives."""
        steps = {"rev": self._reverse, "fwd": self._forward}
        for mode in self.modes:
            derived = steps[mode](f, leaves, (mode, *done))
            if order > 1:
                self.run(derived, leaves, order - 1, (mode, *done))

    def _reverse(self, f: Function, leaves: Leaves, modes: tuple[str, ...]) -> Function:
        cotangents = [self._direction(y) for y in f(leaves)]

        def derived(at: Leaves) -> Leaves:
            return list(vjp(f, at)[1](cotangents)[0])

        gradients = derived(leaves)
        for i, (name, x, gradient) in enumerate(zip(self.names, leaves, gradients, strict=True)):
            self._same_kind(gradient, x, f"{_words(modes)} by {name}")
            for t in self._directions(x):
                difference = self._difference(f, leaves, i, t)
                expected = sum(map(_inner, cotangents, difference))
                self._close(_inner(gradient, t), expected, f"{_words(modes)} by {name}")
        return derived

    def _forward(self, f: Function, leaves: Leaves, modes: tuple[str, ...]) -> Function:
        for i, (name, x) in enumerate(zip(self.names, leaves, strict=True)):
            for t in self._directions(x):
                tangents = [t if j == i else _zero(y) for j, y in enumerate(leaves)]
                values, pushed = jvp(f, (leaves,), (tangents,))
                expected = self._difference(f, leaves, i, t)
                for value, got, wanted in zip(values, pushed, expected, strict=True):
                    self._same_kind(got, value, f"{_words(modes)} by {name}")
                    self._close(to_host(got), wanted, f"{_words(modes)} by {name}")
        along = [self._direction(x) for x in leaves]
        return lambda at: list(jvp(f, (at,), (along,))[1])

    def _difference(self, f: Function, leaves: Leaves, i: int, t: Any) -> list[HostArray]:
        """(f(x + eps t) - f(x - eps t)) / 2 eps, moving input ``i`` only."""
        x, direction, eps = to_host(leaves[i]), to_host(t), self.limits.eps

        def moved(step: float) -> list[HostArray]:
            here = _like(x + step * direction, leaves[i])
            return [_wide(y) for y in f([*leaves[:i], here, *leaves[i + 1 :]])]

        pairs = zip(moved(eps), moved(-eps), strict=True)
        return [(ahead - behind) / (2 * eps) for ahead, behind in pairs]

    def _direction(self, x: Any) -> Any:
        """Random values like those of ``x``; complex ones have both parts."""
        values = self.random.uniform(0.5, 1.5, x.shape) * self.random.choice([-1, 1], x.shape)
        if to_host(x).dtype.kind == "c":
            values = values + 1j * self.random.uniform(0.5, 1.5, x.shape)
        return _like(values, x)

    def _directions(self, x: Any) -> list[Any]:
        """One random direction, or one along each axis of the complex plane.

        They are what rounding leaves of them when a step is added to ``x``.
        """
        host, eps = to_host(x), self.limits.eps
        values = self.random.uniform(0.5, 1.5, host.shape)
        made = []
        for factor in (1.0, 1.0j) if host.dtype.kind == "c" else (1.0,):
            step = eps * factor * values
            ahead, behind = (_wide(_like(host + s, x)) for s in (step, -step))
            with np.errstate(invalid="ignore"):  # Infinite inputs do not move at all.
                moved = (ahead - behind) / (2 * eps)
            made.append(_like(np.where(np.isfinite(moved), moved, factor * values), x))
        return made

    def _same_kind(self, got: Any, like: Any, what: str) -> None:
        if (tuple(got.shape), got.dtype) != (tuple(like.shape), like.dtype):
            raise AssertionError(
                f"check_grads: {what}: expected {like.dtype} of shape {tuple(like.shape)}, got "
                f"{got.dtype} of shape {tuple(got.shape)}"
            )

    def _close(self, got: Any, expected: Any, what: str) -> None:
        limits = self.limits
        if not np.allclose(got, expected, limits.rtol, limits.atol):
            error = np.max(np.abs(np.asarray(got) - expected), initial=0.0)
            raise AssertionError(
                f"check_grads: {what}: expected {_show(expected)} (central difference), got "
                f"{_show(got)}; they differ by up to {error:.3g}, allowed is {limits.atol:g} + "
                f"{limits.rtol:g} of the value"
            )


def _over_leaves(
    f: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Function, Leaves, list[str]]:
    """``f`` as a function from the inputs that can move to the outputs that can."""
    found, structure = tree.flatten(args)
    places = tree.paths(args)
    moving = [i for i, x in enumerate(found) if _is_inexact(x)]
    if not moving:
        raise TypeError("check_grads: expected floating arrays among the arguments, got none")

    def function(leaves: Leaves) -> Leaves:
        everything = list(found)
        for i, leaf in zip(moving, leaves, strict=True):
            everything[i] = leaf
        return [y for y in tree.leaves(f(*tree.unflatten(structure, everything))) if _is_inexact(y)]

    # As tensors: f is written for xad's arrays, and is called with plain ones by nobody else.
    leaves = [x if isinstance(x, Tensor) else Tensor(x) for x in (found[i] for i in moving)]
    if not function(leaves):
        raise TypeError("check_grads: expected f to return floating arrays, got none")
    return function, leaves, [f"args{places[i]}" for i in moving]


def _is_inexact(x: Any) -> bool:
    name = str(getattr(x, "dtype", "")).rpartition(".")[2]
    return name.startswith(("float", "complex", "bfloat"))


def _is_double(x: Any) -> bool:
    return str(x.dtype).rpartition(".")[2] in ("float64", "complex128")


def _like(values: Any, x: Any) -> Any:
    """NumPy values as an array of the library, dtype and device of ``x``."""
    inner = innermost(x)
    adapter = adapter_of(inner)
    host = np.asarray(values).astype(to_host(x).dtype)
    made = adapter.from_host(host, adapter.device_of(inner), inner.dtype)
    return Tensor(made)


def _zero(x: Any) -> Any:
    return _like(np.zeros(x.shape), x)


def _wide(x: Any) -> HostArray:
    host = to_host(x)
    return host.astype("complex128" if host.dtype.kind == "c" else "float64")


def _inner(a: Any, b: Any) -> float:
    """The real inner product: the sum of Re(conj(a) b)."""
    wide = b if isinstance(b, np.ndarray) else _wide(b)
    return float(np.sum(np.real(np.conj(_wide(a)) * wide)))


def _words(modes: tuple[str, ...]) -> str:
    return f"derivative of order {len(modes)} ({' over '.join(modes)})"


def _show(values: Any) -> str:
    return np.array2string(np.asarray(values), precision=8, threshold=8)
