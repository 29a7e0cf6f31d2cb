"""Training: what it learns, shows, stops for and keeps."""

import dataclasses
import io
import math
import sys

import numpy as np
import pytest

import xad
from xad import nn, tree
from xad.nn import loop as loop_module

LINE = np.linspace(-1, 1, 40, dtype=np.float32).reshape(-1, 1)
DATA = (LINE, 3 * LINE + 1)


def line():
    return nn.Sequential(nn.Dense.create(1, 1, rng=0))


def fit(model=None, data=DATA, **options):
    settings = {
        "loss": nn.mean_squared_error,
        "optimizer": nn.SGD(0.1),
        "epochs": 3,
        "batch_size": 16,
        "progress": False,
    }
    return nn.fit(line() if model is None else model, data, **(settings | options))


def test_a_line_is_found(to_host):
    result = fit(epochs=60)
    np.testing.assert_allclose(to_host(result.last[0].weight), [[3]], atol=1e-2)
    np.testing.assert_allclose(to_host(result.last[0].bias), [1], atol=1e-2)
    assert result.history["loss"][-1] < 1e-3 < result.history["loss"][0]
    assert set(result.history) == {"loss", "seconds"}
    assert len(result.history["seconds"]) == 60
    assert not result.interrupted


def test_a_step_is_the_gradient_of_the_loss_of_the_batch(to_host):
    result = fit(epochs=1, batch_size=40)
    w0 = to_host(line()[0].weight)
    error = LINE @ w0 - DATA[1]
    np.testing.assert_allclose(
        to_host(result.last[0].weight), w0 - 0.1 * 2 * (error * LINE).mean(), rtol=1e-5
    )
    assert result.history["loss"] == pytest.approx([np.mean(error**2)], rel=1e-5)


def test_means_are_over_examples_not_batches():
    """16 + 16 + 8 examples; with a rate of 0 the weights stay, so the mean is that of all."""
    result = fit(epochs=1, optimizer=nn.SGD(0.0), metrics={"again": nn.mean_squared_error})
    whole = nn.evaluate(line(), DATA, loss=nn.mean_squared_error)["loss"]
    assert result.history["loss"] == pytest.approx([whole], rel=1e-5)
    assert result.history["again"] == pytest.approx([whole], rel=1e-5)


def test_a_seed_repeats_training(to_host):
    def run(seed):
        model = nn.mlp(1, 8, 1, rng=0, dropout=0.5)
        result = fit(model, seed=seed)
        return np.concatenate([to_host(x).ravel() for x in tree.leaves(result.last)])

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


@dataclasses.dataclass(frozen=True)
class Watched:
    """A layer that notes which generators it is called with."""

    seen: list = tree.static(default_factory=list)

    def __call__(self, x, *, rng=None):
        self.seen.append(rng)
        return x


def test_dropout_is_used_in_training_and_not_in_validation():
    model = nn.Sequential(nn.Dense.create(1, 1, rng=0), Watched())
    fit(model, epochs=1, batch_size=20, validation=DATA, jit=False)
    assert [isinstance(rng, np.random.Generator) for rng in model[1].seen] == [True, True, False]


def test_models_that_know_nothing_of_rng(to_host):
    @dataclasses.dataclass(frozen=True)
    class Scale:
        factor: object

        def __call__(self, x):
            return x * self.factor

    start = Scale(xad.asarray(1.0, dtype="float32"))
    result = fit(start, (LINE, 3 * LINE), epochs=60)
    assert float(to_host(result.last.factor)) == pytest.approx(3, abs=1e-2)
    assert float(to_host(start.factor)) == 1.0


def test_validation_and_metrics_are_those_of_the_weights_after_the_epoch():
    check = (LINE[:10], DATA[1][:10])
    metrics = {"distance": lambda outputs, labels: xad.mean(abs(outputs - labels))}
    found = []

    def callback(epoch):
        found.append(nn.evaluate(epoch.model, check, loss=nn.mean_squared_error, metrics=metrics))

    history = fit(validation=check, metrics=metrics, callbacks=[callback]).history
    assert history["validation_loss"] == pytest.approx([f["loss"] for f in found])
    assert history["validation_distance"] == pytest.approx([f["distance"] for f in found])
    assert len(history["distance"]) == 3


