"""scatter_add: every library against a loop that adds one element at a time."""

from __future__ import annotations

import numpy as np
import pytest

from xad.backend import adapter_named

RNG = np.random.default_rng(7)
DTYPES = ("float32", "float64", "complex64", "complex128", "int64")


def by_hand(shape, key, values):
    """Zeros with values added one by one."""
    out = np.zeros(shape, values.dtype)
    numbers = np.arange(out.size).reshape(shape)[key]
    full = np.broadcast_to(values, numbers.shape)
    for number, value in zip(numbers.ravel(), full.ravel(), strict=True):
        out.reshape(-1)[number] += value
    return out


def i(*values, dtype=np.int64):
    return np.array(values, dtype=dtype)


# Forms that every library takes, strict with its rules on mixing included.
COMMON = [
    ((5,), (i(0, 0, 1),)),
    ((5,), (i(-1, 4, 2, -1),)),
    ((5,), (i(3, 3, 3, 3, 3, 3, 3),)),
    ((5,), (i(),)),
    ((0,), (i(),)),
    ((3, 4), (i(0, 2, 0), i(1, -1, 1))),
    ((3, 4), (i(0, 2, 0), 1)),
    ((3, 4), (-1, i(0, 2, 0))),
    ((3, 4), (i(0, 1).reshape(2, 1), i(1, 3, 1).reshape(1, 3))),
    ((3, 4), (1, slice(None))),
    ((3, 4), (slice(None), slice(0, 4, 2))),
    ((3, 4), (1, -1)),
    ((3, 4), (Ellipsis, 2)),
    ((3, 4), (Ellipsis,)),
    ((3, 4), (None, slice(1, 3), None, 2)),
    ((3, 4), (None, Ellipsis)),
    ((), ()),
    ((), (None,)),
    ((3, 4), (np.arange(12).reshape(3, 4) % 3 == 0,)),
    ((3, 4), (np.zeros((3, 4), bool),)),
    ((5, 3), (np.array([True, False, True, False, True]),)),
]
# Forms that strict refuses.
MIXED = [
    ((5, 3), (i(0, 0, -1),)),
    ((5, 3), (i(0, 0, 4, dtype=np.uint8),)),
    ((5, 3), (i(),)),
    ((0, 3), (i(),)),
    ((5, 3), (i(0, 0, 4), Ellipsis)),
    ((5, 3), (i(0, 0, 4), slice(None))),
    ((5, 3), (slice(None), i(0, 0, -1))),
    ((5, 3), (Ellipsis, i(0, 0, -1))),
    ((5, 3), (slice(1, 3), i(0, 0, 2))),
    ((2, 3, 4), (i(0, 0), slice(None), i(1, 1))),
    ((2, 3, 4), (1, i(2, 2), slice(0, 2))),
    ((2, 3, 4), (None, i(0, 0))),
    ((2, 3, 4), (i(1, 1, -1), i(2, 2, 2))),
    ((300, 2), (i(255, 254, dtype=np.uint8),)),
]


def lift(adapter, key, device=None):
    return tuple(adapter.from_host(k, device) if isinstance(k, np.ndarray) else k for k in key)


def some(shape, dtype):
    values = RNG.normal(size=shape) * 8
    if dtype.startswith("complex"):
        values = values + 1j * RNG.normal(size=shape)
    return values.astype(dtype)


def check(adapter, shape, key, values, device=None):
    got = adapter.scatter_add(shape, lift(adapter, key, device), adapter.from_host(values, device))
    if device is not None:
        assert adapter.device_of(got) == device
    host = adapter.host_copy(got)
    assert host.shape == shape
    assert host.dtype == values.dtype
    digits = 1e-5 if host.dtype.name in ("float32", "complex64") else 1e-12
    np.testing.assert_allclose(host, by_hand(shape, key, values), rtol=digits, atol=digits)


@pytest.mark.parametrize(("shape", "key"), COMMON)
def test_common_keys(adapter, shape, key):
    indexed = np.zeros(shape)[key].shape
    check(adapter, shape, key, some(indexed, "float32"))
    check(adapter, shape, key, some((), "float32"))


@pytest.mark.parametrize(("shape", "key"), MIXED)
def test_mixed_keys(adapter, shape, key):
    if adapter.name == "array_api_strict":
        with pytest.raises(IndexError):
            adapter.scatter_add(shape, lift(adapter, key), adapter.from_host(some((), "float64")))
        return
    indexed = np.zeros(shape)[key].shape
    check(adapter, shape, key, some(indexed, "float32"))
    check(adapter, shape, key, some((), "float32"))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["numpy", "array_api_strict", "torch"])
def test_dtypes(name, dtype, request):
    adapter = request.getfixturevalue("torch_adapter") if name == "torch" else None
    if adapter is None:
        adapter = adapter_named(name)
    check(adapter, (4, 3), (i(0, 3, 0, -1), i(1, 1, 1, 1)), some((4,), dtype))
    check(adapter, (4, 3), (2, slice(None)), some((3,), dtype))


@pytest.mark.parametrize("device", ["device1", "device2", "no_float64", "no_x64"])
def test_stays_on_the_device_of_the_values(strict, device):
    native = strict.parse_device(device)
    index = i(0, 0, -1, dtype=np.int32)
    if device != "no_x64":  # where array-api-strict 2.6.1 cannot even argsort
        check(strict, (3,), (index,), some((3,), "float32"), native)
    check(strict, (3,), (slice(1, 3),), some((2,), "float32"), native)
    check(strict, (3,), (np.array([True, False, True]),), some((2,), "float32"), native)


def test_many_duplicates_keep_their_digits(strict):
    """A difference of cumulative sums would lose the small run behind the large one."""
    values = np.concatenate([np.full(1000, 1e8), np.full(1000, 1e-8)])
    index = np.repeat(np.array([0, 1]), 1000)
    out = strict.host_copy(
        strict.scatter_add((2,), (strict.from_host(index),), strict.from_host(values))
    )
    np.testing.assert_allclose(out, [1e11, 1e-5], rtol=1e-13)


def test_infinite_values_do_not_leak_into_other_elements(adapter):
    values = np.array([np.inf, np.nan, 1.0], np.float32)
    index = adapter.from_host(i(0, 1, 2))
    out = adapter.host_copy(adapter.scatter_add((4,), (index,), adapter.from_host(values)))
    np.testing.assert_array_equal(out, np.array([np.inf, np.nan, 1.0, 0.0], np.float32))


@pytest.mark.parametrize("key", [(np.int64(1),), (np.int64(-1), slice(None))])
def test_numpy_integers_are_integers(key):
    out = adapter_named("numpy").scatter_add((3, 2), key, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(out[key], [1.0, 2.0])
    assert out.sum() == 3.0
