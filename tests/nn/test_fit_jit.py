"""fit replays one recorded step: the weights are those of steps that run as they are written."""

import dataclasses
import gc
import os
import signal
import threading
import time
import types
import warnings

import numpy as np
import pytest

import xad
from xad import nn, tree
from xad.errors import ProgramError
from xad.nn import training

RNG = np.random.default_rng(0)
INPUTS = RNG.standard_normal((50, 4))
LABELS = RNG.integers(3, size=50)

OPTIMIZERS = {
    "sgd": nn.SGD(0.1),
    "momentum": nn.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": nn.Adam(1e-2),
    "adamw": nn.AdamW(1e-2, weight_decay=0.1),
    "scheduled sgd": nn.SGD(nn.step_decay(0.1, 3)),
    "scheduled adam": nn.Adam(nn.cosine(1e-2, 12)),
}


def network(dtype="float64", dropout=0.0):
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Dense.create(4, 6, rng=rng, dtype=dtype),
        nn.relu,
        nn.Dropout(dropout),
        nn.Dense.create(6, 3, rng=rng, dtype=dtype),
    )


def fit(model=None, *, jit, data=None, **options):
    settings = {
        "loss": nn.softmax_cross_entropy,
        "optimizer": nn.SGD(0.1),
        "epochs": 3,
        "batch_size": 16,
        "progress": False,
    }
    data = (INPUTS, LABELS) if data is None else data
    model = network() if model is None else model
    return nn.fit(model, data, jit=jit, **(settings | options))


@pytest.fixture
def same(to_host):
    """Assert that two results of training agree."""

    def check(a, b, tolerance=1e-12):
        for one, other in ((a.last, b.last), (a.model, b.model)):
            for x, y in zip(tree.leaves(one), tree.leaves(other), strict=True):
                assert type(x) is type(y)
                assert x.dtype == y.dtype
                x, y = to_host(x), to_host(y)
                np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)
        assert a.best_epoch == b.best_epoch
        names = set(a.history) - {"seconds"}
        for name in names:
            np.testing.assert_allclose(a.history[name], b.history[name], rtol=max(tolerance, 1e-9))

    return check


@pytest.fixture
def recordings(monkeypatch):
    """The functions that fit has recorded, as they are made."""
    made = []
    original = xad.jit

    def jit(f):
        made.append(original(f))
        return made[-1]

    monkeypatch.setattr(training.xad, "jit", jit)
    return made


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_weights_are_those_of_eager_steps(optimizer, same, recordings):
    options = {
        "optimizer": optimizer,
        "metrics": {"accuracy": nn.accuracy},
        "validation": (INPUTS, LABELS),
    }
    fast = fit(jit=True, **options)
    same(fast, fit(jit=False, **options))
    (recorded,) = recordings
    if recorded.cache_info().misses:  # not for lazy libraries
        # 16 + 16 + 16 + 2 examples: one program for the last batch, whatever the step.
        assert recorded.cache_info() == (10, 2, 2, 128)


def test_single_precision(same):
    data = (INPUTS.astype(np.float32), LABELS)
    results = [
        fit(network("float32"), data=data, jit=jit, optimizer=nn.Adam(nn.cosine(1e-2, 12)))
        for jit in (True, False)
    ]
    same(*results, tolerance=1e-5)


def test_dropout_draws_the_same_numbers(same, recordings):
    results = [fit(network(dropout=0.5), jit=jit, seed=3) for jit in (True, False)]
    same(*results)
    other = fit(network(dropout=0.5), jit=True, seed=4)
    assert other.history["loss"] != results[0].history["loss"]


def test_early_stopping_and_going_on(same):
    options = {
        "early_stopping": 2,
        "epochs": 8,
        "optimizer": nn.Adam(0.3),
        "validation": (INPUTS, LABELS),
    }
    fast, slow = (fit(jit=jit, **options) for jit in (True, False))
    same(fast, slow)
    more = {"optimizer": nn.Adam(0.3), "epochs": 2}
    again = [
        fit(r.last, jit=jit, optimizer_state=r.optimizer_state, **more)
        for r, jit in ((fast, True), (slow, False))
    ]
    same(*again)
    assert type(again[0].optimizer_state.step) is int


def test_arrays_of_users_stay_arrays_and_are_not_written_into(same, here, to_host):
    def model():
        w = here.array(np.ones((4, 3)))
        return nn.Sequential(nn.Dense(w, here.array(np.zeros(3)))), w

    first, w = model()
    fast = fit(first, jit=True)
    same(fast, fit(model()[0], jit=False))
    np.testing.assert_array_equal(to_host(w), np.ones((4, 3)))
    assert type(fast.last[0].weight) is type(w)


def test_models_seen_by_callbacks_stay_what_they_were(to_host):
    seen = []

    def watch(epoch):
        seen.append((epoch.model, [to_host(x).copy() for x in tree.leaves(epoch.model)]))

    fit(jit=True, callbacks=[watch], epochs=4)
    for model, values in seen:
        for x, value in zip(tree.leaves(model), values, strict=True):
            np.testing.assert_array_equal(to_host(x), value)


