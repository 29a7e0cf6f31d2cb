"""Check an operation of one's own as xad checks its own: values, derivatives, batches, programs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from xad.errors import BackendError, SlowLoopWarning
from xad.testing.backends import Place, selected_place
from xad.testing.calls import (
    DOUBLE,
    KINDS,
    Call,
    arrays_of,
    assert_same,
    calls,
    inner,
    random_like,
    several_seeds,
    subsets,
)
from xad.testing.coverage import CHECKS, applies
from xad.testing.gradients import check_grads
from xad.testing.opinfo import OpInfo
from xad.transforms.forward import jvp
from xad.transforms.program import make_program
from xad.transforms.reverse import vjp
from xad.transforms.vectorize import vmap

__all__ = ["check_operation"]

_BATCH = 3
_EVERY_SAMPLE = 1000


def check_operation(info: OpInfo, place: Place | None = None) -> None:
    """Raise unless an operation is right in every way in which xad's own are, at a place.

    ``info`` says what the operation is: its ``function``, samples, a reference in NumPy, and what
    it can be differentiated by. Checked are

    - values, against the reference, for each kind of numbers;
    - both modes of derivatives to second order, each over each, against central differences, and
      that the two are adjoint: <g, J t> = <conj(J)^T g, t>;
    - that derivatives have the shape, the data type and the device of what they belong to;
    - `xad.vmap`, over any of its operands, of the operation, of its gradient and its pushforward,
      and the gradient of what is mapped, against a loop;
    - `xad.make_program` of it and of its gradient, replayed on other values.

    ``place``: a library and a device, by default the selected ones. A library that lacks what the
    operation computes with is no error: BackendError is raised, for tests to skip.

    Errors: AssertionError that names the check, the call, and what was expected and got.

    >>> import numpy as np
    >>> from xad import extend, testing
    >>> @extend.elementwise(lambda x: 3 * x**2)
    ... def cube(xp, x):
    ...     return x * x * x
    >>> samples = testing.unary_samples(-1.0, 1.0)
    >>> info = testing.OpInfo("cube", samples, lambda x: x**3, "fc", "fc", function=cube)
    >>> testing.check_operation(info)
    """
    here = selected_place() if place is None else place
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", SlowLoopWarning)
        for name, check in (*CHECKS.items(), *MORE.items()):
            known = name in CHECKS and name != "batch"
            if not applies(name if known else "batch", info):
                continue
            if name in DERIVATIVES and not info.differentiable:
                continue
            if name in SECOND and not info.second_order:
                continue
            try:
                check(info, here, _EVERY_SAMPLE)
            except (AssertionError, BackendError) as error:
                error.add_note(f"in the check {name!r} of {info.name} on {here}")
                raise
            except Exception as error:
                raise AssertionError(f"{info.name} on {here}: the check {name!r} raised") from error


def _moving(info: OpInfo, place: Place, kind: str) -> Iterator[Call]:
    """The calls with something to differentiate in them."""
    for call in calls(info, place, DOUBLE[kind]):
        if call.moving and call.of_outputs(call.operands):
            yield call


def _few(found: Iterable[Call]) -> list[Call]:
    """The first call of each set of keywords and ranks, without empty operands."""
    chosen: dict[Any, Call] = {}
    for call in found:
        if all(x.size for x in call.hosts):
            key = (tuple(sorted(call.sample.keywords)), tuple(x.ndim for x in call.hosts))
            chosen.setdefault(key, call)
    return list(chosen.values())


def _check_kept(info: OpInfo, place: Place, samples: int) -> None:
    """Derivatives are like what they belong to, and the two modes are adjoint."""
    random = np.random.default_rng(0)
    bound = 1e-9 if place.precision == "float64" else 2e-3
    for call in (call for kind in info.differentiable for call in _moving(info, place, kind)):
        f, operands = call.of_moving()
        tangents = tuple(random_like(x, place, random) for x in operands)
        outputs, pushed = jvp(f, tuple(operands), tangents)
        cotangents = tuple(random_like(y, place, random) for y in outputs)
        pulled = vjp(f, *operands)[1](cotangents)
        for got, like in [*zip(pulled, operands, strict=True), *zip(pushed, outputs, strict=True)]:
            found = tuple(got.shape), got.dtype, place.adapter.device_of(got)
            wanted = tuple(like.shape), like.dtype, place.device
            if found != wanted:
                raise AssertionError(f"{call!r}: expected a derivative like {wanted}, got {found}")
        left = inner(map(place.to_host, cotangents), map(place.to_host, pushed))
        right = inner(map(place.to_host, pulled), map(place.to_host, tangents))
        np.testing.assert_allclose(left, right, rtol=bound, atol=bound, err_msg=repr(call))


def _pulled(call: Call) -> Callable[..., Any]:
    f, _ = call.of_moving()
    return lambda operands, cotangents: tuple(vjp(f, *operands)[1](tuple(cotangents)))


def _pushed(call: Call) -> Callable[..., Any]:
    f, _ = call.of_moving()
    return lambda operands, tangents: jvp(f, tuple(operands), tuple(tangents))[1]


def _seeds(derivative: Any, call: Call, place: Place, random: np.random.Generator) -> Any:
    f, operands = call.of_moving()
    likes = f(*operands) if derivative is _pulled else operands
    return tuple(random_like(x, place, random) for x in likes)


def _check_nested(info: OpInfo, place: Place, samples: int) -> None:
    """Each mode over each, by the operands and by what the inner derivative is taken along."""
    bound = 10 * info.tolerance
    wide = place.precision == "float64"
    limits = {"atol": bound, "rtol": bound} if wide else {"atol": 2e-2, "rtol": 1e-1}
    random = np.random.default_rng(0)
    for kind in info.differentiable:
        for call in _few(_moving(info, place, kind)):
            operands = tuple(call.of_moving()[1])
            for derivative in (_pulled, _pushed):
                arguments = (operands, _seeds(derivative, call, place, random))
                check_grads(derivative(call), arguments, 1, ("fwd", "rev"), **limits)


def _stacked(place: Place, rows: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Columns with a batch axis, of rows of arrays."""
    return tuple(
        place.array(np.stack([place.to_host(x) for x in column]))
        for column in zip(*rows, strict=True)
    )


