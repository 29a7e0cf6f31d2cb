"""xad.testing: that the gradient check finds what is wrong, and says it clearly."""

import subprocess
import sys

import numpy as np
import pytest

import xad
from xad.core.elementwise import Elementwise
from xad.errors import BackendError
from xad.testing import Place, check_grads, place, places, selected_place
from xad.testing.database import function_of, op_database
from xad.testing.opinfo import Maker, Sample, binary_samples

X = np.asarray([0.5, 2.0])


def operation(*slopes):
    """A primitive that computes x * x or a * b, with the slopes given, right or wrong."""
    primitive = Elementwise(
        "multiply", *slopes, kernel=lambda adapter: lambda a, b=None: a * (a if b is None else b)
    )
    return primitive.unary if len(slopes) == 1 else primitive.binary


def test_what_is_right_passes_everywhere(everywhere):
    x, w = everywhere.array(X), everywhere.array([[1.0, 2.0], [3.0, -1.0]])
    check_grads(lambda x: xad.sin(x) * x, (x,), order=3)
    check_grads(
        lambda p, y: {"a": xad.matmul(p["w"], y), "b": [xad.exp(p["b"]), None]},
        ({"w": w, "b": everywhere.array(0.5)}, x),
    )
    check_grads(lambda x: xad.sum(x * x), (xad.Tensor(x),))
    check_grads(lambda x: x * x, (everywhere.array(X, "float32"),))


def test_arguments_that_cannot_move_are_constants():
    check_grads(lambda x, n, k: x * n * k, (X, np.asarray([2, 3]).astype(float), 4))
    check_grads(lambda x, i: xad.sum(x) * i, (X, np.asarray(3)))


def test_complex_inputs_move_along_both_axes():
    z = X + 1j * X[::-1]
    square = operation(lambda x: 2 * x)
    check_grads(square, (z,), order=1)
    # Right along the real axis, wrong along the imaginary one.
    real_only = operation(lambda xp, x: 2 * xp.astype(xp.real(x), x.dtype))
    with pytest.raises(AssertionError, match=r"args\[0\]"):
        check_grads(real_only, (z,), order=1, modes=("fwd",))


def test_a_wrong_derivative_is_named_by_input_mode_and_order():
    half = operation(lambda b: b, lambda a: a * 0.5)
    message = (
        r"derivative of order 1 \(rev\) by args\[1\]\['w'\]: expected [-0-9.]+ \(central "
        r"difference\), got [-0-9.]+; they differ by up to [0-9.]+, allowed is 1e-05"
    )
    with pytest.raises(AssertionError, match=message):
        check_grads(lambda x, p: half(x, p["w"]), (X, {"w": X}))
    with pytest.raises(AssertionError, match=r"order 1 \(fwd\) by args\[1\]"):
        check_grads(half, (X, X), modes=("fwd",))


def test_a_wrong_second_derivative_is_found_at_order_two():
    # The slope of the slope is lost: the constant is taken from the values alone.
    frozen = operation(lambda x: 2 * np.asarray(xad.testing.to_host(x)))
    check_grads(frozen, (X,), order=1)
    with pytest.raises(AssertionError, match=r"order 2 \(rev over rev\) by args\[0\]: .* got 0"):
        check_grads(frozen, (X,), order=2)
    with pytest.raises(AssertionError, match=r"order 2 \(fwd over fwd\) by args\[0\]"):
        check_grads(frozen, (X,), order=2, modes=("fwd",))


def test_a_derivative_that_is_not_a_number_is_wrong():
    with pytest.raises(AssertionError, match="nan"):
        check_grads(operation(lambda x: x * float("nan")), (X,), order=1)


def test_a_loose_tolerance_and_a_large_step_are_heeded():
    slightly = operation(lambda x: 2.01 * x)
    with pytest.raises(AssertionError, match="order 1"):
        check_grads(slightly, (X,), order=1)
    check_grads(slightly, (X,), order=1, rtol=0.1)
    check_grads(slightly, (X,), order=1, atol=0.1)
    with pytest.raises(AssertionError, match="order 1"):
        check_grads(lambda x: xad.sin(x), (X,), order=1, eps=1.0)


def test_what_cannot_be_checked_says_why():
    with pytest.raises(TypeError, match=r"in a tuple, got ndarray; write \(x,\)"):
        check_grads(xad.sin, X)
    with pytest.raises(TypeError, match="floating arrays among the arguments"):
        check_grads(lambda n: n, (np.asarray([1, 2]),))
    with pytest.raises(TypeError, match="expected f to return floating arrays"):
        check_grads(lambda x: np.asarray(3), (X,))
    with pytest.raises(ValueError, match="'rev' and 'fwd' and an order from 1"):
        check_grads(xad.sin, (X,), modes=("reverse",))
    with pytest.raises(ValueError, match=r"got .* 0"):
        check_grads(xad.sin, (X,), order=0)


# ---- places -------------------------------------------------------------------------------------


def test_the_selected_place_follows_the_selection():
    with xad.use_backend("numpy"):
        assert str(selected_place()) == "numpy-cpu"
        assert [str(p) for p in places(place("numpy"))] == ["numpy-cpu"]


def test_places_are_listed_once_and_the_selected_one_first(strict_device):
    with xad.use_backend("array_api_strict", "device1"):
        found = [str(p) for p in places(place("numpy"), strict_device)]
    assert found == ["array_api_strict-device1", "numpy-cpu"]


@pytest.mark.parametrize(
    ("device", "precision"),
    [("CPU_DEVICE", "float64"), ("device2", "float64"), ("no_float64", "float32")],
)
def test_precision_is_what_the_device_has(require_library, device, precision):
    require_library("array_api_strict")
    here = place("array_api_strict", device)
    assert here.precision == precision
    made = here.array(np.zeros(2))
    assert str(made.dtype).endswith(precision)
    assert here.adapter.device_of(made) == here.device
    assert here.array([1], "int64").dtype == here.xp.int64
    assert str(here.array(1j).dtype).endswith({"float64": "x128", "float32": "x64"}[precision])


def test_arrays_made_at_a_place_have_memory_of_their_own():
    host = np.zeros(3)
    made = Place(place("numpy").adapter, "cpu").array(host)
    host[0] = 1.0
    assert made.tolist() == [0.0, 0.0, 0.0]


def test_a_place_that_cannot_be_had():
    with pytest.raises(BackendError, match="unknown backend"):
        place("nowhere")


# ---- the op database ----------------------------------------------------------------------------


def test_entries_are_found_by_name():
    assert op_database["sin"].name == "sin"
    assert function_of(op_database["sin"]) is xad.sin


def test_samples_are_made_of_the_dtype_asked_for():
    for dtype in ("float32", "complex128", "int64", "bool"):
        for sample in binary_samples()(Maker(dtype)):
            arrays = [x for x in sample.arguments if isinstance(x, np.ndarray)]
            assert arrays
            assert all(x.dtype == dtype for x in arrays)


def test_samples_show_shapes_and_not_values():
    sample = Sample((np.zeros((2, 3)), 1.5), {"axis": 0})
    assert repr(sample) == "float64[2, 3], 1.5, axis=0"


def test_distinct_values_are_apart():
    values = np.sort(Maker().distinct(3, 4).ravel())
    assert np.diff(values).min() >= 0.1


def test_importing_it_needs_no_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None; sys.modules['scipy'] = None\n"
        "import xad.testing, xad.testing.opinfo"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
