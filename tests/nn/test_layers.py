"""Layers, activations and initial weights."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest

import xad
from xad import nn, tree


def test_dense_is_x_times_weight_plus_bias(to_backend, close):
    weight, bias = np.arange(6.0).reshape(2, 3), np.asarray([10.0, 20.0, 30.0])
    layer = nn.Dense(to_backend(weight), to_backend(bias))
    x = np.asarray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [0.0, 1.0]])
    close(layer(to_backend(x)), x @ weight + bias)
    close(layer(to_backend(x[0])), x[0] @ weight + bias)
    close(nn.Dense(to_backend(weight))(to_backend(x)), x @ weight)


def test_dense_refuses_inputs_of_another_width(to_backend):
    layer = nn.Dense.create(3, 2, rng=0)
    with pytest.raises(ValueError, match=r"expected inputs of shape \(\.\.\., 3\).*got \(5, 4\)"):
        layer(to_backend(np.zeros((5, 4), np.float32)))


@pytest.mark.parametrize("sizes", [(0, 3), (3, -1), (2.5, 3)])
def test_dense_refuses_sizes_that_are_no_counts(sizes):
    with pytest.raises(ValueError, match="whole number from 1 up, got"):
        nn.Dense.create(*sizes, rng=0)


def test_gradients_by_a_model_have_its_shape(to_backend, to_host):
    model = nn.mlp(3, 4, 2, rng=0, activation=nn.tanh)
    x = to_backend(np.ones((5, 3), np.float32))
    gradient = xad.grad(lambda model: xad.sum(model(x)))(model)
    assert isinstance(gradient, nn.Sequential)
    np.testing.assert_array_equal(to_host(gradient[2].bias), [5.0, 5.0])
    assert gradient[0].weight.shape == (3, 4)
    assert gradient[0].weight.dtype == model[0].weight.dtype


def test_functions_in_a_sequential_are_structure():
    def double(x):
        return x * 2

    model = nn.Sequential(double, nn.Dense.create(2, 2, rng=0), nn.relu)
    assert len(tree.leaves(model)) == 2
    assert repr(model) == "Sequential(double, Dense(2 -> 2), relu)"
    other = nn.Sequential(nn.tanh, nn.Dense.create(2, 2, rng=0), nn.relu)
    assert tree.structure(model) != tree.structure(other)


@pytest.mark.parametrize("wrong", [[nn.relu], nn.Dense, 3])
def test_sequential_refuses_what_is_no_layer(wrong):
    with pytest.raises(TypeError, match="expected layers and functions"):
        nn.Sequential(wrong)


def test_a_layer_of_ones_own(to_backend, close):
    @dataclasses.dataclass(frozen=True)
    class Scale:
        factor: object

        def __call__(self, x):
            return x * self.factor

    model = nn.Sequential(Scale(to_backend(np.asarray(3.0))), nn.identity)
    values = np.asarray([1.0, -2.0])
    x = xad.asarray(to_backend(values))
    close(model(x, rng=0), 3 * values)
    close(xad.grad(lambda m: xad.sum(m(x)))(model)[0].factor, -1.0)


def test_dropout_keeps_the_expected_share(to_backend, to_host):
    y = to_host(nn.Dropout(0.25)(to_backend(np.ones((100, 100), np.float32)), rng=0))
    assert y.dtype == np.float32
    np.testing.assert_allclose(np.unique(y), [0.0, 4 / 3], rtol=1e-6)
    # Four standard deviations of the share of 10,000 coins.
    assert abs(np.mean(y == 0) - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 10_000)


def test_dropout_differs_from_layer_to_layer_and_repeats_with_a_seed(to_backend, to_host):
    x = to_backend(np.ones(1000, np.float32))
    twice = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    y = to_host(twice(x, rng=3))
    # Two equal masks would keep a half.
    assert 0.15 < np.mean(y > 0) < 0.35
    np.testing.assert_array_equal(y, to_host(twice(x, rng=3)))
    assert not np.array_equal(y, to_host(twice(x, rng=4)))
    assert twice(x) is x


def test_the_gradient_of_dropout_is_its_mask(to_backend, to_host):
    x = to_backend(np.ones(50, np.float32))
    mask = to_host(nn.Dropout(0.5)(x, rng=1))
    gradient = xad.grad(lambda x: xad.sum(nn.Dropout(0.5)(x, rng=1)))(x)
    np.testing.assert_array_equal(to_host(gradient), mask)


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan])
def test_dropout_refuses_impossible_rates(rate):
    with pytest.raises(ValueError, match="expected a dropout rate from 0"):
        nn.Dropout(rate)


X = np.linspace(-4, 4, 9)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nn.relu, np.maximum(X, 0)),
        (nn.sigmoid, 1 / (1 + np.exp(-X))),
        (nn.tanh, np.tanh(X)),
        (nn.softplus, np.log1p(np.exp(X))),
        (nn.gelu, [X_ * (1 + math.erf(X_ / math.sqrt(2))) / 2 for X_ in X]),
        (nn.identity, X),
    ],
)
def test_activations(function, expected, to_backend, close, here):
    if function is nn.gelu:
        try:
            here.adapter.kernel("special.erf")
        except xad.errors.BackendError as error:
            pytest.skip(str(error))
    close(function(to_backend(X)), expected, tolerance=1e-12)


def test_activations_neither_overflow_nor_have_a_slope_of_relu_at_zero(to_backend, close):
    x = to_backend(np.asarray([-1e4, 0.0, 1e4]))
    close(nn.sigmoid(x), [0, 0.5, 1])
    close(nn.softplus(x), [0, math.log(2), 1e4])
    close(xad.grad(lambda x: xad.sum(nn.relu(x)))(x), [0, 0, 1])
    close(xad.grad(lambda x: xad.sum(nn.softplus(x)))(x), [0, 0.5, 1])


VARIANCES = {
    nn.init.glorot_uniform: 2 / (300 + 200),
    nn.init.glorot_normal: 2 / (300 + 200),
    nn.init.he_uniform: 2 / 300,
    nn.init.he_normal: 2 / 300,
    partial(nn.init.uniform, low=-1.0, high=1.0): 1 / 3,
    partial(nn.init.normal, std=0.5): 0.25,
}


@pytest.mark.parametrize(("init", "variance"), VARIANCES.items())
def test_initial_weights_have_their_variance(init, variance, to_host):
    weight = init((300, 200), rng=0)
    assert isinstance(weight, xad.Tensor)
    values = to_host(weight)
    assert values.dtype == np.float32
    assert abs(values.mean()) < 4 * math.sqrt(variance / values.size)
    assert values.var() == pytest.approx(variance, rel=0.03)


def test_a_seed_gives_the_same_weights_everywhere(everywhere, to_host):
    with xad.use_backend("numpy"):
        expected = tree.map(lambda x: np.asarray(x.value), nn.mlp(5, 4, 3, rng=7))
    with xad.use_backend(everywhere.adapter.name, everywhere.device):
        model = nn.mlp(5, 4, 3, rng=7)
    for got, wanted in zip(tree.leaves(model), tree.leaves(expected), strict=True):
        assert everywhere.adapter.device_of(got.value) == everywhere.device
        np.testing.assert_array_equal(everywhere.to_host(got), wanted)


def test_rounding_comes_after_the_draw(to_host):
    single = to_host(nn.init.he_normal((20, 30), rng=2))
    rng = np.random.default_rng(2)
    np.testing.assert_array_equal(
        single, rng.normal(0, math.sqrt(2 / 20), (20, 30)).astype(np.float32)
    )


def test_a_shared_generator_gives_every_layer_numbers_of_its_own(to_host):
    model = nn.mlp(4, 4, 4, rng=0)
    assert not np.array_equal(to_host(model[0].weight), to_host(model[2].weight))


@pytest.mark.parametrize("rng", [None, "0", -1, 1.5, True])
def test_rng_is_a_seed_or_a_generator(rng):
    with pytest.raises(TypeError, match=r"expected rng to be a seed .* write rng=0"):
        nn.init.glorot_uniform((2, 2), rng=rng)


def test_fans_need_two_axes():
    with pytest.raises(ValueError, match=r"expected the shape of a weight.*got \(3,\)"):
        nn.init.glorot_uniform((3,), rng=0)


def test_mlp_puts_activation_and_dropout_between_layers_only():
    model = nn.mlp(2, 3, 4, 5, rng=0, activation=nn.tanh, dropout=0.5)
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Dense", "Activation", "Dropout", "Dense", "Activation", "Dropout", "Dense"]
    with pytest.raises(ValueError, match="expected at least two sizes"):
        nn.mlp(3, rng=0)
