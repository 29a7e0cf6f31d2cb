"""NumPy's functions on tensors: the twins' values and gradients, and that no other detaches."""

import numpy as np
import pytest
from results import leaves
from samples import OF_C, OF_M, OF_N, OF_S, OF_V, C, M, N, S, V

import xad
from xad.core.wrapper import Wrapper
from xad.errors import ConcreteValueError, LibraryMismatchError, NotDifferentiableError
from xad.protocols import numpy_functions, numpy_queries
from xad.testing import check_grads


def find(name):
    """A function of NumPy by what stands behind ``np.``; None if this version has none."""
    function = np
    for part in name.split("."):
        function = getattr(function, part, None)
    return function


CALLS = [
    pytest.param(find(name), call, array, id=f"{name}-{i}")
    for table, array in ((OF_M, M), (OF_V, V), (OF_S, S), (OF_C, C), (OF_N, N))
    for name, calls in table.items()
    for i, call in enumerate(calls)
    if find(name) is not None
]
EVERY = pytest.mark.parametrize(("function", "call", "array"), CALLS)


def test_every_twin_has_a_sample():
    sampled = {find(name) for table in (OF_M, OF_V, OF_S, OF_C, OF_N) for name in table}
    assert set(numpy_functions.twins()) == sampled - {None}


def test_the_twins_take_numpys_parameters():
    for name, line in numpy_functions.TWINS.items():
        assert "|" in line, name
        assert numpy_functions.name_of(find(name)) == name


@EVERY
def test_values_are_numpys(function, call, array, same):
    same(call(function, xad.asarray(array)), call(function, array))


def smooth_part(out):
    """The inexact arrays of a result."""
    return [leaf for leaf in leaves(out) if str(getattr(leaf, "dtype", "")) in SMOOTH]


SMOOTH = ("float64", "complex128")


@EVERY
def test_derivatives_are_right_in_both_modes(function, call, array):
    if not np.isnan(array).any() and smooth_part(call(function, array)):
        check_grads(lambda x: smooth_part(call(function, x)), (array,), order=1)


DEPENDS_ON_VALUES = {"compress", "extract", "nonzero", "unique", "where", "linalg.matrix_rank"}
DEPENDS_ON_VALUES |= {"unique_all", "unique_counts", "unique_inverse", "unique_values"}


@EVERY
def test_mapped_and_recorded(function, call, array, same):
    if numpy_functions.name_of(function) in DEPENDS_ON_VALUES:
        return
    both = np.stack([array, array * 1.1])
    expected = [leaves(call(function, x)) for x in both]
    got = leaves(xad.vmap(lambda x: arrays_of(call(function, x)))(xad.asarray(both)))
    for one, *pair in zip(got, *[arrays_of(x) for x in expected], strict=True):
        np.testing.assert_allclose(one.numpy(), np.stack(pair), rtol=1e-9, atol=1e-9)
    x = xad.asarray(array)
    program = xad.make_program(lambda x: arrays_of(call(function, x)))(x)
    same(program(x), arrays_of(call(function, array)))


def arrays_of(out):
    """The arrays of a result, without the numbers and flags."""
    return [leaf for leaf in leaves(out) if isinstance(leaf, (Wrapper, np.ndarray, np.generic))]


# ---- what has no counterpart ---------------------------------------------------------------------

