"""A library that is not xad's: operations of every kind, declared through `xad.extend` alone."""

from __future__ import annotations

import numpy as np

from xad import extend
from xad.testing import Maker, OpInfo, Sample, binary_samples, unary_samples

# ---- element by element: the slopes -------------------------------------------------------------


@extend.elementwise(lambda x: 3 * x**2)
def cube(xp, x):
    """The third power."""
    return x * x * x


@extend.elementwise(1, lambda xp, phase, y: xp.cos(phase), name="own.shifted_sine")
def shifted_sine(xp, level, phase):
    """level + sin(phase)."""
    return level + xp.sin(phase)


@extend.elementwise(
    lambda b, c, d: b * c * d,
    lambda a, c, d: a * c * d,
    lambda a, b, d: a * b * d,
    lambda a, b, c: a * b * c,
)
def product_of_four(xp, a, b, c, d):
    """A b c d."""
    return a * b * c * d


# ---- linear: the transpose ----------------------------------------------------------------------


def put_back(xp, g, like, axis):
    """The transpose of a second difference: each difference goes back to its three elements."""
    shape = list(g.shape)
    shape[axis] = 1
    none = xp.zeros_like(xp.sum(g, axis=axis, keepdims=True))
    left = xp.concat([g, none, none], axis=axis)
    middle = xp.concat([none, g, none], axis=axis)
    right = xp.concat([none, none, g], axis=axis)
    return left - 2 * middle + right


@extend.linear(put_back, batch=extend.shifted())
def second_difference(xp, x, *, axis=-1):
    """x[i] - 2 x[i+1] + x[i+2] along an axis."""
    n = x.shape[axis]
    middle = [slice(None)] * x.ndim

    def part(start, stop):
        key = list(middle)
        key[axis] = slice(start, stop)
        return x[tuple(key)]

    return part(0, n - 2) - 2 * part(1, n - 1) + part(2, n)


@extend.linear(lambda xp, g, like, order: xp.take(g, xp.argsort(order), axis=0))
def reordered(xp, x, order):
    """x[order], for a permutation; without a batching rule."""
    return xp.take(x, order, axis=0)


@extend.linear_joint(lambda xp, g, shapes: [g[..., 0::2], g[..., 1::2]], batch=extend.stacked)
def interleaved(xp, a, b):
    """a[0], b[0], a[1], b[1], ... along the last axis."""
    return xp.reshape(xp.stack([a, b], axis=-1), (*a.shape[:-1], 2 * a.shape[-1]))


@extend.bilinear(
    lambda xp, g, b: xp.sum(g * b[..., None, :], axis=-1),
    lambda xp, g, a: xp.sum(g * a[..., :, None], axis=-2),
    batch=extend.stacked,
)
def outer(xp, a, b):
    """All products of an element of a and one of b."""
    return a[..., :, None] * b[..., None, :]


# ---- what fits no class -------------------------------------------------------------------------


def _length(xp, x, axis):
    return xp.sqrt(xp.sum(x * x, axis=axis, keepdims=True))


def _across(xp, t, x, y, axis):
    """What of t is orthogonal to y, over the length of x: the Jacobian, which is symmetric."""
    return (t - y * xp.sum(t * y, axis=axis, keepdims=True)) / _length(xp, x, axis)


@extend.general(
    vjp=lambda xp, g, x, y, axis: _across(xp, g, x, y, axis),
    jvp=lambda xp, t, x, y, axis: _across(xp, t, x, y, axis),
    batch=extend.shifted(),
)
def normalised(xp, x, *, axis):
    """X over its length along an axis."""
    return x / _length(xp, x, axis)


@extend.general(
    vjp={
        "x": lambda xp, g, x, weight, width: g * weight * xp.clip(x, -width, width),
    },
    batch=extend.aligned,
)
def huber(xp, x, weight, *, width=1.0):
    """Weighted: x^2 / 2 up to a width, then linear; the weight is a constant."""
    small = xp.clip(x, -width, width)
    return weight * (small * (x - small / 2))


@extend.general(
    vjp={
        "x": lambda g_r, g_angle, x, y, r: g_r * x / r - g_angle * y / (r * r),
        "y": lambda g_r, g_angle, x, y, r: g_r * y / r + g_angle * x / (r * r),
    },
    outputs=("r", "angle"),
    batch=extend.aligned,
)
def polar(xp, x, y):
    """Length and angle."""
    return xp.sqrt(x * x + y * y), xp.atan2(y, x)


@extend.general(vjp=lambda xp, g, x: g * 2 * x)
def energy(xp, x):
    """The sum of squares, by code that takes one vector and nothing else."""
    if len(x.shape) != 1:
        raise ValueError(f"one vector, please, not {x.shape}")
    return xp.sum(x * x)


@extend.constant(batch=extend.aligned)
def parity(xp, x):
    """The rest of a division by 2."""
    return x % 2


# ---- what they are, for the checks --------------------------------------------------------------


def _four(make: Maker):
    return [Sample((make.array(2, 3), make.array(3), make.array(2, 1), make.array()))]


def _vectors(make: Maker):
    return [Sample((make.array(4),)), Sample((make.array(2),))]


def _reordered(make: Maker):
    return [Sample((make.array(4, 2), make.random.permutation(4)))]


def _along(*shapes, axes):
    return lambda make: [
        Sample((make.array(*shape, low=0.5),), {"axis": axis}) for shape in shapes for axis in axes
    ]


def _huber(make: Maker):
    return [
        Sample((make.array(3), make.array(2, 3))),
        Sample((make.array(3), 2.0), {"width": 0.5}),
    ]


def _huber_reference(x, weight, width=1.0):
    return weight * np.where(np.abs(x) <= width, x * x / 2, width * (np.abs(x) - width / 2))


OPERATIONS = [
    OpInfo("cube", unary_samples(), lambda x: x**3, "fc", "fc", function=cube),
    OpInfo(
        "shifted_sine",
        binary_samples(),
        lambda level, phase: level + np.sin(phase),
        "fc",
        "fc",
        function=shifted_sine,
    ),
    OpInfo(
        "product_of_four",
        _four,
        lambda a, b, c, d: a * b * c * d,
        "fc",
        "fc",
        function=product_of_four,
    ),
    OpInfo(
        "second_difference",
        _along((4,), (3, 5), axes=(0, -1)),
        lambda x, axis: np.diff(x, 2, axis=axis),
        "fc",
        "fc",
        function=second_difference,
    ),
    OpInfo("reordered", _reordered, lambda x, order: x[order], "fc", "fc", function=reordered),
    OpInfo(
        "interleaved",
        lambda make: [Sample((make.array(3), make.array(3)))],
        lambda a, b: np.stack([a, b], -1).reshape(-1),
        "fc",
        "fc",
        function=interleaved,
    ),
    OpInfo(
        "outer",
        lambda make: [Sample((make.array(3), make.array(2)))],
        np.multiply.outer,
        "fc",
        "fc",
        function=outer,
    ),
    OpInfo(
        "normalised",
        _along((4,), (3, 2), axes=(0, -1)),
        lambda x, axis: x / np.linalg.norm(x, axis=axis, keepdims=True),
        function=normalised,
    ),
    OpInfo("huber", _huber, _huber_reference, constant=(1,), function=huber),
    OpInfo(
        "polar",
        binary_samples(0.5),
        lambda x, y: (np.hypot(x, y), np.arctan2(y, x)),
        function=polar,
    ),
    OpInfo("energy", _vectors, lambda x: np.sum(x * x), function=energy),
    OpInfo("parity", unary_samples(), lambda x: x % 2, "fi", "", function=parity),
]
