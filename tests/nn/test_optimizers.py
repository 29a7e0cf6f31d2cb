"""Optimisers and schedules."""

import math

import numpy as np
import pytest

import xad
from xad import nn, tree

RNG = np.random.default_rng(0)
START = {"w": RNG.normal(size=(3, 2)), "b": [RNG.normal(size=(2,)), RNG.normal(size=())]}
GRADIENTS = [tree.map(lambda x: RNG.normal(size=x.shape), START) for _ in range(5)]

OPTIMIZERS = {
    "plain": nn.SGD(0.1),
    "decay": nn.SGD(0.1, weight_decay=0.2),
    "momentum": nn.SGD(0.1, momentum=0.9, weight_decay=0.2),
    "nesterov": nn.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.2),
    "adam": nn.Adam(0.1),
    "adam with other betas": nn.Adam(0.1, beta1=0.5, beta2=0.8, epsilon=1e-3),
    "adamw": nn.AdamW(0.1, weight_decay=0.3),
}


def in_torch(optimizer, params):
    import torch

    if isinstance(optimizer, nn.SGD):
        return torch.optim.SGD(
            params,
            lr=optimizer.learning_rate,
            momentum=optimizer.momentum,
            nesterov=optimizer.nesterov,
            weight_decay=optimizer.weight_decay,
        )
    options = {
        "lr": optimizer.learning_rate,
        "betas": (optimizer.beta1, optimizer.beta2),
        "eps": optimizer.epsilon,
    }
    if isinstance(optimizer, nn.AdamW):
        return torch.optim.AdamW(params, weight_decay=optimizer.weight_decay, **options)
    return torch.optim.Adam(params, **options)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_steps_as_pytorch(name, to_backend, close, require_library):
    require_library("torch")
    import torch

    theirs = [torch.tensor(x, dtype=torch.float64) for x in tree.leaves(START)]
    their_optimizer = in_torch(OPTIMIZERS[name], theirs)
    params = tree.map(lambda x: xad.asarray(to_backend(x)), START)
    state = OPTIMIZERS[name].init(params)
    for gradients in GRADIENTS:
        for x, g in zip(theirs, tree.leaves(gradients), strict=True):
            x.grad = torch.tensor(g, dtype=torch.float64)
        their_optimizer.step()
        params, state = OPTIMIZERS[name].update(tree.map(to_backend, gradients), state, params)
    assert state.step == 5
    for got, expected in zip(tree.leaves(params), theirs, strict=True):
        close(got, expected.numpy(), tolerance=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_is_changed_in_place(name, to_backend, to_host):
    params = tree.map(to_backend, START)
    gradients = tree.map(to_backend, GRADIENTS[0])
    optimizer = OPTIMIZERS[name]
    _, state = optimizer.update(gradients, optimizer.init(params), params)
    before = [to_host(x).copy() for x in tree.leaves((params, gradients, state[1:]))]
    first = optimizer.update(gradients, state, params)
    after = [to_host(x) for x in tree.leaves((params, gradients, state[1:]))]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    again = optimizer.update(gradients, state, params)
    for a, b in zip(tree.leaves(first[0]), tree.leaves(again[0]), strict=True):
        np.testing.assert_array_equal(to_host(a), to_host(b))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_type_dtype_and_device_stay(name, to_backend, here):
    optimizer = OPTIMIZERS[name]
    plain = tree.map(lambda x: to_backend(x.astype(np.float32)), START)
    boxed = tree.map(xad.asarray, plain)
    for params in (plain, boxed):
        new, state = optimizer.update(params, optimizer.init(params), params)
        for old, x in zip(tree.leaves(params), tree.leaves(new), strict=True):
            assert type(x) is type(old)
            assert x.dtype == old.dtype
            assert x.shape == old.shape
        for x in tree.leaves(state[1:]):
            assert x.dtype == tree.leaves(params)[0].dtype
            assert here.adapter.device_of(x.value if hasattr(x, "value") else x) == here.device


@pytest.mark.parametrize("name", ["nesterov", "adamw"])
def test_an_update_can_be_differentiated(name, to_backend, to_host):
    """The derivative by the gradient, against central differences."""
    optimizer = OPTIMIZERS[name]
    params = to_backend(np.asarray([1.0, -2.0]))
    state = optimizer.init(params)

    def after(gradient):
        return xad.sum(optimizer.update(gradient, state, params)[0])

    point, h = np.asarray([0.01, 0.02]), 1e-4
    numerical = [
        (
            float(to_host(after(to_backend(point + h * e))))
            - float(to_host(after(to_backend(point - h * e))))
        )
        / (2 * h)
        for e in np.eye(2)
    ]
    exact = to_host(xad.grad(after)(to_backend(point)))
    bound = 1e-3 if exact.dtype == np.float64 else 0.1
    np.testing.assert_allclose(exact, numerical, rtol=bound, atol=bound * 1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.SGD(math.nan), "SGD: expected learning_rate .* got nan; try 1e-3"),
        (lambda: nn.SGD(-0.1), "SGD: expected learning_rate .* got -0.1"),
        (lambda: nn.SGD(math.inf), "SGD: expected learning_rate .* got inf"),
        (lambda: nn.SGD("fast"), "SGD: expected learning_rate .* got 'fast'"),
        (lambda: nn.SGD(0.1, momentum=1.0), "SGD: expected momentum .* below 1, got 1.0"),
        (lambda: nn.SGD(0.1, nesterov=True), "SGD: expected a momentum above 0"),
        (lambda: nn.SGD(0.1, weight_decay=-1), "SGD: expected weight_decay .* got -1"),
        (lambda: nn.Adam(math.nan), "Adam: expected learning_rate .* got nan"),
        (lambda: nn.Adam(beta1=1.0), "Adam: expected beta1 .* below 1, got 1.0"),
        (lambda: nn.Adam(beta2=-0.1), "Adam: expected beta2 .* got -0.1"),
        (lambda: nn.Adam(epsilon=math.nan), "Adam: expected epsilon .* got nan"),
        (lambda: nn.AdamW(weight_decay=math.nan), "AdamW: expected weight_decay .* got nan"),
        (lambda: nn.AdamW(math.nan), "AdamW: expected learning_rate .* got nan"),
        (lambda: nn.cosine(1.0, 0), "cosine: expected steps .* from 1 up, got 0"),
        (lambda: nn.step_decay(1.0, 10, factor=-1), "step_decay: expected factor .* got -1"),
        (lambda: nn.constant(math.nan), "constant: expected rate .* got nan"),
    ],
)
def test_numbers_that_would_do_harm_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_gradients_that_do_not_fit(to_backend):
    params = tree.map(to_backend, START)
    adam = nn.Adam()
    state = adam.init(params)
    with pytest.raises(xad.errors.TreeError, match=r"Adam.update: trees differ at"):
        adam.update({"w": params["w"]}, state, params)
    wrong = {**params, "w": params["b"][0]}
    with pytest.raises(ValueError, match=r"of shape \(3, 2\) for \['w'\], got \(2,\)"):
        adam.update(wrong, state, params)


