"""The op database: einsum."""

from __future__ import annotations

from typing import Any

import numpy as np

from xad.errors import DTypeError, ShapeError
from xad.testing.opinfo import ErrorCase, Maker, OpInfo, Sample

LENGTHS = {"a": 2, "b": 3, "c": 2, "d": 1, "i": 2, "j": 3, "k": 4, "l": 2}

# The first six are those whose second derivatives are tested.
SUBSCRIPTS = (
    "ij,jk->ik",
    "ij,jk,kl->li",
    "ii",
    "iij->j",
    "ij,ij->",
    "aij,ajk->aik",
    "ij,jk",
    "ij->ji",
    "ij->",
    "ba",
    "i,j->ji",
    "ij,ij->i",
    "ij,i->ij",
    "ij,k->i",
    "ijk,jl->ilk",
    "iji->ij",
    "iijj->j",
    "iii->i",
    "ai,bi,ci->abc",
    "ij,jk,ki->",
    "abi,bck->aick",
    "d,ad->a",
    " i j , j -> i ",
    ",ij->ij",
)
BROADCAST: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = (
    ("...ij,...jk->...ik", ((2, 1, 3, 2), (3, 2, 2))),
    ("...i,...i", ((2, 3), (3,))),
    ("i...,i...->...", ((2, 3), (2, 1))),
    ("...ii->...i", ((2, 3, 3),)),
    ("...,...->...", ((2, 1), (3,))),
    ("i...j->j...", ((2, 4, 3),)),
    ("ij,ij->ij", ((1, 3), (2, 3))),
    ("ij,jk->ik", ((2, 1), (3, 4))),
    ("ij,jk->ik", ((2, 0), (0, 2))),
    ("ii->i", ((0, 0),)),
)


def _lettered(make: Maker, subscripts: str) -> tuple[Any, ...]:
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    return tuple(make.array(*[LENGTHS[letter] for letter in term]) for term in terms)


def _samples(make: Maker) -> list[Sample]:
    made = [Sample((s, *_lettered(make, s))) for s in SUBSCRIPTS]
    made += [Sample((s, *(make.array(*shape) for shape in shapes))) for s, shapes in BROADCAST]
    a, b, c = make.array(2, 3), make.array(3, 4), make.array(4, 2)
    chain = ("ij,jk,kl->il", a, b, c)
    orders: list[Any] = [False, "greedy", "optimal", [(1, 2), (0, 1)], ["einsum_path", (0, 1, 2)]]
    return [
        *made,
        *(Sample(chain, {"optimize": order}) for order in orders),
        Sample((a, [0, 1], b, [1, 2])),
        Sample((a, [0, 1], b, [1, 30], [30, 0])),
        Sample((make.array(2, 3, 3), [..., 5, 5], [..., 5])),
    ]


def _reference(*arguments: Any, optimize: Any = True) -> Any:
    """NumPy's, in its own order: it takes fewer forms of ``optimize``."""
    return np.einsum(*arguments)


def _errors(make: Maker) -> list[ErrorCase]:
    a, b = make.array(2, 3), make.array(3, 4)
    return [
        ErrorCase(("ij,jk", a), ValueError, "expected 2 operands for 'ij,jk'.*got 1"),
        ErrorCase(("ijk", a), ShapeError, r"with 3 axes for 'ijk' of 'ijk', got shape \(2, 3\)"),
        ErrorCase(("...ijk", a), ShapeError, r"at least 3 axes for '...ijk'"),
        ErrorCase(("ij,ik", a, b), ShapeError, r"index 'i' of 'ij,ik', got 2 and 3 in .*\(3, 4\)"),
        ErrorCase(("...,...", a, b), ShapeError, "index -2 of '...' of '...,...', got 2 and 3"),
        ErrorCase(("ii", a), ShapeError, "index 'i' of 'ii', got 2 and 3"),
        ErrorCase(("ii->", make.array(1, 3)), ShapeError, "index 'i' of 'ii->', got 1 and 3"),
        ErrorCase(("ij->k", a), ValueError, "operands after '->' in 'ij->k', each once, got 'k'"),
        ErrorCase(("ij->ii", a), ValueError, "each once, got 'i' twice"),
        ErrorCase(("i...->i", a), ValueError, "expected '...' after '->' in 'i...->i'"),
        ErrorCase(("i$", a), ValueError, r"expected letters.*got '\$'"),
        ErrorCase((a, [0, 99]), ValueError, "expected indices from 0 to 51 in a list, got 99"),
        ErrorCase((a, b), TypeError, "expected a string of subscripts and then arrays"),
        ErrorCase((",ij", 2.0, a), TypeError, r"got the number 2.0; multiply by a number with \*"),
        ErrorCase(("ij", a > 0), DTypeError, "got booleans; cast them with xad.astype"),
        ErrorCase(("ij", [[1.0]]), TypeError, "expected an array, got list"),
        ErrorCase(("ij,jk", a, b), ValueError, "places from 0 to 1", {"optimize": [(0, 2)]}),
        ErrorCase(("ij,jk", a, b), ValueError, "expected optimize=True", {"optimize": 3}),
    ]


OPS: list[OpInfo] = [
    OpInfo(
        "einsum",
        _samples,
        _reference,
        kinds="fci",
        differentiable="fc",
        errors=_errors,
    ),
]
