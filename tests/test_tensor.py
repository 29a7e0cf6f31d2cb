"""The tensor that users hold: attributes, operators, gradients, and the ways out."""

import gc
import weakref

import numpy as np
import pytest

import xad
from xad.errors import (
    ConcreteValueError,
    DeviceMismatchError,
    GraphError,
    LibraryMismatchError,
    NotDifferentiableError,
    ShapeError,
)

strict = pytest.importorskip("array_api_strict", reason="array-api-strict plays other devices")


@pytest.fixture
def x(xp):
    """A tracked vector on the backend under test."""
    return xad.asarray([1.0, 2.0, 4.0], requires_grad=True)


def host(tensor):
    return tensor.detach().numpy()


# ---- attributes and conversions ---------------------------------------------------------------


def test_attributes_are_those_of_the_array_inside(x):
    m = xad.reshape(xad.asarray([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), (2, 3))
    assert (m.shape, m.ndim, m.size) == ((2, 3), 2, 6)
    assert m.dtype == m.value.dtype
    assert m.device == xad.backend.selected().device
    assert m.T.shape == m.mT.shape == (3, 2)
    assert x.requires_grad
    assert not m.requires_grad


def test_T_of_a_vector_says_what_to_do_instead(x):
    with pytest.raises(ShapeError, match=r"expected 2 axes, got 1.*x\.mT"):
        _ = x.T


def test_repr_shows_values_dtype_device_and_tracking():
    with xad.use_backend("numpy"):
        assert repr(xad.asarray([1.0, 2.0])) == "Tensor([1., 2.], dtype=float64, device='cpu')"
        tracked = xad.asarray(3.0, requires_grad=True)
        assert repr(tracked) == "Tensor(3., dtype=float64, device='cpu', requires_grad=True)"


def test_python_numbers_out_of_single_elements(x):
    one = xad.sum(x)
    assert float(one) == one.item() == 7.0
    assert int(one) == 7
    assert complex(one) == 7.0
    assert bool(one)
    assert f"{one:.2f}" == "7.00"
    assert [10, 20, 30][xad.asarray(2)] == 30
    with pytest.raises(ShapeError, match=r"one element.*xad\.any or xad\.all"):
        bool(x)
    with pytest.raises(ShapeError, match="one element"):
        x.item()
    with pytest.raises(TypeError, match="expected an integer array"):
        [1, 2][one]


def test_iteration_and_length(x):
    assert len(x) == 3
    assert [float(part) for part in x] == [1.0, 2.0, 4.0]
    with pytest.raises(TypeError, match="without axes"):
        len(xad.sum(x))
    with pytest.raises(TypeError, match="without axes"):
        iter(xad.sum(x))


def test_numpy_copies_to_the_host_and_refuses_to_drop_a_gradient(x):
    assert isinstance(host(x), np.ndarray)
    with pytest.raises(NotDifferentiableError, match=r"x\.detach\(\)"):
        x.numpy()
    with pytest.raises(NotDifferentiableError, match=r"x\.detach\(\)"):
        np.asarray(x)
    with pytest.raises(NotDifferentiableError, match=r"x\.detach\(\)"):
        x.__dlpack__()
    np.testing.assert_array_equal(np.asarray(x.detach()), [1.0, 2.0, 4.0])


def test_dlpack_leaves_with_plain_values():
    with xad.use_backend("numpy"):
        plain = xad.asarray([1.0, 2.0])
        np.testing.assert_array_equal(np.from_dlpack(plain), [1.0, 2.0])


def test_asarray_of_everything(x):
    assert xad.asarray(2).shape == ()
    assert xad.asarray([[1.0, 2.0]]).shape == (1, 2)
    assert xad.asarray(x) is x
    nested = xad.asarray([[x[0], 2.0], [3.0, x[1]]])
    np.testing.assert_array_equal(host(nested), [[1.0, 2.0], [3.0, 2.0]])
    np.testing.assert_array_equal(host(xad.sum(nested * nested).gradient(x)), [2.0, 4.0, 0.0])
    assert str(xad.asarray([1, 2], dtype="float32").dtype).endswith("float32")


def test_asarray_shares_memory_unless_copy():
    raw = np.asarray([1.0, 2.0], dtype=np.float32)
    shared, copied = xad.asarray(raw), xad.asarray(raw, copy=True)
    if isinstance(shared.value, np.ndarray):
        raw[0] = 9.0
        assert float(shared[0]) == 9.0
        assert float(copied[0]) == 1.0


def test_requires_grad_of_integers_says_to_cast():
    with pytest.raises(NotDifferentiableError, match=r"floating dtype.*cast"):
        xad.asarray([1, 2], requires_grad=True)


def test_requires_grad_of_something_tracked_is_refused(x):
    with pytest.raises(GraphError, match="nothing tracks yet"):
        xad.asarray(x * 2, requires_grad=True)


def test_tensors_compare_and_are_not_hashed(x):
    assert [bool(v) for v in x == 2.0] == [False, True, False]
    assert [bool(v) for v in x > 1.5] == [False, True, True]
    assert (x == None) is False  # noqa: E711
    assert x != "two"
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


def defers(backend):
    """Whether the library's arrays leave operators to the right operand. This one refuses all."""
    return backend.name != "array_api_strict"


def test_a_strict_array_on_the_left_refuses_rather_than_detaches():
    plain = strict.ones(2)
    with pytest.raises(TypeError, match="Expected Array or Python scalar"):
        plain * xad.asarray(plain, requires_grad=True)


# ---- operators --------------------------------------------------------------------------------

OPERATORS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "less": lambda a, b: a < b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_mix_with_numbers_and_plain_arrays_on_either_side(
    name, backend, to_backend, close
):
    operate = OPERATORS[name]
    left, right = np.asarray([1.5, 2.0, 3.0]), np.asarray([2.0, 2.0, 0.5])
    a, b = to_backend(left), to_backend(right)
    expected = operate(left, right)
    pairs = [(xad.asarray(a), b), (xad.asarray(a), xad.asarray(b))]
    if defers(backend):
        pairs.append((a, xad.asarray(b)))
    for one, two in pairs:
        out = operate(one, two)
        assert isinstance(out, xad.Tensor)
        close(out, expected)
    close(operate(xad.asarray(a), 2.0), operate(left, 2.0))
    close(operate(2.0, xad.asarray(b)), operate(2.0, right))


def test_matrix_products_with_plain_arrays_on_either_side(backend, to_backend):
    m = np.asarray([[1.0, 2.0], [3.0, 5.0]])
    plain = to_backend(m)
    outs = [xad.asarray(plain) @ plain]
    if defers(backend):
        outs.append(plain @ xad.asarray(plain))
    for out in outs:
        assert isinstance(out, xad.Tensor)
        np.testing.assert_allclose(out.numpy(), m @ m)


def test_integer_operators():
    a = xad.asarray([6, 5])
    np.testing.assert_array_equal((a & 3).numpy(), [2, 1])
    np.testing.assert_array_equal((a | 1).numpy(), [7, 5])
    np.testing.assert_array_equal((a ^ 1).numpy(), [7, 4])
    np.testing.assert_array_equal((a << 1).numpy(), [12, 10])
    np.testing.assert_array_equal((a >> 1).numpy(), [3, 2])
    np.testing.assert_array_equal((~a).numpy(), [-7, -6])


def test_unary_operators(x):
    np.testing.assert_array_equal(host(-x), [-1.0, -2.0, -4.0])
    np.testing.assert_array_equal(host(+x), [1.0, 2.0, 4.0])
    np.testing.assert_array_equal(host(abs(-x)), [1.0, 2.0, 4.0])


def test_numpy_scalars_do_not_promote():
    with xad.use_backend("numpy"):
        single = xad.asarray([1.0, 2.0], dtype="float32")
        assert (np.float64(2) * single).dtype == np.float32
        assert (single * np.float64(2)).dtype == np.float32
        assert isinstance(np.float64(2) * single, xad.Tensor)


def test_operators_with_strangers_are_type_errors(x):
    with pytest.raises(TypeError, match=r"expected arrays?, got"):
        x + "1"
    with pytest.raises(TypeError, match=r"expected arrays?, got"):
        x * [1.0, 2.0, 4.0]


# ---- gradients --------------------------------------------------------------------------------


def test_backward_accumulates(x):
    y = xad.sum(x * x)
    y.backward()
    np.testing.assert_array_equal(host(x.grad), [2.0, 4.0, 8.0])
    y.backward()
    np.testing.assert_array_equal(host(x.grad), [4.0, 8.0, 16.0])
    x.grad = None
    y.backward()
    np.testing.assert_array_equal(host(x.grad), [2.0, 4.0, 8.0])
    assert not x.grad.requires_grad


def test_backward_with_a_cotangent(x):
    (x * x).backward(xad.asarray([1.0, 0.0, 10.0]))
    np.testing.assert_array_equal(host(x.grad), [2.0, 0.0, 80.0])


def test_backward_errors_say_what_was_expected(x):
    with pytest.raises(ShapeError, match=r"one number, shape \(\), or a cotangent"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"gradient of shape \(3,\), got \(2,\)"):
        (x * 2).backward(xad.asarray([1.0, 2.0]))
    with pytest.raises(GraphError, match="requires_grad=True"):
        xad.sum(xad.asarray([1.0])).backward()


def test_gradient_leaves_grad_alone_and_takes_trees(x):
    w = xad.asarray(3.0, requires_grad=True)
    unused = xad.asarray([1.0, 1.0], requires_grad=True)
    y = xad.sum(x * w)
    found = y.gradient({"x": x, "w": w, "unused": unused})
    np.testing.assert_array_equal(host(found["x"]), [3.0, 3.0, 3.0])
    assert float(found["w"]) == 7.0
    np.testing.assert_array_equal(host(found["unused"]), [0.0, 0.0])
    assert x.grad is None
    assert w.grad is None


def test_gradient_with_respect_to_a_tensor_in_the_middle(x):
    middle = x * x
    np.testing.assert_array_equal(host(xad.sum(middle * middle).gradient(middle)), [2.0, 8.0, 32.0])


def test_gradient_walks_only_the_part_between(x):
    """The rules of what lies behind the target must not run."""
    ran = []
    middle = xad.sin(x)
    node = middle.node
    original = node.primitive

    class Watched(type(original)):
        def __init__(self):
            vars(self).update(vars(original))

        def pullback(self, node, g):
            ran.append(node)
            return super().pullback(node, g)

    node.primitive = Watched()
    y = xad.sum(middle * 2)
    y.gradient(middle)
    assert not ran
    y.gradient(x)
    assert len(ran) == 1


def test_gradient_of_something_untracked_is_an_error(x):
    with pytest.raises(GraphError, match="require grad"):
        xad.sum(x).gradient(xad.asarray([1.0]))


def test_detach_and_no_grad_stop_recording(x):
    assert not x.detach().requires_grad
    with xad.no_grad():
        assert not (x * 2).requires_grad
        with xad.no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @xad.no_grad()
    def twice(v):
        return v * 2

    assert not twice(x).requires_grad


def test_no_grad_ends_with_an_exception(x):
    with pytest.raises(ZeroDivisionError), xad.no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad


def test_grad_begun_inside_no_grad_works(x):
    with xad.no_grad():
        g = xad.grad(lambda v: xad.sum(v * v))(x.detach())
    np.testing.assert_array_equal(host(g), [2.0, 4.0, 8.0])


def test_grad_of_a_function_that_uses_no_grad_inside(x):
    def f(v):
        with xad.no_grad():
            scale = v * 2
        return xad.sum(v * scale)

    np.testing.assert_array_equal(host(xad.grad(f)(x.detach())), [2.0, 4.0, 8.0])


def test_a_transformation_of_a_function_over_tracked_tensors(x):
    """grad inside, backward outside: d/dx sum_i d/dz (z x_i^2) = 2 x."""
    y = xad.sum(xad.grad(lambda z: xad.sum(z * x * x))(xad.asarray([0.0, 0.0, 0.0])))
    y.backward()
    np.testing.assert_array_equal(host(x.grad), [2.0, 4.0, 8.0])


def test_backward_inside_a_transformation_says_what_to_use(x):
    def f(v):
        (v * v)[0].backward()
        return xad.sum(v)

    with pytest.raises(GraphError, match=r"xad\.grad or xad\.vjp"):
        xad.grad(f)(x.detach())


def test_values_are_hidden_where_a_transformation_has_many_or_none(x):
    values = x.detach()

    def branch(v):
        return v if v > 1.0 else -v

    with pytest.raises(ConcreteValueError, match=r"xad\.where"):
        xad.vmap(branch)(values)
    with pytest.raises(ConcreteValueError, match="recorded"):
        xad.make_program(branch)(values[0])
    with pytest.raises(ConcreteValueError, match="transformation"):
        xad.grad(lambda v: xad.sum(v * np.asarray(v)))(values)
    assert float(xad.grad(branch)(values[1])) == 1.0


@pytest.fixture
def writable(backend):
    if backend.name == "jax":
        pytest.skip("nobody can write into JAX's arrays")


def test_gradients_are_arrays_of_their_own(to_backend, writable):
    """Users may write into a gradient: no view, no sharing, and not the cotangent itself."""
    a, b, g = (to_backend(v) for v in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0]))
    spread = xad.grad(xad.sum)(a)
    spread[0] = 7.0
    assert [float(v) for v in xad.asarray(spread)] == [7.0, 1.0]
    one, two = xad.grad(lambda a, b: xad.sum((a + b) * 2), (0, 1))(a, b)
    one[0] = 7.0
    assert float(two[0]) == 2.0
    _, pullback = xad.vjp(lambda a, b: a + b, a, b)
    one, two = pullback(g)
    one[0] = 7.0
    assert float(two[0]) == float(g[0]) == 5.0
    x, y = xad.asarray(a, requires_grad=True), xad.asarray(b, requires_grad=True)
    xad.sum(x + y).backward()
    x.grad.value[0] = 7.0
    assert float(y.grad[0]) == 1.0


