"""jit: numbers, draws, keys and results are what they are in eager code, or refused."""

import collections
import dataclasses
import enum
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError, ProgramError


@pytest.fixture
def x(here):
    return here.array([1.0, 2.0, 3.0])


@pytest.fixture
def on_numpy():
    with xad.use_backend("numpy"):
        yield


def same(got, expected):
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


# ---- random draws --------------------------------------------------------------------------------


def test_a_generator_passed_twice_and_two_generators_are_different_calls(here, x):
    def f(x, a, b):
        return x + a.normal() - b.normal(), a is b

    def run(f):
        a, b = np.random.default_rng(0), np.random.default_rng(1)
        pairs = [(a, a), (a, a), (a, a), (a, b), (a, b), (b, a), (b, b), (a, b)]
        return [f(x, *pair) for pair in pairs]

    jitted = xad.jit(f)
    for got, expected in zip(run(jitted), run(f), strict=True):
        np.testing.assert_array_equal(here.to_host(got[0]), here.to_host(expected[0]))
        assert got[1] is expected[1]
    assert jitted.cache_info().misses == 2


def collected(f, calls):
    """What the calls give, and where the generator is then."""
    rng = np.random.default_rng(3)
    out = []
    for n in calls:
        try:
            out.append(np.asarray(f(rng, n)).tolist())
        except (ZeroDivisionError, OverflowError) as error:
            out.append(type(error))
    return out, rng.bit_generator.state


@pytest.mark.parametrize(
    ("f", "calls"),
    [
        (lambda x, rng, n: rng.normal(size=3) + x * 2**n, [2, 2, -1, 3]),
        (lambda x, rng, n: rng.normal(size=3) + x * (1 / n), [2, 2, 0, 3]),
        (lambda x, rng, n: x * (rng.random() * (1 / n)), [2, 0, 2, 0, 3]),
        (lambda x, rng, n: rng.normal(size=3) + x * (1 / (rng.random() > 2 or n)), [1]),
    ],
    ids=["another kind", "zero", "zero beside a draw", "refused"],
)
def test_numbers_are_drawn_once_where_eager_code_takes_over(on_numpy, f, calls):
    x = np.ones(3)
    jitted = xad.jit(f)
    if len(calls) == 1:
        with pytest.raises(ConcreteValueError):
            jitted(x, np.random.default_rng(3), 1)
        return
    got = collected(lambda rng, n: jitted(x, rng, n), calls)
    assert got == collected(lambda rng, n: f(x, rng, n), calls)


def test_arithmetic_that_fails_for_what_was_drawn(on_numpy):
    x = np.ones(3)

    def f(x, rng):
        return rng.normal(size=3) + x * (1 / int_of(rng.random()))

    def int_of(u):
        return (u * 4 + 0.0) // 1  # zero now and then

    jitted = xad.jit(f)
    calls = range(30)
    got = collected(lambda rng, _: jitted(x, rng), calls)
    expected = collected(lambda rng, _: f(x, rng), calls)
    assert got == expected
    assert ZeroDivisionError in got[0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, rng: x * rng.integers(5),
        lambda x, rng: xad.astype(x, x.dtype) / 2 * rng.choice([1.5, 2.5]),
        lambda x, rng: x * (rng.integers(5) + 1),
        lambda x, rng: x[rng.integers(3)] * 2,
        lambda x, rng: xad.where(rng.choice([True, False]), x, -x),
        lambda x, rng: x > rng.integers(3),
    ],
    ids=["integers", "choice", "arithmetic", "index", "flag", "comparison"],
)
def test_scalars_that_are_drawn_promote_as_in_eager_code(on_numpy, f, boxed, dtype):
    x = np.arange(3).astype(dtype)
    x = xad.asarray(x) if boxed else x
    jitted = xad.jit(f)
    mine, other = np.random.default_rng(0), np.random.default_rng(0)
    for _ in range(4):
        try:
            expected = f(x, other)
        except Exception as error:  # noqa: BLE001
            with pytest.raises(type(error)):
                jitted(x, mine)
            return
        same(jitted(x, mine), expected)


@pytest.mark.parametrize("boxed", [False, True])
def test_a_fraction_that_is_drawn_does_not_decide_a_data_type(on_numpy, boxed):
    x = xad.asarray(np.arange(3)) if boxed else np.arange(3)
    with pytest.raises(ConcreteValueError, match="another one at each call"):
        xad.jit(lambda x, rng: x * rng.choice([1.5, 2.5]))(x, np.random.default_rng(0))


