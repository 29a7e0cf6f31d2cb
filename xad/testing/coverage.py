"""What of an operation works at a place: its checks in short, from the op database.

The tests of xad check much more; this answers the question "may I use it there?" in seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from xad.errors import BackendError
from xad.testing.backends import HostArray, Place
from xad.testing.calls import (
    DOUBLE,
    KINDS,
    Call,
    assert_same,
    calls,
    random_like,
    several_seeds,
)
from xad.testing.gradients import check_grads
from xad.testing.opinfo import OpInfo
from xad.transforms.reverse import vjp
from xad.transforms.vectorize import vmap

__all__ = ["CHECKS", "applies", "coverage"]

Check = Callable[[OpInfo, Place, int], None]

_BATCH = 2


def coverage(info: OpInfo, place: Place, samples: int = 2) -> dict[str, str]:
    """What does not work of an operation at a place: what is missing or wrong, for each check.

    Empty when all is well. The checks are those of `CHECKS` that apply to the operation:
    ``forward`` compares values with the reference, ``vjp``, ``jvp`` and ``second order`` (forward
    over reverse) derivatives with central differences, ``batch`` `xad.vmap` with a loop. Each takes
    so many ``samples`` of each kind of number, the smallest of different keywords and ranks.

    >>> import xad.testing
    >>> from xad.testing.coverage import coverage
    >>> from xad.testing.database import op_database
    >>> coverage(op_database["sin"], xad.testing.place("numpy"))
    {}
    """
    found = {}
    for name, check in CHECKS.items():
        if not applies(name, info):
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                check(info, place, samples)
            except BackendError as error:
                found[name] = f"missing: {_first_sentence(error)}"
            except Exception as error:  # noqa: BLE001
                # Whatever goes wrong belongs into the table.
                found[name] = f"wrong: {type(error).__name__}: {_first_sentence(error)}"
    return found


def _first_sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else "").partition(". ")[0].rstrip(".")


def applies(check: str, info: OpInfo) -> bool:
    """Whether a check has anything to say of an operation."""
    if check == "forward":
        return True
    if check == "batch":
        return not info.data_dependent
    return bool(info.differentiable) and (check != "second order" or info.second_order)


# ---- which samples ------------------------------------------------------------------------------


def _few(found: Iterable[Call], count: int) -> list[Call]:
    """The smallest call for each set of keywords and ranks; without empty operands."""
    full = [call for call in found if all(x.size for x in call.hosts)]
    chosen: dict[Any, Call] = {}
    for call in sorted(full, key=lambda call: sum(x.size for x in call.hosts)):
        ranks = tuple(x.ndim for x in call.hosts)
        chosen.setdefault((tuple(sorted(call.sample.keywords)), ranks), call)
    # Arrays without axes say the least.
    kept = sorted(chosen.values(), key=lambda call: all(x.ndim == 0 for x in call.hosts))
    return kept[:count]


def _moving(info: OpInfo, place: Place, kind: str, count: int) -> Iterator[tuple[Any, list[Any]]]:
    """Functions of operands that can be differentiated, and these operands."""
    narrow = place.precision == "float32"  # Differences of large values would be all rounding.
    found = [
        call
        for call in calls(info, place, DOUBLE[kind])
        if call.moving
        and call.of_outputs(call.operands)
        and not (narrow and any(np.max(np.abs(x), initial=0.0) >= 100 for x in call.hosts))
    ]
    for call in _few(found, count):
        yield call.of_moving()


# ---- the checks ---------------------------------------------------------------------------------


def _check_forward(info: OpInfo, place: Place, samples: int) -> None:
    for kind in info.kinds:
        dtype = place.dtype_name(KINDS[kind][0])
        bound = max(place.tolerance, info.tolerance if info.tolerance > 1e-6 else 0.0)
        for call in _few(calls(info, place, dtype), samples):
            results = call.outputs(*call.operands)
            if info.reference is None:
                continue
            reference = info.as_tested(info.reference)
            expected = _flat(reference(*call.sample.arguments, **call.sample.keywords))
            assert_same(results, expected, bound, call)


def _flat(result: Any) -> list[HostArray]:
    if isinstance(result, (tuple, list)):
        return [x for part in result for x in _flat(part)]
    return [np.asarray(result)]


def _check_derivative(order: int, mode: str) -> Check:
    def check(info: OpInfo, place: Place, samples: int) -> None:
        wide = place.precision == "float64"
        bound = 10 * info.tolerance
        limits = {"atol": bound, "rtol": bound} if wide else {"atol": 2e-2, "rtol": 1e-1}
        for kind in info.differentiable:
            for f, operands in _moving(info, place, kind, 1 if kind == "c" else samples):
                function = f if order == 1 else _gradient(f, operands, place)
                check_grads(function, operands, 1, (mode,), **limits)

    return check


def _gradient(f: Any, operands: list[Any], place: Place) -> Callable[..., Any]:
    """The vjp of ``f`` along fixed cotangents, as a function of its operands."""
    random = np.random.default_rng(0)
    cotangents = tuple(random_like(y, place, random) for y in f(*operands))
    return lambda *leaves: vjp(f, *leaves)[1](cotangents)


def _check_batch(info: OpInfo, place: Place, samples: int) -> None:
    dtype = KINDS[info.kinds[0]][0]
    rows = {id(row[0]): row for row in several_seeds(info, place, dtype, _BATCH) if row[0].operands}
    for call in _few([row[0] for row in rows.values()], samples):
        row = rows[id(call)]
        stacks = [
            place.array(np.stack([each.hosts[i] for each in row])) for i in range(len(call.hosts))
        ]
        mapped = vmap(call.outputs)(*stacks)
        singles = [call.outputs(*each.operands) for each in row]
        columns = zip(*singles, strict=True)
        expected = [np.stack([place.to_host(x) for x in column]) for column in columns]
        assert_same(mapped, expected, 10 * place.tolerance, call)


CHECKS: dict[str, Check] = {
    "forward": _check_forward,
    "vjp": _check_derivative(1, "rev"),
    "jvp": _check_derivative(1, "fwd"),
    "second order": _check_derivative(2, "fwd"),
    "batch": _check_batch,
}
"""Each check by name, the columns of the table: they raise, or return nothing."""