def test_a_gradient_is_never_the_cotangent_that_was_given(backend, device, writable):
    x = xad.asarray(backend.from_host(np.asarray([1.0, 2.0]), device), requires_grad=True)
    cotangent = xad.asarray(backend.from_host(np.asarray([5.0, 6.0]), device))
    x.backward(cotangent)
    x.grad.value[0] = 7.0
    found = x.gradient({"one": x, "two": x}, cotangent)
    found["one"].value[0] = 8.0
    assert float(cotangent[0]) == float(found["two"][0]) == 5.0


def test_the_gradient_of_a_plain_zero_dimensional_array_is_an_array():
    assert isinstance(xad.grad(lambda x: x * x)(np.asarray(3.0)), np.ndarray)
    assert isinstance(xad.grad(lambda x: xad.astype(x, "float32"))(np.asarray(3.0)), np.ndarray)


def test_a_reduced_float32_stays_float32_beside_a_python_number():
    with xad.use_backend("numpy"):
        x = xad.asarray([1.0, 2.0], dtype="float32")
        assert (xad.sum(x) * 0.5).dtype == np.float32


# ---- mixtures that must fail ------------------------------------------------------------------


def test_a_mix_of_devices_names_the_operation_and_both():
    one = xad.asarray(strict.asarray([1.0], device=strict.Device("device1")))
    two = xad.asarray(strict.asarray([1.0], device=strict.Device("device2")))
    with pytest.raises(DeviceMismatchError, match=r"xad\.multiply.*device1.*device2.*to_device"):
        one * two


