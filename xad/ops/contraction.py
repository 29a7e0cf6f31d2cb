"""``einsum``: sums of products over indices, as matrix products wherever there is one in it.

Every step is an operation that has its derivatives, so `einsum` needs no rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from xad.core.boxing import box
from xad.core.diagnosis import SCALARS
from xad.errors import DTypeError
from xad.ops.arguments import Array, is_kind, operand
from xad.ops.contraction_order import Path, path_for
from xad.ops.contraction_subscripts import Index, Indices, Subscripts, parsed, text_of
from xad.ops.elementwise_arithmetic import multiply
from xad.ops.indexing import getitem
from xad.ops.linear_algebra import matmul
from xad.ops.manipulation import permute_dims, reshape
from xad.ops.statistical import sum as sum_over

__all__ = ["einsum"]


def einsum(subscripts: Any, /, *operands: Any, optimize: Any = True) -> Array:
    """Sum of products of elements over indices, in Einstein's notation.

        y = Σ a[i, j] b[j, k]        for "ij,jk->ik"

    ``subscripts``: a letter for each axis of each operand, with commas between the operands.
    Indices that are not named after ``->`` are summed over; without ``->`` those that occur once
    stay, in alphabetical order. An index twice in one operand takes its diagonal. ``...`` stands
    for further axes, which broadcast; so do axes of length one. ``operands``: arrays of numeric
    data types. Or, in place of the string, after each operand a list of whole numbers from 0 to
    51 and ``...``, and at the end one for the result.

    ``optimize``: the order in which more than two operands are multiplied. True for a good one,
    False for left to right; "greedy", "optimal" or another name that opt_einsum knows, if that is
    installed, for without it every order asked for by name is the greedy one; or a list of places
    as `numpy.einsum_path` returns it.

    Returns an array of the promoted data type. Nothing is conjugated.

    Errors: ValueError for subscripts that do not fit each other; ShapeError (a ValueError) for
    shapes that do not fit them; DTypeError for booleans; TypeError for numbers.

    >>> import numpy as np, xad
    >>> a, b = np.ones((2, 3)), np.ones((3, 4))
    >>> xad.einsum("ij,jk->ki", a, b).shape
    (4, 2)
    >>> xad.grad(lambda a: xad.einsum("ii", a))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])

    Source: NumPy, ``numpy.einsum``; Smith and Gray, opt_einsum, Journal of Open Source Software
    3 (26), 2018.
    """
    text, given = text_of((subscripts, *operands))
    arrays = [_operand(x) for x in given]
    shapes = tuple([tuple(x.shape) for x in arrays])
    order = _hashable(optimize) if isinstance(optimize, (list, tuple)) else optimize
    meaning, path = _plan(text, shapes, order)
    terms = [
        _alone(x, indices, meaning.sizes) for x, indices in zip(arrays, meaning.inputs, strict=True)
    ]
    return box(_contracted(terms, path, meaning.output))


def _operand(x: Any) -> Any:
    if type(x) in SCALARS:
        raise TypeError(
            f"xad.einsum: expected arrays, got the number {x!r}; multiply by a number with *"
        )
    x = operand("einsum", x)
    if is_kind(x, "bool"):
        raise DTypeError(
            "xad.einsum: expected arrays of numbers, got booleans; cast them with xad.astype"
        )
    return x


def _hashable(steps: Any) -> tuple[Any, ...]:
    return tuple([step if isinstance(step, str) else tuple(step) for step in steps])


@lru_cache(maxsize=1024)
def _plan(text: str, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> tuple[Subscripts, Path]:
    meaning = parsed(text, shapes)
    terms = [
        tuple(dict.fromkeys([i for i, n in zip(term, shape, strict=True) if n == meaning.sizes[i]]))
        for term, shape in zip(meaning.inputs, shapes, strict=True)
    ]
    return meaning, path_for(terms, meaning.output, meaning.sizes, optimize)


Term = tuple[Any, Indices]
"""An array, and the index of each of its axes."""


def _contracted(terms: list[Term], path: Path, output: Indices) -> Any:
    """The terms multiplied in this order, and what is left in the order of the output."""
    for step in path:
        chosen = [terms[i] for i in step]
        terms = [term for i, term in enumerate(terms) if i not in step]
        product = chosen[0]
        for i, other in enumerate(chosen[1:], start=2):
            later = [indices for _, indices in (*terms, *chosen[i:])]
            product = _product(product, other, {*output}.union(*later))
        terms.append(product)
    ((x, indices),) = terms
    x, indices = _summed(x, indices, output)
    return _ordered(x, indices, output)


def _alone(x: Any, indices: Indices, sizes: dict[Index, int]) -> Term:
    """Diagonals taken, and axes of length one left out where the index runs further."""
    while len(set(indices)) < len(indices):
        x, indices = _diagonal(x, indices)
    shape = x.shape
    kept = [i for i, index in enumerate(indices) if shape[i] == sizes[index]]
    if len(kept) < len(indices):
        x = reshape(x, tuple([shape[i] for i in kept]))
        indices = tuple([indices[i] for i in kept])
    return x, indices


def _diagonal(x: Any, indices: Indices) -> Term:
    """The diagonal of the first two axes that have the same index."""
    twice = next(index for index in indices if indices.count(index) > 1)
    i = indices.index(twice)
    j = indices.index(twice, i + 1)
    rest = [k for k in range(len(indices)) if k not in (i, j)]
    n = x.shape[i]
    x = permute_dims(x, (*rest, i, j))
    # On the diagonal of a matrix every (n + 1)-th element lies.
    flat = reshape(x, (*x.shape[:-2], n * n))
    x = getitem(flat, (..., slice(None, None, n + 1)))
    return x, (*(indices[k] for k in rest), twice)


def _summed(x: Any, indices: Indices, needed: Collection[Index]) -> Term:
    """Sum over the indices that nobody needs."""
    axes = tuple([i for i, index in enumerate(indices) if index not in needed])
    if not axes:
        return x, indices
    # The standard's sum widens small integers, NumPy's einsum does not.
    total = sum_over(x, axis=axes, dtype=x.dtype)
    return total, tuple([index for index in indices if index in needed])


def _ordered(x: Any, indices: Indices, order: Indices) -> Any:
    return x if indices == order else permute_dims(x, tuple([indices.index(i) for i in order]))


def _product(first: Term, second: Term, needed: Collection[Index]) -> Term:
    """The product of two arrays, summed over what they share and nobody else needs."""
    a, in_a = _summed(*first, {*needed, *second[1]})
    b, in_b = _summed(*second, {*needed, *in_a})
    shared = [i for i in in_a if i in in_b]
    summed = tuple([i for i in shared if i not in needed])
    left = tuple([i for i in in_a if i not in in_b])
    right = tuple([i for i in in_b if i not in in_a])
    if not summed:
        a = reshape(a, (*a.shape, *(1,) * len(right))) if right else a
        b = _ordered(b, in_b, (*shared, *right))
        if left:
            lengths = dict(zip((*shared, *right), b.shape, strict=True))
            b = reshape(b, tuple([lengths.get(i, 1) for i in (*in_a, *right)]))
        return multiply(a, b), (*in_a, *right)
    batch = tuple([i for i in shared if i in needed])
    if not left and not right:
        # Libraries multiply rows by columns one at a time, and their gradients slower still.
        return _summed(multiply(a, _ordered(b, in_b, in_a)), in_a, needed)
    a = _ordered(a, in_a, (*batch, *left, *summed))
    b = _ordered(b, in_b, (*batch, *summed, *right))
    stack, rows, columns = len(batch), len(batch) + len(left), len(batch) + len(summed)
    lead, above, beside = a.shape[:stack], a.shape[stack:rows], b.shape[columns:]
    a = _merged(a, (*lead, math.prod(above), math.prod(a.shape[rows:])))
    b = _merged(b, (*lead, math.prod(b.shape[stack:columns]), math.prod(beside)))
    return _merged(matmul(a, b), (*lead, *above, *beside)), (*batch, *left, *right)


def _merged(x: Any, shape: tuple[int, ...]) -> Any:
    return x if x.shape == shape else reshape(x, shape)