REFUSED = {
    "out": lambda x: np.sum(x, axis=0, out=np.zeros(3)),
    "out by place": lambda x: np.sum(x, 0, None, np.zeros(3)),
    "out by place of a mean": lambda x: np.mean(x, 0, None, np.zeros(3)),
    "where": lambda x: np.sum(x, where=M > 0),
    "initial": lambda x: np.max(x, initial=1.0),
    "mode": lambda x: np.take(x, [0, 9], mode="wrap"),
    "out of take": lambda x: np.take(x, [0], None, np.zeros(1)),
    "casting": lambda x: np.concatenate([x, x], dtype=np.float32, casting="unsafe"),
    "order": lambda x: np.reshape(x, (3, 2), order="A"),
    "order of a sort": lambda x: np.sort(x, order="name"),
    "returned": lambda x: np.average(x, returned=True),
    "retstep": lambda x: np.linspace(x[0], x[1], 4, retstep=True),
    "rcond": lambda x: np.linalg.matrix_rank(x, 1e-3),
    "too many": lambda x: np.diff(x, 1, -1, None, None, None),
    "unknown": lambda x: np.flip(x, 0, sideways=True),
    "nan_to_num in place": lambda x: np.nan_to_num(x, copy=False),
    "copyto": lambda x: np.copyto(np.zeros_like(M), x),
    "put": lambda x: np.put(x, [0], [1.0]),
    "place": lambda x: np.place(x, M > 0, [1.0]),
    "putmask": lambda x: np.putmask(x, M > 0, 1.0),
    "fill_diagonal": lambda x: np.fill_diagonal(x, 0.0),
    "put_along_axis": lambda x: np.put_along_axis(x, np.asarray([[0], [1]]), 9.0, axis=1),
    "percentile": lambda x: np.percentile(x, 40),
    "median": lambda x: np.median(x),
    "gradient": lambda x: np.gradient(x),
    "interp": lambda x: np.interp(x[0], [0.0, 3.0], [1.0, 2.0]),
    "histogram": lambda x: np.histogram(x),
    "apply_along_axis": lambda x: np.apply_along_axis(np.sum, 0, x),
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, [0]),
    "piecewise": lambda x: np.piecewise(x, [x > 0], [1.0, 2.0]),
    "vectorize": lambda x: np.vectorize(abs)(x),
    "block": lambda x: np.block([[x, x]]),
    "cov": lambda x: np.cov(x),
    "linalg.lstsq": lambda x: np.linalg.lstsq(x, x[:, 0]),
    "asarray": lambda x: np.asarray(x),
    "array": lambda x: np.array(x),
    "array of a list": lambda x: np.array([x[0, 0], x[0, 1]]),
    "array of rows": lambda x: np.array([x[0], x[1]]),
    "array of objects": lambda x: np.array([x], dtype=object),
    "full": lambda x: np.full(3, x[0, 0]),
    "r_": lambda x: np.r_[x[0], x[1]],
    "dot of an array": lambda x: M.T.dot(x),
    "random": lambda x: np.random.default_rng(0).normal(x),
    "arange": lambda x: np.arange(x[0, 0]),
    "polynomial": lambda x: np.polynomial.Polynomial(x[0]),
    "a list with a tuple's name": lambda x: np.block(Rows(x)),
}


class Rows(list):
    """A sequence of a class of its own."""


def some(call):
    """Something to differentiate in whatever the call returns."""
    return lambda x: xad.sum(xad.asarray(leaves(call(x))[0]))


@pytest.mark.parametrize("call", REFUSED)
def test_what_has_no_counterpart_is_refused(call):
    with pytest.raises(TypeError):
        REFUSED[call](xad.asarray(M, requires_grad=True))
    with pytest.raises(TypeError):
        xad.grad(some(REFUSED[call]))(M)
    with pytest.raises(TypeError):
        xad.jvp(some(REFUSED[call]), (M,), (M,))
    with pytest.raises(TypeError):
        xad.make_program(some(REFUSED[call]))(M)


def test_a_refusal_names_the_remedy():
    x = xad.asarray(M, requires_grad=True)
    with pytest.raises(NotDifferentiableError, match=r"np\.percentile.*x\.detach\(\)\.numpy\(\)"):
        np.percentile(x, 50)
    with pytest.raises(NotDifferentiableError, match=r"write xad\.vmap, or take"):
        np.apply_along_axis(np.sum, 0, x)
    with pytest.raises(TypeError, match=r"np\.fill_diagonal.*xad\.where"):
        np.fill_diagonal(x, 0.0)
    with pytest.raises(TypeError, match=r"np\.sum: where= has no counterpart"):
        np.sum(x, where=M > 0)
    with pytest.raises(ConcreteValueError, match="values are known, got Batch"):
        xad.vmap(lambda x: np.percentile(x, 50))(M)


