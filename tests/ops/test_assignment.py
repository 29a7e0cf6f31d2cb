"""x[key] = v and the operators in place: NumPy's values, exact gradients, nobody else's memory."""

import numpy as np
import pytest
from test_getitem import EVERY_KEY, X, i, placed

import xad
from xad.errors import ConcreteValueError, DTypeError, GraphError, IndexingError, ShapeError
from xad.testing import check_grads

RNG = np.random.default_rng(11)


def assigned(x, key, v):
    """What x is after x[key] = v."""
    y = xad.asarray(x, copy=True) if isinstance(x, xad.Tensor) else x + 0
    y[key] = v
    return y


def numpys(x, key, v):
    y = x.copy()
    y[key] = v
    return y


def values_for(key, scale=1.0):
    return scale * RNG.normal(size=X[key].shape)


# ---- values --------------------------------------------------------------------------------------


@EVERY_KEY
def test_values_are_numpys(key, here, close):
    v = values_for(key)
    for value in (v, 1.5, v.reshape(-1)[:1].reshape((1,) * v.ndim) if v.size else v):
        x = xad.asarray(here.array(X))
        given = here.array(value) if isinstance(value, np.ndarray) else value
        x[placed(here, key)] = given
        close(x, numpys(X, key, value))


@EVERY_KEY
def test_values_in_an_array_that_a_graph_leads_to(key, here, close):
    v = values_for(key)
    x = xad.asarray(here.array(X), requires_grad=True) * 2
    x[placed(here, key)] = here.array(v)
    close(x, numpys(2 * X, key, v))


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        (slice(0, 2), (5,)),
        (slice(0, 2), (3, 1)),
        ((0, slice(None, None, -1)), (3, 1)),
        ((..., slice(None, None, -2)), (3,)),
        ((..., slice(None, None, -2)), (4, 1, 3)),
        ((0, ..., None), (5, 1)),
        (0, (1, 1, 3, 5)),
        (i(0, 2), (5,)),
        (i(0, 2), (2, 1, 5)),
        ((slice(None), i(0, 2)), (2, 1)),
        (np.asarray([True, False, True, True]), (3, 1)),
        (np.asarray([True, False, True, True]), (3, 3, 5)),
        (np.asarray([True, False, True, True]), (1, 3, 5)),
    ],
)
def test_values_that_broadcast(key, shape, here, close):
    v = RNG.normal(size=shape)
    x = xad.asarray(here.array(X))
    x[placed(here, key)] = here.array(v)
    close(x, numpys(X, key, v))
    f = lambda x, v: assigned(x, placed(here, key), v)  # noqa: E731
    check_grads(f, (here.array(X), here.array(v)), order=1)


def test_of_two_values_for_one_place_the_last_counts(here, close):
    key = i(2, 0, 2, 2, 0)
    v = RNG.normal(size=(5, 3, 5))
    x = xad.asarray(here.array(X))
    x[placed(here, key)] = here.array(v)
    close(x, numpys(X, key, v))
    gradient = xad.grad(lambda v: xad.sum(assigned(x, placed(here, key), v)))(here.array(v))
    expected = np.zeros_like(v)
    expected[[3, 4]] = 1
    close(gradient, expected)


def test_lists_and_numpy_scalars(here, close):
    x = xad.asarray(here.array(X))
    x[0, 0] = [1, 2, 3, 4, 5]
    x[1] = np.float64(7.0)
    x[2, :2, 0] = [x[0, 0, 4], 2.5]
    expected = X.copy()
    expected[0, 0], expected[1], expected[2, :2, 0] = [1, 2, 3, 4, 5], 7, [5, 2.5]
    close(x, expected)


def test_an_array_without_axes(here, close):
    x = xad.asarray(here.array(np.asarray(2.0)))
    x[...] = 3
    close(x, 3.0)
    x[()] = 4.0
    close(x, 4.0)
    x[x > 0] = 5.0
    close(x, 5.0)
    close(xad.grad(lambda v: assigned(x, (), v) * 2)(here.array(np.asarray(1.0))), 2.0)