def test_a_mix_of_libraries_names_the_operation_and_both():
    with (
        xad.use_backend("numpy"),
        pytest.raises(LibraryMismatchError, match=r"xad\.add.*numpy.*array_api_strict"),
    ):
        xad.asarray(np.ones(2)) + xad.asarray(strict.ones(2))


def test_shapes_that_do_not_fit_name_the_operation(x):
    with pytest.raises(ShapeError, match=r"xad\.add.*\(3,\) and \(2,\)"):
        x + xad.asarray([1.0, 2.0])


# ---- copies elsewhere -------------------------------------------------------------------------


def test_gradients_come_back_from_another_device():
    start = strict.asarray([1.0, 2.0], device=strict.Device("device1"))
    x = xad.asarray(start, requires_grad=True)
    moved = x.to_device("device2")
    assert moved.device == strict.Device("device2")
    xad.sum(moved * moved).backward()
    assert x.grad.device == x.device
    assert [float(v) for v in x.grad] == [2.0, 4.0]


def test_gradients_come_back_from_another_library():
    with xad.use_backend("numpy"):
        x = xad.asarray(np.asarray([1.0, 2.0]), requires_grad=True)
    moved = x.to("array_api_strict")
    assert type(moved.value).__module__.startswith("array_api_strict")
    xad.sum(moved * moved).backward()
    assert isinstance(x.grad.value, np.ndarray)
    assert [float(v) for v in x.grad] == [2.0, 4.0]


# ---- memory -----------------------------------------------------------------------------------


def test_the_graph_goes_with_its_last_tensor(x):
    y = xad.sum(xad.sin(x) * x)
    node = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert node() is None
    finally:
        gc.enable()
