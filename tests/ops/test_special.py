"""Special functions where formulas fail: zeros, poles, infinities, far tails, missing functions."""

import math

import numpy as np
import pytest

import xad
from xad.errors import BackendError, NotDifferentiableError
from xad.ops.special_bessel import by_recurrence
from xad.testing import check_grads, place

INF, NAN = math.inf, math.nan
special = xad.special


@pytest.fixture(autouse=True)
def silent():
    """NumPy warns of infinities, which are meant here."""
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def on_numpy(require_library):
    """SciPy's functions, whatever is selected: they are right to the last digits."""
    require_library("scipy")
    with xad.use_backend("numpy"):
        yield


def slopes(f, *points, order=1):
    """The derivative of this order of a function of one number at each of the points."""
    for _ in range(order):
        f = xad.elementwise_grad(f)
    return np.asarray(f(np.asarray(points, dtype=np.float64)))


def partials(f, *numbers):
    """The slopes of a function of several numbers."""
    found = xad.grad(f, argnums=tuple(range(len(numbers))))(*map(np.asarray, numbers))
    return np.asarray([float(x) for x in found])


def assert_close(got, expected, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=rtol, atol=1e-15)


# ---- holes that are filled: the Taylor series says what each derivative at 0 is ----------------

AT_ZERO = {
    "exprel": [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5],
    "sinc": [1, 0, -(math.pi**2) / 3, 0, math.pi**4 / 5],
    "j0": [1, 0, -1 / 2, 0, 3 / 8],
    "j1": [0, 1 / 2, 0, -3 / 8, 0],
    "i0": [1, 0, 1 / 2, 0, 3 / 8],
    "i1": [0, 1 / 2, 0, 3 / 8, 0],
}


@pytest.mark.parametrize("near", [0.0, 1e-12, -1e-7])
@pytest.mark.parametrize("name", AT_ZERO)
def test_derivatives_at_zero_are_those_of_the_series(name, near, on_numpy):
    for order, expected in enumerate(AT_ZERO[name]):
        got = slopes(getattr(special, name), near, order=order)
        np.testing.assert_allclose(got, [expected], atol=1e-5)
        if not near:
            np.testing.assert_allclose(got, [expected], atol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", ["exprel", "sinc"])
def test_series_and_formula_meet(name, order, on_numpy):
    """Each derivative against differences of the one below, on both sides of where they meet."""
    f = getattr(special, name)
    meet = {"exprel": [-1.0, 1.0], "sinc": [math.sqrt(4 * n + 6) / math.pi for n in (1, 2, 3)]}
    points = np.asarray([p + side for p in meet[name] for side in (-1e-5, 1e-5)])
    step = 1e-6
    above, below = (slopes(f, *(points + d), order=order - 1) for d in (step, -step))
    difference = (above - below) / (2 * step)
    np.testing.assert_allclose(slopes(f, *points, order=order), difference, atol=1e-8)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 12])
def test_spherical_bessel_functions_are_scipys(n, on_numpy):
    scipy_special = pytest.importorskip("scipy.special")
    z = np.asarray([-7.0, -0.1, 0.0, 1e-3, 0.5, 2.4, 2.5, 3.2, 4.7, 6.0, 15.0, 100.0])
    for derivative in (False, True):
        expected = scipy_special.spherical_jn(n, np.abs(z), derivative)
        expected = expected * np.sign(np.where(z, z, 1)) ** (n + derivative)
        assert_close(special.spherical_jn(n, z, derivative=derivative), expected, rtol=1e-9)
    assert float(special.spherical_jn(n, np.asarray(INF))) == 0.0


@pytest.mark.parametrize("name", ["j_whole", "i_whole", "ie_whole"])
def test_orders_by_recurrence_are_scipys(name, require_library):
    """What libraries without jv and iv compute, over SciPy's functions of order 0 and 1."""
    require_library("scipy")
    scipy_special = pytest.importorskip("scipy.special")
    letter, scaled = name[0], "e" if name.startswith("ie") else ""
    compute = by_recurrence(place("numpy").adapter, letter, -1 if letter == "j" else 1, scaled)
    x = np.asarray([-9.0, -2.9, -1e-3, 0.0, 1e-8, 0.5, 2.9, 3.1, 4.0, 5.1, 25.0])
    for n in range(5):
        expected = getattr(scipy_special, f"{letter}v{scaled}")(n, x)
        np.testing.assert_allclose(compute(x, n), expected, rtol=1e-9, atol=1e-14)


