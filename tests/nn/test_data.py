"""Minibatches, and the digits that come with the package."""

from pathlib import Path

import numpy as np
import pytest

import xad
from xad import nn, tree
from xad.nn.data import batches as module


def rows_of(batches, to_host):
    return [to_host(x)[:, 0].tolist() for x, _ in batches]


@pytest.fixture
def arrays():
    return np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10)


def test_every_row_once_and_pairs_stay_together(arrays, to_host, here):
    batches = nn.minibatches(arrays, 4, rng=0)
    assert len(batches) == 3
    seen = []
    for x, y in batches:
        assert here.adapter.device_of(x.value) == here.device
        np.testing.assert_array_equal(to_host(x)[:, 0], 2 * to_host(y))
        seen += to_host(y).tolist()
    assert seen != sorted(seen)
    assert sorted(seen) == list(range(10))


def test_each_pass_is_shuffled_anew_and_a_seed_repeats_them(arrays, to_host):
    batches = nn.minibatches(arrays, 4, rng=0)
    first, second = rows_of(batches, to_host), rows_of(batches, to_host)
    assert first != second
    again = nn.minibatches(arrays, 4, rng=np.random.default_rng(0))
    assert rows_of(again, to_host) == first
    assert rows_of(again, to_host) == second


def test_in_order(arrays, to_host):
    batches = nn.minibatches(arrays, 4, shuffle=False)
    assert rows_of(batches, to_host) == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18]]
    batches = nn.minibatches(arrays, 4, shuffle=False, drop_last=True)
    assert len(batches) == 2
    assert rows_of(batches, to_host) == [[0, 2, 4, 6], [8, 10, 12, 14]]


def test_trees_and_arrays_that_are_on_the_device_already(arrays, to_host, to_backend):
    data = {"x": [xad.asarray(to_backend(arrays[0]))], "y": to_backend(arrays[1])}
    for batch in nn.minibatches(data, 3, rng=1):
        assert isinstance(batch["x"][0], xad.Tensor)
        np.testing.assert_array_equal(to_host(batch["x"][0])[:, 0], 2 * to_host(batch["y"]))
    parts = [to_host(b["y"]) for b in nn.minibatches(data, 3, shuffle=False)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(10))


def test_what_does_not_fit_the_device_is_moved_batch_by_batch(arrays, to_host, monkeypatch, here):
    whole = rows_of(nn.minibatches(arrays, 4, rng=5), to_host)
    monkeypatch.setattr(module, "_FITS", 8)
    moved = []
    original = module.place

    def place(host, **options):
        moved.append(host.shape)
        return original(host, **options)

    monkeypatch.setattr(module, "place", place)
    batches = nn.minibatches(arrays, 4, rng=5)
    assert moved == []
    assert rows_of(batches, to_host) == whole
    # For NumPy the rows are where they are to be.
    each = [(4, 2), (4,), (4, 2), (4,), (2, 2), (2,)]
    assert moved == ([] if here.adapter.name == "numpy" else each)


def test_shuffled_batches_are_copies(arrays, to_host):
    (x, _), *_ = nn.minibatches(arrays, 10, rng=0)
    before = to_host(x).copy()
    arrays[0][:] = -1
    np.testing.assert_array_equal(to_host(x), before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.minibatches((np.ones(3), np.ones(4)), 2, rng=0), r"\[0\]: 3, \[1\]: 4"),
        (lambda: nn.minibatches((), 2, rng=0), "got no array"),
        (lambda: nn.minibatches((np.asarray(1.0),), 2, rng=0), r"without axes at \[0\]"),
        (lambda: nn.minibatches(np.ones(3), 0, rng=0), "batch_size .* from 1 up, got 0"),
        (lambda: nn.minibatches(np.ones(3), 2.5, rng=0), "batch_size .* got 2.5"),
        (lambda: nn.minibatches(np.ones(3), 2), "expected rng"),
        (lambda: nn.train_test_split(np.ones(3), test_share=1.0, rng=0), "between 0 and 1"),
        (lambda: nn.train_test_split((np.ones(3), np.ones(2)), rng=0), "arrays of one length"),
    ],
)
def test_what_minibatches_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_split():
    data = {"x": np.arange(10) * 3, "y": np.arange(10)}
    train, test = nn.train_test_split(data, test_share=0.25, rng=1)
    assert len(test["y"]) == 3
    for part in (train, test):
        np.testing.assert_array_equal(part["x"], 3 * part["y"])
    assert sorted([*train["y"], *test["y"]]) == list(range(10))
    again = nn.train_test_split(data, test_share=0.25, rng=1)
    assert tree.map(np.array_equal, again, (train, test)) == tree.map(lambda x: True, (train, test))


def test_digits():
    train, test = nn.load_digits()
    assert train.inputs.shape == (1437, 64)
    assert test.inputs.shape == (360, 64)
    assert train.inputs.dtype == np.float32
    assert train.labels.dtype == np.int64
    for part in (train, test):
        assert part.inputs.min() == 0
        assert part.inputs.max() == 1
        assert set(part.labels.tolist()) == set(range(10))
    again, _ = nn.load_digits()
    np.testing.assert_array_equal(again.inputs, train.inputs)


def test_digits_are_those_of_scikit_learn(require_library):
    require_library("sklearn")
    from sklearn.datasets import load_digits

    theirs = load_digits()
    train, test = nn.load_digits()
    ours = np.concatenate([np.c_[x.inputs * 16, x.labels] for x in (train, test)])
    expected = np.c_[theirs.data, theirs.target]
    np.testing.assert_array_equal(
        ours[np.lexsort(ours.T)], expected[np.lexsort(expected.T)].astype(np.float32)
    )


def test_the_file_of_digits_is_small_and_says_where_it_is_from():
    folder = Path(nn.data.__file__).parent
    assert (folder / "digits.npz").stat().st_size < 100_000
    assert "CC BY 4.0" in (folder / "README.md").read_text("utf-8")
