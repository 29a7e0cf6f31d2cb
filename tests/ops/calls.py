"""A sample of the op database as a function of its operands, at some place."""

from __future__ import annotations

from itertools import combinations

import numpy as np

import xad
from xad.testing.database import function_of
from xad.testing.opinfo import Maker

DOUBLE = {"f": "float64", "c": "complex128"}
KINDS = {
    "f": ("float64", "float32"),
    "c": ("complex128", "complex64"),
    "i": ("int64", "int32"),
    "b": ("bool",),
}


class Call:
    """One call: ``call.operands`` are its arrays; calling it takes arrays in their place."""

    def __init__(self, info, sample, place):
        self.info = info
        self.sample = sample
        self.place = place
        self.hosts = []
        self.positions = []
        self._arguments = [self._template(x, i) for i, x in enumerate(sample.arguments)]
        self._keywords = {k: self._template(x, k) for k, x in sample.keywords.items()}
        self.operands = [place.array(x) for x in self.hosts]

    def __repr__(self):
        return f"xad.{self.info.name}({self.sample})"

    def __call__(self, *operands):
        values = iter(operands)
        arguments = [fill(x, values) for x in self._arguments]
        keywords = {k: fill(x, values) for k, x in self._keywords.items()}
        return function_of(self.info)(*arguments, **keywords)

    def outputs(self, *operands):
        """The results that are arrays, in a tuple."""
        return tuple(arrays_of(self(*operands)))

    def of_outputs(self, operands):
        """The results that can be differentiated."""
        return tuple(y for y in self.outputs(*operands) if is_inexact(y))

    @property
    def moving(self):
        """The places of the operands that can be differentiated."""
        return [
            i
            for i, (x, position) in enumerate(zip(self.hosts, self.positions, strict=True))
            if x.dtype.kind in "fc" and position not in self.info.constant
        ]

    def of_moving(self):
        """As a function of the operands that can be differentiated; and those operands."""
        moving = self.moving

        def f(*leaves):
            operands = list(self.operands)
            for i, leaf in zip(moving, leaves, strict=True):
                operands[i] = leaf
            return self.of_outputs(operands)

        return f, [self.operands[i] for i in moving]

    def _template(self, x, position):
        if isinstance(x, np.ndarray):
            self.hosts.append(x)
            self.positions.append(position)
            return HERE
        if isinstance(x, (list, tuple)) and any(isinstance(e, np.ndarray) for e in x):
            return type(x)([self._template(e, position) for e in x])
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return getattr(self.place.xp, self.place.dtype_name(np.dtype(x).name))
        return x


HERE = object()


def fill(template, values):
    if template is HERE:
        return next(values)
    if isinstance(template, (list, tuple)):
        return type(template)([fill(x, values) for x in template])
    return template


def arrays_of(result):
    if isinstance(result, (list, tuple)):
        return [x for part in result for x in arrays_of(part)]
    return [result] if hasattr(result, "dtype") else []


def is_inexact(x):
    return str(x.dtype).rpartition(".")[2].startswith(("float", "complex"))


def calls(info, place, dtype, seed=0):
    """Every sample of an entry, as calls."""
    maker = Maker(place.dtype_name(dtype), seed)
    return [Call(info, sample, place) for sample in info.samples(maker)]


def same_shapes(first, second):
    return [x.shape for x in first.hosts] == [x.shape for x in second.hosts]


def several_seeds(info, place, dtype, count):
    """Lists of calls that differ in the values of their operands only."""
    columns = [calls(info, place, dtype, seed) for seed in range(count)]
    return [
        row for row in zip(*columns, strict=True) if all(same_shapes(row[0], x) for x in row[1:])
    ]


def subsets(items):
    """All non-empty subsets of up to three; of more, each alone and all together."""
    if len(items) > 3:
        return [(i,) for i in items] + [tuple(items)]
    return [s for size in range(1, len(items) + 1) for s in combinations(items, size)]


def random_like(x, place, random):
    """Random values of the shape, dtype and place of ``x``."""
    name = str(x.dtype).rpartition(".")[2]
    values = random.normal(size=tuple(x.shape))
    if name.startswith("complex"):
        values = values + 1j * random.normal(size=tuple(x.shape))
    return place.array(values, name)


def inner(a, b):
    """The real inner product of two tuples of NumPy arrays."""
    return sum(float(np.sum(np.real(np.conj(x) * y))) for x, y in zip(a, b, strict=True))


def assert_same(got, expected, tolerance, what):
    """Two tuples of arrays have the same values, to a tolerance."""
    got, expected = list(got), list(expected)
    assert len(got) == len(expected), f"{what}: {len(got)} results, expected {len(expected)}"
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_allclose(
            xad.testing.to_host(x),
            xad.testing.to_host(y),
            rtol=tolerance,
            atol=tolerance,
            err_msg=repr(what),
        )
