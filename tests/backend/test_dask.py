"""Dask: everything stays lazy until a value is asked for, and what cannot be is said."""

from __future__ import annotations

import numpy as np
import pytest

import xad
from xad import nn, tree
from xad.backend import adapter_of
from xad.errors import BackendError, IndexingError
from xad.nn import loop
from xad.testing import check_grads, place
from xad.testing.calls import calls
from xad.testing.database import op_database

KINDS = {"f": "float64", "c": "complex128", "i": "int64", "b": "bool"}
X = np.random.default_rng(0).normal(size=(6, 4))


@pytest.fixture(autouse=True)
def dask(require_library):
    require_library("dask")
    with xad.use_backend("dask"):
        yield pytest.importorskip("dask")


@pytest.fixture
def here():
    return place("dask")


@pytest.fixture
def da(dask):
    return pytest.importorskip("dask.array")


@pytest.fixture
def scheduled(dask):
    """Counts the calls of the scheduler, and the tasks of each."""
    from dask.callbacks import Callback

    class Scheduled(Callback):
        def __init__(self):
            super().__init__(start=lambda graph: self.tasks.append(len(graph)))
            self.tasks = []

        def __len__(self):
            return len(self.tasks)

    with Scheduled() as counted:
        yield counted


# ---- lazy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("info", op_database.values(), ids=lambda info: info.name)
def test_no_operation_and_no_rule_computes_anything(info, here, scheduled):
    kind = (info.differentiable or info.kinds)[0]
    for call in calls(info, here, KINDS[kind])[:3]:
        try:
            if info.differentiable and call.moving:
                f, operands = call.of_moving()
                outputs, pullback = xad.vjp(f, *operands)
                pullback(tuple(map(here.xp.ones_like, outputs)))
                xad.jvp(f, tuple(operands), tuple(map(here.xp.ones_like, operands)))
            else:
                call.outputs(*call.operands)
        except BackendError as error:
            pytest.skip(str(error))
        finally:
            assert len(scheduled) == 0, repr(call)


def loss(params, x, y):
    hidden = xad.tanh(x @ params["first"] + params["bias"])
    return xad.mean((hidden @ params["second"] - y) ** 2)


def step(params, x, y):
    value, gradients = xad.value_and_grad(loss)(params, x, y)
    return value, tree.map(lambda p, g: p - 0.1 * g, params, gradients)


def test_a_step_of_training_is_one_call_of_the_scheduler(here, da, dask, scheduled):
    random = np.random.default_rng(0)
    hosts = {
        "first": random.normal(size=(4, 5)),
        "bias": random.normal(size=5),
        "second": random.normal(size=(5, 2)),
    }
    targets = random.normal(size=(6, 2))
    params = tree.map(lambda p: da.from_array(p, chunks=3), hosts)
    x, y = da.from_array(X, chunks=(2, 3)), da.from_array(targets, chunks=(2, 2))
    pairs = []
    for number in range(1, 4):
        value, params = step(params, x, y)
        assert len(scheduled) == number - 1
        value, params = dask.persist(value, params)
        assert len(scheduled) == number
        with xad.use_backend("numpy"):
            expected, hosts = step(hosts, X, targets)
        pairs.append((value, expected))
    assert scheduled.tasks[1] == scheduled.tasks[2]
    for got, wanted in [*pairs, *zip(tree.leaves(params), tree.leaves(hosts), strict=True)]:
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-12)


def test_fit_computes_once_a_step_and_its_graph_does_not_grow(scheduled, monkeypatch):
    monkeypatch.setattr(loop, "_SECONDS_BETWEEN_READINGS", float("inf"))
    random = np.random.default_rng(0)
    data = (random.normal(size=(12, 4)).astype(np.float32), random.integers(0, 3, 12))

    def train(name):
        with xad.use_backend(name):
            return nn.fit(
                nn.mlp(4, 5, 3, rng=0),
                data,
                loss=nn.softmax_cross_entropy,
                optimizer=nn.Adam(1e-2),
                epochs=1,
                batch_size=2,
                progress=False,
            )

    result = train("dask")
    steps, readings = scheduled.tasks[:6], scheduled.tasks[6:]
    assert len(readings) <= 2
    assert max(steps) < 1.5 * steps[1]
    expected = train("numpy")
    np.testing.assert_allclose(result.history["loss"], expected.history["loss"], rtol=1e-5)
    weights = [tree.leaves(r.model)[0].numpy() for r in (result, expected)]
    np.testing.assert_allclose(*weights, rtol=1e-4, atol=1e-6)


