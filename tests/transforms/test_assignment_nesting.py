"""Assignments inside transformations and those inside each other: as without, by new arrays."""

import itertools

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError, IndexingError, ShapeError

WEIGHTS = np.asarray([1.0, 2.0, 3.0])
AT = np.asarray([0.7, 1.3, 0.4])


# ---- words of transformations --------------------------------------------------------------------


def written(x):
    """With assignments, into an array that nothing tracks at first."""
    y = xad.zeros_like(x)
    y[0] = x[0] * x[1]
    y[1:] = xad.sin(x[1:])
    y[[2, 1]] = y[1:] * y[0]
    y[x > 1] = 0.25
    y += x
    z = y
    y *= y
    z[::-2] -= x[:2]
    return z


def without(x):
    """The same by functions alone."""
    first = x[0] * x[1]
    a, b = xad.sin(x[1]) * first, xad.sin(x[2]) * first
    y = xad.where(x > 1, 0.25, xad.stack([first, b, a])) + x
    y = y * y
    return xad.stack([y[0] - x[1], y[1], y[2] - x[0]])


def letters(here):
    """Each makes of a function from three numbers to three numbers another one."""
    w = xad.asarray(here.array(WEIGHTS))
    c = here.array(np.asarray([[1.0], [0.5]]))
    return {
        "g": lambda f: xad.grad(lambda x: xad.sum(f(x) * w)),
        "j": lambda f: lambda x: xad.jvp(f, (x,), (w,))[1],
        "v": lambda f: lambda x: xad.sum(xad.vmap(f)(xad.asarray(x) * c), axis=0),
        "p": lambda f: lambda x: xad.make_program(f)(x)(x),
    }


WORDS = ["".join(word) for n in (1, 2, 3) for word in itertools.product("gjvp", repeat=n)]


@pytest.mark.parametrize("word", WORDS)
def test_words_of_transformations(word, here, close):
    made = letters(here)
    f, g = written, without
    for letter in reversed(word):
        f, g = made[letter](f), made[letter](g)
    x = here.array(AT)
    close(f(x), here.to_host(g(x)), 1e-8)


def test_words_compare_the_same_function(here, close):
    x = xad.asarray(here.array(AT))
    close(written(x), here.to_host(without(x)))
    close(x, AT)


# ---- arrays and values of two levels -------------------------------------------------------------

