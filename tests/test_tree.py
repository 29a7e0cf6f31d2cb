"""Trees: apart, together, and where two of them differ."""

import dataclasses
import functools
from collections import OrderedDict
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xad import tree
from xad.errors import TreeError


class Pair(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass
class Layer:
    weight: object
    bias: object = None
    name: str = tree.static(default="dense")


@dataclasses.dataclass(frozen=True)
class Frozen:
    inside: object

    def __post_init__(self):
        object.__setattr__(self, "made", True)


TREES = st.recursive(
    st.integers() | st.none() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.integers(0, 3), inner, max_size=3)
        | st.builds(Pair, inner, inner)
        | st.builds(Layer, inner, inner, st.sampled_from(["a", "b"]))
    ),
    max_leaves=8,
)


@given(TREES)
def test_apart_and_together_again(made):
    leaves, structure = tree.flatten(made)
    assert tree.unflatten(structure, leaves) == made
    assert tree.leaves(made) == leaves
    assert tree.structure(made) == structure
    assert len(tree.paths(made)) == len(leaves)
    assert hash(structure) == hash(tree.structure(made))


@given(TREES)
def test_map_keeps_the_structure(made):
    mapped = tree.map(lambda x: (x,), made)
    assert tree.leaves(tree.map(lambda x: 0, made)) == [0] * len(tree.leaves(made))
    assert [x for (x,) in tree.map(lambda x: [x], tree.leaves(made))] == tree.leaves(made)
    assert tree.leaves(mapped) == tree.leaves(made)


@given(TREES, st.randoms())
def test_dicts_in_another_order_are_the_same_tree(made, random):
    def shuffled(x):
        if type(x) is not dict:
            return x
        items = [(k, shuffled(v)) for k, v in x.items()]
        random.shuffle(items)
        return dict(items)

    other = shuffled(made)
    assert tree.structure(other) == tree.structure(made)
    assert tree.leaves(other) == tree.leaves(made)


def test_leaves_stand_from_left_to_right_and_dicts_by_key():
    made = {"b": 1, "a": [2, (3, Pair(4, 5))], "c": Layer(6, {"y": 8, "x": 7})}
    assert tree.leaves(made) == [2, 3, 4, 5, 1, 6, 7, 8]


def test_paths_are_spelled_as_python_would():
    made = {"b": Layer([1, 2]), 3: Pair(None, (4,))}
    assert tree.paths(made) == ["[3].right[0]", "['b'].weight[0]", "['b'].weight[1]"]
    assert tree.paths(5) == [""]
    assert tree.paths(None) == []


def test_none_is_an_empty_tree():
    assert tree.leaves([None, 1, None]) == [1]
    assert tree.map(lambda x: x + 1, {"a": None, "b": 1}) == {"a": None, "b": 2}


def test_static_fields_are_structure():
    a, b = Layer(1, 2, "tanh"), Layer(1, 2, "relu")
    assert tree.leaves(a) == [1, 2]
    assert tree.structure(a) != tree.structure(b)
    assert tree.map(lambda x: -x, a) == Layer(-1, -2, "tanh")
    with pytest.raises(TreeError, match=r"expected static .*tanh.* got .*relu"):
        tree.map(lambda x, y: x, a, b)


def test_static_takes_what_a_field_takes():
    @dataclasses.dataclass
    class Made:
        sizes: list = tree.static(default_factory=list)
        quiet: int = tree.static(default=0, repr=False)

    assert repr(Made()).endswith("Made(sizes=[])")
    assert tree.leaves(Made([1, 2])) == []


def test_frozen_dataclasses_are_rebuilt_without_running_their_code():
    made = tree.map(lambda x: x * 2, Frozen(2))
    assert made.inside == 4
    assert not hasattr(made, "made")


def test_what_is_no_container_is_a_leaf():
    leaf = object()
    for x in (leaf, "text", {1, 2}, OrderedDict(a=1), range(3), Layer):
        assert tree.leaves([x]) == [x]


def test_map_over_several_trees():
    assert tree.map(lambda a, b, c: a + b * c, [1, (2,)], [3, (4,)], [5, (6,)]) == [16, (26,)]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1, [2]], [1, (2,)], r"at \[1\]: expected list\(0: \*\), got tuple\(0: \*\)"),
        ({"a": 1}, {"b": 1}, r"at the root: expected keys \('a',\), got \('b',\)"),
        (
            {"a": [1]},
            {"a": [1, 2]},
            r"at \['a'\]: expected list\(0: \*\), got list\(0: \*, 1: \*\)",
        ),
        (Pair(1, None), Pair(1, 2), r"at \.right: expected None, got \*"),
    ],
)
def test_a_difference_is_named_where_it_is(a, b, message):
    with pytest.raises(TreeError, match=message):
        tree.map(lambda x, y: x, a, b)
    assert tree.difference(tree.structure(a), tree.structure(a)) == "trees do not differ"


def test_too_few_and_too_many_leaves():
    structure = tree.structure([1, 2])
    with pytest.raises(TreeError, match=r"expected 2 leaves .* got 1"):
        tree.unflatten(structure, [1])
    with pytest.raises(TreeError, match=r"expected 2 leaves .* got 3"):
        tree.unflatten(structure, [1, 2, 3])
    assert tree.unflatten(structure, iter([1, 2])) == [1, 2]


def test_structures_that_are_equal_but_not_the_same_are_told_apart():
    @dataclasses.dataclass
    class Rate:
        weight: float
        rate: float = tree.static(default=0)

    for fixed in (1, 1.0, True):
        made = tree.map(lambda x: x, Rate(2.0, fixed))
        assert type(made.rate) is type(fixed)
        key = next(iter(tree.map(lambda x: x, {fixed: 0})))
        assert type(key) is type(fixed)


def test_dicts_keep_their_order():
    given = {"in": [1.0], "hidden": {"w": 2.0, "b": 3.0}, "a": 4.0}
    made = tree.map(lambda x: x * 2, given)
    assert list(made) == ["in", "hidden", "a"]
    assert list(made["hidden"]) == ["w", "b"]
    assert tree.leaves(given) == [4.0, 3.0, 2.0, 1.0]
    in_order = dict(sorted(given.items()))
    assert tree.structure(in_order) == tree.structure(given)
    assert list(tree.map(lambda x, y: x + y, in_order, given)) == sorted(given)
    assert list(tree.map(lambda x, y: x + y, given, in_order)) == list(given)
    for one in (given, in_order, given):
        assert list(tree.unflatten(tree.structure(one), [1.0, 2.0, 3.0, 4.0])) == list(one)
    mixed = {2: 1.0, "a": 2.0, 1: 3.0}
    assert list(tree.map(abs, mixed)) == [2, "a", 1]


@dataclasses.dataclass
class Hiding:
    inside: object
    scale = 1.0
    cached = functools.cached_property(lambda self: 3)


def test_an_attribute_of_the_class_that_an_object_hides_is_refused():
    made = Hiding(2)
    assert made.cached == 3
    assert tree.leaves(made) == [2]
    made.scale = 2.0
    with pytest.raises(TreeError, match="expected its state in fields, got 'scale'"):
        tree.flatten(made)
