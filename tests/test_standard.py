"""What the standard asks of a namespace and of arrays beside values of functions.

ci/conformance asks all of it; here stands what it has found wanting in xad.
"""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import xad
from xad.errors import BackendError, ShapeError


def namespaces(here):
    """The module over the selected library, and the namespace of one of its arrays."""
    return xad, xad.asarray(here.array([1.0])).__array_namespace__()


def test_a_namespace_tells_the_version_of_the_standard(here):
    for namespace in namespaces(here):
        assert namespace.__array_api_version__ == "2025.12"


def test_inspection_names_devices_by_the_selection(here):
    for namespace in namespaces(here):
        info = namespace.__array_namespace_info__()
        assert info.default_device() == here.device
        assert isinstance(info.devices(), tuple)
        assert info.default_device() in info.devices()
        for device in (None, here.device, here.adapter.device_name(here.device)):
            defaults = info.default_dtypes(device=device)
            made = namespace.zeros(1, device=device).dtype
            assert defaults["real floating"] == made
            assert info.dtypes(device=device)[here.precision] is not None


def test_inspection_of_kinds_and_capabilities(here):
    info = xad.__array_namespace_info__()
    assert set(info.dtypes(kind=("bool", "real floating"))) <= {"bool", "float32", "float64"}
    assert "float32" in info.dtypes(kind="real floating")
    assert info.capabilities()["boolean indexing"] is True
    with pytest.raises(BackendError):
        info.dtypes(device="nowhere:9")


def test_limits_are_python_numbers_with_the_librarys_dtypes(here):
    x = here.array(np.ones(1), "complex64")
    for limits in (xad.finfo("complex64"), xad.finfo(x), xad.finfo(xad.asarray(x))):
        assert limits.dtype == here.xp.float32
        assert (limits.bits, limits.eps) == (32, 2.0**-23)
        assert {type(n) for n in (limits.eps, limits.max, limits.min)} == {float}
        assert limits.smallest_normal == 2.0**-126
    limits = xad.iinfo("int8")
    assert (limits.bits, limits.min, limits.max) == (8, -128, 127)
    assert limits.dtype == here.xp.int8


def test_broadcast_shapes():
    assert xad.broadcast_shapes() == ()
    assert xad.broadcast_shapes((3, 1), (2,), ()) == (3, 2)
    assert xad.broadcast_shapes((0, 1), (1, 3)) == (0, 3)
    with pytest.raises(ShapeError):
        xad.broadcast_shapes((3,), (0,))


def test_axes_may_stand_without_their_name(here):
    x = xad.asarray(here.array(np.ones((2, 1))))
    assert xad.squeeze(x, 1).shape == (2,)
    assert xad.expand_dims(x, 0).shape == (1, 2, 1)


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_a_reduction_has_the_dtype_that_is_asked_for(name, here, close):
    x = xad.asarray(here.array(np.asarray([200, 100]), "uint8"))
    out = getattr(xad, name)(x, dtype=x.dtype)
    assert out.dtype == x.dtype
    assert getattr(xad, name)(x).dtype != x.dtype
    last = {"sum": 300, "cumulative_sum": 300}.get(name, 20000) % 256
    assert int(out if out.ndim == 0 else out[-1]) == last


def test_the_inner_product_of_small_integers_stays_small(here):
    x = xad.asarray(here.array(np.asarray([1, 2]), "uint8"))
    assert xad.vecdot(x, x).dtype == x.dtype


@pytest.mark.filterwarnings("ignore")  # the libraries warn of it, each in its own way
@pytest.mark.parametrize("name", ["var", "std"])
def test_the_variance_over_no_axes(name, here, close):
    function = getattr(xad, name)
    x = here.array(np.asarray([1.0, np.nan]))
    close(function(x, axis=()), [0.0, np.nan])
    close(function(x, axis=(), keepdims=True, correction=1), [np.nan, np.nan])
    assert function(x[1]).shape == ()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["var", "std"])
def test_the_gradient_of_the_variance_of_nothing(name, here):
    x = here.array(np.ones((2, 0)))
    for axis in (0, 1, None):
        function = lambda x, axis=axis: xad.sum(getattr(xad, name)(x, axis=axis))  # noqa: E731
        assert xad.grad(function)(x).shape == (2, 0)


def test_the_sign_of_complex_zeros(here):
    zeros = np.asarray([complex(-0.0, -0.0), complex(0.0, -0.0), complex(-0.0, 0.0)])
    out = here.to_host(xad.sign(here.array(zeros)))
    assert not np.signbit(out.real).any()
    assert not np.signbit(out.imag).any()


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(("zero", "slope"), [(0.0, math.inf), (-0.0, -math.inf), (0, math.inf)])
def test_the_slope_of_a_quotient_by_pythons_zero(zero, slope, here, close):
    x = here.array(np.asarray(2.0))
    close(xad.grad(lambda x: x / zero)(x), slope)


class TestAsarray:
    def test_numbers_beside_tensors_do_not_promote(self, here, close):
        x = xad.asarray(here.array([1.0, 2.0], "float32"))
        out = xad.asarray([[x[0], 1.5], [2, x[1]]])
        assert out.dtype == x.dtype
        assert out.device == x.device
        close(out, [[1, 1.5], [2, 2]])

    def test_gradients_flow_through_lists(self, here, close):
        x = here.array([1.0, 2.0])
        close(xad.grad(lambda x: xad.sum(xad.asarray([x, (x[1], 3.0)])))(x), [1, 2])

    def test_lists_of_tensors_in_a_dtype(self, here):
        x = xad.asarray(here.array([1.0]))
        assert xad.asarray([x, x], dtype="float32").dtype == here.xp.float32

    def test_no_copy_is_the_tensor_itself_or_an_error(self, here):
        x = xad.asarray(here.array([1.0], "float32"))
        assert xad.asarray(x, copy=False) is x
        assert xad.asarray(x, dtype=x.dtype, copy=False) is x
        assert xad.asarray(x, copy=True) is not x
        with pytest.raises(ValueError, match="copy=False"):
            xad.asarray(x, dtype="int32", copy=False)
        with pytest.raises(ValueError, match="copy=False"):
            xad.asarray([x, x], copy=False)


class TestDlpack:
    def test_the_standards_arguments(self, here):
        names = list(inspect.signature(xad.Tensor.__dlpack__).parameters)
        assert names == ["self", "stream", "max_version", "dl_device", "copy"]
        x = xad.asarray(here.array([1.0, 2.0]))
        if here.adapter.name == "numpy":
            assert x.__dlpack__(max_version=(1, 0), copy=True) is not None

    def test_an_array_stays_on_its_device(self, everywhere, close):
        with xad.use_backend(everywhere.adapter.name):
            x = xad.asarray(everywhere.array([1.0, 2.0]))
            out = xad.from_dlpack(x)
        assert out.device == everywhere.device
        close(out, [1, 2])

    def test_where_a_tracked_tensor_lies_may_be_asked(self, here):
        x = xad.asarray(here.array([1.0, 2.0]), requires_grad=True)
        plain = x.detach()
        assert x.__dlpack_device__() == plain.__dlpack_device__()
