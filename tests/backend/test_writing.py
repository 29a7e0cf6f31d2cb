"""assign, put and last_uses: every library against NumPy; and whose memory may be written into."""

from __future__ import annotations

import numpy as np
import pytest

from xad.backend import adapter_named

RNG = np.random.default_rng(8)


def i(*values):
    return np.asarray(values, dtype=np.int64)


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ((), ()),
        ((3,), (1,)),
        ((3, 4), (2, slice(1, 4, 2))),
        ((3, 4), (slice(None), 0)),
        ((3, 0), (slice(0, 2), slice(None))),
    ],
)
def test_assign_writes_into_a_copy(adapter, shape, key):
    host = RNG.normal(size=shape)
    x = adapter.from_host(host.copy())
    for values in (RNG.normal(size=host[key].shape), np.asarray(3.0), 2):
        given = adapter.from_host(values) if isinstance(values, np.ndarray) else values
        expected = host.copy()
        expected[key] = values
        np.testing.assert_array_equal(adapter.host_copy(adapter.assign(x, key, given)), expected)
        np.testing.assert_array_equal(adapter.host_copy(x), host)


INDICES = [i(0, 2), i(3, 0, 3, 3), i(), i(1, 1, 0, 1, 0), np.repeat(i(2, 0, 1), 50)]


@pytest.mark.parametrize("rest", [(), (2,), (2, 3)])
@pytest.mark.parametrize("indices", INDICES)
def test_put_leaves_the_last_of_several(adapter, indices, rest):
    host = RNG.normal(size=(4, *rest))
    x = adapter.from_host(host.copy())
    for values in (RNG.normal(size=(len(indices), *rest)), 2.0):
        given = adapter.from_host(values) if isinstance(values, np.ndarray) else values
        expected = host.copy()
        for n, index in enumerate(indices):
            expected[index] = values[n] if isinstance(values, np.ndarray) else values
        got = adapter.put(x, adapter.from_host(indices), given)
        np.testing.assert_array_equal(adapter.host_copy(got), expected)
        np.testing.assert_array_equal(adapter.host_copy(x), host)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int32", "bool"])
def test_put_keeps_the_data_type(adapter, dtype):
    x = adapter.from_host(np.zeros(3, dtype))
    got = adapter.put(x, adapter.from_host(i(0, 2, 0)), adapter.from_host(np.ones(3, dtype)))
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(adapter.host_copy(got), np.asarray([1, 0, 1], dtype))


def test_put_into_no_rows(adapter):
    x = adapter.from_host(np.zeros((0, 2)))
    out = adapter.put(x, adapter.from_host(i()), adapter.from_host(np.zeros((0, 2))))
    assert tuple(out.shape) == (0, 2)


@pytest.mark.parametrize("indices", INDICES)
def test_last_uses(adapter, indices):
    got = adapter.host_copy(adapter.last_uses(adapter.from_host(indices), 4))
    expected = [max(n for n, other in enumerate(indices) if other == index) for index in indices]
    assert got.tolist() == expected


@pytest.mark.parametrize("device", ["device1", "device2"])
def test_stays_on_its_device(strict, device):
    native = strict.parse_device(device)
    x = strict.from_host(np.zeros(3, "float32"), native)
    indices = strict.from_host(i(0, 2, 0), native)
    values = strict.from_host(np.ones(3, "float32"), native)
    for got in (
        strict.assign(x, (0,), 1.0),
        strict.put(x, indices, values),
        strict.last_uses(indices, 3),
    ):
        assert strict.device_of(got) == native


def test_only_an_array_with_memory_of_its_own_is_exclusive(adapter):
    x = adapter.from_host(np.zeros((2, 2))[:])
    assert not adapter.exclusive(x[0, :])
    if adapter.name != "numpy":
        assert not adapter.exclusive(adapter.from_host(np.zeros(2)))
    numpy = adapter_named("numpy")
    assert numpy.exclusive(np.zeros(2))
    assert not numpy.exclusive(np.zeros((2, 2)).T)
    assert not numpy.exclusive(np.float64(1))
    assert not numpy.exclusive(np.zeros(2).view(np.recarray))
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    assert not numpy.exclusive(frozen)


def test_cupy_writes_where_the_array_is(cupy_adapter):
    adapter = cupy_adapter()
    x = adapter.from_host(np.zeros((3, 2)), "cuda:1")
    indices = adapter.from_host(i(2, 0, 2), "cuda:1")
    values = adapter.from_host(np.arange(6.0).reshape(3, 2), "cuda:1")
    assert adapter.exclusive(x.copy() if x.device.id == 0 else x)
    out = adapter.put(x, indices, values)
    assert out.device.id == 1
    assert adapter.host_copy(out).tolist() == [[2, 3], [0, 0], [4, 5]]
    assert adapter.host_copy(adapter.put(x, indices, 7.0)).tolist() == [[7, 7], [0, 0], [7, 7]]
    assert adapter.host_copy(adapter.last_uses(indices, 3)).tolist() == [2, 1, 2]
    assert adapter.host_copy(adapter.assign(x, (0,), 5.0)).tolist() == [[5, 5], [0, 0], [0, 0]]
    assert not adapter.host_copy(x).any()
    assert adapter.write(x, (slice(None), 1), 4.0) is x
    assert adapter.host_copy(x).tolist() == [[0, 4]] * 3
