"""NumPy's ufuncs and operators on tensors: values, gradients, methods, and what is refused."""

import math

import numpy as np
import pytest

import xad
from xad.errors import ConcreteValueError, NotDifferentiableError
from xad.protocols.numpy_ufuncs import twins
from xad.testing import check_grads

X = np.asarray([[0.3, 0.7, 0.45], [0.8, 0.25, 0.6]])
Y = np.asarray([1.4, 2.5, 1.9])
WHOLE = np.asarray([[5, 2, 7], [1, 6, 3]])
BITS = np.asarray([3, 1, 2])
MATRIX = np.asarray([[0.4, 1.2], [0.9, -0.3], [1.5, 0.2]])
ABOVE_ONE = {"arccosh"}
ON_INTEGERS = {
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "left_shift",
    "right_shift",
}
LOGICAL = {"logical_and", "logical_or", "logical_xor", "logical_not"}
OF_MATRICES = {"matmul": (X, MATRIX), "matvec": (X, Y), "vecmat": (X[:, 0], X), "vecdot": (X, Y)}


def arguments(ufunc):
    """Arrays that the ufunc is defined and smooth for."""
    name = ufunc.__name__
    if name in OF_MATRICES:
        return OF_MATRICES[name]
    if name in ON_INTEGERS:
        return (WHOLE, BITS)[: ufunc.nin]
    if name in LOGICAL:
        return (X > 0.5, Y > 2)[: ufunc.nin]
    return (X + 1 if name in ABOVE_ONE else X, Y)[: ufunc.nin]


EVERY = pytest.mark.parametrize("ufunc", twins(), ids=lambda ufunc: ufunc.__name__)


@EVERY
def test_a_ufunc_with_a_twin_gives_numpys_values_as_tensors(ufunc, same):
    arrays = arguments(ufunc)
    same(ufunc(*[xad.asarray(x) for x in arrays]), ufunc(*arrays))


@EVERY
def test_a_ufunc_with_a_twin_has_its_derivative(ufunc):
    arrays = arguments(ufunc)
    if arrays[0].dtype.kind == "f" and ufunc(*arrays[: ufunc.nin])[0].dtype.kind == "f":
        check_grads(lambda *x: ufunc(*x), arrays, order=1)


@EVERY
def test_plain_arrays_and_numbers_may_stand_beside_a_tensor(ufunc, same):
    arrays = arguments(ufunc)
    if ufunc.nin == 2:
        a, b = arrays
        same(ufunc(a, xad.asarray(b)), ufunc(a, b))
        same(ufunc(xad.asarray(a), b), ufunc(a, b))
        same(ufunc(xad.asarray(a), b.tolist()), ufunc(a, b.tolist()))
    if ufunc.nin == 2 and ufunc.signature is None and a.dtype.kind == "f":
        same(ufunc(xad.asarray(a), 1.5), ufunc(a, 1.5))
        same(ufunc(1.5, xad.asarray(b)), ufunc(1.5, b))


@EVERY
def test_a_ufunc_with_a_twin_is_mapped_and_recorded(ufunc, same):
    arrays = arguments(ufunc)
    stacked = [np.stack([x, x[::-1] if x.ndim == 1 else x]) for x in arrays]
    mapped = xad.vmap(lambda *x: ufunc(*x))(*[xad.asarray(x) for x in stacked])
    one, other = [ufunc(*[x[i] for x in stacked]) for i in range(2)]
    expected = [np.stack(pair) for pair in zip(one, other, strict=True)]
    same(mapped, np.stack([one, other]) if ufunc.nout == 1 else tuple(expected))
    tensors = [xad.asarray(x) for x in arrays]
    recorded = xad.make_program(lambda *x: ufunc(*x))(*tensors)(*tensors)
    same(recorded, ufunc(*arrays))


# ---- operators with NumPy on the left ----------------------------------------------------------

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "divmod": divmod,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
SCALARS = {"float64": np.float64(1.5), "float32": np.float32(1.5), "int64": np.int64(2)}


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_array_on_the_left_gives_tensors(operator, same):
    operate = OPERATORS[operator]
    same(operate(X, xad.asarray(Y)), operate(X, Y))
    x = xad.asarray(Y, requires_grad=True)
    out = operate(X, x)
    if operator in "+-*/%**":
        (gradient,) = xad.vjp(lambda y: operate(X, y), Y)[1](np.ones_like(X))
        np.testing.assert_allclose(xad.sum(out).gradient(x).numpy(), gradient)
        check_grads(lambda y: operate(X, y), (Y,), order=1)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("scalar", SCALARS)
