"""The primitives of JAX that NumPy can carry out: functions of an equation and its operands.

Their meaning is that of the XLA operations of the same names: openxla.org/xla/operation_semantics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Rule = Callable[..., Any]

# Of the same name in NumPy.
NUMPYS = (
    *("sin", "cos", "sinh", "cosh", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "square"),
    *("abs", "sign", "floor", "ceil", "real", "imag", "conj"),
)
# Carried out by XLA, on arrays of one length whatever the shape.
ELEMENTWISE = {
    *("acosh", "asin", "asinh", "atan", "atan2", "atanh", "acos", "bessel_i0e", "bessel_i1e"),
    *("bitcast_convert_type", "cbrt", "digamma", "erf", "erf_inv", "erfc", "exp2", "lgamma"),
    *("nextafter", "polygamma", "rem", "zeta", "shift_right_arithmetic", "tan", "not"),
}


def plain(function: Callable[..., Any]) -> Rule:
    """A rule without parameters."""
    return lambda equation, *operands: function(*operands)


def by(name: str, function: Callable[..., Any]) -> Rule:
    """A rule with one parameter, which NumPy's function takes second."""
    return lambda equation, x: function(x, equation.params[name])


def along(function: Callable[..., Any]) -> Rule:
    """A reduction over axes."""
    return lambda equation, x: function(x, axis=tuple(equation.params["axes"]))


def position(function: Callable[..., Any]) -> Rule:
    """The place of an extreme value along one axis."""
    return lambda equation, x: function(x, axis=equation.params["axes"][0])


def running(function: Callable[..., Any]) -> Rule:
    """A cumulative function, from either end."""

    def rule(equation: Any, x: Any) -> Any:
        axis = equation.params["axis"]
        if equation.params["reverse"]:
            return np.flip(function(np.flip(x, axis), axis=axis), axis)
        return function(x, axis=axis)

    return rule


def divided(equation: Any, a: Any, b: Any) -> Any:
    """Integers are rounded to zero."""
    if a.dtype.kind in "iu":
        return np.trunc(a / b)
    return a / b


def power(equation: Any, a: Any, b: Any) -> Any:
    """Any power, integers among the exponents."""
    return np.power(a, b.astype(a.dtype))


def rounded(equation: Any, x: Any) -> Any:
    """Halves away from zero (0), or to even (1)."""
    if int(equation.params["rounding_method"]) == 0:
        return np.sign(x) * np.floor(np.abs(x) + 0.5)
    return np.round(x)


def chosen(equation: Any, which: Any, *cases: Any) -> Any:
    """The case that ``which`` numbers."""
    return np.choose(which.astype(int), np.broadcast_arrays(*cases))


def broadcast(equation: Any, x: Any) -> Any:
    """Axes of ``x`` go to the places that are named."""
    shape = equation.params["shape"]
    wide = [1] * len(shape)
    for i, n in zip(equation.params["broadcast_dimensions"], x.shape, strict=True):
        wide[i] = n
    return np.broadcast_to(x.reshape(wide), shape)


def reshaped(equation: Any, x: Any) -> Any:
    """The elements in the order of the axes in ``dimensions``, in a new shape."""
    order = equation.params["dimensions"] or tuple(range(x.ndim))
    return np.transpose(x, order).reshape(equation.params["new_sizes"])


