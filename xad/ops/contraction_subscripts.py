"""Subscripts of `einsum`: which axes of which operand carry which index."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from xad.errors import ShapeError

Index = str | int
"""A letter; for an axis under an ellipsis a number, counted from the end: -1 is the last one."""

Indices = tuple[Index, ...]


class Subscripts(NamedTuple):
    """What a string like ``"ij,jk->ik"`` says of operands of certain shapes."""

    inputs: tuple[Indices, ...]
    output: Indices
    sizes: dict[Index, int]


def text_of(arguments: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The subscripts as a string, and the operands, from either of the two ways to write them."""
    if arguments and isinstance(arguments[0], str):
        return "".join(arguments[0].split()), arguments[1:]
    pairs, rest = arguments[: len(arguments) // 2 * 2], arguments[len(arguments) // 2 * 2 :]
    if not pairs or not all(isinstance(part, (list, tuple)) for part in (*pairs[1::2], *rest)):
        raise TypeError(
            "xad.einsum: expected a string of subscripts and then arrays, or arrays that are each "
            f"followed by a list of whole numbers, got {[type(x).__name__ for x in arguments]}"
        )
    text = ",".join(map(_letters, pairs[1::2]))
    return text + (f"->{_letters(rest[0])}" if rest else ""), pairs[::2]


def _letters(numbers: Sequence[Any]) -> str:
    """A list of whole numbers and ``...`` as letters in the same order: 0 is A, 26 is a."""
    return "".join("..." if n is Ellipsis else _letter(operator.index(n)) for n in numbers)


def _letter(n: int) -> str:
    if not 0 <= n < 52:
        raise ValueError(f"xad.einsum: expected indices from 0 to 51 in a list, got {n}")
    return chr(ord("A") + n if n < 26 else ord("a") + n - 26)


def parsed(text: str, shapes: Sequence[tuple[int, ...]]) -> Subscripts:
    """The meaning of a string of subscripts without spaces. Errors: ValueError, ShapeError."""
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            f"xad.einsum: expected {len(terms)} operands for {text!r}, which has as many terms, "
            f"got {len(shapes)}"
        )
    inputs = tuple([_indices(text, t, s) for t, s in zip(terms, shapes, strict=True)])
    sizes = _sizes(text, inputs, shapes)
    hidden = sorted(i for i in sizes if isinstance(i, int))
    if not arrow:
        counts = Counter(i for term in inputs for i in term if isinstance(i, str))
        return Subscripts(inputs, (*hidden, *sorted(i for i in counts if counts[i] == 1)), sizes)
    if hidden and "..." not in right:
        raise ValueError(
            f"xad.einsum: expected '...' after '->' in {text!r}, as the ellipsis stands for "
            f"{len(hidden)} axes of the operands; name them to sum over them"
        )
    output = _expanded(text, right, hidden)
    repeated = [i for i, n in Counter(output).items() if n > 1]
    unknown = [i for i in output if i not in sizes]
    if repeated or unknown:
        raise ValueError(
            f"xad.einsum: expected indices of the operands after '->' in {text!r}, each once, got "
            f"{(repeated or unknown)[0]!r}{' twice' if repeated else ''}"
        )
    return Subscripts(inputs, output, sizes)


def _indices(text: str, term: str, shape: tuple[int, ...]) -> Indices:
    """The index of each axis of an operand."""
    named = len(term.replace("...", "", 1))
    hidden = len(shape) - named
    if hidden < 0 or (hidden and "..." not in term):
        least = "at least " if "..." in term else ""
        raise ShapeError(
            f"xad.einsum: expected an array with {least}{named} axes for {term!r} of {text!r}, "
            f"got shape {shape}"
        )
    return _expanded(text, term, range(-hidden, 0))


def _expanded(text: str, term: str, hidden: Sequence[int]) -> Indices:
    """The letters of a term, with the ``hidden`` axes in place of its ellipsis."""
    before, _, after = term.partition("...")
    for c in before + after:
        if not c.isalpha():
            raise ValueError(
                f"xad.einsum: expected letters, ',', '->' and at most one '...' in each term of "
                f"{text!r}, got {c!r}"
            )
    return (*before, *(hidden if "..." in term else ()), *after)


def _sizes(
    text: str, inputs: tuple[Indices, ...], shapes: Sequence[tuple[int, ...]]
) -> dict[Index, int]:
    """The length that each index runs over; axes of length one are repeated."""
    sizes: dict[Index, int] = {}
    for term, shape in zip(inputs, shapes, strict=True):
        own: dict[Index, int] = {}
        for index, length in zip(term, shape, strict=True):
            known = sizes.get(index, 1)
            if own.setdefault(index, length) != length or not (length in (1, known) or known == 1):
                other = own[index] if own[index] != length else known
                raise ShapeError(
                    f"xad.einsum: expected one length for index {_shown(index)} of {text!r}, got "
                    f"{other} and {length} in shapes {', '.join(map(str, shapes))}"
                )
            if length != 1 or index not in sizes:
                sizes[index] = length
    return sizes


def _shown(index: Index) -> str:
    return repr(index) if isinstance(index, str) else f"{index} of '...'"