def test_a_scalar_of_numpy_counts_as_a_number_on_either_side(operator, scalar, same):
    operate, value = OPERATORS[operator], SCALARS[scalar]
    for dtype in ("float32", "float64"):
        y = Y.astype(dtype)
        same(operate(value, xad.asarray(y)), operate(value.item(), y))
        if operator != "divmod":
            same(operate(xad.asarray(y), value), operate(y, value.item()))


def test_matrix_products_with_an_array_on_the_left(same):
    same(X @ xad.asarray(MATRIX), X @ MATRIX)
    same(Y @ xad.asarray(MATRIX), Y @ MATRIX)
    check_grads(lambda m: X @ m, (MATRIX,), order=1)


def test_an_array_does_not_take_a_tensor_in_place():
    array = X.copy()
    with pytest.raises(TypeError, match="NumPy cannot write"):
        array += xad.asarray(Y)
    with pytest.raises(TypeError, match="NumPy cannot write"):
        np.add(X, xad.asarray(Y), out=array)
    np.testing.assert_array_equal(array, X)


def test_out_may_be_a_tensor(same):
    into = xad.asarray(np.zeros_like(X))
    x = xad.asarray(X, requires_grad=True)
    assert np.multiply(x, Y, out=into) is into
    same(into, X * Y)
    np.testing.assert_allclose(xad.sum(into).gradient(x).numpy(), np.broadcast_to(Y, X.shape))
    with pytest.raises(ValueError, match="shape"):
        np.multiply(x, Y, out=xad.asarray(np.zeros(3)))


# ---- methods of ufuncs ---------------------------------------------------------------------------

METHODS = {
    "add.reduce": lambda x: np.add.reduce(x),
    "add.reduce axis": lambda x: np.add.reduce(x, 1, None, None, True),
    "add.reduce all": lambda x: np.add.reduce(x, axis=None),
    "add.reduce axes": lambda x: np.add.reduce(x, axis=(0, 1)),
    "add.reduce dtype": lambda x: np.add.reduce(x, dtype=np.float32),
    "multiply.reduce": lambda x: np.multiply.reduce(x, axis=-1),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=1, keepdims=True),
    "minimum.reduce": lambda x: np.minimum.reduce(x),
    "add.accumulate": lambda x: np.add.accumulate(x),
    "add.accumulate axis": lambda x: np.add.accumulate(x, 1),
    "multiply.accumulate": lambda x: np.multiply.accumulate(x, axis=1),
    "add.outer": lambda x: np.add.outer(x, Y),
    "multiply.outer": lambda x: np.multiply.outer(Y, x),
    "subtract.outer": lambda x: np.subtract.outer([1.0, 2.0], x),
    "clip": lambda x: Y.clip(x[0], 2.0),
}


@pytest.mark.parametrize("method", METHODS)
def test_methods_with_a_twin(method, same):
    call = METHODS[method]
    same(call(xad.asarray(X)), call(X))
    if "float32" not in str(call(X).dtype):
        check_grads(call, (X,), order=1)


def test_logical_reductions(same):
    mask = X > 0.5
    same(np.logical_and.reduce(xad.asarray(mask)), np.logical_and.reduce(mask))
    same(np.logical_or.reduce(xad.asarray(mask), axis=1), np.logical_or.reduce(mask, axis=1))


# ---- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "where": lambda x: np.add(x, 1.0, where=X > 0.5),
    "where tensor": lambda x: np.add(x, 1.0, where=x > 0.5),
    "dtype": lambda x: np.add(x, 1.0, dtype=np.float32),
    "casting": lambda x: np.add(x, 1.0, casting="unsafe"),
    "signature": lambda x: np.add(x, 1.0, signature="ddd"),
    "axes": lambda x: np.matmul(x, x.T, axes=[(0, 1), (0, 1), (0, 1)]),
    "keepdims": lambda x: np.vecdot(x, x, keepdims=True),
    "initial": lambda x: np.add.reduce(x, initial=1.0),
    "reduce where": lambda x: np.add.reduce(x, where=X > 0.5),
    "reduce initial by place": lambda x: np.add.reduce(x, 0, None, None, False, 1.0),
    "at": lambda x: np.add.at(x, 0, 1.0),
    "at a tensor's place": lambda x: np.add.at(X.copy(), 0, x[0]),
    "reduceat": lambda x: np.add.reduceat(x, [0, 1]),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x),
    "subtract.reduce": lambda x: np.subtract.reduce(x),
    "fmod": lambda x: np.fmod(x, 0.4),
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "frexp": lambda x: np.frexp(x),
    "spacing": lambda x: np.spacing(x),
    "logaddexp2": lambda x: np.logaddexp2(x, x),
    "frompyfunc": lambda x: np.frompyfunc(math.sin, 1, 1)(x),
    "a stranger": lambda x: np.add(x, "text"),
    "a stranger of its own mind": lambda x: np.add(x, Stranger()),
}


class Stranger:
    """Something that NumPy's ufuncs do not know either."""

    __array_ufunc__ = None


