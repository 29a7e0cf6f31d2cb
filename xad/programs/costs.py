"""What an operation costs: a model, the same for every library.

- element by element: 1 flop for each element of the result; transcendental functions (exp, sin,
  special functions, powers) are counted apart, 1 for each element;
- reductions, cumulative operations, searches: 1 for each element that goes in; a mean of squared
  deviations 3; sorting n log2 n for each line of n;
- products: 2 m n k, and m n more where a bias is added; softmax and its relatives: 4 and 1
  transcendental for each element;
- linear algebra: the leading term of the textbook method, for each matrix; transforms: 5 n log2 n;
- what only moves, copies or converts elements: none.

A complex operation counts as one. What the model does not know is 1 for each element of the largest
array in it.

Source: Golub and Van Loan, Matrix Computations, 4th edition, 2013.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import log2, prod
from typing import NamedTuple

from xad.core.primitive import Params
from xad.core.recording import Instruction, Variable
from xad.programs.listing import Kind, Listing, dtype_name

__all__ = ["Cost", "cost_of", "size_in_bytes"]

Shape = tuple[int, ...]


class Cost(NamedTuple):
    """Operations, and bytes that go in and come out."""

    flops: int
    transcendental: int
    read: int
    written: int


TRANSCENDENTAL = (
    "acos acosh asin asinh atan atan2 atanh cos cosh exp expm1 log log10 log1p log2 logaddexp pow "
    "sin sinh tan tanh"
)
ALGEBRAIC = "special.affine special.relu"
MOVING = (
    "again astype assign broadcast_to concat conj flip gather getitem imag index "
    "linalg.diagonal linalg.place_diagonal permute_dims place put real repeat reshape roll "
    "stack stop_gradient take take_along_axis tile to_device tril triu truncate unstack"
)
SOFTMAX = "special.softmax special.log_softmax special.logsumexp special.softmax_cross_entropy"
PER_MATRIX: dict[str, Callable[[int, int], float]] = {
    "linalg.cholesky": lambda m, n: n**3 / 3,
    "linalg.det": lambda m, n: 2 * n**3 / 3,
    "linalg.eig": lambda m, n: 25 * n**3,
    "linalg.eigh": lambda m, n: 9 * n**3,
    "linalg.eigvals": lambda m, n: 10 * n**3,
    "linalg.eigvalsh": lambda m, n: 4 * n**3 / 3,
    "linalg.inv": lambda m, n: 2 * n**3,
    "linalg.inverse_or_nan": lambda m, n: 2 * n**3,
    "linalg.pinv": lambda m, n: 14 * max(m, n) * min(m, n) ** 2 + 8 * min(m, n) ** 3,
    "linalg.qr": lambda m, n: 4 * max(m, n) * min(m, n) ** 2 - 4 * min(m, n) ** 3 / 3,
    "linalg.slogdet": lambda m, n: 2 * n**3 / 3,
    "linalg.svd": lambda m, n: 14 * max(m, n) * min(m, n) ** 2 + 8 * min(m, n) ** 3,
    "linalg.svdvals": lambda m, n: 4 * max(m, n) * min(m, n) ** 2 - 4 * min(m, n) ** 3 / 3,
}


def cost_of(listing: Listing, instruction: Instruction) -> Cost:
    """What one operation of a program costs."""
    into = [listing.kinds[x] for x in instruction.operands if type(x) is Variable]
    out = [listing.kinds[x] for x in instruction.outputs]
    flops, transcendental = _operations(
        instruction, [x.shape for x in into], [x.shape for x in out]
    )
    read, written = sum(map(size_in_bytes, into)), sum(map(size_in_bytes, out))
    return Cost(round(flops), transcendental, read, written)


def _operations(
    instruction: Instruction, into: Sequence[Shape], out: Sequence[Shape]
) -> tuple[float, int]:
    """Flops, and transcendental operations."""
    primitive = instruction.primitive
    name = primitive.name
    made = sum(map(prod, out))
    special = (
        primitive.elementwise and name.startswith("special.") and name not in ALGEBRAIC.split()
    )
    if name in TRANSCENDENTAL.split() or special:
        return 0, made
    if name in SOFTMAX.split():
        return 4 * prod(into[0]), prod(into[0])
    if name in MODELS:
        return MODELS[name](instruction.params, into, made), 0
    if name in PER_MATRIX:
        *batch, m, n = into[0]
        return prod(batch) * PER_MATRIX[name](m, n), 0
    return made if primitive.elementwise else max(map(prod, [*into, *out]), default=0), 0


def _product(params: Params, into: Sequence[Shape], made: int) -> float:
    return 2 * prod(into[0][-1:]) * made


def _affine(params: Params, into: Sequence[Shape], made: int) -> float:
    return _product(params, into, made) + made


def _convolution(params: Params, into: Sequence[Shape], made: int) -> float:
    return 2 * min(prod(shape[-1:]) for shape in into) * made


def _solution(params: Params, into: Sequence[Shape], made: int) -> float:
    *batch, _, n = into[0]
    return prod(batch) * 2 * n**3 / 3 + 2 * n * made


def _deviations(params: Params, into: Sequence[Shape], made: int) -> float:
    return 3 * prod(into[0])


def _sort(params: Params, into: Sequence[Shape], made: int) -> float:
    length = into[0][params.get("axis", -1)] if into[0] else 1
    return made * log2(max(length, 1))


def _transform(params: Params, into: Sequence[Shape], made: int) -> float:
    points = max(prod(into[0]), made)
    return 5 * points * log2(max(prod(params.get("s") or (points,)), 1))


def _real_transform(params: Params, into: Sequence[Shape], made: int) -> float:
    return _transform(params, into, made) / 2


MODELS: dict[str, Callable[[Params, Sequence[Shape], int], float]] = {
    **dict.fromkeys(MOVING.split(), lambda params, into, made: 0),
    **dict.fromkeys(("matmul", "vecdot"), _product),
    **dict.fromkeys(("fft.fftn", "fft.ifftn"), _transform),
    **dict.fromkeys(("fft.rfftn", "fft.irfftn"), _real_transform),
    **dict.fromkeys(("sort", "argsort"), _sort),
    **dict.fromkeys(("std", "var"), _deviations),
    "convolve": _convolution,
    "linalg.solve": _solution,
    "special.affine": _affine,
}


def size_in_bytes(kind: Kind) -> int:
    """The memory of an array."""
    bits = re.search(r"\d+", dtype_name(kind.dtype))
    return prod(kind.shape) * (int(bits[0]) // 8 if bits else 1)