def test_an_index_that_is_drawn(here, close, x):
    jitted = xad.jit(lambda x, rng: x[rng.integers(3)] * 2)
    mine, other = np.random.default_rng(0), np.random.default_rng(0)
    tensor = xad.Tensor(x)
    for _ in range(4):
        close(jitted(tensor, mine), 2.0 * (1 + other.integers(3)))
    assert jitted.cache_info().misses == 1


def test_an_index_among_the_arguments_leaves_other_numbers_free(here, close, x):
    jitted = xad.jit(lambda x, i, rate: x[i] * rate)
    for i, rate in [(0, 2.0), (0, 3.0), (1, 3.0), (-1, 5.0)]:
        close(jitted(x, i, rate), [1.0, 2.0, 3.0][i] * rate)
    assert jitted.cache_info().misses == 3


def test_draws_that_are_no_numbers_are_refused(x):
    for draw in (lambda rng: rng.choice(["a", "b"]), lambda rng: rng.permutation(["a", "b"])):
        with pytest.raises(ProgramError, match="expected numbers, got <U1; draw positions"):
            xad.jit(lambda x, rng, draw=draw: (x, draw(rng)))(x, np.random.default_rng(0))


# ---- numbers -------------------------------------------------------------------------------------


def test_the_quick_way_in_keeps_numbers_in_their_places(here, close, x):
    """A number that was asked for stands among the others."""
    jitted = xad.jit(lambda x, n, rate, other: x * rate if n == 2 else x * other)
    for rate in (2.0, 3.0, 4.0, 5.0):
        close(jitted(x, 2, rate, 100.0), np.asarray([1.0, 2.0, 3.0]) * rate)
    shifted = xad.jit(lambda x, n, rng: x * 0 + rng.normal() if n == 2 else x)
    mine, other = np.random.default_rng(0), np.random.default_rng(0)
    for _ in range(4):
        close(shifted(x, 2, mine), np.full(3, other.normal()))


SCALARS_OF_NUMPY = [
    np.float64(0.1),
    np.float32(0.1),
    np.int64(3),
    np.int8(3),
    np.complex64(1j),
    np.longdouble(0.1),
]

BESIDE = {
    "operator": lambda x, n: x * n,
    "reflected": lambda x, n: n - x,
    "function": lambda x, n: xad.multiply(x, n),
    "comparison": lambda x, n: x != n,
    "tensor": lambda x, n: xad.asarray(x) * n,
    "arithmetic": lambda x, n: x * (n * 2),
    "by itself": lambda x, n: xad.exp(n),
    "sum": lambda x, n: xad.sum(n),
    "array": lambda x, n: xad.asarray(n),
    "as it is": lambda x, n: np.asarray([float(abs(n)), n.dtype.itemsize, n.ndim]),
}