def test_a_value_is_computed_when_it_is_asked_for(here, scheduled):
    x = xad.asarray(here.array(X))
    total = xad.sum(x * x)
    assert (total.shape, len(scheduled)) == ((), 0)
    assert float(total) == pytest.approx(np.sum(X * X))
    assert len(scheduled) == 1


def test_special_functions_run_on_blocks(da, scheduled):
    x = da.from_array(X, chunks=2)
    found = xad.special.erf(x)
    gradient = xad.grad(lambda x: xad.sum(xad.special.erf(x)))(x)
    assert (found.value.chunks, len(scheduled)) == (x.chunks, 0)
    np.testing.assert_allclose(gradient, 2 / np.sqrt(np.pi) * np.exp(-X * X), rtol=1e-12)


# ---- chunks and blocks --------------------------------------------------------------------------


def test_small_arrays_are_one_chunk(here):
    assert xad.asarray(X).value.numblocks == here.array(X).numblocks == (1, 1)
    assert xad.zeros((3, 2)).value.numblocks == (1, 1)


def test_blocks_stay_blocks(da):
    x = da.from_array(X, chunks=(2, 4))
    gradient = xad.grad(lambda x: xad.sum(xad.exp(x) * x))(x)
    assert gradient.chunks == x.chunks


@pytest.mark.parametrize("chunks", [-1, 2, (3, 2)])
def test_indices_over_chunks(da, chunks):
    x = da.from_array(X, chunks=chunks)
    rows = da.from_array(np.asarray([0, -1, 0, 3]), chunks=2)
    check_grads(lambda x: xad.take(x, rows, axis=0) ** 2, (x,))
    order = da.from_array(np.argsort(X, axis=0), chunks=chunks)
    check_grads(lambda x: xad.take_along_axis(x, order, axis=0) ** 2, (x,))
    expected = np.zeros_like(X)
    np.add.at(expected, [0, -1, 0, 3], 1.0)
    gradient = xad.grad(lambda x: xad.sum(x[rows]))(x)
    np.testing.assert_array_equal(gradient, expected)


def test_several_index_arrays_in_one_key(da, scheduled):
    x = da.from_array(X, chunks=(4, 3))
    for rows, columns in [([0, -1, 0], [1, 2, 1]), ([[0], [5]], [1, 3, 0])]:
        rows, columns = np.asarray(rows), np.asarray(columns)
        key = da.from_array(rows), da.from_array(columns)
        found = xad.asarray(x)[key]
        assert (found.shape, len(scheduled)) == (X[rows, columns].shape, 0)
        np.testing.assert_array_equal(found, X[rows, columns])
        check_grads(lambda x, key=key: x[key] ** 2, (xad.asarray(x),), order=2)
        scheduled.tasks.clear()
    beyond = xad.asarray(x)[da.from_array(np.asarray([0, 6])), da.from_array(np.asarray([0, 0]))]
    with pytest.raises(IndexingError, match="from -6 to 5, got others from 0 to 6"):
        beyond.numpy()


@pytest.mark.parametrize("axis", [0, -1])
def test_cross_products_of_blocks(axis, da):
    a, b = X[:3, :3], X[3:, 1:]
    found = xad.linalg.cross(da.from_array(a, chunks=2), da.from_array(b, chunks=1), axis=axis)
    np.testing.assert_allclose(found, np.cross(a, b, axis=axis), rtol=1e-14)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (2, 2), (0, 2)])
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_eye_of_any_shape(shape, k):
    found = xad.eye(*shape, k=k)
    np.testing.assert_array_equal(found, np.eye(*shape, k=k))
    assert found.dtype == np.float64
    assert xad.eye(*shape, dtype="int32").dtype == np.int32


def test_special_functions_that_are_no_ufuncs(da, scheduled):
    from scipy import special

    x = da.from_array(abs(X) + 1.5, chunks=4)
    q = da.from_array(abs(X[0]) + 1.0, chunks=2)
    pairs = [
        (xad.special.polygamma(2, x), special.polygamma(2, abs(X) + 1.5)),
        (xad.special.zeta(x, q), special.zeta(abs(X) + 1.5, abs(X[0]) + 1.0)),
        (xad.special.spherical_jn(9, x), special.spherical_jn(9, abs(X) + 1.5)),
    ]
    assert len(scheduled) == 0
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-12)