@pytest.mark.parametrize(
    ("dtype", "v", "expected"),
    [
        ("float32", np.asarray([1.5, 2.5]), [1.5, 2.5]),
        ("float64", np.asarray([1.5, 2.5], "float32"), [1.5, 2.5]),
        ("float64", np.asarray([1, 2]), [1, 2]),
        ("float64", np.asarray([True, False]), [1, 0]),
        ("float64", True, [1, 1]),
        ("complex128", 2, [2, 2]),
        ("complex128", 0.5, [0.5, 0.5]),
        ("complex128", np.asarray([1.5, 2.5]), [1.5, 2.5]),
        ("int64", np.asarray([1, 2], "int8"), [1, 2]),
        ("int8", np.asarray([1, 2], "int64"), [1, 2]),
        ("int64", np.asarray([True, False]), [1, 0]),
        ("bool", np.asarray([True, False]), [True, False]),
        ("bool", True, [True, True]),
    ],
)
def test_values_are_cast_and_the_array_keeps_its_dtype(dtype, v, expected, here, close):
    x = xad.asarray(here.array(np.zeros(3), dtype))
    before = x.dtype
    x[1:] = here.array(v) if isinstance(v, np.ndarray) else v
    assert x.dtype == before
    close(x[1:], expected)


@pytest.mark.parametrize(
    ("dtype", "v", "given"),
    [
        ("int64", 1.5, "float"),
        ("int64", 1.0, "float"),
        ("int64", np.asarray([1.0]), "float"),
        ("int64", np.float32(2), "float"),
        ("bool", 1, "int"),
        ("float64", 1j, "complex"),
        ("float64", np.asarray([1j]), "complex"),
    ],
)
def test_values_that_the_dtype_cannot_hold(dtype, v, given, here):
    x = xad.asarray(here.array(np.zeros(3), dtype))
    with pytest.raises(DTypeError, match=rf"can hold, got .*{given}.*cast v"):
        x[:1] = here.array(v) if isinstance(v, np.ndarray) else v
    with pytest.raises(TypeError, match="got str"):
        x[0] = "1"
    with pytest.raises(TypeError, match="got NoneType"):
        x[0] = None


@pytest.mark.parametrize("tracked", [False, True])
@pytest.mark.parametrize(
    ("key", "v", "error", "match"),
    [
        (4, 0.0, IndexingError, "from -4 to 3, got 4"),
        ((0, 0, 0, 0), 0.0, IndexingError, "at most 3 indices"),
        (1.0, 0.0, IndexingError, "in a key, got float"),
        (i(0, 4), 0.0, IndexError, "from -4 to 3"),
        (np.asarray([True, False]), 0.0, IndexError, "a mask of shape"),
        (0, np.zeros(4), ShapeError, r"broadcasts to \(3, 5\).*got \(4,\)"),
        (slice(0, 2), np.zeros((4, 3, 5)), ShapeError, r"broadcasts to \(2, 3, 5\)"),
        (i(0, 1), np.zeros((3, 3, 5)), ShapeError, r"broadcasts to \(2, 3, 5\)"),
        (0, np.zeros((2, 3, 5)), ShapeError, r"broadcasts to \(3, 5\), .*got \(2, 3, 5\)"),
    ],
)
def test_keys_and_values_that_do_not_fit(key, v, error, match, tracked, here, close):
    of_values = match == "from -4 to 3"
    if of_values and (here.adapter.name in ("jax", "dask") or str(here.device).startswith("cuda")):
        pytest.skip("does not look at indices, or not yet")
    x = xad.asarray(here.array(X))
    x = (xad.asarray(x, requires_grad=True) if tracked else x) * 1
    with pytest.raises(error, match=match):
        x[placed(here, key)] = here.array(v) if isinstance(v, np.ndarray) else v
    close(x, X)


def test_libraries_and_devices_are_not_mixed(here, require_library):
    require_library("array_api_strict")
    strict = xad.testing.place("array_api_strict", "device2")
    x = xad.asarray(here.array(X))
    v = strict.array(X[0], here.precision)
    with pytest.raises((TypeError, ValueError), match=r"(one library|one device)"):
        x[0] = v
    with pytest.raises((TypeError, ValueError), match=r"(one library|one device)"):
        x += v


# ---- gradients -----------------------------------------------------------------------------------