def _check_any_batch(info: OpInfo, place: Place, samples: int) -> None:
    """vmap over every set of operands."""
    for row in several_seeds(info, place, KINDS[info.kinds[0]][0], _BATCH):
        first = row[0]
        for chosen in subsets(range(len(first.operands))):
            axes = tuple(0 if i in chosen else None for i in range(len(first.operands)))
            stacks = _stacked(place, [call.operands for call in row])
            given = [stacks[i] if i in chosen else x for i, x in enumerate(first.operands)]
            got = vmap(first.outputs, axes)(*given)
            singles = [
                first.outputs(
                    *[call.operands[i] if i in chosen else x for i, x in enumerate(first.operands)]
                )
                for call in row
            ]
            expected = _stacked(place, singles)
            assert_same(got, expected, 10 * place.tolerance, (first, axes))


def _check_batched_derivatives(info: OpInfo, place: Place, samples: int) -> None:
    """vmap of derivatives, and derivatives of what is mapped."""
    random = np.random.default_rng(0)
    for row in several_seeds(info, place, DOUBLE[info.differentiable[0]], _BATCH):
        first = row[0]
        if not (first.moving and first.of_outputs(first.operands)):
            continue
        f, _ = first.of_moving()
        points = [tuple(call.of_moving()[1]) for call in row]
        whole = _stacked(place, points)
        found = {}
        for derivative in (_pulled, _pushed):
            seeds = [_seeds(derivative, first, place, random) for _ in row]
            along = _stacked(place, seeds)
            got = vmap(derivative(first))(whole, along)
            singles = [derivative(first)(*each) for each in zip(points, seeds, strict=True)]
            expected = _stacked(place, singles)
            assert_same(got, expected, 10 * place.tolerance, (first, derivative.__name__))
            found[derivative] = along, expected
        along, expected = found[_pulled]
        got = vjp(vmap(f), *whole)[1](along)
        assert_same(got, expected, 10 * place.tolerance, (first, "vjp of vmap"))
        along, expected = found[_pushed]
        got = jvp(vmap(f), whole, along)[1]
        assert_same(got, expected, 10 * place.tolerance, (first, "jvp of vmap"))


def _check_programs(info: OpInfo, place: Place, samples: int) -> None:
    """Recorded programs of the operation and of its gradient hold for other values."""
    kinds = [KINDS[info.kinds[0]][0], *[DOUBLE[kind] for kind in info.differentiable[:1]]]
    for dtype in dict.fromkeys(kinds):
        for row in several_seeds(info, place, dtype, 2):
            first, other = row
            if not first.operands:
                continue
            program = make_program(first.outputs)(*first.operands)
            expected = first.outputs(*other.operands)
            assert_same(arrays_of(program(*other.operands)), expected, place.tolerance, first)
            if not (info.differentiable and first.moving and first.of_outputs(first.operands)):
                continue
            seeds = _seeds(_pulled, first, place, np.random.default_rng(0))
            point, elsewhere = (tuple(call.of_moving()[1]) for call in row)
            backwards = make_program(_pulled(first))(point, seeds)
            wanted = _pulled(first)(elsewhere, seeds)
            assert_same(backwards(elsewhere, seeds), wanted, 10 * place.tolerance, first)


MORE: dict[str, Callable[[OpInfo, Place, int], None]] = {
    "adjoint": _check_kept,
    "nested": _check_nested,
    "any batch": _check_any_batch,
    "batched derivatives": _check_batched_derivatives,
    "programs": _check_programs,
}
DERIVATIVES = {"adjoint", "nested", "batched derivatives"}
SECOND = {"nested"}
