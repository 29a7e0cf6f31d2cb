"""The generator for NumPy: whose memory results lie in, blocks, threads, and what it writes."""

import math
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xad
from xad.programs.generate import generate
from xad.programs.numpy import threads
from xad.programs.numpy.erf import block_erf
from xad.programs.numpy.memory import Arena, recycled


@pytest.fixture(autouse=True)
def on_numpy():
    with xad.use_backend("numpy"):
        yield


def compiled(f, *arrays, donated=()):
    return generate(xad.make_program(f)(*arrays).listing, frozenset(donated))


def test_intermediate_results_share_memory_and_results_do_not():
    f = lambda x: xad.exp(xad.sin(x) * 2) + xad.cos(x)  # noqa: E731
    x = np.linspace(0, 1, 5)
    run = compiled(f, x)
    first = run.run([x])[0]
    kept = first.copy()
    second = run.run([x + 1])[0]
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, f(x).numpy())
    np.testing.assert_array_equal(second, f(x + 1).numpy())
    assert not np.may_share_memory(first, second)


def test_results_that_are_constants_are_copies():
    c = np.arange(3.0)
    run = compiled(lambda x: (xad.asarray(c), xad.asarray(c)[::-1], x), np.ones(3))
    results = run.run([np.ones(3)])
    results[0][:] = 7
    results[1][:] = 7
    np.testing.assert_array_equal(c, [0, 1, 2])
    np.testing.assert_array_equal(run.run([np.ones(3)])[0], [0, 1, 2])


def test_views_of_inputs_stay_views():
    x = np.arange(6.0)
    (out,) = compiled(lambda x: xad.reshape(x, (2, 3)).T, x).run([x])
    assert np.shares_memory(out, x)
    np.testing.assert_array_equal(out, x.reshape(2, 3).T)


@pytest.mark.parametrize("size", [10, 300_000], ids=["small", "in blocks"])
def test_donated_memory_holds_the_result(size):
    p, g = np.ones(size), np.full(size, 2.0)
    run = compiled(lambda p, g: p - 0.5 * g * g, p, g, donated=[0]).run
    (out,) = run([p, g])
    assert out is p
    np.testing.assert_array_equal(out, np.full(size, -1.0))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda p: p[::2], id="a view"),
        pytest.param(lambda p: (p.setflags(write=False), p)[1], id="read-only"),
    ],
)
def test_donated_memory_of_others_is_left_alone(spoil):
    p = spoil(np.arange(8.0))
    before = p.copy()
    (out,) = compiled(lambda p: p * 2, p, donated=[0]).run([p])
    np.testing.assert_array_equal(p, before)
    np.testing.assert_array_equal(out, before * 2)


def test_an_array_given_twice_is_not_written_over():
    p = np.arange(4.0)
    run = compiled(lambda p, q: (p * 2, p + q), p, p.copy(), donated=[0]).run
    doubled, total = run([p, p])
    np.testing.assert_array_equal(doubled, [0, 2, 4, 6])
    np.testing.assert_array_equal(total, [0, 2, 4, 6])
    np.testing.assert_array_equal(p, [0, 1, 2, 3])


@pytest.mark.parametrize("size", [10, 300_000], ids=["small", "in blocks"])
def test_a_donated_argument_that_another_is_a_view_of_is_left_alone(size):
    p = np.arange(float(size))
    before = p.copy()
    run = compiled(lambda p, q: (p + q) * 2 + q, p, p[::-1], donated=[0]).run
    (out,) = run([p, p[::-1]])
    np.testing.assert_array_equal(out, (before + before[::-1]) * 2 + before[::-1])
    np.testing.assert_array_equal(p, before)


def test_a_donated_argument_that_is_read_later_is_not_written_over_too_soon():
    p = np.arange(4.0)

    def f(p):
        first = p * 3
        return first, xad.sum(p) + first

    a, b = compiled(f, p.copy(), donated=[0]).run([p])
    np.testing.assert_array_equal(a, [0, 3, 6, 9])
    np.testing.assert_array_equal(b, [6, 9, 12, 15])


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shape", [(300_001,), (5, 70_000), (1000, 3, 100)])
def test_large_arrays_go_by_blocks(shape, workers, monkeypatch):
    monkeypatch.setattr("xad.programs.numpy.blocks.worker_count", lambda: workers)
    random = np.random.default_rng(0)
    x, y = random.normal(size=shape), random.normal(size=shape[-1:])

    def f(x, y):
        z = xad.tanh(x * y) + xad.where(x > 0, x, y) ** 2
        return z, xad.sum(z), xad.max(z, axis=0), xad.sum(z, axis=-1, keepdims=True), z > 1

    run = compiled(f, x, y)
    assert "run_blocks(" in run.source
    for got, expected in zip(run.run([x, y]), f(x, y), strict=True):
        np.testing.assert_allclose(got, expected.numpy(), rtol=1e-12)


def test_an_error_in_a_thread_arrives_after_all_have_stopped():
    done = []

    def block(low, high, temporaries, arrays):
        if low == 6:
            raise ValueError("six")
        done.append(low)
        return ()

    with pytest.raises(ValueError, match="six"):
        threads.run_blocks(block, 8, 2, threads.MANY, ((), ()), ())
    assert sorted(done) == [0, 2, 4]


