"""Results that are large, and lie in memory of their own from their first operand on."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

import xad
from xad import nn
from xad.programs.generate import generate

SHAPE = (200, 200)  # of 160 kB: new memory for each would be slow; too small for blocks
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def on_numpy():
    with xad.use_backend("numpy"):
        yield


def matrix(scale=1.0):
    return (RANDOM.normal(size=SHAPE) * scale).astype(np.float32)


def update(w, x, g):
    return w + (x.T @ g) * np.float32(-0.01)


def test_a_step_is_computed_in_the_memory_of_the_new_weights():
    given = [matrix(), matrix(), matrix()]
    run = generate(xad.make_program(update)(*given).listing)
    assert f"{SHAPE!r}, float32)" in run.source
    assert f"array_at(memory, 0, {SHAPE!r}" not in run.source
    w = before = given[0]
    for _ in range(5):
        expected = update(w, *given[1:])
        (w,) = run.run([w, *given[1:]])
        np.testing.assert_array_equal(w, expected)
        assert not any(np.may_share_memory(w, x) for x in given)
    np.testing.assert_array_equal(before, given[0])


def test_what_others_still_need_is_not_written_over():
    x, y = matrix(), matrix()

    def f(x, y):
        product = x @ y
        shifted = product + 1
        return shifted * 2, xad.sum(product.T[:3] * 3), product - shifted, product

    expected = [np.asarray(r) for r in f(x, y)]
    jitted = xad.jit(f)
    kept = [jitted(x, y) for _ in range(4)]
    for results in kept:
        for found, wanted in zip(results, expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4)
    every = [r for results in kept for r in results]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(every) for b in every[:i])


OPERATIONS = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b * 0.5,
    "-": lambda a, b: a - b,
    "sin": lambda a, b: xad.sin(a),
    "relu": lambda a, b: xad.special.relu(a),
    "@": lambda a, b: xad.matmul(a, b) * 0.05,
    "T": lambda a, b: xad.permute_dims(a, (1, 0)),
    "row": lambda a, b: a + xad.sum(b, axis=0) * 0.01,
    "where": lambda a, b: xad.where(b > 0, a, b),
    "negative": lambda a, b: -a,
}


def random_function(seed):
    """A straight line of operations on matrices, some of them results."""
    random = Random(seed)
    steps = []
    for i in range(random.randint(3, 14)):
        kind = random.choice(list(OPERATIONS))
        steps.append((kind, random.randrange(i + 3), random.randrange(i + 3)))
    kept = sorted({len(steps) + 2, *random.sample(range(3, len(steps) + 3), 2)})

    def f(x, y, z):
        pool = [x, y, z]
        for kind, i, j in steps:
            pool.append(OPERATIONS[kind](pool[i], pool[j]))
        return [pool[i] for i in kept]

    return f


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_on_large_matrices(seed):
    f = random_function(seed)
    points = [[matrix(0.5) for _ in range(3)] for _ in range(3)]
    jitted = xad.jit(f)
    found = [jitted(*point) for point in (*points, *points)]
    for results, point in zip(found, (*points, *points), strict=True):
        before = [x.copy() for x in point]
        expected = f(*map(xad.asarray, point))
        for x, y in zip(results, expected, strict=True):
            np.testing.assert_allclose(x, np.asarray(y.numpy()), rtol=2e-5, atol=2e-5)
        assert all(map(np.array_equal, before, point))


def test_threads_have_results_of_their_own():
    jitted = xad.jit(update)
    given = [[matrix(), matrix(), matrix()] for _ in range(8)]
    expected = [update(*arrays) for arrays in given]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            found = list(pool.map(lambda arrays: jitted(*arrays), given))
            for x, y in zip(found, expected, strict=True):
                np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5), (90, 100), (128, 1024), (1500, 1500)])
def test_a_column_times_a_row(shape, dtype):
    rows, columns = shape
    column = RANDOM.normal(size=(rows, 1)).astype(dtype)
    row = RANDOM.normal(size=(1, columns)).astype(dtype)
    column[0], row[0, 1] = np.inf, np.nan
    jitted = xad.jit(lambda c, r: (xad.matmul(c, r), xad.matmul(c.T.T, r) * 2))
    np.testing.assert_array_equal(xad.matmul(column, row).numpy(), column * row)
    for scale in (1, 3):
        product, twice = jitted(column * scale, row)
        np.testing.assert_array_equal(product, column * scale * row)
        np.testing.assert_array_equal(twice, column * scale * row * 2)


@pytest.mark.parametrize("classes", [2, 10, 300])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_the_loss_of_any_number_of_rows(count, classes):
    logits = RANDOM.normal(size=(count, classes))
    logits[0, 0] = -np.inf
    labels = RANDOM.integers(1, classes, size=count)
    gradient = xad.value_and_grad(lambda z: nn.softmax_cross_entropy(z, labels) * 3)
    expected = gradient(logits)
    jitted = xad.jit(gradient)
    for _ in range(2):
        for x, y in zip(jitted(logits), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-14, atol=1e-16)
    with pytest.raises(ValueError, match="class numbers"):
        xad.jit(nn.softmax_cross_entropy)(logits, labels - classes)


INF = np.inf
ROWS = [[-INF, -INF, -INF], [INF, 1, 2], [np.nan, 1, 2], [3e38, -3e38, 1], [1000, -1000, -0.0]]


@pytest.mark.parametrize("label", [0, 2])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loss_of_one_odd_row(dtype, row, label):
    logits, labels = np.asarray([row], dtype=dtype), np.asarray([label], dtype=np.uint8)
    gradient = xad.value_and_grad(lambda z: nn.softmax_cross_entropy(z, labels))
    with np.errstate(all="ignore"):
        for x, y in zip(xad.jit(gradient)(logits), gradient(logits), strict=True):
            np.testing.assert_array_equal(x, y, strict=True)