@EVERY_KEY
def test_gradients_of_array_and_value(key, here):
    v = values_for(key)

    def f(x, v):
        return assigned(x * x, placed(here, key), xad.sin(v)) ** 2

    arguments = (here.array(X), here.array(v))
    check_grads(f, arguments, order=2 if here.precision == "float64" else 1)


@EVERY_KEY
def test_an_element_that_is_replaced_by_a_function_of_itself(key, here, close):
    """x[key] = f(x[key]) keeps what is elsewhere and sends gradients through f."""

    def f(x):
        y = x * 3
        y[placed(here, key)] = xad.exp(y[placed(here, key)])
        return xad.sum(y * y)

    x = here.array(X / 5)
    flat = np.zeros(X.shape, bool)
    flat[key] = True
    y = 3 * X / 5
    expected = np.where(flat, 6 * np.exp(2 * y), 6 * y)
    close(xad.grad(f)(x), expected, 1e-9)


@EVERY_KEY
def test_python_augments_an_item(key, here, close):
    """x[key] *= 2 reads, multiplies in place and writes."""

    def f(x):
        y = x * 1
        y[placed(here, key)] *= 2
        return xad.sum(y * y)

    flat = np.ones(X.shape)
    flat[key] = 2
    close(xad.grad(f)(here.array(X)), 2 * X * flat**2)


def test_gradients_through_many_assignments_of_one_array(here, close):
    """A recurrence written in place: y[n] = x[n] * y[n - 1]."""

    def f(x):
        y = xad.zeros(5, dtype=here.precision, device=here.device) + 0 * x
        y[0] = x[0]
        for n in range(1, 5):
            y[n] = x[n] * y[n - 1]
        return xad.sum(y)

    with xad.use_backend(here.adapter.name, here.device):
        check_grads(f, (here.array(RNG.uniform(0.5, 1.5, 5)),), order=2)


def test_integers_and_masks_are_constant(here, close):
    x = xad.asarray(here.array(i(1, 2, 3)))
    x[1] = 7
    close(x, [1, 7, 3])
    mask = x > 2
    mask[0] = True
    assert here.to_host(mask).tolist() == [True, True, True]


def test_what_is_written_over_is_not_differentiated(here, close):
    """No nan from the infinite slope of an element that is replaced."""

    def f(x):
        y = xad.sqrt(x)
        y[0] = 1.0
        return xad.sum(y)

    def g(x):
        y = xad.log(x)
        y[x <= 0] = 0.0
        return xad.sum(y)

    x = here.array(np.asarray([0.0, 4.0]))
    with np.errstate(all="ignore"):
        close(xad.grad(f)(x), [0.0, 0.25])
        close(xad.grad(g)(x), [0.0, 0.25])


def test_complex_values(here):
    z = here.array(np.asarray([1 + 2j, 3 - 1j]))
    check_grads(lambda z, r: assigned(z * z, 0, r * 2), (z, here.array(np.asarray(2.0))), order=2)


# ---- operators in place --------------------------------------------------------------------------