def test_calls_at_once_have_memory_of_their_own():
    f = lambda x: xad.sum(xad.exp(xad.sin(x) * 2) @ xad.cos(x))  # noqa: E731
    arrays = [np.full((60, 60), float(i)) for i in range(8)]
    run = compiled(f, arrays[0]).run
    expected = [f(x).item() for x in arrays]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert [x[0].item() for x in pool.map(lambda x: run([x]), arrays)] == expected


def test_class_numbers_out_of_range_are_an_error():
    f = lambda z, labels: xad.special.softmax_cross_entropy(z, labels, mean=True)  # noqa: E731
    z = np.zeros((3, 4))
    run = compiled(f, z, np.asarray([0, 1, 3])).run
    assert run([z, np.asarray([0, 1, 3])])[0] == pytest.approx(math.log(4))
    for wrong in (4, -1):
        with pytest.raises(ValueError, match="from 0 to 3"):
            run([z, np.asarray([0, 1, wrong])])


def test_the_source_reads_like_a_program():
    run = compiled(lambda x, w: xad.sum(xad.tanh(x @ w)), np.ones((3, 4)), np.ones((4, 2)))
    assert "matmul(a_, b_, c_)" in run.source
    assert "tanh(c_, c_)" in run.source


def test_the_error_function_of_blocks_is_right_to_the_last_digits():
    random = np.random.default_rng(0)
    special = pytest.importorskip("scipy.special")
    tame = np.concatenate([random.uniform(-7, 7, 50_000), 10.0 ** random.uniform(-300, 0, 50_000)])
    signs = np.asarray([[1], [-1]])
    large = [1e9, 9e11, 1.7e12, 2.5e12, 3.2e12, 1e13, 1e160, 1e300, np.inf]
    odd = np.concatenate([(signs * [0.0, 6.0, 1 / 1024, *large]).reshape(-1), [np.nan]])
    # Alone and together: one that is out of range has all of its block computed in another way.
    for x in (tame, tame.reshape(100, -1).T, np.concatenate([tame, odd]), *odd.reshape(-1, 1)):
        out, node, d = (np.empty(x.shape) for _ in range(3))
        with np.errstate(over="ignore", invalid="ignore"):
            block_erf(x, out, node, node.view(np.int64), d, np.empty(x.shape, np.int64))
        np.testing.assert_allclose(out, special.erf(x), rtol=1e-15, atol=0)
        np.testing.assert_array_equal(np.signbit(out), np.signbit(x))


@pytest.mark.parametrize("shape", [(262_144,), (1_000_000,), (300_007,), (40, 7_001), (3, 200_000)])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_thread_has_as_many_blocks(count, shape, monkeypatch):
    monkeypatch.setenv("XAD_NUM_THREADS", str(count))
    f = lambda x: (xad.sin(x) * 2 + 1, xad.special.erf(x), xad.max(xad.cos(x)))  # noqa: E731
    x = np.linspace(-3, 3, math.prod(shape)).reshape(shape)
    run = compiled(f, x)
    (found,) = re.findall(r"run_blocks\(block_0_, (\d+), (\d+), (\d+),", run.source)
    length, step, elements = map(int, found)
    assert (length, elements) == (max(shape), math.prod(shape))
    blocks = -(-length // step)
    assert blocks % count == 0
    assert length - (blocks - 1) * step > step - 16 * blocks
    for _ in range(2):
        for got, expected in zip(run.run([x]), f(x), strict=True):
            np.testing.assert_allclose(got, expected.numpy(), rtol=1e-15)


def test_places_in_an_arena_are_used_again():
    arena = Arena()
    a = arena.take((10,), np.float64)
    b = arena.take((10,), np.float64)
    arena.give_back(a)
    c = arena.take((4,), np.float32)
    assert c.start == a.start
    arena.give_back(b)
    arena.give_back(c)
    assert arena.take((20,), np.float64).start == 0
    assert arena.size == 256


def test_large_results_lie_in_memory_that_nobody_refers_to_any_longer():
    take = recycled((3,), np.float64)
    first, second = take(), take()
    assert first is not second
    place = first.ctypes.data
    view = first[:1]
    del first
    third = take()
    assert third.ctypes.data != place
    del view, third
    assert take().ctypes.data == place


def change_shape(x):
    x.shape = (2, -1)


def change_flags(x):
    x.setflags(write=False)


def change_dtype(x):
    x.dtype = np.int64


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("change", [change_shape, change_flags, change_dtype])
def test_memory_of_results_that_somebody_has_changed_is_not_taken_again(change):
    run = compiled(lambda x: x * 2, np.ones(200_000)).run
    for _ in range(4):
        (y,) = run([np.ones(200_000)])
        assert y.shape == (200_000,)
        assert (y == 2).all()
        change(y)
        del y


def test_results_that_are_kept_are_not_overwritten():
    run = compiled(lambda x: x + 1, np.zeros(200_000)).run
    kept = [run([np.full(200_000, float(i))])[0] for i in range(5)]
    assert [x[0] for x in kept] == [1, 2, 3, 4, 5]