# ---- poles, zeros and infinities -----------------------------------------------------------------


def test_the_reciprocal_gamma_function_has_slopes_at_the_poles_of_gamma(on_numpy):
    assert_close(slopes(special.rgamma, 0.0, -1.0, -2.0, -5.0), [1, -1, 2, -120])
    # 1/Γ(x) = x + γ x² + ...
    assert_close(slopes(special.rgamma, 0.0, order=2), [2 * np.euler_gamma], rtol=1e-10)


def test_gamma_functions_left_of_zero(on_numpy):
    half = math.sqrt(math.pi)
    assert_close(special.gamma(np.asarray([-0.5, -1.5])), [-2 * half, 4 * half / 3])
    # ψ(-1/2) = 2 - γ - 2 log 2
    expected = 2 - np.euler_gamma - 2 * math.log(2)
    assert_close(slopes(special.gammaln, -0.5), [expected])
    assert_close(slopes(special.gamma, -0.5), [-2 * half * expected])


def test_binomial_coefficients_between_and_beyond_whole_numbers(on_numpy):
    # n (n - 1) (n - 2) / 6 at n = 2, where the coefficient is 0.
    assert_close(special.binom(np.asarray(2.0), 3.0), 0.0)
    assert_close(partials(lambda n: special.binom(n, 3.0), 2.0), [1 / 3], rtol=1e-10)
    assert_close(partials(special.binom, 4.0, 2.0)[1], 0.0)
    check_grads(special.binom, [np.asarray(4.3), np.asarray(1.7)], order=2)


LIMITS = [
    (special.entr, (0.0,), 0.0, [INF]),
    (special.entr, (-1.0,), -INF, None),
    (special.entr, (NAN,), NAN, None),
    (special.rel_entr, (0.0, 0.0), 0.0, [1, 0]),
    (special.rel_entr, (0.0, 2.0), 0.0, [-INF, 0]),
    (special.rel_entr, (2.0, 0.0), INF, None),
    (special.rel_entr, (-1.0, 1.0), INF, None),
    (special.rel_entr, (1e-200, 1e200), -1e-200 * 400 * math.log(10), None),
    (special.rel_entr, (NAN, 1.0), NAN, None),
    (special.kl_div, (0.0, 0.0), 0.0, [0, 1]),
    (special.kl_div, (0.0, 2.0), 2.0, [-INF, 1]),
    (special.kl_div, (2.0, 2.0), 0.0, [0, 0]),
    (special.xlogy, (0.0, 0.0), 0.0, [0, 0]),
    (special.xlog1py, (0.0, -1.0), 0.0, [0, 0]),
    (special.xlog1py, (0.0, NAN), NAN, None),
    (special.logit, (0.0,), -INF, [INF]),
    (special.logit, (1.0,), INF, [INF]),
    (special.logit, (0.5 + 2.0**-20,), 2.0**-18, [4]),
    (special.huber, (1.0, 1.0), 0.5, [0, 1]),
    (special.huber, (1.0, -3.0), 2.5, [2, -1]),
    (special.huber, (0.0, 2.0), 0.0, [2, 0]),
    (special.huber, (-1.0, 2.0), INF, None),
    (special.pseudo_huber, (0.0, 0.0), 0.0, [0, 0]),
    (special.pseudo_huber, (0.0, 2.0), 0.0, [2, 0]),
    (special.pseudo_huber, (2.0, 0.0), 0.0, [0, 0]),
    (special.pseudo_huber, (1e8, 1.0), 0.5, [2.5e-25, 1]),
    (special.pseudo_huber, (-1.0, 2.0), INF, None),
    (special.cosm1, (1e-9,), -5e-19, [-1e-9]),
    (special.cbrt, (-8.0,), -2.0, [1 / 12]),
    (special.boxcox, (2.0, 0.0), math.log(2), [1 / 2, math.log(2) ** 2 / 2]),
    (special.boxcox, (0.0, 2.0), -0.5, [0, 0.25]),
    (special.boxcox1p, (1.0, 0.0), math.log(2), [1 / 2, math.log(2) ** 2 / 2]),
    (special.boxcox1p, (-1.0, 2.0), -0.5, [0, 0.25]),
    (special.inv_boxcox, (1.5, 0.0), math.exp(1.5), [math.exp(1.5), -1.125 * math.exp(1.5)]),
    (special.inv_boxcox1p, (1e-12, 0.0), 1e-12, [1, -5e-25]),
    (special.exprel, (INF,), INF, None),
    (special.exprel, (-INF,), 0.0, [0]),
]