@pytest.mark.parametrize("call", REFUSED)
def test_what_would_drop_a_gradient_is_refused(call):
    with pytest.raises(TypeError):
        REFUSED[call](xad.asarray(X, requires_grad=True))
    with pytest.raises(TypeError):
        xad.grad(lambda x: xad.sum(REFUSED[call](x)))(X)
    with pytest.raises(TypeError):
        xad.jvp(REFUSED[call], (X,), (X,))


def test_a_refusal_says_what_to_do_instead():
    x = xad.asarray(X, requires_grad=True)
    with pytest.raises(NotDifferentiableError, match=r"xad\.remainder.*x\.detach\(\)\.numpy\(\)"):
        np.fmod(x, 0.4)
    with pytest.raises(TypeError, match=r"where= has no counterpart.*xad\.where"):
        np.add(x, 1.0, where=X > 0.5)
    with pytest.raises(ConcreteValueError, match=r"np\.fmod inside a transformation"):
        xad.grad(lambda x: np.fmod(x, 0.4))(0.7)
    with pytest.raises(ConcreteValueError, match="values are known, got Batch"):
        xad.vmap(lambda x: np.fmod(x, 0.4))(X)


def test_options_that_ask_for_nothing_pass(same):
    x = xad.asarray(X)
    usual = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True}
    same(np.add(x, 1.0, **usual), np.add(X, 1.0))


def test_without_a_twin_untracked_values_go_to_numpy(same):
    same(np.fmod(xad.asarray(X), 0.4), np.fmod(X, 0.4))
    same(np.frexp(xad.asarray(X)), np.frexp(X))
    same(np.gcd(xad.asarray(WHOLE), 2), np.gcd(WHOLE, 2))
    same(np.maximum.accumulate(xad.asarray(X)), np.maximum.accumulate(X))


def test_scipys_ufuncs_have_twins_too(require_library, same):
    require_library("scipy")
    from scipy import special

    for name in ("erf", "gammaln", "expit", "log1p", "xlogy"):
        ufunc = getattr(special, name)
        if isinstance(ufunc, np.ufunc):  # SCIPY_ARRAY_API makes them something else
            arrays = (X, Y)[: ufunc.nin]
            same(ufunc(*[xad.asarray(x) for x in arrays]), ufunc(*arrays))
            check_grads(lambda *x, f=ufunc: f(*x), arrays, order=1)
            with pytest.raises(NotDifferentiableError):
                special.ellipe(xad.asarray(X, requires_grad=True))


def test_tensors_over_other_libraries_have_the_twins_only(require_library):
    require_library("array_api_strict")
    import array_api_strict

    x = xad.asarray(array_api_strict.asarray([0.5, 1.5]), requires_grad=True)
    out = xad.sum(np.sin(x) * np.float64(2))
    assert type(out.value) is type(x.value)
    np.testing.assert_allclose(out.gradient(x).numpy(), 2 * np.cos([0.5, 1.5]))
    with pytest.raises(xad.errors.LibraryMismatchError):
        np.add(np.ones(2), x)
    with pytest.raises(TypeError, match=r"over array_api_strict.*x\.detach\(\)\.numpy\(\)"):
        np.fmod(x.detach(), 0.4)


# ---- numbers out of tensors ----------------------------------------------------------------------


def test_a_tensor_put_into_an_array_does_not_lose_its_gradient():
    array, numbers = np.zeros(3), [0.0]
    x = xad.asarray(2.0, requires_grad=True)
    with pytest.raises((TypeError, ValueError)):
        array[0] = x
    with pytest.raises(TypeError):
        array[:] = x
    with pytest.raises(TypeError):
        array[[0, 1]] = x
    with pytest.raises((TypeError, ValueError)):
        array[0] += x
    np.testing.assert_array_equal(array, np.zeros(3))
    array[0] = x.detach()
    array[1] = float(x)
    numbers[0] = float(x)
    np.testing.assert_array_equal(array, [2.0, 2.0, 0.0])
    assert numbers == [2.0]


def test_float_inside_a_transformation_is_refused_and_bool_and_int_are_not():
    for transform in (xad.grad, lambda f: lambda x: xad.jvp(f, (x,), (x,))):
        for number in (float, complex, math.sqrt, np.float64):
            with pytest.raises(ConcreteValueError, match=r"xad\.stop_gradient"):
                transform(lambda x, number=number: x * number(x))(2.0)
    gradient = xad.grad(lambda x: x**3 if x > 1 else x * int(x))
    assert float(gradient(np.asarray(2.0))) == 12.0
    assert float(gradient(np.asarray(0.5))) == 0.0
    assert float(xad.grad(lambda x: x * float(xad.stop_gradient(x)))(np.asarray(2.0))) == 2.0
