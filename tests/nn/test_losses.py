"""Losses and metrics."""

import math

import numpy as np
import pytest

import xad
from xad import nn

LOGITS = np.asarray([[1.0, 2.0, -1.0], [0.5, -0.5, 0.0], [3.0, 3.0, 3.0], [-2.0, 0.0, 5.0]])
LABELS = np.asarray([1, 0, 2, 0])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
ONE_HOT = np.eye(3)[LABELS]


def test_softmax_cross_entropy_with_class_numbers(to_backend, close):
    labels = to_backend(LABELS)

    def loss(logits):
        return nn.softmax_cross_entropy(logits, labels)

    value, gradient = xad.value_and_grad(loss)(to_backend(LOGITS))
    close(value, -np.log(PROBABILITIES[range(4), LABELS]).mean(), tolerance=1e-12)
    close(gradient, (PROBABILITIES - ONE_HOT) / 4, tolerance=1e-12)


def test_softmax_cross_entropy_with_probabilities(to_backend, close):
    soft = 0.9 * ONE_HOT + 0.1 / 3

    def loss(logits):
        return nn.softmax_cross_entropy(logits, to_backend(soft))

    value, gradient = xad.value_and_grad(loss)(to_backend(LOGITS))
    close(value, -(soft * np.log(PROBABILITIES)).sum(axis=1).mean(), tolerance=1e-12)
    close(gradient, (PROBABILITIES - soft) / 4, tolerance=1e-12)


@pytest.mark.parametrize("labels", [np.asarray([1]), np.asarray([[0.0, 1.0]])])
def test_softmax_cross_entropy_does_not_overflow(labels, to_backend, close):
    labels = to_backend(labels)

    def loss(logits):
        return nn.softmax_cross_entropy(logits, labels)

    value, gradient = xad.value_and_grad(loss)(to_backend(np.asarray([[1e4, 0.0]])))
    close(value, 1e4)
    close(gradient, [[1.0, -1.0]])


def test_one_example_without_a_batch(to_backend, close):
    loss = nn.softmax_cross_entropy(to_backend(np.asarray([1e4, 0.0])), to_backend(np.asarray(1)))
    close(loss, 1e4)


def test_an_impossible_class_costs_nothing_where_it_is_not_asked_for(to_backend, close):
    logits = to_backend(np.asarray([[0.0, -np.inf]]))
    labels = to_backend(np.asarray([0]))
    close(nn.softmax_cross_entropy(logits, labels), 0.0)
    gradient = xad.grad(lambda x: nn.softmax_cross_entropy(x, labels))(logits)
    close(gradient, [[0.0, 0.0]])


def test_cross_entropy_stays_float32_and_takes_small_integers(to_backend):
    logits = to_backend(LOGITS.astype(np.float32))
    for dtype in (np.uint8, np.int32, np.int64):
        loss = nn.softmax_cross_entropy(logits, to_backend(LABELS.astype(dtype)))
        assert loss.dtype == logits.dtype


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.asarray([0, 1, 2]), r"integer labels of shape \(4,\).*got \(3,\)"),
        (np.asarray([[0], [1], [2], [0]]), r"integer labels of shape \(4,\).*got \(4, 1\)"),
        (np.asarray([0, 1, 3, 0]), r"class numbers from 0 to 2 for 3 logits, got 3"),
        (np.asarray([0, 1, -1, 0]), r"class numbers from 0 to 2 for 3 logits, got -1"),
        (np.ones((4, 2)), r"labels of the outputs' shape \(4, 3\), got \(4, 2\)"),
    ],
)
def test_labels_that_do_not_fit(labels, message, to_backend, here):
    there = to_backend(labels)
    if "class numbers" in message and not here.adapter.at_hand(there):
        pytest.skip("class numbers are not looked at where reading would wait, or compute")
    with pytest.raises(ValueError, match=message):
        nn.softmax_cross_entropy(to_backend(LOGITS), there)


def test_boolean_one_hot_labels_are_refused(to_backend):
    with pytest.raises(TypeError, match="integer class numbers or floating probabilities"):
        nn.softmax_cross_entropy(to_backend(LOGITS), to_backend(ONE_HOT > 0))


def test_sigmoid_binary_cross_entropy(to_backend, close):
    logits = np.asarray([-2.0, 0.5, 3.0])
    for labels in (np.asarray([0.0, 1.0, 0.25]), np.asarray([0, 1, 1]), np.asarray([1, 0, 1]) > 0):
        p = 1 / (1 + np.exp(-logits))
        y = labels.astype(float)
        placed = to_backend(labels)

        def loss(x, placed=placed):
            return nn.sigmoid_binary_cross_entropy(x, placed)

        value, gradient = xad.value_and_grad(loss)(to_backend(logits))
        close(value, -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(), tolerance=1e-12)
        close(gradient, (p - y) / 3, tolerance=1e-12)


def test_sigmoid_binary_cross_entropy_does_not_overflow(to_backend, close):
    labels = to_backend(np.asarray([1, 1]))

    def loss(x):
        return nn.sigmoid_binary_cross_entropy(x, labels)

    value, gradient = xad.value_and_grad(loss)(to_backend(np.asarray([1e4, -1e4])))
    close(value, 5e3)
    close(gradient, [0.0, -0.5])


def test_mean_squared_error(to_backend, close):
    outputs, labels = np.asarray([[1.0], [3.0]]), np.asarray([[2], [5]])

    def loss(x):
        return nn.mean_squared_error(x, to_backend(labels))

    value, gradient = xad.value_and_grad(loss)(to_backend(outputs))
    close(value, 2.5)
    close(gradient, [[-1.0], [-2.0]])


@pytest.mark.parametrize("loss", [nn.mean_squared_error, nn.sigmoid_binary_cross_entropy])
def test_outputs_and_labels_are_not_broadcast(loss, to_backend):
    with pytest.raises(ValueError, match=r"labels of the outputs' shape \(4, 1\), got \(4,\)"):
        loss(to_backend(np.zeros((4, 1))), to_backend(np.zeros(4)))


def test_accuracy(to_backend, close):
    logits = to_backend(np.asarray([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]]))
    labels = np.asarray([0, 0, 0, 1])
    close(nn.accuracy(logits, to_backend(labels)), 0.75)
    close(nn.accuracy(logits, to_backend(labels.astype(np.uint8))), 0.75)
    close(nn.accuracy(logits, to_backend(np.eye(2)[labels])), 0.75)
    with pytest.raises(ValueError, match=r"shape \(4,\) or \(4, 2\), got \(3,\)"):
        nn.accuracy(logits, to_backend(labels[:3]))


def test_losses_are_batched_and_recorded_like_everything_else(to_backend, to_host):
    losses = xad.vmap(lambda x, y: nn.softmax_cross_entropy(x, y))(
        to_backend(LOGITS), to_backend(LABELS)
    )
    np.testing.assert_allclose(to_host(losses), -np.log(PROBABILITIES[range(4), LABELS]), rtol=1e-5)
    assert math.isfinite(float(to_host(losses).sum()))