@dataclasses.dataclass(frozen=True)
class Named:
    """A model with a name, a flag and an empty place beside its weights."""

    weight: object
    bias: object = None
    name: str = tree.static(default="named")
    flag: bool = tree.static(default=True)

    def __call__(self, x):
        return x @ self.weight if self.flag else x


def test_models_with_more_than_arrays(same, here):
    models = [Named(xad.asarray(here.array(np.ones((4, 3))))) for _ in range(2)]
    same(fit(models[0], jit=True), fit(models[1], jit=False))


def test_what_the_loss_takes_from_outside_may_change(same, here):
    def run(jit):
        weight = 1.0

        def loss(outputs, labels):
            return nn.softmax_cross_entropy(outputs, labels) * weight

        def change(epoch):
            nonlocal weight
            weight *= 0.5

        return fit(loss=loss, callbacks=[change], jit=jit)

    same(run(True), run(False))


class Own:
    """An optimiser of users' own, with a rate that is no part of its state."""

    def __init__(self, rate=0.1):
        self.rate = rate

    def init(self, params):
        return None

    def update(self, gradients, state, params):
        return tree.map(lambda p, g: p - self.rate * g, params, gradients), state


class Scaling:
    """An optimiser around another one."""

    def __init__(self):
        self.inner = nn.SGD(0.1)
        self.scale = 1.0

    def init(self, params):
        return self.inner.init(params)

    def update(self, gradients, state, params):
        return self.inner.update(tree.map(lambda g: g * self.scale, gradients), state, params)


FACTOR = [1.0]


class Factored(nn.SGD):
    """An optimiser of xad's with an update that reads a global."""

    def update(self, gradients, state, params):
        return super().update(tree.map(lambda g: g * FACTOR[0], gradients), state, params)


def halved(name):
    def halve(optimizer):
        setattr(optimizer, name, getattr(optimizer, name) / 2)

    return halve


def replaced(optimizer):
    optimizer.inner = nn.SGD(0.01)


def without_a_class():
    rates = {"now": 0.1}

    def update(gradients, state, params):
        return tree.map(lambda p, g: p - rates["now"] * g, params, gradients), state

    return types.SimpleNamespace(init=lambda params: None, update=update, rates=rates)


@pytest.mark.parametrize(
    ("build", "change"),
    [
        (Own, halved("rate")),
        (Scaling, halved("scale")),
        (Scaling, replaced),
        (lambda: Factored(0.1), lambda optimizer: FACTOR.append(FACTOR.pop() / 2)),
        (without_a_class, lambda optimizer: optimizer.rates.update(now=0.01)),
    ],
    ids=["attribute", "scale", "inner", "global", "without a class"],
)
def test_what_the_update_takes_from_outside_may_change(build, change, same):
    def run(jit):
        FACTOR[:] = [1.0]
        optimizer = build()
        return fit(optimizer=optimizer, callbacks=[lambda epoch: change(optimizer)], jit=jit)

    same(run(True), run(False))


def test_an_optimizer_that_counts_its_steps_runs_as_it_is_written(same, here):
    if here.adapter.name == "dask":
        pytest.skip("lazy arrays are never recorded")

    class Counting(Own):
        def update(self, gradients, state, params):
            self.rate *= 0.9
            return super().update(gradients, state, params)

    with pytest.warns(UserWarning, match="changes variables outside of it"):
        fast = fit(optimizer=Counting(), jit=True)
    same(fast, fit(optimizer=Counting(), jit=False))