def test_metrics_may_return_python_numbers():
    history = fit(metrics={"rows": lambda outputs, labels: int(outputs.shape[0])}).history
    assert history["rows"] == pytest.approx([(16 * 16 + 16 * 16 + 8 * 8) / 40] * 3)


def test_the_best_epoch_is_kept(to_host):
    """A rate that is too large from the third epoch on makes the loss worse again."""
    rates = nn.SGD(lambda step: 0.1 if step < 6 else 2.5)
    models = []
    result = fit(
        optimizer=rates, epochs=5, validation=DATA, callbacks=[lambda e: models.append(e.model)]
    )
    losses = result.history["validation_loss"]
    assert result.best_epoch == 1 + int(np.argmin(losses)) == 2
    assert to_host(result.model[0].weight) == to_host(models[1][0].weight)
    assert to_host(result.last[0].weight) == to_host(models[-1][0].weight)
    assert repr(result).startswith("FitResult(best epoch 2 of 5")


class Scripted:
    """An optimiser under which the model's one weight goes through the values given."""

    def __init__(self, *values):
        self.values = values

    def init(self, params):
        return 0

    def update(self, gradients, state, params):
        return tree.map(lambda x: x * 0 + self.values[state], params), state + 1


def scripted(values, **options):
    model = {"w": xad.asarray(0.0, dtype="float32")}
    return nn.fit(
        Value(model["w"]),
        (LINE, LINE),
        loss=lambda outputs, labels: xad.mean(outputs),
        optimizer=Scripted(*values),
        batch_size=40,
        **({"epochs": len(values), "progress": False, "validation": (LINE, LINE)} | options),
    )


@dataclasses.dataclass(frozen=True)
class Value:
    """A model whose outputs are its weight."""

    w: object

    def __call__(self, x):
        return x * 0 + self.w


def test_early_stopping(capsys):
    result = scripted([5, 3, 4, 3, 6, 1], early_stopping=3, progress=True)
    assert result.history["validation_loss"] == [5, 3, 4, 3, 6]
    assert result.best_epoch == 2
    assert "stopped early: validation_loss was best in epoch 2" in capsys.readouterr().err


def test_early_stopping_of_what_should_grow_and_by_how_much():
    value = {"value": lambda outputs, labels: xad.mean(outputs)}
    rule = nn.EarlyStopping(2, "validation_value", higher_is_better=True, minimum_change=0.5)
    result = scripted([1, 2, 2.25, 2.4, 9], metrics=value, early_stopping=rule)
    assert result.best_epoch == 2
    assert len(result.history["loss"]) == 4
    assert float(result.model.w) == 2.0


def test_early_stopping_refuses():
    for patience in (0, -1, True):
        with pytest.raises(ValueError, match="expected patience from 1 up"):
            nn.EarlyStopping(patience)
    with pytest.raises(ValueError, match="expected minimum_change from 0 up"):
        nn.EarlyStopping(1, minimum_change=math.nan)
    with pytest.raises(ValueError, match="one of loss, got 'accuracy'; name it in metrics"):
        fit(early_stopping=nn.EarlyStopping(1, "accuracy"))


def test_callbacks_end_training_by_true_only():
    numbers = []

    def answer(epoch):
        numbers.append(epoch.number)
        return epoch.number == 2 or 1

    assert len(fit(callbacks=[answer, lambda epoch: None]).history["loss"]) == 2
    assert numbers == [1, 2]


def interrupting(after):
    """A loss that is interrupted by Ctrl-C when it is asked for once more than ``after`` times."""
    calls = iter(range(10**6))

    def loss(outputs, labels):
        if next(calls) == after:
            raise KeyboardInterrupt
        return nn.mean_squared_error(outputs, labels)

    return loss


def test_ctrl_c_keeps_the_best_weights(capsys, to_host):
    models = []
    shown = {"callbacks": [lambda e: models.append(e.model)], "progress": True}
    result = fit(loss=interrupting(7), jit=False, **shown)
    assert result.interrupted
    assert len(result.history["loss"]) == 2
    assert to_host(result.model[0].weight) == to_host(models[1][0].weight)
    assert to_host(result.last[0].weight) != to_host(models[1][0].weight)
    assert "interrupted: keeping the weights of epoch 2" in capsys.readouterr().err