@pytest.mark.parametrize(
    ("f", "at", "value", "slope"), LIMITS, ids=lambda x: getattr(x, "__name__", str(x))[:40]
)
def test_limits(f, at, value, slope, everywhere):
    """Functions composed of the standard's; over NumPy they are SciPy's own."""
    if f is special.rel_entr and at[0] != at[0] and everywhere.adapter.name == "jax":
        pytest.skip("JAX's own gives inf for nan")
    arrays = [everywhere.array(x) for x in at]
    bound = {"rtol": max(everywhere.tolerance, 1e-12), "atol": 1e-40}
    np.testing.assert_allclose(everywhere.to_host(f(*arrays)), value, **bound)
    if slope is None or everywhere.precision == "float32":
        return
    found = xad.grad(f, argnums=tuple(range(len(at))))(*arrays)
    np.testing.assert_allclose([everywhere.to_host(x) for x in found], slope, **bound)


def test_incomplete_functions_at_the_ends(on_numpy):
    a = np.asarray([0.5, 1.0, 2.0])
    zero, far = np.zeros(3), np.full(3, INF)
    assert_close(xad.grad(lambda x: xad.sum(special.gammainc(a, x)))(zero), [INF, 1, 0])
    assert_close(xad.grad(lambda x: xad.sum(special.gammainc(a, x)))(far), [0, 0, 0])
    assert_close(xad.grad(lambda x: xad.sum(special.betainc(a, a, x)))(zero), [INF, 1, 0])
    assert_close(xad.grad(lambda x: xad.sum(special.betainc(a, a, x)))(zero + 1), [INF, 1, 0])
    assert_close(slopes(lambda x: special.chdtrc(3.0, x), -1.0), [0])
    # Cauchy's distribution.
    assert_close(slopes(lambda t: special.stdtr(1.0, t), 0.0, 1.0), [1 / math.pi, 0.5 / math.pi])


def test_the_dilogarithm_at_one(on_numpy):
    assert_close(slopes(special.spence, 1.0, 1.0 + 1e-9), [-1, -1 + 5e-10])
    assert_close(slopes(special.spence, 1.0, order=2), [0.5])
    assert_close(slopes(special.spence, 1.0, order=3), [-2 / 3])


# ---- far out -------------------------------------------------------------------------------------


def test_slopes_have_digits_where_terms_cancel(on_numpy):
    x = np.asarray([1e2, 1e5, 1e8])
    leading = -1 / (math.sqrt(math.pi) * x**2)
    assert_close(slopes(special.erfcx, *x), leading * (1 - 1.5 / x**2 + 3.75 / x**4), rtol=1e-11)
    assert_close(slopes(special.dawsn, *x), -0.5 / x**2 * (1 + 1.5 / x**2), rtol=1e-7)
    assert_close(slopes(special.log_ndtr, *-x, order=2), -1 + 1 / x**2 - 6 / x**4, rtol=1e-10)


def test_the_logarithm_of_the_normal_distribution_far_on_both_sides(on_numpy):
    got = slopes(special.log_ndtr, -1e4, -40.0, 0.0, 40.0, 1e4)
    assert_close(got, [10000.0001, 40.0249688, math.sqrt(2 / math.pi), 0, 0], rtol=1e-8)
    assert_close(slopes(special.log_ndtr, 40.0, 1e9, INF, order=2), [0, 0, 0])
    assert_close(slopes(special.log_ndtr, -1e9, -INF, order=2), [-1, -1])


