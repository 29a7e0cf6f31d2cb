"""xad.at(x)[key]: as NumPy's ufunc.at, with exact gradients, and x is left alone."""

import numpy as np
import pytest
from test_getitem import EVERY_KEY, X, i, placed

import xad
from xad.errors import ConcreteValueError, DTypeError, IndexingError, ShapeError
from xad.testing import check_grads

RNG = np.random.default_rng(12)
NUMPYS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "min": np.minimum,
    "max": np.maximum,
}
EVERY_CHANGE = pytest.mark.parametrize("name", NUMPYS)
MASK = np.asarray([True, False, True, True])
REPEATED = {
    "rows": i(0, 2, 0, 0, 2),
    "pairs": (i(0, 0, 1, 0), i(1, 1, -1, 1)),
    "columns": (..., i(4, 4, -1)),
    "matrix": i(3, 3, 1, 3).reshape(2, 2),
    "none": i(2, 0, 1),
    "empty": i().astype(np.int64),
}


def changed(name, x, key, v):
    return getattr(xad.at(x)[key], name)(v)


def numpys(name, x, key, v):
    y = x.copy()
    NUMPYS[name].at(y, key, v)
    return y


def apart(shape, seed=0):
    """Values well away from zero and from those of X."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)


# ---- values and derivatives ----------------------------------------------------------------------


@EVERY_CHANGE
@EVERY_KEY
def test_values_are_numpys(name, key, here, close):
    x = here.array(X)
    for v in (apart(X[key].shape), 1.5):
        given = here.array(v) if isinstance(v, np.ndarray) else v
        got = changed(name, x, placed(here, key), given)
        close(got, numpys(name, X, key, v))
    np.testing.assert_array_equal(here.to_host(x), X.astype(here.precision))


@EVERY_KEY
def test_set_is_assignment(key, here, close):
    v = apart(X[key].shape)
    y = X.copy()
    y[key] = v
    t = xad.asarray(here.array(X))
    close(xad.at(t)[placed(here, key)].set(here.array(v)), y)
    close(t, X)


@EVERY_CHANGE
@pytest.mark.parametrize("key", REPEATED.values(), ids=REPEATED.keys())
def test_elements_named_several_times(name, key, here, close):
    v = apart(X[key].shape)
    close(changed(name, here.array(X), placed(here, key), here.array(v)), numpys(name, X, key, v))
    f = lambda x, v: changed(name, x, placed(here, key), xad.sin(v)) ** 2  # noqa: E731
    order = 2 if here.precision == "float64" else 1
    check_grads(f, (here.array(X), here.array(v)), order=order)


@EVERY_CHANGE
@pytest.mark.parametrize(
    "key", [1, (..., slice(None, None, -2)), (0, None, ..., 1), MASK, (MASK, 0), X > 0]
)
@pytest.mark.parametrize("scalar", [False, True])
def test_derivatives(name, key, scalar, here):
    v = apart(() if scalar else X[key].shape)
    f = lambda x, v: changed(name, x * x, placed(here, key), v) ** 2  # noqa: E731
    check_grads(f, (here.array(X), here.array(v)), order=1)


def test_a_product_with_zeros_has_its_exact_gradient(here, close):
    key = placed(here, i(0, 0, 0, 1))
    x, v = here.array(np.asarray([2.0, 3.0])), here.array(np.asarray([5.0, 0.0, 7.0, 0.0]))
    g_x, g_v = xad.grad(lambda x, v: xad.sum(xad.at(x)[key].multiply(v)), (0, 1))(x, v)
    close(g_x, [0.0, 0.0])
    close(g_v, [0.0, 70.0, 0.0, 3.0])


@pytest.mark.parametrize("name", ["min", "max"])
def test_ties_are_halved(name, here, close):
    x, v = here.array(np.asarray([1.0, 2.0, 3.0])), here.array(np.asarray([1.0, 2.0]))
    for key in (slice(0, 2), placed(here, i(0, 1)), [True, True, False]):
        f = lambda x, v: xad.sum(changed(name, x, key, v))  # noqa: E731, B023
        g_x, g_v = xad.grad(f, (0, 1))(x, v)
        close(g_x, [0.5, 0.5, 1.0])
        close(g_v, [0.5, 0.5])
        close(xad.jvp(f, (x, v), (x, v))[1], 6.0)


def test_a_python_number_counts_as_often_as_it_is_named(here, close):
    x = here.array(np.asarray([1.0, 2.0]))
    key = placed(here, i(0, 0, 0))
    close(xad.at(x)[key].add(1), [4.0, 2.0])
    close(xad.at(x)[key].subtract(0.5), [-0.5, 2.0])
    close(xad.at(x)[key].multiply(2), [8.0, 2.0])
    close(xad.at(x)[key].divide(2), [0.125, 2.0])
    close(xad.at(x)[key].set(9), [9.0, 2.0])


def test_integers(here, close):
    n = here.array(i(1, 2, 3))
    key = placed(here, i(0, 0, 2))
    close(xad.at(n)[key].add(here.array(i(1, 1, 5))), [3, 2, 8])
    close(xad.at(n)[key].multiply(2), [4, 2, 6])
    close(xad.at(n)[key].max(2), [2, 2, 3])
    assert xad.at(n)[key].add(1).dtype == n.dtype


# ---- transformations -----------------------------------------------------------------------------


@EVERY_CHANGE
@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0)])
@pytest.mark.parametrize("place", [lambda k: k, lambda k: (0, slice(None), k)])
def test_batches_are_loops(name, axes, place, here, close):
    ks = [i(0, 2, 0), i(1, 1, 1)]
    xs = [X, X[::-1].copy()]
    vs = [apart(X[place(ks[0])].shape, seed) for seed in (1, 2)]

    def f(x, v, k):
        return changed(name, x, place(k), v)

    groups = list(zip((xs, vs, ks), axes, strict=True))
    many = [here.array(np.stack(a) if axis == 0 else a[0]) for a, axis in groups]
    single = [[here.array(a[n] if axis == 0 else a[0]) for a, axis in groups] for n in range(2)]
    expected = [
        numpys(name, x, place(k), v) for x, v, k in ([here.to_host(a) for a in s] for s in single)
    ]
    close(xad.vmap(f, axes)(*many), np.stack(expected))
    for argnum in (0, 1):
        gradient = xad.grad(lambda *s: xad.sum(xad.sin(f(*s))), argnum)
        found = xad.vmap(gradient, axes)(*many)
        close(found, np.stack([here.to_host(gradient(*s)) for s in single]), 1e-9)


@EVERY_CHANGE
def test_programs_replay_on_other_indices(name, here, close):
    v = apart((4, 3, 5))
    program = xad.make_program(lambda x, v, k: changed(name, x, k, v))(
        here.array(X), here.array(v), here.array(i(0, 1, 2, 3))
    )
    for key in (i(0, 1, 2, 3), i(2, 2, 2, -2), i(3, 0, 3, 0)):
        got = program(here.array(X), here.array(v), here.array(key))
        close(got, numpys(name, X, key, v))


@EVERY_CHANGE
def test_batched_masks(name, here, close):
    f = lambda x, v: changed(name, x, x > 0, v)  # noqa: E731
    expected = np.stack([numpys(name, x, x > 0, 1.5) for x in X])
    close(xad.vmap(lambda x: f(x, 1.5))(here.array(X)), expected)
    close(xad.vmap(f)(here.array(X), here.array(np.full(4, 1.5))), expected)
    with pytest.raises(ConcreteValueError, match=r"xad\.where"):
        xad.vmap(lambda x: f(x, here.array(np.ones(8))))(here.array(X))


# ---- errors --------------------------------------------------------------------------------------


def test_errors(here):
    x = here.array(X)
    with pytest.raises(IndexingError, match="from -4 to 3, got 4"):
        xad.at(x)[4].add(1)
    with pytest.raises(ShapeError, match=r"broadcasts to \(3, 5\)"):
        xad.at(x)[0].set(here.array(np.zeros(4)))
    with pytest.raises(ShapeError, match=r"broadcasts to \(2, 3, 5\)"):
        xad.at(x)[placed(here, i(0, 1))].multiply(here.array(np.zeros((3, 3, 5))))
    with pytest.raises(
        DTypeError, match=r"at\(x\)\[key\]\.add\(v\): expected a v that .* can hold"
    ):
        xad.at(here.array(i(1, 2)))[0].add(0.5)
    with pytest.raises(TypeError):
        xad.at(here.array(i(1, 2)))[0].divide(2)
    with pytest.raises(TypeError, match="expected an array, got list"):
        xad.at([1, 2])