class Stepped(Own):
    """With a schedule where xad's own have theirs, for what users like."""

    def __init__(self):
        super().__init__()
        self.learning_rate = lambda epoch, scale: scale / (1 + epoch)

    def init(self, params):
        return nn.SGDState(0, None)

    def update(self, gradients, state, params):
        self.rate = self.learning_rate(state.step // 4, 0.1)
        return super().update(gradients, state._replace(step=state.step + 1), params)[0], state


@pytest.mark.parametrize("jit", [True, False])
def test_a_schedule_of_users_own_optimizer_is_left_alone(jit, recwarn):
    result = fit(optimizer=Stepped(), jit=jit, epochs=1)
    assert np.isfinite(result.history["loss"]).all()


class Clipped(nn.Adam):
    """An update around that of xad, which has the schedule."""

    def update(self, gradients, state, params):
        small = tree.map(lambda g: xad.clip(g, -0.01, 0.01), gradients)
        return super().update(small, state, params)


class Late(nn.SGD):
    """An update that asks the schedule for another step than this one."""

    def update(self, gradients, state, params):
        rate = self.learning_rate(state.step + 100)
        new = tree.map(lambda p, g: p - rate * g, params, gradients)
        return new, state._replace(step=state.step + 1)


def test_schedules_of_classes_after_xads_own(same, recordings):
    optimizer = Clipped(nn.cosine(0.1, 12))
    same(fit(optimizer=optimizer, jit=True), fit(optimizer=optimizer, jit=False))
    # One program for each size of a batch: the rate is an input.
    assert recordings[0].cache_info().misses in (0, 2)


def test_a_schedule_asked_for_another_step_says_what_it_says_there(same):
    optimizer = Late(lambda step: 0.1 if step >= 100 else 1e6)
    same(fit(optimizer=optimizer, jit=True), fit(optimizer=optimizer, jit=False))


@pytest.mark.parametrize("jit", [True, False])
def test_a_schedule_that_fails_fails_as_it_does(jit):
    def fails(step):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fit(optimizer=nn.SGD(fails), jit=jit)


def test_arrays_kept_outside_are_refused_with_the_remedy(here):
    if here.adapter.name == "dask":
        pytest.skip("lazy arrays are never recorded")
    kept = {}

    def loss(outputs, labels):
        loss = nn.softmax_cross_entropy(outputs, labels)
        kept["mean"] = 0.9 * kept.get("mean", 0.0) + 0.1 * xad.stop_gradient(loss)
        return loss

    with pytest.raises(ProgramError, match=r"keeps no arrays outside .* pass jit=False to fit"):
        fit(loss=loss, jit=True)
    kept.clear()
    fit(loss=loss, jit=False)
    assert 0 < float(kept["mean"]) < 10


@pytest.mark.parametrize("use", [float, lambda x: x > 1, lambda x: xad.repeat(x, x)])
def test_what_a_recording_left_outside_says_so_whatever_is_done_with_it(use, here):
    if here.adapter.name == "dask":
        pytest.skip("lazy arrays are never recorded")
    kept = []

    def loss(outputs, labels):
        loss = nn.softmax_cross_entropy(outputs, labels)
        kept.append(xad.stop_gradient(loss))
        if len(kept) > 1:
            use(kept[0])
        return loss

    with pytest.raises(ProgramError, match="pass jit=False to fit"):
        fit(loss=loss, jit=True)


def asks_for_a_value(outputs, labels):
    loss = nn.softmax_cross_entropy(outputs, labels)
    return loss * 2 if bool(xad.stop_gradient(loss) > 1.0) else loss


def counting():
    calls = []

    def loss(outputs, labels):
        calls.append(None)
        return nn.softmax_cross_entropy(outputs, labels)

    return loss


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (lambda: asks_for_a_value, "ConcreteValueError: .*bool"),
        (counting, "the model or the loss changes variables outside of it"),
    ],
    ids=["values", "side effects"],
)
def test_what_cannot_be_recorded_runs_as_it_is_written(loss, reason, same, here):
    if here.adapter.name == "dask":
        pytest.skip("lazy arrays are never recorded")
    with pytest.warns(UserWarning, match=f"runs without xad.jit, more slowly: {reason}") as caught:
        fast = fit(loss=loss(), jit=True)
    assert len(caught) == 1
    same(fast, fit(loss=loss(), jit=False))


def test_a_program_for_each_step_is_given_up(same, here, monkeypatch):
    """An optimiser of users' own that asks for its step number."""
    if here.adapter.name == "dask":
        pytest.skip("lazy arrays are never recorded")

    @dataclasses.dataclass(frozen=True)
    class Halving:
        def init(self, params):
            return 0

        def update(self, gradients, state, params):
            rate = 0.1 * 0.5 ** (int(state) // 4)
            new = tree.map(lambda p, g: p - rate * g, params, gradients)
            return new, state + 1

    monkeypatch.setattr(training, "TRIED", 8)
    with pytest.warns(UserWarning, match="nearly every step needs a program of its own"):
        fast = fit(optimizer=Halving(), jit=True)
    same(fast, fit(optimizer=Halving(), jit=False))


def test_errors_are_those_of_eager_steps():
    def wrong(outputs, labels):
        raise RuntimeError("mine")

    for jit in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RuntimeError, match=r"^mine$"):
                fit(loss=wrong, jit=jit)


def test_labels_out_of_range_are_noticed_at_any_step(here):
    if here.adapter.name in ("jax", "dask"):
        pytest.skip("their values are not looked at")
    labels = LABELS.copy()
    labels[:] = 0
    labels[7] = 5
    messages = []
    for jit in (True, False):
        with pytest.raises(ValueError, match="expected class numbers") as caught:
            fit(data=(INPUTS, labels), jit=jit)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_loss_that_is_not_finite_stops_it():
    with pytest.raises(nn.DivergenceError, match="epoch 1, step") as caught:
        fit(jit=True, optimizer=nn.SGD(1e200))
    assert caught.value.result.best_epoch == 0


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
def test_ctrl_c_keeps_a_whole_model(to_host):
    """The step does not write into the model that it replaces."""
    before = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    before.start()
    start = time.perf_counter()
    # Shells have what runs in the background ignore it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()  # Python drops what is raised in others' callbacks while it collects garbage
    try:
        result = fit(jit=True, epochs=100_000, batch_size=4)
    finally:
        gc.enable()
        signal.signal(signal.SIGINT, handler)
    assert result.interrupted
    assert time.perf_counter() - start < 60
    assert all(np.isfinite(to_host(x)).all() for x in tree.leaves(result.last))
