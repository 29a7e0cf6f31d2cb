"""Programs give what eager code gives, to the last bit: signs of zeros, types, numbers, memory."""

import numpy as np
import pytest

import xad

A = np.asarray
INF, NAN = float("inf"), float("nan")


@pytest.fixture(autouse=True)
def numpy_quietly():
    with xad.use_backend("numpy"), np.errstate(all="ignore"):
        yield


def filled(x):
    """Infinities and NaN where numbers of the program's own stand beside them."""
    low = x * 0.25 + 0.5 - x * 3.0
    low[0] = -INF
    x = x + 0.0
    x[1] = NAN
    return low, x


BYTES = A([1, 3], np.uint8)
CASES = {
    "numbers that are none": (
        lambda x: xad.where(x > 0.5, INF, xad.where(x < 0.25, NAN, x * 2.0)),
        A([0.1, 0.3, 0.7]),
    ),
    "assigned numbers that are none": (filled, A([0.1, 0.3, 0.7])),
    "powers of numbers that are none": (
        lambda x: (0.25 * x, 0.5 * x, 3.0 * x, xad.pow(INF, x), xad.pow(NAN, x)),
        A([0.1, 0.3, 0.7]),
    ),
    "plus a negative that wraps around": (lambda a, u: a + (-u), A([1, 2]), BYTES),
    "minus a negative that wraps around": (lambda a, i: a - (-i), A([1, 2]), A([-128, 3], np.int8)),
    "a number plus a negative that wraps around": (lambda u: 0.5 + (-u), BYTES),
    "0 minus the negative of an integer": (lambda n: -0.0 - (-n), A([0, 1])),
    "a negative of its own type": (lambda u, v: u + (-v), BYTES, BYTES[::-1]),
    "a complex power of a real": (lambda x: x ** (2 + 0j), A([1.0, 2.0])),
    "a number that does not fit": (
        lambda c, u: xad.where(c, -3, u) + xad.astype(c, xad.uint8),
        A([True, False]),
        BYTES,
    ),
    "means of half precision": (lambda u: xad.mean(xad.log(u)), np.full(70_000, 3, np.uint8)),
    "two negatives": (lambda c, a, b: 1 / (c + ((-a) + (-b))), A([-0.0]), A([1.0]), A([-1.0])),
    "a negative less": (lambda c, a, b: 1 / (c + ((-a) - b)), A([-0.0]), A([1.0]), A([-1.0])),
    "a complex number with a zero": (
        lambda m, z: xad.sqrt(xad.where(m, complex(-4, -0.0), z)),
        A([True]),
        A([1j]),
    ),
    "-0.0 added to complex zeros": (lambda z: xad.sqrt(z + -0.0), A([complex(-4, -0.0)])),
    "a complex number less a negative": (lambda y: complex(1, -0.0) - (-y), A([1.0])),
    "erf of -0.0, in blocks": (lambda x: 1 / (xad.special.erf(x) * 2), np.full(1 << 18, -0.0)),
    "complex products both ways": (
        lambda p, q: (p * q, q * p),
        *(np.random.default_rng(0).normal(size=(2, 500, 2)) @ A([1, 1j])),
    ),
}


def bits(x):
    x = A(x.value if isinstance(x, xad.Tensor) else x)
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), A(np.nan, x.dtype), x)
    return x.dtype, x.shape, x.tobytes()


@pytest.mark.parametrize("name", CASES)
def test_the_same_to_the_bit(name):
    f, *arguments = CASES[name]
    expected = xad.tree.leaves(f(*map(xad.asarray, arguments)))
    for run in (xad.jit(f), xad.make_program(f)(*arguments)):
        found = xad.tree.leaves(run(*arguments))
        assert list(map(bits, found)) == list(map(bits, expected))


def test_values_without_axes_keep_their_type():
    w = np.linspace(-1, 1, 5).astype(np.float32)
    norm = lambda w: xad.sqrt(xad.sum(w * w)) * 0.1  # noqa: E731
    expected = xad.jit(norm)(w)
    assert expected.dtype == np.float32
    for got in (xad.make_program(norm)(w)(w), xad.linearize(norm, w)[0]):
        assert isinstance(got, np.ndarray)
        assert bits(got) == bits(expected)
    three = A(3, np.uint8)
    assert xad.make_program(lambda u: (u + u) - 10)(three)(three) == 252


def test_a_single_element_is_no_view():
    w = np.arange(3.0)
    first = xad.jit(lambda w: w[0])(w)
    w += 1
    assert first == 0


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: xad.reshape(xad.reshape(x.T, (12,)), (4, 3)), np.ones((3, 4))),
        (xad.conj, np.ones(3, np.int64)),
    ],
    ids=["reshaped", "conjugated"],
)
def test_results_that_eager_code_copies_are_not_the_argument(f, x):
    jitted = xad.jit(f)
    for _ in range(2):
        jitted(x)[...] = 7
        assert (x == 1).all()


def test_equal_results_that_eager_code_copies_are_not_the_same():
    twice = xad.jit(lambda x: (xad.reshape(x.T, (4,)), xad.reshape(x.T, (4,))))
    first, second = twice(np.ones((2, 2)))
    first[:] = 7
    assert (second == 1).all()


def test_a_donated_array_that_the_function_also_takes_from_outside():
    c = np.arange(4.0)
    _, total = xad.jit(lambda p: (p * 2, p * 2 + c), donate_argnums=0)(c)
    np.testing.assert_array_equal(total, np.arange(4.0) * 3)


def test_merged_numbers_stay_finite():
    x = A([1.0, 0.0])
    reordered = xad.jit(lambda x: (xad.sum(x * INF), x * (1e-200 * x * -INF)), reassociate=True)
    total, product = reordered(x)
    assert np.isnan(total)
    assert product[0] == -INF
    assert np.isnan(product[1])


@pytest.mark.parametrize("name", ["number", "arrays", "memory", "done", "temporaries", "low"])
def test_operations_may_have_any_name(name):
    f = xad.custom_vjp(lambda x: A(x) + 1)
    f.__name__ = name
    f.f.__name__ = name
    f.defvjp(lambda x: (x + 1, None), lambda _, g: (g,))
    big = np.ones(200_000)
    np.testing.assert_array_equal(xad.jit(lambda x: 0.5 * f(x) * 3.0 + x)(big), 4.0)
