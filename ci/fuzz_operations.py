"""The operations that random programs are made of: source text with places for the operands.

Every function makes one step of a program from the values that there are, or None if none fits:
``(template, operands, guard)``, where ``{0}`` in the texts stands for the first operand. The guard
is true where every operand is well away from ties, jumps and singular points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from random import Random
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Step = tuple[str, tuple[str, ...], str]

MARGIN = 0.02
MOST_ELEMENTS = 16
MOST_AXES = 3


# ---- guards, on NumPy arrays ---------------------------------------------------------------------


def off(x: Any, *points: float) -> bool:
    """No element is near one of the points."""
    return all(bool(np.all(np.abs(x - point) > MARGIN)) for point in points)


def beyond(x: Any, distance: float) -> bool:
    """Every element is farther from 0."""
    return bool(np.all(np.abs(x) > distance))


def gaps(x: Any, axis: Any = None) -> bool:
    """No two elements along the axis, or axes, are near each other."""
    axes = tuple(range(x.ndim)) if axis is None else np.atleast_1d(axis) % max(x.ndim, 1)
    rest = [i for i in range(x.ndim) if i not in axes]
    order = [*rest, *[i for i in range(x.ndim) if i not in rest]]
    rows = np.transpose(x, order).reshape(prod([x.shape[i] for i in rest]), -1)
    return off(np.diff(np.sort(rows, axis=-1), axis=-1), 0.0)


GUARDS = {"off": off, "beyond": beyond, "gaps": gaps, "np": np}


class Pool:
    """The values of a program so far, by name, with their shapes; and chance."""

    def __init__(self, random: Random, shapes: dict[str, Shape]) -> None:
        self.random = random
        self.shapes = shapes
        self.fresh: list[str] = []

    def choice(self, items: Sequence[Any]) -> Any:
        """One of them."""
        return self.random.choice(items)

    def pick(self, fits: Callable[[Shape], bool] = lambda shape: True) -> str | None:
        """A value whose shape fits; more often one that nothing has used yet."""
        names = [name for name, shape in self.shapes.items() if fits(shape)]
        fresh = [name for name in names if name in self.fresh]
        if fresh and self.random.random() < 0.7:
            return str(self.choice(fresh))
        return str(self.choice(names)) if names else None

    def axis_of(self, shape: Shape) -> int:
        """An axis, counted from either end."""
        return self.random.randrange(-len(shape), len(shape))


def has_axes(shape: Shape) -> bool:
    """At least one axis."""
    return len(shape) > 0


def is_matrix(shape: Shape) -> bool:
    """Two axes."""
    return len(shape) == 2


def partner(pool: Pool, name: str) -> str:
    """A value that broadcasts with this one; at worst itself."""

    def fits(shape: Shape) -> bool:
        try:
            out = np.broadcast_shapes(shape, pool.shapes[name])
        except ValueError:
            return False
        return prod(out) <= MOST_ELEMENTS

    return pool.pick(fits) or name


# ---- element by element --------------------------------------------------------------------------

UNARY = [
    *[(f"xp.{name}({{0}})", "") for name in ("sin", "cos", "tanh", "atan", "asinh", "square")],
    *[(f"xp.{name}(0.5 * {{0}})", "") for name in ("exp", "expm1", "sinh", "cosh")],
    *[(f"xp.{name}(1.5 + {{0}} * {{0}})", "") for name in ("log", "log2", "log10", "log1p")],
    *[(f"xp.{name}(1.5 + {{0}} ** 2)", "") for name in ("sqrt", "reciprocal", "acosh")],
    *[(f"xp.{name}(0.8 * xp.tanh({{0}}))", "") for name in ("asin", "acos", "atanh", "tan")],
    *[(f"xp.special.{name}({{0}})", "") for name in ("expit", "softplus", "erf", "erfc", "ndtr")],
    *[(f"xp.special.{name}({{0}})", "") for name in ("log_ndtr", "i0e", "i1e")],
    *[(f"xp.special.{name}(1.5 + {{0}} * {{0}})", "") for name in ("gammaln", "digamma", "entr")],
    *[(f"xp.special.{name}(0.8 * xp.tanh({{0}}))", "") for name in ("erfinv", "i0", "i1")],
    ("xp.special.ndtri(0.2 + 0.6 * xp.special.expit({0}))", ""),
    ("xp.special.logit(0.2 + 0.6 * xp.special.expit({0}))", ""),
    ("xp.special.relu({0})", "off({0}, 0)"),
    ("xp.abs({0})", "off({0}, 0)"),
    ("xp.sign({0}) * {0} ** 2", "off({0}, 0)"),
    ("xp.clip({0}, -0.7, 0.9)", "off({0}, -0.7, 0.9)"),
    ("xp.maximum({0}, 0.25)", "off({0}, 0.25)"),
    ("xp.floor({0}) + {0}", "off({0} - np.floor({0}), 0, 1)"),
    ("{0} - xp.round({0})", "off({0} - np.floor({0}), 0.5)"),
    ("xp.trunc(2.0 * {0}) * {0}", "off(2 * {0} - np.floor(2 * {0}), 0, 1)"),
    ("xp.remainder({0}, 1.25)", "off({0} / 1.25 - np.floor({0} / 1.25), 0, 1)"),
    ("-{0}", ""),
    ("+{0}", ""),
    ("{0} ** 3", ""),
    ("{0} ** -2", "beyond({0}, 0.4)"),
    ("(1.5 + {0} ** 2) ** 0.7", ""),
    ("2.0 ** {0}", ""),
    ("1.0 / (2.0 + {0} * {0})", ""),
    ("0.5 - {0}", ""),
    ("xp.stop_gradient({0}) * {0}", ""),
    ("xp.ruled({0})", ""),
    ("xp.checkpoint(lambda u: xp.sin(u * u))({0})", ""),
    ("xp.real(xp.exp((0.3 + 0.5j) * {0}))", ""),
    ("xp.imag(xp.sin({0} + 0.5j))", ""),
    ("xp.abs(xp.tanh({0} * 1j + 0.3))", ""),
]
BINARY = [
    *[(f"{{0}} {sign} {{1}}", "") for sign in "+-*"],
    *[(f"xp.{name}({{0}}, {{1}})", "") for name in ("add", "subtract", "multiply", "logaddexp")],
    ("{0} / (1.5 + {1} * {1})", ""),
    ("xp.divide({0}, 2.0 + xp.cos({1}))", ""),
    ("xp.pow(1.5 + {0} * {0}, xp.tanh({1}))", ""),
    ("xp.atan2({0}, {1})", "beyond(np.hypot({0}, {1}), 0.3)"),
    ("xp.hypot({0}, {1})", "beyond(np.hypot({0}, {1}), 0.3)"),
    ("xp.maximum({0}, {1})", "off({0} - {1}, 0)"),
    ("xp.minimum({0}, {1})", "off({0} - {1}, 0)"),
    ("xp.where({0} > {1}, {0} * {1}, {1})", "off({0} - {1}, 0)"),
    ("xp.where({0} > 0.1, xp.sqrt(xp.where({0} > 0.1, {0}, 1.0)), {1})", "off({0}, 0, 0.1)"),
    ("xp.copysign({0}, {1})", "off({0}, 0) and off({1}, 0)"),
    ("xp.special.xlogy({0}, 1.5 + {1} * {1})", ""),
    ("xp.special.rel_entr(1.5 + {0} * {0}, 1.5 + {1} * {1})", ""),
    ("xp.special.kl_div(1.5 + {0} * {0}, 1.5 + {1} * {1})", ""),
    ("xp.special.xlog1py({0}, {1} * {1})", ""),
    ("xp.augmented({0} + {1}, {1})", ""),
    ("xp.checkpoint(lambda u, v: xp.tanh(u * v) + v)({0}, {1})", ""),
    ("xp.real(({0} + 1j * {1}) * xp.exp({0} - 1j * {1}))", ""),
    ("xp.imag(xp.conj({0} + 1j * {1}) / (2.5 + xp.cos({0}) + 0.5j * {1}))", ""),
    ("xp.abs({0} + 1j * {1})", "beyond(np.hypot({0}, {1}), 0.3)"),
    ("xp.linalg.vecdot({0}, {1})", ""),
]


def of_one(pool: Pool) -> Step | None:
    """A function of one value."""
    template, guard = pool.choice(UNARY)
    return template, (pool.pick() or "",), guard


def of_two(pool: Pool) -> Step | None:
    """A function of two that broadcast."""
    template, guard = pool.choice(BINARY)
    a = pool.pick(has_axes if "vecdot" in template else lambda shape: True)
    if a is None:
        return None
    b = a if "vecdot" in template else partner(pool, a)
    return template, (a, b) if pool.random.random() < 0.5 else (b, a), guard


def of_three(pool: Pool) -> Step | None:
    """A choice between two by a third, or a sum of products."""
    a = pool.pick() or ""
    b = partner(pool, a)
    shape = np.broadcast_shapes(pool.shapes[a], pool.shapes[b])
    c = pool.pick(lambda s: s in (shape, ())) or a
    if pool.random.random() < 0.5:
        return "xp.where({0} < {1}, {2}, 0.5 * {1})", (a, b, c), "off({0} - {1}, 0)"
    return "{0} * {1} + {2}", (a, b, c), ""


# ---- along axes ----------------------------------------------------------------------------------


def reduction(pool: Pool) -> Step | None:
    """A reduction over one axis, two or all."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    shape = pool.shapes[a]
    axis: Any = pool.choice([None, pool.axis_of(shape), pool.axis_of(shape)])
    if len(shape) > 1 and pool.random.random() < 0.25:
        axis = (0, -1)
    arguments = f"axis={axis}" + pool.choice(["", ", keepdims=True"])
    names = ["sum", "mean", "max", "min", "prod", "var", "std", "special.logsumexp"]
    name = pool.choice([*names, "linalg.vector_norm"])
    guard = ""
    if name in ("max", "min"):
        guard = f"gaps({{0}}, {axis})"
    elif name in ("std", "var"):
        arguments += pool.choice(["", ", correction=0.5"])
        guard = f"np.all(np.std({{0}}, axis={axis}) > 0.1)"
    elif name == "linalg.vector_norm":
        order = pool.choice(["1", "2", "3", "np.inf"])
        arguments += f", ord={order}"
        guard = f"off({{0}}, 0) and gaps(np.abs({{0}}), {axis})"
    return f"xp.{name}({{0}}, {arguments})", (a,), guard


