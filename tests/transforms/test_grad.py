"""grad, value_and_grad and vjp: which arguments, which trees, which types, which errors."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

import xad
from xad import tree
from xad.errors import NotDifferentiableError, ShapeError, TreeError


def product(a, b, c):
    return xad.sum(xad.multiply(xad.multiply(a, b), c))


@pytest.fixture
def abc(here):
    return tuple(here.array(x) for x in ([1.0, 2.0], [3.0, 5.0], [7.0, 11.0]))


# ---- which arguments ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argnums", "expected"), [(0, [21.0, 55.0]), (1, [7.0, 22.0]), (-1, [3.0, 10.0])]
)
def test_argnums_counts_from_either_end(abc, close, argnums, expected):
    close(xad.grad(product, argnums)(*abc), expected)


def test_a_tuple_of_argnums_gives_a_tuple_in_its_order(abc, close):
    gradients = xad.grad(product, (2, 0))(*abc)
    assert type(gradients) is tuple
    close(gradients[0], [3.0, 10.0])
    close(gradients[1], [21.0, 55.0])
    (only,) = xad.grad(product, (1,))(*abc)
    close(only, [7.0, 22.0])


def test_argnums_outside_the_arguments(abc):
    with pytest.raises(IndexError, match=r"expected argnums within the 3 .* got 3"):
        xad.grad(product, 3)(*abc)
    with pytest.raises(IndexError, match="got -4"):
        xad.grad(product, (0, -4))(*abc)


def test_keyword_arguments_are_passed_on_and_not_differentiated(here, close):
    def f(x, *, power, scale=1.0):
        return xad.sum(x * scale) if power == 1 else xad.sum(x * x * scale)

    x = here.array([1.0, 2.0])
    close(xad.grad(f)(x, power=2, scale=3.0), [6.0, 12.0])
    value, gradient = xad.value_and_grad(f)(x, power=1)
    close(value, 3.0)
    close(gradient, [1.0, 1.0])


def test_other_arguments_may_be_anything(here, close):
    def f(x, name, flags):
        return xad.sum(x) if name == "sum" and flags[0] else None

    close(xad.grad(f)(here.array([1.0, 2.0]), "sum", [True, object()]), [1.0, 1.0])


# ---- auxiliary results --------------------------------------------------------------------------


def test_has_aux_passes_the_rest_through_without_a_trace(here, close):
    def f(x):
        return xad.sum(x * x), {"double": x + x, "word": "kept", "none": None}

    x = here.array([1.0, 2.0])
    (value, aux), gradient = xad.value_and_grad(f, has_aux=True)(x)
    close(value, 5.0)
    close(gradient, [2.0, 4.0])
    assert type(aux["double"]) is type(x)
    close(aux["double"], [2.0, 4.0])
    assert (aux["word"], aux["none"]) == ("kept", None)
    gradient, aux = xad.grad(f, has_aux=True)(x)
    close(gradient, [2.0, 4.0])
    close(aux["double"], [2.0, 4.0])


def test_has_aux_without_a_pair_says_so(here):
    with pytest.raises(TypeError, match=r"expected f to return \(value, aux\)"):
        xad.grad(lambda x: xad.sum(x), has_aux=True)(here.array([1.0]))


def test_aux_of_an_inner_gradient_stays_differentiable(here, close):
    def outer(x):
        _, aux = xad.grad(lambda y: (xad.sum(y * y), y * x), has_aux=True)(x)
        return xad.sum(aux)

    close(xad.grad(outer)(here.array([2.0, 3.0])), [4.0, 6.0])


# ---- trees --------------------------------------------------------------------------------------


class Pair(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass
class Layer:
    weight: object
    scale: float = tree.static(default=2.0)


def test_gradients_have_the_tree_of_the_argument(here, close):
    ones = here.array([1.0, 2.0])
    model = {
        "list": [ones, here.array(3.0)],
        "tuple": (ones,),
        "pair": Pair(ones, None),
        "layer": Layer(ones, 5.0),
        "none": None,
    }

    def loss(m):
        assert m["none"] is None
        assert m["pair"].right is None
        total = xad.sum(m["list"][0] * m["list"][1]) + xad.sum(m["tuple"][0]) * 2
        return total + xad.sum(m["pair"].left * 3) + xad.sum(m["layer"].weight) * m["layer"].scale

    found = xad.grad(loss)(model)
    assert tree.structure(found) == tree.structure(model)
    close(found["list"][0], [3.0, 3.0])
    close(found["list"][1], 3.0)
    close(found["tuple"][0], [2.0, 2.0])
    close(found["pair"].left, [3.0, 3.0])
    close(found["layer"].weight, [5.0, 5.0])
    assert (found["layer"].scale, found["none"]) == (5.0, None)


def test_an_empty_tree_has_an_empty_gradient(here):
    assert xad.grad(lambda empty, x: xad.sum(x))({}, here.array([1.0])) == {}


# ---- types --------------------------------------------------------------------------------------


def test_raw_in_raw_out_tensor_in_tensor_out(here):
    raw = here.array([1.0, 2.0])
    f = xad.value_and_grad(lambda x: xad.sum(x * x))
    for x in (raw, xad.Tensor(raw)):
        assert [type(y) for y in f(x)] == [type(x)] * 2
    value, pullback = xad.vjp(lambda x: x * 2, xad.Tensor(raw))
    assert isinstance(value, xad.Tensor)
    assert isinstance(pullback(raw)[0], xad.Tensor)


def test_python_numbers_count_as_tensors(close):
    gradient = xad.grad(lambda x: x * x)(3.0)
    assert isinstance(gradient, xad.Tensor)
    close(gradient, 6.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_dtype_and_device_of_the_input(everywhere, dtype):
    x = everywhere.array([1.0, 2.0], dtype)
    other = everywhere.array([3.0, 4.0])
    for f in (lambda x: xad.sum(x * 3), lambda x: xad.sum(x * other), lambda x: other[0]):
        gradient = xad.grad(f)(x)
        assert gradient.dtype == x.dtype
        assert gradient.shape == x.shape
        assert everywhere.adapter.device_of(gradient) == everywhere.device


def test_a_function_that_ignores_its_input_has_a_zero_gradient(everywhere):
    x = everywhere.array(np.ones((2, 3)), "float32")
    for f in (lambda x: everywhere.array(1.0), lambda x: 1.0, lambda x: xad.sum(x.value * 0)):
        gradient = xad.grad(f)(x)
        assert (tuple(gradient.shape), gradient.dtype) == ((2, 3), x.dtype)
        assert everywhere.adapter.device_of(gradient) == everywhere.device
        assert not everywhere.to_host(gradient).any()


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_integers_and_booleans_are_refused_with_a_remedy(here, dtype):
    x = here.array([1, 0], dtype)
    with pytest.raises(TypeError, match=r"xad.grad: expected floating .*astype.*argnums"):
        xad.grad(lambda x: xad.sum(x))(x)
    with pytest.raises(NotDifferentiableError, match=r"at \[0\]\['b'\]"):
        xad.vjp(lambda t: t["a"], {"a": here.array(1.0), "b": x})


def test_the_value_must_be_one_real_number(here):
    x = here.array([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"returns one number.*shape \(2,\); .* xad\.vjp"):
        xad.grad(lambda x: x)(x)
    with pytest.raises(ShapeError, match=r"\(1,\)"):
        xad.grad(lambda x: x[:1])(x)
    with pytest.raises(TypeError, match="expected a real value"):
        xad.grad(lambda z: z[0])(here.array([1.0 + 2.0j]))
    with pytest.raises(TypeError, match="None"):
        xad.grad(lambda x: None)(x)


# ---- vjp ----------------------------------------------------------------------------------------


def test_a_pullback_can_be_called_often(here, close):
    x = here.array([1.0, 2.0])
    value, pullback = xad.vjp(lambda x, y: x * x * y, x, here.array([3.0, 4.0]))
    close(value, [3.0, 16.0])
    for scale in (1.0, 10.0):
        first, second = pullback(here.array([scale, scale]))
        close(first, [6.0 * scale, 16.0 * scale])
        close(second, [1.0 * scale, 4.0 * scale])


def test_cotangents_are_trees_like_the_value(here, close):
    x = here.array([1.0, 2.0])
    _, pullback, aux = xad.vjp(
        lambda x: ({"square": x * x, "sum": [xad.sum(x)]}, "aux"), x, has_aux=True
    )
    assert aux == "aux"
    (gradient,) = pullback({"square": here.array([1.0, 0.0]), "sum": [here.array(10.0)]})
    close(gradient, [12.0, 10.0])
    (gradient,) = pullback({"square": here.array([0.0, 0.0]), "sum": [1.0]})
    close(gradient, [1.0, 1.0])
    with pytest.raises(TreeError, match="trees differ"):
        pullback({"square": x})
    with pytest.raises(ShapeError, match=r"cotangent of shape \(2,\), got \(3,\)"):
        pullback({"square": here.array([1.0, 2.0, 3.0]), "sum": [1.0]})


def test_a_cotangent_is_cast_to_the_dtype_of_the_value(here):
    x = here.array([1.0, 2.0], "float32")
    _, pullback = xad.vjp(lambda x: x * x, x)
    assert pullback(here.array([1.0, 1.0]))[0].dtype == x.dtype


def test_the_name_and_docstring_of_the_function_are_kept():
    def loss(x):
        """Mean of it."""
        return x

    for transformed in (xad.grad(loss), xad.value_and_grad(loss), xad.vmap(loss)):
        assert (transformed.__name__, transformed.__doc__) == ("loss", "Mean of it.")