def sliced(equation: Any, x: Any) -> Any:
    """A slice along each axis."""
    params = equation.params
    strides = params["strides"] or [1] * x.ndim
    return x[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


def starts_of(x: Any, starts: Any, sizes: Any) -> tuple[slice, ...]:
    """Where a window lies that is pushed back inside."""
    first = [int(np.clip(s, 0, n - m)) for s, n, m in zip(starts, x.shape, sizes, strict=True)]
    return tuple(slice(s, s + m) for s, m in zip(first, sizes, strict=True))


def dynamic_slice(equation: Any, x: Any, *starts: Any) -> Any:
    """A window that begins where computed."""
    return x[starts_of(x, starts, equation.params["slice_sizes"])]


def dynamic_update(equation: Any, x: Any, update: Any, *starts: Any) -> Any:
    """The window replaced."""
    out = x.copy()
    out[starts_of(x, starts, update.shape)] = update
    return out


def padded(equation: Any, x: Any, value: Any) -> Any:
    """Padding before, after (negative: cut off) and between."""
    for axis, (low, high, inner) in enumerate(equation.params["padding_config"]):
        n = x.shape[axis]
        full = list(x.shape)
        full[axis] = max(n + (n - 1) * inner, 0) + max(low, 0) + max(high, 0)
        out = np.full(full, value, x.dtype)
        to: list[Any] = [slice(None)] * x.ndim
        start = max(low, 0)
        to[axis] = slice(start, start + n + (n - 1) * inner, inner + 1) if n else slice(0, 0)
        out[tuple(to)] = x
        to[axis] = slice(max(-low, 0), full[axis] - max(-high, 0))
        x = out[tuple(to)]
    return x


def counted(equation: Any) -> Any:
    """0, 1, 2, ... along one axis."""
    shape, axis = equation.params["shape"], equation.params["dimension"]
    wide = [1] * len(shape)
    wide[axis] = shape[axis]
    return np.broadcast_to(np.arange(shape[axis]).reshape(wide), shape)


def in_parts(equation: Any, x: Any) -> list[Any]:
    """Pieces of given lengths."""
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return np.split(x, ends, equation.params["axis"])


def unstacked(equation: Any, x: Any) -> list[Any]:
    """The slices along an axis."""
    return list(np.moveaxis(x, equation.params["axis"], 0))


def product(equation: Any, a: Any, b: Any) -> Any:
    """Sums over the contracted axes, for each place on the batch axes."""
    (of_a, of_b), (batch_a, batch_b) = equation.params["dimension_numbers"]
    free_a = [i for i in range(a.ndim) if i not in (*of_a, *batch_a)]
    free_b = [i for i in range(b.ndim) if i not in (*of_b, *batch_b)]
    count = int(np.prod([a.shape[i] for i in of_a], dtype=int))
    batch = tuple(a.shape[i] for i in batch_a)
    left = np.transpose(a, (*batch_a, *free_a, *of_a)).reshape((*batch, -1, count))
    right = np.transpose(b, (*batch_b, *of_b, *free_b)).reshape((*batch, count, -1))
    shape = (*batch, *[a.shape[i] for i in free_a], *[b.shape[i] for i in free_b])
    return (left @ right).reshape(shape)


def triangular(equation: Any, a: Any, b: Any) -> Any:
    """The solution of a x = b or x a = b, of one triangle of ``a``."""
    params = equation.params
    a = np.tril(a) if params["lower"] else np.triu(a)
    if params["unit_diagonal"]:
        place = np.arange(a.shape[-1])
        a[..., place, place] = 1
    a = np.conj(a) if params["conjugate_a"] else a
    a = np.matrix_transpose(a) if params["transpose_a"] else a
    if params["left_side"]:
        return np.linalg.solve(a, b)
    return np.matrix_transpose(np.linalg.solve(np.matrix_transpose(a), np.matrix_transpose(b)))


def ordered(equation: Any, *operands: Any) -> list[Any]:
    """All operands in the order of the first ones, ties left as they are."""
    axis, keys = equation.params["dimension"], operands[: equation.params["num_keys"]]
    order = np.lexsort(tuple(reversed(keys)), axis=axis)
    return [np.take_along_axis(x, order, axis) for x in operands]


def transformed(equation: Any, x: Any) -> Any:
    """Fourier transforms over the last axes: there, back, and of real values."""
    lengths = equation.params["fft_lengths"]
    axes = tuple(range(-len(lengths), 0))
    kinds = (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn)
    return kinds[int(equation.params["fft_type"])](x, s=lengths, axes=axes)


# ---- gather and scatter --------------------------------------------------------------------------


class Windows:
    """The places in an array that gather reads and scatter writes: a window for each index.

    ``places`` has an array of positions for each axis, of shape (indices..., window...); ``inside``
    says which windows are.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        indices: Any,
        sizes: tuple[int, ...],
        mapped: tuple[int, ...],
        batching: tuple[tuple[int, ...], tuple[int, ...]],
        clipped: bool,
    ) -> None:
        counts = indices.shape[:-1]
        starts = np.zeros((len(shape), *counts), int)
        for k, axis in enumerate(mapped):
            starts[axis] = indices[..., k]
        limits = np.asarray(shape) - np.asarray(sizes)
        wide = limits.reshape(-1, *[1] * len(counts))
        self.inside = np.all((starts >= 0) & (starts <= wide), axis=0)
        starts = np.clip(starts, 0, wide)
        if clipped:
            self.inside = np.ones_like(self.inside)
        grid = np.indices(counts)
        for axis, of_indices in zip(*batching, strict=True):
            starts[axis] = grid[of_indices]
        kept = [axis for axis in range(len(shape)) if sizes[axis] > 0]
        self.places = []
        for axis in kept:
            step = [1] * len(shape)
            step[axis] = sizes[axis]
            offset = np.arange(sizes[axis]).reshape([1] * len(counts) + step)
            self.places.append(starts[axis].reshape((*counts, *[1] * len(shape))) + offset)


def gather(equation: Any, x: Any, indices: Any) -> Any:
    """The windows of ``x`` that begin at the indices."""
    params, out = equation.params, equation.outvars[0].aval
    numbers = params["dimension_numbers"]
    batching = (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    mode = str(params["mode"])
    sizes = params["slice_sizes"]
    found = Windows(x.shape, indices, sizes, numbers.start_index_map, batching, "CLIP" in mode)
    count = indices.ndim - 1
    values = x[tuple(found.places)]
    if not found.inside.all():
        fill = params["fill_value"]
        missing = np.nan if fill is None and x.dtype.kind in "fc" else fill or 0
        inside = found.inside.reshape((*found.inside.shape, *[1] * x.ndim))
        values = np.where(inside, values, missing)
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    values = values.squeeze(tuple(count + i for i in sorted(gone)))
    rest = iter(range(count))
    windows = iter(range(count, values.ndim))
    order = [next(windows) if i in numbers.offset_dims else next(rest) for i in range(out.ndim)]
    return np.transpose(values, order)


def scatter(change: Callable[..., Any]) -> Rule:
    """``x`` with its windows at the indices changed by the updates."""

    def rule(equation: Any, x: Any, indices: Any, updates: Any) -> Any:
        numbers = equation.params["dimension_numbers"]
        gone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        lengths = iter(updates.shape[i] for i in numbers.update_window_dims)
        sizes = tuple(1 if i in gone else next(lengths) for i in range(x.ndim))
        batching = (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims)
        clipped = "CLIP" in str(equation.params["mode"])
        mapped = numbers.scatter_dims_to_operand_dims
        found = Windows(x.shape, indices, sizes, mapped, batching, clipped)
        rest = [i for i in range(updates.ndim) if i not in numbers.update_window_dims]
        ordered = np.transpose(updates, (*rest, *numbers.update_window_dims))
        ordered = ordered.reshape((*indices.shape[:-1], *sizes))
        out = x.copy()
        keep = found.inside
        places = tuple(np.broadcast_to(place, ordered.shape)[keep] for place in found.places)
        change(out, places, ordered[keep])
        return out

    return rule


def replaced(out: Any, places: Any, values: Any) -> None:
    """The last value counts."""
    out[places] = values


BY_NUMPY: dict[str, Rule] = {
    **{name: plain(getattr(np, name)) for name in NUMPYS},
    "neg": plain(np.negative),
    "add": plain(np.add),
    "add_any": plain(np.add),
    "sub": plain(np.subtract),
    "mul": plain(np.multiply),
    "div": divided,
    "max": plain(np.maximum),
    "min": plain(np.minimum),
    "pow": power,
    "integer_pow": lambda equation, x: x ** float(equation.params["y"]),
    "rsqrt": plain(lambda x: 1 / np.sqrt(x)),
    "logistic": plain(lambda x: 1 / (1 + np.exp(-x))),
    "is_finite": plain(np.isfinite),
    "eq": plain(np.equal),
    "ne": plain(np.not_equal),
    "lt": plain(np.less),
    "le": plain(np.less_equal),
    "gt": plain(np.greater),
    "ge": plain(np.greater_equal),
    "and": plain(np.bitwise_and),
    "or": plain(np.bitwise_or),
    "complex": plain(lambda a, b: a + 1j * b),
    "clamp": plain(lambda low, x, high: np.minimum(np.maximum(x, low), high)),
    "round": rounded,
    "select_n": chosen,
    "convert_element_type": lambda equation, x: x.astype(equation.params["new_dtype"]),
    "stop_gradient": plain(np.asarray),
    "copy": plain(np.asarray),
    "copy_p": plain(np.asarray),
    "broadcast_in_dim": broadcast,
    "reshape": reshaped,
    "transpose": by("permutation", np.transpose),
    "squeeze": by("dimensions", np.squeeze),
    "expand_dims": by("dimensions", np.expand_dims),
    "rev": by("dimensions", np.flip),
    "slice": sliced,
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update,
    "pad": padded,
    "concatenate": lambda equation, *x: np.concatenate(x, equation.params["dimension"]),
    "stack": lambda equation, *x: np.stack(x, equation.params["axis"]),
    "split": in_parts,
    "unstack": unstacked,
    "iota": counted,
    "reduce_sum": along(np.sum),
    "reduce_prod": along(np.prod),
    "reduce_max": along(np.max),
    "reduce_min": along(np.min),
    "reduce_and": along(np.all),
    "reduce_or": along(np.any),
    "argmax": position(np.argmax),
    "argmin": position(np.argmin),
    "cumsum": running(np.cumsum),
    "cumprod": running(np.cumprod),
    "cummax": running(np.maximum.accumulate),
    "sort": ordered,
    "dot_general": product,
    "triangular_solve": triangular,
    "fft": transformed,
    "gather": gather,
    "scatter": scatter(replaced),
    "scatter-add": scatter(np.add.at),
    "scatter-mul": scatter(np.multiply.at),
}