ARRAYS = {
    "constant": lambda x, y: xad.zeros_like(x),
    "outer": lambda x, y: x * 1,
    "inner": lambda x, y: y * 1,
    "both": lambda x, y: x * y,
}
VALUES = {
    "number": lambda x, y: 2.0,
    "outer": lambda x, y: x[1],
    "inner": lambda x, y: y[1] * y[0],
    "both": lambda x, y: x[0] * y[2] * y[2],
}
WAYS = {
    "item": lambda o, v, w: o.__setitem__(0, v),
    "slices": lambda o, v, w: o.__setitem__(slice(None, 1), v),
    "integers": lambda o, v, w: o.__setitem__([0, 0], v),
    "mask": lambda o, v, w: o.__setitem__([True, False, False], v),
    "operator": lambda o, v, w: o.__iadd__(v * w),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("array", ARRAYS)
def test_arrays_and_values_of_two_levels(array, value, way, here, close):
    w = xad.asarray(here.array(WEIGHTS))
    first = xad.asarray(here.array(np.asarray([True, False, False])))

    def f(x, y):
        o = ARRAYS[array](x, y)
        WAYS[way](o, VALUES[value](x, y), w)
        return o * o * y

    def g(x, y):
        o, v = ARRAYS[array](x, y), VALUES[value](x, y)
        o = o + v * w if way == "operator" else xad.where(first, v, o)
        return o * o * y

    made = letters(here)
    x = here.array(AT)
    for outer, inner in itertools.product("gjvp", repeat=2):
        got, expected = (
            made[outer](lambda x: made[inner](lambda y: h(x, y))(xad.cos(x)))(x)  # noqa: B023
            for h in (f, g)
        )
        close(got, here.to_host(expected), 1e-8)


def test_an_array_becomes_one_of_the_values_kind(here):
    def of(expected):
        def f(x):
            for y in (xad.zeros_like(x), xad.zeros_like(x)):
                assert type(y) is xad.Tensor
                y[0] = x[0]
                assert type(y).__name__ == expected
                assert y.level == x.level
                assert (y.shape, y.dtype) == (x.shape, x.dtype)
            return y

        return f

    x = here.array(AT)
    xad.vjp(of("Tensor"), x)
    xad.jvp(of("Dual"), (x,), (x,))
    xad.vmap(of("Batch"))(here.array(np.stack([AT, AT])))
    xad.make_program(of("Recorded"))(x)


def test_an_argument_that_is_assigned_to(here, close):
    """Only what the function holds changes, and the old array has the gradient."""

    def f(x):
        x[0] = 5.0
        x *= x
        return xad.sum(x)

    x = xad.asarray(here.array(AT))
    expected = [0.0, 2 * AT[1], 2 * AT[2]]
    close(xad.grad(f)(x), expected)
    close(xad.vmap(xad.grad(f))(here.array(np.stack([AT, AT]))), [expected, expected])
    close(xad.make_program(xad.grad(f))(x)(x), expected)
    close(xad.jvp(f, (x,), (x,))[1], 2 * AT[1] ** 2 + 2 * AT[2] ** 2)
    close(x, AT)


# ---- vmap against a loop -------------------------------------------------------------------------

X = np.random.default_rng(3).normal(size=(4, 3, 5))
MASK = np.asarray([True, False, True, True])
PLACES = {
    "integer": (1, (3, 5)),
    "backwards": (slice(None, None, -1), (4, 3, 5)),
    "new axis": ((None, 0, ..., None), (1, 3, 5, 1)),
    "column": ((..., 2), (4, 3)),
    "integers": (np.asarray([0, 2, 0]), (3, 3, 5)),
    "integers second": ((slice(None), np.asarray([2, 0])), (4, 2, 5)),
    "pairs": ((np.asarray([0, 3]), slice(None), np.asarray([1, 1])), (2, 3)),
    "mask": (MASK, (3, 5)),
    "mask, value each": (MASK, (3, 3, 5)),
    "mask second": ((0, np.asarray([True, False, True])), (2, 5)),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
@pytest.mark.parametrize("small", [False, True])
def test_batches_are_loops(name, axes, small, here, close):
    key, shape = PLACES[name]
    if isinstance(key, np.ndarray):
        key = xad.asarray(here.array(key))
    elif isinstance(key, tuple):
        key = tuple(xad.asarray(here.array(k)) if isinstance(k, np.ndarray) else k for k in key)
    rng = np.random.default_rng(4)
    xs, vs = [X, -X, X * 2], list(rng.normal(size=(3, *(() if small else shape))))

    def f(x, v):
        y = xad.asarray(x) * 2
        y[key] = v
        y[key] = y[key] * v
        return y

    def loss(x, v):
        return xad.sum(f(x, v) ** 2)

    x = here.array(np.stack(xs) if axes[0] == 0 else xs[0])
    v = here.array(np.stack(vs) if axes[1] == 0 else vs[0])
    single = [
        (here.array(xs[n] if axes[0] == 0 else xs[0]), here.array(vs[n] if axes[1] == 0 else vs[0]))
        for n in range(3)
    ]
    to_host = here.to_host
    close(xad.vmap(f, axes)(x, v), np.stack([to_host(f(*map(xad.asarray, s))) for s in single]))
    for argnum in (0, 1):
        gradient = xad.grad(loss, argnum)
        found = xad.vmap(gradient, axes)(x, v)
        close(found, np.stack([to_host(gradient(*s)) for s in single]))


@pytest.mark.parametrize("axes", [(None, None, 0), (0, None, 0), (None, 0, 0), (0, 0, 0)])
@pytest.mark.parametrize(
    "place",
    [lambda k: k, lambda k: (slice(None), k), lambda k: (k, 0, k), lambda k: (0, k[..., 0])],
)
def test_batched_indices_are_loops(axes, place, here, close):
    ks = [np.asarray([0, 2, 0]), np.asarray([1, 1, -1])]
    xs = [X, X[::-1].copy()]
    shape = X[place(ks[0])].shape
    vs = list(np.random.default_rng(5).normal(size=(2, *shape)))

    def f(x, v, k):
        y = xad.asarray(x) * 1
        y[place(k)] = v
        return y

    def loss(x, v, k):
        return xad.sum(xad.sin(f(x, v, k)))

    many = [
        here.array(np.stack(a) if axis == 0 else a[0])
        for a, axis in zip((xs, vs, ks), axes, strict=True)
    ]
    single = [
        [
            here.array(a[n] if axis == 0 else a[0])
            for a, axis in zip((xs, vs, ks), axes, strict=True)
        ]
        for n in range(2)
    ]
    expected = []
    for x, v, k in [[here.to_host(a) for a in s] for s in single]:
        expected.append(x.copy())
        expected[-1][place(k)] = v
    close(xad.vmap(f, axes)(*many), np.stack(expected))
    for argnum in (0, 1):
        gradient = xad.grad(loss, argnum)
        found = xad.vmap(gradient, axes)(*many)
        close(found, np.stack([here.to_host(gradient(*s)) for s in single]))


def test_a_batched_or_recorded_mask(here, close):
    def f(x, v):
        y = x * 1
        y[x > 0] = v
        y[x[:, 0] > 0] = y[0] * 2
        return y

    def numpys(x, v):
        y = x.copy()
        y[x > 0] = v
        y[x[:, 0] > 0] = y[0] * 2
        return y

    many, vs = X, np.asarray([1.0, 2.0, 3.0, 4.0])
    expected = np.stack([numpys(x, v) for x, v in zip(many, vs, strict=True)])
    close(xad.vmap(f)(here.array(many), here.array(vs)), expected)
    program = xad.make_program(f)(here.array(X[0]), here.array(vs[0]))
    for x, v in zip(many, vs, strict=True):
        close(program(here.array(x), here.array(v)), numpys(x, v))
    with pytest.raises(ConcreteValueError, match=r"vmap maps over; use xad.where\(mask"):
        xad.vmap(lambda x: f(x, x[x > 0]))(here.array(X))
    with pytest.raises((ConcreteValueError, ShapeError), match=r"xad.where|broadcasts"):
        xad.vmap(lambda x: f(x, here.array(np.ones((2, 3, 5)))))(here.array(X))


# ---- programs ------------------------------------------------------------------------------------


def test_programs_replay_assignments_on_new_values(here, close):
    def f(x, v, k):
        y = x * 1
        y[0] = v
        y[:, k] = y[1:2, k] * v[0]
        y += 1
        return xad.sum(y * y, axis=0), xad.grad(lambda v: assigned(y, 1, v))(v)

    def assigned(y, key, v):
        z = y + 0
        z[key] = v
        return xad.sum(z * z * z)

    a = [X[0], X[1, 0], np.asarray([0, 1])]
    b = [X[2], X[3, 1], np.asarray([4, 4])]
    program = xad.make_program(f)(*[here.array(x) for x in a])
    for arguments in (a, b, a):
        given = [here.array(x) for x in arguments]
        expected = f(*[xad.asarray(x) for x in given])
        for got, wanted in zip(program(*given), expected, strict=True):
            close(got, here.to_host(wanted))


def test_an_array_assigned_to_after_its_use_is_a_new_variable(here, close):
    def f(x):
        y = x * 2
        before = y
        used = y * 10
        y[0] = 7.0
        assert before is y
        return used, y

    program = xad.make_program(f)(here.array(AT))
    assert [instruction.primitive.name for instruction in program.instructions] == [
        "multiply",
        "multiply",
        "assign",
    ]
    assert len({out for i in program.instructions for out in i.outputs}) == 3
    used, y = program(here.array(AT + 1))
    close(used, 20 * (AT + 1))
    close(y, [7.0, *(2 * (AT + 1))[1:]])


# ---- what transformations keep of arrays that change later ---------------------------------------


def test_a_pullback_keeps_its_operands_as_they_were(here, close):
    w = xad.asarray(here.array(AT), requires_grad=True)
    t = w * 1
    other = w * 2
    y, pullback = xad.vjp(lambda x: xad.exp(x) * other * x, t)
    t += 1.0
    other[...] = 0.0
    y *= 0.0
    (g,) = pullback(here.array(np.ones(3)))
    expected = 2 * AT * np.exp(AT) * (AT + 1)
    close(g, expected)
    g[0] = 0.0
    close(pullback(here.array(np.ones(3)))[0], expected)


def test_results_change_apart_from_each_other(here, close):
    t = xad.asarray(here.array(AT), requires_grad=True) * 1
    a, b = xad.vmap(lambda x: (x, x))(t)
    a[0] = 9.0
    close(b, AT)
    close(t, AT)
    (value, aux), gradient = xad.value_and_grad(lambda x: (xad.sum(x), x), has_aux=True)(t)
    aux += 1
    gradient *= 2
    close(value, AT.sum())
    close(t, AT)
    y, dy = xad.jvp(lambda x: x, (t,), (t,))
    y += 1
    dy *= 2
    close(t, AT)
    close(y, AT + 1)
    close(dy, 2 * AT)


@pytest.mark.parametrize("kind", ["grad", "jvp", "vmap", "program"])
def test_an_outer_array_that_an_inner_transformation_used_and_then_changes(kind, here, close):
    """The inner graph has the outer array as it was when it was used."""
    apply = letters(here)[kind[0] if kind != "grad" else "g"]
    w = WEIGHTS

    def outer(x):
        c = x * 1

        def inner(y):
            out = y * c * c
            c[0] = 100.0
            return out

        return xad.sum(apply(inner)(here.array(np.ones(3))))

    factor = {"g": w, "j": w, "v": np.full(3, 1.5), "p": np.ones(3)}[kind[0]]
    close(xad.grad(outer)(here.array(AT)), 2 * AT * factor)


def test_a_tracked_constant_of_a_program_stays(here, close):
    def f(c):
        d = c * 1
        program = xad.make_program(lambda x: x * d + d)(here.array(np.ones(3)))
        assert len(program.constants) == 1
        d[...] = 0.0
        return xad.sum(program(here.array(np.full(3, 2.0))))

    close(xad.grad(f)(here.array(AT)), np.full(3, 3.0))


# ---- arrays from outside -------------------------------------------------------------------------


def test_an_outer_array_that_takes_an_inner_value(here, close):
    """The result inside is right; outside it is known for what it is."""
    buffer = xad.asarray(here.array(np.zeros(3)))

    def f(x):
        buffer[0] = x[0]
        return xad.sum(buffer * buffer)

    for _ in range(2):
        close(xad.grad(f)(here.array(AT)), [2 * AT[0], 0, 0])
        with pytest.raises(ConcreteValueError, match="inside a transformation would drop"):
            buffer.numpy()


def test_no_grad_inside_grad(here, close):
    def f(x):
        y = x * 3
        with xad.no_grad():
            y[0] = 0.0
            y *= 2
        return xad.sum(y * y)

    close(xad.grad(f)(here.array(AT)), [0.0, *(2 * 6 * 3 * AT[1:])])


def test_errors_inside_transformations_name_the_key(here):
    def f(x):
        y = x * 1
        y[3] = 0.0
        return xad.sum(y)

    for transformed in (xad.grad(f), xad.vmap(lambda x: f(x)), xad.make_program(f)):
        x = AT if transformed.__name__ != "<lambda>" else np.stack([AT, AT])
        with pytest.raises(IndexingError, match="from -3 to 2, got 3"):
            transformed(here.array(x))
