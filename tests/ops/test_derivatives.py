"""Derivatives of every operation: both modes, both orders, their data types and devices."""

import numpy as np
import pytest
from calls import DOUBLE, assert_same, calls, inner, random_like

import xad
from xad.testing import check_grads
from xad.testing.database import op_database

CASES = [(info, kind) for info in op_database.values() for kind in info.differentiable]
EVERY = pytest.mark.parametrize(
    ("info", "kind"), CASES, ids=[f"{info.name}-{DOUBLE[kind]}" for info, kind in CASES]
)
SECOND = [case for case in CASES if case[0].second_order]
EVERY_SECOND = pytest.mark.parametrize(
    ("info", "kind"), SECOND, ids=[f"{info.name}-{DOUBLE[kind]}" for info, kind in SECOND]
)


def moving_calls(info, here, dtype):
    """The calls with something to differentiate in them; there must be some."""
    found = [
        call for call in calls(info, here, dtype) if call.moving and call.of_outputs(call.operands)
    ]
    assert found, f"no sample of {info.name} has something to differentiate"
    return found


def has_digits(call):
    """Whether differences say anything: those of large values in float32 are all rounding."""
    coarse = call.place.precision == "float32"
    return not coarse or all(np.max(np.abs(x), initial=0.0) < 100 for x in call.hosts)


def limits(info, here):
    if here.precision == "float64":
        return {"atol": 10 * info.tolerance, "rtol": 10 * info.tolerance}
    return {"atol": 2e-2, "rtol": 1e-1}  # Differences of float32 leave one or two digits.


@EVERY
def test_first_derivatives_agree_with_differences(info, kind, here):
    for call in filter(has_digits, moving_calls(info, here, DOUBLE[kind])):
        f, operands = call.of_moving()
        try:
            check_grads(f, operands, order=1, **limits(info, here))
        except AssertionError as error:
            raise AssertionError(f"{call!r}: {error}") from None


@EVERY_SECOND
def test_second_derivatives_agree_with_differences(info, kind, here):
    found = filter(has_digits, moving_calls(info, here, DOUBLE[kind]))
    for call in [c for c in found if all(x.size for x in c.hosts)][:6]:
        f, operands = call.of_moving()
        try:
            check_grads(f, operands, order=2, **limits(info, here))
        except AssertionError as error:
            raise AssertionError(f"{call!r}: {error}") from None


@EVERY
def test_the_two_modes_are_adjoint(info, kind, here):
    random = np.random.default_rng(0)
    for call in moving_calls(info, here, DOUBLE[kind]):
        f, operands = call.of_moving()
        tangents = tuple(random_like(x, here, random) for x in operands)
        outputs, pushed = xad.jvp(f, tuple(operands), tangents)
        cotangents = tuple(random_like(y, here, random) for y in outputs)
        pulled = xad.vjp(f, *operands)[1](cotangents)
        here_and_there = [
            inner(map(here.to_host, cotangents), map(here.to_host, pushed)),
            inner(map(here.to_host, pulled), map(here.to_host, tangents)),
        ]
        bound = 1e-9 if here.precision == "float64" else 2e-3
        np.testing.assert_allclose(*here_and_there, rtol=bound, atol=bound, err_msg=repr(call))


@pytest.mark.parametrize("width", ["single", "double"])
@EVERY
def test_derivatives_keep_shape_and_dtype(info, kind, width, here):
    dtype = {"single": {"f": "float32", "c": "complex64"}, "double": DOUBLE}[width][kind]
    for call in moving_calls(info, here, dtype):
        f, operands = call.of_moving()
        ones = tuple(here.xp.ones_like(x) for x in operands)
        outputs, pushed = xad.jvp(f, tuple(operands), ones)
        pulled = xad.vjp(f, *operands)[1](tuple(here.xp.ones_like(y) for y in outputs))
        for got, like in [
            *zip(pulled, operands, strict=True),
            *zip(pushed, outputs, strict=True),
        ]:
            assert (tuple(got.shape), got.dtype) == (tuple(like.shape), like.dtype), repr(call)


@EVERY
def test_everything_stays_on_its_device(info, kind, strict_device):
    here = strict_device
    for call in moving_calls(info, here, DOUBLE[kind]):
        f, operands = call.of_moving()
        ones = tuple(here.xp.ones_like(x) for x in operands)
        outputs, pushed = xad.jvp(f, tuple(operands), ones)
        pulled = xad.vjp(f, *operands)[1](tuple(here.xp.ones_like(y) for y in outputs))
        for x in (*outputs, *pushed, *pulled):
            assert here.adapter.device_of(x) == here.device, repr(call)


@EVERY
def test_derivatives_do_not_depend_on_memory_layout(info, kind, here):
    for call in moving_calls(info, here, DOUBLE[kind]):
        f, operands = call.of_moving()
        axes = [tuple(reversed(range(x.ndim))) for x in operands]
        moved = [
            here.xp.permute_dims(here.array(here.to_host(x).T), order)
            for x, order in zip(operands, axes, strict=True)
        ]
        outputs, pullback = xad.vjp(f, *operands)
        ones = tuple(here.xp.ones_like(y) for y in outputs)
        assert_same(xad.vjp(f, *moved)[1](ones), pullback(ones), here.tolerance, call)