FLOATS = {
    "+=": (lambda x, y: x.__iadd__(y), lambda x, y: x + y),
    "-=": (lambda x, y: x.__isub__(y), lambda x, y: x - y),
    "*=": (lambda x, y: x.__imul__(y), lambda x, y: x * y),
    "/=": (lambda x, y: x.__itruediv__(y), lambda x, y: x / y),
    "//=": (lambda x, y: x.__ifloordiv__(y), lambda x, y: x // y),
    "%=": (lambda x, y: x.__imod__(y), lambda x, y: x % y),
    "**=": (lambda x, y: x.__ipow__(y), lambda x, y: x**y),
    "@=": (lambda x, y: x.__imatmul__(y), lambda x, y: x @ y),
}
INTEGERS = {
    "&=": (lambda x, y: x.__iand__(y), lambda x, y: x & y),
    "|=": (lambda x, y: x.__ior__(y), lambda x, y: x | y),
    "^=": (lambda x, y: x.__ixor__(y), lambda x, y: x ^ y),
    "<<=": (lambda x, y: x.__ilshift__(y), lambda x, y: x << y),
    ">>=": (lambda x, y: x.__irshift__(y), lambda x, y: x >> y),
    "//=": FLOATS["//="],
    "+=": FLOATS["+="],
}


@pytest.mark.parametrize("name", FLOATS)
def test_operators_in_place(name, here, close):
    in_place, plain = FLOATS[name]
    a, b = RNG.uniform(0.5, 2.0, (3, 3)), RNG.uniform(0.5, 2.0, (3, 3))

    def f(x, y):
        alias = x = x * 1
        assert in_place(x, y) is x
        assert alias is x
        return alias

    arguments = (here.array(a), here.array(b))
    close(f(xad.asarray(arguments[0]), arguments[1]), plain(a, b))
    expected = xad.vjp(plain, *arguments)[1](here.array(np.ones((3, 3))))
    found = xad.vjp(f, *arguments)[1](here.array(np.ones((3, 3))))
    for got, wanted in zip(found, expected, strict=True):
        close(got, here.to_host(wanted))
    pushed = xad.jvp(f, arguments, arguments)[1]
    close(pushed, here.to_host(xad.jvp(plain, arguments, arguments)[1]))


@pytest.mark.parametrize("name", INTEGERS)
def test_operators_in_place_on_integers(name, here, close):
    in_place, plain = INTEGERS[name]
    a, b = i(12, 5, 9), i(2, 3, 1)
    x = xad.asarray(here.array(a))
    alias = x
    in_place(x, here.array(b))
    close(alias, plain(a, b))
    in_place(x, 1)
    close(alias, plain(plain(a, b), 1))


def test_an_operator_in_place_keeps_shape_and_dtype(here):
    x = xad.asarray(here.array(np.zeros(3)))
    with pytest.raises(ShapeError, match=r"of shape \(3,\), like the array on the left.*\(2, 3\)"):
        x += here.array(np.zeros((2, 3)))
    n = xad.asarray(here.array(i(1, 2)))
    with pytest.raises(TypeError):
        n += here.array(np.asarray([0.5, 1.0]))
    with pytest.raises(TypeError):
        n /= 2
    single = xad.asarray(here.array(np.zeros(3), "float32"))
    if here.precision == "float64":
        with pytest.raises(DTypeError, match=r"float32, like the array on the left, got .*float64"):
            single += here.array(np.zeros(3))
    before = single.dtype
    single += 1.5
    assert single.dtype == before


# ---- leaves and no_grad --------------------------------------------------------------------------


def test_a_leaf_is_not_assigned_to(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    with pytest.raises(GraphError, match=r"requires_grad=True.*y = x \+ 0.*no_grad"):
        w[0] = 1.0
    with pytest.raises(GraphError, match="requires_grad=True"):
        w += 1
    with pytest.raises(GraphError, match="requires_grad=True"):
        xad.grad(lambda v: xad.sum(assigned_to(w, 0, v)))(here.array(np.asarray(1.0)))
    close(w, X)


def assigned_to(x, key, v):
    x[key] = v
    return x


def test_gradient_descent_by_hand(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    node = w.node
    for step in range(3):
        w.grad = None
        xad.sum(w * w).backward()
        with xad.no_grad():
            w -= 0.1 * w.grad
        assert w.requires_grad
        assert w.node is node
        close(w, X * 0.8 ** (step + 1))
    with xad.no_grad():
        w[0] = 0.0
    assert w.node is node
    close(w[0], np.zeros((3, 5)))


def test_no_grad_leaves_the_graph_as_it_was(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    loss = xad.sum(w * w * w)
    with xad.no_grad():
        w *= 0.0
        w[1] = 5.0
    loss.backward()
    close(w.grad, 3 * X * X)


def test_a_tracked_result_that_is_changed_under_no_grad_keeps_its_place(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    y = w * 2
    with xad.no_grad():
        y[0] = 0.0
    assert y.requires_grad
    (y * y).backward(here.array(np.ones(X.shape)))
    expected = 8 * X
    expected[0] = 0
    close(w.grad, expected)


def test_backward_through_assignments_at_the_base_level(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    y = xad.asarray(here.array(np.zeros(X.shape)))
    y[1:] = w[1:] ** 2
    y += 1
    y[0] *= 3
    assert y.requires_grad
    xad.sum(y * y).backward()
    expected = np.zeros(X.shape)
    expected[1:] = 2 * (X[1:] ** 2 + 1) * 2 * X[1:]
    close(w.grad, expected)


# ---- memory: nobody else's is written into -------------------------------------------------------


def test_the_users_array_is_never_written_into(here):
    raw = here.array(X)
    t = xad.asarray(raw)
    t[0] = 9.0
    t += 1
    np.testing.assert_array_equal(here.to_host(raw), X.astype(here.precision))
    u = xad.asarray(raw)
    view = u[1]
    view[0] = 9.0
    view *= 2
    np.testing.assert_array_equal(here.to_host(raw), X.astype(here.precision))


@pytest.mark.parametrize(
    "of",
    [
        lambda x: x[0:2],
        lambda x: x[0],
        lambda x: x[...],
        lambda x: x[:],
        lambda x: xad.reshape(x, (12, 5)),
        lambda x: xad.broadcast_to(x, x.shape),
        lambda x: xad.permute_dims(x, (2, 0, 1)),
        lambda x: xad.flip(x, axis=()),
        lambda x: xad.astype(x, x.dtype),
        lambda x: xad.tile(x, (1,)),
        lambda x: xad.stop_gradient(x),
        lambda x: x.mT,
    ],
)
@pytest.mark.parametrize("tracked", [False, True])
def test_results_and_operands_change_apart(of, tracked, here):
    x = xad.asarray(here.array(X), copy=True)
    if tracked:
        x = xad.asarray(x, requires_grad=True) * 1
    y = of(x)
    before = here.to_host(y)
    x[0] = 9.0
    x[:, 0] = 8.0
    np.testing.assert_array_equal(here.to_host(y), before)
    after = here.to_host(x)
    y[0] = 7.0
    y += 1
    np.testing.assert_array_equal(here.to_host(x), after)


def test_an_array_is_its_own_key_and_value(here, close):
    for tracked in (False, True):
        n = xad.asarray(here.array(i(2, 0, 1)), copy=True)
        n[n] = here.array(i(5, 6, 7))
        close(n, [6, 7, 5])
        x = xad.asarray(here.array(np.asarray([1.0, 2.0, 3.0])), copy=True)
        x = xad.asarray(x, requires_grad=True) * 1 if tracked else x
        x[1:] = x[:-1]
        close(x, [1, 1, 2])
        x[::-1] = x
        close(x, [2, 1, 1])
        x[...] = x
        x += x
        close(x, [4, 2, 2])


def test_a_subclass_keeps_its_class(here, close):
    class Named(xad.Tensor):
        name = "weights"

    x = Named(here.array(X))
    x[0] = 1.0
    x += 1
    assert type(x) is Named
    assert x.name == "weights"
    close(x[0], np.full((3, 5), 2.0))


def test_aliases_of_one_object_see_the_change(here, close):
    x = xad.asarray(here.array(X))
    alias = x
    x[0] = 1.0
    x += 1
    assert alias is x
    close(alias[0], np.full((3, 5), 2.0))


def test_what_a_tape_has_saved_stays(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    x = xad.asarray(here.array(X + 1), copy=True)
    index = xad.asarray(here.array(i(0, 1)), copy=True)
    y = w * 1
    loss = xad.sum(w * x) + xad.sum(w[index]) + xad.sum(xad.exp(y)) + xad.sum(y * y)
    x[0] = 100.0
    x *= 0
    index[0] = 3
    y[...] = 0.0
    loss.backward()
    expected = (X + 1) + np.exp(X) + 2 * X
    expected[[0, 1]] += 1
    close(w.grad, expected)


def test_what_a_program_has_recorded_stays(here, close):
    c = xad.asarray(here.array(X), copy=True)
    out = xad.asarray(here.array(X), copy=True)
    program = xad.make_program(lambda x: (x * c, out))(here.array(X))
    c[...] = 0.0
    out[...] = 0.0
    for _ in range(2):
        product, same = program(here.array(X + 1))
        close(product, X * (X + 1))
        close(same, X)
        same = xad.asarray(same)
        same[...] = 0.0


def test_a_gradient_changes_alone(here, close):
    w = xad.asarray(here.array(X), requires_grad=True)
    seed = xad.asarray(here.array(np.ones(X.shape)), copy=True)
    (w + 0).backward(seed)
    w.grad[0] = 5.0
    w.grad *= 2
    close(seed, np.ones(X.shape))
    seed[...] = 0.0
    close(w.grad[1], np.full((3, 5), 2.0))


@pytest.fixture
def on_numpy():
    with xad.use_backend("numpy"):
        yield


@pytest.mark.usefixtures("on_numpy")
def test_numpy_memory_that_nobody_else_has_is_written_into():
    x = xad.asarray(np.zeros((4, 3)) + 0)
    where = x.value.ctypes.data
    x[0] = 1.0
    x[i(1, 2), 0] = 2.0
    x[x > 1] = 3.0
    x[:, [1, 2]] += 0.0
    x[xad.asarray([3])] = xad.ones(3, dtype=x.dtype)
    assert x.value.ctypes.data == where
    expected = np.zeros((4, 3))
    expected[0], expected[1:3, 0], expected[3] = 1, 3, 1
    assert x.numpy().tolist() == expected.tolist()
    x += 1
    x -= xad.ones((4, 3), dtype=x.dtype)
    x *= np.full(3, 2.0)
    x /= 2.0
    assert x.value.ctypes.data == where
    assert x.numpy().tolist() == expected.tolist()
    holder = x.value
    x += 0.0
    assert x.value is not holder
    x = xad.asarray(holder, copy=True)
    holder = x.value
    where = holder.ctypes.data
    x[0] = 5.0
    assert holder[0, 0] == 1.0
    assert x.value.ctypes.data != where


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize(
    "share",
    [
        lambda a: a[1:],
        lambda a: a.T,
        memoryview,
        lambda a: np.from_dlpack(a),
        lambda a: a.view(),
        lambda a: np.lib.stride_tricks.as_strided(a, (2,), (8,)),
        lambda a: [a],
    ],
)
def test_numpy_memory_that_somebody_shares_is_not(share):
    x = xad.asarray(np.ones((2, 2)) + 0)
    shared = share(x.value)
    where = x.value.ctypes.data
    x[0] = 5.0
    assert x.value.ctypes.data != where
    del shared


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize(
    "made",
    [
        lambda: np.arange(4.0).reshape(2, 2)[:],
        lambda: np.frombuffer(bytes(32)).reshape(2, 2),
        lambda: np.broadcast_to(np.zeros(2), (2, 2)),
    ],
)
def test_numpy_memory_that_is_not_the_arrays_own_is_not(made):
    x = xad.asarray(made())
    x[0] = 5.0
    assert x.numpy()[0].tolist() == [5.0, 5.0]


@pytest.mark.usefixtures("on_numpy")
def test_read_only_memory_is_left_alone():
    raw = np.zeros(3)
    raw.flags.writeable = False
    x = xad.asarray(raw)
    del raw
    x[0] = 1.0
    assert x.numpy().tolist() == [1.0, 0.0, 0.0]


# ---- NumPy's arrays on the left ------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_numpy_arrays_do_not_take_tracked_tensors(shape):
    target = np.zeros((2, *shape))
    with xad.use_backend("numpy"):
        tracked = xad.asarray(np.ones(shape), requires_grad=True)
        for value in (tracked, tracked * 2):
            # NumPy asks an array for its elements, then for a number, and hides why it got none.
            with pytest.raises((TypeError, ValueError), match=r"drop its grad|with a sequence"):
                target[0] = value
            with pytest.raises(TypeError, match="requires grad would drop its gradient"):
                target[...] = value

        def f(x):
            target[0] = x
            return xad.sum(x)

        for transformed in (
            lambda: xad.grad(f)(np.ones(shape)),
            lambda: xad.jvp(f, (np.ones(shape),), (np.ones(shape),)),
            lambda: xad.vmap(f)(np.ones((2, *shape))),
            lambda: xad.make_program(f)(np.ones(shape)),
        ):
            with pytest.raises((TypeError, ValueError)) as caught:
                transformed()
            causes = caught.value, caught.value.__cause__
            assert any(isinstance(error, ConcreteValueError) for error in causes)
    assert not target.any()
    target[0] = xad.asarray(np.ones(shape))
    assert target[0].all()
