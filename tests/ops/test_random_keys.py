"""x[key] and x[key] = v with keys made up at random: as NumPy has it, with all the rules."""

from random import Random

import numpy as np
import pytest

import xad

KINDS = ("integer", "slice", "backwards", "array", "array", "array", "list", "mask", "new", "whole")


def random_key(random, shape):
    """Items of every kind, the arrays among them of shapes that mostly broadcast."""
    generator = np.random.default_rng(random.randrange(10**6))
    common = random.choice([(3,), (2, 2), (1,), (2, 1)])
    items = []
    axes = list(shape)
    while axes and random.random() < 0.9:
        kind = random.choice(KINDS)
        if kind == "new":
            items.append(None)
            continue
        n = axes.pop(0)
        if kind == "integer":
            items.append(random.randrange(-n, n))
        elif kind == "slice":
            low, high = sorted((random.randrange(n + 1), random.randrange(n + 1)))
            items.append(slice(low, high, random.choice([None, 1, 2])))
        elif kind == "backwards":
            items.append(slice(None, None, -random.choice([1, 2])))
        elif kind == "array":
            items.append(generator.integers(-n, n, size=random.choice([common, common[-1:]])))
        elif kind == "list":
            items.append([random.randrange(-n, n) for _ in range(common[-1])])
        elif kind == "mask" and common[-1] <= n:
            mask = np.zeros(n, bool)
            mask[generator.permutation(n)[: common[-1]]] = True
            items.append(mask)
        else:
            items.append(slice(None))
    if random.random() < 0.3:
        items.insert(random.randrange(len(items) + 1), Ellipsis)
    return tuple(items)


def case(seed):
    """An array and a key that NumPy takes."""
    random = Random(seed)
    while True:
        shape = tuple(random.choice([1, 2, 3, 4]) for _ in range(random.randint(1, 4)))
        x = np.random.default_rng(seed).normal(size=shape)
        key = random_key(random, shape)
        try:
            return x, key, x[key]
        except IndexError:
            continue


@pytest.mark.parametrize("seed", range(150))
def test_elements(seed, here):
    x, key, expected = case(seed)
    weights = np.random.default_rng(1).normal(size=expected.shape)
    given, g = xad.asarray(here.array(x)), xad.asarray(here.array(weights))
    assert np.array_equal(here.to_host(given[key]), expected)
    slope = np.zeros_like(x)
    np.add.at(slope, key, weights)
    found = xad.grad(lambda x: xad.sum(x[key] * g))(given)
    np.testing.assert_allclose(here.to_host(found), slope, atol=1e-15)
    many = np.stack([x, x + 1, -x])
    found = xad.vmap(lambda x: x[key])(xad.asarray(here.array(many)))
    assert np.array_equal(here.to_host(found), np.stack([x[key] for x in many]))
    program = xad.make_program(lambda x: x[key])(given)
    assert np.array_equal(here.to_host(program(given * 2)), expected * 2)


@pytest.mark.parametrize("seed", range(150))
def test_batched_index_arrays(seed, here):
    x, key, _ = case(seed)
    place = next(
        (i for i, k in enumerate(key) if isinstance(k, np.ndarray) and k.dtype != bool), -1
    )
    if place < 0:
        return
    indices = np.stack([key[place], -1 - key[place]])
    many = np.stack([x, -x])
    taken = lambda x, i: x[(*key[:place], i, *key[place + 1 :])]  # noqa: E731
    given = xad.asarray(here.array(many)), xad.asarray(here.array(indices))
    found = xad.vmap(taken)(*given)
    assert np.array_equal(here.to_host(found), np.stack(list(map(taken, many, indices))))
    found = xad.vmap(taken, in_axes=(None, 0))(given[0][0], given[1])
    assert np.array_equal(here.to_host(found), np.stack([taken(x, i) for i in indices]))
    slopes = xad.vmap(lambda x, i: xad.grad(lambda x: xad.sum(taken(x, i)))(x))(*given)
    ones = np.zeros_like(many)
    for slope, i in zip(ones, indices, strict=True):
        np.add.at(slope, (*key[:place], i, *key[place + 1 :]), 1)
    np.testing.assert_array_equal(here.to_host(slopes), ones)


@pytest.mark.parametrize("seed", range(150))
def test_assignment(seed, here):
    x, key, taken = case(seed)
    v = np.random.default_rng(2).normal(size=taken.shape)
    given, values = xad.asarray(here.array(x)), xad.asarray(here.array(v))

    def changed(x, v):
        x = xad.asarray(x) + 0
        x[key] = v
        return x

    expected = x.copy()
    expected[key] = v
    assert np.array_equal(here.to_host(changed(given, values)), expected)
    for_x, for_v = xad.grad(lambda x, v: xad.sum(changed(x, v) * given), (0, 1))(given, values)
    kept = x.copy()
    kept[key] = 0
    assert np.array_equal(here.to_host(for_x), kept)
    last = np.full(x.shape, -1)
    last[key] = np.arange(v.size).reshape(v.shape)
    slope = np.zeros(v.size)
    slope[last[last >= 0]] = x[last >= 0]
    assert np.array_equal(here.to_host(for_v).ravel(), slope)