class Stranger:
    """An array of another kind, which NumPy's functions ask too."""

    def __array_function__(self, function, types, args, options):
        return NotImplemented if function is np.concatenate else "mine"


def test_arrays_of_other_kinds_are_asked_too():
    x = xad.asarray(M)
    assert np.stack([x, Stranger()]) == "mine"
    with pytest.raises(TypeError, match="no implementation found"):
        np.concatenate([x, Stranger()])


def test_out_may_be_a_tensor(same):
    into = xad.asarray(np.zeros(3))
    x = xad.asarray(M, requires_grad=True)
    assert np.sum(x, axis=0, out=into) is into
    same(into, M.sum(axis=0))
    np.testing.assert_array_equal(xad.sum(into).gradient(x).numpy(), np.ones_like(M))


def test_without_a_twin_untracked_values_go_to_numpy(same):
    x = xad.asarray(M)
    same(np.percentile(x, [20, 60], axis=1), np.percentile(M, [20, 60], axis=1))
    same(np.histogram(x, bins=3), np.histogram(M, bins=3))
    same(np.block([[x, x], [x, M]]), np.block([[M, M], [M, M]]))
    same(np.bincount(xad.asarray([0, 2, 2])), np.bincount([0, 2, 2]))
    same(np.zeros(2, like=x), np.zeros(2))
    with pytest.raises(TypeError):
        np.put(x, [0], [1.0])


def test_questions_are_answered_whatever_is_tracked(same):
    def check(x):
        assert np.allclose(x, M)
        assert np.array_equal(x, M)
        assert not np.allclose(x, M + 1)
        assert np.array2string(x) == np.array2string(M)
        same(np.isclose(x, M), np.isclose(M, M))
        same(np.argwhere(x), np.argwhere(M))
        same(np.digitize(x, [0.0, 1.0]), np.digitize(M, [0.0, 1.0]))
        return xad.sum(x)

    check(xad.asarray(M, requires_grad=True))
    xad.grad(check)(M)
    xad.jvp(check, (M,), (M,))
    with pytest.raises(ConcreteValueError, match=r"np\.allclose"):
        xad.vmap(lambda x: np.allclose(x, 1.0))(M)
    assert xad.vmap(lambda x: x * np.ndim(x) * np.size(x))(M).shape == M.shape


def test_tensors_over_other_libraries_have_the_twins_only(require_library):
    require_library("array_api_strict")
    import array_api_strict

    x = xad.asarray(array_api_strict.asarray(M), requires_grad=True)
    out = np.sum(np.transpose(x) * 2.0, axis=0)
    assert type(out.value) is type(x.value)
    with pytest.raises(LibraryMismatchError):
        np.concatenate([x, M])
    with pytest.raises(TypeError, match=r"np\.median.*over array_api_strict"):
        np.median(x.detach())
    with pytest.raises(TypeError, match=r"np\.zeros.*over array_api_strict"):
        np.zeros(2, like=x)


# ---- nothing is detached in silence --------------------------------------------------------------