def along_an_axis(pool: Pool) -> Step | None:
    """Running sums, orders, normalised values: results as long as the axis, or nearly."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    axis = pool.axis_of(pool.shapes[a])
    n = pool.shapes[a][axis]
    axes = tuple(range(len(pool.shapes[a])))
    ordered = f"gaps({{0}}, {axis})"
    template, guard = pool.choice(
        [
            (f"xp.cumulative_sum({{0}}, axis={axis})", ""),
            (f"xp.cumulative_sum({{0}}, axis={axis}, include_initial=True)", ""),
            (f"xp.cumulative_prod({{0}}, axis={axis})", ""),
            (f"xp.cumulative_prod(1.0 + 0.1 * {{0}}, axis={axis}, include_initial=True)", ""),
            (f"xp.sort({{0}}, axis={axis})", ordered),
            (f"xp.sort({{0}}, axis={axis}, descending=True)", ordered),
            (f"xp.take_along_axis({{0}}, xp.argsort({{0}}, axis={axis}), axis={axis})", ordered),
            (f"xp.special.softmax({{0}}, axis={axis})", ""),
            (f"xp.special.log_softmax({{0}}, axis={axis})", ""),
            (f"xp.diff({{0}}, axis={axis})", ""),
            (f"xp.flip({{0}}, axis={axis})", ""),
            (f"xp.roll({{0}}, {pool.choice([1, -2])}, axis={axis})", ""),
            (f"xp.repeat({{0}}, 2, axis={axis})", ""),
            (f"xp.unstack({{0}}, axis={axis})[-1]", ""),
            (f"xp.real(xp.fft.fft({{0}}, axis={axis}))", ""),
            (f"xp.imag(xp.fft.ifft({{0}} * (1.0 + {{0}} * 1j), axis={axis}))", ""),
            (f"xp.imag(xp.fft.rfft({{0}}, axis={axis}))", ""),
            (f"xp.fft.irfft(xp.fft.rfft({{0}}, axis={axis}) ** 2, n={n}, axis={axis})", ""),
            ("xp.real(xp.fft.fftshift(xp.fft.fftn({0} + 0.5j * {0} ** 2)))", ""),
            (f"xp.fft.irfftn(xp.fft.rfftn({{0}}) * (0.5 + 1j), s={{0}}.shape, axes={axes})", ""),
            (f"xp.max({{0}}, axis={axis}, keepdims=True) - {{0}}", ordered),
            (f"xp.where(xp.argmax({{0}}, axis={axis}, keepdims=True) > 0, {{0}}, 0.5)", ordered),
        ]
    )
    return template, (a,), guard


# ---- products and matrices -----------------------------------------------------------------------


def product(pool: Pool) -> Step | None:
    """Matrix, tensor and outer products."""
    a = pool.pick(has_axes)
    if a is None:
        return None
    shape = pool.shapes[a]
    inner = shape[-1]
    b = pool.pick(lambda s: s == (inner,) or (len(s) == 2 and s[0] == inner))
    c = pool.pick(lambda s: has_axes(s) and s[-1] == inner and prod(s) * prod(shape) <= 120)
    v = pool.pick(lambda s: len(s) == 1)
    three = pool.pick(lambda s: s == (3,))
    made = [
        ("xp.linalg.cross({0}, xp.cos({0}))", (three,)),
        ("{0} @ {1}", (a, b)),
        ("xp.matmul({0}, {1})", (a, b)),
        ("xp.tensordot({0}, {1}, axes=((-1,), (-1,)))", (a, c)),
        ("xp.vecdot({0}, {1})", (a, c if c and pool.shapes[c] in (shape, (inner,)) else a)),
        (
            "xp.einsum('...i,i...->...', {0}, {1})",
            (a, b if b and pool.shapes[b] == (inner,) else None),
        ),
        ("xp.linalg.outer({0}, {1})", (v, v)),
        ("xp.einsum('i,j->ij', {0}, {1})", (v, v)),
        ("xp.convolve({0}, {1})", (v, v)),
    ]
    if len(shape) == 2:
        made += [
            ("{0} @ xp.matrix_transpose({0})", (a,)),
            ("xp.einsum('ij,ik->jk', {0}, {0})", (a,)),
        ]
    usable = [(template, names) for template, names in made if None not in names]
    template, names = pool.choice(usable)
    return template, names, ""


def of_a_matrix(pool: Pool) -> Step | None:
    """Triangles, determinants, solutions, factors and spectra of well-behaved matrices."""
    a = pool.pick(is_matrix)
    if a is None:
        return None
    m = pool.shapes[a][0]
    definite = f"np.diag(np.arange(1.0, {m + 1}))"
    square = f"({{0}} @ xp.matrix_transpose({{0}}) + {definite})"
    spectrum = f"gaps(np.linalg.eigvalsh({{0}} @ {{0}}.T + {definite}))"
    singular = "np.linalg.svd({0}, compute_uv=False)"
    template, guard = pool.choice(
        [
            (f"xp.tril({{0}}, k={pool.choice([-1, 0, 1])})", ""),
            (f"xp.triu({{0}}, k={pool.choice([-1, 0, 1])})", ""),
            ("xp.linalg.trace({0})", ""),
            ("xp.linalg.diagonal({0})", ""),
            ("xp.matrix_transpose({0})", ""),
            ("xp.linalg.matrix_norm({0})", "np.linalg.norm({0}) > 0.1"),
            (f"xp.linalg.det({square})", ""),
            (f"xp.linalg.slogdet({square})[1]", ""),
            (f"xp.linalg.inv({square})", ""),
            (f"xp.linalg.solve({square}, {{0}})", ""),
            (f"xp.linalg.cholesky({square})", ""),
            (f"xp.linalg.matrix_power({square}, -2)", ""),
            (f"xp.linalg.eigvalsh({square})", spectrum),
            (f"xp.linalg.eigh({square})[1] ** 2", spectrum),
            (f"xp.linalg.qr({square})[1]", ""),
            (f"xp.linalg.pinv({square})", ""),
            ("xp.linalg.svdvals({0})", f"gaps({singular}) and off({singular}, 0)"),
        ]
    )
    return template, (a,), guard


def transformed(pool: Pool) -> Step | None:
    """Derivatives and batches inside the program, of functions that use its other values."""
    a = pool.pick(lambda s: has_axes(s) and prod(s) <= 6)
    if a is None:
        return None
    shape = pool.shapes[a]
    b = pool.pick(lambda s: s in (shape, ()))
    scalar = pool.pick(lambda s: s == ())
    made: list[tuple[str, tuple[str | None, ...]]] = [
        ("xp.grad(lambda u: xp.sum(xp.sin(u * {1}) * u))({0})", (a, b)),
        ("xp.value_and_grad(lambda u: xp.mean(xp.tanh(u) * {1}))({0})[1]", (a, b)),
        ("xp.grad(lambda u, v: xp.sum(u * xp.cos(v)) ** 2, argnums=1)({0}, {1})", (a, b)),
        ("xp.jvp(lambda u: xp.tanh(u * {1}), ({0},), (xp.cos({0}),))[1]", (a, b)),
        ("xp.vjp(lambda u: u ** 2 * {1}, {0})[1](xp.sin({0}))[0]", (a, b)),
        ("xp.vmap(lambda u: xp.sin(u) * {1})({0})", (a, scalar)),
        ("xp.vmap(xp.grad(lambda u: xp.sum(u * u * {1})))({0})", (a, scalar)),
        ("xp.vmap(lambda u, v: xp.sum(u * v) * v, in_axes=(-1, None))({0}, {1})", (a, scalar)),
    ]
    if len(shape) == 1 and shape[0] <= 3:
        made += [
            ("xp.jacrev(lambda u: xp.cumulative_sum(xp.sin(u)) * {1})({0})", (a, b)),
            ("xp.jacfwd(lambda u: xp.flip(u) * u * {1})({0})", (a, b)),
            ("xp.hessian(lambda u: xp.prod(u) * xp.sum(u * {1}))({0})", (a, b)),
        ]
    usable = [(template, names) for template, names in made if None not in names]
    template, names = pool.choice(usable)
    return template, names, ""