def test_schedules():
    assert [nn.step_decay(1.0, 2, factor=0.5)(i) for i in range(5)] == [1, 1, 0.5, 0.5, 0.25]
    schedule = nn.cosine(1.0, 10, final=0.2)
    assert schedule(0) == 1.0
    assert schedule(5) == pytest.approx(0.6)
    assert schedule(10) == schedule(99) == pytest.approx(0.2)
    rates = [schedule(i) for i in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert nn.constant(0.3)(10**6) == 0.3


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam])
def test_a_schedule_is_asked_for_every_step(kind, to_backend, to_host):
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.0 if step == 1 else 0.5

    optimizer = kind(schedule)
    params, gradient = to_backend(np.asarray([1.0])), to_backend(np.asarray([1.0]))
    state = optimizer.init(params)
    values = []
    for _ in range(3):
        params, state = optimizer.update(gradient, state, params)
        values.append(float(to_host(params)[0]))
    assert asked == [0, 1, 2]
    np.testing.assert_allclose(values, [0.5, 0.5, 0.0], atol=1e-6)


def test_a_schedule_that_goes_wrong_is_named():
    sgd = nn.SGD(lambda step: math.nan)
    params = xad.asarray([1.0], dtype="float32")
    with pytest.raises(ValueError, match=r"SGD: the schedule at step 0: expected rate .* got nan"):
        sgd.update(params, sgd.init(params), params)


@pytest.mark.parametrize("name", ["nesterov", "adam", "adamw"])
def test_a_recorded_step_of_training_replays(name, to_backend, to_host):
    """Inputs, labels and the count of steps are inputs of the program, not part of it."""
    optimizer = OPTIMIZERS[name]

    def step(model, state, inputs, labels):
        loss = lambda model: nn.softmax_cross_entropy(model(inputs), labels)  # noqa: E731
        return optimizer.update(xad.grad(loss)(model), state, model)

    rng = np.random.default_rng(1)
    batches = [
        (to_backend(rng.normal(size=(5, 3)).astype(np.float32)), to_backend(rng.integers(0, 2, 5)))
        for _ in range(3)
    ]
    model = nn.mlp(3, 4, 2, rng=0)
    start = (model, optimizer.init(model))
    program = xad.make_program(step)(*start, *batches[0])
    eager, replayed = start, start
    for batch in batches:
        eager, replayed = step(*eager, *batch), program(*replayed, *batch)
    assert int(to_host(replayed[1].step)) == 3
    for a, b in zip(tree.leaves(eager[0]), tree.leaves(replayed[0]), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(to_host(a), to_host(b), rtol=1e-4, atol=1e-6)
    resumed = step(*replayed, *batches[0])
    again = step(*eager, *batches[0])
    for a, b in zip(tree.leaves(resumed[0]), tree.leaves(again[0]), strict=True):
        np.testing.assert_allclose(to_host(a), to_host(b), rtol=1e-4, atol=1e-6)
