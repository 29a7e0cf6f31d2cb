"""x[key]: values as NumPy's, gradients, batches and recordings, for every kind of key."""

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError, IndexingError, ShapeError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 3, 5))


def i(*values):
    return np.asarray(values)


MASK = np.asarray([True, False, True, True])
KEYS = {
    "nothing": (),
    "ellipsis": ...,
    "integer": 1,
    "negative integer": -1,
    "numpy integer": np.int32(2),
    "slice": slice(1, 3),
    "long slice": slice(-10, 10),
    "empty slice": slice(3, 1),
    "step": (slice(None), slice(None, None, 2)),
    "backwards": slice(None, None, -1),
    "backwards by two": (slice(3, 0, -2), 1),
    "backwards, none left": slice(0, 3, -1),
    "backwards after an integer": (0, ..., slice(None, None, -3)),
    "element": (1, 2, 3),
    "last": (..., 0),
    "new axes": (None, 1, None, slice(0, 2), None),
    "new axis at the end": (..., None),
    "integers": i(0, 0, -1),
    "no integers": [],
    "list": [2, 0],
    "range": range(1, 3),
    "matrix of integers": i(0, 1, 2, 3).reshape(2, 2),
    "0-d array": np.asarray(2),
    "integers second": (slice(None), i(0, 0, -1)),
    "integers last": (..., i(4, 4)),
    "integers after an integer": (0, i(0, 1)),
    "integer after integers": (i(0, 1), 0),
    "pairs": (i(0, 0, 1), i(1, 1, -1)),
    "triples": (i(0, 0), i(1, 1), i(-1, -5)),
    "pairs last": (slice(1, None), i(0, 2), i(1, 1)),
    "grid": (i(0, 1).reshape(2, 1), i(0, 1, 2)),
    "apart": (i(0, 0), slice(None), i(1, 2)),
    "apart, backwards": (i(0, 0), slice(None, None, -1), i(1, 2)),
    "apart by a new axis": (i(0, 1), None, i(1, 2)),
    "apart by an ellipsis of no axis": (slice(None), i(0, 1), ..., i(1, 2)),
    "an ellipsis of no axis in front": (..., slice(None), i(0, 1), i(1, 2)),
    "an ellipsis of no axis before slices": (i(0, 1), i(1, 2), ..., slice(None)),
    "an ellipsis of no axis by an integer": (slice(None), i(0, 1), ..., 2),
    "integer apart": (0, slice(None), i(1, 2)),
    "new axis in front": (None, i(1, 0), slice(0, 2)),
    "step beside integers": (slice(None, None, 2), i(2, 0, 0)),
    "mask": MASK,
    "mask and slice": (MASK, slice(0, 2)),
    "mask and integer": (MASK, 1),
    "mask and integers": (MASK, i(0, 1, 1)),
    "slice and mask": (slice(0, 2), np.asarray([True, False, True])),
    "mask of two axes": (X[:, :, 0] > 0,),
    "mask of two axes, last": (1, X[0] > 0),
    "mask of all": (X > 0,),
    "mask of none": (X > 9,),
    "list of booleans": [True, False, False, True],
}
EVERY_KEY = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())


def placed(here, key):
    """The key with its arrays where the test runs."""
    if isinstance(key, tuple):
        return tuple(placed(here, item) for item in key)
    return xad.asarray(here.array(key)) if isinstance(key, np.ndarray) else key


def number(here, key):
    """A function of one array that every element of x[key] goes into with a weight of its own."""
    shape = X[key].shape
    weights = np.random.default_rng(1).normal(size=shape)
    w = xad.asarray(here.array(weights))
    return lambda x: xad.sum(x[placed(here, key)] ** 2 * w), weights


@EVERY_KEY
def test_values_are_numpys(key, here, close):
    got = xad.asarray(here.array(X))[placed(here, key)]
    assert got.shape == X[key].shape
    close(got, X[key])


@EVERY_KEY
def test_gradient_adds_up_over_all_uses(key, here, close):
    f, weights = number(here, key)
    expected = np.zeros_like(X)
    flat = np.arange(X.size).reshape(X.shape)[key]
    np.add.at(expected.reshape(-1), flat, 2 * X[key] * weights)
    close(xad.grad(f)(here.array(X)), expected)


@EVERY_KEY
def test_forward_mode_agrees_with_reverse(key, here, close):
    f, _ = number(here, key)
    direction = RNG.normal(size=X.shape)
    _, pushed = xad.jvp(f, (here.array(X),), (here.array(direction),))
    close(pushed, np.sum(here.to_host(xad.grad(f)(here.array(X))) * direction), 1e-9)


@EVERY_KEY
def test_second_derivative(key, here, close):
    f, _ = number(here, key)
    gradient = xad.grad(f)
    along = xad.grad(lambda x: xad.sum(gradient(x) * x))(here.array(X))
    close(along, 2 * here.to_host(gradient(here.array(X))))


@EVERY_KEY
def test_batched_array(key, here, close):
    many = np.stack([X, 2 * X, -X])
    f, _ = number(here, key)
    close(
        xad.vmap(lambda x: x[placed(here, key)])(here.array(many)),
        np.stack([x[key] for x in many]),
    )
    close(
        xad.vmap(xad.grad(f))(here.array(many)),
        np.stack([here.to_host(xad.grad(f)(here.array(x))) for x in many]),
    )


BATCHED = {
    "integers": (i(0, 0, -1), i(1, 2, 3)),
    "number": (np.asarray(1), np.asarray(-2)),
    "matrix": (i(0, 1, 2, 3).reshape(2, 2), i(3, 3, 3, 3).reshape(2, 2)),
}