MATRICES = ["det", "inv", "pinv", "cholesky", "svdvals", "qr", "slogdet", "eig", "eigvals", "eigh"]


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_in_several_chunks(name, da):
    stack = np.stack([X[:4] @ X[:4].T + np.eye(4), X[1:5] @ X[1:5].T + np.eye(4)])
    function = getattr(xad.linalg, name)
    for host, chunks in ((stack[0], 2), (stack, (1, 2, 4))):
        found = function(da.from_array(host, chunks=chunks))
        with xad.use_backend("numpy"):
            expected = function(host)
        for got, wanted in zip(_parts(found), _parts(expected), strict=True):
            np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-10, atol=1e-12)


def _parts(found):
    return found if isinstance(found, tuple) else (found,)


def test_writing_makes_a_new_array(here):
    raw = here.array(X)
    t = xad.asarray(raw)
    t[0] = 5.0
    assert np.all(t.numpy()[0] == 5.0)
    np.testing.assert_array_equal(np.asarray(raw), X)
    put = here.adapter.put(raw[:, 0], here.array([1, 1]), here.array([7.0, 8.0]))
    assert np.asarray(put)[1] == 8.0
    last = here.adapter.last_uses(here.array([2, 0, 2]), 3)
    np.testing.assert_array_equal(last, [2, 1, 2])


def test_writing_at_two_keys_of_the_same_parts(here):
    x, rows, v = here.array(X), here.array([0, 2]), here.array([7.0, 8.0])
    write = here.adapter.write
    both = here.xp.stack([write(x, (1, rows), v), write(x, (rows, 1), v)])
    across, down = both.compute()
    np.testing.assert_array_equal(across[1], [7.0, X[1, 1], 8.0, X[1, 3]])
    np.testing.assert_array_equal(down[:, 1], [7.0, X[1, 1], 8.0, *X[3:, 1]])


def test_extremes_of_nothing(da):
    assert xad.max(da.zeros((0, 3)), axis=1).numpy().shape == (0,)
    with pytest.raises(ValueError, match="zero-size"):
        xad.max(da.zeros((0, 3)), axis=0)


# ---- what cannot be -----------------------------------------------------------------------------

UNKNOWN = r"dask has no known shape .*nan.*compute_chunk_sizes.*xad\.where.*x\.to\(\"numpy\"\)"


def test_shapes_that_depend_on_values(da):
    x = da.from_array(X, chunks=2)
    unknown = x[x[:, 0] > 0]
    for use in (xad.asarray, xad.sin, xad.sum, xad.grad(lambda x: xad.sum(x))):
        with pytest.raises(BackendError, match=UNKNOWN):
            use(unknown)
    for make in (lambda x: x[x > 0], xad.nonzero):
        with pytest.raises(BackendError, match=UNKNOWN):
            make(xad.asarray(x))
    known = unknown.compute_chunk_sizes()
    assert xad.sum(known).shape == ()
    assert xad.grad(lambda x: xad.sum(x * x))(known).shape == known.shape


def test_what_dask_lacks_is_named_with_a_remedy(here):
    for missing in ("linalg.lu_factor", "special.multigammaln"):
        with pytest.raises(BackendError, match=rf"dask has no function '{missing}'.*x\.to\(\"nu"):
            here.adapter.kernel(missing)
    x = xad.asarray(here.array(X))
    taken = xad.grad(lambda x: xad.sum(x.to("numpy")[x.to("numpy") > 0]))
    assert adapter_of(taken(x).value).name == "dask"
    np.testing.assert_array_equal(taken(x), X > 0)


def test_indices_out_of_range_are_found_when_they_are_looked_at(here, scheduled):
    found = xad.take(here.array(X), here.array([0, 6]), axis=0)
    assert len(scheduled) == 0
    with pytest.raises(IndexingError, match="from -6 to 5, got others from 0 to 6"):
        found.numpy()


# ---- other libraries ----------------------------------------------------------------------------


def test_gradients_come_back_to_dask(here):
    x = xad.asarray(here.array(X), requires_grad=True)
    xad.sum(x.to("numpy") * 3).backward()
    assert adapter_of(x.grad.value).name == "dask"
    np.testing.assert_array_equal(x.grad.numpy(), np.full(X.shape, 3.0))


def test_weights_are_those_of_every_backend():
    on_dask = nn.init.glorot_uniform((3, 2), rng=0).numpy()
    with xad.use_backend("numpy"):
        np.testing.assert_array_equal(on_dask, nn.init.glorot_uniform((3, 2), rng=0).numpy())