NOT_ABOUT_ARRAYS = {
    *("errstate", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall", "info"),
    *("printoptions", "set_printoptions", "setbufsize", "seterr", "seterrcall", "show_config"),
    *("show_runtime", "test", "nested_iters", "fromfunction", "fromregex", "genfromtxt", "load"),
    *("loadtxt", "fromfile", "memmap", "frombuffer", "fromstring", "datetime64", "timedelta64"),
    *("frompyfunc", "vectorize", "piecewise", "apply_along_axis", "apply_over_axes"),
    *("empty", "empty_like", "ndarray"),  # no particular values
    *("object_",),
}
NUMBERS = {"fromiter", "float64", "double", "complex64", "complex128"}
"""These ask each element for ``float``, which outside transformations a user may do too."""

PUBLIC = [
    pytest.param(getattr(module, name), id=prefix + name)
    for module, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft."))
    for name in sorted(module.__all__)
    if callable(getattr(module, name)) and name not in NOT_ABOUT_ARRAYS
]
SQUARE, VECTOR, NUMBER = S, V[:3], np.asarray(0.7)
PATTERNS = [
    lambda f, x: f(x),
    lambda f, x: f(x, x),
    lambda f, x: f([x, x]),
    lambda f, x: f(x, 1),
    lambda f, x: f(1, x),
    lambda f, x: f(x, [0, 1]),
    lambda f, x: f([0, 1, 2], x),
    lambda f, x: f(x, x, x),
    lambda f, x: f(x, 0.5, 1.5),
    lambda f, x: f(x, [0, 1, 2], [0.5, 1.0, 1.5]),
    lambda f, x: f(x, [x > 0], [x]),
    lambda f, x: f(3, x),
    lambda f, x: f("i", x),
    lambda f, x: f(x, "float64"),
    lambda f, x: f(x, float, 3),
    lambda f, x: f([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], x),
]


def plain(x):
    while isinstance(x, Wrapper):
        x = x.value
    return x


def numbers(out):
    """The leaves that hold floating numbers: a derivative might have been lost on the way."""
    found = []
    for leaf in leaves(out):
        kind = getattr(getattr(leaf, "dtype", None), "kind", None)
        if isinstance(leaf, (float, complex)) or kind in ("f", "c", "O"):
            found.append(leaf)
        elif hasattr(leaf, "__dict__") and not isinstance(leaf, (type, np.ndarray)):
            found += numbers([v for v in vars(leaf).values() if v is not leaf])
    return found


def is_tracked(x):
    return isinstance(x, Wrapper) and (x.level > 0 or getattr(x, "node", None) is not None)


def lost(function, x, array):
    """Where a call gave numbers that are not tracked although they depend on the tensor."""
    faults = []
    for i, call in enumerate(PATTERNS):
        try:
            found = numbers(call(function, x * 1.0))  # a new one each time: it may be written into
        except Exception:  # noqa: BLE001 - any error is a refusal
            continue
        if all(is_tracked(leaf) for leaf in found):
            continue
        before, after = [
            numbers(call(function, xad.asarray(at))) for at in (array * 1.0, array + 1e-4)
        ]
        for leaf, one, other in zip(found, before, after, strict=True):
            if not (is_tracked(leaf) or equal(one, other)):
                faults.append((i, leaf))
    return faults


def equal(a, b):
    return repr(plain(a)) == repr(plain(b))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function", PUBLIC)
@pytest.mark.parametrize("array", [SQUARE, VECTOR, NUMBER], ids=["matrix", "vector", "number"])
def test_no_public_function_detaches_in_silence(function, array, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if getattr(function, "__name__", "") not in NUMBERS:
        assert lost(function, xad.asarray(array, requires_grad=True), array) == []

    def inside(x):
        assert lost(function, x, array) == []
        return xad.sum(x)

    xad.grad(inside)(array)
    xad.jvp(inside, (array,), (array,))


def test_the_test_above_finds_what_is_lost():
    x = xad.asarray(V[:3], requires_grad=True)
    assert lost(lambda x: x.detach().numpy() * 2, x, V[:3])
    assert lost(lambda x: [float(part) for part in x], x, V[:3])
    assert not lost(lambda x: xad.round(x), x, V[:3])
    assert not lost(np.sin, x, V[:3])


def test_every_constant_function_exists():
    assert [name for name in numpy_queries.CONSTANT if find(name) is None] == []