@pytest.mark.parametrize("pair", BATCHED.values(), ids=BATCHED.keys())
@pytest.mark.parametrize(
    "use",
    [
        lambda x, k: x[k],
        lambda x, k: x[:, 1:, k],
        lambda x, k: x[k, :, k],
        lambda x, k: x[k, 1],
        lambda x, k: x[0, None, k - k],
    ],
)
@pytest.mark.parametrize("axes", [(None, 0), (0, 0)])
def test_batched_indices(pair, use, axes, here, close):
    arrays = [X, X[::-1].copy()]
    x = here.array(np.stack(arrays)) if axes[0] == 0 else here.array(X)
    k = here.array(np.stack(pair))

    def taken(x, k):
        return use(xad.asarray(x), k)

    def loss(x, k):
        return xad.sum(taken(x, k) ** 2)

    singles = [(arrays[n] if axes[0] == 0 else X, pair[n]) for n in range(2)]
    close(xad.vmap(taken, axes)(x, k), np.stack([use(a, p) for a, p in singles]))
    gradients = [xad.grad(loss)(here.array(a), here.array(p)) for a, p in singles]
    close(xad.vmap(xad.grad(loss), axes)(x, k), np.stack([here.to_host(g) for g in gradients]))


@pytest.mark.parametrize("name", ["integers", "pairs", "apart", "grid", "step", "backwards"])
def test_recorded_keys_replay_on_new_arrays(name, here, close):
    f, _ = number(here, KEYS[name])
    program = xad.make_program(xad.grad(f))(here.array(X))
    other = here.array(X - 0.5)
    close(program(other), here.to_host(xad.grad(f)(other)))


def test_recorded_indices_are_operands(here, close):
    program = xad.make_program(lambda x, k: x[k, :, k])(here.array(X), here.array(i(0, 1)))
    close(program(here.array(X), here.array(i(2, -2))), X[i(2, -2), :, i(2, -2)])


@pytest.mark.parametrize(
    ("key", "match"),
    [
        (4, r"from -4 to 3, got 4: the axis has length 4"),
        ((0, -4), r"from -3 to 2, got -4"),
        ((0, 0, 0, 0), r"at most 3 indices.*\(4, 3, 5\), got 4"),
        ((..., ...), "one ellipsis"),
        (1.0, "in a key, got float"),
        ("a", "in a key, got str"),
        ((np.asarray([0.5]),), r"got an array of .*float64"),
        ((slice(0.5, None),), "slice"),
        (np.asarray([True, False]), r"a mask of shape \(4,\).*got \(2,\)"),
        ((i(0, 1), i(3, 0)), "from -4 to 3 and from -3 to 2, got others.*3"),
        ((i(-5), i(0)), "from -4 to 3 and from -3 to 2, got others.*-5"),
        (i(4), "from -4 to 3"),
    ],
)
def test_keys_that_do_not_fit(key, match, here):
    if here.precision == "float32" and "float64" in match:
        match = match.replace("64", "")
    of_values = "others" in match or match == "from -4 to 3"
    if of_values and (here.adapter.name in ("jax", "dask") or str(here.device).startswith("cuda")):
        pytest.skip("does not look at indices, or not yet")
    with pytest.raises(IndexError, match=match) as caught:
        xad.asarray(here.array(X))[placed(here, key)]
    assert isinstance(caught.value, IndexingError)


def test_index_arrays_that_do_not_broadcast(here):
    with pytest.raises(ShapeError, match=r"xad\.getitem: expected shapes that broadcast"):
        xad.asarray(here.array(X))[placed(here, (i(0, 1), i(0, 1, 2)))]


def test_a_batched_or_recorded_mask_names_the_remedy(here):
    x = here.array(X[0])
    with pytest.raises(ConcreteValueError, match=r"vmap maps over; use xad.where\(mask"):
        xad.vmap(lambda row: row[row > 0])(x)
    with pytest.raises(ConcreteValueError, match=r"recorded program.*use xad.where"):
        xad.make_program(lambda row: row[row > 0])(x)


def test_a_recorded_bound_is_not_known(here):
    with pytest.raises(ConcreteValueError, match="must not depend on"):
        xad.make_program(lambda x, n: x[n:])(here.array(X), here.array(np.asarray(1)))


def test_masks_of_tracked_arrays(here, close):
    f = lambda x: xad.sum(x[x > 0] ** 2)  # noqa: E731
    close(xad.grad(f)(here.array(X)), np.where(X > 0, 2 * X, 0))


def test_a_zero_dimensional_mask(here, close):
    x = xad.asarray(here.array(np.asarray(2.0)))
    assert x[x > 0].shape == (1,)
    assert x[x < 0].shape == (0,)
    close(x[x > 0], [2.0])


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_an_empty_axis_of_a_mask_stands_for_any(shape, here):
    x = here.array(np.arange(6.0).reshape(2, 3))
    mask = here.array(np.zeros(shape, dtype=bool))
    assert xad.asarray(x)[mask].shape == (0, *(2, 3)[len(shape) :])
    np.testing.assert_array_equal(
        here.to_host(xad.grad(lambda x: xad.sum(x[mask]))(x)), np.zeros((2, 3))
    )


def test_array_counts_of_repeat(here, close):
    counts = xad.asarray(here.array(i(2, 0, 1, 3)))
    x = here.array(X)
    close(xad.repeat(x, counts, axis=0), np.repeat(X, i(2, 0, 1, 3), axis=0))
    gradient = xad.grad(lambda x: xad.sum(xad.repeat(x, counts, axis=0)))(x)
    close(gradient, np.broadcast_to(i(2, 0, 1, 3).reshape(4, 1, 1), X.shape))
    with pytest.raises(ConcreteValueError, match="expected counts whose values are known"):
        xad.vmap(lambda n: xad.repeat(x, n, axis=0))(here.array(np.ones((2, 4), np.int64)))