def test_the_two_sides_of_where_the_series_begins_agree(on_numpy):
    for f in (special.erfcx, special.dawsn):
        at_twenty = slopes(f, 20.0, 20.0 * (1 + 1e-13))
        np.testing.assert_allclose(at_twenty[0], at_twenty[1], rtol=1e-11)


# ---- complex, data types, gradients of others ----------------------------------------------------


@pytest.mark.parametrize("name", ["loggamma", "erfi", "exp1", "wofz"])
def test_complex_derivatives(name, on_numpy):
    x = np.asarray([0.7 + 0.4j, 1.3 - 0.8j])
    order = 1 if name == "loggamma" else 2
    check_grads(getattr(special, name), [x], order=order)


def test_the_faddeeva_function_keeps_single_precision(on_numpy):
    assert special.wofz(np.ones(2, np.float32)).dtype == np.complex64


@pytest.mark.parametrize("name", ["jv", "gammainc", "zeta", "betaln", "huber", "xlog1py"])
def test_numbers_do_not_widen(name, on_numpy):
    x = np.asarray([1.5, 2.5], np.float32)
    f = getattr(special, name)
    assert f(2.0, x).dtype == np.float32
    assert f(np.float32(2.0), x).dtype == np.float32
    assert f(2, np.asarray(1.5, np.float32)).dtype == np.float32
    assert xad.grad(lambda x: xad.sum(f(2, x)))(x).dtype == np.float32


def test_numbers_alone_are_arrays_of_the_selected_library(on_numpy):
    assert special.jv(0, 0.0).item() == 1.0
    assert special.betainc(1, 1, 0.25).item() == 0.25


TORCH = {
    "gammaln": (0.3, 4.0),
    "psi": (0.3, 4.0),
    "erfinv": (-0.9, 0.9),
    "erfcx": (-2.0, 3.0),
    "entr": (0.1, 3.0),
    "i0": (-3.0, 3.0),
    "i0e": (-3.0, 3.0),
    "i1": (0.1, 3.0),
    "i1e": (0.1, 3.0),
    "log_ndtr": (-6.0, 3.0),
    "logit": (0.1, 0.9),
    "ndtr": (-3.0, 3.0),
    "ndtri": (0.1, 0.9),
    "sinc": (0.1, 3.0),
}


@pytest.mark.parametrize("name", TORCH)
def test_gradients_are_those_of_torch(name, require_library):
    require_library("torch")
    torch = pytest.importorskip("torch")
    x = torch.linspace(*TORCH[name], 7, dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    getattr(torch.special, name)(leaf).sum().backward()
    got = xad.grad(lambda x: xad.sum(getattr(special, name)(x)))(x)
    torch.testing.assert_close(got, leaf.grad, rtol=1e-10, atol=1e-12)


# ---- what there is not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: special.gamma(x), "special.gamma"),
        (lambda x: special.polygamma(1, x), "special.polygamma"),
        (lambda x: special.gammainc(1.0, x), "special.gammainc"),
        (lambda x: special.jv(1.0, x), "special.jv"),
        (lambda x: special.stdtr(1.0, x), "special.stdtr"),
        (lambda x: special.beta(x, x), "special.beta"),
    ],
)
def test_a_library_without_the_function_is_named_with_a_remedy(call, name, strict_device):
    text = rf"array_api_strict has no function '{name}'\. .*x\.to\(\"numpy\"\)"
    with pytest.raises(BackendError, match=text):
        call(strict_device.array([0.5, 0.75]))


@pytest.mark.parametrize(
    ("f", "parameter"),
    [
        (lambda a: special.gammainc(a, 0.5), "'a'"),
        (lambda a: special.betainc(1.0, a, 0.5), "'b'"),
        (lambda v: special.jv(v, 0.5), "'v'"),
        (lambda x: special.zeta(x, 1.0), "'x'"),
        (lambda df: special.stdtr(df, 0.5), "'df'"),
    ],
)
def test_parameters_without_a_derivative_say_so(f, parameter, on_numpy):
    text = f"expected a constant {parameter}.*no derivative.*xad.stop_gradient"
    with pytest.raises(NotDifferentiableError, match=text):
        xad.grad(f)(np.asarray(2.0))
    with pytest.raises(NotDifferentiableError, match=text):
        xad.jvp(f, (np.asarray(2.0),), (np.asarray(1.0),))