@pytest.mark.parametrize("n", SCALARS_OF_NUMPY, ids=lambda n: type(n).__name__)
@pytest.mark.parametrize("f", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("boxed", [False, True])
def test_scalars_of_numpy_promote_as_in_eager_code(on_numpy, f, n, dtype, boxed):
    x = np.arange(1, 4).astype(dtype)
    x = xad.asarray(x) if boxed else x
    jitted = xad.jit(f)
    for _ in range(3):
        try:
            expected = f(x, n)
        except Exception as error:  # noqa: BLE001
            with pytest.raises(type(error)):
                jitted(x, n)
            return
        same(jitted(x, n), expected)


def test_scalars_of_numpy_that_promote_nothing_are_inputs(on_numpy):
    jitted = xad.jit(lambda x, n: x * n + n * 2)
    x = np.ones(2)
    for n in (np.float64(2.0), np.float64(3.0), np.float64(4.0)):
        same(jitted(x, n), x * n + n * 2)
    assert jitted.cache_info().misses == 1


def test_scalars_of_numpy_beside_numbers(on_numpy):
    f = lambda x, n: (x * (np.float32(2) * n), np.int8(1) * n, n + np.int8(1))  # noqa: E731
    for x in (np.ones(2, np.float32), xad.asarray(np.ones(2, np.float32))):
        for n in (2, 2.0):
            for got, expected in zip(xad.jit(f)(x, n), f(x, n), strict=True):
                same(got, expected)


def test_what_is_no_array_to_xad_runs_as_it_is(on_numpy):
    f = lambda x, s: x * 2 if s == "double" else x  # noqa: E731
    first = lambda x, s: x * 2 if s[0] == "double" else x  # noqa: E731
    x = np.ones(2)
    for _ in range(2):
        same(xad.jit(f)(x, np.str_("double")), x * 2)
        same(xad.jit(f)(x, np.str_("single")), x)
        same(xad.jit(first)(x, np.asarray(["double"])), x * 2)
        same(xad.jit(first)(x, np.asarray(["single"], dtype=object)), x)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_subclasses_of_numpys_array_run_as_they_are(on_numpy, tmp_path):
    square = xad.jit(lambda x: x * x)
    matrix = np.asmatrix([[1.0, 2.0], [3.0, 4.0]])
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    mapped = np.memmap(tmp_path / "x", dtype="f8", shape=(2,), mode="w+")
    for _ in range(2):
        same(square(matrix), [[7.0, 10.0], [15.0, 22.0]])
        assert square(masked).mask.tolist() == [False, True]
    assert square.cache_info().misses == 0
    same(square(mapped), [0.0, 0.0])
    assert square.cache_info().misses == 1


def by_match(x, n):
    match n:
        case int():
            return x * n
        case float():
            return x / n
    return x


@pytest.mark.parametrize(
    "f",
    [
        by_match,
        lambda x, n: x * n if isinstance(n, float) else x / n,
        lambda x, n: x * n if isinstance(n * 2, int) else x / n,
        lambda x, n: x * n if isinstance(2**n, int) else x / n,
        lambda x, n: x * getattr(n, "value", n),
        lambda x, n: x * (1.0 if hasattr(n, "value") else n),
    ],
    ids=["match", "isinstance", "product", "power", "attribute", "hasattr"],
)
def test_numbers_say_what_they_are(here, close, x, f):
    jitted = xad.jit(f)
    for n in (2, 3, -1, 2.0, 3.0):
        close(jitted(x, n), here.to_host(f(x, n)))


def test_the_quick_way_into_an_inner_function_knows_recorded_numbers(here, close, x):
    inner = xad.jit(lambda x, n: x * n)
    for n in (2.0, 3.0, 4.0):
        close(inner(x, n), n * np.asarray([1.0, 2.0, 3.0]))
    outer = xad.jit(lambda n: inner(x, n))
    for n in (2.0, 3.0, 4.0):
        close(outer(n), n * np.asarray([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("boxed", [False, True])
def test_the_example_inside_a_recorded_array_is_not_the_value(x, boxed):
    given = xad.Tensor(x) if boxed else x
    for f in (lambda x: x.value * 2, lambda x: getattr(x, "value", x) * 2):
        with pytest.raises(ConcreteValueError, match="the attribute `value`"):
            xad.jit(f)(given)


def test_zeros_of_both_signs_are_told_apart(on_numpy):
    jitted = xad.jit(lambda x, n: (x * (n * 0.0), x * (n * -0.0), x * (n * np.float32(-0.0))))
    signs = [np.signbit(y).tolist() for y in jitted(np.ones(1), 2.0)]
    assert signs == [[False], [True], [True]]
    flagged = xad.jit(lambda x, n: x * n if n != 5 else x)
    for n in (complex(-1.0, 0.0), complex(-1.0, -0.0)):
        expected = (np.ones(1) * n).imag
        assert np.signbit(flagged(np.ones(1), n).imag) == np.signbit(expected)


# ---- what is raised and caught -------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
def test_functions_cannot_swallow_that_they_are_not_alone(here, close, x, again):
    w = xad.asarray(here.array([3.0, 4.0, 5.0]), requires_grad=True)

    def f(x):
        try:
            return w * x
        except:  # noqa: E722
            if again:
                raise RuntimeError("mine") from None
            return x

    for _ in range(2):
        out = xad.jit(f)(x)
        assert out.requires_grad
        close(out.detach(), [3.0, 8.0, 15.0])


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: float(xad.sum(x)),
        lambda x: np.asarray(x).sum(),
        lambda x: xad.nonzero(x)[0].shape[0],
        lambda x: x.value.shape[0],
    ],
    ids=["float", "numpy", "shape", "example"],
)
def test_functions_cannot_swallow_that_they_asked_for_a_value(x, ask):
    def f(x):
        try:
            return x * ask(x)
        except TypeError:
            return x

    with pytest.raises(ConcreteValueError, match=r"while a program is recorded|must not depend"):
        xad.jit(f)(x)


# ---- what tells programs apart -------------------------------------------------------------------


class Scale:
    def __init__(self, k):
        self.k = k

    def __eq__(self, other):
        return isinstance(other, Scale)

    def __hash__(self):
        return 1

    @xad.jit
    def times(self, x):
        return x * self.k


class Whole(NamedTuple):
    n: object


@dataclasses.dataclass(frozen=True)
class Config:
    n: object
    loose: object = dataclasses.field(default=0, compare=False)


class Level(enum.Enum):
    LOW = 1.0
    HIGH = 2.0

    def __eq__(self, other):
        return isinstance(other, Level)

    __hash__ = object.__hash__


def test_objects_that_claim_to_be_equal_are_told_apart(here, close, x):
    for _ in range(2):
        for k in (2.0, 3.0):
            close(Scale(k).times(x), k * np.asarray([1.0, 2.0, 3.0]))
    static = xad.jit(lambda x, s: x * s.k, static_argnums=1)
    leaf = xad.jit(lambda x, s: x * s[0].k)
    two, three = Scale(2.0), Scale(3.0)
    for _ in range(3):
        for s in (two, three):
            close(static(x, s), s.k * np.asarray([1.0, 2.0, 3.0]))
            close(leaf(x, [s]), s.k * np.asarray([1.0, 2.0, 3.0]))
    assert static.cache_info().misses == leaf.cache_info().misses == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Whole(1), Whole(1.0)),
        (Whole(0.0), Whole(-0.0)),
        (Config(1), Config(True)),
        (Config(1, 2), Config(1, 3)),
        (Config((0.0,)), Config((-0.0,))),
        (frozenset({1}), frozenset({1.0})),
        (np.float64(0.0), np.float64(-0.0)),
        (complex(-1, 0.0), complex(-1, -0.0)),
        (range(0, 3, 2), range(0, 4, 2)),
        (Level.LOW, Level.HIGH),
        (slice(1), slice(True)),
        (float("nan"), 1.0),
    ],
    ids=str,
)
def test_values_that_are_equal_and_not_the_same_have_programs_of_their_own(x, one, other):
    jitted = xad.jit(lambda x, s: (x, repr(s)), static_argnums=1)
    for value in (one, other, one, other):
        assert jitted(x, value)[1] == repr(value)
    assert jitted.cache_info().misses == 2


