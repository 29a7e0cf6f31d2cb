"""einsum: any subscripts, any order of products, with opt_einsum and without."""

import string
import sys

import numpy as np
import pytest

import xad
from xad.ops import contraction
from xad.ops.contraction_order import path_for


def random_expression(random):
    """Subscripts of one to four operands with repeated indices, and the length of each index."""
    letters = list(string.ascii_letters[: random.integers(1, 7)])
    lengths = {letter: int(random.integers(1, 4)) for letter in letters}
    terms = [
        "".join(random.choice(letters, random.integers(0, 4))) for _ in range(random.integers(1, 5))
    ]
    text = ",".join(terms)
    if random.random() < 0.7:
        used = sorted(set(text) - {","})
        output = random.permutation(used)[: random.integers(0, len(used) + 1)]
        text += "->" + "".join(output)
    return text, [tuple(lengths[i] for i in term) for term in terms]


@pytest.mark.parametrize("seed", range(60))
def test_any_subscripts_give_what_numpy_gives(seed, here):
    random = np.random.default_rng(seed)
    text, shapes = random_expression(random)
    # Axes of length one broadcast.
    narrow = []
    for term, shape in zip(text.partition("->")[0].split(","), shapes, strict=True):
        once = [term.count(i) == 1 and random.random() < 0.1 for i in term]
        narrow.append(tuple(1 if o else n for o, n in zip(once, shape, strict=True)))
    hosts = [random.normal(size=shape) for shape in narrow]
    expected = np.einsum(text, *hosts)
    for optimize in (True, False):
        got = xad.einsum(text, *map(here.array, hosts), optimize=optimize)
        assert got.shape == expected.shape, text
        bound = {"rtol": 10 * here.tolerance, "atol": 10 * here.tolerance}
        np.testing.assert_allclose(here.to_host(got), expected, **bound, err_msg=text)


@pytest.fixture(params=["opt_einsum", "alone"])
def library(request, monkeypatch, require_library):
    """With opt_einsum, and as if it were not installed."""
    contraction._plan.cache_clear()
    if request.param == "alone":
        monkeypatch.setitem(sys.modules, "opt_einsum", None)
    else:
        require_library("opt_einsum")
    yield request.param
    contraction._plan.cache_clear()


def cost(terms, output, sizes, path):
    """How many products of elements an order of contraction takes."""
    total, terms = 0, list(terms)
    for step in path:
        chosen = [terms[i] for i in step]
        terms = [t for i, t in enumerate(terms) if i not in step]
        product = chosen[0]
        for other in chosen[1:]:
            both = set(product) | set(other)
            total += int(np.prod([sizes[i] for i in both]))
            product = both
        terms.append(tuple(product & set(output).union(*map(set, terms))))
    assert len(terms) == 1
    return total


CHAIN = (("i", "j"), ("j", "k"), ("k", "l"), ("l", "m"))
SIZES = {"i": 2, "j": 200, "k": 3, "l": 200, "m": 4}


def test_the_order_found_is_cheap(library):
    left_to_right = cost(CHAIN, ("i", "m"), SIZES, path_for(CHAIN, ("i", "m"), SIZES, False))
    found = cost(CHAIN, ("i", "m"), SIZES, path_for(CHAIN, ("i", "m"), SIZES, True))
    assert found <= left_to_right
    star = (("a", "x"), ("b", "x"), ("c",), ("a", "b"))
    sizes = {"a": 20, "b": 20, "c": 50, "x": 20}
    orders = {o: cost(star, ("c",), sizes, path_for(star, ("c",), sizes, o)) for o in (True, False)}
    assert orders[True] < orders[False]


@pytest.mark.parametrize("optimize", [True, "greedy", "optimal"])
def test_orders_by_name(optimize, library, here):
    random = np.random.default_rng(0)
    hosts = [random.normal(size=shape) for shape in [(2, 3), (3, 4), (4, 2), (2, 5)]]
    got = xad.einsum("ab,bc,ca,ad->d", *map(here.array, hosts), optimize=optimize)
    expected = np.einsum("ab,bc,ca,ad->d", *hosts)
    np.testing.assert_allclose(here.to_host(got), expected, rtol=10 * here.tolerance)


def test_an_order_from_numpy(here):
    random = np.random.default_rng(0)
    hosts = [random.normal(size=shape) for shape in [(2, 3), (3, 4), (4, 5)]]
    path, _ = np.einsum_path("ij,jk,kl", *hosts, optimize="optimal")
    got = xad.einsum("ij,jk,kl", *map(here.array, hosts), optimize=path)
    np.testing.assert_allclose(here.to_host(got), np.linalg.multi_dot(hosts), rtol=1e-3)


def test_small_integers_stay_small(here):
    x = here.array([[1, 2], [3, 4]], "int8")
    assert xad.einsum("ij->i", x).dtype == x.dtype
    assert here.to_host(xad.einsum("ii", x)) == 5


def test_gradients_of_a_trace_of_a_product(here):
    a, b = (here.array(np.random.default_rng(i).normal(size=(3, 3))) for i in range(2))
    grads = xad.grad(lambda a, b: xad.einsum("ij,ji", a, b), argnums=(0, 1))(a, b)
    np.testing.assert_allclose(here.to_host(grads[0]), here.to_host(b).T)
    np.testing.assert_allclose(here.to_host(grads[1]), here.to_host(a).T)


def test_the_plan_is_made_once(here):
    contraction._plan.cache_clear()
    x = here.array(np.ones((2, 2)))
    for _ in range(3):
        xad.einsum("ij,jk,kl", x, x, x)
    info = contraction._plan.cache_info()
    assert (info.misses, info.hits) == (1, 2)
