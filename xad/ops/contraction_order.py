"""In which order `einsum` multiplies its operands, two at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

from xad.ops.contraction_subscripts import Index, Indices

Path = tuple[tuple[int, ...], ...]
"""Which operands to multiply next, by their places in the list; the product is put at its end."""


def path_for(
    terms: Sequence[Indices], output: Indices, sizes: dict[Index, int], optimize: Any
) -> Path:
    """The order that ``optimize`` asks for: see `xad.einsum`. Errors: ValueError."""
    count = len(terms)
    if isinstance(optimize, (list, tuple)):
        return _given(optimize, count)
    if not isinstance(optimize, (bool, str)):
        raise ValueError(
            "xad.einsum: expected optimize=True, False, the name of a strategy or a list of "
            f"places, got {optimize!r}"
        )
    if count < 3:
        return (tuple(range(count)),)
    if optimize is False:
        return ((0, 1), *((0, left - 1) for left in range(count - 1, 1, -1)))
    strategy = "auto" if optimize is True else optimize
    try:
        import opt_einsum
    except ImportError:
        return _greedy(terms, output, sizes)
    symbols = {index: opt_einsum.get_symbol(i) for i, index in enumerate(sizes)}
    words = ["".join(symbols[i] for i in term) for term in (*terms, output)]
    shapes = [tuple([sizes[i] for i in term]) for term in terms]
    path, _ = opt_einsum.contract_path(
        f"{','.join(words[:-1])}->{words[-1]}", *shapes, shapes=True, optimize=strategy
    )
    return tuple([tuple(step) for step in path])


def _given(steps: Sequence[Any], count: int) -> Path:
    """A list of places, as `numpy.einsum_path` returns it too; checked."""
    found = [tuple(step) for step in steps if step != "einsum_path"]
    left = count
    for step in found:
        if not step or len(set(step)) != len(step) or not all(0 <= i < left for i in step):
            raise ValueError(
                f"xad.einsum: expected places from 0 to {left - 1} in each step of optimize, "
                f"got {step}"
            )
        left += 1 - len(step)
    return (*found, tuple(range(left))) if left > 1 else tuple(found)


def _greedy(terms: Sequence[Indices], output: Indices, sizes: dict[Index, int]) -> Path:
    """Each time the two whose product takes least memory more than they do; of equals the cheaper.

    Source: Smith and Gray, opt_einsum, Journal of Open Source Software 3 (26), 2018.
    """
    left = [frozenset(term) for term in terms]
    path = []
    while len(left) > 1:
        best = None
        for i in range(len(left)):
            for j in range(i + 1, len(left)):
                others = left[:i] + left[i + 1 : j] + left[j + 1 :]
                both = left[i] | left[j]
                product = both & frozenset(output).union(*others)
                growth = sum(_count(x, sizes) * s for x, s in ((product, 1), (left[i], -1)))
                cost = (growth - _count(left[j], sizes), _count(both, sizes))
                if best is None or cost < best[0]:
                    best = cost, (i, j), [*others, product]
        if best is not None:
            _, step, left = best
            path.append(step)
    return tuple(path)


def _count(indices: Collection[Index], sizes: dict[Index, int]) -> int:
    return math.prod([sizes[i] for i in indices])