def test_ctrl_c_in_the_first_epoch(capsys, to_host):
    result = fit(loss=interrupting(2), progress=True, jit=False)
    assert result.interrupted
    assert result.best_epoch == 0
    assert to_host(result.model[0].weight) != to_host(line()[0].weight)
    assert "keeping the weights as they are" in capsys.readouterr().err


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training(value):
    calls = iter(range(10**6))

    def loss(outputs, labels):
        factor = value if next(calls) >= 4 else 1.0
        return nn.mean_squared_error(outputs, labels) * factor

    models = []
    with pytest.raises(
        nn.DivergenceError, match=f"got {value} in epoch 2, step 2; lower the learning rate"
    ) as caught:
        fit(loss=loss, callbacks=[lambda e: models.append(e.model)], jit=False)
    assert isinstance(caught.value, FloatingPointError)
    assert caught.value.result.best_epoch == 1
    assert caught.value.result.model is models[0]
    assert len(caught.value.result.history["loss"]) == 1


def test_training_can_go_on(to_host):
    adam = nn.Adam(0.05)
    whole = fit(optimizer=adam, epochs=4, batch_size=40)
    first = fit(optimizer=adam, epochs=2, batch_size=40)
    rest = fit(
        first.last, optimizer=adam, epochs=2, batch_size=40, optimizer_state=first.optimizer_state
    )
    np.testing.assert_allclose(
        to_host(rest.last[0].weight), to_host(whole.last[0].weight), rtol=1e-5
    )


def test_lines_where_nobody_watches():
    stream = io.StringIO()
    fit(epochs=10, progress=stream, validation=DATA)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  loss ")
    assert "  validation_loss " in lines[9]
    assert lines[9].endswith(" examples/s")


def test_silence(capsys):
    fit(progress=False)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal(require_library, monkeypatch):
    require_library("tqdm")
    monkeypatch.setattr(loop_module, "_SECONDS_BETWEEN_READINGS", -1.0)
    stream = Terminal()
    fit(progress=stream, epochs=2)
    assert "epoch 1/2: " in stream.getvalue()
    assert "loss=" in stream.getvalue()
    assert "epoch 2/2  loss " in stream.getvalue().splitlines()[-1]


def test_lines_on_a_terminal_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    stream = Terminal()
    fit(progress=stream, epochs=2)
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["1/2", "2/2"]


def test_numbers_are_read_rarely(monkeypatch, to_backend):
    """A device is waited for once an epoch here, not once a step."""
    reads = []
    original = loop_module.Averages.settle
    monkeypatch.setattr(
        loop_module.Averages, "settle", lambda self: reads.append(1) or original(self)
    )
    monkeypatch.setattr(loop_module, "_SECONDS_BETWEEN_READINGS", 1e9)
    fit(epochs=2, batch_size=1)
    assert len(reads) == 2


def test_data_can_be_minibatches():
    batches = nn.minibatches(DATA, 10, shuffle=False)
    result = fit(data=batches, validation=nn.minibatches(DATA, 7, shuffle=False))
    assert len(result.history["validation_loss"]) == 3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "fit: expected epochs .* from 1 up, got 0"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"data": LINE}, TypeError, r"expected data as a pair \(inputs, labels\)"),
        ({"data": (LINE, LINE[:3])}, ValueError, "arrays of one length"),
        ({"data": (LINE, LINE[:, 0])}, ValueError, "labels of the outputs' shape"),
    ],
)
def test_what_fit_refuses(options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


def test_plot(tmp_path, require_library):
    require_library("matplotlib")
    result = fit(validation=DATA, metrics={"again": nn.mean_squared_error})
    result.history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="at least one epoch"):
        nn.History().plot(tmp_path / "none.png")


def test_plot_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'xad-arrays\[viz\]'"):
        fit().history.plot(tmp_path / "curves.png")


def test_digits_are_learned_in_seconds():
    train, test = nn.load_digits()
    result = nn.fit(
        nn.mlp(64, 64, 10, rng=0),
        train,
        loss=nn.softmax_cross_entropy,
        optimizer=nn.Adam(5e-3),
        epochs=25,
        batch_size=64,
        validation=test,
        metrics={"accuracy": nn.accuracy},
        progress=False,
    )
    found = nn.evaluate(
        result.model, test, loss=nn.softmax_cross_entropy, metrics={"accuracy": nn.accuracy}
    )
    assert found["accuracy"] >= 0.97