def test_slices_among_the_arguments(here, close, x):
    jitted = xad.jit(lambda x, part: x[part])
    for part in (slice(1, 3), slice(0, 2), slice(1, 3), slice(None, None, 2)):
        close(jitted(x, part), np.asarray([1.0, 2.0, 3.0])[part])
    assert jitted.cache_info().misses == 3


# ---- what comes out ------------------------------------------------------------------------------


class Holder:
    def __init__(self, x=None):
        self.x = x


@dataclasses.dataclass
class Named:
    x: object
    name: object = xad.tree.static(default="")


async def waiting(x):
    return x


def generating(x):
    yield x


@pytest.mark.parametrize(
    "f",
    [
        lambda x: collections.OrderedDict(a=x),
        lambda x: {"a": [Holder(x)]},
        lambda x: {"a": [lambda: x]},
        lambda x: {"a": [partial(xad.multiply, x)]},
        lambda x: {"a": xad.vjp(xad.sum, x)[1:]},
        lambda x: {"a": [[x].append]},
        lambda x: {"a": [{1: x}.values()]},
        generating,
        lambda x: {"a": [map(abs, [x])]},
        lambda x: {"a": [set()]},
        lambda x: {"a": [collections.defaultdict(list)]},
    ],
    ids=[
        "mapping",
        "object",
        "closure",
        "partial",
        "pullback",
        "method",
        "view",
        "generator",
        "map",
        "set",
        "default",
    ],
)
def test_results_that_may_hide_arrays_are_refused(x, f):
    jitted = xad.jit(f)
    for _ in range(2):
        with pytest.raises(
            ProgramError, match=r"that returns arrays.* (at \['a'\]\[0\]|as a whole)"
        ):
            jitted(x)
    assert jitted.cache_info().size == 0


def test_coroutines_and_arrays_in_static_fields_are_refused(x):
    made = []

    def f(x):
        made.append(waiting(x))
        return made[-1]

    with pytest.raises(ProgramError, match="coroutine waiting as a whole"):
        xad.jit(f)(x)
    made[0].close()
    with pytest.raises(ProgramError, match="in a static field"):
        xad.jit(lambda x: Named(x, x))(x)


def test_results_that_nobody_can_change_come_out(x):
    plain = ("a", b"b", True, 2, None, Level.LOW, np.sin, xad.sin, len, Holder, slice(1), range(3))
    jitted = xad.jit(lambda x: (x, x.dtype, x.device, frozenset({1}), *plain))
    for _ in range(2):
        _, dtype, _, members, *rest = jitted(x)
        assert dtype == x.dtype
        assert members == {1}
        assert tuple(rest) == plain


def test_arguments_come_out_as_they_are(x):
    holder = Holder(1.0)
    jitted = xad.jit(lambda x, holder: (x, [holder]))
    for _ in range(2):
        assert jitted(x, holder)[1][0] is holder
