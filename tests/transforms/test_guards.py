"""The quick way into a program takes exactly what was recorded, and nothing else."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import xad
from xad import tree
from xad.transforms.guards import guard_of


@pytest.fixture(autouse=True)
def on_numpy():
    with xad.use_backend("numpy"):
        yield


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    activation: Any = tree.static(default="relu")


def describe(x):
    if isinstance(x, np.ndarray):
        return ("array", x.shape, x.dtype)
    if type(x) in (int, float, complex):
        return ("number", type(x))
    return ("fixed", type(x), x)


def guard(arguments):
    leaves, structure = tree.flatten(arguments)
    plain = [x.value if isinstance(x, xad.Tensor) else x for x in leaves]
    return guard_of(structure, leaves, [describe(x) for x in plain], describe)


A, B = np.ones((2, 3)), np.ones(3, dtype=np.float32)
T = xad.Tensor(A)
EXAMPLE = ({"layers": [Layer(A, T), Layer(B, None)], "pair": Pair(B, 2.0)}, "mode", True)


def test_the_same_kind_of_arguments_gives_arrays_and_numbers():
    other = (
        {
            "layers": [Layer(A + 1, xad.asarray(A + 2)), Layer(B + 1, None)],
            "pair": Pair(B + 2, 5.0),
        },
        "mode",
        True,
    )
    arrays, given = guard(EXAMPLE)(other)
    assert [x.flat[0] for x in arrays] == [2, 3, 2, 3]
    assert all(type(x) is np.ndarray for x in arrays)
    assert given == [5.0]


def changed(**changes):
    parts = {"weight": A, "bias": T, "second": Layer(B, None), "pair": Pair(B, 2.0)}
    parts |= {"mode": "mode", "flag": True, "more": {}, "activation": "relu"} | changes
    layers = [Layer(parts["weight"], parts["bias"], parts["activation"]), parts["second"]]
    return (
        {"layers": layers, "pair": parts["pair"], **parts["more"]},
        parts["mode"],
        parts["flag"],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": A[:1]},
        {"weight": A.astype(np.float32)},
        {"weight": A.tolist()},
        {"weight": T},
        {"bias": A},
        {"bias": xad.asarray(A, requires_grad=True)},
        {"second": Layer(B, B)},
        {"second": Pair(B, None)},
        {"pair": Pair(B, 2)},
        {"pair": (B, 2.0)},
        {"mode": "other"},
        {"mode": b"mode"},
        {"flag": 1},
        {"flag": False},
        {"more": {"key": A}},
        {"activation": "tanh"},
        {"activation": b"relu"},
    ],
    ids=lambda changes: "-".join(f"{k}={type(v).__name__}" for k, v in changes.items()),
)
def test_anything_else_is_left_to_the_slow_way(changes):
    assert guard(EXAMPLE)(changed()) is not None
    assert guard(EXAMPLE)(changed(**changes)) is None


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0.0, -0.0), ((1,), (1.0,))])
def test_static_values_that_are_equal_but_not_the_same_are_told_apart(before, after):
    assert guard(Layer(A, B, before))(Layer(A, B, before)) is not None
    assert guard(Layer(A, B, before))(Layer(A, B, after)) is None


def test_what_a_guard_cannot_be_sure_of_has_none():
    assert guard({1: A}) is None
    assert guard((A, frozenset({1}))) is None


def test_other_libraries_are_described(here):
    x = here.array([1.0, 2.0])
    describe = lambda x: ("array", tuple(x.shape), str(x.dtype))  # noqa: E731
    check = guard_of(tree.LEAF, [x], [describe(x)], describe)
    assert check(here.array([3.0, 4.0])) is not None
    assert check(here.array([3.0])) is None
